package rule

import (
	"cmp"
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
	out := f.value(false)
	for _, p := range container.value.([]place) {
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

// ofList folds functions of a whole list.
func (f *folder) ofList(name string, list []place, operands []result, expr ast.Expr) result {
	switch name {
	case "size":
		return f.value(float64(len(list)))
	case operators.Add:
		if more, ok := operands[1].value.([]place); ok {
			return f.listOf(slices.Concat(list, more))
		}
		return f.fail(expr, "%s cannot be decided", print(expr))
	}
	numbers, undecided := f.allNumbers(list, expr)
	if undecided != nil {
		return *undecided
	}
	return f.aggregate(name, numbers, expr)
}

// allNumbers reads a list of numbers. A failed element fails the whole, even while another is open.
func (f *folder) allNumbers(list []place, expr ast.Expr) ([]float64, *result) {
	numbers := make([]float64, 0, len(list))
	var undecided *result
	for _, p := range list {
		r := f.resolve(p)
		if x, ok := r.value.(float64); ok && r.state == known {
			numbers = append(numbers, x)
			continue
		}
		if r.expr = expr; undecided == nil || undecided.state == open && r.state == failed {
			undecided = &r
		}
	}
	return numbers, undecided
}

func (f *folder) aggregate(name string, xs []float64, expr ast.Expr) result {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	if name == "sum" {
		return f.finite(sum, expr)
	}
	if len(xs) == 0 {
		return f.fail(expr, "%s of an empty list", name)
	}
	switch name {
	case "min":
		return f.value(slices.MinFunc(xs, cmp.Compare))
	case "max":
		return f.value(slices.MaxFunc(xs, cmp.Compare))
	case "mean":
		return f.finite(sum/float64(len(xs)), expr)
	}
	return f.fail(expr, "%s cannot be decided", print(expr))
}
