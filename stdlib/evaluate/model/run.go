package model

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/prediction"
)

func run(ctx context.Context, s *component.Stage) error {
	c, err := decode(s.Config)
	if err != nil {
		return fmt.Errorf("configuration of %s: %w", s.Address, err)
	}
	e := &evaluation{config: c, stage: s, undefined: map[string]string{}}
	for _, def := range c.Metrics {
		m, err := metric.New(def)
		if err != nil {
			return fmt.Errorf("configuration of %s: %w", s.Address, err)
		}
		e.metrics = append(e.metrics, m)
	}
	if err := e.read(ctx); err != nil {
		return err
	}
	if c.Champion {
		return e.compare(ctx)
	}
	return e.evaluate(ctx)
}

// evaluation of one model.
type evaluation struct {
	*config
	stage     *component.Stage
	metrics   []*metric.Metric
	layout    prediction.Layout
	set       *prediction.Set
	rows      *rows
	sample    *metric.Sample
	undefined map[string]string // by path of the figure
}

// read reads or makes the predictions, and the rest of the data.
func (e *evaluation) read(ctx context.Context) error {
	shape := e.stage.In["data"].Table
	if shape == nil {
		return fmt.Errorf("%s: the port data has no schema", e.stage.Address)
	}
	data := e.stage.InputTable("data")
	signature, known := e.signature(e.stage.In)
	if e.stage.Has("predictions") && !known {
		return fmt.Errorf("%s: neither task nor target of the predictions is known", e.stage.Address)
	}
	var err error
	if !e.stage.Has("predictions") {
		if e.set, err = prediction.Score(ctx, e.stage.Input("model"), data, e.stage.Threads); err != nil {
			return err
		}
		signature = schema.Model{Task: e.set.Task, Target: e.set.Target}
	}
	if shape.Column(signature.Target) == nil {
		return &component.InputError{Summary: fmt.Sprintf("the data has no column %q, the model's target", signature.Target)}
	}
	if e.rows, err = readRows(ctx, e.config, shape, data, signature.Target); err != nil {
		return err
	}
	if e.set == nil {
		if e.set, err = prediction.Read(ctx, e.stage.InputTable("predictions"), e.rows.total, signature, e.rows.target); err != nil {
			return err
		}
	}
	e.layout = layoutOf(e.stage.In, signature)
	e.sample, err = e.rows.sample(e.set)
	return err
}

// evaluate writes the predictions and the figures.
func (e *evaluation) evaluate(ctx context.Context) error {
	if err := e.writePredictions(ctx); err != nil {
		return err
	}
	sql, err := e.openSQL(ctx, e.set)
	if err != nil {
		return err
	}
	defer sql.Close()
	figures := map[string]any{"rows": len(e.rows.counted), "coverage": e.number("coverage", share(len(e.rows.counted), e.rows.total), "no rows")}
	if e.set.Task == schema.Binary {
		figures["positives"] = e.positives(nil)
		if !math.IsNaN(e.set.Threshold) {
			figures["threshold"] = e.set.Threshold
		}
	}
	few := e.tooFew(len(e.rows.counted), e.positives(nil))
	if figures["metrics"], err = e.values(ctx, "metrics.", e.sample.Weights(), sql, -1, few); err != nil {
		return err
	}
	if figures["intervals"], err = e.intervals(ctx, sql, few); err != nil {
		return err
	}
	if figures["slices"], err = e.slices(ctx, sql); err != nil {
		return err
	}
	if len(e.Fairness) > 0 {
		if figures["fairness"], err = e.fairness(ctx, few); err != nil {
			return err
		}
	}
	figures["undefined"] = e.undefined
	e.stage.Logf("%d of %d rows count", len(e.rows.counted), e.rows.total)
	return e.stage.WriteFigures(figures)
}

func (e *evaluation) writePredictions(ctx context.Context) error {
	out, err := e.stage.OutputTable("predictions")
	if err != nil {
		return err
	}
	if err := e.layout.Write(ctx, e.set, e.stage.InputTable("data"), out); err != nil {
		return err
	}
	return e.checkOrder(ctx, out)
}

// checkOrder makes sure that the predictions lie in the data's order, which a champion's node relies on: it pairs the
// rows of two such tables by their place.
func (e *evaluation) checkOrder(ctx context.Context, path string) error {
	written, err := e.layout.Read(ctx, path, e.set.Classes)
	if err != nil {
		return err
	}
	if !slices.Equal(written.Predicted, e.set.Predicted) || !slices.Equal(written.Score, e.set.Score) {
		return &component.InputError{Summary: fmt.Sprintf("the rows of the data are not in the order of its key (%s)", strings.Join(e.layout.Data.Key, ", ")),
			Detail: "Tables are stored in that order; a dataset block in between puts them in it."}
	}
	return nil
}

// openSQL joins data and predictions if any metric is SQL; else there is nothing to read, and nothing is written.
func (e *evaluation) openSQL(ctx context.Context, set *prediction.Set) (*scored, error) {
	for _, m := range e.metrics {
		if m.SQL != "" {
			return newScored(ctx, e.layout, set, e.rows, e.stage.InputTable("data"))
		}
	}
	return &scored{rows: e.rows}, nil
}

func share(part, whole int) float64 {
	if whole == 0 {
		return math.NaN()
	}
	return float64(part) / float64(whole)
}

// positives counts rows of the positive class, of all that count or of those that a mask marks.
func (e *evaluation) positives(mask []bool) int {
	n := 0
	for i, a := range e.sample.Actual {
		if a == 1 && e.set.Task == schema.Binary && (mask == nil || mask[i]) {
			n++
		}
	}
	return n
}

// tooFew says why figures of so many rows are not given; empty: they are.
func (e *evaluation) tooFew(rows, positives int) string {
	switch {
	case rows < max(e.MinRows, 1):
		return fmt.Sprintf("%d rows, fewer than min_rows = %d", rows, max(e.MinRows, 1))
	case e.set.Task == schema.Binary && positives < e.MinPositives:
		return fmt.Sprintf("%d positives, fewer than min_positives = %d", positives, e.MinPositives)
	}
	return ""
}

// number is a figure: x, or null with a reason where x is not finite.
func (e *evaluation) number(path string, x float64, reason string) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		e.undefined[path] = reason
		return nil
	}
	return x
}

// values computes every metric with the given weights; of SQL metrics over the slice.
func (e *evaluation) values(ctx context.Context, prefix string, w []float64, sql *scored, slice int, few string) (map[string]any, error) {
	out := map[string]any{}
	for _, m := range e.metrics {
		if few != "" {
			out[m.Name], e.undefined[prefix+m.Name] = nil, few
			continue
		}
		x, reason, err := e.value(ctx, m, w, sql, slice)
		if err != nil {
			return nil, err
		}
		if reason != "" {
			x = math.NaN()
		} else {
			reason = "its value is not finite"
		}
		out[m.Name] = e.number(prefix+m.Name, x, reason)
	}
	return out, nil
}

func (e *evaluation) value(ctx context.Context, m *metric.Metric, w []float64, sql *scored, slice int) (x float64, undefined string, err error) {
	if m.SQL == "" {
		x, undefined = m.On(e.sample, w)
		return x, undefined, nil
	}
	x, err = sql.value(ctx, m, slice)
	if math.IsNaN(x) {
		undefined = "its SQL gives null"
	}
	return x, undefined, err
}

func (e *evaluation) slices(ctx context.Context, sql *scored) (map[string]any, error) {
	out := map[string]any{}
	for i, s := range e.Slices {
		mask := e.rows.masks[i]
		w, count := make([]float64, len(mask)), 0
		for k, in := range mask {
			if in {
				w[k], count = e.sample.Weights()[k], count+1
			}
		}
		positives := e.positives(mask)
		figures, err := e.values(ctx, "slices."+s.Name+".", w, sql, i, e.tooFew(count, positives))
		if err != nil {
			return nil, err
		}
		figures["count"] = count
		if e.set.Task == schema.Binary {
			figures["positives"] = positives
		}
		out[s.Name] = figures
	}
	return out, nil
}
