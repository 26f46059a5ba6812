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
	Key []string `json:"key"`
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
