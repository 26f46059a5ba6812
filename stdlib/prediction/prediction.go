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
	// One are the classes by the one threshold that rows would have, of a model whose groups have thresholds of their own; nil of others.
	One []float64
	// Unscored are the rows without a prediction, ascending.
	Unscored []model.Unscored
	// Threshold is the score from which on a row is predicted positive; NaN where there is none or it is not known.
	Threshold float64
}

// Score scores the Parquet file data with the model in the folder dir. A table that lacks a feature, or has one of another
// kind, is a *component.InputError. threads changes no score. A row is a step of the part of a bar that ctx is (component.Bar).
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
	s := &Set{Task: sig.Task, Target: sig.Target, Classes: sig.Classes, Threshold: math.NaN()}
	// The model says something of each row by itself, so that not all features need be in memory at a time.
	var step func(int)
	err = table.ReadParts(ctx, data, names, func(part table.Part) error {
		if step == nil {
			step = component.Steps(ctx, part.Total)
		}
		p, err := b.ScoreContext(ctx, &part.Frame, threads)
		if err == nil {
			s.take(b, p, part)
			step(part.Frame.Rows)
		}
		return err
	})
	if ctx.Err() != nil { // of reading as of scoring: the table is not to blame
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, &component.InputError{Summary: "the model cannot score this table: " + err.Error()}
	}
	s.threshold(b)
	return s, nil
}

// Of is what a model said of rows as a set.
func Of(b *model.Bundle, p *model.Prediction) *Set {
	sig := b.Signature()
	s := &Set{Task: sig.Task, Target: sig.Target, Classes: sig.Classes, Threshold: math.NaN()}
	s.take(b, p, table.Part{Total: max(len(p.Score), len(p.Class))})
	s.threshold(b)
	return s
}

// threshold keeps the one by which all rows are decided, where there is such a one.
func (s *Set) threshold(b *model.Bundle) {
	if s.Task == schema.Binary && b.Decision() == nil {
		s.Threshold = b.Threshold()
	}
}

// Told says how many rows have no prediction, and why the first has none; empty if all have one.
func (s *Set) Told() string {
	if len(s.Unscored) == 0 {
		return ""
	}
	first := s.Unscored[0]
	return fmt.Sprintf("%d of %d rows have no prediction: in row %d %s", len(s.Unscored), s.Rows, first.Row+1, first.Reason)
}

// take keeps what the model said of the next rows: the number of a regression, or scores and the index of the class, NaN where a row
// cannot be scored.
func (s *Set) take(b *model.Bundle, p *model.Prediction, of table.Part) {
	s.Rows = of.Total
	for _, u := range p.Unscored {
		s.Unscored = append(s.Unscored, model.Unscored{Row: of.Before + u.Row, Reason: u.Reason})
	}
	kept := func(all, some []float64) []float64 {
		if all == nil {
			all = make([]float64, of.Total)
		}
		copy(all[of.Before:], some)
		return all
	}
	switch s.Task {
	case schema.Regression:
		s.Predicted = kept(s.Predicted, p.Score)
		return
	case schema.Binary:
		s.Score = kept(s.Score, p.Score)
	case schema.Multiclass:
		if s.Scores == nil {
			s.Scores = make([][]float64, len(p.Scores))
		}
		for c, scores := range p.Scores {
			s.Scores[c] = kept(s.Scores[c], scores)
		}
	}
	s.Predicted = classes(s.Predicted, p.Class, of)
	if b.Decision() != nil {
		s.One = classes(s.One, b.OneThreshold(p), of)
	}
}

// classes adds the classes of a part of the rows to those of all, NaN where there is none.
func classes(all []float64, some []int32, of table.Part) []float64 {
	if all == nil {
		all = make([]float64, of.Total)
	}
	for i, c := range some {
		x := float64(c)
		if c < 0 {
			x = math.NaN()
		}
		all[of.Before+i] = x
	}
	return all
}

// Take returns the predictions of some rows, from 0, in that order. Why rows have none is not kept.
func (s *Set) Take(rows []int) *Set {
	out := &Set{Rows: len(rows), Task: s.Task, Target: s.Target, Classes: s.Classes, Threshold: s.Threshold, Predicted: pick(s.Predicted, rows)}
	if s.Score != nil {
		out.Score = pick(s.Score, rows)
	}
	for _, scores := range s.Scores {
		out.Scores = append(out.Scores, pick(scores, rows))
	}
	return out
}

// pick copies the elements of some rows.
func pick(xs []float64, rows []int) []float64 {
	out := make([]float64, len(rows))
	for k, r := range rows {
		out[k] = xs[r]
	}
	return out
}
