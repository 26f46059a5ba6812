package xgboost

import (
	"context"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"
)

// How a row is scored.
//
// What a row holds is turned into whole numbers once, so that each step down a tree is the same few instructions for numbers, missing values and
// categories alike, without a branch that a processor could guess wrong. Each question that trees ask is put to a slot: a feature, in which way it is
// asked for, and where the missing go.
//
//	numeric  the float's bits in an order of whole numbers (ordered), between 0 and 2^32-1, which are the missing that go left and right
//	member   of categories up to 30 the bit of that number; none for what is no such category and the missing that go left, bit 31 for those that go right
//	placed   of categories without such a limit the word and the bit in a set's words (place)
//
// Nodes of a tree lie by depth, the children of a node side by side. The step from a node is to child + 1 if the slot is below the node's key, or has
// a bit of its mask; else to child. A number's split has a mask of none, so that its left child comes second; a split by category has the key 0,
// below which nothing is, and the right one comes second. A leaf is its own child and has neither: steps beyond it stay there. For example,
//
//	tree                     nodes   slot  key            mask          child
//	x < 2.5 ? -1 : (c in {3}      0  x     ordered(2.5)   0             1
//	            ? 1 : 2)          1  c     0              1<<3 | 1<<31  3         2.5 <= x
//	                              2        0              0             2         leaf -1
//	                              3        0              0             3         leaf 2
//	                              4        0              0             4         leaf 1
//
// A tree that has greater categories takes its bits from words beside the nodes, in place of masks (stepsByPlace).
//
// Since a step waits for memory rather than for arithmetic, eight walks are made at a time: of many rows down one tree, or of one row down
// eight trees. The leaves are added up in the order of the trees, as in XGBoost, so that the sum is the same to the bit.

// Scorer is a model made ready for scoring. It is safe for concurrent use.
type Scorer struct {
	link    link
	groups  int
	base    []float32
	class   []int32
	trees   []flatTree
	slots   []slot
	nodes   []flatNode
	values  []float32 // of each node that is a leaf
	sets    []flatSet // of each node; empty if no tree is byPlace
	members []uint64  // the sets' bits
}

type flatTree struct {
	root    uint32
	depth   int
	byPlace bool // its categories are too great for masks
}

// slot is what a split asks of a row.
type slot struct {
	feature     int32
	as          form
	missingLeft bool
}

// form is how a slot holds a feature.
type form uint8

const (
	numeric form = iota
	member
	placed
)

// flatNode is a quarter of a cache line.
type flatNode struct{ slot, key, mask, child uint32 }

// flatSet is a node's categories: the first of its words in members, and how many there are before the word of those that are in no set.
type flatSet struct{ first, size uint32 }

// Scorer prepares m for scoring; m must be valid (Validate). An objective that is not read here is the only error.
func (m *Model) Scorer() (*Scorer, error) {
	l, err := m.Objective.link()
	if err != nil {
		return nil, err
	}
	s := &Scorer{link: l, groups: m.Groups(), class: m.TreeClass, base: m.Start(), members: []uint64{0}}
	places, byPlace := map[slot]uint32{}, false
	for i := range m.Trees {
		byPlace = s.add(&m.Trees[i], places) || byPlace
	}
	if !byPlace {
		s.sets = nil
	}
	if len(s.slots) == 0 {
		s.slots = []slot{{feature: nothing}}
	}
	return s, nil
}

// nothing is the feature of the slot of a model that asks nothing.
const nothing = -1

// margin puts a base score on the scale that trees add up on.
func margin(l link, score float32) float32 {
	switch l {
	case logistic:
		return float32(-math.Log(float64(1/score - 1)))
	case exponential:
		return float32(math.Log(float64(score)))
	}
	return score
}

// add lays out a tree by depth, and reports whether its categories are by place. Nodes that the root does not lead to are left out.
func (s *Scorer) add(t *Tree, places map[slot]uint32) (byPlace bool) {
	for i := range t.Nodes {
		byPlace = byPlace || slices.ContainsFunc(t.Nodes[i].Categories, func(c int32) bool { return c >= missingRight })
	}
	tree := flatTree{root: uint32(len(s.nodes)), byPlace: byPlace}
	order := []int32{0}
	for at, level := 0, 1; at < len(order); at++ {
		if at == level {
			tree.depth, level = tree.depth+1, len(order)
		}
		n, flat, set, value := &t.Nodes[order[at]], flatNode{}, flatSet{}, float32(0)
		flat.child = tree.root + uint32(len(order))
		asked := slot{n.Feature, numeric, n.DefaultLeft}
		switch {
		case n.Leaf():
			flat.child, value = tree.root+uint32(at), n.Value
		case n.Categories == nil:
			flat.key = ordered(n.Value)
			order = append(order, n.Right, n.Left)
		case byPlace:
			asked.as, set = placed, s.addSet(n.Categories)
			order = append(order, n.Left, n.Right)
		default:
			asked.as, flat.mask = member, 1<<missingRight
			for _, c := range n.Categories {
				flat.mask |= 1 << c
			}
			order = append(order, n.Left, n.Right)
		}
		if !n.Leaf() {
			place, known := places[asked]
			if !known {
				place = uint32(len(s.slots))
				places[asked], s.slots = place, append(s.slots, asked)
			}
			flat.slot = place
		}
		s.nodes, s.sets, s.values = append(s.nodes, flat), append(s.sets, set), append(s.values, value)
	}
	s.trees = append(s.trees, tree)
	return byPlace
}

// missingRight is the bit of masks for missing values that go right; categories below it have bits of their own.
const missingRight = 31

// perWord is how many categories a word of a set holds. Its last bit is of no category.
const perWord = 63

// elsewhere is the word behind a set, of what is in none: its last bit, that of missing values that go right, is set.
const elsewhere = 1 << perWord

// addSet adds the bits of the categories that go right.
func (s *Scorer) addSet(categories []int32) flatSet {
	top := int32(-1)
	for _, c := range categories {
		top = max(top, c)
	}
	set := flatSet{uint32(len(s.members)), uint32(top+perWord) / perWord}
	s.members = append(s.members, make([]uint64, set.size+1)...)
	words := s.members[set.first:]
	for _, c := range categories {
		words[c/perWord] |= 1 << (c % perWord)
	}
	words[set.size] = elsewhere
	return set
}

// ordered gives floats whole numbers in their order, of which 0 and 2^32-1 are no float's: x < y is ordered(x) < ordered(y).
func ordered(x float32) uint32 {
	bits := math.Float32bits(x)
	if bits == 1<<31 { // -0, which is 0
		bits = 0
	}
	return bits ^ (uint32(int32(bits)>>31) | 1<<31)
}

// place gives a category its word, above the six bits of its bit; what is no category goes left, as in XGBoost's common::Decision.
func place(x float32) uint32 {
	if !(x >= 0 && x < 1<<24) {
		return math.MaxUint32 &^ perWord
	}
	c := uint32(x)
	return c/perWord<<6 | c%perWord
}

// encode puts a row's value of a slot the way that nodes ask for it.
func (k *slot) encode(x float32) uint32 {
	missing := x != x
	switch k.as {
	case numeric:
		switch {
		case !missing:
			return ordered(x)
		case !k.missingLeft:
			return math.MaxUint32
		}
		return 0
	case member:
		switch {
		case x >= 0 && x < missingRight:
			return 1 << uint32(x)
		case missing && !k.missingLeft:
			return 1 << missingRight
		}
		return 0
	}
	if missing && !k.missingLeft {
		return math.MaxUint32
	}
	return place(x)
}

// together is how many walks are made at a time.
const together = 8

// walks are as many walks down trees: the node where each is, and where the slots of its row begin.
type walks struct{ at, row [together]uint32 }

// down takes the walks to their leaves, which are depth steps away at most.
func (s *Scorer) down(w *walks, slots []uint32, depth int, byPlace bool) {
	const look = 8 // steps between looks at whether there are walks that have not ended: trees may be deep in one place only
	for {
		before := w.at
		if byPlace {
			s.stepsByPlace(w, slots, min(depth, look))
		} else {
			s.steps(w, slots, min(depth, look))
		}
		if depth -= look; depth <= 0 || w.at == before {
			return
		}
	}
}

// steps is written out, since a processor walks in parallel only what is in its registers.
func (s *Scorer) steps(w *walks, x []uint32, steps int) {
	nodes, a, r := s.nodes, w.at, &w.row
	a0, a1, a2, a3, a4, a5, a6, a7 := a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
	for range steps {
		n0, n1, n2, n3 := &nodes[a0], &nodes[a1], &nodes[a2], &nodes[a3]
		a0, a1 = n0.next(x[r[0]+n0.slot]), n1.next(x[r[1]+n1.slot])
		a2, a3 = n2.next(x[r[2]+n2.slot]), n3.next(x[r[3]+n3.slot])
		n4, n5, n6, n7 := &nodes[a4], &nodes[a5], &nodes[a6], &nodes[a7]
		a4, a5 = n4.next(x[r[4]+n4.slot]), n5.next(x[r[5]+n5.slot])
		a6, a7 = n6.next(x[r[6]+n6.slot]), n7.next(x[r[7]+n7.slot])
	}
	w.at = [together]uint32{a0, a1, a2, a3, a4, a5, a6, a7}
}

// next is the node after this one: one of key and mask is 0, so that one difference at most is negative.
func (n *flatNode) next(x uint32) uint32 {
	return n.child + uint32((uint64(x)-uint64(n.key)|-uint64(x&n.mask))>>63)
}

func (s *Scorer) stepsByPlace(w *walks, x []uint32, steps int) {
	a, r := w.at, &w.row
	a0, a1, a2, a3, a4, a5, a6, a7 := a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
	for range steps {
		a0, a1 = s.next(a0, x, r[0]), s.next(a1, x, r[1])
		a2, a3 = s.next(a2, x, r[2]), s.next(a3, x, r[3])
		a4, a5 = s.next(a4, x, r[4]), s.next(a5, x, r[5])
		a6, a7 = s.next(a6, x, r[6]), s.next(a7, x, r[7])
	}
	w.at = [together]uint32{a0, a1, a2, a3, a4, a5, a6, a7}
}

// next is the node after one by place, for the row whose slots begin there.
func (s *Scorer) next(at uint32, slots []uint32, row uint32) uint32 {
	n, set := &s.nodes[at], &s.sets[at]
	x := slots[row+n.slot]
	word := s.members[set.first+min(x>>6, set.size)]
	return n.next(x) + uint32(word>>(x&63))&1
}

// Margins adds up the trees for one row of float32 features, NaN where missing, into out, one element a class.
// The order of additions is that of the trees, as in XGBoost.
func (s *Scorer) Margins(row, out []float32) {
	slots := make([]uint32, len(s.slots))
	for i := range s.slots {
		k := &s.slots[i]
		if k.feature != nothing {
			slots[i] = k.encode(row[k.feature])
		}
	}
	s.margins(slots, out)
}

// margins are those of one row, given by slots.
func (s *Scorer) margins(slots []uint32, out []float32) {
	copy(out, s.base)
	for first := 0; first < len(s.trees); first += together {
		trees := s.trees[first:min(first+together, len(s.trees))]
		var w walks
		depth, byPlace := 0, false
		for i, t := range trees {
			w.at[i], depth, byPlace = t.root, max(depth, t.depth), byPlace || t.byPlace
		}
		s.down(&w, slots, depth, byPlace)
		for i := range trees {
			out[s.class[first+i]] += s.values[w.at[i]]
		}
	}
}

// Transform turns a row's margins into predictions in place of out: probabilities for logistic and softmax
// objectives, values for the others.
func (s *Scorer) Transform(margins []float32, out []float64) {
	switch s.link {
	case logistic:
		out[0] = 1 / (1 + math.Exp(-float64(margins[0])))
	case exponential:
		out[0] = math.Exp(float64(margins[0]))
	case softmax:
		Softmax64(margins, out)
	default:
		for i, m := range margins {
			out[i] = float64(m)
		}
	}
}

// Softmax64 writes exp(m_i) / sum exp(m_j) into out.
func Softmax64(margins []float32, out []float64) {
	top := margins[0]
	for _, m := range margins {
		if m > top { // max looks for what is no number, which makes all of them none in any case
			top = m
		}
	}
	out = out[:len(margins)]
	var sum float64
	for i, m := range margins {
		out[i] = math.Exp(float64(m - top))
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
}

// blockRows is how many rows are scored at a time by one goroutine, and bandRows of how many the slots lie together, in the processor's first cache
// with few features.
const (
	blockRows = 1024
	bandRows  = 64
)

// Predict scores rows rows given column by column, with as many threads as given; values are rounded to float32, which is what thresholds
// are compared with. The result is [output][row] and does not depend on the number of threads.
func (s *Scorer) Predict(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	out := make([][]float64, s.groups)
	for g := range out {
		out[g] = make([]float64, rows)
	}
	return out, s.blocks(ctx, rows, threads, func(start, end int) {
		predicted := make([]float64, s.groups)
		s.block(columns, start, end, func(r int, margins []float32) {
			s.Transform(margins, predicted)
			for g := range predicted {
				out[g][r] = predicted[g]
			}
		})
	})
}

// MarginsOf are those of rows given column by column, [output][row], as Predict makes predictions of them. Columns that no tree splits on may be nil.
func (s *Scorer) MarginsOf(ctx context.Context, columns [][]float64, rows, threads int) ([][]float32, error) {
	out := make([][]float32, s.groups)
	for g := range out {
		out[g] = make([]float32, rows)
	}
	return out, s.blocks(ctx, rows, threads, func(start, end int) {
		s.block(columns, start, end, func(r int, margins []float32) {
			for g := range margins {
				out[g][r] = margins[g]
			}
		})
	})
}

// blocks calls do for stretches of rows.
func (s *Scorer) blocks(ctx context.Context, rows, threads int, do func(start, end int)) error {
	if rows <= blockRows {
		do(0, rows)
		return ctx.Err()
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(threads, 1))
	for start := 0; start < rows; start += blockRows {
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			do(start, min(start+blockRows, rows))
			return nil
		})
	}
	return work.Wait()
}

// block hands over the margins of each row, in memory that the next has, too.
func (s *Scorer) block(columns [][]float64, start, end int, take func(r int, margins []float32)) {
	most := min(bandRows, end-start)
	b := band{Scorer: s, slots: make([]uint32, most*len(s.slots)), margins: make([]float32, most*s.groups)}
	for ; start < end; start += bandRows {
		rows := min(bandRows, end-start)
		b.read(columns, start, rows)
		b.score(rows)
		for r := range rows {
			take(start+r, b.row(r))
		}
	}
}

// band is a few rows that are scored together: [row][slot] and [row][group].
type band struct {
	*Scorer
	slots   []uint32
	margins []float32
}

func (b *band) row(r int) []float32 { return b.margins[r*b.groups : (r+1)*b.groups] }

func (b *band) read(columns [][]float64, start, rows int) {
	for i := range b.Scorer.slots {
		k := &b.Scorer.slots[i]
		if k.feature == nothing {
			continue
		}
		for r, x := range columns[k.feature][start : start+rows] {
			b.slots[r*len(b.Scorer.slots)+i] = k.encode(float32(x))
		}
	}
}

// score walks eight rows at a time down each tree, and each of the rows that are left down eight trees at a time.
func (b *band) score(rows int) {
	width, whole := len(b.Scorer.slots), rows-rows%together
	for r := whole; r < rows; r++ {
		b.Scorer.margins(b.slots[r*width:(r+1)*width], b.row(r))
	}
	if whole == 0 {
		return
	}
	for r := range whole {
		copy(b.row(r), b.base)
	}
	for t, tree := range b.trees {
		for first := 0; first < whole; first += together {
			var w walks
			for i := range together {
				w.at[i], w.row[i] = tree.root, uint32((first+i)*width)
			}
			b.down(&w, b.slots, tree.depth, tree.byPlace)
			for i, at := range w.at {
				b.margins[(first+i)*b.groups+int(b.class[t])] += b.values[at]
			}
		}
	}
}
