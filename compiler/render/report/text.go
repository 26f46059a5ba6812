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

// textWidth is how wide a cell is at most, in characters; what is longer goes on below, in its column.
const textWidth = 60

// tableWidth is how wide a table is at most, in characters; columns that find no room beside each other go on below, each time behind the first column.
const tableWidth = 100

// Text writes the document for a terminal. Plots are told by what they show. Reports stand below each other, parted by a blank line;
// a table that is too wide is folded between columns, and a cell within its column.
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

// textTable aligns the cells of a table. All of it is two columns in from the left, the header dim.
func textTable(p *render.Printer, t *doc.Table) {
	rows, why := [][][]string{{}}, reasonsOf(t)
	for _, c := range t.Columns {
		rows[0] = append(rows[0], folded(render.Line(c.Name)))
	}
	for _, r := range t.Rows[:min(len(t.Rows), mostTextRows)] {
		cells := make([][]string, len(r))
		for k, c := range r {
			cells[k] = folded(render.Line(why.show(c, t.Columns[k].Kind)))
		}
		rows = append(rows, cells)
	}
	widths := make([]int, len(t.Columns))
	for _, r := range rows {
		for k, c := range r {
			for _, line := range c {
				widths[k] = max(widths[k], utf8.RuneCountInString(line))
			}
		}
	}
	if t.Title != "" {
		p.Line("  %s", render.Line(t.Title))
	}
	for k, columns := range foldedColumns(widths) {
		if k > 0 {
			p.Line("")
		}
		for i, r := range rows {
			for _, line := range textRow(t, r, columns, widths) {
				if i == 0 {
					line = p.Paint(render.Dim, line)
				}
				p.Line("%s", line)
			}
		}
	}
	if more := len(t.Rows) - mostTextRows; more > 0 {
		p.Line("  … %d more %s", more, render.Plural(more, "row", "rows"))
	}
	for _, note := range why.notes() {
		p.Line("  %s", render.Line(note))
	}
}

// foldedColumns are the columns that stand beside each other, by their places: as many as there is room for, and one at least. The first, which names the row, begins each.
func foldedColumns(widths []int) [][]int {
	var out [][]int
	room := 0
	for k, w := range widths {
		if k == 0 {
			out, room = append(out, []int{0}), tableWidth-w-2
			continue
		}
		last := len(out) - 1
		if room -= w + 2; room < 0 && len(out[last]) > 1 {
			out, room = append(out, []int{0}), tableWidth-widths[0]-2-w-2
			last++
		}
		out[last] = append(out[last], k)
	}
	return out
}

// textRow is some columns of a row, in as many lines as their longest cell has.
func textRow(t *doc.Table, cells [][]string, columns, widths []int) []string {
	height := 1
	for _, k := range columns {
		height = max(height, len(cells[k]))
	}
	lines := make([]string, height)
	for h := range lines {
		var line strings.Builder
		for _, k := range columns {
			text := ""
			if h < len(cells[k]) {
				text = cells[k][h]
			}
			pad := strings.Repeat(" ", widths[k]-utf8.RuneCountInString(text))
			if right(t.Columns[k].Kind) {
				line.WriteString("  " + pad + text)
			} else {
				line.WriteString("  " + text + pad)
			}
		}
		lines[h] = line.String()
	}
	return lines
}

// folded is a text in lines of at most textWidth characters, parted between words where there are any: a word that is longer is cut.
// Of "aa bb" and a width of 3 these are "aa" and "bb".
func folded(s string) []string {
	rest := []rune(s)
	var out []string
	for len(rest) > textWidth {
		at := textWidth
		for at > 0 && rest[at] != ' ' {
			at--
		}
		if at == 0 {
			out, rest = append(out, string(rest[:textWidth])), rest[textWidth:]
			continue
		}
		out, rest = append(out, string(rest[:at])), rest[at+1:]
	}
	return append(out, string(rest))
}
