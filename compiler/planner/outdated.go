package planner

import (
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// outdated says why stages that the workspace has recorded have to run again, in a plan that goes by another workspace's state; nil if none has to. The plan's
// causes compare with that state; these compare with what the workspace has applied. So the reader of a pull request learns what came in
// between: main was merged, or data have moved.
//
// Only the first of a chain are told, whether or not they run themselves: the other definition of dataset.payments may have been applied
// in main, so that its result is there, and train.model, which takes its rows, has to run for no reason of its own.
func (p *planner) outdated() []plan.Outdated {
	if p.o.Own == nil {
		return nil
	}
	var out []plan.Outdated
	again := false
	for address, n := range p.nodes {
		own, recorded := p.o.Own.Nodes[address]
		if !recorded || n.Verdict == plan.Remove {
			continue
		}
		again = again || !n.Verdict.Known()
		if what := differs(n, own); what != "" {
			out = append(out, plan.Outdated{Address: address, What: what})
		}
	}
	if !again {
		return nil
	}
	slices.SortFunc(out, func(a, b plan.Outdated) int { return strings.Compare(a.Address, b.Address) })
	return out
}

func forced(n *plan.Node) bool {
	return slices.ContainsFunc(n.Causes, func(c plan.Cause) bool { return c.Kind == plan.ForcedCause })
}

// differs says what differs at a stage from what the workspace recorded of it; "" if nothing does but what others make.
// Inputs that other stages make are left out: they differ because of those, which are told themselves. "result" is a
// stage that says the same and whose result is gone.
func differs(n *plan.Node, own plan.NodeState) string {
	if own.Definition != n.Definition {
		return "definition"
	}
	for _, in := range n.Inputs {
		if in.From == "" && in.Digest != "" && own.Inputs[in.Port] != in.Digest {
			return "input " + in.Port
		}
	}
	if n.Verdict == plan.Run && n.Fingerprint != "" && n.Fingerprint == own.Fingerprint && !forced(n) {
		return "result"
	}
	return ""
}
