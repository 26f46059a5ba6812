package drift

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

func TestAdjusted(t *testing.T) {
	// The example of the paper's section 3.2, at 0.05: the four smallest of fifteen are rejected.
	p := []float64{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1}
	for i, q := range adjusted(p) {
		if (q <= 0.05) != (i < 4) {
			t.Errorf("hypothesis %d with p %v: adjusted %v", i, p[i], q)
		}
	}
	// scipy.stats.false_discovery_control([0.01, 0.04, 0.03, 0.5])
	for i, want := range []float64{0.04, 0.05333333333333334, 0.05333333333333334, 0.5} {
		if got := adjusted([]float64{0.01, 0.04, 0.03, 0.5})[i]; math.Abs(got-want) > 1e-15 {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// table has columns of normal numbers, some of them shifted.
func table(r *rand.Rand, rows, columns int, shift map[int]float64) *frame.Frame {
	f := &frame.Frame{Rows: rows}
	for i := range columns {
		c := normal(r, rows, shift[i])
		c.Name = fmt.Sprint("c", i)
		f.Columns = append(f.Columns, c)
	}
	return f
}

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint("c", i)
	}
	return out
}

// TestAdjustedIsNotBelow: a q-value is never below its p-value, of any number of columns.
func TestAdjustedIsNotBelow(t *testing.T) {
	for n := 1; n <= 300; n++ {
		for _, p := range []float64{0.001, 0.05, 0.901, 0.962, 0.983, 0.995, 1} {
			pvalues := make([]float64, n)
			for i := range pvalues {
				pvalues[i] = min(p, 0.001+float64(i)/float64(n))
			}
			pvalues[n-1] = p
			for i, q := range adjusted(pvalues) {
				if q < pvalues[i] || q > 1 {
					t.Errorf("%d columns, the last at %v: p %v, q %v", n, p, pvalues[i], q)
				}
			}
		}
	}
}

// TestAnyNumberOfColumns: a column that is far off is seen among any number of others, by tests and by distances, and
// score, limit, p-value and verdict of every column agree.
func TestAnyNumberOfColumns(t *testing.T) {
	counts := []int{1, 2, 10, 50, 51, 60, 120, 300}
	if os.Getenv("MLP_SOAK") != "" {
		counts = nil
		for n := 1; n <= 300; n += 7 {
			counts = append(counts, n)
		}
	}
	for _, n := range counts {
		for _, rows := range []int{60, 1010} {
			if rows > 1000 && n > 60 && os.Getenv("MLP_SOAK") == "" {
				continue
			}
			r := rand.New(rand.NewPCG(uint64(n), 1))
			shift := map[int]float64{n / 2: 50}
			got, err := Compare(t.Context(), table(r, rows, n, nil), table(r, 50, n, shift), names(n), Options{Seed: int64(n), Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			if !got[n/2].Drifted {
				t.Errorf("%d columns, %d rows: not seen: %+v", n, rows, got[n/2])
			}
			others := 0
			for _, x := range got {
				if x.Drifted != (x.Score >= x.Limit) || x.QValue < x.PValue || x.Drifted && x.QValue > Significance {
					t.Errorf("%d columns, %d rows: the figures contradict each other: %+v", n, rows, x)
				}
				if x.Drifted {
					others++
				}
			}
			if others > 1+n/20 {
				t.Errorf("%d columns, %d rows: %d drifted, and one was moved", n, rows, others)
			}
		}
	}
}
