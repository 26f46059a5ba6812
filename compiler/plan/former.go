package plan

import (
	"encoding/json"
	"slices"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
)

// fillFormer adds to a plan of format 1.0 what 1.1 says in fields of its own: what stages are derived from, as their addresses
// say, how opaque models are scored, as the configurations of those stages say that make them, and which gate holds a deployment's stage, as its
// release says. A plan whose containers say their image themselves has fingerprints of another meaning: it is of no semantics that are known
// here, so that it is shown and not carried out.
func (p *Plan) fillFormer(text json.RawMessage) error {
	var said struct {
		Nodes []struct {
			Container struct {
				ImageID string `json:"image_id"`
			} `json:"container"`
		} `json:"nodes"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return err
	}
	for _, n := range said.Nodes {
		if n.Container.ImageID != "" {
			p.PlannerSemantics = formerSemantics
		}
	}
	switch p.FormatVersion {
	case "1.0", "1.1":
		p.fillRows()
	}
	if p.FormatVersion != "1.0" {
		return nil
	}
	for _, r := range p.Releases {
		if n := p.Node(r.Node); n != nil && r.Node != "" && n.Gate == "" && slices.Contains(n.After, r.Gate) {
			n.Gate = r.Gate
		}
	}
	for _, n := range p.Nodes {
		if of, role := address.Of(n.Address); role != "" {
			n.Of, n.Role = of, schema.Role(address.Role(role))
		} else if n.makesModel() && n.Container != nil {
			var err error
			if n.Scoring, err = formerScoring(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// formerSemantics are those of plans whose images are no inputs.
const formerSemantics = 0

// formerRows are what inputs were to models before plans said it, by the kind of their stage.
var formerRows = map[string]map[string]schema.RowUse{
	"train":    {"data": schema.FittedRows, "validation": schema.ChosenRows},
	"evaluate": {"data": schema.MeasuredRows},
	"monitor":  {"predictions": schema.MeasuredRows},
	"deploy":   {"data": schema.ScoredRows},
	"predict":  {"data": schema.ScoredRows},
}

// fillRows adds what 1.2 says of inputs in a field of its own.
func (p *Plan) fillRows() {
	for _, n := range p.Nodes {
		for i := range n.Inputs {
			n.Inputs[i].Rows = formerRows[n.Kind][n.Inputs[i].Port]
		}
	}
}

// formerScoring reads it from the words of a trainer's block.
func formerScoring(n *Node) (*Scoring, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(n.Config, &all); err != nil {
		return nil, err
	}
	told, predict := map[string]json.RawMessage{}, []string{}
	for _, name := range []string{"target", "features", "task", "positive", "classes", "env", "format"} {
		if v, ok := all[name]; ok {
			told[name] = v
		}
	}
	if v, ok := all["predict"]; ok && json.Unmarshal(v, &predict) != nil {
		predict = nil
	}
	config, err := Canonical(told)
	if err != nil {
		return nil, err
	}
	return NewScoring(n.Container, n.Image(), nil, predict, config)
}
