package resolve

import (
	"fmt"
	"sort"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// The kinds that this package itself gives a meaning to.
const (
	pipelineKind = "pipeline"
	variableKind = "variable"
	localsKind   = "locals"
	outputKind   = "output"
)

// Resolve evaluates a parsed module. The result is never nil and holds what is right even where something is wrong.
func Resolve(m *syntax.Module, opts Options) (*Module, source.Diagnostics) {
	r := &resolver{in: m, opts: opts, blocks: map[string]*syntax.Block{}, metrics: map[string]string{}, states: map[string]state{}}
	r.out = &Module{ByAddress: map[string]*Block{}, Files: m.Files}
	r.index()
	r.variables()
	r.locals()
	for _, b := range r.order {
		r.block(b)
	}
	r.outputs()
	r.out.Variables, r.out.Locals = open(r.scope.Variables), open(r.scope.Locals)
	sort.Slice(r.out.Blocks, func(i, j int) bool { return r.out.Blocks[i].Address < r.out.Blocks[j].Address })
	r.pipeline()
	return r.out, r.ds.Sort()
}

// resolver is one run over a module.
type resolver struct {
	in     *syntax.Module
	opts   Options
	out    *Module
	scope  *expr.Scope
	blocks map[string]*syntax.Block // that can be referred to, by address; of duplicates the first
	order  []*syntax.Block          // the same, in the module's order
	// metrics are the addresses of the blocks that are metrics, by name.
	metrics map[string]string
	states  map[string]state // of blocks being resolved
	ds      source.Diagnostics
}

type state int

const (
	resolving state = iota + 1
	resolved
)

func (r *resolver) fail(code string, at source.Range, summary, detail, hint string) {
	r.ds = append(r.ds, source.Diagnostic{
		Severity: source.Error, Code: code, Subject: at, Summary: summary, Detail: detail, Hint: hint,
	})
}

// index finds the blocks that can be referred to, and opens the scope.
func (r *resolver) index() {
	var targets []expr.Target
	kinds := map[string]bool{}
	for _, b := range r.in.Blocks {
		switch b.Kind {
		case variableKind, localsKind, outputKind:
			continue
		}
		if r.blocks[b.Address] != nil {
			continue
		}
		r.blocks[b.Address] = b
		r.order = append(r.order, b)
		if own := schema.OwnPort(b.TypeSpec.Out); own != nil && own.Type == schema.MetricPort {
			r.metrics[b.Name] = b.Address
		}
		kinds[b.Kind] = true
		targets = append(targets, expr.Target{Kind: b.Kind, Name: b.Name, Ports: portNames(b.TypeSpec)})
	}
	for _, name := range r.in.Kinds {
		if name != variableKind && name != localsKind && name != outputKind {
			kinds[name] = true
		}
	}
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		names = append(names, name)
	}
	r.scope = expr.NewScope(r.opts.Dir, names, targets, r.in.Invalid)
	r.scope.Lenient = r.in.Incomplete
}

func portNames(t *schema.Type) []string {
	var names []string
	for _, p := range t.Out {
		if p.Name != "" {
			names = append(names, p.Name)
		}
	}
	return names
}

// pipeline checks that there is exactly one.
func (r *resolver) pipeline() {
	var found []*Block
	for _, b := range r.out.Blocks {
		if b.Kind == pipelineKind {
			found = append(found, b)
		}
	}
	switch {
	case len(found) > 0:
		r.out.Pipeline = found[0]
	case !r.in.Incomplete && !r.invalidPipeline():
		r.fail(source.CodePipeline, source.Range{}, "the module has no pipeline block",
			"Its name tells the module's history from that of others.", `add pipeline "name" { }`)
	}
	for _, b := range found[min(1, len(found)):] {
		r.ds = append(r.ds, source.Diagnostic{
			Severity: source.Error, Code: source.CodePipeline, Subject: b.Range,
			Summary: "the module has more than one pipeline block", Detail: "A folder is one module, and a module one pipeline.",
			Related: []source.Related{{Message: "another one is here", Range: found[0].Range}},
		})
	}
}

func (r *resolver) invalidPipeline() bool {
	for a := range r.in.Invalid {
		if len(a) >= len(pipelineKind) && a[:len(pipelineKind)] == pipelineKind {
			return true
		}
	}
	return false
}

// outputs evaluates the output blocks.
func (r *resolver) outputs() {
	for _, b := range r.in.Blocks {
		if b.Kind != outputKind {
			continue
		}
		o := &Output{Name: b.Name, Range: b.Header}
		w := r.walker(b)
		w.body(b, "", false)
		o.Description = w.description()
		if a := b.Attrs["value"]; a != nil && r.output(o, a) {
			r.out.Outputs = append(r.out.Outputs, o)
		}
	}
	sort.SliceStable(r.out.Outputs, func(i, j int) bool { return r.out.Outputs[i].Name < r.out.Outputs[j].Name })
}

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
	p, err := plain(v)
	if err != nil || expr.HasRefs(v) {
		r.fail(source.CodeRefComputed, a.Range, "an output is a value, or one reference", "References cannot be computed with, nor put into lists.", "")
		return false
	}
	if o.Value, err = canonical(p); err != nil {
		r.fail(source.CodeType, a.Range, fmt.Sprintf("the value of output %q cannot be shown", o.Name), err.Error(), "")
		return false
	}
	return true
}
