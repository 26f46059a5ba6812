package resolve

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// literal checks a value against the type of its argument and turns it into what plan.Canonical writes. There is no
// conversion between strings, numbers and booleans: `"7"` is no number.
func (w *walker) literal(v cty.Value, a *syntax.Attr, spec *schema.Attr, path string) (any, outcome) {
	if v.Type().IsPrimitiveType() && !v.IsMarked() && v.IsKnown() && !v.IsNull() {
		return w.plainLiteral(v, a, spec, path)
	}
	if w.r.holdsSecret(v, a.Range, path) {
		return nil, wrong
	}
	if expr.HasRefs(v) {
		w.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRefComputed, Subject: a.Range,
			Summary: fmt.Sprintf("%s takes %s, not a reference", path, article(string(spec.Type))),
			Detail:  "A reference to a block can be passed on, and not computed with.",
			Hint:    w.instead(v, spec),
		})
		return nil, wrong
	}
	if w.r.sensitive(v, a.Range, path) || !v.IsWhollyKnown() {
		return nil, wrong
	}
	if v.IsNull() {
		return nil, absent
	}
	return w.plainLiteral(v, a, spec, path)
}

// plainLiteral is a value without marks that is there, by the type of its argument: what comes back is a string, a float64, a bool, a list or an
// object of such, as plan.Canonical writes them. Line ends are made \n first, so that a heredoc written on Windows has the same fingerprint.
func (w *walker) plainLiteral(v cty.Value, a *syntax.Attr, spec *schema.Attr, path string) (any, outcome) {
	v = unifyLineEnds(v, a)
	switch spec.Type {
	case schema.StringList, schema.NumberList:
		return w.list(v, a, spec, path)
	case schema.Any:
		p, err := plain(v)
		if err != nil {
			w.r.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeNumberRange, Subject: a.Range,
				Summary: fmt.Sprintf("%s has no usable value", path),
				Detail:  upperFirst(err.Error()) + ".",
			})
			return nil, wrong
		}
		return p, present
	}
	return w.scalar(v, a.Range, spec, path)
}

// sensitive reports whether a value is sensitive, and adds the diagnostic: at path it would be written into plans and records.
func (r *resolver) sensitive(v cty.Value, at source.Range, path string) bool {
	if !expr.IsSensitive(v) {
		return false
	}
	r.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeSensitive, Subject: at,
		Summary: fmt.Sprintf("%s cannot take a sensitive value", path),
		Detail:  "It would be written into plans and records for everybody to read.",
		Hint:    "a secret block hands a stage what nobody else sees",
	})
	return true
}

// holdsSecret reports whether a value has a reference to a secret block in it, and adds the diagnostic: at path the value would be
// written into plans and records.
func (r *resolver) holdsSecret(v cty.Value, at source.Range, path string) bool {
	found := ""
	_ = cty.Walk(v, func(_ cty.Path, part cty.Value) (bool, error) { // its function returns nil
		if ref, ok := expr.RefOf(part); ok && r.blocks[ref.Address] != nil && r.blocks[ref.Address].Kind == secretKind {
			found = ref.Address
		}
		return found == "", nil
	})
	if found == "" {
		return false
	}
	r.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeSensitive, Subject: at,
		Summary: fmt.Sprintf("%s cannot take %s", path, found),
		Detail:  "It would be written into plans, records and fingerprints. A secret goes to the stages that list it, as a file, and nowhere else.",
		Hint:    fmt.Sprintf("write secrets = [%s] in a block that runs an image of its own, and read /mlp/secrets/…", found),
	})
	return true
}

// open returns the values that may be written into plans and records: those that are not sensitive. The map is new.
func open(values map[string]cty.Value) map[string]cty.Value {
	out := make(map[string]cty.Value, len(values))
	for name, v := range values {
		if !expr.IsSensitive(v) {
			out[name] = v
		}
	}
	return out
}

// sensitiveNames are the names of the sensitive values, sorted.
func sensitiveNames(values map[string]cty.Value) []string {
	var out []string
	for name, v := range values {
		if expr.IsSensitive(v) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// instead says what to write where a reference stands for a value.
// Most often somebody hands in a block where its columns, or a figure of it, are meant.
func (w *walker) instead(v cty.Value, spec *schema.Attr) string {
	_, one := expr.RefOf(v)
	switch {
	case spec.Type == schema.StringList && (spec.ColumnOf != "" || spec.Name == "features" || spec.Name == "key"):
		return fmt.Sprintf("write the names of columns, in quotes: %s = [\"amount\", \"age\"]", spec.Name)
	case spec.Type == schema.StringList:
		return fmt.Sprintf("write strings in a list: %s = [\"…\"]", spec.Name)
	case spec.Type == schema.String && spec.ColumnOf != "":
		return fmt.Sprintf("write the name of a column, in quotes: %s = \"…\"", spec.Name)
	case one && (spec.Type == schema.Number || spec.Type == schema.Integer || spec.Type == schema.Bool):
		return "figures are read in rules; write the value itself, or a variable"
	}
	return quoted(v)
}

// quoted suggests to write as a string what was taken for a reference: target = fraud.label meant "fraud.label".
func quoted(v cty.Value) string {
	if ref, ok := expr.RefOf(v); ok {
		return fmt.Sprintf("if a string is meant, quote it: %q", ref.String())
	}
	return ""
}

// unifyLineEnds makes a heredoc's value the same whether its file was checked out with "\r\n" or "\n": git does so by
// the settings of each machine, and a fingerprint must not depend on that. A "\r\n" that is written with escapes stays.
func unifyLineEnds(v cty.Value, a *syntax.Attr) cty.Value {
	if v.Type() != cty.String || !strings.Contains(v.AsString(), "\r\n") {
		return v
	}
	if t, ok := a.Expr.(*hclsyntax.TemplateExpr); ok && !t.IsStringLiteral() || bytes.HasPrefix(a.File.Between(a.Range.Start.Byte, a.Range.End.Byte), []byte("<<")) {
		return cty.StringVal(strings.ReplaceAll(v.AsString(), "\r\n", "\n"))
	}
	return v
}

// upperFirst begins a sentence; s is not empty and begins with a letter of ASCII.
func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// wrongType says what was expected and what was given. It returns what its callers return.
func (w *walker) wrongType(at source.Range, path string, want string, v cty.Value, hint string) (any, outcome) {
	w.r.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeType, Subject: at,
		Summary: fmt.Sprintf("%s takes %s", path, article(want)),
		Detail:  fmt.Sprintf("This is %s.", describe(v)),
		Hint:    hint,
	})
	return nil, wrong
}

// article puts a or an before a noun that takes one: "a string", "an object", "any value", "figures".
func article(noun string) string {
	switch {
	case strings.HasPrefix(noun, "any"), strings.HasSuffix(noun, "s") && !strings.HasPrefix(noun, "list"):
		return noun
	case strings.ContainsRune("aeiou", rune(noun[0])):
		return "an " + noun
	}
	return "a " + noun
}

// describe names a value's type, and the value where it is short. It must not be called with a sensitive value.
// Numbers have up to 12 digits, which is enough to know one's own number again.
func describe(v cty.Value) string {
	if v.IsNull() {
		return "null"
	}
	switch t := v.Type(); {
	case t == cty.String && len(v.AsString()) <= 40:
		return fmt.Sprintf("the string %q", v.AsString())
	case t == cty.String:
		return "a string"
	case t == cty.Number:
		return "the number " + v.AsBigFloat().Text('g', 12)
	case t == cty.Bool:
		return fmt.Sprintf("the bool %t", v.True())
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		return "a list"
	case t.IsObjectType(), t.IsMapType():
		return "an object"
	}
	return article(v.Type().FriendlyName())
}

// scalar checks a single value against the attribute's type.
// Nothing is converted: "5" for a number is a mistake, though HCL would take it, because the next reader takes it for
// text. The hint is the value without quotes where that would do.
func (w *walker) scalar(v cty.Value, at source.Range, spec *schema.Attr, path string) (any, outcome) {
	switch spec.Type {
	case schema.Number, schema.Integer:
		return w.number(v, at, spec, path)
	case schema.Bool:
		if v.Type() != cty.Bool {
			return w.wrongType(at, path, "bool", v, unquote(v, "true", "false"))
		}
		return v.True(), present
	}
	if v.Type() != cty.String {
		hint := ""
		if spec.Type == schema.Duration {
			hint = `write it with a unit: "45d", "1h30m"`
		} else if v.Type().IsPrimitiveType() {
			hint = "put it in quotes"
		}
		return w.wrongType(at, path, string(spec.Type), v, hint)
	}
	s := v.AsString()
	if spec.Type == schema.Duration {
		if _, err := schema.ParseDuration(s); err != nil {
			w.r.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeDuration, Subject: at,
				Summary: fmt.Sprintf("%s takes a duration", path),
				Detail:  upperDetail(err),
			})
			return nil, wrong
		}
	}
	return w.oneOf(s, at, spec, path)
}

// upperDetail is an error as a sentence, with a point at its end.
func upperDetail(err error) string {
	s := err.Error()
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// unquote suggests to leave out the quotes around one of these words.
func unquote(v cty.Value, words ...string) string {
	if v.Type() == cty.String && slices.Contains(words, v.AsString()) {
		return "leave the quotes out"
	}
	return ""
}

// number reads a number, whole where the schema says so. Infinity, and what is beyond the range of float64, is a
// mistake. A string is never taken for a number, but it is hinted to leave the quotes out.
func (w *walker) number(v cty.Value, at source.Range, spec *schema.Attr, path string) (any, outcome) {
	if v.Type() != cty.Number {
		hint := ""
		if v.Type() == cty.String {
			if n, err := cty.ParseNumberVal(v.AsString()); err == nil && n.IsKnown() {
				hint = "leave the quotes out"
			}
		}
		return w.wrongType(at, path, string(spec.Type), v, hint)
	}
	f := v.AsBigFloat()
	if spec.Type == schema.Integer {
		if _, exact := f.Int64(); !f.IsInt() || exact != 0 {
			w.r.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeNumberRange, Subject: at,
				Summary: fmt.Sprintf("%s takes a whole number", path),
				Detail:  fmt.Sprintf("This is %s.", describe(v)),
			})
			return nil, wrong
		}
	}
	n, err := number(f)
	if err != nil {
		w.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeNumberRange, Subject: at,
			Summary: fmt.Sprintf("%s takes a number", path),
			Detail:  upperFirst(err.Error()) + ".",
		})
		return nil, wrong
	}
	if x, _ := f.Float64(); spec.Least != nil && x < *spec.Least {
		w.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeNumberRange, Subject: at,
			Summary: fmt.Sprintf("%s takes a number of at least %v", path, *spec.Least),
			Detail:  fmt.Sprintf("This is %s.", describe(v)),
		})
		return nil, wrong
	}
	return n, present
}

// oneOf holds a string to the values that the schema lists. Words that other tools use for one of them are hinted at as well
// as misspelt ones.
func (w *walker) oneOf(s string, at source.Range, spec *schema.Attr, path string) (any, outcome) {
	if len(spec.OneOf) > 0 && !slices.Contains(spec.OneOf, s) {
		hint := suggest.DidYouMean(s, spec.OneOf)
		if _, other := schema.ValueWords().Meant(s, spec.OneOf); other != "" {
			hint = other
		}
		w.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeOneOf, Subject: at,
			Summary: fmt.Sprintf("%s cannot be %q", path, s),
			Detail:  "It is one of " + strings.Join(spec.OneOf, ", ") + ".",
			Hint:    hint,
		})
		return nil, wrong
	}
	return s, present
}

// list checks each element of a list by itself.
// A mistake has the place of its element where the list is written out, and the path features[2]; all elements are
// looked at, so that all mistakes are told at once.
func (w *walker) list(v cty.Value, a *syntax.Attr, spec *schema.Attr, path string) (any, outcome) {
	t := v.Type()
	if !t.IsTupleType() && !t.IsListType() && !t.IsSetType() {
		hint := ""
		if t.IsPrimitiveType() {
			hint = "put it in brackets: [ … ]"
		}
		return w.wrongType(a.Range, path, string(spec.Type), v, hint)
	}
	// An element is held to the list's own OneOf and the like.
	elem := *spec
	elem.Type = schema.String
	if spec.Type == schema.NumberList {
		elem.Type = schema.Number
	}
	out, result, i := []any{}, present, 0
	for it := v.ElementIterator(); it.Next(); i++ {
		_, e := it.Element()
		p := fmt.Sprintf("%s[%d]", path, i)
		at, ok := w.out.Ranges[p]
		if !ok {
			at = a.Range
		}
		var x any
		one := wrong
		if e.IsNull() {
			w.wrongType(at, p, string(elem.Type), e, "")
		} else {
			x, one = w.scalar(e, at, &elem, p)
		}
		if one != present {
			result = wrong
		}
		out = append(out, x)
	}
	return out, result
}
