package objects

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// A shelf in front of a bucket has a bound: what was used longest ago goes first, and what a living process has used never does. When
// an object was last used is its file's time of change, set by each process once. To use one is to find it and set that time
// under a shared lock; trimming holds the lock alone. So who found an object after a session of its own began finds it until that
// session ends, and who comes after the trimming fetches what is gone.

// touch finds an object on the shelf and notes that it is used. The error is fs.ErrNotExist where there is none.
func (o *Objects) touch(key string) error {
	if _, used := o.used.Load(key); used {
		return nil
	}
	if err := o.place.Begin(); err != nil {
		return err
	}
	unlock, err := o.lock(syscall.LOCK_SH)
	if err != nil {
		return err
	}
	defer unlock()
	now := time.Now()
	if err := os.Chtimes(o.shelf.Path(key), now, now); err != nil {
		return err
	}
	o.used.Store(key, true)
	return nil
}

// Forget is called when the session ends: what is used from then on is noted anew.
func (o *Objects) Forget() { o.used.Clear() }

// lock takes the store's lock of this machine, shared or exclusive. The kernel lets it go with the process; the file stays.
func (o *Objects) lock(how int) (unlock func(), err error) {
	path := o.place.Path("cache", "store.lock")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { f.Close() }, nil
}

// Trim removes files from a shelf in front of a bucket until it has at most so many bytes, if it has more. Nothing is lost by that.
// It may have more afterwards, where living sessions have used more than the limit. Of a store on this machine, which is its own
// shelf, nothing is removed.
func (o *Objects) Trim(ctx context.Context, limit int64) error {
	if o.far == nil {
		return nil
	}
	unlock, err := o.lock(syscall.LOCK_EX)
	if err != nil {
		return fmt.Errorf("trimming the cache: %w", err)
	}
	defer unlock()
	files, total, err := o.shelved(ctx)
	if err != nil || total <= limit {
		return err
	}
	since, alive, err := o.place.Oldest()
	if err != nil {
		return fmt.Errorf("trimming the cache: %w", err)
	}
	slices.SortFunc(files, func(a, b shelved) int {
		return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.path, b.path))
	})
	for _, f := range files {
		if total <= limit || alive && !f.used.Before(since) {
			break
		}
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("trimming the cache: %w", err)
		}
		total -= f.size
	}
	return nil
}

// shelved is a file on the shelf.
type shelved struct {
	path string
	size int64
	used time.Time
}

// shelved lists the files on the shelf, and how many bytes they have together.
func (o *Objects) shelved(ctx context.Context) (files []shelved, total int64, err error) {
	root := o.place.Path("cache", "store")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return errors.Join(err, ctx.Err())
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			files, total = append(files, shelved{path, info.Size(), info.ModTime()}), total+info.Size()
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("looking through the cache: %w", err)
	}
	return files, total, nil
}
