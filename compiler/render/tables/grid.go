package tables

import (
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
)

// Grid are rows with their values, the first of more.
type Grid struct {
	Rows    int64 // that there are
	Columns []Heading
	Cells   [][]Cell // by row; a hidden value is null, as a missing one is
}

// Heading is what a column of a grid is called. Numbers stand to the right.
type Heading struct {
	Name   string
	Number bool
	PII    bool // its values are hidden
}

// WriteText writes the rows for a terminal, and how many there are.
func (g *Grid) WriteText(w io.Writer, o render.Options) error {
	p := &render.Printer{Options: o}
	g.lines(p)
	if len(g.Cells) > 0 {
		p.Line("")
	}
	p.Line("%s", g.count())
	_, err := io.WriteString(w, p.String())
	return err
}

// WriteMarkdown writes the rows as a table of a page, and how many there are.
func (g *Grid) WriteMarkdown(w io.Writer, _ render.Options) error {
	var b strings.Builder
	g.markdown(&b)
	b.WriteString("\n" + g.count() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (g *Grid) count() string {
	text := fmt.Sprintf("%d %s", g.Rows, render.Plural(int(min(g.Rows, 2)), "row", "rows"))
	if shown := int64(len(g.Cells)); shown < g.Rows {
		text = fmt.Sprintf("%d of %s", shown, text)
	}
	return text
}

// lines writes columns beside each other as far as they fit, the others below.
func (g *Grid) lines(p *render.Printer) {
	number := len(fmt.Sprint(len(g.Cells)))
	for from := 0; from < len(g.Columns); {
		if from > 0 {
			p.Line("")
		}
		lines := make([]string, len(g.Cells)+1)
		for i := range lines {
			if lines[i] = fmt.Sprintf("  %*d", number, i); i == 0 {
				lines[i] = fmt.Sprintf("  %*s", number, "")
			}
		}
		used, first := 2+number, from
		for ; from < len(g.Columns); from++ {
			cells, wide := g.column(from)
			if used += 2 + wide; used > width && from > first {
				break
			}
			for i, c := range cells {
				if g.Columns[from].Number {
					c = strings.Repeat(" ", wide-render.Columns(c)) + c
				}
				lines[i] += "  " + render.Pad(c, wide)
			}
		}
		for _, l := range lines {
			p.Line("%s", l)
		}
	}
}

// column are the name of a column and its values, with the width of the widest.
func (g *Grid) column(k int) (cells []string, wide int) {
	cells = append(cells, named(g.Columns[k].Name))
	for _, row := range g.Cells {
		text := row[k].short()
		if g.Columns[k].PII {
			text = "•••"
		}
		cells = append(cells, text)
	}
	for _, x := range cells {
		wide = max(wide, render.Columns(x))
	}
	return cells, wide
}

// markdown writes a table.
func (g *Grid) markdown(b *strings.Builder) {
	b.WriteString("|")
	for _, c := range g.Columns {
		b.WriteString(" " + render.CodeSpan(c.Name, mostName) + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", len(g.Columns)) + "\n")
	for i := range g.Cells {
		b.WriteString("|")
		for k := range g.Columns {
			cells, _ := g.column(k)
			b.WriteString(" " + render.CodeSpan(cells[i+1], mostCell) + " |")
		}
		b.WriteString("\n")
	}
}
