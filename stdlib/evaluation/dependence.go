package evaluation

import (
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// Dependence is how the score goes with one feature, on average and of single rows.
type Dependence struct {
	Feature *model.Feature
	Task    schema.Task
	Target  string
	Rows    int
	At      []float64   // the values; of a feature of text the indices of levels
	Average []float64   // the mean score at each
	Curves  [][]float64 // [row][value]
	// Low and High are between which eight of ten rows lie at each.
	Low, High []float64
}

// Dependence returns the figures of one feature and its picture. Fewer than two values tell nothing.
func (e *Evaluation) Dependence(d *Dependence) (map[string]any, []report.Item) {
	path := "explain.partial_dependence." + d.Feature.Name
	if len(d.At) < 2 || d.Rows < smallestGroup {
		const why = "fewer than two values of the feature can be set"
		return map[string]any{"at": e.Undefined(path+".at", why), "average": e.Undefined(path+".average", why), "range": e.Undefined(path+".range", why)}, nil
	}
	var at any = d.At
	if names := d.levels(); d.Feature.Text() {
		at = names
	}
	figures := map[string]any{"at": at, "average": d.Average, "range": slices.Max(d.Average) - slices.Min(d.Average)}
	return figures, []report.Item{{Plot: d.picture()}}
}

// picture shows numbers as a line over the curves of single rows; values without an order, which no line joins, as points with the range of eight rows of ten.
func (d *Dependence) picture() *report.Plot {
	score := report.Axis{Label: "predicted " + d.Target}
	if d.Task == schema.Binary {
		score = report.Axis{Label: "probability of " + d.Target, Share: true}
	}
	p := &report.Plot{Title: "Partial dependence on " + d.Feature.Name}
	if names := d.levels(); names != nil {
		p.Alt = fmt.Sprintf("The mean score of %s rows with %s set to each value, and the range of eight rows of ten.", report.Whole(d.Rows), d.Feature.Name)
		p.X, p.Y = score, report.Axis{Label: d.Feature.Name, Categories: names}
		y := make([]float64, len(names))
		for k := range y {
			y[k] = float64(k)
		}
		p.Series = []report.Series{{Name: "mean, and eight rows of ten", Mark: report.Points, X: d.Average, Y: y, Low: d.Low, High: d.High}}
		return p
	}
	p.Alt = fmt.Sprintf("The mean score of %s rows with %s set to each value, over the curves of %d of them.", report.Whole(d.Rows), d.Feature.Name, len(d.Curves))
	p.X, p.Y = report.Axis{Label: d.Feature.Name}, score
	for _, curve := range d.Curves {
		short := make([]float64, len(curve))
		for k := range curve {
			short[k] = rounded(curve[k], 3)
		}
		p.Series = append(p.Series, report.Series{Name: "single rows", Mark: report.Line, X: d.At, Y: short, Dim: true})
	}
	p.Series = append(p.Series, report.Series{Name: "mean", Mark: report.Line, X: d.At, Y: d.Average})
	return p
}

// levels are the names of the values, nil of numbers.
func (d *Dependence) levels() []string {
	var out []string
	for _, code := range d.At {
		switch {
		case d.Feature.Text():
			out = append(out, d.Feature.Levels[int(code)])
		case d.Feature.Type == "boolean":
			out = append(out, []string{"false", "true"}[min(int(code), 1)])
		}
	}
	return out
}
