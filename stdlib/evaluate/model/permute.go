package model

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/evaluation"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/prediction"
)

// permuting is the block permutation of explain.
type permuting struct {
	Repeats int `json:"repeats"`
}

const permutationDoc = "With `permutation` in it, each feature's values are permuted among the explained rows, `repeats` times, and `explain.permutation.<metric>[\"income\"].value|low|high` is how much worse the metric becomes in the mean (Breiman 2001), above 0 where the model " +
	"rests on the feature, whatever is better of the metric. The same permutations are used for all features. `low` and `high` are Student's interval over the repeats: it is about the chance of permutations, on these rows. Metrics in SQL have none. Features that say the same share what they are worth: " +
	"either may seem to be worth nothing.\n\n"

func permutationBlock() schema.Block {
	return schema.Block{Name: "permutation", Doc: "How much worse the metrics become where a feature is permuted.", Body: schema.Body{Attrs: []schema.Attr{
		{Name: "repeats", Type: schema.Integer, Default: 5.0, Doc: "How many permutations of each feature; from 2 to 1000. They are drawn by the evaluation's `seed`."},
	}}}
}

// permutation measures every feature permuted. columns are those of the explained rows, as model.Encode makes them.
func (e *evaluator) permutation(ctx context.Context, b *model.Bundle, rows []int, columns [][]float64) (map[string]any, []report.Item, error) {
	part := e.of.Part(rows)
	as := e.set.Take(rows)
	base, why, err := part.Measure(as)
	if err != nil {
		return nil, nil, err
	}
	out := &evaluation.Permuted{Rows: len(rows), Repeats: make([][][]float64, len(base)), Why: why}
	for i := range base {
		out.Repeats[i] = make([][]float64, len(b.Signature().Features))
	}
	for _, f := range b.Signature().Features {
		out.Features = append(out.Features, f.Name)
	}
	step := component.Steps(e.bar.Next(ctx), e.Explain.Permutation.Repeats*len(columns))
	for r := range e.Explain.Permutation.Repeats {
		order := rand.New(rand.NewPCG(uint64(e.Seed), uint64(r))).Perm(len(rows))
		for f := range out.Features {
			permuted := slices.Clone(columns)
			for _, c := range model.ColumnsOf(b.Signature().Features, f) {
				if permuted[c] = make([]float64, len(rows)); len(rows) == 0 {
					continue
				}
				for k, from := range order {
					permuted[c][k] = columns[c][from]
				}
			}
			p, err := b.ScoreEncoded(ctx, permuted, len(rows), e.stage.Threads)
			if err != nil {
				return nil, nil, err
			}
			values, _, err := part.Measure(prediction.Of(b, p))
			if err != nil {
				return nil, nil, err
			}
			for i := range values {
				out.Repeats[i][f] = append(out.Repeats[i][f], part.Worse(i, base[i], values[i]))
			}
			step(1)
		}
	}
	figures, items := e.of.Importance(part, out)
	return figures, items, nil
}

// dependence is the block partial_dependence of explain.
type dependence struct {
	Features []string `json:"features"`
	Grid     int      `json:"grid"`
	Curves   int      `json:"curves"`
}

const dependenceDoc = "With `partial_dependence` in it, `explain.partial_dependence[\"age\"]` has how the score goes with a feature: `at`, the values that it is set to in all explained rows in turn (numbers, or levels of text), `average`, the mean score at each (Friedman 2001), and `range`, the greatest less the least of these. Numbers are set " +
	"to `grid` quantiles from the 5th to the 95th of a hundred, rounded; text to its most frequent levels of 20 rows or more. The report draws numbers over the curves of some single rows (individual conditional expectation, Goldstein et al. 2015), which lie apart where features work together.\n\n"

func dependenceBlock() schema.Block {
	return schema.Block{Name: "partial_dependence", Doc: "How the score goes with single features. Not for several classes.", Body: schema.Body{Attrs: []schema.Attr{
		{Name: "features", Type: schema.StringList, Required: true, Doc: "Features of the model, none of them marked pii."},
		{Name: "grid", Type: schema.Integer, Default: 20.0, Doc: "How many values a feature is set to; from 2 to 100."},
		{Name: "curves", Type: schema.Integer, Default: 30.0, Doc: "Of how many rows the report draws the curve, evenly among the explained ones; at most 100."},
	}}}
}

// problems holds the block to features of the model that the data may show.
func (d *dependence) problems(m *schema.Model, data *schema.Table) []schema.Problem {
	const path = "explain.partial_dependence"
	var out []schema.Problem
	if d.Grid < 2 || d.Grid > 100 || d.Curves < 0 || d.Curves > 100 {
		out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("grid is %d and curves %d", d.Grid, d.Curves), Detail: "Expected a grid of 2 to 100 values, and 0 to 100 curves."})
	}
	if m.Task == schema.Multiclass {
		out = append(out, schema.Problem{Path: path, Summary: "Partial dependence is of one score, and a model of several classes has one for each", Hint: "leave partial_dependence out"})
	}
	for i, name := range d.Features {
		at := fmt.Sprintf("%s.features[%d]", path, i)
		features := schema.Table{Columns: m.Features}
		c := features.Column(name)
		switch {
		case slices.Index(d.Features, name) < i:
			out = append(out, schema.Problem{Path: at, Summary: fmt.Sprintf("%q is listed twice", name)})
		case c == nil || c.Name != name:
			out = append(out, noFeature(at, name, features.Names()))
		case slices.Contains(m.Text, name):
			out = append(out, schema.Problem{Path: at, Summary: fmt.Sprintf("%q is text that the model reads by its n-grams: there are no values to set it to", name), Hint: "leave it out; permutation takes the text as one input"})
		case data != nil && data.Column(name) != nil && data.Column(name).PII:
			out = append(out, schema.Problem{Path: at, Summary: fmt.Sprintf("Column %q is marked pii, and its values would be shown", name), Hint: "leave it out"})
		}
	}
	return out
}

// figures is the type of what rules see.
func (d *dependence) figures(m *schema.Model) *schema.FigureType {
	out := map[string]*schema.FigureType{}
	for _, name := range d.Features {
		at := schema.ListOf(schema.Double)
		if c := (&schema.Table{Columns: m.Features}).Column(name); c != nil && model.TextType(c.Type) {
			at = schema.ListOf(schema.Word)
		}
		out[name] = schema.Object(map[string]*schema.FigureType{"at": at, "average": schema.ListOf(schema.Double), "range": schema.AtLeast(0)})
	}
	return schema.Object(out)
}

// dependences computes the curves of the features that the block names.
func (e *evaluator) dependences(ctx context.Context, b *model.Bundle, x *evaluation.Explained) (map[string]any, []report.Item, error) {
	d := e.Explain.Dependence
	figures := map[string]any{}
	step := component.Steps(e.bar.Next(ctx), len(d.Features))
	var items []report.Item
	for i := range x.Features {
		f := &x.Features[i]
		if !slices.Contains(d.Features, f.Name) {
			continue
		}
		c := &evaluation.Dependence{Feature: f, Task: e.set.Task, Target: e.set.Target, Rows: len(x.Columns[i]), At: quantiles(f, x.Columns[i], d.Grid)}
		if err := curves(ctx, b, x.Columns, i, c, d.Curves, e.stage.Threads); err != nil {
			return nil, nil, err
		}
		var more []report.Item
		figures[f.Name], more = e.of.Dependence(c)
		items = append(items, more...)
		step(1)
	}
	return figures, items, nil
}

// curves sets the feature to each value in all rows. Of some rows, evenly among them, the curve is kept.
func curves(ctx context.Context, b *model.Bundle, columns [][]float64, feature int, c *evaluation.Dependence, keep, threads int) error {
	all := make([]int, len(columns[feature]))
	for r := range all {
		all[r] = r
	}
	kept := evenly(all, keep)
	c.Curves = make([][]float64, len(kept))
	for _, value := range c.At {
		scores, err := b.ScoreWith(ctx, columns, feature, value, threads)
		if err != nil {
			return err
		}
		sum := 0.0
		for _, s := range scores {
			sum += s
		}
		c.Average = append(c.Average, sum/float64(len(scores)))
		for k, r := range kept {
			c.Curves[k] = append(c.Curves[k], scores[r])
		}
		slices.Sort(scores)
		n := len(scores)
		c.Low, c.High = append(c.Low, scores[n/10]), append(c.High, scores[n-1-n/10])
	}
	return nil
}

// quantiles are the values that a feature is set to: n quantiles of numbers from the 5th to the 95th of a hundred, rounded, each once; levels and booleans as grid has them; text that is read by its n-grams none.
func quantiles(f *model.Feature, values []float64, n int) []float64 {
	if f.NGrams != nil {
		return nil
	}
	if f.Categorical() || f.Type == "boolean" {
		return grid(f, values)
	}
	var known []float64
	for _, v := range values {
		if v == v {
			known = append(known, v)
		}
	}
	if len(known) < leastRows {
		return nil
	}
	slices.Sort(known)
	at := func(q float64) float64 { // R's type 7, as quantile of rules
		place := q * float64(len(known)-1)
		low := math.Floor(place)
		below, above := known[int(low)], known[min(int(low)+1, len(known)-1)]
		return below + float64((place-low)*(above-below))
	}
	scale := at(0.95) - at(0.05)
	var out []float64
	for k := range n {
		out = append(out, rounded(at(0.05+float64(0.9*float64(k))/float64(n-1)), scale))
	}
	return slices.Compact(out)
}
