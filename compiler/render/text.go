// Package render writes plans for people. The text depends on nothing but the plan: not on time, host, width of the
// terminal or map order, so that the same commit and state give the same bytes. What users wrote is made harmless first
// (clean.go).
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
	All   bool // list cached stages too
}

// Text writes the plan in the order a reviewer needs it: the sum in one line, production, gates, causes, cost.
func Text(w io.Writer, p *plan.Plan, o Options) error {
	t := &text{o: o}
	t.head(p)
	t.production(p)
	t.gates(p)
	t.why(p)
	t.stages(p)
	t.warnings(p)
	t.cost(p)
	_, err := io.WriteString(w, t.b.String())
	return err
}

type text struct {
	b strings.Builder
	o Options
}

func (t *text) line(format string, args ...any) { fmt.Fprintf(&t.b, format+"\n", args...) }

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
	if !t.o.Color {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

func (t *text) title(s string) { t.line("\n%s", t.paint(bold, s)) }

func (t *text) head(p *plan.Plan) {
	base := "nothing recorded yet"
	if p.Base.Revision > 0 {
		base = fmt.Sprintf("against revision %d", p.Base.Revision)
	}
	t.line("%s · workspace %s · %s", clean(p.Pipeline), clean(p.Workspace), base)
	t.line("\n%s", t.paint(bold, Summary(p)))
}

// Summary is the plan in one line.
func Summary(p *plan.Plan) string {
	c := Count(p)
	if c.Nothing() {
		return fmt.Sprintf("Plan: nothing to do, %d cached.", c.Cached)
	}
	var parts []string
	say := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	say(c.Run, "to run")
	say(c.MayRun, "may run")
	say(c.Blocked, "blocked")
	say(c.Remove, "to remove")
	say(c.Cached, "cached")
	if len(parts) == 0 {
		parts = []string{"no stage to run"}
	}
	s := "Plan: " + strings.Join(parts, ", ") + "."
	sentence := func(n int, one, many string) {
		if n > 0 {
			s += fmt.Sprintf(" %d %s.", n, plural(n, one, many))
		}
	}
	sentence(c.GatesFailed, "gate fails", "gates fail")
	sentence(c.GatesPassed, "gate passes", "gates pass")
	sentence(c.GatesOpen, "gate open", "gates open")
	sentence(c.Releases, "release would change", "releases would change")
	sentence(c.Removals, "release would be removed", "releases would be removed")
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Counts of a plan.
type Counts struct {
	Run, MayRun, Cached, Blocked, Remove int
	GatesOpen, GatesFailed, GatesPassed  int // those decided already are not counted
	Releases, Removals                   int
}

// Nothing tells whether an apply would do nothing at all.
func (c Counts) Nothing() bool {
	c.Cached = 0
	return c == Counts{}
}

// Count counts what a plan would do.
func Count(p *plan.Plan) Counts {
	var c Counts
	for _, n := range p.Nodes {
		switch n.Verdict {
		case plan.Run:
			c.Run++
		case plan.MayRun:
			c.MayRun++
		case plan.Cached, plan.Metadata:
			c.Cached++
		case plan.Blocked:
			c.Blocked++
		case plan.Remove:
			c.Remove++
		}
	}
	for _, g := range p.Gates {
		switch {
		case g.Cached:
		case g.Verdict == plan.Fail || g.Verdict == plan.RuleError:
			c.GatesFailed++
		case g.Verdict == plan.Open:
			c.GatesOpen++
		default:
			c.GatesPassed++
		}
	}
	for _, r := range p.Releases {
		switch r.Action {
		case plan.CreateRelease, plan.ChangeRelease, plan.MayRelease:
			c.Releases++
		case plan.RemoveRelease:
			c.Removals++
		}
	}
	return c
}

// stages lists stages one by one: those that are removed or blocked always, the rest if asked for.
func (t *text) stages(p *plan.Plan) {
	marks := map[plan.Verdict]string{plan.Run: "+", plan.MayRun: "?", plan.Cached: "=", plan.Blocked: "!", plan.Remove: "-", plan.Metadata: "="}
	var rows [][2]string
	for _, n := range p.Nodes {
		if t.o.All || n.Verdict == plan.Remove || n.Verdict == plan.Blocked {
			rows = append(rows, [2]string{marks[n.Verdict] + " " + n.Address, strings.ReplaceAll(string(n.Verdict), "_", " ")})
		}
	}
	if len(rows) == 0 {
		return
	}
	t.title("Stages")
	width := 0
	for _, r := range rows {
		width = max(width, columns(r[0]))
	}
	for _, r := range rows {
		t.line("  %s  %s", pad(r[0], width), r[1])
	}
}

func (t *text) warnings(p *plan.Plan) {
	if len(p.Diagnostics) == 0 {
		return
	}
	t.title("Warnings")
	for _, d := range p.Diagnostics {
		place := ""
		if !d.Subject.IsZero() {
			place = fmt.Sprintf("  %s:%d", clean(d.Subject.File), d.Subject.Start.Line)
		}
		t.line("  %s%s", clean(d.Summary), t.paint(dim, place))
	}
}
