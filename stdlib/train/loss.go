package train

import (
	"context"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// WeightOf returns the weight of a row; 1 where the table has none.
func (s *Set) WeightOf(r int) float64 {
	if s.Weight == nil {
		return 1
	}
	return s.Weight[r]
}

// leastProbability bounds the log loss of a row.
const leastProbability = 1e-16

// Losses of a model on the training and the validation rows: the weighted mean log loss in nats, or the root mean squared
// error in the target's unit. validation is NaN where there is no validation table, and training where nothing is fitted.
func (t *Training) Losses(ctx context.Context, e model.Estimator) (training, validation float64, err error) {
	training, validation = math.NaN(), math.NaN()
	if t.Data.Rows > 0 {
		training, err = t.loss(ctx, e, t.Data)
	}
	if err != nil {
		return training, validation, err
	}
	validation, err = t.ValidationLoss(ctx, e)
	return training, validation, err
}

// loss is the weighted mean log loss, or the root mean squared error.
func (t *Training) loss(ctx context.Context, e model.Estimator, s *Set) (float64, error) {
	out, err := e.Predict(ctx, s.Columns, s.Rows, t.stage.Threads)
	if err != nil {
		return 0, fmt.Errorf("scoring: %w", err)
	}
	return t.lossOf(s, out, func(r int) int { return r }), nil
}

// lossOf is the loss of scores, [output][i], where row says which row of the set the i-th is.
func (t *Training) lossOf(s *Set, out [][]float64, row func(i int) int) float64 {
	var total, weight float64
	for i := range out[0] {
		r := row(i)
		total += float64(s.WeightOf(r) * rowLoss(t.Signature.Task, out, i, s.Target[r]))
		weight += s.WeightOf(r)
	}
	if t.Signature.Task == schema.Regression {
		return math.Sqrt(total / weight)
	}
	return total / weight
}

// LossOf is the loss of scores of some training rows, [output][i] of the i-th of them.
func (t *Training) LossOf(some []int, out [][]float64) float64 {
	return t.lossOf(t.Data, out, func(i int) int { return some[i] })
}

// ValidationLoss is the loss of a model on the validation rows; NaN where there is no validation table.
func (t *Training) ValidationLoss(ctx context.Context, e model.Estimator) (float64, error) {
	if t.Validation == nil {
		return math.NaN(), nil
	}
	return t.loss(ctx, e, t.Validation)
}

// rowLoss is the squared error or the negative log-likelihood of a row. out are probabilities, [class][row].
func rowLoss(task schema.Task, out [][]float64, r int, y float64) float64 {
	switch {
	case task == schema.Regression:
		return float64((out[0][r] - y) * (out[0][r] - y))
	case task == schema.Multiclass:
		return -math.Log(max(out[int(y)][r], leastProbability))
	case y == 1:
		return -math.Log(max(out[0][r], leastProbability))
	}
	return -math.Log(max(1-out[0][r], leastProbability))
}

// Threads that may be used; results must not depend on it.
func (t *Training) Threads() int { return t.stage.Threads }

// Warnf tells the user something that does not stop the training. A trial only logs it, and a fold: the fit for good tells it once.
func (t *Training) Warnf(format string, args ...any) { t.config.warnf(t.stage, format, args...) }

// warnf is Warnf while there is no training yet.
func (c *Config) warnf(s *component.Stage, format string, args ...any) {
	if c.Trial != nil || c.Fold != nil {
		s.Logf("warning: "+format, args...)
		return
	}
	s.Warnf(format, args...)
}

// Prior is the weighted share of each class, or the mean, in the order of outputs.
func (t *Training) Prior() []float64 {
	out := make([]float64, t.Signature.Outputs())
	var weight float64
	for r, y := range t.Data.Target {
		w := t.Data.WeightOf(r)
		weight += w
		if t.Signature.Task == schema.Multiclass {
			out[int(y)] += w
		} else {
			out[0] += float64(w * y)
		}
	}
	for o := range out {
		out[o] /= weight
	}
	return out
}
