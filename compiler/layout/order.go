package layout

import "slices"

// sweeps is how often the ranks are gone through, there and back.
const sweeps = 12

// order arranges the layers so that few pieces of edges cross: each item goes to the median of its neighbours in the
// layer gone through before (Gansner et al., A Technique for Drawing Directed Graphs, 1993). The best arrangement met
// is kept.
func (l *layers) order() {
	l.depthFirst()
	// Down and up in turn; after each sweep neighbours are exchanged where that helps.
	best, least := l.snapshot(), l.crossings()
	for i := 0; i < sweeps && least > 0; i++ {
		if i%2 == 0 {
			for r := 1; r < len(l.layer); r++ {
				l.sortByMedian(r, func(it *item) []int { return it.before })
			}
		} else {
			for r := len(l.layer) - 2; r >= 0; r-- {
				l.sortByMedian(r, func(it *item) []int { return it.behind })
			}
		}
		l.transpose()
		if n := l.crossings(); n < least {
			best, least = l.snapshot(), n
		}
	}
	for r := range l.layer {
		l.arrange(r, best[r])
	}
}

// depthFirst is the first arrangement: what hangs together is met together.
func (l *layers) depthFirst() {
	seen := make([]bool, len(l.item))
	rows := make([][]int, len(l.layer))
	for _, row := range l.layer {
		for _, start := range row {
			stack := []int{start}
			for len(stack) > 0 {
				v := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				if seen[v] {
					continue
				}
				seen[v] = true
				rows[l.item[v].rank] = append(rows[l.item[v].rank], v)
				for _, next := range slices.Backward(l.item[v].behind) {
					stack = append(stack, next)
				}
			}
		}
	}
	for r, row := range rows {
		l.arrange(r, row)
	}
}

// arrange puts a layer into an order; pos of each item is its place there.
func (l *layers) arrange(r int, row []int) {
	l.layer[r] = row
	for i, v := range row {
		l.item[v].pos = i
	}
}

// snapshot copies the arrangement, since sweeps change the layers in place.
func (l *layers) snapshot() [][]int {
	out := make([][]int, len(l.layer))
	for r, row := range l.layer {
		out[r] = slices.Clone(row)
	}
	return out
}

// sortByMedian sorts a layer by the median place of each item's neighbours; items without any stay where they are.
func (l *layers) sortByMedian(r int, side func(*item) []int) {
	type moved struct{ v, median int }
	var free []moved
	row := slices.Clone(l.layer[r])
	for i, v := range row {
		if m, ok := l.median(side(&l.item[v])); ok {
			free = append(free, moved{v, m})
			row[i] = -1
		}
	}
	slices.SortStableFunc(free, func(a, b moved) int { return a.median - b.median })
	for i, v := range row {
		if v < 0 {
			row[i], free = free[0].v, free[1:]
		}
	}
	l.arrange(r, row)
}

// median of the places of items, doubled so that between two there is one more.
func (l *layers) median(items []int) (int, bool) {
	if len(items) == 0 {
		return 0, false
	}
	places := make([]int, len(items))
	for i, v := range items {
		places[i] = l.item[v].pos
	}
	slices.Sort(places)
	mid := len(places) / 2
	if len(places)%2 == 1 {
		return 2 * places[mid], true
	}
	return places[mid-1] + places[mid], true
}

// manyNeighbours is where comparing all pairs of neighbours is no longer worth it.
const manyNeighbours = 24

// transpose swaps items side by side where that takes away crossings.
func (l *layers) transpose() {
	for _, row := range l.layer {
		for i := 1; i < len(row); i++ {
			a, b := &l.item[row[i-1]], &l.item[row[i]]
			if len(a.before)+len(a.behind)+len(b.before)+len(b.behind) > manyNeighbours {
				continue
			}
			stay := l.pairs(a.before, b.before) + l.pairs(a.behind, b.behind)
			swap := l.pairs(b.before, a.before) + l.pairs(b.behind, a.behind)
			if swap < stay {
				row[i-1], row[i] = row[i], row[i-1]
				a.pos, b.pos = i, i-1
			}
		}
	}
}

// pairs counts the crossings of the pieces of two items side by side, given the ends of the first and the second.
func (l *layers) pairs(first, second []int) int {
	n := 0
	for _, a := range first {
		for _, b := range second {
			if l.item[a].pos > l.item[b].pos {
				n++
			}
		}
	}
	return n
}

// crossings counts those between all layers, with a tree of sums, so that the time grows with pieces times the logarithm
// of a layer's size.
func (l *layers) crossings() int {
	total := 0
	for r := 0; r+1 < len(l.layer); r++ {
		// A Fenwick tree over the positions behind: the pieces met so far that end further along cross this one (Barth,
		// Mutzel and Jünger 2004).
		tree := make([]int, len(l.layer[r+1])+1)
		seen := 0
		for _, v := range l.layer[r] {
			for _, w := range l.item[v].behind {
				total += seen
				for i := l.item[w].pos + 1; i > 0; i -= i & -i {
					total -= tree[i]
				}
			}
			for _, w := range l.item[v].behind {
				seen++
				for i := l.item[w].pos + 1; i < len(tree); i += i & -i {
					tree[i]++
				}
			}
		}
	}
	return total
}
