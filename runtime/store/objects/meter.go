package objects

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// tellEvery is how long a transfer goes on before it is told of, and how often it is.
const tellEvery = time.Second

// meter adds up what transfers of one purpose have moved, such as all files of a directory, and tells of that where it takes longer than
// tellEvery. A nil meter tells nobody.
type meter struct {
	tell  func(bucket.Transfer)
	now   func() time.Time
	began time.Time

	mu    sync.Mutex
	told  time.Time
	moved bucket.Transfer
}

// newMeter is the meter of transfers whose context is watched; nil where it is not.
func newMeter(ctx context.Context, fetched bool, total int64) *meter {
	tell := bucket.Watching(ctx).Moved
	if tell == nil {
		return nil
	}
	now := time.Now()
	return &meter{tell: tell, now: time.Now, began: now, told: now, moved: bucket.Transfer{Fetched: fetched, Total: total}}
}

type meterKey struct{}

// with is a context of transfers that count together.
func (m *meter) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, meterKey{}, m)
}

// fetching is the meter of the transfers that a fetch is one of, or a new one of it alone.
func fetching(ctx context.Context, size int64) *meter {
	if m, ok := ctx.Value(meterKey{}).(*meter); ok {
		return m
	}
	return newMeter(ctx, true, size)
}

// add counts bytes, less those that are moved once more.
func (m *meter) add(bytes int64) {
	if m == nil || bytes == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moved.Done += bytes
	m.moved.Total = max(m.moved.Total, m.moved.Done) // a copy that was wrong is fetched again
	now := m.now()
	begun := m.told != m.began
	if now.Sub(m.told) < tellEvery && (!begun || m.moved.Done < m.moved.Total) {
		return
	}
	m.told, m.moved.Elapsed = now, now.Sub(m.began)
	m.tell(m.moved)
}

// reader counts what is read.
func (m *meter) reader(r io.Reader) io.Reader {
	if m == nil {
		return r
	}
	return &metered{r: r, m: m}
}

type metered struct {
	r io.Reader
	m *meter
}

func (c *metered) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.m.add(int64(n))
	return n, err
}

// sending counts the bytes of one value that a bucket hands to the network: those of a request that is repeated once, and once it is there all of it.
// A bucket that does not tell counts at the end alone.
type sending struct {
	m    *meter
	size int64

	mu   sync.Mutex
	done int64
}

// count is a context whose requests are counted.
func (s *sending) count(ctx context.Context) context.Context {
	if s.m == nil {
		return ctx
	}
	return bucket.CountSent(ctx, func(n int) { s.add(int64(n)) })
}

func (s *sending) add(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, s.size-s.done)
	s.done += n
	s.m.add(n)
}

// all is counted once the value is there.
func (s *sending) all() { s.add(s.size) }
