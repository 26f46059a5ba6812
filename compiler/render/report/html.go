package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
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
		"line":     render.Line,
		"foldable": foldable,
		"cell":     cell,
		"scrolls":  scrolls,
		"tall":     tall,
		"headed":   headed,
		"right":    func(k doc.Kind) bool { return right(k) },
		"picture": func(p *doc.Plot) template.HTML {
			pictures++
			return template.HTML(svg(p, fmt.Sprintf("p%d", pictures))) // of SVG, which escapes what it is given
		},
		"long":   long,
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

// long reports whether the text of a cell is folded into several lines.
func long(c doc.Cell) bool { return utf8.RuneCountInString(c.Text) > unfolded }

// headed reports whether a table has a header: a list of names and values has none.
func headed(t *doc.Table) bool {
	return slices.ContainsFunc(t.Columns, func(c doc.Column) bool { return c.Name != "" })
}

// cell is what a cell shows, as HTML. On a narrow screen a text goes on in another line between its words, and in the words that pieces parts; a number does so before
// its interval alone: "84.1 %" and "(80.2 % to 87.5 %)".
func cell(w *reasons, c doc.Cell, k doc.Kind) template.HTML {
	text := render.Line(w.show(c, k))
	if c.Text != "" || !right(k) {
		return foldable(text)
	}
	text = strings.ReplaceAll(text, " ", "\u00a0")
	if c.Value != nil {
		text = strings.Replace(text, "\u00a0(", " (", 1)
	}
	return template.HTML(escape(text))
}

// foldable is a text as HTML that may go on in another line wherever pieces parts it.
func foldable(s string) template.HTML {
	words := strings.Split(render.Line(s), " ")
	for i, w := range words {
		parts := pieces(w)
		for k := range parts {
			parts[k] = escape(parts[k])
		}
		words[i] = strings.Join(parts, "<wbr>")
	}
	return template.HTML(strings.Join(words, " "))
}

// pieces are the parts of a word that stay whole. Short words are one piece; longer ones, such as addresses and names of columns, end behind signs:
// "evaluate.", "holdout.", "metrics.", "weighted_", "recall".
func pieces(word string) []string {
	const short = 12
	if utf8.RuneCountInString(word) <= short {
		return []string{word}
	}
	var out []string
	from := 0
	for i, r := range word {
		if end := i + utf8.RuneLen(r); strings.ContainsRune("._-/,:;=|]", r) && end < len(word) {
			out, from = append(out, word[from:end]), end
		}
	}
	return append(out, word[from:])
}

// tall reports whether a table has more rows than are shown at once.
func tall(t *doc.Table) bool { return len(t.Rows) > 25 }

// scrolls reports whether a table has more rows than are shown at once, or may be wider than a telephone, folded as far as it can be. It scrolls then, and
// who has no pointer must be able to go there. Widths are estimated, on the safe side.
func scrolls(t *doc.Table) bool {
	if tall(t) {
		return true
	}
	const (
		telephone = 320.0
		gap       = 12.0  // between columns
		folded    = 144.0 // long texts
		named     = 96.0  // long names of rows
		size      = 1.15  // letters of a table by those of ticks
	)
	why, total := reasonsOf(t), 0.0
	for k, column := range t.Columns {
		width := widestPiece(column.Name) * size
		for _, row := range t.Rows {
			text := render.Line(why.show(row[k], column.Kind))
			switch {
			case row[k].Text == "" && right(column.Kind):
				before, interval, _ := strings.Cut(text, " (")
				width = max(width, size*widthOf(before), size*widthOf(interval+"()"))
			case long(row[k]) && k > 0:
				width = max(width, folded, size*widestPiece(text))
			case long(row[k]):
				width = max(width, named, size*widestPiece(text))
			default:
				width = max(width, size*widestPiece(text))
			}
		}
		total += width + gap
	}
	return total > telephone
}

// widestPiece is the width of the widest piece of a text.
func widestPiece(text string) float64 {
	width := 0.0
	for word := range strings.SplitSeq(render.Line(text), " ") {
		for _, p := range pieces(word) {
			width = max(width, widthOf(p))
		}
	}
	return width
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
