package planner

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/policy"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// policyCauses are the differences between what a block asked when it last decided and what it asks now, with what
// became weaker marked.
func policyCauses(kind plan.CauseKind, before, now plan.Policy) []plan.Cause {
	var out []plan.Cause
	for _, d := range policy.Compare(before, now) {
		out = append(out, plan.Cause{Kind: kind, Path: d.Path, Before: d.Before, After: d.After, Weaker: d.Weaker})
	}
	return out
}

// stagePolicy compares what a stage asks with what is recorded. What a check asks beyond its figures decides no result,
// so the check need not run anew: its rules are decided again on the recorded figures.
func (p *planner) stagePolicy(n *plan.Node) {
	now, err := n.Policy()
	before, recorded := p.o.State.Nodes[n.Address]
	if err == nil {
		n.Decided, err = before.Policy.Digest()
	}
	if err != nil {
		p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeRules, Subject: n.Range, Summary: fmt.Sprintf("%s: %v", n.Address, err)})
		return
	}
	if recorded {
		n.Causes = append(n.Causes, policyCauses(plan.PolicyCause, before.Policy, now)...)
	}
}

// policies are what blocks ask of others that are no stage and no gate, such as what verifies a requirement. The gate
// of a deployment is told by its release. Lists are sorted, without repetitions.
func (p *planner) policies() map[string]plan.Policy {
	if p.saved != nil {
		return p.saved.plan.Policies
	}
	out := map[string]plan.Policy{}
	for address, b := range p.m.Blocks {
		if p.nodes[address] != nil || p.gates[address] != nil || p.left[address] || b.TypeSpec.IsDeployment() {
			continue
		}
		if own := ownPolicy(b); own != nil {
			out[address] = own
		}
		lists := map[string][]string{}
		for _, r := range b.Refs {
			if r.Edge == schema.StateEdge || r.Edge == schema.OrderEdge {
				path := r.Path
				if strings.HasSuffix(path, "]") { // an element of a list
					path = path[:strings.LastIndexByte(path, '[')]
				}
				lists[path] = append(lists[path], r.Target)
			}
		}
		for path, list := range lists {
			if out[address] == nil {
				out[address] = plan.Policy{}
			}
			slices.Sort(list)
			out[address][path] = encode(slices.Compact(list))
		}
	}
	return out
}

// ownPolicy is what a block asks by attributes of its own that are policy, such as how long results are kept; nil where it asks nothing. A
// block that a called module has only one of, as its pipeline block, asks nothing of its callers.
func ownPolicy(b *check.Block) plan.Policy {
	var values, out plan.Policy
	if b.Module != "" && b.TypeSpec.Single || json.Unmarshal(b.Policy, &values) != nil {
		return nil
	}
	for _, a := range b.TypeSpec.Body.Attrs {
		if v := values[a.Name]; a.Policy && len(v) > 0 {
			if out == nil {
				out = plan.Policy{}
			}
			out[a.Name] = v
		}
	}
	return out
}

// policyChanges are those of blocks that are no stage and no gate, and of gates and checks that are gone.
// What became weaker (Weaker) is said of each: a rule that is gone, a limit that lets more pass, an approval that fewer
// must give. A reviewer must see that beside the stages that run, since nothing of it runs.
func (p *planner) policyChanges() []plan.Change {
	var out []plan.Change
	add := func(address string, c plan.Cause) {
		out = append(out, plan.Change{Cause: c, Address: address, Category: plan.PolicyChange, Range: p.rangeOf(address, c)})
	}
	// Without a state there is nothing that could have become weaker.
	if !p.o.State.Recorded() {
		return nil
	}
	before, now := p.o.State.Policies, p.policies()
	all := map[string]plan.Policy{}
	maps.Copy(all, now)
	if p.whole == nil { // what is recorded of blocks elsewhere stays
		maps.Copy(all, before)
	}
	for address := range all {
		for _, c := range policyCauses(plan.PolicyCause, before[address], now[address]) {
			add(address, c)
		}
	}
	for _, address := range p.gatesGone() {
		add(address, plan.Cause{Kind: plan.PolicyCause, Weaker: policy.Gone("gate")})
	}
	for address, n := range p.nodes {
		if gone := policy.Gone(n.Kind); n.Verdict == plan.Remove && gone != "" {
			add(address, plan.Cause{Kind: plan.PolicyCause, Weaker: gone})
		}
	}
	return out
}

// gatesGone are recorded, and stand in the module no more.
func (p *planner) gatesGone() []string {
	if p.whole != nil {
		return nil
	}
	var out []string
	for _, address := range sortedKeys(p.o.State.Gates) {
		if p.gates[address] == nil {
			out = append(out, address)
		}
	}
	return out
}

// championCause is the cause of a gate that decides again only because another model is live: its candidate and the values that its
// rules read are those of the last decision. Nil if something else differs too.
func (p *planner) championCause(g *plan.Gate, before *plan.GateState) []plan.Cause {
	c := g.Champion
	same := before.Model != "" && slices.Contains(slices.Collect(maps.Values(p.candidates(g.Address))), before.Model)
	if c == nil || !same || c.Candidate || before.Champion == c.Model || !sameFigures(g.Rules.Rules, before.Rules) {
		return nil
	}
	return []plan.Cause{{Kind: plan.PolicyCause, Path: "champion.model", From: c.Deploy,
		Before: optional(string(before.Champion)), After: optional(string(c.Model))}}
}

// sameFigures reports whether rules read the same values now as when they were decided. What compares with a champion is
// left out: once the candidate is live, there is nothing to compare it with.
func sameFigures(now, before []plan.Rule) bool {
	return slices.EqualFunc(now, before, func(a, b plan.Rule) bool {
		return a.Name == b.Name && a.Assert == b.Assert && (relative(a) || slices.EqualFunc(a.Values, b.Values, func(x, y plan.FigureSeen) bool {
			return x.Path == y.Path && string(canonical(x.Value)) == string(canonical(y.Value))
		}))
	})
}

// relative reports whether a rule compares with the champion.
func relative(r plan.Rule) bool {
	return strings.Contains(r.Assert, "champion.") || strings.Contains(r.Assert, ".delta.")
}

// remember puts the figures of the last decision beside the rules.
func (p *planner) remember(g *plan.Gate, before *plan.GateState) {
	for i := range g.Rules.Rules {
		for _, old := range before.Rules {
			if old.Name == g.Rules.Rules[i].Name && g.Rules.Rules[i].Verdict == plan.Open {
				g.Rules.Rules[i].Live = old.Values
			}
		}
	}
}
