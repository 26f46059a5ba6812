// Package records keeps what stages yield, by fingerprint, in a bucket. A record is sealed, and put once: of two runs of one
// stage the first is kept, and a second that gave something else is told.
//
// Every record has a key of its own, by which writers agree. For readers, who ask for thousands, records are copied into
// segments of thousands, see segment.go: so what a plan of 10,000 recorded stages reads is a few dozen values, not one a stage.
package records

// Records, by example.
//
// train.model has the fingerprint blake3:7c1e…. Two machines that share a bucket run it at the same time:
//
//	A  Put  actions/7c1e….json              written; A's record is returned
//	B  Put  actions/7c1e….json              there is one; B reads it and compares the digests of the outputs
//	        the same outputs                B gets A's record, and its own is dropped: times and host are A's
//	        another digest at port "model"  NondeterministicError, with Ports: ["model"]
//
// A record that is found damaged (its seal does not match) is moved to quarantine/action-7c1e….json, and the new one takes its key.
//
// A stage with cache = false may give something else each time. Its record has the key actions/replaced/7c1e….json, which each run
// replaces, and which is looked at before the other.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

// Prefix is what the keys of records begin with: actions/<hex>.json are those that are put once.
const Prefix = "actions/"

// ReplacedPrefix is what the keys of those begin with that may be replaced. They are few, in no segment, and count before others.
const ReplacedPrefix = Prefix + "replaced/"

// NondeterministicError: a stage ran again under the same fingerprint and gave something else.
type NondeterministicError struct {
	Address string
	Ports   []string // that differ, sorted
	First   map[string]plan.Digest
	Second  map[string]plan.Digest
}

func (e *NondeterministicError) Error() string {
	return fmt.Sprintf("%s gave another result than before for the same inputs: %s. Something in it is left to chance (an unseeded random number, the time, the order of threads). Make it depend on its inputs and seed alone, or say `cache = false`",
		e.Address, strings.Join(e.Ports, ", "))
}

// DamagedError: the record of a result is not what was written. It is a bucket.ErrMissing: the stage must run again, which
// moves the record aside.
type DamagedError struct {
	Fingerprint plan.Digest
	File        string // where the record stands
	Why         string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the record of the result is damaged: %s %s; restore it from a copy of the store, or run the stage again, which takes its place", e.File, e.Why)
}

// Is makes errors.Is(err, bucket.ErrMissing) true.
func (e *DamagedError) Is(target error) bool { return target == bucket.ErrMissing }

// Records are a store's records, by fingerprint: what a stage yielded the first time, for all that run it later. It is safe for concurrent use, also by several processes.
type Records struct {
	bucket bucket.Bucket
	file   func(key string) string // where a key's value stands, for people

	mu       sync.Mutex
	grouped  map[plan.Digest]place  // what segments hold; nil until asked for
	replaced map[plan.Digest]bool   // what is known to be replaced
	single   map[plan.Digest][]byte // what stands alone and was met here; nil where it is to be read again
	put      bool                   // something was put here
}

// New returns the records in a bucket. File says where a key's value stands, as messages name it.
func New(b bucket.Bucket, file func(key string) string) *Records {
	return &Records{bucket: b, file: file, single: map[plan.Digest][]byte{}}
}

// key is where the record of a fingerprint lies, by its hex digits.
func key(prefix string, fp plan.Digest) (string, error) {
	hex, err := fp.Hex()
	if err != nil {
		return "", err
	}
	return prefix + hex + ".json", nil
}

// Put records what a fingerprint yields. It is immutable: the same outputs again are no change, others are a
// NondeterministicError. It returns the record that holds from then on, the first.
func (r *Records) Put(ctx context.Context, a plan.Action) (*plan.Action, error) {
	key, err := key(Prefix, a.Fingerprint)
	if err != nil {
		return nil, fmt.Errorf("recording a result: %w", err)
	}
	data, err := encode(a)
	if err != nil {
		return nil, err
	}
	if err := r.load(ctx); err != nil {
		return nil, fmt.Errorf("recording a result: %w", err)
	}
	if r.elsewhere(a.Fingerprint) {
		first, err := r.Get(ctx, a.Fingerprint)
		if err == nil {
			return agreed(first, a)
		}
		if err := r.forget(ctx, a.Fingerprint); err != nil {
			return nil, err
		}
	}
	// Another process may write, or move a damaged record aside, between two of these steps; then it is tried again.
	for range 3 {
		err := bucket.Put(ctx, r.bucket, key, data)
		if err == nil {
			r.note(a.Fingerprint, data)
			return &a, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("recording a result: %w", err)
		}
		first, err := r.at(ctx, key, a.Fingerprint)
		var damaged *DamagedError
		switch {
		case err == nil:
			return agreed(first, a)
		case errors.As(err, &damaged):
			if err := r.aside(ctx, key); err != nil {
				return nil, err
			}
		case !errors.Is(err, bucket.ErrMissing):
			return nil, err
		}
	}
	return nil, fmt.Errorf("recording a result: %s cannot be written", r.file(key))
}

// agreed returns the first record if both have the same outputs, by port and digest; else a NondeterministicError. Figures, times and
// hosts are not compared.
func agreed(first *plan.Action, second plan.Action) (*plan.Action, error) {
	if ports := differing(first.Outputs, second.Outputs); len(ports) > 0 {
		return nil, &NondeterministicError{Address: second.Address, Ports: ports, First: first.Outputs, Second: second.Outputs}
	}
	return first, nil
}

// elsewhere reports whether a record of the fingerprint is known in a segment or under ReplacedPrefix, so that Put must compare
// with that one: PutNew on actions/<hex>.json would not find it.
func (r *Records) elsewhere(fp plan.Digest) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, grouped := r.grouped[fp]
	return grouped || r.replaced[fp]
}

// forget moves a damaged record under ReplacedPrefix aside, since it would be read before the one that Put is about to write.
func (r *Records) forget(ctx context.Context, fp plan.Digest) error {
	r.mu.Lock()
	was := r.replaced[fp]
	delete(r.replaced, fp)
	r.mu.Unlock()
	if !was {
		return nil
	}
	key, err := key(ReplacedPrefix, fp)
	if err != nil {
		return err
	}
	return r.aside(ctx, key)
}

// note remembers a record that stands alone, to be copied into a segment.
func (r *Records) note(fp plan.Digest, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.single[fp], r.put = data, true
}

// aside moves what is no record out of the way, for whoever wants to look at it.
func (r *Records) aside(ctx context.Context, key string) error {
	to := "quarantine/action-" + key[strings.LastIndexByte(key, '/')+1:]
	if err := r.bucket.Move(ctx, key, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("moving a damaged record aside: %w", err)
	}
	return nil
}

// Replace records a result whatever was recorded before: for stages that say their result depends on more than their
// inputs (cache = false), and for what is made of others. Who has asked for the record before may go on with the old one.
func (r *Records) Replace(ctx context.Context, a plan.Action) error {
	key, err := key(ReplacedPrefix, a.Fingerprint)
	if err != nil {
		return fmt.Errorf("recording a result: %w", err)
	}
	data, err := encode(a)
	if err != nil {
		return err
	}
	_, err = r.at(ctx, key, a.Fingerprint)
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		if err := r.aside(ctx, key); err != nil {
			return err
		}
	}
	if err := r.load(ctx); err != nil {
		return fmt.Errorf("recording a result: %w", err)
	}
	if err := r.bucket.Replace(ctx, key, bytes.NewReader(data)); err != nil {
		return fmt.Errorf("recording a result: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replaced[a.Fingerprint] = true
	return nil
}

// sealedAction is what a record is called in its file.
const sealedAction = "action"

// encode is an action as it lies in the bucket, sealed.
func encode(a plan.Action) ([]byte, error) {
	body, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("recording a result: %w", err)
	}
	data, _ := seal.Seal(sealedAction, body)
	return data, nil
}

// Get returns what a fingerprint yields, or an error that is bucket.ErrMissing: a DamagedError where the record is there and
// cannot be relied on. Nothing is changed.
func (r *Records) Get(ctx context.Context, fp plan.Digest) (*plan.Action, error) {
	alone, err := key(Prefix, fp)
	if err != nil {
		return nil, err
	}
	replaced, _ := key(ReplacedPrefix, fp)
	if err := r.load(ctx); err != nil {
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	r.mu.Lock()
	isReplaced := r.replaced[fp]
	in, grouped := r.grouped[fp]
	r.mu.Unlock()
	if isReplaced {
		return r.at(ctx, replaced, fp)
	}
	if grouped {
		if a, err := decode(in.record(), fp); err == "" {
			return a, nil
		}
	}
	a, err := r.at(ctx, alone, fp)
	if err == nil {
		r.mu.Lock()
		if _, noted := r.single[fp]; !noted {
			r.single[fp] = nil
		}
		r.mu.Unlock()
	}
	if errors.Is(err, bucket.ErrMissing) { // one may have been put there since, and no list has one that is no file
		var damaged *DamagedError
		if a, other := r.at(ctx, replaced, fp); other == nil || !errors.As(err, &damaged) && errors.As(other, &damaged) {
			r.mu.Lock()
			r.replaced[fp] = true
			r.mu.Unlock()
			return a, other
		}
	}
	return a, err
}

// Settle returns once the record of a fingerprint, which was got, is durable under its key, whoever put it. Its objects are: they were before the
// record was put. A copy may have outlived the record that a collection of garbage deleted, and is put in its place.
func (r *Records) Settle(ctx context.Context, fp plan.Digest) error {
	prefix := Prefix
	r.mu.Lock()
	in, grouped := r.grouped[fp]
	if r.replaced[fp] {
		prefix, grouped = ReplacedPrefix, false
	}
	r.mu.Unlock()
	key, err := key(prefix, fp)
	if err == nil && grouped {
		var has bool
		_, why := decode(in.record(), fp)
		if has, err = bucket.Has(ctx, r.bucket, key); !has && err == nil && why == "" {
			err = bucket.Put(ctx, r.bucket, key, in.record())
		}
		var irregular *bucket.IrregularError
		if errors.Is(err, fs.ErrExist) || errors.As(err, &irregular) {
			err = nil
		}
	}
	if err == nil {
		err = bucket.Settle(ctx, r.bucket, key)
	}
	if err != nil {
		return fmt.Errorf("bringing a record to the disk: %w", err)
	}
	return nil
}

// at reads the record that stands under a key.
func (r *Records) at(ctx context.Context, key string, fp plan.Digest) (*plan.Action, error) {
	data, err := bucket.Read(ctx, r.bucket, key)
	var irregular *bucket.IrregularError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("result of %s: %w", fp, bucket.ErrMissing)
	case errors.As(err, &irregular):
		return nil, &DamagedError{fp, r.file(key), "is no file"}
	case err != nil:
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	a, why := decode(data, fp)
	if why != "" {
		return nil, &DamagedError{fp, r.file(key), why}
	}
	return a, nil
}

// decode returns the record of a fingerprint, or why it is none.
func decode(data []byte, fp plan.Digest) (a *plan.Action, why string) {
	body, _, err := seal.Unseal(sealedAction, data)
	if err != nil {
		return nil, err.Error()
	}
	switch err := json.Unmarshal(body, &a); {
	case err != nil:
		return nil, "cannot be read: " + err.Error()
	case a == nil || a.Fingerprint != fp || a.Outputs == nil:
		return nil, "is the record of another stage"
	}
	return a, ""
}

// Audit reads all records where they stand, and tells of each, nil or what is wrong with it. Strays says in the places of which keys
// folders stand.
func (r *Records) Audit(ctx context.Context, tell func(*DamagedError), strays func(ctx context.Context, prefix string, names int) ([]string, error)) error {
	for _, prefix := range []string{Prefix, ReplacedPrefix} {
		keys, err := strays(ctx, prefix, 1)
		if err != nil {
			return err
		}
		for key, err := range bucket.Keys(ctx, r.bucket, prefix, "") {
			if err != nil {
				return err
			}
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, at := range keys {
			fp := plan.Digest("blake3:" + strings.TrimSuffix(strings.TrimPrefix(at, prefix), ".json"))
			if own, err := key(prefix, fp); err != nil || own != at {
				continue // whoever put it there, it is no record
			}
			_, err := r.at(ctx, at, fp)
			var damaged *DamagedError
			if err != nil && !errors.As(err, &damaged) {
				return err
			}
			tell(damaged)
		}
	}
	return nil
}

// differing names the ports whose digests are not the same in both, sorted.
func differing(a, b map[string]plan.Digest) []string {
	var ports []string
	for p, d := range a {
		if b[p] != d {
			ports = append(ports, p)
		}
	}
	for p := range b {
		if _, ok := a[p]; !ok {
			ports = append(ports, p)
		}
	}
	slices.Sort(ports)
	return ports
}
