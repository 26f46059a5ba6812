package planner

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// policyCauses compares a gate's rules and approvals with those it was last decided by.
func policyCauses(g *plan.Gate, before *plan.GateState) []plan.Cause {
	old, now := map[string]string{}, map[string]string{}
	describe(before.Rules, old)
	describe(g.Rules.Rules, now)
	describeApprovals(before.Approvals, old)
	describeApprovals(g.Approvals, now)
	var out []plan.Cause
	for _, path := range sortedKeys(merged(old, now)) {
		if old[path] != now[path] {
			out = append(out, plan.Cause{Kind: plan.ConfigCause, Path: path, Before: optional(old[path]), After: optional(now[path])})
		}
	}
	if len(out) == 0 { // a value that rules read, a check it comes after
		out = append(out, plan.Cause{Kind: plan.PolicyCause})
	}
	return out
}

// describe puts down what rules demand, and the values of variables and locals that they were seen to read.
func describe(rules []plan.Rule, out map[string]string) {
	for _, r := range rules {
		out["rule["+r.Name+"]"] = ruleText(r)
		for _, v := range r.Values {
			if strings.HasPrefix(v.Path, "variable.") || strings.HasPrefix(v.Path, "local.") {
				out[v.Path] = string(canonical(v.Value))
			}
		}
	}
}

// describeApprovals puts down of whom an approval is asked, and when.
func describeApprovals(all []plan.Approval, out map[string]string) {
	for _, a := range all {
		asked := "of " + strings.Join(a.From, ", ")
		if a.When != "" {
			asked += ", if " + strings.Join(strings.Fields(a.When), " ")
		}
		out["approval["+a.Name+"]"] = asked
	}
}

// ruleText is what a rule demands, in one line.
func ruleText(r plan.Rule) string {
	s := strings.Join(strings.Fields(r.Assert), " ")
	if r.Severity == "warn" {
		s += " (warns)"
	}
	return s
}

func optional(s string) json.RawMessage {
	switch {
	case s == "":
		return nil
	case json.Valid([]byte(s)):
		return json.RawMessage(s)
	}
	return text(s)
}

func merged(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// sameFigures tells whether rules read the same values now as when they were decided. What compares with a champion is
// left out: once the candidate is live, there is nothing to compare it with.
func sameFigures(now, before []plan.Rule) bool {
	return slices.EqualFunc(now, before, func(a, b plan.Rule) bool {
		return a.Name == b.Name && a.Assert == b.Assert && (relative(a) || slices.EqualFunc(a.Values, b.Values, func(x, y plan.FigureSeen) bool {
			return x.Path == y.Path && string(canonical(x.Value)) == string(canonical(y.Value))
		}))
	})
}

func relative(r plan.Rule) bool {
	return strings.Contains(r.Assert, "champion.") || strings.Contains(r.Assert, ".delta.")
}

// remember puts the figures of the last decision beside the rules.
func (p *planner) remember(g *plan.Gate, before *plan.GateState) {
	for i := range g.Rules.Rules {
		for _, old := range before.Rules {
			if old.Name == g.Rules.Rules[i].Name && g.Rules.Rules[i].Verdict == plan.Open {
				g.Rules.Rules[i].Live = old.Values
			}
		}
	}
}
