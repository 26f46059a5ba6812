package expr

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// resolve looks up what a traversal begins with: the name below its root and the value. The steps behind the name are
// HCL's to take, but ports and keys are checked here, where it is known which there are.
func (s *Scope) resolve(f *syntax.File, t hcl.Traversal) (string, cty.Value, *source.Diagnostic) {
	root := t.RootName()
	l := &lookup{s: s, file: f, t: t}
	if !holdsValues(root) && !slices.Contains(s.kinds, root) {
		return l.unknownRoot()
	}
	name, ok := stepName(t, 1)
	if !ok {
		return l.bare()
	}
	switch root {
	case "variable":
		return l.named(name, s.Variables, source.CodeUnknownVariable)
	case "local":
		return l.named(name, s.Locals, source.CodeUnknownLocal)
	case "each":
		return l.element(name)
	case "module":
		return l.module(name)
	}
	return l.block(name)
}

// stepName is the name that step i of a traversal selects by, as .name or ["name"].
// False for numbers, splats and keys that are not known yet.
func stepName(t hcl.Traversal, i int) (string, bool) {
	if i >= len(t) {
		return "", false
	}
	switch step := t[i].(type) {
	case hcl.TraverseAttr:
		return step.Name, true
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString(), true
		}
	}
	return "", false
}

// lookup is one traversal being resolved. Its methods return what resolve does.
type lookup struct {
	s    *Scope
	file *syntax.File  // that the traversal stands in
	t    hcl.Traversal // train.model["eu"].threshold: four steps, the root among them
}

// at is the range of the steps from i to j, both included.
func (l *lookup) at(i, j int) source.Range {
	return l.file.Range(hcl.RangeBetween(l.t[i].SourceRange(), l.t[min(j, len(l.t)-1)].SourceRange()))
}

// instead suggests the reference with another root.
func (l *lookup) instead(root string) string {
	name, ok := stepName(l.t, 1)
	if !ok {
		name = "name"
	}
	return fmt.Sprintf("write %s.%s", root, name)
}

// unknownRoot words a name that begins no reference: of Terraform (var), a constant of another language (True), or a string
// without quotes.
func (l *lookup) unknownRoot() (string, cty.Value, *source.Diagnostic) {
	root := l.t.RootName()
	hint := suggest.DidYouMean(root, append([]string{"variable", "local"}, l.s.kinds...))
	switch {
	case root == "var":
		hint = l.instead("variable")
	case root == "locals":
		hint = l.instead("local")
	case len(l.t) == 1 && schema.ConstantWords()[root] != "":
		return "", cty.NilVal, &source.Diagnostic{
			Severity: source.Error, Code: source.CodeUnknownName, Subject: l.at(0, 0),
			Summary: fmt.Sprintf("%q means nothing here", root),
			Detail:  "Constants are true, false and null.",
			Hint:    "write " + schema.ConstantWords()[root],
		}
	case len(l.t) == 1:
		hint = fmt.Sprintf("if a string is meant, quote it: %q", root)
	}
	return "", cty.NilVal, &source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnknownName, Subject: l.at(0, 0),
		Summary: fmt.Sprintf("%q means nothing here", root),
		Detail:  "A reference begins with variable, local, or the kind of a block.",
		Hint:    hint,
	}
}

// bare is a root without a name after it.
func (l *lookup) bare() (string, cty.Value, *source.Diagnostic) {
	root := l.t.RootName()
	detail := fmt.Sprintf("A reference is of the form %s.<name>.", root)
	if names, _ := l.names(); len(names) > 0 {
		detail += fmt.Sprintf(" There is %s.", strings.Join(names, ", "))
	}
	return "", cty.NilVal, &source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnknownName, Subject: l.at(0, 1),
		Summary: fmt.Sprintf("%s stands without a name", root),
		Detail:  detail,
	}
}

// few are so many names that a message lists them all.
const few = 12

// names are the addresses below the root, none if they are more than few, and how many there are.
// Of a thousand names none is of help in a message; the nearest is, which is found apart from this.
func (l *lookup) names() ([]string, int) {
	root := l.t.RootName()
	var all iter.Seq[string]
	var count int
	switch root {
	case "variable":
		all, count = maps.Keys(l.s.Variables), len(l.s.Variables)
	case "local":
		all, count = maps.Keys(l.s.Locals), len(l.s.Locals)
	default:
		all, count = maps.Keys(l.s.targets[root]), len(l.s.targets[root])
	}
	if count > few {
		return nil, count
	}
	names := slices.Sorted(all)
	for i := range names {
		names[i] = root + "." + names[i]
	}
	return names, count
}

// known are the names below each root, made ready once for all mistakes.
type known struct {
	mu     sync.Mutex
	names  map[string]*suggest.Names
	counts map[string]int
}

// near returns the name below a root that is nearest to a misspelt one; "" if none is near. The index of names is kept
// from mistake to mistake and built anew when the number of names has changed: names are only ever added to a scope, so
// the same number means the same names. It is safe for concurrent use.
func near[V any](s *Scope, root, name string, values map[string]V) string {
	s.known.mu.Lock()
	if s.known.names[root] == nil || s.known.counts[root] != len(values) {
		s.known.names[root], s.known.counts[root] = suggest.NewNames(slices.Collect(maps.Keys(values))), len(values)
	}
	names := s.known.names[root]
	s.known.mu.Unlock()
	return names.Near(name)
}

// named is a variable or local. One whose declaration has a mistake is unknown, without a further word.
// An unknown value takes part in everything and comes to unknown, so that only the declaration is told of.
func (l *lookup) named(name string, values map[string]cty.Value, code string) (string, cty.Value, *source.Diagnostic) {
	if v, ok := values[name]; ok {
		return name, v, nil
	}
	root := l.t.RootName()
	if l.s.Lenient || l.s.invalid[root+"."+name] {
		return name, cty.DynamicVal, nil
	}
	detail := fmt.Sprintf("Declare it: variable %q { … }.", name)
	if root == "local" {
		detail = "Add it to a locals block."
	}
	return "", cty.NilVal, &source.Diagnostic{
		Severity: source.Error, Code: code, Subject: l.at(0, 1),
		Summary: fmt.Sprintf("there is no %s %q", root, name),
		Detail:  detail,
		Hint:    l.nearest(name, values),
	}
}

// nearest suggests a name below the root, or the same name as a variable or local.
func (l *lookup) nearest(name string, values map[string]cty.Value) string {
	if _, ok := l.s.Locals[name]; ok {
		return fmt.Sprintf("did you mean local.%s?", name)
	}
	if _, ok := l.s.Variables[name]; ok {
		return fmt.Sprintf("did you mean variable.%s?", name)
	}
	if near := near(l.s, l.t.RootName(), name, values); near != "" {
		return fmt.Sprintf("did you mean %s.%s?", l.t.RootName(), near)
	}
	return ""
}

// block is a reference to a block, or to the instances of a repeated one.
// Where text could not be read (Lenient) a block that is not there may be in that text, and is unknown rather than
// missing.
func (l *lookup) block(name string) (string, cty.Value, *source.Diagnostic) {
	root := l.t.RootName()
	target, ok := l.s.targets[root][name]
	if !ok {
		if l.s.Lenient || l.s.invalid[root+"."+name] {
			return name, cty.DynamicVal, nil
		}
		return l.unknownAddress(name)
	}
	if target.Keys != nil {
		return l.repeated(name, target)
	}
	if d := l.port(target, 2); d != nil {
		return "", cty.NilVal, d
	}
	return name, l.s.blockValue(target), nil
}

// port checks the port of a block that step i selects, if there is one.
// Nothing is selected of a port: what a table or a model has inside is not known while expressions are evaluated.
func (l *lookup) port(target Target, i int) *source.Diagnostic {
	if len(l.t) <= i {
		return nil
	}
	port, ok := stepName(l.t, i)
	var d *source.Diagnostic
	switch {
	case !ok || !slices.Contains(target.Ports, port):
		_, _, d = l.unknownPort(target, port, i)
	case len(l.t) > i+1:
		d = &source.Diagnostic{
			Severity: source.Error, Code: source.CodeUnknownPort, Subject: l.at(i+1, len(l.t)-1),
			Summary: fmt.Sprintf("%s.%s has nothing inside", target.Here(), port),
			Detail:  "A port can be passed on as a whole; figures are read in rules.",
		}
	}
	return d
}

// unknownAddress words a block that is not there: a name near it, one of its kind with the port in front, or one of another
// kind.
func (l *lookup) unknownAddress(name string) (string, cty.Value, *source.Diagnostic) {
	root := l.t.RootName()
	hint := ""
	if near := near(l.s, root, name, l.s.targets[root]); near != "" {
		hint = fmt.Sprintf("did you mean %s.%s?", root, near)
	}
	if with := l.withPort(name); hint == "" && with != "" {
		hint = "write " + with
	}
	for _, kind := range l.s.kinds {
		if t, ok := l.s.targets[kind][name]; ok && hint == "" && len(t.Ports) > 0 {
			hint = fmt.Sprintf("did you mean %s.%s?", kind, name)
		}
	}
	detail := fmt.Sprintf("No %s has that name.", root)
	if names, count := l.names(); count == 0 {
		detail = fmt.Sprintf("The module has no %s block.", root)
	} else if count <= few {
		detail = fmt.Sprintf("There is %s.", strings.Join(names, ", "))
	}
	return "", cty.NilVal, &source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnknownAddress, Subject: l.at(0, 1),
		Summary: fmt.Sprintf("there is no %s.%s", root, name),
		Detail:  detail,
		Hint:    hint,
	}
}

// withPort is a reference to a port of a block, where the port's name stands where the block's should; "" if that is not so.
func (l *lookup) withPort(port string) string {
	root := l.t.RootName()
	for _, block := range slices.Sorted(maps.Keys(l.s.targets[root])) {
		if slices.Contains(l.s.targets[root][block].Ports, port) {
			return fmt.Sprintf("%s.%s.%s", root, block, port)
		}
	}
	return ""
}

// unknownPort words a port that a block does not have. i is the step of the traversal that it stands at.
func (l *lookup) unknownPort(t Target, port string, i int) (string, cty.Value, *source.Diagnostic) {
	detail := fmt.Sprintf("%s has no ports.", t.Here())
	if len(t.Ports) > 0 {
		detail = fmt.Sprintf("%s has %s.", t.Here(), strings.Join(t.Ports, ", "))
	}
	if port == "" {
		return "", cty.NilVal, &source.Diagnostic{
			Severity: source.Error, Code: source.CodeUnknownPort, Subject: l.at(i, i),
			Summary: fmt.Sprintf("a port of %s is selected by its name", t.Here()),
			Detail:  detail,
		}
	}
	return "", cty.NilVal, &source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnknownPort, Subject: l.at(i, i),
		Summary: fmt.Sprintf("%s has no port %q", t.Here(), port),
		Detail:  detail,
		Hint:    suggest.DidYouMean(port, t.Ports),
	}
}
