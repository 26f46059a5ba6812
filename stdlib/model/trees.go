package model

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// trees scores with trees.
type trees struct {
	model  *xgboost.Model
	scorer *xgboost.Scorer
	shares bool // predictions are shares of classes that trees add up: of a forest
	// explainer is made when it is first asked for: most models are scored and never explained.
	explainer func() (*xgboost.Explainer, error)
}

// NewTrees makes an estimator of trees that fit the signature: boosted ones, or those of a forest, whose leaves add up to what is predicted, also of classes.
func NewTrees(m *xgboost.Model, s *Signature) (Estimator, error) {
	if m.NumFeature != len(s.Features) {
		return nil, fmt.Errorf("the trees take %d features, the signature has %d", m.NumFeature, len(s.Features))
	}
	if m.Groups() != s.Outputs() {
		return nil, fmt.Errorf("the trees yield %d scores a row, the signature asks for %d", m.Groups(), s.Outputs())
	}
	scorer, err := m.Scorer()
	if err != nil {
		return nil, err
	}
	return &trees{model: m, scorer: scorer, shares: len(s.Classes) > 0 && m.Objective.Identity(), explainer: sync.OnceValues(m.Explainer)}, nil
}

// Boosted are the trees of a bundle to which others can be added, in XGBoost's format, with the signature of what they take; of a bundle that has none
// it is an error that says why.
func (b *Bundle) Boosted() (*xgboost.Model, *Signature, error) {
	t, ok := b.estimator.(*trees)
	switch {
	case !ok:
		return nil, nil, fmt.Errorf("it is of the kind %s, and not of trees as XGBoost has them", b.kind)
	case t.shares:
		return nil, nil, errors.New("its trees add up to shares of classes, as those of a forest do, and not to margins")
	case b.calibration != nil:
		return nil, nil, errors.New("it is calibrated, and the calibration would not hold for more trees")
	case b.preparation != nil:
		return nil, nil, errors.New("it encodes or derives inputs by the rows that it was fitted on")
	}
	for i, class := range t.model.TreeClass {
		if int(class) != i%t.model.Groups() {
			return nil, nil, errors.New("its rounds have more than a tree for each class")
		}
	}
	s := b.signature
	s.Features = b.readFeatures()
	return t.model, &s, nil
}

// Encode writes the trees in XGBoost's format.
func (t *trees) Encode() ([]byte, error) { return t.model.Encode() }

// Predict rounds values to 32 bits, as XGBoost does with every table.
func (t *trees) Predict(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	out, err := t.scorer.Predict(ctx, columns, rows, threads)
	if err == nil && t.shares {
		bound(out)
	}
	return out, err
}

// bound takes from shares, [output][row], what their sums in 32 bits were off: one is between 0 and 1, several add up to 1.
func bound(shares [][]float64) {
	for r := range shares[0] {
		total := 0.0
		for c := range shares {
			shares[c][r] = min(max(shares[c][r], 0), 1)
			total += shares[c][r]
		}
		for c := range shares {
			if len(shares) > 1 && total > 0 {
				shares[c][r] /= total
			}
		}
	}
}
