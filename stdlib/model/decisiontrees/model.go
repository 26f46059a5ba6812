// Package decisiontrees holds ensembles of trees as LightGBM and ONNX have them: thresholds, leaves and sums in 64 bits, a value that equals a
// threshold goes left, and each split says for itself where missing values go.
//
// The trees of package xgboost are another kind: they round values to 32 bits and a value that equals a threshold goes right. To write a model of
// one kind as the other would move rows whose values lie between a threshold and its nearest number of 32 bits.
//
// # What a split asks
//
//	numeric      x <= Value          goes left
//	categories   int(x) is one       goes left; what is negative or none of them goes right
//	missing      NaN                 goes left where MissingLeft is set
//	zero         |x| <= 1e-35        goes where missing values go, with ZeroMissing
//
// A row's margin is the base and the leaf of each tree, divided by Average where that is set; the link makes predictions of margins.
package decisiontrees

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Model is an ensemble. Nothing in it may be changed once it scores.
type Model struct {
	Link Link `json:"link"`
	// Scale is what margins are multiplied by before a logistic link; 0: 1.
	Scale    float64   `json:"scale,omitempty"`
	Base     []float64 `json:"base"`              // [group]
	Average  int       `json:"average,omitempty"` // margins are divided by it; 0: 1
	Features int       `json:"features"`
	// Single: values are rounded to 32 bits before they are compared.
	Single bool   `json:"single,omitempty"`
	Trees  []Tree `json:"trees"`
}

// Link is how margins become predictions.
type Link string

// The links there are.
const (
	Identity    Link = "identity"
	Logistic    Link = "logistic"    // 1 / (1 + exp(-scale · margin))
	Softmax     Link = "softmax"     // exp(margin) / Σ exp(margin)
	Exponential Link = "exponential" // exp(margin)
	Square      Link = "square"      // margin², with the margin's sign
)

// Tree is one tree, whose leaves add to the margin of a group. Node 0 is its root.
type Tree struct {
	Group int32
	Nodes []Node
}

// NoChild marks the children of leaves.
const NoChild = -1

// Node is an inner node or a leaf.
type Node struct {
	Left, Right int32 // NoChild in leaves
	Feature     int32
	Value       float64 // the threshold of a numeric split; what a leaf adds
	// Categories of a categorical split that go left, ascending; nil in numeric splits.
	Categories  []int32
	MissingLeft bool
	ZeroMissing bool
	Gain        float64 // reduction of the loss by the split; 0 where it is not known
	Cover       float64 // training rows that went through, or where the file does not say, those that were counted (Count); 0 where it is not known
}

// Leaf reports whether the node has no children.
func (n *Node) Leaf() bool { return n.Left == NoChild }

// zero bounds what counts as 0, as in LightGBM (kZeroThreshold).
const zero = 1e-35

// MaxCategory bounds categories: a set of them is kept as bits.
const MaxCategory = 1 << 24

// left reports whether a value goes to the left of an inner node.
func (n *Node) left(x float64) bool {
	switch {
	case x != x, n.ZeroMissing && x >= -zero && x <= zero:
		return n.MissingLeft
	case n.Categories == nil:
		return x <= n.Value
	case !(x > -1 && x < MaxCategory):
		return false
	}
	_, is := slices.BinarySearch(n.Categories, int32(x))
	return is
}

// next is the child that a value leads to.
func (n *Node) next(x float64) int32 {
	if n.left(x) {
		return n.Left
	}
	return n.Right
}

// Groups is the number of margins a row has.
func (m *Model) Groups() int { return len(m.Base) }

// Bounds of what is read: memory is taken by them.
const (
	mostGroups = 1 << 16
	mostDeep   = 1024
)

// Validate checks what scoring relies on: indices in range, finite numbers, trees that are trees, with children after their parents.
func (m *Model) Validate() error {
	n := len(m.Base)
	switch m.Link {
	case Identity:
	case Logistic, Exponential, Square:
		if n != 1 {
			return fmt.Errorf("the link %s is of one margin, and there are %d", m.Link, n)
		}
	case Softmax:
		if n < 2 {
			return fmt.Errorf("the link softmax is of several margins, and there are %d", n)
		}
	default:
		return fmt.Errorf("unknown link %q", m.Link)
	}
	if n < 1 || n > mostGroups || m.Features < 0 || m.Average < 0 || !finite(m.Scale) {
		return fmt.Errorf("%d margins of %d features, scaled by %g, of an average of %d", n, m.Features, m.Scale, m.Average)
	}
	for _, x := range m.Base {
		if !finite(x) {
			return fmt.Errorf("a base is %g", x)
		}
	}
	for i := range m.Trees {
		if g := int(m.Trees[i].Group); g < 0 || g >= n {
			return fmt.Errorf("tree %d adds to margin %d of %d", i, g, n)
		}
		if err := m.Trees[i].validate(m.Features); err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// validate checks one tree. That children come after their parents is what makes every walk from the root end.
func (t *Tree) validate(features int) error {
	n := int32(len(t.Nodes))
	if n == 0 {
		return errors.New("it has no nodes")
	}
	parents, depth := slices.Repeat([]int32{-1}, int(n)), make([]int, n)
	for i := range t.Nodes {
		d := &t.Nodes[i]
		if d.Leaf() != (d.Right == NoChild) {
			return fmt.Errorf("node %d has one child", i)
		}
		if d.Leaf() {
			if !finite(d.Value) {
				return fmt.Errorf("leaf %d is %g", i, d.Value)
			}
			continue
		}
		if d.Left <= int32(i) || d.Right <= int32(i) || d.Left >= n || d.Right >= n {
			return fmt.Errorf("node %d has children %d and %d of %d nodes", i, d.Left, d.Right, n)
		}
		for _, c := range []int32{d.Left, d.Right} {
			if parents[c] >= 0 {
				return fmt.Errorf("node %d is a child of node %d and of node %d; a node has one parent, by one branch", c, parents[c], i)
			}
			if parents[c], depth[c] = int32(i), depth[i]+1; depth[c] > mostDeep {
				return fmt.Errorf("it has paths of more than %d splits", mostDeep)
			}
		}
		if err := d.validate(features); err != nil {
			return fmt.Errorf("node %d %w", i, err)
		}
	}
	return nil
}

// validate checks a split. A threshold may be infinite: all values but missing ones are on one side then.
func (n *Node) validate(features int) error {
	switch {
	case n.Feature < 0 || int(n.Feature) >= features:
		return fmt.Errorf("splits on feature %d of %d", n.Feature, features)
	case n.Categories == nil && math.IsNaN(n.Value):
		return errors.New("splits at NaN")
	}
	for i, c := range n.Categories {
		if c < 0 || c >= MaxCategory || i > 0 && c <= n.Categories[i-1] {
			return fmt.Errorf("has category %d, at place %d of an ascending list", c, i)
		}
	}
	return nil
}

// Importance is the total gain of the splits on each feature.
func (m *Model) Importance() []float64 {
	out := make([]float64, m.Features)
	for i := range m.Trees {
		for k := range m.Trees[i].Nodes {
			if n := &m.Trees[i].Nodes[k]; !n.Leaf() {
				out[n.Feature] += n.Gain
			}
		}
	}
	return out
}

// Size is the number of a tree's leaves, and the most comparisons that lead to one.
func (t *Tree) Size() (leaves, depth int) {
	at := make([]int, len(t.Nodes))
	for i := range t.Nodes {
		n := &t.Nodes[i]
		if n.Leaf() {
			leaves++
			continue
		}
		at[n.Left], at[n.Right] = at[i]+1, at[i]+1
		depth = max(depth, at[i]+1)
	}
	return leaves, depth
}
