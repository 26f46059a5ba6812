package histogram

import "github.com/mlp-lang/mlp/stdlib/model/xgboost"

// tree is a fitted tree over bins.
type tree struct {
	nodes []node
}

// node is a leaf where left is 0.
type node struct {
	left, right, parent int32
	depth               int
	split               split
	sum                 sum
	scale               scale
	value               float32 // margin as a leaf
	bounds              bounds  // of the weights of its leaves
	used                []int32 // the features that split the nodes above it; kept where interactions are limited
	rows                span    // in the grower's order of rows, while growing
}

// span is a part of the grower's rows, end excluded.
type span struct{ start, end int }

// leaf reports whether a node has no children: node 0 is the root, and nobody's child.
func (n *node) leaf() bool { return n.left == 0 }

// goesLeft tells where a row of that bin goes.
func (s *split) goesLeft(bin uint16) bool {
	switch {
	case bin == s.missingBin:
		return s.defaultLeft
	case s.categorical:
		return !s.right.has(int(bin))
	}
	return bin <= s.bin
}

// add adds the tree's leaves to the margins of every row.
func (s *scored) add(t *tree, group, threads int) {
	margins := s.margins[group]
	n := len(margins)
	parallel(threads, (n+blockRows-1)/blockRows, func(b int) {
		for r := b * blockRows; r < min((b+1)*blockRows, n); r++ {
			margins[r] += t.value(&s.codes, r)
		}
	})
}

// value is that of the leaf that a row falls into.
func (t *tree) value(c *codes, r int) float32 { return t.nodes[t.leafOf(c, r)].value }

// leafOf is the leaf that a row of binned values falls into.
func (t *tree) leafOf(c *codes, r int) int32 {
	at := int32(0)
	for {
		n := &t.nodes[at]
		if n.leaf() {
			return at
		}
		at = n.right
		words, lane := c.of(n.split.feature)
		if n.split.goesLeft(lane.bin(words[r])) {
			at = n.left
		}
	}
}

// export writes the tree in terms of thresholds and categories.
func (t *tree) export(bins []binned) xgboost.Tree {
	out := xgboost.Tree{Nodes: make([]xgboost.Node, len(t.nodes))}
	for i := range t.nodes {
		n := &t.nodes[i]
		d := xgboost.Node{
			Left: xgboost.NoChild, Right: xgboost.NoChild, Parent: n.parent, Value: n.value, Weight: n.value,
			Hessian: float32(float64(n.sum.h) * n.scale.h),
		}
		if !n.leaf() {
			d.Left, d.Right, d.Feature = n.left, n.right, n.split.feature
			d.Gain, d.DefaultLeft = float32(n.split.gain), n.split.defaultLeft
			n.split.export(&d, &bins[n.split.feature])
		}
		out.Nodes[i] = d
	}
	return out
}

// export writes a split as XGBoost has it: of numbers the value from which on rows go right, of categories the list of those
// that go right.
func (s *split) export(d *xgboost.Node, b *binned) {
	if !s.categorical {
		d.Value = b.cuts[s.bin]
		return
	}
	d.Value, d.Categories = 0, []int32{}
	for i := range b.count {
		if s.right.has(i) {
			d.Categories = append(d.Categories, int32(i))
		}
	}
}
