// Package logistic_regression is the trainer of regularised logistic regression, of two classes or several.
//
// Inputs are those of stdlib/train/design; fit.go has the function that is minimised and how. The objective is a sum over rows and
// not a mean, as scikit-learn's is: l2 = 1 weighs as much against a thousand rows as against ten, so that more data means less
// regularisation.
package logistic_regression

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
		Name:    "logistic_regression",
		Version: 2,
		Engine:  table.Engine,
		Summary: "Regularised logistic regression on scaled inputs",
		Doc: "Numbers are centred and scaled; where one is missing, the mean stands in and a coefficient of its own says so. Text is one-hot " +
			"coded (its 255 most frequent values). Minimises the sum of the log losses plus `l2`/2 times the sum of squared coefficients, as scikit-learn " +
			"does with C = 1/`l2`; the intercepts are free; with `l1` the sum of absolute coefficients is added. Solved by L-BFGS until no derivative, per unit of weight, is above 1e-7; probabilities are then within 1e-4 of those at the optimum, mostly far nearer (scikit-learn's default stops sooner).",
		Body: schema.Body{
			Attrs:  append(append(train.Attrs(tasks, true), train.ClassWeightAttr(), train.SelectionAttr()), train.CalibrationAttrs()...),
			Blocks: []schema.Block{paramsBlock, design.LinearBlock(), train.IsolationForestBlock(), train.KMeansBlock(), train.DecisionBlock(), tunable.Block(), train.OutOfFoldBlock()},
		},
		Out:      train.OutWithFolds(),
		Examples: []schema.Example{{Title: "Churn by tenure and contract", Code: example}},
	},
	Shape:  shape,
	Derive: tunable.Derive,
	Run:    run,
}

// tunable are the parameters that trials can try.
var tunable = &train.Tunable{Params: &paramsBlock, Absent: map[string]float64{"l1": 0}, Check: func(config json.RawMessage, _ bool) []schema.Problem {
	c, err := decode(config)
	if err != nil {
		return []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}
	}
	return c.Params.check()
}}

// tasks: classes only. Numbers are linear_regression's.
var tasks = []schema.Task{schema.Binary, schema.Multiclass}

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
  from = dataset.customers
  test = 0.2
}

train "logistic_regression" "churn" {
  data     = split.customers.train
  target   = "churned"
  features = ["tenure", "contract"]
  params { l2 = 0.5 }
}
`

var paramsBlock = schema.Block{Name: "params", Doc: "How the coefficients are fitted.",
	Body: schema.Body{Attrs: []schema.Attr{
		{Name: "l2", Type: schema.Number, Default: defaults.L2,
			Doc: "Weight of half the sum of squared coefficients beside the sum of log losses; 0: none, and then classes that can be told " +
				"apart without error have no best coefficients."},
		{Name: "l1", Type: schema.Number,
			Doc: "Weight of the sum of absolute coefficients beside the sum of log losses: those of inputs that tell little are 0. Left out: 0. With `l2` it is the elastic net; scikit-learn's `LogisticRegression(penalty = \"elasticnet\")` is `l1 = l1_ratio/C`, `l2 = (1 - l1_ratio)/C`."},
		{Name: "max_iterations", Type: schema.Integer, Default: float64(defaults.MaxIterations),
			Doc: "Steps after which the search ends with a warning if it has not converged."},
	}}}

// params of the fit, as the nested block has them.
type params struct {
	L2            float64 `json:"l2"`
	L1            float64 `json:"l1"`
	MaxIterations int     `json:"max_iterations"`
}

// defaults are scikit-learn's C = 1, and iterations enough for the search to end by converging.
var defaults = params{L2: 1, MaxIterations: 1000}

// config is the block, with defaults where it has no params.
type config struct {
	train.Config
	Params     params              `json:"params"`
	Preprocess []design.Preprocess `json:"preprocess"`
}

// decode reads the configuration over the defaults: what is left out keeps them.
func decode(data json.RawMessage) (*config, error) {
	c := &config{Params: defaults}
	err := json.Unmarshal(data, c)
	c.ManyLevels, c.NGrams = design.ManyLevels(c.Preprocess), design.NGrams(c.Preprocess)
	return c, err
}

// shape adds what is wrong with params to what every trainer checks.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := decode(req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	out := train.Shape(req, &c.Config, tasks)
	train.Adds(req, &out, schema.AddsMargins, "")
	out.Problems = append(append(out.Problems, c.Params.check()...), tunable.Problems(req, &c.Config)...)
	out.Problems = append(out.Problems, design.Problems(c.Preprocess, c.Features, req.In[train.DataPort].Table)...)
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
	if p.MaxIterations < 1 {
		out = append(out, schema.Problem{Path: "params.max_iterations",
			Summary: fmt.Sprintf("max_iterations is %d", p.MaxIterations), Detail: "It must be at least 1."})
	}
	return out
}

// run fits once, or of a trial with folds once for each.
func run(ctx context.Context, s *component.Stage) error { return tunable.Run(ctx, s, fitStage) }

// fitStage fits the model and writes it, with its threshold, its losses and each feature's share in it.
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
	x := design.New(t, false, c.Preprocess)
	m, err := fit(ctx, t, x, &c.Params, func(done int) { s.Progress(done, c.Params.MaxIterations) })
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
