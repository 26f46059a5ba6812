package neighbors

import (
	"cmp"
	"math"
	"slices"
)

// How the nearest rows are found.
//
// A k-d tree (Bentley 1975) halves the rows again and again, each time at the median of the input in which they are widest apart, down to leaves of a few rows. Every
// node knows the box that its rows lie in. A search goes into the nearer half first, and into the other one only if its box is no farther away than the worst of the
// k best rows found so far:
//
//	rows 1 2 | 8 9, row 3 is searched with k = 2: left has 2 and 1, at 1 and 2; the right box begins at 8, 5 away, and is passed over
//
// With many inputs most boxes are near, and a search looks at most rows: it is then as slow as comparing with all of them, and not slower by much.
//
// The rows found are exact, and are those of lowest (distance, place): a box is passed over only when it is farther away than the worst row, not when it is as far. The
// distance of a box is added up in the order of inputs as the distance of a row is, from terms that are none larger: differences, squares and sums of doubles
// are rounded in order, so that what is computed for a box is never above what is computed for a row in it. The shape of the tree is no part of the result.

// leafRows is how many rows a node has that is not parted.
const leafRows = 32

// noRow is no row's place.
const noRow = -1

// neighbor is a training row and how far it is: the sum of squares in the euclidean metric.
type neighbor struct {
	far float64
	row int32
}

// closer orders neighbours: by distance, then by place.
func closer(a, b neighbor) int { return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.row, b.row)) }

// node has rows from start to end in the order of the tree, and children unless it is a leaf.
type node struct {
	start, end  int
	left, right int // 0: it is a leaf
	low, high   []float64
}

// tree of points.
type tree struct {
	rows   int
	width  int
	metric Metric
	nodes  []node
	order  []int32   // places of rows, in the order of the tree
	points []float64 // likewise, width numbers each
}

// grow makes the tree of the points of rows, one after the other, each of width inputs.
func grow(points []float64, rows, width int, metric Metric) *tree {
	t := &tree{rows: rows, width: width, metric: metric}
	if width == 0 { // all rows are one point
		return t
	}
	t.order = make([]int32, rows)
	for r := range t.order {
		t.order[r] = int32(r)
	}
	t.part(points, 0, len(t.order))
	t.points = make([]float64, 0, len(points))
	for _, r := range t.order {
		t.points = append(t.points, points[int(r)*width:(int(r)+1)*width]...)
	}
	return t
}

// part makes the node of some rows and the ones below it, and returns its number.
func (t *tree) part(points []float64, start, end int) int {
	at, w := len(t.nodes), t.width
	n := node{start: start, end: end, low: make([]float64, w), high: make([]float64, w)}
	first := int(t.order[start]) * w
	copy(n.low, points[first:first+w])
	copy(n.high, points[first:first+w])
	for _, r := range t.order[start:end] {
		for j, x := range points[int(r)*w : (int(r)+1)*w] {
			n.low[j], n.high[j] = min(n.low[j], x), max(n.high[j], x)
		}
	}
	t.nodes = append(t.nodes, n)
	widest := 0
	for j := range w {
		if n.high[j]-n.low[j] > n.high[widest]-n.low[widest] {
			widest = j
		}
	}
	if end-start <= leafRows || !(n.high[widest] > n.low[widest]) {
		return at
	}
	slices.SortFunc(t.order[start:end], func(a, b int32) int {
		return cmp.Or(cmp.Compare(points[int(a)*w+widest], points[int(b)*w+widest]), cmp.Compare(a, b))
	})
	middle := (start + end) / 2
	left := t.part(points, start, middle)
	right := t.part(points, middle, end)
	t.nodes[at].left, t.nodes[at].right = left, right
	return at
}

// search holds the best rows of one search after the other.
type search struct {
	*tree
	k       int
	best    []neighbor // ascending
	at      []float64
	without int32
}

// search makes room for searches of k rows.
func (t *tree) search(k int) *search { return &search{tree: t, k: k, best: make([]neighbor, 0, k+1)} }

// nearest are the k rows nearest to a point, the nearest first, without one of them, or noRow; they last until the next search.
func (s *search) nearest(at []float64, without int) []neighbor {
	s.best, s.at, s.without = s.best[:0], at, int32(without)
	if s.width == 0 {
		for row := range int32(s.rows) {
			if row != s.without && len(s.best) < s.k {
				s.best = append(s.best, neighbor{row: row})
			}
		}
		return s.best
	}
	s.visit(0, s.box(0))
	return s.best
}

// worst is how far a row may be to be among the best.
func (s *search) worst() float64 {
	if len(s.best) < s.k {
		return math.Inf(1)
	}
	return s.best[len(s.best)-1].far
}

// visit looks at a node's rows, whose box is so far.
func (s *search) visit(at int, far float64) {
	if far > s.worst() {
		return
	}
	n := &s.nodes[at]
	if n.left == 0 {
		for i := n.start; i < n.end; i++ {
			s.look(i)
		}
		return
	}
	left, right := s.box(n.left), s.box(n.right)
	if left <= right {
		s.visit(n.left, left)
		s.visit(n.right, right)
	} else {
		s.visit(n.right, right)
		s.visit(n.left, left)
	}
}

// look takes the row at a place in the order of the tree among the best, if it is.
func (s *search) look(i int) {
	if s.order[i] == s.without {
		return
	}
	worst := s.worst()
	n := neighbor{row: s.order[i]}
	for j, x := range s.points[i*s.width : (i+1)*s.width] {
		if n.far += s.term(x - s.at[j]); n.far > worst {
			return
		}
	}
	if len(s.best) == s.k && closer(n, s.best[s.k-1]) > 0 {
		return
	}
	place, _ := slices.BinarySearchFunc(s.best, n, closer)
	s.best = slices.Insert(s.best, place, n)
	s.best = s.best[:min(len(s.best), s.k)]
}

// box is how far the nearest point of a node's box is.
func (s *search) box(at int) float64 {
	n, far := &s.nodes[at], 0.0
	for j, x := range s.at {
		switch {
		case x < n.low[j]:
			far += s.term(n.low[j] - x)
		case x > n.high[j]:
			far += s.term(x - n.high[j])
		}
	}
	return far
}

// term is what a difference in one input adds to a distance.
func (s *search) term(d float64) float64 {
	if s.metric == Manhattan {
		return math.Abs(d)
	}
	return float64(d * d)
}
