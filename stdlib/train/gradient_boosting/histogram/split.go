package histogram

import (
	"slices"
)

// oneHotLevels is up to how many categories they are split off one by one; more are parted into two groups.
const oneHotLevels = 4

// split is the best way found to part a node's rows.
type split struct {
	gain        float64 // 0: none found
	feature     int32
	bin         uint8 // of a number: bins up to this one go left
	missingBin  uint8 // of the feature
	categorical bool
	right       bitset // categories that go right
	defaultLeft bool
	left        sum
}

// bitset of bins.
type bitset [4]uint64

func (s *bitset) add(i int)      { s[i>>6] |= 1 << (i & 63) }
func (s *bitset) has(i int) bool { return s[i>>6]>>(i&63)&1 == 1 }

// splitter looks for the best split of one node on one feature.
type splitter struct {
	params  *Params
	scale   scale
	total   sum
	parent  float64 // score of the node as a leaf
	missing sum
	best    split
}

// score is G²/(H+λ), twice what the loss falls by at the best weight of a leaf.
func (s *splitter) score(x sum) float64 {
	g := float64(x.g) * s.scale.g
	return float64(g*g) / (float64(float64(x.h)*s.scale.h) + s.params.Lambda)
}

// try takes the split into left and the rest if it is better than the best so far, and tells whether it is.
func (s *splitter) try(left sum) bool {
	right := s.total.minus(left)
	if left.h <= 0 || right.h <= 0 {
		return false
	}
	if float64(left.h)*s.scale.h < s.params.MinChildWeight || float64(right.h)*s.scale.h < s.params.MinChildWeight {
		return false
	}
	gain := s.score(left) + s.score(right) - s.parent
	if gain <= s.best.gain || gain < s.params.Gamma || gain < 1e-6 {
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
		s.best.defaultLeft = left.h >= s.total.h-left.h
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

// find returns the best split on the feature whose bins have these sums, the last those of missing values.
func (s *splitter) find(b *binned, hist []sum) split {
	s.best = split{}
	s.missing = hist[b.count]
	switch {
	case b.levels == 0:
		s.numbers(hist[:b.count])
	case b.levels <= oneHotLevels:
		s.oneHot(hist[:b.count])
	default:
		s.groups(hist[:b.count])
	}
	return s.best
}

func (s *splitter) numbers(hist []sum) {
	var left sum
	for i := range hist {
		if hist[i] == (sum{}) {
			continue
		}
		left = left.plus(hist[i])
		if s.tryBoth(left) {
			s.best.bin = uint8(i)
		}
	}
}

// oneHot sends one category right.
func (s *splitter) oneHot(hist []sum) {
	for i := range hist {
		if hist[i].h == 0 {
			continue
		}
		if s.tryBoth(s.total.minus(hist[i]).minus(s.missing)) {
			s.best.right = bitset{}
			s.best.right.add(i)
			s.best.categorical = true
		}
	}
	s.placeAbsent(hist)
}

// groups orders the categories by the weight that each would have as a leaf; the best parting into two groups is one
// of those that cut this order in two.
func (s *splitter) groups(hist []sum) {
	order := make([]int, 0, maxBins)
	var weights [maxBins]float64
	var present sum
	for i := range hist {
		if hist[i].h == 0 {
			continue
		}
		order = append(order, i)
		present = present.plus(hist[i])
		weights[i] = float64(hist[i].g) * s.scale.g / (float64(float64(hist[i].h)*s.scale.h) + s.params.Lambda)
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case weights[i] < weights[j]:
			return -1
		case weights[i] > weights[j]:
			return 1
		}
		return 0
	})
	left, cut := present, -1
	for k, i := range order {
		left = left.minus(hist[i])
		if s.tryBoth(left) {
			cut = k
		}
	}
	if cut < 0 {
		return
	}
	s.best.categorical = true
	for _, i := range order[:cut+1] {
		s.best.right.add(i)
	}
	s.placeAbsent(hist)
}

// placeAbsent sends categories that the node has no rows of where missing values go.
func (s *splitter) placeAbsent(hist []sum) {
	if !s.best.categorical || s.best.defaultLeft {
		return
	}
	for i := range hist {
		if hist[i].h == 0 {
			s.best.right.add(i)
		}
	}
}
