// Package model evaluates a model on a table that it was not trained on: metrics with intervals, by slice,
// and against the champion on the same rows.
//
// One block makes up to three stages. evaluate.holdout itself scores the data, unless the model is opaque: then
// evaluate.holdout@predict runs the model's own image before, and the predictions come in by a port. Where a gate compares with
// what is live, evaluate.holdout@champion does the same with the live model, takes the candidate's predictions beside
// its own, and yields delta: the candidate's metric less the champion's, row by row on the same data. So the champion is measured
// on the new rows each time, and no figure of last year's data stands for it.
//
// The predictions are a port, in the order of the data, for whoever wants to look at single rows, and for the champion's stage.
package model

import (
	"encoding/json"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/evaluation"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the evaluation of a model.
var Component = component.Component{
	Kind: "evaluate",
	Type: schema.Type{
		Name:    "model",
		Version: 3,
		Engine:  table.Engine,
		Summary: "Figures of a model on rows it has not seen",
		Doc: "Decisions are the model's own, by the threshold frozen in it. Rows whose label is unknown, or not mature yet, are left out, and so are those that the model has no prediction for: " +
			"where a feature is infinite or too large for 32 bits, or the result is no number. These are told in a warning. " +
			"`coverage` is the share of rows that count. Every metric has an interval, by whole entities where the data " +
			"has them. What is undefined, or rests on fewer rows or positives than asked, has no value but a reason, and a rule on it is an error.\n\n" +
			evaluation.IntervalsDoc + evaluation.FairnessDoc + evaluation.DecisionDoc + evaluation.CostsDoc + explainDoc + behaviorDoc + complexityDoc +
			"`predictions` holds the key, entity and time columns of the data with `actual`, `predicted` and `score`; of several classes also " +
			"`scores`, a JSON object of the probability of each. Data without a key gets a column `row`.",
		Body: schema.Body{
			Attrs: []schema.Attr{
				{Name: "model", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.ModelPort}, Doc: "The model to evaluate."},
				{Name: "data", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}, Rows: schema.MeasuredRows, Doc: "Rows with the model's features and its target."},
				{Name: "metrics", Type: schema.RefList, Unordered: true, Required: true, Ports: []schema.PortType{schema.MetricPort}, Edge: schema.DefinitionEdge,
					Doc: "What to compute; figures bear the names of the metric blocks."},
				{Name: "weight", Type: schema.String, ColumnOf: "data", Doc: "The column that says how much each row counts; not negative, not null."},
				{Name: "min_rows", Type: schema.Integer, Default: 1.0, Doc: "With fewer rows all figures are undefined; of a slice likewise."},
				evaluation.MinPositivesAttr(),
				{Name: "seed", Type: schema.Integer, Default: 0.0, Doc: "Seed of the resamples."},
				{Name: "complexity", Type: schema.Bool, Doc: "Whether the figures tell how large the model is, and what a row costs it."},
			},
			Blocks: []schema.Block{
				evaluation.IntervalsBlock(),
				evaluation.FairnessBlock(),
				evaluation.CostsBlock(),
				explainBlock(),
				behaviorBlock(),
				{Name: "slice", Labelled: true, Repeated: true, Unordered: true, Doc: "Rows to compute the metrics on apart.", Body: schema.Body{Attrs: []schema.Attr{
					{Name: "where", Type: schema.SQLExpr, Required: true, Tables: "data", Doc: "Which rows: a condition over the data's columns; null is no."},
				}}},
			},
		},
		Out:      ports,
		Examples: []schema.Example{{Title: "A model on the test side", Code: example}, {Title: "Costs, explanations, tests of behaviour, size", Code: behaviorExample}},
	},
	Shape:  shape,
	Derive: derive,
	Run:    run,
}

// ports are what the stage yields; the champion's stage has the same.
var ports = []schema.Port{
	{Name: "figures", Type: schema.FiguresPort, Doc: "Metrics, intervals, slices, fairness; against a champion, delta."},
	{Name: "predictions", Type: schema.TablePort, Doc: "What the model says of each row."},
}

// derive has an opaque model predict, and is done once more for what is live where a gate compares.
// The second stage is evaluate.x@champion: the same configuration with champion set, the challenger's predictions from
// this stage, and as the model what is live. So the live model is measured again on the data of today, and not compared
// with figures of another time.
func derive(req schema.DeriveRequest) ([]schema.Derivation, error) {
	var config map[string]json.RawMessage
	if err := json.Unmarshal(req.Config, &config); err != nil {
		return nil, err
	}
	config["champion"] = json.RawMessage("true")
	champion, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	out := schema.Derivation{Role: schema.ChampionRole, Config: champion, In: []schema.DerivationInput{
		{Port: "challenger", Output: "predictions"}, {Port: "data", Input: "data"}, {Port: "model", Live: true}}}
	for _, port := range ports {
		o := schema.DerivationOutput{Port: port.Name, Type: port.Type}
		if s, ok := req.Out[port.Name]; ok {
			o.Shape = &s
		}
		out.Out = append(out.Out, o)
	}
	return append(prediction.Derive(req), out), nil
}

const example = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
  column "tenure"   { type = "integer" }
  column "churned"  { type = "boolean" }
}

dataset "customers" {
  from = [source.customers]
  key  = ["customer"]
  sql  = "select * from customers"
}

split "hash" "customers" {
  from = dataset.customers
  test = 0.2
  seed = 7
}

train "logistic_regression" "model" {
  data     = split.customers.train
  target   = "churned"
  features = ["tenure"]
}

metric "auc" { type = "roc_auc" }

evaluate "holdout" {
  model   = train.model
  data    = split.customers.test
  metrics = [metric.auc]
  slice "new" { where = "tenure < 12" }
}
`

const behaviorExample = `pipeline "credit" {}

source "csv" "applications" {
  path = "applications.csv"
  column "id"      { type = "varchar" }
  column "income"  { type = "double" }
  column "channel" { type = "varchar" }
  column "repaid"  { type = "boolean" }
}

split "hash" "applications" {
  from = source.applications
  test = 0.2
  seed = 7
}

train "gradient_boosting" "model" {
  data     = split.applications.train
  target   = "repaid"
  features = ["income", "channel"]
}

metric "auc" { type = "roc_auc" }

evaluate "holdout" {
  model      = train.model
  data       = split.applications.test
  metrics    = [metric.auc]
  complexity = true

  costs {
    false_positive = 100
    false_negative = 15
  }
  explain {
    permutation        { repeats = 20 }
    partial_dependence { features = ["income"] }
  }
  behavior "more income is no loss" {
    perturb "income" { expr = "1.2 * income" }
    expect    = "after.score >= before.score - 0.01"
    min_share = 0.95
  }
  behavior "the channel does not matter" {
    perturb "channel" { expr = "case when channel = 'web' then 'branch' else 'web' end" }
    expect    = "after.predicted = before.predicted"
    min_share = 0.99
  }
  behavior "no income is refused" {
    where  = "income = 0"
    expect = "not predicted"
  }
}

gate "release" {
  rule "behaves"       { assert = "evaluate.holdout.behaviors.all(b, evaluate.holdout.behaviors[b].passed)" }
  rule "by the income" { assert = "evaluate.holdout.explain.permutation.auc['income'].low > 0" }
  rule "worth it"      { assert = "evaluate.holdout.costs.mean < evaluate.holdout.costs.none" }
  rule "small"         { assert = "evaluate.holdout.complexity.operations <= 2000" }
}
`

// config as the stage gets it.
type config struct {
	evaluation.Config
	// Champion: the model is the one that is live; its figures are compared with the challenger's.
	Champion bool `json:"champion"`
	// Task and Target are set for models whose signature is not in a port's shape.
	Task   schema.Task `json:"task"`
	Target string      `json:"target"`
	// Explain asks which features the scores come from; nil: nothing is explained.
	Explain *explaining `json:"explain"`
	// Complexity asks how large the model is.
	Complexity bool `json:"complexity"`
	// Costs are those of wrong decisions; nil: nothing is said of them.
	Costs *evaluation.Costs `json:"costs"`
	// Behaviors are tests of what is expected of predictions.
	Behaviors []behavior `json:"behavior"`
}

// decode reads the configuration with the defaults of nested blocks that are not there.
func decode(raw json.RawMessage) (*config, error) {
	c := &config{}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, err
	}
	if c.Champion {
		c.Fairness, c.Explain, c.Behaviors, c.Complexity, c.Costs = nil, nil, nil, false, nil // only the candidate's decisions are compared between groups, explained, tested and priced
	}
	c.Defaults()
	return c, nil
}

// signature of the model under evaluation, from the port that it or its predictions come in by.
// False: nobody says, which happens where the model's block has mistakes.
func (c *config) signature(in map[string]schema.Shape) (schema.Model, bool) {
	for _, port := range []string{"model", "predictions"} {
		if m := in[port].Model; m != nil {
			return *m, true
		}
	}
	if c.Task != "" && c.Target != "" {
		return schema.Model{Task: c.Task, Target: c.Target, Opaque: true}, true
	}
	return schema.Model{}, false
}
