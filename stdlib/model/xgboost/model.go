// Package xgboost holds boosted trees in the terms of XGBoost's JSON model format, reads and writes that format, and
// scores with it to the bit of XGBoost's own arithmetic: float32 inputs, thresholds, leaves and sums.
//
// The format is that of XGBoost 1.0 to 3.x (doc/model.schema of the dmlc/xgboost repository), as JSON or UBJSON. Boosters other than
// gbtree, leaves that are vectors, and objectives other than those of [Objective] are refused.
//
// # The format, by an example
//
// A tree is a set of parallel arrays with an element for each node. This is a tree of three nodes; the root asks whether
// feature 4 is below 2.5, and sends missing values left:
//
//	"left_children":    [1, -1, -1]          -1: a leaf
//	"right_children":   [2, -1, -1]
//	"parents":          [2147483647, 0, 0]   2^31-1: the root
//	"split_indices":    [4, 0, 0]            the feature
//	"split_conditions": [2.5, -1.0, 1.0]     of an inner node the threshold, of a leaf its margin
//	"default_left":     [1, 0, 0]
//
// A categorical split has NaN, written bare, as its condition (nullNaN), and its node stands in categories_nodes. The
// categories that go right are categories[segment : segment+size], by the element at the same place of
// categories_segments and categories_sizes.
//
// A row's margin is the base score, taken to the scale of margins, plus the leaf of each tree; Transform makes predictions
// of margins. If "binary:logistic" has the base score 0.5, its margin is -log(1/0.5 - 1) = 0; a row that ends at the leaf
// 1.0 has the margin 1 and the probability 1/(1+e^-1) = 0.731.
package xgboost

import (
	"fmt"
	"math"
	"slices"
)

// Model is a booster of trees. Nothing in it may be changed once it scores.
type Model struct {
	Objective Objective
	// ObjectiveParam are parameters that the objective has by themselves, such as "huber_slope": for further training, scoring goes without.
	ObjectiveParam map[string]string
	// BaseScore is the prediction before the first tree, on the scale of predictions (a probability for logistic
	// objectives). It has one element, or one for each class.
	BaseScore  []float32
	NumClass   int // 0 unless the objective has several classes
	NumTarget  int // of SquaredError: how many values are predicted; 0: one
	NumFeature int
	// FeatureNames and FeatureTypes are empty or of length NumFeature. Types are "q" (number), "i" (0 or 1), "int",
	// "float" and "c" (category).
	FeatureNames []string
	FeatureTypes []string
	Trees        []Tree
	TreeClass    []int32           // of each tree; all 0 unless there are several classes or targets
	Attributes   map[string]string // free text, such as "best_iteration"
}

// Objective is XGBoost's name of what was optimised; it fixes how margins become predictions.
type Objective string

// Objectives that are read. Their margins have the links below; which loss was brought down makes no other difference to a prediction. XGBoost 1.7 knows all of
// them but QuantileError.
const (
	Logistic     Objective = "binary:logistic"
	Softmax      Objective = "multi:softprob"
	SquaredError Objective = "reg:squarederror"

	SoftmaxLabel  Objective = "multi:softmax"
	LogisticRatio Objective = "reg:logistic"
	AbsoluteError Objective = "reg:absoluteerror"
	PseudoHuber   Objective = "reg:pseudohubererror"
	Poisson       Objective = "count:poisson"
	Gamma         Objective = "reg:gamma"
	Tweedie       Objective = "reg:tweedie"
	QuantileError Objective = "reg:quantileerror"
)

// link is how a margin becomes a prediction.
type link int

const (
	identity link = iota
	logistic
	softmax
	exponential
)

// link is that of an objective; one that is not known is an error, since its predictions would be guessed.
func (o Objective) link() (link, error) {
	switch o {
	case Logistic, LogisticRatio:
		return logistic, nil
	case Softmax, SoftmaxLabel:
		return softmax, nil
	case SquaredError, AbsoluteError, PseudoHuber, QuantileError:
		return identity, nil
	case Poisson, Gamma, Tweedie:
		return exponential, nil
	}
	return identity, fmt.Errorf("objective %q is not supported", string(o))
}

// Log reports whether predictions are exp(margin).
func (o Objective) Log() bool {
	l, err := o.link()
	return err == nil && l == exponential
}

// Identity reports whether predictions are the margins themselves.
func (o Objective) Identity() bool {
	l, err := o.link()
	return err == nil && l == identity
}

// Link is how margins become predictions: "identity", "logistic", "softmax" or "exponential". The model is valid.
func (m *Model) Link() string {
	l, err := m.Objective.link()
	if err != nil {
		return ""
	}
	return [...]string{identity: "identity", logistic: "logistic", softmax: "softmax", exponential: "exponential"}[l]
}

// Start are the margins of a row before the first tree.
func (m *Model) Start() []float32 {
	l, err := m.Objective.link()
	if err != nil {
		return nil
	}
	out := make([]float32, m.Groups())
	for g := range out {
		out[g] = margin(l, m.BaseScore[min(g, len(m.BaseScore)-1)])
	}
	return out
}

// Tree is one tree; node 0 is its root. Children come after their parents.
type Tree struct {
	Nodes []Node
}

// NoChild marks the children of leaves.
const NoChild = -1

// Node is an inner node or a leaf.
type Node struct {
	Left, Right int32 // NoChild in leaves
	Parent      int32 // -1 at the root
	Feature     int32
	// Value is a leaf's margin, or a numeric split's threshold: x < Value goes left.
	Value       float32
	DefaultLeft bool // where a missing value goes
	// Categories of a categorical split that go right, ascending; all others go left. Nil in numeric splits.
	Categories []int32

	Gain    float32 // reduction of the loss by the split; 0 in leaves
	Hessian float32 // sum of second derivatives over the training rows of the node
	Weight  float32 // the margin that the node would have as a leaf
}

// Size is the number of a tree's leaves, and the most comparisons that lead to one.
func (t *Tree) Size() (leaves, depth int) {
	for i := range t.Nodes {
		if t.Nodes[i].Leaf() {
			leaves++
		}
	}
	return leaves, t.depth()
}

// Leaf reports whether the node has no children.
func (n *Node) Leaf() bool { return n.Left == NoChild }

// Groups is the number of margins a row has: the number of classes or targets, or 1.
func (m *Model) Groups() int { return max(m.NumClass, m.NumTarget, 1) }

// mostGroups bounds the margins of a row: memory is taken for them before any tree is read.
const mostGroups = 1 << 16

// Validate checks what scoring relies on: indices in range, trees that are trees, with children after their parents.
func (m *Model) Validate() error {
	if _, err := m.Objective.link(); err != nil {
		return err
	}
	if m.NumClass == 1 || m.NumClass < 0 || m.NumClass > mostGroups {
		return fmt.Errorf("%d classes", m.NumClass)
	}
	if m.NumTarget > 1 && (m.Objective != SquaredError || m.NumClass > 0) || m.NumTarget < 0 || m.NumTarget > mostGroups {
		return fmt.Errorf("%d targets with the objective %s", m.NumTarget, m.Objective)
	}
	if n := len(m.BaseScore); n != 1 && n != m.Groups() {
		return fmt.Errorf("%d base scores for %d outputs", n, m.Groups())
	}
	if len(m.TreeClass) != len(m.Trees) {
		return fmt.Errorf("%d trees, but classes of %d", len(m.Trees), len(m.TreeClass))
	}
	for i := range m.Trees {
		if c := int(m.TreeClass[i]); c < 0 || c >= m.Groups() {
			return fmt.Errorf("tree %d is of class %d of %d", i, c, m.Groups())
		}
		if err := m.Trees[i].validate(m.NumFeature); err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
	}
	return nil
}

// validate checks one tree. That children come after their parents is what makes every walk from the root end.
func (t *Tree) validate(features int) error {
	n := int32(len(t.Nodes))
	if n == 0 {
		return fmt.Errorf("it has no nodes")
	}
	parents := slices.Repeat([]int32{-1}, int(n))
	for i := range t.Nodes {
		d := &t.Nodes[i]
		if d.Leaf() != (d.Right == NoChild) {
			return fmt.Errorf("node %d has one child", i)
		}
		if d.Leaf() {
			continue
		}
		if d.Left <= int32(i) || d.Right <= int32(i) || d.Left >= n || d.Right >= n {
			return fmt.Errorf("node %d has children %d and %d of %d nodes", i, d.Left, d.Right, n)
		}
		for _, c := range []int32{d.Left, d.Right} {
			if parents[c] >= 0 {
				return fmt.Errorf("node %d is a child of node %d and of node %d; a node has one parent, by one branch", c, parents[c], i)
			}
			parents[c] = int32(i)
		}
		if d.Feature < 0 || int(d.Feature) >= features {
			return fmt.Errorf("node %d splits on feature %d of %d", i, d.Feature, features)
		}
		if d.Categories == nil && math.IsNaN(float64(d.Value)) {
			return fmt.Errorf("node %d splits at NaN", i)
		}
	}
	return nil
}

// Importance returns the total gain of the splits on each feature, by the feature's index: XGBoost's "total_gain", not divided
// by its sum. A feature that no tree splits on has 0.
func (m *Model) Importance() []float64 {
	out := make([]float64, m.NumFeature)
	for i := range m.Trees {
		for j := range m.Trees[i].Nodes {
			if n := &m.Trees[i].Nodes[j]; !n.Leaf() {
				out[n.Feature] += float64(n.Gain)
			}
		}
	}
	return out
}
