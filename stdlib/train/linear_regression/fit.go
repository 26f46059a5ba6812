package linear_regression

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/design"
)

// collinear is the condition number from which on the solution is taken to be arbitrary.
// Doubles have 16 digits, of which a condition of 1e12 leaves four.
const collinear = 1e12

// smallRidge, times the number of rows, makes an arbitrary solution unique.
const smallRidge = 1e-9

// Fit is ridge regression of inputs that another trainer has made.
func Fit(ctx context.Context, t *train.Training, x *design.Matrix, l2 float64) (*linear.Model, error) {
	return (&params{L2: l2}).fit(ctx, t, x)
}

// fit finds the line that the parameters ask for.
func (p *params) fit(ctx context.Context, t *train.Training, x *design.Matrix) (*linear.Model, error) {
	var beta []float64 // coefficients, then the intercept
	var err error
	switch {
	case x.Width() > len(x.Inputs):
		beta, err = conjugate(ctx, t, x, p.L2)
	case p.Loss == huberLoss:
		epsilon := defaultEpsilon
		if p.Epsilon != nil {
			epsilon = *p.Epsilon
		}
		beta, err = huber(ctx, t, x, epsilon, p.L2)
	case p.L1 > 0:
		beta, err = elasticNet(ctx, t, x, p.L1, p.L2)
	default:
		beta, err = leastSquares(ctx, t, x, p.L2)
	}
	if err != nil {
		return nil, err
	}
	last := len(beta) - 1
	m := &linear.Model{Link: linear.Identity, Inputs: x.Inputs, Intercepts: beta[last:], Coefficients: [][]float64{beta[:last:last]}}
	x.Lower(t, m)
	return m, nil
}

// leastSquares solves (XᵀWX + l2·I) β = XᵀWy, where the intercept is the last column and carries no ridge.
func leastSquares(ctx context.Context, t *train.Training, x *design.Matrix, l2 float64) ([]float64, error) {
	p := x.Width() + 1
	sums, err := equations(ctx, t, x, nil)
	if err != nil {
		return nil, err
	}
	beta, ok := solve(sums, p, l2)
	if !ok {
		t.Warnf("inputs depend on each other: a ridge of %g per row makes the coefficients unique", smallRidge)
		if beta, ok = solve(sums, p, l2+float64(smallRidge*float64(t.Data.Rows))); !ok {
			return nil, fmt.Errorf("the normal equations of %d inputs cannot be solved", p-1)
		}
	}
	return beta, nil
}

// equations are XᵀWX (p×p, of which the upper triangle is filled) and then XᵀWy, the intercept last. share is by how much each row counts; nil: all whole.
func equations(ctx context.Context, t *train.Training, x *design.Matrix, share []float64) ([]float64, error) {
	p := x.Width() + 1
	return x.Sum(ctx, t.Threads(), p*p+p, func(b design.Block, into []float64) { normal(t.Data, b, p, share, into) })
}

// normal adds a block's part of XᵀWX (upper triangle, row by row) and XᵀWy.
func normal(s *train.Set, b design.Block, p int, share, into []float64) {
	row := make([]float64, p)
	row[p-1] = 1
	for r, inputs := range b.Rows {
		copy(row, inputs)
		w, y := s.WeightOf(b.Start+r), s.Target[b.Start+r]
		if share != nil {
			w *= share[b.Start+r]
		}
		for i, a := range row {
			// One-hot inputs are mostly 0, and add nothing.
			if a == 0 {
				continue
			}
			a *= w
			gram := into[i*p : (i+1)*p]
			for j := i; j < p; j++ {
				gram[j] += float64(a * row[j])
			}
			into[p*p+i] += float64(a * y)
		}
	}
}

// solve solves the normal equations (XᵀWX + l2·I) β = XᵀWy by Cholesky; the last column is the intercept, which is not
// penalised. sums holds XᵀWX (p×p, of which the upper triangle counts) and then XᵀWy (p). False where columns depend on each
// other, by the condition of the matrix.
func solve(sums []float64, p int, l2 float64) ([]float64, bool) {
	a := mat.NewSymDense(p, append([]float64{}, sums[:p*p]...))
	for i := range p - 1 {
		a.SetSym(i, i, a.At(i, i)+l2)
	}
	var c mat.Cholesky
	if !c.Factorize(a) || !(c.Cond() < collinear) {
		return nil, false
	}
	var beta mat.VecDense
	if err := c.SolveVecTo(&beta, mat.NewVecDense(p, sums[p*p:])); err != nil {
		return nil, false
	}
	return beta.RawVector().Data, true
}
