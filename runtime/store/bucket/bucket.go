// Package bucket is the least that every store can promise: immutable or replaceable values by key, in a folder or in a
// cloud. What is above it (objects, records, the state's log, leases) rests on these promises alone, and package
// buckettest holds every implementation to them.
//
// A key is names with slashes in between, such as log/fraud/default/000042.json. It is no path: only an implementation
// knows where a key's bytes are.
package bucket

// Why these promises.
//
// What is above a bucket is correct by two conditions; locks and leases only spare writers work in vain. One is PutNew, a compare-and-set
// on a key that has no value yet: revision 42 of a log, term 7 of a lease and the record of a fingerprint are each won by one writer,
// on whatever machine. The other is the order of writing: a value is durable when PutNew returns, so a writer that puts objects, then the
// record that names them, then the revision that rests on the record, may be killed at any point, or lose power, and leaves nothing that
// names what is not there. Who rests on what another put has it settled first (Settle).
//
// What is not promised shapes the users. List may lag, so that none of them takes a list for the last word: the end of the log is found
// by asking for key 43 after the list ended with 42. An error of PutNew may hide a success, since the answer may be lost: so values
// that several write carry a nonce, or are the same whoever writes them, as objects are. Nothing spans two keys: what must
// change together is one value, as the events of a revision are.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Bucket holds values by key. It is safe for concurrent use, also by several processes.
//
// A key that breaks the grammar, see Check, is refused with a KeyError by all methods. Whoever is killed in the middle of
// a method leaves its whole effect or none.
type Bucket interface {
	// Get opens the value of a key, or a range of it. The error is fs.ErrNotExist where there is none, and an
	// IrregularError where something else stands in its place. A value that is replaced meanwhile is read to its end as it
	// was when it was opened.
	Get(ctx context.Context, key string, r Range) (*Value, error)

	// PutNew gives a key its first value: whole and durable when it returns, or not at all. Of many at once one wins; the
	// others get fs.ErrExist, once the value that is there is durable, and change nothing.
	PutNew(ctx context.Context, key string, content io.Reader) error

	// Replace gives a key a value, whatever it had. Readers see the old or the new one, whole. It is durable when Replace
	// returns; of two at once either is the last.
	Replace(ctx context.Context, key string, content io.Reader) error

	// List returns a page of the keys that begin with prefix and come after another key, in the order of their bytes. An
	// empty after is before all keys. What others put or deleted a moment ago may be missing from it, or be in it still.
	List(ctx context.Context, prefix, after string) (Page, error)

	// Move gives a value another key, whose own value, if any, is lost. It is for what is to be put aside. A crash may leave
	// the value under both keys. The error is fs.ErrNotExist where there is nothing to move.
	Move(ctx context.Context, from, to string) error

	// Delete removes a key's value. That there is none is no error.
	Delete(ctx context.Context, key string) error
}

// Settler is a bucket in which others see a value a moment before it is durable, as they do in a folder.
type Settler interface {
	// Settle returns once values that were got, as far as they are there, are durable. It is for values that others put: those of
	// this process's own are, when putting them returns.
	Settle(ctx context.Context, keys ...string) error
}

// Settle is for who got values and is about to put what rests on them. For example, a stage's record that another process put a moment
// ago: a revision that names it must not survive a power cut which the record does not.
func Settle(ctx context.Context, b Bucket, keys ...string) error {
	if s, ok := b.(Settler); ok {
		return s.Settle(ctx, keys...)
	}
	return nil
}

// ErrMissing: a store does not have an object or a record. Whoever can make it again should.
var ErrMissing = errors.New("not in the store")

// Remover is a bucket that deletes many keys with few requests, as Delete would one by one. After an error any of them may be gone.
type Remover interface {
	DeleteAll(ctx context.Context, keys []string) error
}

// deletes is how many keys are deleted at once where each takes a request.
const deletes = 16

// DeleteAll removes the values of keys, in whatever order.
func DeleteAll(ctx context.Context, b Bucket, keys []string) error {
	if r, ok := b.(Remover); ok {
		return r.DeleteAll(ctx, keys)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(deletes)
	for _, key := range keys {
		g.Go(func() error { return b.Delete(ctx, key) })
	}
	return g.Wait()
}

// Range is a part of a value, in bytes. The zero value is the whole.
type Range struct {
	Offset int64
	Length int64 // 0 is to the end; a range that goes beyond the end stops there
}

// Value is what Get has opened. It is to be closed.
type Value struct {
	io.ReadCloser
	Size int64 // of the whole value, whatever the range
}

// Page is part of a list of keys.
type Page struct {
	Keys  []string // sorted
	Sizes []int64  // of their values, in bytes; nil where a list of the bucket does not say
	More  bool     // there are more after the last
}

const (
	maxKey  = 900 // bytes; the clouds allow 1024, and a store may lie below a prefix
	maxName = 200
)

// OfThisMachine are the names that no key begins with. They are for what a store's folder holds of the machine that works on
// it, such as tmp and locks: no other machine could use that.
var OfThisMachine = []string{"tmp", "cache", "checkpoint", "locks", "live"}

// KeyError: a key that breaks the grammar.
type KeyError struct{ Key, Why string }

func (e *KeyError) Error() string { return fmt.Sprintf("%q cannot be a key: %s", e.Key, e.Why) }

// IrregularError: what stands in the place of a value is no value, such as a folder, a link or a pipe.
type IrregularError struct{ Key string }

func (e *IrregularError) Error() string { return e.Key + " is no file" }

// Check tells what is wrong with a key: a KeyError, or nil. A key is names with single slashes in between, at most 900 bytes
// long; a name is letters, digits, _ . - and =, begins with a letter, a digit or _, and has at most 200 bytes. The first name is
// none of OfThisMachine. For example, objects/blake3/ab/cd is a key; /a, a/, a//b, a/../b, .hidden and tmp/x are none.
func Check(key string) error {
	if key == "" || len(key) > maxKey {
		return &KeyError{key, fmt.Sprintf("it has %d bytes, expected 1 to %d", len(key), maxKey)}
	}
	for i, name := range strings.Split(key, "/") {
		if why := wrongName(name); why != "" {
			return &KeyError{key, why}
		}
		for _, machine := range OfThisMachine {
			if i == 0 && name == machine {
				return &KeyError{key, "what begins with " + machine + " is of one machine"}
			}
		}
	}
	return nil
}

func wrongName(name string) string {
	if name == "" || len(name) > maxName {
		return fmt.Sprintf("a name in it has %d bytes, expected 1 to %d", len(name), maxName)
	}
	if name[0] == '.' || name[0] == '-' {
		return fmt.Sprintf("the name %q in it begins with %q", name, name[:1])
	}
	for i := range len(name) {
		c := name[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-' || c == '='
		if !plain {
			return fmt.Sprintf("the name %q in it has %q, expected letters, digits, _ . - and =", name, c)
		}
	}
	return ""
}

// CheckPrefix tells what is wrong with the prefix of a list: nil for the empty one and for whatever a key can begin with.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	whole := prefix
	if strings.HasSuffix(prefix, "/") {
		whole += "x"
	}
	var wrong *KeyError
	if errors.As(Check(whole), &wrong) {
		return &KeyError{prefix, wrong.Why}
	}
	return nil
}

// Read returns the whole value of a key. Errors are those of Get.
func Read(ctx context.Context, b Bucket, key string) ([]byte, error) {
	v, err := b.Get(ctx, key, Range{})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	data := make([]byte, v.Size)
	if _, err := io.ReadFull(v, data); err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	return data, nil
}

// Put is PutNew of bytes.
func Put(ctx context.Context, b Bucket, key string, data []byte) error {
	return b.PutNew(ctx, key, bytes.NewReader(data))
}

// Has reports whether a key has a value, without reading it.
func Has(ctx context.Context, b Bucket, key string) (bool, error) {
	v, err := b.Get(ctx, key, Range{Length: 1})
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, v.Close()
}

// Size is how many bytes a key's value has: 0 where there is none, or something else stands in its place.
func Size(ctx context.Context, b Bucket, key string) (int64, error) {
	v, err := b.Get(ctx, key, Range{Length: 1})
	var irregular *IrregularError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &irregular) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return v.Size, v.Close()
}

// Keys goes through all keys that begin with prefix and come after another, sorted, page by page. After an error it ends.
func Keys(ctx context.Context, b Bucket, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for {
			page, err := b.List(ctx, prefix, after)
			if err != nil {
				yield("", err)
				return
			}
			for _, key := range page.Keys {
				if !yield(key, nil) {
					return
				}
			}
			if !page.More || len(page.Keys) == 0 {
				return
			}
			after = page.Keys[len(page.Keys)-1]
		}
	}
}

// Folders returns the names that come next after a prefix which ends with a slash, and have something below them, sorted. For
// example, those of log/ are the pipelines. It asks for one page a folder, however much is below it.
func Folders(ctx context.Context, b Bucket, prefix string) ([]string, error) {
	var out []string
	for after, more := "", true; more; {
		page, err := b.List(ctx, prefix, after)
		if err != nil {
			return nil, err
		}
		more = page.More && len(page.Keys) > 0
		for _, key := range page.Keys {
			name, _, folder := strings.Cut(strings.TrimPrefix(key, prefix), "/")
			if folder && (len(out) == 0 || out[len(out)-1] != name) {
				out = append(out, name)
			}
			if after = key; folder {
				after = prefix + name + "/\xff" // beyond all that is below it
			}
		}
	}
	slices.Sort(out) // by name; with their slashes a-b comes before a
	return out, nil
}
