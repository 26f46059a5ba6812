package metric

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// FairnessIntervals are intervals of comparisons and of each group's distance from the overall measures.
type FairnessIntervals struct {
	Comparisons []Interval   // as the comparisons
	ToOverall   [][]Interval // by group and measure
}

// Fairness computes the intervals of all comparisons, and of each group's distance from the overall measures, from one
// set of resamples.
//
// # Why the interval of a comparison is not made of percentiles
//
// A comparison is a spread: the greatest measure of a group minus the least. With many groups the spread is far from 0 by
// chance alone, and farther still in a resample, so that percentiles of the resampled spreads would rule out equal
// treatment where the groups are treated alike.
//
// A spread N is a seminorm of the vector of the groups' measures, so |N(found) - N(true)| <= N(found - true). The interval
// is therefore N(found) plus or minus the quantile, at the confidence asked for, of N(resampled - found) (deviation). It
// covers all groups at once, without a correction for their number, and errs towards wide.
//
// Three groups have the selection rates 0.50, 0.55 and 0.60: the spread is 0.10. In one resample the rates are 0.52, 0.54
// and 0.61; they moved by +0.02, -0.01 and +0.01, and the spread of these moves is 0.03. If 95 % of the resamples have at
// most 0.04 there, the interval is from 0.06 to 0.14 (with few units wider, by Student's quantile: around).
//
// A group whose rows were all decided alike, 5 selected of 5, is the same in every resample, though its true rate may be
// below 1. The variance that resamples miss there (slack) is added as normal noise.
func (b Bootstrap) Fairness(ctx context.Context, comparisons []Comparison, g *Groups, clusters []int32, count int) (FairnessIntervals, error) {
	u := units{of: clusters, count: count, rows: g.sample.rows}
	found, overall := g.Measure(g.sample.Weights())
	slack, prevail := g.slack(u), g.prevail(u)
	deviations := make([][]float64, len(comparisons))
	for c := range deviations {
		deviations[c] = make([]float64, b.Resamples)
	}
	distances := make([][][]float64, len(found))
	for k := range distances {
		distances[k] = make([][]float64, len(overall))
		for r := range distances[k] {
			distances[k][r] = make([]float64, b.Resamples)
		}
	}
	err := b.Each(ctx, g.sample.Weights(), clusters, count, func(resample int, w []float64) {
		drawn, all := g.Measure(w)
		noise := b.noise(resample, len(drawn))
		for i, c := range comparisons {
			deviations[i][resample] = c.deviation(found, drawn, overall, all, slack, noise)
		}
		for k := range drawn {
			for r := range drawn[k] {
				distances[k][r][resample] = drawn[k][r] - all[r] + float64(slack[k][r]*noise[k])
			}
		}
	})
	counted := u.counted(g.sample.weights)
	out := FairnessIntervals{ToOverall: make([][]Interval, len(found))}
	for i, c := range comparisons {
		around := b.around(c, c.spreads(found, overall), deviations[i], counted)
		for k := range prevail {
			for _, place := range c.places {
				if reason := prevail[k][place]; reason != "" && around.Undefined == "" {
					around.Undefined = "of a group " + reason
				}
			}
		}
		out.Comparisons = append(out.Comparisons, around)
	}
	for k := range distances {
		for r := range distances[k] {
			out.ToOverall[k] = append(out.ToOverall[k], g.distance(b, found[k][r]-overall[r], distances[k][r], counted, r))
		}
	}
	return out, err
}

// distance is the interval of a measure's difference from that of all rows: percentiles, or of metrics that are no
// shares what Replicated gives.
func (g *Groups) distance(b Bootstrap, x float64, replicates []float64, counted, place int) Interval {
	if m := g.metricAt(place); m != nil && m.def.counts == nil {
		return b.Replicated(x, replicates, counted)
	}
	defined, undefined := definedOf(replicates)
	if undefined != "" {
		return Interval{Undefined: undefined}
	}
	return b.percentiles(defined, counted, 0, 0)
}

// metricAt is the metric at a place among the measures; nil for a rate.
func (g *Groups) metricAt(place int) *Metric {
	if first := len(MeasureNames(g.sample.Task, nil)); place >= first {
		return g.metrics[place-first]
	}
	return nil
}

// rates are what the first measures of a binary task are.
func rates() []*share {
	return []*share{shareOf(all, isPredicted(1)), shareOf(isActual(1), isPredicted(1)), shareOf(isActual(0), isPredicted(1))}
}

// slack is by group and measure the standard deviation that resamples leave out.
func (g *Groups) slack(u units) [][]float64 {
	out := make([][]float64, len(g.parts))
	for k, p := range g.parts {
		own, sample := p.units(u), p.sample
		if sample == nil {
			sample = g.sample.part(p.rows)
		}
		for place := range g.Names() {
			x := 0.0
			if m := g.metricAt(place); m == nil {
				x = rates()[place].slack(sample, own)
			} else {
				x = m.slack(sample, own)
			}
			out[k] = append(out[k], math.Sqrt(x))
		}
	}
	return out
}

// units of the rows of the group.
func (p part) units(u units) units {
	own := units{rows: len(p.rows), count: u.count}
	if u.of != nil {
		for _, i := range p.rows {
			own.of = append(own.of, u.of[i])
		}
	}
	return own
}

// prevail gives by group and measure the reason why the measure has no interval, or "": few rows of the group make most of
// a mean of errors.
func (g *Groups) prevail(u units) [][]string {
	out := make([][]string, len(g.parts))
	for k, p := range g.parts {
		out[k] = make([]string, len(g.Names()))
		for place := range out[k] {
			if m := g.metricAt(place); m != nil && m.def.ratio != nil && g.valid[k] {
				out[k][place] = tooFewPrevail(m.ratioInterval(p.sample, p.units(u), 0).form().skew)
			}
		}
	}
	return out
}

// slack is the variance that resamples of the metric leave out.
func (m *Metric) slack(s *Sample, u units) float64 {
	if _, undefined := m.On(s, s.weights); undefined != "" {
		return 0
	}
	switch h := m.asShare(); {
	case h != nil && h.link == nil:
		return h.slack(s, u)
	case m.def.counts != nil:
		influence, jump := m.expansion(s)
		if influence == nil {
			return 0
		}
		jump *= u.variance(influence, s.weights).design
		return jump * jump
	case m.def.ranked:
		v, mixed, _ := m.rankedVariance(s, u)
		if math.IsNaN(v.value) {
			return 0
		}
		return max(0, mixed-v.value)
	}
	return 0
}

// noise is a standard normal number for each group, by the seed and the resample alone.
func (b Bootstrap) noise(resample, groups int) []float64 {
	r := rand.New(rand.NewPCG(uint64(b.Seed), ^uint64(resample)))
	out := make([]float64, groups)
	for k := range out {
		out[k] = r.NormFloat64()
	}
	return out
}

// deviation is how far a resample is from the measures found, as a spread: each group's measure in the resample minus the
// measure found, on the logarithmic scale for ratios; of these moves the spread over the groups; and where the comparison
// has several measures (equalized_odds has two) the greatest of the spreads. It is NaN where a group's measure is
// undefined in the resample, as the true positive rate is if no positive of the group was drawn.
func (c Comparison) deviation(found, drawn []Measures, overall, all Measures, slack [][]float64, noise []float64) float64 {
	moved := make([]Measures, len(found))
	for k := range found {
		moved[k] = make(Measures, len(found[k]))
		for _, r := range c.places {
			moved[k][r] = c.scale(drawn[k][r]) - c.scale(found[k][r]) + float64(c.slope(found[k][r])*slack[k][r]*noise[k])
			if math.IsNaN(moved[k][r]) && !math.IsNaN(found[k][r]) {
				return math.NaN()
			}
		}
	}
	total := make(Measures, len(overall))
	for _, r := range c.places {
		total[r] = c.scale(all[r]) - c.scale(overall[r])
	}
	plain := c
	plain.ratio = false // the logarithms are taken
	return slices.Max(plain.spreads(moved, total))
}

// around is the interval of the comparison with these spreads, of so many units.
func (b Bootstrap) around(c Comparison, spreads, deviations []float64, counted int) Interval {
	if slices.ContainsFunc(spreads, func(x float64) bool { return math.IsInf(x, 0) }) {
		return Interval{Undefined: "a " + cmp.Or(c.Metric, "rate") + " is 0, and a ratio with it has no interval"}
	}
	defined := slices.DeleteFunc(slices.Clone(deviations), math.IsNaN)
	if len(defined) == 0 || len(defined)*20 < len(deviations)*19 {
		return Interval{Undefined: undefinedIn(len(deviations)-len(defined), len(deviations))}
	}
	if counted < 2 {
		return Interval{Undefined: "all rows are of one entity"}
	}
	sort.Float64s(defined)
	// The order statistic, not between two: deviations of ratios may be infinite.
	half := defined[min(int(math.Ceil(float64(b.Confidence*float64(len(defined))))), len(defined))-1]
	half *= student(b.Confidence, float64(counted-1)) / -normal((1-b.Confidence)/2) * math.Sqrt(float64(counted)/float64(counted-1))
	x, y := c.join(spreads, -half), c.join(spreads, half)
	return Interval{Low: min(x, y), High: max(x, y)}
}
