package resolve

import (
	"cmp"
	"encoding/json"
	"fmt"
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
	path string       // within the block: "data", "from[0]", "from[payments]"
	attr *syntax.Attr // the whole argument
	spec *schema.Attr
	at   source.Range // the reference alone, where it is written out
}

// references checks the references of an argument, notes them, and returns what the configuration says of them.
// References that fit are noted even if another one of the list does not.
// The list is sorted before ports are given, where its order means nothing, so that [b, a] has the ports and the
// definition of [a, b].
func (w *walker) references(v cty.Value, a *syntax.Attr, spec *schema.Attr, path string, policy bool) (any, outcome) {
	if w.r.sensitive(v, a.Range, path) {
		return nil, wrong
	}
	if v.IsKnown() && v.IsNull() {
		return nil, absent
	}
	items, ok := w.items(v, a, spec, path)
	if !ok {
		return nil, wrong
	}
	if spec.Unordered {
		w.sort(items, path)
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
		w.out.Refs = append(w.out.Refs, w.r.along(ref, spec)...)
	}
	if !ok || !w.distinct(items, spec, path) {
		return nil, wrong
	}
	return w.wiring(refs, items, spec, policy)
}

// along is what the block that a reference points at reads by one of its own arguments, or yields at another port. train.m with features =
// features.card reads what features.card is computed from: a reference to that is added, as if train.m had named it.
// Its port has the name of both arguments, so that it is not taken for one that the block has itself.
func (r *resolver) along(ref *Reference, spec *schema.Attr) []Reference {
	if spec.Along == "" {
		return nil
	}
	b := r.block(r.blocks[ref.Target])
	if b == nil {
		return nil // a cycle, which is told of in the graph
	}
	var out []Reference
	for _, further := range b.Refs {
		if further.Path == spec.Along && further.Edge == schema.InputEdge {
			one := *ref
			one.Port, one.Target, one.TargetPort, one.Along = ref.Port+"."+spec.Along, further.Target, further.TargetPort, true
			out = append(out, one)
		}
	}
	if slices.ContainsFunc(b.TypeSpec.Out, func(p schema.Port) bool { return p.Asked && p.Name == spec.Along }) {
		one := *ref
		one.Port, one.TargetPort, one.Along = ref.Port+"."+spec.Along, spec.Along, true
		out = append(out, one)
	}
	return out
}

// sort puts the references of a list that means a set in one order; where each stands in the text goes with it.
func (w *walker) sort(items []item, path string) {
	slices.SortStableFunc(items, func(a, b item) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.ref.String(), b.ref.String()))
	})
	for i := range items {
		items[i].path = fmt.Sprintf("%s[%d]", path, i)
		w.out.Ranges[items[i].path] = items[i].at
	}
}

// inputPort is the port of an argument at path: without brackets, so that it can be the name of a folder.
func inputPort(path string) string {
	return strings.ReplaceAll(strings.ReplaceAll(path, "[", "."), "]", "")
}

// item is one reference of an argument, with its name in a list or object.
type item struct {
	name string // of a list or a single one the name of the block, of an object the key
	path string
	ref  expr.Ref
	at   source.Range
}

// items takes a value apart into references: one, those of a list, or those of an object. false after a mistake, which
// is told with how the value would be written. Of a value that is not known nothing is told: it is so by another mistake.
func (w *walker) items(v cty.Value, a *syntax.Attr, spec *schema.Attr, path string) ([]item, bool) {
	if ref, ok := expr.RefOf(v); ok {
		if spec.Type != schema.Ref {
			w.r.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeNotReference, Subject: a.Range,
				Summary: fmt.Sprintf("%s takes a list of references", path),
				Detail:  "This is a single one.",
				Hint:    fmt.Sprintf("write [%s]", ref),
			})
			return nil, false
		}
		return []item{{name: ref.Name, path: path, ref: ref, at: a.Range}}, true
	}
	v, _ = v.Unmark()
	if !v.IsKnown() {
		return nil, false
	}
	t := v.Type()
	list := t.IsTupleType() || t.IsListType() || t.IsSetType()
	object := (t.IsObjectType() || t.IsMapType()) && spec.Type == schema.RefMap
	if spec.Type == schema.Ref && t.IsTupleType() && v.LengthInt() == 1 {
		if ref, ok := expr.RefOf(v.Index(cty.NumberIntVal(0))); ok {
			w.r.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeNotReference, Subject: a.Range,
				Summary: fmt.Sprintf("%s takes a single reference", path),
				Detail:  "This is a list.",
				Hint:    fmt.Sprintf("leave the brackets out: %s", ref),
			})
			return nil, false
		}
	}
	if spec.Type == schema.Ref || !list && !object {
		w.notReference(v, a.Range, spec, path)
		return nil, false
	}
	return w.elementItems(v, a, spec, path, object)
}

// elementItems are the references in a list, named by their blocks, or in an object, named by its keys. Each is noted in
// Ranges under its path, "from[0]" or "from[payments]".
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
			one.name = one.ref.Name
			if spec.Type == schema.RefMap && !w.namesTable(one) {
				ok = false
			}
		} else if !w.tableName(a, one) {
			ok = false
		}
		items = append(items, one)
	}
	return items, ok
}

// namesTable checks the name that a table has by its block: blocks whose tables are there only when asked for may have reserved words for names.
func (w *walker) namesTable(one item) bool {
	if one.ref.Port == "" || syntax.ValidName(one.name) {
		return true
	}
	w.r.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeName, Subject: one.at,
		Summary: fmt.Sprintf("%q is a reserved word of SQL", one.name),
		Detail:  "Queries read the table by this name.",
		Hint:    fmt.Sprintf("name it: { %s_ = %s }", one.name, one.ref),
	})
	return false
}

// tableName checks a name given to a reference, which queries use.
// Such a name becomes a table's name in SQL and a key in rules, so it must be one in both.
func (w *walker) tableName(a *syntax.Attr, one item) bool {
	if syntax.ValidName(one.name) {
		return true
	}
	at, ok := keyRange(a, one.name)
	if !ok {
		at = one.at
	}
	w.r.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeName, Subject: at,
		Summary: fmt.Sprintf("%q is no valid name", one.name),
		Detail:  "A name begins with a small letter, goes on with small letters, digits and underscores, and is no reserved word of SQL or CEL.",
	})
	return false
}

// notReference tells of a value where a reference is wanted. Most often somebody has quoted one: data = "split.s.train".
// A string is looked up as it stands ("split.s.train"), then as a name of one of the kinds wanted ("s"): the hint is
// what can be copied.
func (w *walker) notReference(v cty.Value, at source.Range, spec *schema.Attr, path string) {
	v, _ = v.Unmark()
	want := "a reference"
	if strings.HasSuffix(path, "]") || spec.Type == schema.Ref {
		want = "a reference to " + wanted(spec)
	} else {
		want = "a list of references"
	}
	if w.instanceNotSaid(v, at, spec, path, want) {
		return
	}
	hint := ""
	if v.IsKnown() && !v.IsNull() && v.Type() == cty.String {
		if s := v.AsString(); w.r.blocks[w.r.prefix+s] != nil {
			hint = "leave the quotes out: " + s
		} else if address := w.named(s, spec); address != "" {
			hint = "write " + address + ", without quotes"
		} else {
			hint = "references are written without quotes: kind.name"
		}
	}
	w.r.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeNotReference, Subject: at,
		Summary: fmt.Sprintf("%s takes %s", path, want),
		Detail:  fmt.Sprintf("This is %s.", describe(v)),
		Hint:    hint,
	})
}

// named is a block of that name which can stand where spec says; "" if there is none.
// Where the type has a port of its own that fits, the address alone is enough: dataset.d; else the port is named:
// split.s.train.
func (w *walker) named(name string, spec *schema.Attr) string {
	for _, kind := range w.r.in.Kinds {
		in := w.r.blocks[w.r.prefix+kind+"."+name]
		if in == nil || in.Address == w.out.Address || len(spec.Kinds) > 0 && !slices.Contains(spec.Kinds, kind) {
			continue
		}
		for _, p := range in.TypeSpec.Out {
			if own := schema.OwnPort(in.TypeSpec.Out); len(spec.Ports) > 0 && !slices.Contains(spec.Ports, p.Type) {
				continue
			} else if own != nil && own.Type == p.Type {
				return kind + "." + name
			}
			return kind + "." + name + "." + p.Name
		}
	}
	return ""
}

// instanceNotSaid reports whether v is a repeated block where one instance belongs, and adds the diagnostic: split.s in place of
// split.s["eu"].
func (w *walker) instanceNotSaid(v cty.Value, at source.Range, spec *schema.Attr, path, want string) bool {
	keys := instanceKeys(v)
	if len(keys) == 0 {
		return false
	}
	one, _ := expr.RefOf(v.GetAttr(keys[0]))
	block, _, _ := strings.Cut(strings.TrimPrefix(one.Address, w.r.prefix), "[")
	hint := fmt.Sprintf("write %s[%q]", block, keys[0])
	if spec.Type != schema.Ref {
		hint += ", or values(…) in place of the list for all instances"
		if !strings.HasSuffix(path, "]") {
			hint = fmt.Sprintf("write values(%s) for all instances", block)
		}
	}
	w.r.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeInstance, Subject: at,
		Summary: fmt.Sprintf("%s takes %s, and %s is repeated", path, want, block),
		Detail:  fmt.Sprintf("Its keys are %s.", strings.Join(keys, ", ")),
		Hint:    hint,
	})
	return true
}

// distinct reports whether all references of a list have names of their own, and adds a diagnostic for each that has not: in
// [source.a, dataset.a] both inputs would have the port from.a.
func (w *walker) distinct(items []item, spec *schema.Attr, path string) bool {
	first := map[string]item{}
	ok := true
	for _, it := range items {
		other, twice := first[it.name]
		same := twice && other.ref.String() == it.ref.String()
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
			a, b := "a", "b"
			if it.ref.Port != "" && other.ref.Port != "" && it.ref.Port != other.ref.Port { // { train = split.s.train, test = split.s.test }
				a, b = other.ref.Port, it.ref.Port
			}
			d.Hint = fmt.Sprintf("name them: { %s = %s, %s = %s }", a, other.ref, b, it.ref)
		}
		w.r.ds = append(w.r.ds, d)
	}
	return ok
}

// wiring is what the configuration says of references: names of inputs, definitions, or addresses for policy. Of a
// single input nothing: what flows in is known by its content.
// A list of inputs is told by the names under which a query knows them, since those are a part of what is computed; the
// blocks behind them stand in Refs alone.
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

// definition returns the configuration of the block at address, with its name; nil if the block is defined by itself.
// The map is the caller's.
// A metric has no result that could be another: what refers to it has the metric's configuration within its own, and is
// another where that is.
func (r *resolver) definition(address string, at source.Range) map[string]any {
	in := r.blocks[address]
	b := r.block(in)
	if b == nil {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeDefinitionCycle, Subject: at,
			Summary: fmt.Sprintf("%s is defined by itself", address),
			Detail:  "A definition cannot lead back to its own block.",
		})
		return nil
	}
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(b.Config, &raw); err != nil {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeType, Subject: at,
			Summary: fmt.Sprintf("the definition of %s cannot be read", address),
			Detail:  err.Error(),
		})
		return nil
	}
	out := make(map[string]any, len(raw)+1)
	for k, v := range raw {
		out[k] = v
	}
	out["name"] = in.label()
	return out
}

// instanceKeys are the keys of a map of references, sorted: of a repeated block those of its instances. None of a value that
// is anything else.
func instanceKeys(v cty.Value) []string {
	if !v.IsKnown() || v.IsNull() || !v.Type().IsObjectType() {
		return nil
	}
	var keys []string
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		if _, ok := expr.RefOf(e); ok {
			keys = append(keys, k.AsString())
		}
	}
	return keys
}
