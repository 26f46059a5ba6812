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
	threads := t.Threads()
	begin, err := x.Sum(ctx, threads, 2*p, func(b design.Block, into []float64) { beginBlock(t.Data, &b, p, into) })
	if err != nil {
		return nil, err
	}
	residual, diagonal := begin[:p:p], begin[p:]
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
		product, err := x.Sum(ctx, threads, p, func(b design.Block, into []float64) { productBlock(t.Data, &b, way, into) })
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

// beginBlock adds a block's part of XᵀWy and then of the diagonal of XᵀWX.
func beginBlock(s *train.Set, b *design.Block, p int, into []float64) {
	for r, row := range b.Rows {
		w := s.WeightOf(b.Start + r)
		b.Add(r, float64(w*s.Target[b.Start+r]), into[:p])
		into[p-1] += float64(w * s.Target[b.Start+r])
		for j, x := range row {
			into[p+j] += float64(w * float64(x*x))
		}
		if b.Sparse != nil {
			for _, e := range b.Sparse[r] {
				into[p+int(e.At)] += float64(w * float64(e.X*e.X))
			}
		}
		into[2*p-1] += w
	}
}

// productBlock adds a block's part of XᵀWX·v.
func productBlock(s *train.Set, b *design.Block, v, into []float64) {
	last := len(v) - 1
	for r := range b.Rows {
		d := float64(s.WeightOf(b.Start+r) * b.Sum(r, v[last], v))
		b.Add(r, d, into)
		into[last] += d
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, x := range a {
		sum += float64(x * b[i])
	}
	return sum
}
