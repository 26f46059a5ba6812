package metric

import (
	"context"
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Replicated is the interval of a figure x of which nothing is known but its values on the resamples: an SQL metric such
// as sum(amount) / count(*). replicates has one value for each resample, in any order, NaN where the figure is undefined
// there; more than one in twenty of them, and there is no interval. units is how many rows or clusters were drawn.
//
// The interval is the bias-corrected, accelerated bootstrap (BCa; Efron 1987). Its acceleration is a sixth of the skewness
// of the replicates, and for few units it is widened by Student's quantile (Hesterberg 2015).
//
// Skewed replicates lengthen the interval at the side of the long tail, and very skewed ones (heavySkew) leave none, as
// for means of errors. The influence of the most influential unit, which such a lengthening needs, is not known; it is
// taken to be that of one unit which makes the whole skewness alone, the deviation times the cube root of the skewness.
// If the squares of the replicates are more skewed than the replicates, the figure may be a root (a root mean squared
// error), which hides skewness: the skewness of the squares is then used, and the lengthening doubled.
func (b Bootstrap) Replicated(x float64, replicates []float64, units int) Interval {
	defined, undefined := definedOf(replicates)
	if undefined != "" {
		return Interval{Undefined: undefined}
	}
	deviation, skew := moments(defined)
	if deviation == 0 || math.IsNaN(x) {
		return Interval{Undefined: "all resamples give the same, which tells nothing of other rows"}
	}
	acceleration := skew / 6
	times := 1.0
	if s := skewOfSquares(defined); math.Abs(s) > math.Abs(skew) {
		skew, times = s, 2
	}
	if reason := tooFewPrevail(skew); reason != "" {
		return Interval{Undefined: reason}
	}
	below := 0.0
	for _, r := range defined {
		if r < x {
			below++
		} else if r == x {
			below += 0.5
		}
	}
	n := float64(len(defined))
	i := b.percentiles(defined, units, normal(min(max(below/n, 1/n), 1-1/n)), acceleration)
	// As many resamples show some skewness by chance.
	sure := max(0, math.Abs(skew)-float64(math.Sqrt(6/n)/2))
	longer := float64(times * unseen(sure, b.Confidence) * deviation * math.Cbrt(sure))
	if skew > 0 {
		i.High += longer
	} else {
		i.Low -= longer
	}
	return i
}

// skewOfSquares is the skewness of squared replicates, if none is negative: a root hides that of what is below it.
func skewOfSquares(replicates []float64) float64 {
	squares := make([]float64, len(replicates))
	for i, x := range replicates {
		if x < 0 {
			return 0
		}
		squares[i] = x * x
	}
	_, skew := moments(squares)
	return skew
}

// percentiles are those of replicates, without correction: for what is a middle value, not a mean.
func (b Bootstrap) percentiles(sorted []float64, units int, bias, acceleration float64) Interval {
	if units < 2 {
		return Interval{Undefined: "all rows are of one entity"}
	}
	z := float64(student(b.Confidence, float64(units-1)) * math.Sqrt(float64(units)/float64(units-1)))
	at := func(z float64) float64 {
		z += bias
		return Quantile(sorted, distuv.UnitNormal.CDF(bias+z/(1-float64(acceleration*z))))
	}
	return Interval{Low: at(-z), High: at(z)}
}

// normal is the quantile of the standard normal distribution.
func normal(p float64) float64 { return mathext.NormalQuantile(p) }

// moments are the standard deviation (by n) and the skewness. A deviation that is rounding only is 0.
func moments(xs []float64) (deviation, skew float64) {
	var mean, squares, cubes float64
	for _, x := range xs {
		mean += x
	}
	n := float64(len(xs))
	mean /= n
	for _, x := range xs {
		d := x - mean
		squares += float64(d * d)
		cubes += float64(d * d * d)
	}
	deviation = math.Sqrt(squares / n)
	if deviation <= 1e-12*math.Abs(mean) {
		return 0, 0
	}
	return deviation, cubes / n / (deviation * deviation * deviation)
}

// precisionInterval is that of average_precision: its variance on the resamples, drawn towards that of a share of the
// positives (Boyd, Eng and Page 2013), the more the fewer they are.
func (m *Metric) precisionInterval(s *Sample, u units, replicates []float64, confidence float64) Interval {
	x, undefined := m.On(s, s.weights)
	if undefined != "" {
		return Interval{Undefined: undefined}
	}
	defined, undefined := definedOf(replicates)
	if undefined != "" {
		return Interval{Undefined: undefined}
	}
	var of kish
	w := make([]float64, s.rows)
	for i, a := range s.Actual {
		if a == 1 {
			of.add(s.weights[i])
			w[i] = s.weights[i]
		}
	}
	positives, counted := of.size(), u.counted(w)
	if counted < 2 {
		return Interval{Undefined: "all positive rows are of one entity"}
	}
	if u.of != nil {
		positives = effective(u.sums(w))
	}
	deviation, _ := moments(defined)
	found := deviation * deviation * float64(counted) / float64(counted-1)
	edge := 0.5 / positives
	at := min(max(x, edge), 1-edge)
	mixed := (float64(positives*found) + float64(modelled*at*(1-at))/positives) / (positives + modelled)
	return bounded(at, mixed, confidence, counted, u.of != nil)
}

// resampledDelta is Student's interval of a difference whose deviation the resamples give.
func (b Bootstrap) resampledDelta(x float64, replicates []float64, units int, limit float64) Interval {
	defined, undefined := definedOf(replicates)
	if undefined != "" {
		return Interval{Undefined: undefined}
	}
	deviation, _ := moments(defined)
	return around(x, deviation*deviation*float64(units)/float64(units-1), units-1, b.Confidence, limit)
}

// restsOn is how many units a figure that is found by resamples rests on: of average_precision those with a positive.
func (m *Metric) restsOn(s *Sample, u units) int {
	if m.Type != "average_precision" {
		return u.counted(s.weights)
	}
	w := make([]float64, s.rows)
	for i, a := range s.Actual {
		if a == 1 {
			w[i] = s.weights[i]
		}
	}
	return u.counted(w)
}

// most is the greatest difference that there can be.
func (m *Metric) most() float64 {
	if m.def.share {
		return 1
	}
	return math.Inf(1)
}

// draws are the figures that wait for the resamples, which are drawn once for all.
type draws struct {
	b        Bootstrap
	u        units
	weights  []float64
	students []*studentized
	values   []func(w []float64) float64
	found    [][]float64 // by value and resample
	finish   []func()
}

func newDraws(b Bootstrap, u units, weights []float64) *draws {
	return &draws{b: b, u: u, weights: weights}
}

func (d *draws) student(s *studentized, finish func()) {
	d.students, d.finish = append(d.students, s), append(d.finish, finish)
}

// replicates asks for a value on each resample; finish is called once all are there.
func (d *draws) replicates(value func(w []float64) float64, finish func(replicates []float64)) {
	found := make([]float64, d.b.Resamples)
	d.values, d.found = append(d.values, value), append(d.found, found)
	d.finish = append(d.finish, func() { finish(found) })
}

// run draws the resamples once for everything that was asked for. The weights of rows are only made if a value needs them.
func (d *draws) run(ctx context.Context) error {
	if len(d.finish) == 0 {
		return ctx.Err()
	}
	weights := d.weights
	if len(d.values) == 0 {
		weights = nil
	}
	err := d.b.each(ctx, d.u, weights, func(resample int, drawn, w []float64) {
		for _, s := range d.students {
			s.take(resample, drawn)
		}
		for i, value := range d.values {
			d.found[i][resample] = value(w)
		}
	})
	if err != nil {
		return err
	}
	for _, f := range d.finish {
		f()
	}
	return nil
}

// replicate is the metric on a resample; NaN where it is undefined there, as AUC on a draw of one class.
func replicate(m *Metric, s *Sample, w []float64) float64 {
	x, undefined := m.On(s, w)
	if undefined != "" {
		return math.NaN()
	}
	return x
}
