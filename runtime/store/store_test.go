package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
)

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), ".mlp"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// overwrite changes an object behind the store's back, keeping its length.
func overwrite(t *testing.T, s *Store, d plan.Digest) {
	t.Helper()
	path, err := s.ObjectPath(d)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[0] ^= 1
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, string(data))
}

func TestPutAndGet(t *testing.T) {
	s, ctx := open(t), context.Background()
	for _, content := range []string{"", "x", strings.Repeat("long ", 1<<17)} {
		d, err := s.PutBytes(ctx, []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		if want := digest.Of([]byte(content)); d != want {
			t.Errorf("digest: got %s, want %s", d, want)
		}
		got, err := s.Get(d)
		if err != nil || string(got) != content {
			t.Errorf("content of %d bytes: got %d bytes, %v", len(content), len(got), err)
		}
		path, _ := s.ObjectPath(d)
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o444 {
			t.Errorf("object's mode: got %v, %v, want 0444", info.Mode(), err)
		}
	}
}

func TestGetRefuses(t *testing.T) {
	s := open(t)
	if _, err := s.Get(digest.Of([]byte("never stored"))); !errors.Is(err, ErrMissing) {
		t.Errorf("missing: got %v", err)
	}
	for _, d := range []plan.Digest{"", "blake3:../../secret", "md5:00"} {
		if _, err := s.Get(d); err == nil || errors.Is(err, ErrMissing) {
			t.Errorf("digest %q: got %v, want an error of its own", d, err)
		}
	}
}

func TestOpenRefusesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "")
	if _, err := Open(path); err == nil {
		t.Error("got no error")
	}
}

func TestCorruptObjectIsMovedAside(t *testing.T) {
	s, ctx := open(t), context.Background()
	d, err := s.PutBytes(ctx, []byte("precious"))
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, s, d)
	_, err = s.Get(d)
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || !errors.Is(err, ErrCorrupt) || !errors.Is(err, ErrMissing) {
		t.Fatalf("got %v, want a CorruptError", err)
	}
	if _, err := os.Stat(corrupt.Quarantine); err != nil {
		t.Errorf("quarantine: %v", err)
	}
	if got := err.Error(); !strings.Contains(got, string(d)) || !strings.Contains(got, "mlp apply") {
		t.Errorf("message names neither object nor remedy: %s", got)
	}
	if _, err := s.Get(d); !errors.Is(err, ErrMissing) || errors.Is(err, ErrCorrupt) {
		t.Errorf("afterwards: got %v, want missing", err)
	}
}

// An object that cannot be moved aside, say since the server may not write to the store, is told as corrupt all the same, and is
// nothing that the stage of it has to run for.
func TestCorruptObjectThatStays(t *testing.T) {
	s := open(t)
	d, err := s.PutBytes(t.Context(), []byte("precious"))
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, s, d)
	write(t, filepath.Join(s.Root(), "quarantine"), "")
	_, err = s.Get(d)
	if err == nil || errors.Is(err, ErrMissing) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{string(d), "is corrupt", "cannot be moved aside", "mlp store verify", "mlp apply"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestPutHealsACorruptObject(t *testing.T) {
	s, ctx := open(t), context.Background()
	d, _ := s.PutBytes(ctx, []byte("precious"))
	overwrite(t, s, d)
	if _, err := s.PutBytes(ctx, []byte("precious")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(d); err != nil || string(got) != "precious" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestDirectories(t *testing.T) {
	s, ctx := open(t), context.Background()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "table.parquet"), "rows")
	write(t, filepath.Join(dir, "sub", "deep", "ü.txt"), "text")
	write(t, filepath.Join(dir, "predict"), "#!")
	if err := os.Chmod(filepath.Join(dir, "predict"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := s.PutDir(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.OpenDir(d)
	if err != nil || len(list.Files) != 3 || list.Size() != 10 {
		t.Fatalf("list: got %+v, %v", list, err)
	}
	dest := filepath.Join(t.TempDir(), "in")
	tmp, err := s.Temp("in-")
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{dest, filepath.Join(tmp, "in")} {
		if err := s.Materialize(ctx, d, to); err != nil {
			t.Fatal(err)
		}
		again, err := s.PutDir(ctx, to, nil)
		if err != nil || again != d {
			t.Errorf("round trip: got %s, %v, want %s", again, err, d)
		}
	}
	var a, b syscall.Stat_t
	object, _ := s.ObjectPath(digest.Of([]byte("rows")))
	if err := errors.Join(syscall.Stat(object, &a), syscall.Stat(filepath.Join(tmp, "in", "table.parquet"), &b)); err != nil || a.Ino != b.Ino {
		t.Errorf("not linked: inodes %d and %d, %v", a.Ino, b.Ino, err)
	}
	if got, err := s.ReadFile(d, "sub/deep/ü.txt"); err != nil || string(got) != "text" {
		t.Errorf("one file: got %q, %v", got, err)
	}
	if _, err := s.ReadFile(d, "nothing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such file: got %v", err)
	}
}

// What a container's user must read is readable whatever the umask of who runs the apply.
func TestModesUnderAStrictUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	s, dir := open(t), t.TempDir()
	write(t, filepath.Join(dir, "sub", "file"), "x")
	d, err := s.PutDir(context.Background(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	dest := filepath.Join(t.TempDir(), "in")
	if err := s.Materialize(context.Background(), d, dest); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"": 0o755, "sub": 0o755, "sub/file": 0o444} {
		info, err := os.Stat(filepath.Join(dest, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: got %v, %v, want %v", name, info.Mode().Perm(), err, want)
		}
	}
}

func TestPutDirRefuses(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"symbolic link": func(p string) error { return os.Symlink("/etc/hostname", p) },
		"link inside":   func(p string) error { return os.Symlink("plain", p) },
		"pipe":          func(p string) error { return syscall.Mkfifo(p, 0o644) },
		"backslash":     func(p string) error { return os.WriteFile(p+`\x`, nil, 0o644) },
		"not UTF-8":     func(p string) error { return os.WriteFile(p+"\xff", nil, 0o644) },
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "plain"), "x")
		if err := make(filepath.Join(dir, "bad")); err != nil {
			t.Fatal(err)
		}
		_, err := open(t).PutDir(context.Background(), dir, nil)
		var bad *FileError
		if !errors.As(err, &bad) || !strings.HasPrefix(bad.Name, "bad") {
			t.Errorf("%s: got %v, want a FileError", name, err)
		}
	}
}

func TestOpenDirRefusesHostileLists(t *testing.T) {
	s, ctx := open(t), context.Background()
	for _, list := range []string{
		"rows",
		`{"format":"other","files":[]}`,
		`{"format":"mlp.directory/1","files":[{"name":"../x","size":1,"digest":"` + string(digest.Of(nil)) + `"}]}`,
		`{"format":"mlp.directory/1","files":[{"name":"/etc/x"}]}`,
		`{"format":"mlp.directory/1","files":[{"name":"a/../../x"}]}`,
		`{"format":"mlp.directory/1","files":[{"name":"b"},{"name":"a"}]}`,
		`{"format":"mlp.directory/1","files":[{"name":"a"},{"name":"a"}]}`,
	} {
		d, err := s.PutBytes(ctx, []byte(list))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Materialize(ctx, d, filepath.Join(t.TempDir(), "in")); err == nil {
			t.Errorf("%s: got no error", list)
		}
	}
}

func TestMaterializeFindsDamage(t *testing.T) {
	s, ctx := open(t), context.Background()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "content")
	d, err := s.PutDir(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(ctx, d); err != nil { // remembered as good
		t.Fatal(err)
	}
	overwrite(t, s, digest.Of([]byte("content")))
	if err := s.Materialize(ctx, d, filepath.Join(t.TempDir(), "x")); !errors.Is(err, ErrCorrupt) {
		t.Errorf("corrupt: got %v", err)
	}
	err = s.Verify(ctx, d)
	if got, ok := IsMissing(err); !ok || got != digest.Of([]byte("content")) {
		t.Errorf("missing: got %v", err)
	}
}

func TestManyWritersOfOneObject(t *testing.T) {
	root := filepath.Join(t.TempDir(), ".mlp")
	content := bytes.Repeat([]byte("x"), 1<<20)
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() {
			s, err := Open(root)
			if err != nil {
				errs[i] = err
				return
			}
			d, err := s.PutBytes(context.Background(), content)
			if err == nil {
				_, err = s.Get(d)
			}
			errs[i] = errors.Join(err, s.Close())
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func TestCancelledPutLeavesNothing(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.PutBytes(ctx, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if s.Has(digest.Of([]byte("x"))) {
		t.Error("the object is there")
	}
}

// TestPresent: whatever stands in an object's place is not taken for it, as far as its size tells, and putting it again mends it.
func TestPresent(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"gone":            os.Remove,
		"empty":           func(path string) error { return os.WriteFile(path, nil, 0o644) },
		"cut":             func(path string) error { return os.Truncate(path, 1) },
		"longer":          func(path string) error { return os.Truncate(path, 1<<20) },
		"a folder":        func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) },
		"a link":          func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/dev/null", path)) },
		"a pipe":          func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644)) },
		"its folder gone": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		for _, which := range []string{"the list", "a file"} {
			s, dir := open(t), t.TempDir()
			write(t, filepath.Join(dir, "model.json"), "a model")
			put := func() plan.Digest {
				d, err := s.PutDir(t.Context(), dir, nil)
				if err != nil {
					t.Fatalf("%s, %s: %v", which, name, err)
				}
				return d
			}
			d := put()
			outputs := map[string]plan.Digest{"model": d}
			if err := s.Present(outputs); err != nil {
				t.Fatalf("as it was put: %v", err)
			}
			spoilt := d
			if which == "a file" {
				spoilt = digest.Of([]byte("a model"))
			}
			path, err := s.ObjectPath(spoilt)
			if err != nil {
				t.Fatal(err)
			}
			_ = os.Chmod(path, 0o644) // objects are read-only
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			if err := s.Present(outputs); !errors.Is(err, ErrMissing) {
				t.Errorf("%s is %s: got %v, want that it is missing", which, name, err)
			}
			put()
			if err := errors.Join(s.Present(outputs), s.Verify(t.Context(), d)); err != nil {
				t.Errorf("%s was %s, and was put again: %v", which, name, err)
			}
		}
	}
}
