package suite

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/runtime/engine"
)

// ResultsOf is what an apply came to in the form of results of tests, for the reports that there are of those: one of
// each stage, gate and deployment, under the name of the pipeline and workspace ("fraud/default"). What was held by
// others, or not come to, is skipped. A gate that waits for an approval counts as failed: a green build would say that
// it let pass. Of a journal that has not ended the result is what the events so far come to.
func ResultsOf(run *engine.Replay) []*Result {
	var out []*Result
	add := func(name string, status Status, failures ...Failure) *Result {
		r := &Result{File: run.Started.Pipeline + "/" + run.Started.Workspace, Name: name, Line: run.Blocks[name].Start.Line, Status: status, Run: "apply", Failures: failures}
		for i := range r.Failures {
			r.Failures[i].Range = run.Blocks[name]
		}
		out = append(out, r)
		return r
	}
	r := run.Result()
	for _, n := range r.Nodes {
		switch {
		case n.Failure != nil:
			add(n.Address, Errored, broken(n.Failure))
		case n.Check != nil && !n.Check.Passed:
			add(n.Address, Failed, Failure{Kind: "check", Summary: fmt.Sprintf("the check failed: %d of its expectations do not hold", n.Check.Failed), Detail: ruleTexts(n.Check.Rules, nil)}).Duration = n.Duration
		case n.Status == engine.Blocked || n.Status == engine.NotStarted:
			add(n.Address, Skipped, without(n.BlockedBy))
		default:
			add(n.Address, Passed).Duration = n.Duration
		}
	}
	for _, g := range r.Gates {
		switch g.Status {
		case engine.GatePassed:
			add(g.Address, Passed)
		case engine.GateFailed:
			add(g.Address, Failed, Failure{Kind: "gate", Summary: "the gate does not let pass", Detail: ruleTexts(g.Rules, nil)})
		case engine.GateWaits:
			add(g.Address, Failed, Failure{Kind: "approval", Summary: "waits for the approval " + strings.Join(g.Missing, ", ")})
		default:
			add(g.Address, Skipped, without(g.BlockedBy))
		}
	}
	for _, rel := range r.Releases {
		// The name of a batch deployment's stage is the address itself.
		switch name := "release of " + rel.Address; {
		case rel.Failure != nil:
			add(name, Errored, broken(rel.Failure))
		case rel.Status == engine.Blocked || rel.Status == engine.NotStarted:
			add(name, Skipped, without(rel.BlockedBy))
		default:
			add(name, Passed)
		}
	}
	return out
}

// broken is a failure with its detail; where there is none, with the end of the stage's log, which is all that is
// known.
func broken(f *engine.Failure) Failure {
	detail := f.Detail
	if detail == "" {
		detail = strings.Join(f.Tail, "\n")
	}
	return Failure{Kind: string(f.Kind), Summary: f.Summary, Detail: detail}
}

// without is why something was not come to.
func without(by []string) Failure {
	if len(by) == 0 {
		return Failure{Kind: "not_started", Summary: "the apply ended before"}
	}
	return Failure{Kind: "blocked", Summary: "held by " + strings.Join(by, ", ")}
}
