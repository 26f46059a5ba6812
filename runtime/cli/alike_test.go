package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/source"
)

// TestWarningsAlike are written out three times, then counted with their places; errors all are.
func TestWarningsAlike(t *testing.T) {
	var diags source.Diagnostics
	for i := range 64 {
		at := source.Range{File: "p.mlp", Start: source.Pos{Line: i + 1, Column: 1}}
		diags = append(diags, source.Diagnostic{Severity: source.Warning, Code: "MLP1407", Summary: fmt.Sprintf("train.m%d is measured on its rows", i), Subject: at})
		if i < 5 {
			diags = append(diags, source.Diagnostic{Severity: source.Error, Code: "MLP1402", Summary: fmt.Sprintf("mistake %d", i), Subject: at})
		}
	}
	var out bytes.Buffer
	(&app{err: &out}).diagnostics(diags, nil)
	for text, want := range map[string]int{"[MLP1407]": 3, "[MLP1402]": 5, "And 61 more warnings MLP1407, at p.mlp:4, p.mlp:5, p.mlp:6, …": 1} {
		if got := strings.Count(out.String(), text); got != want {
			t.Errorf("%q: got it %d times, want %d, in\n%s", text, got, want, out.String())
		}
	}
}
