package expr

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// sensitive marks a value that must not be written down, and all that is computed from it.
type sensitive struct{}

// Sensitive returns v marked as not to be written down: not in a plan, a state, a log or a message.
func Sensitive(v cty.Value) cty.Value { return v.Mark(sensitive{}) }

// IsSensitive reports whether v is, holds, or was computed from a value that must not be written down.
func IsSensitive(v cty.Value) bool { return hasMark(v, sensitive{}) }

// hasMark reports whether v or a part of it has a mark. What a reference is made of has none: its parts need not be
// looked at.
func hasMark(v cty.Value, mark any) bool {
	if v.Type().IsPrimitiveType() || v.HasMark(mark) {
		return v.HasMark(mark)
	}
	if _, ok := RefOf(v); ok {
		return false
	}
	return v.HasMarkDeep(mark)
}

// unmarked reports whether the value of an expression may depend on something sensitive without carrying its mark. cty loses
// the mark in two places:
//
//	can(tonumber(variable.key))          try and can give away whether their argument can be evaluated
//	{ a = 1, b = 2 }[variable.key]       the attribute that is selected gives away the name
//
// The caller then marks the whole value.
func unmarked(e hclsyntax.Expression, ctx *hcl.EvalContext) bool {
	found := false
	hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.FunctionCallExpr:
			for _, arg := range n.Args {
				found = found || (n.Name == "try" || n.Name == "can") && reads(arg, ctx)
			}
		case *hclsyntax.IndexExpr:
			found = found || reads(n.Key, ctx)
		}
		return nil
	})
	return found
}

// reads reports whether an expression reads something sensitive; also where that cannot be told, as of what a for runs over.
// What cannot be told counts as sensitive: a message that withholds too much is the lesser harm.
func reads(e hclsyntax.Expression, ctx *hcl.EvalContext) bool {
	for _, t := range e.Variables() {
		v, hds := t.TraverseAbs(ctx)
		if root, ok := ctx.Variables[t.RootName()]; hds.HasErrors() && ok {
			v = root
		} else if hds.HasErrors() {
			return true
		}
		if IsSensitive(v) {
			return true
		}
	}
	return false
}
