// Package gradient_boosting is the trainer of gradient-boosted trees.
//
// The trees are grown in histogram (the method, its passes and an example stand there), read and written in XGBoost's own format by
// stdlib/model/xgboost. What is here is between the two and the language: parameters with XGBoost's names and what they may
// be, early stopping, and the names of features in the model, so that it reads in XGBoost as its own would.
//
// The same table, parameters and seed give the same bytes of model.json, on any number of threads.
package gradient_boosting

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	sqltable "github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/gradient_boosting/histogram"
)

// Component is the trainer.
var Component = component.Component{
	Kind: "train",
	Type: schema.Type{
		Name:    "gradient_boosting",
		Version: 3,
		Engine:  sqltable.Engine,
		Summary: "Gradient-boosted trees on binned features",
		Doc: "The strongest choice for most tables. Missing values and categories are taken as they are: each split learns where " +
			"missing values go, and parts categories into two groups. The model is written in XGBoost's JSON format, exact to the bit, " +
			"so that `xgboost.Booster().load_model(\"model.json\")` reads it; category codes and the threshold are in `bundle.json` " +
			"beside it. Numbers are rounded to 32-bit floats, as in XGBoost; a feature or target whose values fall together by that is warned of. A text column keeps its 255 most frequent categories. The result does not depend on the number of threads.",
		Body: schema.Body{
			Attrs:  append(append(train.Attrs(tasks, true), train.SeedAttr(), train.SelectionAttr()), train.CalibrationAttrs()...),
			Blocks: []schema.Block{paramsBlock, train.DecisionBlock(), tunable.Block()},
		},
		Out: train.Out(),
		Examples: []schema.Example{
			{Title: "With early stopping, and a threshold that blocks few", Code: example},
			{Title: "With parameters that are chosen by trials on rows of their own", Code: tuned},
		},
	},
	Shape:  shape,
	Derive: tunable.Derive,
	Run:    run,
}

// tunable are the parameters that trials can try. All of params have defaults but early_stopping_rounds, which is left out of
// them by that; trees are the work that successive halving spends.
var tunable = &train.Tunable{Params: &paramsBlock, Rounds: "trees", Check: func(config json.RawMessage, validated bool) []schema.Problem {
	c, err := decode(config)
	if err != nil {
		return []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}
	}
	return c.Params.check(validated)
}}

// tasks: the objectives are logistic, softmax and squared error.
var tasks = []schema.Task{schema.Binary, schema.Multiclass, schema.Regression}

// example and tuned are modules that can be copied as they stand; the reference shows them.
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

var paramsBlock = schema.Block{Name: "params",
	Doc: "How trees are grown. Names and meanings are XGBoost's.",
	Body: schema.Body{Attrs: []schema.Attr{
		{Name: "trees", Type: schema.Integer, Default: float64(defaults.Trees), Scales: true,
			Doc: "Rounds; with several classes a round has a tree for each."},
		{Name: "learning_rate", Type: schema.Number, Default: defaults.LearningRate,
			Doc: "By how much each tree is shrunk, above 0 and up to 1. Less needs more trees."},
		{Name: "max_depth", Type: schema.Integer, Default: float64(defaults.MaxDepth),
			Doc: "Splits from the root to a leaf at most; 0: no limit, which needs `max_leaves`."},
		{Name: "max_leaves", Type: schema.Integer, Default: float64(defaults.MaxLeaves),
			Doc: "Leaves of a tree at most, the best split first; 0: no limit, level by level."},
		{Name: "min_child_weight", Type: schema.Number, Default: defaults.MinChildWeight,
			Doc: "The sum of second derivatives that each side of a split must have: in regression the number of rows."},
		{Name: "lambda", Type: schema.Number, Default: defaults.Lambda, Doc: "L2 regularisation of the leaves."},
		{Name: "gamma", Type: schema.Number, Default: defaults.Gamma, Doc: "What a split must gain at least."},
		{Name: "max_cat_to_onehot", Type: schema.Integer, Default: float64(defaults.MaxCatToOneHot),
			Doc: "The categories of a text column with fewer of them are split off one by one; those of others are parted into two " +
				"groups. A large number splits all of them one by one, which is steadier where many categories are rare."},
		{Name: "max_cat_threshold", Type: schema.Integer, Default: float64(defaults.MaxCatThreshold),
			Doc: "Where categories are parted into two groups, fewer than this many make up one of the two."},
		{Name: "subsample", Type: schema.Number, Default: defaults.Subsample,
			Doc: "The share of rows drawn for each round, above 0 and up to 1."},
		{Name: "column_sample", Type: schema.Number, Default: defaults.ColumnSample,
			Doc: "The share of features drawn for each tree, above 0 and up to 1."},
		{Name: "early_stopping_rounds", Type: schema.Integer,
			Doc: "Stop after so many rounds in which the loss on `validation` does not fall, and keep the trees up to the best round; 0: " +
				"never. Left out: 50 with a validation table, else 0."},
	}},
}

// params as the block has them; those of a block that is not there are the defaults.
// EarlyStoppingRounds is nil where the block does not say: then it depends on whether there is a validation table.
type params struct {
	Trees               int     `json:"trees"`
	LearningRate        float64 `json:"learning_rate"`
	MaxDepth            int     `json:"max_depth"`
	MaxLeaves           int     `json:"max_leaves"`
	MinChildWeight      float64 `json:"min_child_weight"`
	Lambda              float64 `json:"lambda"`
	Gamma               float64 `json:"gamma"`
	MaxCatToOneHot      int     `json:"max_cat_to_onehot"`
	MaxCatThreshold     int     `json:"max_cat_threshold"`
	Subsample           float64 `json:"subsample"`
	ColumnSample        float64 `json:"column_sample"`
	EarlyStoppingRounds *int    `json:"early_stopping_rounds"`
}

// defaults are XGBoost's, but for a learning rate of 0.1 instead of 0.3, which needs more trees and is less apt to overfit.
var defaults = params{
	Trees: 100, LearningRate: 0.1, MaxDepth: 6, MinChildWeight: 1, Lambda: 1, MaxCatToOneHot: 4, MaxCatThreshold: 64,
	Subsample: 1, ColumnSample: 1,
}

// defaultEarlyStopping is after how many rounds without a better validation loss the fit stops, where the block does not say.
const defaultEarlyStopping = 50

// config is the block, with defaults where it has no params.
type config struct {
	train.Config
	Params params `json:"params"`
}

// decode reads the configuration over the defaults: what is left out keeps them.
func decode(data json.RawMessage) (*config, error) {
	c := &config{Params: defaults}
	return c, json.Unmarshal(data, c)
}

// shape adds what is wrong with params to what every trainer checks.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := decode(req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	out := train.Shape(req, &c.Config, tasks)
	_, validated := req.In[train.ValidationPort]
	out.Problems = append(append(out.Problems, c.Params.check(validated)...), tunable.Problems(req, &c.Config)...)
	return out
}

// check finds parameters out of range.
// Bounds above are those of memory and time, such as 100,000 trees; each problem says what it must be. validated: there is a table
// to stop by.
func (p *params) check(validated bool) []schema.Problem {
	var out []schema.Problem
	refuse := func(bad bool, name string, value any, want string) {
		if bad {
			out = append(out, schema.Problem{Path: "params." + name, Summary: fmt.Sprintf("%s is %v", name, value), Detail: "It must be " + want + "."})
		}
	}
	share := func(x float64) bool { return !(x > 0 && x <= 1) }
	refuse(p.Trees < 1 || p.Trees > 100_000, "trees", p.Trees, "from 1 to 100000")
	refuse(share(p.LearningRate), "learning_rate", p.LearningRate, "above 0 and up to 1")
	refuse(p.MaxDepth < 0 || p.MaxDepth > 64, "max_depth", p.MaxDepth, "from 0 to 64")
	refuse(p.MaxDepth == 0 && p.MaxLeaves == 0, "max_depth", p.MaxDepth, "above 0 unless max_leaves is")
	refuse(p.MaxLeaves < 0 || p.MaxLeaves == 1, "max_leaves", p.MaxLeaves, "0 or at least 2")
	refuse(!(p.MinChildWeight >= 0), "min_child_weight", p.MinChildWeight, "at least 0")
	refuse(!(p.Lambda >= 0), "lambda", p.Lambda, "at least 0")
	refuse(!(p.Gamma >= 0), "gamma", p.Gamma, "at least 0")
	refuse(p.MaxCatToOneHot < 1, "max_cat_to_onehot", p.MaxCatToOneHot, "at least 1")
	refuse(p.MaxCatThreshold < 2, "max_cat_threshold", p.MaxCatThreshold, "at least 2")
	refuse(share(p.Subsample), "subsample", p.Subsample, "above 0 and up to 1")
	refuse(share(p.ColumnSample), "column_sample", p.ColumnSample, "above 0 and up to 1")
	if r := p.EarlyStoppingRounds; r != nil {
		refuse(*r < 0, "early_stopping_rounds", *r, "at least 0")
		if *r > 0 && !validated {
			out = append(out, schema.Problem{Path: "params.early_stopping_rounds", Summary: "Early stopping needs a validation table",
				Hint: "Set validation, for example to split.<name>.validation."})
		}
	}
	return out
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
	b := &binning{threads: s.Threads}
	t, err := train.LoadInto(ctx, s, &c.Config, b.take)
	if err != nil {
		return err
	}
	b.tellLosses(s, t)
	runtime.GC() // what the columns went through is the fit's from here on, rather than once the heap has twice the size
	r, err := b.data.Fit(ctx, b.validation, c.histogram(t, s), progress(s))
	if err != nil {
		return fmt.Errorf("fitting trees: %w", err)
	}
	name(r.Model, &t.Signature)
	for _, f := range r.Model.FeatureNames {
		if strings.ContainsAny(f, "[]<") {
			t.Warnf("XGBoost itself takes no feature named %q, since [, ] and < have a meaning there; it reads the model, but no table with that name", f)
		}
	}
	e, err := model.NewTrees(r.Model, &t.Signature)
	if err != nil {
		return err
	}
	s.Logf("%d rounds, %d trees on %d rows", r.Rounds, len(r.Model.Trees), t.Data.Rows)
	return t.Finish(ctx, model.Trees, e, train.Figures{
		Rounds: r.Rounds, Trees: len(r.Model.Trees), TrainingLoss: r.TrainingLoss, ValidationLoss: r.ValidationLoss, ByRound: r.ByRound,
		Importance: train.Shares(r.Model.Importance()),
	})
}

// progress moves the stage's bar about a hundred times, and at the last round in any case.
func progress(s *component.Stage) func(done, total int) {
	return func(done, total int) {
		if done%max(total/100, 1) == 0 || done == total {
			s.Progress(done, total)
		}
	}
}

// histogram are the parameters of the fit. The objective follows the task; early stopping is on where there are validation
// rows, unless it is set.
func (c *config) histogram(t *train.Training, s *component.Stage) histogram.Params {
	p := c.Params
	out := histogram.Params{
		Objective: xgboost.SquaredError, Trees: p.Trees, LearningRate: p.LearningRate,
		MaxDepth: p.MaxDepth, MaxLeaves: p.MaxLeaves, MinChildWeight: p.MinChildWeight, Lambda: p.Lambda, Gamma: p.Gamma,
		MaxCatToOneHot: p.MaxCatToOneHot, MaxCatThreshold: p.MaxCatThreshold,
		Subsample: p.Subsample, ColumnSample: p.ColumnSample, Seed: c.Seed, Threads: s.Threads,
	}
	switch t.Signature.Task {
	case schema.Binary:
		out.Objective = xgboost.Logistic
	case schema.Multiclass:
		out.Objective, out.Classes = xgboost.Softmax, len(t.Signature.Classes)
	}
	if t.Validation != nil {
		out.EarlyStoppingRounds = defaultEarlyStopping
	}
	if p.EarlyStoppingRounds != nil {
		out.EarlyStoppingRounds = *p.EarlyStoppingRounds
	}
	return out
}

// binning makes bins of tables as their features come. The bins, a byte for each value, are all that trees grow on.
type binning struct {
	threads    int
	data       *histogram.Binned // nil until the first features come
	validation *histogram.Coded  // nil: there is no such table
	losses     []loss            // what rounding to 32 bits takes away, for warnings
}

// take is a train.Take.
// before is how many features came earlier: columns arrive in groups, each of the training side first. A column of text
// is categorical, by its levels.
func (b *binning) take(t *train.Training, of *train.Set, before int, columns [][]float64) (err error) {
	some := make([]histogram.Column, len(columns))
	for i, values := range columns {
		some[i].Values = values
		if f := &t.Signature.Features[before+i]; f.Text() {
			some[i].Levels = max(len(f.Levels), 1) // so that a column without any is still categorical
		}
	}
	if of == t.Data {
		if b.data == nil {
			if b.data, err = histogram.New(len(t.Signature.Features), of.Target, of.Weight); err != nil {
				return err
			}
		}
		if err := b.data.Add(some, b.threads); err != nil {
			return err
		}
		b.findLosses(t, before, columns)
		return nil
	}
	if b.validation == nil {
		b.validation = b.data.Other(of.Target, of.Weight)
	}
	b.validation.Add(some, b.threads)
	return nil
}

// name writes the features' names and kinds into the model, for whoever reads it with XGBoost.
// Kinds are XGBoost's: q a quantity, i an indicator, c a category.
func name(m *xgboost.Model, s *model.Signature) {
	for i := range s.Features {
		kind := "q"
		switch f := &s.Features[i]; {
		case f.Text():
			kind = "c"
		case f.Type == "boolean":
			kind = "i"
		}
		m.FeatureNames = append(m.FeatureNames, s.Features[i].Name)
		m.FeatureTypes = append(m.FeatureTypes, kind)
	}
}
