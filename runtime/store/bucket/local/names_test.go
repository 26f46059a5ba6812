package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// watched counts syncs by path below its folder. Before each sync of a folder it waits for gate, if there is one, and fails with what
// comes from there.
type watched struct {
	*machine
	dir  string
	gate chan error

	mu    sync.Mutex
	syncs map[string]int
}

func (w *watched) Sync(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return w.machine.Sync(path)
	}
	rel, err := filepath.Rel(w.dir, path)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.syncs[rel]++
	w.mu.Unlock()
	if w.gate != nil {
		if err := <-w.gate; err != nil {
			return err
		}
	}
	return w.machine.Sync(path)
}

// SyncAll is not to be had.
func (w *watched) SyncAll([]string) (bool, error) { return false, nil }

func (w *watched) open() *Bucket {
	dir := filepath.Join(w.dir, "b")
	return On(w, dir, scratch.At(dir))
}

// count is how many syncs of a folder there were since it was last asked.
func (w *watched) count(folder string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.syncs[folder]
	delete(w.syncs, folder)
	return n
}

func watching(t *testing.T) *watched {
	return &watched{dir: t.TempDir(), syncs: map[string]int{}}
}

// TestTogether: those who put while another syncs a folder share the next sync of it, and its failure.
func TestTogether(t *testing.T) {
	const others = 8
	broken := errors.New("the disk broke")
	for name, fails := range map[string]error{"whole": nil, "broken": broken} {
		w := watching(t)
		b := w.open()
		if err := bucket.Put(t.Context(), b, "f/settled", nil); err != nil {
			t.Fatal(err)
		}
		w.count("b/f")
		w.gate = make(chan error)
		errs := make(chan error, others+1)
		put := func(i int) { errs <- bucket.Put(t.Context(), b, fmt.Sprintf("f/%d", i), nil) }
		go put(others)
		for w.waits() != 1 {
			runtime.Gosched()
		}
		for i := range others {
			go put(i)
		}
		for b.waiting() != others {
			runtime.Gosched()
		}
		w.gate <- nil
		if err := <-errs; err != nil {
			t.Errorf("%s: the first: got %v", name, err)
		}
		w.gate <- fails
		for range others {
			if err := <-errs; !errors.Is(err, fails) {
				t.Errorf("%s: got %v, want %v", name, err, fails)
			}
		}
		if n := w.count("b/f"); n != 2 {
			t.Errorf("%s: %d syncs of the folder, want one of the first and one of all others", name, n)
		}
	}
}

func (w *watched) waits() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.syncs["b/f"]
}

func (b *Bucket) waiting() int {
	b.named.mu.Lock()
	defer b.named.mu.Unlock()
	return len(b.named.waiting)
}

// TestSettled: what this process knows to be durable is not synced again, and what it does not know is.
func TestSettled(t *testing.T) {
	w := watching(t)
	ctx, b, other := t.Context(), w.open(), w.open()
	for i := range 3 {
		for _, key := range []string{fmt.Sprintf("f/a/%d", i), fmt.Sprintf("f/b/%d", i)} {
			if err := bucket.Put(ctx, other, key, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	clear(w.syncs)
	for _, c := range []struct {
		what string
		do   func() error
		want map[string]int
	}{
		{"what another put", func() error { return b.Settle(ctx, "f/a/0") }, map[string]int{"b/f/a": 1, "b/f": 1, "b": 1, ".": 1}},
		{"the same", func() error { return b.Settle(ctx, "f/a/0") }, nil},
		{"what lay beside it", func() error { return b.Settle(ctx, "f/a/1", "f/a/2") }, nil},
		{"a folder beside it", func() error { return b.Settle(ctx, "f/b/0") }, map[string]int{"b/f/b": 1}},
		{"what is not there", func() error { return b.Settle(ctx, "f/c/0", "none") }, nil},
		{"what was put", func() error { return bucket.Put(ctx, b, "f/a/3", nil) }, map[string]int{"b/f/a": 1}},
		{"that again", func() error { return b.Settle(ctx, "f/a/3") }, nil},
		{"what another put since", func() error {
			return errors.Join(bucket.Put(ctx, other, "f/a/4", nil), b.Settle(ctx, "f/a/4"))
		}, map[string]int{"b/f/a": 2}},
		{"what was taken away and put by another", func() error {
			return errors.Join(b.Delete(ctx, "f/a/4"), bucket.Put(ctx, other, "f/a/4", nil), b.Settle(ctx, "f/a/4"))
		}, map[string]int{"b/f/a": 2}},
		{"a folder that is made anew", func() error {
			return errors.Join(os.RemoveAll(b.Path("f")), bucket.Put(ctx, b, "f/a/5", nil))
		}, map[string]int{"b/f/a": 1, "b/f": 1, "b": 1}},
	} {
		if err := c.do(); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		for _, folder := range []string{".", "b", "b/f", "b/f/a", "b/f/b"} {
			if got := w.count(folder); got != c.want[folder] {
				t.Errorf("%s: %d syncs of %s, want %d", c.what, got, folder, c.want[folder])
			}
		}
	}
}

// failing is a disk that cannot sync one folder.
type failing struct {
	*machine
	folder string
	err    error
}

func (f failing) Sync(path string) error {
	if path == f.folder {
		return &os.PathError{Op: "sync", Path: path, Err: f.err}
	}
	return f.machine.Sync(path)
}

// SyncAll is not to be had.
func (f failing) SyncAll([]string) (bool, error) { return false, nil }

// TestAbove: the folder that a bucket's folder lies in need not be one that can be synced; a disk that fails is told.
func TestAbove(t *testing.T) {
	for _, c := range []struct {
		folder string
		err    error
		want   error
	}{
		{".", syscall.EACCES, nil},
		{".", syscall.EINVAL, nil},
		{".", syscall.EIO, syscall.EIO},
		{"b", syscall.EINVAL, syscall.EINVAL},
		{"b/f", syscall.EACCES, syscall.EACCES},
	} {
		root := t.TempDir()
		dir := filepath.Join(root, "b")
		b := On(failing{folder: filepath.Join(root, c.folder), err: c.err}, dir, scratch.At(dir))
		if err := bucket.Put(t.Context(), b, "f/x", nil); !errors.Is(err, c.want) {
			t.Errorf("%v of %s: got %v, want %v", c.err, c.folder, err, c.want)
		}
	}
}
