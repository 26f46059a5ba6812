package evaluation

// The curves of a report.
//
// A curve through all scores has a point a row; a picture of 340 units shows far fewer. thin keeps the ends, and of the points between those
// that are a picture's unit or more from the last one kept, so that a curve looks the same and a report of a million rows is a few kilobytes.
//
// Calibration goes by ten groups of rows, by tenths of the score; one of fewer than 20 rows goes together with the next. Predicted is the mean
// score of a group, observed the share of the class in it, with Wilson's interval (1927). The expected calibration error is the mean
// distance of the two, weighted by the groups (Naeini, Cooper and Hauskrecht 2015).

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/radix"
	"gonum.org/v1/gonum/stat/distuv"
)

// unit is how far apart points of a curve are that a picture tells apart, in shares of its width.
const unit = 1.0 / 200

// thinned is a curve, both axes being from 0 to 1, without the points that lie on the last one kept. The first and the last stay.
type thinned struct {
	x, y     []float64
	last     [2]float64
	leftLast bool
}

// add adds the next point.
func (t *thinned) add(x, y float64) {
	n := len(t.x)
	if t.leftLast = n > 0 && !(math.Abs(x-t.x[n-1]) >= unit) && !(math.Abs(y-t.y[n-1]) >= unit); t.leftLast {
		t.last = [2]float64{x, y}
		return
	}
	t.x, t.y = append(t.x, rounded(x, 5)), append(t.y, rounded(y, 5))
}

// points are those of the curve, once all are added.
func (t *thinned) points() (x, y []float64) {
	if t.leftLast {
		t.leftLast = false
		t.x, t.y = append(t.x, rounded(t.last[0], 5)), append(t.y, rounded(t.last[1], 5))
	}
	return t.x, t.y
}

// shareAxis goes from 0 to 1.
func shareAxis(label string) report.Axis {
	return report.Axis{Label: label, Min: report.At(0), Max: report.At(1), Share: true}
}

// rocSeries is the curve of a class against the rest; false where there is none: without scores, or where all rows are of the class or none is.
// It goes from (0, 0) to (1, 1), a point for each score that a row has.
func (r *reporter) rocSeries(class int, name string) (report.Series, bool) {
	points := r.sample.Thresholds(class)
	if points == nil {
		return report.Series{}, false
	}
	positive, negative := points.Of()
	if positive == 0 || negative == 0 {
		return report.Series{}, false
	}
	var curve thinned
	curve.add(0, 0)
	points.Descending(func(p metric.Operating) { curve.add(p.False/negative, p.True/positive) })
	s := report.Series{Name: name, Mark: report.Line}
	s.X, s.Y = curve.points()
	return s, true
}

// chance is the diagonal.
func chance() report.Series {
	return report.Series{Name: "chance", Mark: report.Line, X: []float64{0, 1}, Y: []float64{0, 1}, Dim: true}
}

// binary are the curves and counts of a task of two classes.
func (r *reporter) binary() []report.Item {
	items := []report.Item{r.confusion()}
	points := r.sample.Thresholds(1)
	if points == nil {
		return items
	}
	if positive, negative := points.Of(); positive+negative == 0 {
		return items
	}
	roc, ok := r.rocSeries(1, "model")
	if !ok {
		return append(items, report.Note("The rows are all of one class: there are no curves."))
	}
	items = append(items,
		report.Item{Plot: &report.Plot{Title: "ROC", Alt: "True positive rate by false positive rate, over all thresholds.",
			X: shareAxis("false positive rate"), Y: shareAxis("true positive rate"), Series: []report.Series{chance(), roc}}},
		report.Item{Plot: r.precisionRecall(points)},
		report.Item{Plot: r.thresholds(points)})
	if p := r.calibration(); p != nil {
		items = append(items, report.Item{Plot: p})
	}
	return append(items, report.Item{Plot: r.scores()})
}

// precisionRecall begins at the highest score; its reference is the share of the class, which is the precision of choosing rows by chance.
func (r *reporter) precisionRecall(points *metric.Thresholds) *report.Plot {
	positive, negative := points.Of()
	var curve thinned
	points.Descending(func(p metric.Operating) { curve.add(p.True/positive, p.True/(p.True+p.False)) })
	s := report.Series{Name: "model", Mark: report.Line}
	s.X, s.Y = curve.points()
	base := positive / (positive + negative)
	return &report.Plot{Title: "Precision and recall", Alt: fmt.Sprintf("Precision by recall, over all thresholds; %.3g %% of the rows are positive.", 100*base),
		X: shareAxis("recall"), Y: shareAxis("precision"),
		Series: []report.Series{{Name: "share of positives", Mark: report.Line, X: []float64{0, 1}, Y: []float64{base, base}, Dim: true}, s}}
}

// thresholds shows what other thresholds would come to, and which one is the model's.
func (r *reporter) thresholds(points *metric.Thresholds) *report.Plot {
	series := []report.Series{{Name: "precision", Mark: report.Line}, {Name: "recall", Mark: report.Line}, {Name: "F1", Mark: report.Line}, {Name: "selected rows", Mark: report.Line}}
	var curves [4]thinned
	points.Ascending(func(p metric.Operating) {
		selected, positives := p.True+p.False, p.True+p.Missed
		for i, y := range [4]float64{p.True / selected, p.True / positives, 2 * p.True / (selected + positives), selected / (selected + p.Missed + p.Passed)} {
			curves[i].add(p.Threshold, y)
		}
	})
	for i := range series {
		series[i].X, series[i].Y = curves[i].points()
	}
	plot := &report.Plot{Title: "By threshold", Alt: "Precision, recall, F1 and the share of rows that are selected, by the score from which on a row is decided positive.",
		X: shareAxis("threshold"), Y: shareAxis("share"), Series: series}
	if t := r.set.Threshold; !math.IsNaN(t) {
		plot.Alt += fmt.Sprintf(" The model decides from %.4g on.", t)
		plot.Series = append([]report.Series{{Name: "the model's", Mark: report.Line, X: []float64{t, t}, Y: []float64{0, 1}, Dim: true}}, series...)
	}
	return plot
}

// calibration compares what the scores say with what was; nil where rows are too few for two groups. With weights a group counts as
// as many rows as give an interval of that width, (Σw)²/Σw² (Kish 1965).
func (r *reporter) calibration() *report.Plot {
	const bins = 10
	type group struct{ rows, weight, squares, score, positive float64 }
	var all [bins]group
	s := r.sample
	for i, w := range s.Weights() {
		if w > 0 {
			g := &all[min(int(s.Score[i]*bins), bins-1)]
			g.rows, g.weight, g.squares, g.score, g.positive = g.rows+1, g.weight+w, g.squares+w*w, g.score+w*s.Score[i], g.positive+w*s.Actual[i]
		}
	}
	// A group of too few rows goes together with the next one, and the last with the one before.
	var groups []group
	open := false
	for _, g := range all {
		if open {
			last := &groups[len(groups)-1]
			g = group{last.rows + g.rows, last.weight + g.weight, last.squares + g.squares, last.score + g.score, last.positive + g.positive}
			groups = groups[:len(groups)-1]
		}
		groups, open = append(groups, g), g.rows < smallestGroup
	}
	if n := len(groups); open && n > 1 {
		a, b := groups[n-2], groups[n-1]
		groups = append(groups[:n-2], group{a.rows + b.rows, a.weight + b.weight, a.squares + b.squares, a.score + b.score, a.positive + b.positive})
	}
	if len(groups) < 2 {
		return nil
	}
	points := report.Series{Name: "observed", Mark: report.Points}
	var off, total float64
	for _, g := range groups {
		low, high := wilson(g.positive/g.weight, g.weight*g.weight/g.squares, r.Intervals.Confidence)
		points.X, points.Y = append(points.X, rounded(g.score/g.weight, 5)), append(points.Y, rounded(g.positive/g.weight, 5))
		points.Low, points.High = append(points.Low, rounded(low, 5)), append(points.High, rounded(high, 5))
		off, total = off+math.Abs(g.score-g.positive), total+g.weight
	}
	return &report.Plot{Title: "Calibration", Alt: fmt.Sprintf("The share that is positive by the score, in %d groups of rows. Expected calibration error %.3g.", len(points.X), off/total),
		X: shareAxis("mean score"), Y: shareAxis("positive"),
		Series: []report.Series{{Name: "calibrated", Mark: report.Line, X: []float64{0, 1}, Y: []float64{0, 1}, Dim: true}, points}}
}

// wilson is the score interval of a share p of n rows, within 0 and 1. Other than p ± z·√(p(1-p)/n) it is right for shares near 0, where that has
// no width at all: of 0 positive among 20 rows it goes to 0.16 with a confidence of 0.95.
func wilson(p, n, confidence float64) (low, high float64) {
	z := distuv.UnitNormal.Quantile((1 + confidence) / 2)
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(middle-half, 0), min(middle+half, 1)
}

// scores is how the scores of either class are spread, in 20 bins, each class in shares of its own rows: a class that few rows have is seen
// beside one that most have.
func (r *reporter) scores() *report.Plot {
	const bins = 20
	p := &report.Plot{Title: "Scores", Alt: "How the scores of the rows of either class are spread.",
		X: shareAxis("score"), Y: report.Axis{Label: "share of the class", Share: true, Min: report.At(0)}}
	for class := range 2 {
		var count [bins]float64
		total := 0.0
		for i, w := range r.sample.Weights() {
			if int(r.sample.Actual[i]) == class {
				count[min(int(r.sample.Score[i]*bins), bins-1)] += w
				total += w
			}
		}
		s := report.Series{Name: r.class(float64(class)), Mark: report.Bars}
		for b, n := range count {
			s.X, s.Y = append(s.X, (float64(b)+0.5)/bins), append(s.Y, rounded(n/max(total, 1e-300), 5))
		}
		p.Series = append(p.Series, s)
	}
	return p
}

// confusion is the table of actual and predicted classes, shaded by how many rows a cell has; of more than mostConfused classes only the pairs
// that are confused most. Rows count by their weights.
func (r *reporter) confusion() report.Item {
	s := r.sample
	k := s.Classes
	cells := make([]float64, k*k)
	for i, w := range s.Weights() {
		cells[int(s.Actual[i])*k+int(s.Predicted[i])] += w
	}
	if k > mostConfused {
		return r.confused(cells, k)
	}
	t := &report.Table{Title: "Rows by actual class (down) and predicted class", Heat: true, Columns: []report.Column{{Name: "actual"}}}
	for c := range k {
		t.Columns = append(t.Columns, report.Column{Name: r.class(float64(c)), Kind: report.Count})
	}
	for a := range k {
		row := []report.Cell{report.Words(r.class(float64(a)))}
		for p := range k {
			row = append(row, report.Figure(cells[a*k+p]))
		}
		t.Rows = append(t.Rows, row)
	}
	return report.Item{Table: t}
}

// confused lists the pairs of classes that are taken for each other most.
func (r *reporter) confused(cells []float64, k int) report.Item {
	t := &report.Table{Title: "Classes that are taken for others most", Columns: []report.Column{{Name: "actual"}, {Name: "predicted"}, {Name: "rows", Kind: report.Count}}}
	var order []int
	for i, n := range cells {
		if i/k != i%k && n > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(cells[b], cells[a]) })
	for _, i := range order[:min(len(order), mostConfused)] {
		t.Rows = append(t.Rows, []report.Cell{report.Words(r.class(float64(i / k))), report.Words(r.class(float64(i % k))), report.Figure(cells[i])})
	}
	return report.Item{Table: t}
}

// multiclass are the figures and curves of each class against the rest. All classes are in the table, the first mostClasses that have a curve in
// the picture: lines of more colours are not told apart.
func (r *reporter) multiclass() []report.Item {
	items := []report.Item{r.confusion(), {Table: r.classTable()}}
	p := &report.Plot{Title: "ROC of each class against the rest", X: shareAxis("false positive rate"), Y: shareAxis("true positive rate"), Series: []report.Series{chance()}}
	for c := 0; c < len(r.set.Classes) && len(p.Series) <= mostClasses; c++ {
		if s, ok := r.rocSeries(c, r.class(float64(c))); ok && r.sample.Scores != nil {
			p.Series = append(p.Series, s)
		}
	}
	if len(p.Series) > 1 {
		p.Alt = fmt.Sprintf("True positive rate by false positive rate of %d of %d classes.", len(p.Series)-1, len(r.set.Classes))
		items = append(items, report.Item{Plot: p})
	}
	return items
}

// classTable has precision and recall of each class, the class with the least recall first.
func (r *reporter) classTable() *report.Table {
	t := &report.Table{Columns: []report.Column{{Name: "class"}, {Name: "rows", Kind: report.Count}, {Name: "precision", Kind: report.Number}, {Name: "recall", Kind: report.Number}}}
	s := r.sample
	for c := range s.Classes {
		var actual, predicted, both float64
		for i, w := range s.Weights() {
			isActual, isPredicted := int(s.Actual[i]) == c, int(s.Predicted[i]) == c
			if isActual {
				actual += w
			}
			if isPredicted {
				predicted += w
			}
			if isActual && isPredicted {
				both += w
			}
		}
		ratio := func(whole float64, why string) report.Cell {
			if whole == 0 {
				return report.Missing(why)
			}
			return report.Figure(rounded(both/whole, 5))
		}
		t.Rows = append(t.Rows, []report.Cell{report.Words(r.class(float64(c))), report.Figure(actual), ratio(predicted, "never predicted"), ratio(actual, "no row is of it")})
	}
	slices.SortStableFunc(t.Rows, func(a, b []report.Cell) int { return worse(a[3], b[3], true) })
	return t
}

// errors are the pictures of a regression: predictions against what was, and how errors are spread.
func (r *reporter) errors() []report.Item {
	if len(r.rows.counted) < 2*smallestGroup {
		return nil
	}
	return []report.Item{{Plot: r.predicted()}, {Plot: r.residuals()}}
}

// predicted has the actual values in up to 20 groups of rows by their prediction, of 20 rows or more each.
func (r *reporter) predicted() *report.Plot {
	s := r.sample
	order := radix.Ascending(s.Predicted)
	groups := min(20, len(order)/smallestGroup)
	band, middle := report.Series{Name: "80 % of the rows", Mark: report.Band}, report.Series{Name: "median", Mark: report.Line}
	for g := range groups {
		of := order[g*len(order)/groups : (g+1)*len(order)/groups]
		actual := make([]float64, len(of))
		mean := 0.0
		for k, i := range of {
			actual[k] = s.Actual[i]
			mean += s.Predicted[i] / float64(len(of))
		}
		slices.Sort(actual)
		mean = rounded(mean, 5)
		band.X, middle.X = append(band.X, mean), append(middle.X, mean)
		band.Low, band.High = append(band.Low, rounded(quantile(actual, 0.1), 5)), append(band.High, rounded(quantile(actual, 0.9), 5))
		middle.Y = append(middle.Y, rounded(quantile(actual, 0.5), 5))
	}
	ideal := report.Series{Name: "as predicted", Mark: report.Line, X: []float64{middle.X[0], middle.X[len(middle.X)-1]}, Dim: true}
	ideal.Y = ideal.X
	return &report.Plot{Title: "Actual values by prediction", Alt: fmt.Sprintf("Median and middle 80 %% of the actual values in %d groups of rows, by their prediction.", groups),
		X: report.Axis{Label: "predicted"}, Y: report.Axis{Label: "actual"}, Series: []report.Series{band, ideal, middle}}
}

// quantile of sorted values, by linear interpolation between neighbours (Hyndman and Fan 1996, type 7).
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// residuals is how errors are spread, in 30 bins between their 1st and 99th percentile: a single error of a thousand would else press all others
// into one bin. Shares are of all rows, those beyond the ends too.
func (r *reporter) residuals() *report.Plot {
	const bins = 30
	s := r.sample
	errors := make([]float64, s.Rows())
	for i := range errors {
		errors[i] = r.signed(i)
	}
	slices.Sort(errors)
	low, high := quantile(errors, 0.01), quantile(errors, 0.99)
	p := &report.Plot{Title: "Errors", Alt: fmt.Sprintf("How predicted less actual is spread between its 1st and 99th percentile; median %.3g.", quantile(errors, 0.5)),
		X: report.Axis{Label: "predicted less actual"}, Y: report.Axis{Label: "share of rows", Share: true, Min: report.At(0)}}
	if low == high {
		p.Series = []report.Series{{Name: "rows", Mark: report.Bars, X: []float64{low}, Y: []float64{1}}}
		return p
	}
	var count [bins]float64
	for _, x := range errors {
		if x >= low && x <= high {
			count[min(int((x-low)/(high-low)*bins), bins-1)]++
		}
	}
	out := report.Series{Name: "rows", Mark: report.Bars}
	for b, n := range count {
		out.X, out.Y = append(out.X, rounded(low+(float64(b)+0.5)*(high-low)/bins, 5)), append(out.Y, rounded(n/float64(len(errors)), 5))
	}
	p.Series = []report.Series{out}
	return p
}
