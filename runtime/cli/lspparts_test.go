package cli

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/suite"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// TestPartsTellTheSame holds that a module read by its parts has the same mistakes, at the same places and in the same
// words, as one read whole.
func TestPartsTellTheSame(t *testing.T) {
	cases := map[string]string{
		"mistakes in several blocks": "# comment\npipeline \"p\" {}\n\nmetric \"a\" {\n  typ = 1\n}\nmetric \"b\" {\n  type = \"é\"\n  x = local.y\n}\n",
		"duplicates":                 "pipeline \"p\" {}\nmetric \"a\" { type = \"recall\" }\nmetric \"a\" { type = \"recall\" }\n",
		"a circle of locals":         "pipeline \"p\" {}\nlocals {\n  a = local.b\n}\nlocals {\n  b = local.a\n}\n",
		"a brace that is missing":    "pipeline \"p\" {\nmetric \"a\" { type = \"recall\" }\n",
		"a block in a heredoc":       "pipeline \"p\" {\n  description = <<E\nmetric \"a\" {\nE\n}\n",
		"an expression that fails":   "pipeline \"p\" {}\nlocals {\n  a = [1, 2][5]\n}\n",
		"CRLF":                       "pipeline \"p\" {}\r\nmetric \"a\" {\r\n  typ = 1\r\n}\r\n",
		"two pipelines":              "pipeline \"p\" {}\npipeline \"q\" {}\n",
		"nothing":                    "",
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			e := suite.NewEditor(workspace.DataRoots{})
			defer e.Close()
			parser := front.NewPartsParser(e.Catalog)
			dir := t.TempDir()
			files := map[string][]byte{"main.mlp": []byte(text), "other.mlp": []byte("metric \"z\" { tpe = 1 }\n")}
			parsed, want := syntax.Parse(files, e.Catalog)
			_, more := resolve.Resolve(parsed, resolve.Options{Dir: dir})
			want = append(want, more...).Sort()
			byParts, got, parts := parser.Parse(dir, files)
			_, more = resolve.Resolve(byParts, resolve.Options{Dir: dir})
			got = parts.Whole(append(got, more...))
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("-whole +parts:\n%s", d)
			}
		})
	}
}

// TestPartsOfExamples holds that the examples are without mistakes for the editor too, and that blocks which have not
// changed are not parsed again.
func TestPartsOfExamples(t *testing.T) {
	e := suite.NewEditor(workspace.DataRoots{})
	defer e.Close()
	parser := front.NewPartsParser(e.Catalog)
	dir, err := filepath.Abs("../../examples/fraud")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "fraud.mlp"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"fraud.mlp": text}
	for _, d := range e.Analyse(context.Background(), dir, files).Diagnostics {
		t.Errorf("%s:%d: %s", d.Subject.File, d.Subject.Start.Line, d.Summary)
	}
	before, _, _ := parser.Parse(dir, files)
	changed := append([]byte("# one more line\n"), text...)
	after, _, _ := parser.Parse(dir, map[string][]byte{"fraud.mlp": changed})
	kept := 0
	for i, b := range after.Blocks {
		if b == before.Blocks[i] {
			kept++
		}
	}
	if got, want := kept, len(before.Blocks)-1; got < want {
		t.Errorf("%d blocks were kept, want %d", got, want)
	}
}
