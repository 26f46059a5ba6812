// Package linear_regression is the trainer of least squares, with penalties or without, and of a robust line.
//
// What is minimised, over the rows with weights w and scaled inputs x, is
//
//	Σ w (y - b - xβ)² + l2 Σ β² + l1 Σ |β|
//
// or, with the loss huber (huber.go), a sum that rows far off add to in proportion and not in squares. scikit-learn's Ridge(alpha) is l2 = alpha, and its
// ElasticNet(alpha, l1_ratio) on n rows is l1 = 2·n·alpha·l1_ratio with l2 = n·alpha·(1 - l1_ratio).
//
// One pass over the rows sums up the normal equations, XᵀWX and XᵀWy, in blocks of rows that are added in a fixed order: the model
// does not depend on the number of threads. The equations are then solved once, by Cholesky factorisation, or with l1 by coordinate descent (elastic_net.go). Inputs are centred
// and scaled (stdlib/train/design), without which the squared condition number of XᵀWX would cost half of the digits where one
// feature counts cents and another years; l2 weighs the coefficients of all inputs alike for the same reason.
package linear_regression

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/design"
)

// Component is the trainer.
var Component = component.Component{
	Kind: "train",
	Type: schema.Type{
		Name:    "linear_regression",
		Version: 1,
		Engine:  table.Engine,
		Summary: "Least squares or a robust line on scaled inputs, with penalties if asked",
		Doc: "Numbers are centred and scaled; where one is missing, the mean stands in and a coefficient of its own says so. Text is one-hot " +
			"coded (its 255 most frequent values) against its most frequent value. Solved by Cholesky factorisation; where inputs depend on each other " +
			"and `l2` is 0, a very small ridge makes the solution unique, and a warning says so. With `l1` coefficients that tell little are 0 (lasso, and with `l2` the elastic net), by coordinate descent. The loss `huber` gives way to rows far off the line.",
		Body: schema.Body{
			Attrs:  append(train.Attrs(tasks, true), train.SelectionAttr()),
			Blocks: []schema.Block{paramsBlock, design.LinearBlock(), train.IsolationForestBlock(), train.KMeansBlock(), tunable.Block(), train.OutOfFoldBlock()},
		},
		Out:      train.OutWithFolds(),
		Examples: []schema.Example{{Title: "The price of a stone", Code: example}},
	},
	Shape:  shape,
	Derive: tunable.Derive,
	Run:    run,
}

// tunable are the parameters that trials can try.
var tunable = &train.Tunable{Params: &paramsBlock, Absent: map[string]float64{"l1": 0, "epsilon": defaultEpsilon}, Check: func(config json.RawMessage, _ bool) []schema.Problem {
	c, err := decode(config)
	if err != nil {
		return []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}
	}
	return c.check()
}}

// tasks: numbers only. Classes are logistic_regression's.
var tasks = []schema.Task{schema.Regression}

const example = `pipeline "diamonds" {}

source "csv" "diamonds" {
  path = "diamonds.csv"
  column "id"    { type = "integer" }
  column "carat" { type = "double" }
  column "cut"   { type = "varchar" }
  column "price" { type = "double" }
}

dataset "diamonds" {
  from = [source.diamonds]
  key  = ["id"]
  sql  = "select * from diamonds"
}

split "hash" "diamonds" {
  from = dataset.diamonds
  test = 0.2
}

train "linear_regression" "price" {
  data     = split.diamonds.train
  target   = "price"
  features = ["carat", "cut"]
}
`

var paramsBlock = schema.Block{Name: "params", Doc: "How the line is fitted.",
	Body: schema.Body{Attrs: []schema.Attr{
		{Name: "l2", Type: schema.Number, Default: 0.0,
			Doc: "Ridge: weight of the sum of squared coefficients of the scaled inputs beside the sum of squared errors. The intercept is free."},
		{Name: "l1", Type: schema.Number,
			Doc: "Lasso: weight of the sum of absolute coefficients of the scaled inputs beside the sum of squared errors; with `l2` the elastic net. Left out: 0. On n rows scikit-learn's `ElasticNet` has `l1 = 2·n·alpha·l1_ratio` and `l2 = n·alpha·(1 - l1_ratio)`."},
		{Name: "loss", Type: schema.String, OneOf: []string{squaredLoss, huberLoss},
			Doc: "`squared`: least squares. `huber`: squares of errors up to `epsilon` times the scale of errors, which is found with the line, and in proportion beyond (Huber 1981, scikit-learn's `HuberRegressor`), so that few rows far off do not turn it. Left out: `squared`."},
		{Name: "epsilon", Type: schema.Number, Doc: "Of `huber`: from how many scales on an error counts in proportion; above 1. Left out: 1.35."},
	}}}

// Losses, and from where on an error counts in proportion if it is not said.
const (
	squaredLoss    = "squared"
	huberLoss      = "huber"
	defaultEpsilon = 1.35
)

// params of the fit; without the block l2 is 0, plain least squares.
type params struct {
	L2      float64  `json:"l2"`
	L1      float64  `json:"l1"`
	Loss    string   `json:"loss"`
	Epsilon *float64 `json:"epsilon"`
}

// config is the block.
type config struct {
	train.Config
	Params     params              `json:"params"`
	Preprocess []design.Preprocess `json:"preprocess"`
}

// decode reads the configuration.
func decode(data json.RawMessage) (*config, error) {
	c := &config{}
	err := json.Unmarshal(data, c)
	c.ManyLevels, c.NGrams = design.ManyLevels(c.Preprocess), design.NGrams(c.Preprocess)
	return c, err
}

// shape adds what is wrong with params to what every trainer checks. NaN is not at least 0 either.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := decode(req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	out := train.Shape(req, &c.Config, tasks)
	train.Adds(req, &out, schema.AddsScores, "")
	out.Problems = append(append(out.Problems, c.check()...), tunable.Problems(req, &c.Config)...)
	out.Problems = append(out.Problems, design.Problems(c.Preprocess, c.Features, req.In[train.DataPort].Table)...)
	return out
}

// check finds parameters out of range, and those that text which is read by its n-grams does not go with.
func (c *config) check() []schema.Problem {
	out := c.Params.check()
	if len(c.NGrams) == 0 {
		return out
	}
	if c.Params.L2 == 0 {
		out = append(out, schema.Problem{Path: "params.l2", Summary: "With n-grams l2 has to be above 0", Detail: "Text has more buckets than rows, mostly, and without a penalty many lines fit them all equally well.", Hint: "params { l2 = 1 }"})
	}
	if c.Params.L1 > 0 {
		out = append(out, schema.Problem{Path: "params.l1", Summary: "l1 does not go with n-grams", Detail: "The lasso is found by a matrix that has the square of the number of inputs.", Hint: "Take l2."})
	}
	if c.Params.Loss == huberLoss {
		out = append(out, schema.Problem{Path: "params.loss", Summary: "The loss huber does not go with n-grams", Detail: "It is found by a matrix that has the square of the number of inputs.", Hint: "Leave loss out."})
	}
	return out
}

// check finds parameters out of range.
func (p *params) check() (out []schema.Problem) {
	if !(p.L2 >= 0) {
		out = append(out, schema.Problem{Path: "params.l2", Summary: fmt.Sprintf("l2 is %g", p.L2), Detail: "It must be at least 0."})
	}
	if !(p.L1 >= 0) {
		out = append(out, schema.Problem{Path: "params.l1", Summary: fmt.Sprintf("l1 is %g", p.L1), Detail: "It must be at least 0."})
	}
	if p.Loss == huberLoss && p.L1 > 0 {
		out = append(out, schema.Problem{Path: "params.l1", Summary: "l1 is not for the loss huber", Detail: "It takes l2."})
	}
	switch {
	case p.Epsilon == nil:
	case p.Loss != huberLoss:
		out = append(out, schema.Problem{Path: "params.epsilon", Summary: "epsilon is for the loss huber", Hint: `Set loss = "huber", or leave epsilon out.`})
	case !(*p.Epsilon > 1):
		out = append(out, schema.Problem{Path: "params.epsilon", Summary: fmt.Sprintf("epsilon is %g", *p.Epsilon), Detail: "It must be above 1: with less all rows could be far off."})
	}
	return out
}

// run fits once, or of a trial with folds once for each.
func run(ctx context.Context, s *component.Stage) error { return tunable.Run(ctx, s, fitStage) }

// fitStage fits the model and writes it with its losses and each feature's share in it.
func fitStage(ctx context.Context, s *component.Stage, config json.RawMessage, fold *train.Fold) error {
	c, err := decode(config)
	if err != nil {
		return fmt.Errorf("configuration of %s: %w", s.Address, err)
	}
	c.Fold = fold
	t, err := train.Load(ctx, s, &c.Config)
	if err != nil {
		return err
	}
	x := design.New(t, true, c.Preprocess)
	m, err := c.Params.fit(ctx, t, x)
	if err != nil {
		return err
	}
	training, validation, err := t.Losses(ctx, m)
	if err != nil {
		return err
	}
	importance, err := x.Importance(ctx, s.Threads, len(t.Inputs()), m.Coefficients)
	if err != nil {
		return err
	}
	return t.Finish(ctx, model.Linear, m, train.Figures{TrainingLoss: training, ValidationLoss: validation, Importance: importance})
}
