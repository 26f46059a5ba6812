package garbage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/objects"
	"github.com/mlp-lang/mlp/runtime/store/records"
)

// Mentions are the digests that a value has in its text, in their order, each as often as it stands there. The text is not parsed: a field that
// a later version adds to a record keeps what it names from being collected, too.
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

// isHex reports whether all of a text are hexadecimal digits as digests have them, in small letters.
func isHex(text []byte) bool {
	return !slices.ContainsFunc(text, func(c byte) bool { return !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') })
}

const (
	// directory is how the list of a directory begins.
	directory = `{"format":"mlp.directory/`
	// first is how much of a value is asked for at first: most lists and records are smaller.
	first = 64 << 10
)

// asked is how many values are asked for at once: the wait is for the bucket. A test that orders operations sets it to one.
var asked = 16

// keysOf are those that a digest may stand for: an object, and the records of a fingerprint.
func keysOf(d plan.Digest) []string {
	object, err := objects.Key(d)
	if err != nil {
		return nil // the text looked like a digest
	}
	hex, _ := d.Hex()
	return []string{object, records.Prefix + hex + ".json", records.ReplacedPrefix + hex + ".json"}
}

// leads are the digests that the value under a key leads to: a record to what it mentions, the list of a directory to its files, and what else is
// an object to nothing. Files lead to nothing, whatever they hold. The error is fs.ErrNotExist where there is no value.
func leads(ctx context.Context, b bucket.Bucket, key string) (to []plan.Digest, files bool, err error) {
	v, err := b.Get(ctx, key, bucket.Range{Length: first})
	var irregular *bucket.IrregularError
	if errors.As(err, &irregular) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	text := make([]byte, min(v.Size, first))
	n, err := io.ReadFull(v, text[:min(len(text), len(directory))])
	files = strings.HasPrefix(key, objects.Prefix)
	if files && string(text[:n]) != directory {
		return nil, false, errors.Join(err, v.Close())
	}
	if err == nil {
		_, err = io.ReadFull(v, text[n:])
	}
	size := v.Size
	if err = errors.Join(err, v.Close()); err == nil && size > first {
		text, err = bucket.Read(ctx, b, key)
	}
	return Mentions(text), files, err
}

// walk goes from digests to all that they lead to, and calls each once for each key on the way, some at once. What each returns is where it
// goes on, with files of directories, which lead nowhere. file is called for these, one at a time, while each may be running.
func walk(ctx context.Context, roots []plan.Digest, each func(ctx context.Context, key string) (to []plan.Digest, files bool, err error), file func(key string)) error {
	seen := map[plan.Digest]bool{}
	for next := roots; len(next) > 0; {
		var mu sync.Mutex
		var found []plan.Digest
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(asked)
		for _, d := range next {
			if seen[d] {
				continue
			}
			seen[d] = true
			for _, key := range keysOf(d) {
				g.Go(func() error {
					to, files, err := each(ctx, key)
					mu.Lock()
					defer mu.Unlock()
					if !files {
						found = append(found, to...)
						return err
					}
					for _, d := range to {
						if key, err := objects.Key(d); err == nil {
							file(key)
						}
					}
					return err
				})
			}
		}
		if err := g.Wait(); err != nil {
			return fmt.Errorf("finding what is used: %w", err)
		}
		next = found
	}
	return nil
}

// Index is which objects and records a bucket holds, and which of them leads where. Lists may lag: what was put a moment ago may not be in it.
// It is not safe for concurrent use.
type Index struct {
	bucket bucket.Bucket
	size   map[string]int64 // by key; -1: not known
	mu     sync.Mutex       // for to and file, which Reach fills by several goroutines
	to     map[string]lead  // of the values that were read, by key
	file   map[string]bool  // reached as a file of a directory: it may be a directory itself, to others
}

// lead is where a value leads.
type lead struct {
	to    []plan.Digest
	files bool // to are files of a directory, which lead no further
}

// NewIndex lists a bucket, all objects and records of it: a request for each thousand of them with S3.
func NewIndex(ctx context.Context, b bucket.Bucket) (*Index, error) {
	x := &Index{bucket: b, to: map[string]lead{}, file: map[string]bool{}}
	return x, x.Refresh(ctx)
}

// Refresh lists the bucket anew. What is known of values that never change stays.
func (x *Index) Refresh(ctx context.Context) error {
	x.size = map[string]int64{}
	maps.DeleteFunc(x.to, func(key string, _ lead) bool { return strings.HasPrefix(key, records.ReplacedPrefix) })
	for _, prefix := range []string{objects.Prefix, records.Prefix} {
		for after, more := "", true; more; {
			page, err := x.bucket.List(ctx, prefix, after)
			if err != nil {
				return fmt.Errorf("listing the store: %w", err)
			}
			for i, key := range page.Keys {
				if after = key; strings.HasPrefix(key, records.SegmentPrefix) {
					continue
				}
				if x.size[key] = -1; i < len(page.Sizes) {
					x.size[key] = page.Sizes[i]
				}
			}
			more = page.More && len(page.Keys) > 0
		}
	}
	return nil
}

// Keys are all that are there, sorted.
func (x *Index) Keys() []string { return slices.Sorted(maps.Keys(x.size)) }

// Has reports whether a key was there when the bucket was listed.
func (x *Index) Has(key string) bool {
	_, has := x.size[key]
	return has
}

// Listed is the size of a value as the list had it; false where the list had no such key, or no sizes.
func (x *Index) Listed(key string) (int64, bool) {
	n, ok := x.size[key]
	return n, ok && n >= 0
}

// Size is how many bytes a value has, 0 if there is none.
func (x *Index) Size(ctx context.Context, key string) (int64, error) {
	n, ok := x.size[key]
	if n >= 0 || !ok {
		return max(n, 0), nil
	}
	n, err := bucket.Size(ctx, x.bucket, key)
	if err == nil {
		x.size[key] = n
	}
	return n, err
}

// Reach adds the keys of all objects and records that digests lead to: records lead to what they mention, directories to their files. What is
// in into already is not gone through again, so that one map serves for several workspaces. Keys that are not there are left out.
func (x *Index) Reach(ctx context.Context, roots []plan.Digest, into map[string]bool) error {
	return walk(ctx, roots, func(ctx context.Context, key string) ([]plan.Digest, bool, error) {
		if !x.Has(key) {
			return nil, false, nil
		}
		x.mu.Lock()
		known := into[key] && !x.file[key]
		into[key] = true
		x.mu.Unlock()
		if known {
			return nil, false, nil
		}
		return x.leads(ctx, key)
	}, func(key string) {
		if x.mu.Lock(); x.Has(key) {
			into[key], x.file[key] = true, true
		}
		x.mu.Unlock()
	})
}

// leads is leads, asked once for each value, since values do not change; those of replaced records may, and are forgotten with Refresh.
func (x *Index) leads(ctx context.Context, key string) ([]plan.Digest, bool, error) {
	x.mu.Lock()
	known, ok := x.to[key]
	x.mu.Unlock()
	if ok {
		return known.to, known.files, nil
	}
	to, files, err := leads(ctx, x.bucket, key)
	if errors.Is(err, fs.ErrNotExist) { // it went since the bucket was listed
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.to[key] = lead{to, files}
	return to, files, nil
}
