package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/store"
)

// TestTailOfTheLog: that the last revisions are gone, or are others, is seen; what a kill leaves is none of that, and whoever put
// an older copy back on purpose can say so.
func TestTailOfTheLog(t *testing.T) {
	for _, revisions := range []int{1, 3, 64, 65} {
		for name, spoil := range map[string]func(l *Log) error{
			"the last is gone":   func(l *Log) error { return os.Remove(l.path(int64(revisions))) },
			"the whole log is":   func(l *Log) error { return os.RemoveAll(filepath.Dir(l.path(1))) },
			"the last, resealed": func(l *Log) error { return reseal(l.path(int64(revisions)), `"by":"ada"`, `"by":"eve"`) },
		} {
			l := openLog(t, t.TempDir())
			st := load(t, l)
			for i := range revisions {
				st = add(t, l, st, node(fmt.Sprint("train.m", i%3), fmt.Sprint(i)))
			}
			if err := spoil(l); err != nil {
				t.Fatal(err)
			}
			for what, read := range map[string]func() error{
				"Load":    func() error { _, err := l.Load(context.Background()); return err },
				"History": func() error { _, err := l.History(context.Background()); return err },
			} {
				var c *CorruptError
				if err := read(); !errors.As(err, &c) || !strings.Contains(err.Error(), "remove "+filepath.Base(l.store.Root())+"/heads/fraud/default.json") {
					t.Errorf("%d revisions, %s, %s: got %v", revisions, name, what, err)
				}
			}
			if err := os.Remove(l.headPath()); err != nil {
				t.Fatal(err)
			}
			st = load(t, l)
			add(t, l, st, node("train.next", "1"))
			load(t, l)
		}
	}
}

// TestHeadOfAKilledWriter: one that names an earlier revision, or is not whole, says nothing.
func TestHeadOfAKilledWriter(t *testing.T) {
	l := openLog(t, t.TempDir())
	st := add(t, l, load(t, l), node("train.a", "1"))
	old, err := os.ReadFile(l.headPath())
	if err != nil {
		t.Fatal(err)
	}
	st = add(t, l, st, node("train.b", "1"))
	for _, text := range []string{string(old), "", "{", string(old[:20])} {
		if err := os.WriteFile(l.headPath(), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := load(t, l); got.Revision != st.Revision {
			t.Errorf("%q: got revision %d", text, got.Revision)
		}
	}
}

// reseal changes a revision and gives it the digest of what it is then.
func reseal(path, from, to string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	body, _, err := store.Unseal("revision", data)
	if err != nil {
		return err
	}
	data, _ = store.Seal("revision", []byte(strings.Replace(string(body), from, to, 1)))
	return errors.Join(os.Remove(path), os.WriteFile(path, data, 0o644))
}
