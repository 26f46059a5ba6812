package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// variables gives each variable its value: the one given from outside, else its default. Validations run when all have
// one. A value for a variable that there is none of is a mistake, unless it may be meant for another module (Stray): a
// misspelt name would else leave the default in force.
func (r *resolver) variables() {
	// Of two variables of one name, which are a mistake that is told elsewhere, the first counts.
	names := map[string]bool{}
	var validations []func()
	for _, b := range r.in.Blocks {
		if b.Kind == variableKind && !names[b.Name] {
			names[b.Name] = true
			v, checks := r.variable(b)
			r.scope.Variables[b.Name] = v
			validations = append(validations, checks)
		}
	}
	for _, checks := range validations { // which see all of them
		checks()
	}
	for _, name := range slices.Sorted(maps.Keys(r.opts.Variables)) {
		given := r.opts.Variables[name]
		if names[name] || given.Stray || r.in.Invalid[variableKind+"."+name] || r.in.Incomplete {
			continue
		}
		at, detail := source.Range{}, "The module declares "+listOr(names, "no variables")+"."
		if given.Attr != nil {
			at = given.Attr.NameRange
		} else if given.From != "" {
			detail = "It is given by " + given.From + ". " + detail
		}
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeVariableUnknown, Subject: at,
			Summary: fmt.Sprintf("there is no variable %q to set", name),
			Detail:  detail,
			Hint:    suggest.DidYouMean(name, slices.Collect(maps.Keys(names))),
		})
	}
}

// listOr lists names, sorted, or says that there are none.
func listOr(names map[string]bool, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}

// variable returns a variable's value, cty.DynamicVal after a mistake, and what looks at its validations.
// Without a declared type the type of a primitive default is the variable's: with default = 0.5, --var least=x is
// refused and not taken for a string.
func (r *resolver) variable(b *syntax.Block) (cty.Value, func()) {
	x := &variable{r: r, b: b, name: b.Name, nullable: r.flag(b, "nullable", true, true), sensitive: r.flag(b, "sensitive", false, true)}
	ty, ok := r.variableType(b)
	x.ty = ty
	def, hasDefault := x.defaultValue()
	if !ok {
		return cty.DynamicVal, func() {}
	}
	if ty == cty.DynamicPseudoType && hasDefault && def.Type().IsPrimitiveType() {
		x.ty = def.Type()
	}
	v, told := x.value(def, hasDefault)
	if x.sensitive {
		v = expr.Sensitive(v)
	}
	return v, func() { x.checks(v, told) }
}

// flag is the value of a constant bool of a variable's block, without it def; wrong after a mistake.
// A variable counts for sensitive where what is written is no bool, so that no message shows its value, and for
// nullable, so that null is not told as a second mistake.
func (r *resolver) flag(b *syntax.Block, name string, def, wrong bool) bool {
	a := b.Attrs[name]
	if a == nil {
		return def
	}
	v, hds := a.Expr.Value(nil)
	if hds.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.Bool {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeType, Subject: a.Range,
			Summary: fmt.Sprintf("%s takes a bool", name),
			Detail:  "It is written out: true or false.",
		})
		return wrong
	}
	return v.True()
}

// variableType is the type that a variable declares; any type where it declares none. False after a mistake.
// After a mistake any type holds, so that references to the variable are still checked as far as that goes.
func (r *resolver) variableType(b *syntax.Block) (cty.Type, bool) {
	a := b.Attrs["type"]
	if a == nil {
		return cty.DynamicPseudoType, true
	}
	ty, hds := typeexpr.TypeConstraint(a.Expr)
	if !hds.HasErrors() {
		return ty, true
	}
	// HCL's own summary speaks of type constraints in Terraform's terms; its place and detail are kept.
	d := a.File.Diagnostic(hds[0], source.CodeVariableType)
	d.Summary = fmt.Sprintf("the type of variable %q is not one", b.Name)
	d.Hint = "write string, number, bool, list(string), map(number), object({ a = string }) or any, without quotes"
	if word := hcl.ExprAsKeyword(a.Expr); slices.Contains(ofBlocks, word) {
		d.Detail, d.Hint = fmt.Sprintf("A %s is no value but a reference, and what it has is seen where the module is called.", word), "write any, and hand in a reference: orders = source.orders"
	} else if word != "" {
		if near := suggest.Near(word, []string{"string", "number", "bool", "any", "list", "map", "set", "object", "tuple"}); near != "" {
			d.Hint = fmt.Sprintf("did you mean %s?", near)
		}
	}
	r.ds = append(r.ds, d)
	return cty.DynamicPseudoType, false
}

// ofBlocks are words for what a variable is handed as a reference to a block.
var ofBlocks = []string{"table", "dataset", "source", "model", "reference", "ref", "dataframe"}

// defaultValue evaluates the default, which must be constant. Null counts where the variable may be null.
// It is the same on every machine for whoever calls the module: hence a constant, not an expression of other things.
func (x *variable) defaultValue() (cty.Value, bool) {
	r, b, a := x.r, x.b, x.b.Attrs["default"]
	x.hide(a)
	if a == nil {
		return cty.NilVal, false
	}
	for _, t := range a.Expr.Variables() {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeNotConstant, Subject: a.File.Range(t.SourceRange()),
			Summary: fmt.Sprintf("the default of variable %q refers to something", b.Name),
			Detail:  "A default is a constant.",
			Hint:    "compute values in a locals block",
		})
		return cty.DynamicVal, true
	}
	v, ds := r.scope.Eval(a)
	r.ds = append(r.ds, x.discreet(ds)...)
	return v, true
}
