// Package ensemble is the trainer of a model that is made of other models: their average, or a stacking of them.
//
// An average asks for no rows: what each member says of a row counts by its weight. A stacking fits a linear model of what the members say (Wolpert 1992), and
// what it is fitted on decides whether it is worth anything: of rows that a member has learnt from it is too sure, and a member that has learnt
// most by heart would get most of the weight. So either the rows are ones that no member was fitted on, which the compiler holds it to, by the side of a split:
//
//	train        members are fitted
//	validation   members are stopped early, thresholds are found
//	selection    the stacking is fitted
//	test         it is measured
//
// or what members say of their own rows is said by models that were fitted without these (out_of_fold of a trainer), and no rows are set aside.
// Members are what they are elsewhere, stages of their own: they are trained once, compared by themselves, and used in several ensembles.
package ensemble

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// modelsPort begins the names of the ports that members come in by.
const modelsPort = "models"

// Component is the trainer.
var Component = component.Component{
	Kind: "train",
	Type: schema.Type{
		Name:    "ensemble",
		Version: 1,
		Engine:  table.Engine,
		Summary: "A model made of others: their average, or a stacking of them",
		Doc:     doc,
		Body: schema.Body{
			Attrs: append([]schema.Attr{
				{Name: modelsPort, Type: schema.RefMap, Required: true, Ports: []schema.PortType{schema.ModelPort}, Along: train.OutOfFoldPort,
					Doc: "The members: a list, a map, or all of a repeated block (`train.seed`). They predict the same target, and of classes the same ones, with the same positive class."},
				{Name: "method", Type: schema.String, Default: string(model.Average), OneOf: []string{string(model.Average), string(model.Stacking)},
					Doc: "`average`: the mean of what the members say. `stacking`: a linear model of it, fitted on `data` or out of fold: logistic regression of classes, ridge regression of amounts."},
				{Name: "weights", Type: schema.Any,
					Doc: "Of an average: by how much members count, by their names, `{ boosted = 2 }`; those that are not named have 1. Left out: all the same."},
				{Name: train.DataPort, Type: schema.Ref, Ports: []schema.PortType{schema.TablePort}, Rows: schema.FittedRows,
					Doc: "Of a stacking: the table to fit it on, with rows that no member was fitted on, such as the selection side of a split. Rows whose target is null are left out. Left out: what the members predict out of fold of the rows that they were fitted on, for which each has a block `out_of_fold`."},
				{Name: train.ValidationPort, Type: schema.Ref, Ports: []schema.PortType{schema.TablePort}, Rows: schema.ChosenRows,
					Doc: "A table for `decision`, and for the loss that is told. No member is fitted on its rows, nor the stacking; they may have been stopped by them."},
				{Name: "weight", Type: schema.String, Doc: "A column of weights, at least 0: how many times each row of the tables counts."},
			}, train.CalibrationAttrs()...),
			Blocks: []schema.Block{paramsBlock, train.DecisionBlock()},
		},
		Out: train.Out(),
		Examples: []schema.Example{{Title: "The average of trees and a line", Code: averageExample}, {Title: "A stacking", Code: stackingExample},
			{Title: "A stacking without rows of its own", Code: outOfFoldExample}},
	},
	Shape: shape,
	Run:   run,
}

const doc = "Each member says of a row what it says by itself, calibrated where it is so: probabilities of classes, or an amount. An `average` is the mean of that, class by class; a `stacking` a linear model of it. Thresholds of members have no part: the ensemble decides at 0.5, or by its own `decision`. " +
	"A row that one member has no prediction for has none.\n\n" +
	"The ensemble takes the features of all members, and has seen the rows that any of them has: to measure it on these is an error. The rows that a stacking is fitted on must be ones that no member was fitted on (`data`), or are those that all members were fitted on, each row as models fitted without it predict it (`out_of_fold` of each member, and no `data`): the first sets rows aside, the second takes more fits.\n\n" +
	"Figures: those of every trainer, and `members[\"boosted\"]`, each member's share in what the ensemble says, together 1: of an average its weight, of a stacking that of its scores in the sum of |coefficient| · standard deviation.\n\n" +
	"A stacking of two classes takes the probability of the positive one of each member, of several classes all probabilities. They are centred and scaled; minimised is the sum of the log losses plus `l2`/2 times the sum of squared coefficients, or of amounts the sum of squared errors plus `l2` times that sum.\n\n" +
	"Scores are attributed to features (`explain`) where that is exact: where members add up what they predict, as forests and least squares do. Permutation importance and partial dependence are there for all (`explain { method = \"none\" }`)."

var paramsBlock = schema.Block{Name: "params", Doc: "How a stacking is fitted.",
	Body: schema.Body{Attrs: []schema.Attr{
		{Name: "l2", Type: schema.Number, Doc: "Weight of the squared coefficients of the members' scaled scores; 0: none. Left out: 1. Members say much the same, and without any their coefficients would be large and of both signs."},
	}}}

const defaultL2 = 1

const pipelineExample = `pipeline "churn" {}

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

`

const averageExample = pipelineExample + `train "ensemble" "both" {
  models  = [train.trees, train.line]
  weights = { trees = 2 }
}

evaluate "test" {
  model   = train.both
  data    = split.customers.test
  metrics = [metric.auc]
}
`

const stackingExample = pipelineExample + `metric "f1" { type = "f1" }

train "ensemble" "stacked" {
  models     = [train.trees, train.line]
  method     = "stacking"
  data       = split.customers.selection
  validation = split.customers.validation
  params   { l2 = 0.5 }
  decision { maximize = metric.f1 }
}

evaluate "test" {
  model   = train.stacked
  data    = split.customers.test
  metrics = [metric.auc, metric.f1]
}
`

const outOfFoldExample = `pipeline "churn" {}

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

train "random_forest" "forest" {
  data     = split.customers.train
  target   = "churned"
  features = ["tenure", "contract"]
  params      { trees = 50 }
  out_of_fold {}
}

train "logistic_regression" "line" {
  data     = split.customers.train
  target   = "churned"
  features = ["tenure"]
  out_of_fold {}
}

train "ensemble" "stacked" {
  models = [train.forest, train.line]
  method = "stacking"
}

evaluate "test" {
  model   = train.stacked
  data    = split.customers.test
  metrics = [metric.auc]
}
`

// config is the block.
type config struct {
	train.Config
	Method  model.CombineMethod `json:"method"`
	Weights map[string]float64  `json:"weights"`
	Params  params              `json:"params"`
}

type params struct {
	L2 *float64 `json:"l2"`
}

// decode reads the configuration. Its error is that of the attribute weights, which can be anything.
func decode(data json.RawMessage) (*config, error) {
	c := &config{}
	return c, json.Unmarshal(data, c)
}

// shape joins the members' signatures, and checks what the method asks for.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := decode(req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Path: "weights", Summary: "weights are not numbers by name of a member", Detail: "Write weights = { boosted = 2 }."}}}
	}
	names, models := model.Named(req.In, modelsPort)
	if len(names) < 2 {
		return schema.ShapeResult{Problems: []schema.Problem{{Path: modelsPort, Summary: fmt.Sprintf("The members are %d", len(names)), Hint: "name at least two models"}}}
	}
	m, problems := model.Join(modelsPort, names, models)
	if m == nil {
		return schema.ShapeResult{Problems: problems}
	}
	out := train.ShapeOf(req, &c.Config, m)
	adds, whyNot := model.Additive(c.Method, m.Task, names, models)
	train.Adds(req, &out, adds, whyNot)
	out.Figures.Fields["members"] = schema.KeyedMap(schema.Share, names...)
	fitted := req.In[train.DataPort].Table != nil
	out.Problems = append(append(out.Problems, c.problems(names, fitted)...), textOfSeveral(names, models)...)
	if c.Method == model.Stacking && !fitted {
		out.Problems = append(out.Problems, c.outOfFold(req.In, names)...)
		return out
	}
	out.In = maps.Clone(req.In)
	for _, name := range names {
		delete(out.In, outOfFoldPort(name))
	}
	return out
}

// textOfSeveral refuses a feature that one member reads by its n-grams and another has too: of a row the ensemble has one number for it.
func textOfSeveral(names []string, models []*schema.Model) (out []schema.Problem) {
	for k, m := range models {
		for _, text := range m.Text {
			for j, other := range models {
				has := slices.ContainsFunc(other.Features, func(f schema.Column) bool { return f.Name == text })
				if j == k || !has || j < k && slices.Contains(other.Text, text) {
					continue
				}
				out = append(out, schema.Problem{Path: modelsPort, Summary: fmt.Sprintf("%s reads %q by its n-grams, and %s has it too", names[k], text, names[j]),
					Detail: "Each member would make another number of the text, and an ensemble has one for each feature.",
					Hint:   "give one of them a copy of the column under another name, or let one alone read it"})
			}
		}
	}
	return out
}

// outOfFoldPort is the port at which the predictions of a member come in.
func outOfFoldPort(name string) string { return modelsPort + "." + name + "." + train.OutOfFoldPort }

// outOfFold are the problems of a stacking of what members predict out of fold.
func (c *config) outOfFold(in map[string]schema.Shape, names []string) (out []schema.Problem) {
	var without []string
	for _, name := range names {
		if in[outOfFoldPort(name)].Table == nil {
			without = append(without, name)
		}
	}
	if len(without) > 0 {
		out = append(out, schema.Problem{Path: train.DataPort, Summary: "A stacking needs rows to be fitted on, that its members were not",
			Detail: "Without data these are the rows that all members were fitted on, as models fitted without them predict them. There are no such predictions of " + strings.Join(without, ", ") + ".",
			Hint:   "add out_of_fold {} to each member, or set data to rows that no member was fitted on, such as split.<name>.selection"})
	}
	if _, validated := in[train.ValidationPort]; c.Weight != "" && validated { // where no table has a weight, that is told
		out = append(out, schema.Problem{Path: "weight", Summary: "Predictions out of fold have no weights", Hint: "leave weight out, or set data"})
	}
	return out
}

// problems are those of the method. fitted: there is a table to fit on.
func (c *config) problems(names []string, fitted bool) []schema.Problem {
	var out []schema.Problem
	report := func(path, summary, detail, hint string) {
		out = append(out, schema.Problem{Path: path, Summary: summary, Detail: detail, Hint: hint})
	}
	if c.Method == model.Stacking {
		if c.Weights != nil {
			report("weights", "weights are of an average", "A stacking finds how much each member counts.", `leave weights out, or set method = "average"`)
		}
		if x := c.Params.L2; x != nil && !(*x >= 0) {
			report("params.l2", fmt.Sprintf("l2 is %g", *x), "It must be at least 0.", "")
		}
		return out
	}
	if fitted {
		report(train.DataPort, "An average is fitted on no rows", "", `leave data out, or set method = "stacking"`)
	}
	if c.Params.L2 != nil {
		report("params.l2", "l2 is of a stacking", "", `leave params out, or set method = "stacking"`)
	}
	total := 0.0
	for _, name := range slices.Sorted(maps.Keys(c.Weights)) {
		w := c.Weights[name]
		if !slices.Contains(names, name) {
			report("weights", fmt.Sprintf("There is no member %q", name), "The members are "+strings.Join(names, ", ")+".", suggest.DidYouMean(name, names))
		}
		if !(w >= 0) || w > math.MaxFloat32 {
			report("weights", fmt.Sprintf("The weight of %s is %g", name, w), "It must be at least 0.", "")
		}
		total += w
	}
	if total == 0 && len(c.Weights) >= len(names) {
		report("weights", "All members have the weight 0", "", "leave weights out: all count the same then")
	}
	return out
}

// run puts the members together and writes the model, its figures and its report.
func run(ctx context.Context, s *component.Stage) error {
	c, err := decode(s.Config)
	if err != nil {
		return fmt.Errorf("configuration of %s: %w", s.Address, err)
	}
	if err := ctx.Err(); err != nil { // of an average nothing else looks
		return err
	}
	names, _ := model.Named(s.In, modelsPort)
	members := make([]*model.Bundle, len(names))
	for i, name := range names {
		if members[i], err = model.Read(s.Input(modelsPort + "." + name)); err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
	}
	if err := model.SameClasses(s.Address, names, members); err != nil {
		return err
	}
	of, err := model.Joined(members)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Address, err)
	}
	c.Of, c.Target, c.Task = &of, of.Target, of.Task
	for _, f := range of.Features {
		c.Features = append(c.Features, f.Name)
	}
	t, err := train.Load(ctx, s, &c.Config)
	if err != nil {
		return err
	}
	made, err := c.combine(ctx, s, t, names, members)
	if err != nil {
		return err
	}
	e, err := model.NewEnsemble(&t.Signature, names, members, made.combination)
	if err != nil {
		return err
	}
	figures := train.Figures{}
	for i, name := range names {
		figures.Members = append(figures.Members, train.Member{Name: name, Model: members[i], Share: made.shares[i]})
	}
	if figures.TrainingLoss, figures.ValidationLoss, err = t.Losses(ctx, e); err != nil {
		return err
	}
	if made.folded != nil {
		t.Data, figures.TrainingLoss = made.folded, made.loss
	}
	return t.Finish(ctx, model.Ensemble, e, figures)
}

// made is how members are put together, and each one's share in that.
type made struct {
	combination model.Combination
	shares      []float64
	// folded are the rows that a stacking was fitted on as they are predicted out of fold, and loss is what it has there; nil of others.
	folded *train.Set
	loss   float64
}

// combine finds how the members' scores are put together.
func (c *config) combine(ctx context.Context, s *component.Stage, t *train.Training, names []string, members []*model.Bundle) (*made, error) {
	if c.Method == model.Stacking {
		return c.stack(ctx, s, t, names, members)
	}
	out := model.Combination{Method: model.Average}
	for _, name := range names {
		w, given := c.Weights[name]
		if !given {
			w = 1
		}
		out.Weights = append(out.Weights, w)
	}
	return &made{combination: out, shares: train.Shares(out.Weights)}, nil
}
