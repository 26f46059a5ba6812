package linear_regression

import (
	"context"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/design"
)

// maxRefits is how many times the robust line is fitted anew at most.
const maxRefits = 1000

// huber finds the line that rows far off do not turn. Minimised, over coefficients, intercept and the scale σ of errors r = y - b - xβ, is
//
//	Σ w (σ + H(r/σ)·σ) + l2 Σ β²   H(z) = z² up to |z| = ε, and 2ε|z| - ε² beyond
//
// which is convex in all of them together and takes σ in the unit of the target (Huber 1981, section 7.7; scikit-learn's HuberRegressor). It is brought down by turns:
//
//	the line at σ      least squares, in which a row beyond counts εσ/|r|: a bound from above of H that touches it where the errors are
//	σ at the errors    where its derivative Σw - Σ_near w r²/σ² - ε² Σ_far w is 0, by Newton's method
//
// Each turn lowers the sum, until no coefficient, in units of the target's deviation, moves by more than 1e-10 of it.
func huber(ctx context.Context, t *train.Training, x *design.Matrix, epsilon, l2 float64) ([]float64, error) {
	set := t.Data
	beta, err := leastSquares(ctx, t, x, l2)
	if err != nil {
		return nil, err
	}
	errors, share := make([]float64, set.Rows), make([]float64, set.Rows)
	deviation := targetDeviation(set)
	sigma := deviation
	for range maxRefits {
		if err := residuals(ctx, t, x, beta, errors); err != nil {
			return nil, err
		}
		sigma = scale(set, errors, epsilon, sigma, 1e-9*deviation)
		for r, e := range errors {
			if share[r] = 1; math.Abs(e) > float64(epsilon*sigma) {
				share[r] = float64(epsilon*sigma) / math.Abs(e)
			}
		}
		sums, err := equations(ctx, t, x, share)
		if err != nil {
			return nil, err
		}
		next, ok := solve(sums, len(beta), float64(l2*sigma))
		if !ok {
			if next, ok = solve(sums, len(beta), float64(l2*sigma)+float64(smallRidge*float64(set.Rows))); !ok {
				return nil, fmt.Errorf("the normal equations of %d inputs cannot be solved", len(beta)-1)
			}
		}
		moved := 0.0
		for i, b := range next {
			moved = max(moved, math.Abs(b-beta[i]))
		}
		beta = next
		if moved <= 1e-10*deviation {
			return beta, nil
		}
	}
	t.Warnf("the robust line has not converged after %d fits", maxRefits)
	return beta, nil
}

// residuals are the rows' errors; blocks of rows write their own.
func residuals(ctx context.Context, t *train.Training, x *design.Matrix, beta, into []float64) error {
	_, err := x.Sum(ctx, t.Threads(), 0, func(b design.Block, _ []float64) {
		for r, row := range b.Rows {
			sum := beta[len(beta)-1]
			for j, v := range row {
				sum += float64(beta[j] * v)
			}
			into[b.Start+r] = t.Data.Target[b.Start+r] - sum
		}
	})
	return err
}

// scale is the σ at which the sum is least for given errors, from a first guess; at least the given one, which it would pass where nearly all errors are 0.
// The derivative rises with σ, so that a step that leaves the interval known to hold its root is halved into it.
func scale(s *train.Set, errors []float64, epsilon, guess, least float64) float64 {
	low, high := least, math.Inf(1)
	sigma := max(guess, least)
	for range 100 {
		var slope, curve float64
		for r, e := range errors {
			w, z := s.WeightOf(r), e/sigma
			if math.Abs(z) <= epsilon {
				slope += float64(w * (1 - float64(z*z)))
				curve += float64(w*float64(2*float64(z*z))) / sigma
			} else {
				slope += float64(w * (1 - float64(epsilon*epsilon)))
			}
		}
		if slope < 0 {
			low = sigma
		} else {
			high = sigma
		}
		next := sigma - slope/curve
		if !(next > low && next < high) {
			if next = 2 * sigma; !math.IsInf(high, 1) {
				next = (low + high) / 2
			}
		}
		if math.Abs(next-sigma) <= 1e-13*sigma {
			return next
		}
		sigma = next
	}
	return sigma
}

// targetDeviation is the weighted standard deviation of the target.
func targetDeviation(s *train.Set) float64 {
	var weight, total, squares float64
	for r, y := range s.Target {
		weight += s.WeightOf(r)
		total += float64(s.WeightOf(r) * y)
	}
	for r, y := range s.Target {
		d := y - total/weight
		squares += float64(s.WeightOf(r) * float64(d*d))
	}
	return math.Sqrt(squares / weight)
}
