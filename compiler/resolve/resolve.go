package resolve

import (
	"errors"
	"fmt"
	"maps"
	"sort"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/storeurl"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// The kinds that this package itself gives a meaning to.
const (
	pipelineKind = "pipeline"
	storeAttr    = "store" // of it
	variableKind = "variable"
	localsKind   = "locals"
	outputKind   = "output"
	moduleKind   = "module"
	secretKind   = "secret"
	movedKind    = "moved"
	acceptKind   = "accept"
)

// Resolve evaluates a parsed module and those that it calls. The result is never nil and holds what is right even where
// something is wrong, so that editors can go on with it. Diagnostics are sorted by place. m is not changed; the same m
// and options give the same result, byte by byte.
func Resolve(m *syntax.Module, opts Options) (*Module, source.Diagnostics) {
	all := &shared{root: opts.Dir, blocks: map[string]*instance{}, states: map[string]state{}, folders: map[string]*syntax.Module{}, called: map[string]bool{}, reals: map[string]string{}, budget: expr.NewBudget(), fitting: &fitting{hints: map[string]string{}}}
	all.out = &Module{ByAddress: map[string]*Block{}, Files: maps.Clone(m.Files), Scopes: map[string]Values{}}
	r := &resolver{shared: all, in: m, opts: opts, metrics: map[string]string{}}
	r.scopes()
	r.resolveAll()
	r.outputs()
	all.checkMoves()
	all.checkAccepts()
	all.out.Values = all.out.Scopes[""]
	sort.Slice(all.out.Blocks, func(i, j int) bool { return all.out.Blocks[i].Address < all.out.Blocks[j].Address })
	if !opts.NoPipeline {
		r.pipeline()
	}
	return all.out, all.ds.Sort()
}

// shared is what the resolvers of all modules share. A try has a copy with diagnostics of its own.
type shared struct {
	root    string // its folder
	out     *Module
	blocks  map[string]*instance // that can be referred to, by address; of duplicates the first
	order   []*instance          // the same, as they were found
	states  map[string]state     // of blocks being resolved //
	folders map[string]*syntax.Module
	reals   map[string]string // folders by what they are without links
	called  map[string]bool   // the addresses of modules that are called
	ds      source.Diagnostics
	budget  *expr.Budget // of what expressions compute, and of calls and instances
	fitting *fitting
	try     *try // the one that this is a copy for
}

// resolver is one module being resolved: the root, or one that is called.
type resolver struct {
	*shared
	in        *syntax.Module
	opts      Options
	prefix    string   // of addresses: "module.cards."; "" in the root
	at        Folder   // of the files
	calls     []string // the folders of the modules around this one, outermost first
	call      source.Range
	calledFor string // the key of the call, where it is repeated
	scope     *expr.Scope
	// metrics are the addresses of the blocks that are metrics, by name.
	metrics map[string]string
	// invalid are the addresses in the module that are written and that nothing is known of.
	invalid map[string]bool
}

// instance is a block of a module, or one of a repeated block. Its Block has the whole address, with prefix and key.
type instance struct {
	*syntax.Block
	owner *resolver
	scope *expr.Scope
	key   string
	each  map[string]cty.Value
}

// scopes finds out what can be referred to in the module: variables, locals, blocks and the modules that it calls.
// Called modules go through it within evaluate, so that all addresses of all modules are known before any block is
// resolved.
func (r *resolver) scopes() {
	r.index()
	r.variables()
	r.evaluate()
	r.refactorings()
	r.out.Scopes[r.prefix] = Values{
		Variables: open(r.scope.Variables), SensitiveVariables: sensitiveNames(r.scope.Variables),
		Locals: open(r.scope.Locals), SensitiveLocals: sensitiveNames(r.scope.Locals), Places: r.places(),
	}
}

// places are where the module's variables and locals are written.
// Of a variable with a default that is the default's place, since that is what somebody changes who wants another value.
func (r *resolver) places() map[string]source.Range {
	out := map[string]source.Range{}
	for _, b := range r.in.Blocks {
		switch b.Kind {
		case variableKind:
			out["variable."+b.Name] = b.Header
			if a := b.Attrs["default"]; a != nil {
				out["variable."+b.Name] = a.Range
			}
		case localsKind:
			for name, a := range b.Attrs {
				out["local."+name] = a.Range
			}
		}
	}
	return out
}

// state of a block or of a step; 0: not begun.
type state int

const (
	resolving state = iota + 1
	resolved
)

// report notes a mistake.
func (r *resolver) report(d source.Diagnostic) { r.ds = append(r.ds, d) }

// index opens the scope with the blocks that can be referred to. Of repeated blocks and of modules there is nothing yet.
// Kinds that are no blocks of their own (locals, outputs, moves) are left out: nothing can refer to them as a block. Those
// that stand for several or for none as yet (for_each, calls of modules) count as unreadable until they are expanded, which
// keeps references to them from being told as mistakes.
func (r *resolver) index() {
	kinds := map[string]bool{}
	for _, name := range r.in.Kinds {
		kinds[name] = true
	}
	for _, b := range r.in.Blocks {
		kinds[b.Kind] = true
	}
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		switch name {
		case variableKind, localsKind, outputKind, moduleKind, movedKind, acceptKind:
		default:
			names = append(names, name)
		}
	}
	invalid := maps.Clone(r.in.Invalid)
	r.invalid = invalid
	r.scope = expr.NewScope(r.opts.Dir, names, nil, invalid)
	r.scope.Within(r.opts.Dir, r.budget)
	r.scope.Lenient = r.in.Incomplete
	for _, b := range r.in.Blocks {
		switch b.Kind {
		case variableKind, localsKind, outputKind, movedKind, acceptKind:
			continue
		}
		if r.pending(b) {
			invalid[b.Address] = true // until it is known what it stands for
			continue
		}
		r.add(b, "", nil, r.scope)
		r.scope.Add(r.target(b))
	}
}

// pending reports whether a block's addresses are known only after evaluation: those of a repeated block need the keys of its
// for_each (train.model["eu"]), those of a module call the blocks of the module called.
func (r *resolver) pending(b *syntax.Block) bool {
	return b.Kind == moduleKind || b.Attrs[forEach] != nil
}

// target is what references to a block that stands once can select.
func (r *resolver) target(b *syntax.Block) expr.Target {
	return expr.Target{Prefix: r.prefix, Kind: b.Kind, Name: b.Name, Ports: portNames(b.TypeSpec)}
}

// add makes a block, or the instance of one, known by its address. A second one of the same address is left out; that
// there are two has been told by the parser. What for_each makes is bounded by the budget: two nested calls over a
// thousand keys would be a million blocks.
func (r *resolver) add(b *syntax.Block, key string, each map[string]cty.Value, scope *expr.Scope) {
	one := *b
	one.Address = instanceAddress(r.prefix+b.Address, key)
	if r.blocks[one.Address] != nil {
		return
	}
	if key != "" && r.budget.Take(instanceCost) != nil {
		r.ds = append(r.ds, r.budget.Exceeded(b.Header)...)
		return
	}
	in := &instance{Block: &one, owner: r, scope: scope, key: key, each: each}
	r.blocks[one.Address] = in
	r.order = append(r.order, in)
	if own := schema.OwnPort(b.TypeSpec.Out); own != nil && own.Type == schema.MetricPort {
		r.metrics[in.label()] = one.Address
	}
}

// What an instance and the call of a module take of the budget, beside their values.
const (
	instanceCost = 100
	callCost     = 2000
)

// label is what the instance is called where a key cannot stand.
func (in *instance) label() string { return schema.KeyedName(in.Name, in.key) }

// instanceAddress is the address of an instance, evaluate.holdout["eu"], or of a block that is not repeated.
func instanceAddress(address, key string) string {
	if key == "" {
		return address
	}
	return fmt.Sprintf("%s[%q]", address, key)
}

// portNames are the names of ports that have one; the own port may have none.
func portNames(t *schema.Type) []string {
	var names []string
	for _, p := range t.Out {
		if p.Name != "" {
			names = append(names, p.Name)
		}
	}
	return names
}

// PipelineName is the name in a module's pipeline block, if it has exactly one; what is wrong elsewhere is passed over.
func PipelineName(m *syntax.Module) (name string, ok bool) {
	for _, b := range m.Blocks {
		if b.Kind == pipelineKind && ok {
			return "", false
		}
		if b.Kind == pipelineKind {
			name, ok = b.Name, true
		}
	}
	return name, ok
}

// StoreOf is the store that a module's pipeline block names, if it names one; what is wrong elsewhere is passed over. The string is as it
// stands there.
func StoreOf(m *syntax.Module) (url string, ok bool) {
	for _, b := range m.Blocks {
		if a := b.Attrs[storeAttr]; b.Kind == pipelineKind && a != nil {
			return literalString(a.Expr)
		}
	}
	return "", false
}

// store checks the argument of the pipeline block: the state is read before anything has a value, so that it is a plain string.
// Its parts are looked at by lang/storeurl, as --store is, and with the same words.
func (r *resolver) store() {
	for _, b := range r.in.Blocks {
		a := b.Attrs[storeAttr]
		if b.Kind != pipelineKind || a == nil {
			continue
		}
		d := source.Diagnostic{Severity: source.Error, Code: source.CodeStore, Subject: a.Range}
		text, plain := literalString(a.Expr)
		var wrong *storeurl.Error
		if _, err := storeurl.Parse(text); !plain {
			d.Summary, d.Hint = "the store of a pipeline is a plain string", `write it out, or leave it to --store or MLP_STORE: store = "s3://bucket/prefix"`
		} else if errors.As(err, &wrong) {
			d.Summary, d.Hint = wrong.Why, wrong.Hint
		} else {
			continue
		}
		r.report(d)
	}
}

// pipeline checks that there is exactly one.
// Where text could not be read, a missing pipeline block may stand in that text, and nothing is said.
func (r *resolver) pipeline() {
	var found []*Block
	for _, b := range r.out.Blocks {
		if b.Kind == pipelineKind && b.Module == "" {
			found = append(found, b)
		}
	}
	switch {
	case len(found) > 0:
		r.out.Pipeline = found[0]
		r.store()
	case !r.in.Incomplete && !r.invalidPipeline():
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodePipeline,
			Summary: "the module has no pipeline block",
			Detail:  "Its name tells the module's history from that of others.",
			Hint:    `add pipeline "name" { }`,
		})
	}
	for _, b := range found[min(1, len(found)):] {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodePipeline, Subject: b.Range,
			Summary: "the module has more than one pipeline block",
			Detail:  "A folder is one module, and a module one pipeline.",
			Related: []source.Related{{Message: "another one is here", Range: found[0].Range}},
		})
	}
}

// invalidPipeline reports whether a pipeline block is there and has mistakes of syntax: then none is missed.
func (r *resolver) invalidPipeline() bool {
	for a := range r.in.Invalid {
		if len(a) >= len(pipelineKind) && a[:len(pipelineKind)] == pipelineKind {
			return true
		}
	}
	return false
}

// outputs evaluates the output blocks.
// They come sorted by name, as a plan lists them. An output that has a mistake is left out.
func (r *resolver) outputs() {
	for _, b := range r.in.Blocks {
		if b.Kind != outputKind {
			continue
		}
		o := &Output{Name: b.Name, Range: b.Header}
		w := r.walker(&instance{Block: b, owner: r, scope: r.scope})
		w.body(b, "", false)
		o.Description = w.description()
		if a := b.Attrs["value"]; a != nil && r.output(o, a) {
			r.out.Outputs = append(r.out.Outputs, o)
		}
	}
	sort.SliceStable(r.out.Outputs, func(i, j int) bool { return r.out.Outputs[i].Name < r.out.Outputs[j].Name })
}

// output fills in what an output shows: a value, or a reference, which is looked up once the apply has run. False if there
// is neither.
func (r *resolver) output(o *Output, a *syntax.Attr) bool {
	v, ds := r.scope.Eval(a)
	r.ds = append(r.ds, ds...)
	if ds.HasErrors() || !v.IsWhollyKnown() {
		return false
	}
	if ref, ok := expr.RefOf(v); ok {
		spec := *a.Spec
		spec.Edge = schema.StateEdge
		o.Ref = r.reference(ref, use{path: "value", attr: a, spec: &spec, at: a.Range})
		return o.Ref != nil
	}
	if r.sensitive(v, a.Range, "an output") {
		return false
	}
	if expr.HasRefs(v) {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRefComputed, Subject: a.Range,
			Summary: "an output is a value, or one reference",
			Detail:  "References cannot be computed with, nor put into lists.",
		})
		return false
	}
	p, err := plain(v)
	if err == nil {
		o.Value, err = plan.Canonical(p)
	}
	if err != nil {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeType, Subject: a.Range,
			Summary: fmt.Sprintf("the value of output %q cannot be shown", o.Name),
			Detail:  err.Error(),
		})
		return false
	}
	return true
}
