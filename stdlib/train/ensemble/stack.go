package ensemble

import (
	"context"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/design"
	"github.com/mlp-lang/mlp/stdlib/train/linear_regression"
	"github.com/mlp-lang/mlp/stdlib/train/logistic_regression"
)

// # The stacking
//
// A row of data is, to the stacking, what the members say of it: with two members a and b and the classes no and yes the one row of two numbers, p_a(yes) and p_b(yes); of the classes
// 1, 2, 3 the row of six, p_a(1), p_a(2), p_a(3), p_b(1), …; of an amount â, b̂. These are features of a linear model that is fitted as
// the trainers of linear models fit theirs: scikit-learn's StackingClassifier(cv="prefit") with LogisticRegression(C=1/l2) on standardised probabilities, and StackingRegressor with Ridge(alpha=l2).

// stack fits a linear model of the members' scores on the rows of data, or on what they predict out of fold.
func (c *config) stack(ctx context.Context, s *component.Stage, t *train.Training, names []string, members []*model.Bundle) (*made, error) {
	var scores [][]float64
	var err error
	on := *t
	if s.Has(train.DataPort) {
		scores, err = model.MemberScores(ctx, &t.Signature, names, members, t.Data.Columns, t.Data.Rows, s.Threads)
	} else {
		scores, on.Data, err = readOutOfFold(ctx, s, t, names)
	}
	if err != nil {
		return nil, fmt.Errorf("scoring the data: %w", err)
	}
	outputs := t.Signature.Outputs()
	features := make([]model.Feature, len(scores))
	for k := range scores {
		features[k] = model.Feature{Name: names[k/outputs], Type: "double"}
		if outputs > 1 {
			features[k].Name += " " + t.Signature.Classes[k%outputs]
		}
		for _, x := range scores[k] {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, &component.InputError{Summary: fmt.Sprintf("%s: %s has no prediction for a row of data", s.Address, names[k/outputs]),
					Detail: "A stacking is fitted on rows that all members have a prediction for. Leave the others out in a dataset."}
			}
		}
	}
	l2 := float64(defaultL2)
	if c.Params.L2 != nil {
		l2 = *c.Params.L2
	}
	line, shares, err := fit(ctx, on.With(features, scores), l2)
	if err != nil {
		return nil, err
	}
	by := make([]float64, len(members))
	for k, x := range shares {
		by[k/outputs] += x
	}
	out := &made{combination: model.Combination{Method: model.Stacking, Line: line}, shares: by}
	if s.Has(train.DataPort) {
		return out, nil
	}
	said, err := line.Predict(ctx, scores, on.Data.Rows, s.Threads)
	if err != nil {
		return nil, err
	}
	all := make([]int, on.Data.Rows)
	for r := range all {
		all[r] = r
	}
	out.folded, out.loss = on.Data, on.LossOf(all, said)
	return out, nil
}

// fit fits the line, and says how much of it each score is.
func fit(ctx context.Context, t *train.Training, l2 float64) (line *linear.Model, shares []float64, err error) {
	amount := t.Signature.Task == schema.Regression
	x := design.New(t, amount, nil)
	if amount {
		line, err = linear_regression.Fit(ctx, t, x, l2)
	} else {
		line, err = logistic_regression.Fit(ctx, t, x, l2)
	}
	if err != nil {
		return nil, nil, err
	}
	shares, err = x.Importance(ctx, t.Threads(), len(t.Signature.Features), line.Coefficients)
	return line, shares, err
}
