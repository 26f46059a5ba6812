package rule

import (
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Figures of which only an interval is known.
//
// A figure in Values.Between is open, and what is computed of it lies in an interval too. A comparison is decided where that leaves it no choice:
//
//	errors.ratio between 1.3 and 3.4
//	errors.ratio > 1            holds
//	errors.ratio > 4            does not
//	errors.ratio > 2            open
//
// So if each figure is in its interval, a rule that is decided is decided as it would be by the figures themselves (TestBetween). The intervals of two
// figures are taken as if every pair of values were possible: a.rate <= b.rate + 0.001 is decided later than a figure of the difference would.

// Span is where a figure lies, both ends among it; an end may be infinite.
type Span struct{ Low, High float64 }

// between finds a figure of which an interval is known.
func (f *folder) between(p place) (result, bool) {
	at, ok := f.values.Between[strings.Join(p.path, ".")]
	if !ok || p.typ.Kind != schema.DoubleFigure {
		return result{}, false
	}
	return lies(interval{low: at.Low, high: at.High}, p.expr), true
}

// span is where an expression lies. It says nothing of another expression, such as one that the open result is a part of.
type span struct {
	interval
	of ast.Expr
}

// lies is what is open, and lies in an interval.
func lies(in interval, e ast.Expr) result {
	return result{state: open, within: &span{in, e}, expr: e}
}

// lies is where an open result lies, if that is known.
func (r result) lies() (interval, bool) {
	if r.state != open || r.within == nil || r.within.of != r.expr {
		return interval{}, false
	}
	return r.within.interval, true
}

// spans is what an operator gives of operands that are known or lie in intervals; false where more than that is to be known.
func (f *folder) spans(name string, operands []result, expr ast.Expr) (result, bool) {
	within := make([]interval, len(operands))
	for i, r := range operands {
		in, ok := r.lies()
		if x, number := r.value.(float64); r.state == known && number {
			in, ok = interval{low: x, high: x}, true
		}
		if !ok {
			return result{}, false
		}
		within[i] = in
	}
	switch {
	case name == operators.Negate:
		return lies(interval{low: -within[0].high, high: -within[0].low}, expr), true
	case name == "abs":
		return lies(absolute(within[0]), expr), true
	case len(within) != 2:
	case isArithmetic(name):
		return lies(arithmetic(name, within[0], within[1]), expr), true
	default:
		switch holds(name, within[0], within[1]) {
		case always:
			return f.value(true), true
		case never:
			return f.value(false), true
		}
	}
	return result{}, false
}
