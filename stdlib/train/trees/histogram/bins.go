package histogram

import (
	"math"
	"slices"

	"github.com/mlp-lang/mlp/stdlib/radix"
)

// maxBins is how many bins a number has at most, beside the one for missing values, which comes after them. Of more categories a feature is wide.
const maxBins = 255

// MaxLevels is how many categories a feature can have: with the missing ones, as many as two bytes tell apart.
const MaxLevels = 1<<16 - 1

// binned tells how a feature's values fall into bins.
type binned struct {
	levels int // categories; 0 for a number
	count  int // bins, without the one for missing values
	// cuts[i] bounds bin i of a number from above: x is in the first bin with x < cuts[i]. The last is so large that
	// no number reaches it.
	cuts []float32
}

// wide reports whether there are more bins than a byte tells apart.
func (b *binned) wide() bool { return b.levels > maxBins }

// newBinned puts cuts at quantiles of all values, half-way between neighbours; a number with few distinct values has a
// bin for each. distinct is how many values there are.
func newBinned(column []float64, levels int, buffer *radix.Buffer) (b binned, distinct int) {
	if levels > 0 {
		return binned{levels: levels, count: levels}, levels
	}
	sorted := buffer.Keys32(column)
	distinct = countDistinct(sorted)
	return binnedNumbers(sorted, distinct), distinct
}

// binnedNumbers makes bins of the keys of numbers (radix.Key32). It fills each bin with the rows left over for the bins left, and never parts equal values.
func binnedNumbers(sorted []uint32, distinct int) binned {
	var cuts []float32
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
		cuts = append(cuts, between(radix.Float32(sorted[end-1]), radix.Float32(sorted[end])))
		start = end
	}
	return binned{count: len(cuts), cuts: cuts}
}

// countDistinct counts the different values of a sorted list.
func countDistinct(sorted []uint32) int {
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

// encode returns the bin of each value, in the given memory if there is enough; b.count is that of missing ones and of unknown categories.
func (b *binned) encode(column []float64, memory []uint8) []uint8 {
	out := slices.Grow(memory[:0], len(column))[:len(column)]
	if b.levels > 0 || b.count == 0 {
		for r, x := range column {
			out[r] = uint8(b.category(x))
		}
		return out
	}
	begins := b.prefixes()
	for r, x := range column {
		if x != x {
			out[r] = uint8(b.count)
			continue
		}
		y := float32(x)
		prefix := radix.Key32(y) >> prefixShift
		// The cuts that numbers of this prefix may lie between; seldom more than one.
		i, end := int(begins[prefix]), int(begins[prefix+1])
		for end-i > 8 {
			if middle := (i + end) / 2; y < b.cuts[middle] {
				end = middle
			} else {
				i = middle + 1
			}
		}
		for i < end && y >= b.cuts[i] {
			i++
		}
		out[r] = uint8(min(i, b.count-1))
	}
	return out
}

// category is the bin of a category; b.count is that of missing ones, and of those that were not there in training.
func (b *binned) category(x float64) int {
	if x != x || b.levels > 0 && (x < 0 || int(x) >= b.levels) {
		return b.count
	}
	if b.levels == 0 {
		return 0 // of numbers that training had none of
	}
	return int(x)
}

// prefixShift leaves of a number's key the sign, the exponent and the first seven bits behind the point: some thousand prefixes occur
// where numbers spread over a few powers of two.
const prefixShift = 16

// prefixes tells for each prefix of a key how many cuts have a smaller one: a number lies above those, and below the ones of greater
// prefixes, so that it is compared with the cuts of its own prefix alone. Of the cuts 1.5 and 700 a number near 3 is compared with none.
func (b *binned) prefixes() []uint8 {
	begins := make([]uint8, 1<<(32-prefixShift)+1)
	at := 0
	for prefix := range begins {
		for at < len(b.cuts) && int(radix.Key32(b.cuts[at])>>prefixShift) < prefix {
			at++
		}
		begins[prefix] = uint8(at)
	}
	return begins
}
