package serve

import (
	"context"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

// TestGroups: a model that decides by group takes the group's column in every request, as a tensor as well as in a row, refuses a row whose group has no threshold, and decides the same score by the group.
func TestGroups(t *testing.T) {
	lin := &linear.Model{Link: linear.Logit, Inputs: []linear.Input{{Kind: linear.Value, Scale: 1}}, Intercepts: []float64{0}, Coefficients: [][]float64{{1}}}
	b, err := model.New(model.Signature{Task: schema.Binary, Target: "repaid", Classes: []string{"no", "yes"}, Features: []model.Feature{{Name: "income", Type: "double"}}},
		model.Linear, lin, 0.5, model.Provenance{Component: "train.logistic_regression", Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	if b, err = b.Needs([]model.Feature{{Name: "sex", Type: "varchar", Levels: []string{"man", "woman"}}}); err != nil {
		t.Fatal(err)
	}
	b, err = b.Decided(&model.Decision{Equalize: "selection_rate", Thresholds: []float64{0.8, 0.6}, Groups: model.Groups{By: []string{"sex"}, Values: [][]string{{"man"}, {"woman"}}}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := b.Write(dir); err != nil {
		t.Fatal(err)
	}
	s := newStore(t)
	s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(5)})
	r := start(t, s, func(o *Options) {
		o.Open = func(context.Context, plan.Digest) (string, error) { return dir, nil }
		o.Load = model.ServeModel
	})
	for _, tt := range []struct {
		path, body string
		status     int
		want       []string
	}{
		{"/v1/models/scorer/predict", `{"rows": [{"income": 1, "sex": "man"}, {"income": 1, "sex": "woman"}, {"income": 1, "sex": null}]}`, 200,
			[]string{`{"predicted":"no","score":0.73`, `{"predicted":"yes","score":0.73`, `{"predicted":null,"error":"the model treats rows by group (sex)`}},
		{"/v1/models/scorer/predict", `{"rows": [{"income": 1, "sex": "other"}]}`, 400, []string{"by group (sex)"}},
		{"/v1/models/scorer/predict", `{"rows": [{"income": 1}]}`, 400, []string{"sex"}},
		{"/v1/models/scorer/predict", `{"explain": true, "rows": [{"income": 1, "sex": "man"}]}`, 200, []string{`"contributions":{"income":1,"sex":0}`}},
		{"/v2/models/scorer/infer", `{"inputs": [{"name": "income", "shape": [2], "datatype": "FP64", "data": [1, 1]}, {"name": "sex", "shape": [2], "datatype": "BYTES", "data": ["woman", "man"]}]}`, 200, []string{`"data":["yes","no"]`}},
		{"/v2/models/scorer/infer", `{"inputs": [{"name": "income", "shape": [1], "datatype": "FP64", "data": [1]}]}`, 400, []string{"sex"}},
		{"/v1/models/scorer/counterfactual", `{"row": {"income": 1, "sex": "man"}, "predicted": "yes", "change": {"income": {"from": 0, "to": 5}}}`, 200, []string{`"found":true`, `"changes":{"income":{"from":1,"to":1.4`}},
		{"/v1/models/scorer/counterfactual", `{"row": {"income": 1, "sex": "other"}, "predicted": "yes", "change": {"income": {"from": 0, "to": 5}}}`, 400, []string{"by group (sex)"}},
		{"/v2/models/scorer", "", 200, []string{`"name":"sex"`, `"levels":["man","woman"]`}},
	} {
		status, body := r.call(tt.path, tt.body)
		body = strings.Join(strings.Fields(body), "")
		for _, want := range tt.want {
			if status != tt.status || !strings.Contains(body, strings.Join(strings.Fields(want), "")) {
				t.Errorf("%s %s: got %d %s, want %d with %s", tt.path, tt.body, status, body, tt.status, want)
			}
		}
	}
}
