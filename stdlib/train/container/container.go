// Package container is the trainer that is anyone's image: a command that reads tables and writes a model under the
// stage protocol (spec/protocol.md), in whatever language. Its model is opaque: only a command of the same image scores
// it. The executor runs the image; this package says what the block takes and what is wrong with it.
package container

import (
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/program"
	"github.com/mlp-lang/mlp/stdlib/train/opaque"
)

// Component is train "container". Its stages carry a container of their own.
var Component = opaque.Component[config](schema.Type{
	Name:     "container",
	Version:  1,
	Summary:  "A model trained by a command of your own image",
	Doc:      doc,
	Examples: []schema.Example{{Title: "A scikit-learn script", Code: example}},
}, slices.Concat(program.ContainerAttrs(), []schema.Attr{
	{Name: "predict", Type: schema.StringList,
		Doc: "The scoring command of the same image. Needed as soon as an `evaluate` or a `deploy` uses the model."},
}, program.RunAttrs("both commands"), []schema.Attr{program.ReplicasAttr("`command`")})...)

// config is what the block says of its commands.
// # The two commands
//
//	            training                              scoring
//	command     command                               predict
//	reads       $MLP_IN_DATA, $MLP_IN_VALIDATION      $MLP_IN_MODEL, $MLP_IN_DATA
//	writes      $MLP_OUT_MODEL, any files             $MLP_OUT_PREDICTIONS, a table
//	is told     the whole block, with params          target, features, task, …
//	is a stage  of the train block                    derived, where an evaluation or a deployment uses the model
//
// A change of params trains again and, since the model is another, scores again; a change of predict only scores again,
// because the training command's stage does not have it in its fingerprint.
//
// # What is checked before it runs
//
// Nothing of the image is known to the compiler, so whatever others find in data must be said: the task, the features,
// the classes of several. What can be seen to fail is refused here, before anybody waits for an hour of training: a
// command line in one string, a class that is listed twice, a variable that no process can have.
type config struct {
	program.Container
	Predict []string `json:"predict"`
}

// Programs are the block's commands.
func (c *config) Programs() (schema.Program, error) {
	p, err := c.Program()
	p.Predict = c.Predict
	return p, err
}

// Wrong is what is wrong with the commands.
func (c *config) Wrong() []schema.Problem {
	out := c.Problems()
	if c.Predict != nil {
		out = append(out, program.CommandProblems("predict", c.Predict)...)
	}
	return out
}

const doc = `The command reads the tables in ` + "`$MLP_IN_DATA`" + ` (and ` + "`$MLP_IN_VALIDATION`" + `), finds target, features, task and its
parameters under ` + "`config`" + ` in ` + "`$MLP_ROOT/stage.json`" + `, and writes any files to ` + "`$MLP_OUT_MODEL`" + `. It is to read the columns
named in ` + "`features`" + ` and no others: what else the table holds may not be there, or not be known, when the model is used.

The ` + "`predict`" + ` command gets the model at ` + "`$MLP_IN_MODEL`" + ` and a table at ` + "`$MLP_IN_DATA`" + `, and writes a table to
` + "`$MLP_OUT_PREDICTIONS`" + `: one row for each row of the data, in its order, with one column ` + "`score`" + ` (binary: the probability of the
positive class), ` + "`predicted`" + ` (regression), or ` + "`score_<class>`" + ` for each class. The decision of a binary model is at 0.5.

Neither command has a network, privileges, or anywhere to write but its outputs, ` + "`/tmp`" + ` and ` + "`/mlp/checkpoint`" + `. The same inputs
should give the same model: draw from ` + "`$MLP_SEED`" + `. The whole protocol is in spec/protocol.md.`

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

train "container" "forest" {
  data     = split.parts.train
  target   = "churned"
  task     = "binary_classification"
  features = ["tenure", "monthly_charges"]
  image    = "churn-forest:1"
  command  = ["python3", "/app/train.py"]
  predict  = ["python3", "/app/predict.py"]
  format   = "csv"
  seed     = 7
  params {
    trees = 300
  }
}
`
