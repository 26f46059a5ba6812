package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// repeated is a reference to a repeated block: to one instance by its key, or to the map of all. The value is the map
// in both cases, of which HCL selects.
func (l *lookup) repeated(name string, t Target) (string, cty.Value, *source.Diagnostic) {
	if len(l.t) == 2 {
		return name, l.s.instances(t), nil
	}
	example := "key"
	if len(t.Keys) > 0 {
		example = t.Keys[0]
	}
	detail := fmt.Sprintf("%s has no instances: its for_each is empty.", t.Here())
	if len(t.Keys) > 0 {
		detail = fmt.Sprintf("%s is repeated; its keys are %s.", t.Here(), strings.Join(t.Keys, ", "))
	}
	key, ok := stepName(l.t, 2)
	if _, dot := l.t[2].(hcl.TraverseAttr); dot || !ok {
		return "", cty.NilVal, &source.Diagnostic{
			Severity: source.Error, Code: source.CodeInstance, Subject: l.at(2, 2),
			Summary: fmt.Sprintf("%s does not say which instance is meant", t.Here()),
			Detail:  detail,
			Hint:    fmt.Sprintf("write %s[%q]", t.Here(), example),
		}
	}
	if !slices.Contains(t.Keys, key) {
		return "", cty.NilVal, &source.Diagnostic{
			Severity: source.Error, Code: source.CodeInstance, Subject: l.at(2, 2),
			Summary: fmt.Sprintf("there is no %s[%q]", t.Here(), key),
			Detail:  detail,
			Hint:    suggest.DidYouMean(key, t.Keys),
		}
	}
	if d := l.port(t.instance(key), 3); d != nil {
		return "", cty.NilVal, d
	}
	return name, l.s.instances(t), nil
}

// element is a reference to each.key or each.value.
// each.value of a set is the key itself.
func (l *lookup) element(name string) (string, cty.Value, *source.Diagnostic) {
	if l.s.each == nil {
		return "", cty.NilVal, &source.Diagnostic{
			Severity: source.Error, Code: source.CodeUnknownName, Subject: l.at(0, 1),
			Summary: "each means nothing here",
			Detail:  "A block that has a for_each sees each.key and each.value; this one has none.",
		}
	}
	if v, ok := l.s.each[name]; ok {
		return name, v, nil
	}
	return "", cty.NilVal, &source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnknownName, Subject: l.at(1, 1),
		Summary: fmt.Sprintf("each has no %q", name),
		Detail:  "There is each.key and each.value.",
		Hint:    suggest.DidYouMean(name, []string{"key", "value"}),
	}
}

// Called is a module that is called, with the outputs of each instance as an object, by the key of the instance: module.cards["eu"].model
// is Outputs["eu"]'s model. Of a call without for_each Keys is nil, and the outputs stand under "".
type Called struct {
	Keys    []string
	Outputs map[string]cty.Value
}

// module is a reference to a module that is called, or to one of its outputs.
// Of a repeated call the instances are an object by key, so that a for can run over them.
func (l *lookup) module(name string) (string, cty.Value, *source.Diagnostic) {
	called, ok := l.s.Modules[name]
	if !ok {
		if l.s.Lenient || l.s.invalid["module."+name] {
			return name, cty.DynamicVal, nil
		}
		hint := ""
		if near := near(l.s, "module", name, l.s.Modules); near != "" {
			hint = "did you mean module." + near + "?"
		}
		return "", cty.NilVal, &source.Diagnostic{
			Severity: source.Error, Code: source.CodeUnknownAddress, Subject: l.at(0, 1),
			Summary: fmt.Sprintf("there is no module.%s", name),
			Detail:  fmt.Sprintf("Call it: module %q { source = \"./folder\" }.", name),
			Hint:    hint,
		}
	}
	// at is the step that names the output: behind the key, where the call is repeated.
	at, outputs := 2, called.Outputs[""]
	if called.Keys != nil {
		key, ok := stepName(l.t, 2)
		if ok && !slices.Contains(called.Keys, key) {
			return "", cty.NilVal, &source.Diagnostic{
				Severity: source.Error, Code: source.CodeInstance, Subject: l.at(2, 2),
				Summary: fmt.Sprintf("there is no module.%s[%q]", name, key),
				Detail:  fmt.Sprintf("Its keys are %s.", strings.Join(called.Keys, ", ")),
				Hint:    suggest.DidYouMean(key, called.Keys),
			}
		}
		at, outputs = 3, called.Outputs[key]
	}
	if output, ok := stepName(l.t, at); ok {
		if d := l.output(name, outputs, output, at); d != nil {
			return "", cty.NilVal, d
		}
	}
	if called.Keys == nil {
		return name, outputs, nil
	}
	return name, cty.ObjectVal(called.Outputs), nil
}

// output checks the name of a module's output.
// What a module has inside is its own; only outputs are a promise to others.
func (l *lookup) output(module string, outputs cty.Value, output string, at int) *source.Diagnostic {
	bare, _ := outputs.Unmark()
	if !bare.Type().IsObjectType() || bare.Type().HasAttribute(output) {
		return nil
	}
	names := slices.Sorted(maps.Keys(bare.Type().AttributeTypes()))
	detail := fmt.Sprintf("module.%s has no outputs.", module)
	if len(names) > 0 {
		detail = fmt.Sprintf("module.%s has %s.", module, strings.Join(names, ", "))
	}
	d := &source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnknownPort, Subject: l.at(at, at),
		Summary: fmt.Sprintf("module.%s has no output %q", module, output),
		Detail:  detail + " From outside, a module is its outputs.",
		Hint:    suggest.DidYouMean(output, names),
	}
	return d
}
