package model

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/evaluation"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/prediction"
)

// shape types the figures by metrics, slices and fairness blocks, and the predictions by the data. What needs the model's task is
// left out where that is not known, and problems are told of the rest.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	out := schema.ShapeResult{Out: map[string]schema.Shape{}}
	c, err := decode(req.Config)
	if err != nil {
		out.Problems = append(out.Problems, schema.Problem{Summary: "The configuration cannot be read: " + err.Error()})
		return out
	}
	k := &checker{Checker: evaluation.Checker{Config: &c.Config, Data: req.In["data"].Table}}
	var known bool
	k.Model, known = c.signature(req.In)
	k.Definitions()
	if c.Explain != nil {
		k.Problems = append(k.Problems, c.Explain.problems(&k.Model, k.Data)...)
	}
	if c.Complexity && k.Model.Opaque {
		k.report(schema.Problem{Path: "complexity", Summary: "What a model costs that only its own image can score is not known here", Hint: "leave complexity out"})
	}
	if known && c.Costs != nil {
		k.Problems = append(k.Problems, c.Costs.Problems(k.Model.Task)...)
	}
	if known {
		out.Figures = k.figures(c)
		out.Out[""] = schema.Shape{Type: schema.FiguresPort, Figures: out.Figures}
	}
	if known && k.Data != nil {
		l := layoutOf(req.In, k.Model)
		k.checkModel(l)
		k.Table(ctx, b, l)
		k.checkBehaviors(ctx, b, c.Behaviors, l)
		if !c.Champion && l.Data.Column(k.Model.Target) != nil {
			out.Out["predictions"] = schema.Shape{Type: schema.TablePort, Table: l.Table()}
		}
	}
	out.Problems = append(out.Problems, k.Problems...)
	return out
}

// layoutOf is the layout of the predictions. A foreign model may give no scores.
func layoutOf(in map[string]schema.Shape, m schema.Model) prediction.Layout {
	return prediction.Layout{Task: m.Task, Target: m.Target, Data: in["data"].Table, Actual: true, Score: prediction.HasScore(in["predictions"].Table, m.Task)}
}

// checker holds data against the model's signature, besides what evaluation.Checker does.
type checker struct{ evaluation.Checker }

// figures is the type of what rules see. delta comes from the champion's node.
func (k *checker) figures(c *config) *schema.FigureType {
	all, comparison := k.FigureTypes()
	if c.Champion {
		return schema.Object(comparison)
	}
	all["delta"] = comparison["delta"]
	switch {
	case k.Model.Decides != nil:
		all["decision"] = k.DecisionFigures()
	case k.Model.Task == schema.Binary && !k.Model.Opaque:
		all["threshold"] = schema.Double
	}
	if c.Explain != nil {
		all["explain"] = c.Explain.figures(k)
	}
	if c.Complexity {
		all["complexity"] = complexityFigures()
	}
	if c.Costs != nil {
		all["costs"] = evaluation.CostFigures()
	}
	if len(c.Behaviors) > 0 {
		all["behaviors"] = c.behaviorFigures()
	}
	return schema.Object(all)
}

// report adds a problem to those that evaluation.Checker finds.
func (k *checker) report(p schema.Problem) { k.Problems = append(k.Problems, p) }

// checkModel holds the data to the model: the target is there, and features have types that the model takes. Of an opaque
// model only its own program knows.
func (k *checker) checkModel(l prediction.Layout) {
	names := k.Data.Names()
	if k.Data.Column(k.Model.Target) == nil {
		k.report(schema.Problem{
			Path:    "data",
			Summary: fmt.Sprintf("The data has no column %q, the model's target", k.Model.Target),
			Detail:  "It has " + strings.Join(names, ", ") + ".",
			Hint:    suggest.DidYouMean(k.Model.Target, names),
		})
	}
	if !k.Model.Opaque {
		k.Problems = append(k.Problems, model.Unfit(&k.Model, k.Data, "data")...)
	}
	if c := l.Clash(); c != "" {
		k.report(schema.Problem{
			Path:    "data",
			Summary: fmt.Sprintf("The data's column %q has the name of a column of predictions", c),
			Hint:    "rename it in a dataset",
		})
	}
}
