package metric

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// MeanInterval is the mean of independent values with Student's interval; of fewer than two values the interval is NaN.
func MeanInterval(xs []float64, confidence float64) (mean, low, high float64) {
	if len(xs) < 2 {
		return stat.Mean(xs, nil), math.NaN(), math.NaN()
	}
	n := float64(len(xs))
	mean, sd := stat.MeanStdDev(xs, nil)
	half := student(confidence, n-1) * sd / math.Sqrt(n)
	return mean, mean - half, mean + half
}
