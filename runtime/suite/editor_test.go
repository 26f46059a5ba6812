package suite

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

// TestEditor: what an editor knows of a module, and of a file of tests beside it.
func TestEditor(t *testing.T) {
	base, err := os.ReadFile("testdata/base.mlp")
	if err != nil {
		t.Fatal(err)
	}
	secret := "\nvariable \"key\" {\n  default   = \"s3cret\"\n  sensitive = true\n}\n\nlocals {\n  double = variable.min_recall * 2\n  hidden = \"${variable.key}!\"\n}\n"
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "main.mlp"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(string(base) + secret)
	e := NewEditor(workspace.DataRoots{})
	defer e.Close()
	module := e.Analyse(t.Context(), dir, map[string][]byte{"main.mlp": []byte(string(base) + secret)})
	if got := mistakes(module.Diagnostics); got != "" {
		t.Errorf("the module has mistakes:\n%s", got)
	}
	if len(module.Values) != 2 || module.Values["variable.min_recall"] != "0.7" || module.Values["local.double"] != "1.4" {
		t.Errorf("got %v, want the values that may be shown", module.Values)
	}
	if b := module.Blocks["split.parts"]; b == nil || b.Out["test"].Table == nil || b.Figures == nil || module.Blocks["gate.release"].Env == nil {
		t.Errorf("got %+v, want what the block yields", b)
	}
	const tests = "test \"a\" {\n  given \"source.paymnts\" { rows = [] }\n}\ntest \"b\" {}\n"
	path := filepath.Join(dir, "x.mlptest")
	told := e.Analyse(t.Context(), path, map[string][]byte{"x.mlptest": []byte(tests)})
	if got := mistakes(told.Diagnostics); !strings.HasPrefix(got, "x.mlptest:2:9-2:25 error MLP1903") || len(told.Diagnostics) != 1 {
		t.Errorf("got %s", got)
	}
	if env := told.Blocks["test.b"].Env; env == nil || env.Fields["gate"] == nil || env.Fields["table"].Fields["dataset"] == nil {
		t.Errorf("got %+v, want what assertions see", env)
	}
	// Mistakes of the module are told in its own files.
	for _, broken := range []string{"pipeline \"p\" {", "pipeline \"p\" {}\nmetric \"m\" { type = \"rcall\" }\n"} {
		write(broken)
		if told := e.Analyse(t.Context(), path, map[string][]byte{"x.mlptest": []byte("test \"b\" {}\n")}); len(told.Diagnostics) > 0 {
			t.Errorf("%s: got %s", broken, mistakes(told.Diagnostics))
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "mlp.lock"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	told = e.Analyse(t.Context(), path, map[string][]byte{"x.mlptest": []byte("test \"b\" {}\n")})
	if got := mistakes(told.Diagnostics); !strings.HasPrefix(got, "- error : reading mlp.lock: ") || len(told.Diagnostics) != 1 {
		t.Errorf("a lock file that cannot be read: got %s", got)
	}
	broken := "pipeline \"p\" {}\nmetric \"m\" { type = \"rcall\" }\n"
	module = e.Analyse(t.Context(), t.TempDir(), map[string][]byte{"main.mlp": []byte(broken)})
	if got := mistakes(module.Diagnostics); !strings.HasPrefix(got, "main.mlp:2:") {
		t.Errorf("a mistake of the module: got %q", got)
	}
}

// TestEditorKeepsToRoots: what an editor tells of tests rests on no file that modules may not read.
func TestEditorKeepsToRoots(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	data := filepath.Join(elsewhere, "rows.csv")
	module := "pipeline \"p\" {}\nsource \"csv\" \"s\" { path = " + strconv.Quote(data) + " }\n"
	for path, text := range map[string]string{data: "id\n1\n", filepath.Join(dir, "main.mlp"): module} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for root, want := range map[string]bool{dir: false, elsewhere: true} {
		roots, err := workspace.OpenDataRoots([]string{root})
		if err != nil {
			t.Fatal(err)
		}
		e := NewEditor(roots)
		defer e.Close()
		told := e.Analyse(t.Context(), filepath.Join(dir, "x.mlptest"), map[string][]byte{"x.mlptest": []byte("test \"a\" {}\n")})
		known := false
		if b := told.Blocks["test.a"]; b != nil {
			known = b.Env.Fields["table"].Fields["source"] != nil
		}
		if known != want {
			t.Errorf("data in %s, and roots in %s: the columns are known: %v; %s", elsewhere, root, known, mistakes(told.Diagnostics))
		}
	}
}
