package serve

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

// TestRealBundle serves a bundle of the standard library: rows over HTTP score like rows of a table.
func TestRealBundle(t *testing.T) {
	estimator := &linear.Model{
		Link: linear.Logit,
		Inputs: []linear.Input{
			{Feature: 0, Kind: linear.Value, Mean: 10, Scale: 5}, {Feature: 0, Kind: linear.Missing},
			{Feature: 1, Kind: linear.Level, Level: 1}, {Feature: 2, Kind: linear.Value, Scale: 1},
		},
		Intercepts:   []float64{-0.5},
		Coefficients: [][]float64{{1.5, 0.25, -2, 0.75}},
	}
	bundle, err := model.New(model.Signature{
		Task: schema.Binary, Target: "fraud", Classes: []string{"false", "true"},
		Features: []model.Feature{{Name: "amount", Type: "double"}, {Name: "merchant", Type: "varchar", Levels: []string{"A", "B"}}, {Name: "known", Type: "boolean"}},
	}, model.Linear, estimator, 0.4, model.Provenance{Component: "train.logistic_regression", Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := bundle.Write(dir); err != nil {
		t.Fatal(err)
	}
	want, err := bundle.Score(&frame.Frame{Rows: 3, Columns: []frame.Column{
		{Name: "amount", Type: "double", Num: []float64{12, math.NaN(), 3}},
		{Name: "merchant", Type: "varchar", Codes: []int32{1, 0, -1}, Levels: []string{"A", "B"}},
		{Name: "known", Type: "boolean", Num: []float64{1, 0, math.NaN()}},
	}}, 1)
	if err != nil {
		t.Fatal(err)
	}

	s := newStore(t)
	s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(5)})
	r := start(t, s, func(o *Options) {
		o.Open = func(context.Context, plan.Digest) (string, error) { return dir, nil }
		o.Load = model.ServeModel
	})
	status, body := r.call("/v1/models/scorer/predict", `{"rows": [{"amount": 12, "merchant": "B", "known": true},
		{"amount": null, "merchant": "A", "known": false}, {"amount": 3, "merchant": "never seen", "known": null}]}`)
	var got predictAnswer
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 || len(got.Predictions) != 3 {
		t.Fatalf("got %d %s (%v)", status, body, err)
	}
	if last := got.Predictions[2]; !slices.Equal(last.Unseen, []string{"merchant"}) || !slices.Equal(last.Missing, []string{"known"}) {
		t.Errorf("got %+v, want the category told that was not trained on, and the null", last)
	}
	for i, p := range got.Predictions {
		if *p.Score != want.Score[i] || p.Predicted != bundle.Signature().Classes[want.Class[i]] {
			t.Errorf("row %d: got %v %v, want %v %v", i, *p.Score, p.Predicted, want.Score[i], want.Class[i])
		}
	}
	status, body = r.call("/v2/models/scorer/infer", `{"inputs": [{"name": "amount", "shape": [1], "datatype": "INT32", "data": [12]},
		{"name": "merchant", "shape": [1], "datatype": "BYTES", "data": ["B"]}, {"name": "known", "shape": [1], "datatype": "BOOL", "data": [true]}]}`)
	if score, _ := json.Marshal(want.Score[0]); status != 200 || !strings.Contains(body, `"data":[`+string(score)+`]`) {
		t.Errorf("got %d %s, want the score %s", status, body, score)
	}
	// A row whose score overflows does not lose the others.
	status, body = r.call("/v1/models/scorer/predict", `{"rows": [{"amount": 12, "merchant": "B", "known": true}, {"amount": 1.7e308, "merchant": "B", "known": true}]}`)
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 || got.Predictions[0].Error != "" || got.Predictions[1].Error == "" || got.Predictions[1].Predicted != nil {
		t.Errorf("a huge value: got %d %s", status, body)
	}
}
