package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// summary tells what came of an apply: failures first, then the counts, figures, gates, what was found amiss, releases
// and outputs. Failures and what waits go to standard error, results to standard output.
func (a *app) summary(run *engine.Replay) {
	r := run.Result()
	a.failures(r)
	ran, cached := 0, 0
	for _, n := range r.Nodes {
		switch n.Status {
		case engine.Ran:
			ran++
		case engine.Cached:
			cached++
		}
	}
	fmt.Fprintf(a.out, "\nApplied: %d ran, %d cached. Revision %d.\n", ran, cached, run.Revision)
	a.figures(r)
	for _, g := range r.Gates {
		a.gateResult(g)
	}
	a.found(r)
	for _, rel := range r.Releases {
		a.releaseResult(rel)
	}
	a.outputs(run.Started.Outputs, r)
}

// failures prints each stage that failed and each check that did not pass, with what was left out because of it.
func (a *app) failures(r *engine.Result) {
	for _, n := range r.Nodes {
		if n.Check != nil && !n.Check.Passed {
			a.checkFailure(n)
			a.leftOut(r, n.Address)
		}
		if n.Failure == nil {
			continue
		}
		fmt.Fprintf(a.err, "\n%s%s: %s\n", a.paint("Failed: "), n.Address, render.Line(summaryOf(n.Address, n.Failure)))
		if n.Failure.Detail != "" {
			detail := render.Lines(n.Failure.Detail)
			if strings.Contains(detail, "\n") {
				detail = "| " + strings.ReplaceAll(detail, "\n", "\n  | ") // so that it is not taken for lines of ours
			}
			fmt.Fprintf(a.err, "  %s\n", detail)
		} else {
			for _, line := range n.Failure.Tail {
				if !strings.Contains(line, n.Failure.Summary) { // told above
					fmt.Fprintf(a.err, "  | %s\n", render.Line(line))
				}
			}
		}
		a.leftOut(r, n.Address)
		fmt.Fprintf(a.err, "  its log: %s\n", a.Command("logs "+render.ShellWord(n.Address)))
	}
}

// summaryOf is a failure in one line. The address that the stage itself may begin with is left out: it stands in front.
func summaryOf(address string, f *engine.Failure) string {
	return strings.TrimPrefix(f.Summary, address+": ")
}

// leftOut names what did not run, was not decided or not released because of a failure.
func (a *app) leftOut(r *engine.Result, address string) {
	if blocked := blockedBy(r, address); len(blocked) > 0 {
		fmt.Fprintf(a.err, "  left out because of it: %s\n", strings.Join(blocked, ", "))
	}
}

// checkFailure prints the expectations that do not hold, by column, and the rules:
//
//	Check failed: check.payments
//	  ✗  amount min: expected >= 0, observed -3 (fail)
func (a *app) checkFailure(n engine.NodeResult) {
	fmt.Fprintf(a.err, "\n%s%s\n", a.paint("Check failed: "), n.Address)
	var figures struct {
		Failures []struct{ Column, Expectation, Observed, Expected, Severity string }
	}
	if json.Unmarshal(n.Figures, &figures) == nil {
		for _, f := range figures.Failures {
			fmt.Fprintf(a.err, "  ✗  %s %s: expected %s, observed %s (%s)\n", render.Line(f.Column), f.Expectation, render.Line(f.Expected), render.Line(f.Observed), f.Severity)
		}
	}
	a.rules(n.Check.Rules)
}

// rules prints the rules that did not pass, each with its message and the values that it read, so that nobody has to
// look for them elsewhere.
func (a *app) rules(rules []plan.Rule) {
	for _, r := range rules {
		if r.Verdict == plan.Pass {
			continue
		}
		fmt.Fprintf(a.err, "  ✗  %s: %s\n", render.Line(r.Name), render.Line(r.Assert))
		if r.Message != "" {
			fmt.Fprintf(a.err, "     %s\n", render.Line(r.Message))
		}
		if r.Reason != "" {
			fmt.Fprintf(a.err, "     %s\n", render.Line(r.Reason))
		}
		for _, v := range r.Values {
			fmt.Fprintf(a.err, "     %s = %s\n", render.Line(v.Path), render.Value(v.Value))
		}
	}
}

// blockedBy lists the stages and gates that the failure at an address held up, in the order of the result.
func blockedBy(r *engine.Result, address string) []string {
	var out []string
	for _, n := range r.Nodes {
		for _, b := range n.BlockedBy {
			if b == address {
				out = append(out, n.Address)
			}
		}
	}
	for _, g := range r.Gates {
		for _, b := range g.BlockedBy {
			if b == address {
				out = append(out, g.Address)
			}
		}
	}
	return out
}

// figures prints the metrics of an apply's evaluations and monitors, a line each, with intervals where there are some:
// "evaluate.test  auc 0.91 (0.89 to 0.93), recall 0.8". Derived stages, such as evaluate.test@champion, are left out.
func (a *app) figures(r *engine.Result) {
	for _, n := range r.Nodes {
		if address.IsDerived(n.Address) {
			continue
		}
		var f struct {
			Metrics     map[string]json.RawMessage
			Intervals   map[string]interval
			Performance map[string]struct {
				Value json.RawMessage
				interval
			}
		}
		if json.Unmarshal(n.Figures, &f) != nil {
			continue
		}
		var parts []string
		switch {
		case strings.HasPrefix(n.Address, "evaluate."):
			for _, name := range sortedKeys(f.Metrics) {
				parts = append(parts, name+" "+figure(f.Metrics[name])+f.Intervals[name].String())
			}
		case strings.HasPrefix(n.Address, "monitor."):
			for _, name := range sortedKeys(f.Performance) {
				parts = append(parts, name+" "+figure(f.Performance[name].Value)+f.Performance[name].String())
			}
		}
		if len(parts) > 0 {
			fmt.Fprintf(a.out, "  %s  %s\n", n.Address, strings.Join(parts, ", "))
		}
	}
}

// interval is that of a figure; both ends are nil where it has none.
type interval struct{ Low, High *float64 }

// String is " (0.871 to 0.912)", with the space before it, to be written behind a figure; "" where there is no
// interval.
func (i interval) String() string {
	if i.Low == nil || i.High == nil {
		return ""
	}
	return fmt.Sprintf(" (%s to %s)", bound(*i.Low), bound(*i.High))
}

// bound writes an end of an interval with three significant digits, and never with an exponent for thousands: 0.893,
// 12346.
func bound(x float64) string {
	if math.Abs(x) >= 1000 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// figure writes a figure; one that could not be computed is null.
func figure(v json.RawMessage) string {
	if string(v) == "null" {
		return "undefined"
	}
	return render.Value(v)
}

// gateResult tells what a gate decided. A gate that waits comes with the command that gives the missing approval.
func (a *app) gateResult(g engine.GateResult) {
	switch g.Status {
	case engine.GatePassed:
		fmt.Fprintf(a.out, "  %s  %s\n", g.Address, a.tint("32", "passed"))
	case engine.GateFailed:
		fmt.Fprintf(a.err, "\n%s%s\n", a.paint("Gate failed: "), g.Address)
		a.rules(g.Rules)
	case engine.GateWaits:
		for _, name := range g.Missing {
			fmt.Fprintf(a.err, "\n%s%s waits for the approval %q: %s\n", a.paint("Approval missing: "), g.Address, render.Line(name), a.Command("approve "+render.ShellWord(g.Address)+" "+render.ShellWord(name)))
		}
	case engine.GateBlocked:
		fmt.Fprintf(a.err, "\n%s  not decided: %s failed\n", g.Address, strings.Join(g.BlockedBy, ", "))
	}
}

// releaseResult tells what became of a deployment, and of a live one the commands that people want next. A release that
// was refused by its own failure goes to standard error.
func (a *app) releaseResult(r engine.ReleaseResult) {
	switch {
	case r.Failure != nil:
		fmt.Fprintf(a.err, "  %s  %s%s\n", r.Address, a.paint("failed: "), render.Line(r.Failure.Summary))
	case r.Status == engine.Removed:
		fmt.Fprintf(a.out, "  %s  removed\n", r.Address)
	case r.Status == engine.Blocked:
		fmt.Fprintf(a.err, "  %s  not released: held by %s\n", r.Address, strings.Join(r.BlockedBy, ", "))
	case r.After != nil:
		what := "released"
		switch r.Status {
		case engine.Held:
			fmt.Fprintf(a.out, "  %s  the candidate is one that was rolled back, and is held\n", r.Address)
			fallthrough
		case engine.Unchanged:
			what = fmt.Sprintf("live since revision %d:", r.After.Revision)
		}
		fmt.Fprintf(a.out, "  %s  %s %s %s\n", r.Address, what, r.After.From, r.After.Model.Short())
		name := strings.TrimPrefix(r.Address, "deploy.")
		if r.After.Type == "http" {
			fmt.Fprintf(a.out, "      its model      %s --save model\n      serve it       %s\n      score a row    %s\n",
				a.Command("show "+render.ShellWord(r.Address)), a.Command("serve"), workspace.ScoreCommand(name, r.After.Signature))
		} else {
			fmt.Fprintf(a.out, "      its scores     %s --save scores\n", a.Command("show "+render.ShellWord("deploy."+name)))
		}
	}
}

// found tells at the end of an apply what only warns, and drift that monitors found; of each block the first ten, for a
// monitor over hundreds of columns would bury the releases below.
func (a *app) found(r *engine.Result) {
	const most = 10 // of one block
	told := map[string]int{}
	word := map[plan.FindingSeverity]string{plan.WarnFinding: "warning:", plan.DriftFinding: "drift:"}
	for _, x := range workspace.AmissIn(r) {
		switch told[x.Address]++; {
		case told[x.Address] <= most:
			fmt.Fprintf(a.out, "  %s  %s %s\n", x.Address, a.tint("33", word[x.Severity]), render.Line(x.Text))
		case told[x.Address] == most+1:
			fmt.Fprintf(a.out, "  %s  and more: %s\n", x.Address, a.Command("show "+render.ShellWord(x.Address)))
		}
	}
}

// outputs prints the values of output blocks by name. Of an output that refers to a stage's port the digest is printed
// that the port has after this apply; the value in the plan is that of before.
func (a *app) outputs(outputs map[string]plan.OutputValue, r *engine.Result) {
	for _, name := range sortedKeys(outputs) {
		out := outputs[name]
		value := render.Value(out.Value)
		for _, n := range r.Nodes {
			if d := n.Outputs[out.FromPort]; n.Address == out.From && d != "" {
				value = string(d)
			}
		}
		fmt.Fprintf(a.out, "  output.%s = %s\n", render.Line(name), value)
	}
}
