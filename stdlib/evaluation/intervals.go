package evaluation

import (
	"context"
	"math"

	"github.com/mlp-lang/mlp/stdlib/metric"
)

// bootstrap is how all intervals of the block are found, with one seed: the resamples of all its metrics are the same.
func (e *Evaluation) bootstrap() metric.Bootstrap {
	return metric.Bootstrap{Resamples: e.Intervals.Resamples, Confidence: e.Intervals.Confidence, Seed: e.Seed, Threads: e.threads}
}

// noInterval says why no interval is given at all; empty: there is one.
func (e *Evaluation) noInterval(few string) string {
	switch {
	case few != "":
		return few
	case e.Intervals.Resamples == 0:
		return "intervals.resamples is 0"
	case e.rows.clusters != nil && e.rows.clusterN < 2:
		return "all rows are of one entity"
	}
	return ""
}

// units are how many rows or entities are drawn: where rows have an entity a resample draws entities with all their rows, since the rows of one
// customer are alike, and intervals that take them for independent are too narrow.
func (e *Evaluation) units() int {
	if e.rows.clusters != nil {
		return e.rows.clusterN
	}
	return len(e.rows.counted)
}

// split parts the metrics that are computed here from those that are SQL; the indices are places in e.metrics, by which results are put back
// into one order.
func (e *Evaluation) split() (here, sql []*metric.Metric, hereAt, sqlAt []int) {
	for i, m := range e.metrics {
		if m.SQL != "" {
			sql, sqlAt = append(sql, m), append(sqlAt, i)
		} else {
			here, hereAt = append(here, m), append(hereAt, i)
		}
	}
	return here, sql, hereAt, sqlAt
}

// intervals of all metrics, from one set of resamples; of those in SQL by evaluating the query on each resample.
func (e *Evaluation) intervals(ctx context.Context, t *scored, few string) (map[string]any, error) {
	found := make([]metric.Interval, len(e.metrics))
	if reason := e.noInterval(few); reason != "" {
		for i := range found {
			found[i].Undefined = reason
		}
		return e.bounds("intervals.", found), nil
	}
	b := e.bootstrap()
	// Metrics of ours and those in SQL are computed apart; hereAt and sqlAt are their places in the evaluation's list.
	here, sql, hereAt, sqlAt := e.split()
	intervals, err := b.Intervals(e.Bar.Next(ctx), here, e.sample, e.rows.clusters, e.rows.clusterN)
	if err != nil {
		return nil, err
	}
	for k, i := range intervals {
		found[hereAt[k]] = i
	}
	replicates, err := e.replicates(ctx, t, sql, b)
	if err != nil {
		return nil, err
	}
	for k, m := range sql {
		x, err := t.value(ctx, m, -1)
		if err != nil {
			return nil, err
		}
		found[sqlAt[k]] = b.Replicated(x, replicates[k], e.units())
	}
	return e.bounds("intervals.", found), nil
}

// replicates are those of metrics in SQL, of which there may be none.
func (e *Evaluation) replicates(ctx context.Context, t *scored, sql []*metric.Metric, b metric.Bootstrap) ([][]float64, error) {
	if len(sql) == 0 {
		return nil, nil
	}
	return t.replicates(e.Bar.Next(ctx), sql, b)
}

// bounds are the figures low and high by metric.
// found is in the order of e.metrics. {"auc": {"low": 0.71, "high": 0.84}}.
func (e *Evaluation) bounds(prefix string, found []metric.Interval) map[string]any {
	out := map[string]any{}
	for i, m := range e.metrics {
		low, high := found[i].Low, found[i].High
		if found[i].Undefined != "" {
			low, high = math.NaN(), math.NaN()
		}
		path := prefix + m.Name
		out[m.Name] = map[string]any{"low": e.number(path+".low", low, found[i].Undefined), "high": e.number(path+".high", high, found[i].Undefined)}
	}
	return out
}
