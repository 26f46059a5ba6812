package cli

import (
	"fmt"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// amiss is something that a check, a gate or a monitor found in an apply and that stopped nothing.
type amiss struct {
	address, text string
	severity      plan.FindingSeverity
}

// amissIn lists them by address, those of results that were there before too.
func amissIn(r *engine.Result) []amiss {
	var out []amiss
	warned := func(address string, rules []plan.Rule) {
		for _, x := range review.Warned(rules) {
			out = append(out, amiss{address, review.WarnedText(x), plan.WarnFinding})
		}
	}
	for _, n := range r.Nodes {
		for _, f := range n.Findings {
			if f.Severity != plan.FailFinding {
				out = append(out, amiss{n.Address, review.FindingText(f), f.Severity})
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

// found tells what only warns, and drift that monitors found, at the end of an apply.
func (a *app) found(r *engine.Result) {
	const most = 10 // of one block
	told := map[string]int{}
	word := map[plan.FindingSeverity]string{plan.WarnFinding: "warning:", plan.DriftFinding: "drift:"}
	for _, x := range amissIn(r) {
		switch told[x.address]++; {
		case told[x.address] <= most:
			fmt.Fprintf(a.out, "  %s  %s %s\n", x.address, a.tint("33", word[x.severity]), render.Line(x.text))
		case told[x.address] == most+1:
			fmt.Fprintf(a.out, "  %s  and more: %s\n", x.address, a.Command("show "+render.ShellWord(x.address)))
		}
	}
}

// annotateResult shows at their blocks, where a pull request or job shows such, what an apply found.
func (a *app) annotateResult(run *engine.Replay) {
	r, places := run.Result(), run.Blocks
	var diags source.Diagnostics
	for _, n := range r.Nodes {
		if n.Check != nil && !n.Check.Passed {
			diags = append(diags, source.Diagnostic{Severity: source.Error, Summary: n.Address + " failed", Subject: places[n.Address]})
		}
	}
	for _, g := range r.Gates {
		if g.Status == engine.GateFailed {
			diags = append(diags, source.Diagnostic{Severity: source.Error, Summary: g.Address + " does not let pass", Subject: places[g.Address]})
		}
	}
	for _, x := range amissIn(r) {
		diags = append(diags, source.Diagnostic{Severity: source.Warning, Summary: x.address + ": " + x.text, Subject: places[x.address]})
	}
	a.annotate(diags)
}
