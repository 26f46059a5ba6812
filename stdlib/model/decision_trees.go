package model

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
	"github.com/mlp-lang/mlp/stdlib/model/shap"
)

// decisionTrees scores with trees of 64 bits.
type decisionTrees struct {
	model *decisiontrees.Model
	// explainer is made when it is first asked for.
	explainer func() *shap.Explainer[float64]
	shares    bool // predictions are shares of classes that trees add up
}

// NewDecisionTrees makes an estimator of trees that fit the signature.
func NewDecisionTrees(m *decisiontrees.Model, s *Signature) (Estimator, error) {
	if m.Features != len(s.Features) {
		return nil, fmt.Errorf("the trees take %d features, the signature has %d", m.Features, len(s.Features))
	}
	if m.Groups() != s.Outputs() {
		return nil, fmt.Errorf("the trees yield %d scores a row, the signature asks for %d", m.Groups(), s.Outputs())
	}
	return &decisionTrees{model: m, explainer: sync.OnceValue(m.Explainer), shares: len(s.Classes) > 0 && m.Link == decisiontrees.Identity}, nil
}

// Encode writes the trees.
func (t *decisionTrees) Encode() ([]byte, error) { return t.model.Encode() }

// Predict implements Estimator.
func (t *decisionTrees) Predict(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	out, err := t.model.Predict(ctx, columns, rows, threads)
	if err == nil && t.shares && rows > 0 {
		bound(out)
	}
	return out, err
}

// CountRows lets the rows of a frame stand for those of the training in trees that do not say how many of these went which way, so that their scores have path-dependent attributions, and reports
// whether it did: there are such rows with a prediction, and the model is one of such trees. It comes before the model is used.
func (b *Bundle) CountRows(f *frame.Frame) (bool, error) {
	t, ok := b.estimator.(*decisionTrees)
	if !ok || t.model.Covered() {
		return false, nil
	}
	columns, err := Encode(f, b.signature.Features)
	if err != nil {
		return false, err
	}
	var rows []int
	for r := range f.Rows {
		if !slices.ContainsFunc(columns, func(c []float64) bool { return !InDomain(c[r]) }) {
			rows = append(rows, r)
		}
	}
	if rows == nil {
		return false, nil
	}
	t.model.Count(columns, rows)
	return true, nil
}

// attribute attributes rows.
func (t *decisionTrees) attribute(ctx context.Context, columns [][]float64, rows, background []int, method Method, threads int) (*Attribution, error) {
	a, err := attributeTrees(ctx, t.explainer(), t.model.Groups(), columns, rows, background, method, threads)
	if err != nil {
		return nil, err
	}
	switch {
	case t.model.Link == decisiontrees.Exponential:
		a.Unit = Logarithms
	case t.shares:
		a.Unit = Probabilities
	}
	return a, nil
}
