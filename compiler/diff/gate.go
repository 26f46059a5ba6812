package diff

import (
	"encoding/json"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
)

// Gate is a gate that demands something else, or decides otherwise.
type Gate struct {
	Address string `json:"address"`
	// Fields are "rule[name]", "approval[name]", "after", "champion". A value that is absent before was added.
	Fields []Field          `json:"fields,omitempty"`
	Before plan.RuleVerdict `json:"before"`
	After  plan.RuleVerdict `json:"after"`
	// Rules whose verdict differs though they read the same, by name.
	Verdicts []Verdict    `json:"verdicts,omitempty"`
	Range    source.Range `json:"range,omitzero"`
}

// Verdict of a rule that stands in both plans.
type Verdict struct {
	Rule   string           `json:"rule"`
	Before plan.RuleVerdict `json:"before"`
	After  plan.RuleVerdict `json:"after"`
}

// gates compares those that are in both plans.
func (c *comparison) gates() []Gate {
	var out []Gate
	for _, g := range c.after.Gates {
		old := c.oldGates[c.oldName(g.Address)]
		if old == nil {
			continue
		}
		x := Gate{Address: g.Address, Before: old.Verdict, After: g.Verdict, Range: g.Range, Fields: c.gateFields(old, g), Verdicts: verdicts(old, g)}
		if len(x.Fields) > 0 || x.Before != x.After || len(x.Verdicts) > 0 {
			out = append(out, x)
		}
	}
	return out
}

func (c *comparison) gateFields(a, b *plan.Gate) []Field {
	return append(c.asked(a.Policy, b.Policy), as(plan.MetadataChange, Fields(a.Meta, b.Meta))...)
}

// verdicts are those of rules that differ; what is added or removed stands among the fields.
func verdicts(a, b *plan.Gate) []Verdict {
	old := map[string]plan.Rule{}
	for _, r := range a.Rules.Rules {
		old[r.Name] = r
	}
	var out []Verdict
	for _, r := range b.Rules.Rules {
		if o, ok := old[r.Name]; ok && o.Verdict != r.Verdict {
			out = append(out, Verdict{Rule: r.Name, Before: o.Verdict, After: r.Verdict})
		}
	}
	return out
}

// Release is a deployment that is made otherwise, or would change otherwise.
type Release struct {
	Address string             `json:"address"`
	Fields  []Field            `json:"fields,omitempty"` // "model", "gate", "type" and the attributes of its configuration
	Before  plan.ReleaseAction `json:"before"`
	After   plan.ReleaseAction `json:"after"`
	Range   source.Range       `json:"range,omitzero"`
}

// releases are those whose action or configuration differs. Added and removed deployments stand among the blocks.
func (c *comparison) releases() []Release {
	var out []Release
	for _, r := range c.after.Releases {
		old := c.oldRel[c.oldName(r.Address)]
		if old == nil || r.Action == plan.RemoveRelease {
			continue
		}
		x := Release{Address: r.Address, Before: old.Action, After: r.Action, Range: r.Range, Fields: c.releaseFields(old, r)}
		if len(x.Fields) > 0 || x.Before != x.After {
			out = append(out, x)
		}
	}
	return out
}

// releaseFields is what differs in a deployment. The names of the older plan are those of the newer one, so that a rename is
// no change; a gate that is gone is a weaker policy.
func (c *comparison) releaseFields(a, b *plan.Release) []Field {
	describe := func(r *plan.Release, name func(string) string) map[string]json.RawMessage {
		out := map[string]json.RawMessage{"type": encode(r.Type), "model": encode(name(r.Model.From))}
		if r.Gate != "" {
			out["gate"] = encode(name(r.Gate))
		}
		return out
	}
	out := as(plan.PolicyChange, append(fields(describe(a, c.newName), describe(b, func(s string) string { return s })), Fields(a.Config, b.Config)...))
	for i := range out {
		if out[i].Path == "gate" && out[i].Before != nil {
			out[i].Weaker = "no longer held by " + c.newName(a.Gate)
		}
	}
	return out
}
