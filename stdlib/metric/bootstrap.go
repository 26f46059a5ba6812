package metric

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"sort"
	"sync"
	"sync/atomic"
)

// Bootstrap draws rows, or whole clusters of rows, with replacement (Efron 1979; clustered: Davison and Hinkley 1997,
// 3.8). A resample is a vector of weights: how often each row was drawn, times its own weight. Resample b depends on
// the seed and b alone, so the number of threads changes nothing.
type Bootstrap struct {
	Resamples  int
	Confidence float64 // 0.95
	Seed       int64
	Threads    int
}

// Interval is a percentile interval. Undefined says why there is none, or is empty.
type Interval struct {
	Low, High float64
	Undefined string
}

// Each calls f for every resample, on several goroutines, with the weights of the rows; f must not keep w. clusters
// gives each row's cluster, from 0 up to count; nil: every row is its own. When ctx ends it returns early, with its error.
func (b Bootstrap) Each(ctx context.Context, weights []float64, clusters []int32, count int, f func(resample int, w []float64)) error {
	if clusters == nil {
		count = len(weights)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(b.Threads, 1) {
		wg.Go(func() {
			w, drawn := make([]float64, len(weights)), make([]float64, count)
			for i := int(next.Add(1)) - 1; i < b.Resamples && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				b.draw(i, drawn)
				spread(w, weights, drawn, clusters)
				f(i, w)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// draw counts how often each of len(drawn) clusters comes up in as many draws.
func (b Bootstrap) draw(resample int, drawn []float64) {
	clear(drawn)
	src := rand.NewPCG(uint64(b.Seed), uint64(resample)+0x9e3779b97f4a7c15)
	for range drawn {
		// The high word of the product is uniform up to a bias of count/2^64.
		i, _ := bits.Mul64(src.Uint64(), uint64(len(drawn)))
		drawn[i]++
	}
}

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

// Intervals computes the interval of each metric on one sample. SQL metrics get none here.
func (b Bootstrap) Intervals(ctx context.Context, metrics []*Metric, s *Sample, clusters []int32, count int) ([]Interval, error) {
	values := make([][]float64, len(metrics))
	for m := range values {
		values[m] = make([]float64, b.Resamples)
	}
	err := b.Each(ctx, s.Weights(), clusters, count, func(r int, w []float64) {
		for m, metric := range metrics {
			values[m][r] = replicate(metric, s, w)
		}
	})
	out := make([]Interval, len(metrics))
	for m := range metrics {
		out[m] = b.Interval(values[m])
	}
	return out, err
}

// Deltas computes the interval of after minus before for each metric, on the same rows and the same resamples: what
// both have in common cancels out.
func (b Bootstrap) Deltas(ctx context.Context, metrics []*Metric, before, after *Sample, clusters []int32, count int) ([]Interval, error) {
	values := make([][]float64, len(metrics))
	for m := range values {
		values[m] = make([]float64, b.Resamples)
	}
	err := b.Each(ctx, after.Weights(), clusters, count, func(r int, w []float64) {
		for m, metric := range metrics {
			values[m][r] = replicate(metric, after, w) - replicate(metric, before, w)
		}
	})
	out := make([]Interval, len(metrics))
	for m := range metrics {
		out[m] = b.Interval(values[m])
	}
	return out, err
}

func replicate(m *Metric, s *Sample, w []float64) float64 {
	x, undefined := m.On(s, w)
	if undefined != "" {
		return math.NaN()
	}
	return x
}

// Interval takes the percentiles of replicates; NaN stands for one that is undefined. More than one in twenty of
// those, and what is left would be a biased choice: then there is no interval.
func (b Bootstrap) Interval(replicates []float64) Interval {
	defined := make([]float64, 0, len(replicates))
	for _, x := range replicates {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			defined = append(defined, x)
		}
	}
	if len(defined) == 0 || len(defined)*20 < len(replicates)*19 {
		return Interval{Undefined: undefinedIn(len(replicates)-len(defined), len(replicates))}
	}
	sort.Float64s(defined)
	tail := float64((1 - b.Confidence) / 2)
	return Interval{Low: Quantile(defined, tail), High: Quantile(defined, 1-tail)}
}

func undefinedIn(n, of int) string { return fmt.Sprintf("undefined in %d of %d resamples", n, of) }

// Quantile of sorted values by linear interpolation (definition 7 of Hyndman and Fan 1996, numpy's default).
func Quantile(sorted []float64, q float64) float64 {
	at := float64(q * float64(len(sorted)-1))
	i := int(math.Floor(at))
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((at-float64(i))*(sorted[i+1]-sorted[i]))
}
