package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// TestColumnsAreKept looks at files once for each content, configuration and version; mistakes in them are told each time.
func TestColumnsAreKept(t *testing.T) {
	dir, looks := t.TempDir(), 0
	var mistake error
	csv := &component.Component{Kind: "source", Type: schema.Type{Name: "csv", Version: 1}, Source: &component.Source{
		Sniff: func(context.Context, string, []string, json.RawMessage) ([]schema.Column, error) {
			looks++
			return []schema.Column{{Name: "id", Type: "bigint"}}, mistake
		},
	}}
	look := func(config string) error {
		w := &Workspace{Dir: dir}
		lib := w.keptLibrary(NewLock())
		defer lib.Close()
		columns, err := lib.columns(t.Context(), looking{csv, dir, []string{"a.csv"}, json.RawMessage(config)})
		if err == nil && (len(columns) != 1 || columns[0].Name != "id" || columns[0].Type != "bigint") {
			t.Errorf("got %v", columns)
		}
		return err
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	steps := []struct {
		name string
		do   func()
		want int // looks by now
	}{
		{"first", func() { write("id\n1\n") }, 1},
		{"again", func() {}, 1},
		{"another content", func() { write("id\n2\n") }, 2},
		{"the first content again", func() { write("id\n1\n") }, 2},
		{"another version", func() { csv.Type.Version = 2 }, 3},
	}
	for _, s := range steps {
		s.do()
		if err := look(`{"path":"a.csv"}`); err != nil || looks != s.want {
			t.Errorf("%s: looked %d times, want %d (%v)", s.name, looks, s.want, err)
		}
	}
	if err := look(`{"path":"a.csv","delimiter":";"}`); err != nil || looks != 4 {
		t.Errorf("another configuration: looked %d times, want 4 (%v)", looks, err)
	}
	mistake = errors.New("bad row")
	write("id\nx\n")
	for range 2 {
		if err := look(`{"path":"a.csv"}`); !errors.Is(err, mistake) {
			t.Errorf("got %v, want %v", err, mistake)
		}
	}
	if err := os.Remove(filepath.Join(dir, "a.csv")); err != nil {
		t.Fatal(err)
	}
	if err := look(`{"path":"a.csv"}`); !errors.Is(err, mistake) {
		t.Errorf("got %v, want what the component says of files that are not there", err)
	}
}
