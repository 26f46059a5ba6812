package expr

import (
	"strings"
	"testing"
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
