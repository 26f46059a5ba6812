package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/tools/txtar"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/format"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/lang/token"
	"github.com/mlp-lang/mlp/runtime/workspace"
	"github.com/mlp-lang/mlp/stdlib"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// TestPrefixes takes the texts of the examples and of cases of the conformance suite, stopping at every third token, and with one of
// ten tokens less or twice, through the compiler and the formatter: nobody's half-written file ends the program, what is told
// stands at places that the file has, and what is no HCL is told to be wrong. With MLP_SOAK=1 it is all cases and all tokens, the texts
// stop at each byte too, and all are typed; else some of them are.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	soak := os.Getenv("MLP_SOAK") != ""
	dir, catalog := t.TempDir(), stdlib.Catalog()
	lib := (&workspace.Workspace{Dir: dir}).NewLibrary(workspace.NewLock(), table.NewBinder(nil))
	defer lib.Close()
	seen, typed := map[string]bool{}, 0
	try := func(name, text string, oneIn int) {
		if seen[text] {
			return
		}
		seen[text] = true
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("%s: %q ends the program: %v", name, tail(text), p)
			}
		}()
		files := map[string][]byte{"main.mlp": []byte(text)}
		parsed, diags := syntax.Parse(files, catalog)
		resolved, more := resolve.Resolve(parsed, resolve.Options{Dir: dir})
		if diags = append(diags, more...); soak || len(seen)%oneIn == 0 {
			typed++
			_, more = check.Check(t.Context(), resolved, lib)
			diags = append(diags, more...)
		}
		_, laidOut := format.Format([]byte(text), "main.mlp")
		for _, d := range append(diags, laidOut...) {
			holdsPlaces(t, name, text, d)
		}
		if _, broken := hclsyntax.ParseConfig([]byte(strings.TrimPrefix(text, "\ufeff")), "main.mlp", hcl.InitialPos); broken.HasErrors() && !diags.HasErrors() {
			t.Errorf("%s: nothing is told of %q, which is no HCL: %v", name, tail(text), broken)
		}
	}
	for n, text := range texts(t) {
		tokens := token.Scan([]byte(text.text))
		oneIn := 10 + len(text.text)/10
		for i, k := range tokens {
			start, end := k.Start, k.End
			if soak || (i+n)%3 == 0 {
				try(text.name+", cut", text.text[:end], oneIn)
			}
			if !soak && i%10 != 0 {
				continue
			}
			try(text.name+", a token less", text.text[:start]+text.text[end:], oneIn)
			try(text.name+", a token twice", text.text[:end]+text.text[start:], oneIn)
		}
		if soak {
			for i := range text.text {
				try(text.name+", cut", text.text[:i], oneIn)
			}
		}
	}
	t.Logf("%d texts, %d of them typed", len(seen), typed)
}

type namedText struct{ name, text string }

// texts are those of the examples, and of cases of the conformance suite, all with MLP_SOAK=1, the files of the module as one.
func texts(t testing.TB) []namedText {
	t.Helper()
	var out []namedText
	examples, err := filepath.Glob("../../examples/*/[^.]*.mlp")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range examples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, namedText{path, string(text)})
	}
	cases, err := filepath.Glob("../../spec/conformance/*.txtar")
	if err != nil || len(cases) == 0 || len(out) == 0 {
		t.Fatalf("got %d examples and %d cases: %v", len(out), len(cases), err)
	}
	for i, path := range cases {
		if i%every != 0 && os.Getenv("MLP_SOAK") == "" {
			continue
		}
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, file := range archive.Files {
			if filepath.Ext(file.Name) == syntax.Extension && filepath.Dir(file.Name) == "." {
				text += string(file.Data)
			}
		}
		if len(text) < 4000 && utf8.ValidString(text) {
			out = append(out, namedText{filepath.Base(path), text})
		}
	}
	return out
}

// holdsPlaces holds that a diagnostic, and what it is related to, stands at places that the file has, and ends where or
// after it begins.
func holdsPlaces(t *testing.T, name, text string, d source.Diagnostic) {
	t.Helper()
	ranges := []source.Range{d.Subject}
	for _, r := range d.Related {
		ranges = append(ranges, r.Range)
	}
	text = strings.TrimPrefix(text, "\ufeff")
	for _, r := range ranges {
		if r.File != "main.mlp" {
			continue
		}
		if r.Start.Byte < 0 || r.End.Byte < r.Start.Byte || r.End.Byte > len(text) {
			t.Errorf("%s: %q: %s stands at bytes %d to %d of %d", name, tail(text), d.Summary, r.Start.Byte, r.End.Byte, len(text))
			continue
		}
		for _, p := range []source.Pos{r.Start, r.End} {
			if line := 1 + strings.Count(text[:p.Byte], "\n"); p.Line != line {
				t.Errorf("%s: %q: %s stands at line %d, byte %d, which is in line %d", name, tail(text), d.Summary, p.Line, p.Byte, line)
			}
		}
	}
}

// tail is the end of a text, to show.
func tail(text string) string { return text[max(0, len(text)-60):] }
