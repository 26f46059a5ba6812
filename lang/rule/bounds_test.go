package rule

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

func bounded() *schema.FigureType {
	return schema.Object(map[string]*schema.FigureType{"f": schema.Object(map[string]*schema.FigureType{
		"auc": schema.Share, "rows": schema.Count, "delta": schema.Between(-1, 1), "r2": schema.AtMost(1), "free": schema.Double,
		"shares": schema.KeyedMap(schema.Share, "a", "b"), "none": schema.KeyedMap(schema.Share), "open": schema.MapOf(schema.Share),
	})})
}

func TestComparisonsThatAreDecided(t *testing.T) {
	e, err := NewEnv(bounded())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ rule, code, hint string }{
		{"f.auc > 1.5", source.CodeRuleNever, ""}, {"f.auc > 1", source.CodeRuleNever, ""}, {"1.5 < f.auc", source.CodeRuleNever, ""}, {"f.auc >= 80", source.CodeRuleNever, "write 0.8"},
		{"f.auc < 0", source.CodeRuleNever, ""}, {"f.auc == 2", source.CodeRuleNever, ""}, {"f.auc != 2", source.CodeRuleAlways, ""}, {"f.auc >= 0.0", source.CodeRuleAlways, ""},
		{"f.auc <= 1", source.CodeRuleAlways, ""}, {"f.auc > -0.1", source.CodeRuleAlways, ""}, {"f.auc < 1", "", ""}, {"f.auc > 0", "", ""}, {"f.auc == 1", "", ""},
		{"f.rows < 0", source.CodeRuleNever, ""}, {"f.rows >= 0", source.CodeRuleAlways, ""}, {"f.rows == -1", source.CodeRuleNever, ""}, {"f.rows > 0", "", ""}, {"f.rows > 1e9", "", ""},
		{"f.r2 > 1", source.CodeRuleNever, ""}, {"f.r2 > -5", "", ""}, {"f.free > 1e300", "", ""}, {"f.delta < -1", source.CodeRuleNever, ""}, {"f.delta > -0.005", "", ""},
		{"1 - f.auc > 1", source.CodeRuleNever, ""}, {"f.auc - f.delta > 2", source.CodeRuleNever, ""}, {"f.auc * 100 >= 80", "", ""}, {"f.auc / 2 > 0.5", source.CodeRuleNever, ""},
		{"f.auc * f.free > 5", "", ""}, {"abs(f.delta) > 1", source.CodeRuleNever, ""}, {"abs(f.free) < 0", source.CodeRuleNever, ""}, {"-f.rows > 0", source.CodeRuleNever, ""},
		{"max([f.auc, f.delta]) > 1", source.CodeRuleNever, ""}, {"mean(f.shares) > 1", source.CodeRuleNever, ""}, {"sum(f.shares) > 1", "", ""},
		{"quantile(f.shares.map(k, f.shares[k]), 0.5) > 1", source.CodeRuleNever, ""}, {"size(f.shares) < 0", source.CodeRuleNever, ""}, {"(f.auc > 0.5 ? f.auc : 0) > 1", source.CodeRuleNever, ""},
		{"f.shares.all(k, f.shares[k] > 1)", source.CodeRuleNever, ""}, {"f.auc > 0.5 || f.auc > 1.5", source.CodeRuleNever, ""}, {"f.auc > f.rows", "", ""},
		{"'a' in f.none", source.CodeRuleFigure, ""}, {"f.none.a > 0.5", source.CodeRuleFigure, ""}, {"'zzz' in f.open", "", ""}, {"f.open.zzz > 0.5", "", ""},
		{"f.auc in [2, 3.5]", source.CodeRuleNever, ""}, {"f.auc in [0.5, 2]", "", ""}, {"f.rows in [-1]", source.CodeRuleNever, ""}, {"f.free in [1]", "", ""},
		{"f.free > f.free", source.CodeRuleNever, ""}, {"f.auc >= f.auc", source.CodeRuleAlways, ""}, {"f.auc * 2 != f.auc * 2", source.CodeRuleNever, ""},
		{"f.shares.all(k, f.shares[k] <= f.shares[k])", source.CodeRuleAlways, ""}, {"f.shares.a > f.shares.b", "", ""}, {"f.shares.a == f.shares.a", source.CodeRuleAlways, ""},
		{"f.rows == 9007199254740992", "", ""}, {"f.rows == 9007199254740994", "", ""}, {"f.rows > 1e17", "", ""},
	}
	for _, tt := range tests {
		r, ds := e.Compile(text(tt.rule))
		got := ""
		if len(ds) > 0 {
			got = ds[0].Code
		}
		if got != tt.code || (r == nil) != ds.HasErrors() || tt.hint != "" && !strings.Contains(ds[0].Hint, tt.hint) {
			t.Errorf("%s: got %+v, want %q", tt.rule, ds, tt.code)
		}
	}
}

// TestBoundsHold draws comparisons, and figures within their bounds: what is said to hold never or always does so.
func TestBoundsHold(t *testing.T) {
	e, err := NewEnv(bounded())
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	numbers := []string{"0", "1", "-1", "0.5", "2", "1.5", "1e16", "-0.5"}
	var number func(depth int) string
	number = func(depth int) string {
		if depth == 0 || r.IntN(4) == 0 {
			if r.IntN(3) == 0 {
				return numbers[r.IntN(len(numbers))]
			}
			return "f." + []string{"auc", "rows", "delta", "r2", "free", "shares.a"}[r.IntN(6)]
		}
		a, b := number(depth-1), number(depth-1)
		return []string{"(" + a + " + " + b + ")", "(" + a + " - " + b + ")", "(" + a + " * " + b + ")", "(" + a + " / " + b + ")", "abs(" + a + ")",
			"-" + a, "min([" + a + ", " + b + "])", "mean([" + a + ", " + b + "])", "(" + a + " > " + b + " ? " + a + " : " + b + ")", "max(f.shares)"}[r.IntN(10)]
	}
	decided := 0
	for range 5000 {
		rule := number(2) + " " + []string{"<", "<=", ">", ">=", "==", "!="}[r.IntN(6)] + " " + number(1)
		_, ds := e.Compile(text(rule))
		if len(ds) == 0 || ds[0].Subject.End.Byte-ds[0].Subject.Start.Byte != len(rule) {
			continue // not about the whole
		}
		decided++
		left := &Rule{root: e.root, text: rule, expr: readAs(rule)}
		for range 5 {
			pick := func(xs ...float64) float64 { return xs[r.IntN(len(xs))] }
			values := map[string]any{"f": map[string]any{"auc": pick(0, 1, r.Float64()), "rows": pick(0, 1, 1e9), "delta": pick(-1, 1, 0, r.Float64()),
				"r2": pick(1, 0, -1e9), "free": pick(0, 1e300, -7.5), "shares": map[string]any{"a": pick(0, 1), "b": r.Float64()}}}
			d := left.Decide(Values{Known: values})
			if want := map[string]Verdict{source.CodeRuleNever: Fail, source.CodeRuleAlways: Pass}[ds[0].Code]; d.Verdict != want && d.Verdict != Error {
				t.Fatalf("%s is said to be %s (%s), and is %v for %v", rule, ds[0].Code, ds[0].Detail, d.Verdict, values)
			}
		}
	}
	if decided < 200 {
		t.Errorf("only %d comparisons were decided", decided)
	}
}

// TestSizeNeedsItsElements: counting figures does not pass by those that are missing.
func TestSizeNeedsItsElements(t *testing.T) {
	e := env(t)
	slices := func(auc any) map[string]any {
		return map[string]any{"evaluate": map[string]any{"holdout": map[string]any{"rows": 5.0, "slices": map[string]any{
			"large": map[string]any{"auc": auc}, "small": map[string]any{"auc": 0.5}}}}}
	}
	const size = "size(evaluate.holdout.slices.map(s, evaluate.holdout.slices[s].auc)) >= 2"
	for _, tt := range []struct {
		rule string
		auc  any
		want Verdict
	}{
		{size, 0.7, Pass}, {size, nil, Error},
		{"size([1 / 0]) == 1", nil, Error}, {"size([1, 2] + [evaluate.holdout.slices.large.auc]) == 3", nil, Error},
		{"size(evaluate.holdout.slices.map(s, evaluate.holdout.slices[s])) == 2", nil, Pass},
		{"size(evaluate.holdout.slices) == 2", nil, Pass}, {"2 in [evaluate.holdout.slices.large.auc, 2]", nil, Pass},
		{"3 in [evaluate.holdout.slices.large.auc, 2]", nil, Error}, {"[evaluate.holdout.slices.large.auc, 1][1] == 1", nil, Pass},
	} {
		if got := compile(t, e, tt.rule).Decide(Values{Known: slices(tt.auc)}); got.Verdict != tt.want {
			t.Errorf("%s with %v: %v, expected %v", tt.rule, tt.auc, fmt.Sprint(got), tt.want)
		}
	}
	open := compile(t, e, size).Decide(Values{Known: slices(0.7), Unknown: []string{"evaluate.holdout.slices.large.auc"}})
	if open.Verdict != Open {
		t.Errorf("with a figure to come: %+v", open)
	}
}
