package canary

import "math"

// trials are n independent events, each of which happens with probability p and then weighs weight.
type trials struct{ n, p, weight float64 }

// mixture is the prior of the log-odds by which what is true may differ from what is supposed: that of an odds ratio r for which
// r/(1+r) has the beta distribution with both parameters concentration. It is symmetric, so that half and twice are treated alike.
const concentration = 3.0

// Integration: tails that are lower than the peak by this many nats are left out, and the steps are half of the peak's
// standard deviation, or half a nat if that is less. The integrand is analytic, so that this is exact to ten digits.
const (
	negligible = 40.0
	stepShare  = 0.5
)

// logEvidence is the logarithm of the e-value against the supposition of the strata, when what happened weighs sum in all:
//
//	log ∫ exp(λ·sum) / ∏ (1 + p(exp(λ·weight) - 1))^n  dπ(λ)
//
// It is convex in sum, and in p where there is one stratum; without trials it is 0.
func logEvidence(sum float64, strata []trials) float64 {
	// The integrand's logarithm is concave: the mode first, then sums to both sides of it.
	mode := decreasingRoot(func(l float64) float64 { return slope(l, sum, strata) })
	scale := min(1, 1/math.Sqrt(curvature(mode, strata)))
	step, peak := stepShare*scale, logIntegrand(mode, sum, strata)
	total := 1.0
	for _, direction := range []float64{-1, 1} {
		for i := 1; ; i++ {
			below := logIntegrand(mode+direction*step*float64(i), sum, strata) - peak
			if below < -negligible {
				break
			}
			total += math.Exp(below)
		}
	}
	return peak + math.Log(total*step) - logBeta(concentration)
}

func logIntegrand(l, sum float64, strata []trials) float64 {
	g := l*sum - concentration*(math.Abs(l)+2*math.Log1p(math.Exp(-math.Abs(l))))
	for _, s := range strata {
		g -= s.n * logMoment(s.p, l*s.weight)
	}
	return g
}

// logMoment is log(1 + p(exp(x) - 1)), without loss where x is large.
func logMoment(p, x float64) float64 {
	switch {
	case x > 1:
		return x + math.Log(p+(1-p)*math.Exp(-x))
	case x < -1:
		return math.Log((1 - p) + p*math.Exp(x))
	}
	return math.Log1p(p * math.Expm1(x))
}

// slope is the derivative of logIntegrand.
func slope(l, sum float64, strata []trials) float64 {
	g := sum - concentration*math.Tanh(l/2)
	for _, s := range strata {
		g -= s.n * s.weight * tilted(s, l)
	}
	return g
}

// curvature is minus the second derivative of logIntegrand.
func curvature(l float64, strata []trials) float64 {
	t := math.Tanh(l / 2)
	g := concentration / 2 * (1 - t*t)
	for _, s := range strata {
		q := tilted(s, l)
		g += s.n * s.weight * s.weight * q * (1 - q)
	}
	return g
}

// tilted is the probability whose log-odds are those of p plus l times the weight.
func tilted(s trials, l float64) float64 { return s.p / (s.p + (1-s.p)*math.Exp(-l*s.weight)) }

// logBeta is the logarithm of the beta function of a twice.
func logBeta(a float64) float64 {
	one, _ := math.Lgamma(a)
	both, _ := math.Lgamma(2 * a)
	return 2*one - both
}

// decreasingRoot finds where a decreasing function that is positive on the far left and negative on the far right is 0.
func decreasingRoot(f func(float64) float64) float64 {
	low, high := -1.0, 1.0
	for f(low) < 0 {
		low, high = 2*low, low
	}
	for f(high) > 0 {
		low, high = high, 2*high
	}
	return root(f, low, high)
}

// root finds where f is 0 between two points at which its signs differ, by false position with the Illinois rule, which keeps
// the root between them; each third step halves what is between.
func root(f func(float64) float64, low, high float64) float64 {
	atLow, atHigh, kept := f(low), f(high), 0
	for i := range 200 {
		if high-low <= 1e-12*max(math.Abs(low), math.Abs(high))+1e-15 {
			break
		}
		x := high - atHigh*(high-low)/(atHigh-atLow)
		if i%3 == 2 || !(x > low && x < high) {
			x = low + (high-low)/2
		}
		at := f(x)
		switch {
		case math.Abs(at) < 1e-8:
			return x
		case (at > 0) == (atLow > 0):
			if low, atLow = x, at; kept > 0 {
				atHigh /= 2
			}
			kept = 1
		default:
			if high, atHigh = x, at; kept < 0 {
				atLow /= 2
			}
			kept = -1
		}
	}
	return low + (high-low)/2
}
