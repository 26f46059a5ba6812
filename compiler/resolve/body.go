package resolve

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/parallel"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// parts is the content of a body by what a change of it means: Config, Policy and Meta of a Block. Nested blocks are in
// it under their names, with parts of their own.
type parts struct {
	config, policy, meta map[string]any
}

// newParts is empty and not nil: arguments are entered without a look.
func newParts() parts {
	return parts{config: map[string]any{}, policy: map[string]any{}, meta: map[string]any{}}
}

// resolveAll resolves all blocks. Blocks of the root that stand once are tried in parallel: the text of each is evaluated by its own try
// alone. The result does not depend on which try is first: one that needs another block is dropped, and so are all if together they
// exceed the budget; dropped blocks are resolved in order afterwards.
func (r *resolver) resolveAll() {
	// Metrics first, since others have their definitions in their own configuration.
	for _, address := range slices.Sorted(maps.Values(r.metrics)) {
		r.block(r.blocks[address])
	}
	var tries []*try
	for _, b := range r.order {
		if b.owner == r && b.key == "" && r.states[b.Address] == 0 {
			tries = append(tries, &try{of: b})
		}
	}
	left := r.budget.Left()
	parallel.Each(tries, 16, (*try).block)
	if r.budget.Exhausted() {
		r.budget.Rewind(left)
		tries = nil
	}
	for _, t := range tries {
		if !t.early {
			r.ds = append(r.ds, t.ds...)
			r.keep(t.out)
		}
	}
	for _, b := range r.order {
		r.block(b)
	}
}

// try is a block that is resolved beside others.
type try struct {
	of  *instance
	out *Block
	ds  source.Diagnostics
	// early: it needs a block that is not resolved yet.
	early bool
}

// block resolves the block with a copy of all that resolving writes to.
func (t *try) block() {
	own, owner := *t.of.owner.shared, *t.of.owner
	own.ds, own.try, owner.shared = nil, t, &own
	w := owner.walker(t.of)
	w.parts = w.body(t.of.Block, "", false)
	t.out = w.finish()
	t.ds = own.ds
}

// block resolves a block once, whoever asks first; it returns nil while the block is on the way, which is a circle of
// definitions. In a try, which must not write to what others see, it returns nil for a block that is not resolved yet.
func (r *resolver) block(b *instance) *Block {
	switch r.states[b.Address] {
	case resolved:
		return r.out.ByAddress[b.Address]
	case resolving:
		return nil
	}
	if r.try != nil {
		r.try.early = true
		return nil
	}
	r.states[b.Address] = resolving
	w := b.owner.walker(b)
	w.parts = w.body(b.Block, "", false)
	out := w.finish()
	r.keep(out)
	return out
}

// keep is the only place that adds to the module's blocks, so that Blocks and ByAddress hold the same.
func (r *resolver) keep(b *Block) {
	r.out.Blocks = append(r.out.Blocks, b)
	r.out.ByAddress[b.Address] = b
	r.states[b.Address] = resolved
}

// walker goes over one block, and gathers what becomes of it. parts are those of the whole body, set when it has been
// walked.
type walker struct {
	r     *resolver
	scope *expr.Scope
	out   *Block
	parts parts
}

// walker is one for a block, in the scope that the block's expressions are evaluated in.
func (r *resolver) walker(b *instance) *walker {
	ranges := make(map[string]source.Range, 1+2*len(b.Attrs)+2*len(b.Blocks))
	ranges[""] = b.Header
	return &walker{r: r, scope: b.scope, out: &Block{
		Key: b.key, Each: b.each, Module: r.prefix, Dir: r.at.Dir,
		Address: b.Address, Kind: b.Kind, Type: b.Type, Name: b.Name, KindSpec: b.KindSpec, TypeSpec: b.TypeSpec,
		Range: b.Header, Ranges: ranges,
	}}
}

// finish writes the parts down and returns the block.
func (w *walker) finish() *Block {
	w.out.Description = w.description()
	w.out.Config = w.json(w.parts.config)
	w.out.Policy = w.json(w.parts.policy)
	w.out.Meta = w.json(w.parts.meta)
	return w.out
}

// description is the block's own, "" if it has none.
func (w *walker) description() string {
	s, _ := w.parts.meta["description"].(string)
	return s
}

// json is the canonical form of a part of the configuration: sorted keys, no white space. Fingerprints are taken of these
// bytes. Of what cannot be written (a number beyond JSON's) the mistake is told and the part is empty.
func (w *walker) json(v map[string]any) json.RawMessage {
	if len(v) == 0 {
		return json.RawMessage("{}")
	}
	text, err := plan.Canonical(v)
	if err != nil {
		w.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeType, Subject: w.out.Range,
			Summary: w.out.Address + " cannot be written down",
			Detail:  err.Error(),
		})
		return json.RawMessage("{}")
	}
	return text
}

// body walks what stands between the braces of b: arguments in the order of the schema, then those that the schema does
// not name, by name, then nested blocks. prefix is the path of b in its block, "" at the top. policy says that all of
// it counts for policy. Defaults are written into the parts as if somebody had written them, so that a default that
// changes with a version of a component is seen in the fingerprint.
func (w *walker) body(b *syntax.Block, prefix string, policy bool) parts {
	p := newParts()
	for i := range b.Body.Attrs {
		spec := &b.Body.Attrs[i]
		if b.Attrs[spec.Name] == nil && spec.Default == nil {
			continue
		}
		// Configuration is fingerprinted, policy is what gates and the engine read, and metadata runs nothing: which it is,
		// the schema says.
		dest := p.config
		switch {
		case policy || spec.Policy || spec.Edge == schema.OrderEdge || spec.Edge == schema.StateEdge:
			dest = p.policy
		case spec.Metadata:
			dest = p.meta
		}
		path := join(prefix, spec.Name)
		if v, ok := w.attr(b, spec, path, policy); ok {
			dest[spec.Name] = v
			w.columns(v, spec, path)
		}
	}
	for _, a := range b.Sorted() {
		if a.Spec == nil {
			w.free(a, prefix, p, policy)
		}
	}
	for i := range b.Body.Blocks {
		w.nested(b, &b.Body.Blocks[i], prefix, policy, p)
	}
	if prefix == "" {
		w.parts = p
	}
	return p
}

// columns notes the columns that an argument names, which the check of tables looks up.
// Whether the table has them is not known here: its columns are typed later, and by then only paths and values are left
// of the text.
func (w *walker) columns(v any, spec *schema.Attr, path string) {
	if spec.ColumnOf == "" {
		return
	}
	switch v := v.(type) {
	case string:
		w.out.Columns = append(w.out.Columns, ColumnName{Path: path, Name: v, Spec: spec})
	case []any:
		for i, e := range v {
			if name, ok := e.(string); ok {
				w.out.Columns = append(w.out.Columns, ColumnName{Path: fmt.Sprintf("%s[%d]", path, i), Name: name, Spec: spec})
			}
		}
	}
}

// join is the path of something in something else: "decision" and "where" are "decision.where".
func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// attr returns the value of an argument, or its default; false if there is none.
// null counts as not written, as in HCL: a default takes its place, and of a required argument it is a mistake of its
// own, which says "is null" so that nobody looks for a missing line.
func (w *walker) attr(b *syntax.Block, spec *schema.Attr, path string, policy bool) (any, bool) {
	a := b.Attrs[spec.Name]
	if a == nil {
		return plainDefault(spec.Default), spec.Default != nil
	}
	w.ranges(path, a)
	v, result := w.value(a, spec, path, policy)
	switch {
	case result == absent && spec.Required:
		w.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeMissingAttr, Subject: a.Range,
			Summary: fmt.Sprintf("%s is null", path),
			Detail:  "It is required.",
		})
	case result == absent && spec.Default != nil:
		return plainDefault(spec.Default), true
	}
	return v, result == present
}

// free adds an argument that the schema does not name, in bodies that take any.
func (w *walker) free(a *syntax.Attr, prefix string, p parts, policy bool) {
	path := join(prefix, a.Name)
	w.ranges(path, a)
	v, result := w.value(a, &schema.Attr{Name: a.Name, Type: schema.Any}, path, policy)
	switch {
	case result != present:
	case policy:
		p.policy[a.Name] = v
	default:
		p.config[a.Name] = v
	}
}

// nested adds all nested blocks of one kind, in the order of the text; blocks whose order means nothing by their
// labels, so that moving one changes no fingerprint.
func (w *walker) nested(b *syntax.Block, spec *schema.Block, prefix string, policy bool, into parts) {
	blocks := b.Nested(spec.Name)
	if len(blocks) == 0 {
		return
	}
	policy = policy || spec.Policy
	// A block in which only some arguments are policy is in both parts, under the same label.
	list := spec.Labelled || spec.Repeated
	var configs, policies, metas []any
	for i, n := range blocks {
		path := join(prefix, spec.Name)
		switch {
		case spec.Labelled:
			path += "[" + n.Name + "]"
		case spec.Repeated:
			path += fmt.Sprintf("[%d]", i)
		}
		w.out.Ranges[path] = n.Header
		p := w.body(n, path, policy)
		if !policy {
			configs = append(configs, named(n, p.config))
		}
		if policy || len(p.policy) > 0 {
			policies = append(policies, named(n, p.policy))
		}
		if len(p.meta) > 0 {
			metas = append(metas, named(n, p.meta))
		}
	}
	if spec.Unordered {
		for _, all := range [][]any{configs, policies, metas} {
			slices.SortStableFunc(all, func(a, b any) int { return strings.Compare(label(a), label(b)) })
		}
	}
	put(into.config, spec.Name, configs, list)
	put(into.policy, spec.Name, policies, list)
	put(into.meta, spec.Name, metas, list)
}

// named puts the label of a nested block into its object: `slice "eu" {}` is {"name": "eu"}.
func named(b *syntax.Block, object map[string]any) map[string]any {
	if b.Spec.Labelled {
		object["name"] = b.Name
	}
	return object
}

// label is the name that named has put into an object.
func label(object any) string {
	name, _ := object.(map[string]any)["name"].(string)
	return name
}

// put files the objects of the nested blocks of one name: a list where the schema lets the block stand more than once, even
// if it stands once, so that a component decodes one form; else the object itself. Where there are none, there is no key.
func put(into map[string]any, name string, values []any, list bool) {
	switch {
	case len(values) == 0:
	case list:
		into[name] = values
	default:
		into[name] = values[0]
	}
}

// ranges notes where an argument's value stands, and the parts of it that are written out.
func (w *walker) ranges(path string, a *syntax.Attr) {
	w.out.Ranges[path] = a.Range
	w.elements(path, a.File, a.Expr)
}

// elements notes where the elements of a list or object written out stand, for diagnostics about one of them: "features[2]",
// "params.depth". What a function or a local yields has no such places; the whole argument is pointed at then.
func (w *walker) elements(path string, f *syntax.File, e hclsyntax.Expression) {
	switch t := e.(type) {
	case *hclsyntax.TupleConsExpr:
		for i, elem := range t.Exprs {
			p := fmt.Sprintf("%s[%d]", path, i)
			w.out.Ranges[p] = f.Range(elem.Range())
			w.elements(p, f, elem)
		}
	case *hclsyntax.ObjectConsExpr:
		for _, item := range t.Items {
			key, hds := item.KeyExpr.Value(nil)
			if hds.HasErrors() || key.Type() != cty.String || !key.IsKnown() || key.IsNull() {
				continue
			}
			p := join(path, key.AsString())
			w.out.Ranges[p] = f.Range(item.ValueExpr.Range())
			w.elements(p, f, item.ValueExpr)
		}
	}
}

// outcome of a value. An argument is in the configuration only if it is present.
type outcome int

const (
	wrong   outcome = iota // told, or resting on what was told
	absent                 // null
	present                // there
	wired                  // there, and no part of a configuration
)

// value evaluates an argument by its schema: texts and limits are read, addresses are followed, references are checked,
// all else is a literal. The first value is nil unless the outcome is present.
func (w *walker) value(a *syntax.Attr, spec *schema.Attr, path string, policy bool) (any, outcome) {
	switch spec.Type {
	case schema.SQL, schema.SQLExpr, schema.CEL:
		return w.text(a, spec, path)
	case schema.Limits:
		return w.limits(a, spec, path)
	case schema.TypeExpr, schema.Repeat:
		return nil, wired
	case schema.Address:
		return w.address(a, path)
	}
	if spec.Type == schema.Any && (w.out.Kind == outputKind || w.out.Kind == variableKind) {
		return nil, wired
	}
	v, ds := w.scope.Eval(a)
	w.r.ds = append(w.r.ds, ds...)
	if ds.HasErrors() {
		return nil, wrong
	}
	if plain, _ := v.Unmark(); spec.OrText && plain.IsKnown() && !plain.IsNull() && plain.Type() == cty.String {
		if w.r.blocks[w.r.prefix+plain.AsString()] != nil {
			w.notReference(plain, a.Range, spec, path)
			return nil, wrong
		}
		text := *spec
		text.Type = schema.String
		return w.literal(v, a, &text, path)
	}
	switch spec.Type {
	case schema.Ref, schema.RefList, schema.RefMap:
		return w.references(v, a, spec, path, policy)
	}
	return w.literal(v, a, spec, path)
}

// text takes SQL or a rule as it is written. It is evaluated by nobody here: the compiler of rules and the engine of queries
// read it, and their diagnostics point into it by way of source.Text.
func (w *walker) text(a *syntax.Attr, spec *schema.Attr, path string) (any, outcome) {
	t, ds := expr.Text(a)
	w.r.ds = append(w.r.ds, ds...)
	if ds.HasErrors() {
		return nil, wrong
	}
	if strings.TrimSpace(t.Value) == "" {
		w.r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeType, Subject: a.Range,
			Summary: fmt.Sprintf("%s is empty", path),
			Detail:  fmt.Sprintf("It takes a %s.", spec.Type),
		})
		return nil, wrong
	}
	w.out.Texts = append(w.out.Texts, Text{Path: path, Spec: spec, Text: t})
	return t.Value, present
}
