package bucket

import (
	"bytes"
	"context"
	"io"
)

// Cached is a bucket with another, near one in front of it, in which values that never change are kept for ever once they were
// read. Neither the near bucket nor what is in it is relied on.
type Cached struct {
	Bucket
	Near Bucket
	// Keep reports whether a key's value never changes, and is whole: what is kept is held to it each time it is read.
	Keep func(key string, value []byte) bool
}

// Get reads a whole value where it is near, and keeps it there.
func (c Cached) Get(ctx context.Context, key string, r Range) (*Value, error) {
	if r != (Range{}) {
		return c.Bucket.Get(ctx, key, r)
	}
	data, err := Read(ctx, c.Near, key)
	if err == nil && c.Keep(key, data) {
		return valueOf(data), nil
	}
	damaged := err == nil
	if data, err = Read(ctx, c.Bucket, key); err != nil {
		return nil, err
	}
	if c.Keep(key, data) {
		keep := func() error { return Put(ctx, c.Near, key, data) }
		if damaged {
			keep = func() error { return c.Near.Replace(ctx, key, bytes.NewReader(data)) }
		}
		_ = keep() // it is read again then
	}
	return valueOf(data), nil
}

// valueOf is a value that is in memory.
func valueOf(data []byte) *Value {
	return &Value{ReadCloser: io.NopCloser(bytes.NewReader(data)), Size: int64(len(data))}
}

// Replace forgets what was kept.
func (c Cached) Replace(ctx context.Context, key string, content io.Reader) error {
	_ = c.Near.Delete(ctx, key) // a value that is kept is never replaced
	return c.Bucket.Replace(ctx, key, content)
}

// Move forgets what was kept.
func (c Cached) Move(ctx context.Context, from, to string) error {
	_ = c.Near.Delete(ctx, from)
	return c.Bucket.Move(ctx, from, to)
}

// Delete forgets what was kept.
func (c Cached) Delete(ctx context.Context, key string) error {
	_ = c.Near.Delete(ctx, key)
	return c.Bucket.Delete(ctx, key)
}

// DeleteAll forgets what was kept.
func (c Cached) DeleteAll(ctx context.Context, keys []string) error {
	for _, key := range keys {
		_ = c.Near.Delete(ctx, key)
	}
	return DeleteAll(ctx, c.Bucket, keys)
}
