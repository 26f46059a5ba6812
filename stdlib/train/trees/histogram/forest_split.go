package histogram

import (
	"cmp"
	"slices"
)

// fill sums the rows up by the bins of a feature; of a wide one, those bins alone that have rows are cleared and told (present).
func (g *forestGrower) fill(feature int32, rows span) {
	b := &g.bins[feature]
	words, lane := g.codes.of(feature)
	if g.present = g.present[:0]; !b.wide() {
		for i := range b.count + 1 {
			g.hist[i].clear()
		}
		for _, r := range g.rows[rows.start:rows.end] {
			g.put(&g.hist[lane.bin(words[r])], r)
		}
		return
	}
	g.hist[b.count].clear()
	for _, r := range g.rows[rows.start:rows.end] {
		g.hist[lane.bin(words[r])].clear()
	}
	for _, r := range g.rows[rows.start:rows.end] {
		bin := lane.bin(words[r])
		if g.hist[bin].rows == 0 && int(bin) < b.count {
			g.present = append(g.present, int32(bin))
		}
		g.put(&g.hist[bin], r)
	}
}

// best is the best split of some rows by one feature.
func (g *forestGrower) best(feature int32, rows span, whole *side, parent float64) split {
	b := &g.bins[feature]
	g.fill(feature, rows)
	s := forestSplitter{forestGrower: g, whole: whole, parent: parent, missing: &g.hist[b.count]}
	s.out.feature, s.out.missingBin = feature, uint16(b.count)
	if b.levels == 0 {
		g.left.clear()
		for i := range b.count {
			if g.hist[i].rows > 0 && s.next(&g.hist[i]) {
				s.out.bin = uint16(i)
			}
		}
		return s.out
	}
	if g.orders[feature] == nil { // the first to ask would be the root, but for features that it has not drawn
		g.orders[feature] = g.order(feature)
		if b.wide() {
			g.ranks[feature] = ranksOf(g.orders[feature], b.count)
		}
	}
	for k, order := range g.orders[feature] {
		if b.wide() {
			rank := g.ranks[feature][k]
			slices.SortFunc(g.present, func(i, j int32) int { return cmp.Compare(rank[i], rank[j]) })
			order = g.present
		}
		s.categories(order, b.wide())
	}
	return s.out
}

// ranksOf are the places of so many categories in orders.
func ranksOf(orders [][]int32, categories int) [][]int32 {
	out := make([][]int32, len(orders))
	for k, order := range orders {
		out[k] = make([]int32, categories)
		for at, category := range order {
			out[k][category] = int32(at)
		}
	}
	return out
}

// order puts the categories that the tree has rows of in order, by the mean of each output.
func (g *forestGrower) order(feature int32) [][]int32 {
	var some []int32
	all := make([]side, g.bins[feature].count+1)
	sums := make([]float64, len(all)*g.outputs)
	for i := range all {
		all[i].sums = sums[i*g.outputs:][:g.outputs]
	}
	words, lane := g.codes.of(feature)
	for r, w := range g.weights { // in the order of the table: that of rows changes as the tree grows
		if w > 0 {
			g.put(&all[lane.bin(words[r])], int32(r))
		}
	}
	for i := range g.bins[feature].count {
		if all[i].rows > 0 {
			some = append(some, int32(i))
		}
	}
	out := make([][]int32, g.outputs)
	for k := range out {
		out[k] = slices.Clone(some)
		mean := func(i int32) float64 { return all[i].sums[k] / all[i].weight }
		slices.SortStableFunc(out[k], func(i, j int32) int { return cmp.Compare(mean(i), mean(j)) })
	}
	return out
}

// forestSplitter tries the splits of one feature.
type forestSplitter struct {
	*forestGrower
	whole, missing *side
	parent         float64
	out            split
}

// categories tries to cut an order in two, and takes the cut if it is the best so far. Those that go right are listed; of a wide feature those on the lighter side go right.
func (s *forestSplitter) categories(order []int32, wide bool) {
	cut := -1
	s.left.clear()
	for i, category := range order {
		if s.hist[category].rows > 0 && s.next(&s.hist[category]) {
			cut = i
		}
	}
	if cut < 0 {
		return
	}
	right := order[cut+1:]
	switch {
	case len(right) == 0: // all of them, and missing values go left: a split sends some category right
		right, s.out.defaultLeft = order, true
	case wide:
		rest := 0.0 // of the weight on the right, less that on the left
		for _, category := range order[:cut+1] {
			rest -= s.hist[category].weight
		}
		for _, category := range right {
			rest += s.hist[category].weight
		}
		if rest > 0 {
			right, s.out.defaultLeft = order[:cut+1], !s.out.defaultLeft
		}
	}
	s.out.categorical, s.out.right = true, setOf(right)
}

// next takes a bin to the left, and tries the split behind it, with missing values on either side; where none are missing, later ones go to the heavier side. It reports whether that
// is the best so far.
func (s *forestSplitter) next(bin *side) bool {
	s.left.add(bin)
	s.whole.less(&s.left, &s.right)
	found := s.try(&s.left, &s.right, s.left.weight >= s.right.weight)
	if s.missing.rows == 0 {
		return found
	}
	if found {
		s.out.defaultLeft = false
	}
	s.known.clear()
	s.known.add(&s.left)
	s.known.add(s.missing)
	s.whole.less(&s.known, &s.right)
	return s.try(&s.known, &s.right, true) || found
}

func (s *forestSplitter) try(left, right *side, defaultLeft bool) bool {
	least := max(s.params.MinSamplesLeaf, 1)
	if left.rows < least || right.rows < least || left.weight <= 0 || right.weight <= 0 {
		return false
	}
	gain := left.score() + right.score() - s.parent
	if gain <= s.out.gain || gain <= s.least {
		return false
	}
	s.out.gain, s.out.defaultLeft = gain, defaultLeft
	return true
}
