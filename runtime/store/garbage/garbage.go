// Package garbage removes from a bucket the objects and records that nothing mentions any more, in two phases, while others work in it.
//
// Reach finds what is mentioned, Mark condemns the rest, and Sweep deletes, a grace later, what is still condemned. A Holder is for who is
// about to record something: what it rests on is not swept from then on.
package garbage

// How an object that is used again survives.
//
// What a revision, a record or a directory mentions by its digest is kept, whatever it mentions it for: so a kind of value that is added
// later is kept too. Everything else is condemned by a mark, gc/000007/mark.json, and deleted by a sweep that begins when the grace is over.
// In between, an apply may find a condemned record, as its stage is the same again, and record a revision that rests on it. Whether the
// sweep or the apply is first is decided without a lock, by two keys:
//
//	apply                                       sweep
//	puts gc/000007/kept/<key> for each key      puts gc/000007/closed.json
//	that it rests on and the mark has           finds anew what is mentioned
//	asks for gc/000007/closed.json              for each key: is it mentioned? asks for gc/000007/kept/<key>; deletes it
//	puts the revision                           puts gc/000007/swept.json
//
// Each puts its own key before it asks for the other's, so that at least one sees the other. If the apply finds the mark open, the sweep
// finds what it kept. If it finds the mark closed, it waits for the end of the sweep and looks whether what it rests on is there:
// where it is not, the revision is not written. So it looks too where the sweep has ended before it asked at all. So no revision names what a
// sweep has deleted.
//
// A mark is found by a list, which may lag; the grace is longer than any list lags. What was put and is in no record yet is condemned too,
// and is recorded long before the grace is over. A sweep has ten minutes; one that was killed, or is slower, deletes nothing more, and
// the next collection begins with a new mark. An apply that waits does so until then. For that alone clocks must agree, to within Skew.
//
// Records are deleted before objects, and copies of records before these: a record whose objects are gone only makes its stage run again.

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/objects"
	"github.com/mlp-lang/mlp/runtime/store/records"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

const (
	prefix = "gc/"
	// sweepFor is how long a sweep deletes.
	sweepFor = 10 * time.Minute
	// Skew is by how much clocks of machines that share a bucket may differ.
	Skew = 5 * time.Second
	// poll is how often it is looked whether a sweep has ended, if nobody says otherwise.
	poll = 100 * time.Millisecond
)

// mark is what stands under the key of one.
type mark struct {
	At   time.Time `json:"at"`
	Keys []string  `json:"keys"` // that are condemned, sorted
}

// closed says until when a sweep deletes.
type closed struct {
	Until time.Time `json:"until"`
}

func at(n int, name string) string { return fmt.Sprintf("%s%06d/%s.json", prefix, n, name) }

// keptKey is where it is said that a key of a mark is used again.
func keptKey(n int, key string) (string, error) {
	name, err := digest.Of([]byte(key)).Hex()
	return fmt.Sprintf("%s%06d/kept/%s", prefix, n, name), err
}

// newest is the number of the last mark, 0 if there is none, and what it says. done: it was swept, or its sweep is over without that.
// One of which the number is known is not read again.
func newest(ctx context.Context, b bucket.Bucket, now time.Time, known int) (n int, m mark, done bool, err error) {
	names, err := bucket.Folders(ctx, b, prefix)
	if err != nil {
		return 0, m, false, err
	}
	for _, name := range names {
		var x int
		if _, err := fmt.Sscanf(name, "%06d", &x); err == nil {
			n = max(n, x)
		}
	}
	for { // a list may lag
		if has, err := bucket.Has(ctx, b, at(n+1, "mark")); err != nil || !has {
			if err != nil {
				return 0, m, false, err
			}
			break
		}
		n++
	}
	if n == 0 {
		return 0, m, true, nil
	}
	if n != known {
		if err := read(ctx, b, at(n, "mark"), &m); err != nil {
			return 0, m, false, fmt.Errorf("reading a mark of garbage: %w", err)
		}
	}
	if has, err := bucket.Has(ctx, b, at(n, "swept")); err != nil || has {
		return n, m, has, err
	}
	var c closed
	switch err := read(ctx, b, at(n, "closed"), &c); {
	case errors.Is(err, fs.ErrNotExist):
		return n, m, false, nil
	case err != nil:
		return 0, m, false, fmt.Errorf("reading a mark of garbage: %w", err)
	}
	return n, m, now.After(c.Until.Add(Skew)), nil
}

func read(ctx context.Context, b bucket.Bucket, key string, into any) error {
	data, err := bucket.Read(ctx, b, key)
	if err != nil {
		return err
	}
	body, _, err := seal.Unseal("garbage", data)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

func put(ctx context.Context, b bucket.Bucket, key string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	data, _ := seal.Seal("garbage", body)
	return bucket.Put(ctx, b, key, data)
}

// Mentions are the digests that a value has in its text.
func Mentions(text []byte) []plan.Digest {
	const digits = 64
	var out []plan.Digest
	for {
		_, rest, found := bytes.Cut(text, []byte(digest.Prefix))
		if !found {
			return out
		}
		if text = rest; len(rest) >= digits && isHex(rest[:digits]) {
			out, text = append(out, plan.Digest(digest.Prefix+string(rest[:digits]))), rest[digits:]
		}
	}
}

func isHex(text []byte) bool {
	return !slices.ContainsFunc(text, func(c byte) bool { return !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') })
}

// directory is how the list of a directory begins, and longest how much of an object is read to know.
const directory = `{"format":"mlp.directory/`

// Reach finds the keys of all objects and records that values with these digests lead to: records lead to what they mention, directories to
// their files. It adds them to into, and reads no key that is there already.
func Reach(ctx context.Context, b bucket.Bucket, roots []plan.Digest, into map[string]bool) error {
	return walk(ctx, b, roots, into, func(string) {})
}

// walk is Reach, and also tells of each key that would be reached and has no value.
func walk(ctx context.Context, b bucket.Bucket, roots []plan.Digest, into map[string]bool, none func(key string)) error {
	roots = slices.Clone(roots)
	for len(roots) > 0 {
		d := roots[len(roots)-1]
		roots = roots[:len(roots)-1]
		object, err := objects.Key(d)
		if err != nil {
			continue // the text looked like a digest
		}
		hex, _ := d.Hex()
		for _, key := range []string{object, records.Prefix + hex + ".json", records.ReplacedPrefix + hex + ".json"} {
			if into[key] {
				continue
			}
			text, err := leading(ctx, b, key)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				none(key)
				continue
			case err != nil:
				return fmt.Errorf("finding what is used: %w", err)
			}
			into[key] = true
			roots = append(roots, Mentions(text)...)
		}
	}
	return nil
}

// leading is the text of a value that leads to others; of an object that is no directory there is none.
func leading(ctx context.Context, b bucket.Bucket, key string) ([]byte, error) {
	if strings.HasPrefix(key, objects.Prefix) {
		v, err := b.Get(ctx, key, bucket.Range{Length: int64(len(directory))})
		if err != nil {
			var irregular *bucket.IrregularError
			if errors.As(err, &irregular) {
				return nil, nil
			}
			return nil, err
		}
		head := make([]byte, len(directory))
		n, _ := v.Read(head)
		if err := v.Close(); err != nil {
			return nil, err
		}
		if !bytes.HasPrefix([]byte(directory), head[:n]) || n == 0 {
			return nil, nil
		}
	}
	return bucket.Read(ctx, b, key)
}

// Candidates are the keys of all objects and records in a bucket.
func Candidates(ctx context.Context, b bucket.Bucket) ([]string, error) {
	var out []string
	for _, prefix := range []string{objects.Prefix, records.Prefix} {
		for key, err := range bucket.Keys(ctx, b, prefix, "") {
			if err != nil {
				return nil, fmt.Errorf("listing the store: %w", err)
			}
			if !strings.HasPrefix(key, records.SegmentPrefix) {
				out = append(out, key)
			}
		}
	}
	return out, nil
}

// ErrRunning: another collection is at work.
var ErrRunning = errors.New("another collection of garbage is at work in this store")

// Mark condemns keys. The error is ErrRunning where a mark is open.
func Mark(ctx context.Context, b bucket.Bucket, keys []string, now time.Time) error {
	n, _, done, err := newest(ctx, b, now, 0)
	if err != nil {
		return err
	}
	if !done {
		return ErrRunning
	}
	keys = slices.Sorted(slices.Values(keys))
	err = put(ctx, b, at(n+1, "mark"), mark{At: now.UTC(), Keys: keys})
	if errors.Is(err, fs.ErrExist) {
		return ErrRunning
	}
	return err
}

// Due returns when the open mark was put, and how many keys it condemns; false if none is open.
func Due(ctx context.Context, b bucket.Bucket, now time.Time) (since time.Time, keys int, open bool, err error) {
	n, m, done, err := newest(ctx, b, now, 0)
	return m.At, len(m.Keys), n > 0 && !done && err == nil, err
}

// Sweep closes the open mark and deletes what it condemns and nobody has used since, by what used says is in use now. It returns the keys that
// it deleted. The error is ErrRunning where another sweep has closed the mark.
func Sweep(ctx context.Context, b bucket.Bucket, used func(context.Context) (map[string]bool, error), now func() time.Time) (deleted []string, err error) {
	n, m, done, err := newest(ctx, b, now(), 0)
	if err != nil || n == 0 || done {
		return nil, err
	}
	until := now().Add(sweepFor).UTC()
	if err := put(ctx, b, at(n, "closed"), closed{Until: until}); errors.Is(err, fs.ErrExist) {
		return nil, ErrRunning
	} else if err != nil {
		return nil, err
	}
	reached, err := used(ctx)
	if err != nil {
		return nil, err
	}
	keys := slices.DeleteFunc(slices.Clone(m.Keys), func(key string) bool { return reached[key] })
	recordsFirst := func(key string) int {
		if strings.HasPrefix(key, records.Prefix) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(keys, func(a, b string) int { return recordsFirst(a) - recordsFirst(b) })
	if len(keys) > 0 && recordsFirst(keys[0]) == 0 {
		if err := dropSegments(ctx, b); err != nil {
			return nil, err
		}
	}
	for _, key := range keys {
		kept, err := keptKey(n, key)
		if err != nil {
			return deleted, err
		}
		if has, err := bucket.Has(ctx, b, kept); err != nil {
			return deleted, err
		} else if has {
			continue
		}
		if !now().Before(until) {
			return deleted, fmt.Errorf("%d of %d values were deleted in %s, and the rest stays: collect again", len(deleted), len(keys), sweepFor)
		}
		if err := b.Delete(ctx, key); err != nil {
			return deleted, fmt.Errorf("deleting garbage: %w", err)
		}
		deleted = append(deleted, key)
	}
	return deleted, put(ctx, b, at(n, "swept"), struct{}{})
}

// dropSegments deletes all copies of records: one that has a record which is deleted would bring it back. They are written anew by who reads
// records alone.
func dropSegments(ctx context.Context, b bucket.Bucket) error {
	for key, err := range bucket.Keys(ctx, b, records.SegmentPrefix, "") {
		if err == nil {
			err = b.Delete(ctx, key)
		}
		if err != nil {
			return fmt.Errorf("deleting copies of records: %w", err)
		}
	}
	return nil
}

// GoneError: what was to be recorded rests on something that a collection deleted meanwhile.
type GoneError struct{ Key string }

func (e *GoneError) Error() string {
	return fmt.Sprintf("nothing was recorded: %s, which it rests on, was collected as garbage just before; apply again, which makes it again", e.Key)
}

// Holder holds what one writer is about to record. It remembers the last mark, which is read once. It is safe for concurrent use.
type Holder struct {
	Bucket bucket.Bucket
	Now    func() time.Time
	Poll   time.Duration // how often it is looked whether a sweep has ended; 0: ten times a second

	mu        sync.Mutex
	number    int // of the mark that is remembered
	condemned map[string]bool
}

// Hold makes sure that no sweep deletes what a text mentions, and what that leads to, from now on. It is called before the text is
// recorded. The error is a GoneError where a sweep was first. Where nothing was ever collected it costs a list.
func (h *Holder) Hold(ctx context.Context, text []byte) error {
	n, m, done, err := newest(ctx, h.Bucket, h.Now(), h.known())
	if err != nil || n == 0 {
		return err
	}
	var hit []string
	all := h.remember(n, m)
	reached := map[string]bool{}
	none := func(key string) {
		if all[key] {
			hit = append(hit, key)
		}
	}
	if err := walk(ctx, h.Bucket, Mentions(text), reached, none); err != nil {
		return err
	}
	for key := range reached {
		if all[key] {
			hit = append(hit, key)
		}
	}
	if len(hit) == 0 {
		return nil
	}
	slices.Sort(hit)
	if !done {
		if open, err := h.keep(ctx, n, hit); err != nil || open {
			return err
		}
	}
	for _, key := range hit {
		if has, err := bucket.Has(ctx, h.Bucket, key); err != nil {
			return err
		} else if !has {
			return &GoneError{key}
		}
	}
	return nil
}

// keep says of keys of a mark that they are used again. It reports whether the mark was still open then; if not, it has waited for the end
// of the sweep.
func (h *Holder) keep(ctx context.Context, n int, keys []string) (open bool, err error) {
	for _, key := range keys {
		kept, err := keptKey(n, key)
		if err == nil {
			err = bucket.Put(ctx, h.Bucket, kept, []byte("{}\n"))
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return false, fmt.Errorf("holding what is used: %w", err)
		}
	}
	if has, err := bucket.Has(ctx, h.Bucket, at(n, "closed")); err != nil || !has {
		return err == nil, err
	}
	return false, h.ended(ctx, n)
}

func (h *Holder) known() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.number
}

// remember returns the keys of a mark, which m has where it is not remembered yet.
func (h *Holder) remember(n int, m mark) map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n != h.number {
		h.number, h.condemned = n, make(map[string]bool, len(m.Keys))
		for _, key := range m.Keys {
			h.condemned[key] = true
		}
	}
	return h.condemned
}

// ended waits for the end of the sweep of a mark.
func (h *Holder) ended(ctx context.Context, n int) error {
	for {
		last, _, done, err := newest(ctx, h.Bucket, h.Now(), n)
		if err != nil || done || last > n {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(cmp.Or(h.Poll, poll)):
		}
	}
}

// Of returns the digest of the object or record under a key; false if the key is of neither.
func Of(key string) (plan.Digest, bool) {
	digits := strings.ReplaceAll(strings.TrimPrefix(key, objects.Prefix), "/", "")
	if strings.HasPrefix(key, records.Prefix) {
		digits = strings.TrimSuffix(key[strings.LastIndexByte(key, '/')+1:], ".json")
	}
	if _, err := hex.DecodeString(digits); err != nil || len(digits) != 64 {
		return "", false
	}
	return plan.Digest("blake3:" + digits), true
}
