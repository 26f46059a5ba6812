package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/compiler/render"
	doc "github.com/mlp-lang/mlp/lang/report"
)

//go:embed report.html
var pageText string

// unfolded is how many characters of text stay on one line of a table's cell; the lines of longer ones are at least that wide, whatever the screen.
const unfolded = 30

// HTML writes the document as one file that needs nothing else: no script, no request. html/template escapes all that stages wrote;
// pictures escape for themselves.
//
// An error may come when a part has been written: who writes into a file writes into a buffer first.
func HTML(w io.Writer, d *Document) error {
	pictures := 0
	page, err := template.New("report").Funcs(template.FuncMap{
		"line":  render.Line,
		"show":  func(w *reasons, c doc.Cell, k doc.Kind) string { return render.Line(w.show(c, k)) },
		"right": func(k doc.Kind) bool { return right(k) },
		"picture": func(p *doc.Plot) template.HTML {
			pictures++
			return template.HTML(svg(p, fmt.Sprintf("p%d", pictures))) // of SVG, which escapes what it is given
		},
		"long":   func(c doc.Cell) bool { return utf8.RuneCountInString(c.Text) > unfolded },
		"swatch": func(p *doc.Plot, i int) string { return seriesClass(p, i) },
		"heat":   heat,
		"why":    reasonsOf,
		"notes":  (*reasons).notes,
		"named":  named,
		"legend": func(p *doc.Plot) bool { return len(p.Series) > 1 },
		"id":     func(i int) string { return fmt.Sprintf("r%d", i+1) },
		"plots":  plots,
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("the page of a report: %w", err)
	}
	return page.Execute(w, d)
}

// named reports whether a series is the first of its name, and so has an entry in the legend: many lines of one name, such as the curves of single rows, have one.
func named(p *doc.Plot, i int) bool {
	return !slices.ContainsFunc(p.Series[:i], func(s doc.Series) bool { return s.Name == p.Series[i].Name })
}

// row is what stands side by side: plots one after the other, or one other item. One of the two is set.
type row struct {
	Plots []*doc.Plot
	Item  *doc.Item
}

// plots groups the items of a section so that plots which follow each other stand side by side: of plot, plot, table, plot come three
// rows. How many fit beside each other is for the page to say.
func plots(items []doc.Item) []row {
	var out []row
	for i := range items {
		switch n := len(out); {
		case items[i].Plot == nil:
			out = append(out, row{Item: &items[i]})
		case n > 0 && out[n-1].Item == nil:
			out[n-1].Plots = append(out[n-1].Plots, items[i].Plot)
		default:
			out = append(out, row{Plots: []*doc.Plot{items[i].Plot}})
		}
	}
	return out
}

// heat is how strongly a cell of a shaded table is coloured: 0 for none, 45 for the greatest value of the table by size, and others in
// proportion. A confusion matrix with 900, 100, 50 and 450 has 45, 5, 3 and 23.
func heat(t *doc.Table, c doc.Cell) int {
	if !t.Heat || c.Value == nil {
		return 0
	}
	most := 0.0
	for _, r := range t.Rows {
		for _, x := range r {
			if x.Value != nil {
				most = max(most, math.Abs(*x.Value))
			}
		}
	}
	if most == 0 {
		return 0
	}
	// 45 at most, so that letters can be read on the darkest cell by day and by night.
	return int(math.Round(45 * math.Abs(*c.Value) / most))
}
