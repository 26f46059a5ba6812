// Package linear_regression is the trainer of least squares, with or without a ridge.
//
// What is minimised, over the rows with weights w and scaled inputs x, is
//
//	Σ w (y - b - xβ)² + l2 Σ β²
//
// One pass over the rows sums up the normal equations, XᵀWX and XᵀWy, in blocks of rows that are added in a fixed order: the model
// does not depend on the number of threads. The equations are then solved once, by Cholesky factorisation. Inputs are centred
// and scaled (stdlib/train/design), without which the squared condition number of XᵀWX would cost half of the digits where one
// feature counts cents and another years; l2 weighs the coefficients of all inputs alike for the same reason.
package linear_regression

import (
	"context"
	"encoding/json"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
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
		Summary: "Least squares on scaled inputs, with a ridge if asked",
		Doc: "Numbers are centred and scaled; where one is missing, the mean stands in and a coefficient of its own says so. Text is one-hot " +
			"coded (its 255 most frequent values) against its most frequent value. Solved by Cholesky factorisation; where inputs depend on each other " +
			"and `l2` is 0, a very small ridge makes the solution unique, and a warning says so.",
		Body: schema.Body{
			Attrs:  append(train.Attrs(tasks, true), train.SelectionAttr()),
			Blocks: []schema.Block{paramsBlock, tunable.Block()},
		},
		Out:      train.Out(),
		Examples: []schema.Example{{Title: "The price of a stone", Code: example}},
	},
	Shape:  shape,
	Derive: tunable.Derive,
	Run:    run,
}

// tunable are the parameters that trials can try.
var tunable = &train.Tunable{Params: &paramsBlock, Check: func(config json.RawMessage, _ bool) []schema.Problem {
	c, err := decode(config)
	if err != nil {
		return []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}
	}
	return c.Params.check()
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
	}}}

// params of the fit; without the block l2 is 0, plain least squares.
type params struct {
	L2 float64 `json:"l2"`
}

// config is the block.
type config struct {
	train.Config
	Params params `json:"params"`
}

// decode reads the configuration.
func decode(data json.RawMessage) (*config, error) {
	c := &config{}
	return c, json.Unmarshal(data, c)
}

// shape adds what is wrong with params to what every trainer checks. NaN is not at least 0 either.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := decode(req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	out := train.Shape(req, &c.Config, tasks)
	out.Problems = append(append(out.Problems, c.Params.check()...), tunable.Problems(req, &c.Config)...)
	return out
}

// check finds parameters out of range.
func (p *params) check() []schema.Problem {
	if p.L2 >= 0 {
		return nil
	}
	return []schema.Problem{{Path: "params.l2", Summary: fmt.Sprintf("l2 is %g", p.L2), Detail: "It must be at least 0."}}
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
	x := design.New(t, true)
	m, err := fit(ctx, t, x, c.Params.L2)
	if err != nil {
		return err
	}
	training, validation, err := t.Losses(ctx, m)
	if err != nil {
		return err
	}
	importance, err := x.Importance(ctx, s.Threads, len(t.Signature.Features), m.Coefficients)
	if err != nil {
		return err
	}
	return t.Finish(ctx, model.Linear, m, train.Figures{TrainingLoss: training, ValidationLoss: validation, Importance: importance})
}

// collinear is the condition number from which on the solution is taken to be arbitrary.
// Doubles have 16 digits, of which a condition of 1e12 leaves four.
const collinear = 1e12

// smallRidge, times the number of rows, makes an arbitrary solution unique.
const smallRidge = 1e-9

// fit solves (XᵀWX + l2·I) β = XᵀWy, where the intercept is the last column and carries no ridge.
func fit(ctx context.Context, t *train.Training, x *design.Matrix, l2 float64) (*linear.Model, error) {
	p := x.Width() + 1
	sums, err := x.Sum(ctx, t.Threads(), p*p+p, func(b design.Block, into []float64) { normal(t.Data, b, p, into) })
	if err != nil {
		return nil, err
	}
	beta, ok := solve(sums, p, l2)
	if !ok {
		t.Warnf("inputs depend on each other: a ridge of %g per row makes the coefficients unique", smallRidge)
		if beta, ok = solve(sums, p, l2+float64(smallRidge*float64(t.Data.Rows))); !ok {
			return nil, fmt.Errorf("the normal equations of %d inputs cannot be solved", p-1)
		}
	}
	return &linear.Model{Link: linear.Identity, Inputs: x.Inputs, Intercepts: beta[p-1:], Coefficients: [][]float64{beta[: p-1 : p-1]}}, nil
}

// normal adds a block's part of XᵀWX (upper triangle, row by row) and XᵀWy.
func normal(s *train.Set, b design.Block, p int, into []float64) {
	row := make([]float64, p)
	row[p-1] = 1
	for r, inputs := range b.Rows {
		copy(row, inputs)
		w, y := s.WeightOf(b.Start+r), s.Target[b.Start+r]
		for i, a := range row {
			// One-hot inputs are mostly 0, and add nothing.
			if a == 0 {
				continue
			}
			a *= w
			gram := into[i*p : (i+1)*p]
			for j := i; j < p; j++ {
				gram[j] += float64(a * row[j])
			}
			into[p*p+i] += float64(a * y)
		}
	}
}

// solve solves the normal equations (XᵀWX + l2·I) β = XᵀWy by Cholesky; the last column is the intercept, which is not
// penalised. sums holds XᵀWX (p×p, of which the upper triangle counts) and then XᵀWy (p). False where columns depend on each
// other, by the condition of the matrix.
func solve(sums []float64, p int, l2 float64) ([]float64, bool) {
	a := mat.NewSymDense(p, append([]float64{}, sums[:p*p]...))
	for i := range p - 1 {
		a.SetSym(i, i, a.At(i, i)+l2)
	}
	var c mat.Cholesky
	if !c.Factorize(a) || !(c.Cond() < collinear) {
		return nil, false
	}
	var beta mat.VecDense
	if err := c.SolveVecTo(&beta, mat.NewVecDense(p, sums[p*p:])); err != nil {
		return nil, false
	}
	return beta.RawVector().Data, true
}
