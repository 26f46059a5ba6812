package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// gates shows each gate that is not decided already, and its rules: failures first.
func (t *text) gates(p *plan.Plan) {
	first := true
	for _, g := range p.Gates {
		if g.Cached && !t.o.All {
			continue
		}
		if first {
			t.title("Gates")
			first = false
		}
		mark, s := ruleMark(g.Verdict)
		t.line("  %s %s   %s", t.paint(s, mark), g.Address, gateSum(p, g))
		t.rules(g.Rules.Rules)
		t.champion(g.Champion)
		t.approvals(g)
	}
}

// champion says why rules that compare with what is live have nothing to compare with.
func (t *text) champion(c *plan.Champion) {
	if c != nil && c.Exists && !c.Comparable && !c.Candidate {
		t.line("         what %s has live is not comparable: %s", c.Deploy, clean(c.Why))
	}
}

func gateSum(p *plan.Plan, g *plan.Gate) string {
	open, failed := 0, 0
	for _, r := range g.Rules.Rules {
		switch r.Verdict {
		case plan.Open:
			open++
		case plan.Fail, plan.RuleError:
			if r.Severity != "warn" {
				failed++
			}
		}
	}
	all := len(g.Rules.Rules)
	switch {
	case g.Cached:
		return "passed before, on the same figures"
	case len(g.BlockedBy) > 0:
		return "blocked: " + strings.Join(g.BlockedBy, ", ") + " failed"
	case failed > 0:
		return fmt.Sprintf("fails: %d of %d rules", failed, all)
	case open > 0:
		return fmt.Sprintf("open: %d of %d rules wait%s", open, all, waitsFor(p, g))
	case g.Verdict == plan.Open:
		return "open" + waitsFor(p, g)
	}
	return "passes"
}

// waitsFor names the stages nearest to a gate whose figures are not known.
func waitsFor(p *plan.Plan, g *plan.Gate) string {
	var names []string
	for _, f := range g.Rules.Figures {
		if n := p.Node(f.Node); n != nil && !n.Verdict.Known() {
			names = append(names, f.Node)
		}
	}
	for _, a := range g.After {
		if n := p.Node(a); n != nil && !n.Verdict.Known() {
			names = append(names, a)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return ""
	}
	return " for " + strings.Join(names, ", ")
}

func ruleMark(v plan.RuleVerdict) (string, style) {
	switch v {
	case plan.Pass:
		return "✓", green
	case plan.Fail:
		return "✗", red
	case plan.RuleError:
		return "!", red
	}
	return "?", yellow
}

var ruleOrder = map[plan.RuleVerdict]int{plan.Fail: 0, plan.RuleError: 1, plan.Open: 2, plan.Pass: 3}

func (t *text) rules(rules []plan.Rule) {
	sorted := slices.Clone(rules)
	slices.SortStableFunc(sorted, func(a, b plan.Rule) int { return ruleOrder[a.Verdict] - ruleOrder[b.Verdict] })
	name, condition := 0, 0
	for _, r := range sorted {
		name, condition = max(name, columns(clean(r.Name))), max(condition, columns(ruleText(r)))
	}
	for _, r := range sorted {
		mark, s := ruleMark(r.Verdict)
		t.line("%s", strings.TrimRight(fmt.Sprintf("      %s  %s  %s  %s", t.paint(s, mark), pad(clean(r.Name), name),
			pad(ruleText(r), min(condition, 72)), ruleNote(r)), " "))
		if r.Verdict == plan.Fail && r.Message != "" {
			t.line("         %s  %s", pad("", name), clean(r.Message))
		}
	}
}

func ruleText(r plan.Rule) string {
	if r.Verdict == plan.Open && r.Residual != "" {
		return clean(r.Residual)
	}
	return clean(strings.Join(strings.Fields(r.Assert), " "))
}

// ruleNote shows the figures behind a rule, or why there are none.
func ruleNote(r plan.Rule) string {
	var parts []string
	if r.Severity == "warn" {
		parts = append(parts, "(warns)")
	}
	if r.Reason != "" {
		parts = append(parts, clean(r.Reason))
	}
	if r.Verdict != plan.Open {
		parts = append(parts, values(r.Values, r.Verdict != plan.Pass)...)
	} else if live := values(r.Live, false); len(live) > 0 {
		parts = append(parts, "live: "+strings.Join(live, ", "))
	}
	return strings.Join(parts, "  ")
}

// values lists figures; the module's own values stand in the rule already, and matter where it does not hold.
func values(seen []plan.FigureSeen, constants bool) []string {
	var out []string
	for _, v := range seen {
		constant := strings.HasPrefix(v.Path, "variable.") || strings.HasPrefix(v.Path, "local.")
		if constant && !constants || strings.HasPrefix(v.Path, "champion.") {
			continue
		}
		out = append(out, lastPart(v.Path)+" = "+Value(v.Value))
	}
	return out
}

func lastPart(path string) string {
	parts := strings.Split(path, ".")
	if n := len(parts); n > 1 && (parts[n-1] == "low" || parts[n-1] == "high" || parts[n-1] == "value") {
		return clean(strings.Join(parts[n-2:], "."))
	}
	return clean(parts[len(parts)-1])
}

func (t *text) approvals(g *plan.Gate) {
	for _, a := range g.Approvals {
		roles := clean(strings.Join(a.From, ", "))
		switch {
		case a.GivenBy != "":
			t.line("      %s  approval of %s: given by %s", t.paint(green, "✓"), roles, clean(a.GivenBy))
		case a.Needed == plan.Pass:
			t.line("      %s  approval of %s is missing: mlp approve %s %s", t.paint(red, "✗"), roles, g.Address, clean(a.Name))
		case a.Needed == plan.Open:
			t.line("      %s  approval of %s, if %s", t.paint(yellow, "?"), roles, clean(a.When))
		}
	}
}
