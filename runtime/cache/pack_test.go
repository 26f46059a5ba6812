package cache

import (
	"bytes"
	"path/filepath"
	"sync"
	"testing"
)

// TestPack: what one process asked for, and nothing else, is what another finds behind its own file, and keeps in it.
func TestPack(t *testing.T) {
	here := At(filepath.Join(t.TempDir(), "answers"))
	if got := here.Pack(key("program")); got != nil {
		t.Errorf("nothing was asked: got %q", got)
	}
	for _, name := range []string{"a", "b", "c"} {
		here.Put(key(name), []byte(name))
	}
	here.Save()
	here = At(here.path)
	here.Get(key("b"))
	here.Get(key("a"))
	pack := here.Pack(key("program"))
	path, calls := filepath.Join(t.TempDir(), "answers"), 0
	there := At(path)
	there.Put(key("a"), []byte("its own"))
	there.Behind(key("program"), func() []byte { calls++; return pack })
	if got, ok := there.Get(key("a")); !ok || string(got) != "its own" || calls != 0 {
		t.Errorf("of what is here: got %q, %t, %d packs", got, ok, calls)
	}
	for name, want := range map[string]string{"b": "b", "c": ""} {
		if got, ok := there.Get(key(name)); string(got) != want || ok != (want != "") || calls != 1 {
			t.Errorf("%s: got %q, %t, %d packs", name, got, ok, calls)
		}
	}
	there.Save()
	if got, ok := At(path).Get(key("b")); !ok || string(got) != "b" {
		t.Errorf("in the next process: got %q, %t", got, ok)
	}
	again := At(path)
	again.Behind(key("program"), func() []byte { return nil })
	again.Get(key("b"))
	again.Put(key("a"), []byte("a"))
	if got := again.Pack(key("program")); !bytes.Equal(got, pack) {
		t.Error("the same answers give other bytes")
	}
}

// TestPackIsTakenWholeOrNot: of another program, cut or changed anywhere, it has no answers.
func TestPackIsTakenWholeOrNot(t *testing.T) {
	here := At(filepath.Join(t.TempDir(), "answers"))
	here.Put(key("a"), bytes.Repeat([]byte("x"), 300))
	here.Put(key("b"), []byte("2"))
	pack := here.Pack(key("program"))
	if got := unpack(key("program"), pack); len(got) != 2 {
		t.Fatalf("got %d answers, want 2", len(got))
	}
	if got := unpack(key("another"), pack); len(got) != 0 {
		t.Errorf("another program takes %d answers", len(got))
	}
	for i := range pack {
		for name, text := range map[string][]byte{"cut": pack[:i], "changed": changed(pack, i)} {
			if got := unpack(key("program"), text); len(got) != 0 {
				t.Fatalf("%s at %d: got %d answers, want none", name, i, len(got))
			}
		}
	}
}

// TestPackIsBounded: what is beyond the bound is left out.
func TestPackIsBounded(t *testing.T) {
	here := At(filepath.Join(t.TempDir(), "answers"))
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		here.Put(key(name), bytes.Repeat([]byte("x"), MaxPack/4))
	}
	pack := here.Pack(key("program"))
	if got := unpack(key("program"), pack); len(got) != 3 || len(pack) > MaxPack {
		t.Errorf("got %d answers in %d bytes", len(got), len(pack))
	}
	if got := unpack(key("program"), append(pack, make([]byte, MaxPack)...)); len(got) != 0 {
		t.Errorf("of one that is too large %d answers are taken", len(got))
	}
}

// TestBehindIsAskedOnce: however many miss an answer at once, all wait for the one pack.
func TestBehindIsAskedOnce(t *testing.T) {
	from := At(filepath.Join(t.TempDir(), "answers"))
	from.Put(key("a"), []byte("1"))
	pack := from.Pack(key("program"))
	f, calls := At(filepath.Join(t.TempDir(), "answers")), 0
	f.Behind(key("program"), func() []byte { calls++; return pack })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, ok := f.Get(key("a")); !ok || string(got) != "1" {
				t.Errorf("got %q, %t", got, ok)
			}
		})
	}
	wg.Wait()
	if calls != 1 {
		t.Errorf("the pack was asked for %d times", calls)
	}
}
