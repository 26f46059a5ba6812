package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// exploring is the release of the model with that limit, by a deployment with the key and exploration.
func (s *store) exploring(limit int, key, exploration string) {
	s.release("scorer", limit, fmt.Sprint(limit, " binary_classification"))
	signature := &schema.Model{Task: schema.Binary, Features: (&stepModel{}).Inputs()}
	s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(limit), From: "train.model", Signature: signature, Config: json.RawMessage(`{"key": [` + key + `], "exploration": ` + exploration + `}`)})
}

// answersOf are the answers for rows, and what is logged of them.
func answersOf(t *testing.T, r *running, kept *sink, rows string) (answers []prediction, logged []map[string]any) {
	t.Helper()
	kept.mu.Lock()
	kept.rows = nil
	kept.mu.Unlock()
	status, body := r.call("/v1/models/scorer/predict", rows)
	var answer predictAnswer
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 {
		t.Fatalf("got %d %s (%v)", status, body, err)
	}
	kept.mu.Lock() // a shadow's rows may still come
	defer kept.mu.Unlock()
	for _, text := range kept.rows {
		var row map[string]any
		if err := json.Unmarshal([]byte(text), &row); err != nil {
			t.Fatal(err)
		}
		logged = append(logged, row)
	}
	return answer.Predictions, logged
}

// TestExploration: of rows that the model decides positive a share is decided otherwise, a key always alike; answer and log say what was decided, by whom, with which chance, and what the model decides.
func TestExploration(t *testing.T) {
	s, kept := newStore(t), &sink{}
	s.exploring(100, `"customer"`, `{"share": 0.2}`)
	r := start(t, s, func(o *Options) { o.Predictions = kept })
	names := customers(3000)
	first, logged := answersOf(t, r, kept, payments(names...))
	explored := 0
	for i, p := range first {
		want := prediction{Predicted: "true", ModelPredicted: "true", Arm: "model"}
		chance := 0.8
		if p.Arm == "explored" {
			want.Predicted, want.Arm, chance = "false", "explored", 0.2
			explored++
		}
		if p.Predicted != want.Predicted || p.ModelPredicted != want.ModelPredicted || p.Arm != want.Arm || p.Propensity == nil || *p.Propensity != chance || *p.Score != 0.6 {
			t.Fatalf("row %d: got %+v, want %+v with the chance %v", i, p, want, chance)
		}
		if l := logged[i]; l["predicted"] != p.Predicted || l["model_predicted"] != "true" || l["arm"] != p.Arm || l["propensity"] != chance || l["score"] != 0.6 {
			t.Fatalf("row %d is logged as %v", i, l)
		}
	}
	if math.Abs(float64(explored)-600) > 100 { // four and a half standard deviations
		t.Errorf("%d of 3,000 rows are explored, want about 600", explored)
	}
	for i, p := range first[:40] {
		if again, _ := answersOf(t, r, kept, payments(names[i])); again[0].Arm != p.Arm {
			t.Errorf("%s is decided otherwise when it is asked for again", names[i])
		}
	}
	// What the model decides otherwise, or cannot decide, is no matter of chance.
	few, logged := answersOf(t, r, kept, strings.Replace(payments(names[:300]...), `"amount":60`, `"amount":10`, 299))
	for i, p := range few[:299] {
		if p.Predicted != "false" || p.Arm != "model" || *p.Propensity != 1 {
			t.Errorf("row %d: got %+v, want what the model decides for sure", i, p)
		}
	}
	if status, text := r.call("/metrics", ""); status != 200 || !strings.Contains(text, `mlp_serve_explored_total{model="scorer",version="000000000100"}`) {
		t.Error("explored rows are not counted")
	}
	_, text := r.call("/v1/models/scorer/openapi.json", "")
	if !strings.Contains(text, `"model_predicted"`) {
		t.Error("the schema of answers does not tell of what the model decides")
	}
	status, text := r.call("/v2/models/scorer/infer", `{"inputs": [`+tensors(`"c1"`)+`]}`)
	if status != 200 || !strings.Contains(text, `"name":"propensity"`) || !strings.Contains(text, `"name":"arm"`) {
		t.Errorf("infer: got %d %s", status, text)
	}
}

// tensors are the inputs of one row of a customer.
func tensors(customer string) string {
	var all []string
	for _, x := range [][3]string{{"customer", "BYTES", customer}, {"amount", "FP64", "60"}, {"items", "INT32", "2"}, {"merchant", "BYTES", `"M1"`}, {"known", "BOOL", "false"}, {"paid_at", "BYTES", `"2024-05-01T12:00:00Z"`}} {
		all = append(all, fmt.Sprintf(`{"name": %q, "shape": [1], "datatype": %q, "data": [%s]}`, x[0], x[1], x[2]))
	}
	return strings.Join(all, ",")
}

// TestExplorationLimits: rows within a limit, and those whose value is null, are decided as the model does, with the chance 1.
func TestExplorationLimits(t *testing.T) {
	s, kept := newStore(t), &sink{}
	s.exploring(100, `"customer"`, `{"share": 0.5, "never": [{"name": "amount", "above": 80}, {"name": "merchant", "among": ["a"]}, {"name": "known", "among": ["false"]}, {"name": "score", "below": 0.55}]}`)
	r := start(t, s, func(o *Options) { o.Predictions = kept })
	rows := payments(customers(60)...)
	for _, tc := range []struct {
		old, new string
		drawn    bool
	}{
		{"", "", true}, {`"amount":60`, `"amount":80`, true}, {`"amount":60`, `"amount":81`, false}, {`"amount":60`, `"amount":54`, false},
		{`"merchant":"M1"`, `"merchant":"a"`, false}, {`"merchant":"M1"`, `"merchant":null`, false}, {`"known":true`, `"known":false`, false}, {`"known":true`, `"known":null`, false},
	} {
		answers, _ := answersOf(t, r, kept, replaced(rows, tc.old, tc.new))
		drawn := 0
		for _, p := range answers {
			if p.Arm == "explored" {
				drawn++
			}
			if want := map[bool]float64{true: 0.5, false: 1}[tc.drawn]; *p.Propensity != want {
				t.Errorf("%s: got the chance %v, want %v", tc.new, *p.Propensity, want)
			}
		}
		if (drawn > 0) != tc.drawn {
			t.Errorf("%s: %d of 60 rows are explored", tc.new, drawn)
		}
	}
}

// replaced is a text with another in the place of one, which may be none.
func replaced(text, old, new string) string {
	if old == "" {
		return text
	}
	return strings.ReplaceAll(text, old, new)
}

// TestExplorationByRequest: each row is drawn by itself, and a request that comes again under its id is answered as before.
func TestExplorationByRequest(t *testing.T) {
	s, kept := newStore(t), &sink{}
	s.exploring(100, `"customer"`, `{"share": 0.5, "by": "request"}`)
	r := start(t, s, func(o *Options) { o.Predictions = kept })
	same := make([]string, 40)
	for i := range same {
		same[i] = "c1"
	}
	arms := map[string]int{}
	answers, logged := answersOf(t, r, kept, payments(same...))
	for _, p := range answers {
		arms[p.Arm]++
	}
	if arms["model"] == 0 || arms["explored"] == 0 || logged[0]["propensity"] != 0.5 {
		t.Errorf("rows of one customer: got %v", arms)
	}
}

// TestExplorationChanges: another share of the same model is followed without loading it again; a release whose exploration is impossible is not served.
func TestExplorationChanges(t *testing.T) {
	s, kept := newStore(t), &sink{}
	s.release("scorer", 100, "100 binary_classification")
	s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(100), From: "train.model", Config: json.RawMessage(`{"key":["customer"]}`)})
	r := start(t, s, func(o *Options) { o.Predictions = kept })
	if answers, logged := answersOf(t, r, kept, payments("c1")); answers[0].Arm != "" || logged[0]["propensity"] != nil {
		t.Errorf("without exploration: got %+v, logged as %v", answers[0], logged[0])
	}
	s.forbid()
	s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(100), From: "train.model", Config: json.RawMessage(`{"key":["customer"],"exploration":{"share":0.5}}`)})
	r.eventually("the exploration", func() bool { a, _ := answersOf(t, r, kept, payments("c1")); return a[0].Arm != "" })
	if !strings.Contains(r.log.String(), `of rows that it decides \"true\", 50 % are decided \"false\", by chance`) {
		t.Errorf("the log does not tell: %s", r.log.String())
	}
	s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(100), From: "train.model", Config: json.RawMessage(`{"key":["customer"],"exploration":{"share":0.5,"of":"maybe"}}`)})
	r.eventually("that it is impossible", func() bool { return strings.Contains(r.log.String(), `keeps the key and the exploration of before`) })
}

// TestExplorationOfRoutes: a canary explores by its own release beside a live model that does not; a shadow decides nothing, so that its rows have no chance.
func TestExplorationOfRoutes(t *testing.T) {
	for _, tc := range []struct {
		role schema.RouteRole
		want string // of the rows of the candidate
	}{{schema.CanaryRoute, "[explored model]"}, {schema.ShadowRoute, "[<nil>]"}} {
		s, kept := newStore(t), &sink{}
		s.release("scorer", 100, "100 binary_classification")
		s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(100), From: "train.model", Config: json.RawMessage(`{"key":["customer"]}`)})
		s.rollOut("scorer", 110, "110 binary_classification", tc.role, 50)
		live := s.releases["deploy.scorer"]
		live.Rollout.Next.Config = json.RawMessage(`{"key":["customer"],"exploration":{"share":0.5}}`)
		s.set("scorer", live)
		r := start(t, s, func(o *Options) { o.Predictions = kept })
		answersOf(t, r, kept, payments(customers(80)...))
		arms := map[string]bool{}
		count := func() int {
			kept.mu.Lock()
			defer kept.mu.Unlock()
			n := 0
			for _, text := range kept.rows {
				var row map[string]any
				if json.Unmarshal([]byte(text), &row) == nil && row["route"] == string(tc.role) {
					if has := row["rollout"] != nil && row["rollout_share"] == 50.0; has != (tc.role == schema.CanaryRoute) {
						t.Fatalf("%s: the rollout of a row is logged as %v at %v %%", tc.role, row["rollout"], row["rollout_share"])
					}
					arms[fmt.Sprint(row["arm"])] = true
					n++
				}
			}
			return n
		}
		r.eventually("rows of the candidate", func() bool { return count() > 20 })
		if got := fmt.Sprint(sortedNames(arms)); got != tc.want {
			t.Errorf("%s: got the arms %s, want %s", tc.role, got, tc.want)
		}
	}
}
