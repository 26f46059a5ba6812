package logistic_regression

import (
	"math"

	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/design"
)

// # The penalty of absolute values
//
// With l1 above 0, l1·Σ |coefficient| / Σ w is added to what is minimised. It has no derivative at 0, where it holds coefficients that tell little, so
// L-BFGS is not for it. Steps go down the rest, and each coefficient is then moved towards 0 by what the penalty takes (accelerated proximal gradient,
// Beck and Teboulle 2009), with the length of steps found by halving and the memory given up where it points upwards (O'Donoghue and Candès 2015). A
// coefficient's step is measured by its curvature at most, Σ w x²/4 / Σ w + l2 / Σ w: else those of rare categories would hardly move.
//
// It ends where no condition of the minimum is off by more than 1e-9 per unit of weight: the derivative of the rest is ∓l1/Σ w for a coefficient
// above or below 0, between these for one that is 0, and 0 for an intercept.

// l1Tolerance is by how much a condition may be off.
const l1Tolerance = 1e-9

// stepsOf is how many of these steps, which cost two looks at the rows, make one of max_iterations.
const stepsOf = 10

// sparse finds the minimum with the penalty l1, from the start. off is by how much a condition is off there.
func (s *search) sparse(start []float64, l1 float64, maxSteps int, progress func(done int)) (at []float64, off float64, err error) {
	curvature, err := s.curvature(len(start))
	if err != nil {
		return nil, 0, err
	}
	l1 /= s.weight
	at = start
	z, next, g := append([]float64{}, at...), make([]float64, len(at)), make([]float64, len(at))
	momentum, length := 1.0, 1.0
	for step := range maxSteps * stepsOf {
		s.compute(z)
		copy(g, s.gradient)
		for {
			var moved, bent float64
			for i := range next {
				next[i] = z[i] - g[i]/(length*curvature[i])
				if s.penalised(i) {
					next[i] = towardsZero(next[i], l1/(length*curvature[i]))
				}
			}
			if s.compute(next); s.err != nil {
				return nil, 0, s.err
			}
			for i, x := range next {
				d := x - z[i]
				moved += float64(curvature[i] * float64(d*d))
				bent += float64((s.gradient[i] - g[i]) * d)
			}
			if bent <= length*moved/2 || length > 1e12 {
				break
			}
			length *= 2
		}
		off = s.off(next, l1)
		if step%stepsOf == 0 {
			progress(step / stepsOf)
		}
		if off <= l1Tolerance {
			return append([]float64{}, next...), off, nil
		}
		upwards := 0.0
		for i, x := range next {
			upwards += float64(curvature[i] * float64((z[i]-x)*(x-at[i])))
		}
		before := momentum
		if momentum = (1 + math.Sqrt(1+float64(4*before*before))) / 2; upwards > 0 {
			before, momentum = 1, 1
		}
		for i, x := range next {
			z[i] = x + float64((before-1)/momentum*(x-at[i]))
		}
		at = append([]float64{}, next...)
		length = max(length*0.95, 1e-3)
	}
	return at, off, nil
}

// penalised reports whether a parameter is a coefficient, and no intercept.
func (s *search) penalised(i int) bool { return i%(s.x.Width()+1) < s.x.Width() }

// curvature is the largest second derivative by each parameter, per unit of weight.
func (s *search) curvature(parameters int) ([]float64, error) {
	p, weights := s.x.Width(), make([]float64, s.set.Rows)
	sums, err := s.x.Sum(s.ctx, s.threads, s.x.Dense(), func(b design.Block, into []float64) {
		for r, row := range b.Rows {
			w := s.set.WeightOf(b.Start + r)
			for j, x := range row {
				into[j] += float64(w * float64(x*x))
			}
			weights[b.Start+r] = w
		}
	})
	if err != nil {
		return nil, err
	}
	sums = append(sums, make([]float64, p-len(sums))...)
	if err := s.x.AddText(s.ctx, s.threads, weights, true, sums[s.x.Dense():]); err != nil {
		return nil, err
	}
	out := make([]float64, parameters)
	for i := range out {
		if out[i] = 0.25; s.penalised(i) {
			out[i] = max((sums[i%(p+1)]/4+s.l2)/s.weight, 1e-12)
		}
	}
	return out, nil
}

// off is by how much the conditions of the minimum are off at a point that was computed last.
func (s *search) off(at []float64, l1 float64) (worst float64) {
	for i, g := range s.gradient {
		switch {
		case !s.penalised(i):
		case at[i] > 0:
			g += l1
		case at[i] < 0:
			g -= l1
		default:
			g = towardsZero(g, l1)
		}
		worst = max(worst, math.Abs(g))
	}
	return worst
}

// towardsZero moves x towards 0 by k, and not past it.
func towardsZero(x, k float64) float64 {
	if math.Abs(x) <= k {
		return 0
	}
	return math.Copysign(math.Abs(x)-k, x)
}

// fitSparse is fit with the penalty of absolute values.
func (s *search) fitSparse(t *train.Training, p *params, progress func(done int)) ([]float64, error) {
	at, off, err := s.sparse(s.start(t), p.L1, p.MaxIterations, progress)
	if err != nil {
		return nil, err
	}
	if off > 1e3*tolerance {
		t.Warnf("the coefficients have not converged: a condition of the minimum is off by %.2g after %d steps; raise max_iterations or l2", off, p.MaxIterations*stepsOf)
	}
	return at, nil
}
