package suite

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// TestResultsOf: each stage, gate and release of an apply has one result, whatever became of it, at its block.
func TestResultsOf(t *testing.T) {
	block := source.Range{File: "a.mlp", Start: source.Pos{Line: 7, Column: 1}}
	var run engine.Replay
	for _, e := range []engine.Event{
		engine.RunStarted{Pipeline: "p", Workspace: "default"},
		engine.StageDone{NodeResult: engine.NodeResult{Address: "source.s", Status: engine.Ran, Duration: time.Second}},
		engine.StageDone{NodeResult: engine.NodeResult{Address: "check.c", Status: engine.Ran}},
		engine.CheckDecided{Address: "check.c", CheckResult: engine.CheckResult{Failed: 2}, Block: block},
		engine.StageDone{NodeResult: engine.NodeResult{Address: "check.d", Status: engine.Ran}},
		engine.CheckDecided{Address: "check.d", CheckResult: engine.CheckResult{Passed: true}, Block: block},
		engine.StageFailed{Address: "train.s", Failure: &engine.Failure{Kind: "exit", Summary: "no rows", Detail: "give more", Tail: []string{"a", "b"}}, Block: block},
		engine.StageFailed{Address: "train.t", Failure: &engine.Failure{Kind: "exit", Summary: "no rows", Tail: []string{"a", "b"}}, Block: block},
		engine.UnitBlocked{Unit: engine.Unit{Kind: engine.StageUnit, Address: "deploy.d"}, By: []string{"train.t"}},
		engine.UnitBlocked{Unit: engine.Unit{Kind: engine.ReleaseUnit, Address: "deploy.d"}, By: []string{"train.t"}},
		engine.GateDecided{GateResult: engine.GateResult{Address: "gate.a", Status: engine.GateWaits, Missing: []string{"risk"}}},
		engine.GateDecided{GateResult: engine.GateResult{Address: "gate.b", Status: engine.GatePassed}},
		engine.GateDecided{GateResult: engine.GateResult{Address: "gate.d", Status: engine.GateFailed, Rules: []plan.Rule{
			{Name: "good", Assert: "x > 1", Verdict: plan.Fail}, {Name: "told", Severity: "warn", Verdict: plan.Fail}, {Name: "fine", Verdict: plan.Pass}}}},
		engine.ReleaseDecided{ReleaseResult: engine.ReleaseResult{Address: "deploy.e", Status: engine.Changed}},
		engine.ReleaseDecided{ReleaseResult: engine.ReleaseResult{Address: "deploy.f", Status: engine.Failed, Failure: &engine.Failure{Kind: "deploy", Summary: "refused", Detail: "403"}}},
		engine.RunEnded{ExitCode: 1, NotStarted: []engine.Unit{
			{Kind: engine.StageUnit, Address: "evaluate.e"}, {Kind: engine.GateUnit, Address: "gate.c"}, {Kind: engine.ReleaseUnit, Address: "deploy.g"},
		}},
	} {
		run.Add(e)
	}
	var got []string
	for _, r := range ResultsOf(&run) {
		text := fmt.Sprintf("%s %s %s:%d", r.Status, r.Name, r.File, r.Line)
		for _, f := range r.Failures {
			text += fmt.Sprintf(" [%s: %s %q]", f.Kind, f.Summary, f.Detail)
		}
		got = append(got, text)
	}
	want := []string{
		`failed check.c p/default:7 [check: the check failed: 2 of its expectations do not hold ""]`,
		`passed check.d p/default:7`,
		`skipped deploy.d p/default:0 [blocked: held by train.t ""]`,
		`skipped evaluate.e p/default:0 [not_started: the apply ended before ""]`,
		`passed source.s p/default:0`,
		`error train.s p/default:7 [exit: no rows "give more"]`,
		`error train.t p/default:7 [exit: no rows "a\nb"]`,
		`failed gate.a p/default:0 [approval: waits for the approval risk ""]`,
		`passed gate.b p/default:0`,
		`skipped gate.c p/default:0 [not_started: the apply ended before ""]`,
		`failed gate.d p/default:0 [gate: the gate does not let pass "good: x > 1"]`,
		`skipped release of deploy.d p/default:0 [blocked: held by train.t ""]`,
		`passed release of deploy.e p/default:0`,
		`error release of deploy.f p/default:0 [deploy: refused "403"]`,
		`skipped release of deploy.g p/default:0 [not_started: the apply ended before ""]`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
