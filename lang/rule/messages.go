package rule

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

var (
	undefinedField = regexp.MustCompile(`^undefined field '(.*)'$`)
	undeclared     = regexp.MustCompile(`^undeclared reference to '(.*)' \(in container`)
	noOverload     = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`)
	wrongType      = regexp.MustCompile(`^expected type '(.*)' but found '(.*)'$`)
	notARange      = regexp.MustCompile(`^expression of type '(.*)' cannot be range`)
	noFields       = regexp.MustCompile(`^type '(.*)' does not support field selection`)
)

// typeError says an error of cel-go's checker in the language's words.
func (w *walker) typeError(err *common.Error) source.Diagnostic {
	at := w.script.offset(err.Location)
	d := source.Diagnostic{Severity: source.Error, Code: typeCode, Summary: err.Message, Subject: w.script.rangeOf(at, at)}
	node := func(f func(ast.Expr) bool) ast.Expr { return w.node(at, f) }
	switch m := err.Message; {
	case undefinedField.MatchString(m):
		w.undefinedField(&d, w.selectAt(at), undefinedField.FindStringSubmatch(m)[1])
	case undeclared.MatchString(m):
		w.undeclared(&d, node(isCall), undeclared.FindStringSubmatch(m)[1])
	case noOverload.MatchString(m):
		parts := noOverload.FindStringSubmatch(m)
		w.noOverload(&d, node(isCall), parts[1], splitTypes(parts[2]))
	case wrongType.MatchString(m):
		parts := wrongType.FindStringSubmatch(m)
		w.wrongType(&d, node(anyNode), parts[1], parts[2])
	case notARange.MatchString(m):
		w.notRange(&d, node(anyNode), notARange.FindStringSubmatch(m)[1])
	case noFields.MatchString(m):
		w.noFields(&d, node(isSelect), noFields.FindStringSubmatch(m)[1])
	}
	return d
}

func isSelect(e ast.Expr) bool { return e.Kind() == ast.SelectKind }
func isCall(e ast.Expr) bool   { return e.Kind() == ast.CallKind }
func anyNode(ast.Expr) bool    { return true }

// node finds the node that cel-go places at a code point.
func (w *walker) node(at int, ok func(ast.Expr) bool) ast.Expr {
	for _, e := range w.places[at] {
		if ok(e) {
			return e
		}
	}
	return nil
}

// selectAt finds a selection, also as the argument of has(), which cel-go places at has's parenthesis.
func (w *walker) selectAt(at int) ast.Expr {
	e := w.node(at, isSelect)
	if call := w.node(at, isCall); e == nil && call != nil && call.AsCall().FunctionName() == operators.Has {
		return call.AsCall().Args()[0]
	}
	return e
}

func (w *walker) undefinedField(d *source.Diagnostic, e ast.Expr, field string) {
	d.Code = fieldCode
	d.Summary = fmt.Sprintf("there is no %q here", field)
	if e == nil {
		return
	}
	start := w.script.skip(w.script.at(e) + 1)
	d.Subject = w.script.rangeOf(start, w.script.tokenEnd(start))
	operand := e.AsSelect().Operand()
	d.Summary = fmt.Sprintf("%s has no %q", w.script.source(operand), field)
	if f := w.types[operand.ID()]; f != nil {
		names := sortedKeys(f.typ.Fields)
		d.Detail, d.Hint = listing("It has", names), source.DidYouMean(field, names)
		if inner := deeper(f.typ, field, 3); d.Hint == "" && inner != nil {
			d.Hint = fmt.Sprintf("did you mean %s?", w.script.source(operand)+"."+PathString(inner))
		}
	}
}

// deeper finds a field of that name further down in an object, at most so many steps, the first by name.
func deeper(t *schema.FigureType, field string, steps int) []string {
	if t.Kind != schema.ObjectFigure || steps == 0 {
		return nil
	}
	if t.Fields[field] != nil {
		return []string{field}
	}
	for _, name := range sortedKeys(t.Fields) {
		if rest := deeper(t.Fields[name], field, steps-1); rest != nil {
			return append([]string{name}, rest...)
		}
	}
	return nil
}

func (w *walker) undeclared(d *source.Diagnostic, call ast.Expr, name string) {
	if symbol := symbolOf(name); symbol != name {
		d.Code, d.Summary = functionCode, fmt.Sprintf("there is no operator %s in rules", symbol)
		return
	}
	if call != nil && call.AsCall().FunctionName() == name {
		d.Code = functionCode
		start := w.script.nameBefore(w.script.at(call))
		d.Subject = w.script.rangeOf(start, w.script.tokenEnd(start))
		if isMacro(name) {
			return // told by the walker, with the form that it has
		}
		d.Context = w.rangeOf(call)
		d.Summary = fmt.Sprintf("there is no function %q in rules", name)
		d.Detail, d.Hint = listing("There are", functions()), source.DidYouMean(name, functions())
		if slices.Contains([]string{"int", "uint", "double"}, name) {
			d.Hint = "every number is a double already"
		}
		return
	}
	d.Code = nameCode
	at := d.Subject.Start
	d.Subject.End = source.Pos{Line: at.Line, Column: at.Column + len([]rune(name)), Byte: at.Byte + len(name)}
	d.Summary = fmt.Sprintf("there is no %q here", name)
	names := sortedKeys(w.env.root.Fields)
	d.Detail, d.Hint = listing("This rule sees", names), source.DidYouMean(name, names)
	if path := deeper(w.env.root, name, 4); d.Hint == "" && path != nil {
		d.Hint = fmt.Sprintf("did you mean %s?", PathString(path))
	}
}

// noOverload explains why an operator or function does not take its operands.
func (w *walker) noOverload(d *source.Diagnostic, call ast.Expr, name string, args []string) {
	symbol := symbolOf(name)
	d.Summary = fmt.Sprintf("%s does not work on %s", symbol, joinWords(args))
	if call == nil {
		return
	}
	d.Subject = w.rangeOf(call)
	c := call.AsCall()
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

// badBody: the body of a macro must be a condition.
func (w *walker) badBody(d *source.Diagnostic, c ast.CallExpr, t string) {
	if args := c.Args(); len(args) == 2 {
		d.Subject = w.rangeOf(args[1])
	}
	d.Summary = fmt.Sprintf("%s needs a condition, not %s", c.FunctionName(), typeWords(t))
}

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
	case "min", "max", "mean", "sum":
		d.Code, d.Summary = functionCode, fmt.Sprintf("%s takes a list of numbers, not %s", name, joinWords(args))
		if d.Hint == "" && len(args) > 0 && args[0] == "double" {
			d.Hint = fmt.Sprintf("put them in brackets: %s([…])", name)
		}
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Negate:
		d.Summary = fmt.Sprintf("%s works on numbers, not on %s", symbolOf(name), joinWords(others(args, "double")))
		w.blame(d, operands, args, "double")
	}
}

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

// blame narrows the range to the only operand that is not of the type wanted.
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

func (w *walker) notRange(d *source.Diagnostic, over ast.Expr, t string) {
	if over == nil {
		return
	}
	d.Subject = w.rangeOf(over)
	d.Summary = fmt.Sprintf("%s goes over a list or a map, not %s", w.ranges[over.ID()], typeWords(t))
	if f := w.types[over.ID()]; f != nil && f.typ.Kind == schema.ObjectFigure {
		d.Detail = "The figures of a group are named one by one. " + listing("It has", sortedKeys(f.typ.Fields))
	}
}

func (w *walker) wrongType(d *source.Diagnostic, e ast.Expr, want, got string) {
	d.Summary = fmt.Sprintf("this must be %s, not %s", typeWords(want), typeWords(got))
	if e == nil {
		return
	}
	d.Subject = w.rangeOf(e)
	if want == "bool" && got == "double" {
		d.Hint = "compare it with a number, such as " + w.script.source(e) + " >= 0.8"
	}
	if hint := w.leafHint([]ast.Expr{e}, []string{got}); hint != "" {
		d.Hint = hint
	}
}

func (w *walker) noFields(d *source.Diagnostic, e ast.Expr, t string) {
	if e == nil {
		return
	}
	sel := e.AsSelect()
	start := w.script.skip(w.script.at(e) + 1)
	d.Code = fieldCode
	d.Subject = w.script.rangeOf(start, w.script.tokenEnd(start))
	d.Summary = fmt.Sprintf("%s is %s and has no %q", w.script.source(sel.Operand()), typeWords(t), sel.FieldName())
	if over := w.keys[sel.Operand().ID()]; over != "" {
		operand := w.script.source(sel.Operand())
		d.Detail = fmt.Sprintf("Over a map, %s stands for its keys.", operand)
		d.Hint = fmt.Sprintf("write %s[%s].%s", over, operand, sel.FieldName())
	}
}

func (w *walker) notBool(t *cel.Type) source.Diagnostic {
	d := source.Diagnostic{
		Severity: source.Error, Code: boolCode, Subject: w.script.rangeOf(w.script.whole()),
		Summary: fmt.Sprintf("a rule must be true or false; this is %s", typeWords(cel.FormatCELType(t))),
	}
	if t.IsExactType(cel.DoubleType) {
		d.Hint = "compare it with a number, such as >= 0.8"
	}
	return d
}

// whole is the rule without the white space and comments around it.
func (s *script) whole() (start, end int) {
	start = s.skip(0)
	for i := start; i < len(s.runes); i = s.skip(i) {
		i = s.tokenEnd(i)
		end = i
	}
	return start, end
}

func symbolOf(name string) string {
	if symbol, ok := operators.FindReverse(name); ok && symbol != "" {
		return symbol
	}
	switch name {
	case operators.Conditional:
		return "?:"
	case operators.Index:
		return "[]"
	case operators.In:
		return "in"
	}
	return name
}

func others(types []string, want string) []string {
	return slices.DeleteFunc(slices.Clone(types), func(t string) bool { return t == want })
}

func joinWords(types []string) string {
	var out []string
	for _, t := range types {
		if words := typeWords(t); !slices.Contains(out, words) {
			out = append(out, words)
		}
	}
	return strings.Join(out, " and ")
}
