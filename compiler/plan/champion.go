package plan

import (
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Comparable reports whether the model that is live at a deployment can be compared with what a gate decides over: with the one that the plan would release there, where
// that deployment is behind the gate, else with those of all that are. Of a gate with nothing behind it only the columns count that the deployment's next model is fitted on.
// Incomparable has the reasons against it.
func (p *Plan) Comparable(gate, deploy string, live *ReleaseState) bool {
	var behind, own []*Release
	for _, r := range p.Releases {
		if r.Action == RemoveRelease {
			continue
		}
		if r.Address == deploy {
			own = append(own, r)
		}
		if r.Gate == gate {
			behind = append(behind, r)
		}
	}
	switch {
	case len(behind) == 0 && len(own) == 0:
		return Incomparable(live, nil, nil) == ""
	case len(behind) == 0:
		m := own[0].Model
		m.Digest = ""
		return Incomparable(live, &m, p.fitted(m.From)) == ""
	case len(own) > 0 && own[0].Gate == gate:
		behind = own
	}
	for _, r := range behind {
		if Incomparable(live, &r.Model, p.fitted(r.Model.From)) != "" {
			return false
		}
	}
	return true
}

// fitted are the tables that the model of a stage was fitted on: at that stage, or at those whose models flow into it,
// as into an ensemble.
func (p *Plan) fitted(maker string) []*schema.Table {
	nodes := make(map[string]*Node, len(p.Nodes))
	for _, n := range p.Nodes {
		nodes[n.Address] = n
	}
	var out []*schema.Table
	seen := map[string]bool{}
	var walk func(address string)
	walk = func(address string) {
		n := nodes[address]
		if n == nil || seen[address] {
			return
		}
		seen[address] = true
		for _, in := range n.Inputs {
			switch {
			case in.Shape == nil:
			case in.Rows == schema.FittedRows && in.Shape.Table != nil:
				out = append(out, in.Shape.Table)
			case in.Shape.Type == schema.ModelPort:
				walk(in.From)
			}
		}
	}
	walk(maker)
	return out
}

// Incomparable says why a live model cannot be compared with a candidate on the rows of today; empty if it can. fitted are the
// tables that the candidate is fitted on, as far as they are known: what is live must be able to score them.
func Incomparable(live *ReleaseState, candidate *Input, fitted []*schema.Table) string {
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
	for _, data := range fitted {
		if why := missingColumn(data, live.Signature); why != "" {
			return why
		}
	}
	return ""
}

// missingColumn says which column of a table the model would lack to score it; "" if it has all of a type that it
// takes.
func missingColumn(data *schema.Table, needed *schema.Model) string {
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
