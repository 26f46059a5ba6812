package rule

// Comparison of conditions.
//
// Whether one condition implies another cannot be decided in general. What reviewers change are limits, and operands of && and ||; these
// are compared exactly, and all else is Other.
//
// A comparison of numbers is brought into the form of a line: a sum of figures, each times a number, plus a number, that must be at least 0
// (more than 0 if strict). Of
//
//	e.recall >= 0.8               1 × e.recall - 0.8
//	2 * e.recall >= 1.6           2 × e.recall - 1.6
//	0.7 <= e.recall               1 × e.recall - 0.7
//	e.fpr <= 0.5 * e.base         0.5 × e.base - 1 × e.fpr
//
// the first two are the same once each is divided by the factor of e.recall, and the third is weaker than both, since its constant is higher.
// Lines over the same figures are compared if at most one number differs after that. If that number is the factor of a figure, the
// comparison holds only for figures of 0 and more, as rates and counts are, which deltas are not.
//
// Before, spellings that say the same are made one (alike.go). What came in only where something holds, `c ? a : b` in place of a, is
// compared in both cases.
//
// Of a && b, operands that are equal are taken out in pairs, then those that can be compared; what is left came, which makes the condition
// stronger, or went, which makes it weaker. For || it is the other way round, and ! turns a shift about. A list after `in` is weaker with more
// elements. Constants (variable.min) are put in before, so that a rule with the same text and another value of the variable is shifted
// too.

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// Condition is a rule's text with the values that are known to it by name, such as "variable.min_recall". Values are
// JSON; known objects are read by path, variable.limits["eu"].recall.
type Condition struct {
	Text  string
	Known map[string]json.RawMessage
}

// Shift says how a condition differs from what it was. More than one may hold, where it has several parts; none, if both
// say the same.
type Shift struct {
	Weaker   bool // a part of it holds where it did not
	Stronger bool // a part of it no longer holds where it did
	Other    bool // a part differs, and it cannot be told how
}

// and is both shifts at once.
func (s Shift) and(o Shift) Shift {
	return Shift{s.Weaker || o.Weaker, s.Stronger || o.Stronger, s.Other || o.Other}
}

// turned is the shift of the opposite condition.
func (s Shift) turned() Shift { return Shift{s.Stronger, s.Weaker, s.Other} }

// Compare says how a condition was shifted: by other limits in expressions of the same shape, by operands of && and ||
// that came or went.
//
//	e.recall >= 0.8   →   e.recall >= 0.7                     Weaker
//	e.recall >= 0.8   →   e.recall >= 0.8 && e.fpr <= 0.01    Stronger
//	e.recall >= 0.8   →   e.auc >= 0.8                        Other
//
// Figures that a constant multiplies are taken to be no less than 0, as counts and rates are, unless
// they are differences (`delta`). It looks at the text alone: both are rules that once compiled.
func Compare(before, after Condition) Shift {
	a, errA := before.expr()
	b, errB := after.expr()
	if errA != nil || errB != nil {
		return Shift{Other: before.Text != after.Text}
	}
	return shift(a, b)
}

// expr is the condition with what is known put in.
func (c Condition) expr() (ast.Expr, error) {
	e, err := parsed(c.Text)
	if err != nil {
		return nil, err
	}
	factory := ast.NewExprFactory()
	var put func(ast.Expr)
	put = func(e ast.Expr) {
		if v, ok := c.value(e); ok {
			if l := literalOf(factory, v); l != nil {
				e.SetKindCase(l)
				return
			}
		}
		for _, x := range parts(e) {
			put(x)
		}
	}
	put(e)
	return alike{factory}.condition(e, false), nil
}

// value is what is known at a path: variable.limits["eu"].recall. The first two steps are the name in Known.
func (c Condition) value(e ast.Expr) (any, bool) {
	path := pathOf(e)
	if len(path) < 2 {
		return nil, false
	}
	raw, ok := c.Known[path[0]+"."+path[1]]
	if !ok {
		return nil, false
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil, false
	}
	for _, name := range path[2:] {
		m, isMap := v.(map[string]any)
		if v, ok = m[name]; !isMap || !ok {
			return nil, false
		}
	}
	return v, true
}

// pathOf is a path that is spelt out whole; nil for anything else.
func pathOf(e ast.Expr) []string {
	switch e.Kind() {
	case ast.IdentKind:
		return []string{e.AsIdent()}
	case ast.SelectKind:
		if p := pathOf(e.AsSelect().Operand()); p != nil {
			return append(p, e.AsSelect().FieldName())
		}
	case ast.CallKind:
		if c := e.AsCall(); c.FunctionName() == operators.Index {
			key, ok := literalString(c.Args()[1])
			if p := pathOf(c.Args()[0]); p != nil && ok {
				return append(p, key)
			}
		}
	}
	return nil
}

// literalOf writes a value of JSON as CEL does; nil if there is no form for it.
func literalOf(f ast.ExprFactory, v any) ast.Expr {
	switch x := v.(type) {
	case float64:
		return f.NewLiteral(0, types.Double(x))
	case string:
		return f.NewLiteral(0, types.String(x))
	case bool:
		return f.NewLiteral(0, types.Bool(x))
	case []any:
		var elements []ast.Expr
		for _, e := range x {
			l := literalOf(f, e)
			if l == nil {
				return nil
			}
			elements = append(elements, l)
		}
		return f.NewList(0, elements, nil)
	}
	return nil
}

// shift compares two conditions in one spelling. Equal texts are no shift, however they came about.
func shift(a, b ast.Expr) Shift {
	if print(a) == print(b) {
		return Shift{}
	}
	is := func(op string) bool { return isCallOf(a, op) || isCallOf(b, op) }
	x, constA := truth(a)
	y, constB := truth(b)
	switch {
	case constA && constB:
		return Shift{Weaker: y, Stronger: x}
	case constB && y, constA && !x:
		return Shift{Weaker: true}
	case constA, constB:
		return Shift{Stronger: true}
	case is(operators.LogicalAnd):
		return operands(flat(a, operators.LogicalAnd), flat(b, operators.LogicalAnd), Shift{Weaker: true})
	case is(operators.LogicalOr):
		return operands(flat(a, operators.LogicalOr), flat(b, operators.LogicalOr), Shift{Stronger: true})
	case is(operators.Conditional):
		return cases(a, b)
	case a.Kind() == ast.CallKind && b.Kind() == ast.CallKind:
		return calls(a.AsCall(), b.AsCall())
	}
	return Shift{Other: true}
}

func isCallOf(e ast.Expr, name string) bool {
	return e.Kind() == ast.CallKind && e.AsCall().FunctionName() == name
}

// truth is the value of a condition that reads no figure.
func truth(e ast.Expr) (holds, known bool) {
	if e.Kind() == ast.LiteralKind {
		v, ok := e.AsLiteral().(types.Bool)
		return bool(v), ok
	}
	if l, ok := lineOf(e); ok && len(l.of) == 0 {
		return l.at > 0 || l.at == 0 && !l.strict, true
	}
	return false, false
}

// flat are the operands of a chain of one operator, in their order.
func flat(e ast.Expr, op string) []ast.Expr {
	if !isCallOf(e, op) {
		return []ast.Expr{e}
	}
	return append(flat(e.AsCall().Args()[0], op), flat(e.AsCall().Args()[1], op)...)
}

// operands compares the operands of && or ||: pairs of equal ones are taken out first, then pairs that can be compared;
// what is left came or went. gone is the shift that an operand makes by going: Weaker for &&, Stronger for ||. Where
// some are left on both sides, one was replaced by another, and how they compare is not known.
func operands(before, after []ast.Expr, gone Shift) Shift {
	var out Shift
	match := func(fits func(Shift) bool) {
		before = slices.DeleteFunc(before, func(x ast.Expr) bool {
			i := slices.IndexFunc(after, func(y ast.Expr) bool { return fits(shift(x, y)) })
			if i < 0 {
				return false
			}
			out = out.and(shift(x, after[i]))
			after = slices.Delete(after, i, i+1)
			return true
		})
	}
	match(func(s Shift) bool { return s == Shift{} })
	match(func(s Shift) bool { return !s.Other })
	both := min(len(before), len(after))
	if both > 0 {
		out.Other = true
	}
	if len(before) > both {
		out = out.and(gone)
	}
	if len(after) > both {
		out = out.and(gone.turned())
	}
	return out
}

// calls compares two calls. Comparisons of the same line are compared by where it is crossed; a negation turns the answer
// round; of `x in list` and of macros over the same list what is in them decides.
func calls(a, b ast.CallExpr) Shift {
	name := a.FunctionName()
	x, okA := comparisonLine(a)
	y, okB := comparisonLine(b)
	if okA && okB {
		return x.shift(y)
	}
	if name != b.FunctionName() || len(a.Args()) != len(b.Args()) || a.IsMemberFunction() != b.IsMemberFunction() {
		return Shift{Other: true}
	}
	same := func(i int) bool { return print(a.Args()[i]) == print(b.Args()[i]) }
	switch {
	case name == operators.LogicalNot:
		return shift(a.Args()[0], b.Args()[0]).turned()
	case name == operators.In && same(0) && a.Args()[1].Kind() == ast.ListKind && b.Args()[1].Kind() == ast.ListKind:
		return elements(a.Args()[1], b.Args()[1])
	case (name == operators.All || name == operators.Exists) && print(a.Target()) == print(b.Target()) && same(0):
		return shift(a.Args()[1], b.Args()[1])
	}
	return Shift{Other: true}
}

// cases compares two conditions of which one at least is `c ? a : b`: branch with branch where c is the same, else each branch with
// all that the other condition may be.
func cases(a, b ast.Expr) Shift {
	branches := func(e ast.Expr) []ast.Expr {
		if isCallOf(e, operators.Conditional) {
			return e.AsCall().Args()[1:]
		}
		return []ast.Expr{e}
	}
	x, y := branches(a), branches(b)
	if len(x) == 2 && len(y) == 2 && print(a.AsCall().Args()[0]) == print(b.AsCall().Args()[0]) {
		return shift(x[0], y[0]).and(shift(x[1], y[1]))
	}
	var out Shift
	for _, before := range x {
		for _, after := range y {
			out = out.and(shift(before, after))
		}
	}
	return out
}

// elements compares the lists behind `in`, whatever the order of their elements.
func elements(before, after ast.Expr) Shift {
	set := func(list ast.Expr) map[string]bool {
		out := map[string]bool{}
		for _, e := range list.AsList().Elements() {
			out[print(e)] = true
		}
		return out
	}
	a, b := set(before), set(after)
	lacks := func(x, y map[string]bool) bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(x)), func(k string) bool { return !y[k] })
	}
	return Shift{Weaker: lacks(b, a), Stronger: lacks(a, b)}
}

// line is a comparison of numbers as a sum of figures, each times a number, and a number: it holds where that is more
// than 0, or 0 where it is not strict.
type line struct {
	of     map[string]float64
	at     float64
	strict bool
}

func lineOf(e ast.Expr) (*line, bool) {
	if e.Kind() != ast.CallKind {
		return nil, false
	}
	return comparisonLine(e.AsCall())
}

// comparisonLine brings a comparison into the form sum > 0: `a - 0.5 < b` is b - a + 0.5 > 0, with of = {b: 1, a: -1} and at
// = 0.5.
func comparisonLine(c ast.CallExpr) (*line, bool) {
	op, _, ok := comparison(c.FunctionName())
	if !ok {
		return nil, false
	}
	l := &line{of: map[string]float64{}, strict: op == "<" || op == ">"}
	sign := 1.0
	if op == "<" || op == "<=" {
		sign = -1
	}
	l.add(c.Args()[0], sign)
	l.add(c.Args()[1], -sign)
	maps.DeleteFunc(l.of, func(_ string, x float64) bool { return x == 0 })
	return l, true
}

// add takes in an expression, times a number.
func (l *line) add(e ast.Expr, times float64) {
	if x, ok := number(e); ok {
		l.at += times * x
		return
	}
	if e.Kind() == ast.CallKind && !e.AsCall().IsMemberFunction() {
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.Negate:
			l.add(args[0], -times)
			return
		case operators.Add:
			l.add(args[0], times)
			l.add(args[1], times)
			return
		case operators.Subtract:
			l.add(args[0], times)
			l.add(args[1], -times)
			return
		case operators.Multiply:
			for i, x := range args {
				if by, ok := constant(x); ok {
					l.add(args[1-i], times*by)
					return
				}
			}
		case operators.Divide:
			if by, ok := constant(args[1]); ok && by != 0 {
				l.add(args[0], times/by)
				return
			}
		}
	}
	l.of[print(e)] += times
}

// constant is the value of arithmetic on numbers alone.
func constant(e ast.Expr) (float64, bool) {
	l := &line{of: map[string]float64{}}
	if x, ok := number(e); ok {
		return x, true
	}
	if e.Kind() != ast.CallKind {
		return 0, false
	}
	l.add(e, 1)
	return l.at, len(l.of) == 0
}

// shift compares with the line of a later condition over the same figures, by each figure as the pivot until one tells:
// 2a + b >= 1 and 2a + 3b >= 1 differ in one number by the pivot a, in two by b.
func (l *line) shift(to *line) Shift {
	for _, pivot := range slices.Sorted(maps.Keys(l.of)) {
		if s, ok := l.shiftBy(to, pivot); ok {
			return s
		}
	}
	return Shift{Other: true}
}

// shiftBy compares two lines that are divided by the factor of one figure, the pivot; false if more than one number
// differs then, or the lines are of other figures. Numbers within 1e-12 of each other count as equal: 3 * 0.1 and 0.3
// are meant so.
func (l *line) shiftBy(to *line, pivot string) (Shift, bool) {
	a, b := l.of[pivot], to.of[pivot]
	if b == 0 || a*b < 0 || len(l.of) != len(to.of) {
		return Shift{}, false
	}
	diffs, rise := 0, 0.0
	note := func(x, y float64) {
		if math.Abs(x-y) > 1e-12*max(math.Abs(x), math.Abs(y)) {
			diffs, rise = diffs+1, y-x
		}
	}
	note(l.at/math.Abs(a), to.at/math.Abs(b))
	atMoved := diffs > 0
	for name := range l.of {
		if to.of[name] == 0 {
			return Shift{}, false
		}
		before := diffs
		note(l.of[name]/math.Abs(a), to.of[name]/math.Abs(b))
		if diffs > before && strings.Contains(name, "delta") { // it may be less than 0
			return Shift{}, false
		}
	}
	strictness := Shift{Weaker: l.strict && !to.strict, Stronger: !l.strict && to.strict}
	switch moved := (Shift{Weaker: rise > 0, Stronger: rise < 0}); {
	case diffs > 1:
		return Shift{}, false
	case diffs == 0:
		return strictness, true
	case atMoved:
		return moved, true
	default: // where the figure is 0 its factor is no matter, and whether 0 is enough is
		return moved.and(strictness), true
	}
}
