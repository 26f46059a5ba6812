package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/rule"
)

// When decides the condition of a retraining on the results that are recorded, whatever the files say of these by now. Evidence are the results that it reads. Nil: the block
// has no condition.
func When(m *check.Module, st *plan.State, address string, rules *rule.Cache, actions Actions) (when *plan.Rule, evidence map[string]plan.Digest, err error) {
	b := m.Blocks[address]
	if b == nil || len(b.Rules) == 0 {
		return nil, nil, nil
	}
	p := newPlanner(m, Options{State: st, Actions: actions, Rules: rules})
	for at, other := range m.Blocks { // all may have figures: of one that never ran they are not known
		if other.Figures != nil {
			p.nodes[at] = &plan.Node{Address: at}
		}
	}
	set, err := p.ruleSet(b, []plan.Rule{{Name: "when", Assert: plan.Condition(b.Rules[0].Text.Value), Severity: "fail", Verdict: plan.Open, Range: b.Rules[0].Text.Range}}, nil)
	if err != nil {
		return nil, nil, err
	}
	evidence = map[string]plan.Digest{}
	for _, f := range set.Figures {
		if n, ok := st.Nodes[f.Node]; ok && !f.Absent {
			evidence[f.Node] = n.Fingerprint
		}
	}
	var unread error
	d, err := decide.NewRemembering(rules, &set, func(node string) (json.RawMessage, bool) {
		if evidence[node] == "" {
			return nil, false
		}
		a, ok, err := actions.Action(evidence[node])
		if err != nil {
			unread = fmt.Errorf("the result of %s: %w", node, err)
		}
		if !ok {
			return nil, false
		}
		return a.Figures, true
	})
	if err == nil {
		err = unread
	}
	if err != nil {
		return nil, nil, err
	}
	res, err := d.Rules(&set)
	if err != nil {
		return nil, nil, err
	}
	return &res.Rules[0], evidence, nil
}

// NotData is what a plan would change for other reasons than that data are others, in words: what somebody has to review, and what a retraining does not apply.
func NotData(p *plan.Plan) []string {
	var out []string
	for _, c := range p.Changes {
		switch c.Cause.Kind {
		case plan.DataCause, plan.InputCause, plan.LostCause, plan.ForcedCause:
			if c.Category != plan.Breaking {
				continue
			}
		case plan.PolicyCause:
			if c.Cause.Path == "champion.model" { // another model is live, which the gate compares with
				continue
			}
		}
		text := c.Address
		if c.Cause.Path != "" {
			text += " " + c.Cause.Path
		}
		out = append(out, strings.TrimSpace(text+" ("+string(c.Cause.Kind)+")"))
	}
	for _, n := range p.Nodes {
		if n.Verdict == plan.Accepted && n.Accepted != nil && n.Replaces != n.Fingerprint {
			out = append(out, n.Address+" (accepted)")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// BehindGate are the deployments that are released by the same gate as one, or that this compares with, the one among them, sorted: a gate decides over all at once.
func BehindGate(m *check.Module, deploy string) []string {
	named := func(b *check.Block, path string) string {
		if b != nil {
			for _, r := range b.Refs {
				if r.Path == path {
					return r.Target
				}
			}
		}
		return ""
	}
	out := []string{deploy}
	gate := named(m.Blocks[deploy], "gate")
	for at, b := range m.Blocks {
		if gate != "" && at != deploy && b.TypeSpec.IsDeployment() && (named(b, "gate") == gate || named(m.Blocks[gate], "champion") == at) {
			out = append(out, at)
		}
	}
	slices.Sort(out)
	return out
}
