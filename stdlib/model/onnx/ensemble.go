package onnx

import (
	"errors"
	"fmt"

	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
)

// mostNodes bounds the nodes of all trees: those of several classes are there for each.
const mostNodes = 1 << 26

// ensemble is the parallel lists of an operator, told apart by tree.
type ensemble struct {
	single  bool
	order   []int64            // ids of trees as they come
	nodes   map[int64][]branch // by tree
	places  map[[2]int64]int   // where a node is among those of its tree, by the ids of both
	weights []weight
	leaves  map[[2]int64][]weight // by the ids of tree and node
}

// branch is a node.
type branch struct {
	id         int64
	mode       string
	feature    int64
	value      float64
	yes, no    int64 // ids
	missingYes bool
}

// weight is what a leaf adds to a class or target.
type weight struct {
	to     int64
	weight float64
}

// ensemble reads the lists, which must be of one length.
func (n *node) ensemble() (*ensemble, error) {
	ints := func(name string) []int64 {
		if a := n.attrs[name]; a != nil {
			return a.ints
		}
		return nil
	}
	prefix := "class_"
	if n.op == "TreeEnsembleRegressor" {
		prefix = "target_"
	}
	trees, ids, features, yes, no := ints("nodes_treeids"), ints("nodes_nodeids"), ints("nodes_featureids"), ints("nodes_truenodeids"), ints("nodes_falsenodeids")
	values, tracks := n.list("nodes_values"), ints("nodes_missing_value_tracks_true")
	var modes []string
	if a := n.attrs["nodes_modes"]; a != nil {
		modes = a.strings
	}
	size := len(trees)
	for name, l := range map[string]int{"nodes_nodeids": len(ids), "nodes_featureids": len(features), "nodes_truenodeids": len(yes), "nodes_falsenodeids": len(no), "nodes_values": len(values), "nodes_modes": len(modes)} {
		if l != size {
			return nil, fmt.Errorf("nodes_treeids has %d values and %s %d", size, name, l)
		}
	}
	if len(tracks) != 0 && len(tracks) != size {
		return nil, fmt.Errorf("nodes_treeids has %d values and nodes_missing_value_tracks_true %d", size, len(tracks))
	}
	e := &ensemble{nodes: map[int64][]branch{}, places: map[[2]int64]int{}, leaves: map[[2]int64][]weight{}}
	for i := range trees {
		at := [2]int64{trees[i], ids[i]}
		if _, twice := e.places[at]; twice {
			return nil, fmt.Errorf("tree %d has two nodes %d", at[0], at[1])
		}
		if e.nodes[at[0]] == nil {
			e.order = append(e.order, at[0])
		}
		e.places[at] = len(e.nodes[at[0]])
		e.nodes[at[0]] = append(e.nodes[at[0]], branch{ids[i], modes[i], features[i], values[i], yes[i], no[i], len(tracks) > 0 && tracks[i] != 0})
	}
	return e, e.weigh(ints(prefix+"treeids"), ints(prefix+"nodeids"), ints(prefix+"ids"), n.list(prefix+"weights"))
}

// weigh reads what leaves add.
func (e *ensemble) weigh(trees, ids, to []int64, weights []float64) error {
	if len(ids) != len(trees) || len(to) != len(trees) || len(weights) != len(trees) {
		return fmt.Errorf("the lists of leaves have %d, %d, %d and %d values", len(trees), len(ids), len(to), len(weights))
	}
	for i := range trees {
		at := [2]int64{trees[i], ids[i]}
		place, there := e.places[at]
		if !there || e.nodes[at[0]][place].mode != "LEAF" {
			return fmt.Errorf("node %d of tree %d has a weight, and is no leaf", at[1], at[0])
		}
		w := weight{to[i], weights[i]}
		e.leaves[at], e.weights = append(e.leaves[at], w), append(e.weights, w)
	}
	return nil
}

// of reports whether a leaf weighs a class.
func (e *ensemble) of(class int64) bool {
	for _, w := range e.weights {
		if w.to == class {
			return true
		}
	}
	return false
}

// trees are those of each part: of a class, or of several, each with a factor. A tree whose leaves weigh none of a part's classes has no tree in it.
func (e *ensemble) trees(parts []map[int64]float64) ([]decisiontrees.Tree, error) {
	var out []decisiontrees.Tree
	nodes := 0
	for _, id := range e.order {
		order, err := e.walk(id)
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", id, err)
		}
		for group, part := range parts {
			if !e.weighs(id, order, part) {
				continue
			}
			if nodes += len(order); nodes > mostNodes {
				return nil, fmt.Errorf("its trees have more than %d nodes", mostNodes)
			}
			t, err := e.tree(id, order, part)
			if err != nil {
				return nil, fmt.Errorf("tree %d: %w", id, err)
			}
			t.Group = int32(group)
			out = append(out, *t)
		}
	}
	return out, nil
}

// weighs reports whether a leaf of a tree weighs a class of a part.
func (e *ensemble) weighs(tree int64, nodes []int64, part map[int64]float64) bool {
	for _, id := range nodes {
		for _, w := range e.leaves[[2]int64{tree, id}] {
			if part[w.to] != 0 {
				return true
			}
		}
	}
	return false
}

// walk is the ids of a tree's nodes from its root on, parents before children. The root is the one that is no child.
func (e *ensemble) walk(tree int64) ([]int64, error) {
	child := map[int64]bool{}
	for _, b := range e.nodes[tree] {
		if b.mode != "LEAF" {
			child[b.yes], child[b.no] = true, true
		}
	}
	var order []int64
	for _, b := range e.nodes[tree] {
		if !child[b.id] {
			if order = append(order, b.id); len(order) > 1 {
				return nil, errors.New("it has more than one root")
			}
		}
	}
	if len(order) == 0 {
		return nil, errors.New("it has no root")
	}
	seen := map[int64]bool{order[0]: true}
	for i := 0; i < len(order); i++ {
		b := e.nodes[tree][e.places[[2]int64{tree, order[i]}]]
		if b.mode == "LEAF" {
			continue
		}
		for _, next := range []int64{b.yes, b.no} {
			if _, there := e.places[[2]int64{tree, next}]; !there {
				return nil, fmt.Errorf("node %d leads to node %d, which it has not", order[i], next)
			}
			if seen[next] {
				return nil, fmt.Errorf("two ways lead to node %d", next)
			}
			seen[next] = true
			order = append(order, next)
		}
	}
	if len(order) != len(e.nodes[tree]) {
		return nil, fmt.Errorf("its root leads to %d of %d nodes", len(order), len(e.nodes[tree]))
	}
	return order, nil
}

// tree makes nodes in that order. What is true goes left, or right where a split asks for more than a threshold.
func (e *ensemble) tree(tree int64, order []int64, part map[int64]float64) (*decisiontrees.Tree, error) {
	place := make(map[int64]int32, len(order))
	for i, id := range order {
		place[id] = int32(i)
	}
	t := &decisiontrees.Tree{Nodes: make([]decisiontrees.Node, len(order))}
	for i, id := range order {
		b, n := e.nodes[tree][e.places[[2]int64{tree, id}]], &t.Nodes[i]
		if b.mode == "LEAF" {
			*n = decisiontrees.Node{Left: decisiontrees.NoChild, Right: decisiontrees.NoChild}
			for _, w := range e.leaves[[2]int64{tree, id}] {
				n.Value += float64(part[w.to] * w.weight)
			}
			continue
		}
		if b.feature < 0 || b.feature >= 1<<24 {
			return nil, fmt.Errorf("node %d asks for feature %d", id, b.feature)
		}
		*n = decisiontrees.Node{Left: place[b.yes], Right: place[b.no], Feature: int32(b.feature), Value: b.value, MissingLeft: b.missingYes}
		switch b.mode {
		case "BRANCH_LEQ":
		case "BRANCH_LT":
			n.Value = before(b.value, e.single)
		case "BRANCH_GT":
			n.Left, n.Right, n.MissingLeft = n.Right, n.Left, !b.missingYes
		case "BRANCH_GTE":
			n.Left, n.Right, n.MissingLeft, n.Value = n.Right, n.Left, !b.missingYes, before(b.value, e.single)
		case "BRANCH_EQ", "BRANCH_NEQ":
			return nil, fmt.Errorf("node %d asks whether a value is %g: splits by equality are not read", id, b.value)
		default:
			return nil, fmt.Errorf("node %d has the mode %q", id, b.mode)
		}
	}
	return t, nil
}
