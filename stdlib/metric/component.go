package metric

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Component is the kind metric: a definition that other blocks take over. It computes nothing itself.
var Component = component.Component{
	Kind: "metric",
	Type: schema.Type{
		Summary: "How good a model is, as one number",
		Doc:     doc(),
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "type", Type: schema.String, OneOf: Names(), Doc: "One of scikit-learn's metrics, by its name, or `weighted_absolute_percentage_error`, which forecasters use. Either this or `sql`."},
			{Name: "sql", Type: schema.SQLExpr, Doc: "An aggregate over the predictions: `actual`, `predicted`, `score` (two classes) or `score_<class>`, " +
				"`weight`, and the columns of the data. Bound where an evaluation lists the metric."},
			{Name: "goal", Type: schema.String, OneOf: []string{"maximize", "minimize"}, Doc: "Whether more or less of an SQL metric is better. The other types know."},
			{Name: "average", Type: schema.String, OneOf: []string{"binary", "macro", "micro", "weighted"},
				Doc: "How `precision`, `recall`, `f1` and `roc_auc_ovr` join the classes. `binary`, the default for two classes, is of the positive class alone."},
			{Name: "zero_division", Type: schema.Number,
				Doc: "The value where a quotient has nothing below the line, such as precision without a positive prediction. Without it the metric is undefined there, and a rule on it is an error. " +
					"It reaches precision, recall, f1, the rates, matthews_corrcoef, cohen_kappa (scikit-learn: 0, or nan of kappa), weighted_absolute_percentage_error and r2 of actual values that are all the same (scikit-learn: 1 if predicted exactly, else 0); " +
					"of averages, each class. It reaches neither balanced_accuracy, which is of the classes that occur, nor areas under curves."},
		}},
		Out: []schema.Port{{Name: "metric", Type: schema.MetricPort, Doc: "The definition, for `evaluate`, `tune` and `decision`."}},
		Examples: []schema.Example{{Title: "A metric by name, and one in money", Code: `
pipeline "fraud" {}

metric "recall" { type = "recall" }

metric "loss_avoided" {
  sql  = "sum(case when actual and predicted then amount end) / sum(case when actual then amount end)"
  goal = "maximize"
}
`}},
	},
	Shape: shape,
}

// shape checks the definition of a metric. It yields no table: evaluations have the definition in their configuration.
// Whether it fits a task is told where a block that has one lists it.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	out := schema.ShapeResult{Out: map[string]schema.Shape{"": {Type: schema.MetricPort}}}
	var c config
	if err := json.Unmarshal(req.Config, &c); err != nil {
		out.Problems = []schema.Problem{{Summary: "The definition cannot be read: " + err.Error()}}
		return out
	}
	out.Problems = c.check()
	return out
}

// check finds what is wrong with a definition.
// The first mistake of which of type and sql is meant is told alone, since all others depend on that.
func (c *config) check() []schema.Problem {
	switch {
	case c.Type == "" && c.SQL == "":
		return []schema.Problem{{Summary: "Neither type nor sql is set", Detail: "A metric is one of scikit-learn's, by type, or an SQL aggregate over the predictions.",
			Hint: `type = "roc_auc"`}}
	case c.Type != "" && c.SQL != "":
		return []schema.Problem{{Path: "sql", Summary: "Both type and sql are set", Detail: "A metric is defined by one of them."}}
	case c.SQL != "":
		return c.checkSQL()
	}
	return c.checkType()
}

// checkSQL refuses what has no meaning for a metric in SQL; its query is bound where an evaluation says over which table.
func (c *config) checkSQL() []schema.Problem {
	var out []schema.Problem
	if c.Goal != "maximize" && c.Goal != "minimize" {
		out = append(out, schema.Problem{Path: "goal", Summary: "An SQL metric needs a goal", Detail: "Nothing else tells whether more of it is better.",
			Hint: `goal = "maximize"`})
	}
	if c.Average != "" {
		out = append(out, schema.Problem{Path: "average", Summary: "average does not apply to an SQL metric"})
	}
	if c.ZeroDivision != nil {
		out = append(out, schema.Problem{Path: "zero_division", Summary: "zero_division does not apply to an SQL metric",
			Detail: "SQL gives null where there is nothing to divide by; coalesce gives another value."})
	}
	return out
}

// checkType holds a metric by name to the attributes that its type has.
func (c *config) checkType() []schema.Problem {
	d := find(c.Type)
	if d == nil {
		return []schema.Problem{{Path: "type", Summary: fmt.Sprintf("There is no metric %q", c.Type), Hint: suggest.DidYouMean(c.Type, Names())}}
	}
	var out []schema.Problem
	if c.Goal != "" {
		out = append(out, schema.Problem{Path: "goal", Summary: "goal is for SQL metrics", Detail: c.Type + " knows whether greater is better."})
	}
	if c.Average != "" && !slices.Contains(d.averages, c.Average) {
		p := schema.Problem{Path: "average", Summary: fmt.Sprintf("%s has no average %q", c.Type, c.Average)}
		if len(d.averages) > 0 {
			p.Detail = "It may be " + strings.Join(d.averages, ", ") + "."
		}
		out = append(out, p)
	}
	return out
}

// doc lists the types, so that the documentation is never behind the definitions.
// Its rows stand in the order of definitions.
func doc() string {
	var b strings.Builder
	b.WriteString("Names and values are scikit-learn's. Metrics of decisions (recall, false_positive_rate, …) use the threshold frozen in the model. " +
		"What is not defined has no value, not 0.\n\n| type | is | better | for |\n|---|---|---|---|\n")
	for _, d := range definitions() {
		better := "less"
		if d.greater {
			better = "more"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.name, d.summary, better, taskList(d.tasks))
	}
	return b.String()
}
