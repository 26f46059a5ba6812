// Package gradient_boosting is the trainer of gradient-boosted trees.
//
// The trees are grown in trees/histogram (the method, its passes and an example stand there), read and written in XGBoost's own format by
// stdlib/model/xgboost. What is here is between the two and the language: parameters with XGBoost's names and what they may
// be, early stopping, and the names of features in the model, so that it reads in XGBoost as its own would.
//
// The same table, parameters and seed give the same bytes of model.json, on any number of threads.
package gradient_boosting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	sqltable "github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/trees"
	"github.com/mlp-lang/mlp/stdlib/train/trees/histogram"
)

// Component is the trainer.
var Component = component.Component{
	Kind: "train",
	Type: schema.Type{
		Name:    "gradient_boosting",
		Version: 4,
		Engine:  sqltable.Engine,
		Summary: "Gradient-boosted trees on binned features",
		Doc: "The strongest choice for most tables. Missing values and categories are taken as they are: each split learns where " +
			"missing values go, and parts categories into two groups. The model is written in XGBoost's JSON format, exact to the bit, " +
			"so that `xgboost.Booster().load_model(\"model.json\")` reads it, whatever characters the names of features have (a table for it goes by their order, with `validate_features=False`, where XGBoost takes a name in no table); category codes and the threshold are in `bundle.json` " +
			"beside it. Numbers are rounded to 32-bit floats, as in XGBoost; a feature or target whose values fall together by that is warned of. Of a text column the 65,535 most frequent categories are kept; the others count as missing, with a warning. The result does not depend on the number of threads.",
		Body: schema.Body{
			Attrs:  append(append(train.Attrs(tasks, true), train.CategoricalAttr(), train.ClassWeightAttr(), train.SeedAttr(), initModelAttr(), train.SelectionAttr()), train.CalibrationAttrs()...),
			Blocks: []schema.Block{paramsBlock, trees.PreprocessBlock(), train.IsolationForestBlock(), train.KMeansBlock(), train.DecisionBlock(), tunable.Block(), train.OutOfFoldBlock()},
		},
		Out: train.OutWithFolds(),
		Examples: []schema.Example{
			{Title: "With early stopping, and a threshold that blocks few", Code: example},
			{Title: "Of amounts: a median that only rises with one feature, by another loss", Code: amounts},
			{Title: "With parameters that are chosen by trials on rows of their own", Code: tuned},
			{Title: "That goes on with a model, in smaller steps", Code: goesOn},
		},
	},
	Shape:  shape,
	Derive: tunable.Derive,
	Run:    run,
}

// tunable are the parameters that trials can try. All of params have defaults but early_stopping_rounds, which is left out of
// them by that, and those of absent; trees are the work that successive halving spends.
var tunable = &train.Tunable{Params: &paramsBlock, Rounds: "trees", Absent: absent, Check: func(config json.RawMessage, validated bool) []schema.Problem {
	c, err := decode(config)
	if err != nil {
		return []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}
	}
	return c.Params.check(validated)
}}

// tasks: the objectives are logistic, softmax, and of amounts those of objectives.
var tasks = []schema.Task{schema.Binary, schema.Multiclass, schema.Regression}

// example, amounts and tuned are modules that can be copied as they stand; the reference shows them.
const example = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
  column "tenure"   { type = "integer" }
  column "contract" { type = "varchar" }
  column "churned"  { type = "boolean" }
}

dataset "customers" {
  from = [source.customers]
  key  = ["customer"]
  sql  = "select * from customers"
}

split "hash" "customers" {
  from       = dataset.customers
  validation = 0.2
  test       = 0.2
}

metric "recall" { type = "recall" }
metric "fpr"    { type = "false_positive_rate" }

train "gradient_boosting" "churn" {
  data       = split.customers.train
  validation = split.customers.validation
  target     = "churned"
  features   = ["tenure", "contract"]
  params {
    trees         = 500
    learning_rate = 0.05
    max_depth     = 4
  }
  decision {
    maximize = metric.recall
    where    = "fpr <= 0.1"
  }
}
`

const amounts = `pipeline "rent" {}

source "csv" "flats" {
  path = "flats.csv"
  column "flat"   { type = "varchar" }
  column "square" { type = "double" }
  column "zip"    { type = "integer" }
  column "rent"   { type = "double" }
}

split "hash" "flats" {
  from = source.flats
  test = 0.2
}

metric "error" { type = "mean_absolute_error" }

train "gradient_boosting" "rent" {
  data                 = split.flats.train
  target               = "rent"
  features             = ["square", "zip"]
  categorical_features = ["zip"]
  params {
    objective            = "absolute_error"
    trees                = 200
    monotone_constraints = { square = 1 }
  }
}

evaluate "rent" {
  model   = train.rent
  data    = split.flats.test
  metrics = [metric.error]
}
`

const tuned = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
  column "tenure"   { type = "integer" }
  column "contract" { type = "varchar" }
  column "churned"  { type = "boolean" }
}

dataset "customers" {
  from = [source.customers]
  key  = ["customer"]
  sql  = "select * from customers"
}

split "hash" "customers" {
  from       = dataset.customers
  validation = 0.2
  test       = 0.2
}

metric "auc" { type = "roc_auc" }

train "gradient_boosting" "churn" {
  data       = split.customers.train
  validation = split.customers.validation
  target     = "churned"
  features   = ["tenure", "contract"]
  tune {
    metric = metric.auc
    trials = 20
    space {
      learning_rate    = { min = 0.02, max = 0.3, scale = "log" }
      max_depth        = [0, 3, 6]
      max_leaves       = { values = [15, 31, 63], when = { max_depth = [0] } }
      min_child_weight = { min = 1, max = 30 }
    }
  }
}

evaluate "test" {
  model   = train.churn
  data    = split.customers.test
  metrics = [metric.auc]
}
`

// config is the block, with defaults where it has no params.
type config struct {
	train.Config
	Params     params             `json:"params"`
	Preprocess []trees.Preprocess `json:"preprocess"`
}

// decode reads the configuration over the defaults: what is left out keeps them.
func decode(data json.RawMessage) (*config, error) {
	c := &config{Params: defaults}
	err := json.Unmarshal(data, c)
	c.ManyLevels, c.Encodings, c.MostLevels = trees.ManyLevels(c.Preprocess), trees.Encodings(c.Preprocess), histogram.MaxLevels
	return c, err
}

// shape adds what is wrong with params to what every trainer checks.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := decode(req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	out := train.Shape(req, &c.Config, tasks)
	train.Adds(req, &out, c.adds(req.In[train.DataPort].Table), "")
	_, validated := req.In[train.ValidationPort]
	out.Problems = append(append(out.Problems, c.Params.check(validated)...), c.about(req.In[train.DataPort].Table)...)
	out.Problems = append(out.Problems, c.continues(req.In, out.Out[train.ModelPort].Model)...)
	out.Problems = append(out.Problems, tunable.Problems(req, &c.Config)...)
	out.Problems = append(out.Problems, trees.Problems(c.Preprocess, &c.Config, req.In[train.DataPort].Table)...)
	return out
}

// adds is what the trees add up to: of amounts what is predicted, or its logarithm.
func (c *config) adds(data *schema.Table) schema.Additive {
	if data != nil && c.TaskOf(data.Column(c.Target)) == schema.Regression && !c.Params.objective().kind.Log() {
		return schema.AddsScores
	}
	return schema.AddsMargins
}

// run fits once, or of a trial with folds once for each.
func run(ctx context.Context, s *component.Stage) error { return tunable.Run(ctx, s, fitStage) }

// fitStage fits the trees and writes them as XGBoost's JSON model, with the signature beside it.
// Columns are turned into bins as they are read (binning), so that the table is never in memory as numbers and as bins
// at once. The validation side takes the bins of the training side: a bound that it chose itself would be knowledge of
// it.
func fitStage(ctx context.Context, s *component.Stage, config json.RawMessage, fold *train.Fold) error {
	c, err := decode(config)
	if err != nil {
		return fmt.Errorf("configuration of %s: %w", s.Address, err)
	}
	c.Fold = fold
	from, err := c.goOn(s)
	if err != nil {
		return err
	}
	b := &trees.Binning{Threads: s.Threads}
	t, err := train.LoadInto(ctx, s, &c.Config, from.take(b))
	if err != nil {
		return err
	}
	b.TellLosses(s, t)
	if err := c.fits(s, t); err != nil {
		return err
	}
	p := c.histogram(t, s)
	if p.Init, err = from.init(ctx, s, t, &p); err != nil {
		return err
	}
	runtime.GC() // what the columns went through is the fit's from here on, rather than once the heap has twice the size
	r, err := b.Data.Fit(ctx, b.Validation, p, trees.Progress(s))
	if errors.Is(err, histogram.ErrDiverged) {
		return &component.InputError{Summary: fmt.Sprintf("%s: %v", s.Address, err), Detail: "Lower learning_rate, or bound the leaves by max_delta_step; look for values of the target that are far off."}
	} else if err != nil {
		return fmt.Errorf("fitting trees: %w", err)
	}
	trees.Name(r.Model, t)
	e, err := model.NewTrees(r.Model, t.InputSignature())
	if err != nil {
		return err
	}
	s.Logf("%d rounds, %d trees on %d rows", r.Rounds, len(r.Model.Trees), t.Data.Rows)
	return t.Finish(ctx, model.Trees, e, train.Figures{
		Rounds: r.Rounds, Trees: len(r.Model.Trees), TrainingLoss: r.TrainingLoss, ValidationLoss: r.ValidationLoss, ByRound: r.ByRound,
		Importance: train.Shares(r.Model.Importance()), Loss: c.Params.lossName(),
	})
}
