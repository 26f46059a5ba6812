package evaluation

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// Explained is what a model's scores come from, on some of the rows that count.
type Explained struct {
	*model.Attribution
	Features []model.Feature // the model's, in its order
	Columns  [][]float64     // [feature][row] of the rows that are attributed, as model.Encode makes them
	Partial  []Partial       // of some features
}

// Partial is how the score goes with one feature: every row is scored with each value in turn, all else as it is (J. Friedman, "Greedy function
// approximation: a gradient boosting machine", Annals of Statistics 29, 2001). Scores are probabilities of the positive class, or the predicted value.
type Partial struct {
	Feature         int       // by its place among the features
	At              []float64 // the values; of a feature of text the indices of levels
	Mean, Low, High []float64 // over the rows: the mean score, and between which eight of ten rows lie
}

// mostAttributed is how many features a picture has; figures have all.
const mostAttributed = 20

// CountedRows are the rows that figures rest on, by their place in the data, ascending.
func (e *Evaluation) CountedRows() []int { return e.rows.counted }

// Explain returns the figures of what scores come from, and the part of the report that shows them. The figures are, by feature, the mean of the attributions' absolute
// values over the rows (of several classes, added up over these), in the unit of margins, and the feature's share in their sum.
func (e *Evaluation) Explain(x *Explained) (map[string]any, report.Section) {
	none := "there is no row to explain"
	if len(x.Features) == 0 {
		none = "the model reads no feature"
	}
	mean := make([]float64, len(x.Features))
	total := 0.0
	for f := range mean {
		for o := range x.Values {
			for _, v := range x.Values[o][f] {
				mean[f] += math.Abs(v) / float64(len(x.Values[o][f]))
			}
		}
		if x.rows() == 0 {
			mean[f] = math.NaN() // not 0: a rule that bounds it must not hold because nothing was explained
		}
		total += mean[f]
	}
	attributions, shares := map[string]any{}, map[string]any{}
	for f := range x.Features {
		name := x.Features[f].Name
		why := "the scores of these rows come from no feature"
		if x.rows() == 0 {
			why = none
		}
		attributions[name] = e.number("explain.attributions."+name, mean[f], none)
		shares[name] = e.number("explain.shares."+name, mean[f]/total, why)
	}
	figures := map[string]any{"method": string(x.Method), "rows": x.rows(), "attributions": attributions, "shares": shares}
	if x.Method == "" {
		figures["method"], e.undefined["explain.method"] = nil, none
	}
	section := report.Section{Title: "What the scores come from"}
	if len(x.Features) == 0 {
		section.Items = append(section.Items, report.Note("There is nothing to show: %s.", none))
		return figures, section
	}
	if x.rows() < smallestGroup || total == 0 || math.IsNaN(total) {
		section.Items = append(section.Items, report.Note("Nothing is shown of %s rows, fewer than %d, or of scores that come from no feature.", report.Whole(x.rows()), smallestGroup))
		return figures, section
	}
	order := make([]int, len(x.Features))
	for f := range order {
		order[f] = f
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(mean[b], mean[a]), cmp.Compare(x.Features[a].Name, x.Features[b].Name))
	})
	section.Items = append(section.Items, x.table(order[:min(len(order), mostAttributed)], mean, total, e.unit(x.Unit)))
	for i := range x.Partial {
		section.Items = append(section.Items, report.Item{Plot: x.partial(&x.Partial[i], e.set.Target, e.set.Task)})
	}
	return figures, section
}

// rows is how many rows are attributed; 0 of a model without features.
func (x *Explained) rows() int {
	if len(x.Columns) == 0 {
		return 0
	}
	return len(x.Columns[0])
}

// unit is that of margins, in words: what a model adds up before it makes a prediction of it.
func (e *Evaluation) unit(of model.Unit) string {
	switch {
	case of == model.Probabilities:
		return "probability"
	case e.set.Task == schema.Binary:
		return "log-odds"
	case e.set.Task == schema.Multiclass:
		return "log-odds, added up over the classes"
	case of == model.Logarithms:
		return "the logarithm of the target's unit"
	}
	return "the target's unit"
}

// table has the features by their share, and of those that are numbers whether a greater value makes the score greater. Of several classes it does
// not say that: a value may raise the score of one and lower that of another.
func (x *Explained) table(order []int, mean []float64, total float64, unit string) report.Item {
	t := &report.Table{Title: fmt.Sprintf("Mean absolute attribution on %s rows, in %s (%s)", report.Whole(x.rows()), unit, x.Method),
		Columns: []report.Column{{Name: "feature"}, {Name: "attribution", Kind: report.Number}, {Name: "share", Kind: report.Share}}}
	direction := len(x.Values) == 1
	if direction {
		t.Columns = append(t.Columns, report.Column{Name: "rank correlation of value and attribution", Kind: report.Number})
	}
	for _, f := range order {
		row := []report.Cell{report.Words(x.Features[f].Name), report.Figure(mean[f]), report.Figure(mean[f] / total)}
		if direction {
			row = append(row, x.direction(f))
		}
		t.Rows = append(t.Rows, row)
	}
	return report.Item{Table: t}
}

// direction is Spearman's correlation of a feature's values and their attributions, over the rows where the feature is not missing: 1 where a
// greater value always adds more to the score, -1 where it always adds less. Levels of text have no order, and so no direction.
func (x *Explained) direction(f int) report.Cell {
	if x.Features[f].Categorical() || x.Features[f].Text() {
		return report.Missing("its values have no order")
	}
	var values, attributed []float64
	for r, v := range x.Columns[f] {
		if v == v {
			values, attributed = append(values, v), append(attributed, x.Values[0][f][r])
		}
	}
	rho := stat.Correlation(ranks(values), ranks(attributed), nil)
	if math.IsNaN(rho) {
		return report.Missing("one of the two is the same in all rows")
	}
	return report.Figure(rho)
}

// ranks are the places of values in their order, from 1; equal values share the mean of theirs. Of 5, 2, 5 they are 2.5, 1, 2.5.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	out := make([]float64, len(values))
	for i := 0; i < len(order); {
		end := i
		for end < len(order) && values[order[end]] == values[order[i]] {
			end++
		}
		for _, r := range order[i:end] {
			out[r] = float64(i+1+end) / 2
		}
		i = end
	}
	return out
}

// partial draws how the score goes with a feature: of levels and booleans a point with its range at each, of numbers a line within a band.
func (x *Explained) partial(p *Partial, target string, task schema.Task) *report.Plot {
	f := &x.Features[p.Feature]
	plot := &report.Plot{Title: "Score by " + f.Name,
		Alt: fmt.Sprintf("The mean score of all rows with %s set to each value, and the band of eight rows of ten.", f.Name),
		X:   report.Axis{Label: f.Name}, Y: report.Axis{Label: "predicted " + target}}
	if task == schema.Binary {
		plot.Y = report.Axis{Label: "probability of " + target, Share: true}
	}
	if f.Categorical() || f.Type == "boolean" {
		var at []float64
		for k, code := range p.At {
			name := []string{"false", "true"}[min(int(code), 1)]
			if f.Categorical() {
				name = f.Levels[int(code)]
			}
			plot.X.Categories = append(plot.X.Categories, name)
			at = append(at, float64(k))
		}
		plot.Series = []report.Series{{Name: "mean, and eight rows of ten", Mark: report.Points, X: at, Y: p.Mean, Low: p.Low, High: p.High}}
		return plot
	}
	plot.Series = []report.Series{{Name: "eight rows of ten", Mark: report.Band, X: p.At, Low: p.Low, High: p.High}, {Name: "mean", Mark: report.Line, X: p.At, Y: p.Mean}}
	return plot
}

// Undefined notes why a figure has no value, by its path; the figure is null then.
func (e *Evaluation) Undefined(path, why string) any {
	e.undefined[path] = why
	return nil
}
