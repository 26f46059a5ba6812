package gradient_boosting

import (
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/trees/histogram"
)

// objective is a loss of amounts.
type objective struct {
	name string // scikit-learn's, where it has one
	kind xgboost.Objective
	loss string // the figure that is told of it
	// least is the smallest target that it is defined for; above: targets must be greater. Nil: any number.
	least *float64
	above bool
	param string // the attribute that is for this objective alone
}

var zero = 0.0

// objectives of amounts; the first is the one that is meant where nothing is said.
var objectives = []objective{
	{name: "squared_error", kind: xgboost.SquaredError},
	{name: "absolute_error", kind: xgboost.AbsoluteError, loss: "mean absolute error"},
	{name: "huber", kind: xgboost.PseudoHuber, loss: "mean Huber loss", param: "huber_slope"},
	{name: "quantile", kind: xgboost.QuantileError, loss: "mean pinball loss", param: "quantile_alpha"},
	{name: "poisson", kind: xgboost.Poisson, loss: "mean Poisson deviance", least: &zero},
	{name: "gamma", kind: xgboost.Gamma, loss: "mean gamma deviance", least: &zero, above: true},
	{name: "tweedie", kind: xgboost.Tweedie, loss: "mean Tweedie deviance", least: &zero, param: "tweedie_variance_power"},
}

// objectiveNames are what an argument can be.
func objectiveNames() []string {
	var out []string
	for _, o := range objectives {
		out = append(out, o.name)
	}
	return out
}

// objective is the one of amounts that is asked for.
func (p *params) objective() *objective {
	for i := range objectives {
		if objectives[i].name == p.Objective {
			return &objectives[i]
		}
	}
	return &objectives[0]
}

// lossName is what losses are called in reports; "" as the task has it.
func (p *params) lossName() string { return p.objective().loss }

// checkObjective holds parameters to the objective that they are for.
func (p *params) checkObjective() []schema.Problem {
	var out []schema.Problem
	for _, x := range []struct {
		name string
		is   *float64
		ok   func(float64) bool
		want string
	}{
		{"quantile_alpha", p.QuantileAlpha, func(x float64) bool { return x > 0 && x < 1 }, "above 0 and below 1"},
		{"huber_slope", p.HuberSlope, func(x float64) bool { return x > 0 }, "above 0"},
		{"tweedie_variance_power", p.TweediePower, func(x float64) bool { return x > 1 && x < 2 }, "above 1 and below 2"},
	} {
		path := "params." + x.name
		switch {
		case x.is == nil:
		case p.objective().param != x.name:
			of := objectives[slices.IndexFunc(objectives, func(o objective) bool { return o.param == x.name })]
			out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("%s is for objective = %q", x.name, of.name),
				Detail: fmt.Sprintf("The objective is %s.", p.objective().name)})
		case !x.ok(*x.is):
			out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("%s is %v", x.name, *x.is), Detail: "It must be " + x.want + "."})
		}
	}
	if p.objective().kind == xgboost.QuantileError && p.QuantileAlpha == nil {
		out = append(out, schema.Problem{Path: "params.objective", Summary: "Which quantile is to be predicted is not said", Hint: "Set quantile_alpha, for example to 0.9."})
	}
	return out
}

// aim sets the objective of a regression.
func (p *params) aim(to *histogram.Params) {
	or := func(x *float64, absent float64) float64 {
		if x == nil {
			return absent
		}
		return *x
	}
	to.Objective = p.objective().kind
	switch to.Objective {
	case xgboost.QuantileError:
		to.Quantile = *p.QuantileAlpha
	case xgboost.PseudoHuber:
		to.HuberSlope = or(p.HuberSlope, 1)
	case xgboost.Tweedie:
		to.TweediePower = or(p.TweediePower, 1.5)
	case xgboost.Poisson:
		to.MaxDeltaStep = 0.7
	}
}

// fits refuses targets that the objective is not defined for, in either table.
func (c *config) fits(s *component.Stage, t *train.Training) error {
	o := c.Params.objective()
	if t.Signature.Task != schema.Regression || o.least == nil {
		return nil
	}
	want := fmt.Sprintf("at least %g", *o.least)
	if o.above {
		want = fmt.Sprintf("above %g", *o.least)
	}
	for _, of := range []struct {
		port string
		set  *train.Set
	}{{train.DataPort, t.Data}, {train.ValidationPort, t.Validation}} {
		if of.set == nil {
			continue
		}
		wrong, first := 0, 0.0
		for _, y := range of.set.Target {
			if y < *o.least || o.above && y == *o.least {
				if wrong++; wrong == 1 {
					first = y
				}
			}
		}
		if wrong > 0 {
			return &component.InputError{
				Summary: fmt.Sprintf("%s: the target %q is not %s in %d of %d rows of %s, as in one with %g", s.Address, t.Signature.Target, want, wrong, of.set.Rows, of.port, first),
				Detail:  fmt.Sprintf("objective = %q is for targets %s.", o.name, want) + " Leave the rows out in a dataset, or take another objective.",
			}
		}
	}
	return nil
}

// about is what is wrong with parameters in view of the table and the task.
func (c *config) about(data *schema.Table) []schema.Problem {
	if data == nil {
		return nil
	}
	var out []schema.Problem
	if task := c.TaskOf(data.Column(c.Target)); c.Params.Objective != "" && task != schema.Regression && task != "" {
		out = append(out, schema.Problem{Path: "params.objective", Summary: fmt.Sprintf("objective = %q is for amounts", c.Params.Objective),
			Detail: fmt.Sprintf("The task is %s, whose objective is the log loss.", task), Hint: "Leave it out, or set task = \"regression\"."})
	}
	monotone, err := c.Params.monotone()
	if err != nil {
		out = append(out, *err)
	}
	for _, name := range sorted(monotone) {
		const path = "params.monotone_constraints"
		f := c.feature(name)
		column := data.Column(name)
		switch way := monotone[name]; {
		case f == "":
			out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("%q is not among the features", name), Hint: suggest.DidYouMean(name, c.Features)})
		case way != 1 && way != -1 && way != 0:
			out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("The constraint on %q is %v", name, way), Detail: "It is 1 (the score may only rise with the feature), -1 (only fall) or 0 (either)."})
		case way == 0 || column == nil:
		case schema.KindOf(column.Type) == schema.TextValue || c.categorical(name):
			out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("The feature %q is categorical", name), Detail: "Its values have no order that a score could rise or fall with."})
		}
	}
	if data.Column(c.Target) != nil && len(monotone) > 0 && c.TaskOf(data.Column(c.Target)) == schema.Multiclass {
		out = append(out, schema.Problem{Path: "params.monotone_constraints", Summary: "Monotone constraints are for one score",
			Detail: "Of several classes each has a score of its own, and their sum is 1: what raises one lowers others."})
	}
	groups, err := c.Params.interactions()
	if err != nil {
		out = append(out, *err)
	}
	for _, group := range groups {
		for _, name := range group {
			if c.feature(name) == "" {
				out = append(out, schema.Problem{Path: "params.interaction_constraints", Summary: fmt.Sprintf("%q is not among the features", name), Hint: suggest.DidYouMean(name, c.Features)})
			}
		}
	}
	return out
}
