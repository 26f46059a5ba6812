package performance

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/evaluation"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/prediction"
)

// What metrics are to be expected of predictions whose labels are not there yet.
//
// If scores are probabilities, a row with the score 0.8 is a positive in 80 of 100 cases. So it counts as two rows, a positive with the weight 0.8 and a negative with 0.2, and metrics are computed of these (Garg et al. 2022; NannyML calls it CBPE):
//
//	score  predicted        actual  weight
//	0.8    true        →    1       0.8     a hit to be expected
//	                        0       0.2     a false alarm to be expected
//
// The interval is of the metric once the labels are there: rows are drawn with replacement, and each draw's label by its score. It does not hold what may be wrong with the scores: where what is decided about has moved so that scores are no
// probabilities any more (another share of positives among rows that look the same), the estimate is wrong and its interval too.

// estimated are the metrics to be expected of a set, by name; those in SQL, and of rows without a score, are left out.
func (c *config) estimated(ctx context.Context, set *prediction.Set) (map[string]bounded, error) {
	d := &metric.Data{Task: schema.Binary, Classes: 2, Names: set.Classes}
	for row, score := range set.Score {
		if math.IsNaN(score) || math.IsNaN(set.Predicted[row]) {
			continue
		}
		for _, actual := range []float64{1, 0} {
			d.Actual, d.Predicted, d.Score = append(d.Actual, actual), append(d.Predicted, set.Predicted[row]), append(d.Score, score)
			d.Weight = append(d.Weight, math.Abs(1-actual-score))
		}
	}
	metrics, err := c.estimates()
	if err != nil || len(d.Actual) < 2*max(c.MinRows, 1) {
		return nil, err
	}
	s, err := metric.NewSample(d)
	if err != nil {
		return nil, err
	}
	out, draws := map[string]bounded{}, map[string][]float64{}
	for _, m := range metrics {
		value, undefined := m.On(s, d.Weight)
		if undefined != "" {
			value = math.NaN()
		}
		out[m.Name] = bounded{value, math.NaN(), math.NaN()}
	}
	step := component.Steps(ctx, c.Intervals.Resamples)
	rows, w := len(d.Actual)/2, make([]float64, len(d.Actual))
	for resample := range c.Intervals.Resamples {
		clear(w)
		chance := rand.New(rand.NewPCG(uint64(c.Seed), uint64(resample)))
		for range rows {
			row := chance.IntN(rows)
			negative := 0
			if chance.Float64() >= d.Score[2*row] {
				negative = 1
			}
			w[2*row+negative]++
		}
		for _, m := range metrics {
			if x, undefined := m.On(s, w); undefined == "" {
				draws[m.Name] = append(draws[m.Name], x)
			}
		}
		if step(1); ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	for name, all := range draws {
		if len(all) < c.Intervals.Resamples || math.IsNaN(out[name].value) { // undefined in some: an interval of the others would be too narrow
			continue
		}
		slices.Sort(all)
		tail := int((1 - c.Intervals.Confidence) / 2 * float64(len(all)))
		b := out[name]
		b.low, b.high = min(all[tail], b.value), max(all[len(all)-1-tail], b.value)
		out[name] = b
	}
	return out, nil
}

// estimates are the metrics that can be expected by scores alone.
func (c *config) estimates() ([]*metric.Metric, error) {
	var out []*metric.Metric
	for _, def := range c.Metrics {
		m, err := metric.New(def)
		if err != nil {
			return nil, err
		}
		if m.SQL == "" {
			out = append(out, m)
		}
	}
	return out, nil
}

// estimateFigures is the type of what rules see of estimates.
func (c *config) estimateFigures() *schema.FigureType {
	fields := map[string]*schema.FigureType{}
	metrics, _ := c.estimates() // a definition that cannot be read is told elsewhere
	for _, m := range metrics {
		fields[m.Name] = evaluation.Bounded()
	}
	return schema.Object(fields)
}

// checkEstimate holds a block that asks for estimates to have probabilities.
func (k *checker) checkEstimate() {
	if !k.config.Estimate {
		return
	}
	switch {
	case k.Model.Task != schema.Binary:
		k.report(schema.Problem{Path: "estimate", Summary: "Estimates are of binary classification", Detail: "They take scores for the probability of the positive class."})
	case k.predictions != nil && k.config.columns(k.Model.Task, k.predictions)["score"] == nil:
		k.report(schema.Problem{Path: "estimate", Summary: "Without scores nothing can be expected of predictions", Hint: `say which column has them: score = "…"`})
	}
}

// estimate adds the figures, with a reason for each that is undefined.
func (r *report) estimate(c *config, found map[string]bounded) {
	all := map[string]any{}
	metrics, _ := c.estimates()
	for _, m := range metrics {
		b, ok := found[m.Name]
		if !ok {
			b = bounded{math.NaN(), math.NaN(), math.NaN()}
		}
		figure := map[string]any{}
		for name, x := range map[string]float64{"value": b.value, "low": b.low, "high": b.high} {
			if figure[name] = any(x); math.IsNaN(x) {
				figure[name] = nil
				r.undefined["estimate."+m.Name+"."+name] = "too few rows have a score, or what is drawn of them leaves it undefined"
			}
		}
		all[m.Name] = figure
	}
	r.figures["estimate"] = all
}
