package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
	"github.com/mlp-lang/mlp/runtime/store/objects"
	"github.com/mlp-lang/mlp/runtime/store/records"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

// A store elsewhere has an identity, the value of store.json: a random id, put by who first writes to the store. What this machine keeps of the
// store lies in cache/store/<id>. Keys alone would not do: a bucket that was emptied and filled anew has another revision
// 000001 under the same URL, and the old one, which was right once, would still be near.

// far is what a store over a bucket elsewhere knows of it.
type far struct {
	bucket bucket.Bucket
	place  *scratch.Place
	at     string // the bucket, as messages name it
	id     string
	marked bool // the bucket has the id; else it is this process's proposal
}

// identity is the value of store.json.
type identity struct {
	Format string `json:"format"`
	ID     string `json:"id"`
}

const (
	identityKey    = "store.json"
	identityFormat = "mlp.store/1"
	sealedIdentity = "store"
)

// Over returns the store in a bucket that is elsewhere, with a folder on this machine for what is fetched from it and for what
// this machine works on. Records that are put once, segments of them, revisions and objects are fetched once. At is how messages name the
// bucket, such as s3://models/fraud. Nothing is written; who is about to write calls Prepare.
func Over(ctx context.Context, b bucket.Bucket, dir, at string) (*Store, error) {
	s, err := Open(dir)
	if err != nil {
		return nil, err
	}
	s.far = &far{bucket: b, place: s.place, at: at}
	if err := s.far.identify(ctx); err != nil {
		return nil, err
	}
	s.limit = CacheLimit
	s.shelf = local.Open(s.far.cache(), s.place)
	s.bucket = bucket.Cached{Bucket: b, Near: s.shelf, Keep: keep}
	s.where = func(key string) string { return at + "/" + key }
	s.objects, s.records = objects.Far(b, s.shelf, s.place), records.New(s.bucket, s.where)
	return s, nil
}

// IsFar reports whether the store is in a bucket elsewhere, which other machines may write to as well.
func (s *Store) IsFar() bool { return s.far != nil }

// At is the bucket elsewhere that the store is in, as messages name it; empty where the store is a folder.
func (s *Store) At() string {
	if s.far == nil {
		return ""
	}
	return s.far.at
}

// cache is the folder of what is near.
func (f *far) cache() string { return f.place.Path("cache", "store", f.id) }

// identify reads the store's id, or proposes one where it has none. That nothing is under the key may also mean that there is no such bucket; a
// list tells.
func (f *far) identify(ctx context.Context) error {
	id, err := f.read(ctx)
	if err != nil {
		return err
	}
	if id != "" {
		f.id, f.marked = id, true
		return nil
	}
	if _, err := f.bucket.List(ctx, "", ""); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	f.id = hex.EncodeToString(random)
	return nil
}

// read returns the id that the bucket has; empty where it has none.
func (f *far) read(ctx context.Context) (string, error) {
	data, err := bucket.Read(ctx, f.bucket, identityKey)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("opening the store: %w", err)
	}
	body, _, err := seal.Unseal(sealedIdentity, data)
	var found identity
	if err == nil {
		err = json.Unmarshal(body, &found)
	}
	if err == nil && (found.Format != identityFormat || strings.Trim(found.ID, "0123456789abcdef") != "" || found.ID == "") {
		err = fmt.Errorf("has the format %q; this mlp knows %s", found.Format, identityFormat)
	}
	if err != nil {
		return "", fmt.Errorf("opening the store: %s/%s %w", f.at, identityKey, err)
	}
	return found.ID, nil
}

// Prepare makes a bucket that is elsewhere ready to be written to. Whether it keeps its promises is tried once on each machine; the error
// is a bucket.ProbeError where it does not. Then it gets its identity, if it has none. Told is called before a trial. A store in a folder is ready.
func (s *Store) Prepare(ctx context.Context, told func()) error {
	f := s.far
	if f == nil {
		return nil
	}
	if _, err := os.Stat(f.probed()); err != nil || !f.marked {
		told()
		if err := bucket.Probe(ctx, f.bucket); err != nil {
			return err
		}
	}
	if !f.marked {
		if err := f.mark(ctx); err != nil {
			return fmt.Errorf("preparing the store: %w", err)
		}
	}
	if err := os.MkdirAll(f.place.Path("cache", "probed"), 0o755); err != nil {
		return fmt.Errorf("preparing the store: %w", err)
	}
	return os.WriteFile(f.probed(), nil, 0o644)
}

// probed is the file by which this machine remembers that the bucket was tried: the same store at another place is tried again.
func (f *far) probed() string {
	hex, _ := digest.Of([]byte(f.at)).Hex() // a digest that was just made has digits
	return f.place.Path("cache", "probed", f.id+"-"+hex[:16])
}

// mark gives the bucket the id that was proposed. Where another machine was first, what is near goes by the wrong id: whoever comes next
// fetches it again.
func (f *far) mark(ctx context.Context) error {
	body, err := json.Marshal(identity{Format: identityFormat, ID: f.id})
	if err != nil {
		return err
	}
	data, _ := seal.Seal(sealedIdentity, body)
	err = f.bucket.PutNew(ctx, identityKey, bytes.NewReader(data))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	there, err := f.read(ctx)
	if err != nil {
		return err
	}
	f.marked = there == f.id
	return nil
}

// close removes what is near of a store without an id.
func (f *far) close() error {
	if f == nil || f.marked {
		return nil
	}
	return os.RemoveAll(f.cache())
}

// keep reports whether a value never changes, and is as it was written.
func keep(key string, value []byte) bool {
	var err error
	switch {
	case strings.HasPrefix(key, records.ReplacedPrefix):
		return false
	case strings.HasPrefix(key, records.SegmentPrefix):
		return records.WholeSegment(value)
	case strings.HasPrefix(key, records.Prefix):
		_, _, err = seal.Unseal("action", value)
	case strings.HasPrefix(key, "log/"):
		_, _, err = seal.Unseal("revision", value)
	default:
		return false
	}
	return err == nil
}
