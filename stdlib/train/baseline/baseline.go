// Package baseline is the trainer of the simplest models, which every other has to beat.
//
// A recall of 0.8 says little where a third of the customers leave anyway. A gate that compares with a baseline says how much the
// features are worth. Of the training rows (contract, churned) = (month, true), (month, false), (year, false)
//
//	without column         every row        0.33
//	column = "contract"    month            0.5
//	                       year             0
//	                       two-year, null   0.33
//
// The model is a table of scores (stdlib/model/constant), exact and without a parameter that could be tuned. Of series in time it is what was
// observed a season before (stdlib/model/seasonal).
package baseline

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/constant"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// Component is the trainer.
var Component = component.Component{
	Kind: "train",
	Type: schema.Type{
		Name:    "baseline",
		Version: 1,
		Engine:  table.Engine,
		Summary: "What is known without a model: shares of classes, the mean, or what one column says",
		Doc: "Without `column` every row gets the shares of the classes, or the mean of the target. With a boolean or text `column`, a row " +
			"gets the shares or the mean among the training rows with the same value: the last class seen, for instance. With a column of " +
			"numbers, in regression, the column's value is the prediction: the last value seen. Where the column is null, or new, the overall " +
			"shares or mean stand in. With `seasonal` it is the seasonal naive forecast of a time series.",
		Body: schema.Body{
			Attrs: append(train.Attrs(tasks, false), schema.Attr{Name: "column", Type: schema.String, ColumnOf: train.DataPort,
				Doc: "The column to go by."}),
			Blocks: []schema.Block{seasonalBlock, train.DecisionBlock()},
		},
		Out: train.Out(),
		Examples: []schema.Example{{Title: "The class that was last seen", Code: example},
			{Title: "What was sold on the same weekday before", Code: seasonalExample}},
	},
	Shape: shape,
	Run:   run,
}

// tasks that a table of shares or means answers: all.
var tasks = []schema.Task{schema.Binary, schema.Multiclass, schema.Regression}

const example = `pipeline "power" {}

source "csv" "prices" {
  path = "prices.csv"
  column "hour" { type = "timestamp" }
  column "rose" { type = "boolean" }
}

dataset "prices" {
  from = [source.prices]
  key  = ["hour"]
  sql  = "select hour, rose, lag(rose) over (order by hour) as rose_before from prices"
}

split "hash" "prices" {
  from = dataset.prices
  test = 0.2
}

train "baseline" "last_seen" {
  data   = split.prices.train
  target = "rose"
  column = "rose_before"
}
`

const seasonalExample = `pipeline "demand" {}

source "csv" "sales" {
  path = "sales.csv"
  column "shop" { type = "varchar" }
  column "day"  { type = "date" }
  column "sold" { type = "double" }
}

dataset "sales" {
  from = [source.sales]
  key  = ["shop", "day"]
  sql  = "select *, date_diff('day', date '2000-01-01', day) as step from sales"
}

split "time" "sales" {
  from = dataset.sales
  by   = "day"
  test = 0.2
}

train "baseline" "last_week" {
  data   = split.sales.train
  target = "sold"
  seasonal {
    time   = "step"
    season = 7
    keys   = ["shop"]
  }
}
`

// config is the block. Column is "" for one prediction for all rows.
type config struct {
	train.Config
	Column   string          `json:"column"`
	Seasonal *seasonalConfig `json:"seasonal"`
}

// decode takes the column as the only feature, or those of the seasons, so that they are checked and read as features are.
func decode(data json.RawMessage) (*config, error) {
	c := &config{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, err
	}
	c.Features = nil
	if c.Seasonal != nil {
		c.Features, c.ManyLevels = c.Seasonal.features(), c.Seasonal.Keys
		return c, nil
	}
	if c.Column != "" {
		c.Features = []string{c.Column}
	}
	return c, nil
}

// shape holds the column to what features are held to (it may not be the target, nor protected), told at column where it is
// written. A column of numbers predicts itself, which is a value and no share of classes.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := decode(req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	out := train.Shape(req, &c.Config, tasks)
	train.Adds(req, &out, schema.AddsScores, "")
	data := req.In[train.DataPort].Table
	if c.Seasonal != nil {
		train.Adds(req, &out, schema.AddsNothing, "what was observed a season before is looked up, and is no sum")
		var task schema.Task
		if data != nil {
			out.Problems, task = c.Seasonal.moved(out.Problems, data), c.TaskOf(data.Column(c.Target))
		}
		out.Problems = append(out.Problems, c.Seasonal.problems(c, task, data)...)
		return out
	}
	for i := range out.Problems {
		if out.Problems[i].Path == "features[0]" {
			out.Problems[i].Path = "column"
		}
	}
	if data == nil || c.Column == "" {
		return out
	}
	column, task := data.Column(c.Column), c.TaskOf(data.Column(c.Target))
	if column != nil && model.NumberType(column.Type) && task != schema.Regression && task != "" {
		out.Problems = append(out.Problems, schema.Problem{Path: "column",
			Summary: fmt.Sprintf("The column %q holds numbers (%s), and the target classes", column.Name, column.Type),
			Detail:  "A baseline goes by a column of numbers in regression only.",
			Hint:    "Make a boolean or text of it in a dataset."})
	}
	return out
}

// run counts and writes. There is nothing to converge, so that the stage tells no progress.
func run(ctx context.Context, s *component.Stage) error {
	c, err := decode(s.Config)
	if err != nil {
		return fmt.Errorf("configuration of %s: %w", s.Address, err)
	}
	t, err := train.Load(ctx, s, &c.Config)
	if err != nil {
		return err
	}
	kind, m, err := fit(t, c)
	if err != nil {
		return err
	}
	training, validation, err := t.Losses(ctx, m)
	if err != nil {
		return err
	}
	return t.Finish(ctx, kind, m, train.Figures{TrainingLoss: training, ValidationLoss: validation})
}

// fit makes the model that the block asks for.
func fit(t *train.Training, c *config) (model.Kind, model.Estimator, error) {
	prior := t.Prior()
	if c.Seasonal != nil {
		m, err := observed(t, c.Seasonal, prior[0])
		return model.Seasonal, m, err
	}
	m := &constant.Model{Scores: prior}
	if c.Column != "" {
		m.Column = column(t, m.Scores)
	}
	return model.Constant, m, nil
}

// column makes the table of scores by value; of numbers none is needed.
// A value that has no training row, or none with weight, gets the prior. Table has a row for each value, false and true or the
// levels in their order, and in it a score for each output.
func column(t *train.Training, prior []float64) *constant.Column {
	f := &t.Signature.Features[0]
	values := 2 // false, true
	switch {
	case f.Text():
		values = max(len(f.Levels), 1)
	case f.Type != "boolean":
		return &constant.Column{}
	}
	out := &constant.Column{Table: make([][]float64, values)}
	weights := make([]float64, values)
	for v := range out.Table {
		out.Table[v] = make([]float64, len(prior))
	}
	for r, x := range t.Data.Columns[0] {
		if x != x {
			continue
		}
		w, y := t.Data.WeightOf(r), t.Data.Target[r]
		weights[int(x)] += w
		if t.Signature.Task == schema.Multiclass {
			out.Table[int(x)][int(y)] += w
		} else {
			out.Table[int(x)][0] += float64(w * y)
		}
	}
	for v, w := range weights {
		for o := range prior {
			if w > 0 {
				out.Table[v][o] /= w
			} else {
				out.Table[v][o] = prior[o]
			}
		}
	}
	return out
}
