package rule

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// in folds `x in list` and `key in map`. A list that holds x does so whatever its other elements are.
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

// ofList folds what else takes a list.
func (f *folder) ofList(name string, list []place, operands []result, expr ast.Expr) result {
	switch name {
	case "size":
		return f.value(float64(len(list)))
	case operators.Add:
		if more, ok := operands[1].value.([]place); ok && f.spend(len(list)+len(more)) {
			return f.listOf(slices.Concat(list, more))
		}
	}
	return f.undecidable(expr)
}
