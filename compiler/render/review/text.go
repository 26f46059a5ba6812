// Package review writes plans, and comparisons of plans, for people: as text, Markdown and HTML. The text depends on nothing but
// the plan: not on time, host, width of the terminal or map order, so that the same commit and state give the same bytes.
//
// What users wrote is made harmless first (render.Line). document.go puts a plan into the order of a review; text.go,
// markdown.go and html.go give it a form.
//
// # The order of a review
//
// A reviewer who stops reading early must have read what matters most, so all forms have one order:
//
//	Plan: 2 to run, 3 may run, 4 cached. 1 gate open. 1 release would change.     the sum
//
//	Production                        what goes live, or away, and the figures of both models
//	Weaker policy                     what may pass that would not have passed before
//	Checks and gates                  failures first, then what is open
//	Warnings and drift found          what stops nothing
//	Hypotheses                        what figures say of claims, which stop nothing either
//	Why                               root causes by number, and what each makes run
//	Stages                            those removed or blocked; with All, every one
//	Warnings                          of the module, the data, the environment
//	About 40 s of work; …             from past runs
//
// Text shows all of it; a terminal scrolls. Markdown is bounded by what GitHub takes for a comment, and is written with
// ever tighter fits until it is short enough (markdown.go, weight.go). HTML lists stages by the thousand and has a picture besides.
//
// # What is never said
//
// A verdict that is open is never shown as one that passes, in words, sign or colour. A word that the plan has and this
// program does not know, as a later version may write, is shown as "unknown" and not as the nearest (oneOf). A list
// that was cut says how much was cut.
package review

import (
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// Text writes the plan in the order a reviewer needs it: the sum in one line, production, gates, causes, cost. The
// error is of w; a plan that cannot be written does not exist.
func Text(w io.Writer, p *plan.Plan, o render.Options) error {
	t := &text{Printer: render.Printer{Options: o}, d: read(p, o.All, o)}
	t.Line("%s\n\n%s", t.d.Title, t.Paint(render.Bold, t.d.Summary))
	for _, s := range append(t.d.Sample, t.d.Merge...) {
		t.Line("%s", s)
	}
	t.production()
	t.weaker()
	t.gates()
	t.found()
	t.hypotheses()
	t.why()
	t.helpers()
	t.stages()
	t.warnings()
	if t.d.Cost != "" {
		t.Line("\n%s", t.d.Cost)
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// text is a plan that is written as text.
type text struct {
	render.Printer
	d *document
}

// production lists the releases, the heaviest first, with figures of the live model beside those of the next:
//
//	Production
//	  + deploy.new      nothing live → train.model a95abb
//	                    held by gate.release
//	                    decides by group: sex, with true_positive_rate alike
//	                    evaluate.e auc  – → 0.6812
func (t *text) production() {
	width := 0
	for i, r := range t.d.Production {
		if i == 0 {
			t.Title("Production")
		}
		width = max(width, render.Columns(r.Address))
	}
	for _, r := range t.d.Production {
		mark, s := releaseMark(r.Action)
		t.Line("  %s %s   %s → %s", t.Paint(s, mark), render.Pad(r.Address, width), r.From, r.To)
		if r.Gate != "" {
			t.Line("    %s   held by %s", render.Pad("", width), r.Gate)
		}
		for _, note := range r.Notes {
			t.Line("    %s   %s", render.Pad("", width), note)
		}
		name, live := figureWidths(r.Figures)
		for _, f := range r.Figures {
			t.Line("    %s   %s  %s → %s", render.Pad("", width), render.Pad(f.Name, name), render.Pad(f.Live, live), f.Next)
		}
	}
}

// weaker lists policy by which something may pass that would not have passed before.
func (t *text) weaker() {
	for i, w := range t.d.Weaker {
		if i == 0 {
			t.Title("Weaker policy")
		}
		where := ""
		if w.Place != "" {
			where = "   " + t.Paint(render.Dim, w.Place)
		}
		t.Line("  %s %s%s", t.Paint(render.Red, "!"), w.Text, where)
		t.Line("      %s", w.Why)
	}
}

// releaseMark is the sign of a release, as Terraform's: + to be made, - to be removed, ~ to be changed; ? is for what
// is open.
func releaseMark(a plan.ReleaseAction) (string, render.Style) {
	switch a {
	case plan.CreateRelease:
		return "+", render.Green
	case plan.RemoveRelease:
		return "-", render.Red
	case plan.MayRelease:
		return "?", render.Yellow
	case plan.NoRelease:
		return "=", render.Dim
	}
	return "~", render.Yellow
}

// gates lists gates, and checks that fail, with each rule, approval and note below:
//
//	✗ gate.release   fails: 2 of 4 rules; nothing behind it is released
//	    ✗  good enough  evaluate.e.metrics.auc >= variable.least  auc = 0.6812  least = 0.7
func (t *text) gates() {
	for i, g := range t.d.Gates {
		if i == 0 {
			t.Title(t.d.GatesTitle)
		}
		mark, s := ruleMark(g.Verdict)
		t.Line("  %s %s   %s", t.Paint(s, mark), g.Address, g.Sum)
		t.rules(g.Rules)
		for _, a := range g.Approvals {
			mark, s := ruleMark(a.Verdict)
			t.Line("      %s  %s", t.Paint(s, mark), a.Text)
		}
		for _, note := range g.Notes {
			t.Line("      %s", note)
		}
	}
}

// found lists what only warns, and drift.
// They stop nothing, so they stand behind what does; with --all each of them.
func (t *text) found() {
	for i, f := range t.d.Found {
		if i == 0 {
			t.Title(foundTitle)
		}
		if i == mostListed && !t.All {
			t.Line("  and %d more", len(t.d.Found)-i)
			return
		}
		where := ""
		if f.Place != "" {
			where = "   " + t.Paint(render.Dim, f.Place)
		}
		t.Line("  %s %s%s", t.Paint(render.Yellow, render.Pad(string(f.Severity), 5)), f.Text, where)
	}
}

// ruleMark is the sign of a verdict and its colour. What is not known counts as open.
func ruleMark(v plan.RuleVerdict) (string, render.Style) {
	switch v {
	case plan.Pass:
		return "✓", render.Green
	case plan.Fail:
		return "✗", render.Red
	case plan.RuleError:
		return "!", render.Red
	}
	return "?", render.Yellow
}

// rules writes one gate's rules in columns. Long names and conditions do not widen them, so that the notes stay in sight.
func (t *text) rules(rules []ruleRow) {
	name, condition := 0, 0
	for _, r := range rules {
		name, condition = max(name, min(render.Columns(r.Name), 48)), max(condition, min(render.Columns(r.Condition), 72))
	}
	for _, r := range rules {
		mark, s := ruleMark(r.Verdict)
		t.Line("      %s  %s  %s  %s", t.Paint(s, mark), render.Pad(r.Name, name), render.Pad(r.Condition, condition), r.Note)
		if r.Message != "" {
			t.Line("         %s  %s", render.Pad("", name), r.Message)
		}
	}
}

// why lists the root causes, and what each makes run.
// Root causes only: that train runs because its dataset runs is seen from the list below the cause, "runs dataset.d,
// train.m".
func (t *text) why() {
	if len(t.d.Why)+len(t.d.Fresh)+len(t.d.Moved) > 0 {
		t.Title("Why")
	}
	for i, c := range t.d.Why {
		for j, x := range c.Causes {
			where, number := "", ""
			if x.Place != "" {
				where = "   " + t.Paint(render.Dim, x.Place)
			}
			if j == 0 {
				number = fmt.Sprint(i + 1)
			}
			t.Line("  %s  %s%s", render.Pad(number, 1), x.Text, where)
			t.lines("       ", x.Lines)
		}
		switch {
		case c.Category != plan.Rebuild:
			t.Line("     %s  %s", t.Paint(categoryStyle(c.Category), render.Pad(string(c.Category), 8)), c.Note)
		case c.Note != "":
			t.Line("     %s", c.Note)
		}
		t.list("runs", c.Runs...)
		t.list("may run", c.MayRun...)
	}
	if len(t.d.Fresh) > 0 {
		t.Line("  %d  never ran", len(t.d.Why)+1)
		t.list("runs", t.d.Fresh...)
	}
	t.moved()
}

// lines lists the lines of texts that were edited, behind a bar each: what a text holds is never taken for a line of the plan.
func (t *text) lines(indent string, lines []render.DiffLine) {
	if !t.All {
		lines = render.CutLines(lines, mostListed)
	}
	for _, l := range lines {
		t.Line("%s", strings.TrimRight(indent+"│ "+t.Paint(lineStyle[l.Sign], l.Sign+" "+l.Text), " "))
	}
}

var lineStyle = map[string]render.Style{"-": render.Red, "+": render.Green, " ": "", "…": render.Dim}

// moved lists the addresses that change, under one number.
// It has the number that follows those of the causes, also where stages that never ran took one.
func (t *text) moved() {
	if len(t.d.Moved) == 0 {
		return
	}
	n := len(t.d.Why) + 1
	if len(t.d.Fresh) > 0 {
		n++
	}
	t.Line("  %d  moved; nothing runs", n)
	for _, m := range t.d.Moved {
		line := fmt.Sprintf("     %s → %s", m.From, m.To)
		if m.Note != "" {
			line += ", " + m.Note
		}
		if m.Place != "" {
			line += "   " + t.Paint(render.Dim, m.Place)
		}
		t.Line("%s", line)
	}
}

// helpers says what stages are for that run and that nobody wrote: those that score the live model for comparison, and
// those that have an opaque model predict.
func (t *text) helpers() {
	for i, h := range t.d.Helpers {
		if i == 0 {
			t.Line("")
		}
		t.Line("  %s", t.Paint(render.Dim, h))
	}
}

// categoryStyle is red for what breaks others, and dim for all else: colour is kept for what may stop a review.
func categoryStyle(c plan.Category) render.Style {
	if c == plan.Breaking {
		return render.Red
	}
	return render.Dim
}

// mostListed is how many addresses are listed behind a cause unless all are asked for; also of findings, and of lines
// of a text that was edited.
const mostListed = 24

// list writes addresses, wrapped at a width that does not depend on the terminal: two people who compare what they see
// must see the same lines.
func (t *text) list(label string, addresses ...string) {
	const width = 100
	line := fmt.Sprintf("     %s  ", render.Pad(label, 8))
	start := len(line)
	if len(addresses) == 0 {
		return
	}
	more := 0
	if !t.All && len(addresses) > mostListed {
		more = len(addresses) - mostListed + 1
		addresses = addresses[:mostListed-1]
	}
	for i, a := range addresses {
		if len(line)+len(a) > width && len(line) > start {
			t.Line("%s", line)
			line = strings.Repeat(" ", start)
		}
		line += a
		if i < len(addresses)-1 {
			line += ", "
		}
	}
	if more > 0 {
		line += fmt.Sprintf(" and %d more", more)
	}
	t.Line("%s", line)
}

// stages lists stages by the phase of the lifecycle that they belong to.
// Within a phase they keep the document's order. The words stand in columns as wide as the longest address.
func (t *text) stages() {
	if len(t.d.Stages) == 0 {
		return
	}
	t.Title("Stages")
	width, phase := 0, "\x00"
	for _, r := range t.d.Stages {
		width = max(width, render.Columns(r.Address))
	}
	for _, r := range t.d.Stages {
		if r.Phase != phase {
			phase = r.Phase
			t.Line("  %s", t.Paint(render.Dim, phase))
		}
		t.Line("    %s %s  %s  %s", verdictMark(r.Verdict), render.Pad(r.Address, width), render.Pad(verdictText(r.Verdict), 8), r.About)
	}
}

// verdictMark is the sign of a stage in the list of all stages; = is for those that do no work.
func verdictMark(v plan.Verdict) string {
	switch v {
	case plan.Run:
		return "+"
	case plan.Cached, plan.Metadata, plan.Moved, plan.Accepted:
		return "="
	case plan.Blocked:
		return "!"
	case plan.Remove:
		return "-"
	}
	return "?"
}

// warnings lists those of the plan itself, each with its place. What rules and checks warn of stands further up
// (found).
func (t *text) warnings() {
	for i, w := range t.d.Warnings {
		if i == 0 {
			t.Title("Warnings")
		}
		where := ""
		if w.Place != "" {
			where = "  " + t.Paint(render.Dim, w.Place)
		}
		t.Line("  %s%s", w.Text, where)
	}
}
