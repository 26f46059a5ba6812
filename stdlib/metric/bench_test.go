package metric

import (
	"fmt"
	"syscall"
	"testing"
)

// benchmarkSizes are of a test set of a few thousand rows with 500 resamples, and of a million with fewer, since each costs the same.
var benchmarkSizes = []struct{ rows, resamples int }{{4_400, 500}, {1_000_000, 20}}

// timed reports the processor time of each call, for other things may run beside it.
func timed(b *testing.B, f func() error) {
	processor := func() float64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	}
	start := processor()
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processor()-start)/float64(b.N), "cpu-s/op")
}

func BenchmarkSample(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size.rows), func(b *testing.B) {
			d := random(size.rows, 1)
			timed(b, func() error { _, err := NewSample(d); return err })
		})
	}
}

// BenchmarkIntervals are those of five metrics, one of each method.
func BenchmarkIntervals(b *testing.B) {
	ms := metrics(b, "roc_auc", "recall", "false_positive_rate", "log_loss", "average_precision")
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size.rows), func(b *testing.B) {
			s := sample(b, random(size.rows, 1))
			timed(b, func() error {
				_, err := Bootstrap{Resamples: size.resamples, Confidence: 0.95, Threads: 2}.Intervals(b.Context(), ms, s, nil, 0)
				return err
			})
		})
	}
}

// BenchmarkFairness compares five groups by the rates and by three metrics.
func BenchmarkFairness(b *testing.B) {
	ms := metrics(b, "roc_auc", "log_loss", "brier_score")
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size.rows), func(b *testing.B) {
			s, group := sample(b, random(size.rows, 1)), make([]int32, size.rows)
			for i := range group {
				group[i] = int32(i % 5)
			}
			g := NewGroups(s, group, 5, 1, ms...)
			timed(b, func() error {
				_, err := Bootstrap{Resamples: size.resamples, Confidence: 0.95, Threads: 2}.Fairness(b.Context(), Comparisons(s.Task, ms), g, nil, 0)
				return err
			})
		})
	}
}
