package gradient_boosting

// Boosting that goes on with a model: its trees stay, its margins are what the first new round begins with, and the new trees come behind them. Its base score,
// classes and levels stay, too, since its trees go by them. Bins are those of the new table.

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/trees"
	"github.com/mlp-lang/mlp/stdlib/train/trees/histogram"
)

// goesOn is a module that can be copied as it stands, as those beside it.
const goesOn = `pipeline "churn" {}

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

train "gradient_boosting" "first" {
  data       = split.customers.train
  validation = split.customers.validation
  target     = "churned"
  features   = ["tenure", "contract"]
}

train "gradient_boosting" "churn" {
  init_model = train.first
  data       = split.customers.train
  validation = split.customers.validation
  target     = "churned"
  features   = ["tenure", "contract"]
  params { learning_rate = 0.02 }
}

evaluate "test" {
  model   = train.churn
  data    = split.customers.test
  metrics = [metric.auc]
}
`

// initModelAttr is the attribute of the model that is gone on with.
func initModelAttr() schema.Attr {
	return schema.Attr{Name: train.InitModelPort, Type: schema.Ref, Ports: []schema.PortType{schema.ModelPort}, Continues: true,
		Doc: "A model to go on with (XGBoost's `xgb_model`, LightGBM's `init_model`): another `gradient_boosting`, or a `model \"file\"` of XGBoost's format. Its trees are kept, and `trees` new rounds are added to what they say; they may be fitted on the same rows or on others. " +
			"It has the same target, task, classes, objective and features in the same order; categories that it does not know count as missing. One that is calibrated, or that encodes or derives inputs, is refused. Rows that it has seen are seen by the new model: `validation`, `selection` and `calibration` take others than it was fitted on, and there are no folds of `data`."}
}

// continues are the problems of a block that goes on with a model, as far as they are known before it is read.
func (c *config) continues(in map[string]schema.Shape, made *schema.Model) (out []schema.Problem) {
	m := in[train.InitModelPort].Model
	if m == nil {
		return nil
	}
	report := func(path, summary, detail string) {
		out = append(out, schema.Problem{Path: path, Summary: summary, Detail: detail})
	}
	const path = train.InitModelPort
	if c.OutOfFold != nil {
		report(train.OutOfFoldPort, "There are no predictions out of fold of a model that is gone on with", "The model of init_model has not been fitted without the folds.")
	}
	if c.Tune != nil && c.Tune.Folds != nil {
		report("tune.folds", "A model that is gone on with is not measured on folds", "The model of init_model has not been fitted without them. Set selection to rows that it was not fitted on.")
	}
	if len(c.Encodings)+len(c.IsolationForests)+len(c.KMeans) > 0 {
		report(path, "The model to go on with has no inputs that are encoded by the target, or derived of several features", "Those of this block would be fitted to its own rows alone. Leave preprocess, isolation_forest and k_means out, or init_model.")
	}
	switch {
	case m.Opaque:
		report(path, "The model to go on with can be read by its own image only", "")
	case made == nil:
	case m.Task != made.Task:
		report(path, fmt.Sprintf("The model to go on with does %s, and this block %s", m.Task, made.Task), "")
	case !strings.EqualFold(m.Target, made.Target):
		report(path, fmt.Sprintf("The model to go on with predicts %s, and this block %s", m.Target, made.Target), "")
	case m.PositiveClass != "" && made.PositiveClass != "" && m.PositiveClass != made.PositiveClass:
		report(path, fmt.Sprintf("The model to go on with says how likely %q is, and this block %q", m.PositiveClass, made.PositiveClass), "Set positive to the same class.")
	case len(m.CalibratedBy) > 0:
		report(path, "The model to go on with is calibrated", "The calibration would not hold for more trees.")
	default:
		if why := c.otherFeatures(m, made.Features); why != "" {
			report(path, "The model to go on with has other features: "+why, "Its trees go by their places: they are the same, in the same order.")
		}
	}
	return out
}

// otherFeatures tells how features of the model to go on with are others than those of the block; columns that it decides by alone come behind them.
func (c *config) otherFeatures(m *schema.Model, ours []schema.Column) string {
	its := slices.Clone(m.Features)
	for len(its) > len(c.Features) && m.Decides != nil && slices.Contains(m.Decides.By, its[len(its)-1].Name) {
		its = its[:len(its)-1]
	}
	for i := range c.Features {
		switch {
		case i >= len(its):
			return fmt.Sprintf("it has no %s", c.Features[i])
		case !strings.EqualFold(its[i].Name, c.Features[i]):
			return fmt.Sprintf("number %d is %s, and here it is %s", i+1, its[i].Name, c.Features[i])
		case i < len(ours) && its[i].Type != ours[i].Type:
			return fmt.Sprintf("%s is %s, and here it is %s", its[i].Name, its[i].Type, ours[i].Type)
		}
	}
	if len(its) > len(c.Features) {
		return fmt.Sprintf("it has %s, too", its[len(c.Features)].Name)
	}
	return ""
}

// continued is a model that is gone on with.
type continued struct {
	model   *xgboost.Model
	scorer  *xgboost.Scorer
	used    []bool                     // features that its trees split on
	columns map[*train.Set][][]float64 // of those, by set; nil elsewhere
}

// goOn reads the model that is gone on with, and gives the configuration its signature; nil: there is none.
func (c *config) goOn(s *component.Stage) (*continued, error) {
	if !s.Has(train.InitModelPort) {
		return nil, nil
	}
	refuse := func(why string) error {
		return &component.InputError{Summary: fmt.Sprintf("%s cannot go on with its init_model: %s", s.Address, why),
			Detail: "It must be boosted trees of the same target, task, classes, objective and features."}
	}
	b, err := model.Read(s.Input(train.InitModelPort))
	if err != nil {
		return nil, fmt.Errorf("reading the model to go on with: %w", err)
	}
	m, signature, err := b.Boosted()
	if err != nil {
		return nil, refuse(err.Error())
	}
	for i := range signature.Features {
		f := &signature.Features[i]
		if len(f.Levels) > histogram.MaxLevels {
			return nil, refuse(fmt.Sprintf("its feature %q has %d categories, more than %d", f.Name, len(f.Levels), histogram.MaxLevels))
		}
		if said := c.categorical(f.Name); !f.Text() && f.Type != "boolean" && f.Categorical() != said {
			return nil, refuse(fmt.Sprintf("categorical_features names %q in one of both only", f.Name))
		}
	}
	out := &continued{model: m, used: make([]bool, m.NumFeature), columns: map[*train.Set][][]float64{}}
	for i := range m.Trees {
		for k := range m.Trees[i].Nodes {
			if n := &m.Trees[i].Nodes[k]; !n.Leaf() {
				out.used[n.Feature] = true
			}
		}
	}
	if out.scorer, err = m.Scorer(); err != nil {
		return nil, err
	}
	c.Of, c.Continues = signature, true
	return out, nil
}

// take is the Take of binning that keeps what the model's trees read.
func (x *continued) take(b *trees.Binning) train.Take {
	if x == nil {
		return b.Take
	}
	return func(t *train.Training, of *train.Set, before int, columns [][]float64) error {
		if x.columns[of] == nil {
			x.columns[of] = make([][]float64, len(x.used))
		}
		for i, column := range columns {
			if x.used[before+i] {
				x.columns[of][before+i] = slices.Clone(column)
			}
		}
		return b.Take(t, of, before, columns)
	}
}

// init is what the fit begins with; nil of nil.
func (x *continued) init(ctx context.Context, s *component.Stage, t *train.Training, p *histogram.Params) (out *histogram.Init, err error) {
	if x == nil {
		return nil, nil
	}
	refuse := func(why string) error {
		return &component.InputError{Summary: fmt.Sprintf("%s cannot go on with its init_model: %s", s.Address, why)}
	}
	if why := p.Same(x.model); why != "" {
		return nil, refuse(why)
	}
	rows := make([]int, len(t.Signature.Classes))
	for _, y := range t.Data.Target {
		if len(rows) > 0 {
			rows[int(y)]++
		}
	}
	if c := slices.Index(rows, 0); c >= 0 {
		return nil, refuse(fmt.Sprintf("no row of data has its class %q", t.Signature.Classes[c]))
	}
	out = &histogram.Init{Model: x.model}
	if out.Training, err = x.scorer.MarginsOf(ctx, x.columns[t.Data], t.Data.Rows, s.Threads); err != nil {
		return nil, err
	}
	if t.Validation != nil {
		if out.Validation, err = x.scorer.MarginsOf(ctx, x.columns[t.Validation], t.Validation.Rows, s.Threads); err != nil {
			return nil, err
		}
	}
	clear(x.columns)
	return out, nil
}
