package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// Of evaluate.e.slices["eu"].auc > 0.7 && has(check.c.table) the walker records two figures: evaluate.e.slices.eu.auc, of which all steps are
// spelled out, and check.c.table. Of evaluate.e.slices[s].auc within a macro over s it records evaluate.e.slices: which slices are read
// is not known, so that all of them have to be there.
//
// Each node that stands for a figure gets its type (types), by which the nodes around it are understood: a key is held to the keys of the map
// before it, a word to the words that the figure can be. What has no type is left to cel-go's checker.

// walker goes through a rule once: it collects the figures read, knows their types, and finds what cel-go's checker
// cannot: keys that a map does not have, and what the dialect leaves out. Nodes are known by the ids that cel-go
// numbers them with.
type walker struct {
	env         *Env
	script      *script
	refs        []Ref
	diagnostics source.Diagnostics
	types       map[int64]*figure  // of the nodes that are figures
	places      map[int][]ast.Expr // nodes by where cel-go places them
	ranges      map[int64]string   // of the nodes that a macro goes over, the macro's name
	keys        map[int64]string   // of the nodes that are keys of a map, the map's text
}

// figure is what is known of a node that stands for a figure or a part of one. With slices[s] the path ends at slices,
// and is not static; the type goes on.
type figure struct {
	typ    *schema.FigureType
	path   []string // empty for what comes from a macro's variable
	static bool     // path leads all the way
}

// scope holds the variables of the macros around a node, innermost first.
type scope struct {
	name  string
	typ   *schema.FigureType // of what it stands for; nil: not a figure
	keyOf string             // the text of the map whose keys it stands for
	words []ast.Expr         // the elements of the list that it goes over, where that is written out
	outer *scope
}

// find looks from the innermost macro outwards; nil where no macro around has a variable of that name. s may be nil.
func (s *scope) find(name string) *scope {
	for ; s != nil; s = s.outer {
		if s.name == name {
			return s
		}
	}
	return nil
}

func (w *walker) report(d source.Diagnostic) { w.diagnostics = append(w.diagnostics, d) }

func (w *walker) rangeOf(e ast.Expr) source.Range { return w.script.rangeOf(w.script.span(e)) }

// walk visits e and records the figure that it reads, if it is one.
func (w *walker) walk(e ast.Expr, in *scope) {
	if f := w.figure(e, in); f != nil {
		w.read(e, f)
	}
}

// read records a figure, with the place of the part of its path that is spelled out: of evaluate.e.slices[s].auc that
// of evaluate.e.slices. What comes from a macro's variable alone was recorded with the range of the macro.
func (w *walker) read(e ast.Expr, f *figure) {
	if len(f.path) == 0 {
		return
	}
	last := e
	for {
		if g := w.types[last.ID()]; g != nil && g.static && len(g.path) == len(f.path) {
			break
		}
		if last.Kind() == ast.SelectKind {
			last = last.AsSelect().Operand()
		} else {
			last = last.AsCall().Args()[0]
		}
	}
	start, end := w.script.stretch(w.script.span(last))
	w.refs = append(w.refs, Ref{Path: f.path, Range: w.script.text.Sub(start, end), start: start, end: end})
}

// figure visits e without recording e itself, and gives what figure it is; nil if it is none.
func (w *walker) figure(e ast.Expr, in *scope) *figure {
	at := w.script.at(e)
	w.places[at] = append(w.places[at], e)
	f := w.visit(e, in)
	if f != nil {
		w.types[e.ID()] = f
	}
	return f
}

// visit looks at an expression that cel-go has parsed and returns the figure that it names, nil if it is none. What CEL has
// and rules do not, is told here; types are told by the checker.
func (w *walker) visit(e ast.Expr, in *scope) *figure {
	switch e.Kind() {
	case ast.IdentKind:
		return w.ident(e, in)
	case ast.SelectKind:
		return w.selected(e, in)
	case ast.CallKind:
		return w.call(e, in)
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			w.walk(x, in)
		}
	case ast.LiteralKind:
		w.literal(e)
	case ast.MapKind, ast.StructKind:
		w.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRuleDialect, Subject: w.rangeOf(e),
			Summary: "a rule cannot make maps or messages",
			Detail:  "Rules read figures and compare them.",
		})
	}
	return nil
}

// literal tells of literals that CEL has and rules do without. Numbers are held to what a float64 can be (exact).
func (w *walker) literal(e ast.Expr) {
	switch e.AsLiteral().(type) {
	case types.Null:
		w.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRuleDialect, Subject: w.rangeOf(e),
			Summary: "rules do without null",
			Detail:  "A figure that is missing makes a rule an error by itself.",
			Hint:    "ask with has(…) whether a figure is there",
		})
	case types.Double:
		w.exact(e)
	case types.Bytes:
		w.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRuleDialect, Subject: w.rangeOf(e),
			Summary: "rules do without bytes",
			Detail:  "Strings are written \"so\".",
		})
	}
}

// ident is a variable of a macro, or else a namespace: evaluate, check, variable. A name that is neither is left to
// cel-go's checker, whose message is worded elsewhere.
func (w *walker) ident(e ast.Expr, in *scope) *figure {
	name := e.AsIdent()
	if strings.HasPrefix(name, ".") {
		at := w.script.at(e)
		w.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRuleDialect, Subject: w.script.rangeOf(at-1, w.script.tokenEnd(at)),
			Summary: fmt.Sprintf("%q starts with a dot", name),
			Hint:    "write " + name[1:],
		})
		return nil
	}
	if v := in.find(name); v != nil {
		if w.keys[e.ID()] = v.keyOf; v.typ == nil {
			return nil
		}
		return &figure{typ: v.typ}
	}
	if t := w.env.root.Fields[name]; t != nil {
		return &figure{typ: t, path: []string{name}, static: true}
	}
	return nil // told by the checker
}

// selected is a member by a dot. Of a map the name is a key, and is held to the known keys.
func (w *walker) selected(e ast.Expr, in *scope) *figure {
	sel := e.AsSelect()
	f := w.figure(sel.Operand(), in)
	if f == nil {
		return nil
	}
	switch f.typ.Kind {
	case schema.ObjectFigure:
		t := f.typ.Fields[sel.FieldName()]
		if t == nil {
			return nil // told by the checker
		}
		return f.part(t, sel.FieldName())
	case schema.MapFigure:
		start := w.script.skip(w.script.at(e) + 1)
		w.key(f, sel.FieldName(), w.script.rangeOf(start, w.script.tokenEnd(start)))
		return f.part(f.typ.Elem, sel.FieldName())
	}
	return nil
}

// part is the figure one step further: its path is longer by the name, unless a step before was not spelled out.
func (f *figure) part(t *schema.FigureType, name string) *figure {
	if !f.static {
		return &figure{typ: t, path: f.path}
	}
	return &figure{typ: t, path: append(slices.Clone(f.path), name), static: true}
}

// key complains about a key that is spelled out and not among those known.
func (w *walker) key(f *figure, key string, r source.Range) {
	if !f.typ.Closed || slices.Contains(f.typ.Keys, key) {
		return
	}
	detail, hint := listing("It has", f.typ.Keys), suggest.DidYouMean(key, f.typ.Keys)
	if len(f.typ.Keys) == 0 {
		detail = "It is empty."
		if n := len(f.path); n > 0 && f.path[n-1] == "slices" {
			detail = fmt.Sprintf("%s declares no slice.", PathString(f.path[:n-1]))
			hint = fmt.Sprintf("declare it there: slice %q { where = \"…\" }", key)
		}
	}
	w.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeRuleFigure, Subject: r,
		Summary: fmt.Sprintf("%s has no %q", f.describe(), key),
		Detail:  detail,
		Hint:    hint,
	})
}

// describe is the figure's path for a message, "this map" where none is known.
func (f *figure) describe() string {
	if len(f.path) == 0 {
		return "this map"
	}
	return PathString(f.path)
}

// call visits operators, functions and macros: to CEL all of them are calls. None of them is a figure but an index. After the arguments of an
// operator, its own mistakes are looked for: words that a figure never is, keys that a map never has, numbers that cannot be compared.
func (w *walker) call(e ast.Expr, in *scope) *figure {
	c := e.AsCall()
	args := c.Args()
	switch name := c.FunctionName(); {
	case name == operators.Index && len(args) == 2:
		return w.index(args[0], args[1], in)
	case name == operators.Has && !c.IsMemberFunction():
		w.has(e, in)
	case c.IsMemberFunction() && isMacro(name):
		w.macro(e, in)
	default:
		if c.IsMemberFunction() {
			w.walk(c.Target(), in)
		}
		for _, a := range args {
			w.walk(a, in)
		}
		if m := badLiteral(c); m.summary != "" {
			w.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeRuleFunction, Subject: w.rangeOf(args[len(args)-1]),
				Summary: m.summary,
				Detail:  m.detail,
				Hint:    m.hint,
			})
		}
		w.words(name, args)
		w.membership(name, args, in)
		w.compared(e, name, args)
	}
	return nil
}

// membership complains about keys that a map never has, on the left of in.
func (w *walker) membership(operator string, args []ast.Expr, in *scope) {
	if operator != operators.In || len(args) != 2 {
		return
	}
	if f := w.types[args[1].ID()]; f != nil && f.typ.Kind == schema.MapFigure {
		w.keysOf(f, args[0], in)
	}
}

// keysOf complains about each key that an expression spells out: itself, or through a macro over a list of them.
func (w *walker) keysOf(f *figure, key ast.Expr, in *scope) {
	if s, ok := literalString(key); ok {
		w.key(f, s, w.rangeOf(key))
		return
	}
	if key.Kind() != ast.IdentKind {
		return
	}
	if v := in.find(key.AsIdent()); v != nil {
		for _, e := range v.words {
			if s, ok := literalString(e); ok {
				w.key(f, s, w.rangeOf(e))
			}
		}
	}
}

// words complains about a figure compared with a word that it never is.
// A comparison with a misspelt word would never hold, and one by != always, so that the rule asks for nothing.
func (w *walker) words(operator string, args []ast.Expr) {
	if len(args) != 2 || operator != operators.Equals && operator != operators.NotEquals && operator != operators.In {
		return
	}
	f, others := w.types[args[0].ID()], args[1:]
	if f == nil {
		f, others = w.types[args[1].ID()], args[:1]
	}
	if operator == operators.In && others[0].Kind() == ast.ListKind {
		others = others[0].AsList().Elements()
	}
	if f == nil || len(f.typ.OneOf) == 0 {
		return
	}
	name := f.describe()
	if len(f.path) == 0 {
		name = w.script.source(args[0])
		if others[0] == args[0] {
			name = w.script.source(args[1])
		}
	}
	for _, e := range others {
		if word, ok := literalString(e); ok && !slices.Contains(f.typ.OneOf, word) {
			w.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeRuleFigure, Subject: w.rangeOf(e),
				Summary: fmt.Sprintf("%s is never %q", name, word),
				Detail:  listing("It is one of", f.typ.OneOf),
				Hint:    suggest.DidYouMean(word, f.typ.OneOf),
			})
		}
	}
}

// index is x[key]: of a map that has known keys a literal key is held to them, and what is not literal may be any.
func (w *walker) index(operand, key ast.Expr, in *scope) *figure {
	f := w.figure(operand, in)
	w.walk(key, in)
	if f == nil {
		return nil
	}
	literal := key.Kind() == ast.LiteralKind
	switch f.typ.Kind {
	case schema.MapFigure:
		w.keysOf(f, key, in)
		if s, ok := literalString(key); ok {
			return f.part(f.typ.Elem, s)
		}
	case schema.ListFigure:
		if d, ok := literalNumber(key); ok && literal {
			return f.part(f.typ.Elem, "["+strconv.FormatFloat(d, 'f', -1, 64)+"]")
		}
	default:
		return nil
	}
	return &figure{typ: f.typ.Elem, path: f.path}
}

// has asks for one figure by a dot: has(m["x"]) is no CEL, whose macro takes a selection.
func (w *walker) has(e ast.Expr, in *scope) {
	args := e.AsCall().Args()
	if len(args) != 1 || args[0].Kind() != ast.SelectKind {
		w.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRuleMacro, Subject: w.rangeOf(e),
			Summary: "has() takes one figure, named with a dot",
			Hint:    "has(evaluate.holdout.metrics.auc)",
		})
		return
	}
	w.walk(args[0], in)
}

// isMacro reports whether a function takes a variable and a body.
func isMacro(name string) bool {
	switch name {
	case operators.All, operators.Exists, operators.ExistsOne, operators.Map, operators.Filter:
		return true
	}
	return false
}

// macro visits xs.all(x, condition) and its like. The variable must not have the name of a figure or of another
// variable, so that no path means two things, and a residual can be written without renaming.
func (w *walker) macro(e ast.Expr, in *scope) {
	c := e.AsCall()
	args := c.Args()
	w.ranges[c.Target().ID()] = c.FunctionName()
	f := w.figure(c.Target(), in)
	if f != nil {
		w.read(c.Target(), f)
	}
	if len(args) != 2 || args[0].Kind() != ast.IdentKind {
		w.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRuleMacro, Subject: w.rangeOf(e),
			Summary: fmt.Sprintf("%s takes a name and what to do with it", c.FunctionName()),
			Hint:    fmt.Sprintf("%s.%s(x, x > 0.5)", w.script.source(c.Target()), c.FunctionName()),
		})
		return
	}
	name := args[0].AsIdent()
	if in.find(name) != nil || w.env.root.Fields[name] != nil {
		w.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRuleMacro, Subject: w.rangeOf(args[0]),
			Summary: fmt.Sprintf("%q has a meaning here already", name),
			Detail:  "The variable of a macro must not hide another name.",
			Hint:    "take another name, such as " + w.freeName(in),
		})
		return
	}
	// Over a list the variable is an element, over a map a key (keyOf names the map, for the hint that its value is m[k]).
	inner := &scope{name: name, outer: in}
	switch {
	case f == nil:
		if c.Target().Kind() == ast.ListKind {
			inner.words = c.Target().AsList().Elements()
		}
	case f.typ.Kind == schema.ListFigure:
		inner.typ = f.typ.Elem
	case f.typ.Kind == schema.MapFigure:
		inner.keyOf = w.script.source(c.Target())
		if inner.typ = schema.Word; f.typ.Closed {
			inner.typ = schema.OneOf(f.typ.Keys...)
		}
	}
	w.walk(args[1], inner)
}

// freeName is a name for a macro's variable that has no meaning yet.
func (w *walker) freeName(in *scope) string {
	for _, name := range []string{"x", "y", "z", "k", "v"} {
		if in.find(name) == nil && w.env.root.Fields[name] == nil {
			return name
		}
	}
	for i := 2; ; i++ {
		if name := fmt.Sprintf("x%d", i); in.find(name) == nil && w.env.root.Fields[name] == nil {
			return name
		}
	}
}

// literalString is the text of a literal; false for any other expression.
func literalString(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// literalNumber is the number of a literal, without a sign; false for any other expression.
func literalNumber(e ast.Expr) (float64, bool) {
	if e.Kind() != ast.LiteralKind {
		return 0, false
	}
	switch v := e.AsLiteral().(type) {
	case types.Double:
		return float64(v), true
	case types.Int: // of what is left of a rule
		return float64(v), true
	}
	return 0, false
}
