package metric

import "context"

// How intervals are found.
//
// The percentiles of a bootstrap are too narrow where gates read them: a recall of 20 hits of 20 is 1 in every resample,
// which says nothing of how much less it may be. (Clopper and Pearson's interval at 95 % is from 0.832 to 1: 0.832 is the
// recall with which 20 hits of 20 have a chance of 2.5 %, 0.832^20 = 0.025.) So each kind of metric has the method that
// simulations show to hold the truth (coverage_test.go):
//
//   - Shares of rows (accuracy, recall, precision, the rates; f1 by the share that it is a function of): Clopper and
//     Pearson's exact interval. Weighted rows count as their effective number, rows of clusters by their design effect,
//     with Student's quantile by the number of clusters (Korn and Graubard 1998).
//   - Other metrics of decisions (means over classes, matthews_corrcoef, cohen_kappa): the linearised variance, with one
//     row more that is decided otherwise; then as a share of the same variance.
//   - roc_auc, roc_auc_ovr: DeLong's variance, drawn towards Hanley and McNeil's the more the fewer rows the rarer
//     class has; then as a share of the same variance. average_precision likewise, by resamples.
//   - Means of errors (root_mean_squared_error, log_loss, …) and r2: bootstrap-t of the logarithm. Its upper end is
//     lengthened where the errors are skewed, and where few rows make most of the figure there is no interval: no
//     method holds there (Bahadur and Savage 1956), and those that promise to are wrong in a quarter of cases.
//   - median_absolute_error: percentiles, widened for few units. max_error: none; the greatest of a sample tells of
//     nothing greater.
//   - SQL: bias-corrected accelerated percentiles, none where the resamples are skewed or all alike.
//
// Two notions carry these methods. The influence of a row is how much the row moves the figure, to first order; the sum of
// the squared influences is the variance of the figure (units.variance), and with clusters the influences are summed by
// cluster before they are squared, so that ten rows of one patient count as one observation. "As a share of the same
// variance" (bounded) keeps the ends between 0 and 1: an area x of variance v has the interval of a share of n = x(1-x)/v
// rows. An area of 0.90 with a variance of 0.0009 has n = 100 and the interval of 90 hits of 100, from 0.824 to 0.951.
//
// An example of placements, by hand. Two positives score 0.9 and 0.4, two negatives 0.5 and 0.1. Of the four pairs three
// are in order: the area is 0.75. The placement of a positive is the share of negatives below it (1 and 0.5), that of a
// negative the share of positives above it (0.5 and 1). The influences are (placement - 0.75) / 2, so ±0.125 each, their
// squares sum up to 0.0625, and DeLong's variance is 0.0625 · 4/3 = 0.083. With two rows of either class, Hanley and
// McNeil's variance has ten times its weight (modelled).
//
// Differences on the same rows are found from the differences of influences, so that what both have in common cancels
// out: Student's interval, by bootstrap-t for means of errors. If two models err on the same 100 rows, each accuracy is
// uncertain, but the difference is 0 with certainty.
//
// An interval never depends on the number of threads: resample b is drawn from the seed and b alone (Bootstrap).
// Comparisons between groups have a method of their own (Bootstrap.Fairness).

// Interval of a figure at the confidence that the Bootstrap has, in the unit of the figure; Low <= High. Where Undefined is
// not empty it says why there is no interval ("all rows are alike, which tells nothing of others"), and the ends mean nothing.
type Interval struct {
	Low, High float64
	Undefined string
}

// Intervals computes the interval of each metric on one sample. clusters and count are as Each takes them. SQL metrics
// get none here.
func (b Bootstrap) Intervals(ctx context.Context, metrics []*Metric, s *Sample, clusters []int32, count int) ([]Interval, error) {
	u := units{of: clusters, count: count, rows: s.rows}
	drawn := newDraws(b, u, s.weights)
	out := make([]Interval, len(metrics))
	for i, m := range metrics {
		if _, undefined := m.On(s, s.weights); undefined != "" {
			out[i].Undefined = undefined
			continue
		}
		// By what is known of the metric: a share of rows, a function of counts, a rank, a ratio of sums. Only what is none
		// of these is resampled by percentiles.
		switch h := m.asShare(); {
		case m.Type == "max_error":
			out[i].Undefined = "the greatest error of some rows tells nothing of a greater one"
		case h != nil:
			out[i] = h.interval(s, u, b.Confidence)
		case m.def.counts != nil:
			out[i] = m.countsInterval(s, u, b.Confidence)
		case m.def.ranked:
			out[i] = m.rankedInterval(s, u, b.Confidence)
		case m.def.ratio != nil:
			t := m.ratioInterval(s, u, b.Resamples)
			drawn.student(t, func() { out[i] = t.interval(b.Confidence) })
		default:
			drawn.replicates(func(w []float64) float64 { return replicate(m, s, w) }, func(r []float64) {
				out[i] = b.middle(m, s, u, r)
			})
		}
	}
	return out, drawn.run(ctx)
}

// middle is the interval of a metric that has no formula for its variance, from the metric's values on the resamples:
// average_precision, and medians such as median_absolute_error.
func (b Bootstrap) middle(m *Metric, s *Sample, u units, replicates []float64) Interval {
	if m.Type == "average_precision" {
		return m.precisionInterval(s, u, replicates, b.Confidence)
	}
	defined, undefined := definedOf(replicates)
	if undefined != "" {
		return Interval{Undefined: undefined}
	}
	return b.percentiles(defined, u.counted(s.weights), 0, 0)
}

// Deltas computes the interval of after minus before for each metric, on the same rows: what both have in common
// cancels out.
func (b Bootstrap) Deltas(ctx context.Context, metrics []*Metric, before, after *Sample, clusters []int32, count int) ([]Interval, error) {
	u := units{of: clusters, count: count, rows: after.rows}
	drawn := newDraws(b, u, after.weights)
	out := make([]Interval, len(metrics))
	for i, m := range metrics {
		was, champion := m.On(before, before.weights)
		is, challenger := m.On(after, after.weights)
		switch {
		case champion != "":
			out[i].Undefined = "champion: " + champion
		case challenger != "":
			out[i].Undefined = "challenger: " + challenger
		case same(before, after):
			// One and the same model differs from itself by nothing.
		case m.Type == "max_error":
			out[i].Undefined = "the greatest error of some rows tells nothing of a greater one"
		case m.def.counts != nil:
			out[i] = m.countsDelta(before, after, u, b.Confidence)
		case m.def.ranked:
			out[i] = m.rankedDelta(before, after, u, b.Confidence)
		case m.def.ratio != nil:
			t := m.ratioDelta(before, after, u, b.Resamples)
			drawn.student(t, func() { out[i] = t.interval(b.Confidence) })
		default:
			drawn.replicates(func(w []float64) float64 { return replicate(m, after, w) - replicate(m, before, w) }, func(r []float64) {
				out[i] = b.resampledDelta(is-was, r, m.restsOn(after, u), m.most())
			})
		}
	}
	return out, drawn.run(ctx)
}

// same reports whether two models say the same of every row.
func same(a, b *Sample) bool {
	columns := [][2][]float64{{a.Predicted, b.Predicted}, {a.Score, b.Score}}
	if len(a.Scores) != len(b.Scores) {
		return false
	}
	for c := range a.Scores {
		columns = append(columns, [2][]float64{a.Scores[c], b.Scores[c]})
	}
	for _, c := range columns {
		if len(c[0]) != len(c[1]) || !allZero(minus(c[0], c[1])) {
			return false
		}
	}
	return true
}
