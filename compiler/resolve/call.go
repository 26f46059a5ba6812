package resolve

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// callModule resolves the module that a block calls, under the prefix of the block's address, and returns its outputs
// as an object; cty.DynamicVal after a mistake in the call. scope is the caller's, of the instance with the key where
// the call is repeated. The module's blocks join those of all others, and are resolved with them later: only what
// others rest on is evaluated here.
func (r *resolver) callModule(b *syntax.Block, key string, scope *expr.Scope) cty.Value {
	address := instanceAddress(r.prefix+b.Address, key)
	at, ok := r.folder(b)
	if !ok {
		return cty.DynamicVal
	}
	in, ok := r.parse(at.Dir, b)
	if !ok {
		return cty.DynamicVal
	}
	if r.budget.Take(callCost) != nil {
		r.ds = append(r.ds, r.budget.Exceeded(b.Header)...)
		return cty.DynamicVal
	}
	// The module has a scope of its own: all that it sees from here are its inputs.
	given, ok := r.inputs(b, scope)
	child := &resolver{
		shared: r.shared, in: in, at: at, call: b.Header, calls: append(slices.Clone(r.calls), r.at.Dir), metrics: map[string]string{}, calledFor: key,
		prefix: address + ".",
		opts:   Options{Variables: given, Modules: r.opts.Modules, Fetched: r.opts.Fetched},
	}
	if r.root != "" {
		child.opts.Dir = filepath.Join(r.root, filepath.FromSlash(at.Dir))
	}
	if !ok {
		return cty.DynamicVal
	}
	r.called[address] = true
	child.scopes()
	return child.results()
}

// parse reads the files of a module, once however often it is called. b is the call, where a failure is told.
// A module that is called three times is read once and resolved three times, since its variables differ. What is wrong
// in its text is told once; what is wrong with a call, for each call.
func (r *resolver) parse(dir string, b *syntax.Block) (*syntax.Module, bool) {
	if m, ok := r.folders[dir]; ok {
		return m, m != nil
	}
	// Until it is read, and after a mistake, the folder counts as read without a module: a mistake is told once.
	r.folders[dir] = nil
	if r.opts.Modules == nil {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeModule, Subject: b.Attrs["source"].Range,
			Summary: "modules cannot be called here",
			Detail:  "The files of the module cannot be read.",
		})
		return nil, false
	}
	m, ds := r.opts.Modules(dir)
	if m == nil {
		d := source.Diagnostic{Severity: source.Error, Code: source.CodeModule, Subject: b.Attrs["source"].Range,
			Summary: fmt.Sprintf("%s.%s cannot be read", b.Kind, b.Name), Detail: fmt.Sprintf("Its folder is %s.", dir)}
		if len(ds) > 0 {
			d.Detail = ds[0].Summary + ". " + ds[0].Detail
		}
		r.ds = append(r.ds, d)
		return nil, false
	}
	r.ds = append(r.ds, ds...)
	maps.Copy(r.out.Files, m.Files)
	for _, x := range m.Blocks {
		if x.Kind == pipelineKind {
			r.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodePipeline, Subject: x.Header,
				Summary: "a module that is called has no pipeline block",
				Detail:  "The pipeline is that of the folder where mlp runs; this module is a part of it.",
				Hint:    "remove the block",
			})
		}
	}
	r.folders[dir] = m
	return m, true
}

// inputs evaluates the arguments of a call, which are the module's variables. false if one of them has a mistake.
func (r *resolver) inputs(b *syntax.Block, scope *expr.Scope) (map[string]Given, bool) {
	out, ok := map[string]Given{}, true
	for _, a := range b.Sorted() {
		if a.Spec != nil {
			continue
		}
		v, ds := scope.Eval(a)
		r.ds = append(r.ds, ds...)
		ok = ok && !ds.HasErrors()
		out[a.Name] = Given{From: r.prefix + b.Address, Attr: a, value: v}
	}
	return out, ok
}

// results are the values of the module's outputs. A reference goes by the output's name, of a repeated module with the
// key.
func (r *resolver) results() cty.Value {
	out := map[string]cty.Value{}
	for _, b := range r.in.Blocks {
		a := b.Attrs["value"]
		if b.Kind != outputKind || a == nil || out[b.Name] != cty.NilVal {
			continue
		}
		v, ds := r.scope.Eval(a)
		r.ds = append(r.ds, ds...)
		out[b.Name] = expr.Named(v, schema.KeyedName(b.Name, r.calledFor))
	}
	return cty.ObjectVal(out)
}
