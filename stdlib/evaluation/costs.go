package evaluation

import (
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/metric"
)

// CostsDoc says what the block yields.
const CostsDoc = "**Costs.** With a block `costs` the figures of a model of two classes have `costs.mean`, what wrong decisions cost a row on average as the model decides, `costs.none` and `costs.all`, what it costs to decide no row positive, or every row, and `costs.least`, the least that any threshold comes to on these rows, " +
	"with `costs.threshold`. The report has the curve. They have no interval: a cost that gates hold to one is a metric in SQL. `least` is found on the rows it is told of, and so is better there than elsewhere: a threshold is chosen on validation rows, by `decision` of the trainer.\n\n"

// Costs are what a wrong decision of a row costs, each way, in one unit: 5 and 100 of what one call and one lost customer cost.
type Costs struct {
	FalsePositive float64 `json:"false_positive"`
	FalseNegative float64 `json:"false_negative"`
}

// CostsBlock is the nested block costs.
func CostsBlock() schema.Block {
	return schema.Block{Name: "costs", Doc: "What wrong decisions of two classes cost, for figures and a curve over thresholds. Right ones cost nothing.", Body: schema.Body{Attrs: []schema.Attr{
		{Name: "false_positive", Type: schema.Number, Required: true, Doc: "What a row costs that is decided positive, and is not."},
		{Name: "false_negative", Type: schema.Number, Required: true, Doc: "What a row costs that is decided negative, and is positive."},
	}}}
}

// Problems are those of the block for a task.
func (c *Costs) Problems(task schema.Task) []schema.Problem {
	switch {
	case task != schema.Binary:
		return []schema.Problem{{Path: "costs", Summary: fmt.Sprintf("costs are of two classes, and the model's task is %s", task), Hint: "leave the block out, or measure the cost by a metric in SQL"}}
	case c.FalsePositive < 0 || c.FalseNegative < 0:
		return []schema.Problem{{Path: "costs", Summary: "A cost is below 0", Detail: "Right decisions cost nothing here; wrong ones cost something, or nothing."}}
	case c.FalsePositive == 0 && c.FalseNegative == 0:
		return []schema.Problem{{Path: "costs", Summary: "Both costs are 0", Detail: "Every threshold costs the same then."}}
	}
	return nil
}

// CostFigures is the type of what Costs yields.
func CostFigures() *schema.FigureType {
	return schema.Object(map[string]*schema.FigureType{"mean": schema.AtLeast(0), "none": schema.AtLeast(0), "all": schema.AtLeast(0), "least": schema.AtLeast(0), "threshold": schema.Double})
}

// of is the cost of a row on average, of a threshold.
func (c *Costs) of(p metric.Operating) float64 {
	return (float64(c.FalsePositive*p.False) + float64(c.FalseNegative*p.Missed)) / (p.True + p.False + p.Missed + p.Passed)
}

// Costs tells what decisions cost on the rows that count, and what other thresholds would.
func (e *Evaluation) Costs(c *Costs) (figures map[string]any, section report.Section) {
	section.Title = "Costs"
	if few := e.tooFew(len(e.rows.counted), e.positives(nil)); few != "" {
		figures = map[string]any{}
		for _, name := range []string{"mean", "none", "all", "least", "threshold"} {
			figures[name] = e.Undefined("costs."+name, few)
		}
		section.Items = []report.Item{report.Note("There are too few rows: %s.", few)}
		return figures, section
	}
	var now, none, all metric.Operating
	for i, w := range e.sample.Weights() {
		positive, decided := e.sample.Actual[i] == 1, e.sample.Predicted[i] == 1
		switch {
		case positive && decided:
			now.True += w
		case positive:
			now.Missed += w
		case decided:
			now.False += w
		default:
			now.Passed += w
		}
	}
	none = metric.Operating{Missed: now.True + now.Missed, Passed: now.False + now.Passed}
	all = metric.Operating{True: none.Missed, False: none.Passed}
	figures = map[string]any{"mean": c.of(now), "none": c.of(none), "all": c.of(all)}
	t := &report.Table{Title: fmt.Sprintf("A false positive costs %g, a false negative %g; in the mean of all rows:", c.FalsePositive, c.FalseNegative),
		Columns: []report.Column{{Name: "decided"}, {Name: "cost of a row", Kind: report.Number}}, Rows: [][]report.Cell{{report.Words("as the model does"), report.Figure(c.of(now))},
			{report.Words("no row positive"), report.Figure(c.of(none))}, {report.Words("every row positive"), report.Figure(c.of(all))}}}
	section.Items = []report.Item{{Table: t}}
	points, why := e.sample.Thresholds(1), "the model gives no scores"
	if points != nil && max(c.of(none), c.of(all)) == 0 {
		points, why = nil, "the rows are all of one class, of which a wrong decision costs nothing"
	}
	if points == nil {
		figures["least"], figures["threshold"] = e.Undefined("costs.least", why), e.Undefined("costs.threshold", why)
		return figures, section
	}
	least, at := c.of(none), math.NaN()
	most := max(c.of(none), c.of(all)) // points are left out by what they are of this
	var curve thinned
	points.Descending(func(p metric.Operating) {
		x := c.of(p)
		curve.add(p.Threshold, x/most)
		if x < least {
			least, at = x, p.Threshold
		}
	})
	figures["least"] = least
	name := "no row positive, which costs the least here"
	if figures["threshold"] = at; math.IsNaN(at) {
		figures["threshold"] = e.Undefined("costs.threshold", "no threshold costs less than to decide no row positive")
	} else {
		name = fmt.Sprintf("from a score of %.4g on, which costs the least here", at)
	}
	t.Rows = append(t.Rows, []report.Cell{report.Words(name), report.Figure(least)})
	series := report.Series{Name: "cost", Mark: report.Line}
	series.X, series.Y = curve.points()
	for i := range series.Y {
		series.Y[i] = rounded(series.Y[i]*most, 5)
	}
	plot := &report.Plot{Title: "Cost by threshold", Alt: "What wrong decisions cost a row in the mean, by the score from which on a row is decided positive.",
		X: shareAxis("threshold"), Y: report.Axis{Label: "cost of a row", Min: report.At(0)}, Series: []report.Series{
			{Name: "no row positive", Mark: report.Line, X: []float64{0, 1}, Y: []float64{c.of(none), c.of(none)}, Dim: true}, series}}
	if own := e.set.Threshold; !math.IsNaN(own) {
		plot.Alt += fmt.Sprintf(" The model decides from %.4g on.", own)
		plot.Series = append(plot.Series, report.Series{Name: "the model's", Mark: report.Points, X: []float64{own}, Y: []float64{c.of(now)}})
	}
	section.Items = append(section.Items, report.Item{Plot: plot})
	return figures, section
}
