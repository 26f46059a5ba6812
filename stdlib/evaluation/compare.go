package evaluation

import (
	"context"
	"math"

	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/prediction"
)

// Compare returns the figures of a comparison with a challenger, whose predictions of the same rows are s: this model's
// metrics, and delta, challenger minus this model. Both are computed on the rows that both models have predictions for: if
// this model leaves out row 3 and the challenger row 5, neither counts. The Evaluation is changed by that, and ends with it.
func (e *Evaluation) Compare(ctx context.Context, s *prediction.Set, l prediction.Layout) (map[string]any, error) {
	other := *e
	challenger := &other
	if err := challenger.Take(s, l); err != nil {
		return nil, err
	}
	var err error
	unseen, _ := e.unseen(e.set)
	if e.sample, err = e.rows.sample(e.set, unseen); err != nil { // both go by the rows that both have predictions for
		return nil, err
	}
	before, err := e.openSQL(ctx, e.set)
	if err != nil {
		return nil, err
	}
	defer before.Close()
	after, err := e.openSQL(ctx, challenger.set)
	if err != nil {
		return nil, err
	}
	defer after.Close()
	few := e.tooFew(len(e.rows.counted), e.positives(nil))
	metrics, err := e.values(ctx, "metrics.", e.sample.Weights(), before, -1, few)
	if err != nil {
		return nil, err
	}
	intervals, err := e.deltas(ctx, challenger, before, after, few)
	if err != nil {
		return nil, err
	}
	delta := e.bounds("delta.", intervals)
	for _, m := range e.metrics {
		value, err := e.difference(ctx, m, challenger, before, after, few)
		if err != nil {
			return nil, err
		}
		delta[m.Name].(map[string]any)["value"] = value
	}
	return map[string]any{"metrics": metrics, "delta": delta, "undefined": e.undefined}, nil
}

// difference is challenger minus champion of one metric, in the metric's own unit: above 0 the challenger has more of it, which of a loss is
// worse. Which is better is not said here.
func (e *Evaluation) difference(ctx context.Context, m *metric.Metric, challenger *Evaluation, before, after *scored, few string) (any, error) {
	// It is undefined if either side is; the reason says which.
	path := "delta." + m.Name + ".value"
	if few != "" {
		return e.number(path, math.NaN(), few), nil
	}
	was, reason, err := e.value(ctx, m, e.sample.Weights(), before, -1)
	if err != nil {
		return nil, err
	}
	if reason != "" {
		return e.number(path, math.NaN(), "champion: "+reason), nil
	}
	is, reason, err := challenger.value(ctx, m, e.sample.Weights(), after, -1)
	if err != nil {
		return nil, err
	}
	if reason != "" {
		return e.number(path, math.NaN(), "challenger: "+reason), nil
	}
	return e.number(path, is-was, "the difference is not finite"), nil
}

// deltas are the paired intervals of the differences.
// They come in the order of e.metrics. A paired interval is much narrower than the two models' own would suggest: of an auc of 0.84 (0.80 to
// 0.88) against 0.85 (0.81 to 0.89) the difference may well be 0.01 (0.004 to 0.016).
func (e *Evaluation) deltas(ctx context.Context, challenger *Evaluation, before, after *scored, few string) ([]metric.Interval, error) {
	found := make([]metric.Interval, len(e.metrics))
	if reason := e.noInterval(few); reason != "" {
		for i := range found {
			found[i].Undefined = reason
		}
		return found, nil
	}
	// Paired: both models are measured on the same resamples, so that what makes rows hard for both cancels. Metrics of ours
	// go by Deltas; those in SQL by replicates of each side, subtracted one by one.
	b := e.bootstrap()
	here, sql, hereAt, sqlAt := e.split()
	deltas, err := b.Deltas(e.Bar.Next(ctx), here, e.sample, challenger.sample, e.rows.clusters, e.rows.clusterN)
	if err != nil {
		return nil, err
	}
	for k, i := range deltas {
		found[hereAt[k]] = i
	}
	was, err := e.replicates(ctx, before, sql, b)
	if err != nil {
		return nil, err
	}
	is, err := e.replicates(ctx, after, sql, b)
	if err != nil {
		return nil, err
	}
	for k, m := range sql {
		x, err := after.value(ctx, m, -1)
		if err != nil {
			return nil, err
		}
		y, err := before.value(ctx, m, -1)
		if err != nil {
			return nil, err
		}
		for r := range is[k] {
			is[k][r] -= was[k][r]
		}
		found[sqlAt[k]] = b.Replicated(x-y, is[k], e.units())
	}
	return found, nil
}
