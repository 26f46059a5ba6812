package model

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// trees scores with boosted trees.
type trees struct {
	model  *xgboost.Model
	scorer *xgboost.Scorer
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
	return &trees{model: m, scorer: scorer}, nil
}

func (t *trees) Encode() ([]byte, error) { return t.model.Encode() }

// Predict rounds the features to float32, which is what thresholds are compared with.
func (t *trees) Predict(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	narrow := make([][]float32, len(columns))
	for c, column := range columns {
		narrow[c] = make([]float32, rows)
		for r, x := range column {
			narrow[c][r] = float32(x)
		}
	}
	return t.scorer.Predict(ctx, narrow, rows, threads)
}
