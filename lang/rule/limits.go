package rule

import (
	"fmt"
	"math"
	"strings"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/parser"

	"github.com/mlp-lang/mlp/lang/source"
)

// Limit is one comparison of a metric with a number: Metric Op Value.
type Limit struct {
	Metric string
	Op     string // "<", "<=", ">", ">="
	Value  float64
	Range  source.Range // of the metric's name
}

// ParseLimits reads limits on metrics: comparisons of a name with a number, on either side, joined by &&. A number on
// the left is turned round: `0.7 <= recall` is recall >= 0.7. Limits are in the order of the text, and a metric may
// have two. Whether the names are metrics is not asked here. After a mistake the list is nil.
func ParseLimits(t source.Text) ([]Limit, source.Diagnostics) {
	p, err := parser.NewParser(parser.ExpressionSizeCodePointLimit(maxLength), parser.MaxRecursionDepth(maxDepth))
	if err != nil {
		return nil, source.Diagnostics{{Severity: source.Error, Code: source.CodeRuleLimits, Summary: err.Error(), Subject: t.Range}}
	}
	s := newScript(t)
	parsed, errs := p.Parse(common.NewTextSource(t.Value))
	if list := errs.GetErrors(); len(list) > 0 {
		return nil, source.Diagnostics{s.syntaxError(list[0])}
	}
	s.info = parsed.SourceInfo()
	allDoubles(parsed.Expr())
	l := &limits{script: s}
	l.read(parsed.Expr())
	if len(l.diagnostics) > 0 {
		return nil, l.diagnostics.Sort()
	}
	if ds := clashing(l.found); len(ds) > 0 {
		return nil, ds
	}
	return l.found, nil
}

// clashing tells of a metric whose limits leave it no value: recall >= 0.7 && recall < 0.5. The first such is told.
// Limits of one metric narrow what is left of its values one after the other; the limit that leaves nothing is the
// place.
func clashing(limits []Limit) (ds source.Diagnostics) {
	left := map[string]*remains{}
	for _, l := range limits {
		r := left[l.Metric]
		if r == nil {
			r = &remains{low: math.Inf(-1), high: math.Inf(1)}
			left[l.Metric] = r
		}
		if strings.HasPrefix(l.Op, "<") {
			r.below(l.Value, l.Op == "<")
		} else {
			r.above(l.Value, l.Op == ">")
		}
		r.texts = append(r.texts, l.Metric+" "+l.Op+" "+numberText(l.Value))
		if r.empty() {
			return source.Diagnostics{{
				Severity: source.Error, Code: source.CodeRuleNever, Subject: l.Range,
				Summary: listed(r.texts, "and") + " never hold at the same time",
				Detail:  "All limits of the list must hold.",
				Hint:    "reverse one of the comparisons",
			}}
		}
	}
	return nil
}

// limits gathers the limits of one text, and what is wrong with it.
type limits struct {
	script      *script
	found       []Limit
	diagnostics source.Diagnostics
}

// read takes limits apart at each &&; whatever else stands there is told.
// Limits are no rules: they are joined by && alone, so that each is a row in a report and can be called weaker or
// stronger than another.
func (l *limits) read(e ast.Expr) {
	if e.Kind() == ast.CallKind {
		c := e.AsCall()
		if c.FunctionName() == operators.LogicalAnd {
			l.read(c.Args()[0])
			l.read(c.Args()[1])
			return
		}
		if op, turned, ok := comparison(c.FunctionName()); ok && l.compare(op, turned, c.Args()) {
			return
		}
	}
	l.teach(e)
}

// comparison gives the operator, and the one that means the same with its sides exchanged.
func comparison(name string) (op, turned string, ok bool) {
	switch name {
	case operators.Less:
		return "<", ">", true
	case operators.LessEquals:
		return "<=", ">=", true
	case operators.Greater:
		return ">", "<", true
	case operators.GreaterEquals:
		return ">=", "<=", true
	}
	return "", "", false
}

// compare reads `fpr <= 0.01`, also written as `0.01 >= fpr`; false if it is no limit.
func (l *limits) compare(op, turned string, args []ast.Expr) bool {
	left, right := args[0], args[1]
	if left.Kind() != ast.IdentKind {
		left, right, op = right, left, turned
	}
	value, ok := number(right)
	if left.Kind() != ast.IdentKind || !ok {
		return false
	}
	l.found = append(l.found, Limit{Metric: left.AsIdent(), Op: op, Value: value, Range: l.script.rangeOf(l.script.span(left))})
	return true
}

// number reads a literal, with a sign or without.
func number(e ast.Expr) (float64, bool) {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Negate {
		x, ok := literalNumber(e.AsCall().Args()[0])
		return -x, ok
	}
	return literalNumber(e)
}

// teach reports what stands where a limit belongs, with what a limit looks like.
func (l *limits) teach(e ast.Expr) {
	d := source.Diagnostic{
		Severity: source.Error, Code: source.CodeRuleLimits, Subject: l.script.rangeOf(l.script.span(e)),
		Summary: fmt.Sprintf("%s is not a limit on a metric", l.script.source(e)),
		Detail:  "Limits are comparisons of a metric's name with a number by <, <=, > or >=, joined by &&.",
		Hint:    "fpr <= 0.01 && recall >= 0.7",
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalOr {
		d.Hint = "all limits must hold together: join them by &&"
	}
	l.diagnostics = append(l.diagnostics, d)
}
