package review

import (
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/graph"
	"github.com/mlp-lang/mlp/lang/source"
)

// Diff writes what differs between two plans: blocks, gates, production, and last what would run. The error is of w.
//
//	churn · main → this folder
//
//	Changes: 1 changed. 2 stages would run because of it.
//
//	Changed
//	  ~ train.model   churn.mlp:14
//	      ~ params.trees  100 → 200
//	      reaches evaluate.test, gate.release
func Diff(w io.Writer, d *diff.Diff, o render.Options) error {
	t := &text{Printer: render.Printer{Options: o}}
	d = weighed(d)
	t.Line("%s · %s → %s", render.Line(d.Pipeline), render.Line(d.Before.Name), render.Line(d.After.Name))
	t.Line("\n%s", t.Paint(render.Bold, DiffSummary(d)))
	t.diffBlocks(d)
	t.diffGates(d)
	t.diffReleases(d)
	t.diffWeaker(d)
	t.diffRuns(d)
	_, err := io.WriteString(w, t.String())
	return err
}

// DiffSummary is the comparison in one line.
// Only what is there is counted: "Changes: 1 block added, 2 changed, 1 gate. 1 policy gets weaker. 3 stages would run
// because of it."
func DiffSummary(d *diff.Diff) string {
	if d.Empty() {
		return "No change: both mean the same pipeline."
	}
	var parts []string
	say := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, render.Plural(n, one, many)))
		}
	}
	say(len(d.Added), "block added", "blocks added")
	say(len(d.Removed), "removed", "removed")
	say(len(d.Moved), "moved", "moved")
	say(len(d.Changed), "changed", "changed")
	say(len(d.Variables), "variable", "variables")
	say(len(d.Gates), "gate", "gates")
	say(len(d.Releases), "deployment", "deployments")
	s := "Changes: " + strings.Join(parts, ", ") + "."
	if n := len(d.Weaker()); n > 0 {
		s += fmt.Sprintf(" %d %s.", n, render.Plural(n, "policy gets weaker", "policies get weaker"))
	}
	if n := len(d.Runs.After); n > 0 {
		s += fmt.Sprintf(" %d %s would run because of it.", n, render.Plural(n, "stage", "stages"))
	}
	return s
}

// diffBlocks writes what differs in the module: variables, then blocks that are gone, new, moved and changed, the last with
// each of their fields and the stages that the change reaches.
func (t *text) diffBlocks(d *diff.Diff) {
	if len(d.Variables) > 0 {
		t.Title("Variables")
		t.diffFields("  ", d.Variables)
	}
	// A block that stands on one side alone is told by its address, type and place; what is in it is in the file.
	alone := func(title, mark string, s render.Style, blocks []diff.Block) {
		if len(blocks) == 0 {
			return
		}
		t.Title(title)
		width := 0
		for _, b := range blocks {
			width = max(width, render.Columns(render.Line(b.Address)))
		}
		for _, b := range blocks {
			t.Line("%s", strings.TrimRight(fmt.Sprintf("  %s %s  %s%s", t.Paint(s, mark), render.Pad(render.Line(b.Address), width),
				render.Line(render.TypeWord(b.Kind, b.Type)), t.where(b.Range)), " "))
		}
	}
	alone("Removed", "-", render.Red, d.Removed)
	alone("Added", "+", render.Green, d.Added)
	if len(d.Moved) > 0 {
		t.Title("Moved")
		for _, m := range d.Moved {
			t.Line("  %s %s → %s", t.Paint(render.Dim, ">"), render.Line(m.From), render.Line(m.To))
		}
	}
	if len(d.Changed) == 0 {
		return
	}
	t.Title("Changed")
	for _, c := range d.Changed {
		t.Line("  %s %s%s", t.Paint(render.Yellow, "~"), render.Line(c.Address), t.where(c.Range))
		t.diffFields("      ", c.Fields)
		t.wrapped("      reaches ", c.Reaches)
		if c.Unfollowed {
			t.Line("      reaches more than is followed")
		}
	}
}

// where is the place of a block in the files, dim and behind three blanks: "   churn.mlp:14"; "" for a block that is in none.
func (t *text) where(r source.Range) string {
	if r.IsZero() {
		return ""
	}
	return t.Paint(render.Dim, fmt.Sprintf("   %s:%d", render.Line(r.File), r.Start.Line))
}

// diffFields lists values before and after, the paths in a column.
// What weakens a policy is red, whatever else it is. Texts of several lines, such as queries, follow below their path.
func (t *text) diffFields(indent string, fields []diff.Field) {
	width := 0
	for _, f := range fields {
		width = max(width, render.Columns(render.Line(f.Path)))
	}
	for _, f := range fields {
		note := ""
		switch {
		case f.Weaker != "":
			note = t.Paint(render.Red, "   (weaker)")
		case f.Category == plan.MetadataChange || f.Category == plan.Breaking || f.Category == plan.AcceptedChange:
			note = t.Paint(render.Dim, "   ("+string(f.Category)+")")
		}
		value, lines := fieldText(f)
		t.Line("%s%s %s  %s%s", indent, t.Paint(fieldStyle(f), fieldMark(f)), render.Pad(render.Line(f.Path), min(width, 40)), value, note)
		t.lines(indent+"  ", lines)
	}
}

// fieldMark is the sign of a field: absent on one side, it was added or removed; else it differs. null is a value.
func fieldMark(f diff.Field) string {
	switch {
	case len(f.Before) == 0:
		return "+"
	case len(f.After) == 0:
		return "-"
	}
	return "~"
}

// fieldStyle is the colour of that sign.
func fieldStyle(f diff.Field) render.Style {
	return map[string]render.Style{"+": render.Green, "-": render.Red, "~": render.Yellow}[fieldMark(f)]
}

// fieldText is the value before and after, or the one there is; of texts that were edited the lines that differ too.
func fieldText(f diff.Field) (string, []render.DiffLine) {
	switch {
	case len(f.Before) == 0:
		return render.DataText(f.After), nil
	case len(f.After) == 0:
		return render.DataText(f.Before), nil
	}
	return render.Change(f.Before, f.After)
}

// wrapped lists addresses, broken at a width that does not depend on the terminal, at most 60 of them. Nothing is
// written for none.
func (t *text) wrapped(label string, addresses []string) {
	const width, most = 100, 60
	if len(addresses) == 0 {
		return
	}
	names := render.Clean(addresses[:min(len(addresses), most)])
	if more := len(addresses) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	line := label
	for i, a := range names {
		if i < len(names)-1 {
			a += ","
		}
		if render.Columns(line)+render.Columns(a) > width && render.Columns(line) > render.Columns(label) {
			t.Line("%s", strings.TrimRight(line, " "))
			line = strings.Repeat(" ", render.Columns(label))
		}
		line += a + " "
	}
	t.Line("%s", strings.TrimRight(line, " "))
}

// diffGates writes the gates whose verdicts or policies differ, with the rules that come out otherwise.
// A gate whose verdict is as before stands here for its policy or for a rule that differs within the same verdict.
func (t *text) diffGates(d *diff.Diff) {
	if len(d.Gates) == 0 {
		return
	}
	t.Title("Gates")
	for _, g := range d.Gates {
		verdict := render.Line(string(g.After))
		if g.Before != g.After {
			verdict = render.Line(string(g.Before)) + " → " + verdict
		}
		t.Line("  %s %s   %s%s", t.Paint(render.Yellow, "~"), render.Line(g.Address), verdict, t.where(g.Range))
		t.diffFields("      ", g.Fields)
		for _, v := range g.Verdicts {
			t.Line("      %s %s   %s → %s", t.Paint(render.Dim, "·"), render.Line(v.Rule), render.Line(string(v.Before)), render.Line(string(v.After)))
		}
	}
}

// diffReleases writes the deployments that an apply would treat otherwise: created by the one plan, changed by the other.
func (t *text) diffReleases(d *diff.Diff) {
	if len(d.Releases) == 0 {
		return
	}
	t.Title("Production")
	for _, r := range d.Releases {
		t.Line("  %s %s   %s%s", t.Paint(render.Yellow, "~"), render.Line(r.Address), releaseShift(r), t.where(r.Range))
		t.diffFields("      ", r.Fields)
	}
}

// diffWeaker lists policy by which something may pass that would not have passed before.
func (t *text) diffWeaker(d *diff.Diff) {
	for i, w := range d.Weaker() {
		if i == 0 {
			t.Title("Weaker policy")
		}
		t.Line("  %s %s: %s%s", t.Paint(render.Red, "!"), weakenedText(w), render.Line(w.Weaker), t.where(w.Range))
	}
}

// weakenedText names what became weaker.
func weakenedText(w diff.Weakened) string {
	if w.Path == "" {
		return render.Line(w.Address) + " is gone"
	}
	return render.Line(w.Path) + " of " + render.Line(w.Address)
}

// releaseShift is what an apply would do to a deployment, by either plan; one word if both would do the same.
func releaseShift(r diff.Release) string {
	word := func(a plan.ReleaseAction) string {
		if w := graph.ActionWords[a]; w != "" {
			return w
		}
		return render.Line(string(a))
	}
	if r.Before == r.After {
		return word(r.After)
	}
	return word(r.Before) + " → " + word(r.After)
}

// diffRuns writes which stages would run with the one plan and not with the other. The labels are of one width.
func (t *text) diffRuns(d *diff.Diff) {
	if len(d.Runs.After)+len(d.Runs.Before)+len(d.Runs.Both) == 0 {
		return
	}
	t.Title("Runs")
	label := func(name string) string { return render.Pad("only with "+render.Line(name), 16) + "  " }
	t.wrapped("  "+label(d.After.Name), d.Runs.After)
	t.wrapped("  "+label(d.Before.Name), d.Runs.Before)
	t.wrapped("  "+render.Pad("either way", 16)+"  ", d.Runs.Both)
}
