package rule

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

func togetherEnv(t *testing.T) *Env {
	t.Helper()
	e, err := NewEnv(schema.Object(map[string]*schema.FigureType{"f": schema.Object(map[string]*schema.FigureType{
		"x": schema.Double, "y": schema.Double, "ok": schema.Flag, "tier": {Kind: schema.StringFigure}, "shares": schema.KeyedMap(schema.Share, "a", "b"),
		"tags": {Kind: schema.ListFigure, Elem: &schema.FigureType{Kind: schema.StringFigure}},
	})}))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestConditionsTogether(t *testing.T) {
	const never, always = source.CodeRuleNever, source.CodeRuleAlways
	tests := []struct{ rule, code, text string }{
		{"f.x > 0.9 && f.x < 0.8", never, "f.x > 0.9 and f.x < 0.8 never hold at the same time"},
		{"f.x > 0.8 && f.x < 0.9", "", ""}, {"f.x >= 1 && f.x <= 1", "", ""}, {"f.x >= 1 && f.x < 1", never, ""}, {"1 < f.x && f.x < 1", never, ""},
		{"f.x > 1 && (f.y > 2 && f.x < 0)", never, "f.x > 1 and f.x < 0"}, {"f.x > 1 && f.y > 2 && f.x > 3", "", ""},
		{"f.x == 1 && f.x == 2", never, ""}, {"f.x == 1 && f.x != 1", never, ""}, {"f.x >= 1 && f.x <= 1 && f.x != 1", never, ""}, {"f.x != 1 && f.x != 2", "", ""},
		{"f.x > f.y && f.x < f.y", never, ""}, {"f.x > f.y && f.y > f.x", never, ""}, {"f.x >= f.y && f.y >= f.x", "", ""}, {"f.x == f.y && f.x != f.y", never, ""},
		{"f.x > 1 && !(f.x > 1)", never, ""}, {"f.ok && !f.ok", never, ""}, {"f.ok && f.ok == false", never, ""}, {"f.ok && f.ok != false", "", ""},
		{`f.tier == "a" && f.tier == "b"`, never, ""}, {`f.tier == "a" && "b" == f.tier`, never, ""}, {`f.tier in ["a", "b"] && f.tier == "c"`, never, ""},
		{`f.tier in ["a", "b"] && f.tier != "a"`, "", ""}, {`f.tier in ["a", "b"] && f.tier != "a" && f.tier != "b"`, never, ""}, {`f.tier != "a" && f.tier != "b"`, "", ""},
		{"f.x > 1 || f.x <= 1", always, "one of f.x > 1 and f.x <= 1 always holds"}, {"f.x > 1 || f.x < 1", "", ""}, {"f.x != 1 || f.x != 2", always, ""}, {"f.x < 2 || f.y > 0 || f.x > 1", always, ""},
		{"f.ok || !f.ok", always, ""}, {"f.ok || f.x > 1", "", ""}, {`f.tier != "a" || f.tier != "b"`, always, ""}, {`f.tier == "a" || f.tier == "b"`, "", ""},
		{"f.x > f.y || f.x <= f.y", always, ""}, {"f.x > f.y || f.y > f.x", "", ""},
		{"f.shares.all(k, f.shares[k] > 0.5 && f.shares[k] < 0.4)", never, ""}, {"f.y > 0 || (f.x > 2 && f.x < 1)", never, ""}, {"f.x > 2 || f.y > 0 && f.x > 1", "", ""},
		{"(f.x > 2 ? f.x : 0.0) > 1 && f.x < 0", "", ""}, {"1 - f.x > 0.9 && 1 - f.x < 0.5", never, ""}, {"1 - f.x >= 0.9 && f.x >= 0.1", "", ""},
		{"abs(f.x) > 2 && abs(f.x) < 1", never, ""}, {"f.tags[0] == 'a' && f.tags[1] == 'b'", "", ""}, {"'a' in f.tags && !('a' in f.tags)", "", ""},

		{"true", always, ""}, {"false", never, "false never holds"}, {"1 < 2", always, ""}, {"1 > 2", never, ""}, {"true || f.x > 1", always, ""}, {"f.x > 1 && false", never, ""},
		{"min([]) > 0", never, "can never be decided"}, {"[].all(x, x > 1)", always, ""}, {"[1, 2].exists(x, x > 1)", always, ""}, {"size([1]) == 1", always, ""},
		{"f.x > 0 ? true : true", "", ""}, {"has(f.x)", "", ""}, {"f.ok", "", ""}, {"!f.ok", "", ""}, {"f.ok == true", "", ""},
	}
	e := togetherEnv(t)
	for _, tt := range tests {
		r, ds := e.Compile(text(tt.rule))
		got, said := "", ""
		if len(ds) > 0 {
			got, said = ds[0].Code, ds[0].Summary
		}
		if got != tt.code || !strings.Contains(said, tt.text) || (r == nil) != ds.HasErrors() || len(ds) > 1 {
			t.Errorf("%s: got %+v, want %q", tt.rule, ds, tt.code)
		}
	}
}

// TestTogetherIsExact draws conditions over one number, one word and one truth value, and tries all values that tell them apart: of
// operands of one && or || that is said to be decided which is, and of those over one figure all that are decided are said to be.
func TestTogetherIsExact(t *testing.T) {
	e := togetherEnv(t)
	r := rand.New(rand.NewPCG(3, 4))
	one := func(figure int) string {
		not := []string{"", "!"}[r.IntN(2)]
		switch figure {
		case 0:
			return fmt.Sprintf("%s(f.x %s %d)", not, []string{"<", "<=", ">", ">=", "==", "!="}[r.IntN(6)], r.IntN(3))
		case 1:
			return fmt.Sprintf("%s(%d %s f.x)", not, r.IntN(3), []string{"<", "<=", ">", ">=", "==", "!="}[r.IntN(6)])
		case 2:
			return fmt.Sprintf("%s(f.tier %s)", not, []string{"== 'a'", "!= 'b'", "in ['a', 'b']", "in ['b', 'c']"}[r.IntN(4)])
		}
		return not + "f.ok"
	}
	told := 0
	for range 1200 {
		var parts []string
		same := r.IntN(2) == 0
		first := r.IntN(4)
		for range 2 + r.IntN(3) {
			figure := first
			if !same {
				figure = r.IntN(4)
			}
			parts = append(parts, one(figure))
		}
		operator := []string{" && ", " || "}[r.IntN(2)]
		rule := strings.Join(parts, operator)
		holds, fails := 0, 0
		decider := &Rule{root: e.root, text: rule, expr: readAs(rule)}
		for _, x := range []float64{-1, 0, 0.5, 1, 1.5, 2, 3} {
			for _, tier := range []string{"a", "b", "c", "d"} {
				for _, ok := range []bool{true, false} {
					d := decider.Decide(Values{Known: map[string]any{"f": map[string]any{"x": x, "tier": tier, "ok": ok}}})
					if d.Verdict == Pass {
						holds++
					} else {
						fails++
					}
				}
			}
		}
		want := ""
		switch {
		case holds == 0:
			want = source.CodeRuleNever
		case fails == 0:
			want = source.CodeRuleAlways
		}
		_, ds := e.Compile(text(rule))
		got := ""
		if len(ds) > 0 {
			got = ds[0].Code
		}
		if got != "" {
			told++
		}
		if got != want {
			t.Fatalf("%s: said to be %q, is %q (holds %d, fails %d)", rule, got, want, holds, fails)
		}
	}
	if told < 200 {
		t.Errorf("only %d were told", told)
	}
}
