package garbage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// GoneError: what was to be recorded rests on something that a collection deleted meanwhile. Nothing was recorded, and the same apply
// once more finds what is missing and computes it.
type GoneError struct{ Key string }

// Error says what is gone by its key in the bucket: objects/1f/….
func (e *GoneError) Error() string {
	return fmt.Sprintf("%s, which it rests on, was collected as garbage just before; apply again, which makes it again", e.Key)
}

// ErrOutlasted: so many collections ended since the writer began that their marks are gone.
var ErrOutlasted = errors.New("many collections of garbage ended since this began, and what the first deleted is not known any more; apply again")

// kept is a link of the chain of what is used again: keys that a mark condemned and that somebody is about to record. A link is put only if
// there is none of its number, so that whoever reads the chain from 1 to the first that is missing has read all of it.
type kept struct {
	Keys []string `json:"keys"`
}

// keptKey is that of a link, from 1, of the chain of mark n.
func keptKey(n, link int) string { return fmt.Sprintf("%s%06d/kept/%06d.json", prefix, n, link) }

// keptOf reads the chain of a mark. It returns how many links there are, and the keys in them.
func keptOf(ctx context.Context, b bucket.Bucket, n int) (links int, keys map[string]bool, err error) {
	keys = map[string]bool{}
	for ; ; links++ {
		var k kept
		err := read(ctx, b, keptKey(n, links+1), &k)
		if errors.Is(err, fs.ErrNotExist) {
			return links, keys, nil
		}
		if err != nil {
			return 0, nil, fmt.Errorf("reading what is used again: %w", err)
		}
		for _, key := range k.Keys {
			keys[key] = true
		}
	}
}

// Holder holds what one process is about to record. It remembers marks, which are read once. It is safe for concurrent use.
type Holder struct {
	Bucket bucket.Bucket
	// Lists is where contents are read that lead to others; copies do. Nil: Bucket.
	Lists bucket.Bucket
	// Since is the last mark whose sweep was over before the process believed of anything that it is there.
	Since int
	Now   func() time.Time
	// Wait lets a moment pass before it is looked again whether a sweep has ended. Nil: a tenth of a second.
	Wait func(context.Context) error

	mu    sync.Mutex
	marks map[int]map[string]bool // what they condemn
	links map[int]int             // how long their chains were when they were last looked at
	held  map[string]bool         // what was found in use, and is not looked at again
	under int                     // the last mark then
	phase phase                   // and how far it was
}

// Hold makes sure that no sweep deletes what a text mentions, and what that leads to, from now on. It is called before the text is
// recorded, which is to happen within Late. The error is a GoneError where a sweep was first. Where nothing was collected since the process
// began it costs a list.
func (h *Holder) Hold(ctx context.Context, text []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, p, err := newest(ctx, h.Bucket, h.Now())
	if err != nil || n <= h.Since {
		return err
	}
	for i := h.Since + 1; i <= n; i++ {
		if err := h.remember(ctx, i); err != nil {
			return err
		}
	}
	if h.under != n || h.phase != p {
		h.under, h.phase, h.held = n, p, map[string]bool{}
	}
	hit, reached, err := h.condemned(ctx, Mentions(text))
	if err != nil {
		return err
	}
	if ofLast := slices.DeleteFunc(slices.Clone(hit), func(key string) bool { return !h.marks[n][key] }); len(ofLast) > 0 && p != over {
		if err := h.keep(ctx, n, ofLast); err != nil {
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
	maps.Copy(h.held, reached)
	return nil
}

// remember reads a mark, once. A mark that is gone, since later collections removed it, is ErrOutlasted: what it condemned cannot be told.
func (h *Holder) remember(ctx context.Context, n int) error {
	if h.marks[n] != nil {
		return nil
	}
	var m mark
	if err := read(ctx, h.Bucket, at(n, "mark"), &m); errors.Is(err, fs.ErrNotExist) {
		return ErrOutlasted
	} else if err != nil {
		return fmt.Errorf("reading a mark of garbage: %w", err)
	}
	if h.marks == nil {
		h.marks, h.links = map[int]map[string]bool{}, map[int]int{}
	}
	h.marks[n] = make(map[string]bool, len(m.Keys))
	for _, key := range m.Keys {
		h.marks[n][key] = true
	}
	return nil
}

// condemned are the keys that digests lead to and a mark has, sorted, whether they are there or not, and all that were looked at. What is
// held already is not gone through again: an apply of a thousand stages that rest on one table looks at it once.
func (h *Holder) condemned(ctx context.Context, roots []plan.Digest) (hit []string, reached map[string]bool, err error) {
	var mu sync.Mutex
	lists := h.Lists
	if lists == nil {
		lists = h.Bucket
	}
	found := map[string]bool{}
	reached = map[string]bool{}
	isHit := func(key string) bool {
		for _, keys := range h.marks {
			if keys[key] {
				return true
			}
		}
		return false
	}
	err = walk(ctx, roots, func(ctx context.Context, key string) ([]plan.Digest, bool, error) {
		if h.held[key] {
			return nil, false, nil
		}
		to, files, err := leads(ctx, lists, key)
		missing := errors.Is(err, fs.ErrNotExist)
		mu.Lock()
		defer mu.Unlock()
		if isHit(key) {
			found[key] = true
		}
		if missing {
			return nil, false, nil
		}
		reached[key] = err == nil
		return to, files, err
	}, func(key string) {
		mu.Lock()
		defer mu.Unlock()
		if isHit(key) && !h.held[key] {
			found[key] = true
		}
	})
	return slices.Sorted(maps.Keys(found)), reached, err
}

// keep says of keys of a mark that they are used again. Where the mark was closed before, it waits for the end of the sweep: what is there
// after that is not deleted by it any more, and Hold looks.
func (h *Holder) keep(ctx context.Context, n int, keys []string) error {
	for {
		err := put(ctx, h.Bucket, keptKey(n, h.links[n]+1), kept{keys})
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("holding what is used: %w", err)
		}
		h.links[n]++ // another's
	}
	h.links[n]++
	wait := h.Wait
	if wait == nil {
		wait = aMoment
	}
	for told := false; ; {
		p, until, err := phaseUntil(ctx, h.Bucket, n, h.Now())
		if err != nil || p != closed {
			return err
		}
		if tell := bucket.Watching(ctx).Waits; tell != nil && !told {
			tell(until)
			told = true
		}
		if err := wait(ctx); err != nil {
			return err
		}
	}
}

// aMoment passes, or the context ends.
func aMoment(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(poll):
		return nil
	}
}
