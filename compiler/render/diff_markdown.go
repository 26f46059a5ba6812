package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
)

// DiffMarkdown writes a comparison for a pull request. Everything that users wrote stands in code spans.
func DiffMarkdown(w io.Writer, d *diff.Diff) error {
	m := &diffMarkdown{}
	m.line("### %s: %s → %s\n", codeSpan(d.Pipeline), codeSpan(d.Before.Name), codeSpan(d.After.Name))
	m.line("**%s**", DiffSummary(d))
	m.fields("Variables", d.Variables)
	m.blocks("Added", d.Added)
	m.blocks("Removed", d.Removed)
	if len(d.Moved) > 0 {
		m.title("Moved")
		for _, x := range d.Moved {
			m.line("- %s → %s", codeSpan(x.From), codeSpan(x.To))
		}
	}
	m.changed(d.Changed)
	m.gates(d)
	m.weaker(d)
	m.runs(d)
	_, err := io.WriteString(w, m.b.String())
	return err
}

type diffMarkdown struct{ b strings.Builder }

func (m *diffMarkdown) line(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

func (m *diffMarkdown) title(s string) { m.line("\n#### %s\n", s) }

// codeSpan puts a user's string where Markdown and HTML mean nothing: between more backticks than it holds in a row.
func codeSpan(s string) string {
	s = clean(s)
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	if s == "" || longest > 0 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

func placeSpan(r source.Range) string {
	if r.IsZero() {
		return ""
	}
	return fmt.Sprintf(" (%s)", codeSpan(fmt.Sprintf("%s:%d", r.File, r.Start.Line)))
}

func (m *diffMarkdown) blocks(title string, blocks []diff.Block) {
	if len(blocks) == 0 {
		return
	}
	m.title(title)
	for _, b := range blocks {
		kind := ""
		if w := TypeWord(b.Kind, b.Type); w != "" {
			kind = ", " + codeSpan(w)
		}
		m.line("- %s%s%s", codeSpan(b.Address), kind, placeSpan(b.Range))
	}
}

func (m *diffMarkdown) fields(title string, fields []diff.Field) {
	if len(fields) > 0 {
		m.title(title)
		m.list("", fields)
	}
}

func (m *diffMarkdown) list(indent string, fields []diff.Field) {
	for _, f := range fields {
		word := map[string]string{"+": "added ", "-": "removed ", "~": ""}[fieldMark(f)]
		note := ""
		if f.Weaker != "" {
			note = " **(weaker)**"
		} else if f.Category == plan.MetadataChange || f.Category == plan.Breaking || f.Category == plan.AcceptedChange {
			note = " *(" + string(f.Category) + ")*"
		}
		m.line("%s- %s%s: %s%s", indent, word, codeSpan(f.Path), codeSpan(fieldText(f)), note)
	}
}

func (m *diffMarkdown) changed(changed []diff.Changed) {
	if len(changed) == 0 {
		return
	}
	m.title("Changed")
	for _, c := range changed {
		m.line("- %s%s", codeSpan(c.Address), placeSpan(c.Range))
		m.list("  ", c.Fields)
		if len(c.Reaches) > 0 {
			m.line("  - reaches %s", spans(c.Reaches))
		}
		if c.Unfollowed {
			m.line("  - reaches more than is followed")
		}
	}
}

// weaker lists policy by which something may pass that would not have passed before.
func (m *diffMarkdown) weaker(d *diff.Diff) {
	for i, w := range d.Weaker() {
		if i == 0 {
			m.title("⚠️ Weaker policy")
		}
		m.line("- %s: %s%s", codeSpan(weakenedText(w)), codeSpan(w.Weaker), placeSpan(w.Range))
	}
}

func (m *diffMarkdown) gates(d *diff.Diff) {
	if len(d.Gates) > 0 {
		m.title("Gates")
	}
	for _, g := range d.Gates {
		m.line("- %s: %s → %s%s", codeSpan(g.Address), codeSpan(string(g.Before)), codeSpan(string(g.After)), placeSpan(g.Range))
		m.list("  ", g.Fields)
		for _, v := range g.Verdicts {
			m.line("  - %s: %s → %s", codeSpan(v.Rule), codeSpan(string(v.Before)), codeSpan(string(v.After)))
		}
	}
	if len(d.Releases) > 0 {
		m.title("Production")
	}
	for _, r := range d.Releases {
		m.line("- %s: %s%s", codeSpan(r.Address), codeSpan(releaseShift(r)), placeSpan(r.Range))
		m.list("  ", r.Fields)
	}
}

func (m *diffMarkdown) runs(d *diff.Diff) {
	if len(d.Runs.After)+len(d.Runs.Before)+len(d.Runs.Both) == 0 {
		return
	}
	m.title("Runs")
	say := func(label string, addresses []string) {
		if len(addresses) > 0 {
			m.line("- %s: %s", label, spans(addresses))
		}
	}
	say("only with "+codeSpan(d.After.Name), d.Runs.After)
	say("only with "+codeSpan(d.Before.Name), d.Runs.Before)
	say("either way", d.Runs.Both)
}

// spans lists addresses, not all where there are very many.
func spans(addresses []string) string {
	const most = 60
	var out []string
	for _, a := range addresses[:min(len(addresses), most)] {
		out = append(out, codeSpan(a))
	}
	if more := len(addresses) - most; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, ", ")
}
