// Package render writes plans for people. The text depends on nothing but the plan: not on time, host, width of the
// terminal or map order, so that the same commit and state give the same bytes. What users wrote is made harmless first
// (clean.go).
//
// document.go puts a plan into the order of a review; text.go, markdown.go and html.go give it a form.
package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// Options of the text.
type Options struct {
	Color bool
	All   bool // list cached stages and decided gates too
}

// Text writes the plan in the order a reviewer needs it: the sum in one line, production, gates, causes, cost.
func Text(w io.Writer, p *plan.Plan, o Options) error {
	t := &text{o: o, d: read(p, o.All)}
	t.line("%s\n\n%s", t.d.Title, t.paint(bold, t.d.Summary))
	t.production()
	t.weaker()
	t.gates()
	t.found()
	t.why()
	t.helpers()
	t.stages()
	t.warnings()
	if t.d.Cost != "" {
		t.line("\n%s", t.d.Cost)
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

type text struct {
	b strings.Builder
	o Options
	d *document
}

func (t *text) line(format string, args ...any) {
	t.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// style of a piece of text on a terminal.
type style string

const (
	bold   style = "1"
	green  style = "32"
	red    style = "31"
	yellow style = "33"
	dim    style = "2"
)

func (t *text) paint(s style, text string) string {
	if !t.o.Color || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

func (t *text) title(s string) { t.line("\n%s", t.paint(bold, s)) }

func (t *text) production() {
	width := 0
	for i, r := range t.d.Production {
		if i == 0 {
			t.title("Production")
		}
		width = max(width, columns(r.Address))
	}
	for _, r := range t.d.Production {
		mark, s := releaseMark(r.Action)
		t.line("  %s %s   %s → %s", t.paint(s, mark), pad(r.Address, width), r.From, r.To)
		if r.Gate != "" {
			t.line("    %s   held by %s", pad("", width), r.Gate)
		}
		name, live := figureWidths(r.Figures)
		for _, f := range r.Figures {
			t.line("    %s   %s  %s → %s", pad("", width), pad(f.Name, name), pad(f.Live, live), f.Next)
		}
	}
}

// weaker lists policy by which something may pass that would not have passed before.
func (t *text) weaker() {
	for i, w := range t.d.Weaker {
		if i == 0 {
			t.title("Weaker policy")
		}
		where := ""
		if w.Place != "" {
			where = "   " + t.paint(dim, w.Place)
		}
		t.line("  %s %s%s", t.paint(red, "!"), w.Text, where)
		t.line("      %s", w.Why)
	}
}

func releaseMark(a plan.ReleaseAction) (string, style) {
	switch a {
	case plan.CreateRelease:
		return "+", green
	case plan.RemoveRelease:
		return "-", red
	case plan.MayRelease:
		return "?", yellow
	}
	return "~", yellow
}

func (t *text) gates() {
	for i, g := range t.d.Gates {
		if i == 0 {
			t.title(t.d.GatesTitle)
		}
		mark, s := ruleMark(g.Verdict)
		t.line("  %s %s   %s", t.paint(s, mark), g.Address, g.Sum)
		t.rules(g.Rules)
		for _, a := range g.Approvals {
			mark, s := ruleMark(a.Verdict)
			t.line("      %s  %s", t.paint(s, mark), a.Text)
		}
		for _, note := range g.Notes {
			t.line("      %s", note)
		}
	}
}

// found lists what only warns, and drift.
func (t *text) found() {
	for i, f := range t.d.Found {
		if i == 0 {
			t.title(foundTitle)
		}
		if i == mostListed && !t.o.All {
			t.line("  and %d more", len(t.d.Found)-i)
			return
		}
		where := ""
		if f.Place != "" {
			where = "   " + t.paint(dim, f.Place)
		}
		t.line("  %s %s%s", t.paint(yellow, pad(string(f.Severity), 5)), f.Text, where)
	}
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

func (t *text) rules(rules []ruleRow) {
	name, condition := 0, 0
	for _, r := range rules {
		name, condition = max(name, min(columns(r.Name), 48)), max(condition, min(columns(r.Condition), 72))
	}
	for _, r := range rules {
		mark, s := ruleMark(r.Verdict)
		t.line("      %s  %s  %s  %s", t.paint(s, mark), pad(r.Name, name), pad(r.Condition, condition), r.Note)
		if r.Message != "" {
			t.line("         %s  %s", pad("", name), r.Message)
		}
	}
}

// why lists the root causes, and what each makes run.
func (t *text) why() {
	if len(t.d.Why)+len(t.d.Fresh)+len(t.d.Moved) > 0 {
		t.title("Why")
	}
	for i, c := range t.d.Why {
		for j, x := range c.Causes {
			where, number := "", ""
			if x.Place != "" {
				where = "   " + t.paint(dim, x.Place)
			}
			if j == 0 {
				number = fmt.Sprint(i + 1)
			}
			t.line("  %s  %s%s", pad(number, 1), x.Text, where)
		}
		switch {
		case c.Category != plan.Rebuild:
			t.line("     %s  %s", t.paint(categoryStyle(c.Category), pad(string(c.Category), 8)), c.Note)
		case c.Note != "":
			t.line("     %s", c.Note)
		}
		t.list("runs", c.Runs...)
		t.list("may run", c.MayRun...)
	}
	if len(t.d.Fresh) > 0 {
		t.line("  %d  never ran", len(t.d.Why)+1)
		t.list("runs", t.d.Fresh...)
	}
	t.moved()
}

// moved lists the addresses that change, under one number.
func (t *text) moved() {
	if len(t.d.Moved) == 0 {
		return
	}
	n := len(t.d.Why) + 1
	if len(t.d.Fresh) > 0 {
		n++
	}
	t.line("  %d  moved; nothing runs", n)
	for _, m := range t.d.Moved {
		line := fmt.Sprintf("     %s → %s", m.From, m.To)
		if m.Note != "" {
			line += ", " + m.Note
		}
		if m.Place != "" {
			line += "   " + t.paint(dim, m.Place)
		}
		t.line("%s", line)
	}
}

func (t *text) helpers() {
	for i, h := range t.d.Helpers {
		if i == 0 {
			t.line("")
		}
		t.line("  %s", t.paint(dim, h))
	}
}

func categoryStyle(c plan.Category) style {
	if c == plan.Breaking {
		return red
	}
	return dim
}

// mostListed is how many addresses are listed behind a cause unless all are asked for.
const mostListed = 24

// list writes addresses, wrapped at a width that does not depend on the terminal.
func (t *text) list(label string, addresses ...string) {
	const width = 100
	line := fmt.Sprintf("     %s  ", pad(label, 8))
	start := len(line)
	if len(addresses) == 0 {
		return
	}
	more := 0
	if !t.o.All && len(addresses) > mostListed {
		more = len(addresses) - mostListed + 1
		addresses = addresses[:mostListed-1]
	}
	for i, a := range addresses {
		if len(line)+len(a) > width && len(line) > start {
			t.line("%s", line)
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
	t.line("%s", line)
}

// stages lists stages by the phase of the lifecycle that they belong to.
func (t *text) stages() {
	if len(t.d.Stages) == 0 {
		return
	}
	t.title("Stages")
	width, phase := 0, "\x00"
	for _, r := range t.d.Stages {
		width = max(width, columns(r.Address))
	}
	for _, r := range t.d.Stages {
		if r.Phase != phase {
			phase = r.Phase
			t.line("  %s", t.paint(dim, phase))
		}
		t.line("    %s %s  %s  %s", verdictMark(r.Verdict), pad(r.Address, width), pad(verdictText(r.Verdict), 8), r.About)
	}
}

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

func (t *text) warnings() {
	for i, w := range t.d.Warnings {
		if i == 0 {
			t.title("Warnings")
		}
		where := ""
		if w.Place != "" {
			where = "  " + t.paint(dim, w.Place)
		}
		t.line("  %s%s", w.Text, where)
	}
}
