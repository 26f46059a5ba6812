package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/ngrams"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// asked is what a counterfactual request is answered with.
func asked(t *testing.T, r *running, ask string) (got counterfactualAnswer, text string) {
	t.Helper()
	status, text := r.call("/v1/models/scorer/counterfactual", ask)
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 {
		t.Fatalf("%s: got %d %s", ask, status, text)
	}
	return got, text
}

// TestCounterfactualOfFreeText: a text that the model reads by its n-grams becomes any text of those listed, also one that no training row had; of two that are decided as wanted the first that is listed,
// a number that moves less than a whole text before either, and both together where one alone is not enough. What the answer says of the row is what the row is scored as.
func TestCounterfactualOfFreeText(t *testing.T) {
	line := &ngrams.Line{Settings: ngrams.Defaults()}
	line.Norm = ngrams.NoNorm
	line.Learn([][]ngrams.Entry{line.Count("paid late twice")}, []int{1}, 0)
	weigh := map[string]float64{"paid": 2, "late": -3, "twice": -1.5} // hashes may count -1
	for word, w := range weigh {
		e := line.Count(word)[0]
		k, _ := line.Place(e.Bucket)
		line.Weights[0][k] = w * e.X
	}
	s := model.Signature{Task: schema.Binary, Target: "repaid", Classes: []string{"false", "true"}, Features: []model.Feature{{Name: "note", Type: "varchar", NGrams: line}, {Name: "income", Type: "double"}}}
	r := serving(t, s, model.Linear, &linear.Model{Link: linear.Logit, Intercepts: []float64{-0.5}, Coefficients: [][]float64{{1, 0.01}}, Inputs: []linear.Input{
		{Feature: 0, Kind: linear.Value, Scale: 1}, {Feature: 1, Kind: linear.Value, Mean: 100, Scale: 1}}})
	margin := func(note string, income float64) float64 {
		sum := -0.5 + 0.01*(income-100)
		for _, w := range strings.Fields(strings.ToLower(note)) {
			sum += weigh[w]
		}
		return sum
	}
	const row = `{"row": {"note": "paid late", "income": 100}, "predicted": "true", "change": `
	for _, tc := range []struct {
		name, change string
		to           map[string]string // as JSON; nil: none is found
		distance     float64
	}{
		{"a text among others", `{"note": {"among": ["late", "Paid, he said", "paid"]}}`, map[string]string{"note": `"Paid, he said"`}, 1},
		{"a number before a text", `{"note": {"among": ["paid"]}, "income": {"from": 0, "to": 1000}}`, map[string]string{"income": "260.0"}, 0.16},
		{"a text before a number that goes further than it may", `{"note": {"among": ["paid"]}, "income": {"from": 0, "to": 200}}`, map[string]string{"note": `"paid"`}, 1},
		{"both together", `{"note": {"among": ["paid late twice", "nothing known"]}, "income": {"from": 100, "to": 200}}`, map[string]string{"note": `"nothing known"`, "income": "150.00"}, 1.5},
		{"no text helps", `{"note": {"among": ["late", "", "PAID late"]}}`, nil, 0},
	} {
		got, text := asked(t, r, row+tc.change+"}")
		if got.Found != (tc.to != nil) || len(got.Changes) != len(tc.to) || tc.to != nil && math.Abs(*got.Distance-tc.distance) > 1e-12 {
			t.Errorf("%s: got %s", tc.name, text)
			continue
		}
		note, income := "paid late", 100.0
		for name, want := range tc.to {
			if to := string(got.Changes[name].To); to != want {
				t.Errorf("%s: %s becomes %s, want %s", tc.name, name, to, want)
			}
		}
		if tc.to == nil {
			continue
		}
		if c, changed := got.Changes["note"]; changed {
			if err := json.Unmarshal(c.To, &note); err != nil {
				t.Fatal(err)
			}
		}
		if c, changed := got.Changes["income"]; changed {
			if err := json.Unmarshal(c.To, &income); err != nil {
				t.Fatal(err)
			}
		}
		if want := 1 / (1 + math.Exp(-margin(strings.ReplaceAll(note, ",", ""), income))); math.Abs(*got.After.Score-want) > 1e-9 {
			t.Errorf("%s: scored %v, by hand %v", tc.name, *got.After.Score, want)
		}
	}
	if status, text := r.call("/v1/models/scorer/counterfactual", row+`{"note": {}}}`); status != 400 || !strings.Contains(text, "has to list") {
		t.Errorf("no text listed: got %d %s", status, text)
	}
}

// TestCounterfactualOfManyCategories: of a column of 2,000 categories only those that are listed are looked at, in the order in which they are listed; all may be listed, and the model is asked of each.
func TestCounterfactualOfManyCategories(t *testing.T) {
	const many = 2000
	levels, listed, good := make([]string, many), make([]string, many), []int32{}
	for i := range levels {
		levels[i] = fmt.Sprintf("shop %04d", i)
		listed[i] = fmt.Sprintf("%q", levels[i])
		if i%700 == 699 {
			good = append(good, int32(i))
		}
	}
	s := model.Signature{Task: schema.Binary, Target: "repaid", Classes: []string{"false", "true"}, Features: []model.Feature{{Name: "shop", Type: "varchar", Levels: levels}, {Name: "income", Type: "integer"}}}
	leaf := func(x float32) xgboost.Node {
		return xgboost.Node{Left: xgboost.NoChild, Right: xgboost.NoChild, Value: x, Hessian: 10}
	}
	e, err := model.NewTrees(&xgboost.Model{Objective: xgboost.Logistic, BaseScore: []float32{0.5}, NumFeature: 2, TreeClass: []int32{0, 0}, Trees: []xgboost.Tree{
		{Nodes: []xgboost.Node{{Left: 1, Right: 2, Parent: -1, Feature: 0, Categories: good, DefaultLeft: true, Hessian: 20}, leaf(-1), leaf(1)}},
		{Nodes: []xgboost.Node{{Left: 1, Right: 2, Parent: -1, Feature: 1, Value: 500, Hessian: 20}, leaf(-0.5), leaf(0.5)}},
	}}, &s)
	if err != nil {
		t.Fatal(err)
	}
	r := serving(t, s, model.Trees, e)
	const row = `{"row": {"shop": "shop 0003", "income": 100}, "predicted": "true", "change": {"shop": {"among": [`
	for _, tc := range []struct {
		name  string
		among []string
		to    string // empty: none is found
		looks int
	}{
		{"all, the first that is decided so", listed, `"shop 0699"`, 699}, // without its own
		{"some, in their order", []string{`"shop 0003"`, `"shop 1500"`, `"shop 1399"`, `"shop 0699"`}, `"shop 1399"`, 2},
		{"none that is decided so", listed[:600], "", 599},
	} {
		got, text := asked(t, r, row+strings.Join(tc.among, ", ")+`]}}}`)
		if got.Found != (tc.to != "") || got.Looked != tc.looks || string(got.Changes["shop"].To) != tc.to {
			t.Errorf("%s: got %.300s", tc.name, text)
		}
	}
	// With a number beside them there are more rows than are looked at: told, with what to do.
	if status, text := r.call("/v1/models/scorer/counterfactual", row+strings.Join(listed, ", ")+`]}, "income": {"from": 0, "to": 1000}}}`); status != 400 || !strings.Contains(text, "rows lie within these bounds") || !strings.Contains(text, "at_most") {
		t.Errorf("too many: got %d %.300s", status, text)
	}
	if got, text := asked(t, r, row+strings.Join(listed, ", ")+`]}, "income": {"from": 0, "to": 1000}}, "at_most": 1}`); !got.Found {
		t.Errorf("one at a time: got %.300s", text)
	}
	if status, text := r.call("/v1/models/scorer/counterfactual", row+`"shop 2000"]}}}`); status != 400 || !strings.Contains(text, "no category that the model was trained on") {
		t.Errorf("an unknown category: got %d %s", status, text)
	}
}
