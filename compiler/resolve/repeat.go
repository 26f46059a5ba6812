package resolve

import (
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// forEach is the attribute that repeats a block.
const forEach = "for_each"

// element is one key of a for_each with its value; of a set of strings, the value is the key.
type element struct {
	key   string
	value cty.Value
}

// repeat makes the instances of a block that has a for_each, or calls a module. After a mistake the address stays
// known as one that nothing is known of.
// For for_each = toset(["eu", "us"]), train.model becomes train.model["eu"] and train.model["us"], each resolved in a
// scope of its own, in which each.key and each.value have their values. A module that is called once is one instance
// with the key "".
func (r *resolver) repeat(b *syntax.Block) {
	a := b.Attrs[forEach]
	if a == nil {
		r.scope.Modules[b.Name] = expr.Called{Outputs: map[string]cty.Value{"": r.callModule(b, "", r.scope)}}
		return
	}
	elements, ok := r.elements(a)
	if !ok {
		return
	}
	keys, outputs := []string{}, map[string]cty.Value{}
	for _, e := range elements {
		keys = append(keys, e.key)
		scope := r.scope.Each(e.key, e.value)
		if b.Kind == moduleKind {
			outputs[e.key] = r.callModule(b, e.key, scope)
			continue
		}
		r.add(b, e.key, open(map[string]cty.Value{"key": cty.StringVal(e.key), "value": e.value}), scope)
	}
	if b.Kind == moduleKind {
		r.scope.Modules[b.Name] = expr.Called{Keys: keys, Outputs: outputs}
		return
	}
	t := r.target(b)
	t.Keys = keys
	r.scope.Add(t)
}

// elements evaluates a for_each, sorted by key. A mistake in one key does not keep the others from being looked at;
// false if there is any, or if the value is not known because of another.
func (r *resolver) elements(a *syntax.Attr) ([]element, bool) {
	v, ds := r.scope.Eval(a)
	r.ds = append(r.ds, ds...)
	if ds.HasErrors() {
		return nil, false
	}
	if expr.IsSensitive(v) {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeForEach, Subject: a.Range,
			Summary: "for_each cannot take a sensitive value",
			Detail:  "Its keys are part of addresses, for everybody to read.",
		})
		return nil, false
	}
	_, single := expr.RefOf(v)
	bare, _ := v.Unmark()
	if !bare.IsKnown() {
		return nil, false
	}
	t := bare.Type()
	set := t.IsSetType() && (t.ElementType() == cty.String || bare.LengthInt() == 0)
	if single || bare.IsNull() || !set && !t.IsMapType() && !t.IsObjectType() {
		r.notRepeatable(bare, a.Range, single)
		return nil, false
	}
	var out []element
	ok := true
	// cty iterates maps, objects and sets of strings in the order of keys, so that the instances are sorted.
	for it := bare.ElementIterator(); it.Next(); {
		k, e := it.Element()
		if set {
			k = e
		}
		if !k.IsKnown() || k.IsNull() {
			return nil, false
		}
		ok = r.key(k.AsString(), a.Range) && ok
		out = append(out, element{key: k.AsString(), value: e})
	}
	return out, ok
}

// notRepeatable tells of a for_each that has no keys. A list is refused, as in Terraform: addresses by position would move
// when an element goes, and each stage behind would run anew.
func (r *resolver) notRepeatable(v cty.Value, at source.Range, single bool) {
	what, hint := describe(v), ""
	switch {
	case single:
		what = "a reference to one block"
	case !v.IsNull() && (v.Type().IsTupleType() || v.Type().IsListType()):
		hint = "write toset([ … ]): the instances of a list would move when an element goes"
	case !v.IsNull() && v.Type() == cty.Number:
		hint = `blocks are repeated by key, not by number: toset(["a", "b"])`
	}
	r.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeForEach, Subject: at,
		Summary: "for_each takes a map, or a set of strings",
		Detail:  fmt.Sprintf("This is %s.", what),
		Hint:    hint,
	})
}

// key checks a key, which stands in addresses, names of tables and names of folders.
// The hint makes of a key that does not fit one that does, and keeps the text as the value: of "North East", {
// north_east = "North East" }.
func (r *resolver) key(key string, at source.Range) bool {
	if key != "" && strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" {
		return true
	}
	hint := ""
	proper := strings.Trim(strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return '_'
	}, key), "_")
	if proper != "" {
		hint = fmt.Sprintf("write { %s = %q } and read each.value", proper, key)
	}
	r.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeForEach, Subject: at,
		Summary: fmt.Sprintf("%q cannot be a key", key),
		Detail:  "A key is part of an address and of names of tables: small letters, digits and underscores.",
		Hint:    hint,
	})
	return false
}
