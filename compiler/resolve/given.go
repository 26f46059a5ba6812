package resolve

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// variable is one variable getting its value, with what its block says of it.
type variable struct {
	r                   *resolver
	b                   *syntax.Block
	name                string
	ty                  cty.Type // what its block says it takes; cty.DynamicPseudoType takes any
	nullable, sensitive bool
}

// origin is where a value comes from: the place to point at, and how to say it.
type origin struct {
	at   source.Range
	from string
	attr *syntax.Attr // that writes the value out, nil if none does
}

// value is the one given, else the default; cty.DynamicVal after a mistake. A null that is given for a variable that
// cannot be null means the default, as a caller passes on a variable of its own that may be null.
func (x *variable) value(def cty.Value, hasDefault bool) (cty.Value, origin) {
	fallback := origin{at: x.b.Header}
	if hasDefault {
		fallback = origin{at: x.b.Attrs["default"].Range, from: "its default", attr: x.b.Attrs["default"]}
		def = x.convert(def, fallback)
	}
	given, ok := x.r.opts.Variables[x.name]
	if ok {
		o := origin{at: x.b.Header, from: given.From}
		if given.Attr != nil {
			o.at, o.attr = given.Attr.Range, given.Attr
		}
		v := x.read(given, o)
		if x.nullable || !v.IsKnown() || !v.IsNull() {
			return v, o
		}
	}
	switch {
	case hasDefault && (x.nullable || !def.IsKnown() || !def.IsNull()):
		return def, fallback
	case ok:
		x.report(origin{at: x.b.Header, from: given.From}, source.Diagnostic{
			Summary: fmt.Sprintf("variable %q cannot be null", x.name),
			Detail:  "It has no default that could stand in.",
		})
	case x.r.prefix != "":
		x.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeVariableValue, Subject: x.r.call,
			Summary: fmt.Sprintf("%s lacks its input %q", strings.TrimSuffix(x.r.prefix, "."), x.name),
			Detail:  "The variable of the module has no default.",
			Hint:    fmt.Sprintf("add %s = …", x.name),
		})
	default:
		x.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeVariableValue, Subject: x.b.Header,
			Summary: fmt.Sprintf("variable %q has no value", x.name),
			Detail:  "It has no default, so it must be given.",
			Hint:    fmt.Sprintf("add --var %s=…, or %s = … to default.mlpvars", x.name, x.name),
		})
	}
	return cty.DynamicVal, fallback
}

// report adds an error about a value that was given; d says what is wrong, o where the value comes from. Severity, code and
// place are set here, the source is added to the detail.
func (x *variable) report(o origin, d source.Diagnostic) {
	if o.from != "" {
		d.Detail += fmt.Sprintf(" The value comes from %s.", o.from)
	}
	d.Severity, d.Code, d.Subject = source.Error, source.CodeVariableValue, o.at
	x.r.report(d)
}

// read evaluates a value given from outside. It is a constant: nothing can be referred to. A value from the command
// line is an expression, but for texts: --var name=x would else need quotes within quotes of the shell.
func (x *variable) read(given Given, o origin) cty.Value {
	x.hide(given.Attr)
	if given.Block != nil {
		return x.convert(expr.Named(expr.Reference(*given.Block), x.name), o)
	}
	if given.value != cty.NilVal {
		return x.convert(given.value, o)
	}
	if given.Attr != nil {
		for _, t := range given.Attr.Expr.Variables() {
			x.r.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeNotConstant, Subject: given.Attr.File.Range(t.SourceRange()),
				Summary: fmt.Sprintf("the value of variable %q refers to something", x.name),
				Detail:  "A file of values holds constants.",
				Hint:    "if a string is meant, quote it",
			})
			return cty.DynamicVal
		}
		v, ds := x.r.scope.Eval(given.Attr)
		x.r.ds = append(x.r.ds, x.discreet(ds)...)
		return x.convert(v, o)
	}
	// From a command line: a variable of text takes it as it is, others read it as an expression, `["a", "b"]`.
	if x.ty == cty.String || x.ty == cty.DynamicPseudoType && !startsExpression(given.Text) {
		return cty.StringVal(given.Text)
	}
	e, hds := hclsyntax.ParseExpression([]byte(given.Text), given.From, hcl.InitialPos)
	var v cty.Value
	if !hds.HasErrors() {
		v, hds = e.Value(nil)
	}
	if hds.HasErrors() {
		detail := hds[0].Detail
		if x.ty.IsPrimitiveType() {
			detail = fmt.Sprintf("%q is no %s.", given.Text, x.ty.FriendlyName())
		}
		if x.sensitive {
			detail = withheld
		}
		x.report(o, source.Diagnostic{
			Summary: fmt.Sprintf("the value of variable %q cannot be read", x.name),
			Detail:  fmt.Sprintf("%s The variable takes %s.", detail, typeexpr.TypeString(x.ty)),
		})
		return cty.DynamicVal
	}
	return x.convert(v, o)
}

// startsExpression reports whether the text of a value is a list or an object, not a bare word. It is asked of variables
// without a type: --var x=12 is the text "12" for them, --var 'x=[12]' a list with a number.
func startsExpression(text string) bool {
	return strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{")
}

// convert gives a value the variable's type. Strings, numbers and bools are not taken for each other: "0.7" given for a
// number is more often a mistake than not, and would hide one in a file of values.
func (x *variable) convert(v cty.Value, o origin) cty.Value {
	if v.IsKnown() && !v.IsNull() && x.ty.IsPrimitiveType() && v.Type() != x.ty {
		x.report(o, source.Diagnostic{
			Summary: fmt.Sprintf("variable %q is a %s", x.name, x.ty.FriendlyName()),
			Detail:  fmt.Sprintf("The value given is a %s.", v.Type().FriendlyName()),
		})
		return cty.DynamicVal
	}
	// Conversion would drop an attribute that the type does not have, and with it what somebody meant.
	if !x.strays(v, o) {
		return cty.DynamicVal
	}
	out, err := convert.Convert(v, x.ty)
	if err != nil && x.hides(v) {
		err = errors.New("what is wrong is not shown, because the value is sensitive")
	}
	if err != nil {
		x.report(o, source.Diagnostic{
			Summary: fmt.Sprintf("variable %q is of type %s", x.name, typeexpr.TypeString(x.ty)),
			Detail:  fmt.Sprintf("The value given does not fit: %s.", err),
		})
		return cty.DynamicVal
	}
	if beyond(out) {
		x.report(o, source.Diagnostic{Summary: fmt.Sprintf("variable %q holds a number that is too large", x.name), Detail: mostNumber})
		return cty.DynamicVal
	}
	return out
}

// checks evaluates the arguments of the variable's block, its validations among them, which see the module's variables
// and nothing else: locals rest on variables, so that a validation of them would be a circle.
func (x *variable) checks(v cty.Value, o origin) {
	outer := x.r.scope
	defer func() { x.r.scope = outer }()
	x.r.scope = expr.NewScope(x.r.opts.Dir, nil, nil, nil)
	x.r.scope.Within(x.r.opts.Dir, x.r.budget)
	x.r.scope.Variables = outer.Variables
	x.r.walker(&instance{Block: x.b, owner: x.r, scope: x.r.scope}).body(x.b, "", false)
	for _, check := range x.b.Nested("validation") {
		condition, message := check.Attrs["condition"], check.Attrs["message"]
		if condition != nil && message != nil && x.reads(condition) && x.reads(message) {
			x.check(condition, message, v, o)
		}
	}
}

// reads reports whether an argument refers to nothing but variables.
// Variables have their values before anything else; a validation that read a local or a block could not be decided when
// it is needed.
func (x *variable) reads(a *syntax.Attr) bool {
	for _, t := range a.Expr.Variables() {
		if t.RootName() == variableKind {
			continue
		}
		x.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeNotConstant, Subject: a.File.Range(t.SourceRange()),
			Summary: fmt.Sprintf("the validation of variable %q refers to something else", x.name),
			Detail:  "It sees variables alone.",
		})
		return false
	}
	return true
}

// check holds a value to one validation block. It says nothing where the value or the condition is unknown because of
// another mistake. The message's first line is the summary; a sensitive value is not shown.
func (x *variable) check(condition, message *syntax.Attr, v cty.Value, o origin) {
	holds, ds := x.r.scope.Eval(condition)
	x.r.ds = append(x.r.ds, ds...)
	holds, _ = holds.Unmark()
	if ds.HasErrors() || !v.IsWhollyKnown() || !holds.IsKnown() {
		return
	}
	if holds.IsNull() || holds.Type() != cty.Bool {
		is := describe(holds)
		if x.hides(v) {
			is = article(holds.Type().FriendlyName())
		}
		x.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeType, Subject: condition.Range,
			Summary: "condition takes a bool",
			Detail:  fmt.Sprintf("This is %s.", is),
		})
		return
	}
	if holds.True() {
		return
	}
	d := source.Diagnostic{
		Severity: source.Error, Code: source.CodeValidation, Subject: o.at,
		Related: []source.Related{{Message: "the condition that does not hold is here", Range: condition.Range}},
	}
	said, more, _ := strings.Cut(strings.TrimSpace(x.message(message)), "\n") // further lines stay as they were written
	d.Summary = said
	d.Detail = fmt.Sprintf("The value of variable %q is not valid.", x.name)
	if p, err := plain(v); err == nil && !x.hides(v) {
		if text, err := plan.Canonical(p); err == nil {
			d.Detail = fmt.Sprintf("Variable %q is %s.", x.name, text)
		}
	}
	if o.from != "" {
		d.Detail += fmt.Sprintf(" The value comes from %s.", o.from)
	}
	if more != "" {
		d.Detail = strings.TrimRight(more, "\n") + "\n" + d.Detail
	}
	x.r.ds = append(x.r.ds, d)
}

// message is the validation's own, unless that would tell a sensitive value. One that is no text, or null, is replaced by
// plain words, and a point at its end is left out, since summaries have none.
func (x *variable) message(a *syntax.Attr) string {
	v, ds := x.r.scope.Eval(a)
	x.r.ds = append(x.r.ds, ds...)
	if ds.HasErrors() || expr.IsSensitive(v) || !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return fmt.Sprintf("the value of variable %q is not valid", x.name)
	}
	return strings.TrimSuffix(v.AsString(), ".")
}
