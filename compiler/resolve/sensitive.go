package resolve

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// withheld stands for what would tell of a sensitive value.
const withheld = "It is not shown, because the variable is sensitive."

// hides reports whether nothing of a value given to the variable may be told: the variable is sensitive, or what a module
// hands it.
func (x *variable) hides(v cty.Value) bool { return x.sensitive || expr.IsSensitive(v) }

// discreet takes out of messages what functions say of their arguments.
func (x *variable) discreet(ds source.Diagnostics) source.Diagnostics {
	for i := range ds {
		if x.sensitive {
			ds[i].Detail, ds[i].Hint = withheld, ""
		}
	}
	return ds
}

// hide notes where the value of a sensitive variable is written out, so that no message shows those lines as they are.
// Of a value with references in it only the literal parts are hidden.
func (x *variable) hide(a *syntax.Attr) {
	if !x.sensitive || a == nil {
		return
	}
	if len(a.Expr.Variables()) == 0 {
		x.r.out.Hidden = append(x.r.out.Hidden, a.Range)
		return
	}
	hclsyntax.VisitAll(a.Expr, func(n hclsyntax.Node) hcl.Diagnostics {
		if part, ok := n.(*hclsyntax.LiteralValueExpr); ok {
			x.r.out.Hidden = append(x.r.out.Hidden, a.File.Range(part.SrcRange))
		}
		return nil
	})
}
