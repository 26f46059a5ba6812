package canary

import "math"

// ratio is the interval of how much more often something happens with the canary than with the control.
func ratio(seen []stratum, event func(counted) float64, threshold float64) Figure {
	var strata []trials
	sum := 0.0
	for _, s := range seen {
		strata = append(strata, trials{event(s.canary) + event(s.control), s.share, 1})
		sum += event(s.canary)
	}
	return split(sum, strata, threshold)
}

// split is the interval of a ratio by what the canary has of the events of each step: at a share w it has each with probability
// w·r/(w·r + 1 - w).
func split(sum float64, strata []trials, threshold float64) Figure {
	n := 0.0
	for _, s := range strata {
		n += s.n
	}
	if n == 0 {
		return Figure{math.NaN(), 0, math.Inf(1)}
	}
	// The e-value against a ratio is that against 1 times what the ratio is likelier than 1: all in logarithms, of the ratio too.
	least := logEvidence(sum, strata)
	excess := func(l float64) float64 {
		likelier := l * sum
		for _, s := range strata {
			likelier -= s.n * logMoment(s.p, l)
		}
		return least - likelier - threshold
	}
	f := Figure{0, 0, math.Inf(1)}
	best := 0.0
	switch sum {
	case 0:
		best = -1
		for excess(best) > 0 {
			best *= 2
		}
	case n:
		f.Value, best = math.Inf(1), 1
		for excess(best) > 0 {
			best *= 2
		}
	default:
		best = decreasingRoot(func(l float64) float64 {
			g := sum
			for _, s := range strata {
				g -= s.n * tilted(s, l)
			}
			return g
		})
		f.Value = math.Exp(best)
	}
	if sum > 0 {
		f.Low = math.Exp(outward(excess, best, -1))
	}
	if sum < n {
		f.High = math.Exp(outward(excess, best, 1))
	}
	return f
}

// outward finds where a function that is negative at from, and grows from there, is 0.
func outward(f func(float64) float64, from, direction float64) float64 {
	near, far := from, from+direction
	for f(far) < 0 {
		near, far = far, far+2*(far-from)
	}
	return root(f, min(near, far), max(near, far))
}

// rated is an arm's events among trials. Events may weigh less than 1; a mean of weights times scale is a rate.
type rated struct{ events, trials, scale float64 }

// arms are both arms over all steps, the control's events weighted so that its mixture of steps is the canary's.
func arms(seen []stratum, event, of func(counted) float64) (canary, control rated) {
	canary, control = rated{scale: 1}, rated{scale: 1}
	weights := 0.0
	for _, s := range seen {
		canary.events += event(s.canary)
		canary.trials += of(s.canary)
		control.events += s.weight * event(s.control)
		control.trials += of(s.control)
		weights += s.weight * of(s.control)
	}
	if weights > 0 {
		control.scale = control.trials / weights
	}
	return canary, control
}

func (r rated) value() float64 {
	if r.trials == 0 {
		return math.NaN()
	}
	return min(1, r.events/r.trials*r.scale)
}

// against is the logarithm of the e-value against a mean.
func (r rated) against(mean float64) float64 {
	if mean <= 0 && r.events > 0 || mean >= 1 && r.events < r.trials {
		return math.Inf(1)
	}
	return logEvidence(r.events, []trials{{r.trials, mean, 1}})
}

// interval holds the average of the rates that the arm's requests had.
func (r rated) interval(threshold float64) Figure {
	if r.trials == 0 {
		return Figure{math.NaN(), 0, 1}
	}
	return Figure{r.value(), r.low(threshold), r.high(threshold)}
}

func (r rated) low(threshold float64) float64 {
	if r.trials == 0 || r.events == 0 {
		return 0
	}
	excess := func(mean float64) float64 { return r.against(mean) - threshold }
	near := min(1, r.events/r.trials)
	if excess(near) >= 0 {
		return near * r.scale
	}
	far := near / 2
	for excess(far) < 0 {
		if far < 1e-30 { // a single event, or two, may be of any rate however small
			return 0
		}
		near, far = far, far/2
	}
	return root(excess, far, near) * r.scale
}

func (r rated) high(threshold float64) float64 {
	if r.trials == 0 || r.events >= r.trials {
		return 1
	}
	excess := func(mean float64) float64 { return r.against(mean) - threshold }
	near := r.events / r.trials
	if excess(near) >= 0 {
		return min(1, near*r.scale)
	}
	far := near + (1-near)/2
	for excess(far) < 0 {
		if far > 1-1e-14 {
			return 1
		}
		near, far = far, far+(1-far)/2
	}
	return min(1, root(excess, near, far)*r.scale)
}

// difference is the interval of the canary's rate minus the control's. Both arms' e-values multiplied are an e-value against a pair of rates; the
// interval has the differences of all pairs that are not given up.
func difference(canary, control rated, threshold float64) Figure {
	f := Figure{canary.value() - control.value(), -1, 1}
	if canary.trials == 0 || control.trials == 0 {
		return f // what the one arm's interval alone says is not asked for
	}
	excess := func(d float64) float64 { return pair(canary, control, d) - threshold }
	// No pair is farther apart than the ends of both intervals at the threshold less what the other arm has at its best.
	ofCanary := threshold - control.against(control.events/control.trials)
	ofControl := threshold - canary.against(canary.events/canary.trials)
	f.Low = canary.low(ofCanary) - control.high(ofControl)
	if excess(f.Low) > 0 {
		f.Low = root(excess, f.Low, f.Value)
	}
	f.High = canary.high(ofCanary) - control.low(ofControl)
	if excess(f.High) > 0 {
		f.High = root(excess, f.Value, f.High)
	}
	return f
}

// pair is the logarithm of the least e-value against two rates with a difference. It is convex in the difference, as the e-values are in
// the rates; the least is found by golden section between the canary's rate and that which the control's asks for.
func pair(canary, control rated, difference float64) float64 {
	at := func(rate float64) float64 {
		return canary.against(rate) + control.against(min(1, max(0, rate-difference)/control.scale))
	}
	a, b := canary.value(), control.value()+difference
	from, to := max(0, difference, min(a, b)), min(1, 1+difference, max(a, b))
	const golden = 0.6180339887498949
	left, right := to-golden*(to-from), from+golden*(to-from)
	atLeft, atRight := at(left), at(right)
	for range 24 {
		if atLeft < atRight {
			to, right, atRight = right, left, atLeft
			left = to - golden*(to-from)
			atLeft = at(left)
		} else {
			from, left, atLeft = left, right, atRight
			right = from + golden*(to-from)
			atRight = at(right)
		}
	}
	return min(atLeft, atRight, at(from), at(to))
}
