package store

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
)

func action(content string) plan.Action {
	return plan.Action{
		Fingerprint: digest.Of([]byte("fp")), Address: "train.model",
		Outputs: map[string]plan.Digest{"model": digest.Of([]byte(content)), "same": digest.Of(nil)},
	}
}

// again is the same store, opened once more.
func again(t *testing.T, s *Store) *Store {
	t.Helper()
	other, err := Open(s.Root())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	})
	return other
}

func TestActionsAreImmutable(t *testing.T) {
	s := open(t)
	first := action("a")
	if _, err := s.Action(first.Fingerprint); !errors.Is(err, ErrMissing) {
		t.Fatalf("before: got %v", err)
	}
	if _, err := s.PutAction(first); err != nil {
		t.Fatal(err)
	}
	again := action("a")
	again.DurationMS = 99
	got, err := s.PutAction(again)
	if err != nil || got.DurationMS != 0 {
		t.Errorf("same result again: got %+v, %v, want the first record", got, err)
	}
	_, err = s.PutAction(action("b"))
	var n *NondeterministicError
	if !errors.As(err, &n) || !reflect.DeepEqual(n.Ports, []string{"model"}) {
		t.Errorf("other result: got %v, want one that names the port model", err)
	}
	if err := s.ReplaceAction(action("b")); err != nil {
		t.Fatal(err)
	}
	got, err = s.Action(first.Fingerprint)
	if err != nil || got.Outputs["model"] != digest.Of([]byte("b")) {
		t.Errorf("replaced: got %+v, %v", got, err)
	}
}

func TestDamagedAction(t *testing.T) {
	s, a := open(t), action("a")
	if _, err := s.PutAction(a); err != nil {
		t.Fatal(err)
	}
	hex, _ := a.Fingerprint.Hex()
	path := s.Place().Path("actions", hex+".json")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := action("a")
	other.Fingerprint = digest.Of(nil)
	body, err := json.Marshal(other)
	if err != nil {
		t.Fatal(err)
	}
	sealed, _ := Seal("action", body)
	contents := []string{"", "{", "{}", "null", "[]", `{"fingerprint":"blake3:00","outputs":{}}`, string(sealed), strings.Repeat("[", 1_000_000)}
	for i := range whole {
		flipped := slices.Clone(whole)
		flipped[i] ^= 1
		contents = append(contents, string(flipped), string(whole[:i]))
	}
	for _, content := range contents {
		write(t, path, content)
		got, err := s.Action(a.Fingerprint)
		var damaged *DamagedError
		if err == nil && reflect.DeepEqual(*got, a) {
			continue // a space was another
		}
		if !errors.As(err, &damaged) || !errors.Is(err, ErrMissing) || damaged.File != path {
			t.Errorf("%.200s: got %v, %v; want damaged, and so missing", content, got, err)
		}
	}
	write(t, path, "{")
	if _, err := s.PutAction(a); err != nil {
		t.Errorf("over a damaged one: %v", err)
	}
	if got, err := s.Action(a.Fingerprint); err != nil || !reflect.DeepEqual(*got, a) {
		t.Errorf("put again: got %+v, %v", got, err)
	}
	for name, spoil := range map[string]func(path string) error{
		"a folder": func(path string) error {
			return errors.Join(os.Mkdir(path, 0o755), os.WriteFile(filepath.Join(path, "x"), nil, 0o644))
		},
		"a link": func(path string) error { return os.Symlink("/dev/null", path) },
		"a pipe": func(path string) error { return syscall.Mkfifo(path, 0o644) },
	} {
		replaced := s.Place().Path("actions", "replaced", hex+".json")
		for path, put := range map[string]func(s *Store, a plan.Action) error{
			path:     func(s *Store, a plan.Action) error { _, err := s.PutAction(a); return err },
			replaced: (*Store).ReplaceAction,
		} {
			if err := errors.Join(os.MkdirAll(filepath.Dir(replaced), 0o755), os.RemoveAll(replaced), os.RemoveAll(s.Place().Path("actions", hex+".json"))); err != nil {
				t.Fatal(err)
			}
			s := again(t, s)
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			var damaged *DamagedError
			if _, err := s.Action(a.Fingerprint); !errors.As(err, &damaged) || !errors.Is(err, ErrMissing) {
				t.Errorf("%s: got %v, want that the record is damaged", name, err)
			}
			if err := put(s, a); err != nil {
				t.Errorf("over %s: %v", name, err)
			}
			if got, err := s.Action(a.Fingerprint); err != nil || !reflect.DeepEqual(*got, a) {
				t.Errorf("over %s: got %+v, %v", name, got, err)
			}
		}
	}
	if aside, err := filepath.Glob(s.Place().Path("quarantine", "action-*")); err != nil || len(aside) != 1 {
		t.Errorf("moved aside: got %v, %v; want the damaged one", aside, err)
	}
}

func TestHashFiles(t *testing.T) {
	s, ctx, dir := open(t), context.Background(), t.TempDir()
	old := time.Now().Add(-time.Hour)
	put := func(name, content string) {
		write(t, filepath.Join(dir, "data", name), content)
		if err := os.Chtimes(filepath.Join(dir, "data", name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	put("b.csv", "2")
	put("a/x.csv", "1")
	names := []string{"b.csv", "a/x.csv", "b.csv"}
	ext, all, err := s.HashFiles(ctx, dir, "data", names)
	if err != nil {
		t.Fatal(err)
	}
	want := plan.External{Root: "data", Files: []plan.ExternalFile{
		{Name: "a/x.csv", Size: 1, Digest: digest.Of([]byte("1"))},
		{Name: "b.csv", Size: 1, Digest: digest.Of([]byte("2"))},
	}}
	if !reflect.DeepEqual(ext, want) {
		t.Errorf("got %+v, want %+v", ext, want)
	}
	_, absolute, err := s.HashFiles(ctx, "/elsewhere", filepath.Join(dir, "data"), names)
	if err != nil || absolute != all {
		t.Errorf("where the files are changes the digest: got %s, %v, want %s", absolute, err, all)
	}
	// Same size and time of modification: only the time of change and the content differ.
	put("b.csv", "3")
	_, changed, err := s.HashFiles(ctx, dir, "data", names)
	if err != nil || changed == all {
		t.Errorf("changed content with the old time: got the old digest, %v", err)
	}
	if _, _, err := s.HashFiles(ctx, dir, "data", []string{"nothing.csv"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: got %v", err)
	}
	if _, _, err := s.HashFiles(ctx, dir, "data", []string{"a"}); err == nil {
		t.Error("a folder: got no error")
	}
}
