package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local/powercut"
)

// TestTogether: objects of a batch are there once it is done, and none of one that fails; what this process put before costs nothing.
func TestTogether(t *testing.T) {
	root := t.TempDir()
	m := powercut.In(root)
	open := func(name string) *Store {
		s, err := On(m.Process(name, nil), filepath.Join(root, ".mlp"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a": "1", "b": "2", "again": "1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var digest plan.Digest
	put := func(b *Batch) error {
		d, n, err := b.PutDir(dir, nil)
		if err != nil || n != 3 {
			t.Errorf("got %d files, %v, want 3", n, err)
		}
		digest = d
		_, empty := b.PutBytes(nil)
		_, file := b.PutFile(filepath.Join(dir, "a"))
		return errors.Join(empty, file)
	}
	s := open("one")
	broken := errors.New("broken")
	if err := s.Together(t.Context(), func(b *Batch) error { return errors.Join(put(b), broken) }); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if n := m.Now(); n != 0 {
		t.Errorf("a batch that failed did %d operations", n)
	}
	for _, c := range []struct {
		what string
		by   *Store
		free bool
	}{{"the first time", s, false}, {"the second time", s, true}, {"by another, who did not put it", open("two"), false}} {
		before := m.Now()
		if err := c.by.Together(t.Context(), put); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if err := c.by.Verify(t.Context(), digest); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if done := m.Now() - before; (done == 0) != c.free {
			t.Errorf("%s: %d operations", c.what, done)
		}
	}
	if left, err := filepath.Glob(filepath.Join(root, ".mlp", "tmp", "*", "object-*")); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}
