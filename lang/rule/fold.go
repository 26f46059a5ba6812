package rule

import (
	"fmt"
	"math"
	"strconv"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/mlp-lang/mlp/lang/schema"
)

// state of a folded expression.
type state int

const (
	known  state = iota + 1 // it has a value
	failed                  // it depends on a figure that is missing, or on an impossible operation
	open                    // it depends on something not known yet
)

// result of folding an expression. expr is always set: the expression with all that is known put in, which decides like
// the original does. That of a failed result fails again. Expressions are shared between results and never changed.
type result struct {
	state  state
	value  any    // known: float64, bool, string, []place or dict
	fault  string // failed: the reason
	within *span  // open: where its value lies, if that is known (between.go)
	expr   ast.Expr
}

// place is an expression that may be a figure not read yet: of evaluate.holdout.metrics only .auc may be needed. Either
// done is set, or path and typ are.
type place struct {
	path []string           // of a figure
	typ  *schema.FigureType // of a figure
	expr ast.Expr
	done *result // set where it is no figure
}

// dict is a map of figures whose keys are known; its values are read when they are asked for. at is where the map
// stands.
type dict struct {
	at   place
	keys []string // sorted
}

// folder folds one rule once, against one set of values. It is not for several goroutines.
type folder struct {
	root     *schema.FigureType
	values   *Values
	factory  ast.ExprFactory
	steps    int // see cost.go
	seen     []Seen
	read     map[string]bool // paths in seen
	patterns map[string]pattern
}

// vars are the variables of macros around an expression, innermost first; nil outside of macros.
type vars struct {
	name  string
	is    place
	outer *vars
}

// find looks for the variable of a macro, the innermost first.
func (v *vars) find(name string) *vars {
	for ; v != nil; v = v.outer {
		if v.name == name {
			return v
		}
	}
	return nil
}

func (f *folder) fail(e ast.Expr, format string, args ...any) result {
	return result{state: failed, fault: fmt.Sprintf(format, args...), expr: e}
}

// undecidable is what rules that compile have none of. It is a fault and no panic: compiled rules may come from a cache
// that another program wrote.
func (f *folder) undecidable(e ast.Expr) result {
	return f.fail(e, "%s cannot be decided", f.text(e))
}

func (f *folder) open(e ast.Expr) result { return result{state: open, expr: e} }

// value makes a known scalar; its expression is a literal, of whole numbers without ".0".
// The literal is for messages, which show what is left of a rule: 3 reads better than 3.0.
func (f *folder) value(v any) result {
	var lit ref.Val
	switch x := v.(type) {
	case float64:
		if lit = types.Double(x); whole(x) {
			lit = types.Int(x)
		}
	case bool:
		lit = types.Bool(x)
	case string:
		lit = types.String(x)
	}
	return result{state: known, value: v, expr: f.factory.NewLiteral(0, lit)}
}

// fold gives what e comes to, reading the figure if e is one.
func (f *folder) fold(e ast.Expr, in *vars) result {
	return f.resolve(f.place(e, in))
}

// place gives what e stands for, without reading it if it is a figure.
// Steps are counted, so that a rule over many figures ends in time; past the limit it is undecidable, which is a fault
// and not a pass.
func (f *folder) place(e ast.Expr, in *vars) place {
	if !f.spend(1) {
		return f.done(f.tooMany(e))
	}
	switch e.Kind() {
	case ast.IdentKind:
		return f.ident(e, in)
	case ast.SelectKind:
		sel := e.AsSelect()
		return f.member(f.place(sel.Operand(), in), sel.FieldName())
	case ast.LiteralKind:
		return f.done(f.literal(e))
	case ast.ListKind:
		return f.done(f.list(e.AsList().Elements(), in))
	case ast.CallKind:
		switch c := e.AsCall(); c.FunctionName() {
		case operators.Index:
			return f.index(c.Args(), in)
		case operators.Conditional:
			return f.conditional(c.Args(), in)
		}
		return f.done(f.call(e.AsCall(), in))
	}
	return f.done(f.undecidable(e))
}

func (f *folder) done(r result) place { return place{expr: r.expr, done: &r} }

// ident is a macro's variable, else the first word of a path.
func (f *folder) ident(e ast.Expr, in *vars) place {
	name := e.AsIdent()
	if v := in.find(name); v != nil {
		return v.is
	}
	return place{path: []string{name}, typ: f.root.Fields[name], expr: e}
}

// literal is what is written out: a number, a truth value or a text.
func (f *folder) literal(e ast.Expr) result {
	switch v := e.AsLiteral().(type) {
	case types.Double:
		return f.value(float64(v))
	case types.Bool:
		return f.value(bool(v))
	case types.String:
		return f.value(string(v))
	}
	return f.undecidable(e)
}

// list is a list in the rule; its elements are read when something asks for them.
func (f *folder) list(elements []ast.Expr, in *vars) result {
	places := make([]place, len(elements))
	for i, e := range elements {
		places[i] = f.place(e, in)
	}
	return f.listOf(places)
}

// listOf is a list of places: elements stay where they stand, so that one whose figure is not known yet leaves the others
// decided.
func (f *folder) listOf(places []place) result {
	if !f.spend(len(places)) {
		return f.tooMany(f.factory.NewList(0, nil, nil))
	}
	exprs := make([]ast.Expr, len(places))
	for i, p := range places {
		exprs[i] = p.expr
	}
	return result{state: known, value: places, expr: f.factory.NewList(0, exprs, nil)}
}

// member is p.name: a field of an object or a key of a map. Of what is no figure, open or failed, the member is so too.
// The path is cut to its length before it grows: places share their beginnings.
func (f *folder) member(p place, name string) place {
	if p.done != nil {
		r := *p.done
		r.expr = f.memberExpr(p.expr, name)
		return f.done(r)
	}
	child := place{path: append(p.path[:len(p.path):len(p.path)], name), expr: f.memberExpr(p.expr, name)}
	if child.typ = p.typ.Elem; p.typ.Kind == schema.ObjectFigure {
		child.typ = p.typ.Fields[name]
	}
	return child
}

// memberExpr writes x.name, or x["name"] where the name is none in CEL.
func (f *folder) memberExpr(e ast.Expr, name string) ast.Expr {
	if identifier(name) {
		return f.factory.NewSelect(0, e, name)
	}
	return f.factory.NewCall(0, operators.Index, e, f.factory.NewLiteral(0, types.String(name)))
}

// index folds x[key]. A text is a member of a map or object, a number an element of a list; a key that is open leaves the
// whole open.
func (f *folder) index(args []ast.Expr, in *vars) place {
	p, key := f.place(args[0], in), f.fold(args[1], in)
	expr := f.factory.NewCall(0, operators.Index, p.expr, key.expr)
	if key.state != known {
		key.expr = expr
		return f.done(key)
	}
	if name, ok := key.value.(string); ok {
		if p.done == nil {
			child := f.member(p, name)
			child.expr = expr
			return child
		}
		r := *p.done
		r.expr = expr
		return f.done(r)
	}
	return f.element(p, key.value.(float64), expr)
}

// element is p[i] of a list. Indices are doubles here, as all numbers; one that is no whole number within the list is a
// fault.
func (f *folder) element(p place, i float64, expr ast.Expr) place {
	list := f.resolve(p)
	if list.state != known {
		list.expr = expr
		return f.done(list)
	}
	elements := list.value.([]place)
	if i != math.Trunc(i) || i < 0 || i >= float64(len(elements)) {
		return f.done(f.fail(expr, "%s has %d elements and none at %s", f.text(p.expr), len(elements), strconv.FormatFloat(i, 'g', -1, 64)))
	}
	return elements[int(i)]
}
