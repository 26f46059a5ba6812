package store

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// TestTakeDir: a file that nobody can change any more becomes the object itself; any other is copied, and its object is not changed by who
// can write to it. Either way it is whole and read-only, and nothing of it is left in between.
func TestTakeDir(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("files are taken on Linux alone")
	}
	small, large := "some content", string(make([]byte, 1<<17))+"some more"
	for name, c := range map[string]struct {
		text  string
		lay   func(t *testing.T, file string)
		taken bool
	}{
		"small": {small, func(*testing.T, string) {}, true},
		"large": {large, func(*testing.T, string) {}, true},
		"with a second name": {large, func(t *testing.T, file string) {
			check(t, os.Link(file, file+"-too"), os.Rename(file+"-too", filepath.Join(filepath.Dir(filepath.Dir(file)), "other")))
		}, false},
		"open to write":         {small, func(t *testing.T, file string) { held(t, file, os.O_WRONLY) }, false},
		"large, open to append": {large, func(t *testing.T, file string) { held(t, file, os.O_WRONLY|os.O_APPEND) }, false},
		"open to read":          {small, func(t *testing.T, file string) { held(t, file, os.O_RDONLY) }, true},
	} {
		root := t.TempDir()
		s, err := Open(filepath.Join(root, ".mlp"))
		check(t, err)
		work, err := s.Work()
		check(t, err)
		dir := filepath.Join(work, "out", "table")
		file := filepath.Join(dir, "x")
		check(t, os.MkdirAll(dir, 0o755), os.WriteFile(file, []byte(c.text), 0o644))
		before := inode(t, file)
		c.lay(t, file)
		var d plan.Digest
		check(t, s.Together(t.Context(), func(b *Batch) (err error) {
			d, _, err = b.TakeDir(dir, nil)
			return err
		}))
		list, err := s.OpenDir(d)
		check(t, err)
		path, err := s.ObjectPath(list.Files[0].Digest)
		check(t, err, s.Verify(t.Context(), d))
		if got := inode(t, path) == before; got != c.taken {
			t.Errorf("%s: taken is %t, want %t", name, got, c.taken)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o444 || info.Size() != int64(len(c.text)) {
			t.Errorf("%s: the object is %v, %v", name, info, err)
		}
		if text, err := s.Get(list.Files[0].Digest); err != nil || string(text) != c.text {
			t.Errorf("%s: got %d bytes, %v", name, len(text), err)
		}
		for _, pattern := range []string{"taken-*", "object-*"} {
			if left, err := filepath.Glob(filepath.Join(root, ".mlp", "tmp", "*", pattern)); err != nil || len(left) > 0 {
				t.Errorf("%s: left: %v, %v", name, left, err)
			}
		}
		// The same content once more, and then as another store's reader finds it when somebody has spoilt it.
		check(t, os.MkdirAll(dir, 0o755), os.WriteFile(file+"2", []byte(c.text), 0o644))
		check(t, s.Together(t.Context(), func(b *Batch) error {
			_, _, err := b.TakeDir(dir, nil)
			return err
		}))
		check(t, os.Chmod(path, 0o644), os.WriteFile(path, []byte("spoilt"), 0o644))
		if err := s.Verify(t.Context(), d); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: spoilt content is told as %v", name, err)
		}
		check(t, s.Close())
	}
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// held opens a file until the test is over.
func held(t *testing.T, file string, flag int) {
	t.Helper()
	f, err := os.OpenFile(file, flag, 0)
	check(t, err)
	t.Cleanup(func() { _ = f.Close() })
}

func inode(t *testing.T, file string) uint64 {
	t.Helper()
	info, err := os.Lstat(file)
	check(t, err)
	return info.Sys().(*syscall.Stat_t).Ino
}
