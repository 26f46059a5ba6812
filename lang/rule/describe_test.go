package rule

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFunctionsAreDescribed(t *testing.T) {
	var names []string
	for _, f := range Functions() {
		names = append(names, f.Name)
		if !strings.Contains(f.Form, f.Name+"(") || f.Doc == "" {
			t.Errorf("%s: got form %q and doc %q; want a call and a sentence", f.Name, f.Form, f.Doc)
		}
	}
	if d := cmp.Diff(functions(), names); d != "" {
		t.Errorf("functions that there are and those described:\n%s", d)
	}
}

// TestExamples decides the example of each function: it holds of the figures of the tests.
func TestExamples(t *testing.T) {
	e := env(t)
	for _, f := range Functions() {
		if !strings.Contains(f.Example, f.Name+"(") {
			t.Errorf("%s has the example %q", f.Name, f.Example)
			continue
		}
		if got := compile(t, e, f.Example).Decide(Values{Known: knownValues()}); got.Verdict != Pass {
			t.Errorf("%s: got %+v, want %v", f.Example, got, Pass)
		}
	}
}
