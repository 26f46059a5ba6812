package rule

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mlp-lang/mlp/lang/schema"
)

// in folds `x in list` and `key in map`. A list that holds x does so whatever its other elements are. One that does
// not, as far as is known, is open before failed, as || is.
// x is a string, number or bool, and is compared as Go compares: a number is a float64 on both sides.
func (f *folder) in(x any, container result, expr ast.Expr) result {
	if d, ok := container.value.(dict); ok {
		key, _ := x.(string)
		_, found := slices.BinarySearch(d.keys, key)
		return f.value(found)
	}
	out, list := f.value(false), container.value.([]place)
	if !f.spend(len(list)) {
		return f.tooMany(expr)
	}
	for _, p := range list {
		switch r := f.resolve(p); {
		case r.state == known && r.value == x:
			return f.value(true)
		case r.state != known && out.state != open:
			out = r
			out.expr = expr
		}
	}
	return out
}

// sizeOf counts the elements of a list, each of which must be there: a list made of figures that are missing has no size.
// A count that left some out would pass a rule such as size(x) < 3 because figures are missing.
func (f *folder) sizeOf(list []place, expr ast.Expr) result {
	if !f.spend(len(list)) {
		return f.tooMany(expr)
	}
	elements := make([]result, 0, len(list))
	for _, p := range list {
		elements = append(elements, f.presence(p))
	}
	if r := undecided(elements); r != nil {
		r.expr = expr
		return *r
	}
	return f.value(float64(len(list)))
}

// presence is what a place comes to; of a group of figures, whether there are any: a group has no value of its own.
func (f *folder) presence(p place) result {
	if p.done != nil || p.typ.Kind != schema.ObjectFigure {
		return f.resolve(p)
	}
	switch {
	case f.values.unknown(p.path) || len(f.values.unknownBelow(p.path)) > 0:
		return f.open(p.expr)
	case f.values.lookup(p.path) == nil:
		return f.fail(p.expr, "%s", f.values.why(p.path))
	}
	return f.value(true)
}

// ofList folds what else takes a list: its size, and + of two, which map and filter expand to.
func (f *folder) ofList(name string, list []place, operands []result, expr ast.Expr) result {
	switch name {
	case "size":
		return f.sizeOf(list, expr)
	case operators.Add:
		if more, ok := operands[1].value.([]place); ok && f.spend(len(list)+len(more)) {
			return f.listOf(slices.Concat(list, more))
		}
	}
	return f.undecidable(expr)
}
