package plan

import (
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Comparable tells by what the plan says of a deployment's candidate whether what is live there can be compared with it.
func (p *Plan) Comparable(deploy string, live *ReleaseState) bool {
	for _, r := range p.Releases {
		if r.Address != deploy || r.Action == RemoveRelease {
			continue
		}
		var data *schema.Table
		for _, n := range p.Nodes {
			for _, in := range n.Inputs {
				if n.Address == r.Model.From && in.Port == "data" && in.Shape != nil {
					data = in.Shape.Table
				}
			}
		}
		return Incomparable(live, &r.Model, data) == ""
	}
	return Incomparable(live, nil, nil) == ""
}

// Incomparable says why a live model cannot be compared with a candidate on the rows of today; empty if it can. data is the
// table that the candidate is trained on, nil if it is not known: what is live must be able to score it.
func Incomparable(live *ReleaseState, candidate *Input, data *schema.Table) string {
	switch {
	case live.Signature == nil:
		return "its signature is not recorded"
	case live.Signature.Opaque:
		return "only its own image can score it"
	case candidate == nil:
		return "the deployment is no longer in the module"
	case candidate.Digest == live.Model:
		return "it is the candidate itself"
	case candidate.Shape != nil && candidate.Shape.Model != nil && candidate.Shape.Model.Opaque:
		return "the candidate can be scored by its own image only"
	}
	return missingColumn(data, live.Signature)
}

func missingColumn(data *schema.Table, needed *schema.Model) string {
	if data == nil {
		return ""
	}
	for _, f := range needed.Features {
		c := data.Column(f.Name)
		if c == nil {
			return fmt.Sprintf("it needs the column %s, which is no longer there", f.Name)
		}
		if !schema.Takes(f.Type, c.Type) {
			return fmt.Sprintf("it needs %s as %s, and that is %s now", f.Name, f.Type, c.Type)
		}
	}
	return ""
}
