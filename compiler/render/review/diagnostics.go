package review

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
)

// Diagnostics are what annotations tell of a plan at its lines: warnings, policy that gets weaker, what was found, and
// the checks and gates that fail. Failures are errors, all else warnings; a plan that shows a failing gate is a good
// plan, and what an annotation's colour means is for the reader. Policy that is gone from the files has no place there: its Subject is zero.
func Diagnostics(p *plan.Plan) source.Diagnostics {
	var diags source.Diagnostics
	for _, d := range p.Diagnostics {
		diags = append(diags, source.Diagnostic{Severity: source.Warning, Code: d.Code, Summary: d.Summary, Detail: d.Detail, Hint: d.Hint, Subject: d.Subject})
	}
	for _, c := range p.Changes {
		if c.Cause.Weaker != "" {
			diags = append(diags, source.Diagnostic{Severity: source.Warning, Summary: Weakened(c), Subject: c.Range})
		}
	}
	for _, f := range Found(p) {
		diags = append(diags, source.Diagnostic{Severity: source.Warning, Summary: f.Text, Subject: f.Range})
	}
	for _, n := range p.Nodes {
		if sum, failed := FailedCheck(n); failed {
			diags = append(diags, source.Diagnostic{Severity: source.Error, Summary: n.Address + " " + sum, Subject: n.Range})
		}
	}
	for _, g := range p.Gates {
		if g.Verdict != plan.Fail && g.Verdict != plan.RuleError {
			continue
		}
		var lines []string
		for _, r := range g.Rules.Rules {
			if r.Severity != "warn" && (r.Verdict == plan.Fail || r.Verdict == plan.RuleError) {
				lines = append(lines, fmt.Sprintf("%s: %s", r.Name, r.Assert))
			}
		}
		diags = append(diags, source.Diagnostic{Severity: source.Error, Summary: g.Address + " does not let pass", Detail: strings.Join(lines, "\n"), Subject: g.Range})
	}
	return diags
}
