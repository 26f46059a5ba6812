package cloud

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"gocloud.dev/blob"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// smallValue is up to how many bytes a value, or a part of one, is read before Get returns: from its beginning again, should the
// connection be lost. A larger one is read as a stream, which goes on where it was lost.
const smallValue = 1 << 20

// Get opens a value, as bucket.Bucket says. A large value that somebody replaces while its stream is lost cannot be read on: reading
// fails then.
func (b *Bucket) Get(ctx context.Context, key string, r bucket.Range) (*bucket.Value, error) {
	if err := bucket.Check(key); err != nil {
		return nil, err
	}
	var v *bucket.Value
	err := b.again(ctx, "reading "+key, func() (err error) {
		v, err = b.get(ctx, key, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// get is one attempt of Get. A small value is read here, so that an attempt whose connection is lost half way counts as failed
// and is made again as a whole.
func (b *Bucket) get(ctx context.Context, key string, r bucket.Range) (*bucket.Value, error) {
	length := r.Length
	if length == 0 {
		length = -1
	}
	body, err := b.blob.NewRangeReader(ctx, b.prefix+key, r.Offset, length, nil)
	if status, _ := b.service.code(err); status == http.StatusRequestedRangeNotSatisfiable {
		return b.beyond(ctx, key)
	}
	if err != nil {
		return nil, err
	}
	size := body.Size()
	left := max(size-r.Offset, 0)
	if length >= 0 {
		left = min(left, length)
	}
	if left > smallValue {
		return &bucket.Value{ReadCloser: &stream{b: b, ctx: ctx, key: key, body: body, version: b.service.version(body), at: r.Offset, left: left}, Size: size}, nil
	}
	data := make([]byte, left)
	_, err = io.ReadFull(body, data)
	if err = errors.Join(err, body.Close()); err != nil {
		return nil, err
	}
	return &bucket.Value{ReadCloser: io.NopCloser(bytes.NewReader(data)), Size: size}, nil
}

// beyond is a range that begins at the end of a value, such as any of an empty one.
func (b *Bucket) beyond(ctx context.Context, key string) (*bucket.Value, error) {
	attrs, err := b.blob.Attributes(ctx, b.prefix+key)
	if err != nil {
		return nil, err
	}
	return &bucket.Value{ReadCloser: io.NopCloser(bytes.NewReader(nil)), Size: attrs.Size}, nil
}

// stream reads a large value and goes on where a connection was lost. Of a value of 5 MB whose connection is lost after 2 MB the
// rest is asked for by its range, from byte 2,000,000, and only taken if it is of the version that was begun with.
type stream struct {
	b       *Bucket
	ctx     context.Context // of Get: a reader has none of its own
	key     string          // without the bucket's prefix
	body    *blob.Reader    // of the connection that is read now
	version string          // of the value that was opened
	at      int64           // of the value, of the next byte
	left    int64           // bytes still to come
	lost    int             // times in a row
}

// Read reads what the connection gives and opens another where it is lost. Bytes that have come are handed on before an error
// is looked at, so that no byte is read twice.
func (s *stream) Read(p []byte) (int, error) {
	for {
		if s.left == 0 {
			return 0, io.EOF
		}
		n, err := s.body.Read(p[:min(int64(len(p)), s.left)])
		s.at, s.left = s.at+int64(n), s.left-int64(n)
		if n > 0 {
			s.lost = 0
			return n, nil // an error comes again, or the stream goes on
		}
		if err == nil {
			continue
		}
		if err := s.resume(err); err != nil {
			return 0, err
		}
	}
}

// resume opens the rest of the value after the stream was lost, and gives up after as many losses in a row as other requests
// have tries. Each byte that comes begins the count again: a large value over a bad network loses its connection often, and
// still arrives.
func (s *stream) resume(lost error) error {
	for ; s.lost < tries && s.ctx.Err() == nil && pause(s.ctx, s.lost); s.lost++ {
		body, err := s.b.blob.NewRangeReader(s.ctx, s.b.prefix+s.key, s.at, s.left, nil)
		if err != nil {
			lost = err
			if s.b.passes(err) {
				continue
			}
			break
		}
		_ = s.body.Close() // it is lost
		s.body = body
		if s.b.service.version(body) != s.version {
			return fmt.Errorf("reading %s: it was replaced while it was read", s.key)
		}
		s.lost++ // until bytes come
		return nil
	}
	if errors.Is(s.b.absent(lost), fs.ErrNotExist) {
		return fmt.Errorf("reading %s: it was deleted while it was read", s.key)
	}
	return fmt.Errorf("reading %s: %w", s.key, s.b.explain(errors.Join(s.ctx.Err(), lost)))
}

func (s *stream) Close() error { return s.body.Close() }
