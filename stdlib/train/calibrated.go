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

	plot *report.Plot
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
func calibrationType(validated bool) *schema.FigureType {
	of := schema.Object(map[string]*schema.FigureType{"brier_score": schema.Double, "calibration_error": schema.Double, "log_loss": schema.Double})
	fields := map[string]*schema.FigureType{"method": schema.OneOf(string(model.Sigmoid), string(model.Isotonic)), "rows": schema.Count, "before": of, "after": of}
	if validated {
		fields["validation"] = schema.Object(map[string]*schema.FigureType{"before": of, "after": of})
	}
	return schema.Object(fields)
}

// intervals is how many intervals of probabilities are looked at.
const intervals = 10

// bin is an interval of probabilities.
type bin struct{ weight, probability, positive float64 }

// reliability says how probabilities [output][row] are true on rows.
func (t *Training) reliability(set *Set, scores [][]float64) (f probabilityFigures, bins [intervals]bin) {
	total := 0.0
	for r, y := range set.Target {
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
	measure := func(set *Set, columns [][]float64, e model.Estimator, name string) (probabilityFigures, error) {
		scores, err := e.Predict(ctx, columns, set.Rows, t.stage.Threads)
		if err != nil {
			return probabilityFigures{}, fmt.Errorf("scoring for the calibration: %w", err)
		}
		f, bins := t.reliability(set, scores)
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
	if out.Before, err = measure(t.Calibration, t.Calibration.Columns, e, "before"); err != nil {
		return nil, err
	}
	if out.After, err = measure(t.Calibration, t.Calibration.Columns, c.Of(e), "after"); err != nil {
		return nil, err
	}
	of := "calibration"
	if t.Validation != nil {
		of, out.plot.Series = "validation", nil
		out.Validation = &struct {
			Before probabilityFigures `json:"before"`
			After  probabilityFigures `json:"after"`
		}{}
		columns, err := t.validationColumns(ctx)
		if err != nil {
			return nil, err
		}
		if out.Validation.Before, err = measure(t.Validation, columns, e, "before"); err != nil {
			return nil, err
		}
		if out.Validation.After, err = measure(t.Validation, columns, c.Of(e), "after"); err != nil {
			return nil, err
		}
	}
	out.plot.Alt = fmt.Sprintf("The share of the class by its mean probability, in ten intervals of the %s rows, before and after the calibration.", of)
	out.plot.Series = append(out.plot.Series, report.Series{Name: "as it should be", Mark: report.Line, X: []float64{0, 1}, Y: []float64{0, 1}, Dim: true})
	return out, nil
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
	return report.Section{Title: "Calibration", Items: []report.Item{
		report.Note("Probabilities are made of scores by a curve (%s) that was fitted on %d rows of their own. On these rows the figures after it say how well it was fitted, and not how it does on others.", f.Method, f.Rows),
		{Table: table}, {Plot: f.plot}}}
}
