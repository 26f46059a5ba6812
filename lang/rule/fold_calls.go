package rule

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mlp-lang/mlp/lang/schema"
)

// call folds an operator, a function or a macro. && and ||, has and macros look at some operands only; all else is
// strict.
func (f *folder) call(c ast.CallExpr, in *vars) result {
	name, args := c.FunctionName(), c.Args()
	switch {
	case name == operators.LogicalAnd || name == operators.LogicalOr:
		return f.logic(name, args[0], args[1], in)
	case name == operators.Has:
		return f.has(args[0], in)
	case c.IsMemberFunction() && isMacro(name):
		return f.macro(name, c.Target(), args[0].AsIdent(), args[1], in)
	case c.IsMemberFunction():
		return f.strict(name, true, append([]ast.Expr{c.Target()}, args...), in)
	}
	return f.strict(name, false, args, in)
}

// logic folds && and ||. A side that is known to be false decides &&, and one that is known to be true decides ||, even
// if the other side is open or failed. The left side alone is folded where it decides, so that figures on the right are
// not among those read.
func (f *folder) logic(op string, left, right ast.Expr, in *vars) result {
	decisive := op == operators.LogicalOr
	l := f.fold(left, in)
	if l.state == known && l.value == decisive {
		return l
	}
	r := f.fold(right, in)
	return f.join(op, decisive, l, r)
}

// join is && (decisive: false) or || (decisive: true) of two results. A decisive side decides, whatever the other one
// is, even a fault; a side that decides nothing is left out of what remains. Open before failed: what is open may still
// turn out to decide, so that a fault on the other side is no verdict yet.
func (f *folder) join(op string, decisive bool, l, r result) result {
	switch {
	case r.state == known && r.value == decisive, l.state == known:
		return r
	case r.state == known:
		return l
	}
	expr := f.factory.NewCall(0, op, l.expr, r.expr)
	if l.state == open || r.state == open {
		return f.open(expr)
	}
	l.expr = expr
	return l
}

// conditional folds c ? a : b, whose branches may be groups of figures. While c is open both branches stay; which of
// them would fail is no matter yet.
func (f *folder) conditional(args []ast.Expr, in *vars) place {
	c := f.fold(args[0], in)
	if c.state == known {
		if c.value == true {
			return f.place(args[1], in)
		}
		return f.place(args[2], in)
	}
	c.expr = f.factory.NewCall(0, operators.Conditional, c.expr, f.folded(args[1], in), f.folded(args[2], in))
	return f.done(c)
}

// folded is what is left of e; groups of figures stay as they are.
func (f *folder) folded(e ast.Expr, in *vars) ast.Expr {
	p := f.place(e, in)
	if p.done == nil && p.typ.Kind == schema.ObjectFigure {
		return p.expr
	}
	return f.resolve(p).expr
}

// has reports whether a figure is there and can be used: missing, null, NaN and infinite ones are not. It is open where
// the figure, or something below it, is not known yet.
func (f *folder) has(arg ast.Expr, in *vars) result {
	p := f.place(arg, in)
	expr := f.factory.NewCall(0, operators.Has, p.expr)
	if p.done != nil {
		r := *p.done
		if _, ok := r.lies(); ok {
			return f.value(true)
		}
		if r.expr = expr; r.state == known {
			return f.value(true)
		}
		return r
	}
	if f.values.unknown(p.path) {
		return f.open(expr)
	}
	if _, ok := f.between(p); ok {
		return f.value(true)
	}
	there := f.values.lookup(p.path) != nil
	if !there && len(f.values.unknownBelow(p.path)) > 0 {
		return f.open(expr)
	}
	switch p.typ.Kind {
	case schema.DoubleFigure, schema.BoolFigure, schema.StringFigure:
		_, fault := f.values.scalar(p.path, p.typ.Kind)
		there = fault == ""
	}
	return f.value(there)
}

// strict folds what needs all of its operands: a failed one fails it, even while another is open, since no value of the
// other could heal the fault.
func (f *folder) strict(name string, member bool, args []ast.Expr, in *vars) result {
	operands, exprs := make([]result, len(args)), make([]ast.Expr, len(args))
	for i, a := range args {
		operands[i] = f.fold(a, in)
		exprs[i] = operands[i].expr
	}
	expr := f.factory.NewCall(0, name, exprs...)
	if member {
		expr = f.factory.NewMemberCall(0, name, exprs[0], exprs[1:]...)
	}
	for _, want := range []state{failed, open} {
		for _, r := range operands {
			if r.state == want {
				if out, ok := f.spans(name, operands, expr); ok {
					return out
				}
				r.expr = expr
				return r
			}
		}
	}
	if f.steps > maxSteps {
		return f.tooMany(expr)
	}
	if statistic(name) {
		return f.statistic(name, args[0], operands, expr)
	}
	return f.apply(name, operands, expr)
}

// apply computes an operator or function of known operands.
// Which function is meant goes by the kind of the first operand: size is of texts, lists and maps.
func (f *folder) apply(name string, operands []result, expr ast.Expr) result {
	first := operands[0].value
	switch x := first.(type) {
	case bool:
		if name == operators.LogicalNot {
			return f.value(!x)
		}
	case []place:
		return f.ofList(name, x, operands, expr)
	case dict:
		if name == "size" {
			return f.value(float64(len(x.keys)))
		}
	}
	if name == operators.In {
		return f.in(first, operands[1], expr)
	}
	if len(operands) == 1 {
		return f.unary(name, first, expr)
	}
	return f.binary(name, first, operands[1].value, expr)
}

// unary folds a function of one value. What the checker does not let through is undecidable, and a fault, not a pass.
func (f *folder) unary(name string, x any, expr ast.Expr) result {
	switch v := x.(type) {
	case float64:
		switch name {
		case operators.Negate:
			return f.value(-v)
		case "abs":
			return f.value(math.Abs(v))
		}
	case string:
		if name == "size" && f.spend(len(v)/textStep) {
			return f.value(float64(utf8.RuneCountInString(v)))
		}
	}
	return f.undecidable(expr)
}

// binary folds an operator or function of two values of one type.
// The checker has seen to both sides being of one type; if they are not, the rule cannot be decided.
func (f *folder) binary(name string, left, right any, expr ast.Expr) result {
	switch a := left.(type) {
	case float64:
		if b, ok := right.(float64); ok {
			return f.numbers(name, a, b, expr)
		}
	case string:
		if b, ok := right.(string); ok {
			return f.strings(name, a, b, expr)
		}
	case bool:
		if b, ok := right.(bool); ok {
			return f.equality(name, a == b, expr)
		}
	}
	return f.undecidable(expr)
}

// equality is == or != once it is known whether the sides are equal.
func (f *folder) equality(name string, equal bool, expr ast.Expr) result {
	switch name {
	case operators.Equals:
		return f.value(equal)
	case operators.NotEquals:
		return f.value(!equal)
	}
	return f.undecidable(expr)
}

// numbers folds an operator of two numbers. Neither is NaN or infinite: such figures are faults when read.
// A result that is not finite, such as of a division by 0, is a fault: a rule on it says nothing.
func (f *folder) numbers(name string, a, b float64, expr ast.Expr) result {
	switch name {
	case operators.Less:
		return f.value(a < b)
	case operators.LessEquals:
		return f.value(a <= b)
	case operators.Greater:
		return f.value(a > b)
	case operators.GreaterEquals:
		return f.value(a >= b)
	case operators.Add:
		return f.finite(a+b, expr)
	case operators.Subtract:
		return f.finite(a-b, expr)
	case operators.Multiply:
		return f.finite(a*b, expr)
	case operators.Divide:
		return f.finite(a/b, expr)
	}
	return f.equality(name, a == b, expr)
}

// finite fails where arithmetic leaves the numbers, as in a division by zero.
func (f *folder) finite(x float64, expr ast.Expr) result {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return f.fail(expr, "%s is %v", f.text(expr), x)
	}
	return f.value(x)
}

// strings folds functions of two texts. They cost steps by their length, so that no rule over long texts takes long.
func (f *folder) strings(name, a, b string, expr ast.Expr) result {
	if !f.spend((len(a) + len(b)) / textStep) {
		return f.tooMany(expr)
	}
	switch name {
	case "contains":
		return f.value(strings.Contains(a, b))
	case "startsWith":
		return f.value(strings.HasPrefix(a, b))
	case "endsWith":
		return f.value(strings.HasSuffix(a, b))
	case "matches":
		return f.matches(a, b, expr)
	}
	return f.equality(name, a == b, expr)
}

// matches searches a pattern in a text, at a cost of steps by the length of both.
func (f *folder) matches(text, pattern string, expr ast.Expr) result {
	p, err := f.pattern(pattern)
	switch {
	case err != nil:
		return f.fail(expr, "%s: %v", f.text(expr), err)
	case !f.spend(len(text) / textStep * p.size):
		return f.tooMany(expr)
	}
	return f.value(p.re.MatchString(text))
}
