package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// The messages of cel-go's checker, which have no codes: they are told apart by their words. One that none of these fits is shown as
// it is, at its place; a version of cel-go that words one otherwise is found by the tests of messages.
var (
	undefinedField = lazyregexp.New(`^undefined field '(.*)'$`)
	undeclared     = lazyregexp.New(`^undeclared reference to '(.*)' \(in container`)
	noOverload     = lazyregexp.New(`^found no matching overload for '(.*)' applied to '(.*)'$`)
	wrongType      = lazyregexp.New(`^expected type '(.*)' but found '(.*)'$`)
	notARange      = lazyregexp.New(`^expression of type '(.*)' cannot be range`)
	noFields       = lazyregexp.New(`^type '(.*)' does not support field selection`)
)

// typeError says an error of cel-go's checker in the language's words. The node that an error is about is found by its
// place among those that the walker has seen, since the checker's own nodes are of another parse.
func (w *walker) typeError(err *common.Error) source.Diagnostic {
	at := w.script.offset(err.Location)
	d := source.Diagnostic{Severity: source.Error, Code: source.CodeRuleType, Summary: err.Message, Subject: w.script.rangeOf(at, at)}
	node := func(f func(ast.Expr) bool) ast.Expr { return w.node(at, f) }
	switch m := err.Message; {
	case undefinedField().MatchString(m):
		w.undefinedField(&d, w.selectAt(at), undefinedField().FindStringSubmatch(m)[1])
	case undeclared().MatchString(m):
		w.undeclared(&d, node(isCall), undeclared().FindStringSubmatch(m)[1])
	case noOverload().MatchString(m):
		parts := noOverload().FindStringSubmatch(m)
		w.noOverload(&d, node(isCall), parts[1], splitTypes(parts[2]))
	case wrongType().MatchString(m):
		parts := wrongType().FindStringSubmatch(m)
		w.wrongType(&d, node(anyNode), parts[1], parts[2])
	case notARange().MatchString(m):
		w.notRange(&d, node(anyNode), notARange().FindStringSubmatch(m)[1])
	case noFields().MatchString(m):
		w.noFields(&d, node(isSelect), noFields().FindStringSubmatch(m)[1])
	}
	return d
}

// isSelect reports whether an expression is a field of something, a.b.
func isSelect(e ast.Expr) bool { return e.Kind() == ast.SelectKind }
func isCall(e ast.Expr) bool   { return e.Kind() == ast.CallKind }
func anyNode(ast.Expr) bool    { return true }

// node finds the node that cel-go places at a code point and that is ok; nil if there is none. Several may stand there:
// a call and its operator.
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

// undefinedField words "undefined field": which names there are, of a sensitive one that rules do not see it, and of a
// champion's figure how it is read. A name that lies deeper is found (metrics.auc for auc).
func (w *walker) undefinedField(d *source.Diagnostic, e ast.Expr, field string) {
	d.Code = source.CodeRuleFigure
	d.Summary = fmt.Sprintf("there is no %q here", field)
	if e == nil {
		return
	}
	start := w.script.skip(w.script.at(e) + 1)
	d.Subject = w.script.rangeOf(start, w.script.tokenEnd(start))
	operand := e.AsSelect().Operand()
	d.Summary = fmt.Sprintf("%s has no %q", w.script.source(operand), field)
	if f := w.types[operand.ID()]; f != nil {
		if slices.Contains(f.typ.Withheld, field) {
			d.Code, d.Summary = source.CodeSensitive, fmt.Sprintf("%s is sensitive, and rules do not see it", w.script.source(operand)+"."+field)
			d.Detail = "What a rule reads stands in plans, in its verdict and in the state, for everybody to read, and so would what it yields."
			d.Hint = "decide by a value that is not secret: another variable, or a figure"
			return
		}
		if path := w.championPath(operand, field); path != nil && suggest.Near(field, sortedKeys(f.typ.Fields)) == "" {
			d.Detail = "Of the champion a rule sees whether it is there; its figures are read as what the candidate's differ by."
			d.Hint = fmt.Sprintf("did you mean %s, the candidate's less the champion's?", PathString(path))
			return
		}
		names := sortedKeys(f.typ.Fields)
		d.Detail, d.Hint = listing("It has", names), suggest.DidYouMean(field, names)
		if inner := deeper(f.typ, field, 3); d.Hint == "" && inner != nil {
			d.Hint = fmt.Sprintf("did you mean %s?", w.script.source(operand)+"."+PathString(inner))
		}
	}
}

// deeper finds a field of that name further down in an object, at most so many steps: a single figure before a group of
// them, so that metrics.auc is found and not delta.auc, else the first by name. Nil if there is none.
func deeper(t *schema.FigureType, field string, steps int) []string {
	single := func(f *schema.FigureType) bool { return f.Kind != schema.ObjectFigure && f.Kind != schema.MapFigure }
	if path := find(t, field, steps, single); path != nil {
		return path
	}
	return find(t, field, steps, func(*schema.FigureType) bool { return true })
}

// find is the first path to a field of that name which is ok, at most so many steps long.
// Paths are tried in the order of names, the shorter before the longer within each, so that a hint is the same every
// time.
func find(t *schema.FigureType, field string, steps int, ok func(*schema.FigureType) bool) []string {
	if t.Kind != schema.ObjectFigure || steps == 0 {
		return nil
	}
	if f := t.Fields[field]; f != nil && ok(f) {
		return []string{field}
	}
	for _, name := range sortedKeys(t.Fields) {
		if rest := find(t.Fields[name], field, steps-1, ok); rest != nil {
			return append([]string{name}, rest...)
		}
	}
	return nil
}

// undeclared words "undeclared reference", which cel-go says of operators, functions and names alike. A name of another
// module is met often enough to have an answer of its own.
func (w *walker) undeclared(d *source.Diagnostic, call ast.Expr, name string) {
	if symbol := symbolOf(name); symbol != name {
		d.Code, d.Summary = source.CodeRuleFunction, fmt.Sprintf("there is no operator %s in rules", symbol)
		return
	}
	if call != nil && call.AsCall().FunctionName() == name {
		d.Code = source.CodeRuleFunction
		start := w.script.nameBefore(w.script.at(call))
		d.Subject = w.script.rangeOf(start, w.script.tokenEnd(start))
		if isMacro(name) {
			return // told by the walker, with the form that it has
		}
		d.Context = w.rangeOf(call)
		d.Summary = fmt.Sprintf("there is no function %q in rules", name)
		d.Detail, d.Hint = listing("There are", functions()), suggest.DidYouMean(name, functions())
		if hint := foreignFunctions[strings.ToLower(name)]; hint != "" {
			d.Hint = hint
		}
		return
	}
	d.Code = source.CodeRuleName
	at := d.Subject.Start
	d.Subject.End = source.Pos{Line: at.Line, Column: at.Column + len([]rune(name)), Byte: at.Byte + len(name)}
	d.Summary = fmt.Sprintf("there is no %q here", name)
	names := sortedKeys(w.env.root.Fields)
	d.Detail, d.Hint = listing("This rule sees", names), suggest.DidYouMean(name, names)
	if name == "module" {
		d.Detail = "A rule sees the figures of its own module alone. " + d.Detail
		d.Hint = "put a gate into the module, give it as an output, and name that in after: after = [module.x.release]"
	}
	if path := w.metricPath(at.Byte); d.Hint == "" && path != nil && deeper(w.env.root, name, 4) == nil {
		d.Hint = fmt.Sprintf("did you mean %s?", PathString(path))
		return
	}
	if path := deeper(w.env.root, name, 4); d.Hint == "" && path != nil {
		d.Hint = fmt.Sprintf("did you mean %s?", PathString(path))
	}
}

// metricPath is the figure that a path which begins at a byte of the file means by its last name: evaluate.x.metrics.auc by
// metric.auc.
func (w *walker) metricPath(at int) []string {
	for _, nodes := range w.places {
		for _, e := range nodes {
			if e.Kind() != ast.SelectKind || w.rangeOf(e).Start.Byte != at {
				continue
			}
			if path := deeper(w.env.root, e.AsSelect().FieldName(), 4); path != nil && len(path) > 2 {
				return path
			}
		}
	}
	return nil
}

// championPath is the first difference to the champion of the metric that a rule looks for in the champion itself, of any
// metric if it looks for all.
func (w *walker) championPath(operand ast.Expr, field string) []string {
	evaluations := w.env.root.Fields["evaluate"]
	if operand.Kind() != ast.IdentKind || operand.AsIdent() != "champion" || evaluations == nil {
		return nil
	}
	wanted := field
	for _, nodes := range w.places {
		for _, e := range nodes {
			if e.Kind() == ast.SelectKind && e.AsSelect().Operand().Kind() == ast.SelectKind && e.AsSelect().Operand().AsSelect().Operand().ID() == operand.ID() {
				wanted = e.AsSelect().FieldName()
			}
		}
	}
	for _, name := range sortedKeys(evaluations.Fields) {
		f := evaluations.Fields[name]
		if f.Kind != schema.ObjectFigure || f.Fields["delta"] == nil {
			continue
		}
		for _, metric := range sortedKeys(f.Fields["delta"].Fields) {
			if metric == wanted || f.Fields["delta"].Fields[wanted] == nil {
				return []string{"evaluate", name, "delta", metric, "value"}
			}
		}
	}
	return nil
}

// notRange words a macro over what is neither a list nor a map, such as evaluate.holdout.metrics.all(…), whose members
// are named one by one because each has a type of its own.
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

// wrongType words a value of another type than the place takes.
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

// noFields words a dot behind a value; over a map the variable is a key, and it is told how its value is read.
func (w *walker) noFields(d *source.Diagnostic, e ast.Expr, t string) {
	if e == nil {
		return
	}
	sel := e.AsSelect()
	start := w.script.skip(w.script.at(e) + 1)
	d.Code = source.CodeRuleFigure
	d.Subject = w.script.rangeOf(start, w.script.tokenEnd(start))
	d.Summary = fmt.Sprintf("%s is %s and has no %q", w.script.source(sel.Operand()), typeWords(t), sel.FieldName())
	if over := w.keys[sel.Operand().ID()]; over != "" {
		operand := w.script.source(sel.Operand())
		d.Detail = fmt.Sprintf("Over a map, %s stands for its keys.", operand)
		d.Hint = fmt.Sprintf("write %s[%s].%s", over, operand, sel.FieldName())
	}
}

// notBool is said of a rule that is no condition.
func (w *walker) notBool(t *cel.Type) source.Diagnostic {
	d := source.Diagnostic{
		Severity: source.Error, Code: source.CodeRuleBool, Subject: w.script.rangeOf(w.script.whole()),
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

// symbolOf is how an operator is written; cel-go calls && "_&&_".
// What is none is called by its name, as functions are.
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

// others are the types that are not the one wanted, for messages about the wrong operand alone.
func others(types []string, want string) []string {
	return slices.DeleteFunc(slices.Clone(types), func(t string) bool { return t == want })
}

// joinWords names each type once.
func joinWords(types []string) string {
	var out []string
	for _, t := range types {
		if words := typeWords(t); !slices.Contains(out, words) {
			out = append(out, words)
		}
	}
	return strings.Join(out, " and ")
}
