package histogram

import (
	"context"
	"math"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

func ignore(int, int) {}

func predict(tb testing.TB, m *xgboost.Model, d *Data) [][]float64 {
	tb.Helper()
	scorer, err := m.Scorer()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := scorer.Predict(context.Background(), d.Columns, len(d.Target), 2)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func params(o xgboost.Objective) Params {
	return Params{
		Objective: o, Trees: 300, LearningRate: 0.1, MaxDepth: 6, MinChildWeight: 1, Lambda: 1,
		MaxCatToOneHot: 4, MaxCatThreshold: 64, Subsample: 1, ColumnSample: 1, Threads: 2,
	}
}

func TestChurn(t *testing.T) {
	train, test, _ := realData(t, "wa_churn.csv")
	p := params(xgboost.Logistic)
	p.Trees, p.LearningRate, p.MaxDepth, p.MinChildWeight = 200, 0.05, 3, 5
	r, err := Fit(context.Background(), train, nil, p, ignore)
	if err != nil {
		t.Fatal(err)
	}
	got := areaUnderCurve(test.Target, predict(t, r.Model, test)[0])
	t.Logf("AUC on churn: %.4f", got)
	if got < 0.845 {
		t.Errorf("AUC on churn is %.4f, at least 0.845 wanted", got)
	}
}

func TestDiamonds(t *testing.T) {
	train, test, _ := realData(t, "diamonds.csv")
	r, err := Fit(context.Background(), train, nil, params(xgboost.SquaredError), ignore)
	if err != nil {
		t.Fatal(err)
	}
	var total float64
	for i, y := range predict(t, r.Model, test)[0] {
		total += (y - test.Target[i]) * (y - test.Target[i])
	}
	got := math.Sqrt(total / float64(len(test.Target)))
	t.Logf("RMSE on diamonds: %.1f", got)
	if got > 550 {
		t.Errorf("RMSE on diamonds is %.1f, at most 550 wanted", got)
	}
}

func BenchmarkFitDiamonds(b *testing.B) {
	train, _, _ := realData(b, "diamonds.csv")
	for b.Loop() {
		if _, err := Fit(context.Background(), train, nil, params(xgboost.SquaredError), ignore); err != nil {
			b.Fatal(err)
		}
	}
}
