package serve

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/constant"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// serving is a server of one bundle under the name "scorer".
func serving(t *testing.T, s model.Signature, kind model.Kind, e model.Estimator) *running {
	t.Helper()
	b, err := model.New(s, kind, e, 0.5, model.Provenance{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := b.Write(dir); err != nil {
		t.Fatal(err)
	}
	releases := newStore(t)
	releases.set("scorer", plan.ReleaseState{Type: "http", Model: digest(5)})
	return start(t, releases, func(o *Options) {
		o.Open = func(context.Context, plan.Digest) (string, error) { return dir, nil }
		o.Load = model.ServeModel
	})
}

var (
	loanFeatures = []model.Feature{{Name: "income", Type: "integer"}, {Name: "contract", Type: "varchar", Levels: []string{"month", "year"}}, {Name: "member", Type: "boolean"}, {Name: "rate", Type: "decimal(6,2)"}}
	loans        = model.Signature{Task: schema.Binary, Target: "repaid", Classes: []string{"false", "true"}, Features: loanFeatures}
)

// loanTrees have a leaf of -1 below an income of 500 and of 1 above, and one of 0.5 where the contract is by year.
func loanTrees(t *testing.T, cover float32) model.Estimator {
	t.Helper()
	leaf := func(x, cover float32) xgboost.Node {
		return xgboost.Node{Left: xgboost.NoChild, Right: xgboost.NoChild, Value: x, Hessian: cover}
	}
	e, err := model.NewTrees(&xgboost.Model{Objective: xgboost.Logistic, BaseScore: []float32{0.4}, NumFeature: 4, TreeClass: []int32{0, 0}, Trees: []xgboost.Tree{
		{Nodes: []xgboost.Node{{Left: 1, Right: 2, Parent: -1, Feature: 0, Value: 500, Hessian: 4 * cover}, leaf(-1, 3*cover), leaf(1, cover)}},
		{Nodes: []xgboost.Node{{Left: 1, Right: 2, Parent: -1, Feature: 1, Categories: []int32{1}, DefaultLeft: true, Hessian: 2 * cover}, leaf(0, cover), leaf(0.5, cover)}},
	}}, &loans)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func loanLine() model.Estimator {
	return &linear.Model{Link: linear.Logit, Intercepts: []float64{-0.3}, Coefficients: [][]float64{{1.5, 2, -0.25, 0.125}}, Inputs: []linear.Input{
		{Feature: 0, Kind: linear.Value, Mean: 400, Scale: 100}, {Feature: 1, Kind: linear.Level, Level: 1}, {Feature: 2, Kind: linear.Missing}, {Feature: 3, Kind: linear.Value, Mean: 3, Scale: 2}}}
}

// TestExplainedRows: contributions add up to the margin, and the margin makes the score.
func TestExplainedRows(t *testing.T) {
	const body = `{"explain": true, "rows": [{"income": 700, "contract": "year", "member": true, "rate": 1.5}, {"income": 100, "contract": "other", "member": null, "rate": null}, {"income": "much"}]}`
	for name, tc := range map[string]struct {
		kind   model.Kind
		of     model.Estimator
		method string
		want   map[string]float64 // of the first row
	}{
		"trees":  {model.Trees, loanTrees(t, 10), "tree_shap", map[string]float64{"income": 1.5, "contract": 0.25, "member": 0, "rate": 0}},
		"linear": {model.Linear, loanLine(), "linear_terms", map[string]float64{"income": 4.5, "contract": 2, "member": 0, "rate": -0.09375}},
	} {
		r := serving(t, loans, tc.kind, tc.of)
		status, text := r.call("/v1/models/scorer/predict", body)
		var got predictAnswer
		if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 {
			t.Fatalf("%s: got %d %s", name, status, text)
		}
		if err := described(t, r, "Answer", text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, p := range got.Predictions[:2] {
			x := p.Explanation
			if x == nil || x.Method != tc.method || len(x.Contributions) != 4 {
				t.Fatalf("%s: got %s", name, text)
			}
			sum := x.Base
			for _, c := range x.Contributions {
				sum += c
			}
			if math.Abs(sum-x.Margin) > 1e-9 || math.Abs(1/(1+math.Exp(-x.Margin))-*p.Score) > 1e-6 {
				t.Errorf("%s: row %d: contributions add up to %v of the margin %v, the score is %v", name, i, sum, x.Margin, *p.Score)
			}
		}
		for f, want := range tc.want {
			if c := got.Predictions[0].Explanation.Contributions[f]; math.Abs(c-want) > 1e-9 {
				t.Errorf("%s: %s: got %v, want %v", name, f, c, want)
			}
		}
		if got.Predictions[2].Explanation != nil || got.Predictions[2].Error == "" {
			t.Errorf("%s: a row that is not scored: got %+v", name, got.Predictions[2])
		}
		if _, text = r.call("/v1/models/scorer/predict", strings.Replace(body, `"explain": true, `, "", 1)); strings.Contains(text, "explanation") {
			t.Errorf("%s: not asked for: got %s", name, text)
		}
	}
}

// TestExplainedClasses: of several classes each has an explanation.
func TestExplainedClasses(t *testing.T) {
	sig := model.Signature{Task: schema.Multiclass, Target: "kind", Classes: []string{"a", "b", "c"}, Features: loanFeatures[:1]}
	r := serving(t, sig, model.Linear, &linear.Model{Link: linear.Softmax, Intercepts: []float64{1, 0, -1}, Coefficients: [][]float64{{0.5}, {0}, {-0.5}}, Inputs: []linear.Input{{Feature: 0, Kind: linear.Value, Scale: 100}}})
	status, text := r.call("/v1/models/scorer/predict", `{"rows": [{"income": 300}], "explain": true}`)
	if err := described(t, r, "Answer", text); err != nil {
		t.Error(err)
	}
	if want := `"explanations":{"a":{"method":"linear_terms","base":1,"margin":2.5,"contributions":{"income":1.5}},"b":{`; status != 200 || !strings.Contains(text, want) {
		t.Errorf("got %d %s, want %s", status, text, want)
	}
}

// TestUnexplained: what cannot be explained is refused, and said.
func TestUnexplained(t *testing.T) {
	ask := func(rows int) string {
		const row = `{"income": 700, "contract": "year", "member": true, "rate": 1.5}`
		return `{"explain": true, "rows": [` + strings.Repeat(row+",", rows-1) + row + `]}`
	}
	for want, r := range map[string]*running{
		"the trees do not say how many training rows": serving(t, loans, model.Trees, loanTrees(t, 0)),
		"it is of the kind constant":                  serving(t, loans, model.Constant, &constant.Model{Scores: []float64{0.3}}),
	} {
		if status, text := r.call("/v1/models/scorer/predict", ask(1)); status != 400 || !strings.Contains(text, want) || !strings.Contains(text, "no explanation of single rows") {
			t.Errorf("got %d %s, want %q", status, text, want)
		}
	}
	trees := serving(t, loans, model.Trees, loanTrees(t, 10))
	for body, want := range map[string]string{ask(1001): "send 1000 at a time", strings.Replace(ask(1), "true", "1", 1): "must be true or false",
		strings.Replace(ask(1), `"explain": true`, `"explain": true, "explain": false`, 1): "twice", strings.Replace(ask(1), "explain", "explian", 1): `did you mean \"explain\"`} {
		if status, text := trees.call("/v1/models/scorer/predict", body); status != 400 || !strings.Contains(text, want) {
			t.Errorf("got %d %s, want %q", status, text, want)
		}
	}
}
