package hashcache

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/scratch"
)

func open(t *testing.T) *Cache {
	t.Helper()
	place := scratch.At(filepath.Join(t.TempDir(), ".mlp"))
	t.Cleanup(func() {
		if err := place.Close(); err != nil {
			t.Error(err)
		}
	})
	return New(place)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A cache in which a byte is another is none.
func TestDamagedHashCache(t *testing.T) {
	s := open(t)
	s.remember("/dev/null", hashed{scratch.Stamp{Size: worthWriting}, digest.Of(nil)})
	if err := s.writeHashes(0); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(s.hashesPath())
	if err != nil || len(s.readHashes()) != 1 {
		t.Fatalf("got %v, %v", s.readHashes(), err)
	}
	for i := range whole {
		flipped := slices.Clone(whole)
		flipped[i] ^= 1
		write(t, s.hashesPath(), string(flipped))
		for path, h := range s.readHashes() {
			if path != "/dev/null" || h.Digest != digest.Of(nil) || h.Size != worthWriting {
				t.Errorf("byte %d: got %s %+v", i, path, h)
			}
		}
	}
}

// A remembered digest is used only for a file that looks the same, and is not remembered of a file changed just now.
func TestHashCache(t *testing.T) {
	s, ctx, dir := open(t), context.Background(), t.TempDir()
	path := filepath.Join(dir, "x")
	write(t, path, "1")
	if _, _, err := s.HashFiles(ctx, dir, ".", []string{"x"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if n := len(s.readHashes()); n != 0 {
		t.Fatalf("a file written just now is remembered")
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	now, err := scratch.StampOf(f)
	if err != nil {
		t.Fatal(err)
	}
	planted := digest.Of([]byte("planted"))
	s.remember(filepath.Join(dir, "gone"), hashed{now, planted})
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	s.remember(path, hashed{now, planted})
	if err := s.writeHashes(worthWriting); err != nil {
		t.Fatal(err)
	}
	if known := s.readHashes(); len(known) != 1 {
		t.Errorf("one byte is written down at once: %v", known)
	}
	s.remember(path, hashed{scratch.Stamp{Size: worthWriting}, planted})
	s.remember(path, hashed{now, planted})
	if err := s.writeHashes(worthWriting); err != nil {
		t.Fatal(err)
	}
	if known := s.readHashes(); len(known) != 1 {
		t.Errorf("files that are gone are remembered: %v", known)
	}
	ext, _, err := s.HashFiles(ctx, dir, ".", []string{"x"})
	if err != nil || ext.Files[0].Digest != planted {
		t.Errorf("untouched file: got %s, %v, want the remembered digest", ext.Files[0].Digest, err)
	}
	write(t, path, "12")
	ext, _, err = s.HashFiles(ctx, dir, ".", []string{"x"})
	if err != nil || ext.Files[0].Digest != digest.Of([]byte("12")) {
		t.Errorf("touched file: got %s, %v, want its own digest", ext.Files[0].Digest, err)
	}
	again := New(s.place)
	write(t, s.hashesPath(), "{broken")
	if _, _, err := again.HashFiles(ctx, dir, ".", []string{"x"}); err != nil {
		t.Errorf("broken cache: %v", err)
	}
}
