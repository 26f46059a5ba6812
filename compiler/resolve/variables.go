package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// variables gives each variable its value: of the command line, else its default.
func (r *resolver) variables() {
	names := map[string]bool{}
	for _, b := range r.in.Blocks {
		if b.Kind == variableKind && !names[b.Name] {
			names[b.Name] = true
			r.scope.Variables[b.Name] = r.variable(b)
		}
	}
	given := slices.Sorted(maps.Keys(r.opts.Variables))
	for _, name := range given {
		if !names[name] && !r.in.Invalid[variableKind+"."+name] && !r.in.Incomplete {
			r.fail(source.CodeVariableUnknown, source.Range{}, fmt.Sprintf("there is no variable %q to set", name),
				"The module declares "+listOr(names, "no variables")+".", source.DidYouMean(name, slices.Collect(maps.Keys(names))))
		}
	}
}

func listOr(names map[string]bool, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}

// variable returns a variable's value, cty.DynamicVal after a mistake.
func (r *resolver) variable(b *syntax.Block) cty.Value {
	r.walker(b).body(b, "", false)
	ty, ok := r.variableType(b)
	def, hasDefault := r.variableDefault(b)
	if !ok {
		return cty.DynamicVal
	}
	if ty == cty.DynamicPseudoType && hasDefault && def.Type().IsPrimitiveType() {
		ty = def.Type()
	}
	if hasDefault {
		def = r.convertVariable(def, ty, b.Attrs["default"].Range, b.Name)
	}
	if text, given := r.opts.Variables[b.Name]; given {
		return r.givenVariable(b, text, ty)
	}
	if !hasDefault {
		r.fail(source.CodeVariableValue, b.Header, fmt.Sprintf("variable %q has no value", b.Name),
			"It has no default, so it must be given.", fmt.Sprintf("add --var %s=…", b.Name))
		return cty.DynamicVal
	}
	return def
}

func (r *resolver) variableType(b *syntax.Block) (cty.Type, bool) {
	a := b.Attrs["type"]
	if a == nil {
		return cty.DynamicPseudoType, true
	}
	ty, hds := typeexpr.TypeConstraint(a.Expr)
	if !hds.HasErrors() {
		return ty, true
	}
	d := a.File.Diagnostic(hds[0], source.CodeVariableType)
	d.Summary = fmt.Sprintf("the type of variable %q is not one", b.Name)
	d.Hint = "write string, number, bool, list(string), map(number), object({ a = string }) or any, without quotes"
	if word := hcl.ExprAsKeyword(a.Expr); word != "" {
		if near := source.Suggest(word, []string{"string", "number", "bool", "any", "list", "map", "set", "object", "tuple"}); near != "" {
			d.Hint = fmt.Sprintf("did you mean %s?", near)
		}
	}
	r.ds = append(r.ds, d)
	return cty.DynamicPseudoType, false
}

// variableDefault evaluates the default, which must be constant. Null is as good as none.
func (r *resolver) variableDefault(b *syntax.Block) (cty.Value, bool) {
	a := b.Attrs["default"]
	if a == nil {
		return cty.NilVal, false
	}
	for _, t := range a.Expr.Variables() {
		r.fail(source.CodeNotConstant, a.File.Range(t.SourceRange()), fmt.Sprintf("the default of variable %q refers to something", b.Name),
			"A default is a constant.", "compute values in a locals block")
		return cty.DynamicVal, true
	}
	v, ds := r.scope.Eval(a)
	r.ds = append(r.ds, ds...)
	return v, !v.IsKnown() || !v.IsNull()
}

// givenVariable reads a value of the command line.
func (r *resolver) givenVariable(b *syntax.Block, text string, ty cty.Type) cty.Value {
	if ty == cty.String || ty == cty.DynamicPseudoType && !startsExpression(text) {
		return cty.StringVal(text)
	}
	name := "--var " + b.Name
	e, hds := hclsyntax.ParseExpression([]byte(text), name, hcl.InitialPos)
	var v cty.Value
	if !hds.HasErrors() {
		v, hds = e.Value(nil)
	}
	if hds.HasErrors() {
		detail := hds[0].Detail
		if ty.IsPrimitiveType() {
			detail = fmt.Sprintf("%q is no %s.", text, ty.FriendlyName())
		}
		r.fail(source.CodeVariableValue, b.Header, fmt.Sprintf("the value of %s cannot be read", name), detail,
			fmt.Sprintf("the variable takes %s", typeexpr.TypeString(ty)))
		return cty.DynamicVal
	}
	return r.convertVariable(v, ty, b.Header, b.Name)
}

// startsExpression tells a list or an object from a bare word.
func startsExpression(text string) bool {
	return strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{")
}

func (r *resolver) convertVariable(v cty.Value, ty cty.Type, at source.Range, name string) cty.Value {
	if v.IsKnown() && !v.IsNull() && ty.IsPrimitiveType() && v.Type() != ty {
		r.fail(source.CodeVariableValue, at, fmt.Sprintf("variable %q is a %s", name, ty.FriendlyName()),
			fmt.Sprintf("The value given is a %s.", v.Type().FriendlyName()), "")
		return cty.DynamicVal
	}
	out, err := convert.Convert(v, ty)
	if err != nil {
		r.fail(source.CodeVariableValue, at, fmt.Sprintf("variable %q is of type %s", name, typeexpr.TypeString(ty)),
			fmt.Sprintf("The value given does not fit: %s.", err), "")
		return cty.DynamicVal
	}
	return out
}
