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
