package suite

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// asserts decides what the test asserts. Only a condition that holds passes: one that is open, because a plan does not
// know a value, or an error, because a figure is undefined, is a failure of the test, and says which.
func (r *run) asserts(ctx context.Context) error {
	if len(r.test.asserts) == 0 {
		return nil
	}
	v, err := r.values(ctx)
	if err != nil {
		return err
	}
	for _, a := range r.test.asserts {
		d := a.rule.Decide(*v)
		if d.Verdict == rule.Pass {
			continue
		}
		detail := assertDetail(a, d, r.ended == nil)
		if more := r.gatesRead(a); more != "" {
			detail += "\n" + more
		}
		r.fail(Failure{Kind: "assert", Range: a.text.Range, Summary: assertSummary(a, d), Detail: detail})
	}
	return nil
}

// gatesRead shows the rules that do not hold of the gates that an assertion speaks of, each gate once.
// "gate.release.verdict == 'pass'" alone does not tell what was wrong with the release.
func (r *run) gatesRead(a *assertion) string {
	var lines []string
	seen := map[string]bool{}
	for _, ref := range a.rule.Refs() {
		if len(ref.Path) < 2 || ref.Path[0] != "gate" || seen[ref.Path[1]] {
			continue
		}
		seen[ref.Path[1]] = true
		for _, g := range r.gates() {
			if address.Name(g.Address) != ref.Path[1] {
				continue
			}
			text := ruleTexts(g.Rules, g.BlockedBy)
			for _, ap := range g.Approvals {
				if ap.Needed != plan.Fail && ap.GivenBy == "" {
					text = strings.TrimPrefix(text+"\nwaits for the approval "+ap.Name, "\n")
				}
			}
			if text != "" {
				lines = append(lines, g.Address+":", "  "+strings.ReplaceAll(text, "\n", "\n  "))
			}
		}
	}
	return strings.Join(lines, "\n")
}

// gates as they are decided at the end: by the apply, or else by the plan, in the plan's order. Of a plan the status is
// left empty.
func (r *run) gates() []engine.GateResult {
	if r.ended != nil {
		return r.ended.Gates
	}
	var out []engine.GateResult
	for _, g := range r.plan.Gates {
		out = append(out, engine.GateResult{Address: g.Address, Rules: g.Rules.Rules, Approvals: g.Approvals, BlockedBy: g.BlockedBy})
	}
	return out
}

// assertSummary tells apart a condition that is false, one that reads what is not known, and one that cannot be
// computed.
func assertSummary(a *assertion, d rule.Decision) string {
	switch d.Verdict {
	case rule.Error:
		return fmt.Sprintf("assert %q cannot be decided", a.name)
	case rule.Open:
		return fmt.Sprintf("assert %q is not known", a.name)
	}
	return fmt.Sprintf("assert %q does not hold", a.name)
}

// assertDetail shows the message, the condition on one line, and the values that it read, and for one that is open what
// is left of it and why:
//
//	evaluate.holdout.metrics.recall > 0.8 && gate.release.verdict == "pass"
//	  left: gate.release.verdict == "pass"
//	  A plan runs no stage: give what is missing, or write run = "apply".
func assertDetail(a *assertion, d rule.Decision, planned bool) string {
	lines := []string{strings.Join(strings.Fields(a.text.Value), " ")}
	if a.message != "" {
		lines = []string{a.message, lines[0]}
	}
	for _, v := range d.Values {
		value, err := plan.Canonical(v.Value)
		if err != nil {
			continue
		}
		lines = append(lines, fmt.Sprintf("  %s = %s", v.Path, value))
	}
	switch {
	case d.Verdict == rule.Error:
		lines = append(lines, "  "+d.Reason)
	case d.Verdict == rule.Open && planned:
		lines = append(lines, "  left: "+d.Residual, "  A plan runs no stage: give what is missing, or write run = \"apply\".")
	case d.Verdict == rule.Open:
		lines = append(lines, "  left: "+d.Residual, "  What it reads did not come to be.")
	}
	return strings.Join(lines, "\n")
}
