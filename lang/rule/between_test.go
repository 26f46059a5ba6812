package rule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// spanned are figures of which only intervals are known.
func spanned(t *testing.T) *Env {
	t.Helper()
	number := &schema.FigureType{Kind: schema.DoubleFigure}
	e, err := NewEnv(schema.Object(map[string]*schema.FigureType{
		"a": schema.Object(map[string]*schema.FigureType{"rate": number, "other": number}),
		"b": schema.Object(map[string]*schema.FigureType{"rate": number}), "n": number,
	}))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func ruleOf(t *testing.T, e *Env, text string) *Rule {
	t.Helper()
	r, ds := e.Compile(source.NewText(text, source.Range{}, nil))
	if ds.HasErrors() {
		t.Fatalf("%s: %v", text, ds)
	}
	return r
}

func TestDecideBetween(t *testing.T) {
	e := spanned(t)
	inf := math.Inf(1)
	for _, tc := range []struct {
		text string
		a, b Span
		want Verdict
	}{
		{"a.rate > 1", Span{1.3, inf}, Span{}, Pass},
		{"a.rate > 1", Span{0, 0.9}, Span{}, Fail},
		{"a.rate > 1", Span{0, 1}, Span{}, Fail},
		{"a.rate > 1", Span{0, inf}, Span{}, Open},
		{"a.rate >= 1", Span{0, 1}, Span{}, Open},
		{"!(a.rate > 1) && n == 3", Span{0, 0.9}, Span{}, Pass},
		{"a.rate <= b.rate + 0.001", Span{0.01, 0.02}, Span{0.02, 0.03}, Pass},
		{"a.rate <= b.rate + 0.001", Span{0.01, 0.03}, Span{0.02, 0.03}, Open},
		{"a.rate > b.rate * 2", Span{0.07, 0.1}, Span{0.02, 0.03}, Pass},
		{"a.rate / b.rate > 1", Span{0.07, 0.1}, Span{0, 0.03}, Open}, // a rate of 0 divides nothing
		{"abs(a.rate - b.rate) < 0.1", Span{0.07, 0.1}, Span{0, 0.03}, Open},
		{"abs(a.rate - b.rate) < 0.2", Span{0.07, 0.1}, Span{0, 0.03}, Pass},
		{"-a.rate < 0", Span{0.07, 0.1}, Span{}, Pass},
		{"sum([a.rate, b.rate]) > 1", Span{2, 3}, Span{2, 3}, Open}, // nothing is said of sums
		{"sum([a.rate, 1]) < 1", Span{0.1, 0.2}, Span{}, Open},
		{"a.rate > 1 || b.rate > 1", Span{0, inf}, Span{2, 3}, Pass},
		{"a.rate > 1 && b.rate > 1", Span{0, inf}, Span{0, 1}, Fail},
		{"n > 2 ? a.rate > 1 : b.rate > 1", Span{2, 3}, Span{0, 1}, Pass},
		{"has(a.rate) && !has(a.other)", Span{2, 3}, Span{}, Pass},
		{"a.other > 1 || a.rate > 1", Span{0, 1}, Span{}, Error},
		{"[a.rate, b.rate].all(x, x > 1)", Span{2, 3}, Span{2, 3}, Pass},
		{"[1, 2][a.rate] > 0", Span{0, 0.5}, Span{}, Open},
	} {
		got := ruleOf(t, e, tc.text).Decide(Values{Known: map[string]any{"n": 3.0}, Between: map[string]Span{"a.rate": tc.a, "b.rate": tc.b}})
		if got.Verdict != tc.want {
			t.Errorf("%s with %v and %v: got %s (%s%s), want %s", tc.text, tc.a, tc.b, got.Verdict, got.Residual, got.Reason, tc.want)
		}
	}
}

// TestBetween: a rule that is decided by intervals is decided so by whatever values lie in them.
func TestBetween(t *testing.T) {
	e := spanned(t)
	r := rand.New(rand.NewPCG(1, 2))
	var number func(depth int) string
	number = func(depth int) string {
		if depth == 0 || r.IntN(3) == 0 {
			return []string{"a.rate", "b.rate", "n", fmt.Sprintf("%.1f", r.Float64())}[r.IntN(4)]
		}
		x, y := number(depth-1), number(depth-1)
		return []string{"(" + x + " + " + y + ")", "(" + x + " - " + y + ")", "(" + x + " * " + y + ")", "-(" + x + ")", "abs(" + x + ")", x + " / (" + y + ")"}[r.IntN(6)]
	}
	var condition func(depth int) string
	condition = func(depth int) string {
		if depth == 0 {
			return number(2) + []string{" < ", " <= ", " > ", " >= ", " == ", " != "}[r.IntN(6)] + number(2)
		}
		x, y := condition(depth-1), condition(depth-1)
		return []string{"(" + x + ") && (" + y + ")", "(" + x + ") || (" + y + ")", "!(" + x + ")", "(" + x + ") ? " + y + " : (" + x + ")"}[r.IntN(4)]
	}
	decided := map[Verdict]int{}
	for range 3000 {
		text := condition(r.IntN(3))
		rule, ds := e.Compile(source.NewText(text, source.Range{}, nil))
		if ds.HasErrors() {
			continue // of what never holds, or is decided without a figure
		}
		spans, n := map[string]Span{}, r.Float64()
		for _, name := range []string{"a.rate", "b.rate"} {
			low := 2*r.Float64() - 1
			spans[name] = Span{low, low + r.Float64()*r.Float64()}
		}
		early := rule.Decide(Values{Known: map[string]any{"n": n}, Between: spans})
		decided[early.Verdict]++
		if early.Verdict != Pass && early.Verdict != Fail {
			continue
		}
		for range 5 {
			at := func(name string) float64 {
				s := spans[name]
				return []float64{s.Low, s.High, s.Low + r.Float64()*(s.High-s.Low)}[r.IntN(3)]
			}
			values := map[string]any{"n": n, "a": map[string]any{"rate": at("a.rate")}, "b": map[string]any{"rate": at("b.rate")}}
			if late := rule.Decide(Values{Known: values}); late.Verdict != early.Verdict && late.Verdict != Error {
				t.Fatalf("%s is %s by %v, and %s by %v", text, early.Verdict, spans, late.Verdict, values)
			}
		}
	}
	if decided[Pass] < 200 || decided[Fail] < 200 || decided[Open] < 200 {
		t.Errorf("too few cases show something: %v", decided)
	}
}
