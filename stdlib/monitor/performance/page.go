package performance

import (
	"cmp"
	"maps"
	"math"
	"slices"

	document "github.com/mlp-lang/mlp/lang/report"
)

// section sets the metrics against those of the baseline: both with their intervals, and the difference, the furthest from no difference first.
// How far that is goes by the interval: by how many of its half widths the difference lies beside 0. So 0.02 of [0.01, 0.03], two of them, stands before
// 0.05 of [-0.05, 0.15], half of one.
func (r *report) section() document.Section {
	t := &document.Table{Columns: []document.Column{{Name: "metric"}, {Name: "difference", Kind: document.Number}, {Name: "now", Kind: document.Number}, {Name: "baseline", Kind: document.Number}, {Name: "told apart"}}}
	p := &document.Plot{Title: "Now less the baseline", Alt: "The difference of each metric from the baseline, with its interval, and a line at 0.",
		X: document.Axis{Label: "metric"}, Y: document.Axis{Label: "difference, with its interval"}}
	points, zero := document.Series{Name: "difference", Mark: document.Points}, document.Series{Name: "no difference", Mark: document.Line, Dim: true}
	delta := r.figures["delta"].(map[string]any)
	beside := func(name string) float64 {
		d := between(delta[name].(map[string]any))
		return math.Abs(d.value) / max((d.high-d.low)/2, 1e-300)
	}
	names := slices.Sorted(maps.Keys(delta))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(beside(b), beside(a)) })
	for _, name := range names {
		d, now := between(delta[name].(map[string]any)), r.metrics[name]
		apart := "not known"
		if !math.IsNaN(d.low) && !math.IsNaN(d.high) {
			apart = "no"
			if d.low > 0 || d.high < 0 {
				apart = "yes"
			}
			x := float64(len(p.X.Categories))
			p.X.Categories = append(p.X.Categories, name)
			points.X, points.Y, points.Low, points.High = append(points.X, x), append(points.Y, d.value), append(points.Low, d.low), append(points.High, d.high)
			zero.X, zero.Y = append(zero.X, x), append(zero.Y, 0)
		}
		t.Rows = append(t.Rows, []document.Cell{document.Words(name), r.cell(d, "delta."+name), r.cell(now, "performance."+name), r.cell(r.then[name], "delta."+name), document.Words(apart)})
	}
	out := document.Section{Title: "Against the baseline", Items: []document.Item{
		document.Note("The baseline is what the model was released on: other rows, so that intervals are those of two independent figures. One that contains 0 does not tell now from then."), {Table: t}}}
	if len(points.X) > 0 {
		p.Series = []document.Series{zero, points}
		out.Items = append(out.Items, document.Item{Plot: p})
	}
	return out
}

// expected is what is to be expected by scores alone.
func (r *report) expected() document.Section {
	t := &document.Table{Columns: []document.Column{{Name: "metric"}, {Name: "expected of all", Kind: document.Number}, {Name: "of those with labels", Kind: document.Number}}}
	all := r.figures["estimate"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Rows = append(t.Rows, []document.Cell{document.Words(name), r.cell(between(all[name].(map[string]any)), "estimate."+name), r.cell(r.metrics[name], "performance."+name)})
	}
	return document.Section{Title: "Before labels are there", Items: []document.Item{
		document.Note("What is to be expected of all predictions, if their scores are probabilities. That the same rows turn out otherwise than before is not seen."), {Table: t}}}
}

// between is a figure of delta; what it has not is NaN.
func between(d map[string]any) bounded {
	return bounded{number(d["value"]), number(d["low"]), number(d["high"])}
}

// cell shows a figure at a path, or why it has no value or no interval. That of the baseline has its reason where the difference from it has.
func (r *report) cell(b bounded, path string) document.Cell {
	if math.IsNaN(b.value) {
		return document.Missing(cmp.Or(r.undefined[path+".value"], "undefined"))
	}
	c := document.Figure(b.value)
	if !math.IsNaN(b.low) && !math.IsNaN(b.high) {
		c.Low, c.High = &b.low, &b.high
	} else {
		c.Why = cmp.Or(r.undefined[path+".low"], r.undefined[path+".high"])
	}
	return c
}
