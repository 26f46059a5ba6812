package store

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// keptKeys are the keys of what is kept in a bucket.
func keptKeys(t *testing.T, b bucket.Bucket) (keys []string) {
	t.Helper()
	for key, err := range bucket.Keys(t.Context(), b, keptPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// TestKept: what a stage kept on one machine is there on another, as it was, until it is forgotten; the last that is whole counts.
func TestKept(t *testing.T) {
	b, _ := shared(t)
	one, two, fp := machine(t, b), machine(t, b), digest.Of(nil)
	dir := folder(t, map[string]string{"epoch": "1", "weights/a": strings.Repeat("x", 1<<20), "empty": ""})
	then := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	if err := errors.Join(os.Symlink("weights/a", filepath.Join(dir, "latest")), os.Chtimes(filepath.Join(dir, "epoch"), then, then), os.Chmod(filepath.Join(dir, "empty"), 0o640)); err != nil {
		t.Fatal(err)
	}
	if there, err := two.Fetch(t.Context(), fp, t.TempDir()); there || err != nil {
		t.Fatalf("before anything is kept: got %v, %v", there, err)
	}
	if err := one.Keep(t.Context(), fp, dir); err != nil {
		t.Fatal(err)
	}
	got := filepath.Join(t.TempDir(), "c")
	if err := os.Mkdir(got, 0o700); err != nil {
		t.Fatal(err)
	}
	if there, err := two.Fetch(t.Context(), fp, got); !there || err != nil {
		t.Fatalf("got %v, %v", there, err)
	}
	for _, name := range []string{"epoch", "weights/a", "empty"} {
		want, _ := os.ReadFile(filepath.Join(dir, name))
		is, err := os.ReadFile(filepath.Join(got, name))
		before, _ := os.Stat(filepath.Join(dir, name))
		after, _ := os.Stat(filepath.Join(got, name))
		if err != nil || !bytes.Equal(is, want) || !after.ModTime().Equal(before.ModTime()) || after.Mode() != before.Mode() {
			t.Errorf("%s: got %v, %v", name, after, err)
		}
	}
	if to, err := os.Readlink(filepath.Join(got, "latest")); to != "weights/a" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	// Another push is another key, and the one before goes.
	if err := os.WriteFile(filepath.Join(dir, "epoch"), []byte("2"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := keptKeys(t, b)
	time.Sleep(2 * time.Millisecond)
	if err := one.Keep(t.Context(), fp, dir); err != nil {
		t.Fatal(err)
	}
	if second := keptKeys(t, b); len(first) != 1 || len(second) != 1 || slices.Equal(first, second) {
		t.Errorf("got %v, then %v", first, second)
	}
	// One that is damaged is passed over.
	prefix, keys, err := one.keptOf(t.Context(), fp)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.PutNew(t.Context(), prefix+"9999999999999-"+strings.Repeat("0", 64)+".tar", strings.NewReader("no tar")); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(t.TempDir(), "c")
	_ = os.Mkdir(again, 0o700)
	if there, err := two.Fetch(t.Context(), fp, again); !there || err != nil {
		t.Fatalf("got %v, %v", there, err)
	}
	if epoch, err := os.ReadFile(filepath.Join(again, "epoch")); string(epoch) != "2" {
		t.Errorf("got epoch %q, %v, of %v", epoch, err, keys)
	}
	if n, err := two.ForgetKept(t.Context(), time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("%d were an hour old, %v", n, err)
	}
	if err := two.Forget(t.Context(), fp); err != nil {
		t.Fatal(err)
	}
	if left := keptKeys(t, b); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := one.Keep(t.Context(), fp, dir); err != nil {
		t.Fatal(err)
	}
	if n, err := two.ForgetKept(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("%d were old, %v", n, err)
	}
	unfit := errors.New("somebody wrote to it")
	if err := one.KeepIf(t.Context(), fp, dir, func() error { return unfit }); !errors.Is(err, unfit) || len(keptKeys(t, b)) > 0 {
		t.Errorf("what does not fit: got %v, kept %v", err, keptKeys(t, b))
	}
	if err := one.Keep(t.Context(), fp, t.TempDir()); err != nil || len(keptKeys(t, b)) > 0 {
		t.Errorf("an empty folder: %v, %v", keptKeys(t, b), err)
	}
}

// TestKeptOutside: what a bucket has cannot make a file outside of the folder.
func TestKeptOutside(t *testing.T) {
	dir := folder(t, map[string]string{"a": "1"})
	if err := os.Symlink("..", filepath.Join(dir, "up")); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := pack(&archive, dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../b", "up/b", "/tmp/b"} {
		to := filepath.Join(t.TempDir(), "in")
		_ = os.Mkdir(to, 0o700)
		text := append(archive.Bytes()[:archive.Len()-1024:archive.Len()-1024], tarOf(t, name)...)
		if err := unpack(bytes.NewReader(text), to); err == nil {
			t.Errorf("%s is taken", name)
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(to), "b")); err == nil {
			t.Errorf("%s made a file outside", name)
		}
	}
}

// tarOf is an archive of one file.
func tarOf(t *testing.T, name string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: 1, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Write([]byte("x"))
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
