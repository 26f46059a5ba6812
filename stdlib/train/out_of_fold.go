package train

// Predictions out of fold.
//
// What a model says of rows that it was fitted on is too good, and there may be no other rows. So the rows of data are parted into folds (folds.go), and each is
// predicted by a model that was fitted on the others, with the parameters of the model for good:
//
//	fold 0   fitted on 1, 2, 3, 4   predicts 0
//	fold 1   fitted on 0, 2, 3, 4   predicts 1
//	…
//
// These are scikit-learn's cross_val_predict. An ensemble that is stacked on them has all rows to learn from (stdlib/train/ensemble), and errors can be looked at row by row.

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// OutOfFoldPort is the port of predictions of data by models that were fitted on other rows, and the block that asks for them.
const OutOfFoldPort = "out_of_fold"

// OutOfFoldBlock is the block of trainers that tune.
func OutOfFoldBlock() schema.Block {
	return foldsBlock(OutOfFoldPort, "Predicts the rows of `data` by models that were fitted on other rows of it: `data` is parted into folds, and a model is fitted without each, with the parameters of the model for good. "+
		"The predictions are the table `out_of_fold`, as scikit-learn's `cross_val_predict` makes them: for a stacking (`train \"ensemble\"`), or to look at errors row by row. It takes `count` fits more. Each fold has its share of every class.")
}

// OutWithFolds are the ports of trainers that tune.
func OutWithFolds() []schema.Port {
	return append(Out(), schema.Port{Name: OutOfFoldPort, Type: schema.TablePort, Asked: true,
		Doc: "Predictions of the rows of `data`, each by a model that was fitted without its fold: key, entity and time of the row, `actual`, `predicted` (at 0.5), `score` or `scores`. Null where there is none. It is there with the block `out_of_fold`."})
}

// OutOfFoldLayout is which columns the predictions have.
func OutOfFoldLayout(data *schema.Table, task schema.Task, target string) prediction.Layout {
	return prediction.Layout{Task: task, Target: target, Data: data, Actual: true, Score: true}
}

// outOfFold checks the block and says what it yields; nothing without it.
func (s *shaper) outOfFold(task schema.Task, out map[string]schema.Shape) {
	f := s.config.OutOfFold
	if f == nil {
		return
	}
	s.problems = append(s.problems, f.problems(OutOfFoldPort, s.data)...)
	layout := OutOfFoldLayout(s.data, task, s.data.Column(s.config.Target).Name)
	if name := layout.Clash(); name != "" {
		s.report(schema.Problem{Path: OutOfFoldPort, Summary: fmt.Sprintf("The table has a column %q, as predictions have", name), Hint: "rename it in a dataset"})
		return
	}
	out[OutOfFoldPort] = schema.Shape{Type: schema.TablePort, Table: layout.Table()}
}

// heldOut is what models said of the rows that they were not fitted on.
type heldOut struct {
	total     int              // rows of the table
	signature *model.Signature // of the first model
	scores    [][]float64      // by output and row of the table; NaN: none
	rows      []int32          // of the table, those that the model of the fold at hand predicts
}

// predictFolds fits once without each fold, and writes what came of that.
func predictFolds(ctx context.Context, s *component.Stage, folds *Folds, config json.RawMessage, fit fitting) error {
	total, err := table.Rows(ctx, s.InputTable(DataPort))
	if err != nil {
		return err
	}
	f := &Fold{Folds: folds, out: &heldOut{total: int(total)}}
	for ; f.number < f.Count; f.number++ {
		if err := fit(ctx, s, config, f); err != nil {
			return fmt.Errorf("%s, fold %d of %d: %w", OutOfFoldPort, f.number+1, f.Count, err)
		}
	}
	return f.out.write(ctx, s)
}

// take scores the rows of the fold.
func (h *heldOut) take(ctx context.Context, t *Training, e model.Estimator, c *model.Calibration) error {
	scores, err := t.scores(ctx, e, c, t.Selection, t.Selection.Columns)
	if err != nil {
		return fmt.Errorf("scoring the rows of the fold: %w", err)
	}
	if h.signature == nil {
		sig := t.Signature
		h.signature, h.scores = &sig, make([][]float64, len(scores))
		for k := range h.scores {
			h.scores[k] = slices.Repeat([]float64{math.NaN()}, h.total)
		}
	}
	if !slices.Equal(h.signature.Classes, t.Signature.Classes) {
		return &component.InputError{
			Summary: fmt.Sprintf("%s: models of two folds know other classes: %s, and %s", t.stage.Address, strings.Join(h.signature.Classes, ", "), strings.Join(t.Signature.Classes, ", ")),
			Detail:  "Each fold must be fitted on rows of every class. Take fewer folds, or merge rare classes in a dataset.",
		}
	}
	for k, column := range scores {
		for i, r := range h.rows {
			h.scores[k][r] = column[i]
		}
	}
	return nil
}

// write writes the table.
func (h *heldOut) write(ctx context.Context, s *component.Stage) error {
	set := &prediction.Set{Rows: h.total, Task: h.signature.Task, Target: h.signature.Target, Classes: h.signature.Classes, Predicted: h.scores[0], Threshold: model.DefaultThreshold}
	if set.Task != schema.Regression {
		set.Predicted = make([]float64, h.total)
		for r := range set.Predicted {
			set.Predicted[r] = h.class(r)
		}
	}
	switch set.Task {
	case schema.Binary:
		set.Score = h.scores[0]
	case schema.Multiclass:
		set.Scores = h.scores
	}
	out, err := s.OutputTable(OutOfFoldPort)
	if err != nil {
		return err
	}
	return OutOfFoldLayout(s.In[DataPort].Table, set.Task, set.Target).Write(ctx, set, s.InputTable(DataPort), out)
}

// class is the index of the class that is predicted of a row: of two by DefaultThreshold, of several the likeliest, of equal ones the first; NaN without a prediction.
func (h *heldOut) class(r int) float64 {
	if math.IsNaN(h.scores[0][r]) {
		return math.NaN()
	}
	if len(h.scores) == 1 {
		if h.scores[0][r] >= model.DefaultThreshold {
			return 1
		}
		return 0
	}
	best := 0
	for k := range h.scores {
		if h.scores[k][r] > h.scores[best][r] {
			best = k
		}
	}
	return float64(best)
}
