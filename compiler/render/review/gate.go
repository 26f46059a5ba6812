package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// gate says what is decided of a gate and what is open. nodes are the plan's stages by address.
// An approval that is not needed has no line; one that was given has, also where the gate passed before. All forms of a plan show the row,
// text as
//
//	✗ gate.release   fails: 1 of 2 rules; nothing behind it is released
//	    ✗  recall     evaluate.test.metrics.recall >= 0.7     recall = 0.6812
//	    ✓  not worse  …
//	    ?  approval of risk-officers, if evaluate.test.metrics.recall < 0.75
func gate(nodes map[string]*plan.Node, g *plan.Gate, command func(string) string) gateRow {
	row := gateRow{Verdict: ruleVerdict(g.Verdict), Address: render.Line(g.Address), Sum: gateSum(nodes, g)}
	row.Rules = ruleRows(g.Rules.Rules)
	for _, a := range g.Approvals {
		roles := render.Line(strings.Join(a.From, ", "))
		switch {
		case a.GivenBy != "":
			row.Approvals = append(row.Approvals, approvalRow{plan.Pass, fmt.Sprintf("approval of %s: given by %s", roles, givenText(a))})
		case a.Needed == plan.Pass:
			row.Approvals = append(row.Approvals, approvalRow{plan.Fail,
				fmt.Sprintf("approval of %s is missing: %s", roles, command("approve "+render.ShellWord(row.Address)+" "+render.ShellWord(a.Name)))})
		case a.Needed == plan.Open && a.When == "":
			row.Approvals = append(row.Approvals, approvalRow{plan.Open, "approval of " + roles})
		case a.Needed == plan.Open:
			row.Approvals = append(row.Approvals, approvalRow{plan.Open, fmt.Sprintf("approval of %s, if %s", roles, render.Line(a.When))})
		}
	}
	for _, a := range g.Accepted {
		row.Notes = append(row.Notes, "rests on an accepted result: "+acceptedText(a, nodes[a]))
	}
	for _, l := range g.Looks {
		row.Notes = append(row.Notes, lookedText(l))
	}
	return row
}

// givenText says who gave an approval, from where, when and why.
func givenText(a plan.Approval) string {
	if a.Given == nil {
		return render.Line(a.GivenBy)
	}
	return GivenText(*a.Given)
}

// GivenText says who gave an approval, as which user of which machine, when and why. What they say of themselves comes
// first. It is one line, and clean: "alice (user ci on runner-3), 2026-01-31 10:20Z: seen with the committee".
func GivenText(g plan.Given) string {
	s := render.Line(g.By)
	if g.User != "" {
		s += fmt.Sprintf(" (user %s on %s)", render.Line(g.User), render.Line(g.Host))
	}
	if !g.At.IsZero() {
		s += ", " + g.At.UTC().Format("2006-01-02 15:04Z")
	}
	if g.Reason != "" {
		s += ": " + render.Line(g.Reason)
	}
	return s
}

// lookedText says how often rows have been looked at: each model that is measured on a test side is a look, and of many models that are
// compared on the same rows the best looks better than it is.
func lookedText(l plan.Looked) string {
	times := "once"
	if l.Models != 1 {
		times = fmt.Sprintf("%d times", l.Models)
	}
	elsewhere := ""
	switch {
	case l.Elsewhere > 0 && l.Elsewhere == l.Models:
		elsewhere = ", only in other workspaces"
	case l.Elsewhere > 0:
		elsewhere = fmt.Sprintf(", %d of these only in other workspaces", l.Elsewhere)
	}
	return fmt.Sprintf("the rows of %s.%s have been looked at %s%s", render.Line(l.From), render.Line(l.FromPort), times, elsewhere)
}

// acceptedText says whose result is accepted, why and by whom.
func acceptedText(address string, n *plan.Node) string {
	if n == nil || n.Accepted == nil {
		return render.Line(address)
	}
	return render.Line(address) + ", " + acceptedWhy(n.Accepted)
}

// acceptedWhy says why a result is accepted, and once that is recorded by whom.
func acceptedWhy(a *plan.Acceptance) string {
	if a.By == "" {
		return render.Line(a.Reason)
	}
	return fmt.Sprintf("%s (%s, %s)", render.Line(a.Reason), render.Line(a.By), a.At.UTC().Format("2006-01-02"))
}

// restsAnew reports whether a gate would rest on a result that this plan accepts, and that was not accepted before.
func restsAnew(nodes map[string]*plan.Node, g *plan.Gate) bool {
	return slices.ContainsFunc(g.Accepted, func(a string) bool { return nodes[a] != nil && nodes[a].Verdict == plan.Accepted })
}

// ruleRows are rules with what they rest on, failures first, else in the order of the text.
func ruleRows(rules []plan.Rule) []ruleRow {
	sorted := slices.Clone(rules)
	slices.SortStableFunc(sorted, func(a, b plan.Rule) int { return ruleOrder[a.Verdict] - ruleOrder[b.Verdict] })
	var out []ruleRow
	for _, r := range sorted {
		line := ruleRow{Verdict: ruleVerdict(r.Verdict), Name: render.Line(r.Name), Condition: ruleText(r), Note: ruleNote(r)}
		if r.Verdict == plan.Fail {
			line.Message = render.Line(r.Message)
		}
		out = append(out, line)
	}
	return out
}

// check is a check that is known to fail: by its rules, or by what it found when it ran. false of a stage that is none,
// that passed, or that has yet to run.
func check(n *plan.Node, command func(string) string) (gateRow, bool) {
	if !n.Verdict.Known() || !n.HasVerdict() {
		return gateRow{}, false
	}
	row := gateRow{Verdict: plan.Fail, Address: render.Line(n.Address)}
	failed := 0
	if n.Rules != nil {
		row.Rules = ruleRows(n.Rules.Rules)
		for _, r := range n.Rules.Rules {
			if r.Severity != "warn" && (r.Verdict == plan.Fail || r.Verdict == plan.RuleError) {
				failed++
			}
		}
	}
	// A check of a thousand columns can fail in each; the first ten tell what is wrong.
	const most = 10
	expectations := 0
	for _, f := range n.Findings {
		if f.Severity != plan.FailFinding {
			continue
		}
		if expectations++; expectations <= most {
			row.Notes = append(row.Notes, "✗  "+render.Line(FindingText(f)))
		}
	}
	if expectations > most {
		row.Notes = append(row.Notes, fmt.Sprintf("and %d more: %s", expectations-most, command("show "+render.ShellWord(row.Address))))
	}
	var parts []string
	if failed > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d rules", failed, len(n.Rules.Rules)))
	}
	if expectations > 0 {
		parts = append(parts, fmt.Sprintf("%d %s", expectations, render.Plural(expectations, "expectation", "expectations")))
	}
	row.Sum = "fails on what is recorded: " + strings.Join(parts, ", ")
	return row, len(parts) > 0
}

// gateSum says in a line how a gate stands, the worst first. A rule that only warns is not counted among those that
// fail.
func gateSum(nodes map[string]*plan.Node, g *plan.Gate) string {
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
	case g.Cached && open > 0: // of results that are not made yet
		return "taken to pass, as in the plan ahead"
	case g.Cached:
		return "passed before, on the same figures"
	case len(g.BlockedBy) > 0:
		return "blocked: " + render.Line(strings.Join(g.BlockedBy, ", ")) + " fails; nothing behind it is released"
	case failed > 0:
		return fmt.Sprintf("fails: %d of %d rules; nothing behind it is released", failed, all)
	case open > 0:
		return fmt.Sprintf("open: %d of %d rules wait%s", open, all, waitsFor(nodes, g))
	case g.Verdict == plan.Open:
		return "open" + waitsFor(nodes, g)
	}
	return "passes"
}

// waitsFor names the stages nearest to a gate whose figures are not known: " for evaluate.test", or "".
// Stages further up are not named: the nearest ones name theirs, and in a plan where everything runs the list would be
// everything.
func waitsFor(nodes map[string]*plan.Node, g *plan.Gate) string {
	var names []string
	wait := func(address string) {
		if n := nodes[address]; n != nil && !n.Verdict.Known() {
			names = append(names, render.Line(address))
		}
	}
	for _, f := range g.Rules.Figures {
		wait(f.Node)
	}
	for _, a := range g.After {
		wait(a)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return ""
	}
	return " for " + strings.Join(names, ", ")
}

// ruleOrder puts failures first. A verdict that is not known, such as one of a later version, stands with them: it has no place of its own,
// and 0 is that of a failure.
var ruleOrder = map[plan.RuleVerdict]int{plan.Fail: 0, plan.RuleError: 1, plan.Open: 2, plan.Pass: 3}

// ruleText is the condition as far as it is open: of `a > 1 && b > 2` with a known to be 5 it is `b > 2`.
func ruleText(r plan.Rule) string {
	if r.Verdict == plan.Open && r.Residual != "" {
		return render.Line(r.Residual)
	}
	return render.Line(r.Assert)
}

// ruleNote shows the figures behind a rule, or why there are none: "auc = 0.6812  least = 0.7". While a rule is open
// those of the gate's last decision are shown, after "live: ".
func ruleNote(r plan.Rule) string {
	var parts []string
	if r.Severity == "warn" {
		parts = append(parts, "(warns)")
	}
	if r.Reason != "" {
		parts = append(parts, render.Line(r.Reason))
	}
	if r.Verdict != plan.Open {
		parts = append(parts, values(r.Values, r.Verdict != plan.Pass)...)
	} else if live := values(r.Live, false); len(live) > 0 {
		parts = append(parts, "live: "+strings.Join(live, ", "))
	}
	return strings.Join(parts, "  ")
}

// values lists figures as "name = value", in the order in which the rule reads them; the module's own values stand in the rule already, and
// matter where it does not hold. What is said of the champion stands beside the gate, and not at each of its rules.
func values(seen []plan.FigureSeen, constants bool) []string {
	var paths, out []string
	for _, v := range seen {
		constant := strings.HasPrefix(v.Path, "variable.") || strings.HasPrefix(v.Path, "local.")
		if constant && !constants || strings.HasPrefix(v.Path, "champion.") {
			continue
		}
		paths = append(paths, v.Path)
		out = append(out, render.Value(v.Value))
	}
	for i, path := range paths {
		out[i] = figureName(path, paths) + " = " + out[i]
	}
	return out
}

// figureName is the shortest end of a figure's path that tells it from the others of its rule: auc of "evaluate.test.metrics.auc", auc.low of
// "evaluate.test.delta.auc.low", and beside "evaluate.linear.metrics.auc" of "evaluate.trees.metrics.auc" trees.metrics.auc.
func figureName(path string, all []string) string {
	parts := strings.Split(path, ".")
	n := len(parts) - 1
	if last := parts[n]; n > 0 && (last == "low" || last == "high" || last == "value") {
		n--
	}
	for ; n > 0; n-- {
		end := "." + strings.Join(parts[n:], ".")
		if !slices.ContainsFunc(all, func(o string) bool { return o != path && strings.HasSuffix(o, end) }) {
			break
		}
	}
	return render.Line(strings.Join(parts[n:], "."))
}

// bare is a command line of no workspace, where nobody reads it.
func bare(rest string) string { return render.Command("", rest) }
