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

// address reads an argument that names a block, or a module, which need not be there. It is relative to this module;
// the address returned is not.
func (w *walker) address(a *syntax.Attr, path string) (any, outcome) {
	t, hds := hcl.AbsTraversalForExpr(a.Expr)
	if hds.HasErrors() {
		detail, hint := "It is written out: kind.name, kind.name[\"key\"] or module.name.kind.name.", ""
		if s, ok := literalString(a.Expr); ok {
			hint = "leave the quotes out: " + s
		}
		w.r.fail(source.CodeAddress, a.Range, fmt.Sprintf("%s takes the address of a block", path), detail, hint)
		return nil, wrong
	}
	address := ""
	for len(t) > 0 {
		kind, rest, why := w.r.step(t)
		if why != nil {
			why.Subject = a.Range
			w.r.ds = append(w.r.ds, *why)
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

// step reads one block's address from the head of a traversal; what is behind that of a module is an address in it.
func (r *resolver) step(t hcl.Traversal) (address string, rest hcl.Traversal, why *source.Diagnostic) {
	mistake := func(summary, detail, hint string) (string, hcl.Traversal, *source.Diagnostic) {
		return "", nil, &source.Diagnostic{Severity: source.Error, Code: source.CodeAddress, Summary: summary, Detail: detail, Hint: hint}
	}
	kind := attrName(t[0])
	if kind == "" || !r.isKind(kind) {
		return mistake(fmt.Sprintf("there is no kind of block %q", kind), "An address begins with the kind of its block.", suggest.DidYouMean(kind, r.in.Kinds))
	}
	if len(t) < 2 || attrName(t[1]) == "" {
		return mistake(fmt.Sprintf("%s is no whole address", kind), "It lacks the block's name: "+kind+".name.", "")
	}
	name := attrName(t[1])
	address, rest = kind+"."+name, t[2:]
	if len(rest) > 0 {
		if index, ok := rest[0].(hcl.TraverseIndex); ok {
			if index.Key.Type() != cty.String {
				return mistake(fmt.Sprintf("an instance of %s goes by its key", address), "Keys are strings.", fmt.Sprintf("write %s[\"key\"]", address))
			}
			address, rest = instanceAddress(address, index.Key.AsString()), rest[1:]
		}
	}
	if kind != moduleKind && len(rest) > 0 {
		return mistake("an address ends with the block's name", "What a block yields goes where the block goes.", "write "+address)
	}
	return address, rest, nil
}

func (r *resolver) isKind(name string) bool {
	for _, k := range r.in.Kinds {
		if k == name {
			return true
		}
	}
	return false
}

func attrName(step hcl.Traverser) string {
	switch s := step.(type) {
	case hcl.TraverseRoot:
		return s.Name
	case hcl.TraverseAttr:
		return s.Name
	}
	return ""
}

func literalString(e hclsyntax.Expression) (string, bool) {
	v, hds := e.Value(nil)
	if hds.HasErrors() || v.Type() != cty.String || !v.IsKnown() || v.IsNull() {
		return "", false
	}
	return v.AsString(), true
}
