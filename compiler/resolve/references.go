package resolve

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// use is one reference in a block: what it is for and where it stands.
type use struct {
	path string
	attr *syntax.Attr
	spec *schema.Attr
	at   source.Range
}

// references checks the references of an argument, notes them, and returns what the configuration says of them.
func (w *walker) references(v cty.Value, a *syntax.Attr, spec *schema.Attr, path string, policy bool) (any, outcome) {
	if v.IsKnown() && v.IsNull() {
		return nil, absent
	}
	items, ok := w.items(v, a, spec, path)
	if !ok {
		return nil, wrong
	}
	var refs []*Reference
	for _, it := range items {
		ref := w.r.reference(it.ref, use{path: it.path, attr: a, spec: spec, at: it.at})
		if ref == nil {
			ok = false
			continue
		}
		if spec.Edge == schema.InputEdge {
			ref.Port = inputPort(path)
			if spec.Type != schema.Ref {
				ref.Port += "." + it.name
			}
		}
		refs = append(refs, ref)
		w.out.Refs = append(w.out.Refs, *ref)
	}
	if !ok || !w.distinct(items, spec, path) {
		return nil, wrong
	}
	return w.wiring(refs, items, spec, policy)
}

// inputPort is the port of an argument at path: without brackets, so that it can be the name of a folder.
func inputPort(path string) string {
	return strings.NewReplacer("[", ".", "]", "").Replace(path)
}

// item is one reference of an argument, with its name in a list or object.
type item struct {
	name string
	path string
	ref  expr.Ref
	at   source.Range
}

// items takes a value apart into references.
func (w *walker) items(v cty.Value, a *syntax.Attr, spec *schema.Attr, path string) ([]item, bool) {
	if ref, ok := expr.RefOf(v); ok {
		if spec.Type != schema.Ref {
			w.r.fail(source.CodeNotReference, a.Range, fmt.Sprintf("%s takes a list of references", path), "This is a single one.",
				fmt.Sprintf("write [%s]", ref))
			return nil, false
		}
		return []item{{name: blockName(ref), path: path, ref: ref, at: a.Range}}, true
	}
	v, _ = v.Unmark()
	if !v.IsKnown() {
		return nil, false
	}
	t := v.Type()
	list := t.IsTupleType() || t.IsListType() || t.IsSetType()
	object := (t.IsObjectType() || t.IsMapType()) && spec.Type == schema.RefMap
	if spec.Type == schema.Ref || !list && !object {
		w.notReference(v, a.Range, spec, path)
		return nil, false
	}
	return w.elementItems(v, a, spec, path, object)
}

func (w *walker) elementItems(v cty.Value, a *syntax.Attr, spec *schema.Attr, path string, object bool) ([]item, bool) {
	var items []item
	ok, i := true, 0
	for it := v.ElementIterator(); it.Next(); i++ {
		key, e := it.Element()
		one := item{path: fmt.Sprintf("%s[%d]", path, i)}
		lookup := one.path
		if object {
			one.name = key.AsString()
			one.path, lookup = path+"["+one.name+"]", join(path, one.name)
		}
		if one.at, _ = w.out.Ranges[lookup]; one.at.IsZero() {
			one.at = a.Range
		}
		w.out.Ranges[one.path] = one.at
		known := true
		if one.ref, known = expr.RefOf(e); !known {
			if e.IsKnown() {
				w.notReference(e, one.at, spec, one.path)
			}
			ok = false
			continue
		}
		if !object {
			one.name = blockName(one.ref)
		} else if !w.tableName(one) {
			ok = false
		}
		items = append(items, one)
	}
	return items, ok
}

// tableName checks a name given to a reference, which queries use.
func (w *walker) tableName(one item) bool {
	if syntax.ValidName(one.name) {
		return true
	}
	w.r.fail(source.CodeName, one.at, fmt.Sprintf("%q is no valid name", one.name),
		"A name begins with a small letter, goes on with small letters, digits and underscores, and is no reserved word of SQL or CEL.", "")
	return false
}

func blockName(ref expr.Ref) string {
	_, name, _ := strings.Cut(ref.Address, ".")
	return name
}

func (w *walker) notReference(v cty.Value, at source.Range, spec *schema.Attr, path string) {
	v, _ = v.Unmark()
	want := "a reference"
	if strings.HasSuffix(path, "]") || spec.Type == schema.Ref {
		want = "a reference to " + wanted(spec)
	} else {
		want = "a list of references"
	}
	hint := ""
	if v.IsKnown() && !v.IsNull() && v.Type() == cty.String {
		if s := v.AsString(); w.r.blocks[s] != nil {
			hint = "leave the quotes out: " + s
		}
	}
	w.r.fail(source.CodeNotReference, at, fmt.Sprintf("%s takes %s", path, want), fmt.Sprintf("This is %s.", describe(v)), hint)
}

// wanted says what an argument's references may point at: "a table", "a train or model block".
func wanted(spec *schema.Attr) string {
	if len(spec.Ports) == 0 {
		if len(spec.Kinds) == 0 {
			return "a block"
		}
		return "a " + strings.Join(spec.Kinds, " or ") + " block"
	}
	names := make([]string, len(spec.Ports))
	for i, p := range spec.Ports {
		names[i] = portNoun(p)
	}
	return strings.Join(names, " or ")
}

func portNoun(p schema.PortType) string {
	switch p {
	case schema.FiguresPort:
		return "figures"
	case schema.FilesPort:
		return "files"
	}
	return "a " + string(p)
}

// distinct tells of two references with the same name in one list: they would share a port.
func (w *walker) distinct(items []item, spec *schema.Attr, path string) bool {
	first := map[string]item{}
	ok := true
	for _, it := range items {
		other, twice := first[it.name]
		same := twice && other.ref == it.ref
		if !twice || spec.Edge != schema.InputEdge && !same {
			first[it.name] = it
			continue
		}
		ok = false
		d := source.Diagnostic{
			Severity: source.Error, Code: source.CodeRefName, Subject: it.at,
			Summary: fmt.Sprintf("%s has two references with the name %q", path, it.name),
			Related: []source.Related{{Message: "the other one is here", Range: other.at}},
		}
		switch {
		case same:
			d.Hint = "remove one"
		case spec.Type == schema.RefMap:
			d.Hint = fmt.Sprintf("name them: { a = %s, b = %s }", other.ref, it.ref)
		}
		w.r.ds = append(w.r.ds, d)
	}
	return ok
}

// wiring is what the configuration says of references: names of inputs, definitions, or addresses for policy.
func (w *walker) wiring(refs []*Reference, items []item, spec *schema.Attr, policy bool) (any, outcome) {
	values := make([]any, len(refs))
	for i, ref := range refs {
		switch {
		case policy || spec.Policy || spec.Edge == schema.OrderEdge || spec.Edge == schema.StateEdge:
			values[i] = items[i].ref.String()
		case spec.Edge == schema.DefinitionEdge:
			def := w.r.definition(ref.Target, ref.Range)
			if def == nil {
				return nil, wrong
			}
			values[i] = def
		case spec.Type == schema.Ref:
			return nil, wired
		default:
			values[i] = items[i].name
		}
	}
	if spec.Type == schema.Ref {
		return values[0], present
	}
	return values, present
}

// definition returns the configuration of the block at address, with its name.
func (r *resolver) definition(address string, at source.Range) map[string]any {
	in := r.blocks[address]
	b := r.block(in)
	if b == nil {
		r.fail(source.CodeDefinitionCycle, at, fmt.Sprintf("%s is defined by itself", address), "A definition cannot lead back to its own block.", "")
		return nil
	}
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(b.Config, &raw); err != nil {
		r.fail(source.CodeType, at, fmt.Sprintf("the definition of %s cannot be read", address), err.Error(), "")
		return nil
	}
	out := make(map[string]any, len(raw)+1)
	for k, v := range raw {
		out[k] = v
	}
	out["name"] = in.Name
	return out
}

// reference checks a reference against what its argument takes; nil if it does not fit.
func (r *resolver) reference(ref expr.Ref, u use) *Reference {
	target := r.blocks[ref.Address]
	out := &Reference{Path: u.path, Target: ref.Address, Edge: u.spec.Edge, Range: u.at, Spec: u.spec}
	if len(u.spec.Kinds) > 0 && !slices.Contains(u.spec.Kinds, target.Kind) {
		r.fail(source.CodeTargetKind, u.at, fmt.Sprintf("%s is a %s; %s takes %s", ref, target.Kind, u.path, wanted(&schema.Attr{Kinds: u.spec.Kinds})), "", "")
		return nil
	}
	ports := target.TypeSpec.Out
	if ref.Port != "" {
		port := findPort(ports, ref.Port)
		out.TargetPort = port.Name
		return r.fits(out, ref, port, ports, u)
	}
	return r.bare(out, ref, ports, u)
}

func findPort(ports []schema.Port, name string) schema.Port {
	i := slices.IndexFunc(ports, func(p schema.Port) bool { return p.Name == name })
	return ports[i]
}

// bare settles which port a reference to the block itself means: its own one. For those that carry nothing, any port of
// the type wanted will do, and a block without ports.
func (r *resolver) bare(out *Reference, ref expr.Ref, ports []schema.Port, u use) *Reference {
	loose := u.spec.Edge == schema.OrderEdge || u.spec.Edge == schema.StateEdge
	if loose && len(u.spec.Ports) == 0 {
		if own := schema.OwnPort(ports); own != nil {
			out.TargetPort = own.Name
		}
		return out
	}
	if loose {
		for _, p := range ports {
			if slices.Contains(u.spec.Ports, p.Type) {
				out.TargetPort = p.Name
				return out
			}
		}
	}
	own := schema.OwnPort(ports)
	if own == nil {
		r.noOwnPort(ref, ports, u)
		return nil
	}
	out.TargetPort = own.Name
	return r.fits(out, ref, *own, ports, u)
}

func (r *resolver) noOwnPort(ref expr.Ref, ports []schema.Port, u use) {
	if len(ports) == 0 {
		kind, _, _ := strings.Cut(ref.Address, ".")
		r.fail(source.CodePortType, u.at, fmt.Sprintf("%s yields nothing; %s takes %s", ref, u.path, wanted(u.spec)),
			fmt.Sprintf("A %s block has no ports.", kind), "")
		return
	}
	names := make([]string, len(ports))
	for i, p := range ports {
		names[i] = p.Name
	}
	hint := ""
	for _, p := range ports {
		if hint == "" && (len(u.spec.Ports) == 0 || slices.Contains(u.spec.Ports, p.Type)) {
			hint = fmt.Sprintf("write %s.%s, for example", ref, p.Name)
		}
	}
	r.fail(source.CodeNoOwnPort, u.at, fmt.Sprintf("%s does not say which of its ports is meant", ref),
		fmt.Sprintf("%s has ports %s.", ref, strings.Join(names, ", ")), hint)
}

// fits checks the type of the port.
func (r *resolver) fits(out *Reference, ref expr.Ref, port schema.Port, ports []schema.Port, u use) *Reference {
	if len(u.spec.Ports) == 0 || slices.Contains(u.spec.Ports, port.Type) {
		return out
	}
	var others []string
	for _, p := range ports {
		if slices.Contains(u.spec.Ports, p.Type) {
			others = append(others, ref.Address+"."+p.Name)
		}
	}
	hint := ""
	if len(others) > 0 {
		hint = fmt.Sprintf("did you mean %s?", strings.Join(others, " or "))
	} else if near := r.suggestPort(u.spec); near != "" {
		hint = near
	}
	verb := portNoun(port.Type)
	r.fail(source.CodePortType, u.at, fmt.Sprintf("%s is %s; %s takes %s", ref, verb, u.path, wanted(u.spec)), "", hint)
	return nil
}

// suggestPort names what would fit, where there is little of it.
func (r *resolver) suggestPort(spec *schema.Attr) string {
	var found []string
	for _, address := range slices.Sorted(maps.Keys(r.blocks)) {
		b := r.blocks[address]
		if len(spec.Kinds) > 0 && !slices.Contains(spec.Kinds, b.Kind) {
			continue
		}
		own := schema.OwnPort(b.TypeSpec.Out)
		for i, p := range b.TypeSpec.Out {
			if !slices.Contains(spec.Ports, p.Type) {
				continue
			}
			if own == &b.TypeSpec.Out[i] {
				found = append(found, address)
			} else {
				found = append(found, address+"."+p.Name)
			}
		}
	}
	if len(found) == 0 || len(found) > 4 {
		return ""
	}
	return fmt.Sprintf("of that type: %s", strings.Join(found, ", "))
}
