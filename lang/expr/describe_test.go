package expr

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	ctyjson "github.com/zclconf/go-cty/cty/json"
)

func TestFunctionsAreDescribed(t *testing.T) {
	described := map[string]Function{}
	for _, f := range Functions() {
		described[f.Name] = f
		if !strings.HasPrefix(f.Form, f.Name+"(") || strings.TrimSpace(f.Doc) == "" {
			t.Errorf("%s: got form %q and doc %q; want the call and a sentence", f.Name, f.Form, f.Doc)
		}
	}
	if got, want := len(described), len(functions("")); got != want {
		t.Errorf("got %d functions described, want %d", got, want)
	}
	if got, want := described["join"].Form, "join(separator, lists…)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, f := range Refused() {
		if _, there := described[f.Name]; there || f.Doc == "" {
			t.Errorf("%s is refused: it must not be there, and the reason be said", f.Name)
		}
	}
}

// TestExamples evaluates the example of each function, and the value that it is said to have.
func TestExamples(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "countries.txt"), []byte("NL\nBE\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	encoded := func(text string) string {
		v, ds := NewScope(dir, nil, nil, nil).Eval(attr(t, "x \"a\" {\n  v = "+text+"\n}"))
		if len(ds) > 0 {
			return ds[0].Summary
		}
		raw, err := ctyjson.SimpleJSONValue{Value: v}.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for _, f := range Functions() {
		if f.Example == "" || !strings.Contains(f.Example, f.Name+"(") {
			t.Errorf("%s has the example %q", f.Name, f.Example)
			continue
		}
		if got, want := encoded(f.Example), encoded(f.Value); got != want {
			t.Errorf("%s: got %s, want %s", f.Example, got, want)
		}
	}
	if len(examples) != len(Functions()) {
		t.Errorf("got %d examples of %d functions", len(examples), len(Functions()))
	}
}
