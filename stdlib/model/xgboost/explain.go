package xgboost

import "github.com/mlp-lang/mlp/stdlib/model/shap"

// Explainer attributes margins to features.
type Explainer = shap.Explainer[float32]

// Explainer prepares m; m must be valid (Validate). Rows are weighed by the sums of their hessians, as XGBoost does.
func (m *Model) Explainer() (*Explainer, error) {
	l, err := m.Objective.link()
	if err != nil {
		return nil, err
	}
	of := shap.Ensemble[float32]{Features: m.NumFeature, Base: make([]float64, m.Groups()), Trees: make([]shap.Tree, len(m.Trees)),
		Next: func(tree int, node int32, x float32) int32 { return m.Trees[tree].Nodes[node].next(x) }}
	for g := range of.Base {
		of.Base[g] = float64(margin(l, m.BaseScore[min(g, len(m.BaseScore)-1)]))
	}
	for i := range m.Trees {
		of.Trees[i] = m.Trees[i].shape(m.TreeClass[i])
	}
	return shap.New(of), nil
}

// shape is the tree as it is explained.
func (t *Tree) shape(group int32) shap.Tree {
	out := shap.Tree{Nodes: make([]shap.Node, len(t.Nodes)), Group: group}
	for i := range t.Nodes {
		n := &t.Nodes[i]
		out.Nodes[i] = shap.Node{Left: n.Left, Right: n.Right, Feature: n.Feature, Cover: float64(n.Hessian)}
		if n.Leaf() {
			out.Nodes[i].Value = float64(n.Value)
		}
	}
	return out
}

// next is the child that a value leads to; NaN is missing. What is no category goes left, as in XGBoost.
func (n *Node) next(x float32) int32 {
	left := x < n.Value
	switch {
	case x != x:
		left = n.DefaultLeft
	case n.Categories != nil:
		left = true
		for _, c := range n.Categories {
			if x >= 0 && x < 1<<24 && int32(x) == c {
				left = false
			}
		}
	}
	if left {
		return n.Left
	}
	return n.Right
}
