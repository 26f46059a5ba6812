package metric

import (
	"fmt"
	"math"
	"sort"
)

// ratio is a metric that is a function of Σw·num / Σw·den.
type ratio struct {
	num, den func(i int) float64 // den nil: 1
	link     link
}

// link leads from the ratio to the metric.
type link int

const (
	identity   link = iota
	root            // √
	complement      // 1 - x
)

// of is the metric of a ratio: sqrt for RMSE, 1 - x for R².
func (l link) of(x float64) float64 {
	switch l {
	case root:
		return math.Sqrt(x)
	case complement:
		return 1 - x
	}
	return x
}

// slope is the derivative.
func (l link) slope(x float64) float64 {
	switch l {
	case root:
		return 0.5 / math.Sqrt(x)
	case complement:
		return -1
	}
	return 1
}

// parts are the sums of a ratio by unit.
type parts struct {
	num, den []float64
	link     link
}

// parts sums numerator and denominator by unit, once; a resample is then a weighted sum over units and not over rows.
func (r ratio) parts(s *Sample, u units) parts {
	num, den := make([]float64, s.rows), s.weights
	if r.den != nil {
		den = make([]float64, s.rows)
	}
	for i, w := range s.weights {
		if w == 0 {
			continue
		}
		num[i] = float64(w * r.num(i))
		if r.den != nil {
			den[i] = float64(w * r.den(i))
		}
	}
	return parts{num: u.sums(num), den: u.sums(den), link: r.link}
}

// at computes the ratio of units that are drawn so many times each; drawn nil: once.
func (p parts) at(drawn []float64) (x, den float64) {
	var num float64
	for g := range p.num {
		c := 1.0
		if drawn != nil {
			c = drawn[g]
		}
		num += float64(c * p.num[g])
		den += float64(c * p.den[g])
	}
	return num / den, den
}

// influence of a unit on the ratio.
func (p parts) influence(g int, x, den float64) float64 {
	return (p.num[g] - float64(x*p.den[g])) / den
}

// scaled is a figure on the scale that its interval is found on.
type scaled struct {
	value     float64
	influence func(g int) float64
}

// logarithm of the ratio.
func (p parts) logarithm(drawn []float64) scaled {
	x, den := p.at(drawn)
	return scaled{math.Log(x), func(g int) float64 { return p.influence(g, x, den) / x }}
}

// linear is the metric as it is.
func (p parts) linear(drawn []float64) scaled {
	x, den := p.at(drawn)
	slope := p.link.slope(x)
	return scaled{p.link.of(x), func(g int) float64 { return float64(slope * p.influence(g, x, den)) }}
}

// difference is after minus before on the same draw.
func difference(before, after parts, drawn []float64) scaled {
	a, b := before.linear(drawn), after.linear(drawn)
	return scaled{b.value - a.value, func(g int) float64 { return b.influence(g) - a.influence(g) }}
}

// studentized is a figure with what its bootstrap-t interval needs.
type studentized struct {
	at     func(drawn []float64) scaled
	finish func(low, high float64) Interval // from the scale to the metric
	signed bool                             // it may be off to either side by the same
	units  int                              // that count
	n      int                              // units
	t      []float64                        // by resample; NaN where it is undefined
	found  scaled
	error  float64
}

// newStudentized prepares the bootstrap-t of interval: of each resample (x* - x) / error*, with the errors from the
// influence of units.
func newStudentized(at func([]float64) scaled, finish func(low, high float64) Interval, u units, w []float64, resamples int) *studentized {
	s := &studentized{at: at, finish: finish, units: u.counted(w), n: u.n(), t: make([]float64, resamples), found: at(nil)}
	s.error = s.standardError(s.found, nil)
	return s
}

// standardError is the root of the sum of squared influences, by n/(n-1); of a resample each unit counts as often as it was
// drawn.
func (s *studentized) standardError(of scaled, drawn []float64) float64 {
	var squares float64
	for g := range s.n {
		if drawn == nil || drawn[g] > 0 {
			z := of.influence(g)
			z *= z
			if drawn != nil {
				z *= drawn[g]
			}
			squares += z
		}
	}
	return math.Sqrt(squares * float64(s.units) / float64(s.units-1))
}

// take adds a resample.
func (s *studentized) take(resample int, drawn []float64) {
	x := s.at(drawn)
	s.t[resample] = (x.value - s.found.value) / s.standardError(x, drawn)
}

// Limits of the skewness of a mean of errors, Σz³ / (Σz²)^1.5 over the influences z of the units. (For n equal units it
// is their own skewness divided by √n: errors distributed exponentially have 2/√n, which is 0.10 at 400 rows and 0.40 at
// 25.) Up to lightSkew the bootstrap-t interval stands as it is. From lightSkew to moderateSkew it is lengthened by a
// growing share of twice what the rule of three leaves open (Hanley and Lippman-Hand 1983: what was not seen in n rows
// may still be as frequent as 3/n). From heavySkew on there is no interval: few units make most of the figure.
const (
	lightSkew    = 0.10
	moderateSkew = 0.25
	heavySkew    = 0.40
)

// tooFewPrevail is why a figure of that skewness has no interval; empty if it has one.
func tooFewPrevail(skew float64) string {
	if !(math.Abs(skew) >= heavySkew) {
		return ""
	}
	return fmt.Sprintf("few rows make most of it (skewness %.2f, more than %.1f): more rows are needed, or a metric that great errors weigh less in", math.Abs(skew), heavySkew)
}

// unseen is how many times the influence of the most influential unit an interval is lengthened by.
func unseen(skew, confidence float64) float64 {
	return -2 * math.Log(1-confidence) * min(max((skew-lightSkew)/(moderateSkew-lightSkew), 0), 1)
}

// interval is the bootstrap-t interval (Efron and Tibshirani 1993, chapter 12.5).
func (s *studentized) interval(confidence float64) Interval {
	f := s.form()
	switch {
	case math.IsNaN(f.squares) || s.units < 2:
		return Interval{Undefined: "all errors are 0, or all rows are of one entity"}
	case f.squares == 0:
		return Interval{Undefined: "all rows are alike, which tells nothing of others"}
	}
	if reason := tooFewPrevail(f.skew); reason != "" {
		return Interval{Undefined: reason}
	}
	t, undefined := definedOf(s.t)
	if undefined != "" {
		return Interval{Undefined: undefined}
	}
	tail := float64((1 - confidence) / 2)
	low, high := s.found.value-float64(Quantile(t, 1-tail)*s.error), s.found.value-float64(Quantile(t, tail)*s.error)
	weight := math.Abs(f.skew)
	if s.signed {
		weight = max(weight, f.heavy)
	}
	unseen := unseen(weight, confidence)
	if f.skew > 0 || s.signed {
		high += float64(unseen * f.most)
	}
	if f.skew < 0 || s.signed {
		low += float64(unseen * f.least)
	}
	return s.finish(low, high)
}

// form is that of the influences of the units.
type form struct {
	squares, least, most float64
	skew                 float64 // of the figure
	heavy                float64 // the same of absolute influences, less what those of a normal distribution have
}

// form describes the influences: how skew, how heavy in the tails, and the extremes, by which it is told whether the
// interval can be trusted.
func (s *studentized) form() form {
	var f form
	var cubes, absolute float64
	for g := range s.n {
		z := s.found.influence(g)
		f.squares += float64(z * z)
		cubes += float64(z * z * z)
		absolute += math.Abs(float64(z * z * z))
		f.least, f.most = min(f.least, z), max(f.most, z)
	}
	scale := math.Pow(f.squares, 1.5)
	f.skew, f.heavy = cubes/scale, absolute/scale-1.6/math.Sqrt(float64(s.units))
	return f
}

// definedOf are the replicates that have a value, ascending. More than one in twenty without, and what is left would
// be a biased choice.
func definedOf(replicates []float64) (defined []float64, undefined string) {
	defined = make([]float64, 0, len(replicates))
	for _, x := range replicates {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			defined = append(defined, x)
		}
	}
	if len(defined) == 0 || len(defined)*20 < len(replicates)*19 {
		return nil, undefinedIn(len(replicates)-len(defined), len(replicates))
	}
	sort.Float64s(defined)
	return defined, ""
}

// undefinedIn says in how many resamples a metric had no value.
func undefinedIn(n, of int) string { return fmt.Sprintf("undefined in %d of %d resamples", n, of) }

// ratioInterval prepares the interval of a metric that is a ratio: that of its logarithm where it cannot be negative.
func (m *Metric) ratioInterval(s *Sample, u units, resamples int) *studentized {
	p := m.def.ratio(s).parts(s, u)
	if m.def.signed && p.link == identity {
		return newStudentized(p.linear, func(low, high float64) Interval { return Interval{Low: low, High: high} }, u, s.weights, resamples)
	}
	return newStudentized(p.logarithm, func(low, high float64) Interval {
		low, high = p.link.of(math.Exp(low)), p.link.of(math.Exp(high))
		if m.def.share {
			high = min(high, 1)
		}
		return Interval{Low: min(low, high), High: max(low, high)}
	}, u, s.weights, resamples)
}

// ratioDelta prepares the interval of a difference on the same rows.
func (m *Metric) ratioDelta(before, after *Sample, u units, resamples int) *studentized {
	a, b := m.def.ratio(before).parts(before, u), m.def.ratio(after).parts(after, u)
	at := func(drawn []float64) scaled { return difference(a, b, drawn) }
	t := newStudentized(at, func(low, high float64) Interval { return Interval{Low: low, High: high} }, u, after.weights, resamples)
	t.signed = true
	return t
}
