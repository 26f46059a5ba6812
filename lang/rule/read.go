package rule

import (
	"strconv"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mlp-lang/mlp/lang/schema"
)

// resolve reads a figure.
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
	places := make([]place, len(list))
	for i := range list {
		n := strconv.Itoa(i)
		places[i] = place{path: append(p.path[:len(p.path):len(p.path)], "["+n+"]"), typ: p.typ.Elem,
			expr: f.factory.NewCall(0, operators.Index, p.expr, f.factory.NewLiteral(0, types.Int(i)))}
	}
	return result{state: known, value: places, expr: p.expr}
}

// readMap finds the keys of a map. It is open where a key may yet come: something unknown lies directly below, or below
// a key that is not there.
func (f *folder) readMap(p place) result {
	raw := f.values.lookup(p.path)
	m, _ := raw.(map[string]any)
	for _, u := range f.values.unknownBelow(p.path) {
		if !keyKnown(m, u) {
			return f.open(p.expr)
		}
	}
	if m == nil {
		return f.notThere(p, raw, "a map")
	}
	keys := sortedKeys(m)
	live := keys[:0]
	for _, k := range keys {
		if m[k] != nil {
			live = append(live, k)
		}
	}
	return result{state: known, value: dict{at: p, keys: live}, expr: p.expr}
}

// keyKnown tells whether the unknown path below a map lies within the value of a key that is there.
func keyKnown(m map[string]any, below string) bool {
	for k, v := range m {
		if v != nil && len(below) > len(k)+1 && below[:len(k)+1] == k+"." {
			return true
		}
	}
	return false
}

func (f *folder) notThere(p place, raw any, want string) result {
	if raw == nil {
		return f.fail(p.expr, "%s", f.values.why(p.path))
	}
	return f.fail(p.expr, "%s is %s, not %s", PathString(p.path), goWords(raw), want)
}
