package render

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
)

// Diff writes what differs between two plans: blocks, gates, production, and last what would run.
func Diff(w io.Writer, d *diff.Diff, o Options) error {
	t := &text{o: o}
	d = weighed(d)
	t.line("%s · %s → %s", clean(d.Pipeline), clean(d.Before.Name), clean(d.After.Name))
	t.line("\n%s", t.paint(bold, DiffSummary(d)))
	t.diffBlocks(d)
	t.diffGates(d)
	t.diffReleases(d)
	t.diffWeaker(d)
	t.diffRuns(d)
	_, err := io.WriteString(w, t.b.String())
	return err
}

// DiffSummary is the comparison in one line.
func DiffSummary(d *diff.Diff) string {
	if d.Empty() {
		return "No change: both mean the same pipeline."
	}
	var parts []string
	say := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, plural(n, one, many)))
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
		s += fmt.Sprintf(" %d %s.", n, plural(n, "policy gets weaker", "policies get weaker"))
	}
	if n := len(d.Runs.After); n > 0 {
		s += fmt.Sprintf(" %d %s would run because of it.", n, plural(n, "stage", "stages"))
	}
	return s
}

func (t *text) diffBlocks(d *diff.Diff) {
	if len(d.Variables) > 0 {
		t.title("Variables")
		t.diffFields("  ", d.Variables)
	}
	alone := func(title, mark string, s style, blocks []diff.Block) {
		if len(blocks) == 0 {
			return
		}
		t.title(title)
		width := 0
		for _, b := range blocks {
			width = max(width, columns(clean(b.Address)))
		}
		for _, b := range blocks {
			t.line("%s", strings.TrimRight(fmt.Sprintf("  %s %s  %s%s", t.paint(s, mark), pad(clean(b.Address), width),
				clean(TypeWord(b.Kind, b.Type)), t.where(b.Range)), " "))
		}
	}
	alone("Removed", "-", red, d.Removed)
	alone("Added", "+", green, d.Added)
	if len(d.Moved) > 0 {
		t.title("Moved")
		for _, m := range d.Moved {
			t.line("  %s %s → %s", t.paint(dim, ">"), clean(m.From), clean(m.To))
		}
	}
	if len(d.Changed) == 0 {
		return
	}
	t.title("Changed")
	for _, c := range d.Changed {
		t.line("  %s %s%s", t.paint(yellow, "~"), clean(c.Address), t.where(c.Range))
		t.diffFields("      ", c.Fields)
		t.wrapped("      reaches ", c.Reaches)
		if c.Unfollowed {
			t.line("      reaches more than is followed")
		}
	}
}

// where is the place of a block in the files.
func (t *text) where(r source.Range) string {
	if r.IsZero() {
		return ""
	}
	return t.paint(dim, fmt.Sprintf("   %s:%d", clean(r.File), r.Start.Line))
}

// diffFields lists values before and after, the paths in a column.
func (t *text) diffFields(indent string, fields []diff.Field) {
	width := 0
	for _, f := range fields {
		width = max(width, columns(clean(f.Path)))
	}
	for _, f := range fields {
		note := ""
		switch {
		case f.Weaker != "":
			note = t.paint(red, "   (weaker)")
		case f.Category == plan.MetadataChange || f.Category == plan.Breaking || f.Category == plan.AcceptedChange:
			note = t.paint(dim, "   ("+string(f.Category)+")")
		}
		t.line("%s%s %s  %s%s", indent, t.paint(fieldStyle(f), fieldMark(f)), pad(clean(f.Path), min(width, 40)), fieldText(f), note)
	}
}

func fieldMark(f diff.Field) string {
	switch {
	case len(f.Before) == 0:
		return "+"
	case len(f.After) == 0:
		return "-"
	}
	return "~"
}

func fieldStyle(f diff.Field) style {
	return map[string]style{"+": green, "-": red, "~": yellow}[fieldMark(f)]
}

// fieldText is the value before and after, or the one there is.
func fieldText(f diff.Field) string {
	switch {
	case len(f.Before) == 0:
		return diffValue(f.After)
	case len(f.After) == 0:
		return diffValue(f.Before)
	}
	return changeText(f.Before, f.After)
}

// wrapped lists addresses, broken at a width that does not depend on the terminal.
func (t *text) wrapped(label string, addresses []string) {
	const width, most = 100, 60
	if len(addresses) == 0 {
		return
	}
	names := cleaned(addresses[:min(len(addresses), most)])
	if more := len(addresses) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	line := label
	for i, a := range names {
		if i < len(names)-1 {
			a += ","
		}
		if columns(line)+columns(a) > width && columns(line) > columns(label) {
			t.line("%s", strings.TrimRight(line, " "))
			line = strings.Repeat(" ", columns(label))
		}
		line += a + " "
	}
	t.line("%s", strings.TrimRight(line, " "))
}

func (t *text) diffGates(d *diff.Diff) {
	if len(d.Gates) == 0 {
		return
	}
	t.title("Gates")
	for _, g := range d.Gates {
		verdict := clean(string(g.After))
		if g.Before != g.After {
			verdict = clean(string(g.Before)) + " → " + verdict
		}
		t.line("  %s %s   %s%s", t.paint(yellow, "~"), clean(g.Address), verdict, t.where(g.Range))
		t.diffFields("      ", g.Fields)
		for _, v := range g.Verdicts {
			t.line("      %s %s   %s → %s", t.paint(dim, "·"), clean(v.Rule), clean(string(v.Before)), clean(string(v.After)))
		}
	}
}

func (t *text) diffReleases(d *diff.Diff) {
	if len(d.Releases) == 0 {
		return
	}
	t.title("Production")
	for _, r := range d.Releases {
		t.line("  %s %s   %s%s", t.paint(yellow, "~"), clean(r.Address), releaseShift(r), t.where(r.Range))
		t.diffFields("      ", r.Fields)
	}
}

// diffWeaker lists policy by which something may pass that would not have passed before.
func (t *text) diffWeaker(d *diff.Diff) {
	for i, w := range d.Weaker() {
		if i == 0 {
			t.title("Weaker policy")
		}
		t.line("  %s %s: %s%s", t.paint(red, "!"), weakenedText(w), clean(w.Weaker), t.where(w.Range))
	}
}

// weakenedText names what became weaker.
func weakenedText(w diff.Weakened) string {
	if w.Path == "" {
		return clean(w.Address) + " is gone"
	}
	return clean(w.Path) + " of " + clean(w.Address)
}

// releaseShift is what an apply would do to a deployment, by either plan.
func releaseShift(r diff.Release) string {
	word := func(a plan.ReleaseAction) string {
		if w := actionWords[a]; w != "" {
			return w
		}
		return clean(string(a))
	}
	if r.Before == r.After {
		return word(r.After)
	}
	return word(r.Before) + " → " + word(r.After)
}

func (t *text) diffRuns(d *diff.Diff) {
	if len(d.Runs.After)+len(d.Runs.Before)+len(d.Runs.Both) == 0 {
		return
	}
	t.title("Runs")
	label := func(name string) string { return pad("only with "+clean(name), 16) + "  " }
	t.wrapped("  "+label(d.After.Name), d.Runs.After)
	t.wrapped("  "+label(d.Before.Name), d.Runs.Before)
	t.wrapped("  "+pad("either way", 16)+"  ", d.Runs.Both)
}

// longestValue is how many characters of a value are shown.
const longestValue = 60

// diffValue writes a value briefly; files by number, size and digest.
func diffValue(v json.RawMessage) string { return dataText(v) }

// changeText writes a value before and after. Of long texts and lists only what differs is shown.
func changeText(before, after json.RawMessage) string {
	var a, b []json.RawMessage
	if json.Unmarshal(before, &a) == nil && json.Unmarshal(after, &b) == nil && len(before)+len(after) > longestValue {
		return listChange(a, b)
	}
	var x, y string
	if json.Unmarshal(before, &x) == nil && json.Unmarshal(after, &y) == nil {
		return strings.Join(textChange(x, y), " → ")
	}
	return diffValue(before) + " → " + diffValue(after)
}

// textChange is two texts, cut to where they differ before they are cleaned: a difference far behind is not cut away.
func textChange(a, b string) []string {
	x, y := strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " ")
	if x == y && a != b {
		return []string{clipped(clean(x), longestValue), "the same with other white space"}
	}
	x, y = narrow(x, y)
	return []string{clean(x), clean(y)}
}

// listChange names what a list gained and lost; if that is nothing, its order differs.
func listChange(a, b []json.RawMessage) string {
	count := map[string]int{}
	for _, v := range a {
		count[string(v)]--
	}
	for _, v := range b {
		count[string(v)]++
	}
	var gained, lost []json.RawMessage
	for _, v := range b {
		if k := string(v); count[k] > 0 {
			gained = append(gained, v)
			count[k] = 0
		}
	}
	for _, v := range a {
		if k := string(v); count[k] < 0 {
			lost = append(lost, v)
			count[k] = 0
		}
	}
	return gainedAndLost(gained, lost)
}

// gainedAndLost names elements. Of long texts that stand for each other, such as a script that was edited, what differs is
// shown.
func gainedAndLost(more, less []json.RawMessage) string {
	gained, lost := make([]string, len(more)), make([]string, len(less))
	for i, v := range more {
		gained[i] = Value(v)
	}
	for i, v := range less {
		lost[i] = Value(v)
		var x, y string
		if len(more) == len(less) && json.Unmarshal(v, &x) == nil && json.Unmarshal(more[i], &y) == nil {
			both := textChange(x, y)
			lost[i], gained[i] = both[0], both[1]
		}
	}
	var parts []string
	if len(gained) > 0 {
		parts = append(parts, "+ "+named(gained))
	}
	if len(lost) > 0 {
		parts = append(parts, "- "+named(lost))
	}
	if len(parts) == 0 {
		return "the same in another order"
	}
	return strings.Join(parts, "  ")
}

// narrow cuts two long texts to where they differ, with a little of what stands around it.
func narrow(a, b string) (string, string) {
	const around = 16
	x, y := []rune(a), []rune(b)
	if len(x) <= longestValue && len(y) <= longestValue {
		return a, b
	}
	same := 0
	for same < len(x) && same < len(y) && x[same] == y[same] {
		same++
	}
	from := max(0, same-around)
	x, y = x[from:], y[from:]
	tail := 0
	for tail < len(x) && tail < len(y) && tail < len(x)-(same-from) && tail < len(y)-(same-from) && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	cut := max(0, tail-around)
	return piece(x, from > 0, cut), piece(y, from > 0, cut)
}

func piece(r []rune, front bool, cut int) string {
	r = slices.Clone(r[:len(r)-cut])
	back := cut > 0
	if len(r) > 2*longestValue {
		r, back = r[:2*longestValue], true
	}
	s := string(r)
	if front {
		s = "…" + s
	}
	if back {
		s += "…"
	}
	return s
}
