package train

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/train/tune"
)

// mostImportant is how many features a picture has; figures have all.
const mostImportant = 30

// report is what was fitted as a document: on how many rows, to which loss, by which features. What a trainer has no figure for, such as
// rounds of a linear model, is left out; a loss that is not defined is shown with its reason. How good the model is an evaluation
// says, on rows that had no part in the fit.
func (t *Training) report(f Figures, of *figuresFile) *report.Report {
	loss := "mean log loss"
	if t.Signature.Task == schema.Regression {
		loss = "root mean squared error"
	}
	if f.Loss != "" {
		loss = f.Loss
	}
	facts := &report.Table{Columns: []report.Column{{Name: "figure"}, {Name: "value", Kind: report.Number}}}
	fact := func(name string, x *float64, why string) {
		c := report.Cell{Value: x}
		if x == nil {
			c.Why = why
		}
		facts.Rows = append(facts.Rows, []report.Cell{report.Words(name), c})
	}
	count := func(name string, n int) { fact(name, report.At(float64(n)), "") }
	count("rows", of.Rows)
	count("rows left out", of.Dropped)
	count("validation rows", of.ValidationRows)
	count("features", len(t.Signature.Features))
	if of.Trees > 0 {
		count("rounds", of.Rounds)
		count("trees", of.Trees)
	}
	fact("training loss", of.TrainingLoss, of.Undefined["training_loss"])
	fact("validation loss", of.ValidationLoss, of.Undefined["validation_loss"])
	if x, ok := of.OutOfBagLoss.(*float64); ok {
		fact("out-of-bag loss", x, of.Undefined["out_of_bag_loss"])
	}
	if of.Threshold != nil {
		fact("threshold", of.Threshold, "")
	}
	facts.Title = "Losses are the " + loss
	out := &report.Report{Title: fmt.Sprintf("Model of %s on %d features", t.Signature.Target, len(t.Signature.Features)),
		Sections: []report.Section{{Title: "Fit", Items: []report.Item{{Table: facts}}}}}
	var plots []report.Item
	if p := curve(f.ByRound, of.Rounds, loss); p != nil {
		plots = append(plots, report.Item{Plot: p})
	}
	if p := t.importance(t.byFeature(f.Importance)); p != nil {
		plots = append(plots, report.Item{Plot: p})
	}
	if len(plots) > 0 {
		out.Sections = append(out.Sections, report.Section{Title: "Learning", Items: plots})
	}
	if f.Members != nil {
		out.Sections = append(out.Sections, members(f.Members))
	}
	if of.Decision != nil {
		out.Sections = append(out.Sections, of.Decision.section())
	}
	if of.Calibration != nil {
		out.Sections = append(out.Sections, of.Calibration.section())
	}
	if t.config.Tuned != nil {
		out.Sections = append(out.Sections, t.config.Tuned.section())
	}
	return out
}

// members are the models that the model is made of.
func members(all []Member) report.Section {
	t := &report.Table{Columns: []report.Column{{Name: "member"}, {Name: "share", Kind: report.Number}, {Name: "made by"}, {Name: "rows", Kind: report.Count}, {Name: "features", Kind: report.Count}}}
	for _, m := range all {
		from := m.Model.Provenance()
		t.Rows = append(t.Rows, []report.Cell{report.Words(m.Name), report.Figure(m.Share), report.Words(from.Component), report.Figure(float64(from.Rows)),
			report.Figure(float64(len(m.Model.Signature().Features)))})
	}
	return report.Section{Title: "Members", Items: []report.Item{{Table: t}}}
}

// section is the trials: the best so far, then all of them, the best first.
func (x *Tuned) section() report.Section {
	best := x.Trials[x.Trial-1]
	what := fmt.Sprintf("Trial %d of %d was chosen: %s %.6g with %s.", x.Trial, len(x.Trials), x.Metric, *best.Value, pointText(x.Point))
	if first := x.Trials[0].Value; first != nil && x.Trial != 1 {
		what += fmt.Sprintf(" The first had %.6g.", *first)
	}
	items := []report.Item{report.Note("%s", what), report.Note("The best of many trials looks better on the rows that it was chosen on than on others.")}
	each := report.Series{Name: "trial", Mark: report.Points, Dim: true}
	so := report.Series{Name: "best so far", Mark: report.Step}
	top := math.NaN()
	for _, tried := range x.Trials {
		if tried.Value == nil {
			continue
		}
		if v := *tried.Value; math.IsNaN(top) || x.More == (v > top) && v != top {
			top = v
		}
		each.X, each.Y = append(each.X, float64(tried.Number)), append(each.Y, *tried.Value)
		so.X, so.Y = append(so.X, float64(tried.Number)), append(so.Y, top)
	}
	if len(so.X) > 1 {
		items = append(items, report.Item{Plot: &report.Plot{Title: "Trials", Alt: fmt.Sprintf("%s of each trial, and the best so far; trial %d was chosen.", x.Metric, x.Trial),
			X: report.Axis{Label: "trial"}, Y: report.Axis{Label: x.Metric}, Series: []report.Series{so, each}}})
	}
	return report.Section{Title: "Tuning", Items: append(items, report.Item{Table: x.table()})}
}

// table has a row for each trial, the best first, those that could not be chosen last.
func (x *Tuned) table() *report.Table {
	var points []tune.Point
	for _, tried := range x.Trials {
		points = append(points, tried.Point)
	}
	names := pointNames(points...)
	out := &report.Table{Columns: []report.Column{{Name: "trial", Kind: report.Count}, {Name: x.Metric, Kind: report.Number}}}
	for _, name := range names {
		out.Columns = append(out.Columns, report.Column{Name: name, Kind: report.Number})
	}
	out.Columns = append(out.Columns, report.Column{Name: "rounds", Kind: report.Count})
	order := slices.Clone(x.Trials)
	slices.SortStableFunc(order, func(a, b Tried) int {
		late := func(t Tried) int {
			switch {
			case t.Value == nil:
				return 2
			case t.Number < x.Last:
				return 1
			}
			return 0
		}
		if c := cmp.Compare(late(a), late(b)); c != 0 || a.Value == nil {
			return c
		}
		if x.More {
			return cmp.Compare(*b.Value, *a.Value)
		}
		return cmp.Compare(*a.Value, *b.Value)
	})
	for _, tried := range order {
		row := []report.Cell{report.Figure(float64(tried.Number)), report.Missing(tried.Undefined["value"])}
		if tried.Value != nil {
			row[1] = report.Figure(*tried.Value)
		}
		for _, name := range names {
			if v, ok := tried.Point[name]; ok {
				row = append(row, report.Figure(v))
			} else {
				row = append(row, report.Missing("does not count"))
			}
		}
		out.Rows = append(out.Rows, append(row, report.Figure(float64(tried.Rounds))))
	}
	return out
}

// mostRounds is how many points a learning curve has; of more rounds it has some, the first and the last among them.
const mostRounds = 500

// curve is the validation loss by round, from 1, and the round that the model ends with, as an upright line. Nil of fewer than two rounds
// with a finite loss, which make no curve: without validation rows there are none.
func curve(byRound []float64, rounds int, loss string) *report.Plot {
	s := report.Series{Name: "validation", Mark: report.Line}
	n := len(byRound)
	count := min(n, mostRounds)
	for k := range count {
		i := k
		if count < n {
			i = k * (n - 1) / (count - 1)
		}
		if x := byRound[i]; !math.IsNaN(x) && !math.IsInf(x, 0) {
			s.X, s.Y = append(s.X, float64(i+1)), append(s.Y, x)
		}
	}
	if len(s.X) < 2 {
		return nil
	}
	end := float64(rounds)
	return &report.Plot{Title: "Learning curve", Alt: fmt.Sprintf("Validation loss by round; the model has %d of %d rounds.", rounds, n),
		X: report.Axis{Label: "round"}, Y: report.Axis{Label: loss},
		Series: []report.Series{{Name: "rounds of the model", Mark: report.Line, X: []float64{end, end}, Y: []float64{slices.Min(s.Y), slices.Max(s.Y)}, Dim: true}, s}}
}

// importance is the share of each feature in what the model goes by, the greatest first; nil where the model has no such figure. Features
// with the same share are in the order of their names, so that a picture does not depend on that of the columns.
func (t *Training) importance(shares []float64) *report.Plot {
	var order []int
	names := t.important()
	for i, x := range shares {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(shares[b], shares[a]), cmp.Compare(names[a], names[b]))
	})
	order = order[:min(len(order), mostImportant)]
	if len(order) == 0 {
		return nil
	}
	p := &report.Plot{Title: "Importance", Alt: fmt.Sprintf("The share of each feature in what the model goes by; %q has the most.", names[order[0]]),
		X: report.Axis{Label: "share", Share: true}}
	s := report.Series{Name: "feature", Mark: report.Bars}
	for k, i := range order {
		p.Y.Categories = append(p.Y.Categories, names[i])
		s.X, s.Y = append(s.X, shares[i]), append(s.Y, float64(k))
	}
	p.Series = []report.Series{s}
	return p
}
