package drift

import (
	"math"
	"sort"
)

// ksDistance is the greatest distance D of the empirical distributions of the sides, times len(ref)*len(cur), which
// is a whole number.
// Of {1, 2} and {2, 3} the distributions are furthest apart between 1 and 2, by 1/2 - 0/2, which is 2 of 4. Whole numbers
// compare exactly, and the exact p-value counts by them.
func (s sides) ksDistance() int {
	n, m := len(s.ref), len(s.cur)
	best := 0
	for _, step := range s.steps {
		i := int(s.below[step.at])
		best = max(best, abs(i*m-(int(step.at)-i)*n))
	}
	return best
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}

// exactRows is the size up to which the exact distribution is used, as in SciPy.
const exactRows = 10000

// ksPValue is the two-sided p-value of a distance as ksDistance gives it: exact for samples up to exactRows, else from
// Kolmogorov's limit distribution.
func ksPValue(d, n, m int) float64 {
	if max(n, m) > exactRows {
		size := float64(n) * float64(m) / float64(n+m)
		return kolmogorov(math.Sqrt(size) * float64(d) / (float64(n) * float64(m)))
	}
	return ksExact(d, n, m)
}

// ksExact is the chance that a random lattice path from (0,0) to (n,m) touches |i/n - j/m| >= d/(n m) (Hodges 1958).
// Row by row, outside[j] is that chance for paths to (i,j): 1 beyond the bound, else the average over the last step.
// All terms are positive, so that tiny chances keep their digits.
func ksExact(d, n, m int) float64 {
	if d == 0 {
		return 1
	}
	outside := make([]float64, m+1)
	for i := range n + 1 {
		for j := range m + 1 {
			switch {
			case abs(i*m-j*n) >= d:
				outside[j] = 1
			case i == 0 && j == 0:
				outside[j] = 0
			case i == 0:
				outside[j] = outside[j-1]
			case j > 0:
				up, left := float64(float64(i)*outside[j]), float64(float64(j)*outside[j-1])
				outside[j] = (up + left) / float64(i+j)
			}
		}
	}
	return outside[m]
}

// kolmogorov is the survival function of Kolmogorov's distribution: 2 Σ (-1)^(k-1) exp(-2 k² x²).
func kolmogorov(x float64) float64 {
	if x <= 0 {
		return 1
	}
	var s float64
	if x < 1 {
		// The other series of the theta function converges faster here.
		for k := 1.0; k < 40; k += 2 {
			s += math.Exp(-k * k * math.Pi * math.Pi / (8 * x * x))
		}
		return 1 - float64(math.Sqrt(2*math.Pi)/x*s)
	}
	sign := 1.0
	for k := 1.0; k < 40; k++ {
		s += float64(sign * math.Exp(-2*k*k*x*x))
		sign = -sign
	}
	return 2 * s
}

// wasserstein is the first Wasserstein distance of the sides over max(std(reference), 0.001).
// It is the area between the two empirical distributions: of {0, 1} and {1, 2} it is 1, in units of the reference's standard
// deviation 0.5 a score of 2. The floor keeps a constant reference from a division by 0.
func (s sides) wasserstein() float64 {
	var total float64
	n, m := float64(len(s.ref)), float64(len(s.cur))
	for _, step := range s.steps {
		i := s.below[step.at]
		total += float64(math.Abs(float64(i)/n-float64(step.at-i)/m) * step.rise)
	}
	return total / max(std(s.ref), 0.001)
}

// std is the population's standard deviation.
func std(xs []float64) float64 {
	var mean, s float64
	for _, x := range xs {
		mean += x
	}
	mean /= float64(len(xs))
	for _, x := range xs {
		s += float64((x - mean) * (x - mean))
	}
	return math.Sqrt(s / float64(len(xs)))
}

// quantileEdges are the distinct deciles of a sorted sample: the inner edges of at most ten bins.
func quantileEdges(sorted []float64) []float64 {
	var out []float64
	for k := 1; k < 10; k++ {
		// numpy: q = k/10 of n-1 steps, interpolated from the nearer end.
		at := float64(float64(k) / 10 * float64(len(sorted)-1))
		i := int(math.Floor(at))
		lo, hi := sorted[i], sorted[min(i+1, len(sorted)-1)]
		t := at - float64(i)
		x := lo + float64((hi-lo)*t)
		if t >= 0.5 {
			x = hi - float64((hi-lo)*(1-t))
		}
		if len(out) == 0 || x != out[len(out)-1] {
			out = append(out, x)
		}
	}
	return out
}

// binned counts a sorted sample by inner edges. Right-closed: an edge belongs to the bin below it.
func binned(sorted, edges []float64, rightClosed bool) []float64 {
	counts := make([]float64, len(edges)+1)
	before := 0
	for b, e := range edges {
		at := sort.SearchFloat64s(sorted, e)
		if rightClosed {
			at = sort.Search(len(sorted), func(i int) bool { return sorted[i] > e })
		}
		counts[b] = float64(at - before)
		before = at
	}
	counts[len(edges)] = float64(len(sorted) - before)
	return counts
}

// sturgesEdges are the inner edges of equal bins over both samples, as many as Sturges' rule says (numpy's "sturges").
// numpy's bins are left-closed.
// They are none where all values are one.
func sturgesEdges(a, b []float64) []float64 {
	lo, hi := min(a[0], b[0]), max(a[len(a)-1], b[len(b)-1])
	if lo == hi {
		return nil
	}
	width := (hi - lo) / (math.Log2(float64(len(a)+len(b))) + 1)
	bins := int(math.Ceil((hi - lo) / width))
	step := (hi - lo) / float64(bins)
	out := make([]float64, bins-1)
	for i := range out {
		out[i] = lo + float64(float64(i+1)*step)
	}
	return out
}
