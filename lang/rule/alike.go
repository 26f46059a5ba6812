package rule

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// alike brings conditions that say the same into one spelling, so that Compare meets a loosened limit under any:
//
//	!(e.auc < 0.8), (e.auc >= 0.8) == true     e.auc >= 0.8
//	!(a && b)                                  !a || !b
//	c ? true : a                               c || a
//	e.auc >= (c ? 0.7 : 0.8)                   c ? e.auc >= 0.7 : e.auc >= 0.8
//	max([e.auc, e.f1]) >= 0.8                  e.auc >= 0.8 || e.f1 >= 0.8
//	[e.auc, e.f1].all(x, x >= 0.8)             e.auc >= 0.8 && e.f1 >= 0.8
//
// Of faults these differ: max has one where any of its elements has. For a comparison of what passes that is no matter.
type alike struct{ ast.ExprFactory }

// condition is e in that spelling, or its opposite. e is not changed; parts of it may be part of the result.
// What has no other spelling stays as it is, with ! before it where its opposite is wanted.
func (f alike) condition(e ast.Expr, opposite bool) ast.Expr {
	if e.Kind() == ast.LiteralKind {
		if v, ok := e.AsLiteral().(types.Bool); ok {
			return f.NewLiteral(0, types.Bool(bool(v) != opposite))
		}
	}
	if e.Kind() == ast.CallKind {
		if out := f.call(e.AsCall(), opposite); out != nil {
			return out
		}
	}
	if opposite {
		return f.NewCall(0, operators.LogicalNot, e)
	}
	return e
}

// call is condition of a call; nil for one that has no other spelling.
// The opposite of a && b is the opposites joined by ||, of all the opposite of exists, and of x == true that of x (De
// Morgan's laws), so that ! sinks down to comparisons, which have opposites of their own.
func (f alike) call(c ast.CallExpr, opposite bool) ast.Expr {
	args := c.Args()
	if _, _, ok := comparison(c.FunctionName()); ok {
		return f.comparison(c.FunctionName(), args[0], args[1], opposite)
	}
	switch name := c.FunctionName(); name {
	case operators.LogicalNot:
		return f.condition(args[0], !opposite)
	case operators.LogicalAnd, operators.LogicalOr:
		return f.join((name == operators.LogicalAnd) != opposite, f.condition(args[0], opposite), f.condition(args[1], opposite))
	case operators.Conditional:
		return f.conditional(args[0], f.condition(args[1], opposite), f.condition(args[2], opposite))
	case operators.Equals, operators.NotEquals:
		for i, x := range args {
			if v, ok := truth(x); ok && x.Kind() == ast.LiteralKind {
				return f.condition(args[1-i], opposite != (v == (name == operators.NotEquals)))
			}
		}
	case operators.All, operators.Exists:
		if c.IsMemberFunction() && c.Target().Kind() == ast.ListKind && len(args) == 2 && args[0].Kind() == ast.IdentKind {
			return f.each((name == operators.All) != opposite, c.Target(), func(x ast.Expr) ast.Expr {
				return f.condition(f.put(args[1], args[0].AsIdent(), x), opposite)
			})
		}
	}
	return nil
}

// conditional is `by ? yes : no`. Where a branch is a constant that is && or ||.
func (f alike) conditional(by, yes, no ast.Expr) ast.Expr {
	if v, ok := truth(yes); ok { // c ? true : a is c || a, c ? false : a is !c && a
		return f.join(!v, f.condition(by, !v), no)
	}
	if v, ok := truth(no); ok { // c ? a : true is !c || a, c ? a : false is c && a
		return f.join(!v, f.condition(by, v), yes)
	}
	return f.NewCall(0, operators.Conditional, f.condition(by, false), yes, no)
}

// opposites are the comparisons that hold where others do not. What is no number is a fault of both.
var opposites = map[string]string{
	operators.Less: operators.GreaterEquals, operators.GreaterEquals: operators.Less,
	operators.Greater: operators.LessEquals, operators.LessEquals: operators.Greater,
}

// comparison writes a comparison so that equal ones read alike: its negation as the opposite operator, a choice as two
// conditions, and `max([a, b]) >= 1` as `a >= 1 || b >= 1`. A comparison has two sides and both may be choices, so with
// goes through the result again.
func (f alike) comparison(op string, a, b ast.Expr, opposite bool) ast.Expr {
	if opposite {
		op = opposites[op]
	}
	sides := [2]ast.Expr{a, b}
	with := func(i int, x ast.Expr) ast.Expr {
		now := sides
		now[i] = x
		return f.comparison(op, now[0], now[1], false)
	}
	up := op == operators.Greater || op == operators.GreaterEquals
	for i, side := range sides {
		if side.Kind() != ast.CallKind {
			continue
		}
		c := side.AsCall()
		switch args := c.Args(); {
		case c.FunctionName() == operators.Conditional:
			return f.conditional(args[0], with(i, args[1]), with(i, args[2]))
		case (c.FunctionName() == "max" || c.FunctionName() == "min") && !c.IsMemberFunction() && len(args) == 1 && args[0].Kind() == ast.ListKind && args[0].AsList().Size() > 0:
			some := (c.FunctionName() == "max") == (up == (i == 0)) // one element is enough, as of max([a, b]) >= 1
			return f.each(!some, args[0], func(x ast.Expr) ast.Expr { return with(i, x) })
		}
	}
	return f.NewCall(0, op, a, b)
}

// join is a && b, or a || b if not all are needed.
func (f alike) join(all bool, a, b ast.Expr) ast.Expr {
	op := operators.LogicalOr
	if all {
		op = operators.LogicalAnd
	}
	return f.NewCall(0, op, a, b)
}

// each joins what is said of every element of a list. Of an empty one all holds and some does not.
// A macro over a list that is written out, ["eu", "us"].all(r, …), is so the same as its conditions joined by &&.
func (f alike) each(all bool, list ast.Expr, says func(ast.Expr) ast.Expr) ast.Expr {
	var out ast.Expr
	for _, x := range slices.Backward(list.AsList().Elements()) {
		if out == nil {
			out = says(x)
		} else {
			out = f.join(all, says(x), out)
		}
	}
	if out == nil {
		return f.NewLiteral(0, types.Bool(all))
	}
	return out
}

// put is a copy of e with x in place of a name. No macro within it has a variable of that name, since none may hide another.
// CEL's trees are shared; a copy for each element keeps one from changing another.
func (f alike) put(e ast.Expr, name string, x ast.Expr) ast.Expr {
	out := f.CopyExpr(e)
	var walk func(ast.Expr)
	walk = func(e ast.Expr) {
		if e.Kind() == ast.IdentKind && e.AsIdent() == name {
			e.SetKindCase(f.CopyExpr(x))
			return
		}
		for _, part := range parts(e) {
			walk(part)
		}
	}
	walk(out)
	return out
}
