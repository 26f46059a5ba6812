package performance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/evaluation"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/prediction"
)

// shape types the figures by the metrics, and holds labels, predictions and baseline to what they need. Without a task
// nothing is typed: what a label is decides which metrics there are.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := decode(req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	c.completed(req.In["predictions"].Table, req.In["labels"].Table)
	k := &checker{config: c, predictions: req.In["predictions"].Table, baseline: req.In["baseline"].Figures,
		Checker: evaluation.Checker{Config: &c.Config, Data: req.In["labels"].Table}}
	if k.Data != nil && k.Data.Label != nil {
		k.Model = c.signature(k.Data)
	}
	if target := k.target(); target != nil && k.Model.Task == "" {
		p := model.Unclear(target.Name, target.Type, []schema.Task{schema.Binary, schema.Multiclass, schema.Regression})
		p.Path = "labels"
		return schema.ShapeResult{Problems: []schema.Problem{p}}
	}
	names := k.Definitions()
	out := schema.ShapeResult{Out: map[string]schema.Shape{}}
	if k.Data != nil && k.Data.Label == nil {
		k.report(schema.Problem{
			Path:    "labels",
			Summary: "The table has no label",
			Detail:  "Nothing tells which of its columns is the truth, nor since when it can be trusted.",
			Hint:    `Declare a label on it: label "x" { … }`,
		})
	}
	if k.Model.Task != "" {
		out.Figures = k.figures(names)
		out.Out[""] = schema.Shape{Type: schema.FiguresPort, Figures: out.Figures}
	}
	k.checkBaseline(names)
	k.checkEstimate()
	k.checkCensored()
	if c.Propensity != "" && k.predictions != nil {
		if col := k.predictions.Column(c.Propensity); col != nil && !model.NumberType(col.Type) {
			k.report(schema.Problem{Path: "propensity", Summary: fmt.Sprintf("Column %q is %s, expected a number", col.Name, col.Type)})
		}
	}
	if k.predictions != nil && k.Data != nil {
		k.checkOn()
	}
	if k.predictions != nil && k.Model.Task != "" {
		if k.checkPredictions() {
			k.Table(ctx, b, c.layout(k.Model, k.predictions, k.Data))
		}
	}
	out.Problems = k.Problems
	return out
}

// layout is that of the predictions beside their labels.
// Data is the labels' table, since metrics in SQL see its columns.
func (c *config) layout(m schema.Model, predictions, labels *schema.Table) prediction.Layout {
	columns := c.columns(m.Task, predictions)
	delete(columns, "predicted")
	return prediction.Layout{Task: m.Task, Target: m.Target, Data: labels, Actual: true, Score: len(columns) > 0}
}

// checker looks for mistakes in a block: evaluation.Checker in what it shares with evaluations.
type checker struct {
	evaluation.Checker
	config      *config
	predictions *schema.Table
	baseline    *schema.FigureType
}

// target is the column of the labels; nil where there is none.
func (k *checker) target() *schema.Column {
	if k.Data == nil || k.Data.Label == nil {
		return nil
	}
	return k.Data.Column(k.Data.Label.Column)
}

// report adds a problem to those that evaluation.Checker finds.
func (k *checker) report(p schema.Problem) { k.Problems = append(k.Problems, p) }

// figures is the type of what rules see. delta has the metrics that both sides have, with bounds where the baseline has intervals;
// a rule on another is an error of the file.
func (k *checker) figures(names []string) *schema.FigureType {
	metrics, delta := map[string]*schema.FigureType{}, map[string]*schema.FigureType{}
	for i, n := range names {
		metrics[n] = k.Figures(i)
		switch value, bounded := inBaseline(k.baseline, n); {
		case bounded:
			delta[n] = evaluation.Bounded()
		case value:
			delta[n] = schema.Object(map[string]*schema.FigureType{"value": schema.Double})
		}
	}
	all := map[string]*schema.FigureType{"performance": schema.Object(metrics), "rows": schema.Count, "coverage": schema.Share}
	if k.Model.Task == schema.Binary {
		all["positives"] = schema.Count
	}
	if k.config.censors() {
		all["rejected"] = rejectedFigures()
	}
	if k.config.Estimate {
		all["estimate"] = k.config.estimateFigures()
	}
	if k.baseline != nil {
		all["delta"] = schema.Object(delta)
	}
	return schema.Object(all)
}

// inBaseline reports whether an evaluation has a metric, and its interval. f is the type of its figures; nil where there is no baseline.
func inBaseline(f *schema.FigureType, name string) (value, bounded bool) {
	if f == nil || f.Fields["metrics"] == nil {
		return false, false
	}
	m := f.Fields["metrics"].Fields[name]
	if m == nil || m.Kind != schema.DoubleFigure {
		return false, false
	}
	intervals := f.Fields["intervals"]
	return true, intervals != nil && intervals.Fields[name] != nil
}

// checkBaseline refuses a baseline with which nothing can be compared; one that lacks some metrics is good for the others.
func (k *checker) checkBaseline(names []string) {
	shares := func(n string) bool { value, _ := inBaseline(k.baseline, n); return value }
	if k.baseline != nil && len(names) > 0 && !slices.ContainsFunc(names, shares) {
		k.report(schema.Problem{
			Path:    "baseline",
			Summary: "The baseline has none of the metrics",
			Detail:  "They are " + strings.Join(names, ", ") + ".",
			Hint:    "let the evaluation list one of them too",
		})
	}
}

// checkOn looks at the columns that join. Those that the predictions lack are told by the compiler.
// Types must be joinable as they are: 7 and '7' are not the same payment because the engine would cast one.
func (k *checker) checkOn() {
	if len(k.config.On) == 0 {
		k.report(schema.Problem{Path: "on", Summary: "on is empty", Detail: "A prediction finds its label by at least one column."})
	}
	seen := map[string]bool{}
	for i, name := range k.config.On {
		path := fmt.Sprintf("on[%d]", i)
		p, l := k.predictions.Column(name), k.Data.Column(name)
		switch {
		case p == nil:
		case l == nil:
			k.report(schema.Problem{
				Path:    path,
				Summary: fmt.Sprintf("The labels have no column %q", name),
				Detail:  "They have " + strings.Join(k.Data.Names(), ", ") + ".",
				Hint:    suggest.DidYouMean(name, k.Data.Names()),
			})
		case seen[p.Name]:
			k.report(schema.Problem{Path: path, Summary: fmt.Sprintf("Column %q is listed twice", p.Name)})
		case !joinable(p.Type, l.Type):
			k.report(schema.Problem{
				Path:    path,
				Summary: fmt.Sprintf("Column %q is %s in the predictions and %s in the labels", p.Name, p.Type, l.Type),
				Hint:    "cast one of them in a dataset",
			})
		}
		if p != nil {
			seen[p.Name] = true
		}
	}
}

// joinable types have values that are equal where they mean the same: the same type, or two of numbers.
func joinable(a, b string) bool { return a == b || model.NumberType(a) && model.NumberType(b) }

// checkPredictions reports whether there are predictions that fit the task.
// False also spares what would only repeat the problem: without predictions no metric in SQL can be typed.
func (k *checker) checkPredictions() bool {
	task, c := k.Model.Task, k.config
	columns := c.columns(task, k.predictions)
	target := k.Data.Column(k.Model.Target)
	switch {
	case task != schema.Binary && c.Score != "":
		k.report(schema.Problem{Path: "score", Summary: "score is for binary classification", Detail: fmt.Sprintf("The task is %s.", task)})
	case task != schema.Binary && c.Positive != "":
		k.report(schema.Problem{Path: "positive", Summary: "positive is for binary classification", Detail: fmt.Sprintf("The task is %s.", task)})
	case task == schema.Binary && c.Positive == "" && target != nil && model.TextType(target.Type):
		k.report(schema.Problem{
			Path:    "positive",
			Summary: "Which class is the positive one is not said",
			Detail:  fmt.Sprintf("The label %q is text.", target.Name),
			Hint:    `set positive = "…"`,
		})
	case task == schema.Regression && target != nil && !model.NumberType(target.Type):
		k.report(schema.Problem{
			Path:    "task",
			Summary: fmt.Sprintf("The label %q is %s, and a regression is about numbers", target.Name, target.Type),
		})
		return false
	}
	if len(columns) == 0 && c.Predicted == "" && c.Score == "" {
		k.report(schema.Problem{
			Path:    "predictions",
			Summary: "The table has no column of predictions",
			Detail:  fmt.Sprintf("Expected %s. It has %s.", expected(task), strings.Join(k.predictions.Names(), ", ")),
			Hint:    `say which it is: predicted = "…"`,
		})
		return false
	}
	for _, as := range slices.Sorted(maps.Keys(columns)) {
		col := columns[as]
		if number := as != "scores" && (as != "predicted" || task == schema.Regression); number && !model.NumberType(col.Type) {
			k.report(schema.Problem{Path: "predictions", Summary: fmt.Sprintf("Column %q is %s, expected a number", col.Name, col.Type)})
		}
	}
	return true
}

// expected is which columns a table of predictions of a task has, for messages.
func expected(t schema.Task) string {
	switch t {
	case schema.Binary:
		return "predicted, score or both"
	case schema.Multiclass:
		return "predicted, or score_<class> for each class"
	}
	return "predicted"
}
