package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model"
)

const loanRow = `"row": {"income": 450, "contract": "month", "member": false, "rate": 3.25}`

// TestCounterfactual: the nearest change of a model that is known by heart. Its margin at the start is log(0.4/0.6) - 1 < 0.
func TestCounterfactual(t *testing.T) {
	r := serving(t, loans, model.Trees, loanTrees(t, 10))
	for _, tc := range []struct {
		name, ask string
		changes   string  // as JSON; empty: none was found
		distance  float64 // of what was found
	}{
		{"a number", `"predicted": "true", "change": {"income": {"from": 0, "to": 1000}}`, `{"income":{"from":450,"to":500}}`, 0.05},
		{"steps are rounded to whole numbers", `"predicted": "true", "change": {"income": {"from": 0, "to": 930}}`, `{"income":{"from":450,"to":502}}`, 52. / 930},
		{"the wrong way", `"predicted": "true", "change": {"income": {"from": 0, "to": 1000, "direction": "decrease"}}`, "", 0},
		{"out of reach", `"predicted": "true", "change": {"income": {"from": 0, "to": 499}, "contract": {"among": ["year"]}}`, "", 0},
		{"of two the nearer", `"predicted": "true", "change": {"contract": {"among": ["year"]}, "income": {"from": 0, "to": 1000, "direction": "increase"}}`, `{"income":{"from":450,"to":500}}`, 0.05},
		{"two together", `"score": {"from": 0.65}, "change": {"contract": {"among": ["month", "year"]}, "income": {"from": 0, "to": 1000}}`, `{"contract":{"from":"month","to":"year"},"income":{"from":450,"to":500}}`, 1.05},
		{"one alone", `"score": {"from": 0.65}, "at_most": 1, "change": {"contract": {"among": ["year"]}, "income": {"from": 0, "to": 1000}}`, "", 0},
		{"what is so already", `"predicted": "false", "change": {"income": {"from": 0, "to": 1000}}`, `{}`, 0},
		{"what changes nothing", `"predicted": "true", "change": {"member": {}, "rate": {"from": 0, "to": 9.99}}`, "", 0},
	} {
		status, text := r.call("/v1/models/scorer/counterfactual", "{"+loanRow+", "+tc.ask+"}")
		var got struct {
			Found    bool
			Distance float64
			Changes  json.RawMessage
			After    *prediction
			Before   prediction
			Looked   int
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 {
			t.Fatalf("%s: got %d %s", tc.name, status, text)
		}
		if err := described(t, r, "CounterfactualRequest", "{"+loanRow+", "+tc.ask+"}"); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if err := described(t, r, "CounterfactualAnswer", text); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if got.Found != (tc.changes != "") || tc.changes != "{}" && string(got.Changes) != tc.changes || math.Abs(got.Distance-tc.distance) > 1e-12 {
			t.Errorf("%s: got %s", tc.name, text)
		}
		if got.Found && tc.changes != "{}" && (got.After == nil || *got.After.Score <= *got.Before.Score || got.Looked == 0) {
			t.Errorf("%s: got %s", tc.name, text)
		}
		if _, again := r.call("/v1/models/scorer/counterfactual", "{"+loanRow+", "+tc.ask+"}"); again != text {
			t.Errorf("%s: got %s, then %s", tc.name, text, again)
		}
	}
}

// TestCounterfactualIsTheNearest: of a line no candidate that is nearer is decided so; the answer, sent as a row, is scored as it says.
func TestCounterfactualIsTheNearest(t *testing.T) {
	r := serving(t, loans, model.Linear, loanLine())
	row := map[string]any{"income": 120.0, "contract": "month", "member": false, "rate": 3.25}
	status, text := r.call("/v1/models/scorer/counterfactual", `{"row": {"income": 120, "contract": "month", "member": false, "rate": 3.25}, "predicted": "true", "change": {"income": {"from": 100, "to": 300}, "contract": {"among": ["year"]}, "rate": {"from": 0, "to": 50}}}`)
	var got counterfactualAnswer
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 || !got.Found || len(got.Changes) != 2 {
		t.Fatalf("got %d %s", status, text)
	}
	// By hand: with the change of contract the margin is 1.7 - 4.2 + …; each of income and rate is tried at all its candidates.
	best := math.Inf(1)
	margin := func(income, year, rate float64) float64 {
		return -0.3 + 1.5*(income-400)/100 + 2*year + 0.125*(rate-3)/2
	}
	for i := range 51 {
		income := 100 + 4*float64(i)
		for k := range 51 {
			rate := float64(k)
			if margin(income, 0, rate) >= 0 {
				best = min(best, math.Abs(income-120)/200+math.Abs(rate-3.25)/50)
			}
			if margin(120, 1, rate) >= 0 {
				best = min(best, 1+math.Abs(rate-3.25)/50)
			}
		}
		if margin(income, 1, 3.25) >= 0 {
			best = min(best, 1+math.Abs(income-120)/200)
		}
	}
	if math.Abs(*got.Distance-best) > 1e-12 {
		t.Errorf("got %s, and the nearest is at %v", text, best)
	}
	for name, c := range got.Changes {
		row[name] = json.RawMessage(c.To)
	}
	data, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	if _, scored := r.call("/v1/models/scorer/predict", `{"rows": [`+string(data)+`]}`); !strings.Contains(scored, fmt.Sprintf(`"score":%v`, *got.After.Score)) {
		t.Errorf("the row that was found is scored %s, the answer says %v", scored, *got.After.Score)
	}
}

func TestCounterfactualRefuses(t *testing.T) {
	r := serving(t, loans, model.Trees, loanTrees(t, 10))
	const income = `"change": {"income": {"from": 0, "to": 1000}}`
	for ask, want := range map[string]string{
		income: `give one of \"predicted\" and \"score\"`,
		`"predicted": "true", "score": {"from": 1}, ` + income:                                               `give one of`,
		`"predicted": "yes", ` + income:                                                                      `there is no class \"yes\"`,
		`"score": {}, ` + income:                                                                             `neither`,
		`"score": {"from": 0.9, "to": 0.1}, ` + income:                                                       `which is nothing`,
		`"predicted": "true"`:                                                                                `names no feature`,
		`"predicted": "true", "change": {"incom": {}}`:                                                       `did you mean \"income\"`,
		`"predicted": "true", "change": {"income": {}}`:                                                      `give \"from\" and a greater \"to\"`,
		`"predicted": "true", "change": {"income": {"from": 5, "to": 5}}`:                                    `give \"from\" and a greater \"to\"`,
		`"predicted": "true", "change": {"income": {"from": 0.5, "to": 5}}`:                                  `whole number`,
		`"predicted": "true", "change": {"income": {"from": 0, "to": 5, "direction": "up"}}`:                 `expected \"increase\" or \"decrease\"`,
		`"predicted": "true", "change": {"income": {"among": [5]}}`:                                          `it is a number`,
		`"predicted": "true", "change": {"contract": {"from": 0, "to": 1}}`:                                  `has no \"from\"`,
		`"predicted": "true", "change": {"contract": {}}`:                                                    `has to list`,
		`"predicted": "true", "change": {"contract": {"among": ["decade"]}}`:                                 `no category that the model was trained on`,
		`"predicted": "true", "change": {"contract": {"among": [null]}}`:                                     `null is no value`,
		`"predicted": "true", "change": {"member": {"among": ["no"]}}`:                                       `expected true or false`,
		`"predicted": "true", "at_most": 3, ` + income:                                                       `one or two features`,
		`"predicted": "true", "bounds": {}, ` + income:                                                       `the body must be`,
		`"predicted": "true", "change": {"income": {"from": 0, "to": 1000}, "income": {"from": 1, "to": 2}}`: `the body must be`,
	} {
		if status, text := r.call("/v1/models/scorer/counterfactual", "{"+loanRow+", "+ask+"}"); status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: got %d %s, want %q", ask, status, text, want)
		}
	}
	for body, want := range map[string]string{`{"predicted": "true"}`: "the body must be", `{"row": {"income": null, "contract": "month", "member": false, "rate": 1}, "predicted": "true", ` + income + `}`: "there is no distance",
		`{"row": {"income": 5}, "predicted": "true", ` + income + `}`: "is missing"} {
		if status, text := r.call("/v1/models/scorer/counterfactual", body); status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: got %d %s, want %q", body, status, text, want)
		}
	}
}
