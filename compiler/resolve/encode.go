package resolve

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/schema"
)

// number writes a number in the one form it has: whole numbers in full up to 1e21, others as the shortest decimal of
// the nearest float64; or in full where that is another number and it has no more digits than a decimal of SQL, so that whoever takes
// it can keep or refuse it.
func number(f *big.Float) (json.Number, error) {
	if f.IsInf() {
		return "", fmt.Errorf("infinity is no value")
	}
	// 2^70 is about 1.2e21, where encoding/json goes over to exponents.
	if f.IsInt() && f.MantExp(nil) <= 70 {
		i, _ := f.Int(nil)
		return json.Number(i.String()), nil
	}
	x, _ := f.Float64()
	if math.IsInf(x, 0) {
		return "", fmt.Errorf("%s is out of range", f.Text('g', 6))
	}
	if text := f.Text('f', mostDigits); !schema.SameDigits(text, x) && math.Abs(x) >= 1e-6 && math.Abs(x) < 1e21 {
		if same, _, err := big.ParseFloat(text, 10, f.Prec(), big.ToNearestEven); err == nil && same.Cmp(f) == 0 {
			return json.Number(strings.TrimRight(text, "0")), nil
		}
	}
	b, err := json.Marshal(x)
	return json.Number(b), err
}

// mostDigits is how many digits a decimal of SQL has behind its point at most (DECIMAL(38, 38)).
const mostDigits = 38

// mostNumber says which numbers there are.
const mostNumber = "Numbers go up to 1.7e308, and down to -1.7e308. A division by zero has none."

// beyond reports whether a value has a number that no float64 can hold: no rule could read it, and no plan.
func beyond(v cty.Value) bool {
	found := false
	v, _ = v.UnmarkDeep()
	_ = cty.Walk(v, func(_ cty.Path, e cty.Value) (bool, error) {
		if e.Type() == cty.Number && e.IsKnown() && !e.IsNull() {
			x, _ := e.AsBigFloat().Float64()
			found = found || math.IsInf(x, 0)
		}
		return !found, nil
	})
	return found
}

// plain turns a value into what plan.Canonical writes: string, bool, json.Number, map, slice, nil. References, unknown
// and infinite values are errors. Marks of sensitive values are lost: whoever calls has looked at them.
func plain(v cty.Value) (any, error) {
	v, _ = v.Unmark()
	if !v.IsKnown() {
		return nil, fmt.Errorf("the value is not known")
	}
	if v.IsNull() {
		return nil, nil
	}
	switch t := v.Type(); {
	case t == cty.String:
		return v.AsString(), nil
	case t == cty.Bool:
		return v.True(), nil
	case t == cty.Number:
		return number(v.AsBigFloat())
	case t.IsCapsuleType():
		return nil, fmt.Errorf("a reference is no value")
	case t.IsObjectType(), t.IsMapType():
		return plainObject(v)
	default:
		return plainList(v)
	}
}

// plainObject is plain of an object or a map.
// Keys are strings in HCL whatever they look like: { 1 = "a" } has the key "1".
func plainObject(v cty.Value) (any, error) {
	if _, ok := expr.RefOf(v); ok {
		return nil, fmt.Errorf("a reference is no value")
	}
	out := map[string]any{}
	for it := v.ElementIterator(); it.Next(); {
		key, elem := it.Element()
		p, err := plain(elem)
		if err != nil {
			return nil, err
		}
		out[key.AsString()] = p
	}
	return out, nil
}

// plainList is plain of a list, tuple or set; a set is in cty's order.
func plainList(v cty.Value) (any, error) {
	out := []any{}
	for it := v.ElementIterator(); it.Next(); {
		_, elem := it.Element()
		p, err := plain(elem)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// plainDefault turns a schema's default into what plan.Canonical writes, in the same form as a written value.
// A default and the same value written out must have one fingerprint: otherwise writing a default down would run the
// stage again.
func plainDefault(v any) any {
	switch d := v.(type) {
	case float64:
		n, err := number(big.NewFloat(d))
		if err != nil {
			return nil
		}
		return n
	case []float64:
		out := make([]any, len(d))
		for i, x := range d {
			out[i] = plainDefault(x)
		}
		return out
	}
	return v
}

// valuesJSON are the values that can be written down, by name. Those that rest on a mistake or hold a reference are left
// out.
func valuesJSON(values map[string]cty.Value) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for name, v := range values {
		if !v.IsWhollyKnown() || expr.HasRefs(v) {
			continue
		}
		if p, err := plain(v); err == nil {
			if text, err := plan.Canonical(p); err == nil {
				out[name] = text
			}
		}
	}
	return out
}
