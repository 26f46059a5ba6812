package suite

import (
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// limit is the part of a plan that some addresses need, signed anew; without addresses it is the plan itself. Releases
// are kept only where they are targets themselves: a test of a gate must not release what the gate lets pass. Stages
// that the plan would remove are left out. The plan given is not changed, and shares its nodes with the result.
// For the target gate.release that is the gate, the evaluations whose figures its rules read, the model, the split and
// the sources below, and no deployment.
func limit(p *plan.Plan, targets []string) (*plan.Plan, error) {
	if len(targets) == 0 {
		return p, nil
	}
	l := &limiter{needed: map[string]bool{}, nodes: map[string]*plan.Node{}, gates: map[string]*plan.Gate{}, releases: map[string]*plan.Release{}}
	for _, n := range p.Nodes {
		l.nodes[n.Address] = n
	}
	for _, g := range p.Gates {
		l.gates[g.Address] = g
	}
	for _, rel := range p.Releases {
		l.releases[rel.Address] = rel
	}
	for _, a := range targets {
		l.need(a)
	}
	out := *p
	out.Nodes, out.Gates, out.Releases = []*plan.Node{}, []*plan.Gate{}, []*plan.Release{}
	for _, n := range p.Nodes {
		if l.needed[n.Address] && n.Verdict != plan.Remove {
			out.Nodes = append(out.Nodes, n)
		}
	}
	for _, g := range p.Gates {
		if l.needed[g.Address] {
			out.Gates = append(out.Gates, g)
		}
	}
	for _, rel := range p.Releases {
		if slices.Contains(targets, rel.Address) { // a gate that is one decides over releases that stay as they are
			out.Releases = append(out.Releases, rel)
		}
	}
	return &out, out.Sign()
}

// limiter finds what of a plan a test's targets need.
type limiter struct {
	needed   map[string]bool
	nodes    map[string]*plan.Node
	gates    map[string]*plan.Gate
	releases map[string]*plan.Release
}

// need marks an address and all that it waits for: the inputs and the order of a stage, the figures that a gate reads,
// the model, gate and stage of a release. An address that the plan has not, such as that of a problem, needs nothing.
func (l *limiter) need(address string) {
	if address == "" || l.needed[address] {
		return
	}
	l.needed[address] = true
	if n := l.nodes[address]; n != nil {
		for _, in := range n.Inputs {
			l.need(in.From)
		}
		for _, a := range n.After {
			l.need(a)
		}
	}
	if g := l.gates[address]; g != nil {
		for _, f := range g.Rules.Figures {
			if !f.Absent {
				l.need(f.Node)
			}
		}
		for _, a := range g.After {
			l.need(a)
		}
	}
	if rel := l.releases[address]; rel != nil {
		l.need(rel.Model.From)
		l.need(rel.Gate)
		l.need(rel.Node)
	}
}
