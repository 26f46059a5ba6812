package rule

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// Conditions that are decided without a figure.
//
// What bounds.go finds of one comparison is found here of several. Operands of && that say something of the same figure are brought into
// one range, and a range that is empty is told: of
//
//	f.auc > 0.9 && f.auc < 0.8        f.auc in (0.9, 0.8)
//	f.tier == "a" && f.tier == "b"    f.tier in {}
//	f.passed && !f.passed             f.passed in {}
//
// nothing is left. One of the operands of || always holds where their opposites never hold at the same time: f.rows > 1 || f.rows <= 1.
// Last, a rule that is decided with no figure known guards nothing (true), or is never met (1 > 2).

// together tells of operands of && that never hold at the same time, and of operands of || of which one always holds.
// within is the operator of the expression around e: a chain a && b && c is looked at once, from its top.
func (w *walker) together(e ast.Expr, within string) {
	operator := ""
	if e.Kind() == ast.CallKind {
		operator = e.AsCall().FunctionName()
	}
	if (operator == operators.LogicalAnd || operator == operators.LogicalOr) && operator != within {
		w.chain(e, operator)
	}
	for _, x := range parts(e) {
		w.together(x, operator)
	}
}

// chain looks at all operands of a && b && c, or of a || b || c, those that make a claim; the others may hold or not.
func (w *walker) chain(e ast.Expr, operator string) {
	left := map[string]*remains{}
	for _, x := range operandsOf(e, operator) {
		c, ok := w.claim(x)
		if !ok {
			continue
		}
		if operator == operators.LogicalOr {
			c = c.opposite()
		}
		if left[c.of] == nil {
			left[c.of] = &remains{low: math.Inf(-1), high: math.Inf(1)}
		}
		left[c.of].take(c)
		left[c.of].texts = append(left[c.of].texts, w.script.source(x))
	}
	for _, of := range slices.Sorted(maps.Keys(left)) {
		if r := left[of]; len(r.texts) > 1 && r.empty() {
			w.report(w.clash(e, operator, r.texts))
		}
	}
}

// clash is said of conditions that exclude each other, or of which one always holds.
func (w *walker) clash(e ast.Expr, operator string, texts []string) source.Diagnostic {
	if operator == operators.LogicalAnd {
		return source.Diagnostic{
			Severity: source.Error, Code: source.CodeRuleNever, Subject: w.rangeOf(e),
			Summary: fmt.Sprintf("%s never hold at the same time", listed(texts, "and")),
			Detail:  "They are joined by &&, which holds where all of its operands do.",
			Hint:    "reverse one of the comparisons, or join them by || if one of them is enough",
		}
	}
	return source.Diagnostic{
		Severity: source.Warning, Code: source.CodeRuleAlways, Subject: w.rangeOf(e),
		Summary: fmt.Sprintf("one of %s always holds", listed(texts, "and")),
		Detail:  "They are joined by ||, which holds where one of its operands does.",
		Hint:    "reverse one of the comparisons, or join them by && if both must hold",
	}
}

// listed joins at least two texts: "a, b and c".
func listed(texts []string, word string) string {
	last := len(texts) - 1
	return strings.Join(texts[:last], ", ") + " " + word + " " + texts[last]
}

// operandsOf are those of a && (b && c): a, b and c.
func operandsOf(e ast.Expr, operator string) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operator {
		return []ast.Expr{e}
	}
	var out []ast.Expr
	for _, x := range e.AsCall().Args() {
		out = append(out, operandsOf(x, operator)...)
	}
	return out
}

// claim says where an expression lies for a condition to hold: in an interval, at one of some words, or anywhere but
// there. Expressions are the same if they print alike.
type claim struct {
	of                string // the expression
	low, high         float64
	lowOpen, highOpen bool // the end is not part of the interval
	words             []string
	isWords, not      bool
}

func (c claim) opposite() claim {
	c.not = !c.not
	return c
}

// claim is what a condition says of one expression; false if it says nothing of that kind. A truth value is a word:
// f.passed claims "true".
func (w *walker) claim(e ast.Expr) (claim, bool) {
	if f := w.types[e.ID()]; f != nil && f.typ.Kind == schema.BoolFigure {
		return claim{of: print(e), words: []string{"true"}, isWords: true}, true
	}
	if e.Kind() != ast.CallKind {
		return claim{}, false
	}
	c := e.AsCall()
	args, operator := c.Args(), c.FunctionName()
	switch {
	case operator == operators.LogicalNot:
		inner, ok := w.claim(args[0])
		return inner.opposite(), ok
	case operator == operators.In && args[1].Kind() == ast.ListKind:
		return wordsClaim(args[0], args[1].AsList().Elements())
	case turned[operator] == "":
		return claim{}, false
	}
	for _, x := range [][2]ast.Expr{{args[0], args[1]}, {args[1], args[0]}} {
		if out, ok := wordsClaim(x[0], x[1:]); ok && operator == turned[operator] {
			out.not = operator == operators.NotEquals
			return out, true
		}
	}
	_, constant := number(args[0])
	if _, both := number(args[1]); constant && both {
		return claim{}, false
	} else if constant || !both && print(args[0]) > print(args[1]) {
		return numberClaim(turned[operator], args[1], args[0])
	}
	return numberClaim(operator, args[0], args[1])
}

// wordsClaim is that an expression is one of some strings or truth values.
func wordsClaim(e ast.Expr, of []ast.Expr) (claim, bool) {
	out := claim{of: print(e), isWords: true}
	for _, x := range of {
		if x.Kind() != ast.LiteralKind {
			return claim{}, false
		}
		switch v := x.AsLiteral().(type) {
		case types.String:
			out.words = append(out.words, fmt.Sprintf("%q", string(v)))
		case types.Bool:
			out.words = append(out.words, fmt.Sprint(bool(v)))
		default:
			return claim{}, false
		}
	}
	return out, e.Kind() != ast.LiteralKind
}

// numberClaim is that an expression is above, below or at a number, or another expression: of f.a > f.b that the difference is above 0.
// Sides are taken as they are written, since rounding could make of 1 - x >= 0.9 another limit than 0.1.
func numberClaim(operator string, a, b ast.Expr) (claim, bool) {
	of, at := print(a), 0.0
	if x, ok := number(b); ok {
		at = x
	} else {
		of += " - " + print(b)
	}
	out := claim{of: of, low: at, high: at}
	switch operator {
	case operators.Less, operators.LessEquals:
		out.low, out.highOpen = math.Inf(-1), operator == operators.Less
	case operators.Greater, operators.GreaterEquals:
		out.high, out.lowOpen = math.Inf(1), operator == operators.Greater
	case operators.NotEquals:
		out.not = true
	case operators.Equals:
	default:
		return claim{}, false
	}
	return out, true
}

// turned is the operator that says the same of exchanged sides.
var turned = map[string]string{
	operators.Less: operators.Greater, operators.Greater: operators.Less, operators.LessEquals: operators.GreaterEquals,
	operators.GreaterEquals: operators.LessEquals, operators.Equals: operators.Equals, operators.NotEquals: operators.NotEquals,
}

// remains is where an expression may lie after some claims. At first that is anywhere.
type remains struct {
	low, high         float64
	lowOpen, highOpen bool
	without           []float64
	words             []string // nil: any
	isWords           bool
	withoutWords      []string
	texts             []string // of the conditions
}

// take narrows what is left by one claim.
func (r *remains) take(c claim) {
	switch {
	case c.isWords && c.not:
		r.withoutWords = append(r.withoutWords, c.words...)
	case c.isWords:
		if !r.isWords {
			r.words, r.isWords = c.words, true
		}
		r.words = slices.DeleteFunc(slices.Clone(r.words), func(s string) bool { return !slices.Contains(c.words, s) })
	case c.not && c.low == c.high:
		r.without = append(r.without, c.low)
	case c.not && math.IsInf(c.low, -1): // not below the high end: above it
		r.above(c.high, !c.highOpen)
	case c.not:
		r.below(c.low, !c.lowOpen)
	default:
		r.above(c.low, c.lowOpen)
		r.below(c.high, c.highOpen)
	}
}

// above leaves what lies above low, or at low unless the end is open.
func (r *remains) above(low float64, open bool) {
	if low > r.low || low == r.low && open {
		r.low, r.lowOpen = low, open
	}
}

// below leaves what lies below high, or at high unless the end is open.
func (r *remains) below(high float64, open bool) {
	if high < r.high || high == r.high && open {
		r.high, r.highOpen = high, open
	}
}

// empty reports whether no value is left: no word, or no number between the bounds.
func (r *remains) empty() bool {
	if r.isWords {
		return !slices.ContainsFunc(r.words, func(s string) bool { return !slices.Contains(r.withoutWords, s) })
	}
	if slices.Contains(r.withoutWords, "true") && slices.Contains(r.withoutWords, "false") {
		return true
	}
	return r.low > r.high || r.low == r.high && (r.lowOpen || r.highOpen || slices.Contains(r.without, r.low))
}

// constant tells of a rule that is decided whatever the figures are, such as `true`, `1 > 2` and `min([]) > 0`: it is
// folded with all figures unknown, and must come out open.
func (w *walker) constant(r *Rule, e ast.Expr) {
	f := r.folder(&Values{Unknown: []string{""}})
	out := f.fold(e, nil)
	if out.state == open || f.steps > maxSteps { // with figures known a rule may take fewer steps
		return
	}
	d := source.Diagnostic{Severity: source.Error, Code: source.CodeRuleNever, Subject: w.rangeOf(e)}
	text := w.script.source(e)
	switch {
	case out.state == failed:
		d.Summary = fmt.Sprintf("%s can never be decided: %s", text, out.fault)
	case out.value == true:
		d.Severity, d.Code = source.Warning, source.CodeRuleAlways
		d.Summary = text + " always holds, whatever the figures are"
		d.Detail = "A rule guards something by comparing a figure with a number: evaluate.holdout.metrics.auc >= 0.8."
	case e.Kind() == ast.LiteralKind: // false: somebody wants nothing to pass
		d.Severity, d.Summary = source.Warning, text+" never holds, whatever the figures are"
		d.Detail = "A rule that says so lets nothing pass; an approval is never asked for."
	default:
		d.Summary = text + " never holds, whatever the figures are"
		d.Hint = "compare a figure with a number; if nothing is to pass, write false"
	}
	w.report(d)
}
