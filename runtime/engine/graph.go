package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// unit is one thing to do: run a stage, decide a gate, release a model. Its id is the key under which its outcome is
// recorded, for a batch deployment has a stage and a release of the same address.
type unit struct {
	id      string
	address string
	node    *plan.Node
	gate    *plan.Gate
	release *plan.Release

	dependents []edge
	waiting    int   // number of dependencies that have not ended; ready at 0
	weight     int64 // milliseconds to the end of the longest chain from here, as far as known

	was     before   // what is recorded of it, as it was when it was started, or ready
	ran     bool     // the stage has run; set by its goroutine
	outcome *outcome // set by the loop when it has ended, before dependents start
	blocked []string // addresses that failed or held, directly or through others, for which this cannot start

	rebuild sync.Mutex // held while its result is made again
}

// edge leads from a unit to one that waits for it. A check whose expectations do not hold meets needResult, since its figures can be
// read, and does not meet needPass.
type edge struct {
	to   *unit
	need need
}

// need is what a unit waits for in another.
type need int

const (
	// needResult: an output is read. A check that failed has figures all the same.
	needResult need = iota
	// needPass: the unit itself must be content: a check's expectations and rules hold, a gate lets pass.
	needPass
)

// graph are the units of one run. It is changed by the loop alone, as units end.
type graph struct {
	units []*unit // sorted by id
	byID  map[string]*unit
	// guarded are the releases behind each gate, whose models it decides over, also those that stay as they are.
	guarded map[string][]*plan.Release
}

// newGraph makes a unit of each stage, gate and release of a plan and connects them. Units are kept in the order of their
// ids, and so whatever goes over them is the same in each run. A plan that names an address twice, or needs what it does not
// have, is refused: saved plans come from files.
func newGraph(p *plan.Plan) (*graph, error) {
	g := &graph{byID: map[string]*unit{}, guarded: map[string][]*plan.Release{}}
	for _, n := range p.Nodes {
		g.add(&unit{id: "node/" + n.Address, address: n.Address, node: n})
	}
	for _, gate := range p.Gates {
		g.add(&unit{id: "gate/" + gate.Address, address: gate.Address, gate: gate})
	}
	for _, rel := range p.Releases {
		g.add(&unit{id: "release/" + rel.Address, address: rel.Address, release: rel})
		if rel.Action != plan.RemoveRelease {
			g.guarded[rel.Gate] = append(g.guarded[rel.Gate], rel)
		}
	}
	slices.SortFunc(g.units, func(a, b *unit) int { return strings.Compare(a.id, b.id) })
	if len(g.byID) != len(g.units) {
		return nil, fmt.Errorf("the plan names an address twice")
	}
	for _, u := range g.units {
		if err := g.connect(u); err != nil {
			return nil, err
		}
	}
	return g, g.weigh(p)
}

// add enters a unit. A second one of an id stays in units and not in byID, by which newGraph finds the fault.
func (g *graph) add(u *unit) {
	g.units = append(g.units, u)
	g.byID[u.id] = u
}

// node returns the unit of a stage, nil if the plan has none of that address.
func (g *graph) node(address string) *unit { return g.byID["node/"+address] }

// connect adds the edges that lead to u.
// A unit that does nothing, such as a release that stays as it is, waits for nobody.
func (g *graph) connect(u *unit) error {
	// result waits for a stage to have a result, pass also for its verdict, or a gate's. Where both are needed pass wins.
	needs := map[string]need{}
	result := func(address string) {
		if address != "" && needs["node/"+address] != needPass {
			needs["node/"+address] = needResult
		}
	}
	pass := func(addresses ...string) {
		for _, a := range addresses {
			if g.byID["gate/"+a] != nil {
				needs["gate/"+a] = needPass
			} else if a != "" {
				needs["node/"+a] = needPass
			}
		}
	}
	switch {
	case u.node != nil && u.node.Verdict != plan.Remove:
		for _, in := range u.node.Inputs {
			result(in.From)
		}
		pass(u.node.After...)
	case u.gate != nil && !u.gate.Cached:
		for _, f := range u.gate.Rules.Figures {
			if !f.Absent {
				result(f.Node)
			}
		}
		for _, rel := range g.guarded[u.address] {
			result(rel.Model.From)
		}
		pass(u.gate.After...)
	case u.release != nil && acts(u.release):
		result(u.release.Model.From)
		result(u.release.Node)
		pass(u.release.Gate)
	}
	return g.link(u, needs)
}

// link turns needs into edges. u.waiting counts them, and reaches 0 when u may start.
func (g *graph) link(u *unit, needs map[string]need) error {
	for id, n := range needs {
		from := g.byID[id]
		if from == nil || (from.node != nil && from.node.Verdict == plan.Remove) {
			return fmt.Errorf("the plan says that %s needs %s, which it does not have", u.address, id[strings.Index(id, "/")+1:])
		}
		from.dependents = append(from.dependents, edge{u, n})
		u.waiting++
	}
	return nil
}

// acts reports whether a release may come to pass.
func acts(rel *plan.Release) bool {
	return rel.Action != plan.NoRelease && rel.Action != plan.RemoveRelease || rel.Pending()
}

// weigh finds each unit's longest chain, from the last backwards. A cycle is an error.
// Of train.a taking 60 s, and train.b and train.c 30 s each, two at once, train.a is started first, and all are done after 60 s: with
// train.b and train.c before it that would be 90 s. Durations are those of past runs; of a stage without one 0.
func (g *graph) weigh(p *plan.Plan) error {
	var durations map[string]int64
	if p.Envelope != nil {
		durations = p.Envelope.Durations
	}
	order := g.order()
	if len(order) != len(g.units) {
		return fmt.Errorf("the plan's stages wait for each other in a circle")
	}
	for _, u := range slices.Backward(order) {
		for _, e := range u.dependents {
			u.weight = max(u.weight, e.to.weight)
		}
		if u.node != nil && !u.node.Verdict.Known() {
			u.weight += durations[u.address]
		}
	}
	return nil
}

// order lists the units so that none comes before what it waits for; units in circles are left out.
func (g *graph) order() []*unit {
	waiting := map[*unit]int{}
	var out []*unit
	for _, u := range g.units {
		waiting[u] = u.waiting
		if u.waiting == 0 {
			out = append(out, u)
		}
	}
	for i := 0; i < len(out); i++ {
		for _, e := range out[i].dependents {
			if waiting[e.to]--; waiting[e.to] == 0 {
				out = append(out, e.to)
			}
		}
	}
	return out
}
