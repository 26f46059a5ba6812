// Package http is the deployment of a model that `mlp serve` answers for. It computes nothing: it is a release.
package http

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Component is the http deployment.
var Component = component.Component{
	Kind: "deploy",
	Type: schema.Type{
		Name:    "http",
		Summary: "The released model behind HTTP",
		Doc: "A record of which model is live; `mlp serve` follows it. Requests are those of the Open Inference Protocol v2, or rows as plain JSON objects: spec/serving.md. " +
			"A model that only its own image can score is released, and not served.",
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "model", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.ModelPort}, Doc: "The model to release."},
			{Name: "gate", Type: schema.Ref, Ports: []schema.PortType{schema.VerdictPort}, Kinds: []string{"gate"}, Edge: schema.OrderEdge, Doc: "The gate that the model must pass."},
			{Name: "key", Type: schema.StringList, Doc: "The fields of a request that tell who it is about; they need not be features. They are logged beside the answer, and a row without them is counted as missing them."},
			{Name: "judged_by", Type: schema.Address, Kinds: []string{"monitor"}, Doc: "The monitor of performance, of this deployment's log, whose labels tell how decisions turned out: `monitor.live`. Rules of the canary then read `mistakes`, `recall` and `false_positives`. The block need not come before this one: what an apply found last counts."},
			{Name: "blue_green", Type: schema.Bool, Doc: "Whether a release that follows another is served beside it, under its version, and answers all rows at once when it is promoted."},
		}, Blocks: []schema.Block{
			{Name: "canary", Doc: "A release that follows another gets a share of the rows, and more with each step. A row goes by its key, so that who is asked about twice is answered by the same model; without a `key`, by its request.", Body: schema.Body{Attrs: []schema.Attr{
				{Name: "steps", Type: schema.NumberList, Required: true, Doc: "Shares of the rows in percent, rising. 100 at the end may be left out."},
				{Name: "promote_when", Type: schema.CEL, Doc: "`mlp watch` moves the canary to its next step, from the last one to be live, when this holds of what servers have counted. Without it a step is taken by `mlp release promote` alone."},
				{Name: "rollback_when", Type: schema.CEL, Doc: "`mlp watch` takes the canary away, and holds it, when this holds. It is asked before `promote_when`."},
				{Name: "alpha", Type: schema.Number, Doc: "In how many releases one of these decisions may be wrong, all looks at all steps together; 0.05 where it is left out. The figures that the rules read share it."},
				{Name: "every", Type: schema.Duration, Doc: "How long a step lasts at least, before `promote_when` is asked: \"1h\"."},
				{Name: "min_samples", Type: schema.Integer, Least: least(1), Doc: "How many rows of the canary must be counted at a step before `promote_when` is asked."},
				{Name: "otherwise", Type: schema.String, OneOf: []string{string(schema.HoldStep), string(schema.AbortStep)},
					Doc: "What is done where more rows decide nothing, since a figure is missing or `promote_when` is known not to hold: `hold`, where it is left out, keeps the canary as it is, and `abort` takes it away."},
			}, Blocks: []schema.Block{
				{Name: "traffic", Doc: "What is expected of the deployment: a plan tells by it how long steps take, and which cannot decide.", Body: schema.Body{Attrs: []schema.Attr{
					{Name: "per_minute", Type: schema.Number, Required: true, Doc: "How many rows come in a minute; of rows with a key those of keys that were not counted at the step."},
					{Name: "error_rate", Type: schema.Number, Default: 0.01, Doc: "The share of rows that the live model cannot score."},
					{Name: "positive_rate", Type: schema.Number, Doc: "The share of the live model's answers that are of the positive class, for rules that read `positives`."},
				}, Blocks: []schema.Block{{Name: "labels", Doc: "What is expected of what rows turn out to be, for rules that read `mistakes`, `recall` or `false_positives`. Rates are those of the live model.", Body: schema.Body{Attrs: []schema.Attr{
					{Name: "after", Type: schema.Duration, Doc: "How long after a row was answered its label counts: \"30d\"."},
					{Name: "share", Type: schema.Number, Default: 1.0, Doc: "The share of the rows whose label counts; of a deployment that explores, the chance of exploration."},
					{Name: "positive_rate", Type: schema.Number, Doc: "The share of these that turn out positive, for rules that read `recall` or `false_positives`."},
					{Name: "mistake_rate", Type: schema.Number, Doc: "The share of these that were decided wrongly."},
					{Name: "recall", Type: schema.Number, Doc: "The share of those that turn out positive that were decided so."},
					{Name: "false_positive_rate", Type: schema.Number, Doc: "The share of the others that were decided positive."},
				}}}}}},
			}}},
			{Name: "shadow", Doc: "A release that follows another scores rows that the live model answers, and answers nobody until it is promoted.", Body: schema.Body{Attrs: []schema.Attr{
				{Name: "share", Type: schema.Number, Default: 100.0, Doc: "Of how many percent of the rows."},
			}}},
			explorationBlock(),
		}},
		Out: []schema.Port{{Name: "release", Type: schema.ReleasePort, Doc: "Which model is live."}},
		Examples: []schema.Example{{Title: "A scorer", Code: `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
  column "tenure"   { type = "integer" }
  column "churned"  { type = "boolean" }
}

train "logistic_regression" "model" {
  data     = source.customers
  target   = "churned"
  features = ["tenure"]
}

deploy "http" "scorer" {
  model = train.model
  key   = ["customer"]
}
`}, {Title: "A control share of what is decided positive", Code: `pipeline "fraud" {}

source "csv" "payments" {
  path = "payments.csv"
  column "payment_id" { type = "varchar" }
  column "amount"     { type = "double" }
  column "is_fraud"   { type = "boolean" }
}

train "logistic_regression" "model" {
  data     = source.payments
  target   = "is_fraud"
  features = ["amount"]
}

deploy "http" "scorer" {
  model = train.model
  key   = ["payment_id"]
  exploration {
    share = 0.03
    never "amount" { above = 10000 }
  }
}
`}},
	},
	Shape: shape,
}

func least(n float64) *float64 { return &n }

// config is the block. Key are fields of requests and no columns of a table, so any name may stand there.
type config struct {
	Key    []string `json:"key"`
	Canary *canary  `json:"canary"`
	Shadow *struct {
		Share float64 `json:"share"`
	} `json:"shadow"`
	JudgedBy    string              `json:"judged_by"`
	BlueGreen   bool                `json:"blue_green"`
	Exploration *schema.Exploration `json:"exploration"`
}

// shape is a release of the model. That a model cannot be served is a warning and no mistake: the record of what is live may be all
// that is wanted, for a program of the user's own to follow.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	m := req.In["model"].Model
	out := schema.ShapeResult{Out: map[string]schema.Shape{"": {Type: schema.ReleasePort, Model: m}}}
	var c config
	if err := json.Unmarshal(req.Config, &c); err != nil {
		out.Problems = append(out.Problems, schema.Problem{Summary: "The configuration cannot be read: " + err.Error()})
		return out
	}
	if out.Problems = append(out.Problems, c.problems()...); len(out.Problems) == 0 {
		out.Out = map[string]schema.Shape{"": {Type: schema.ReleasePort, Model: m, Strategy: c.strategy()}}
	}
	if m != nil && m.Opaque {
		out.Problems = append(out.Problems, schema.Problem{Path: "model", Warning: true, Summary: "Only its own image can score this model, so it will not be served",
			Detail: "The release is recorded; mlp serve scores models of the standard library.", Hint: `deploy "batch" scores a table with it`})
	}
	out.Problems = append(out.Problems, c.explorationProblems(m)...)
	seen := map[string]bool{}
	for i, name := range c.Key {
		switch {
		case name == "":
			out.Problems = append(out.Problems, schema.Problem{Path: fmt.Sprintf("key[%d]", i), Summary: "The name of a column is empty"})
		case seen[name]:
			out.Problems = append(out.Problems, schema.Problem{Path: fmt.Sprintf("key[%d]", i), Summary: fmt.Sprintf("Column %q is listed twice", name)})
		}
		seen[name] = true
	}
	return out
}
