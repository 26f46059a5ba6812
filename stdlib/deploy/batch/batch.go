// Package batch is the deployment that scores a table.
//
// It is a release and a stage in one: the release says which model is live, the stage scores data with that model and writes
// predictions. What stands beside a prediction is what tells whose it is, and nothing else of the row:
//
//	customer  day         predicted  score
//	A12       2026-03-01  true       0.83
//	B07       2026-03-01  null       null    a feature is infinite: no prediction
//
// Rows are in the order of the key, of data without one in its own order.
package batch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the batch deployment.
var Component = component.Component{
	Kind: "deploy",
	Type: schema.Type{
		Name:    "batch",
		Version: 2,
		Engine:  table.Engine,
		Summary: "A table scored by the released model",
		Doc: "Once its gate lets the model pass, every row of `data` is scored. `predictions` holds the key, entity and time columns of the data with " +
			"`predicted` (the class, or the value) and `score` (the probability of the positive class; of several classes that of the predicted one, and " +
			"`scores`, a JSON object of all). Data without a key gets a column `row`. The target need not be in the data. " +
			"A row with a feature that is infinite or too large for 32 bits, or whose result is no number, has null for both, and a warning tells how many " +
			"there are and why.\n\n" + writing,
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "model", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.ModelPort}, Doc: "The model to release."},
			{Name: "data", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}, Rows: schema.ScoredRows, Doc: "The rows to score, with the model's features."},
			{Name: "gate", Type: schema.Ref, Ports: []schema.PortType{schema.VerdictPort}, Kinds: []string{"gate"}, Edge: schema.OrderEdge, Doc: "The gate that the model must pass."},
			{Name: "key", Type: schema.StringList, ColumnOf: "data", Doc: "Columns that tell the predictions apart: it is checked that they are unique and not null. Default: the data's key."},
			{Name: "allow_pii", Type: schema.StringList, ColumnOf: "data",
				Doc: "Columns computed from personal ones (`pii`) that may stand beside the predictions all the same. Without being named here they are refused."},
		}, Blocks: destinations()},
		Out: []schema.Port{
			{Name: "release", Type: schema.ReleasePort, Doc: "Which model is live."},
			{Name: "predictions", Type: schema.TablePort, Doc: "What the model says of each row."},
		},
		Examples: []schema.Example{{Title: "All customers, scored", Code: example}, {Title: "Scores in a database and in a bucket", Code: written}},
	},
	Shape:  shape,
	Derive: derive,
	Run:    run,
}

// derive has an opaque model predict: a stage before this one, in the model's own image, which writes predictions for run to
// read. A model of the standard library needs none.
func derive(req schema.DeriveRequest) ([]schema.Derivation, error) {
	return prediction.Derive(req), nil
}

// example scores all customers once a gate has let the model pass.
const example = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
  column "tenure"   { type = "integer" }
  column "churned"  { type = "boolean" }
}

dataset "customers" {
  from = [source.customers]
  key  = ["customer"]
  sql  = "select * from customers"
}

split "hash" "parts" {
  from = dataset.customers
  test = 0.2
}

train "logistic_regression" "model" {
  data     = split.parts.train
  target   = "churned"
  features = ["tenure"]
}

metric "auc" { type = "roc_auc" }

evaluate "holdout" {
  model   = train.model
  data    = split.parts.test
  metrics = [metric.auc]
}

gate "release" {
  rule "good enough" { assert = "evaluate.holdout.metrics.auc >= 0.7" }
}

deploy "batch" "scores" {
  model = train.model
  data  = dataset.customers
  gate  = gate.release
}
`

// config is the block. Key replaces the data's key; empty: the data's own, and without any the column row.
type config struct {
	Key      []string `json:"key"`
	AllowPII []string `json:"allow_pii"`
}

// shape types the predictions by the model and the key that is carried over; personal columns are told, since predictions
// leave the pipeline.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	out := schema.ShapeResult{Out: map[string]schema.Shape{"": {Type: schema.ReleasePort, Model: req.In["model"].Model}}}
	var c config
	if err := json.Unmarshal(req.Config, &c); err != nil {
		out.Problems = []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}
		return out
	}
	m, data := req.In["model"].Model, req.In["data"].Table
	if m == nil || data == nil {
		return out
	}
	out.Problems = c.check(m, data)
	l := c.layout(req.In, *m)
	if clash := l.Clash(); clash != "" {
		out.Problems = append(out.Problems, schema.Problem{Path: "data", Summary: fmt.Sprintf("The data's column %q has the name of a column of predictions", clash),
			Hint: "rename it in a dataset"})
	}
	out.Problems = append(out.Problems, c.personal(l)...)
	out.Out["predictions"] = schema.Shape{Type: schema.TablePort, Table: l.Table()}
	return out
}

// layout of the predictions; a foreign model may give no scores.
// The table is a copy, since Key is set on it; columns are shared and not changed.
func (c *config) layout(in map[string]schema.Shape, m schema.Model) prediction.Layout {
	data := *in["data"].Table
	if len(c.Key) > 0 {
		data.Key = nil
		for _, name := range c.Key {
			if col := data.Column(name); col != nil {
				data.Key = append(data.Key, col.Name)
			}
		}
	}
	return prediction.Layout{Task: m.Task, Target: m.Target, Data: &data, Score: prediction.HasScore(in["predictions"].Table, m.Task)}
}

// check holds the key and the model's features to the data. Every column that is missing is told, each at its place in key.
func (c *config) check(m *schema.Model, data *schema.Table) []schema.Problem {
	var out []schema.Problem
	names := data.Names()
	for i, name := range c.Key {
		if data.Column(name) == nil {
			out = append(out, schema.Problem{Path: fmt.Sprintf("key[%d]", i), Summary: fmt.Sprintf("The data has no column %q", name), Hint: suggest.DidYouMean(name, names)})
		}
	}
	return append(out, model.Unfit(m, data, "data")...)
}

// personal tells of personal data beside the predictions that is not allowed there.
// The problem stands at the key where the block names the column there, else at data, whose key or entity brought it.
func (c *config) personal(l prediction.Layout) []schema.Problem {
	var out []schema.Problem
	allowed := func(name string) bool {
		return slices.ContainsFunc(c.AllowPII, func(n string) bool { return strings.EqualFold(n, name) })
	}
	for _, col := range l.Columns() {
		if !col.PII || allowed(col.Name) {
			continue
		}
		path := "data"
		if i := slices.IndexFunc(c.Key, func(n string) bool { return strings.EqualFold(n, col.Name) }); i >= 0 {
			path = fmt.Sprintf("key[%d]", i)
		}
		out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("The predictions carry the column %q, which is personal data", col.Name),
			Detail: "Key, entity and time of the data stand beside each prediction.", Hint: fmt.Sprintf("Say allow_pii = [%q], or score a table without it.", col.Name)})
	}
	return out
}

// run scores the data with the model and writes predictions in its order. Rows that cannot be scored are null and warned of.
// A key that is null somewhere, or not unique, is an error, and nothing is written then.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	if s.In["data"].Table == nil {
		return fmt.Errorf("%s: the port data has no schema", s.Address)
	}
	set, m, err := predictions(ctx, s)
	if err != nil {
		return err
	}
	out, err := s.OutputTable("predictions")
	if err != nil {
		return err
	}
	l := c.layout(s.In, m)
	if err := table.CheckKey(ctx, s.InputTable("data"), table.Key{
		Columns: l.Data.Key, WhenNull: "Filter them out in a dataset, or choose another key.",
		WhenShared: "Keep one row of each in a dataset, or add columns to the key: predictions are found by it.",
	}); err != nil {
		return err
	}
	if err := l.Write(ctx, set, s.InputTable("data"), out); err != nil {
		return err
	}
	if told := set.Told(); told != "" {
		s.Warnf("%s; their predicted and score are null", told)
	}
	s.Logf("%d rows scored", set.Rows-len(set.Unscored))
	return nil
}

// predictions scores the data, or reads what the image of a foreign model made of it.
// The model comes back with its task and target, which the layout needs. Where the data has the target, its values tell the names
// of both classes of a binary task; else they follow from the positive one.
func predictions(ctx context.Context, s *component.Stage) (*prediction.Set, schema.Model, error) {
	data := s.InputTable("data")
	if !s.Has("predictions") {
		set, err := prediction.Score(ctx, s.Input("model"), data, s.Threads)
		if err != nil {
			return nil, schema.Model{}, err
		}
		return set, schema.Model{Task: set.Task, Target: set.Target}, nil
	}
	m := s.In["model"].Model
	if m == nil {
		m = s.In["predictions"].Model
	}
	if m == nil {
		return nil, schema.Model{}, fmt.Errorf("%s: neither task nor target of the predictions is known", s.Address)
	}
	var target *frame.Column
	n, err := table.Rows(ctx, data)
	if err != nil {
		return nil, *m, fmt.Errorf("reading the data: %w", err)
	}
	if col := s.In["data"].Table.Column(m.Target); col != nil {
		f, err := table.ReadFrame(ctx, data, []string{col.Name})
		if err != nil {
			return nil, *m, fmt.Errorf("reading the data: %w", err)
		}
		// New rows often have no label yet; then its values tell nothing of the classes.
		if c := &f.Columns[0]; !c.Text() || len(c.Levels) == 2 {
			target = c
		}
	}
	set, err := prediction.Read(ctx, s.InputTable("predictions"), int(n), *m, target)
	return set, *m, err
}
