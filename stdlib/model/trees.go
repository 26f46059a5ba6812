package model

import (
	"context"
	"fmt"
	"sync"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// trees scores with boosted trees.
type trees struct {
	model  *xgboost.Model
	scorer *xgboost.Scorer
	// explainer is made when it is first asked for: most models are scored and never explained.
	explainer func() (*xgboost.Explainer, error)
}

// NewTrees makes an estimator of boosted trees that fit the signature.
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
	return &trees{model: m, scorer: scorer, explainer: sync.OnceValues(m.Explainer)}, nil
}

// Encode writes the trees in XGBoost's format.
func (t *trees) Encode() ([]byte, error) { return t.model.Encode() }

// Predict rounds values to 32 bits, as XGBoost does with every table.
func (t *trees) Predict(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	return t.scorer.Predict(ctx, columns, rows, threads)
}
