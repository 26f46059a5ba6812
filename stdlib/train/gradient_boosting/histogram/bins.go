package histogram

import (
	"math"
	"slices"
	"sort"
)

// maxBins is how many bins a feature has at most, beside the one for missing values, which comes after them.
const maxBins = 255

// binned tells how a feature's values fall into bins.
type binned struct {
	levels int // categories; 0 for a number
	count  int // bins, without the one for missing values
	// cuts[i] bounds bin i of a number from above: x is in the first bin with x < cuts[i]. The last is so large that
	// no number reaches it.
	cuts []float32
}

// newBinned puts cuts at quantiles of all values, half-way between neighbours; a number with few distinct values has a
// bin for each.
func newBinned(column []float64, levels int) binned {
	if levels > 0 {
		return binned{levels: levels, count: levels}
	}
	values := make([]float32, 0, len(column))
	for _, x := range column {
		if x == x {
			values = append(values, float32(x))
		}
	}
	slices.Sort(values)
	return binnedNumbers(values)
}

// binnedNumbers fills each bin with the rows left over for the bins left, and never parts equal values.
func binnedNumbers(sorted []float32) binned {
	var cuts []float32
	distinct := countDistinct(sorted)
	for start := 0; start < len(sorted); {
		want := 1
		if distinct > maxBins {
			want = (len(sorted) - start + maxBins - len(cuts) - 1) / (maxBins - len(cuts))
		}
		end := start + max(want, 1)
		for end < len(sorted) && sorted[end] == sorted[end-1] {
			end++
		}
		if end >= len(sorted) || len(cuts) == maxBins-1 {
			cuts = append(cuts, math.MaxFloat32)
			break
		}
		cuts = append(cuts, between(sorted[end-1], sorted[end]))
		start = end
	}
	return binned{count: len(cuts), cuts: cuts}
}

func countDistinct(sorted []float32) int {
	n := 0
	for i := range sorted {
		if i == 0 || sorted[i] != sorted[i-1] {
			n++
		}
	}
	return n
}

// between returns c with a < c <= b, half-way as far as float32 has it.
func between(a, b float32) float32 {
	c := float32((float64(a) + float64(b)) / 2)
	if c <= a || c > b {
		return b
	}
	return c
}

// encode returns the bin of each value; b.count is that of missing ones and of unknown categories.
func (b *binned) encode(column []float64) []uint8 {
	out := make([]uint8, len(column))
	for r, x := range column {
		out[r] = uint8(b.bin(x))
	}
	return out
}

// bin is the bin of a value; count is that of missing ones and of categories that were not there in training. Values beyond
// the last cut are in the last bin.
func (b *binned) bin(x float64) int {
	switch {
	case x != x:
		return b.count
	case b.levels > 0:
		if x < 0 || int(x) >= b.levels {
			return b.count
		}
		return int(x)
	case b.count == 0:
		return 0
	}
	y := float32(x)
	return min(sort.Search(b.count, func(i int) bool { return y < b.cuts[i] }), b.count-1)
}
