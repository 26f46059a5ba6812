package review

import (
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/graph"
)

// MostMarkdown is how many bytes a plan in Markdown takes at most: GitHub refuses comments of more than 65,536
// characters, and a workflow may add a few lines.
const MostMarkdown = 60_000

// fit is how much is written. A smaller number writes less, so that a text which fits still fits with less.
type fit struct {
	picture bool
	stages  bool
	rows    int // of each table
	heavy   int // rows that are not cut for others (weight.go)
	list    int // addresses behind a cause
	width   int // code points of a user's string
	cut     string
}

// fits cut more and more, details first. From those that are narrowed on, as many rows are written as there is room for.
var fits = []fit{
	{true, true, everything, everything, mostListed, render.LongestShown, ""},
	{true, false, everything, everything, mostListed, render.LongestShown, "the list of stages"},
	{false, false, everything, everything, mostListed, render.LongestShown, "the list of stages, the picture"},
	{false, false, everything, everything, 12, 200, "the list of stages, the picture, of each table what weighs least"},
	{false, false, everything, everything, 8, 120, "the list of stages, the picture, of each table what weighs least, long texts"},
	{false, false, everything, everything, 4, 80, "the list of stages, the picture, of each table what weighs least, long texts"},
	{false, false, everything, everything, 2, 60, "the list of stages, the picture, of each table what weighs least, long texts"},
}

// narrowed is the first of fits that cuts rows; enough is how many rows of each table make a text worth keeping before
// texts are cut shorter for more; everything stands for no bound.
const narrowed, enough, everything = 3, 30, 1 << 14

// fitted returns what is written with the first of fits that leaves it short enough: of those that cut rows, the first
// that leaves enough of them. Empty if none does. write is called many times, and must write the same for the same fit.
func fitted(write func(fit) (string, error)) (string, error) {
	longest := ""
	for i, f := range fits {
		if i < narrowed {
			if text, err := write(f); err != nil || len(text) <= MostMarkdown {
				return text, err
			}
			continue
		}
		text, rows, err := fill(MostMarkdown, f, write)
		if err != nil || rows >= enough {
			return text, err
		}
		if text != "" {
			longest = text
		}
	}
	return longest, nil
}

// Markdown writes the plan as a comment of a pull request: the verdict as its title, what changes production, gates and
// causes open to see, the rest folded. It begins with a marker that is not shown, by which a program finds its own comment:
// <!-- mlp:plan PIPELINE/WORKSPACE -->. What users wrote stands in code spans, where nothing of it is markup. At most
// MostMarkdown bytes are written; what was cut is said.
func Markdown(w io.Writer, p *plan.Plan, o render.Options) error {
	d := read(p, o.All, o)
	text, err := fitted(func(f fit) (string, error) {
		m := &markdown{d: d, fit: f}
		err := m.document(p)
		return m.b.String(), err
	})
	if err != nil {
		return err
	}
	if text == "" {
		text = fmt.Sprintf("%s\n## %s\n\nAll else is too long to show here: see `mlp plan`.\n", marker(d), d.Summary)
	}
	_, err = io.WriteString(w, text)
	return err
}

// markdown writes a document as Markdown (GitHub's flavour: tables, details, mermaid), as far as the fit lets it.
type markdown struct {
	b   strings.Builder
	d   *document
	fit fit
}

// line writes one line of the text.
func (m *markdown) line(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

// code is a user's string as a code span, cut to the width that there is.
func (m *markdown) code(s string) string { return render.CodeSpan(s, m.fit.width) }

// phrase is a sentence of ours that names what users wrote, cut to the width that there is.
func (m *markdown) phrase(s string) string { return render.Phrase(s, m.fit.width) }

// marker names the pipeline and workspace with letters that cannot end the comment.
func marker(d *document) string {
	return "<!-- mlp:plan " + plainName(d.Pipeline) + "/" + plainName(d.Workspace) + " -->"
}

// plainName leaves letters, digits, _ and . of a name, and one - for each run of others: so no name can hold "-->" and
// end the comment.
func plainName(s string) string {
	var b strings.Builder
	for _, r := range render.Clipped(s, 100) {
		plain := r < 128 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '_' || r == '.')
		switch {
		case plain:
			b.WriteRune(r)
		case !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return b.String()
}

// document writes the comment for a pull request. What a reviewer must see stands first, since a text that is too long is
// cut; the marker at the top is by which a later run finds its own comment and replaces it.
func (m *markdown) document(p *plan.Plan) error {
	m.line("%s\n## %s\n", marker(m.d), m.d.Summary)
	m.line("%s\n", m.phrase(m.d.Title))
	for _, s := range append(m.d.Sample, m.d.Merge...) {
		m.line("%s\n", m.phrase(s))
	}
	m.production()
	m.weaker()
	m.gates()
	m.found()
	m.hypotheses()
	m.why()
	for _, h := range m.d.Helpers {
		m.line("%s\n", m.phrase(h))
	}
	if m.d.Cost != "" {
		m.line("%s\n", m.phrase(m.d.Cost))
	}
	if err := m.picture(p); err != nil {
		return err
	}
	m.stages()
	m.warnings()
	if m.fit.cut != "" {
		m.line("_Cut to %d bytes: %s. `mlp plan` shows all._", MostMarkdown, m.fit.cut)
	}
	return nil
}

// production is the table of releases. If there are too many, removals are kept: what would no longer be live.
func (m *markdown) production() {
	if len(m.d.Production) == 0 {
		return
	}
	m.line("### Production\n\n| | deployment | live | would be | held by |\n|---|---|---|---|---|")
	rows, more := pick(m.fit, m.d.Production, func(r releaseRow) bool { return r.Action == plan.RemoveRelease })
	for _, r := range rows {
		m.line("| %s | %s | %s | %s | %s |", actionWord(r.Action), m.code(r.Address), m.phrase(r.From), m.phrase(r.To), m.code(r.Gate))
	}
	m.more(more, 5)
	m.line("")
	for _, r := range rows {
		for _, note := range r.Notes {
			m.line("- %s %s", m.code(r.Address), m.phrase(note))
		}
		if len(r.Notes) > 0 {
			m.line("")
		}
	}
	m.figures()
}

// figures puts the metrics of both models side by side.
// Rows of all releases stand in one table; each name says whose figure it is.
func (m *markdown) figures() {
	var all []figureRow
	for _, r := range m.d.Production {
		all = append(all, r.Figures...)
	}
	if len(all) == 0 {
		return
	}
	m.line("| metric | live | would be |\n|---|---|---|")
	rows, more := some(all, m.fit.rows)
	for _, f := range rows {
		m.line("| %s | %s | %s |", m.code(f.Name), m.phrase(f.Live), m.phrase(f.Next))
	}
	m.more(more, 3)
	m.line("")
}

// weaker lists policy by which something may pass that would not have passed before.
func (m *markdown) weaker() {
	if len(m.d.Weaker) == 0 {
		return
	}
	m.line("### ⚠️ Weaker policy\n\n| what differs | why it is weaker | where |\n|---|---|---|")
	rows, more := pick(m.fit, m.d.Weaker, func(weakerRow) bool { return true })
	for _, w := range rows {
		m.line("| %s | %s | %s |", m.code(w.Text), m.phrase(w.Why), m.code(w.Place))
	}
	m.more(more, 3)
	m.line("")
}

// actionWord is what a release does, with a sign.
func actionWord(a plan.ReleaseAction) string {
	switch a {
	case plan.CreateRelease:
		return "➕ " + releaseWord(a)
	case plan.RemoveRelease:
		return "➖ **" + releaseWord(a) + "**"
	case plan.MayRelease:
		return "❔ " + releaseWord(a)
	case plan.NoRelease:
		return releaseWord(a)
	}
	return "✏️ " + releaseWord(a)
}

// gates writes each gate with its rules; of too many those are kept that fail.
// A gate that is left out is told by number and verdict (leftGates), so that one that fails is not lost among the many
// that pass: pick keeps those first.
func (m *markdown) gates() {
	if len(m.d.Gates) == 0 {
		return
	}
	m.line("### %s\n", m.d.GatesTitle)
	gates, left := pick(m.fit, m.d.Gates, func(g gateRow) bool { return graver(g.Verdict) })
	for _, g := range gates {
		m.line("**%s** %s: %s\n", verdictWord(g.Verdict), m.code(g.Address), m.phrase(strings.TrimPrefix(g.Sum, "open: ")))
		if len(g.Rules) > 0 {
			m.line("| | rule | condition | |\n|---|---|---|---|")
		}
		rows, more := pick(m.fit, g.Rules, func(r ruleRow) bool { return graver(r.Verdict) })
		for _, r := range rows {
			note := m.phrase(r.Note)
			if r.Message != "" {
				note = strings.TrimPrefix(note+"<br>"+m.code(r.Message), "<br>")
			}
			m.line("| %s | %s | %s | %s |", verdictWord(r.Verdict), m.code(r.Name), m.code(r.Condition), note)
		}
		m.more(more, 4)
		m.line("")
		for _, a := range g.Approvals {
			m.line("- %s %s", verdictWord(a.Verdict), m.phrase(a.Text))
		}
		for _, note := range g.Notes {
			m.line("- %s", m.phrase(note))
		}
		if len(g.Approvals)+len(g.Notes) > 0 {
			m.line("")
		}
	}
	if left > 0 {
		m.line("%s\n", leftGates(m.d.Gates[len(gates):]))
	}
}

// found lists what only warns, and drift.
func (m *markdown) found() {
	if len(m.d.Found) == 0 {
		return
	}
	m.line("### %s\n\n| | what | where |\n|---|---|---|", foundTitle)
	rows, more := some(m.d.Found, m.fit.rows)
	for _, f := range rows {
		m.line("| 🟡 %s | %s | %s |", f.Severity, m.code(f.Text), m.code(f.Place))
	}
	m.more(more, 3)
	m.line("")
}

// verdictWord is a verdict with its sign. Open is never green. Signs are there beside colours for who sees none.
func verdictWord(v plan.RuleVerdict) string {
	switch v {
	case plan.Pass:
		return "✅ pass"
	case plan.Fail:
		return "❌ FAIL"
	case plan.RuleError:
		return "❗ ERROR"
	}
	return "🟡 open"
}

// why is the table of changes; texts of several lines follow below it under the number of their row.
// The numbers are those that text and HTML give the same causes, so that people can talk of "number 3". Breaking changes
// are not cut for others.
func (m *markdown) why() {
	if len(m.d.Why)+len(m.d.Fresh)+len(m.d.Moved) == 0 {
		return
	}
	m.line("### Why\n\n| | what differs | category | runs | may run | where |\n|---|---|---|---|---|---|")
	rows, more := pick(m.fit, m.d.Why, func(c changeRow) bool { return c.Category == plan.Breaking })
	for i, c := range rows {
		category := string(c.Category)
		if c.Category == plan.Breaking {
			category = "⚠️ **breaking**"
		}
		if c.Note != "" {
			category += "<br>" + m.phrase(c.Note)
		}
		var texts, places []string
		for _, x := range c.Causes {
			texts, places = append(texts, m.code(x.Text)), append(places, m.code(x.Place))
		}
		m.line("| %d | %s | %s | %s | %s | %s |", i+1, strings.Join(texts, "<br>"), category, m.list(c.Runs), m.list(c.MayRun), strings.Join(places, "<br>"))
	}
	if len(m.d.Fresh) > 0 {
		m.line("| %d | never ran | rebuild | %s | | |", len(m.d.Why)+1, m.list(m.d.Fresh))
	}
	m.moved()
	m.more(more, 6)
	m.line("")
	for i, c := range rows {
		for _, x := range c.Causes {
			if len(x.Lines) > 0 {
				m.line("**%d** %s\n", i+1, m.code(x.Text))
				m.b.WriteString(fenced("", render.CutLines(x.Lines, m.fit.list)) + "\n")
			}
		}
	}
}

// fenced are lines of texts that were edited, as a block of code between more back-ticks than they hold in a row, so
// that none of them can end it. Lines that stay stand behind a bar, so that they are not taken for lines of the plan
// where the Markdown is read as it is. "" for no lines.
func fenced(indent string, lines []render.DiffLine) string {
	if len(lines) == 0 {
		return ""
	}
	var b strings.Builder
	fence := "```"
	for _, l := range lines {
		for strings.Contains(l.Text, fence) {
			fence += "`"
		}
	}
	b.WriteString(indent + fence + "diff\n")
	for _, l := range lines {
		sign := l.Sign
		if sign == " " {
			sign = "│"
		}
		b.WriteString(indent + strings.TrimRight(sign+" "+l.Text, " ") + "\n")
	}
	b.WriteString(indent + fence + "\n")
	return b.String()
}

// moved is the row of addresses that change.
// All of them are one row, since a module that is renamed moves every block in it.
func (m *markdown) moved() {
	rows, more := some(m.d.Moved, m.fit.list)
	if len(rows) == 0 {
		return
	}
	n := len(m.d.Why) + 1
	if len(m.d.Fresh) > 0 {
		n++
	}
	var lines, places []string
	for _, r := range rows {
		line := m.code(r.From) + " → " + m.code(r.To)
		if r.Note != "" {
			line += ", " + m.phrase(r.Note)
		}
		lines = append(lines, line)
		if p := m.code(r.Place); len(places) == 0 || places[len(places)-1] != p {
			places = append(places, p)
		}
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	m.line("| %d | %s | moved<br>nothing runs | | | %s |", n, strings.Join(lines, "<br>"), strings.Join(places, "<br>"))
}

// picture is the graph of what is touched, folded.
func (m *markdown) picture(p *plan.Plan) error {
	if !m.fit.picture || Count(p).Nothing() {
		return nil
	}
	m.line("<details><summary>What is touched</summary>\n\n```mermaid")
	if err := graph.Mermaid(&m.b, graph.OfPlan(p).Touched()); err != nil {
		return err
	}
	m.line("```\n\n</details>\n")
	return nil
}

// stages is the folded list of stages; the first thing that is left out.
func (m *markdown) stages() {
	if len(m.d.Stages) == 0 || !m.fit.stages {
		return
	}
	m.line("<details><summary>Stages</summary>\n\n| phase | stage | | |\n|---|---|---|---|")
	for _, s := range m.d.Stages {
		m.line("| %s | %s | %s | %s |", m.phrase(s.Phase), m.code(s.Address), m.phrase(verdictText(s.Verdict)), m.code(s.About))
	}
	m.line("\n</details>\n")
}

// warnings is the folded list of warnings. Their number is open to see.
// They are folded because they are the same in each plan of a module that nobody cleans up, and would push down what is
// new.
func (m *markdown) warnings() {
	if len(m.d.Warnings) == 0 {
		return
	}
	m.line("<details><summary>%d %s</summary>\n", len(m.d.Warnings), render.Plural(len(m.d.Warnings), "warning", "warnings"))
	rows, more := some(m.d.Warnings, m.fit.rows)
	for _, w := range rows {
		m.line("- %s %s", m.code(w.Text), m.code(w.Place))
	}
	if more > 0 {
		m.line("- and %d more", more)
	}
	m.line("\n</details>\n")
}

// more says in a row of the table how many were left out; columns is how many the table has.
func (m *markdown) more(n, columns int) {
	if n > 0 {
		m.line("| | and %d more |%s", n, strings.Repeat(" |", columns-2))
	}
}

// list is the first addresses, as code, and how many more there are.
func (m *markdown) list(addresses []string) string {
	shown, more := some(addresses, m.fit.list)
	parts := make([]string, len(shown))
	for i, a := range shown {
		parts[i] = m.code(a)
	}
	s := strings.Join(parts, ", ")
	if more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// some returns the first elements of a list and how many are left.
func some[T any](list []T, most int) ([]T, int) {
	if len(list) <= most {
		return list, 0
	}
	return list[:most], len(list) - most
}
