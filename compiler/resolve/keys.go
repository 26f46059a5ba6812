package resolve

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// strayKey is a key of an object that the type it is converted to does not have.
type strayKey struct {
	path  string   // "[0].b.colour"
	steps []any    // the same: keys and positions
	name  string   // "colour"
	known []string // the type's own, sorted
}

// strayKeys finds keys that a conversion to the type would drop without a word, in the order of the value: with the
// type object({ a = string }), { a = "x", b = "y" } has the stray key b. path and steps are where v stands.
func strayKeys(v cty.Value, ty cty.Type, path string, steps ...any) []strayKey {
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
		return nil
	}
	var out []strayKey
	for it := v.ElementIterator(); it.Next(); {
		key, e := it.Element()
		key, _ = key.Unmark()
		at, elem := path, cty.DynamicPseudoType
		// The full slice expression makes append copy: else siblings would write into one another's steps.
		to := append(steps[:len(steps):len(steps)], stepOf(key))
		switch named := key.Type() == cty.String && key.IsKnown(); {
		case ty.IsObjectType() && named && (v.Type().IsObjectType() || v.Type().IsMapType()):
			name := key.AsString()
			at += "." + name
			if !ty.HasAttribute(name) {
				out = append(out, strayKey{path: at, steps: to, name: name, known: slices.Sorted(maps.Keys(ty.AttributeTypes()))})
				continue
			}
			elem = ty.AttributeType(name)
		case ty.IsMapType() && named:
			at, elem = fmt.Sprintf("%s[%q]", path, key.AsString()), ty.ElementType()
		case ty.IsListType() || ty.IsSetType():
			elem = ty.ElementType()
			if i, ok := position(key); ok {
				at = fmt.Sprintf("%s[%d]", path, i)
			}
		case ty.IsTupleType():
			i, ok := position(key)
			if !ok || i >= ty.Length() {
				continue // told by the conversion
			}
			at, elem = fmt.Sprintf("%s[%d]", path, i), ty.TupleElementType(i)
		}
		out = append(out, strayKeys(e, elem, at, to...)...)
	}
	return out
}

// stepOf is a key as a string, a position as an int; nil if it is neither.
func stepOf(key cty.Value) any {
	if i, ok := position(key); ok {
		return i
	}
	if key.Type() == cty.String && key.IsKnown() {
		return key.AsString()
	}
	return nil
}

// keyRange finds where a key stands that an argument spells out, else false: the value may come from elsewhere. steps
// are keys and positions from the argument down.
// For the argument { a = { colour = "red" } } and the steps "a", "colour" that is the place of the word colour.
func keyRange(a *syntax.Attr, steps ...any) (source.Range, bool) {
	// An expression that is not written out here (a local, a function) has no place for its keys.
	e := hclsyntax.Expression(nil)
	if a != nil {
		e = a.Expr
	}
	at := source.Range{}
	for _, step := range steps {
		at = source.Range{}
		switch t := e.(type) {
		case *hclsyntax.TupleConsExpr:
			i, ok := step.(int)
			if !ok || i >= len(t.Exprs) {
				return at, false
			}
			e = t.Exprs[i]
		case *hclsyntax.ObjectConsExpr:
			e = nil
			for _, item := range t.Items {
				if key, hds := item.KeyExpr.Value(nil); !hds.HasErrors() && stepOf(key) == step {
					e, at = item.ValueExpr, a.File.Range(item.KeyExpr.Range())
				}
			}
		}
		if e == nil {
			return at, false
		}
	}
	return at, !at.IsZero()
}

// position is an index of a list or tuple.
func position(key cty.Value) (int, bool) {
	if key.Type() != cty.Number || !key.IsKnown() {
		return 0, false
	}
	i, _ := key.AsBigFloat().Int64()
	return int(i), true
}

// strays adds a diagnostic for each key that the variable's type does not have; it returns false if there are any.
// HCL drops such keys when it converts a value to the type, so that a misspelt { trehshold = 0.3 } would be a threshold
// by default. The place is the key where the value is written in a file, else the whole value, with where it comes from
// (a flag, the environment). Of a sensitive variable not even the names of keys are told.
func (x *variable) strays(v cty.Value, o origin) bool {
	found := strayKeys(v, x.ty, x.name)
	if len(found) > 0 && x.hides(v) {
		x.report(o, source.Diagnostic{Summary: fmt.Sprintf("variable %q has attributes that its type does not have", x.name), Detail: withheld})
		return false
	}
	for _, k := range found {
		known := map[string]bool{}
		for _, name := range k.known {
			known[name] = true
		}
		detail := fmt.Sprintf("Its type has %s.", listOr(known, "no attributes"))
		if o.from != "" {
			detail += fmt.Sprintf(" The value comes from %s.", o.from)
		}
		at := o.at
		if r, ok := keyRange(o.attr, k.steps...); ok {
			at = r
		}
		x.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeVariableValue, Subject: at,
			Summary: fmt.Sprintf("the type of variable %q has no attribute %q, given as %s", x.name, k.name, k.path),
			Detail:  detail,
			Hint:    suggest.DidYouMean(k.name, k.known),
		})
	}
	return len(found) == 0
}
