package logistic_regression

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The residuals are the derivative of the loss by each margin.
func TestResiduals(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		n := 1 + r.IntN(4)
		if n == 2 {
			continue
		}
		margins, y := make([]float64, n), float64(r.IntN(max(n, 2)))
		for o := range margins {
			margins[o] = 4 * r.NormFloat64()
		}
		loss := func(o int, by float64) float64 {
			moved := append([]float64{}, margins...)
			moved[o] += by
			return residuals(moved, y)
		}
		got := append([]float64{}, margins...)
		residuals(got, y)
		for o := range margins {
			const step = 1e-5
			want := (loss(o, step) - loss(o, -step)) / (2 * step)
			if math.Abs(got[o]-want) > 1e-8 {
				t.Fatalf("margins %v, class %g: derivative %d is %g, by differences %g", margins, y, o, got[o], want)
			}
		}
	}
	for _, m := range []float64{-1000, 1000} {
		for _, y := range []float64{0, 1} {
			if loss := residuals([]float64{m}, y); math.IsNaN(loss) || math.IsInf(loss, 0) {
				t.Errorf("margin %g, class %g: loss %g", m, y, loss)
			}
		}
	}
}
