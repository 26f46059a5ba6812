package train

import (
	"context"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// calibrationFigures are how far probabilities are from shares, before and after the calibration. On the rows that it was fitted on that is what the fit came
// to, and no promise; the validation rows had no part in it where they are others.
type calibrationFigures struct {
	Method     model.CalibrationMethod `json:"method"`
	Rows       int                     `json:"rows"`
	Before     probabilityFigures      `json:"before"`
	After      probabilityFigures      `json:"after"`
	Validation *struct {
		Before probabilityFigures `json:"before"`
		After  probabilityFigures `json:"after"`
	} `json:"validation,omitempty"`
	// Groups are those of a calibration by group, on the validation rows, without them on those that curves were fitted on.
	Groups map[string]groupCalibration `json:"groups,omitempty"`

	plot  *report.Plot
	names []string // of groups, in their order
}

// groupCalibration is how true the probabilities of a group are: as the model's scores are, by the curve of all rows, and by the group's own.
type groupCalibration struct {
	Rows   int                `json:"rows"`
	Before probabilityFigures `json:"before"`
	One    probabilityFigures `json:"one_curve"`
	After  probabilityFigures `json:"after"`
}

// probabilityFigures of probabilities. Brier is the mean sum of squared differences from the classes (of two classes, of the positive one alone). Error is the
// expected calibration error: by ten intervals of the probability of the positive class, or of several of the class that is decided for, the mean of |mean probability - share|,
// weighted by rows (Naeini, Cooper and Hauskrecht 2015).
type probabilityFigures struct {
	Brier float64 `json:"brier_score"`
	Error float64 `json:"calibration_error"`
	Loss  float64 `json:"log_loss"`
}

// calibrationType is the type of the figures.
func calibrationType(validated, groups bool) *schema.FigureType {
	of := schema.Object(map[string]*schema.FigureType{"brier_score": schema.Double, "calibration_error": schema.Double, "log_loss": schema.Double})
	fields := map[string]*schema.FigureType{"method": schema.OneOf(string(model.Sigmoid), string(model.Isotonic)), "rows": schema.Count, "before": of, "after": of}
	if validated {
		fields["validation"] = schema.Object(map[string]*schema.FigureType{"before": of, "after": of})
	}
	if groups {
		fields["groups"] = schema.MapOf(schema.Object(map[string]*schema.FigureType{"rows": schema.Count, "before": of, "one_curve": of, "after": of}))
	}
	return schema.Object(fields)
}

// intervals is how many intervals of probabilities are looked at.
const intervals = 10

// bin is an interval of probabilities.
type bin struct{ weight, probability, positive float64 }

// reliability says how probabilities [output][row] are true on rows: those of the set that some groups have as theirs, of nil on all.
func (t *Training) reliability(set *Set, scores [][]float64, groups []int32, group int32) (f probabilityFigures, bins [intervals]bin) {
	total := 0.0
	for r, y := range set.Target {
		if groups != nil && groups[r] != group {
			continue
		}
		w := set.WeightOf(r)
		top, right := 0, 0.0
		for o := range scores {
			of := 0.0
			if len(scores) > 1 && int(y) == o || len(scores) == 1 && y == 1 {
				of = 1
			}
			f.Brier += float64(w * float64((scores[o][r]-of)*(scores[o][r]-of)))
			if o == 0 || scores[o][r] > scores[top][r] {
				top, right = o, of
			}
		}
		p := scores[top][r]
		b := &bins[min(int(p*intervals), intervals-1)]
		b.weight, b.probability, b.positive = b.weight+w, b.probability+float64(w*p), b.positive+float64(w*right)
		f.Loss += float64(w * rowLoss(t.Signature.Task, scores, r, y))
		total += w
	}
	for _, b := range bins {
		f.Error += math.Abs(b.probability-b.positive) / total
	}
	f.Brier, f.Loss = f.Brier/total, f.Loss/total
	return f, bins
}

// measureCalibration compares scores before and after on the calibration rows, and on the validation rows where there are some.
func (t *Training) measureCalibration(ctx context.Context, e model.Estimator, c *model.Calibration) (*calibrationFigures, error) {
	out := &calibrationFigures{Method: c.Method, Rows: c.Rows, plot: &report.Plot{Title: "Reliability", X: report.Axis{Label: "mean probability", Share: true},
		Y: report.Axis{Label: "share", Share: true}}}
	measure := func(set *Set, columns [][]float64, c *model.Calibration, name string) (probabilityFigures, error) {
		scores, err := t.scores(ctx, e, c, set, columns)
		if err != nil {
			return probabilityFigures{}, fmt.Errorf("scoring for the calibration: %w", err)
		}
		f, bins := t.reliability(set, scores, nil, 0)
		s := report.Series{Name: name, Mark: report.Line}
		for _, b := range bins {
			if b.weight > 0 {
				s.X, s.Y = append(s.X, b.probability/b.weight), append(s.Y, b.positive/b.weight)
			}
		}
		out.plot.Series = append(out.plot.Series, s)
		return f, nil
	}
	var err error
	if out.Before, err = measure(t.Calibration, t.Calibration.Columns, nil, "before"); err != nil {
		return nil, err
	}
	if out.After, err = measure(t.Calibration, t.Calibration.Columns, c, "after"); err != nil {
		return nil, err
	}
	of, set, columns := "calibration", t.Calibration, t.Calibration.Columns
	if t.Validation != nil {
		of, out.plot.Series = "validation", nil
		out.Validation = &struct {
			Before probabilityFigures `json:"before"`
			After  probabilityFigures `json:"after"`
		}{}
		set = t.Validation
		if columns, err = t.validationColumns(ctx); err != nil {
			return nil, err
		}
		if out.Validation.Before, err = measure(t.Validation, columns, nil, "before"); err != nil {
			return nil, err
		}
		if out.Validation.After, err = measure(t.Validation, columns, c, "after"); err != nil {
			return nil, err
		}
	}
	if err := t.calibratedGroups(ctx, out, e, c, set, columns); err != nil {
		return nil, err
	}
	out.plot.Alt = fmt.Sprintf("The share of the class by its mean probability, in ten intervals of the %s rows, before and after the calibration.", of)
	out.plot.Series = append(out.plot.Series, report.Series{Name: "as it should be", Mark: report.Line, X: []float64{0, 1}, Y: []float64{0, 1}, Dim: true})
	return out, nil
}

// calibratedGroups measures each group of a calibration by group; of another there is nothing to measure.
func (t *Training) calibratedGroups(ctx context.Context, out *calibrationFigures, e model.Estimator, c *model.Calibration, set *Set, columns [][]float64) error {
	if c.Groups == nil {
		return nil
	}
	one := *c
	one.Groups, one.GroupCurves = nil, nil
	var scores [3][][]float64
	for i, by := range []*model.Calibration{nil, &one, c} {
		var err error
		if scores[i], err = t.scores(ctx, e, by, set, columns); err != nil {
			return fmt.Errorf("scoring for the calibration: %w", err)
		}
	}
	of := t.calibrated.on(set)
	rows := make([]int, len(c.Groups.Values))
	for _, g := range of {
		if g >= 0 {
			rows[g]++
		}
	}
	out.Groups = map[string]groupCalibration{}
	for g, n := range rows {
		if n < smallestGroup {
			continue // a figure of five people tells of each
		}
		name := c.Groups.Name(g)
		f := groupCalibration{Rows: n}
		for i, into := range []*probabilityFigures{&f.Before, &f.One, &f.After} {
			*into, _ = t.reliability(set, scores[i], of, int32(g))
		}
		out.names, out.Groups[name] = append(out.names, name), f
	}
	return nil
}

// groups is a table of the groups' calibration errors; nil without.
func (f *calibrationFigures) groups() *report.Table {
	if len(f.names) == 0 {
		return nil
	}
	t := &report.Table{Title: "Calibration error by group", Columns: []report.Column{{Name: "group"}, {Name: "rows", Kind: report.Count}, {Name: "scores", Kind: report.Number},
		{Name: "one curve", Kind: report.Number}, {Name: "own curve", Kind: report.Number}}}
	for _, name := range f.names {
		g := f.Groups[name]
		t.Rows = append(t.Rows, []report.Cell{report.Words(name), report.Figure(float64(g.Rows)), report.Figure(g.Before.Error), report.Figure(g.One.Error), report.Figure(g.After.Error)})
	}
	return t
}

// section is the calibration in the report.
func (f *calibrationFigures) section() report.Section {
	table := &report.Table{Columns: []report.Column{{Name: "rows"}, {Name: "scores"}, {Name: "Brier score", Kind: report.Number},
		{Name: "calibration error", Kind: report.Number}, {Name: "log loss", Kind: report.Number}}}
	add := func(rows, scores string, p probabilityFigures) {
		table.Rows = append(table.Rows, []report.Cell{report.Words(rows), report.Words(scores), report.Figure(p.Brier), report.Figure(p.Error), report.Figure(p.Loss)})
	}
	add("calibration", "before", f.Before)
	add("calibration", "after", f.After)
	if f.Validation != nil {
		add("validation", "before", f.Validation.Before)
		add("validation", "after", f.Validation.After)
	}
	s := report.Section{Title: "Calibration", Items: []report.Item{
		report.Note("Probabilities are made of scores by a curve (%s) that was fitted on %d rows of their own. On these rows the figures after it say how well it was fitted, and not how it does on others.", f.Method, f.Rows),
		{Table: table}, {Plot: f.plot}}}
	if t := f.groups(); t != nil {
		s.Items = append(s.Items, report.Item{Table: t})
	}
	return s
}
