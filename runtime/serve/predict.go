package serve

import (
	"context"
	"fmt"
	"net/http"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// predictRequest is the body of POST /v1/models/{model}/predict.
type predictRequest struct {
	Rows *[]map[string]any `json:"rows"`
}

// predictAnswer answers it, one prediction a row in their order.
type predictAnswer struct {
	ModelName    string       `json:"model_name"`
	ModelVersion string       `json:"model_version"`
	Predictions  []prediction `json:"predictions"`
}

// prediction has the names of the columns of an evaluation's predictions.
type prediction struct {
	Predicted any                `json:"predicted"`        // class, or value of a regression
	Score     *float64           `json:"score,omitempty"`  // binary: probability of the positive class
	Scores    map[string]float64 `json:"scores,omitempty"` // multiclass: probability by class
}

func (s *server) predict(r *http.Request) (any, error) {
	m, err := s.model(r)
	if err != nil {
		return nil, err
	}
	var request predictRequest
	if err := s.decode(r, &request); err != nil {
		return nil, err
	}
	if request.Rows == nil {
		return nil, badRequest(`the body must be {"rows": [{…}, …]}, a list of objects with one value for each feature`)
	}
	rows := make([]map[string]any, len(*request.Rows))
	for i, row := range *request.Rows {
		if rows[i], err = m.checkRow(row); err != nil {
			return nil, badRequest("row %d: %v", i, err)
		}
	}
	scored, err := s.score(r.Context(), m, rows)
	if err != nil {
		return nil, err
	}
	answer := predictAnswer{ModelName: m.name, ModelVersion: m.version, Predictions: make([]prediction, len(scored))}
	for i, p := range scored {
		answer.Predictions[i] = m.prediction(p)
	}
	return answer, nil
}

// score runs the model and holds it to one prediction a row.
func (s *server) score(ctx context.Context, m *served, rows []map[string]any) ([]component.Prediction, error) {
	out, err := m.model.ScoreRows(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("scoring with %s %s: %w", m.name, m.version, err)
	}
	if len(out) != len(rows) {
		return nil, fmt.Errorf("scoring with %s %s: %d predictions for %d rows", m.name, m.version, len(out), len(rows))
	}
	s.metrics.rows.WithLabelValues(m.name).Add(float64(len(rows)))
	return out, nil
}

func (m *served) prediction(p component.Prediction) prediction {
	switch m.model.Task() {
	case schema.Regression:
		return prediction{Predicted: p.Score}
	case schema.Binary:
		return prediction{Predicted: p.Decision, Score: p.Score}
	}
	out := prediction{Predicted: p.Decision, Scores: map[string]float64{}}
	for i, c := range m.model.Classes() {
		if i < len(p.Scores) {
			out.Scores[c] = p.Scores[i]
		}
	}
	return out
}
