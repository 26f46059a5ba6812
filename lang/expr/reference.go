package expr

import (
	"reflect"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Ref is a reference to a block's port. Port is "" where the block itself was named. Address has the module's prefix
// and the key of an instance.
type Ref struct {
	Address string
	Port    string
	Name    string // by which lists, queries and ports call it
}

// String is the reference as it would be written in the root module.
func (r Ref) String() string {
	if r.Port == "" {
		return r.Address
	}
	return r.Address + "." + r.Port
}

// own is the hidden attribute of a block's value that stands for the block itself. No identifier of HCL can be it.
const own = "\x00own"

// computed marks everything that comes from a reference, so that a length or an equality of references is known for
// one when it turns up where a value is wanted.
type computed struct{}

// label is the name of a block in lists of references.
func (t Target) label() string { return schema.KeyedName(t.Name, t.key) }

// capsule is the type of references of one scope. Two capsule types are never the same, so that all references of a
// scope must have one: else a choice between two of them would be no value of one type.
func capsule() cty.Type {
	return cty.Capsule("reference", reflect.TypeFor[Ref]())
}

// blockValue is the value of a block in expressions: an object with one reference for each port.
func (s *Scope) blockValue(t Target) cty.Value {
	attrs := map[string]cty.Value{own: cty.CapsuleVal(s.capsule, &Ref{Address: t.Address(), Name: t.label()})}
	for _, p := range t.Ports {
		attrs[p] = cty.CapsuleVal(s.capsule, &Ref{Address: t.Address(), Port: p, Name: t.label()})
	}
	return cty.ObjectVal(attrs).Mark(computed{})
}

// Reference is the value of a block for who has no scope that knows it: what `source.orders` is in an expression.
func Reference(t Target) cty.Value { return (&Scope{capsule: capsule()}).blockValue(t) }

// instances is the value of a repeated block: an object with the value of each instance by its key.
func (s *Scope) instances(t Target) cty.Value {
	attrs := map[string]cty.Value{}
	for _, key := range t.Keys {
		attrs[key] = s.blockValue(t.instance(key))
	}
	return cty.ObjectVal(attrs).Mark(computed{})
}

// Named returns v with the references that it is going by another name; other values are returned as they are.
// A block with ports is an object of references; each of them gets the name. v is not changed.
func Named(v cty.Value, name string) cty.Value {
	if _, ok := RefOf(v); !ok {
		return v
	}
	bare, marks := v.Unmark()
	if bare.Type().IsCapsuleType() {
		ref := *bare.EncapsulatedValue().(*Ref)
		ref.Name = name
		return cty.CapsuleVal(bare.Type(), &ref).WithMarks(marks)
	}
	attrs := map[string]cty.Value{}
	for attr, port := range bare.AsValueMap() {
		attrs[attr] = Named(port, name)
	}
	return cty.ObjectVal(attrs).WithMarks(marks)
}

// RefOf returns the reference that v is; false if it is anything else, as a list of one.
// Of a block with ports it is the reference to the block itself, which it holds beside its ports.
func RefOf(v cty.Value) (Ref, bool) {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return Ref{}, false
	}
	if t := v.Type(); t.IsObjectType() && t.HasAttribute(own) {
		return RefOf(v.GetAttr(own))
	}
	if v.Type().IsCapsuleType() {
		if r, ok := v.EncapsulatedValue().(*Ref); ok {
			return *r, true
		}
	}
	return Ref{}, false
}

// HasRefs reports whether v is, holds, or was computed from a reference.
func HasRefs(v cty.Value) bool { return hasMark(v, computed{}) }
