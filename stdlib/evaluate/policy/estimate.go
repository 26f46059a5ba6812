package policy

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// decision is a row of the log.
type decision struct {
	unit     int     // of which intervals are
	weight   float64 // 1/propensity where the policy would have done the same, else 0
	value    float64
	expected float64 // by the guess, of what the policy would do
	guessed  float64 // and of what was done
}

// bounded is a value with its interval.
type bounded struct{ value, low, high float64 }

// estimates are what a policy is worth.
type estimates struct {
	logged, ips, snips, dr, gain bounded
	matched                      int
	effective                    float64
}

// estimate finds them; units is how many there are. robust tells that there is a guess.
func estimate(rows []decision, units int, robust bool, confidence float64) estimates {
	n := float64(len(rows))
	var out estimates
	var weights, squares, logged, ips, dr float64
	says := make([]bool, units)
	for _, r := range rows {
		weights, squares = weights+r.weight, squares+float64(r.weight*r.weight)
		logged, ips, dr = logged+r.value, ips+float64(r.weight*r.value), dr+r.robust()
		if r.weight > 0 {
			out.matched++
			says[r.unit] = true
		}
	}
	matched := 0
	for _, s := range says {
		if s {
			matched++
		}
	}
	if squares > 0 {
		out.effective = weights * weights / squares
	}
	logged, ips, dr = logged/n, ips/n, dr/n
	snips := math.NaN()
	if weights > 0 {
		snips = ips * n / weights
	}
	// What of each row moves an estimate; a unit's rows move it together.
	interval := func(value float64, says int, influence func(decision) float64) bounded {
		sums := make([]float64, units)
		for _, r := range rows {
			sums[r.unit] += influence(r)
		}
		variance := 0.0
		for _, x := range sums {
			variance += float64(x * x)
		}
		if says < 2 || math.IsNaN(value) {
			return bounded{value, math.NaN(), math.NaN()}
		}
		half := distuv.StudentsT{Sigma: 1, Nu: float64(says - 1)}.Quantile((1+confidence)/2) * math.Sqrt(variance*float64(says)/float64(says-1))
		return bounded{value, value - half, value + half}
	}
	ofLogged := func(r decision) float64 { return (r.value - logged) / n }
	ofSnips := func(r decision) float64 { return r.weight * (r.value - snips) / weights }
	ofRobust := func(r decision) float64 { return (r.robust() - dr) / n }
	out.logged = interval(logged, units, ofLogged)
	out.ips = interval(ips, matched, func(r decision) float64 { return (float64(r.weight*r.value) - ips) / n })
	out.snips = interval(snips, matched, ofSnips)
	if robust {
		out.dr = interval(dr, matched, ofRobust)
		out.gain = interval(dr-logged, matched, func(r decision) float64 { return ofRobust(r) - ofLogged(r) })
	} else {
		out.gain = interval(snips-logged, matched, func(r decision) float64 { return ofSnips(r) - ofLogged(r) })
	}
	return out
}

// robust is what a row adds to the doubly robust estimate.
func (r decision) robust() float64 {
	return r.expected + float64(r.weight*(r.value-r.guessed))
}
