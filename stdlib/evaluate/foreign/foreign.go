// Package foreign is what the two evaluations have in common whose figures a program of the user's own computes.
package foreign

import (
	"context"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/evaluate/file"
	"github.com/mlp-lang/mlp/stdlib/program"
)

// Evaluate is the kind of both.
var Evaluate = program.Kind{
	Name:    "evaluate",
	Summary: "Figures computed by",
	Doc: "The program reads the table at `$MLP_IN_DATA`, and the files of the model at `$MLP_IN_MODEL` where the block names one, and writes `$MLP_ROOT/out/metrics.json`: `{\"metrics\": {\"auc\": 0.91}}`. The figures that `metrics` names are those that rules can " +
		"read, at `evaluate.<name>.metrics.<m>`; one that is not there, or is no number, is undefined: a rule on it is an error, never a pass.",
	Attrs: []schema.Attr{
		{Name: "model", Type: schema.Ref, Ports: []schema.PortType{schema.ModelPort}, Doc: "The model whose files the program reads. It scores by itself: of an opaque model the files are what its trainer wrote."},
		{Name: "data", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}, Rows: schema.MeasuredRows, Doc: "The rows to measure on."},
		{Name: "metrics", Type: schema.StringList, Required: true, Doc: "The figures that rules can read: `auc`, or `test.auc` of an object within another."},
	},
	Blocks: []schema.Block{program.Params()},
	Out:    []schema.Port{{Name: "figures", Type: schema.FiguresPort, Doc: "The figures, under `metrics`."}},
	Shape: func(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
		return file.Named(req.Config)
	},
	Example: source + `
evaluate "container" "audit" {
  data    = source.outcomes
  metrics = ["lift"]
  image   = "audit:7"
  command = ["audit", "--lift"]
  format  = "csv"
}

gate "release" {
  rule "lifts" { assert = "evaluate.audit.metrics.lift > 1.2" }
}
`,
	Scripted: source + `
evaluate "python" "audit" {
  data    = source.outcomes
  metrics = ["lift"]
  script  = "audit.py"
  python  = "3.11"
  format  = "ndjson"
}

gate "release" {
  rule "lifts" { assert = "evaluate.audit.metrics.lift > 1.2" }
}
`,
}

const source = `pipeline "offers" {}

source "csv" "outcomes" {
  path = "outcomes.csv"
  column "offered" { type = "boolean" }
  column "bought"  { type = "boolean" }
}
`
