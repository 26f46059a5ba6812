package expr

import (
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty/function"
)

// Function describes a function of HCL expressions, for the reference and for editors.
type Function struct {
	Name string
	Form string // the call, with the names of its parameters: "join(separator, lists…)"
	Doc  string // Markdown
	// Example is a call, and Value what it gives, as expressions.
	Example, Value string
}

// Functions describes all functions that expressions can call, by name.
func Functions() []Function {
	all := functions("")
	out := make([]Function, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, Function{Name: name, Form: form(name, all[name]), Doc: all[name].Description(),
			Example: examples[name][0], Value: examples[name][1]})
	}
	return out
}

// Refused describes functions that other languages have, with why this one has not.
func Refused() []Function {
	out := make([]Function, 0, len(refused))
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		out = append(out, Function{Name: name, Form: name, Doc: refused[name]})
	}
	return out
}

// form is how a function is called, "replace(str, substr, replace)"; … follows the name of an argument that may be repeated.
func form(name string, f function.Function) string {
	var params []string
	for _, p := range f.Params() {
		params = append(params, p.Name)
	}
	if p := f.VarParam(); p != nil {
		params = append(params, p.Name+"…")
	}
	return name + "(" + strings.Join(params, ", ") + ")"
}
