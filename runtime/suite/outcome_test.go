package suite

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// TestFailuresOfAnApply: what failed in an apply is told with why, unless the test expects it; and what it expects has to fail.
func TestFailuresOfAnApply(t *testing.T) {
	figures := func(text string) json.RawMessage { return json.RawMessage(text) }
	rule := func(name, severity string, verdict plan.RuleVerdict) plan.Rule {
		return plan.Rule{Name: name, Assert: "x  >\n 1", Severity: severity, Verdict: verdict, Values: []plan.FigureSeen{{Path: "x", Value: figures("1")}}}
	}
	reason := rule("broken", "fail", plan.RuleError)
	reason.Values, reason.Reason = nil, "x is missing"
	notNull := figures(`{"failures": [{"column": "a", "expectation": "not_null", "expected": "not null", "observed": "1 row"}]}`)
	for _, tc := range []struct {
		what    string
		ended   engine.Result
		expects []string
		told    string
	}{
		{what: "nothing", ended: engine.Result{Nodes: []engine.NodeResult{{Address: "train.m", Status: engine.Ran}, {Address: "check.c", Check: &engine.CheckResult{Passed: true}}},
			Gates: []engine.GateResult{{Address: "gate.g", Status: engine.GatePassed}, {Address: "gate.w", Status: engine.GateWaits}}, Releases: []engine.ReleaseResult{{Address: "deploy.d", Status: engine.Changed}}}},
		{what: "a stage, with its log", ended: engine.Result{Nodes: []engine.NodeResult{{Address: "train.m", Failure: &engine.Failure{Summary: "exit 1", Tail: []string{"a", "b"}}}}},
			told: "train.m failed: exit 1|a|b"},
		{what: "a stage whose log says the same", ended: engine.Result{Nodes: []engine.NodeResult{{Address: "train.m", Failure: &engine.Failure{Summary: "exit 1", Tail: []string{"error: exit 1"}}}}},
			told: "train.m failed: exit 1"},
		{what: "a stage without a log", ended: engine.Result{Nodes: []engine.NodeResult{{Address: "train.m", Failure: &engine.Failure{Summary: "exit 1", Detail: "see there"}}}},
			told: "train.m failed: exit 1|see there"},
		{what: "a check by its expectations", ended: engine.Result{Nodes: []engine.NodeResult{{Address: "check.c", Check: &engine.CheckResult{Failed: 1}, Figures: notNull}}},
			told: "check.c failed: a not_null: expected not null, observed 1 row"},
		{what: "a check by its rules", ended: engine.Result{Nodes: []engine.NodeResult{{Address: "check.c", Check: &engine.CheckResult{Rules: []plan.Rule{rule("good", "fail", plan.Fail)}}}}},
			told: "check.c failed: good: x > 1|  x = 1"},
		{what: "a check by both", ended: engine.Result{Nodes: []engine.NodeResult{{Address: "check.c", Check: &engine.CheckResult{Failed: 1, Rules: []plan.Rule{reason}}, Figures: notNull}}},
			told: "check.c failed: a not_null: expected not null, observed 1 row|broken: x > 1|  x is missing"},
		{what: "a gate, by the rules that hold it", ended: engine.Result{Gates: []engine.GateResult{{Address: "gate.g", Status: engine.GateFailed,
			Rules: []plan.Rule{rule("fine", "fail", plan.Pass), rule("open", "fail", plan.Open), rule("told", "warn", plan.Fail), rule("bad", "fail", plan.Fail), reason}}}},
			told: "gate.g failed: bad: x > 1|  x = 1|broken: x > 1|  x is missing"},
		{what: "a release", ended: engine.Result{Releases: []engine.ReleaseResult{{Address: "deploy.d", Failure: &engine.Failure{Summary: "refused"}}}},
			told: "deploy.d failed: refused"},
		{what: "several, in order", ended: engine.Result{Nodes: []engine.NodeResult{{Address: "train.m", Failure: &engine.Failure{Summary: "s"}}, {Address: "split.p", Failure: &engine.Failure{Summary: "s"}}}},
			expects: []string{"split.p"}, told: "train.m failed: s"},
		{what: "a check that is given as failed", ended: engine.Result{Nodes: []engine.NodeResult{{Address: "check.c", Check: &engine.CheckResult{}}}}, expects: []string{"check.c"}},
		{what: "a gate that is held", ended: engine.Result{Gates: []engine.GateResult{{Address: "gate.g", Status: engine.GateBlocked}}}, expects: []string{"gate.g"}},
		{what: "what does not fail", ended: engine.Result{Gates: []engine.GateResult{{Address: "gate.g", Status: engine.GateWaits}, {Address: "gate.h", Status: engine.GateBlocked}},
			Nodes: []engine.NodeResult{{Address: "train.m", Status: engine.Ran}}}, expects: []string{"gate.g", "train.m", "deploy.d"},
			told: "gate.g did not fail\ntrain.m did not fail\ndeploy.d did not fail"},
	} {
		r := &run{test: &test{spec: testSpec{ExpectFailures: tc.expects}, ranges: map[string]source.Range{}}, result: &Result{}, ended: &tc.ended}
		r.failures()
		var told []string
		for _, f := range r.result.Failures {
			text := f.Summary
			if f.Detail != "" {
				text += ": " + strings.ReplaceAll(f.Detail, "\n", "|")
			}
			told = append(told, text)
		}
		if d := cmp.Diff(tc.told, strings.Join(told, "\n")); d != "" {
			t.Errorf("%s: %s", tc.what, d)
		}
	}
}
