package cli

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/stdlib"
)

// FuzzModule takes any text through the whole compiler with the standard library: what it says must be right or told to
// be wrong, and never ends the program.
func FuzzModule(f *testing.F) {
	addCorpus(f)
	dir := f.TempDir()
	catalog := stdlib.Catalog()
	lock := newLock()
	lib := (&app{dir: dir}).library(lock) // one for all, since opening the SQL engine takes longer than a module
	defer lib.Close()
	f.Fuzz(func(t *testing.T, text string) {
		called := newModules(dir, catalog, lock)
		r := front.Compile(t.Context(), map[string][]byte{"main.mlp": []byte(text)}, catalog, front.Options{
			Options: resolve.Options{Dir: dir, Modules: called.read, Fetched: called.fetched}, Library: lib})
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
