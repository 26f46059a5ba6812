package model

import (
	"context"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/metric"
)

func (e *evaluation) bootstrap() metric.Bootstrap {
	return metric.Bootstrap{Resamples: e.Intervals.Resamples, Confidence: e.Intervals.Confidence, Seed: e.Seed, Threads: e.stage.Threads}
}

// noInterval says why no interval is given at all; empty: there is one.
func (e *evaluation) noInterval(few string) string {
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

// split parts the metrics that are computed here from those that are SQL; the indices are places in e.metrics.
func (e *evaluation) split() (here, sql []*metric.Metric, hereAt, sqlAt []int) {
	for i, m := range e.metrics {
		if m.SQL != "" {
			sql, sqlAt = append(sql, m), append(sqlAt, i)
		} else {
			here, hereAt = append(here, m), append(hereAt, i)
		}
	}
	return here, sql, hereAt, sqlAt
}

func (e *evaluation) intervals(ctx context.Context, t *scored, few string) (map[string]any, error) {
	found := make([]metric.Interval, len(e.metrics))
	if reason := e.noInterval(few); reason != "" {
		for i := range found {
			found[i].Undefined = reason
		}
		return e.bounds("intervals.", found), nil
	}
	b := e.bootstrap()
	here, sql, hereAt, sqlAt := e.split()
	intervals, err := b.Intervals(ctx, here, e.sample, e.rows.clusters, e.rows.clusterN)
	if err != nil {
		return nil, err
	}
	for k, i := range intervals {
		found[hereAt[k]] = i
	}
	if len(sql) > 0 {
		replicates, err := t.replicates(ctx, sql, b)
		if err != nil {
			return nil, err
		}
		for k := range sql {
			found[sqlAt[k]] = b.Interval(replicates[k])
		}
	}
	return e.bounds("intervals.", found), nil
}

// bounds are the figures low and high by metric.
func (e *evaluation) bounds(prefix string, found []metric.Interval) map[string]any {
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

// compare is the champion's node: e holds the champion, the challenger's predictions come in by a port.
func (e *evaluation) compare(ctx context.Context) error {
	challenger, err := e.challenger(ctx)
	if err != nil {
		return err
	}
	if _, asked := e.stage.Out["predictions"]; asked {
		if err := e.writePredictions(ctx); err != nil {
			return err
		}
	}
	before, err := e.openSQL(ctx, e.set)
	if err != nil {
		return err
	}
	defer before.Close()
	after, err := e.openSQL(ctx, challenger.set)
	if err != nil {
		return err
	}
	defer after.Close()
	few := e.tooFew(len(e.rows.counted), e.positives(nil))
	metrics, err := e.values(ctx, "metrics.", e.sample.Weights(), before, -1, few)
	if err != nil {
		return err
	}
	intervals, err := e.deltas(ctx, challenger, before, after, few)
	if err != nil {
		return err
	}
	delta := e.bounds("delta.", intervals)
	for _, m := range e.metrics {
		value, err := e.difference(ctx, m, challenger, before, after, few)
		if err != nil {
			return err
		}
		delta[m.Name].(map[string]any)["value"] = value
	}
	return e.stage.WriteFigures(map[string]any{"metrics": metrics, "delta": delta, "undefined": e.undefined})
}

// challenger reads the predictions of the model that is to be released, on the same rows.
func (e *evaluation) challenger(ctx context.Context) (*evaluation, error) {
	l := e.layout
	if t := e.stage.In["challenger"].Table; t != nil {
		l.Score = t.Column("score") != nil
	}
	set, err := l.Read(ctx, e.stage.InputTable("challenger"), e.set.Classes)
	if err != nil {
		return nil, &component.InputError{Summary: "the challenger's predictions cannot be compared with the champion's: " + err.Error()}
	}
	if set.Rows != e.rows.total {
		return nil, &component.InputError{Summary: fmt.Sprintf("the challenger has predictions of %d rows, the data has %d", set.Rows, e.rows.total)}
	}
	out := *e
	out.set, out.layout = set, l
	out.sample, err = e.rows.sample(set)
	return &out, err
}

// difference is challenger minus champion of one metric.
func (e *evaluation) difference(ctx context.Context, m *metric.Metric, challenger *evaluation, before, after *scored, few string) (any, error) {
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
func (e *evaluation) deltas(ctx context.Context, challenger *evaluation, before, after *scored, few string) ([]metric.Interval, error) {
	found := make([]metric.Interval, len(e.metrics))
	if reason := e.noInterval(few); reason != "" {
		for i := range found {
			found[i].Undefined = reason
		}
		return found, nil
	}
	b := e.bootstrap()
	here, sql, hereAt, sqlAt := e.split()
	deltas, err := b.Deltas(ctx, here, e.sample, challenger.sample, e.rows.clusters, e.rows.clusterN)
	if err != nil {
		return nil, err
	}
	for k, i := range deltas {
		found[hereAt[k]] = i
	}
	if len(sql) == 0 {
		return found, nil
	}
	was, err := before.replicates(ctx, sql, b)
	if err != nil {
		return nil, err
	}
	is, err := after.replicates(ctx, sql, b)
	if err != nil {
		return nil, err
	}
	for k := range sql {
		for r := range is[k] {
			is[k][r] -= was[k][r]
		}
		found[sqlAt[k]] = b.Interval(is[k])
	}
	return found, nil
}
