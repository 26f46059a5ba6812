package rule

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// macro folds target.name(variable, body). Over a range whose elements are known it is unrolled; what is left of it
// then names each element: of slices.all(s, slices[s].auc > 0.6) with eu known to pass and us not known,
//
//	slices["us"].auc > 0.6
//
// is left. Over a range that is not known yet the macro stays, with what is known put into its body.
func (f *folder) macro(name string, target ast.Expr, variable string, body ast.Expr, in *vars) result {
	// all and exists end with the first element that decides; the others need every element.
	over := f.fold(target, in)
	if over.state != known {
		over.expr = f.rolled(name, over.expr, variable, body, in)
		return over
	}
	elements := f.elements(over)
	if name == operators.Map {
		return f.mapped(elements, variable, body, in)
	}
	bodies := make([]result, 0, len(elements))
	for _, e := range elements {
		r := f.fold(body, &vars{name: variable, is: e, outer: in})
		if r.state == known && (name == operators.All && r.value == false || name == operators.Exists && r.value == true) {
			return r
		}
		if bodies = append(bodies, r); f.steps > maxSteps {
			return r
		}
	}
	switch name {
	case operators.All:
		return f.joinAll(operators.LogicalAnd, false, bodies)
	case operators.Exists:
		return f.joinAll(operators.LogicalOr, true, bodies)
	}
	if r := undecided(bodies); r != nil {
		r.expr = f.rolled(name, over.expr, variable, body, in)
		return *r
	}
	return f.chosen(name, elements, bodies)
}

// rolled is the macro itself, with all folded in that does not depend on its variable.
func (f *folder) rolled(name string, over ast.Expr, variable string, body ast.Expr, in *vars) ast.Expr {
	ident := f.factory.NewIdent(0, variable)
	inner := f.folded(body, &vars{name: variable, is: f.done(f.open(ident)), outer: in})
	return f.factory.NewMemberCall(0, name, over, ident, inner)
}

// elements of a list, or the keys of a map.
func (f *folder) elements(over result) []place {
	if list, ok := over.value.([]place); ok {
		return list
	}
	keys := over.value.(dict).keys
	out := make([]place, len(keys))
	for i, k := range keys {
		out[i] = f.done(f.value(k))
	}
	return out
}

// joinAll joins what the elements came to; none of them decides alone. Of no elements `all` holds and `exists` does
// not.
func (f *folder) joinAll(op string, decisive bool, bodies []result) result {
	out := f.value(!decisive)
	for _, r := range bodies {
		out = f.join(op, decisive, out, r)
	}
	return out
}

// mapped is the list of bodies, each for one element, as places: a figure in the body is read when the list is used.
// Above the limit of steps the list is cut short, which is no matter, as the rule has failed by then.
func (f *folder) mapped(elements []place, variable string, body ast.Expr, in *vars) result {
	places := make([]place, 0, len(elements))
	for _, e := range elements {
		p := f.place(body, &vars{name: variable, is: e, outer: in})
		if places = append(places, p); f.steps > maxSteps {
			break
		}
	}
	return f.listOf(places)
}

// undecided is the first failed result, else the first open one, else nil.
func undecided(bodies []result) *result {
	for _, want := range []state{failed, open} {
		for _, r := range bodies {
			if r.state == want {
				return &r
			}
		}
	}
	return nil
}

// chosen folds exists_one and filter over decided conditions, one for each element in order.
func (f *folder) chosen(name string, elements []place, bodies []result) result {
	var out []place
	for i, r := range bodies {
		if r.value == true {
			out = append(out, elements[i])
		}
	}
	if name == operators.ExistsOne {
		return f.value(len(out) == 1)
	}
	return f.listOf(out)
}
