package metric

import (
	"context"
	"math"
	"slices"
	"sort"
)

// Rate is a share of decisions that fairness compares between groups.
type Rate int

// The rates, by place in Rates.
const (
	SelectionRate Rate = iota
	TruePositiveRate
	FalsePositiveRate
)

// Rates of one group, by Rate; NaN where there is nothing to divide by.
type Rates [3]float64

// RateNames are what figures call the rates, by Rate.
func RateNames() [3]string {
	return [3]string{"selection_rate", "true_positive_rate", "false_positive_rate"}
}

// Comparison is a fairness metric: one number for how far rates lie apart between groups. Names and definitions are
// Fairlearn's. A difference is 0 and a ratio 1 where all groups are treated alike.
type Comparison struct {
	Name  string
	rates []Rate
	ratio bool
	// ToOverall compares each group with all rows, not with each other.
	ToOverall bool
	// Mean of the rates, where there are two; else the worst of them.
	Mean bool
}

// Comparisons are those there are, in the order of their names.
func Comparisons() []Comparison {
	both, one := []Rate{TruePositiveRate, FalsePositiveRate}, []Rate{TruePositiveRate}
	return []Comparison{
		{Name: "demographic_parity_difference", rates: []Rate{SelectionRate}},
		{Name: "demographic_parity_ratio", rates: []Rate{SelectionRate}, ratio: true},
		{Name: "equal_opportunity_difference", rates: one},
		{Name: "equal_opportunity_ratio", rates: one, ratio: true},
		{Name: "equalized_odds_difference", rates: both},
		{Name: "equalized_odds_ratio", rates: both, ratio: true},
	}
}

// FindComparison returns the comparison of that name.
func FindComparison(name string) (Comparison, bool) {
	i := slices.IndexFunc(Comparisons(), func(c Comparison) bool { return c.Name == name })
	if i < 0 {
		return Comparison{}, false
	}
	return Comparisons()[i], true
}

// Groups are the rows of a binary sample by group.
type Groups struct {
	sample *Sample
	group  []int32 // by row
	sizes  []int
	valid  []bool
}

// NewGroups makes them: group gives each row's, from 0 up to count. Groups of fewer than minSize rows have no rates.
func NewGroups(s *Sample, group []int32, count, minSize int) *Groups {
	g := &Groups{sample: s, group: group, sizes: make([]int, count), valid: make([]bool, count)}
	for _, k := range group {
		g.sizes[k]++
	}
	for k, n := range g.sizes {
		g.valid[k] = n >= minSize
	}
	return g
}

// Sizes are the rows of each group.
func (g *Groups) Sizes() []int { return g.sizes }

// Rates computes the rates of each group and of all rows, those of groups too small for their own included.
func (g *Groups) Rates(w []float64) (groups []Rates, overall Rates) {
	cells := make([][4]float64, len(g.sizes))
	var all [4]float64
	for i, c := range g.sample.cells {
		cells[g.group[i]][c] += w[i]
		all[c] += w[i]
	}
	groups = make([]Rates, len(cells))
	for k := range cells {
		groups[k] = Rates{math.NaN(), math.NaN(), math.NaN()}
		if g.valid[k] {
			groups[k] = ratesOf(cells[k])
		}
	}
	return groups, ratesOf(all)
}

// ratesOf a confusion matrix: true negatives, false positives, false negatives, true positives.
func ratesOf(c [4]float64) Rates {
	return Rates{(c[1] + c[3]) / (c[0] + c[1] + c[2] + c[3]), c[3] / (c[2] + c[3]), c[1] / (c[0] + c[1])}
}

// Value of the comparison. Groups without a rate are left out of what compares it; compared is the least number of
// groups that any of its rates could be compared of. undefined is empty, or says why there is no value.
func (c Comparison) Value(groups []Rates, overall Rates) (x float64, compared int, undefined string) {
	compared = len(groups)
	for _, r := range c.rates {
		compared = min(compared, defined(groups, r))
		if compared == 0 {
			return 0, 0, "no group has a " + RateNames()[r]
		}
		if c.ratio && !c.comparable(groups, overall, r) {
			return 0, compared, "the " + RateNames()[r] + " is 0 in every group"
		}
	}
	return c.join(c.spreads(groups, overall), 0), compared, ""
}

func defined(groups []Rates, r Rate) (n int) {
	for _, g := range groups {
		if !math.IsNaN(g[r]) {
			n++
		}
	}
	return n
}

// comparable tells whether a ratio of the rate is more than 0 over 0.
func (c Comparison) comparable(groups []Rates, overall Rates, r Rate) bool {
	return c.ToOverall && overall[r] > 0 || slices.ContainsFunc(groups, func(g Rates) bool { return g[r] > 0 })
}

// spreads measures how far the groups lie apart, rate by rate: the range between groups, or the greatest distance from
// the overall rate; of ratios on the scale of logarithms. Both are seminorms of the vector of rates, which Interval
// rests on.
func (c Comparison) spreads(groups []Rates, overall Rates) []float64 {
	out := make([]float64, len(c.rates))
	for i, r := range c.rates {
		low, high := math.Inf(1), math.Inf(-1)
		for _, g := range groups {
			if x := c.scale(g[r]); !math.IsNaN(x) {
				low, high = min(low, x), max(high, x)
			}
		}
		out[i] = high - low
		if c.ToOverall {
			all := c.scale(overall[r])
			out[i] = max(high-all, all-low)
		}
	}
	return out
}

func (c Comparison) scale(rate float64) float64 {
	if c.ratio {
		return math.Log(rate)
	}
	return rate
}

// join makes one number of the spreads, each moved by so much and kept in its range.
func (c Comparison) join(spreads []float64, by float64) float64 {
	values := make([]float64, len(spreads))
	for i, s := range spreads {
		values[i] = max(0, s+by)
		if c.ratio {
			values[i] = math.Exp(-values[i])
		} else {
			values[i] = min(1, values[i])
		}
	}
	switch {
	case c.Mean:
		return sum(values) / float64(len(values))
	case c.ratio:
		return slices.Min(values)
	default:
		return slices.Max(values)
	}
}

// FairnessIntervals are intervals of comparisons and of each group's distance from the overall rates.
type FairnessIntervals struct {
	Comparisons []Interval    // as the comparisons
	ToOverall   [][3]Interval // by group
}

// Fairness computes them from one set of resamples.
//
// The maximum over groups minus the minimum is far from 0 by chance alone where there are many groups, and the more so
// in a resample, so percentiles of it would all but rule out equal treatment. But a spread is a seminorm N of the
// vector of rates: |N(found) - N(true)| <= N(found - true). So N(found) plus or minus the quantile of N(resampled -
// found), at the confidence asked for, holds the true spread at least as often as that: it holds for all groups at
// once, and errs towards wide.
func (b Bootstrap) Fairness(ctx context.Context, comparisons []Comparison, g *Groups, clusters []int32, count int) (FairnessIntervals, error) {
	found, overall := g.Rates(g.sample.Weights())
	deviations := make([][]float64, len(comparisons))
	for c := range deviations {
		deviations[c] = make([]float64, b.Resamples)
	}
	distances := make([][3][]float64, len(found))
	for k := range distances {
		for r := range distances[k] {
			distances[k][r] = make([]float64, b.Resamples)
		}
	}
	err := b.Each(ctx, g.sample.Weights(), clusters, count, func(resample int, w []float64) {
		drawn, all := g.Rates(w)
		for i, c := range comparisons {
			deviations[i][resample] = c.deviation(found, drawn, overall, all)
		}
		for k := range drawn {
			for r := range drawn[k] {
				distances[k][r][resample] = drawn[k][r] - all[r]
			}
		}
	})
	out := FairnessIntervals{ToOverall: make([][3]Interval, len(found))}
	for i, c := range comparisons {
		out.Comparisons = append(out.Comparisons, b.around(c, c.spreads(found, overall), deviations[i]))
	}
	for k := range distances {
		for r := range distances[k] {
			out.ToOverall[k][r] = b.Interval(distances[k][r])
		}
	}
	return out, err
}

// deviation is the greatest spread, over the comparison's rates, of what a resample differs by from what was found. A
// group whose rate a resample leaves undefined makes it NaN.
func (c Comparison) deviation(found, drawn []Rates, overall, all Rates) float64 {
	moved := make([]Rates, len(found))
	for k := range found {
		for _, r := range c.rates {
			moved[k][r] = c.scale(drawn[k][r]) - c.scale(found[k][r])
			if math.IsNaN(moved[k][r]) && !math.IsNaN(found[k][r]) {
				return math.NaN()
			}
		}
	}
	var total Rates
	for _, r := range c.rates {
		total[r] = c.scale(all[r]) - c.scale(overall[r])
	}
	plain := c
	plain.ratio = false // the logarithms are taken
	return slices.Max(plain.spreads(moved, total))
}

// around is the interval of the comparison with these spreads.
func (b Bootstrap) around(c Comparison, spreads, deviations []float64) Interval {
	if slices.ContainsFunc(spreads, func(x float64) bool { return math.IsInf(x, 0) }) {
		return Interval{Undefined: "a rate is 0, and a ratio with it has no interval"}
	}
	defined := slices.DeleteFunc(slices.Clone(deviations), math.IsNaN)
	if len(defined) == 0 || len(defined)*20 < len(deviations)*19 {
		return Interval{Undefined: undefinedIn(len(deviations)-len(defined), len(deviations))}
	}
	sort.Float64s(defined)
	// The order statistic, not between two: deviations of ratios may be infinite.
	half := defined[min(int(math.Ceil(float64(b.Confidence*float64(len(defined))))), len(defined))-1]
	x, y := c.join(spreads, -half), c.join(spreads, half)
	return Interval{Low: min(x, y), High: max(x, y)}
}
