package review

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/source"
)

// DiffMarkdown writes a comparison for a pull request, in at most MostMarkdown bytes: what was cut is said. Everything
// that users wrote stands in code spans. If not even the tightest fit is short enough, the summary alone is written.
func DiffMarkdown(w io.Writer, d *diff.Diff) error {
	d = weighed(d)
	text, err := fitted(func(f fit) (string, error) {
		m := &diffMarkdown{fit: f}
		m.document(d)
		return m.b.String(), nil
	})
	if err != nil {
		return err
	}
	if text == "" {
		text = fmt.Sprintf("**%s**\n\nAll else is too long to show here: see `mlp diff`.\n", DiffSummary(d))
	}
	_, err = io.WriteString(w, text)
	return err
}

// document writes the parts of a diff. Where the text would be too long it is written anew with a tighter fit, which leaves
// out of each list what weighs least.
func (m *diffMarkdown) document(d *diff.Diff) {
	m.line("### %s: %s → %s\n", m.code(d.Pipeline), m.code(d.Before.Name), m.code(d.After.Name))
	m.line("**%s**", DiffSummary(d))
	m.fields("Variables", d.Variables)
	m.blocks("Removed", d.Removed, true)
	m.blocks("Added", d.Added, false)
	if len(d.Moved) > 0 {
		m.title("Moved")
		rows, more := some(d.Moved, m.fit.rows)
		for _, x := range rows {
			m.line("- %s → %s", m.code(x.From), m.code(x.To))
		}
		m.more(more)
	}
	m.weaker(d)
	m.gates(d)
	m.changed(d.Changed)
	m.runs(d)
	if m.cut > 0 {
		m.line("\n_Cut to %d bytes, what weighs least. `mlp diff` shows all._", MostMarkdown)
	}
}

// diffMarkdown writes a diff as Markdown, as far as the fit lets it.
type diffMarkdown struct {
	b   strings.Builder
	fit fit
	cut int // rows that are not shown
}

// more says how many rows of a list are not shown.
func (m *diffMarkdown) more(n int) {
	if m.cut += n; n > 0 {
		m.line("- and %d more", n)
	}
}

// code is a user's string, cut to the width that there is.
func (m *diffMarkdown) code(s string) string {
	return render.CodeText(s, m.fit.width)
}

// line writes one line of the text.
func (m *diffMarkdown) line(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

// title begins a part; an empty part has none.
func (m *diffMarkdown) title(s string) { m.line("\n#### %s\n", s) }

// placeSpan is a place as code in parentheses, empty if there is none.
func placeSpan(r source.Range) string {
	if r.IsZero() {
		return ""
	}
	return fmt.Sprintf(" (%s)", render.CodeText(fmt.Sprintf("%s:%d", r.File, r.Start.Line), math.MaxInt))
}

// blocks lists blocks under a title. heavy says that they weigh: of a long list those are kept whose loss is a risk, as a
// gate that is gone.
func (m *diffMarkdown) blocks(title string, blocks []diff.Block, heavy bool) {
	if len(blocks) == 0 {
		return
	}
	m.title(title)
	rows, more := pick(m.fit, blocks, func(b diff.Block) bool { return heavy && blockWeight(b) < 3 })
	defer m.more(more)
	for _, b := range rows {
		kind := ""
		if w := render.TypeWord(b.Kind, b.Type); w != "" {
			kind = ", " + m.code(w)
		}
		m.line("- %s%s%s", m.code(b.Address), kind, placeSpan(b.Range))
	}
}

// fields lists fields under a title.
func (m *diffMarkdown) fields(title string, fields []diff.Field) {
	if len(fields) > 0 {
		m.title(title)
		m.list("", fields)
	}
}

// list writes fields, as many as fit; what weakens a policy is told in bold whatever its category.
// The number of what is cut adds up in m.cut, which the end of the text tells.
func (m *diffMarkdown) list(indent string, fields []diff.Field) {
	rows, more := some(fields, m.fit.rows)
	if more > 0 {
		m.cut += more
		defer m.line("%s- and %d more", indent, more)
	}
	for _, f := range rows {
		word := map[string]string{"+": "added ", "-": "removed ", "~": ""}[fieldMark(f)]
		note := ""
		if f.Weaker != "" {
			note = " **(weaker)**"
		} else if f.Category == plan.MetadataChange || f.Category == plan.Breaking || f.Category == plan.AcceptedChange {
			note = " *(" + string(f.Category) + ")*"
		}
		value, lines := fieldText(f)
		m.line("%s- %s%s: %s%s", indent, word, m.code(f.Path), m.code(value), note)
		m.b.WriteString(fenced(indent+"  ", render.CutLines(lines, m.fit.list)))
	}
}

// changed lists the blocks that differ with their fields; of too many those stay that break others.
// Reaches are the blocks whose results would be others. Of a graph that is too large not all are followed, and that is
// said in place of a number.
func (m *diffMarkdown) changed(changed []diff.Changed) {
	if len(changed) == 0 {
		return
	}
	m.title("Changed")
	rows, more := pick(m.fit, changed, func(c diff.Changed) bool { return changedWeight(c) == 0 })
	defer m.more(more)
	for _, c := range rows {
		m.line("- %s%s", m.code(c.Address), placeSpan(c.Range))
		m.list("  ", c.Fields)
		if len(c.Reaches) > 0 {
			m.line("  - reaches %s", m.spans(c.Reaches))
		}
		if c.Unfollowed {
			m.line("  - reaches more than is followed")
		}
	}
}

// weaker lists policy by which something may pass that would not have passed before.
func (m *diffMarkdown) weaker(d *diff.Diff) {
	all := d.Weaker()
	rows, more := pick(m.fit, all, func(diff.Weakened) bool { return true })
	for i, w := range rows {
		if i == 0 {
			m.title("⚠️ Weaker policy")
		}
		m.line("- %s: %s%s", m.code(weakenedText(w)), m.code(w.Weaker), placeSpan(w.Range))
	}
	m.more(more)
}

// gates lists gates and, after them, deployments; of too many gates those stay that fail.
// Verdicts are written as words, and not as signs in colours, since a comment is read in mails too.
func (m *diffMarkdown) gates(d *diff.Diff) {
	if len(d.Gates) > 0 {
		m.title("Gates")
	}
	gates, more := pick(m.fit, d.Gates, func(g diff.Gate) bool { return graver(g.After) })
	for _, g := range gates {
		m.line("- %s: %s → %s%s", m.code(g.Address), m.code(string(g.Before)), m.code(string(g.After)), placeSpan(g.Range))
		m.list("  ", g.Fields)
		for _, v := range g.Verdicts {
			m.line("  - %s: %s → %s", m.code(v.Rule), m.code(string(v.Before)), m.code(string(v.After)))
		}
	}
	m.more(more)
	if len(d.Releases) > 0 {
		m.title("Production")
	}
	releases, more := some(d.Releases, m.fit.rows)
	defer m.more(more)
	for _, r := range releases {
		m.line("- %s: %s%s", m.code(r.Address), m.code(releaseShift(r)), placeSpan(r.Range))
		m.list("  ", r.Fields)
	}
}

// runs lists which stages would run with which plan.
// A plan's name is that of its file or revision. Stages that both run are listed, because their results differ if what
// they read does.
func (m *diffMarkdown) runs(d *diff.Diff) {
	if len(d.Runs.After)+len(d.Runs.Before)+len(d.Runs.Both) == 0 {
		return
	}
	m.title("Runs")
	say := func(label string, addresses []string) {
		if len(addresses) > 0 {
			m.line("- %s: %s", label, m.spans(addresses))
		}
	}
	say("only with "+m.code(d.After.Name), d.Runs.After)
	say("only with "+m.code(d.Before.Name), d.Runs.Before)
	say("either way", d.Runs.Both)
}

// spans lists addresses, not all where there are very many.
func (m *diffMarkdown) spans(addresses []string) string {
	shown, more := some(addresses, m.fit.list)
	var out []string
	for _, a := range shown {
		out = append(out, m.code(a))
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, ", ")
}
