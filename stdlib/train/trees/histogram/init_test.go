package histogram

import (
	"bytes"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// goneOn fits further what was fitted before, from what it says of the rows itself.
func goneOn(t *testing.T, from *xgboost.Model, d, validation *Data, p Params) *Result {
	t.Helper()
	scorer, err := from.Scorer()
	if err != nil {
		t.Fatal(err)
	}
	p.Init = &Init{Model: from}
	if p.Init.Training, err = scorer.MarginsOf(t.Context(), d.Columns, len(d.Target), p.Threads); err == nil && validation != nil {
		p.Init.Validation, err = scorer.MarginsOf(t.Context(), validation.Columns, len(validation.Target), p.Threads)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fit(t, d, validation, p)
}

// TestRoundsAddUp: 5 rounds, and 7 more on the same table, are 12 rounds, to the byte of the model, on any number of threads, also where rows and features are drawn.
func TestRoundsAddUp(t *testing.T) {
	for _, o := range append(amounts, xgboost.Logistic, xgboost.Softmax) {
		for _, share := range []float64{1, 0.7} {
			p := params(o)
			p.Quantile, p.HuberSlope, p.TweediePower = 0.8, 500, 1.4
			p.Subsample, p.ColumnSample, p.NodeSample, p.Seed, p.EarlyStoppingRounds = share, share, share, 3, 0
			if o == xgboost.Softmax {
				p.Classes = 3
			}
			d := mixedFor(o)
			p.Trees, p.Threads = 12, 2
			whole := fit(t, d, d, p)
			for _, threads := range []int{1, 2, 8} {
				p.Trees, p.Threads = 5, threads
				some := fit(t, d, d, p)
				if why := p.Same(some.Model); why != "" {
					t.Errorf("%s: %s", o, why)
				}
				before := encoded(t, some)
				p.Trees = 7
				more := goneOn(t, some.Model, d, d, p)
				if !bytes.Equal(encoded(t, more), encoded(t, whole)) || more.TrainingLoss != whole.TrainingLoss || more.ValidationLoss != whole.ValidationLoss {
					t.Errorf("%s, a share of %g: 5 rounds and 7 more on %d threads are not 12", o, share, threads)
				}
				if more.Rounds != 7 || !bytes.Equal(encoded(t, some), before) {
					t.Errorf("%s: %d rounds were added, or the model before is another", o, more.Rounds)
				}
			}
		}
	}
}

// TestGoneOnStopsEarly: the best round is found among those that are added, margins go back to it, and the trees before stay.
func TestGoneOnStopsEarly(t *testing.T) {
	d := mixedFor(xgboost.Logistic)
	other := &Data{Columns: d.Columns, Levels: d.Levels, Target: make([]float64, len(d.Target))}
	for r, y := range d.Target {
		if other.Target[r] = y; r%5 == 0 {
			other.Target[r] = 1 - y
		}
	}
	p := params(xgboost.Logistic)
	p.Trees, p.EarlyStoppingRounds, p.LearningRate, p.Threads = 3, 0, 0.1, 2
	some := fit(t, d, nil, p)
	p.Trees, p.EarlyStoppingRounds, p.LearningRate = 200, 5, 0.5
	more := goneOn(t, some.Model, d, other, p)
	if more.Rounds >= 195 || more.Rounds < 1 || len(more.Model.Trees) != 3+more.Rounds {
		t.Fatalf("%d rounds, %d trees", more.Rounds, len(more.Model.Trees))
	}
	if more.ValidationLoss != more.ByRound[more.Rounds-1] {
		t.Errorf("got the loss %v, after the best round it was %v", more.ValidationLoss, more.ByRound[more.Rounds-1])
	}
}

// TestSame tells objectives apart that are written alike.
func TestSame(t *testing.T) {
	for _, tt := range []struct {
		is   xgboost.Model
		p    Params
		same bool
	}{
		{xgboost.Model{Objective: xgboost.Logistic}, Params{Objective: xgboost.Logistic}, true},
		{xgboost.Model{Objective: xgboost.SoftmaxLabel}, Params{Objective: xgboost.Softmax}, true},
		{xgboost.Model{Objective: xgboost.SquaredError}, Params{Objective: xgboost.Poisson}, false},
		{xgboost.Model{Objective: xgboost.AbsoluteError}, Params{Objective: xgboost.AbsoluteError}, true},
		{xgboost.Model{Objective: xgboost.AbsoluteError, Attributes: map[string]string{"quantile_alpha": "0.8"}}, Params{Objective: xgboost.AbsoluteError}, false},
		{xgboost.Model{Objective: xgboost.AbsoluteError, Attributes: map[string]string{"quantile_alpha": "0.8"}}, Params{Objective: xgboost.QuantileError, Quantile: 0.8}, true},
		{xgboost.Model{Objective: xgboost.AbsoluteError, Attributes: map[string]string{"quantile_alpha": "0.8"}}, Params{Objective: xgboost.QuantileError, Quantile: 0.9}, false},
		{xgboost.Model{Objective: xgboost.AbsoluteError}, Params{Objective: xgboost.QuantileError, Quantile: 0.5}, false},
		{xgboost.Model{Objective: xgboost.Tweedie, ObjectiveParam: map[string]string{"tweedie_variance_power": "1.5"}}, Params{Objective: xgboost.Tweedie, TweediePower: 1.2}, false},
	} {
		if why := tt.p.Same(&tt.is); (why == "") != tt.same {
			t.Errorf("%s for %s: %q", tt.is.Objective, tt.p.Objective, why)
		}
	}
}
