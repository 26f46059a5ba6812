package evaluation

import (
	"cmp"
	"math"
	"slices"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/prediction"
)

// Part is some of the rows that count, to measure predictions on that are made anew.
type Part struct {
	of      *Evaluation
	rows    *rows
	metrics []*metric.Metric // those that are no SQL, by name
}

// Part returns the rows at these places of the data, all of which count.
func (e *Evaluation) Part(places []int) *Part {
	target := (&frame.Frame{Columns: []frame.Column{*e.rows.target}}).Take(places)
	p := &Part{of: e, rows: &rows{total: len(places), target: &target.Columns[0], counted: make([]int, len(places))}}
	for k := range places {
		p.rows.counted[k] = k
	}
	if e.rows.weight != nil {
		p.rows.weight = make([]float64, len(places))
		for k, place := range places {
			at, _ := slices.BinarySearch(e.rows.counted, place)
			p.rows.weight[k] = e.rows.weight[at]
		}
	}
	p.metrics = slices.DeleteFunc(slices.Clone(e.metrics), func(m *metric.Metric) bool { return m.SQL != "" })
	slices.SortFunc(p.metrics, func(a, b *metric.Metric) int { return cmp.Compare(a.Name, b.Name) })
	return p
}

// Measure computes the metrics that are no SQL, by name, of predictions of these rows in their order. NaN is undefined, and why has the reason.
func (p *Part) Measure(s *prediction.Set) (values []float64, why []string, err error) {
	var unseen []string
	if s.Task == schema.Multiclass {
		unseen, _ = prediction.Unseen(p.rows.target, s.Classes, p.rows.counted)
	}
	sample, err := p.rows.sample(s, unseen)
	if err != nil {
		return nil, nil, err
	}
	positives := 0
	for i, a := range sample.Actual {
		if a == 1 && sample.Weights()[i] > 0 {
			positives++
		}
	}
	values, why = make([]float64, len(p.metrics)), make([]string, len(p.metrics))
	few := p.of.tooFew(sample.Rows(), positives)
	for i, m := range p.metrics {
		if why[i] = few; few == "" {
			values[i], why[i] = m.On(sample, sample.Weights())
		}
		if why[i] != "" {
			values[i] = math.NaN()
		}
	}
	return values, why, nil
}

// Permuted is how much worse the metrics become where a feature's values are permuted among the rows (Breiman, "Random forests", Machine Learning 45, 2001;
// Fisher, Rudin and Dominici, JMLR 20, 2019).
type Permuted struct {
	Features []string
	Rows     int
	Repeats  [][][]float64 // [metric][feature][repeat]: how much worse, NaN where undefined
	Why      []string      // by metric: why it is undefined of the rows as they are
}

// ImportanceFigures is the type of the figures of Importance.
func (c *Checker) ImportanceFigures(features []string) *schema.FigureType {
	out := map[string]*schema.FigureType{}
	for _, m := range c.fitting() {
		if m.SQL == "" {
			out[m.Name] = schema.KeyedMap(Bounded(), features...)
		}
	}
	return schema.Object(out)
}

// Importance are the figures by metric and feature, and what the report shows: the mean over the repeats, and Student's interval of it, which is about the chance of
// permutations and not of rows.
func (e *Evaluation) Importance(p *Part, x *Permuted) (map[string]any, []report.Item) {
	figures := map[string]any{}
	var items []report.Item
	for i, m := range p.metrics {
		of := map[string]any{}
		mean, low, high := make([]float64, len(x.Features)), make([]float64, len(x.Features)), make([]float64, len(x.Features))
		for f, name := range x.Features {
			path := "explain.permutation." + m.Name + "." + name
			why := cmp.Or(x.Why[i], "the metric is undefined of some permutation")
			mean[f], low[f], high[f] = metric.MeanInterval(x.Repeats[i][f], e.Intervals.Confidence)
			of[name] = map[string]any{"value": e.number(path+".value", mean[f], why), "low": e.number(path+".low", low[f], why), "high": e.number(path+".high", high[f], why)}
		}
		figures[m.Name] = of
		if x.Why[i] == "" && x.Rows >= smallestGroup {
			items = append(items, x.picture(m, mean, low, high)...)
		}
	}
	return figures, items
}

// picture shows the features that the metric rests on most, the first on top.
func (x *Permuted) picture(m *metric.Metric, mean, low, high []float64) []report.Item {
	order := make([]int, len(mean))
	for f := range order {
		order[f] = f
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(mean[b], mean[a]), cmp.Compare(x.Features[a], x.Features[b]))
	})
	order = slices.DeleteFunc(order, func(f int) bool { return math.IsNaN(mean[f]) })
	order = order[:min(len(order), mostAttributed)]
	if len(order) == 0 {
		return nil
	}
	word := "falls"
	if !m.Greater {
		word = "rises"
	}
	title := "How much " + m.Name + " " + word + " where a feature is permuted"
	p := &report.Plot{Title: title, Alt: "Of each feature the mean over the permutations, with its interval.", X: report.Axis{Label: m.Name + " " + word + " by"}}
	s := report.Series{Name: "feature", Mark: report.Points}
	t := &report.Table{Title: title + ", on " + report.Whole(x.Rows) + " rows", Columns: []report.Column{{Name: "feature"}, {Name: "importance", Kind: report.Number}}}
	for k, f := range order {
		p.Y.Categories = append(p.Y.Categories, x.Features[f])
		s.X, s.Y = append(s.X, mean[f]), append(s.Y, float64(k))
		s.Low, s.High = append(s.Low, low[f]), append(s.High, high[f])
		t.Rows = append(t.Rows, []report.Cell{report.Words(x.Features[f]), {Value: report.At(mean[f]), Low: report.At(low[f]), High: report.At(high[f])}})
	}
	p.Series = []report.Series{{Name: "no change", Mark: report.Line, X: []float64{0, 0}, Y: []float64{-0.5, float64(len(order)) - 0.5}, Dim: true}, s}
	return []report.Item{{Table: t}, {Plot: p}}
}

// Worse is how much worse a metric became, by its place: above 0 where it did, whatever is better of it.
func (p *Part) Worse(i int, before, after float64) float64 {
	if p.metrics[i].Greater {
		return before - after
	}
	return after - before
}
