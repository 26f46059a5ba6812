// Package prediction holds what a model says of the rows of a table: scored here from a trained model, or read from
// the table that a foreign model's own image wrote. Evaluations and batch deployments share it.
//
// A Set comes from one of three places: Score, of a model that is scored here; Read, of a table that a foreign model's image, or
// anybody, has written; Layout.Read, of a table that Layout.Write wrote. In each the rows are those of the data, in the order in
// which the data is stored, and all that follows pairs them by place: no key is looked at, since data need not have one.
//
// A row need not have a prediction: a feature is infinite, or a foreign program left it out. Its Predicted is NaN, it is among
// Unscored with the reason, and it is null in tables. That is kept apart from a class that is wrong.
package prediction

import (
	"context"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Set holds a model's predictions of Rows rows, in the order in which the table is stored. Slices by row have Rows elements.
type Set struct {
	Rows      int
	Task      schema.Task
	Target    string
	Classes   []string    // binary: negative, positive; nil in regression
	Score     []float64   // binary: probability of the positive class; nil if not known
	Scores    [][]float64 // multiclass: [class][row] probabilities; nil if not known
	Predicted []float64   // index of the class, or the value; NaN where there is no prediction
	// Unscored are the rows without a prediction, ascending.
	Unscored []model.Unscored
	// Threshold is the score from which on a row is predicted positive; NaN where there is none or it is not known.
	Threshold float64
}

// Score scores the Parquet file data with the model in the folder dir. A table that lacks a feature, or has one of another
// kind, is a *component.InputError. threads changes no score.
func Score(ctx context.Context, dir, data string, threads int) (*Set, error) {
	b, err := model.Read(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the model: %w", err)
	}
	sig := b.Signature()
	names := make([]string, len(sig.Features))
	for i, f := range sig.Features {
		names[i] = f.Name
	}
	f, err := table.ReadFrame(ctx, data, names)
	var p *model.Prediction
	if err == nil {
		p, err = b.ScoreContext(ctx, f, threads)
	}
	if ctx.Err() != nil { // of reading as of scoring: the table is not to blame
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, &component.InputError{Summary: "the model cannot score this table: " + err.Error()}
	}
	s := &Set{Task: sig.Task, Target: sig.Target, Classes: sig.Classes, Threshold: math.NaN()}
	if len(names) > 0 {
		s.Rows = f.Rows
	} else if s.Rows, err = rows(ctx, data); err != nil {
		return nil, err
	}
	s.take(p)
	if sig.Task == schema.Binary {
		s.Threshold = b.Threshold()
	}
	return s, nil
}

// rows counts the rows of a table of which a model without features reads no column.
func rows(ctx context.Context, path string) (int, error) {
	n, err := table.Rows(ctx, path)
	return int(n), err
}

// Told says how many rows have no prediction, and why the first has none; empty if all have one.
func (s *Set) Told() string {
	if len(s.Unscored) == 0 {
		return ""
	}
	first := s.Unscored[0]
	return fmt.Sprintf("%d of %d rows have no prediction: in row %d %s", len(s.Unscored), s.Rows, first.Row+1, first.Reason)
}

// take keeps what the model said: the number of a regression, or scores and the index of the class, NaN where a row cannot
// be scored.
func (s *Set) take(p *model.Prediction) {
	s.Unscored = p.Unscored
	switch s.Task {
	case schema.Regression:
		s.Predicted = p.Score
		return
	case schema.Binary:
		s.Score = p.Score
	case schema.Multiclass:
		s.Scores = p.Scores
	}
	s.Predicted = make([]float64, len(p.Class))
	for i, c := range p.Class {
		s.Predicted[i] = float64(c)
		if c < 0 {
			s.Predicted[i] = math.NaN()
		}
	}
}
