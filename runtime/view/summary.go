package view

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// summary tells what came of an apply: failures first, then the counts, figures, gates, what was found amiss, releases
// and outputs. Failures and what waits go to standard error, results to standard output.
func (s *Screen) summary(run *engine.Replay) {
	r := run.Result()
	s.failures(r)
	ran, cached := 0, 0
	for _, n := range r.Nodes {
		switch n.Status {
		case engine.Ran:
			ran++
		case engine.Cached:
			cached++
		}
	}
	fmt.Fprintf(s.Out, "\nApplied: %d ran, %d cached. Revision %d.\n", ran, cached, run.Revision)
	s.figures(r)
	for _, g := range r.Gates {
		s.gateResult(g)
	}
	s.found(r)
	for _, rel := range r.Releases {
		s.releaseResult(rel)
	}
	s.hypotheses(r)
	s.outputs(run.Started.Outputs, r)
}

// hypotheses tells what the figures of the run say of each, with what it rests on.
func (s *Screen) hypotheses(r *engine.Result) {
	for _, h := range r.Hypotheses {
		note := render.HypothesisNote(h.Tested)
		if note != "" {
			note = ": " + note
		}
		fmt.Fprintf(s.Out, "  %s  %s %s%s\n", render.Line(h.Problem), render.Line(h.Name), render.HypothesisVerdict(h.Verdict), note)
	}
}

// failures prints each stage that failed and each check that did not pass, with what was left out because of it.
func (s *Screen) failures(r *engine.Result) {
	for _, n := range r.Nodes {
		if n.Check != nil && !n.Check.Passed {
			s.checkFailure(n)
			s.leftOut(r, n.Address)
		}
		if n.Failure == nil {
			continue
		}
		fmt.Fprintf(s.Err, "\n%s%s: %s\n", s.Paint("Failed: "), n.Address, render.Line(summaryOf(n.Address, n.Failure)))
		if n.Failure.Detail != "" {
			detail := render.Lines(n.Failure.Detail)
			if strings.Contains(detail, "\n") {
				detail = "| " + strings.ReplaceAll(detail, "\n", "\n  | ") // so that it is not taken for lines of ours
			}
			fmt.Fprintf(s.Err, "  %s\n", detail)
		} else {
			for _, line := range n.Failure.Tail {
				if !strings.Contains(line, n.Failure.Summary) { // told above
					fmt.Fprintf(s.Err, "  | %s\n", render.Line(line))
				}
			}
		}
		s.leftOut(r, n.Address)
		fmt.Fprintf(s.Err, "  its log: %s\n", s.Command("logs "+render.ShellWord(n.Address)))
	}
}

// summaryOf is a failure in one line. The address that the stage itself may begin with is left out: it stands in front.
func summaryOf(address string, f *engine.Failure) string {
	return strings.TrimPrefix(f.Summary, address+": ")
}

// leftOut names what did not run, was not decided or not released because of a failure.
func (s *Screen) leftOut(r *engine.Result, address string) {
	if blocked := blockedBy(r, address); len(blocked) > 0 {
		fmt.Fprintf(s.Err, "  left out because of it: %s\n", strings.Join(blocked, ", "))
	}
}

// checkFailure prints the expectations that do not hold, by column, and the rules:
//
//	Check failed: check.payments
//	  ✗  amount min: expected >= 0, observed -3 (fail)
func (s *Screen) checkFailure(n engine.NodeResult) {
	fmt.Fprintf(s.Err, "\n%s%s\n", s.Paint("Check failed: "), n.Address)
	var figures struct {
		Failures []struct{ Column, Expectation, Observed, Expected, Severity string }
	}
	if json.Unmarshal(n.Figures, &figures) == nil {
		for _, f := range figures.Failures {
			fmt.Fprintf(s.Err, "  ✗  %s %s: expected %s, observed %s (%s)\n", render.Line(f.Column), f.Expectation, render.Line(f.Expected), render.Line(f.Observed), f.Severity)
		}
	}
	s.rules(n.Check.Rules)
}

// rules prints the rules that did not pass, each with its message and the values that it read, so that nobody has to
// look for them elsewhere.
func (s *Screen) rules(rules []plan.Rule) {
	for _, r := range rules {
		if r.Verdict == plan.Pass {
			continue
		}
		fmt.Fprintf(s.Err, "  ✗  %s: %s\n", render.Line(r.Name), render.Line(r.Assert))
		if r.Message != "" {
			fmt.Fprintf(s.Err, "     %s\n", render.Line(r.Message))
		}
		if r.Reason != "" {
			fmt.Fprintf(s.Err, "     %s\n", render.Line(r.Reason))
		}
		for _, v := range r.Values {
			fmt.Fprintf(s.Err, "     %s = %s\n", render.Line(v.Path), render.Value(v.Value))
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
func (s *Screen) figures(r *engine.Result) {
	for _, n := range r.Nodes {
		if address.IsDerived(n.Address) {
			continue
		}
		var f struct {
			Metrics     map[string]json.RawMessage
			Intervals   map[string]interval
			Mean, Worst map[string]json.RawMessage // of an evaluation that sums up others
			Chosen      string                     // of a choice among models
			Value       json.RawMessage
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
			for _, name := range slices.Sorted(maps.Keys(f.Metrics)) {
				parts = append(parts, name+" "+figure(f.Metrics[name])+f.Intervals[name].String())
			}
			for _, name := range slices.Sorted(maps.Keys(f.Mean)) {
				parts = append(parts, fmt.Sprintf("%s %s in the mean, %s at worst", name, figure(f.Mean[name]), figure(f.Worst[name])))
			}
		case strings.HasPrefix(n.Address, "monitor."):
			for _, name := range slices.Sorted(maps.Keys(f.Performance)) {
				parts = append(parts, name+" "+figure(f.Performance[name].Value)+f.Performance[name].String())
			}
		}
		if f.Chosen != "" {
			parts = append(parts, fmt.Sprintf("chose %s, at %s", f.Chosen, figure(f.Value)))
		}
		if len(parts) > 0 {
			fmt.Fprintf(s.Out, "  %s  %s\n", n.Address, strings.Join(parts, ", "))
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
func (s *Screen) gateResult(g engine.GateResult) {
	switch g.Status {
	case engine.GatePassed:
		fmt.Fprintf(s.Out, "  %s  %s\n", g.Address, s.Tint("32", "passed"))
	case engine.GateFailed:
		fmt.Fprintf(s.Err, "\n%s%s\n", s.Paint("Gate failed: "), g.Address)
		s.rules(g.Rules)
	case engine.GateWaits:
		for _, name := range g.Missing {
			fmt.Fprintf(s.Err, "\n%s%s waits for the approval %q: %s\n", s.Paint("Approval missing: "), g.Address, render.Line(name), s.Command("approve "+render.ShellWord(g.Address)+" "+render.ShellWord(name)))
		}
	case engine.GateBlocked:
		fmt.Fprintf(s.Err, "\n%s  not decided: %s failed\n", g.Address, strings.Join(g.BlockedBy, ", "))
	}
}

// releaseResult tells what became of a deployment, and of a live one the commands that people want next. A release that
// was refused by its own failure goes to standard error.
func (s *Screen) releaseResult(r engine.ReleaseResult) {
	switch {
	case r.Failure != nil:
		s.written(r)
		fmt.Fprintf(s.Err, "  %s  %s%s\n", r.Address, s.Paint("failed: "), render.Line(r.Failure.Summary))
		if r.Failure.Detail != "" {
			fmt.Fprintf(s.Err, "      %s\n", render.Line(r.Failure.Detail))
		}
	case r.Status == engine.Removed:
		fmt.Fprintf(s.Out, "  %s  removed\n", r.Address)
	case r.Status == engine.Blocked:
		fmt.Fprintf(s.Err, "  %s  not released: held by %s\n", r.Address, strings.Join(r.BlockedBy, ", "))
	case r.Status == engine.Sampled:
		fmt.Fprintf(s.Out, "  %s  not released: its model is of a sample of the rows\n", r.Address)
	case r.After != nil && r.After.Rollout != nil && r.Status != engine.Held:
		s.rolloutGoesOn(r)
	case r.After != nil:
		what := "released"
		switch r.Status {
		case engine.Held:
			fmt.Fprintf(s.Out, "  %s  the candidate is one that was rolled back, and is held\n", r.Address)
			fallthrough
		case engine.Unchanged:
			what = fmt.Sprintf("live since revision %d:", r.After.Revision)
		}
		fmt.Fprintf(s.Out, "  %s  %s %s %s\n", r.Address, what, r.After.From, r.After.Model.Short())
		name := strings.TrimPrefix(r.Address, "deploy.")
		if r.After.Type == "http" {
			fmt.Fprintf(s.Out, "      its model      %s --save model\n      serve it       %s\n      score a row    %s\n",
				s.Command("show "+render.ShellWord(r.Address)), s.Command("serve"), workspace.ScoreCommand(name, r.After.Signature))
		} else {
			fmt.Fprintf(s.Out, "      its scores     %s --save scores\n", s.Command("show "+render.ShellWord("deploy."+name)))
			s.written(r)
		}
	}
}

// written tells what a deployment wrote to its destinations.
func (s *Screen) written(r engine.ReleaseResult) {
	for _, w := range r.Written {
		fmt.Fprintf(s.Out, "      written        %s\n", review.WrittenText(w))
	}
}

// found tells at the end of an apply what only warns, and drift that monitors found; of each block the first ten, for a
// monitor over hundreds of columns would bury the releases below.
func (s *Screen) found(r *engine.Result) {
	const most = 10 // of one block
	told := map[string]int{}
	word := map[plan.FindingSeverity]string{plan.WarnFinding: "warning:", plan.DriftFinding: "drift:"}
	for _, x := range workspace.AmissIn(r) {
		switch told[x.Address]++; {
		case told[x.Address] <= most:
			fmt.Fprintf(s.Out, "  %s  %s %s\n", x.Address, s.Tint("33", word[x.Severity]), render.Line(x.Text))
		case told[x.Address] == most+1:
			fmt.Fprintf(s.Out, "  %s  and more: %s\n", x.Address, s.Command("show "+render.ShellWord(x.Address)))
		}
	}
}

// outputs prints the values of output blocks by name. Of an output that refers to a stage's port the digest is printed
// that the port has after this apply; the value in the plan is that of before.
func (s *Screen) outputs(outputs map[string]plan.OutputValue, r *engine.Result) {
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		out := outputs[name]
		value := render.Value(out.Value)
		for _, n := range r.Nodes {
			if d := n.Outputs[out.FromPort]; n.Address == out.From && d != "" {
				value = string(d)
			}
		}
		fmt.Fprintf(s.Out, "  output.%s = %s\n", render.Line(name), value)
	}
}
