package histogram

// How rows lie while a tree grows.
//
// A node is a stretch (span) of grower.rows, and splitting it parts the stretch in two, in place:
//
//	node 0                      0 1 2 3 4 5 6 7
//	split into nodes 1 and 2    0 2 3 7 | 1 4 5 6
//	node 1 into nodes 3 and 4   0 7 | 2 3 | 1 4 5 6
//
// Each side keeps its order. The sample ascends, so the rows of every node do, and the bins of a feature are read forwards, which
// caches like. grower.sums has the derivatives in the order of rows, not of the table: a histogram reads them one after another, and
// only its bins lie apart. Nodes of a batch have stretches of their own, so that threads part them without locks. In the end each leaf
// is a stretch, and addLeaves has nothing to search.

import (
	"slices"
	"sync"
	"unsafe"
)

// grower grows trees; it owns the memory that they take while growing.
type grower struct {
	params Params
	bins   []binned
	codes  codes
	offset []int   // of each feature's sums in a histogram
	size   int     // of a histogram
	least  float64 // what a split must gain in any case

	rows   []int32 // rows in the order of the growing tree's leaves
	spare  []int32
	sums   []sum // derivatives of rows, in the same order
	spares []sum
	byRow  []sum   // of samples: derivatives of all rows, in the order of the table
	free   [][]sum // histograms not in use

	tree     tree
	margins  []float32 // what leaves are added to while the tree grows; nil: they are not
	scale    scale
	features []int32
	words    [][]int32        // features by the word of codes that they are in
	drawn    draw             // of the growing tree
	may      map[int32][]bool // by node of a batch and feature: whether it may split there; nodes are left out that any may
	open     map[int32]bool   // nodes that will be split if they come to it
	hist     map[int32][]sum  // of open nodes, as far as memory goes
	most     int              // histograms that are kept
	scratch  sync.Pool        // of laneSums
	lefts    sync.Pool        // of sides
}

// keepBytes is how much memory the histograms of open nodes may take. Where that is not enough, children are summed
// up from their rows instead of by difference, which gives the same sums.
const keepBytes = 512 << 20

// newGrower lays out one histogram for all features: offset says where each begins, with a bin for missing values at its
// end. most is how many may be kept at once, by keepBytes.
func newGrower(p Params, bins []binned, codes codes, rows int) *grower {
	g := &grower{
		params: p, bins: bins, codes: codes, offset: make([]int, len(bins)),
		rows: make([]int32, rows), spare: make([]int32, rows),
		sums: make([]sum, rows), spares: make([]sum, rows),
		hist: map[int32][]sum{}, open: map[int32]bool{}, may: map[int32][]bool{},
	}
	g.scratch.New, g.lefts.New = func() any { return new(laneSums) }, func() any { return new(sides) }
	for f := range bins {
		g.offset[f] = g.size
		g.size += bins[f].count + 1
	}
	g.most = max(keepBytes/(g.size*int(unsafe.Sizeof(sum{}))), 1)
	return g
}

// grow grows one tree of a class on the sampled rows (nil: all) and features. number is the tree's in the model.
func (g *grower) grow(t *scored, class, number int, sample, features []int32) tree {
	g.features, g.words = features, g.codes.together(features)
	g.drawn = draw{params: &g.params, tree: number, features: features, count: len(g.bins)}
	if g.margins = nil; sample == nil && !t.objective.refits() {
		g.margins = t.margins[class]
	}
	n, total := g.take(t, class, sample)
	root := node{parent: -1, scale: g.scale, rows: span{0, n}, sum: total, bounds: unbounded}
	g.tree = tree{nodes: []node{root}}
	g.setValue(0)
	if g.mayGrow(0) {
		g.rootHistogram()
	}
	for batch := g.next(); len(batch) > 0; batch = g.next() {
		g.expand(batch)
	}
	for id := range int32(len(g.tree.nodes)) {
		g.close(id)
	}
	return g.tree
}

// take puts the sampled rows and their derivatives in order, and returns how many there are, and their sum.
func (g *grower) take(t *scored, class int, sample []int32) (n int, total sum) {
	n = len(t.target)
	if sample == nil {
		g.scale, total = t.derivatives(class, g.sums, g.params.Threads)
		for i := range g.rows {
			g.rows[i] = int32(i)
		}
		return n, total
	}
	if g.byRow == nil {
		g.byRow = make([]sum, n)
	}
	g.scale, _ = t.derivatives(class, g.byRow, g.params.Threads)
	n = copy(g.rows, sample)
	parts := make([]sum, (n+blockRows-1)/blockRows)
	parallel(g.params.Threads, len(parts), func(b int) {
		for i := b * blockRows; i < min((b+1)*blockRows, n); i++ {
			g.sums[i] = g.byRow[g.rows[i]]
			parts[b] = parts[b].plus(g.sums[i])
		}
	})
	return n, totalOf(parts)
}

// mayGrow reports whether a node is a candidate for a split, by depth, leaves and weight.
func (g *grower) mayGrow(id int32) bool {
	n := &g.tree.nodes[id]
	return n.rows.end-n.rows.start >= 2 && g.heavy(n)
}

// heavy reports whether a node may be split if it has the rows for it. The weight must suffice for two children, so that a node which cannot be split
// is not searched.
func (g *grower) heavy(n *node) bool {
	return (g.params.MaxDepth <= 0 || n.depth < g.params.MaxDepth) && float64(n.sum.h)*g.scale.h >= 2*g.params.MinChildWeight
}

// next returns the nodes to split: all that can be, or where leaves are limited the one that gains most.
func (g *grower) next() []int32 {
	var ready []int32
	for id := range g.open {
		ready = append(ready, id)
	}
	slices.Sort(ready)
	if g.params.MaxLeaves == 0 || len(ready) == 0 {
		return ready
	}
	if (len(g.tree.nodes)+1)/2 >= g.params.MaxLeaves {
		return nil
	}
	best := ready[0]
	for _, id := range ready {
		if g.tree.nodes[id].split.gain > g.tree.nodes[best].split.gain {
			best = id
		}
	}
	return []int32{best}
}

// pair is a node that is being split. Of its two children only the smaller one's rows are read for its histogram.
type pair struct {
	parent       int32
	small, large int32 // children, by number of rows
	grow         bool  // whether a child may be split further
	hist         []sum // of the smaller child
	largeHist    []sum // of the larger: its parent's, if that is kept
	subtract     bool  // whether it is
}

// expand splits the nodes of a batch and finds the best splits of their children.
// All nodes of a batch are parted side by side, then searched in parts that fit the memory (most). No outcome depends on the parts.
func (g *grower) expand(batch []int32) {
	pairs := make([]pair, len(batch))
	for i, id := range batch {
		pairs[i] = g.addChildren(id)
	}
	parallel(g.params.Threads, len(pairs), func(i int) { g.partition(&pairs[i]) })
	growing := pairs[:0]
	for i := range pairs {
		g.finishPartition(&pairs[i])
		if pairs[i].grow {
			growing = append(growing, pairs[i])
		} else {
			g.close(pairs[i].parent)
		}
	}
	for part := range slices.Chunk(growing, max(g.most/2, 1)) {
		g.findSplits(part)
	}
}

// addChildren makes the two children of a split; the right sum is the parent's less the left one, exactly, as sums are
// integers.
func (g *grower) addChildren(id int32) pair {
	parent := &g.tree.nodes[id]
	left := int32(len(g.tree.nodes))
	parent.left, parent.right = left, left+1
	child := node{parent: id, depth: parent.depth + 1, scale: g.scale, bounds: parent.bounds}
	if g.params.Interactions != nil {
		child.used = append(slices.Clip(parent.used), parent.split.feature)
	}
	l, r := child, child
	l.sum = parent.split.left
	r.sum = parent.sum.minus(l.sum)
	if m := g.monotone(parent.split.feature); m != 0 {
		middle := (g.params.weight(l.sum, g.scale, l.bounds) + g.params.weight(r.sum, g.scale, r.bounds)) / 2
		if m > 0 {
			l.bounds.high, r.bounds.low = middle, middle
		} else {
			l.bounds.low, r.bounds.high = middle, middle
		}
	}
	g.tree.nodes = append(g.tree.nodes, l, r)
	g.setValue(left)
	g.setValue(left + 1)
	return pair{parent: id}
}

// monotone is which way the prediction may go with a feature; 0: both.
func (g *grower) monotone(feature int32) int8 {
	if g.params.Monotone == nil {
		return 0
	}
	return g.params.Monotone[feature]
}

// setValue computes a node's weight as a leaf, shrunk by the learning rate.
func (g *grower) setValue(id int32) {
	n := &g.tree.nodes[id]
	n.value = float32(g.params.weight(n.sum, g.scale, n.bounds) * g.params.LearningRate)
}

// sides tells by bin whether it goes left: 1, or 0.
type sides [MaxLevels + 1]uint8

// partition parts the rows of a node, each side in its old order. Where both are leaves, these are added to the margins instead, and have no rows.
func (g *grower) partition(p *pair) {
	n := &g.tree.nodes[p.parent]
	words, lane := g.codes.of(n.split.feature)
	rows, sums := g.rows[n.rows.start:n.rows.end], g.sums[n.rows.start:n.rows.end]
	spare, spares := g.spare[n.rows.start:n.rows.end], g.spares[n.rows.start:n.rows.end]
	left := g.lefts.Get().(*sides)
	defer g.lefts.Put(left)
	for b := range int(n.split.missingBin) + 1 {
		left[b] = 0
		if n.split.goesLeft(uint16(b)) {
			left[b] = 1
		}
	}
	l, r := &g.tree.nodes[n.left], &g.tree.nodes[n.right]
	var k int
	switch leaves := !g.heavy(l) && !g.heavy(r); {
	case leaves && g.margins != nil: // nobody asks for their rows any more
		addSides(g.margins, [2]float32{r.value, l.value}, rows, words, lane, left)
		return
	case leaves: // their derivatives are not needed any more
		k = partRows(rows, spare, words, lane, left)
	default:
		k = partAll(rows, spare, sums, spares, words, lane, left)
	}
	middle := n.rows.start + k
	l.rows, r.rows = span{n.rows.start, middle}, span{middle, n.rows.end}
}

// finishPartition says which child has fewer rows: that one's histogram is accumulated, the other's is the parent's less it.
func (g *grower) finishPartition(p *pair) {
	n := &g.tree.nodes[p.parent]
	p.small, p.large = n.left, n.right
	l, r := g.tree.nodes[n.left].rows, g.tree.nodes[n.right].rows
	if l.end-l.start > r.end-r.start {
		p.small, p.large = n.right, n.left
	}
	p.grow = g.mayGrow(p.small) || g.mayGrow(p.large)
}

// findSplits sums up the smaller children and finds the best split of each child, one task for each pair and word of features.
func (g *grower) findSplits(pairs []pair) {
	for i := range pairs {
		g.lend(&pairs[i])
	}
	clear(g.may)
	for i := range pairs {
		g.limit(pairs[i].small)
		g.limit(pairs[i].large)
	}
	k, tasks := len(g.features), len(g.words)
	found := make([][2]split, len(pairs)*k)
	parallel(g.params.Threads, len(pairs)*tasks, func(task int) {
		at, word := task/tasks, task%tasks
		g.pairSplits(&pairs[at], g.words[word], found[at*k+g.first(word):])
	})
	for i := range pairs {
		p := &pairs[i]
		delete(g.hist, p.parent)
		delete(g.open, p.parent)
		g.hist[p.small], g.hist[p.large] = p.hist, p.largeHist
		g.settle(p.small, found[i*k:(i+1)*k], 0)
		g.settle(p.large, found[i*k:(i+1)*k], 1)
	}
}

// first is the place of a word's first feature among the features of the tree.
func (g *grower) first(word int) int {
	n := 0
	for _, features := range g.words[:word] {
		n += len(features)
	}
	return n
}

// lend gives a pair its histograms.
func (g *grower) lend(p *pair) {
	p.hist = g.allocate()
	if p.largeHist, p.subtract = g.hist[p.parent]; !p.subtract {
		p.largeHist = g.allocate()
	}
}

// pairSplits finds the best splits of both children by the features of a word. Where the parent's histogram is kept, the large child's
// is made of it in place.
func (g *grower) pairSplits(p *pair, features []int32, out [][2]split) {
	g.accumulate(p.hist, features, g.tree.nodes[p.small].rows)
	if !p.subtract {
		g.accumulate(p.largeHist, features, g.tree.nodes[p.large].rows)
	}
	for i, f := range features {
		small, large := g.part(p.hist, f), g.part(p.largeHist, f)
		if p.subtract {
			for b := range large {
				large[b] = large[b].minus(small[b])
			}
		}
		if g.mayGrow(p.small) && g.maySplit(p.small, f) {
			out[i][0] = g.best(p.small, f, small)
		}
		if g.mayGrow(p.large) && g.maySplit(p.large, f) {
			out[i][1] = g.best(p.large, f, large)
		}
	}
}

// part is the place of a feature in a histogram.
func (g *grower) part(hist []sum, f int32) []sum { return hist[g.offset[f]:][:g.bins[f].count+1] }

// accumulate adds up derivatives by the bins of some features of one word.
func (g *grower) accumulate(hist []sum, features []int32, rows span) {
	words, at := g.codes.of(features[0])
	order, sums := g.rows[rows.start:rows.end], g.sums[rows.start:rows.end]
	if at.wide() {
		addWide(g.part(hist, features[0]), words, order, sums)
		return
	}
	s := g.scratch.Get().(*laneSums)
	defer g.scratch.Put(s)
	if len(features) == 1 {
		part := g.part(hist, features[0])
		s.addOne(words, at.shift, order, sums, len(part))
		copy(part, s[0][:])
		clear(s[0][:len(part)])
		return
	}
	s.add(words, order, sums)
	for _, f := range features {
		copy(g.part(hist, f), s[g.codes.lanes[f].shift/8][:])
	}
	// Lanes of features that are not asked for, and of none, were added up too.
	first := int(g.codes.first[at.word])
	for lane := range lanes {
		bins := 1
		if f := first + lane; f < len(g.bins) && g.codes.lanes[f].word == at.word {
			bins = g.bins[f].count + 1
		}
		clear(s[lane][:bins])
	}
}

// best is the best split of a node by one feature.
func (g *grower) best(id, f int32, hist []sum) split {
	n := &g.tree.nodes[id]
	s := splitter{params: &g.params, scale: g.scale, least: g.least, total: n.sum, bounds: n.bounds, monotone: g.monotone(f),
		bounded: g.params.MaxDeltaStep > 0 || n.bounds != unbounded}
	s.parent = s.score(s.total)
	best := s.find(&g.bins[f], hist)
	best.feature, best.missingBin = f, uint16(g.bins[f].count)
	return best
}

// settle takes the best of the splits found for a node, the first of equals; one without is done with.
func (g *grower) settle(id int32, found [][2]split, which int) {
	n := &g.tree.nodes[id]
	for i := range found {
		if s := &found[i][which]; s.gain > n.split.gain {
			n.split = *s
		}
	}
	if n.split.gain == 0 {
		g.close(id)
		return
	}
	g.open[id] = true
	if len(g.hist) > g.most {
		g.release(id)
	}
}

// rootHistogram begins a tree: all rows, the features one beside another; the choice among features is made after all are
// done, in their order.
func (g *grower) rootHistogram() {
	hist := g.allocate()
	g.hist[0] = hist
	clear(g.may)
	g.limit(0)
	found := make([][2]split, len(g.features))
	parallel(g.params.Threads, len(g.words), func(word int) {
		features, first := g.words[word], g.first(word)
		g.accumulate(hist, features, g.tree.nodes[0].rows)
		for i, f := range features {
			if g.maySplit(0, f) {
				found[first+i][0] = g.best(0, f, g.part(hist, f))
			}
		}
	})
	g.settle(0, found, 0)
}

// allocate takes a histogram that is not in use, or makes one. What it holds is of another node; accumulate writes every bin.
func (g *grower) allocate() []sum {
	if k := len(g.free); k > 0 {
		hist := g.free[k-1]
		g.free = g.free[:k-1]
		return hist
	}
	return make([]sum, g.size)
}

// close is done with a node.
func (g *grower) close(id int32) {
	delete(g.open, id)
	g.release(id)
}

// release gives the histogram of a node back once both children have theirs.
func (g *grower) release(id int32) {
	if hist, ok := g.hist[id]; ok {
		g.free = append(g.free, hist)
		delete(g.hist, id)
	}
}

// addLeaves adds the leaves of the tree just grown to the margins of the rows that it was grown on, but for those that were added on the way.
// Each row is in one leaf, and so no two tasks write to one margin.
func (g *grower) addLeaves(t *tree, margins []float32) {
	parallel(g.params.Threads, len(t.nodes), func(i int) {
		n := &t.nodes[i]
		if !n.leaf() {
			return
		}
		for _, r := range g.rows[n.rows.start:n.rows.end] {
			margins[r] += n.value
		}
	})
}
