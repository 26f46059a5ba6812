package canary

import (
	"math"
	"sort"
)

func canaryOf(s stratum) (counted, float64)  { return s.canary, 1 }
func controlOf(s stratum) (counted, float64) { return s.control, s.weight }

// quantile is the interval of a quantile of the latencies of an arm: edges of bins, since more than those is not known.
//
// With x the quantile at level p, a latency is greater than x with probability 1 - p at most, and at least x with 1 - p at least.
// So an edge above which there are more than can be is below the quantile, and one above which there are fewer is not.
func quantile(seen []stratum, arm func(stratum) (counted, float64), level, threshold float64) Figure {
	var strata []trials
	total := 0.0
	for _, s := range seen {
		a, weight := arm(s)
		n := float64(a.latency.Total())
		strata = append(strata, trials{n, 1 - level, weight})
		total += weight * n
	}
	f := Figure{math.NaN(), 0, math.Inf(1)}
	if total == 0 {
		return f
	}
	slower := func(bin int) (sum float64) {
		for _, s := range seen {
			a, weight := arm(s)
			sum += weight * float64(a.latency.above(bin))
		}
		return sum
	}
	expected := total * (1 - level)
	refuted := func(sum float64) bool { return logEvidence(sum, strata) >= threshold }
	const edges = LatencyBins - 1
	if first := sort.Search(edges, func(b int) bool { sum := slower(b); return sum <= expected || !refuted(sum) }); first > 0 {
		f.Low = latencyEdge(first - 1)
	}
	if last := sort.Search(edges, func(b int) bool { sum := slower(b); return sum < expected && refuted(sum) }); last < edges {
		f.High = latencyEdge(last)
	}
	f.Value = within(slower, expected, total)
	return f
}

// within is the latency that as many are slower than as expected, as if within its bin logarithms were spread evenly.
func within(slower func(int) float64, expected, total float64) float64 {
	bin := sort.Search(LatencyBins-1, func(b int) bool { return slower(b) <= expected })
	if bin == LatencyBins-1 {
		return latencyEdge(bin - 1)
	}
	before := total
	if bin > 0 {
		before = slower(bin - 1)
	}
	part := 1.0
	if before > slower(bin) {
		part = (before - expected) / (before - slower(bin))
	}
	return latencyEdge(bin) * math.Exp2((part-1)/perDoubling)
}

// normal is the precision, in observations of variance 1, of the prior for sums with a bounded range: intervals are narrowest at some
// 2,000 observations.
const normal = 25.0

// distance is the interval of the greatest difference, at an edge of a bin, between the distribution functions of both arms' scores.
//
// At each edge the sums of an arm are a martingale of bounded steps: of weight v with variance at most v²/4 (Hoeffding). Mixed over a
// normal prior (Robbins), and multiplied for both arms, they give an ellipse that the pair of distribution functions is in.
func distance(seen []stratum, threshold float64) Figure {
	var canary, control bounded
	for _, s := range seen {
		canary.add(s.canary.scores, 1)
		control.add(s.control.scores, s.weight)
	}
	if canary.total == 0 || control.total == 0 {
		return Figure{math.NaN(), 0, 1}
	}
	value, a, b := 0.0, 0.0, 0.0
	for bin := range ScoreBins - 1 {
		a, b = a+canary.bins[bin], b+control.bins[bin]
		value = max(value, math.Abs(a/canary.total-b/control.total))
	}
	m := margin(canary, control, threshold)
	return Figure{value, max(0, value-m), min(1, value+m)}
}

// margin is how far the difference between both arms may be from what is found, at one edge.
func margin(canary, control bounded, threshold float64) float64 {
	nats := threshold + canary.growth() + control.growth()
	return math.Sqrt(2 * nats * (canary.spread() + control.spread()))
}

// bounded are weighted scores by bin.
type bounded struct {
	bins            [ScoreBins]float64
	total, variance float64
}

func (b *bounded) add(scores Histogram, weight float64) {
	for bin, n := range scores {
		b.bins[bin] += weight * float64(n)
		b.total += weight * float64(n)
		b.variance += weight * weight * float64(n) / 4
	}
}

func (b *bounded) growth() float64 { return math.Log1p(b.variance/normal) / 2 }
func (b *bounded) spread() float64 { return (b.variance + normal) / (b.total * b.total) }
