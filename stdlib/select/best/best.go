// Package best chooses one of several models: the one that is best by a metric on rows that none of them was fitted, stopped or decided by, or over the
// windows of a backtest of each (windows.go).
//
// The choice is what the stage yields: a model like that of a trainer, which evaluations, gates, deployments and further selections take. With
// the same features it has the very bytes of the candidate, so that a deployment of the one is not released anew as the other. Of candidates with different features it takes
// the features of all, and reads its own: whoever calls a deployment need not send others from one choice to the next.
//
// Of twenty candidates that are equally good one is best by chance, and its figure on the rows of the choice is too good. So the figures come with
// the paired difference of each candidate to the chosen one, and the model is known to have been chosen on these rows: to evaluate it there is warned of.
package best

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Ports.
const (
	candidatesPort = "candidates"
	selectionPort  = "selection"
	backtestsPort  = "backtests"
	modelPort      = "model"
)

// Component is the choice by a metric.
var Component = component.Component{
	Kind: "select",
	Type: schema.Type{
		Name:    "best",
		Version: 1,
		Engine:  table.Engine,
		Summary: "The best of several models by a metric, on rows that none was fitted or stopped by",
		Doc:     doc,
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: candidatesPort, Type: schema.RefMap, Required: true, Ports: []schema.PortType{schema.ModelPort},
				Doc: "The models to choose among: a list, a map, or all of a repeated block (`train.grid`). They predict the same target."},
			{Name: selectionPort, Type: schema.Ref, Ports: []schema.PortType{schema.TablePort}, Rows: schema.ChosenRows,
				Doc: "The rows to choose by: the selection side of a split. Not a test side, and none that candidates were fitted, stopped or decided by."},
			{Name: backtestsPort, Type: schema.RefMap, Ports: []schema.PortType{schema.FiguresPort}, Of: candidatesPort,
				Doc: "In place of `selection`: of each candidate, under its name, an `evaluate \"backtest\"` of models that were fitted as it is, each window or fold of which has the same rows for all candidates."},
			{Name: "metric", Type: schema.Ref, Required: true, Edge: schema.DefinitionEdge, Ports: []schema.PortType{schema.MetricPort},
				Doc: "The metric that the chosen one is best by."},
			{Name: "weight", Type: schema.String, ColumnOf: selectionPort, Doc: "The column that says how much each row counts; not negative, not null."},
			{Name: "min_positives", Type: schema.Integer,
				Doc: "With fewer positive rows nothing is chosen, and the stage fails. Default: 10. 0 asks for none. Binary tasks only."},
			{Name: "seed", Type: schema.Integer, Default: 0.0, Doc: "Seed of the resamples that intervals are found by. It does not change which is chosen."},
		}},
		Out:      []schema.Port{{Name: modelPort, Type: schema.ModelPort, Doc: "The chosen model, with its threshold."}},
		Examples: []schema.Example{{Title: "Trees or a line", Code: example}, {Title: "By four windows of a backtest", Code: windowsExample}},
	},
	Shape: shape,
	Run:   run,
}

const doc = "Every candidate scores the rows of `selection`, and the one with the best `metric` is the model; of equal ones the first by name. A candidate of which the metric is undefined is not chosen; if it is undefined for all, the stage fails. " +
	"Rows that one of them has no prediction for count for none.\n\n" +
	"Figures: `chosen` is the candidate's name, `value` its metric, `candidates[\"trees\"].value|low|high` each one's with its interval, `candidates[\"trees\"].delta.value|low|high` the paired difference to the chosen one (candidate less chosen), `rows` how many rows count. " +
	"A difference whose interval holds 0 may well be chance.\n\n" +
	"Candidates may have different features. The model then takes those of all and reads its own, so that what a deployment asks for is the same whichever is chosen. Models that only their own image can score cannot be compared here.\n\n" +
	windowsDoc + "The chosen model has seen what all candidates have seen: to measure it on rows that one of them was fitted on is an error, as if it had been that one. To measure it on the rows of the choice is warned of."

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
  validation = 0.1
  selection  = 0.2
  test       = 0.2
}

metric "auc" { type = "roc_auc" }

train "gradient_boosting" "trees" {
  data       = split.customers.train
  validation = split.customers.validation
  target     = "churned"
  features   = ["tenure", "contract"]
}

train "logistic_regression" "line" {
  data     = split.customers.train
  target   = "churned"
  features = ["tenure"]
}

select "model" {
  candidates = [train.trees, train.line]
  selection  = split.customers.selection
  metric     = metric.auc
}

evaluate "test" {
  model   = select.model
  data    = split.customers.test
  metrics = [metric.auc]
}
`

// config as the stage gets it.
type config struct {
	Metric       json.RawMessage `json:"metric"` // a definition
	Weight       string          `json:"weight"`
	MinPositives *int            `json:"min_positives"`
	Seed         int64           `json:"seed"`
}

// shape joins the candidates' signatures, which have to fit together and the rows, and types the figures by their names.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: err.Error()}}}
	}
	k := &checker{in: req.In}
	m := k.join()
	if m == nil {
		return schema.ShapeResult{Problems: k.problems}
	}
	value := k.metric(&c, m)
	if k.backtested(&c, req.In) {
		return k.windowed(&c, m, value)
	}
	k.rows(m)
	delta := schema.Object(map[string]*schema.FigureType{"value": schema.Double, "low": schema.Double, "high": schema.Double})
	return schema.ShapeResult{
		Out: map[string]schema.Shape{modelPort: {Type: schema.ModelPort, Model: m}},
		Figures: schema.Object(map[string]*schema.FigureType{"chosen": schema.OneOf(k.names...), "value": value, "rows": schema.Count,
			"candidates": schema.KeyedMap(schema.Object(map[string]*schema.FigureType{"value": value, "low": schema.Double, "high": schema.Double, "delta": delta}), k.names...)}),
		Problems: k.problems,
	}
}

// checker looks for mistakes before anything runs.
type checker struct {
	in       map[string]schema.Shape
	names    []string
	problems []schema.Problem
}

func (k *checker) report(path, summary, detail, hint string) {
	k.problems = append(k.problems, schema.Problem{Path: path, Summary: summary, Detail: detail, Hint: hint})
}

// join is the signature of the chosen model, whichever it is. Nil where the candidates do not fit together.
func (k *checker) join() *schema.Model {
	var models []*schema.Model
	if k.names, models = model.Named(k.in, candidatesPort); len(k.names) < 2 {
		k.report(candidatesPort, fmt.Sprintf("There is nothing to choose: the candidates are %d", len(k.names)), "", "name at least two models")
		return nil
	}
	out, problems := model.Join(candidatesPort, k.names, models)
	if k.problems = append(k.problems, problems...); out != nil {
		out.Decides = model.Deciding(models)
	}
	return out
}

// metric holds the metric to the task, and is the type of its value.
func (k *checker) metric(c *config, m *schema.Model) *schema.FigureType {
	x, err := metric.New(c.Metric)
	if err != nil {
		return schema.Double // told where it is defined
	}
	if err := x.Fits(m.Task); err != nil {
		k.report("metric", "The metric does not fit: "+err.Error(), "", "")
	}
	return x.Figure()
}

// backtested reports whether the choice is by windows, and refuses what is neither that nor by rows, or both.
func (k *checker) backtested(c *config, in map[string]schema.Shape) bool {
	_, selected := in[selectionPort]
	names, _ := model.Named(in, backtestsPort)
	if selected == (len(names) > 0) {
		k.report("", "Candidates are compared on rows of selection, or by backtests", "One of the two says what is best.", "set selection, or backtests = { … } with the name of each candidate")
	}
	if selected || len(names) == 0 {
		return false
	}
	for path, given := range map[string]bool{"weight": c.Weight != "", "min_positives": c.MinPositives != nil} {
		if given {
			k.report(path, path+" is for rows of selection", "What a backtest has measured is measured.", "leave it out, or set it in the evaluations")
		}
	}
	return true
}

// rows holds the rows to the signature: they have all features and the target.
func (k *checker) rows(m *schema.Model) {
	data := k.in[selectionPort].Table
	if data == nil {
		return
	}
	k.problems = append(k.problems, model.Unfit(m, data, selectionPort)...)
	if data.Column(m.Target) == nil {
		k.report(selectionPort, fmt.Sprintf("The data has no column %q, the target of the candidates", m.Target), "", suggest.DidYouMean(m.Target, data.Names()))
	}
}

// ranked are candidates from the best to the worst; of equal ones the first by name comes first, and what is undefined last.
func ranked(all []*candidate, greater bool) []*candidate {
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b *candidate) int {
		switch {
		case math.IsNaN(a.value) || math.IsNaN(b.value):
			return cmp.Compare(undefinedLast(a.value), undefinedLast(b.value))
		case greater:
			return cmp.Compare(b.value, a.value)
		}
		return cmp.Compare(a.value, b.value)
	})
	return out
}

// undefinedLast is 1 of a value that is undefined, else 0.
func undefinedLast(x float64) int {
	if math.IsNaN(x) {
		return 1
	}
	return 0
}
