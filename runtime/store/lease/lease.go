// Package lease says in a bucket who works on something, for the machines that share it. Where a store is a folder, flock does
// this better, since the kernel frees it; see package state.
//
// A lease is a term: leases/<name>/000007.json is put by whoever takes the seventh, and written again by that holder alone, to
// renew it or to give it up. Who finds the last term given up, or past its time, puts the next one; of many, one wins. So a
// holder that was killed leaves nothing to free by hand.
//
// Clocks may differ, and a holder may be asleep when its time is over and go on. So a lease keeps others from starting, and is
// no proof: what a holder writes carries the term, and whoever writes later refuses what is of an earlier term than it has
// seen, as state.Log does.
package lease

// A lease in rows of terms.
//
// leases/fraud/default/000007.json is a sealed JSON object: who holds term 7, a nonce, since when, until when, and whether
// the term was given up. Terms are numbered without gaps from the first that is still there, and a new one is put with PutNew.
//
//	10:00:00  A finds term 6 given up, and puts 7, until 10:01:00      A holds the lease
//	10:00:10  B finds 7, not ended                                     HeldError, free at 10:01:05 (Skew)
//	10:00:20  A renews: replaces 7, until 10:01:20                     only A writes 7, so nobody's write is lost
//	          A's machine is suspended
//	10:01:25  B and C find 7 past its time, and both put 8             B wins; C gets HeldError
//	10:01:30  B writes revision 42 of the log under term 8
//	10:02:00  A wakes up and puts revision 42 under term 7             there is one, of a later term: FencedError
//
// A's context (Keep) ends when its next renewal finds term 8, or its own time over. Between waking up and that, A may write to
// the store: objects and records, which are the same whoever writes them. The state's log alone must be fenced, and is: each
// revision carries its writer's term.
//
// Terms that nobody needs are deleted by who takes a new one (forget), up to the last that every list shows: the newest term is
// found by its key from there on, since a list may lag.

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"sync"
	"time"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

// Holder says who has a lease, for people.
type Holder struct {
	Who  string `json:"who"`
	Host string `json:"host,omitempty"`
	What string `json:"what,omitempty"` // "apply"
}

// term is what stands under the key of one.
type term struct {
	Holder  Holder    `json:"holder"`
	Nonce   string    `json:"nonce"`
	Since   time.Time `json:"since"`
	Expires time.Time `json:"expires"`
	Ended   bool      `json:"ended,omitempty"` // given up
}

const sealedTerm = "lease"

// Skew is the time that must pass after the end of another holder's lease before it can be taken, by the taker's clock. Leases are
// safe without fencing only where the clocks of the machines differ by less.
const Skew = 5 * time.Second

// HeldError: somebody else has the lease.
type HeldError struct {
	Name           string
	Holder         Holder
	Since, Expires time.Time
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is taken: %s by %s on %s since %s; unless it is renewed, it is free at %s", e.Name, e.Holder.What, e.Holder.Who, e.Holder.Host,
		e.Since.Format(time.RFC3339), e.Expires.Add(Skew).Format(time.RFC3339))
}

// LostError: the lease was this holder's, and is another's, or over.
type LostError struct {
	Name string
	Term int64
}

func (e *LostError) Error() string {
	return fmt.Sprintf("the lease on %s, term %d, was lost: it was not renewed in time, and somebody else may be at work", e.Name, e.Term)
}

// Clock tells the time. It is time.Now but in tests.
type Clock func() time.Time

// Lease is one that was taken.
type Lease struct {
	bucket bucket.Bucket
	name   string
	number int64
	ttl    time.Duration
	now    Clock

	mu   sync.Mutex
	term term
}

// key is that of one term of a name's lease. Numbers have leading zeros, so that the last key listed is the last term.
func key(name string, number int64) string { return fmt.Sprintf("leases/%s/%06d.json", name, number) }

// Take takes the lease of a name, such as fraud/default, for a time that can be renewed, at once or not at all: the error is a
// HeldError if somebody has it.
func Take(ctx context.Context, b bucket.Bucket, name string, h Holder, ttl time.Duration, now Clock) (*Lease, error) {
	top, held, err := look(ctx, b, name, now)
	if err != nil {
		return nil, err
	}
	if held != nil {
		return nil, held
	}
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	l := &Lease{bucket: b, name: name, number: top + 1, ttl: ttl, now: now}
	at := now().UTC().Truncate(time.Second)
	l.term = term{Holder: h, Nonce: hex.EncodeToString(nonce), Since: at, Expires: at.Add(ttl)}
	data, err := encode(l.term)
	if err != nil {
		return nil, err
	}
	putErr := bucket.Put(ctx, b, key(name, l.number), data)
	if putErr == nil {
		l.forget(ctx)
		return l, nil
	}
	t, whole, err := read(ctx, b, name, l.number) // whose it is tells the nonce, whatever the answer was
	switch {
	case err == nil && whole && t.Nonce == l.term.Nonce:
		return l, nil
	case errors.Is(putErr, fs.ErrExist) && err == nil:
		return nil, &HeldError{Name: name, Holder: t.Holder, Since: t.Since, Expires: t.Expires}
	}
	return nil, fmt.Errorf("taking the lease on %s: %w", name, putErr)
}

// Look says who has the lease of a name; nil if nobody has.
func Look(ctx context.Context, b bucket.Bucket, name string, now Clock) (*HeldError, error) {
	_, held, err := look(ctx, b, name, now)
	return held, err
}

// look finds the last term, and who holds it, if anybody does.
func look(ctx context.Context, b bucket.Bucket, name string, now Clock) (top int64, held *HeldError, err error) {
	if top, err = last(ctx, b, name); err != nil || top == 0 {
		return 0, nil, err
	}
	t, whole, err := read(ctx, b, name, top)
	if err == nil && whole && !t.Ended && now().Before(t.Expires.Add(Skew)) {
		held = &HeldError{Name: name, Holder: t.Holder, Since: t.Since, Expires: t.Expires}
	}
	return top, held, err
}

// last is the highest term, 0 if there is none. A list may not have it yet, so it is looked for by its key.
func last(ctx context.Context, b bucket.Bucket, name string) (int64, error) {
	top := int64(0)
	for n, err := range terms(ctx, b, name) {
		if err != nil {
			return 0, fmt.Errorf("looking for the lease on %s: %w", name, err)
		}
		top = max(top, n)
	}
	for {
		has, err := bucket.Has(ctx, b, key(name, top+1))
		if err != nil {
			return 0, fmt.Errorf("looking for the lease on %s: %w", name, err)
		}
		if !has {
			return top, nil
		}
		top++
	}
}

// terms lists the numbers of the terms that are there, in the order of their keys.
func terms(ctx context.Context, b bucket.Bucket, name string) iter.Seq2[int64, error] {
	prefix := "leases/" + name + "/"
	return func(yield func(int64, error) bool) {
		for k, err := range bucket.Keys(ctx, b, prefix, "") {
			n := int64(0)
			if err == nil {
				if _, bad := fmt.Sscanf(k[len(prefix):], "%d.json", &n); bad != nil || key(name, n) != k {
					continue
				}
			}
			if !yield(n, err) {
				return
			}
		}
	}
}

// read returns a term. Where its value is damaged (its seal does not match, or it is no JSON), whole is false and nobody holds
// that term, so that the next one can be taken at once.
func read(ctx context.Context, b bucket.Bucket, name string, number int64) (t term, whole bool, err error) {
	data, err := bucket.Read(ctx, b, key(name, number))
	if err != nil {
		return term{}, false, fmt.Errorf("reading the lease on %s: %w", name, err)
	}
	body, _, err := seal.Unseal(sealedTerm, data)
	if err != nil || json.Unmarshal(body, &t) != nil {
		return term{}, false, nil
	}
	return t, true, nil
}

// encode is a term as it lies in the bucket, sealed, so that half a file is known for one.
func encode(t term) ([]byte, error) {
	body, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	data, _ := seal.Seal(sealedTerm, body)
	return data, nil
}

const (
	// old is the age from which a term is in every list, however far lists lag.
	old = 24 * time.Hour
	// forgotten is how many terms are deleted when one is taken, at most.
	forgotten = 16
)

// forget deletes the terms, from the first one on, whose successor is older than a day. Of terms 1 to 9, of which 1 to 6 are older,
// it deletes 1 to 5. Term 6 stays, as the place from which last finds 7, 8 and 9 by their keys where a list does not have them
// yet. Errors are dropped: what was not deleted is deleted by a later taker.
func (l *Lease) forget(ctx context.Context) {
	var numbers []int64
	for n, err := range terms(ctx, l.bucket, l.name) {
		if err != nil || n >= l.number || len(numbers) > forgotten {
			break
		}
		numbers = append(numbers, n)
	}
	for i := 1; i < len(numbers); i++ {
		next, whole, err := read(ctx, l.bucket, l.name, numbers[i])
		if err != nil || whole && l.now().Sub(next.Since) < old {
			return
		}
		if whole && l.bucket.Delete(ctx, key(l.name, numbers[i-1])) != nil {
			return
		}
	}
}

// Term is the number of the term, greater than all before. It fences: see the package.
func (l *Lease) Term() int64 { return l.number }

// Renew has the lease last from now on. The error is a LostError where its time was over, or somebody else has taken the next term.
func (l *Lease) Renew(ctx context.Context) error {
	return l.write(ctx, func(t *term) error {
		if t.Ended || !l.now().Before(t.Expires) {
			return &LostError{l.name, l.number}
		}
		t.Expires = l.now().UTC().Truncate(time.Second).Add(l.ttl)
		return nil
	})
}

// Release gives the lease up, so that others need not wait until it expires. Where the lease was lost already, the later terms, which
// decide, are left as they are.
func (l *Lease) Release(ctx context.Context) error {
	return l.write(ctx, func(t *term) error { t.Ended = true; return nil })
}

// write changes the term that is held. If a later term is there, somebody took the lease for dead: it is lost, but may still
// be ended.
func (l *Lease) write(ctx context.Context, change func(*term) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.term
	if err := change(&t); err != nil {
		return err
	}
	next, err := bucket.Has(ctx, l.bucket, key(l.name, l.number+1))
	if err != nil {
		return fmt.Errorf("renewing the lease on %s: %w", l.name, err)
	}
	if next && !t.Ended {
		return &LostError{l.name, l.number}
	}
	data, err := encode(t)
	if err != nil {
		return err
	}
	if err := l.bucket.Replace(ctx, key(l.name, l.number), bytes.NewReader(data)); err != nil {
		return fmt.Errorf("renewing the lease on %s: %w", l.name, err)
	}
	l.term = t
	return nil
}

// Keep renews the lease three times in its time, until stop is called. The context that it returns ends when the lease is lost;
// its cause is the error.
func (l *Lease) Keep(ctx context.Context) (kept context.Context, stop func()) {
	kept, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(l.ttl / 3)
		defer tick.Stop()
		for {
			select {
			case <-kept.Done():
				return
			case <-tick.C:
			}
			err := l.Renew(kept)
			var lost *LostError
			if errors.As(err, &lost) {
				cancel(err)
				return
			} // another failure may pass before the time is over; then it is a loss
		}
	}()
	return kept, func() { cancel(context.Canceled); <-ended }
}
