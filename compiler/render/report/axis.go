package report

import (
	"math"
	"strconv"

	doc "github.com/mlp-lang/mlp/lang/report"
)

// axis takes values to places on a picture: linearly, and downwards where from is greater than to. An axis of categories has the
// value 0 at the first, 1 at the second.
type axis struct {
	low, high float64 // values at its ends
	from, to  float64 // places of its ends, in units of the picture
	ticks     []tick
}

// tick is a value that is named beside an axis: 0.25 as "25 %", 2 as the name of the third category.
type tick struct {
	value float64
	text  string
}

// at is the place of a value; values beyond the ends stay within them.
func (a *axis) at(x float64) float64 {
	x = min(max(x, a.low), a.high)
	return a.from + (x-a.low)/(a.high-a.low)*(a.to-a.from)
}

// newAxis spans the values, or what the axis says, with ticks at about most equal steps. The least value is at from, the greatest at
// to. With zero 0 is among the values, as bars need, which stand on it.
//
// Of values from 3 to 97 and most = 5 the step is nice(94 / 5) = 20, the ends are 0 and 100, the ticks 0, 20, … 100. Ends that the
// axis says are kept: with Max = 1 a share ends at 100 % and not at a round number beyond.
func newAxis(d doc.Axis, values []float64, zero bool, most int, from, to float64) *axis {
	a := &axis{from: from, to: to}
	if n := len(d.Categories); n > 0 { // half a place beyond the first and the last
		a.low, a.high = -0.5, float64(n)-0.5
		for i, name := range d.Categories {
			a.ticks = append(a.ticks, tick{float64(i), name})
		}
		return a
	}
	a.low, a.high = math.Inf(1), math.Inf(-1)
	for _, x := range values {
		a.low, a.high = min(a.low, x), max(a.high, x)
	}
	if zero {
		a.low, a.high = min(a.low, 0), max(a.high, 0)
	}
	if len(values) == 0 {
		a.low, a.high = 0, 1
	}
	// Values at the very ends would lie on the frame, so that ends which nobody said are moved out to a round number.
	step := nice((a.high - a.low) / float64(most))
	switch {
	case a.high == a.low: // one value stands in the middle
		half := max(math.Abs(a.low)/2, 0.5)
		a.low, a.high = a.low-half, a.high+half
	case d.Min == nil || d.Max == nil: // the ends are round
		a.low, a.high = math.Floor(a.low/step)*step, math.Ceil(a.high/step)*step
	}
	if d.Min != nil {
		a.low = *d.Min
	}
	if d.Max != nil {
		a.high = *d.Max
	}
	if a.low >= a.high { // all values lie beyond the only end that was said
		a.high = a.low + 1
	}
	step = nice((a.high - a.low) / float64(most))
	// Ticks are multiples of the step rather than sums of it, so that errors of rounding do not add up: the third is 3 * 0.1, shown as 0.3.
	for k := math.Ceil(a.low/step - 1e-9); k*step <= a.high+step*1e-9 && len(a.ticks) <= 2*most; k++ {
		a.ticks = append(a.ticks, tick{k * step, tickText(k*step, step, d.Share)})
	}
	return a
}

// nice is the least of 1, 2, 5 times a power of ten that is not below x: 0.3 gives 0.5, 18 gives 20. What rounding has put a hair above one
// of them still gives that one. What has no size, such as 0 or NaN, gives 1.
func nice(x float64) float64 {
	if x <= 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return 1
	}
	power := math.Pow10(int(math.Floor(math.Log10(x))))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// tickText has as many decimal places as the step between ticks needs, so that all ticks of an axis have as many: 0, 0.5, 1.0 at a step
// of 0.5. Very large values, and very small steps, have an exponent.
func tickText(x, step float64, share bool) string {
	unit := ""
	if share {
		x, step, unit = 100*x, 100*step, " %"
	}
	if math.Abs(x) < step/1e6 { // what rounding left of 0, of either sign
		return "0" + unit
	}
	if math.Abs(x) >= 1e6 || step < 1e-5 {
		return strconv.FormatFloat(x, 'g', 4, 64) + unit
	}
	places := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	s := strconv.FormatFloat(x, 'f', places, 64)
	if places == 0 {
		s = doc.Thousands(s)
	}
	return s + unit
}
