package suite

import (
	"os"
	"path/filepath"
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
	if told := e.Analyse(t.Context(), path, map[string][]byte{"x.mlptest": []byte("test \"b\" {}\n")}); len(told.Diagnostics) != 1 {
		t.Errorf("a lock file that cannot be read: got %s", mistakes(told.Diagnostics))
	}
}
