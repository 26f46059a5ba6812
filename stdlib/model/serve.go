package model

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// ServeModel reads the model in a folder for the model server. A folder without a bundle is a model of someone else's:
// component.ErrOpaque.
func ServeModel(dir string) (component.Model, error) {
	b, err := Read(dir)
	if errors.Is(err, ErrNoBundle) {
		return nil, fmt.Errorf("%w: %w", component.ErrOpaque, err)
	}
	if err != nil {
		return nil, err
	}
	return b.Serve(), nil
}

// Serve is the bundle as the model server sees it.
func (b *Bundle) Serve() component.Model {
	s := &server{bundle: b, levels: make([]map[string]float64, len(b.signature.Features))}
	for i := range b.signature.Features {
		f := &b.signature.Features[i]
		s.inputs = append(s.inputs, schema.Column{Name: f.Name, Type: f.Type})
		s.levels[i] = make(map[string]float64, len(f.Levels))
		for code, level := range f.Levels {
			s.levels[i][level] = float64(code)
		}
	}
	return s
}

// server scores rows given as maps; it holds the levels' codes by name.
type server struct {
	bundle *Bundle
	inputs []schema.Column
	levels []map[string]float64
}

func (s *server) Task() schema.Task       { return s.bundle.signature.Task }
func (s *server) Inputs() []schema.Column { return s.inputs }
func (s *server) Classes() []string       { return s.bundle.signature.Classes }

// ScoreRows implements component.Model.
func (s *server) ScoreRows(ctx context.Context, rows []map[string]any) ([]component.Prediction, error) {
	columns := make([][]float64, len(s.inputs))
	for c := range columns {
		columns[c] = make([]float64, len(rows))
		for r, row := range rows {
			x, err := s.number(c, row)
			if err != nil {
				return nil, fmt.Errorf("row %d: %w", r, err)
			}
			columns[c][r] = x
		}
	}
	out, err := s.bundle.estimator.Predict(ctx, columns, len(rows), 1)
	if err != nil {
		return nil, fmt.Errorf("scoring: %w", err)
	}
	p := s.bundle.prediction(out)
	answers := make([]component.Prediction, len(rows))
	for r := range answers {
		answers[r] = s.answer(p, r)
	}
	return answers, nil
}

func (s *server) number(c int, row map[string]any) (float64, error) {
	name := s.inputs[c].Name
	value, ok := row[name]
	if !ok {
		return 0, fmt.Errorf("no value for %q", name)
	}
	text := TextType(s.inputs[c].Type)
	switch v := value.(type) {
	case nil:
		return math.NaN(), nil
	case bool:
		if !text && v {
			return 1, nil
		} else if !text {
			return 0, nil
		}
	case float64:
		if !text {
			return v, nil
		}
	case string:
		if code, known := s.levels[c][v]; text && known {
			return code, nil
		} else if text {
			return math.NaN(), nil
		}
	}
	return 0, fmt.Errorf("%q is a %T; the model takes %s", name, value, s.inputs[c].Type)
}

func (s *server) answer(p *Prediction, r int) component.Prediction {
	var a component.Prediction
	if p.Score != nil {
		score := p.Score[r]
		a.Score = &score
	}
	for c := range p.Scores {
		a.Scores = append(a.Scores, p.Scores[c][r])
	}
	if p.Class != nil {
		a.Decision = s.bundle.signature.Classes[p.Class[r]]
	}
	return a
}
