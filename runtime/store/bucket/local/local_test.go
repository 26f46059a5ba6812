package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/buckettest"
)

func TestMain(m *testing.M) { buckettest.Main(m, openAt) }

func openAt(place string) (bucket.Bucket, error) {
	b := Open(place, scratch.At(place))
	b.page = 100
	return b, nil
}

func TestLaws(t *testing.T) {
	buckettest.Run(t, buckettest.Subject{Open: openAt, Place: func(t *testing.T) string { return filepath.Join(t.TempDir(), "bucket") }, Keys: 250})
}

// A bucket that breaks a law is found out.
func TestProbeFindsOut(t *testing.T) {
	for name, spoil := range map[string]func(bucket.Bucket) bucket.Bucket{
		"the condition is ignored":              func(b bucket.Bucket) bucket.Bucket { return buckettest.Careless{Bucket: b} },
		"the condition is looked at, then left": func(b bucket.Bucket) bucket.Bucket { return buckettest.NewRacy(b) },
	} {
		b, _ := openAt(t.TempDir())
		var found *bucket.ProbeError
		if err := bucket.Probe(t.Context(), spoil(b)); !errors.As(err, &found) {
			t.Errorf("%s: got %v, want a ProbeError", name, err)
		}
		if page, err := b.List(t.Context(), "", ""); err != nil || len(page.Keys) != 0 {
			t.Errorf("%s: left behind %q, %v", name, page.Keys, err)
		}
	}
}

// TestIrregular: what stands in the place of a value and is none is neither read nor waited for, can be put aside, and does not
// count for the value.
func TestIrregular(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"a folder": func(path string) error { return os.MkdirAll(filepath.Join(path, "x"), 0o755) },
		"a link":   func(path string) error { return os.Symlink("/etc/hostname", path) },
		"a pipe":   func(path string) error { return syscall.Mkfifo(path, 0o644) },
		"a socket": func(path string) error { return syscall.Mknod(path, syscall.S_IFSOCK|0o644, 0) },
	} {
		for range 2 { // the second finds the first where things are put aside
			dir := t.TempDir()
			b := Open(dir, scratch.At(dir))
			if err := errors.Join(os.Mkdir(filepath.Join(dir, "a"), 0o755), spoil(b.Path("a/x"))); err != nil {
				t.Fatal(err)
			}
			var irregular *bucket.IrregularError
			if _, err := bucket.Read(t.Context(), b, "a/x"); !errors.As(err, &irregular) {
				t.Errorf("%s: got %v, want an IrregularError", name, err)
			}
			if err := bucket.Put(t.Context(), b, "a/x", nil); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s, put over: got %v, want that it exists", name, err)
			}
			if err := b.Move(t.Context(), "a/x", "quarantine/x"); err != nil {
				t.Errorf("%s, put aside: got %v", name, err)
			}
			if err := bucket.Put(t.Context(), b, "a/x", nil); err != nil {
				t.Errorf("%s, then put: got %v", name, err)
			}
		}
	}
}

// TestPutStaged gives many files their keys, and tells of which there are values already.
func TestPutStaged(t *testing.T) {
	dir := t.TempDir()
	place := scratch.At(dir)
	b := Open(dir, place)
	var all []Staged
	for _, name := range strings.Split("abcdefghijkl", "") {
		f, err := place.File("x-")
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteString("new")
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		all = append(all, Staged{Key: "s/" + name, Path: f.Name()})
	}
	if err := bucket.Put(t.Context(), b, "s/c", []byte("old")); err != nil {
		t.Fatal(err)
	}
	had, err := b.PutStaged(all)
	if err != nil || !slices.Equal(had, all[2:3]) {
		t.Errorf("got %v, %v, want that s/c was there", had, err)
	}
	for _, s := range all {
		want := "new"
		if s.Key == "s/c" {
			want = "old"
		}
		if got, err := bucket.Read(t.Context(), b, s.Key); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", s.Key, got, err, want)
		}
	}
}

// TestOfThisMachine: what a folder has of its machine is in no list.
func TestOfThisMachine(t *testing.T) {
	dir := t.TempDir()
	place := scratch.At(dir)
	b := Open(dir, place)
	if _, err := place.Temp("x-"); err != nil {
		t.Fatal(err)
	}
	if err := bucket.Put(t.Context(), b, "a", nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".hidden", "a b", "locks/x", "cache/y"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755), os.WriteFile(filepath.Join(dir, name), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if page, err := b.List(context.Background(), "", ""); err != nil || !slices.Equal(page.Keys, []string{"a"}) {
		t.Errorf("got %q, %v", page.Keys, err)
	}
}
