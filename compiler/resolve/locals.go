package resolve

import (
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// locals evaluates the locals, each after those that it reads.
func (r *resolver) locals() {
	w := &localsWalk{r: r, attrs: map[string]*syntax.Attr{}, states: map[string]state{}}
	var names []string
	for _, b := range r.in.Blocks {
		if b.Kind != localsKind {
			continue
		}
		for _, a := range b.Sorted() {
			if other := w.attrs[a.Name]; other != nil {
				r.ds = append(r.ds, source.Diagnostic{
					Severity: source.Error, Code: source.CodeDuplicate, Subject: a.NameRange,
					Summary: fmt.Sprintf("there are two locals %q", a.Name),
					Related: []source.Related{{Message: "the other one is here", Range: other.NameRange}},
				})
				continue
			}
			w.attrs[a.Name] = a
			r.scope.Locals[a.Name] = cty.DynamicVal
			names = append(names, a.Name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		w.visit(name)
	}
}

// localsWalk evaluates locals depth first.
type localsWalk struct {
	r      *resolver
	attrs  map[string]*syntax.Attr
	states map[string]state
	path   []hop
}

// hop is a local on the way and where it reads the next one.
type hop struct {
	name string
	at   source.Range
}

func (w *localsWalk) visit(name string) {
	w.states[name] = resolving
	a := w.attrs[name]
	ok := true
	for _, t := range a.Expr.Variables() {
		next := localName(t)
		if w.attrs[next] == nil {
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
	if ok {
		v, ds := w.r.scope.Eval(a)
		w.r.ds = append(w.r.ds, ds...)
		w.r.scope.Locals[name] = v
	}
	w.states[name] = resolved
}

// localName is the local that a traversal reads, "" if it reads something else.
func localName(t hcl.Traversal) string {
	if t.RootName() != "local" || len(t) < 2 {
		return ""
	}
	switch step := t[1].(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString()
		}
	}
	return ""
}

// cycle tells of the circle that closes at the local named, hop by hop.
func (w *localsWalk) cycle(name string) {
	first := 0
	for w.path[first].name != name {
		first++
	}
	hops := w.path[first:]
	names := make([]string, 0, len(hops)+1)
	d := source.Diagnostic{Severity: source.Error, Code: source.CodeLocalCycle, Subject: hops[0].at}
	for i, h := range hops {
		next := hops[(i+1)%len(hops)].name
		names = append(names, "local."+h.name)
		if i > 0 {
			d.Related = append(d.Related, source.Related{Message: fmt.Sprintf("local.%s reads local.%s", h.name, next), Range: h.at})
		}
	}
	d.Summary = "locals depend on each other in a circle"
	d.Detail = strings.Join(append(names, "local."+name), " → ") + "."
	w.r.ds = append(w.r.ds, d)
}
