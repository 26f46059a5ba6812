package resolve

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// address reads an argument that names a block, or a module, which need not be there: moved { from = … } names one that
// is gone. It is relative to this module; the address returned is not: in module.cards, train.model is
// module.cards.train.model.
func (w *walker) address(a *syntax.Attr, path string) (any, outcome) {
	t, hds := hcl.AbsTraversalForExpr(a.Expr)
	if hds.HasErrors() {
		detail, hint := "It is written out: kind.name, kind.name[\"key\"] or module.name.kind.name.", ""
		if s, ok := literalString(a.Expr); ok {
			hint = "leave the quotes out: " + s
		}
		w.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeAddress, Subject: a.Range,
			Summary: fmt.Sprintf("%s takes the address of a block", path),
			Detail:  detail,
			Hint:    hint,
		})
		return nil, wrong
	}
	// Each step is a block's address; behind that of a module another one follows.
	address := ""
	for len(t) > 0 {
		kind, rest, why := w.r.step(t)
		if why != nil {
			why.Subject = a.Range
			w.r.report(*why)
			return nil, wrong
		}
		address += kind
		if len(rest) > 0 {
			address += "."
		}
		t = rest
	}
	return w.r.prefix + address, present
}

// step reads one block's address from the head of a traversal; what is behind that of a module is an address in it, and
// is returned as rest. why is nil, or the mistake without its place.
func (r *resolver) step(t hcl.Traversal) (address string, rest hcl.Traversal, why *source.Diagnostic) {
	mistake := func(d source.Diagnostic) (string, hcl.Traversal, *source.Diagnostic) {
		d.Severity, d.Code = source.Error, source.CodeAddress
		return "", nil, &d
	}
	kind := attrName(t[0])
	if kind == "" || !r.isKind(kind) {
		return mistake(source.Diagnostic{
			Summary: fmt.Sprintf("there is no kind of block %q", kind),
			Detail:  "An address begins with the kind of its block.",
			Hint:    suggest.DidYouMean(kind, r.in.Kinds),
		})
	}
	if len(t) < 2 || attrName(t[1]) == "" {
		return mistake(source.Diagnostic{Summary: fmt.Sprintf("%s is no whole address", kind), Detail: "It lacks the block's name: " + kind + ".name."})
	}
	name := attrName(t[1])
	address, rest = kind+"."+name, t[2:]
	if len(rest) > 0 {
		if index, ok := rest[0].(hcl.TraverseIndex); ok {
			if index.Key.Type() != cty.String {
				return mistake(source.Diagnostic{
					Summary: fmt.Sprintf("an instance of %s goes by its key", address),
					Detail:  "Keys are strings.",
					Hint:    fmt.Sprintf("write %s[\"key\"]", address),
				})
			}
			address, rest = instanceAddress(address, index.Key.AsString()), rest[1:]
		}
	}
	if kind != moduleKind && len(rest) > 0 {
		return mistake(source.Diagnostic{
			Summary: "an address ends with the block's name",
			Detail:  "What a block yields goes where the block goes.",
			Hint:    "write " + address,
		})
	}
	return address, rest, nil
}

// isKind reports whether blocks of that kind can stand in a module.
func (r *resolver) isKind(name string) bool {
	for _, k := range r.in.Kinds {
		if k == name {
			return true
		}
	}
	return false
}

// attrName is the name of a step of a traversal, "" of an index.
func attrName(step hcl.Traverser) string {
	switch s := step.(type) {
	case hcl.TraverseRoot:
		return s.Name
	case hcl.TraverseAttr:
		return s.Name
	}
	return ""
}

// literalString is the value of an expression that is a plain string, such as a key in `evaluate.holdout["eu"]`. False of
// all that would have to be evaluated: addresses are read before anything has a value.
func literalString(e hclsyntax.Expression) (string, bool) {
	v, hds := e.Value(nil)
	if hds.HasErrors() || v.Type() != cty.String || !v.IsKnown() || v.IsNull() {
		return "", false
	}
	return v.AsString(), true
}
