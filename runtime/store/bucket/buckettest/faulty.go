package buckettest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// Careless ignores the condition of PutNew, as some servers do: the last writer wins, and all are told that they did.
type Careless struct{ bucket.Bucket }

// PutNew replaces what is there.
func (c Careless) PutNew(ctx context.Context, key string, content io.Reader) error {
	return c.Replace(ctx, key, content)
}

// Racy looks whether there is a value and then writes one, in two steps: alone it keeps the condition, among others it does not.
type Racy struct {
	bucket.Bucket
	looked atomic.Int32
	both   chan struct{}
}

// NewRacy makes one of a bucket that keeps the condition.
func NewRacy(b bucket.Bucket) *Racy { return &Racy{Bucket: b, both: make(chan struct{})} }

// PutNew has the first two writers of keys that end with /race look before either writes.
func (r *Racy) PutNew(ctx context.Context, key string, content io.Reader) error {
	if !strings.HasSuffix(key, "/race") {
		return r.Bucket.PutNew(ctx, key, content)
	}
	has, err := bucket.Has(ctx, r.Bucket, key)
	if err != nil {
		return err
	}
	if has {
		return fs.ErrExist
	}
	if r.looked.Add(1) == 2 {
		close(r.both)
	}
	<-r.both
	return r.Replace(ctx, key, content)
}

// Lagging has lists that do not know of what was put last: as many keys are missing as Lag says.
type Lagging struct {
	bucket.Bucket
	Lag int

	mu   sync.Mutex
	last []string
}

// PutNew is the bucket's own.
func (l *Lagging) PutNew(ctx context.Context, key string, content io.Reader) error {
	err := l.Bucket.PutNew(ctx, key, content)
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.last = append(l.last, key)
	}
	return err
}

// List leaves out what was put last.
func (l *Lagging) List(ctx context.Context, prefix, after string) (bucket.Page, error) {
	page, err := l.Bucket.List(ctx, prefix, after)
	if err != nil || len(page.Keys) == 0 {
		return page, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	late := l.last[max(0, len(l.last)-l.Lag):]
	end := page.Keys[len(page.Keys)-1]
	page.Sizes = nil
	page.Keys = slices.DeleteFunc(slices.Clone(page.Keys), func(key string) bool { return slices.Contains(late, key) })
	if page.More && len(page.Keys) == 0 {
		return l.List(ctx, prefix, end)
	}
	return page, nil
}

// Counting counts what is asked of a bucket.
type Counting struct {
	bucket.Bucket

	mu     sync.Mutex
	counts Counts
}

// Counts is how often each was asked, how many keys the lists had, and how many bytes the values that were opened.
type Counts struct {
	Gets, Puts, Replaces, Lists, Moves, Deletes int
	Listed                                      int
	Bytes                                       int64
}

// Take returns what was counted since the last Take.
func (c *Counting) Take() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.counts = Counts{} }()
	return c.counts
}

func (c *Counting) count(n func(*Counts)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n(&c.counts)
}

// Get is counted, also where there is nothing.
func (c *Counting) Get(ctx context.Context, key string, r bucket.Range) (*bucket.Value, error) {
	v, err := c.Bucket.Get(ctx, key, r)
	c.count(func(n *Counts) {
		n.Gets++
		if err == nil {
			n.Bytes += v.Size
		}
	})
	return v, err
}

// PutNew is counted, also where it loses.
func (c *Counting) PutNew(ctx context.Context, key string, content io.Reader) error {
	c.count(func(n *Counts) { n.Puts++ })
	return c.Bucket.PutNew(ctx, key, content)
}

// Replace is counted.
func (c *Counting) Replace(ctx context.Context, key string, content io.Reader) error {
	c.count(func(n *Counts) { n.Replaces++ })
	return c.Bucket.Replace(ctx, key, content)
}

// List is counted by page.
func (c *Counting) List(ctx context.Context, prefix, after string) (bucket.Page, error) {
	page, err := c.Bucket.List(ctx, prefix, after)
	c.count(func(n *Counts) {
		n.Lists++
		n.Listed += len(page.Keys)
	})
	return page, err
}

// Move is counted.
func (c *Counting) Move(ctx context.Context, from, to string) error {
	c.count(func(n *Counts) { n.Moves++ })
	return c.Bucket.Move(ctx, from, to)
}

// Delete is counted.
func (c *Counting) Delete(ctx context.Context, key string) error {
	c.count(func(n *Counts) { n.Deletes++ })
	return c.Bucket.Delete(ctx, key)
}

// ErrLost is the answer to a request that was carried out, or not, and nobody knows.
var ErrLost = errors.New("the connection was lost")

// Dropping loses the answer of the calls to PutNew that Lose picks, after it has carried them out.
type Dropping struct {
	bucket.Bucket
	Lose func(key string) bool
}

// PutNew loses its answer.
func (d Dropping) PutNew(ctx context.Context, key string, content io.Reader) error {
	err := d.Bucket.PutNew(ctx, key, content)
	if err == nil && d.Lose(key) {
		return ErrLost
	}
	return err
}
