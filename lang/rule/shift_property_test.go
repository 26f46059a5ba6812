package rule

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/mlp-lang/mlp/lang/source"
)

// pairs writes two conditions at once, which are the same but for a place here and there.
type pairs struct{ *rand.Rand }

func (p pairs) either(a string, others func() string) (string, string) {
	if p.IntN(6) == 0 {
		return a, others()
	}
	return a, a
}

func (p pairs) number(depth int) (string, string) {
	constant := func() string { return fmt.Sprintf("%.2f", float64(p.IntN(5))/4) }
	figure := func() string {
		return []string{"evaluate.holdout.metrics.auc", "evaluate.holdout.metrics.recall"}[p.IntN(2)]
	}
	switch n := p.IntN(8); {
	case depth > 0 && n == 0:
		c, d := p.condition(0)
		x, y := p.number(depth - 1)
		u, v := p.number(depth - 1)
		return "(" + c + " ? " + x + " : " + u + ")", "(" + d + " ? " + y + " : " + v + ")"
	case depth > 0 && n == 1:
		f := []string{"min", "max"}[p.IntN(2)]
		x, y := p.number(depth - 1)
		u, v := p.number(depth - 1)
		return f + "([" + x + ", " + u + "])", f + "([" + y + ", " + v + "])"
	case n == 2:
		by, other := p.either("2.0", func() string { return "3.0" })
		x := figure()
		return by + " * " + x, other + " * " + x
	case n < 6:
		return p.either(figure(), figure)
	}
	return p.either(constant(), constant)
}

func (p pairs) condition(depth int) (string, string) {
	if depth <= 0 && p.IntN(3) == 0 {
		return p.either("champion.exists", func() string { return "champion.comparable" })
	}
	ops := []string{" < ", " <= ", " > ", " >= "}
	n := p.IntN(9)
	if depth <= 0 || n > 5 {
		op, other := p.either(ops[p.IntN(4)], func() string { return ops[p.IntN(4)] })
		x, y := p.number(depth)
		u, v := p.number(depth)
		return x + op + u, y + other + v
	}
	x, y := p.condition(depth - 1)
	u, v := p.condition(depth - 1)
	switch n {
	case 0:
		return "!(" + x + ")", "!(" + y + ")"
	case 1:
		c, d := p.condition(0)
		return "(" + c + " ? " + x + " : " + u + ")", "(" + d + " ? " + y + " : " + v + ")"
	case 2:
		is, not := p.either("== true", func() string { return "!= true" })
		return "(" + x + ") " + is, "(" + y + ") " + not
	case 3:
		op := ops[p.IntN(4)]
		a, b := p.number(0)
		return "[" + a + ", 0.5].all(x, x" + op + "evaluate.holdout.metrics.auc)", "[" + b + ", 0.5].all(x, x" + op + "evaluate.holdout.metrics.auc)"
	case 4:
		return "(" + x + " || " + u + ")", "(" + y + " || " + v + ")"
	}
	return "(" + x + " && " + u + ")", "(" + y + " && " + v + ")"
}

// TestComparedAsDecided: where Compare can tell all, and says that a condition is not weaker, nothing passes that did not; and
// the other way round for stronger.
func TestComparedAsDecided(t *testing.T) {
	e := wideEnv(t)
	p := pairs{rand.New(rand.NewPCG(1, 2))}
	told := 0
	for range 3000 {
		before, after := p.condition(2)
		s := Compare(Condition{Text: before}, Condition{Text: after})
		if before == after || s.Other || s.Weaker && s.Stronger {
			continue
		}
		a, diags := e.Compile(source.NewText(before, source.Range{}, nil))
		b, others := e.Compile(source.NewText(after, source.Range{}, nil))
		if diags.HasErrors() || others.HasErrors() { // one that never holds
			continue
		}
		told++
		for i := range 5 * 5 * 4 {
			values := Values{Known: map[string]any{
				"evaluate": map[string]any{"holdout": map[string]any{"metrics": map[string]any{"auc": float64(i%5) / 4, "recall": float64(i/5%5) / 4}}},
				"champion": map[string]any{"exists": i/25%2 == 0, "comparable": i/50 == 0},
			}}
			x, y := a.Decide(values).Verdict, b.Decide(values).Verdict
			if x != y && !(s.Weaker && y == Pass) && !(s.Stronger && x == Pass) {
				t.Fatalf("%s\n%s\nis told as %+v, and of %v they are %s and %s", before, after, s, values.Known, x, y)
			}
		}
	}
	if told < 200 {
		t.Errorf("%d pairs were told", told)
	}
}
