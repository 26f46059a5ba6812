// Package objects keeps content by its digest in a bucket. An object is never changed; a directory is an object that lists
// objects. What is read is held to its digest, and what does not match it is put aside and counts for missing.
//
// Stages read objects as files, by hard links into their work folders. So every object that is used lies in a local bucket of this
// machine, the shelf. Where the store is a folder, such as .mlp, the shelf is the store itself, and there is no second copy.
// Where the store is in a cloud, the shelf is a cache in front of it: an object is fetched when it is first asked for.
package objects

// Objects by digest.
//
// The key of an object is its BLAKE3 digest in hexadecimal, after two digits for a folder: content with the digest blake3:9f02c1… is the
// value of objects/blake3/9f/02c1…. Content that is stored twice is there once, and a key never gets another value.
//
// A directory, such as the output port of a stage, is an object too: a JSON list of its files with name, size and digest, sorted by
// name (dir.go). Its digest stands for all that is below it, so a record names one digest a port.
//
// Put. Content is written to a temporary file and hashed on the way; when the file is durable it gets its name. Where there is
// an object of that name already, it stays if its content is right, and is moved aside if not. In front of a bucket, the
// object is then sent there. All that a stage yields is put as one batch (batch.go).
//
// Get. Content that is read is hashed each time. A file that is linked into a work folder is hashed once per process, as long as its size,
// time of modification and inode stay the same. Content that is not what the name says is moved aside; where the shelf is a cache,
// only the copy is, and the object is fetched again. An object that cannot be had is a
// MissingError or a CorruptError; either is a bucket.ErrMissing, and the answer to both is the same: run the stage that made it.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

// Objects are a store's objects. It is safe for concurrent use, also by several processes.
type Objects struct {
	far   bucket.Bucket // nil where the shelf is the store
	shelf *local.Bucket
	place *scratch.Place

	mu       sync.Mutex
	verified map[plan.Digest]scratch.Stamp // whose content this process has checked
	used     sync.Map                      // keys that this session has used, of a shelf in front of a bucket

	listed func(key string) (size int64, ok bool) // what a list of the bucket had; nil: it was not listed
}

// In returns the objects of a store that is a folder.
func In(shelf *local.Bucket, place *scratch.Place) *Objects {
	return &Objects{shelf: shelf, place: place, verified: map[plan.Digest]scratch.Stamp{}}
}

// Far returns the objects of a bucket, with a shelf in front of it.
func Far(b bucket.Bucket, shelf *local.Bucket, place *scratch.Place) *Objects {
	o := In(shelf, place)
	o.far = b
	return o
}

// Prefix is what the keys of objects begin with.
const Prefix = "objects/blake3/"

// Key is that of an object.
func Key(d plan.Digest) (string, error) {
	hex, err := d.Hex()
	if err != nil {
		return "", err
	}
	return Prefix + hex[:2] + "/" + hex[2:], nil
}

// MissingError names an object that is not there. It is a bucket.ErrMissing.
type MissingError struct{ Digest plan.Digest }

func (e *MissingError) Error() string {
	return fmt.Sprintf("object %s is not in the store; 'mlp apply' makes it again, and 'mlp store verify' says whose it is", e.Digest)
}

// Is makes errors.Is(err, bucket.ErrMissing) true.
func (e *MissingError) Is(target error) bool { return target == bucket.ErrMissing }

// CorruptError names an object whose content was not what its name says. It has been moved aside, so from now on it is
// missing. It is a bucket.ErrMissing too: both mean that the producer must run again.
type CorruptError struct {
	Digest     plan.Digest
	Got        plan.Digest // what the content digests to; empty where it could not be read as what it should be
	Quarantine string      // where it was moved, for whoever wants to look
}

const whyCorrupt = "its content is not what its name says: a failing disk, or somebody wrote to it"

func (e *CorruptError) Error() string {
	return fmt.Sprintf("object %s was corrupt (%s) and was moved to %s; 'mlp apply' makes it again, and 'mlp store verify' says whose it is", e.Digest, whyCorrupt, e.Quarantine)
}

// ErrCorrupt is what a CorruptError is, for errors.Is.
var ErrCorrupt = errors.New("corrupt object")

// Is makes errors.Is(err, ErrCorrupt) and errors.Is(err, bucket.ErrMissing) true.
func (e *CorruptError) Is(target error) bool {
	return target == ErrCorrupt || target == bucket.ErrMissing
}

// Path is where an object's file stands on the shelf, whether it is there or not.
func (o *Objects) Path(d plan.Digest) (string, error) {
	key, err := Key(d)
	if err != nil {
		return "", err
	}
	return o.shelf.Path(key), nil
}

// PutBytes stores content and returns its digest.
func (o *Objects) PutBytes(ctx context.Context, data []byte) (d plan.Digest, err error) {
	err = o.Together(ctx, func(b *Batch) error {
		d, err = b.PutBytes(data)
		return err
	})
	return d, err
}

// PutFile stores a copy of a regular file's content and returns its digest.
func (o *Objects) PutFile(ctx context.Context, path string) (d plan.Digest, err error) {
	err = o.Together(ctx, func(b *Batch) error {
		d, err = b.PutFile(path)
		return err
	})
	return d, err
}

// write hashes what it writes. Holes of a file that has some stay holes.
func (o *Objects) write(ctx context.Context, r io.Reader) (written, error) {
	tmp, err := o.place.File("object-")
	if err != nil {
		return written{}, err
	}
	var d plan.Digest
	if holes(r) {
		w := &sparseWriter{file: tmp}
		if d, err = seal.Copy(ctx, w, r); err == nil {
			err = tmp.Truncate(w.size)
		}
	} else {
		d, err = seal.Copy(ctx, tmp, r)
	}
	if err = errors.Join(err, tmp.Chmod(0o444), tmp.Close()); err != nil {
		return written{}, errors.Join(err, os.Remove(tmp.Name()))
	}
	return written{tmp: tmp.Name(), digest: d}, nil
}

// writeSmall writes content whose digest is known.
func (o *Objects) writeSmall(content []byte, d plan.Digest) (written, error) {
	tmp, err := o.place.File("object-")
	if err != nil {
		return written{}, err
	}
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Chmod(0o444), tmp.Close()); err != nil {
		return written{}, errors.Join(err, os.Remove(tmp.Name()))
	}
	return written{tmp: tmp.Name(), digest: d}, nil
}

// wrong are those files whose key has another value than it should. That value is moved aside.
func (o *Objects) wrong(ctx context.Context, had []local.Staged, digests map[string]plan.Digest) ([]local.Staged, error) {
	var wrong []local.Staged
	for _, s := range had {
		err := o.onShelf(ctx, digests[s.Key])
		if errors.Is(err, bucket.ErrMissing) {
			wrong = append(wrong, s)
		} else if err != nil {
			return nil, err
		}
	}
	return wrong, nil
}

// transfers is how many objects are sent, or fetched, at once.
const transfers = 8

// send puts what is on the shelf into the bucket behind it, as far as it is not there.
func (o *Objects) send(ctx context.Context, digests map[string]plan.Digest) error {
	m := newMeter(ctx, false, o.bytes(digests))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(transfers)
	for key := range digests {
		g.Go(func() error {
			f, info, err := o.shelf.File(key)
			if err != nil {
				return err
			}
			defer f.Close()
			value := &sending{m: m, size: info.Size()}
			has, err := bucket.Has(ctx, o.far, key)
			if !has || err != nil {
				err = o.far.PutNew(value.count(ctx), key, f)
			}
			if err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
			value.all()
			return nil
		})
	}
	return g.Wait()
}

// bytes are those of what is on the shelf under keys.
func (o *Objects) bytes(digests map[string]plan.Digest) (sum int64) {
	for key := range digests {
		if f, info, err := o.shelf.File(key); err == nil {
			sum += info.Size()
			_ = f.Close() // only looked at
		}
	}
	return sum
}

// Has reports whether an object is there, without looking at its content.
func (o *Objects) Has(ctx context.Context, d plan.Digest) bool {
	key, err := Key(d)
	if err != nil {
		return false
	}
	has, err := bucket.Has(ctx, o.shelf, key)
	if !has && o.far != nil {
		has, err = bucket.Has(ctx, o.far, key)
	}
	return has && err == nil
}

// Get returns an object's content, checked against its digest. Errors are MissingError, CorruptError or the disk's.
func (o *Objects) Get(ctx context.Context, d plan.Digest) ([]byte, error) {
	key, err := Key(d)
	if err != nil {
		return nil, err
	}
	data, err := o.read(ctx, d, key)
	if errors.Is(err, bucket.ErrMissing) && o.far != nil {
		if err := o.fetch(ctx, d, key); err != nil {
			return nil, err
		}
		data, err = o.read(ctx, d, key)
	}
	return data, err
}

// read returns what is on the shelf, checked.
func (o *Objects) read(ctx context.Context, d plan.Digest, key string) ([]byte, error) {
	if err := o.use(key); err != nil {
		return nil, o.unread(ctx, d, key, err)
	}
	data, err := bucket.Read(ctx, o.shelf, key)
	if err != nil {
		return nil, o.unread(ctx, d, key, err)
	}
	if got := digest.Of(data); got != d {
		return nil, o.putAside(ctx, d, key, got)
	}
	return data, nil
}

// unread says what it means that an object could not be read.
func (o *Objects) unread(ctx context.Context, d plan.Digest, key string, err error) error {
	var irregular *bucket.IrregularError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &MissingError{d}
	case errors.As(err, &irregular):
		return o.putAside(ctx, d, key, "")
	}
	return fmt.Errorf("reading an object: %w", err)
}

// verify checks an object's content, once per process as long as its file is untouched. Afterwards it is on the shelf.
func (o *Objects) verify(ctx context.Context, d plan.Digest) error {
	err := o.onShelf(ctx, d)
	if errors.Is(err, bucket.ErrMissing) && o.far != nil {
		key, _ := Key(d)
		return o.fetch(ctx, d, key)
	}
	return err
}

// use notes that an object on the shelf is used, where the shelf is a cache.
func (o *Objects) use(key string) error {
	if o.far == nil {
		return nil
	}
	return o.touch(key)
}

// onShelf checks what is on the shelf.
func (o *Objects) onShelf(ctx context.Context, d plan.Digest) error {
	key, err := Key(d)
	if err != nil {
		return err
	}
	if err := o.use(key); err != nil {
		return o.unread(ctx, d, key, err)
	}
	f, _, err := o.shelf.File(key)
	if err != nil {
		return o.unread(ctx, d, key, err)
	}
	defer f.Close()
	before, err := scratch.StampOf(f)
	if err != nil {
		return fmt.Errorf("reading an object: %w", err)
	}
	before.Ctime = 0 // moves with every link to the object
	if o.wasVerified(d, before) {
		return nil
	}
	got, err := seal.Copy(context.WithoutCancel(ctx), io.Discard, f)
	if err != nil {
		return fmt.Errorf("reading object %s: %w", d, err)
	}
	if got != d {
		return o.putAside(ctx, d, key, got)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.verified[d] = before
	return nil
}

// wasVerified reports whether the object's file is the one whose content was hashed, by its stamp (size, times, inode).
func (o *Objects) wasVerified(d plan.Digest, now scratch.Stamp) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen, ok := o.verified[d]
	return ok && seen == now
}

// Copy is the file of a whole copy of an object on the shelf. The bucket behind that is not asked.
func (o *Objects) Copy(ctx context.Context, d plan.Digest) (path string, err error) {
	if err := o.onShelf(ctx, d); err != nil {
		return "", err
	}
	return o.Path(d)
}

// Fetched is Copy, fetched first where it is not on the shelf.
func (o *Objects) Fetched(ctx context.Context, d plan.Digest) (path string, err error) {
	if err := o.verify(ctx, d); err != nil {
		return "", err
	}
	return o.Path(d)
}

// Audit checks an object's content where the store is, and returns its size there, in bytes.
func (o *Objects) Audit(ctx context.Context, d plan.Digest) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if o.far == nil {
		size, err := o.size(ctx, d)
		var irregular *bucket.IrregularError
		if err != nil && !errors.As(err, &irregular) {
			return 0, gone(d, err)
		}
		return size, o.onShelf(ctx, d)
	}
	key, err := Key(d)
	if err != nil {
		return 0, err
	}
	v, err := o.far.Get(ctx, key, bucket.Range{})
	if err != nil {
		return 0, gone(d, err)
	}
	defer v.Close()
	got, err := seal.Copy(ctx, io.Discard, v)
	if err == nil && got != d {
		err = o.moveAside(ctx, o.far, d, key, got)
	}
	return v.Size, err
}

// fetch brings an object from the bucket to the shelf, if it is what its digest says.
func (o *Objects) fetch(ctx context.Context, d plan.Digest, key string) error {
	v, err := o.far.Get(ctx, key, bucket.Range{})
	if errors.Is(err, fs.ErrNotExist) {
		return &MissingError{d}
	}
	if err != nil {
		return fmt.Errorf("fetching object %s: %w", d, err)
	}
	defer v.Close()
	w, err := o.write(ctx, fetching(ctx, v.Size).reader(v))
	if err != nil {
		return fmt.Errorf("fetching object %s: %w", d, err)
	}
	defer os.Remove(w.tmp)
	if w.digest != d {
		return o.moveAside(ctx, o.far, d, key, w.digest)
	}
	if _, err = o.shelf.PutStaged([]local.Staged{{Key: key, Path: w.tmp}}); err == nil {
		err = o.touch(key)
	}
	if err != nil {
		return fmt.Errorf("fetching object %s: %w", d, err)
	}
	return nil
}

// putAside takes what is wrong off the shelf: aside where that is the store, away where it was but a copy. It returns the
// error that says so.
func (o *Objects) putAside(ctx context.Context, d plan.Digest, key string, got plan.Digest) error {
	if o.far == nil {
		return o.moveAside(ctx, o.shelf, d, key, got)
	}
	if err := o.shelf.Move(context.WithoutCancel(ctx), key, "quarantine/copy"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a corrupt copy of object %s: %w", d, err)
	}
	return &MissingError{d}
}

// moveAside puts a corrupt object where nothing finds it, for people to look at. What rests on it is then missing, and the
// next apply makes it again.
func (o *Objects) moveAside(ctx context.Context, b bucket.Bucket, d plan.Digest, key string, got plan.Digest) error {
	hex, _ := d.Hex()
	to := "quarantine/" + hex
	if err := b.Move(context.WithoutCancel(ctx), key, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("object %s is corrupt (%s), and cannot be moved aside: %w; 'mlp store verify' moves it where it may write to the store, and 'mlp apply' makes it again",
			d, whyCorrupt, err)
	}
	o.mu.Lock()
	delete(o.verified, d)
	o.mu.Unlock()
	if o.far == nil {
		to = o.shelf.Path(to)
	}
	return &CorruptError{Digest: d, Got: got, Quarantine: to}
}
