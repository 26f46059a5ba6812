package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// noOverload explains why an operator or function does not take its operands. name is cel-go's, args are the types of
// the operands as cel-go prints them; call is nil where the node was not found, which leaves the message general.
// cel-go says only "found no matching overload for '_<_' applied to '(double, string)'". The message here names what
// the author wrote: "cannot compare a number with a string", at the place of the operator's call.
func (w *walker) noOverload(d *source.Diagnostic, call ast.Expr, name string, args []string) {
	symbol := symbolOf(name)
	d.Summary = fmt.Sprintf("%s does not work on %s", symbol, joinWords(args))
	if call == nil {
		return
	}
	d.Subject = w.rangeOf(call)
	c := call.AsCall()
	if w.otherForm(d, c, name) {
		return
	}
	if isMacro(c.FunctionName()) && c.FunctionName() != name {
		body := args[len(args)-1]
		if name == operators.Conditional {
			body = args[0]
		}
		w.badBody(d, c, body)
		return
	}
	operands := c.Args()
	if c.IsMemberFunction() {
		operands = append([]ast.Expr{c.Target()}, operands...)
	}
	w.explain(d, name, operands, args)
}

// methods are the functions of strings that are written behind what they work on; all others stand before.
func isMethod(name string) bool {
	switch name {
	case "contains", "startsWith", "endsWith", "matches":
		return true
	}
	return false
}

// otherForm tells of a function written like a method, or the other way round.
// CEL has both forms and no conversion between them; people try the one that their own language has. It reports whether
// it told of something.
func (w *walker) otherForm(d *source.Diagnostic, c ast.CallExpr, name string) bool {
	if c.FunctionName() != name || c.IsMemberFunction() == isMethod(name) || !slices.Contains(functions(), name) || isMacro(name) {
		return false
	}
	args := make([]string, len(c.Args()))
	for i, a := range c.Args() {
		args[i] = w.script.source(a)
	}
	if c.IsMemberFunction() {
		d.Code, d.Summary = source.CodeRuleFunction, fmt.Sprintf("%s is a function, not a method", name)
		d.Hint = fmt.Sprintf("write %s(%s)", name, strings.Join(append([]string{w.script.source(c.Target())}, args...), ", "))
		return true
	}
	d.Code, d.Summary = source.CodeRuleFunction, fmt.Sprintf("%s is a method, not a function", name)
	if d.Hint = fmt.Sprintf("write text.%s(…)", name); len(args) == 2 {
		d.Hint = fmt.Sprintf("write %s.%s(%s)", args[0], name, args[1])
	}
	return true
}

// badBody is said where the body of a macro is no condition: cel-go blames an operator that the macro expands to.
// Of list.all(x, x + 1) the checker blames the && that all(…) becomes.
func (w *walker) badBody(d *source.Diagnostic, c ast.CallExpr, t string) {
	if args := c.Args(); len(args) == 2 {
		d.Subject = w.rangeOf(args[1])
	}
	d.Summary = fmt.Sprintf("%s needs a condition, not %s", c.FunctionName(), typeWords(t))
}

// explain words "no matching overload" by what the operator or function is for.
// cel-go's own words name types and overloads; here it is the operator, what it is for, and which side is to blame.
func (w *walker) explain(d *source.Diagnostic, name string, operands []ast.Expr, args []string) {
	d.Detail = w.operandTypes(operands, args)
	d.Hint = w.leafHint(operands, args)
	switch name {
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		w.comparison(d, name, operands, args)
	case operators.LogicalAnd, operators.LogicalOr:
		d.Summary = fmt.Sprintf("%s joins conditions, not %s", symbolOf(name), joinWords(others(args, "bool")))
		w.blame(d, operands, args, "bool")
	case operators.LogicalNot:
		d.Summary = fmt.Sprintf("! negates a condition, not %s", joinWords(args))
		w.blame(d, operands, args, "bool")
	case operators.Conditional:
		d.Summary = "?: needs a condition and two values of one type"
	case operators.Index:
		w.badIndex(d, operands, args)
	case "min", "max", "mean", "sum", "quantile":
		w.badStatistic(d, name, args)
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Negate:
		d.Summary = fmt.Sprintf("%s works on numbers, not on %s", symbolOf(name), joinWords(others(args, "double")))
		w.blame(d, operands, args, "double")
	}
}

// comparison words two sides that cannot be compared. `0.2 < x < 0.8` is read as (0.2 < x) < 0.8, and gets a hint.
// Types that compare with nothing, such as groups of figures, are told by the operator alone.
func (w *walker) comparison(d *source.Diagnostic, name string, operands []ast.Expr, args []string) {
	if len(args) != 2 || len(operands) != 2 {
		return
	}
	d.Summary = fmt.Sprintf("cannot compare %s with %s", typeWords(args[0]), typeWords(args[1]))
	if args[0] == args[1] {
		d.Summary = fmt.Sprintf("%s does not compare %s", symbolOf(name), joinWords(args[:1]))
	}
	if left := operands[0]; isCall(left) && args[0] == "bool" {
		if _, _, chained := comparison(left.AsCall().FunctionName()); chained {
			d.Hint = "join two comparisons by &&"
		}
	}
}

// badIndex words an index of the wrong type, and of a group of figures, which has none.
func (w *walker) badIndex(d *source.Diagnostic, operands []ast.Expr, args []string) {
	if len(args) != 2 || len(operands) != 2 {
		return
	}
	switch {
	case strings.HasPrefix(args[0], "list("):
		d.Summary = fmt.Sprintf("a list is indexed by a number, not %s", typeWords(args[1]))
	case strings.HasPrefix(args[0], "map("):
		d.Summary = fmt.Sprintf("the keys of a map are strings, not %s", plural(args[1]))
	case strings.HasPrefix(args[0], typePrefix):
		d.Summary, d.Hint = "the figures of a group are named with a dot", ""
		if name, ok := literalString(operands[1]); ok {
			d.Hint = fmt.Sprintf("write %s.%s", w.script.source(operands[0]), name)
		}
	}
}

// badStatistic words a call of min, max, mean, sum or quantile over something else than numbers.
func (w *walker) badStatistic(d *source.Diagnostic, name string, args []string) {
	numbers := len(args) > 0 && (args[0] == "list(double)" || args[0] == "map(string, double)")
	d.Code = source.CodeRuleFunction
	switch {
	case !numbers:
		d.Summary = fmt.Sprintf("%s takes a list or map of numbers, not %s", name, joinWords(args))
		if name == "quantile" && len(args) > 0 {
			d.Summary = fmt.Sprintf("%s takes a list or map of numbers and a share, not %s", name, joinWords(args[:1]))
		}
		if d.Hint == "" && len(args) > 0 && args[0] == "double" {
			d.Hint = fmt.Sprintf("put them in brackets: %s([…])", name)
		}
	case name == "quantile":
		d.Summary = "quantile takes a list or map of numbers and a share between 0 and 1"
		if len(args) == 1 {
			d.Hint = "the median is quantile(…, 0.5)"
		}
	default:
		d.Summary = fmt.Sprintf("%s takes one list or map of numbers", name)
	}
}

// blame narrows the range to the only operand that is not of the type wanted.
// With two operands of the wrong type the whole call is shown.
func (w *walker) blame(d *source.Diagnostic, operands []ast.Expr, args []string, want string) {
	var wrong []int
	for i, a := range args {
		if a != want {
			wrong = append(wrong, i)
		}
	}
	if len(wrong) == 1 && wrong[0] < len(operands) {
		d.Subject = w.rangeOf(operands[wrong[0]])
	}
}

// operandTypes says what each operand is, as far as operands were found.
func (w *walker) operandTypes(operands []ast.Expr, args []string) string {
	var parts []string
	for i, a := range args {
		if i < len(operands) {
			parts = append(parts, fmt.Sprintf("%s is %s", w.script.source(operands[i]), typeWords(a)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ", ") + "."
}

// leafHint names the figures inside a group that stands where a number belongs.
// Of groups within a group no figure is named: the hint is left out rather than guessed further down.
func (w *walker) leafHint(operands []ast.Expr, args []string) string {
	for i, a := range args {
		if !strings.HasPrefix(a, typePrefix) || i >= len(operands) {
			continue
		}
		f := w.types[operands[i].ID()]
		if f == nil {
			continue
		}
		for _, name := range sortedKeys(f.typ.Fields) {
			if k := f.typ.Fields[name].Kind; k != schema.ObjectFigure && k != schema.MapFigure {
				return fmt.Sprintf("name a figure of it, such as %s.%s", w.script.source(operands[i]), name)
			}
		}
	}
	return ""
}
