package cli

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/workspace"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// FuzzModule takes any text through the whole compiler with the standard library: what it says must be right or told to
// be wrong, and never ends the program.
func FuzzModule(f *testing.F) {
	addCorpus(f)
	dir := f.TempDir()
	w := &workspace.Workspace{Dir: dir}
	lib := w.NewLibrary(workspace.NewLock(), table.NewBinder(nil)) // one for all, since opening the SQL engine takes longer than a module
	defer lib.Close()
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(filepath.Join(dir, "main.mlp"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := w.Compile(t.Context(), nil, lib)
		var unread *front.Error
		if errors.As(err, &unread) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if r.Module == nil && !r.Diagnostics.HasErrors() {
			t.Errorf("there is no module, and nothing is told: %q", text)
		}
	})
}

// every so many cases of the conformance suite are seeds: each is run before anything is tried, and all would take the minute.
const every = 8

// addCorpus seeds with the examples, whole, and cases of the conformance suite.
func addCorpus(f *testing.F) {
	f.Helper()
	examples, err := filepath.Glob("../../examples/*/[^.]*.mlp")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range examples {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	cases, err := filepath.Glob("../../spec/conformance/*.txtar")
	if err != nil || len(cases) == 0 || len(examples) == 0 {
		f.Fatalf("got %d examples and %d cases: %v", len(examples), len(cases), err)
	}
	for i, path := range cases {
		if i%every != 0 {
			continue
		}
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		text := ""
		for _, file := range archive.Files {
			if filepath.Ext(file.Name) == syntax.Extension && filepath.Dir(file.Name) == "." {
				text += string(file.Data)
			}
		}
		if len(text) < 4000 {
			f.Add(text)
		}
	}
}
