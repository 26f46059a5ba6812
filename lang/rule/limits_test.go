package rule

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlp-lang/mlp/lang/source"
)

func TestParseLimits(t *testing.T) {
	got, ds := ParseLimits(text("fpr <= 0.01 && 0.7 < recall &&\n loss >= -2 && x < 5 && -1.5e3 >= y && z > - 2"))
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	want := []Limit{
		{Metric: "fpr", Op: "<=", Value: 0.01}, {Metric: "recall", Op: ">", Value: 0.7}, {Metric: "loss", Op: ">=", Value: -2},
		{Metric: "x", Op: "<", Value: 5}, {Metric: "y", Op: "<=", Value: -1500}, {Metric: "z", Op: ">", Value: -2},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Limit{}, "Range")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got, want := got[1].Range.Start.Byte, 100+21; got != want {
		t.Errorf("got recall at byte %d, want %d", got, want)
	}
}

func TestParseLimitsTeaches(t *testing.T) {
	tests := []struct{ limits, code, want, hint string }{
		{"«fpr»", source.CodeRuleLimits, "fpr is not a limit on a metric", "fpr <= 0.01"},
		{"«fpr <= recall»", source.CodeRuleLimits, "fpr <= recall is not a limit", ""},
		{"x < 1 && «fpr == 0.5»", source.CodeRuleLimits, "fpr == 0.5 is not", ""},
		{"«fpr < 1 || recall > 2»", source.CodeRuleLimits, "is not a limit", "join them by &&"},
		{"«variable.x < 1»", source.CodeRuleLimits, "variable.x < 1 is not", ""},
		{"«f(x) < 1»", source.CodeRuleLimits, "f(x) < 1 is not", ""},
		{"«!(x < 1)»", source.CodeRuleLimits, "is not a limit", ""},
		{"x <«=»", source.CodeRuleSyntax, "the rule ends", ""},
		{"x < 1 «and» y < 2", source.CodeRuleSyntax, "unexpected \"and\"", "&&"},
	}
	for _, tt := range tests {
		before, rest, _ := strings.Cut(tt.limits, "«")
		marked, after, _ := strings.Cut(rest, "»")
		_, ds := ParseLimits(text(before + marked + after))
		if len(ds) != 1 || ds[0].Code != tt.code || !strings.Contains(ds[0].Summary, tt.want) || !strings.Contains(ds[0].Hint, tt.hint) {
			t.Errorf("%s: got %+v", tt.limits, ds)
			continue
		}
		if got, want := ds[0].Subject.Start.Byte, 100+len(before); got != want {
			t.Errorf("%s: got byte %d, want %d", tt.limits, got, want)
		}
	}
	if _, ds := ParseLimits(text("a < 1 && b == 2 && c == 3")); len(ds) != 2 {
		t.Errorf("got %d diagnostics, want both mistakes told", len(ds))
	}
	if _, ds := ParseLimits(text(" ")); len(ds) != 1 || ds[0].Summary != "the rule is empty" {
		t.Errorf("got %+v", ds)
	}
}

// TestClashingLimits: what no value keeps is refused, at the first limit that leaves none.
func TestClashingLimits(t *testing.T) {
	for _, tt := range []struct {
		limits string
		clash  bool
	}{
		{"recall >= 0.7 && recall < 0.5", true}, {"fpr <= 0.1 && recall >= 0.7 && fpr > 0.1", true}, {"recall > 0.5 && 0.5 > recall", true},
		{"recall >= 0.5 && recall <= 0.5", false}, {"recall >= 0.5 && recall < 0.7", false}, {"recall >= 0.7 && fpr < 0.5", false},
	} {
		_, ds := ParseLimits(text(tt.limits))
		if got := len(ds) == 1 && ds[0].Code == source.CodeRuleNever; got != tt.clash || !tt.clash && len(ds) > 0 {
			t.Errorf("%s: got %+v, want a clash: %t", tt.limits, ds, tt.clash)
		}
	}
}
