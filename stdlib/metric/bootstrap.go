package metric

import (
	"context"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mlp-lang/mlp/runtime/component"
)

// Bootstrap draws rows, or whole clusters of rows, with replacement (Efron 1979; clustered: Davison and Hinkley 1997,
// 3.8). A resample is a vector of weights: how often each row was drawn, times its own weight. Resample b depends on
// the seed and b alone, so the number of threads changes nothing.
type Bootstrap struct {
	Resamples  int     // how many are drawn
	Confidence float64 // of intervals, above 0 and below 1: 0.95
	Seed       int64
	Threads    int // goroutines; below 1: one
}

// Each calls f for every resample, on several goroutines, with the weights of the rows; f must not keep w. clusters
// gives each row's cluster, from 0 up to count; nil: every row is its own. When ctx ends it returns early, with its error. A resample is a step of the
// part of a bar that ctx is (component.Bar).
func (b Bootstrap) Each(ctx context.Context, weights []float64, clusters []int32, count int, f func(resample int, w []float64)) error {
	return b.each(ctx, units{of: clusters, count: count, rows: len(weights)}, weights, func(resample int, _, w []float64) { f(resample, w) })
}

// each calls f with how often every unit was drawn and, unless weights is nil, with the weights of the rows.
func (b Bootstrap) each(ctx context.Context, u units, weights []float64, f func(resample int, drawn, w []float64)) error {
	same := u.of == nil && !slices.ContainsFunc(weights, func(w float64) bool { return w != 1 })
	step := component.Steps(ctx, b.Resamples)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(b.Threads, 1) {
		wg.Go(func() {
			drawn, counts := make([]float64, u.n()), make([]uint16, u.n())
			w := drawn // a row of the weight 1 weighs as much as it was drawn
			if !same {
				w = make([]float64, len(weights))
			}
			for i := int(next.Add(1)) - 1; i < b.Resamples && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				b.draw(i, drawn, counts)
				if weights != nil && !same {
					spread(w, weights, drawn, u.of)
				}
				f(i, drawn, w)
				step(1)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// draw counts how often each of len(drawn) units comes up in as many draws. counts is space, small because it is written to here and
// there: 16 bits are enough, since of up to 65535 units none is drawn more often, and that one of more is has a chance below 1e-280000.
func (b Bootstrap) draw(resample int, drawn []float64, counts []uint16) {
	clear(counts)
	src := rand.NewPCG(uint64(b.Seed), uint64(resample)+0x9e3779b97f4a7c15)
	for range counts {
		// The high word of the product is uniform up to a bias of count/2^64.
		i, _ := bits.Mul64(src.Uint64(), uint64(len(counts)))
		counts[i]++
	}
	for i, n := range counts {
		drawn[i] = float64(n)
	}
}

// spread makes the weights of a resample: a row counts as often as its unit (its cluster, or itself) was drawn.
func spread(w, weights, drawn []float64, clusters []int32) {
	if clusters == nil {
		for i := range w {
			w[i] = weights[i] * drawn[i]
		}
		return
	}
	for i := range w {
		w[i] = weights[i] * drawn[clusters[i]]
	}
}

// Quantile of values in ascending order, at least one, for q from 0 to 1, by linear interpolation (definition 7 of Hyndman
// and Fan 1996, numpy's default): of 1, 2, 4 the quantile at 0.75 is 3.
func Quantile(sorted []float64, q float64) float64 {
	at := float64(q * float64(len(sorted)-1))
	i := int(math.Floor(at))
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((at-float64(i))*(sorted[i+1]-sorted[i]))
}
