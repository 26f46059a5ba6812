package planner

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// predictKind is the kind of its stages.
const predictKind = "predict"

// predictions puts a stage before one that would score an opaque model: only the model's own image can, so its predict
// command makes a table of predictions, and the consumer takes that beside the model.
func (p *planner) predictions(ctx context.Context, b *check.Block, n *plan.Node) {
	model, data := input(n, "model"), input(n, "data")
	if model == nil || data == nil || model.Shape == nil || model.Shape.Model == nil || !model.Shape.Model.Opaque {
		return
	}
	maker := p.m.Blocks[model.From]
	scoring := p.scoring(ctx, maker)
	if scoring == nil {
		return
	}
	if len(scoring.Container.Command) == 0 {
		p.fail(maker.Range, "MLP1605", fmt.Errorf("%s has no predict command, so %s cannot score its model", maker.Address, b.Address),
			`Add: predict = ["python3", "/app/predict.py"]`)
		return
	}
	q := &plan.Node{
		Address: n.Address + "@predict", Kind: predictKind, Type: "container", Phase: n.Phase, Version: scoring.Version,
		Config: scoring.Config, Container: scoring.Container, TimeoutMS: n.TimeoutMS, Retries: n.Retries, After: n.After, Range: b.Range,
		Inputs:  []plan.Input{*data, *model},
		Outputs: []plan.Output{{Port: "predictions", Type: schema.TablePort, Shape: predictedShape(model.Shape.Model)}},
	}
	setFormat(q, formatOf(maker))
	p.decide(q)
	n.Inputs = append(n.Inputs, plan.Input{Port: "predictions", From: q.Address, FromPort: "predictions", Shape: q.Outputs[0].Shape})
	slices.SortFunc(n.Inputs, func(a, b plan.Input) int { return cmp.Compare(a.Port, b.Port) })
}

// scoring is how the model that a foreign stage makes is used; nil if its image cannot be. A model that is given is used
// as one that is made.
func (p *planner) scoring(ctx context.Context, maker *check.Block) *plan.Scoring {
	if s := p.scorings[maker.Address]; s != nil {
		return s
	}
	var f foreign
	if err := json.Unmarshal(maker.Config, &f); err != nil {
		p.fail(maker.Range, "MLP1601", err, "")
		return nil
	}
	if c := p.container(ctx, maker, f, f.Predict); c != nil {
		p.scorings[maker.Address] = (&plan.Node{Config: maker.Config, Container: c}).Scoring()
	}
	return p.scorings[maker.Address]
}

func formatOf(maker *check.Block) string {
	var f foreign
	_ = json.Unmarshal(maker.Config, &f) // it was read before
	return f.Format
}

// predictedShape is the table that a predict command yields (spec/protocol.md).
func predictedShape(m *schema.Model) *schema.Shape {
	column := "score"
	switch m.Task {
	case schema.Regression:
		column = "predicted"
	case schema.Multiclass:
		t := &schema.Table{}
		for _, class := range m.Classes {
			t.Columns = append(t.Columns, schema.Column{Name: "score_" + class, Type: "double"})
		}
		return &schema.Shape{Type: schema.TablePort, Table: t}
	}
	return &schema.Shape{Type: schema.TablePort, Table: &schema.Table{Columns: []schema.Column{{Name: column, Type: "double"}}}}
}

// championNode is the stage that scores the live model on the rows of an evaluation, and compares.
func (p *planner) championNode(evaluate string, champion *plan.Champion) *plan.Node {
	base := p.nodes[evaluate]
	if base == nil {
		return nil
	}
	var config map[string]any
	if json.Unmarshal(base.Config, &config) != nil {
		return nil
	}
	config["champion"] = true
	data := input(base, "data")
	n := &plan.Node{
		Address: evaluate + "@champion", Kind: base.Kind, Type: base.Type, Phase: base.Phase, Version: base.Version, Engine: base.Engine,
		Config: encode(config), TimeoutMS: base.TimeoutMS, Retries: base.Retries, After: base.After, Range: base.Range,
	}
	live := p.o.State.Releases[champion.Deploy]
	challenger := plan.Input{Port: "challenger", From: evaluate, FromPort: "predictions"}
	for _, out := range base.Outputs {
		switch out.Type {
		case schema.FiguresPort:
			n.Outputs = append(n.Outputs, out)
		case schema.TablePort:
			n.Outputs = append(n.Outputs, out)
			challenger.Shape = out.Shape
		}
	}
	if p.given(n) {
		return n
	}
	if data == nil {
		return nil // the evaluation itself is given, and nothing is known of the rows that it stands for
	}
	n.Inputs = []plan.Input{challenger, *data,
		{Port: "model", Digest: champion.Model, Shape: &schema.Shape{Type: schema.ModelPort, Model: live.Signature}}}
	for i := range n.Outputs {
		n.Outputs[i].Digest = ""
	}
	p.decide(n)
	return n
}

func input(n *plan.Node, port string) *plan.Input {
	for i := range n.Inputs {
		if n.Inputs[i].Port == port {
			return &n.Inputs[i]
		}
	}
	return nil
}
