package planner

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
)

// Plans on top of plans.
//
// A pull request that rests on another one, which is not merged yet, wants to know what it does itself: of the stages that differ from what is recorded most may be the other
// one's. So a plan can be made against the state as it will be when a plan ahead of it has been applied, with its gates passed. Where a result
// of that plan is not made yet nobody knows its contents, and a digest stands in for it, of the stage's fingerprint: whoever takes the same output of the same stage has the same
// input, and is the same stage.
//
//	now               after the plan ahead        this plan on top of it
//	train.model  a    train.model  b              train.model  b    made by the plan ahead
//	evaluate.m   a'   evaluate.m   b'             evaluate.m   c    runs: it has another metric
//
// A stand-in has no figures. Rules that read them are open, but those of a gate that the plan ahead has in the same words, over the same results: it will have
// passed there.

// Ahead is the state as it will be after a plan.
type Ahead struct {
	Plan  plan.Digest
	State *plan.State
	made  map[plan.Digest]*plan.Action // stand-ins for results that are not made yet, by fingerprint
}

// After is the state as it will be when a plan that was made against it has been applied, with gates passed that the plan leaves open. Results that are
// recorded are taken from actions. A plan of a part, or one that rests on something whose version is not known, is an error.
func After(st *plan.State, p *plan.Plan, actions Actions) (*Ahead, error) {
	if len(p.Targets) > 0 {
		return nil, fmt.Errorf("it is limited to a part of the pipeline")
	}
	out := *st.Renamed(p.Moves)
	out.Nodes, out.Gates, out.Releases = cloned(out.Nodes), cloned(out.Gates), cloned(out.Releases)
	out.Described, out.Policies = p.Described, p.Policies
	a := &after{Ahead: &Ahead{Plan: p.ID, State: &out, made: map[plan.Digest]*plan.Action{}}, plan: p, actions: actions, results: map[string]*plan.Action{}}
	for _, n := range p.Nodes {
		if n.Verdict == plan.Remove {
			a.remove(n.Address)
			continue
		}
		if err := a.node(n); err != nil {
			return nil, err
		}
	}
	for _, gone := range p.GatesGone {
		delete(out.Gates, gone)
	}
	held := map[string]bool{}
	for _, g := range p.Gates {
		gs, err := gateAfter(g)
		if err != nil {
			return nil, err
		}
		if before, ok := out.Gates[g.Address]; ok && g.Cached {
			gs = before
		}
		out.Gates[g.Address], held[g.Address] = gs, gs.Verdict != plan.Pass
	}
	for _, r := range p.Releases {
		a.release(r, held[r.Gate])
	}
	return a.Ahead, nil
}

// cloned is a copy of a map that may be nil.
func cloned[V any](m map[string]V) map[string]V {
	out := map[string]V{}
	maps.Copy(out, m)
	return out
}

// after is the state while it is put together.
type after struct {
	*Ahead
	plan    *plan.Plan
	actions Actions
	results map[string]*plan.Action // by address
}

// remove forgets a block with the stages derived of it.
func (a *after) remove(block string) {
	maps.DeleteFunc(a.State.Nodes, func(of string, _ plan.NodeState) bool { return address.Block(of) == block })
}

// node records what becomes of a stage, after those that it takes from. A blocked one stays as it was.
func (a *after) node(n *plan.Node) error {
	if a.results[n.Address] != nil || n.Verdict == plan.Blocked {
		return nil
	}
	inputs := map[string]plan.Digest{}
	for _, in := range n.Inputs {
		d := in.Digest
		if d == "" && in.From != "" {
			up := a.plan.Node(in.From)
			if up == nil {
				return fmt.Errorf("%s takes from %s, which the plan does not have", n.Address, in.From)
			}
			if err := a.node(up); err != nil {
				return err
			}
			if of := a.results[in.From]; of != nil {
				d = of.Outputs[in.FromPort]
			}
		}
		if d == "" {
			return fmt.Errorf("what flows into %s at %s is not known before an apply", n.Address, in.Port)
		}
		inputs[in.Port] = d
	}
	result, err := a.result(n, inputs)
	if err != nil {
		return err
	}
	a.results[n.Address] = result
	st := plan.StateOf(n, inputs, result)
	st.Accepted = n.Accepted
	if st.Policy, err = n.Policy(); err != nil {
		return fmt.Errorf("%s: %w", n.Address, err)
	}
	if before, ok := a.State.Nodes[n.Address]; ok && before.Fingerprint == st.Fingerprint {
		st.Check = before.Check
	}
	a.State.Nodes[n.Address] = st
	return nil
}

// result is that of a stage: as the plan has it, as it is recorded, or a stand-in.
func (a *after) result(n *plan.Node, inputs map[string]plan.Digest) (*plan.Action, error) {
	result := &plan.Action{Fingerprint: n.Fingerprint, Definition: n.Definition, Address: n.Address, Inputs: inputs, Outputs: map[string]plan.Digest{}}
	if n.Verdict.Known() {
		for _, o := range n.Outputs {
			result.Outputs[o.Port] = o.Digest
		}
		return result, nil
	}
	result.Fingerprint = plan.Fingerprint(n.Definition, inputs)
	if known, ok, err := a.actions.Action(result.Fingerprint); ok || err != nil {
		return known, err
	}
	for _, o := range n.Outputs {
		d, err := plan.Sum("ahead", map[string]string{"fingerprint": string(result.Fingerprint), "port": o.Port})
		if err != nil {
			return nil, err
		}
		result.Outputs[o.Port] = d
	}
	a.made[result.Fingerprint] = result
	return result, nil
}

// gateAfter is what is recorded of a gate that was decided as planned; of one that is open, that it passed.
func gateAfter(g *plan.Gate) (plan.GateState, error) {
	asked, err := g.Policy()
	if err != nil {
		return plan.GateState{}, fmt.Errorf("%s: %w", g.Address, err)
	}
	verdict := g.Verdict
	if verdict == plan.Open {
		verdict = plan.Pass
	}
	return plan.GateState{Definition: g.Definition, Verdict: verdict, Policy: asked, Rules: g.Rules.Rules, Approvals: g.Approvals, Meta: g.Meta}, nil
}

// release records what is live then: as before, where the gate lets nothing pass.
func (a *after) release(r *plan.Release, held bool) {
	switch {
	case r.Action == plan.RemoveRelease:
		delete(a.State.Releases, r.Address)
	case r.Action == plan.NoRelease, held:
	default:
		next := plan.ReleaseState{Type: r.Type, Model: r.Model.Digest, From: r.Model.From, Gate: r.Gate, Config: r.Config, Scoring: r.Scoring, Plan: a.Plan}
		if from := a.results[r.Model.From]; from != nil {
			next.Model, next.Fingerprint = from.Outputs[r.Model.FromPort], from.Fingerprint
		}
		if r.Model.Shape != nil {
			next.Signature = r.Model.Shape.Model
		}
		if live, exists := a.State.Releases[r.Address]; exists {
			next = live.Release(next, r.Strategy)
		}
		a.State.Releases[r.Address] = next
	}
}

// standIn is what stands in for a result that the plan ahead makes; nil if that makes none of this fingerprint.
func (a *Ahead) standIn(fingerprint plan.Digest) *plan.Action {
	if a == nil {
		return nil
	}
	return a.made[fingerprint]
}

// passedAhead reports whether a gate, whose rules are open for want of figures, will have passed: the plan ahead has it in the same words, over
// the same results.
func (p *planner) passedAhead(g *plan.Gate, before *plan.GateState) bool {
	if p.o.Ahead == nil || before.Definition != g.Definition || before.Verdict != plan.Pass || g.Verdict != plan.Open {
		return false
	}
	return !slices.ContainsFunc(g.Rules.Figures, func(f plan.FigureSource) bool {
		n := p.nodes[f.Node]
		return !f.Absent && (n == nil || n.Fingerprint == "" || n.Fingerprint != p.o.State.Nodes[f.Node].Fingerprint)
	})
}

// onTop is what the plan says of the one that it is made on top of; nil if there is none.
func (p *planner) onTop() *plan.Ahead {
	if p.o.Ahead == nil {
		return nil
	}
	out := &plan.Ahead{Plan: p.o.Ahead.Plan, Made: []string{}}
	for _, a := range sortedKeys(p.nodes) {
		if n := p.nodes[a]; n.Verdict.Known() && p.o.Ahead.standIn(n.Fingerprint) != nil {
			out.Made = append(out.Made, a)
		}
	}
	return out
}
