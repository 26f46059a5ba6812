package train

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRanking holds ranks and areas to what comparing every pair of rows says, of columns with ties, gaps, infinities, zeros of both
// signs, and values that differ in their last bit only.
func TestRanking(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	few := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1, math.Nextafter(1, 2), -1, 1e-310, -1e300}
	for n := range 200 {
		x, positive := make([]float64, random.IntN(60)), make([]bool, 60)
		for r := range x {
			if x[r] = few[random.IntN(len(few))]; n%2 == 0 && random.IntN(4) > 0 {
				x[r] = random.NormFloat64() * math.Pow(10, float64(random.IntN(20)-10))
			}
			positive[r] = random.IntN(3) == 0
		}
		is := make([]float64, len(x))
		for r := range is {
			if positive[r] {
				is[r] = 1
			}
		}
		for _, missingLast := range []bool{false, true} {
			less := func(a, b float64) bool {
				switch {
				case a != a:
					return !missingLast && b == b
				case b != b:
					return missingLast
				}
				return a < b
			}
			by := rank(x)
			var right, pairs float64
			for r, got := range by.ranks(missingLast, nil) {
				want := 0.5 // of the pair with itself, and one half more, since ranks begin with 1
				for q := range x {
					switch {
					case less(x[q], x[r]):
						want++
					case !less(x[r], x[q]):
						want += 0.5
					}
					if positive[r] && !positive[q] {
						pairs++
						switch {
						case less(x[q], x[r]):
							right++
						case !less(x[r], x[q]):
							right += 0.5
						}
					}
				}
				if got != want {
					t.Fatalf("%v: rank of row %d: got %g, want %g", x, r, got, want)
				}
			}
			want := 0.5
			if pairs > 0 {
				want = right / pairs
			}
			if got := by.area(missingLast, is); math.Abs(got-want) > 1e-12 {
				t.Fatalf("%v: area: got %g, want %g", x, got, want)
			}
		}
	}
}

// BenchmarkRank orders a million rows, against what it costs to look at them.
func BenchmarkRank(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	x, y := make([]float64, 1_000_000), make([]float64, 1_000_000)
	for r := range x {
		x[r], y[r] = random.NormFloat64(), float64(random.IntN(2))
	}
	b.Run("area", func(b *testing.B) {
		for b.Loop() {
			rank(x).bestArea(y)
		}
	})
	b.Run("survey", func(b *testing.B) {
		for b.Loop() {
			survey(x)
		}
	})
}

// TestSampleTellsAreas: what is suspicious in all rows is never taken for unsuspicious by the sample; what is far from it, is.
func TestSampleTellsAreas(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const n = 200_000
	var samples sampler // of all, one after the other
	for _, share := range []float64{0.5, 0.01, 0.001, 0.00002} {
		for _, gap := range []float64{0, 1, 2, 2.8, 3, 4} { // between the means of two normal distributions: areas of 0.5 to 0.998
			for _, sorted := range []bool{false, true} {
				score, positive := make([]float64, n), make([]float64, n)
				for r := range score {
					if sorted && float64(r) < share*n || !sorted && random.Float64() < share {
						positive[r] = 1
					}
					score[r] = random.NormFloat64() + gap*positive[r]
				}
				below := samples.areaIsBelow(suspicious, score, positive)
				if area := rank(score).bestArea(positive); below && area > suspicious {
					t.Errorf("share %g, gap %g: an area of %g is taken for none", share, gap, area)
				}
				if gap <= 1 && share >= 0.01 && !below {
					t.Errorf("share %g, gap %g: all rows have to be ordered", share, gap)
				}
			}
		}
	}
}
