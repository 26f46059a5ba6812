package decide

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// tested is a hypothesis over two evaluations, a at 0.88 (0.86 to 0.90) and b at 0.91 (0.89 to 0.93), whose difference is 0.03 (0.01 to 0.05).
func tested(t *testing.T, assert string, without ...string) plan.Tested {
	t.Helper()
	ends := schema.Object(map[string]*schema.FigureType{"low": schema.Double, "high": schema.Double})
	within := schema.Object(map[string]*schema.FigureType{"value": schema.Double, "low": schema.Double, "high": schema.Double})
	e := schema.Object(map[string]*schema.FigureType{"metrics": schema.KeyedMap(schema.Double, "auc", "f1"), "intervals": schema.KeyedMap(ends, "auc", "f1"),
		"delta": schema.KeyedMap(within, "auc"), "rows": schema.Double})
	set := &plan.Rules{
		Env: schema.Object(map[string]*schema.FigureType{"evaluate": schema.Object(map[string]*schema.FigureType{"a": e, "b": e, "eu": schema.KeyedMap(e, "eu.west")}),
			"variable": schema.Object(map[string]*schema.FigureType{"least": schema.Double})}),
		Known:   json.RawMessage(`{"variable":{"least":0.9}}`),
		Figures: []plan.FigureSource{{Path: "evaluate.a", Node: "evaluate.a"}, {Path: "evaluate.b", Node: "evaluate.b"}, {Path: "evaluate.eu", Node: "evaluate.eu"}},
		Rules:   []plan.Rule{{Name: "h", Assert: assert}},
	}
	figures := map[string]string{
		"evaluate.a":  `{"rows":100,"metrics":{"auc":0.88,"f1":0.5},"intervals":{"auc":{"low":0.86,"high":0.9},"f1":{"low":null,"high":null}},"undefined":{"intervals.f1.low":"too few rows"}}`,
		"evaluate.b":  `{"rows":100,"metrics":{"auc":0.91,"f1":null},"intervals":{"auc":{"low":0.89,"high":0.93}},"delta":{"auc":{"value":0.03,"low":0.01,"high":0.05}},"undefined":{"metrics.f1":"no positives"}}`,
		"evaluate.eu": `{"eu.west":{"metrics":{"auc":0.8},"intervals":{"auc":{"low":0.7,"high":0.85}}}}`,
	}
	for _, w := range without {
		delete(figures, w)
	}
	got, err := Hypothesis(set, from(figures))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestHypothesis: a claim is supported or refuted only where it is so wherever its figures lie in their intervals.
func TestHypothesis(t *testing.T) {
	for _, tt := range []struct {
		assert    string
		want      plan.HypothesisVerdict
		intervals int
		reason    string
	}{
		{"evaluate.b.metrics.auc > 0.85", plan.Supported, 1, ""},
		{"evaluate.b.metrics.auc > variable.least", plan.Undecided, 1, "holds and does not hold"},
		{"evaluate.b.metrics.auc > 0.95", plan.Refuted, 1, ""},
		{"evaluate.b.metrics.auc - evaluate.a.metrics.auc > 0.0", plan.Undecided, 2, "holds and does not hold"},
		{"evaluate.b.metrics.auc - evaluate.a.metrics.auc > -0.02", plan.Supported, 2, ""},
		{"evaluate.b.delta.auc.low > 0.0", plan.Supported, 1, ""},
		{"evaluate.b.delta.auc.value > 0.0", plan.Supported, 1, ""},
		{"evaluate.b.delta.auc.low > 0.02", plan.Undecided, 1, "holds and does not hold"},
		{"evaluate.b.delta.auc.low > 0.06", plan.Refuted, 1, ""},
		{"evaluate.b.intervals.auc.low > 0.88 && evaluate.b.metrics.auc > 0.88", plan.Supported, 1, ""},
		{"evaluate.a.metrics.auc > 0.87 || evaluate.b.delta.auc.low > 0.02", plan.Undecided, 2, "holds and does not hold"}, // the second is read at an end alone
		{"evaluate.eu[\"eu.west\"].metrics.auc > 0.75", plan.Undecided, 1, "holds and does not hold"},
		{"evaluate.a.rows > 50.0", plan.Supported, 0, "no interval is known of evaluate.a.rows"},
		{"evaluate.a.rows > 500.0", plan.Refuted, 0, "no interval is known of evaluate.a.rows"},
		{"evaluate.a.metrics.f1 > 0.1", plan.Undecided, 0, "the interval of evaluate.a.metrics.f1 is undefined: too few rows"},
		{"evaluate.b.metrics.f1 > 0.1", plan.Undecided, 0, "no positives"},
		{"evaluate.a.delta.auc.low > 0.0", plan.Undecided, 0, "evaluate.a.delta"},
	} {
		got := tested(t, tt.assert)
		if got.Verdict != tt.want || len(got.Intervals) != tt.intervals || !strings.Contains(got.Reason, tt.reason) || (tt.reason == "") != (got.Reason == "") {
			t.Errorf("%s: got %s, %v, %q", tt.assert, got.Verdict, got.Intervals, got.Reason)
		}
	}
	if got := tested(t, "evaluate.b.metrics.auc > evaluate.a.metrics.auc", "evaluate.a"); got.Verdict != plan.Undecided || got.Reason != "waits for evaluate.a" {
		t.Errorf("of figures that are not there: got %s, %q", got.Verdict, got.Reason)
	}
	// What is known already decides where the rest cannot matter.
	if got := tested(t, "evaluate.b.metrics.auc < 0.5 && evaluate.a.metrics.auc > 0.0", "evaluate.a"); got.Verdict != plan.Refuted {
		t.Errorf("of figures that do not matter: got %s, %q", got.Verdict, got.Reason)
	}
}
