package rule

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mlp-lang/mlp/lang/schema"
)

// resolve reads a figure. A scalar is noted among those seen, once, in the order of reading; of a group of figures
// nothing can be read, which the checker finds before.
func (f *folder) resolve(p place) result {
	switch {
	case p.done != nil:
		return *p.done
	case f.values.unknown(p.path):
		return f.open(p.expr)
	case p.typ.Kind == schema.ListFigure:
		return f.readList(p)
	case p.typ.Kind == schema.MapFigure:
		return f.readMap(p)
	case p.typ.Kind == schema.ObjectFigure:
		return f.fail(p.expr, "%s is a group of figures", PathString(p.path))
	}
	if span, ok := f.between(p); ok {
		return span
	}
	value, fault := f.values.scalar(p.path, p.typ.Kind)
	if fault != "" {
		return f.fail(p.expr, "%s", fault)
	}
	if name := PathString(p.path); !f.read[name] {
		f.read[name] = true
		f.seen = append(f.seen, Seen{Path: name, Value: value})
	}
	return f.value(value)
}

// readList reads a list; its elements are read when they are needed. With anything unknown below, it is open.
func (f *folder) readList(p place) result {
	if len(f.values.unknownBelow(p.path)) > 0 {
		return f.open(p.expr)
	}
	raw := f.values.lookup(p.path)
	list, ok := raw.([]any)
	if !ok {
		return f.notThere(p, raw, "a list")
	}
	if !f.spend(len(list)) {
		return f.tooMany(p.expr)
	}
	places := make([]place, len(list))
	for i := range list {
		n := strconv.Itoa(i)
		// The expression is made anew so that what is left of a rule can show the element: evaluate.e.folds[2] > 0.7.
		places[i] = place{path: append(p.path[:len(p.path):len(p.path)], "["+n+"]"), typ: p.typ.Elem,
			expr: f.factory.NewCall(0, operators.Index, p.expr, f.factory.NewLiteral(0, types.Int(i)))}
	}
	return result{state: known, value: places, expr: p.expr}
}

// readMap finds the keys of a map: the keys of its value, nulls included, and the keys that its type declares, so that a macro over the
// map (slices.all(s, …)) meets every figure that is missing too. The result is open where a stage that has not run may add keys.
func (f *folder) readMap(p place) result {
	raw := f.values.lookup(p.path)
	m, _ := raw.(map[string]any)
	below := f.values.unknownBelow(p.path)
	switch {
	case m == nil && len(below) > 0:
		return f.open(p.expr)
	case m == nil:
		return f.notThere(p, raw, "a map")
	}
	if !f.spend(len(m) + len(p.typ.Keys)) {
		return f.tooMany(p.expr)
	}
	keys := append(sortedKeys(m), p.typ.Keys...)
	slices.Sort(keys)
	keys = slices.Compact(keys)
	for _, u := range below {
		if !slices.ContainsFunc(keys, func(k string) bool { return u == k || strings.HasPrefix(u, k+".") }) {
			return f.open(p.expr)
		}
	}
	return result{state: known, value: dict{at: p, keys: keys}, expr: p.expr}
}

// notThere is the fault of a rule that reads a figure which is missing, or is of another type than was declared.
func (f *folder) notThere(p place, raw any, want string) result {
	if raw == nil {
		return f.fail(p.expr, "%s", f.values.why(p.path))
	}
	return f.fail(p.expr, "%s is %s, not %s", PathString(p.path), goWords(raw), want)
}
