package expr

import (
	"reflect"

	"github.com/zclconf/go-cty/cty"
)

// Ref is a reference to a block's port. Port is "" where the block itself was named.
type Ref struct {
	Address string
	Port    string
}

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

func capsule() cty.Type {
	return cty.Capsule("reference", reflect.TypeFor[Ref]())
}

// blockValue is the value of a block in expressions: an object with one reference for each port.
func (s *Scope) blockValue(t Target) cty.Value {
	attrs := map[string]cty.Value{own: cty.CapsuleVal(s.capsule, &Ref{Address: t.Address()})}
	for _, p := range t.Ports {
		attrs[p] = cty.CapsuleVal(s.capsule, &Ref{Address: t.Address(), Port: p})
	}
	return cty.ObjectVal(attrs).Mark(computed{})
}

// RefOf returns the reference that v is; false if it is anything else.
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

// HasRefs tells whether v is, holds, or was computed from a reference.
func HasRefs(v cty.Value) bool { return v.HasMarkDeep(computed{}) }
