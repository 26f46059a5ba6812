package state

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mlp-lang/mlp/runtime/store"
)

// FuzzRevision takes any text for the first revision of a log, as it stands and with a digest that is right: what is read
// of it can be written on, and what is not a revision is named as damaged.
func FuzzRevision(f *testing.F) {
	for _, text := range []string{
		`{"format_version":"1.0","pipeline":"p","workspace":"w","revision":1,"nonce":"n","at":"2026-01-01T00:00:00Z","events":[]}`,
		`{"pipeline":"p","workspace":"w","revision":1,"events":[{"key":"node/train.m","node":{"kind":"evaluate","inputs":{"data":"a","model":"b"}}},{"key":"gate/g","removed":true}]}`,
		`{"pipeline":"p","workspace":"w","revision":1,"events":[{"key":"release/d","release":{"model":"x"}},{"key":"block/b","block":{"meta":null}},{"key":"approval/g/a"}],"state":{}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		sealed, _ := store.Seal("revision", text)
		for _, file := range [][]byte{text, sealed} {
			s, err := store.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			l, err := Open(s, "p", "w")
			if err != nil {
				t.Fatal(err)
			}
			path := l.path(1)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, file, 0o644); err != nil {
				t.Fatal(err)
			}
			st, err := l.Load(t.Context())
			if err != nil {
				if _, ok := err.(*CorruptError); !ok {
					t.Errorf("got %v, want that the file is damaged", err)
				}
				continue
			}
			if _, _, err := encode(&Revision{State: st}); err != nil { // as a checkpoint would; Append would wait for the disk
				t.Fatalf("what was read cannot be written on: %v", err)
			}
			history, err := l.History(t.Context())
			if err != nil || len(history) != 1 {
				t.Fatalf("got %v, %v, want the revision", history, err)
			}
			for _, e := range history[0].Events {
				_ = current(st, e.Key)
			}
		}
	})
}
