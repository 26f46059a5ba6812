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
			{Name: "blue_green", Type: schema.Bool, Doc: "Whether a release that follows another is served beside it, under its version, and answers all rows at once when it is promoted."},
		}, Blocks: []schema.Block{
			{Name: "canary", Doc: "A release that follows another gets a share of the rows, and more with each step. A row goes by its key, so that who is asked about twice is answered by the same model; without a `key`, by its request.", Body: schema.Body{Attrs: []schema.Attr{
				{Name: "steps", Type: schema.NumberList, Required: true, Doc: "Shares of the rows in percent, rising. 100 at the end may be left out."},
			}}},
			{Name: "shadow", Doc: "A release that follows another scores rows that the live model answers, and answers nobody until it is promoted.", Body: schema.Body{Attrs: []schema.Attr{
				{Name: "share", Type: schema.Number, Default: 100.0, Doc: "Of how many percent of the rows."},
			}}},
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
`}},
	},
	Shape: shape,
}

// config is the block. Key are fields of requests and no columns of a table, so any name may stand there.
type config struct {
	Key    []string `json:"key"`
	Canary *struct {
		Steps []float64 `json:"steps"`
	} `json:"canary"`
	Shadow *struct {
		Share float64 `json:"share"`
	} `json:"shadow"`
	BlueGreen bool `json:"blue_green"`
}

// strategy is how a release follows another; nil: at once.
func (c *config) strategy() *schema.Strategy {
	switch {
	case c.Canary != nil:
		steps := c.Canary.Steps
		if n := len(steps); n > 1 && steps[n-1] == 100 { // the end, which may be written down
			steps = steps[:n-1]
		}
		return &schema.Strategy{Role: schema.CanaryRoute, Steps: steps}
	case c.Shadow != nil:
		return &schema.Strategy{Role: schema.ShadowRoute, Steps: []float64{c.Shadow.Share}}
	case c.BlueGreen:
		return &schema.Strategy{Role: schema.GreenRoute, Steps: []float64{0}}
	}
	return nil
}

// problems are those of the strategy.
func (c *config) problems() (out []schema.Problem) {
	n := 0
	for _, given := range []bool{c.Canary != nil, c.Shadow != nil, c.BlueGreen} {
		if given {
			n++
		}
	}
	if n > 1 {
		out = append(out, schema.Problem{Summary: "A release follows another in one way: as a canary, as a shadow, or by blue_green", Hint: "Leave one of them."})
	}
	if c.Canary != nil {
		last := 0.0
		for i, share := range c.Canary.Steps {
			end := share == 100 && i > 0 && i == len(c.Canary.Steps)-1
			if !(share > last && share < 100) && !end {
				out = append(out, schema.Problem{Path: fmt.Sprintf("canary.steps[%d]", i), Summary: "Steps rise, from more than 0 to less than 100 percent of the rows", Hint: "For example steps = [5, 25, 100]."})
				break
			}
			last = share
		}
		if len(c.Canary.Steps) == 0 {
			out = append(out, schema.Problem{Path: "canary.steps", Summary: "A canary needs a step", Hint: "For example steps = [5, 25, 100]."})
		}
	}
	if c.Shadow != nil && !(c.Shadow.Share > 0 && c.Shadow.Share <= 100) {
		out = append(out, schema.Problem{Path: "shadow.share", Summary: "A shadow has more than 0 and at most 100 percent of the rows"})
	}
	return out
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
