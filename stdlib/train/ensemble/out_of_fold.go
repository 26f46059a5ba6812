package ensemble

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// readOutOfFold reads what the members predict out of fold, outputs of one member after the other, of the rows that all have a prediction for, with
// their targets. The members' tables must be of the same rows.
func readOutOfFold(ctx context.Context, s *component.Stage, t *train.Training, names []string) ([][]float64, *train.Set, error) {
	var first *frame.Frame
	var scores [][]float64
	for _, name := range names {
		port := outOfFoldPort(name)
		rows, err := table.ReadFrame(ctx, s.InputTable(port), rowColumns(s.In[port].Table))
		if err != nil {
			return nil, nil, fmt.Errorf("reading what %s predicts: %w", name, err)
		}
		if first == nil {
			first = rows
		} else if why := otherRows(first, rows); why != "" {
			return nil, nil, &component.InputError{Summary: fmt.Sprintf("%s: %s and %s were not fitted on the same rows: %s", s.Address, names[0], name, why),
				Detail: "A stacking compares what members say of the same rows. Give all of them the same data."}
		}
		said, err := outOfFoldScores(ctx, s, t, port)
		if err != nil {
			return nil, nil, fmt.Errorf("reading what %s predicts: %w", name, err)
		}
		scores = append(scores, said...)
	}
	target, err := t.Signature.Actual(first.Column("actual"))
	if err != nil {
		return nil, nil, &component.InputError{Summary: fmt.Sprintf("%s: %v", s.Address, err), Detail: "The classes are those of the members."}
	}
	var usable []int
	for r := range first.Rows {
		if !math.IsNaN(target[r]) && !slices.ContainsFunc(scores, func(x []float64) bool { return math.IsNaN(x[r]) }) {
			usable = append(usable, r)
		}
	}
	if len(usable) < train.MinRows {
		return nil, nil, &component.InputError{Summary: fmt.Sprintf("%s: of %d rows %d are predicted by all members, too few to fit on", s.Address, first.Rows, len(usable)),
			Detail: fmt.Sprintf("At least %d are needed.", train.MinRows)}
	}
	for k := range scores {
		scores[k] = picked(scores[k], usable)
	}
	s.Logf("stacked on %d of %d rows, as predicted out of fold", len(usable), first.Rows)
	return scores, &train.Set{Rows: len(usable), Target: picked(target, usable)}, nil
}

// rowColumns are the columns that tell which row a prediction is of, and what it was.
func rowColumns(t *schema.Table) []string { return append(slices.Clone(t.Key), "actual") }

// otherRows says where two tables are of other rows; empty: they are of the same ones.
func otherRows(a, b *frame.Frame) string {
	if a.Rows != b.Rows {
		return fmt.Sprintf("there are %d and %d", a.Rows, b.Rows)
	}
	for i := range a.Columns {
		x, y := &a.Columns[i], b.Column(a.Columns[i].Name)
		if y == nil {
			return fmt.Sprintf("one table has a column %s", x.Name)
		}
		for r := range a.Rows {
			if x.Null(r) != y.Null(r) || !x.Null(r) && x.ValueName(r) != y.ValueName(r) {
				return fmt.Sprintf("%s of row %d differs", x.Name, r+1)
			}
		}
	}
	return ""
}

// outOfFoldScores are the scores of a member by output and row, NaN without a prediction.
func outOfFoldScores(ctx context.Context, s *component.Stage, t *train.Training, port string) ([][]float64, error) {
	layout := prediction.Layout{Task: t.Signature.Task, Target: t.Signature.Target, Data: s.In[port].Table, Score: true}
	set, err := layout.Read(ctx, s.InputTable(port), t.Signature.Classes)
	if err != nil {
		return nil, err
	}
	switch t.Signature.Task {
	case schema.Regression:
		return [][]float64{set.Predicted}, nil
	case schema.Multiclass:
		return set.Scores, nil
	}
	return [][]float64{set.Score}, nil
}

// picked are the values of some rows.
func picked(values []float64, rows []int) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = values[r]
	}
	return out
}
