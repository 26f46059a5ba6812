package rule

import (
	"fmt"
	"math"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// interval is where a number lies, both ends among them. Rounding keeps order, so that ends computed like the values
// hold: if a <= b, then a + c rounded is no more than b + c rounded.
//
// An interval that only follows from what is written, such as that of 1 + 1, tells nothing of figures; rests marks
// those that do, so that `1 < 2` is left to constant, which judges the rule as a whole.
type interval struct {
	low, high float64
	figure    *figure // the figure that it is of, if it is that alone
	rests     bool    // on a figure with bounds
}

var anywhere = interval{low: math.Inf(-1), high: math.Inf(1)}

// bounds is where the value of an expression lies, as far as types of figures tell: a share in [0, 1], a count from 0.
// What is not understood may lie anywhere, which finds nothing and so is never wrong.
func (w *walker) bounds(e ast.Expr) interval {
	if x, ok := literalNumber(e); ok {
		return interval{low: x, high: x}
	}
	if f := w.types[e.ID()]; f != nil {
		return figureBounds(f)
	}
	if e.Kind() != ast.CallKind {
		return anywhere
	}
	c := e.AsCall()
	args := c.Args()
	switch name := c.FunctionName(); {
	case c.IsMemberFunction():
	case len(args) == 2 && isArithmetic(name):
		return arithmetic(name, w.bounds(args[0]), w.bounds(args[1]))
	case name == operators.Negate && len(args) == 1:
		x := w.bounds(args[0])
		return interval{low: -x.high, high: -x.low, rests: x.rests}
	case name == operators.Conditional && len(args) == 3:
		a, b := w.bounds(args[1]), w.bounds(args[2])
		return interval{low: min(a.low, b.low), high: max(a.high, b.high), rests: a.rests || b.rests}
	case name == "abs" && len(args) == 1:
		return absolute(w.bounds(args[0]))
	case name == "size":
		return interval{low: 0, high: math.Inf(1), rests: true}
	case len(args) > 0 && (name == "min" || name == "max" || name == "mean" || name == "quantile"):
		return w.elementBounds(args[0])
	}
	return anywhere
}

// elementBounds is where the numbers of a list or map lie; so does their least, greatest, mean and every quantile, but
// not their sum.
func (w *walker) elementBounds(e ast.Expr) interval {
	if e.Kind() == ast.ListKind && e.AsList().Size() > 0 {
		out := interval{low: math.Inf(1), high: math.Inf(-1)}
		for _, x := range e.AsList().Elements() {
			b := w.bounds(x)
			out = interval{low: min(out.low, b.low), high: max(out.high, b.high), rests: out.rests || b.rests}
		}
		return out
	}
	if f := w.types[e.ID()]; f != nil && f.typ.Elem != nil {
		b := figureBounds(&figure{typ: f.typ.Elem})
		return interval{low: b.low, high: b.high, rests: b.rests}
	}
	if e.Kind() == ast.CallKind {
		if c := e.AsCall(); c.IsMemberFunction() && c.FunctionName() == operators.Map && len(c.Args()) == 2 {
			b := w.bounds(c.Args()[1])
			return interval{low: b.low, high: b.high, rests: b.rests}
		}
	}
	return anywhere
}

// figureBounds are those of a figure's type. rests: they are known from the type and not from what is written.
// A figure without bounds lies anywhere, and nothing is said of a rule on it.
func figureBounds(f *figure) interval {
	out := anywhere
	if f.typ.Kind != schema.DoubleFigure {
		return out
	}
	if f.typ.Low != nil {
		out.low, out.rests = *f.typ.Low, true
	}
	if f.typ.High != nil {
		out.high, out.rests = *f.typ.High, true
	}
	out.figure = f
	return out
}

// isArithmetic names the operators whose bounds follow from those of their operands.
func isArithmetic(name string) bool {
	switch name {
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide:
		return true
	}
	return false
}

// arithmetic is interval arithmetic. A division by an interval that holds 0 may give anything, and so does inf - inf.
// For instance 1 - recall, where recall is between 0 and 1, is between 0 and 1. The bounds are never too narrow; they
// may be too wide, as x - x shows, and then a rule that never holds is not found.
func arithmetic(name string, a, b interval) interval {
	out := anywhere
	switch name {
	case operators.Add:
		out = interval{low: a.low + b.low, high: a.high + b.high}
	case operators.Subtract:
		out = interval{low: a.low - b.high, high: a.high - b.low}
	case operators.Multiply:
		out = ends(a.low*b.low, a.low*b.high, a.high*b.low, a.high*b.high)
	case operators.Divide:
		if b.low > 0 || b.high < 0 {
			out = ends(a.low/b.low, a.low/b.high, a.high/b.low, a.high/b.high)
		}
	}
	if math.IsNaN(out.low) || math.IsNaN(out.high) {
		return anywhere
	}
	out.rests = a.rests || b.rests
	return out
}

// absolute is where a number without its sign lies.
func absolute(x interval) interval {
	if x.low >= 0 {
		return x
	}
	return interval{low: max(0, -x.high), high: max(-x.low, x.high), rests: true}
}

// ends is the interval that some numbers span.
func ends(xs ...float64) interval {
	out := interval{low: math.Inf(1), high: math.Inf(-1)}
	for _, x := range xs {
		if math.IsNaN(x) {
			return anywhere
		}
		out.low, out.high = min(out.low, x), max(out.high, x)
	}
	return out
}

// compared tells of a comparison that never holds, which is an error, or always does, which is a warning, because of
// what its figures can be: `recall >= 80` of a share never holds. Two equal sides are found too, whatever their bounds.
func (w *walker) compared(e ast.Expr, operator string, args []ast.Expr) {
	if _, _, ok := comparison(operator); !ok && operator != operators.Equals && operator != operators.NotEquals && operator != operators.In || len(args) != 2 {
		return
	}
	a, b := w.bounds(args[0]), w.bounds(args[1])
	if operator == operators.In { // it equals one of the elements
		operator, b = operators.Equals, w.elementBounds(args[1])
	}
	same := w.figures(args[0]) && w.script.source(args[0]) == w.script.source(args[1])
	if !a.rests && !b.rests && !same {
		return
	}
	found := holds(operator, a, b)
	if same {
		found = holds(operator, interval{}, interval{})
	}
	switch found {
	case never:
		w.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRuleNever, Subject: w.rangeOf(e),
			Summary: fmt.Sprintf("%s never holds", w.script.source(e)),
			Detail:  w.lies(args, a, b, same),
			Hint:    percentHint(a, b),
		})
	case always:
		w.report(source.Diagnostic{
			Severity: source.Warning, Code: source.CodeRuleAlways, Subject: w.rangeOf(e),
			Summary: fmt.Sprintf("%s always holds", w.script.source(e)),
			Detail:  w.lies(args, a, b, same),
			Hint:    "compare with a number in between, or ask with has(…) whether the figure is there",
		})
	}
}

// whether a comparison holds.
type whether int

const (
	sometimes whether = iota
	never
	always
)

// holds tells whether a comparison can come out either way, from where its sides lie: `share <= 1.5` always holds. `<`
// and `<=` are asked; the others are their turns.
func holds(operator string, a, b interval) whether {
	switch operator {
	case operators.Greater:
		return holds(operators.Less, b, a)
	case operators.GreaterEquals:
		return holds(operators.LessEquals, b, a)
	case operators.Less:
		return one(a.low >= b.high, a.high < b.low)
	case operators.LessEquals:
		return one(a.low > b.high, a.high <= b.low)
	case operators.Equals:
		return one(a.low > b.high || a.high < b.low, a.is(b))
	case operators.NotEquals:
		return one(a.is(b), a.low > b.high || a.high < b.low)
	}
	return sometimes
}

// is reports whether both are one and the same number.
func (a interval) is(b interval) bool { return a.low == a.high && b.low == b.high && a.low == b.low }

// figures reports whether an expression reads a figure that is a number.
func (w *walker) figures(e ast.Expr) bool {
	if f := w.types[e.ID()]; f != nil {
		return f.typ.Kind == schema.DoubleFigure
	}
	return e.Kind() == ast.CallKind && slices.ContainsFunc(e.AsCall().Args(), w.figures)
}

// one puts two tests into the answer; never is asked first.
func one(isNever, isAlways bool) whether {
	switch {
	case isNever:
		return never
	case isAlways:
		return always
	}
	return sometimes
}

// lies says where the sides of a comparison lie that are not written out: "evaluate.e.metrics.auc is between 0 and 1."
// Sides that are numbers in the text are left out: everybody sees where they lie.
func (w *walker) lies(args []ast.Expr, a, b interval, same bool) string {
	if same {
		return "Both sides say the same."
	}
	out := ""
	for i, s := range []interval{a, b} {
		if s.low == s.high && !s.rests || !s.rests {
			continue
		}
		text := w.script.source(args[i])
		switch {
		case math.IsInf(s.low, -1):
			out += fmt.Sprintf("%s is %s at most. ", text, numberText(s.high))
		case math.IsInf(s.high, 1):
			out += fmt.Sprintf("%s is %s at least. ", text, numberText(s.low))
		default:
			out += fmt.Sprintf("%s is between %s and %s. ", text, numberText(s.low), numberText(s.high))
		}
	}
	if out == "" {
		return ""
	}
	return out[:len(out)-1]
}

// percentHint is the hint where a share is compared with 80: it was meant in percent. Below 2 another slip is as
// likely.
func percentHint(a, b interval) string {
	if b.rests {
		a, b = b, a
	}
	if a.low == 0 && a.high == 1 && b.low == b.high && b.low >= 2 {
		return percent(b.low)
	}
	return ""
}
