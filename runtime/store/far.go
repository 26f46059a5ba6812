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
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
	"github.com/mlp-lang/mlp/runtime/store/garbage"
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
	marked bool     // the bucket has the id; else it is this process's proposal
	said   identity // as it stands there
}

// identity is the value of store.json. Its format says which protocol whoever works in the store must know, so that an mlp that does not know it
// stops before it reads anything else.
type identity struct {
	Format string `json:"format"`
	ID     string `json:"id"`
	// LateSeconds is within how many seconds a request to the bucket is carried out, or never; 0: garbage.Late.
	LateSeconds int `json:"late_seconds,omitempty"`
}

const (
	identityKey    = "store.json"
	sealedIdentity = "store"

	// uncollected is the format of a store in which nothing was ever deleted: readers need not know of marks.
	uncollected = "mlp.store/1"
	// collected is that of one in which garbage is collected: who writes holds what it names against marks, and copies of records go by eras.
	collected = "mlp.store/2"

	longestLate = 10 * time.Minute
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
	var since int
	var sweeping bool
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.far.identify(gctx) })
	g.Go(func() (err error) {
		since, sweeping, err = garbage.Since(gctx, b, time.Now())
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	s.limit = CacheLimit
	s.shelf = local.Open(s.far.cache(), s.place)
	s.bucket = bucket.Cached{Bucket: s.far.era(since, sweeping), Near: s.shelf, Keep: keepRevision}
	s.holder = &garbage.Holder{Bucket: b, Lists: lists{s.bucket, s.shelf}, Since: since, Now: time.Now}
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

// Late is within what time the bucket carries a request out after which it was taken for lost: zero for a folder.
func (s *Store) Late() time.Duration {
	if s.far == nil {
		return 0
	}
	if n := s.far.said.LateSeconds; n > 0 {
		return time.Duration(n) * time.Second
	}
	return garbage.Late
}

// FormatError: a store is of a format that this mlp does not know.
type FormatError struct{ File, Format string }

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s says that the store has the format %q, and this mlp knows %s and %s: use a later mlp, such as that of whoever collects garbage in the store. Nothing was read or written",
		e.File, e.Format, uncollected, collected)
}

// Collected marks a store elsewhere as one in which garbage is collected, before anything is: an mlp that knows nothing of that is refused from
// then on. A store in a folder has no such mark.
func (s *Store) Collected(ctx context.Context) error {
	f := s.far
	if f == nil || f.said.Format == collected {
		return nil
	}
	if _, err := f.read(ctx); err != nil { // it was just prepared
		return err
	}
	now := f.said
	now.Format = collected
	data, err := now.seal()
	if err == nil {
		err = f.bucket.Replace(ctx, identityKey, bytes.NewReader(data))
	}
	if err != nil {
		return fmt.Errorf("noting that garbage is collected: %w", err)
	}
	f.said = now
	return nil
}

func (i identity) seal() ([]byte, error) {
	body, err := json.Marshal(i)
	data, _ := seal.Seal(sealedIdentity, body)
	return data, err
}

// cache is the folder of what is near.
func (f *far) cache() string { return f.place.Path("cache", "store", f.id) }

// era is the bucket with copies of records in front of it. What is under a record's key changes only where a collection has deleted it and its stage
// ran again: so each collection begins an era, with copies of its own, and while one deletes there are none.
func (f *far) era(since int, sweeping bool) bucket.Bucket {
	near := fmt.Sprintf("%s.%06d", f.cache(), since)
	all, _ := filepath.Glob(f.cache() + ".*") // whatever stays is removed when the cache is trimmed
	for _, other := range all {
		if other < near {
			_ = os.RemoveAll(other)
		}
	}
	if sweeping {
		return f.bucket
	}
	return bucket.Cached{Bucket: f.bucket, Near: local.Open(near, f.place), Keep: keepRecord}
}

// lists has objects, for what they say, from the shelf where they are on it.
type lists struct {
	bucket.Bucket
	shelf *local.Bucket
}

// Get does not say whether the store has an object.
func (l lists) Get(ctx context.Context, key string, r bucket.Range) (*bucket.Value, error) {
	if strings.HasPrefix(key, objects.Prefix) {
		if v, err := l.shelf.Get(ctx, key, r); err == nil {
			return v, nil
		}
	}
	return l.Bucket.Get(ctx, key, r)
}

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
	switch file := f.at + "/" + identityKey; {
	case err != nil:
		return "", fmt.Errorf("opening the store: %s %w", file, err)
	case found.Format != uncollected && found.Format != collected:
		return "", fmt.Errorf("opening the store: %w", &FormatError{file, found.Format})
	case strings.Trim(found.ID, "0123456789abcdef") != "" || found.ID == "":
		return "", fmt.Errorf("opening the store: %s has no id", file)
	case found.LateSeconds < 0 || found.LateSeconds > int(longestLate.Seconds()):
		return "", fmt.Errorf("opening the store: %s has late_seconds %d; at most %d are taken", file, found.LateSeconds, int(longestLate.Seconds()))
	}
	f.said = found
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
	data, err := identity{Format: uncollected, ID: f.id}.seal()
	if err != nil {
		return err
	}
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
	others, _ := filepath.Glob(f.cache() + ".*")
	err := os.RemoveAll(f.cache())
	for _, other := range others {
		err = errors.Join(err, os.RemoveAll(other))
	}
	return err
}

// keepRevision reports whether a value is a revision as it was written, which never changes.
func keepRevision(key string, value []byte) bool {
	if !strings.HasPrefix(key, "log/") {
		return false
	}
	_, _, err := seal.Unseal("revision", value)
	return err == nil
}

// keepRecord reports whether a value is a record as it was written, or copies of some, which do not change until the next collection.
func keepRecord(key string, value []byte) bool {
	switch {
	case strings.HasPrefix(key, records.ReplacedPrefix):
		return false
	case strings.HasPrefix(key, records.SegmentPrefix):
		return records.WholeSegment(value)
	case strings.HasPrefix(key, records.Prefix):
		_, _, err := seal.Unseal("action", value)
		return err == nil
	}
	return false
}
