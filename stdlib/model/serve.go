package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

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
// Scores are those of Bundle.Score, to the bit.
func (b *Bundle) Serve() component.Model {
	s := &server{bundle: b, levels: make([]map[string]float64, len(b.signature.Features)),
		numbers: make([]map[float64]float64, len(b.signature.Features)), unread: make([]bool, len(b.signature.Features))}
	if b.reads != nil {
		for i := range s.unread {
			s.unread[i] = !slices.Contains(b.reads, i) && !slices.Contains(b.GroupColumns(), b.signature.Features[i].Name)
		}
	}
	for i := range b.signature.Features {
		f := &b.signature.Features[i]
		s.inputs = append(s.inputs, schema.Column{Name: f.Name, Type: f.Type})
		if f.Categorical() && !f.Text() {
			s.numbers[i] = f.numberCodes()
		}
		s.levels[i] = make(map[string]float64, len(f.Levels))
		for code, level := range f.Levels {
			s.levels[i][level] = float64(code)
		}
	}
	return s
}

// server scores rows column by column; it holds the levels' codes by name. It is safe for concurrent use, since nothing of it
// changes.
type server struct {
	bundle  *Bundle
	inputs  []schema.Column
	levels  []map[string]float64
	numbers []map[float64]float64 // nil of features that are no numbers taken as categories
	unread  []bool                // by input: the model takes it and does not read it, so that no category of it is one that it has not seen
}

func (s *server) Task() schema.Task       { return s.bundle.signature.Task }
func (s *server) Inputs() []schema.Column { return s.inputs }
func (s *server) Classes() []string       { return s.bundle.signature.Classes }

// Levels implements component.Model.
func (s *server) Levels(i int) []string {
	if f := &s.bundle.signature.Features[i]; !f.Text() || f.NGrams != nil {
		return nil
	}
	return append([]string{}, s.bundle.signature.Features[i].Levels...)
}

// Score implements component.Model.
// One thread scores a request: requests come side by side, and small ones would lose more by parting than they gain.
func (s *server) Score(ctx context.Context, rows int, columns []component.Values) ([]component.Prediction, error) {
	if len(columns) != len(s.inputs) {
		return nil, fmt.Errorf("scoring: %d columns for %d features", len(columns), len(s.inputs))
	}
	answers := make([]component.Prediction, rows)
	encoded, err := s.encode(columns, answers)
	if err != nil {
		return nil, err
	}
	p, err := s.bundle.predict(ctx, encoded, rows, 1)
	if err != nil {
		return nil, err
	}
	for _, u := range p.Unscored {
		answers[u.Row] = component.Prediction{Fault: u.Reason}
	}
	for r := range answers {
		if answers[r].Fault == "" {
			s.answer(&answers[r], p, r)
		}
	}
	return answers, nil
}

// encode gives rows as Encode makes them. Categories that were not seen in training are NaN, and noted in the answers.
func (s *server) encode(columns []component.Values, answers []component.Prediction) ([][]float64, error) {
	out, more := make([][]float64, len(columns)), [][]float64(nil)
	for c := range columns {
		values, err := s.encodeColumn(c, &columns[c], answers)
		if err != nil {
			return nil, err
		}
		out[c] = values[0]
		more = append(more, values[1:]...)
	}
	return append(out, more...), nil
}

// encodeColumn gives a column as estimators take it: numbers, those made of text that is read as such, or codes of categories.
func (s *server) encodeColumn(c int, v *component.Values, answers []component.Prediction) ([][]float64, error) {
	name, text := s.inputs[c].Name, TextType(s.inputs[c].Type)
	if text != (v.Text != nil) || max(len(v.Num), len(v.Text)) != len(answers) {
		return nil, fmt.Errorf("scoring: the values of %q are not %d of %s", name, len(answers), s.inputs[c].Type)
	}
	if !text {
		return [][]float64{s.encodeNumbers(c, v.Num, answers)}, nil
	}
	f := &s.bundle.signature.Features[c]
	out := make([][]float64, 1+f.moreColumns())
	for o := range out {
		out[o] = slices.Repeat([]float64{math.NaN()}, len(answers))
	}
	codes := out[0]
	for r, level := range v.Text {
		if v.Null[r] {
			continue
		}
		if f.NGrams != nil {
			for o, x := range f.NGrams.At(level) {
				out[o][r] = x
			}
			continue
		}
		if code, known := s.levels[c][level]; known {
			codes[r] = code
		} else if !s.unread[c] {
			answers[r].Unseen = append(answers[r].Unseen, c)
		}
	}
	return out, nil
}

// encodeNumbers gives numbers that are taken as categories their codes; others stay as they are.
func (s *server) encodeNumbers(c int, values []float64, answers []component.Prediction) []float64 {
	if s.numbers[c] == nil {
		return values
	}
	codes := make([]float64, len(values))
	for r, x := range values {
		code, known := s.numbers[c][x]
		if codes[r] = code; !known {
			codes[r] = math.NaN()
			if x == x {
				answers[r].Unseen = append(answers[r].Unseen, c)
			}
		}
	}
	return codes
}

// answer fills in what is predicted of a row.
func (s *server) answer(a *component.Prediction, p *Prediction, r int) {
	if p.Score != nil {
		a.Score = &p.Score[r]
	} else {
		for c := range p.Scores {
			a.Scores = append(a.Scores, p.Scores[c][r])
		}
	}
	if p.Class != nil {
		a.Decision = s.bundle.signature.Classes[p.Class[r]]
	}
}
