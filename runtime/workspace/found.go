package workspace

import (
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// Amiss is something that a check, a gate or a monitor found in an apply and that stopped nothing. Text is one line. An example is a rule of a
// gate with severity = "warn" that does not hold, or a drifted column of a monitor.
type Amiss struct {
	Address, Text string
	Severity      plan.FindingSeverity
}

// AmissIn lists what was found amiss, in the order of the result: findings and warnings of stages, then of gates; also
// of results that were there before, since a warning stays true while its cause does.
func AmissIn(r *engine.Result) []Amiss {
	var out []Amiss
	warned := func(address string, rules []plan.Rule) {
		for _, x := range review.Warned(rules) {
			out = append(out, Amiss{address, review.WarnedText(x), plan.WarnFinding})
		}
	}
	for _, n := range r.Nodes {
		for _, f := range n.Findings {
			if f.Severity != plan.FailFinding {
				out = append(out, Amiss{n.Address, review.FindingText(f), f.Severity})
			}
		}
		if n.Check != nil {
			warned(n.Address, n.Check.Rules)
		}
	}
	for _, g := range r.Gates {
		warned(g.Address, g.Rules)
	}
	return out
}

// Diagnostics are what annotations tell of an apply at its blocks: stages, checks and gates that failed, and what was
// found amiss. Places are those that the plan was made with; of a saved plan the files may differ by now.
func Diagnostics(run *engine.Replay) source.Diagnostics {
	r := run.Result()
	var diags source.Diagnostics
	for _, n := range r.Nodes {
		if n.Failure != nil {
			diags = append(diags, source.Diagnostic{Severity: source.Error, Summary: n.Address + " failed: " + strings.TrimPrefix(n.Failure.Summary, n.Address+": "), Detail: n.Failure.Detail, Subject: run.Blocks[n.Address]})
		}
		if n.Check != nil && !n.Check.Passed {
			diags = append(diags, source.Diagnostic{Severity: source.Error, Summary: n.Address + " failed", Subject: run.Blocks[n.Address]})
		}
	}
	for _, g := range r.Gates {
		if g.Status == engine.GateFailed {
			diags = append(diags, source.Diagnostic{Severity: source.Error, Summary: g.Address + " does not let pass", Subject: run.Blocks[g.Address]})
		}
	}
	for _, x := range AmissIn(r) {
		diags = append(diags, source.Diagnostic{Severity: source.Warning, Summary: x.Address + ": " + x.Text, Subject: run.Blocks[x.Address]})
	}
	return diags
}
