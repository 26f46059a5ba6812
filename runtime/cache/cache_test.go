package cache

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/zeebo/blake3"
)

func key(s string) Key { return blake3.Sum256([]byte(s)) }

func TestKeepsWhatWasSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache", "answers")
	f := At(path)
	if _, ok := f.Get(key("a")); ok {
		t.Error("an answer in a cache without a file")
	}
	f.Put(key("a"), []byte("1"))
	f.Put(key("b"), nil)
	if _, ok := At(path).Get(key("a")); ok {
		t.Error("an answer that was not saved")
	}
	f.Save()
	again := At(path)
	for name, want := range map[string]string{"a": "1", "b": ""} {
		if got, ok := again.Get(key(name)); !ok || string(got) != want {
			t.Errorf("%s: got %q, %t; want %q", name, got, ok, want)
		}
	}
	if _, ok := again.Get(key("c")); ok {
		t.Error("an answer that nobody gave")
	}
}

// TestSharedByProcesses: of caches that are saved one after the other, none takes the other's answers away.
func TestSharedByProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers")
	first, second := At(path), At(path)
	first.Put(key("a"), []byte("1"))
	second.Put(key("b"), []byte("2"))
	first.Save()
	second.Save()
	for _, name := range []string{"a", "b"} {
		if _, ok := At(path).Get(key(name)); !ok {
			t.Errorf("%s is gone", name)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers")
	f := At(path)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 50 {
				f.Put(key(string(rune('a'+i))+string(rune('a'+j))), []byte{byte(j)})
				f.Get(key("aa"))
			}
			f.Save()
		})
	}
	wg.Wait()
	if got := len(decode(path)); got != 200 {
		t.Errorf("got %d answers, want 200", got)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".tmp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("half written: %v, %v", left, err)
	}
}

// TestDamaged: whatever happened to the file, it holds all of its answers or none, and can be written anew.
func TestDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers")
	f := At(path)
	f.Put(key("a"), bytes.Repeat([]byte("x"), 300))
	f.Put(key("b"), []byte("2"))
	f.Save()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		for name, text := range map[string][]byte{"cut": whole[:i], "changed": changed(whole, i)} {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
			if got := len(decode(path)); got != 0 {
				t.Fatalf("%s at %d: got %d answers, want none", name, i, got)
			}
		}
	}
	g := At(path)
	g.Put(key("c"), []byte("3"))
	g.Save()
	if got := len(decode(path)); got != 1 {
		t.Errorf("written anew: got %d answers, want 1", got)
	}
}

func changed(text []byte, i int) []byte {
	out := bytes.Clone(text)
	out[i] ^= 0x20
	return out
}

// TestBounded: a file holds what was asked for last, as far as there is room.
func TestBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers")
	value := bytes.Repeat([]byte("x"), maxSize/8)
	f := At(path)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		f.Put(key(name), value)
	}
	f.Save()
	g := At(path)
	g.Get(key("a"))
	for _, name := range []string{"f", "g", "h", "i"} {
		g.Put(key(name), value)
	}
	g.Save()
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxSize {
		t.Fatalf("got %v, %v; want at most %d bytes", info, err, maxSize)
	}
	h := At(path)
	for _, name := range []string{"a", "f", "g", "h", "i"} {
		if _, ok := h.Get(key(name)); !ok {
			t.Errorf("%s was asked for last, and is gone", name)
		}
	}
}
