// Package cloud has buckets of cloud services: Amazon S3 and servers of its protocol, Google Cloud Storage, Azure Blob Storage.
// What a bucket promises is in package bucket; here is what a service's answers mean.
package cloud

// Three outcomes of a conditional write.
//
// PutNew asks the service to write only if there is no value (If-None-Match: * with S3 and Azure, ifGenerationMatch=0 with Google). What
// comes back is not always the truth:
//
//	written                 won
//	refused (412)           lost, or won before: the client's library sends a request again when its answer was lost, and the
//	                        second one is refused because of the first
//	409, 429, 5xx, time-out,
//	connection lost         not known
//
// So each value carries a nonce of its writer in its metadata, and after all but the first outcome the key is asked whose value
// it has. The nonce is this writer's: won. Another's: lost. No value: the write is sent again with the same nonce, so that
// it does not matter which of the requests comes through. Only where the service does not answer to the end is the outcome not known, and the
// error says so.
//
//	10:00:00  A puts 000042.json, nonce a1      written; the answer is lost
//	10:00:01  A's library sends it again        412
//	10:00:01  A asks for the metadata           a1: A has won
//	10:00:02  B puts 000042.json, nonce b7      412; the metadata say a1: B has lost
//
// Replace and Delete are sent again as they are. A request that a network delays may then come through after a later one of the same
// writer: a value that is replaced must bear that, as heads (which may be older than the log) and leases (which end by themselves) do.

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	mrand "math/rand/v2"
	"net/http"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/mlp-lang/mlp/lang/storeurl"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// Bucket is a bucket of a service, below a prefix.
type Bucket struct {
	blob    *blob.Bucket
	service service
	prefix  string // of all keys; empty or with a slash at its end
	at      string // how messages name the bucket: its URL without parameters
	page    int    // keys of a list, at most
}

// service is what differs between services.
type service interface {
	// startAfter has a list begin after a key, if the service can do that. It is given what gocloud hands out before a list.
	startAfter(as func(any) bool, key string)
	// encrypt sets the key of encryption of a value that is about to be written, where it is set by value.
	encrypt(as func(any) bool)
	// version of a value that is read: another one is another value.
	version(r *blob.Reader) string
	// code is the HTTP status and the service's own code of an error; zero where the service did not answer.
	code(err error) (status int, code string)
}

// pageKeys is how many keys a page of a list has, at most: as many as S3 gives.
const pageKeys = 1000

// Open returns the bucket of a URL. Nothing is asked of it yet.
// An error is of the URL or of the credentials' form; whether the bucket is there the first request tells.
func Open(ctx context.Context, u storeurl.URL) (*Bucket, error) {
	b := &Bucket{at: u.Place(), page: pageKeys}
	if u.Prefix != "" {
		b.prefix = u.Prefix + "/"
	}
	var err error
	switch u.Scheme {
	case storeurl.S3:
		b.blob, b.service, err = openS3(ctx, u)
	case storeurl.GS:
		b.blob, b.service, err = openGS(ctx, u)
	case storeurl.Azure:
		b.blob, b.service, err = openAzure(ctx, u)
	default:
		err = fmt.Errorf("stores cannot be at %s://", u.Scheme)
	}
	if err != nil {
		return nil, b.explain(err)
	}
	return b, nil
}

const (
	// tries is how often a request is sent whose answer leaves it open, besides what the service's library does by itself.
	tries = 6
	// firstPause is how long the first pause between tries is on average; each is twice the one before.
	firstPause = 100 * time.Millisecond
)

// pause waits before another try. It reports false where the context ended.
func pause(ctx context.Context, try int) bool {
	d := time.Duration((0.5 + mrand.Float64()) * float64(firstPause) * math.Pow(2, float64(try)))
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// writer is the name of the metadata in which a value has its writer's nonce.
const writer = "mlpwriter"

// newNonce is a text that no other writer has, by which a writer knows its own value again.
func newNonce() (string, error) {
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	return hex.EncodeToString(nonce), nil
}

// PutNew gives a key its first value, as bucket.Bucket says. Content that cannot be read from its beginning again is read into memory.
// A request whose answer was lost may have been carried out. So each write carries a nonce, and on "it exists already"
// the writer is asked for: if it was this one, the write succeeded.
func (b *Bucket) PutNew(ctx context.Context, key string, content io.Reader) error {
	if err := bucket.Check(key); err != nil {
		return err
	}
	source, err := rewindable(content)
	if err != nil {
		return err
	}
	nonce, err := newNonce()
	if err != nil {
		return err
	}
	for try := range tries {
		err = b.write(ctx, key, source, &blob.WriterOptions{IfNotExist: true, Metadata: map[string]string{writer: nonce}})
		if err == nil {
			return nil
		}
		status, _ := b.service.code(err)
		refused := status == http.StatusPreconditionFailed || gcerrors.Code(err) == gcerrors.FailedPrecondition
		if source.err != nil || ctx.Err() != nil || !refused && !b.passes(err) {
			break
		}
		by, readErr := b.writerOf(ctx, key)
		switch {
		case readErr == nil && by == nonce:
			return nil
		case readErr == nil:
			return fmt.Errorf("putting %s: %w", key, fs.ErrExist)
		case !errors.Is(readErr, fs.ErrNotExist) && !b.passes(readErr):
			return fmt.Errorf("putting %s, whose outcome is not known: %w", key, b.explain(err))
		}
		if !pause(ctx, try) {
			break
		}
	}
	return fmt.Errorf("putting %s: %w", key, b.explain(errors.Join(ctx.Err(), err)))
}

// writerOf is the nonce of who wrote the value of a key.
func (b *Bucket) writerOf(ctx context.Context, key string) (string, error) {
	attrs, err := b.blob.Attributes(ctx, b.prefix+key)
	if err != nil {
		return "", b.absent(err)
	}
	return attrs.Metadata[writer], nil
}

// Replace gives a key a value, as bucket.Bucket says.
// It may be done twice, since both times the value is the same.
func (b *Bucket) Replace(ctx context.Context, key string, content io.Reader) error {
	if err := bucket.Check(key); err != nil {
		return err
	}
	source, err := rewindable(content)
	if err != nil {
		return err
	}
	return b.again(ctx, "replacing "+key, func() error {
		err := b.write(ctx, key, source, &blob.WriterOptions{})
		if err != nil && source.err != nil {
			return &final{source.err}
		}
		return err
	})
}

// source is content that can be read again from its beginning. It remembers an error of reading it.
type source struct {
	io.ReadSeeker
	err error
}

// Read keeps the error of the content apart from those of the service: the one is the caller's, and no other attempt
// mends it.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.ReadSeeker.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// rewindable is the content as something that can be read again for another attempt.
func rewindable(content io.Reader) (*source, error) {
	if s, ok := content.(io.ReadSeeker); ok {
		return &source{ReadSeeker: s}, nil
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return nil, err
	}
	return &source{ReadSeeker: bytes.NewReader(data)}, nil
}

// partBytes is the size of the parts in which a large value is sent, several at once; one that was lost is sent again.
const partBytes = 8 << 20

// maxParts is how many parts a value has at most with S3, less a margin.
const maxParts = 9000

// write sends a value from its beginning.
// Large values go in parts, of which the service takes a limited number; so a part is larger where the value is.
func (b *Bucket) write(ctx context.Context, key string, s *source, o *blob.WriterOptions) error {
	size, err := s.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = s.Seek(0, io.SeekStart)
	}
	if err != nil {
		s.err = err
		return err
	}
	o.ContentType = "application/octet-stream"
	o.BufferSize = int(max(partBytes, size/maxParts))
	o.BeforeWrite = func(as func(any) bool) error {
		b.service.encrypt(as)
		return nil
	}
	if err := b.blob.Upload(ctx, b.prefix+key, s, o); err != nil {
		return err
	}
	return s.err
}

// final is an error after which nothing is tried again.
type final struct{ error }

func (f *final) Unwrap() error { return f.error }

// again does what may be done twice until its outcome is known.
// Between attempts it waits, longer each time; what the service says is wrong with the request is not tried again.
func (b *Bucket) again(ctx context.Context, what string, do func() error) error {
	var err error
	for try := range tries {
		var end *final
		if err = do(); err == nil {
			return nil
		}
		if errors.As(err, &end) || ctx.Err() != nil || !b.passes(err) || !pause(ctx, try) {
			break
		}
	}
	if err = b.absent(err); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %w", what, b.explain(err))
}

// List returns a page of keys, as bucket.Bucket says. What is no key is passed over.
func (b *Bucket) List(ctx context.Context, prefix, after string) (bucket.Page, error) {
	if err := bucket.CheckPrefix(prefix); err != nil {
		return bucket.Page{}, err
	}
	o := &blob.ListOptions{Prefix: b.prefix + prefix}
	if after != "" {
		o.BeforeList = func(as func(any) bool) error {
			b.service.startAfter(as, b.prefix+after)
			return nil
		}
	}
	var out bucket.Page
	token := blob.FirstPageToken
	for {
		var found []*blob.ListObject
		var next []byte
		err := b.again(ctx, "listing keys", func() (err error) {
			found, next, err = b.blob.ListPage(ctx, token, b.page, o)
			return err
		})
		if err != nil {
			return bucket.Page{}, err
		}
		for _, object := range found {
			key := object.Key[min(len(b.prefix), len(object.Key)):]
			if key > after && bucket.Check(key) == nil {
				out.Keys, out.Sizes = append(out.Keys, key), append(out.Sizes, object.Size)
			}
		}
		if out.More = len(next) > 0; !out.More || len(out.Keys) > 0 {
			return out, nil
		}
		token = next
	}
}

// Move gives a value another key, as bucket.Bucket says.
func (b *Bucket) Move(ctx context.Context, from, to string) error {
	if err := errors.Join(bucket.Check(from), bucket.Check(to)); err != nil {
		return err
	}
	err := b.again(ctx, "moving "+from, func() error { return b.blob.Copy(ctx, b.prefix+to, b.prefix+from, nil) })
	if err != nil {
		return err
	}
	return b.Delete(ctx, from)
}

// Delete removes a key's value, as bucket.Bucket says.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := bucket.Check(key); err != nil {
		return err
	}
	err := b.again(ctx, "deleting "+key, func() error { return b.blob.Delete(ctx, b.prefix+key) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
