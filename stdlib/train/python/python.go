// Package python is the trainer that is a script of the module: it reads tables and writes a model under the stage protocol (spec/protocol.md), in an image
// that is made of what it requires. Its model is opaque: only the block's scoring script scores it. This package says what the block takes and is wrong with
// it; what is run, and in what, is stdlib/program's.
package python

import (
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/program"
	"github.com/mlp-lang/mlp/stdlib/train/opaque"
)

// Component is train "python". Its stages run a script.
var Component = opaque.Component[config](schema.Type{
	Name:     "python",
	Version:  1,
	Summary:  "A model trained by a Python script of the module",
	Doc:      doc,
	Examples: []schema.Example{{Title: "Two scripts and what they require", Code: example}},
}, slices.Concat(program.PythonAttrs("The training script."), []schema.Attr{
	{Name: "predict", Type: schema.String,
		Doc: "The scoring script, which has the same `files`. Needed as soon as an `evaluate` or a `deploy` uses the model."},
}, program.RunAttrs("both scripts"), []schema.Attr{program.ReplicasAttr("`script`")})...)

// config is what the block says of its scripts.
type config struct {
	program.Python
	Predict string `json:"predict"`
}

// Programs are the block's scripts.
func (c *config) Programs() (schema.Program, error) {
	p, err := c.Program()
	if err == nil && c.Predict != "" {
		p.Predict, p.PredictCode = program.Command(c.Predict), c.Code("predict", c.Predict)
	}
	return p, err
}

// Wrong is what is wrong with the scripts.
func (c *config) Wrong() []schema.Problem {
	var out []schema.Problem
	if c.Predict != "" && !strings.HasSuffix(c.Predict, ".py") {
		out = append(out, schema.Problem{Path: "predict", Summary: "predict names no script in Python", Hint: `Write it as predict = "predict.py".`})
	}
	return append(out, c.Problems()...)
}

const doc = `The script reads the tables in ` + "`$MLP_IN_DATA`" + ` (and ` + "`$MLP_IN_VALIDATION`" + `), finds target, features, task and its parameters under
` + "`config`" + ` in ` + "`$MLP_ROOT/stage.json`" + `, and writes any files to ` + "`$MLP_OUT_MODEL`" + `. The ` + "`predict`" + ` script gets the model at ` + "`$MLP_IN_MODEL`" + ` and a
table at ` + "`$MLP_IN_DATA`" + `, and writes a table to ` + "`$MLP_OUT_PREDICTIONS`" + `: one row for each row of the data, in its order, with one column ` + "`score`" + `
(binary: the probability of the positive class), ` + "`predicted`" + ` (regression), or ` + "`score_<class>`" + ` for each class. The module ` + "`mlp_stage`" + ` can be imported for all
of that, and need not be.

Scripts and ` + "`files`" + ` are inputs: an edit of one is a cause in the plan, with its line, and makes no new image. What ` + "`requirements`" + ` lists is installed once, by
the derived stage ` + "`<block>@image`" + `. No script has a network, privileges, or anywhere to write but its outputs, ` + "`/tmp`" + ` and
` + "`/mlp/checkpoint`" + `. The same inputs should give the same model: draw from ` + "`$MLP_SEED`" + `. The whole protocol is in spec/protocol.md.`

const example = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "customer_id"     { type = "varchar" }
  column "tenure"          { type = "bigint" }
  column "monthly_charges" { type = "double" }
  column "churned"         { type = "boolean" }
}

dataset "customers" {
  from = [source.customers]
  key  = ["customer_id"]
  sql  = "select * from customers"
}

split "hash" "parts" {
  from = dataset.customers
  test = 0.25
}

train "python" "forest" {
  data         = split.parts.train
  target       = "churned"
  task         = "binary_classification"
  features     = ["tenure", "monthly_charges"]
  script       = "train.py"
  predict      = "predict.py"
  files        = ["features.py"]
  python       = "3.11"
  requirements = "requirements.txt"
  index        = "https://pypi.org/simple"
  seed         = 7
  params {
    trees = 300
  }
}
`
