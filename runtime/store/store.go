// Package store is what a pipeline's results are kept in: objects by their content, and records that say which objects a
// stage's fingerprint yields. Several processes may use one store at once; whatever is killed at any moment leaves it
// usable, since bytes are there before the name that leads to them.
//
// A store is a bucket, whose keys spec/store.md lists, and what its folder has of this machine: sessions, checkpoints, and
// digests of files outside. This package puts the two together; what each can do is said in the packages below it.
package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/scratch/hashcache"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
	"github.com/mlp-lang/mlp/runtime/store/garbage"
	"github.com/mlp-lang/mlp/runtime/store/objects"
	"github.com/mlp-lang/mlp/runtime/store/records"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

// What callers meet of the packages below.
type (
	// MissingError names an object that is not there.
	MissingError = objects.MissingError
	// CorruptError names an object that was not what its name says.
	CorruptError = objects.CorruptError
	// FileError names what in a folder cannot be stored.
	FileError = objects.FileError
	// Dir lists a directory's files.
	Dir = objects.Dir
	// Batch is objects that are put together.
	Batch = objects.Batch
	// Entry is one file of a directory.
	Entry = objects.Entry
	// DamagedError: the record of a result is not what was written.
	DamagedError = records.DamagedError
	// NondeterministicError: a stage gave something else than before.
	NondeterministicError = records.NondeterministicError
	// Checkpoint is what a stage keeps from one attempt to the next.
	Checkpoint = scratch.Checkpoint
)

var (
	// ErrMissing: the store does not have the object or record.
	ErrMissing = bucket.ErrMissing
	// ErrCorrupt is what a CorruptError is.
	ErrCorrupt = objects.ErrCorrupt
)

// IsMissing returns the digest of the object that an error says is missing or was corrupt.
func IsMissing(err error) (plan.Digest, bool) { return objects.IsMissing(err) }

// Store is a bucket of objects and records, and the place on this machine that works on it. It is safe for concurrent use,
// also by several processes.
type Store struct {
	root    string
	bucket  bucket.Bucket
	shelf   *local.Bucket
	place   *scratch.Place
	objects *objects.Objects
	records *records.Records
	hashes  *hashcache.Cache
	claims  claims
	limit   int64 // of the cache of a bucket elsewhere, in bytes
	where   func(key string) string
	far     *far // nil where the store is a folder
	holder  *garbage.Holder
}

// Open returns the store in a folder, which is created when something is first written.
func Open(dir string) (*Store, error) { return openIn(dir, local.Open) }

// On is Open on another disk than this machine's.
func On(disk local.Disk, dir string) (*Store, error) {
	return openIn(dir, func(dir string, temp *scratch.Place) *local.Bucket { return local.On(disk, dir, temp) })
}

func openIn(dir string, folder func(dir string, temp *scratch.Place) *local.Bucket) (*Store, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	info, err := os.Stat(root)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("opening the store: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("opening the store: %s is a file, expected a folder", root)
	}
	place := scratch.At(root)
	shelf := folder(root, place)
	since, _, err := garbage.Since(context.Background(), shelf, time.Now())
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	holder := &garbage.Holder{Bucket: shelf, Since: since, Now: time.Now}
	return &Store{holder: holder, root: root, bucket: shelf, shelf: shelf, place: place,
		objects: objects.In(shelf, place), records: records.New(shelf, shelf.Path), hashes: hashcache.New(place), where: shelf.Path}, nil
}

// CacheLimit is how many bytes of a bucket that is elsewhere are kept here, if LimitCache says nothing else.
const CacheLimit = 20 << 30

// LimitCache says how many bytes of a bucket that is elsewhere are kept here. Close removes what is more, and was used longest ago; what
// processes use that are alive stays.
func (s *Store) LimitCache(bytes int64) { s.limit = bytes }

// Root is the store's folder, absolute.
func (s *Store) Root() string { return s.root }

// Bucket has all that the store keeps.
func (s *Store) Bucket() bucket.Bucket { return s.bucket }

// Place is what is of this machine.
func (s *Store) Place() *scratch.Place { return s.place }

// Where is the file of a key's value, or its key where that is elsewhere, as messages name it.
func (s *Store) Where(key string) string { return s.where(key) }

// ObjectPath is where an object's file stands, whether it is there or not.
func (s *Store) ObjectPath(d plan.Digest) (string, error) { return s.objects.Path(d) }

// Together stores what put adds to a batch, as objects.Together says.
func (s *Store) Together(ctx context.Context, put func(*Batch) error) error {
	return s.objects.Together(ctx, put)
}

// PutBytes stores content and returns its digest.
func (s *Store) PutBytes(ctx context.Context, data []byte) (plan.Digest, error) {
	return s.objects.PutBytes(ctx, data)
}

// PutFile stores a copy of a regular file's content and returns its digest.
func (s *Store) PutFile(ctx context.Context, path string) (plan.Digest, error) {
	return s.objects.PutFile(ctx, path)
}

// PutDir stores a folder of regular files, as objects.PutDir says.
func (s *Store) PutDir(ctx context.Context, dir string, tell func(done, total int)) (plan.Digest, error) {
	return s.objects.PutDir(ctx, dir, tell)
}

// PutList stores the list of a directory whose files are objects already.
func (s *Store) PutList(ctx context.Context, files []Entry) (plan.Digest, error) {
	return s.objects.PutList(ctx, files)
}

// Has reports whether an object is there, without looking at its content.
func (s *Store) Has(d plan.Digest) bool { return s.objects.Has(context.Background(), d) }

// Get returns an object's content, checked against its digest.
func (s *Store) Get(d plan.Digest) ([]byte, error) { return s.objects.Get(context.Background(), d) }

// OpenDir reads the list of a directory. Its files may be missing.
func (s *Store) OpenDir(d plan.Digest) (*Dir, error) {
	return s.objects.OpenDir(context.Background(), d)
}

// Verify checks that a directory and all its files are there and are what their digests say.
func (s *Store) Verify(ctx context.Context, d plan.Digest) error { return s.objects.Verify(ctx, d) }

// ReadFile returns one file of a directory, checked.
func (s *Store) ReadFile(d plan.Digest, name string) ([]byte, error) {
	return s.objects.ReadFile(context.Background(), d, name)
}

// Materialize makes a directory appear at dest, as objects.Materialize says.
func (s *Store) Materialize(ctx context.Context, d plan.Digest, dest string) error {
	return s.objects.Materialize(ctx, d, dest)
}

// Present looks whether a stage's outputs are there, as objects.Present says.
func (s *Store) Present(outputs map[string]plan.Digest) error {
	return s.objects.Present(context.Background(), outputs)
}

// PutAction records what a fingerprint yields, as records.Put says.
func (s *Store) PutAction(a plan.Action) (*plan.Action, error) {
	return s.records.Put(context.Background(), a)
}

// ReplaceAction records a result whatever was recorded before, as records.Replace says.
func (s *Store) ReplaceAction(a plan.Action) error { return s.records.Replace(context.Background(), a) }

// Action returns what a fingerprint yields, as records.Get says.
func (s *Store) Action(fp plan.Digest) (*plan.Action, error) {
	return s.records.Get(context.Background(), fp)
}

// Settle returns once the record of a fingerprint is durable, as records.Settle says.
func (s *Store) Settle(ctx context.Context, fp plan.Digest) error { return s.records.Settle(ctx, fp) }

// HashFiles digests files outside, as hashcache.HashFiles says.
func (s *Store) HashFiles(ctx context.Context, dir, root string, names []string) (plan.External, plan.Digest, error) {
	return s.hashes.HashFiles(ctx, dir, root, names)
}

// Hold makes sure that no collection of garbage deletes what a text mentions that is about to be recorded, as garbage.Holder says.
func (s *Store) Hold(ctx context.Context, text []byte) error { return s.holder.Hold(ctx, text) }

// Temp creates a folder for files that this process works on, as scratch.Place says.
func (s *Store) Temp(pattern string) (string, error) { return s.place.Temp(pattern) }

// Checkpoint holds the folder of a fingerprint, as scratch.Place says.
func (s *Store) Checkpoint(fp plan.Digest) (*Checkpoint, error) {
	hex, err := fp.Hex()
	if err != nil {
		return nil, err
	}
	return s.place.Checkpoint(hex)
}

// Kept reports whether there is a checkpoint of a fingerprint, as scratch.Place says.
func (s *Store) Kept(fp plan.Digest) bool {
	hex, err := fp.Hex()
	return err == nil && s.place.Kept(hex)
}

// Work returns a folder for a stage, and Rest takes it back, as scratch.Place says.
func (s *Store) Work() (string, error) { return s.place.Work() }

// Rest takes back a folder of Work in which nothing runs any more.
func (s *Store) Rest(dir string) { s.place.Rest(dir) }

// Sweep removes what processes left that are no longer alive. It returns how many had left something.
func (s *Store) Sweep() (int, error) { return s.place.SweepSessions() }

// Left reports whether a process that is no longer alive left a stage that it was running. Nothing is changed.
func (s *Store) Left() bool { return s.place.Left() }

// Close writes down what is remembered of files outside, groups what was recorded for those who read much, and removes this
// process's temporary files, and what the cache of a bucket elsewhere has too much. The store can be used again afterwards.
func (s *Store) Close() error {
	err := errors.Join(s.hashes.Save(), s.records.Group(context.Background()), s.place.Close())
	s.objects.Forget()
	return errors.Join(err, s.objects.Trim(context.Background(), s.limit), s.far.close())
}

// Seal puts a JSON value into a file under a name, as seal.Seal says.
func Seal(name string, body []byte) ([]byte, plan.Digest) { return seal.Seal(name, body) }

// Unseal returns the value that a file holds under a name, and its digest. It is part of data.
func Unseal(name string, data []byte) ([]byte, plan.Digest, error) { return seal.Unseal(name, data) }
