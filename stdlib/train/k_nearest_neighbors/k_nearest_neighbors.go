// Package k_nearest_neighbors is the trainer of models that keep the training rows and score a row by those nearest to it.
//
// Inputs are those of stdlib/train/design: without scaling the feature with the greatest numbers would decide by itself who is near. The search and the vote
// are the model's (stdlib/model/neighbors). A fit is the choice of rows to keep, so that its training loss is of each row by the others: by itself among them a row is
// its own nearest neighbour, and the loss says nothing.
package k_nearest_neighbors

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/neighbors"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/design"
)

// Component is the trainer.
var Component = component.Component{
	Kind: "train",
	Type: schema.Type{
		Name:    "k_nearest_neighbors",
		Version: 1,
		Engine:  table.Engine,
		Summary: "The mean of the training rows nearest to a row, on scaled inputs",
		Doc: "The prediction is the mean of the `k` training rows nearest to a row, of classes the share of each. Numbers are centred and scaled; where one is missing, the mean stands in and an input of its own says so. Text is one-hot coded (its 255 " +
			"most frequent values), a feature that is the same in every row is no input. A row counts by its `weight`; one of weight 0 is left out. Of rows that are equally near, those first in the order of the table are nearer. Neighbours are exact, found by a k-d tree, and those of scikit-learn's `KNeighborsClassifier` and `KNeighborsRegressor` on the same inputs. " +
			"The model holds the training rows, features and target, which whoever has the model can read. It has at most 25,000,000 numbers, rows times inputs, which take 200 MB in memory where it is scored or served; what is more is refused. The training loss is of each row by all others, of at most 10,000 rows. `explain` in an evaluation of it takes `method = \"none\"`, for permutation and partial dependence.",
		Body: schema.Body{
			Attrs:  append(append(train.Attrs(tasks, true), train.ClassWeightAttr(), train.SelectionAttr()), train.CalibrationAttrs()...),
			Blocks: []schema.Block{paramsBlock, design.PreprocessBlock(), train.IsolationForestBlock(), train.KMeansBlock(), train.DecisionBlock(), tunable.Block(), train.OutOfFoldBlock()},
		},
		Out:      train.OutWithFolds(),
		Examples: []schema.Example{{Title: "The grape of a bottle by the bottles most like it", Code: example}},
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

var tasks = []schema.Task{schema.Binary, schema.Multiclass, schema.Regression}

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

train "k_nearest_neighbors" "grape" {
  data     = split.wine.train
  target   = "grape"
  features = ["alcohol", "color"]
  params {
    k       = 7
    weights = "distance"
  }
}

evaluate "grape" {
  model   = train.grape
  data    = split.wine.test
  metrics = [metric.accuracy]
}
`

var paramsBlock = schema.Block{Name: "params", Doc: "Which rows are near, and how they count.",
	Body: schema.Body{Attrs: []schema.Attr{
		{Name: "k", Type: schema.Integer, Default: float64(defaults.K), Doc: "How many rows a prediction is made of (`n_neighbors`), at most as many as there are."},
		{Name: "weights", Type: schema.String, Default: string(defaults.Weights), OneOf: []string{string(neighbors.Uniform), string(neighbors.Distance)},
			Doc: "`uniform`: the rows count alike. `distance`: by 1 / distance; where rows are the same as the one to be scored, they alone count."},
		{Name: "metric", Type: schema.String, Default: string(defaults.Metric), OneOf: []string{string(neighbors.Euclidean), string(neighbors.Manhattan)},
			Doc: "`euclidean`: the root of the sum of squared differences of inputs. `manhattan`: the sum of differences, in which one that is large counts for less."},
	}}}

type params struct {
	K       int               `json:"k"`
	Weights neighbors.Weights `json:"weights"`
	Metric  neighbors.Metric  `json:"metric"`
}

// defaults are scikit-learn's.
var defaults = params{K: 5, Weights: neighbors.Uniform, Metric: neighbors.Euclidean}

// mostNeighbors is how many rows a prediction is made of at most.
const mostNeighbors = 10_000

// config is the block, with defaults where it has no params.
type config struct {
	train.Config
	Params     params              `json:"params"`
	Preprocess []design.Preprocess `json:"preprocess"`
}

func decode(data json.RawMessage) (*config, error) {
	c := &config{Params: defaults}
	err := json.Unmarshal(data, c)
	c.ManyLevels = design.ManyLevels(c.Preprocess)
	return c, err
}

// shape adds what is wrong with params to what every trainer checks.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := decode(req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	out := train.Shape(req, &c.Config, tasks)
	train.Adds(req, &out, schema.AddsNothing, "what near rows have is averaged, and no feature adds to it by itself")
	out.Problems = append(append(out.Problems, c.Params.check()...), tunable.Problems(req, &c.Config)...)
	out.Problems = append(out.Problems, design.Problems(c.Preprocess, c.Features, req.In[train.DataPort].Table)...)
	return out
}

// check finds parameters out of range.
func (p *params) check() []schema.Problem {
	if p.K < 1 || p.K > mostNeighbors {
		return []schema.Problem{{Path: "params.k", Summary: fmt.Sprintf("k is %d", p.K), Detail: fmt.Sprintf("It must be from 1 to %d.", mostNeighbors)}}
	}
	return nil
}

// run fits once, or of a trial with folds once for each.
func run(ctx context.Context, s *component.Stage) error { return tunable.Run(ctx, s, fitStage) }

// fitStage keeps the rows, and measures each by the others.
func fitStage(ctx context.Context, s *component.Stage, written json.RawMessage, fold *train.Fold) error {
	c, err := decode(written)
	if err != nil {
		return fmt.Errorf("configuration of %s: %w", s.Address, err)
	}
	c.Fold = fold
	t, err := train.Load(ctx, s, &c.Config)
	if err != nil {
		return err
	}
	m, kept, err := c.Params.fit(s, t, c.Preprocess)
	if err != nil {
		return err
	}
	rows, inputs := m.Size()
	s.Logf("the model holds %d rows of %d inputs, %d numbers of at most %d", rows, inputs, rows*inputs, neighbors.MostNumbers)
	f := train.Figures{}
	if f.TrainingLoss, err = leaveOneOut(ctx, t, m, kept); err != nil {
		return err
	}
	if f.ValidationLoss, err = t.ValidationLoss(ctx, m); err != nil {
		return err
	}
	return t.Finish(ctx, model.Neighbors, m, f)
}

// fit makes the model of the training rows that weigh. kept are their places; nil: all.
func (p *params) fit(s *component.Stage, t *train.Training, pre []design.Preprocess) (m *neighbors.Model, kept []int, err error) {
	votes, err := t.Weights(t.Data)
	if err != nil {
		return nil, nil, err
	}
	x := design.New(t, false, pre)
	rows := neighbors.Rows{K: p.K, Weights: p.Weights, Metric: p.Metric, Classes: len(t.Signature.Classes), Inputs: x.Inputs,
		Columns: t.Data.Columns, Own: x.Crossed(), Target: t.Data.Target, Votes: votes}
	if kept = weighing(votes); kept != nil {
		rows = taken(rows, kept)
	}
	switch n := len(rows.Target); {
	case p.K > n:
		return nil, nil, &component.InputError{Summary: fmt.Sprintf("%s: k is %d, and there are %d rows to choose among", s.Address, p.K, n), Detail: "Take a smaller k, or more rows."}
	case n*x.Width() > neighbors.MostNumbers:
		return nil, nil, &component.InputError{Summary: fmt.Sprintf("%s: %d rows of %d inputs are more than the %d numbers that a model holds", s.Address, n, x.Width(), neighbors.MostNumbers),
			Detail: "The model is the rows. Train on a sample of them, made in a dataset, or take fewer features; of text each category is an input, unless encode = \"target\"."}
	}
	m, err = neighbors.New(rows)
	return m, kept, err
}

// weighing are the rows with a weight above 0; nil: all.
func weighing(weights []float64) []int {
	var out []int
	for r, w := range weights {
		if w > 0 {
			out = append(out, r)
		}
	}
	if len(out) == len(weights) {
		return nil
	}
	return out
}

// taken are some of the rows.
func taken(rows neighbors.Rows, some []int) neighbors.Rows {
	pick := func(of []float64) []float64 {
		out := make([]float64, len(some))
		for i, r := range some {
			out[i] = of[r]
		}
		return out
	}
	columns, own := make([][]float64, len(rows.Columns)), map[int][]float64{}
	for i, c := range rows.Columns {
		columns[i] = pick(c)
	}
	for i, c := range rows.Own {
		own[i] = pick(c)
	}
	rows.Columns, rows.Own, rows.Target, rows.Votes = columns, own, pick(rows.Target), pick(rows.Votes)
	return rows
}

// mostLeftOut is how many rows the training loss is measured on at most: with many inputs each is compared with all others.
const mostLeftOut = 10_000

// leaveOneOut is the loss of rows that the model keeps, each by all others: of all of them, or of so many at equal steps. kept are the places in the data of the
// model's rows; nil: they are the same.
func leaveOneOut(ctx context.Context, t *train.Training, m *neighbors.Model, kept []int) (float64, error) {
	n, _ := m.Size()
	count := min(n, mostLeftOut)
	some := make([]int, count)
	for i := range some {
		some[i] = i * n / count
	}
	out, err := m.LeaveOneOut(ctx, some, t.Threads())
	if err != nil {
		return 0, fmt.Errorf("scoring: %w", err)
	}
	if kept != nil {
		for i, r := range some {
			some[i] = kept[r]
		}
	}
	return t.LossOf(some, out), nil
}
