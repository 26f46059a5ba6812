package lightgbm

import (
	"errors"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
)

// Parts of decision_type.
const (
	byCategory  = 1
	defaultLeft = 2
	missingZero = 1 // of decision_type >> 2
	missingNaN  = 2
)

// lists are a tree's, as its section has them: those of the inner nodes, then those of leaves.
type lists struct {
	feature, decision, left, right []int
	threshold, gain                []float64
	value, count                   []float64
	inner                          []float64 // rows that went through inner nodes
	boundaries, words              []int
	used                           int // words of sets that splits have taken: each set is of one split
}

// lists reads and counts them. Gains and counts may be left out: nothing is scored by them.
func (s section) lists(leaves int) (*lists, error) {
	l := &lists{}
	n := leaves - 1
	var err error
	read := func(to *[]float64, name string, n int, must bool) {
		if _, there := s.values[name]; err == nil && (must || there) {
			*to, err = s.floats(name, n)
		}
	}
	count := func(to *[]int, name string, n int) {
		if err == nil {
			*to, err = s.wholes(name, n)
		}
	}
	read(&l.value, "leaf_value", leaves, true)
	if n > 0 {
		count(&l.feature, "split_feature", n)
		count(&l.decision, "decision_type", n)
		count(&l.left, "left_child", n)
		count(&l.right, "right_child", n)
		read(&l.threshold, "threshold", n, true)
		read(&l.gain, "split_gain", n, false)
		read(&l.count, "leaf_count", leaves, false)
		read(&l.inner, "internal_count", n, false)
	}
	if sets, bad := s.number("num_cat", 0); err == nil && (bad != nil || sets < 0) {
		err = fmt.Errorf("num_cat is %q", s.values["num_cat"])
	} else if sets > 0 {
		count(&l.boundaries, "cat_boundaries", sets+1)
		count(&l.words, "cat_threshold", -1)
	}
	return l, err
}

// tree makes nodes: the inner ones in their order, then the leaves.
func (s section) tree() (*decisiontrees.Tree, error) {
	if linear := s.values["is_linear"]; linear != "" && linear != "0" {
		return nil, errors.New("its leaves are linear models, which are not read")
	}
	leaves, err := s.number("num_leaves", 0)
	if err != nil {
		return nil, err
	}
	if leaves < 1 || leaves > math.MaxInt32/2 {
		return nil, fmt.Errorf("num_leaves is %d", leaves)
	}
	l, err := s.lists(leaves)
	if err != nil {
		return nil, err
	}
	t := &decisiontrees.Tree{Nodes: make([]decisiontrees.Node, 2*leaves-1)}
	for i := range leaves - 1 {
		n := &t.Nodes[i]
		if n.Left, err = child(l.left[i], leaves); err == nil {
			n.Right, err = child(l.right[i], leaves)
		}
		if err == nil && (l.feature[i] < 0 || l.feature[i] >= mostFeatures) {
			err = fmt.Errorf("it splits on feature %d", l.feature[i])
		}
		if err == nil {
			n.Feature = int32(l.feature[i])
			err = l.decide(i, n)
		}
		if err != nil {
			return nil, fmt.Errorf("node %d: %w", i, err)
		}
		if l.gain != nil && l.gain[i] > 0 && !math.IsInf(l.gain[i], 0) {
			n.Gain = l.gain[i]
		}
		if l.inner != nil {
			n.Cover = l.inner[i]
		}
	}
	for k := range leaves {
		n := &t.Nodes[leaves-1+k]
		*n = decisiontrees.Node{Left: decisiontrees.NoChild, Right: decisiontrees.NoChild, Value: l.value[k]}
		if l.count != nil {
			n.Cover = l.count[k]
		}
	}
	return t, nil
}

// child is the node that a child is: an inner one, or the leaf ~c.
func child(c, leaves int) (int32, error) {
	if c >= leaves-1 || c < -leaves {
		return 0, fmt.Errorf("it has the child %d, of %d leaves", c, leaves)
	}
	if c < 0 {
		c = leaves - 1 + ^c
	}
	return int32(c), nil
}

// decide is what a split asks. A numeric one for which nothing is missing takes NaN for 0; one for which zero is missing takes it so, and
// NaN for 0. One by category sends NaN right.
func (l *lists) decide(i int, n *decisiontrees.Node) error {
	kind := l.decision[i]
	if kind < 0 || kind>>2 > missingNaN {
		return fmt.Errorf("its decision_type is %d", kind)
	}
	n.Value, n.MissingLeft = l.threshold[i], kind&defaultLeft != 0
	switch {
	case kind&byCategory != 0:
		n.Value, n.MissingLeft = 0, false
		return l.categories(l.threshold[i], n)
	case kind>>2 == missingZero:
		n.ZeroMissing = true
	case kind>>2 != missingNaN:
		n.MissingLeft = 0 <= n.Value
	}
	return nil
}

// categories are the bits of the set at a place.
func (l *lists) categories(place float64, n *decisiontrees.Node) error {
	if !(place >= 0 && place < float64(len(l.boundaries)-1)) {
		return fmt.Errorf("it splits by the set of categories %g, and there are %d", place, max(len(l.boundaries)-1, 0))
	}
	from, to := l.boundaries[int(place)], l.boundaries[int(place)+1]
	if from < 0 || from > to || to > len(l.words) || (to-from)*32 > decisiontrees.MaxCategory {
		return fmt.Errorf("its categories are in the words %d to %d, of %d", from, to, len(l.words))
	}
	if l.used += to - from; l.used > len(l.words) {
		return errors.New("its set of categories is that of another split, too")
	}
	n.Categories = []int32{}
	for w, word := range l.words[from:to] {
		if word < 0 || word > math.MaxUint32 {
			return fmt.Errorf("a word of its categories is %d", word)
		}
		for bit := range 32 {
			if word>>bit&1 != 0 {
				n.Categories = append(n.Categories, int32(w*32+bit))
			}
		}
	}
	return nil
}
