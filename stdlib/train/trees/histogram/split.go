package histogram

import (
	"cmp"
	"math"
	"slices"
)

// split is the best way found to part a node's rows.
type split struct {
	gain        float64 // 0: none found
	feature     int32
	bin         uint16 // of a number: bins up to this one go left
	missingBin  uint16 // of the feature
	categorical bool
	right       bitset // categories that go right
	defaultLeft bool
	left        sum
}

// bitset of bins; it is not changed once it is made.
type bitset []uint64

// setOf is the set of some bins, as long as the greatest needs.
func setOf[bin int | int32](bins []bin) bitset {
	s := make(bitset, slices.Max(bins)>>6+1)
	for _, i := range bins {
		s[i>>6] |= 1 << (i & 63)
	}
	return s
}

func (s bitset) has(i int) bool { return i>>6 < len(s) && s[i>>6]>>(i&63)&1 == 1 }

// splitter looks for the best split of one node on one feature.
type splitter struct {
	params   *Params
	scale    scale
	bounds   bounds  // of the weights of both sides
	bounded  bool    // whether a weight may be another than the best
	monotone int8    // of the feature, as in Params.Monotone
	least    float64 // what a split must gain in any case
	total    sum
	parent   float64 // score of the node as a leaf
	missing  sum
	best     split
}

// score is twice what the loss falls by at the best weight w of a leaf: G²/(H+λ); with L1 regularisation |G| counts less by α. Where w is bounded it is
// -2Gw - (H+λ)w² - 2α|w|, which is the same at the best weight.
func (s *splitter) score(x sum) float64 {
	g, h := float64(float64(x.g)*s.scale.g), float64(float64(x.h)*s.scale.h)+s.params.Lambda
	if !s.bounded && s.params.Alpha == 0 {
		return float64(g*g) / h
	}
	return s.scoreWithin(x, g, h)
}

// scoreWithin is score with L1 regularisation or bounds.
func (s *splitter) scoreWithin(x sum, g, h float64) float64 {
	if !s.bounded {
		g = shrink(g, s.params.Alpha)
		return float64(g*g) / h
	}
	w := s.params.weight(x, s.scale, s.bounds)
	loss := float64(float64(2*g)*w) + float64(float64(h*w)*w)
	return -(loss + float64(float64(2*s.params.Alpha)*math.Abs(w)))
}

// bounds of a leaf's weight, before the learning rate.
type bounds struct{ low, high float64 }

var unbounded = bounds{math.Inf(-1), math.Inf(1)}

// shrink brings a sum of first derivatives nearer to 0.
func shrink(g, alpha float64) float64 {
	switch {
	case g > alpha:
		return float64(g) - alpha
	case g < -alpha:
		return float64(g) + alpha
	}
	return 0
}

// weight is that of a leaf with such a sum, before the learning rate: -G/(H+λ), of a G that is shrunk by α, within bounds. Without a second derivative it is as near 0 as
// the bounds let it.
func (p *Params) weight(x sum, unit scale, b bounds) float64 {
	w := 0.0
	if h := float64(float64(x.h)*unit.h) + p.Lambda; h > 0 {
		w = -shrink(float64(x.g)*unit.g, p.Alpha) / h
	}
	if p.MaxDeltaStep > 0 {
		w = min(max(w, -p.MaxDeltaStep), p.MaxDeltaStep)
	}
	return b.clip(w)
}

// clip is the value within the bounds that is nearest.
func (b bounds) clip(w float64) float64 { return min(max(w, b.low), b.high) }

// try takes the split into left and the rest if it is better than the best so far, and tells whether it is.
func (s *splitter) try(left sum) bool {
	right := s.total.minus(left)
	if left.h <= 0 || right.h <= 0 {
		return false
	}
	if float64(left.h)*s.scale.h < s.params.MinChildWeight || float64(right.h)*s.scale.h < s.params.MinChildWeight {
		return false
	}
	if s.monotone != 0 {
		l, r := s.params.weight(left, s.scale, s.bounds), s.params.weight(right, s.scale, s.bounds)
		if s.monotone > 0 && l > r || s.monotone < 0 && l < r {
			return false
		}
	}
	gain := s.score(left) + s.score(right) - s.parent
	if gain <= s.best.gain || gain < s.params.Gamma || gain < s.least {
		return false
	}
	s.best.gain, s.best.left = gain, left
	return true
}

// tryBoth tries rows with and without the missing ones on the left. Where none are missing, later ones go to the
// heavier side.
func (s *splitter) tryBoth(left sum) bool {
	if s.missing.h == 0 {
		if !s.try(left) {
			return false
		}
		s.best.defaultLeft = s.heavierLeft()
		return true
	}
	found := false
	if s.try(left) {
		s.best.defaultLeft, found = false, true
	}
	if s.try(left.plus(s.missing)) {
		s.best.defaultLeft, found = true, true
	}
	return found
}

// heavierLeft reports whether the left side has at least half of the weight, by second derivatives.
func (s *splitter) heavierLeft() bool { return s.best.left.h >= s.total.h-s.best.left.h }

// find returns the best split on the feature whose bins have these sums, the last those of missing values.
func (s *splitter) find(b *binned, hist []sum) split {
	s.best = split{}
	s.missing = hist[b.count]
	switch {
	case b.levels == 0:
		s.numbers(hist[:b.count])
	case b.levels < s.params.MaxCatToOneHot:
		s.oneHot(hist[:b.count])
	default:
		s.groups(hist[:b.count])
	}
	return s.best
}

// numbers tries a split behind each bin that has rows: an empty one would give the same split again.
func (s *splitter) numbers(hist []sum) {
	var left sum
	for i := range hist {
		if hist[i] == (sum{}) {
			continue
		}
		left = left.plus(hist[i])
		if s.tryBoth(left) {
			s.best.bin = uint16(i)
		}
	}
}

// oneHot sends one category right.
func (s *splitter) oneHot(hist []sum) {
	for i := range hist {
		if s.tryBoth(s.total.minus(hist[i]).minus(s.missing)) {
			s.best.right, s.best.categorical = setOf([]int{i}), true
		}
	}
}

// groups parts the categories into two groups. They are ordered by the weight that each would have as a leaf (byWeight); the
// best of all 2^(k-1)-1 partings is among the k-1 that cut this order in two (Fisher 1958). If Bonn, Rome, Oslo, Paris have
// the weights -2, -1, 1, 3, the cuts {Bonn}, {Bonn, Rome} and {Bonn, Rome, Oslo} against the rest are tried.
//
// Groups of fewer than MaxCatThreshold categories are tried from either end of the order: those with the least weights go
// right, and missing values left; those with the greatest go left, and missing values right. Of a wide feature they go right, too, and missing values
// left: it is the same parting, and a node lists the few and not the thousands of others.
func (s *splitter) groups(hist []sum) {
	order := s.byWeight(hist)
	most := min(len(order), s.params.MaxCatThreshold) - 1
	var listed []int32
	var right, left sum
	for k := range most {
		right = right.plus(hist[order[k]])
		if s.try(s.total.minus(right)) {
			listed, s.best.defaultLeft = order[:k+1], true
		}
	}
	for k := range most {
		at := len(order) - 1 - k
		left = left.plus(hist[order[at]])
		if wide := len(hist) > maxBins; wide && s.try(s.total.minus(left)) {
			listed, s.best.defaultLeft = order[at:], true
		} else if !wide && s.try(left) {
			listed, s.best.defaultLeft = order[:at], false
		}
	}
	if listed == nil {
		return
	}
	s.best.categorical, s.best.right = true, setOf(listed)
	if s.missing.h == 0 {
		s.best.defaultLeft = s.heavierLeft()
	}
}

// byWeight sorts the categories. One with less than MinChildWeight would be no leaf: its own weight is noise, and would
// put it at one of the ends, where it can be picked. It counts as 0, as one without rows does, of which far down there are many: those stand in the
// middle as they come, and only others are sorted.
func (s *splitter) byWeight(hist []sum) []int32 {
	order := make([]int32, 0, len(hist))
	var few [maxBins]float64
	weights := few[:]
	if len(hist) > len(few) {
		weights = make([]float64, len(hist))
	}
	for i := range hist {
		if h := float64(float64(hist[i].h) * s.scale.h); h > 0 && h >= s.params.MinChildWeight {
			weights[i] = -shrink(float64(hist[i].g)*s.scale.g, s.params.Alpha) / (h + s.params.Lambda)
		}
		if weights[i] < 0 {
			order = append(order, int32(i))
		}
	}
	below := len(order)
	for i := range hist {
		if !(weights[i] < 0 || weights[i] > 0) {
			order = append(order, int32(i))
		}
	}
	above := len(order)
	for i := range hist {
		if weights[i] > 0 {
			order = append(order, int32(i))
		}
	}
	compare := func(i, j int32) int { return cmp.Compare(weights[i], weights[j]) }
	slices.SortStableFunc(order[:below], compare)
	slices.SortStableFunc(order[above:], compare)
	return order
}
