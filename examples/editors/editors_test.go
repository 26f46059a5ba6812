package editors

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pattern is a rule of a TextMate grammar.
type pattern struct {
	Name, Match, Begin, End, Include string
	Patterns                         []pattern
}

type grammar struct {
	ScopeName  string
	Patterns   []pattern
	Repository map[string]pattern
}

func read[T any](t *testing.T, path string) T {
	t.Helper()
	var v T
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// TestManifest holds that the extension names files that are there and the scope that the grammar has.
func TestManifest(t *testing.T) {
	m := read[struct {
		Main        string
		Contributes struct {
			Languages []struct{ Configuration string }
			Grammars  []struct{ ScopeName, Path string }
		}
	}](t, "vscode/package.json")
	read[map[string]any](t, filepath.Join("vscode", m.Contributes.Languages[0].Configuration))
	if _, err := os.Stat(filepath.Join("vscode", m.Main)); err != nil {
		t.Error(err)
	}
	g := read[grammar](t, filepath.Join("vscode", m.Contributes.Grammars[0].Path))
	if got, want := m.Contributes.Grammars[0].ScopeName, g.ScopeName; got != want {
		t.Errorf("got scope %q, want %q", got, want)
	}
}

// backReference is what an end pattern may hold and Go's expressions may not.
var backReference = regexp.MustCompile(`\\[1-9]`)

// TestGrammar holds that every expression of the grammar is one, and every include leads somewhere.
func TestGrammar(t *testing.T) {
	g := read[grammar](t, "vscode/syntaxes/mlp.tmLanguage.json")
	var check func(p pattern)
	check = func(p pattern) {
		for _, e := range []string{p.Match, p.Begin, p.End} {
			if _, err := regexp.Compile(backReference.ReplaceAllString(e, "x")); err != nil {
				t.Error(err)
			}
		}
		if (p.Begin == "") != (p.End == "") {
			t.Errorf("%q begins or ends alone", p.Begin+p.End)
		}
		name, own := strings.CutPrefix(p.Include, "#")
		if _, ok := g.Repository[name]; own && !ok {
			t.Errorf("there is no #%s", name)
		}
		for _, n := range p.Patterns {
			check(n)
		}
	}
	for _, p := range g.Patterns {
		check(p)
	}
	for _, p := range g.Repository {
		check(p)
	}
}

// TestGrammarOnExamples holds that all blocks of the examples are seen as blocks, and nothing else is.
func TestGrammarOnExamples(t *testing.T) {
	g := read[grammar](t, "vscode/syntaxes/mlp.tmLanguage.json")
	block := regexp.MustCompile("(?m)" + g.Repository["block"].Match)
	files, err := filepath.Glob("../*/[a-z]*.mlp*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples (%v)", err)
	}
	opens := regexp.MustCompile(`(?m)^ *[a-z_]+ [^=#\n]*\{`)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(block.FindAll(text, -1)), len(opens.FindAll(text, -1)); got != want || got == 0 {
			t.Errorf("%s: the grammar sees %d blocks, want %d", f, got, want)
		}
	}
}
