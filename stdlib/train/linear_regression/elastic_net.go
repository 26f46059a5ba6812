package linear_regression

import (
	"context"
	"math"

	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/design"
)

// maxSweeps is how many times all coefficients are visited at most.
const maxSweeps = 100_000

// elasticNet minimises Σ w (y - b - xβ)² + l2 Σ β² + l1 Σ |β| by coordinate descent on the normal equations (Friedman, Hastie and Tibshirani 2010):
// with all other coefficients as they are, the best β of an input is
//
//	S(c, l1/2) / (g + l2)   c = Σ w x (y - the rest), g = Σ w x²,  S(c, k) = c moved by k towards 0, and 0 if it would pass it
//
// Inputs and target are centred in the equations, by which the intercept is out of them. It ends when no condition of the minimum is off by more than
// 1e-10 of the largest |Σ w x y|: that c is ±l1/2 + (g + l2)·β, or within l1/2 where β is 0.
func elasticNet(ctx context.Context, t *train.Training, x *design.Matrix, l1, l2 float64) ([]float64, error) {
	sums, err := equations(ctx, t, x, nil)
	if err != nil {
		return nil, err
	}
	p := x.Width() + 1
	q := p - 1
	weight, total := sums[q*p+q], sums[p*p+q] // Σ w and Σ w y
	gram := make([][]float64, q)              // centred
	c := make([]float64, q)                   // Σ w x (y - xβ), centred, as β moves
	largest := 0.0
	for i := range gram {
		gram[i] = make([]float64, q)
		mean := sums[i*p+q] / weight
		for j := range gram[i] {
			gram[i][j] = sums[min(i, j)*p+max(i, j)] - float64(mean*sums[j*p+q])
		}
		c[i] = sums[p*p+i] - float64(mean*total)
		largest = max(largest, math.Abs(c[i]))
	}
	beta := make([]float64, p)
	done := false
	for sweep := 0; sweep < maxSweeps && !done; sweep++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		worst := 0.0
		for j := range q {
			g := gram[j][j]
			if !(g > 0) {
				continue // the same in every row that weighs
			}
			at := c[j] + float64(g*beta[j]) // without this input
			next := 0.0
			if k := math.Abs(at) - l1/2; k > 0 {
				next = math.Copysign(k, at) / (g + l2)
			}
			if d := next - beta[j]; d != 0 {
				for i := range c {
					c[i] -= float64(gram[j][i] * d)
				}
				beta[j] = next
				worst = max(worst, math.Abs(float64((g+l2)*d)))
			}
		}
		done = worst <= 1e-10*largest
	}
	if !done {
		t.Warnf("the coefficients have not converged after %d sweeps: inputs depend on each other; raise l2", maxSweeps)
	}
	b := total
	for j := range q {
		b -= float64(beta[j] * sums[j*p+q])
	}
	beta[q] = b / weight
	return beta, nil
}
