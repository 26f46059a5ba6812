package linear_regression

import (
	"context"
	"math"

	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/design"
)

// # Ridge regression of many inputs
//
// Of text there are as many inputs as buckets, and the matrix of the normal equations (XᵀWX + l2·I) β = XᵀWy would have their square. It is not made: conjugate
// gradients (Hestenes and Stiefel 1952) need its product with a vector alone, one pass over the rows in which an input that is 0 costs nothing. The equations are
// scaled by their diagonal. With l2 above 0 they have one solution; the search ends where the residual is 1e-12 of the right side.

const (
	conjugateTolerance = 1e-12
	mostConjugate      = 5000
)

// conjugate solves the normal equations; the intercept is last, and carries no ridge.
func conjugate(ctx context.Context, t *train.Training, x *design.Matrix, l2 float64) ([]float64, error) {
	p := x.Width() + 1
	s := &sums{ctx: ctx, set: t.Data, x: x, threads: t.Threads(), factors: make([]float64, t.Data.Rows)}
	residual, diagonal, err := s.begin()
	if err != nil {
		return nil, err
	}
	for i := range p - 1 {
		diagonal[i] += l2
	}
	beta, scaled, way := make([]float64, p), make([]float64, p), make([]float64, p)
	enough := conjugateTolerance * math.Sqrt(dot(residual, residual))
	before := 0.0
	for range mostConjugate {
		if math.Sqrt(dot(residual, residual)) <= enough {
			return beta, nil
		}
		for i := range scaled {
			scaled[i] = residual[i] / diagonal[i]
		}
		now := dot(residual, scaled)
		for i := range way {
			if way[i] = scaled[i] + float64(way[i]*(now/before)); before == 0 {
				way[i] = scaled[i]
			}
		}
		before = now
		product, err := s.product(way)
		if err != nil {
			return nil, err
		}
		for i := range p - 1 {
			product[i] += float64(l2 * way[i])
		}
		step := now / dot(way, product)
		for i := range beta {
			beta[i] += float64(step * way[i])
			residual[i] -= float64(step * product[i])
		}
	}
	t.Warnf("the coefficients have not converged: the residual is %.2g of the right side after %d steps; raise l2",
		math.Sqrt(dot(residual, residual))/enough*conjugateTolerance, mostConjugate)
	return beta, nil
}

// sums are those over rows that the search needs. Vectors have the inputs and then the intercept.
type sums struct {
	ctx     context.Context
	set     *train.Set
	x       *design.Matrix
	threads int
	factors []float64 // by row
}

// begin gives XᵀWy and the diagonal of XᵀWX.
func (s *sums) begin() (right, diagonal []float64, err error) {
	n := s.x.Dense() + 1
	dense, err := s.x.Sum(s.ctx, s.threads, 2*n, func(b design.Block, into []float64) {
		for r, row := range b.Rows {
			w := s.set.WeightOf(b.Start + r)
			d := float64(w * s.set.Target[b.Start+r])
			b.Add(r, d, into)
			into[n-1] += d
			for j, x := range row {
				into[n+j] += float64(w * float64(x*x))
			}
			into[2*n-1] += w
			s.factors[b.Start+r] = d
		}
	})
	if err != nil {
		return nil, nil, err
	}
	if right, err = s.whole(dense[:n], false); err != nil {
		return nil, nil, err
	}
	for r := range s.factors {
		s.factors[r] = s.set.WeightOf(r)
	}
	diagonal, err = s.whole(dense[n:], true)
	return right, diagonal, err
}

// product gives XᵀWX·v.
func (s *sums) product(v []float64) ([]float64, error) {
	last, n := len(v)-1, s.x.Dense()+1
	dense, err := s.x.Sum(s.ctx, s.threads, n, func(b design.Block, into []float64) {
		for r := range b.Rows {
			d := float64(s.set.WeightOf(b.Start+r) * b.Sum(r, v[last], v))
			b.Add(r, d, into)
			into[n-1] += d
			s.factors[b.Start+r] = d
		}
	})
	if err != nil {
		return nil, err
	}
	return s.whole(dense, false)
}

// whole puts the sums of inputs of text, of the factors, between those of the others and that of the intercept.
func (s *sums) whole(dense []float64, squares bool) ([]float64, error) {
	n := len(dense) - 1
	out := make([]float64, s.x.Width()+1)
	copy(out, dense[:n])
	out[len(out)-1] = dense[n]
	return out, s.x.AddText(s.ctx, s.threads, s.factors, squares, out[n:len(out)-1])
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, x := range a {
		sum += float64(x * b[i])
	}
	return sum
}
