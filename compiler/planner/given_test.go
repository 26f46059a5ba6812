package planner

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
)

func (w *world) planGiven(given map[string]Given) *plan.Plan {
	w.t.Helper()
	o := w.options()
	o.Given = given
	p, diags := Make(context.Background(), w.module(fraud), o)
	if diags.HasErrors() {
		w.t.Fatalf("%+v", diags)
	}
	return p
}

func figures(text string) Given {
	return Given{Outputs: map[string]plan.Digest{"figures": digest.Of([]byte(text))}, Figures: json.RawMessage(text)}
}

// TestGivenResultsRestOnNothing holds that a gate is decided on figures that are given, though neither data nor model is
// there, and that only what is given counts as known.
func TestGivenResultsRestOnNothing(t *testing.T) {
	w := newWorld(t)
	w.data["raw.csv"] = "1,2,true"
	for _, tt := range []struct {
		name  string
		given map[string]Given
		gate  plan.RuleVerdict
		train plan.Verdict
	}{
		{"nothing", nil, plan.Open, plan.Run},
		{"good figures", map[string]Given{"evaluate.e": figures(`{"metrics":{"auc":0.8}}`)}, plan.Pass, plan.Run},
		{"bad figures", map[string]Given{"evaluate.e": figures(`{"metrics":{"auc":0.6}}`)}, plan.Fail, plan.Run},
		{"no figures", map[string]Given{"evaluate.e": figures(`{}`)}, plan.RuleError, plan.Run},
		{"a check that fails by its rules", map[string]Given{"check.enough": figures(`{"rows":5,"failed":0}`)}, plan.Open, plan.Blocked},
		{"a check that passed whatever its rules say", map[string]Given{"check.enough": {Figures: json.RawMessage(`{"failed":0}`), NoRules: true}}, plan.Open, plan.Run},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := w.planGiven(tt.given)
			if p.Gates[0].Verdict != tt.gate || p.Node("train.m").Verdict != tt.train {
				t.Errorf("got %s and %s, want %s and %s", p.Gates[0].Verdict, p.Node("train.m").Verdict, tt.gate, tt.train)
			}
			for address := range tt.given {
				n := p.Node(address)
				if n.Verdict != plan.Cached || n.Fingerprint == "" || len(n.Inputs) != 1 || n.Inputs[0].From != "" {
					t.Errorf("%s is %s with inputs %v, want it cached and resting on nothing else", address, n.Verdict, n.Inputs)
				}
			}
		})
	}
}

// TestGivenTable holds that other rows are told as a cause, and the same ones are not.
func TestGivenTable(t *testing.T) {
	w := newWorld(t)
	w.figures["check.enough"], w.figures["evaluate.e"] = `{"rows":100,"failed":0}`, `{"metrics":{"auc":0.9}}`
	table := func(rows string) map[string]Given {
		return map[string]Given{"source.raw": {Outputs: map[string]plan.Digest{"table": digest.Of([]byte(rows))}}}
	}
	p := w.planGiven(table("a"))
	if got := p.Node("dataset.clean").Inputs[0].Digest; got != digest.Of([]byte("a")) {
		t.Errorf("what takes it gets %s", got)
	}
	w.actions[p.Node("source.raw").Fingerprint] = &plan.Action{Outputs: table("a")["source.raw"].Outputs}
	w.apply(p)
	if p = w.planGiven(table("a")); p.Node("dataset.clean").Verdict != plan.Cached || len(p.Node("source.raw").Causes) > 0 {
		t.Errorf("the same rows: got %s and %v, want it cached and no cause", p.Node("dataset.clean").Verdict, p.Node("source.raw").Causes)
	}
	p = w.planGiven(table("b"))
	kinds := []plan.CauseKind{}
	for _, c := range p.Node("source.raw").Causes {
		kinds = append(kinds, c.Kind)
	}
	if diff := cmp.Diff([]plan.CauseKind{plan.DataCause}, kinds); diff != "" || p.Node("dataset.clean").Verdict != plan.Run {
		t.Errorf("other rows: got %v and %s, want data as the cause, and a run", kinds, p.Node("dataset.clean").Verdict)
	}
}

// TestGivenComparison holds that the comparison with a champion can be given where the evaluation is.
func TestGivenComparison(t *testing.T) {
	w := applied(t)
	given := map[string]Given{
		"evaluate.e":          figures(`{"metrics":{"auc":0.8}}`),
		"evaluate.e@champion": {Figures: json.RawMessage(`{"delta":{"auc":{"low":-0.2}}}`)},
	}
	w.data["raw.csv"] = "2,3,false" // so that there is another candidate
	p := w.planGiven(given)
	i := slices.IndexFunc(p.Gates[0].Rules.Rules, func(r plan.Rule) bool { return r.Name == "not worse" })
	if got := p.Gates[0].Rules.Rules[i].Verdict; got != plan.Fail {
		t.Errorf("got %s, want the rule to fail on the given comparison", got)
	}
	delete(given, "evaluate.e@champion")
	if p = w.planGiven(given); p.Node("evaluate.e@champion") != nil {
		t.Error("a champion is scored on rows that nobody knows")
	}
}
