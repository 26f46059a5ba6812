package report

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/compiler/render"
	doc "github.com/mlp-lang/mlp/lang/report"
)

// mostTextRows is how many rows of a table a terminal gets; the other forms have all.
const mostTextRows = 40

// Text writes the document for a terminal. Plots are told by what they show. Reports stand below each other, parted by a blank line;
// no line is folded, since a table that is would be read wrongly.
func Text(w io.Writer, d *Document, o render.Options) error {
	p := &render.Printer{Options: o}
	for i, e := range d.Entries {
		if i > 0 {
			p.Line("")
		}
		if e.Address != "" {
			p.Line("%s  %s", p.Paint(render.Bold, render.Line(e.Address)), render.Line(e.Report.Title))
		} else {
			p.Line("%s", p.Paint(render.Bold, render.Line(e.Report.Title)))
		}
		if e.Report.Summary != "" {
			p.Line("%s", render.Line(e.Report.Summary))
		}
		for _, f := range e.Facts {
			p.Line("  %-10s %s", render.Line(f.Name), render.Line(f.Value))
		}
		for _, s := range e.Report.Sections {
			p.Title(render.Line(s.Title))
			for _, i := range s.Items {
				switch {
				case i.Table != nil:
					textTable(p, i.Table)
				case i.Plot != nil && i.Plot.Alt != "":
					p.Line("  %s: %s", render.Line(i.Plot.Title), render.Line(i.Plot.Alt))
				case i.Plot != nil:
					p.Line("  %s (a picture: --format html)", render.Line(i.Plot.Title))
				default:
					p.Line("  %s", render.Line(i.Note))
				}
			}
		}
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// textTable aligns the cells of a table, each cut at 60 characters. All of it is two columns in from the left, the header dim.
func textTable(p *render.Printer, t *doc.Table) {
	rows, why := [][]string{{}}, reasonsOf(t)
	for _, c := range t.Columns {
		rows[0] = append(rows[0], render.Line(c.Name))
	}
	for _, r := range t.Rows[:min(len(t.Rows), mostTextRows)] {
		cells := make([]string, len(r))
		for k, c := range r {
			cells[k] = render.Clipped(render.Line(why.show(c, t.Columns[k].Kind)), 60)
		}
		rows = append(rows, cells)
	}
	widths := make([]int, len(t.Columns))
	for _, r := range rows {
		for k, c := range r {
			widths[k] = max(widths[k], utf8.RuneCountInString(c))
		}
	}
	if t.Title != "" {
		p.Line("  %s", render.Line(t.Title))
	}
	for i, r := range rows {
		var line strings.Builder
		for k, c := range r {
			pad := strings.Repeat(" ", widths[k]-utf8.RuneCountInString(c))
			if right(t.Columns[k].Kind) {
				line.WriteString("  " + pad + c)
			} else {
				line.WriteString("  " + c + pad)
			}
		}
		if i == 0 {
			p.Line("%s", p.Paint(render.Dim, line.String()))
		} else {
			p.Line("%s", line.String())
		}
	}
	if more := len(t.Rows) - mostTextRows; more > 0 {
		p.Line("  … %d more %s", more, render.Plural(more, "row", "rows"))
	}
	for _, note := range why.notes() {
		p.Line("  %s", render.Line(note))
	}
}
