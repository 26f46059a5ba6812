package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// evaluate evaluates what other expressions rest on, each after what it reads: locals, the keys of repeated blocks, and
// the modules that are called. Variables have their values already. What else a block has is not evaluated here, since
// nothing can be computed from it.
func (r *resolver) evaluate() {
	w := &evaluation{r: r, steps: map[string]*step{}, states: map[string]state{}}
	r.indexLocals(w)
	for _, b := range r.in.Blocks {
		if !r.pending(b) || b.Kind == variableKind || b.Kind == localsKind || b.Kind == outputKind || w.steps[b.Address] != nil {
			continue
		}
		it := &step{do: func() { r.repeat(b) }}
		if a := b.Attrs[forEach]; a != nil {
			it.reads = append(it.reads, a)
		}
		if b.Kind == moduleKind {
			it.reads = b.Sorted()
		}
		w.steps[b.Address] = it
	}
	// In the order of names, so that a cycle is told from the same step each time.
	for _, name := range slices.Sorted(maps.Keys(w.steps)) {
		if w.states[name] == 0 {
			w.visit(name)
		}
	}
}

// indexLocals makes a step of each local, to be evaluated once what it reads has a value. Until then it is unknown, and so
// it stays after a mistake. Of two locals of one name the first counts.
func (r *resolver) indexLocals(w *evaluation) {
	first := map[string]*syntax.Attr{}
	for _, b := range r.in.Blocks {
		if b.Kind != localsKind {
			continue
		}
		for _, a := range b.Sorted() {
			if other := first[a.Name]; other != nil {
				r.report(source.Diagnostic{
					Severity: source.Error, Code: source.CodeDuplicate, Subject: a.NameRange,
					Summary: fmt.Sprintf("there are two locals %q", a.Name),
					Related: []source.Related{{Message: "the other one is here", Range: other.NameRange}},
				})
				continue
			}
			first[a.Name] = a
			r.scope.Locals[a.Name] = cty.DynamicVal
			w.steps["local."+a.Name] = &step{reads: []*syntax.Attr{a}, do: func() {
				v, ds := r.scope.Eval(a)
				r.ds = append(r.ds, ds...)
				if beyond(v) {
					r.report(source.Diagnostic{
						Severity: source.Error, Code: source.CodeType, Subject: a.Range,
						Summary: fmt.Sprintf("local %q holds a number that is too large", a.Name),
						Detail:  mostNumber,
					})
					v = cty.DynamicVal
				}
				r.scope.Locals[a.Name] = v
			}}
		}
	}
}

// evaluation goes depth first through what has to be evaluated in an order of its own.
type evaluation struct {
	r      *resolver
	steps  map[string]*step // by "local.x", "train.model", "module.x"
	states map[string]state
	path   []hop
}

// step is a local, a repeated block or a module: what it reads, and what to do once that is known.
type step struct {
	reads []*syntax.Attr
	do    func()
}

// hop is a step on the way and where it reads the next one.
type hop struct {
	name string
	at   source.Range
}

// visit does a step after those that it reads, depth first. A step on a cycle is not done: its value stays unknown, and the
// cycle is told once, where it was closed.
func (w *evaluation) visit(name string) {
	w.states[name] = resolving
	ok := true
	for _, a := range w.steps[name].reads {
		for _, t := range a.Expr.Variables() {
			next := read(t)
			if w.steps[next] == nil {
				continue
			}
			w.path = append(w.path, hop{name: name, at: a.File.Range(t.SourceRange())})
			switch w.states[next] {
			case resolving:
				w.cycle(next)
				ok = false
			case 0:
				w.visit(next)
			}
			w.path = w.path[:len(w.path)-1]
		}
	}
	if ok {
		w.steps[name].do()
	}
	w.states[name] = resolved
}

// read is what a traversal reads, as steps are named: local.rates of local.rates["eu"], module.cards of
// module.cards.out. "" if it is too short to read anything.
func read(t hcl.Traversal) string {
	if len(t) < 2 {
		return ""
	}
	switch step := t[1].(type) {
	case hcl.TraverseAttr:
		return t.RootName() + "." + step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return t.RootName() + "." + step.Key.AsString()
		}
	}
	return ""
}

// cycle tells of the circle that closes at the step named, hop by hop.
// Of locals a → b → c → b the circle is b, c: a only leads into it and is not named. The message stands at the first of
// the circle, with each further hop as a related place:
//
//	locals depend on each other in a circle: local.b → local.c → local.b.
func (w *evaluation) cycle(name string) {
	first := 0
	for w.path[first].name != name {
		first++
	}
	hops := w.path[first:]
	names := make([]string, 0, len(hops)+1)
	d := source.Diagnostic{Severity: source.Error, Code: source.CodeLocalCycle, Subject: hops[0].at}
	for i, h := range hops {
		next := hops[(i+1)%len(hops)].name
		names = append(names, h.name)
		if i > 0 {
			d.Related = append(d.Related, source.Related{Message: fmt.Sprintf("%s reads %s", h.name, next), Range: h.at})
		}
	}
	d.Summary = "what is evaluated first depends on itself"
	if !slices.ContainsFunc(names, func(n string) bool { return !strings.HasPrefix(n, "local.") }) {
		d.Summary = "locals depend on each other in a circle"
	}
	d.Detail = strings.Join(append(names, name), " → ") + "."
	w.r.ds = append(w.r.ds, d)
}
