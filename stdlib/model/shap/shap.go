// Package shap attributes what an ensemble of trees says of a row to the row's features: TreeSHAP, exact.
//
// It knows no format of trees. Whoever has some hands their shape over, and a function that says where a value leads.
package shap

import (
	"errors"
)

// Attributions.
//
// The margin of a row is shared out among the features that it comes from: the Shapley value of a feature is by how much the margin is expected
// to change as its value becomes known, averaged over all orders in which the features' values may become known. The values of a row and the
// expected margin add up to the margin. What is expected while some values are known is one of two things:
//
//	path-dependent    at a split on a feature that is not known both ways are taken, weighed by the training rows that went there (by the sums of
//	                  their hessians, as XGBoost does, or by their number). Nothing but the model is needed.
//	interventional    the values that are not known are those of another row; the mean over a set of such rows is taken. Features that go
//	                  together are told apart by what the model does with each.
//
// Path-dependent values are found in one walk of all paths of a tree: the walk keeps, for each number k of known features above a node, which
// share of the orders with k of them leads there, and takes a feature out of that again where the path asks for the same one twice. See
// S. Lundberg, G. Erion, S.-I. Lee, "Consistent Individualized Feature Attribution for Tree Ensembles" (arXiv:1802.03888), algorithm 2.
//
// Interventional values are found by walking a tree with the row x and the other row z at once. Where both go the same way there is nothing to
// share out. Where they part, the walk goes both ways, and notes that the feature has x's value on one of them and z's on the other. A leaf
// that u features of x and v of z lead to has, of the orders of those u+v features, the share (u-1)! v! / (u+v)! in which one feature of x comes
// as the last of the u and before all of the v. Each of the u gets so much of the leaf, and each of the v is taken u! (v-1)! / (u+v)! of
// the leaf. See S. Lundberg et al., "From local explanations to global understanding with explainable AI for trees" (Nature Machine Intelligence 2,
// 2020), section "Interventional Tree SHAP".
//
// Example: trees that ask for x < 2.5, with the leaf 1 to the left and 4 to the right, through which half of the training rows went each. The
// expected margin is 2.5; of a row with x = 1 the feature x has -1.5, since knowing x turns 2.5 into 1.

// Value is what features hold: 32 bits where a model rounds to them.
type Value interface{ float32 | float64 }

// Node is an inner node or a leaf, whose Left is NoChild. Children come after their parents.
type Node struct {
	Left, Right, Feature int32
	Value                float64 // of a leaf
	Cover                float64 // which share of the training rows went through, in any unit; 0 where it is not known
}

// NoChild marks the children of leaves.
const NoChild = -1

// Tree is one tree, whose leaves add to the margin of a group.
type Tree struct {
	Nodes []Node
	Group int32
}

// Ensemble is a model as it is explained.
type Ensemble[F Value] struct {
	Features int
	Base     []float64 // [group] the margin before the first tree
	Trees    []Tree
	// Next is the child that a value leads to, from a node of a tree; NaN is missing.
	Next func(tree int, node int32, x F) int32
}

// Explainer attributes margins of a model to its features. It is safe for concurrent use.
type Explainer[F Value] struct {
	of       Ensemble[F]
	expected []float64 // [group] with nothing known, path-dependent; nil where trees do not say how many rows went where
	depth    int       // of the deepest tree: splits on a path
	// shares[u][v] is (u-1)! v! / (u+v)!, for u >= 1
	shares [][]float64
}

// ErrNoCover is returned for path-dependent attributions of a model whose splits do not say how many training rows went each way.
var ErrNoCover = errors.New("the trees do not say how many training rows went which way")

// New prepares a model, whose trees must be trees.
func New[F Value](m Ensemble[F]) *Explainer[F] {
	e := &Explainer[F]{of: m}
	e.expected = append([]float64{}, m.Base...)
	for i := range m.Trees {
		t := &m.Trees[i]
		e.depth = max(e.depth, t.depth(0))
		if !t.covered() {
			e.expected = nil
		}
		if e.expected != nil {
			e.expected[t.Group] += t.mean(0)
		}
	}
	e.shares = make([][]float64, e.depth+2)
	for u := 1; u < len(e.shares); u++ {
		e.shares[u] = make([]float64, e.depth+2)
		for v := range e.shares[u] {
			// (u-1)! v! / (u+v)! = 1 / (u · C(u+v, v))
			choose := 1.0
			for k := 1; k <= v; k++ {
				choose = choose * float64(u+k) / float64(k)
			}
			e.shares[u][v] = 1 / (float64(u) * choose)
		}
	}
	return e
}

// Leaf reports whether the node has no children.
func (n *Node) Leaf() bool { return n.Left == NoChild }

// depth is the number of splits on the longest path below a node.
func (t *Tree) depth(at int32) int {
	n := &t.Nodes[at]
	if n.Leaf() {
		return 0
	}
	return 1 + max(t.depth(n.Left), t.depth(n.Right))
}

// covered reports whether rows went through each split.
func (t *Tree) covered() bool {
	for i := range t.Nodes {
		n := &t.Nodes[i]
		if !n.Leaf() && t.cover(n.Left)+t.cover(n.Right) <= 0 {
			return false
		}
	}
	return true
}

// cover is a node's share of rows, in any unit.
func (t *Tree) cover(at int32) float64 { return max(t.Nodes[at].Cover, 0) }

// parts are the shares of the rows of a split that went to its children.
func (t *Tree) parts(n *Node) (left, right float64) {
	l, r := t.cover(n.Left), t.cover(n.Right)
	return l / (l + r), r / (l + r)
}

// mean is the mean of the leaves below a node, weighed by rows.
func (t *Tree) mean(at int32) float64 {
	n := &t.Nodes[at]
	if n.Leaf() {
		return n.Value
	}
	left, right := t.parts(n)
	return float64(left*t.mean(n.Left)) + float64(right*t.mean(n.Right))
}

// leaf is the value of the leaf that a row comes to.
func (e *Explainer[F]) leaf(tree int, row []F) float64 {
	t, at := &e.of.Trees[tree], int32(0)
	for !t.Nodes[at].Leaf() {
		at = e.of.Next(tree, at, row[t.Nodes[at].Feature])
	}
	return t.Nodes[at].Value
}

// Margins adds up the leaves of a row in 64 bits, into out, one element a group. Those that XGBoost scores by are rounded to 32 bits after each tree.
func (e *Explainer[F]) Margins(row []F, out []float64) {
	copy(out, e.of.Base)
	for i := range e.of.Trees {
		out[e.of.Trees[i].Group] += e.leaf(i, row)
	}
}

// Expected is the margin that is expected with nothing known, by group, of path-dependent attributions: the mean of the trees' leaves over the training rows. ErrNoCover
// where the model does not say.
func (e *Explainer[F]) Expected() ([]float64, error) {
	if e.expected == nil {
		return nil, ErrNoCover
	}
	return e.expected, nil
}

// PathDependent adds the attributions of a row to out, [group][feature]. Together with Expected they add up to Margins. ErrNoCover where the model
// does not say how many rows went which way.
func (e *Explainer[F]) PathDependent(row []F, out [][]float64) error {
	if e.expected == nil {
		return ErrNoCover
	}
	w := pathWalk[F]{e: e, row: row, paths: make([]step, (e.depth+2)*(e.depth+3)/2)}
	for i := range e.of.Trees {
		w.number, w.tree, w.out = i, &e.of.Trees[i], out[e.of.Trees[i].Group]
		w.walk(0, w.paths, 0, step{feature: nothing, zero: 1, one: 1})
	}
	return nil
}

// nothing is the feature of the root's step.
const nothing = -1

// step is a feature on a path: which share of the rows the path keeps where its value is not known (zero), and whether the row goes that way where
// it is known (one). weight is, at place k, the share of the orders in which k of the path's features are known.
type step struct {
	feature   int32
	zero, one float64
	weight    float64
}

// pathWalk is the walk of all paths of one tree.
type pathWalk[F Value] struct {
	e      *Explainer[F]
	number int // of the tree
	tree   *Tree
	row    []F
	out    []float64
	paths  []step
}

// walk goes on at a node, whose path has the steps path[:n] and then the new one. Below path there is room for those of the children.
func (w *pathWalk[F]) walk(at int32, path []step, n int, new step) {
	extend(path, n, new)
	node := &w.tree.Nodes[at]
	if node.Leaf() {
		for i := 1; i <= n; i++ {
			w.out[path[i].feature] += float64(without(path, n, i) * (path[i].one - path[i].zero) * node.Value)
		}
		return
	}
	left, right := w.tree.parts(node)
	hot, cold, hotPart, coldPart := node.Left, node.Right, left, right
	if w.e.of.Next(w.number, at, w.row[node.Feature]) == node.Right {
		hot, cold, hotPart, coldPart = node.Right, node.Left, right, left
	}
	before := step{zero: 1, one: 1}
	for i := 1; i <= n; i++ {
		if path[i].feature == node.Feature {
			before = path[i]
			unwind(path, n, i)
			n--
			break
		}
	}
	child := path[n+1:]
	for _, way := range []struct {
		to   int32
		step step
	}{{hot, step{node.Feature, hotPart * before.zero, before.one, 0}}, {cold, step{node.Feature, coldPart * before.zero, 0, 0}}} {
		if way.step.zero == 0 && way.step.one == 0 {
			continue // neither a known nor an unknown value leads there
		}
		copy(child, path[:n+1])
		w.walk(way.to, child, n+1, way.step)
	}
}

// extend puts a step at the end of path[:n].
func extend(path []step, n int, s step) {
	s.weight = 0
	if n == 0 {
		s.weight = 1
	}
	path[n] = s
	for i := n - 1; i >= 0; i-- {
		path[i+1].weight += s.one * path[i].weight * float64(i+1) / float64(n+1)
		path[i].weight *= s.zero * float64(n-i) / float64(n+1)
	}
}

// unwind takes the step i out of path[:n+1], as if it had never been put there.
func unwind(path []step, n, i int) {
	zero, one := path[i].zero, path[i].one
	next := path[n].weight
	for k := n - 1; k >= 0; k-- {
		if one != 0 {
			w := path[k].weight
			path[k].weight = next * float64(n+1) / (float64(k+1) * one)
			next = w - path[k].weight*zero*float64(n-k)/float64(n+1)
		} else {
			path[k].weight *= float64(n+1) / (zero * float64(n-k))
		}
	}
	for k := i; k < n; k++ {
		path[k].feature, path[k].zero, path[k].one = path[k+1].feature, path[k+1].zero, path[k+1].one
	}
}

// without is the sum of the weights of path[:n+1] with the step i taken out.
func without(path []step, n, i int) float64 {
	zero, one := path[i].zero, path[i].one
	next, total := path[n].weight, 0.0
	for k := n - 1; k >= 0; k-- {
		if one != 0 {
			w := next * float64(n+1) / (float64(k+1) * one)
			total += w
			next = path[k].weight - w*zero*float64(n-k)/float64(n+1)
		} else {
			total += path[k].weight * float64(n+1) / (zero * float64(n-k))
		}
	}
	return total
}

// Interventional adds the attributions of row against another row to out, [group][feature], times weight. Together with the other row's
// Margins they add up to the row's.
func (e *Explainer[F]) Interventional(row, other []F, weight float64, out [][]float64) {
	w := pairWalk[F]{e: e, row: row, other: other, weight: weight, set: make([]side, e.of.Features)}
	for i := range e.of.Trees {
		w.number, w.tree, w.out = i, &e.of.Trees[i], out[e.of.Trees[i].Group]
		w.walk(0)
	}
}

// side says whose value of a feature a path goes by.
type side uint8

const (
	neither side = iota
	ofRow
	ofOther
)

// pairWalk is the walk of the paths of one tree on which each feature has the value of one of two rows.
type pairWalk[F Value] struct {
	e          *Explainer[F]
	number     int // of the tree
	tree       *Tree
	row, other []F
	weight     float64
	out        []float64
	set        []side // [feature]
	u, v       []int32
}

func (w *pairWalk[F]) walk(at int32) {
	n := &w.tree.Nodes[at]
	if n.Leaf() {
		w.leaf(w.weight * n.Value)
		return
	}
	here, there := w.e.of.Next(w.number, at, w.row[n.Feature]), w.e.of.Next(w.number, at, w.other[n.Feature])
	switch {
	case here == there:
		w.walk(here)
	case w.set[n.Feature] == ofRow:
		w.walk(here)
	case w.set[n.Feature] == ofOther:
		w.walk(there)
	default:
		w.set[n.Feature], w.u = ofRow, append(w.u, n.Feature)
		w.walk(here)
		w.u = w.u[:len(w.u)-1]
		w.set[n.Feature], w.v = ofOther, append(w.v, n.Feature)
		w.walk(there)
		w.v = w.v[:len(w.v)-1]
		w.set[n.Feature] = neither
	}
}

// leaf shares out a leaf's value.
func (w *pairWalk[F]) leaf(value float64) {
	u, v := len(w.u), len(w.v)
	if u > 0 {
		part := float64(value * w.e.shares[u][v])
		for _, f := range w.u {
			w.out[f] += part
		}
	}
	if v > 0 {
		part := float64(value * w.e.shares[v][u])
		for _, f := range w.v {
			w.out[f] -= part
		}
	}
}
