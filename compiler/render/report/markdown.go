package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
	doc "github.com/mlp-lang/mlp/lang/report"
)

// How much a line of Markdown shows of what a stage wrote, and how many points it has of a plot.
const (
	widest = 200 // characters of a title, a name, a cell
	shown  = 11  // points of a series: both ends and nine between, tenths of a curve over shares
)

// Markdown writes the document for comments of pull requests and the like, which show no pictures of a file's own: of a plot it has what the
// picture shows, and some of its points as a table, folded.
func Markdown(w io.Writer, d *Document) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", render.Phrase(d.Title, widest))
	for _, e := range d.Entries {
		fmt.Fprintf(&b, "\n## %s\n\n", render.Phrase(e.Report.Title, widest))
		if e.Report.Summary != "" {
			fmt.Fprintf(&b, "%s\n\n", phrase(e.Report.Summary))
		}
		if e.Address != "" {
			b.WriteString(render.CodeText(e.Address, widest))
			for _, f := range e.Facts {
				fmt.Fprintf(&b, " · %s %s", render.Phrase(f.Name, widest), render.Phrase(f.Value, widest))
			}
			b.WriteString("\n")
		}
		for _, s := range e.Report.Sections {
			fmt.Fprintf(&b, "\n### %s\n", render.Phrase(s.Title, widest))
			for _, i := range s.Items {
				switch {
				case i.Table != nil:
					markdownTable(&b, i.Table)
				case i.Plot != nil:
					markdownPlot(&b, i.Plot)
				default:
					fmt.Fprintf(&b, "\n%s\n", phrase(i.Note))
				}
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// phrase is a paragraph: whole where nothing in it is markup, else as code.
func phrase(s string) string { return render.Phrase(render.Line(s), render.LongestShown) }

// markdownTable writes a table; numbers stand to the right. What is undefined has its reasons below. The blank line before it ends the
// HTML of a folded plot, in which Markdown would be text.
func markdownTable(b *strings.Builder, t *doc.Table) {
	b.WriteString("\n")
	if t.Title != "" {
		fmt.Fprintf(b, "%s:\n\n", render.Phrase(t.Title, widest))
	}
	why := reasonsOf(t)
	var heads, rules []string
	for _, c := range t.Columns {
		rule := "---"
		if right(c.Kind) {
			rule = "---:"
		}
		heads, rules = append(heads, render.Phrase(c.Name, widest)), append(rules, rule)
	}
	fmt.Fprintf(b, "| %s |\n|%s|\n", strings.Join(heads, " | "), strings.Join(rules, "|"))
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for k, c := range row {
			if cells[k] = why.show(c, t.Columns[k].Kind); c.Text != "" { // what is no text was written here
				cells[k] = render.Phrase(render.Line(cells[k]), widest)
			}
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	for _, note := range why.notes() {
		fmt.Fprintf(b, "\n%s\n", phrase(note))
	}
}

// markdownPlot writes the points of a plot, at most shown of each series, the first and the last among them.
func markdownPlot(b *strings.Builder, p *doc.Plot) {
	title := render.Phrase(p.Title, widest)
	if strings.HasPrefix(title, "`") { // backticks mean nothing within HTML
		title = "<code>" + escape(render.Line(p.Title)) + "</code>"
	}
	fmt.Fprintf(b, "\n<details><summary>%s</summary>\n", title)
	if p.Alt != "" {
		fmt.Fprintf(b, "\n%s\n", phrase(p.Alt))
	}
	for _, s := range p.Series {
		if !s.Dim {
			markdownTable(b, points(p, &s))
		}
	}
	b.WriteString("\n</details>\n")
}

// points is a series as a table of two columns, named as the axes are. Of a curve with 200 points 11 are shown, those at 0, 19, 39, …
// 199, so that both ends are among them; of an axis with categories all.
//
// A place that is a category has its name. Whiskers and bands are intervals of the value that they are drawn around, which is x where
// the picture lies on its side; a band has no value of its own, and its middle stands for one.
func points(p *doc.Plot, s *doc.Series) *doc.Table {
	t := &doc.Table{Title: s.Name, Columns: []doc.Column{axisColumn(p.X), axisColumn(p.Y)}}
	value := func(a doc.Axis, x float64) doc.Cell {
		if k := int(x); k >= 0 && k < len(a.Categories) && float64(k) == x {
			return doc.Words(a.Categories[k])
		}
		return doc.Figure(x)
	}
	n := len(s.X)
	count := min(n, max(shown, len(p.X.Categories), len(p.Y.Categories)))
	for k := range count {
		i := k
		if count < n {
			i = k * (n - 1) / (count - 1)
		}
		x := value(p.X, s.X[i])
		y := doc.Cell{}
		if s.Mark != doc.Band {
			y = value(p.Y, s.Y[i])
		}
		if len(s.Low) > 0 {
			of := &y
			if len(p.Y.Categories) > 0 {
				of = &x
			}
			if of.Value == nil { // of a band: its middle
				of.Value = doc.At((s.Low[i] + s.High[i]) / 2)
			}
			of.Low, of.High = &s.Low[i], &s.High[i]
		}
		t.Rows = append(t.Rows, []doc.Cell{x, y})
	}
	return t
}

// axisColumn heads the values of an axis.
func axisColumn(a doc.Axis) doc.Column {
	switch {
	case len(a.Categories) > 0:
		return doc.Column{Name: a.Label}
	case a.Share:
		return doc.Column{Name: a.Label, Kind: doc.Share}
	}
	return doc.Column{Name: a.Label, Kind: doc.Number}
}
