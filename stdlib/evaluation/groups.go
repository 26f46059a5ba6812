package evaluation

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/metric"
)

// groups of the counted rows by one column: row k of the counted ones is in group names[of[k]].
type groups struct {
	of    []int32
	names []string // sorted; by number
}

// readGroups finds the groups of each block. Columns with more than mostGroups values together, such as a postal code, are a *component.InputError.
func (r *rows) readGroups(f *frame.Frame, blocks []Fairness) error {
	for _, b := range blocks {
		by := make([]*frame.Column, len(b.columns()))
		for i, name := range b.columns() {
			by[i] = column(f, name)
		}
		g := groups{of: make([]int32, len(r.counted))}
		numbers := map[string]int32{}
		for k, i := range r.counted {
			key := groupKey(by, i)
			number, known := numbers[key]
			if !known {
				number = int32(len(numbers))
				numbers[key] = number
			}
			g.of[k] = number
		}
		what := strings.Join(b.columns(), ", ")
		if len(numbers) > mostGroups {
			has := "column %q has"
			if len(by) > 1 {
				has = "columns %q together have"
			}
			return &component.InputError{Summary: fmt.Sprintf(has+" %d values, too many to compare groups by", what, len(numbers)),
				Detail: fmt.Sprintf("At most %d groups are compared; a dataset can put values together.", mostGroups)}
		}
		// Groups are numbered by their names, so that figures and resamples do not depend on the order of rows.
		to := make([]int32, len(numbers))
		for at, key := range slices.Sorted(maps.Keys(numbers)) {
			name := strings.ReplaceAll(key, between, ", ")
			if slices.Contains(g.names, name) {
				return &component.InputError{Summary: fmt.Sprintf("two groups of %s are both called %q, since values have a comma", what, name), Detail: "Replace it in a dataset."}
			}
			g.names, to[numbers[key]] = append(g.names, name), int32(at)
		}
		for k, number := range g.of {
			g.of[k] = to[number]
		}
		r.groups = append(r.groups, g)
	}
	return nil
}

// between stands between the values of several columns in a group's key, where no text has it.
const between = "\x00"

// groupKey is what a row is grouped by: its values of the columns.
func groupKey(by []*frame.Column, row int) string {
	if len(by) == 1 {
		return groupName(by[0], row)
	}
	parts := make([]string, len(by))
	for i, c := range by {
		parts[i] = groupName(c, row)
	}
	return strings.Join(parts, between)
}

// groupName is the value that a row is grouped by; rows without one are a group of their own and not left out.
func groupName(c *frame.Column, row int) string {
	if c.Null(row) {
		return unknownGroup
	}
	return c.ValueName(row)
}

// fairness are the figures of all fairness blocks, by label.
// Blocks are measured one by one; each draws the same resamples, by the evaluation's seed.
func (e *Evaluation) fairness(ctx context.Context, few string) (map[string]any, error) {
	out := map[string]any{}
	for i, f := range e.Fairness {
		r := &fairnessReport{Evaluation: e, Fairness: f, groups: e.rows.groups[i], path: "fairness." + f.Name, few: few}
		if err := r.measure(ctx); err != nil {
			return nil, err
		}
		out[f.Name] = r.figures()
	}
	return out, nil
}

// fairnessReport makes the figures of one block. Of a block "region" with two groups and the metric demographic_parity_difference they are
//
//	"demographic_parity_difference": {"value": 0.08, "low": 0.02, "high": 0.15},
//	"groups": {"north": {"count": 812, "positives": 97, "selection_rate": 0.31, "to_overall": {"selection_rate": {"value": 0.04, …}}}, …},
//	"undefined_groups": 0, "unnamed": {"groups": 0, "count": 0}
type fairnessReport struct {
	*Evaluation
	Fairness
	groups
	path string // of the figures: "fairness.region"
	// few is why no figure of the whole evaluation is told; empty if rows and positives suffice.
	few string

	compared  []metric.Comparison
	parts     *metric.Groups
	measures  []metric.Measures // by group, NaN where undefined
	overall   metric.Measures   // of all rows together
	intervals metric.FairnessIntervals
	none      string // why there are no intervals
}

// measure computes the measures of each group and of all rows, and the intervals, unless it is said why there are none
// (none).
func (r *fairnessReport) measure(ctx context.Context) (err error) {
	var of []*metric.Metric
	r.compared, of = r.comparisons(r.set.Task, r.metrics)
	r.parts = metric.NewGroups(r.sample, r.of, len(r.names), r.MinGroupSize, of...)
	r.measures, r.overall = r.parts.Measure(r.sample.Weights())
	if r.none = r.noInterval(r.few); r.none != "" {
		return nil
	}
	r.intervals, err = r.bootstrap().Fairness(r.Bar.Next(ctx), r.compared, r.parts, r.rows.clusters, r.rows.clusterN)
	return err
}

// figures names no group of fewer rows than smallestGroup: they are counted together, since a figure of five people tells of
// each.
func (r *fairnessReport) figures() map[string]any {
	named, undefined, unnamed, hidden := map[string]any{}, 0, 0, 0
	for g, n := range r.parts.Sizes() {
		if slices.ContainsFunc(r.measures[g], math.IsNaN) {
			undefined++
		}
		if n < smallestGroup {
			unnamed, hidden = unnamed+1, hidden+n
			continue
		}
		named[r.names[g]] = r.group(g, n)
	}
	if undefined > 0 {
		r.warnf("fairness.%s: of %d groups %d have too few rows, or lack a class; comparisons leave them out", r.Fairness.Name, len(r.names), undefined)
	}
	out := map[string]any{"groups": named, "undefined_groups": undefined, "unnamed": map[string]any{"groups": unnamed, "count": hidden}}
	for i, c := range r.compared {
		out[c.Name] = r.comparison(i, c)
	}
	return out
}

// comparison is one figure over all groups with its interval, or why it is undefined. One group alone is compared with
// nothing.
func (r *fairnessReport) comparison(i int, c metric.Comparison) map[string]any {
	x, compared, undefined := c.Value(r.measures, r.overall)
	switch {
	case r.few != "":
		undefined = r.few
	case undefined == "" && compared < 2:
		undefined = "fewer than two groups can be compared"
	}
	interval := metric.Interval{Undefined: r.none}
	if r.none == "" {
		interval = r.intervals.Comparisons[i]
	}
	if undefined != "" {
		interval.Undefined = undefined
	}
	return r.bounded(r.path+"."+c.Name, x, undefined, interval)
}

// bounded is a value with its interval, each of the three null with its reason where it is undefined.
func (r *fairnessReport) bounded(path string, x float64, undefined string, i metric.Interval) map[string]any {
	if undefined != "" {
		x = math.NaN()
	}
	low, high := i.Low, i.High
	if i.Undefined != "" {
		low, high = math.NaN(), math.NaN()
	}
	return map[string]any{"value": r.number(path+".value", x, undefined), "low": r.number(path+".low", low, i.Undefined),
		"high": r.number(path+".high", high, i.Undefined)}
}

// group is a group's measures and its distances from the measures of all rows; either may be undefined by itself.
func (r *fairnessReport) group(g, count int) map[string]any {
	path := r.path + ".groups." + r.names[g]
	out, distance := map[string]any{"count": count}, map[string]any{}
	if r.set.Task == schema.Binary {
		mask := make([]bool, len(r.of))
		for k, of := range r.of {
			mask[k] = int(of) == g
		}
		out["positives"] = r.positives(mask)
	}
	for place, name := range r.parts.Names() {
		reason := r.why(g, count, name)
		x := r.measures[g][place]
		out[name] = r.number(path+"."+name, x, reason)
		// The distance is undefined with either of its sides; reason says which.
		interval := metric.Interval{Undefined: r.none}
		if r.none == "" {
			interval = r.intervals.ToOverall[g][place]
		}
		switch {
		case math.IsNaN(x):
			interval.Undefined = reason
		case math.IsNaN(r.overall[place]):
			reason = "it is undefined of all rows together"
			interval.Undefined = reason
		default:
			reason = ""
		}
		distance[name] = r.bounded(path+".to_overall."+name, x-r.overall[place], reason, interval)
	}
	out["to_overall"] = distance
	return out
}

// why a measure of a group would be undefined.
func (r *fairnessReport) why(g, count int, measure string) string {
	switch {
	case count < r.MinGroupSize:
		return fmt.Sprintf("%d rows, fewer than min_group_size = %d", count, r.MinGroupSize)
	case measure == "true_positive_rate":
		return "no row of the group is positive"
	case measure == "false_positive_rate":
		return "no row of the group is negative"
	}
	return r.parts.Why(measure, g)
}
