package decide

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// env is what the rules of these tests see: an evaluation with a comparison, a variable and the champion.
func env() *schema.FigureType {
	figures := schema.Object(map[string]*schema.FigureType{
		"metrics": schema.KeyedMap(schema.Double, "auc", "recall"),
		"delta":   schema.MapOf(schema.Object(map[string]*schema.FigureType{"value": schema.Double, "low": schema.Double})),
		"rows":    schema.Double,
	})
	return schema.Object(map[string]*schema.FigureType{
		"evaluate": schema.Object(map[string]*schema.FigureType{"e": figures}),
		"variable": schema.Object(map[string]*schema.FigureType{"least": schema.Double}),
		"champion": schema.Object(map[string]*schema.FigureType{"exists": schema.Flag, "comparable": schema.Flag}),
	})
}

func sources(absent bool) []plan.FigureSource {
	return []plan.FigureSource{
		{Path: "evaluate.e", Node: "evaluate.e"},
		{Path: "evaluate.e.delta", Node: "evaluate.e@champion", Pick: "delta", Absent: absent},
	}
}

func from(known map[string]string) Figures {
	return func(node string) (json.RawMessage, bool) {
		v, ok := known[node]
		return json.RawMessage(v), ok
	}
}

const (
	own   = `{"rows": 100, "metrics": {"auc": 0.9, "recall": null}, "undefined": {"metrics.recall": "no positives"}}`
	other = `{"rows": 7, "delta": {"auc": {"value": 0.02, "low": -0.01}, "recall": {"value": null, "low": null}}, "metrics": {"auc": 0.1}, "undefined": {"delta.recall.low": "no positives", "metrics.recall": "of the champion"}}`
)

func TestRuleVerdicts(t *testing.T) {
	both := map[string]string{"evaluate.e": own, "evaluate.e@champion": other}
	tests := []struct {
		name, assert string
		figures      map[string]string
		absent       bool
		verdict      plan.RuleVerdict
		residual     string
		values       string
		reason       string // part of it
	}{
		{name: "holds", assert: "evaluate.e.metrics.auc >= variable.least", figures: both, verdict: plan.Pass,
			values: "evaluate.e.metrics.auc=0.9 variable.least=0.7"},
		{name: "does not hold", assert: "evaluate.e.metrics.auc > 0.95", figures: both, verdict: plan.Fail, values: "evaluate.e.metrics.auc=0.9"},
		{name: "not known yet", assert: "evaluate.e.metrics.auc >= variable.least", verdict: plan.Open,
			residual: "evaluate.e.metrics.auc >= 0.7", values: "variable.least=0.7"},
		{name: "settled without what is not known", assert: "!champion.comparable || evaluate.e.metrics.auc > 2.0", verdict: plan.Pass,
			values: "champion.comparable=false"},
		{name: "undefined, with its reason", assert: "evaluate.e.metrics.recall > 0.5", figures: both, verdict: plan.RuleError, reason: "no positives"},
		{name: "missing", assert: "evaluate.e.metrics.recall > 0.5", figures: map[string]string{"evaluate.e": `{"metrics":{"auc":1}}`},
			verdict: plan.RuleError, reason: "evaluate.e.metrics.recall"},
		{name: "the champion's delta joins the evaluation", assert: "evaluate.e.delta.auc.low > -0.05 && evaluate.e.rows == 100.0", figures: both,
			verdict: plan.Pass, values: "evaluate.e.delta.auc.low=-0.01 evaluate.e.rows=100"},
		{name: "the reason of a delta", assert: "evaluate.e.delta.recall.low > 0.0", figures: both, verdict: plan.RuleError, reason: "no positives"},
		{name: "no champion", assert: "evaluate.e.delta.auc.low > 0.0", figures: map[string]string{"evaluate.e": own}, absent: true,
			verdict: plan.RuleError, reason: "evaluate.e.delta"},
		{name: "a champion that is not scored yet", assert: "evaluate.e.delta.auc.low > 0.0", figures: map[string]string{"evaluate.e": own},
			verdict: plan.Open, residual: "evaluate.e.delta.auc.low > 0"},
	}
	known := rule.NewCache()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules := &plan.Rules{Env: env(), Figures: sources(tt.absent), Rules: []plan.Rule{{Name: "r", Assert: tt.assert}},
				Known: json.RawMessage(`{"variable":{"least":0.7},"champion":{"exists":false,"comparable":false}}`)}
			res, err := Rules(rules, from(tt.figures))
			if err != nil {
				t.Fatal(err)
			}
			got := res.Rules[0]
			if got.Verdict != tt.verdict || got.Residual != tt.residual || !strings.Contains(got.Reason, tt.reason) || (tt.reason == "") != (got.Reason == "") {
				t.Errorf("got %s, residual %q, reason %q", got.Verdict, got.Residual, got.Reason)
			}
			var values []string
			for _, v := range got.Values {
				values = append(values, v.Path+"="+string(v.Value))
			}
			if s := strings.Join(values, " "); tt.values != "" && s != tt.values {
				t.Errorf("values: got %s, want %s", s, tt.values)
			}
			for range 2 { // the second time the rule is known
				d, err := NewRemembering(known, rules, from(tt.figures))
				if err != nil {
					t.Fatal(err)
				}
				if again, err := d.Rules(rules); err != nil || !reflect.DeepEqual(again, res) {
					t.Errorf("with rules remembered: got %+v, %v, want %+v", again, err, res)
				}
			}
		})
	}
}

func TestVerdictOfAll(t *testing.T) {
	const pass, fail, open, broken = "1.0 < 2.0", "false", "evaluate.x.metrics.auc > 0.5", "evaluate.e.metrics.recall > 0.5"
	tests := []struct {
		asserts []string
		warn    int // index of the rule that only warns; -1: none
		want    plan.RuleVerdict
	}{
		{nil, -1, plan.Pass},
		{[]string{pass}, -1, plan.Pass},
		{[]string{pass, open}, -1, plan.Open},
		{[]string{open, broken}, -1, plan.RuleError},
		{[]string{fail, broken, open}, -1, plan.Fail},
		{[]string{pass, fail}, 1, plan.Pass},
		{[]string{open, broken}, 1, plan.Open},
	}
	e := env()
	e.Fields["evaluate"].Fields["x"] = e.Fields["evaluate"].Fields["e"]
	for _, tt := range tests {
		rules := &plan.Rules{Env: e, Figures: append(sources(true), plan.FigureSource{Path: "evaluate.x", Node: "evaluate.x"})}
		for i, a := range tt.asserts {
			severity := "fail"
			if i == tt.warn {
				severity = "warn"
			}
			rules.Rules = append(rules.Rules, plan.Rule{Name: fmt.Sprint(i), Assert: a, Severity: severity})
		}
		res, err := Rules(rules, from(map[string]string{"evaluate.e": own}))
		if err != nil {
			t.Fatal(err)
		}
		if res.Verdict != tt.want || res.Complete {
			t.Errorf("%v: got %s, complete %t, want %s", tt.asserts, res.Verdict, res.Complete, tt.want)
		}
	}
}

// What decisions and approvals are bound to does not depend on how figures are spelt.
func TestValuesAreCanonical(t *testing.T) {
	values := func(figures string) string {
		d, err := New(&plan.Rules{Env: env(), Figures: sources(true)[:1]}, from(map[string]string{"evaluate.e": figures}))
		if err != nil {
			t.Fatal(err)
		}
		if !d.Complete {
			t.Error("all figures are known, got incomplete")
		}
		return string(d.Values)
	}
	got, want := values(`{ "rows": 2, "metrics": {"recall": 1, "auc": 0.5} }`), `{"evaluate":{"e":{"metrics":{"auc":0.5,"recall":1},"rows":2}}}`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRulesThatCannotBePutTogether(t *testing.T) {
	tests := map[string]struct {
		rules   plan.Rules
		figures string
		want    string
	}{
		"figures that are no JSON": {plan.Rules{Env: env(), Figures: sources(true)}, `{"rows":`, "figures of evaluate.e"},
		"figures that are a list":  {plan.Rules{Env: env(), Figures: sources(true)}, `[1]`, "figures of evaluate.e"},
		"known values, broken":     {plan.Rules{Env: env(), Known: json.RawMessage(`{`)}, own, "known values"},
		"a value at the root":      {plan.Rules{Env: env(), Figures: []plan.FigureSource{{Node: "check.c", Pick: "rows"}}}, own, "root"},
		"a rule that is none":      {plan.Rules{Env: env(), Rules: []plan.Rule{{Name: "r", Assert: "1.0 >"}}}, own, `rule "1.0 >"`},
		"a path that is not there": {plan.Rules{Env: env(), Rules: []plan.Rule{{Name: "r", Assert: "evaluate.f.rows > 1.0"}}}, own, "rule"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Rules(&tt.rules, func(string) (json.RawMessage, bool) { return json.RawMessage(tt.figures), true })
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that holds %q", err, tt.want)
			}
		})
	}
}

func TestCondition(t *testing.T) {
	d, err := New(&plan.Rules{Env: env(), Figures: sources(true)}, from(nil))
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Condition("evaluate.e.rows > 5.0", source.Range{})
	if err != nil || string(got.Verdict) != string(plan.Open) {
		t.Errorf("got %v, %v", got.Verdict, err)
	}
	if _, err := d.Condition("rows >", source.Range{}); err == nil {
		t.Error("a broken condition: got no error")
	}
}

func TestWorse(t *testing.T) {
	order := []plan.RuleVerdict{plan.Pass, plan.Open, plan.RuleError, plan.Fail}
	for i, a := range order {
		for j, b := range order {
			if got, want := Worse(a, b), order[max(i, j)]; got != want {
				t.Errorf("%s and %s: got %s, want %s", a, b, got, want)
			}
		}
	}
}
