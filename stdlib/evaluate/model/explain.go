package model

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/evaluation"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// explaining is the block explain: how it is found which features the scores come from.
type explaining struct {
	Method     model.Method `json:"method"`     // empty: the one that the model has most exactly; unattributed: none
	Rows       int          `json:"rows"`       // how many are explained
	Background int          `json:"background"` // from how many others interventional takes values
	// Permutation and Dependence are asked for besides; nil: they are not.
	Permutation *permuting  `json:"permutation"`
	Dependence  *dependence `json:"partial_dependence"`
}

// unattributed is the method of no attributions: what is asked for besides stands alone.
const unattributed model.Method = "none"

const explainDoc = "**Explanations.** With `explain`, the scores of some rows are attributed to features: of each row, how much of its score comes from each feature, in Shapley values (Lundberg and Lee 2017). They are exact, and those of a row " +
	"add up to its score less the expected one, on the scale that the model adds up on: log-odds, of a forest probability, the target's own unit, or of trees with the objectives `poisson`, `gamma` and `tweedie` its logarithm; of a calibrated model it is the score before the calibration. `explain.attributions` has, by feature, the mean of their absolute values, `explain.shares` its share in the sum: " +
	"`evaluate.holdout.explain.shares[\"zip\"] < 0.2`. The report has them as a table, and how the score goes with the features that have most. " +
	"A model whose scores are no such sum, as a seasonal forecast or an average of boosted trees and a logistic regression is, has no attributions; `method = \"none\"` leaves them out, for permutation and partial dependence alone.\n\n" +
	permutationDoc + dependenceDoc

// explainBlock asks for explanations.
func explainBlock() schema.Block {
	return schema.Block{Name: "explain", Doc: "Which features the scores of these rows come from.", Body: schema.Body{Attrs: []schema.Attr{
		{Name: "method", Type: schema.String, OneOf: []string{string(model.TreeSHAP), string(model.Interventional), string(unattributed)},
			Doc: "What is expected while a feature's value is not known. `tree_shap`: the mean over the training rows at each split that asks for the feature (Lundberg et al. 2018), of trees alone. `interventional`: the values of other rows, of any model whose parts add up. `none`: no score is attributed, for what is asked for besides. " +
				"Default: `tree_shap` of trees, `interventional` of other models."},
		{Name: "rows", Type: schema.Integer, Default: 1000.0, Doc: "How many rows to explain, evenly among those that count."},
		{Name: "background", Type: schema.Integer, Default: 100.0, Doc: "How many rows `interventional` takes values from, evenly among those that count."},
	}, Blocks: []schema.Block{permutationBlock(), dependenceBlock()}}}
}

// problems says what is wrong with the block.
func (x *explaining) problems(m *schema.Model, data *schema.Table) []schema.Problem {
	var out []schema.Problem
	if x.Rows < 1 || x.Background < 1 {
		out = append(out, schema.Problem{Path: "explain", Summary: "rows and background of explain are at least 1"})
	}
	if m.Opaque {
		out = append(out, schema.Problem{Path: "explain", Summary: "A model that only its own image can score cannot be explained here",
			Hint: "leave explain out; the training script may write its own report"})
		return out
	}
	if m.Additive == schema.AddsNothing && x.Method != unattributed {
		out = append(out, schema.Problem{Path: "explain", Summary: "The scores of this model are attributed to no features", Detail: "Attributions are parts of a sum: " + m.WhyNot + ".",
			Hint: `set method = "none" for permutation and partial_dependence alone, or leave explain out`})
	}
	if x.Method == unattributed && x.Permutation == nil && x.Dependence == nil {
		out = append(out, schema.Problem{Path: "explain.method", Summary: "Nothing is asked for", Detail: "Without attributions explain has what is in its blocks.", Hint: "add permutation { } or partial_dependence { … }, or leave explain out"})
	}
	if p := x.Permutation; p != nil && (p.Repeats < 2 || p.Repeats > 1000) {
		out = append(out, schema.Problem{Path: "explain.permutation", Summary: fmt.Sprintf("%d repeats", p.Repeats), Detail: "Expected 2 to 1000: of one there is no interval."})
	}
	if x.Dependence != nil {
		out = append(out, x.Dependence.problems(m, data)...)
	}
	return out
}

// parts is how many parts of the stage's bar it takes.
func (x *explaining) parts() int {
	n := 0
	if x.Method != unattributed {
		n += 2 // attributions, and how the score goes with a feature
	}
	if x.Permutation != nil {
		n++
	}
	if x.Dependence != nil {
		n++
	}
	return n
}

// figures is the type of what rules see: as Explain makes the figures, with an entry for each feature of the model.
func (x *explaining) figures(k *checker) *schema.FigureType {
	m := &k.Model
	var names []string
	for i := range m.Features {
		names = append(names, m.Features[i].Name)
	}
	slices.Sort(names)
	out := map[string]*schema.FigureType{"method": schema.OneOf(string(model.TreeSHAP), string(model.Interventional), string(unattributed)), "rows": schema.Count}
	if x.Method != unattributed {
		out["attributions"], out["shares"] = schema.KeyedMap(schema.Count, names...), schema.KeyedMap(schema.Share, names...)
	}
	if x.Permutation != nil {
		out["permutation"] = k.ImportanceFigures(names)
	}
	if x.Dependence != nil {
		out["partial_dependence"] = x.Dependence.figures(m)
	}
	return schema.Object(out)
}

// among are the places that some rows have among others, which are ascending.
func among(rows, others []int) []int {
	out := make([]int, len(rows))
	for i, r := range rows {
		out[i], _ = slices.BinarySearch(others, r)
	}
	return out
}

// noFeature is the problem of a name that no feature of the model has.
func noFeature(path, name string, features []string) schema.Problem {
	return schema.Problem{Path: path, Summary: fmt.Sprintf("The model has no feature %q", name), Detail: "It reads " + strings.Join(features, ", ") + ".", Hint: suggest.DidYouMean(name, features)}
}

// explain adds to the figures what the scores come from, and returns the part of the report that shows it.
// Of a model without features, or where no row has a prediction, there is nothing to attribute: the figures are undefined then, each with the
// reason. That a method does not fit the model is an error in the input.
func (e *evaluator) explain(ctx context.Context, figures map[string]any) (report.Section, error) {
	b, err := model.Read(e.stage.Input("model"))
	if err != nil {
		return report.Section{}, fmt.Errorf("reading the model: %w", err)
	}
	sig := b.Signature()
	names := make([]string, len(sig.Features))
	for i := range names {
		names[i] = sig.Features[i].Name
	}
	scored := e.scoredRows()
	rows, background := evenly(scored, e.Explain.Rows), evenly(scored, e.Explain.Background)
	x := &evaluation.Explained{Attribution: &model.Attribution{Method: e.Explain.Method}, Features: sig.Features, Columns: make([][]float64, len(names))}
	if len(names) > 0 && len(rows) > 0 {
		both := slices.Concat(rows, background)
		slices.Sort(both)
		both = slices.Compact(both)
		some, err := table.ReadRows(ctx, e.stage.InputTable("data"), names, both)
		if err != nil {
			return report.Section{}, err
		}
		rows, background := among(rows, both), among(background, both)
		if err := e.attribute(ctx, b, some, rows, background, x); err != nil {
			return report.Section{}, err
		}
		if x.Columns, err = model.Encode(some.Take(rows), sig.Features); err != nil {
			return report.Section{}, err
		}
		if x.Partial, err = e.partial(ctx, b, x); err != nil {
			return report.Section{}, err
		}
	}
	of, section := map[string]any{"method": string(unattributed), "rows": len(rows)}, report.Section{Title: "What the scores rest on"}
	if e.Explain.Method != unattributed {
		of, section = e.of.Explain(x)
	}
	if b.Calibration() != nil && e.Explain.Method != unattributed {
		section.Items = append(section.Items, report.Note("The model's scores are calibrated. Attributions are of the margin before that; how the score goes with a feature is after it."))
	}
	figures["explain"] = of
	return section, e.more(ctx, b, x, rows, of, &section)
}

// attribute attributes the scores of rows, unless that is left out.
func (e *evaluator) attribute(ctx context.Context, b *model.Bundle, some *frame.Frame, rows, background []int, x *evaluation.Explained) error {
	if e.Explain.Method == unattributed {
		return nil
	}
	var err error
	x.Attribution, err = b.Attribute(e.bar.Next(ctx), some, rows, background, e.Explain.Method, e.stage.Threads)
	if errors.Is(err, model.ErrMethod) {
		return &component.InputError{Summary: "explain: " + err.Error(), Detail: `Leave method out, or use interventional; method = "none" leaves attributions out.`}
	}
	return err
}

// more adds what is asked for besides attributions. section is that of the report.
func (e *evaluator) more(ctx context.Context, b *model.Bundle, x *evaluation.Explained, rows []int, figures map[string]any, section *report.Section) error {
	add := func(name string, figure map[string]any, items []report.Item) {
		figures[name], section.Items = figure, append(section.Items, items...)
	}
	if x.Columns == nil || len(rows) == 0 {
		x.Columns, rows = make([][]float64, len(x.Features)), nil
	}
	if e.Explain.Permutation != nil {
		figure, items, err := e.permutation(ctx, b, rows, x.Columns)
		if err != nil {
			return err
		}
		add("permutation", figure, items)
	}
	if e.Explain.Dependence != nil {
		figure, items, err := e.dependences(ctx, b, x)
		if err != nil {
			return err
		}
		add("partial_dependence", figure, items)
	}
	return nil
}

// scoredRows are the rows that count and have a prediction.
func (e *evaluator) scoredRows() []int {
	without := map[int]bool{}
	for _, u := range e.set.Unscored {
		without[u.Row] = true
	}
	return slices.DeleteFunc(slices.Clone(e.of.CountedRows()), func(r int) bool { return without[r] })
}

// evenly are n of the rows with the same distance between them, or all if there are no more.
func evenly(rows []int, n int) []int {
	if len(rows) <= n {
		return rows
	}
	out := make([]int, n)
	for i := range out {
		out[i] = rows[i*len(rows)/n]
	}
	return out
}

// How many features have a picture of how the score goes with them, with how many values each.
const (
	mostPartial = 6
	mostValues  = 20
)

// partial is how the score goes with the features that it comes from most, by the sum of their absolute attributions. A feature that no score
// comes from has none, nor one with fewer than two values to set. The band leaves out the tenth of rows with the lowest scores and that with the
// highest. Columns that are marked pii have none, since the values would be
// those of persons, nor has text that is read by its n-grams, which has no values to go through; nor have models of several classes, which have no one score.
func (e *evaluator) partial(ctx context.Context, b *model.Bundle, x *evaluation.Explained) ([]evaluation.Partial, error) {
	if b.Signature().Task == schema.Multiclass || x.Values == nil {
		return nil, nil
	}
	sum := make([]float64, len(x.Features))
	for i := range sum {
		for _, v := range x.Values[0][i] {
			sum[i] += math.Abs(v)
		}
	}
	order := make([]int, len(sum))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sum[b], sum[a]) })
	step := component.Steps(e.bar.Next(ctx), mostPartial*mostValues)
	var out []evaluation.Partial
	for _, i := range order {
		c := e.stage.In["data"].Table.Column(x.Features[i].Name)
		if c == nil || c.PII || x.Features[i].NGrams != nil || sum[i] == 0 || len(out) == mostPartial {
			continue
		}
		p := evaluation.Partial{Feature: i, At: grid(&x.Features[i], x.Columns[i])}
		for _, value := range p.At {
			scores, err := b.ScoreWith(ctx, x.Columns, i, value, e.stage.Threads)
			if err != nil {
				return nil, err
			}
			n := len(scores)
			p.Mean = append(p.Mean, stat.Mean(scores, nil))
			slices.Sort(scores)
			p.Low, p.High = append(p.Low, scores[n/10]), append(p.High, scores[n-1-n/10])
			step(1)
		}
		if len(p.At) > 1 {
			out = append(out, p)
		}
	}
	return out, nil
}

// leastRows is how many rows a level has to have to be named in a picture.
const leastRows = 20

// grid are the values that a feature takes in a picture: of text the most frequent levels, of a boolean both, of numbers values with the same distance between the
// 5th and the 95th of a hundred, rounded, so that none is that of one row.
func grid(f *model.Feature, values []float64) []float64 {
	count := map[float64]int{}
	var known []float64
	for _, v := range values {
		if v == v {
			count[v]++
			known = append(known, v)
		}
	}
	if f.Categorical() || f.Type == "boolean" {
		levels := slices.Sorted(maps.Keys(count))
		slices.SortStableFunc(levels, func(a, b float64) int { return count[b] - count[a] })
		levels = slices.DeleteFunc(levels, func(v float64) bool { return f.Categorical() && count[v] < leastRows })
		return slices.Sorted(slices.Values(levels[:min(len(levels), mostValues)]))
	}
	if len(known) < leastRows {
		return nil
	}
	slices.Sort(known)
	low, high := known[len(known)/20], known[len(known)-1-len(known)/20]
	var out []float64
	for k := range mostValues {
		out = append(out, rounded(low+(high-low)*float64(k)/(mostValues-1), high-low))
	}
	return slices.Compact(out)
}

// rounded keeps of x what is seen on a scale of that length: two digits more than its first, which makes a hundred to a thousand steps. 0.123456
// on a scale of length 0.5 is 0.123, 123456 on one of 5000 is 123460.
func rounded(x, scale float64) float64 {
	if scale <= 0 {
		return x
	}
	digits := 2 - math.Floor(math.Log10(scale)) // behind the point
	if digits > 0 {
		return math.Round(x*math.Pow(10, digits)) / math.Pow(10, digits)
	}
	return math.Round(x/math.Pow(10, -digits)) * math.Pow(10, -digits)
}
