// Package random_forest is the trainer of forests of trees that are grown on drawn rows and drawn features.
//
// The trees are grown in gradient_boosting/histogram, on the bins that boosted trees are grown on (the method stands there, with an example), and written in
// XGBoost's format: the leaves are divided by the number of trees, so that they add up to the mean of the trees. A forest of classes adds up probabilities. So whatever reads, scores and
// explains boosted trees does so with a forest.
//
// The same table, parameters and seed give the same bytes of model.json, on any number of threads.
package random_forest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/trees"
	"github.com/mlp-lang/mlp/stdlib/train/trees/histogram"
)

// Component is the trainer.
var Component = component.Component{
	Kind: "train",
	Type: schema.Type{
		Name:    "random_forest",
		Version: 2,
		Engine:  table.Engine,
		Summary: "The mean of trees that are grown on drawn rows and features",
		Doc: "Trees are grown on rows drawn with replacement; each split is the best of a few features drawn for it. The prediction is the mean of the trees, of classes the mean of their shares. It needs little tuning, and says by itself how well " +
			"it predicts rows that it has not seen: `out_of_bag_loss` is the mean log loss, or root mean squared error, of each row by those trees alone that it was not drawn for. Missing values and categories are taken as they are, " +
			"as in `gradient_boosting`: 255 bins of a number, 65,535 categories. Of a column of more than 255 categories, those that no row of a node has go to its heavier side. The model is written in XGBoost's JSON format, with the objective `reg:squarederror`: of classes what XGBoost predicts with it is the probability, of more than two a column for each.",
		Body: schema.Body{
			Attrs:  append(append(train.Attrs(tasks, true), train.CategoricalAttr(), train.ClassWeightAttr(), train.SeedAttr(), train.SelectionAttr()), train.CalibrationAttrs()...),
			Blocks: []schema.Block{paramsBlock, trees.PreprocessBlock(), train.IsolationForestBlock(), train.KMeansBlock(), train.DecisionBlock(), tunable.Block(), train.OutOfFoldBlock()},
		},
		Out: train.OutWithFolds(),
		Examples: []schema.Example{
			{Title: "Three classes", Code: example},
			{Title: "With inputs that are fitted without the target, and a category that is encoded by it", Code: derived},
		},
	},
	Shape:  shape,
	Derive: tunable.Derive,
	Run:    run,
}

// tunable are the parameters that trials can try. Trees are the work that successive halving spends.
var tunable = &train.Tunable{Params: &paramsBlock, Rounds: "trees", Check: func(config json.RawMessage, _ bool) []schema.Problem {
	c, err := decode(config)
	if err != nil {
		return []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}
	}
	return c.Params.check()
}}

var tasks = []schema.Task{schema.Binary, schema.Multiclass, schema.Regression}

// example is a module that can be copied as it stands; the reference shows it.
const example = `pipeline "wine" {}

source "csv" "wine" {
  path = "wine.csv"
  column "bottle"  { type = "integer" }
  column "alcohol" { type = "double" }
  column "color"   { type = "double" }
  column "grape"   { type = "varchar" }
}

dataset "wine" {
  from = [source.wine]
  key  = ["bottle"]
  sql  = "select * from wine"
}

split "hash" "wine" {
  from = dataset.wine
  test = 0.3
}

metric "accuracy" { type = "accuracy" }

train "random_forest" "grape" {
  data     = split.wine.train
  target   = "grape"
  features = ["alcohol", "color"]
  params {
    trees            = 300
    min_samples_leaf = 2
  }
}

evaluate "grape" {
  model   = train.grape
  data    = split.wine.test
  metrics = [metric.accuracy]
}
`

const derived = `pipeline "churn" {}

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
  from = dataset.customers
  test = 0.2
}

metric "auc" { type = "roc_auc" }

train "random_forest" "churn" {
  data     = split.customers.train
  target   = "churned"
  features = ["tenure", "contract"]
  preprocess "contract"    { encode = "target" }
  isolation_forest "apart" { features = ["tenure"] }
  k_means "segment" {
    features = ["tenure"]
    clusters = 3
  }
}

evaluate "churn" {
  model   = train.churn
  data    = split.customers.test
  metrics = [metric.auc]
}
`

var paramsBlock = schema.Block{Name: "params",
	Doc: "How trees are grown. Names and meanings are scikit-learn's, but for `trees`.",
	Body: schema.Body{Attrs: []schema.Attr{
		{Name: "trees", Type: schema.Integer, Default: float64(defaults.Trees), Scales: true, Doc: "How many trees there are (`n_estimators`). More are never worse, and cost more."},
		{Name: "max_depth", Type: schema.Integer, Default: float64(defaults.MaxDepth), Doc: "Splits from the root to a leaf at most; 0: no limit."},
		{Name: "min_samples_leaf", Type: schema.Integer, Default: float64(defaults.MinSamplesLeaf),
			Doc: "How many different rows a leaf has at least. scikit-learn has 1, whose forests are several times as large, and no better where classes overlap."},
		{Name: "max_features", Type: schema.Number, Default: defaults.MaxFeatures,
			Doc: "The share of features drawn for each split, above 0 and up to 1, at least one feature. 0: of classes as many as the square root of their number, of amounts all, as in scikit-learn. Where none of them splits a node, further ones are tried."},
		{Name: "bootstrap", Type: schema.Bool, Default: defaults.Bootstrap, Doc: "Whether rows are drawn with replacement. `false`: each tree is grown on all rows, or on a share of them that is drawn without."},
		{Name: "max_samples", Type: schema.Number, Default: defaults.MaxSamples, Doc: "How many rows are drawn for each tree, as a share of them, above 0 and up to 1."},
	}},
}

type params struct {
	Trees          int     `json:"trees"`
	MaxDepth       int     `json:"max_depth"`
	MinSamplesLeaf int     `json:"min_samples_leaf"`
	MaxFeatures    float64 `json:"max_features"`
	Bootstrap      bool    `json:"bootstrap"`
	MaxSamples     float64 `json:"max_samples"`
}

// defaults are scikit-learn's, but for the least number of rows in a leaf.
var defaults = params{Trees: 100, MinSamplesLeaf: 5, Bootstrap: true, MaxSamples: 1}

// config is the block, with defaults where it has no params.
type config struct {
	train.Config
	Params     params             `json:"params"`
	Preprocess []trees.Preprocess `json:"preprocess"`
}

func decode(data json.RawMessage) (*config, error) {
	c := &config{Params: defaults}
	err := json.Unmarshal(data, c)
	c.ManyLevels, c.Encodings, c.MostLevels = trees.ManyLevels(c.Preprocess), trees.Encodings(c.Preprocess), histogram.MaxLevels
	return c, err
}

// shape adds what is wrong with params to what every trainer checks, and the figure that forests have.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := decode(req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	out := train.Shape(req, &c.Config, tasks)
	train.Adds(req, &out, schema.AddsScores, "")
	out.Problems = append(append(out.Problems, c.Params.check()...), tunable.Problems(req, &c.Config)...)
	out.Problems = append(out.Problems, trees.Problems(c.Preprocess, &c.Config, req.In[train.DataPort].Table)...)
	if out.Figures != nil {
		out.Figures.Fields["out_of_bag_loss"] = schema.Double
	}
	return out
}

// check finds parameters out of range.
func (p *params) check() []schema.Problem {
	var out []schema.Problem
	refuse := func(bad bool, name string, value any, want string) {
		if bad {
			out = append(out, schema.Problem{Path: "params." + name, Summary: fmt.Sprintf("%s is %v", name, value), Detail: "It must be " + want + "."})
		}
	}
	refuse(p.Trees < 1 || p.Trees > 100_000, "trees", p.Trees, "from 1 to 100000")
	refuse(p.MaxDepth < 0 || p.MaxDepth > 64, "max_depth", p.MaxDepth, "from 0 to 64")
	refuse(p.MinSamplesLeaf < 1, "min_samples_leaf", p.MinSamplesLeaf, "at least 1")
	refuse(!(p.MaxFeatures >= 0 && p.MaxFeatures <= 1), "max_features", p.MaxFeatures, "a share above 0 and up to 1, or 0")
	refuse(!(p.MaxSamples > 0 && p.MaxSamples <= 1), "max_samples", p.MaxSamples, "above 0 and up to 1")
	return out
}

// run fits once, or of a trial with folds once for each.
func run(ctx context.Context, s *component.Stage) error { return tunable.Run(ctx, s, fitStage) }

// fitStage fits the trees and writes them as XGBoost's JSON model, with the signature beside it.
func fitStage(ctx context.Context, s *component.Stage, written json.RawMessage, fold *train.Fold) error {
	c, err := decode(written)
	if err != nil {
		return fmt.Errorf("configuration of %s: %w", s.Address, err)
	}
	c.Fold = fold
	b := &trees.Binning{Threads: s.Threads}
	t, err := train.LoadInto(ctx, s, &c.Config, b.Take)
	if err != nil {
		return err
	}
	b.TellLosses(s, t)
	r, err := b.Data.Forest(ctx, b.Validation, c.forest(t, s), trees.Progress(s))
	if err != nil {
		return fmt.Errorf("fitting trees: %w", err)
	}
	trees.Name(r.Model, t)
	e, err := model.NewTrees(r.Model, t.InputSignature())
	if err != nil {
		return err
	}
	s.Logf("%d trees on %d rows; %d rows are out of the bag of some tree", c.Params.Trees, t.Data.Rows, r.OutOfBag)
	return t.Finish(ctx, model.Trees, e, train.Figures{
		Rounds: c.Params.Trees, Trees: len(r.Model.Trees), TrainingLoss: r.TrainingLoss, ValidationLoss: r.ValidationLoss, OutOfBag: &r.OutOfBagLoss,
		Importance: train.Shares(r.Model.Importance()),
	})
}

// forest are the parameters of the fit.
func (c *config) forest(t *train.Training, s *component.Stage) histogram.ForestParams {
	p, features := c.Params, float64(len(t.Inputs()))
	drawn := math.Round(p.MaxFeatures * features)
	switch {
	case p.MaxFeatures > 0:
	case t.Signature.Task == schema.Regression:
		drawn = features
	default:
		drawn = math.Floor(math.Sqrt(features))
	}
	return histogram.ForestParams{
		Classes: len(t.Signature.Classes), Trees: p.Trees, MaxDepth: p.MaxDepth, MinSamplesLeaf: p.MinSamplesLeaf, MaxFeatures: max(int(drawn), 1),
		Bootstrap: p.Bootstrap, MaxSamples: p.MaxSamples, Seed: c.Seed, Threads: s.Threads,
	}
}
