package suite

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// failures compares what failed with what was expected to fail. After an apply each failure that nobody expected fails
// the test. In a plan only what is expected counts: that a gate fails there ends nothing, and tests that assert the
// verdict of a gate are common.
func (r *run) failures() {
	failed := r.failed()
	for _, e := range r.test.spec.ExpectFailures {
		switch {
		case strings.HasPrefix(e, "variable."):
			r.notFailed(e, "all its validations hold")
		case errorCode().MatchString(e):
			r.notFailed(e, "the module has no such mistake")
		case !r.gateBlocked(e):
			if _, ok := failed[e]; !ok { // what failed may have no reason to show, such as a check that is given as failed
				r.notFailed(e, "")
			}
		}
	}
	if r.ended == nil {
		return
	}
	for _, address := range sortedKeys(failed) {
		if !slices.Contains(r.test.spec.ExpectFailures, address) {
			r.fail(Failure{Kind: "failed", Range: r.test.at, Summary: address + " failed", Detail: failed[address]})
		}
	}
}

// gateBlocked reports whether a gate was not decided because of a check or gate that it comes after: it let nothing
// pass, which is what a test that expects it to fail asks.
func (r *run) gateBlocked(address string) bool {
	return r.ended != nil && slices.ContainsFunc(r.ended.Gates, func(g engine.GateResult) bool {
		return g.Address == address && g.Status == engine.GateBlocked
	})
}

// notFailed is the failure of a test that expected one, at the place in expect_failures.
func (r *run) notFailed(what, why string) {
	at := r.test.at
	for i, e := range r.test.spec.ExpectFailures {
		if e == what {
			at = r.test.ranges[fmt.Sprintf("expect_failures[%d]", i)]
		}
	}
	r.fail(Failure{Kind: "not_failed", Range: at, Summary: what + " did not fail", Detail: why})
}

// failed says of each stage, check, gate and release that failed why, "" where there is nothing to show; in a plan, of
// those whose figures are known already.
func (r *run) failed() map[string]string {
	out := map[string]string{}
	if r.ended == nil {
		for _, g := range r.plan.Gates {
			if g.Verdict == plan.Fail || g.Verdict == plan.RuleError {
				out[g.Address] = ruleTexts(g.Rules.Rules, g.BlockedBy)
			}
		}
		for _, n := range r.plan.Nodes {
			if n.HasVerdict() && n.Verdict.Known() && r.checkFailed(n) {
				out[n.Address] = "its expectations or rules do not hold"
			}
		}
		return out
	}
	for _, n := range r.ended.Nodes {
		switch {
		case n.Failure != nil:
			out[n.Address] = failureText(n.Failure)
		case n.Check != nil && !n.Check.Passed:
			out[n.Address] = checkText(n)
		}
	}
	for _, g := range r.ended.Gates {
		if g.Status == engine.GateFailed {
			out[g.Address] = ruleTexts(g.Rules, nil)
		}
	}
	for _, rel := range r.ended.Releases {
		if rel.Failure != nil {
			out[rel.Address] = failureText(rel.Failure)
		}
	}
	return out
}

// failureText is a failure with the end of its log, unless the log says nothing else.
func failureText(f *engine.Failure) string {
	text := f.Error()
	if tail := strings.Join(f.Tail, "\n"); tail != "" && !strings.Contains(tail, f.Summary) {
		text += "\n" + strings.Join(f.Tail, "\n")
	}
	return text
}

// checkFailed decides a check whose figures are known: by the count of expectations that failed, then by its rules.
// Rules that only warn fail nothing. Without figures the answer is no.
func (r *run) checkFailed(n *plan.Node) bool {
	var f struct{ Failed float64 }
	if json.Unmarshal(r.figures(n.Address), &f) == nil && f.Failed > 0 {
		return true
	}
	if n.Rules == nil {
		return false
	}
	return slices.ContainsFunc(n.Rules.Rules, func(x plan.Rule) bool {
		return x.Severity != "warn" && (x.Verdict == plan.Fail || x.Verdict == plan.RuleError)
	})
}

// checkText says what of a check does not hold.
func checkText(n engine.NodeResult) string {
	var figures struct {
		Failures []struct{ Column, Expectation, Observed, Expected string }
	}
	var lines []string
	if json.Unmarshal(n.Figures, &figures) == nil {
		for _, f := range figures.Failures {
			lines = append(lines, fmt.Sprintf("%s %s: expected %s, observed %s", f.Column, f.Expectation, f.Expected, f.Observed))
		}
	}
	if text := ruleTexts(n.Check.Rules, nil); text != "" {
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

// ruleTexts says of the rules that do not hold which they are and what they read, and before them what held the gate.
// "" if all hold, are open, or only warn.
func ruleTexts(rules []plan.Rule, blockedBy []string) string {
	var lines []string
	for _, b := range blockedBy {
		lines = append(lines, "held by "+b)
	}
	for _, rule := range rules {
		if rule.Verdict == plan.Pass || rule.Verdict == plan.Open || rule.Severity == "warn" {
			continue
		}
		lines = append(lines, rule.Name+": "+strings.Join(strings.Fields(rule.Assert), " "))
		for _, v := range rule.Values {
			lines = append(lines, "  "+v.Path+" = "+string(v.Value))
		}
		if rule.Reason != "" {
			lines = append(lines, "  "+rule.Reason)
		}
	}
	return strings.Join(lines, "\n")
}

// figures of a stage, as far as they are known at the end: as the apply has them, else as the result has them that the
// plan knows. nil if there are none.
func (r *run) figures(address string) json.RawMessage {
	if r.ended != nil {
		for _, n := range r.ended.Nodes {
			if n.Address == address {
				return n.Figures
			}
		}
	}
	n := r.plan.Node(address)
	if n == nil || !n.Verdict.Known() {
		return nil
	}
	a, err := r.suite.store.Action(n.Fingerprint)
	if err != nil {
		return nil
	}
	return a.Figures
}

// output is what a stage yielded at a port; empty if it is not known.
func (r *run) output(address, port string) plan.Digest {
	if r.ended != nil {
		for _, n := range r.ended.Nodes {
			if n.Address == address {
				return n.Outputs[port]
			}
		}
	}
	if n := r.plan.Node(address); n != nil && n.Verdict.Known() {
		for _, out := range n.Outputs {
			if out.Port == port {
				return out.Digest
			}
		}
	}
	return ""
}
