// Package tables writes what the rows of a table are like, for people: each column with its type, nulls, values and quantiles, and the first rows.
//
// A column whose values are hidden shows none, in whatever form. Text is at most 80 columns wide, whatever terminal reads it: the same table gives the same bytes.
//
//	dataset.customers.table  3 rows, 2 columns
//	  COLUMN    TYPE     NULLS  DISTINCT  VALUES
//	  customer  varchar      0         3  hidden (pii)
//	  tenure    integer      1         2  4: 1; 71: 1
//
//	First 2 rows
//	     customer  tenure
//	  1  •••            4
//	  2  •••            –
//
// Who fills a Table leaves out what must not be shown; what PII says here is a second wall, and hides values that came all the same.
package tables

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
)

// Table is what there is to tell of a table; its JSON is what scripts read.
type Table struct {
	Address string   `json:"address"` // of the block: "dataset.customers"
	Port    string   `json:"port"`    // of its output: "table", "train"
	Rows    int64    `json:"rows"`    // of the whole table
	Columns []Column `json:"columns"` // in the table's order
	// Head are the first rows, each with a cell for each of Columns; a hidden value is null, as a missing one is.
	Head [][]Cell `json:"head"`
}

// Column is one column. Quantiles are those at 0, 1/4, 1/2, 3/4 and 1, of numbers and points in time alone.
type Column struct {
	Name      string    `json:"name"`
	Type      string    `json:"type"`          // of SQL: "decimal(10,2)"
	PII       bool      `json:"pii,omitempty"` // its values are hidden
	Nulls     int64     `json:"nulls"`         // rows
	Distinct  int64     `json:"distinct"`      // values, null not counted
	Quantiles []Cell    `json:"quantiles,omitempty"`
	Top       []Counted `json:"top,omitempty"` // the most frequent values, all of them where they are few
}

// Counted is a value and how many rows have it.
type Counted struct {
	Value Cell  `json:"value"`
	Rows  int64 `json:"rows"`
}

// Cell is a value as text, as the engine writes it. Numbers are numbers in JSON, null is no value. The text is kept rather than a
// number: a decimal with 38 digits has all of them in JSON too.
type Cell struct {
	Text   string
	Null   bool
	Number bool
}

// MarshalJSON writes numbers as numbers, but for those that JSON has not, such as NaN.
func (c Cell) MarshalJSON() ([]byte, error) {
	switch {
	case c.Null:
		return []byte("null"), nil
	case c.Number && json.Valid([]byte(c.Text)):
		return []byte(c.Text), nil
	}
	return json.Marshal(c.Text)
}

const (
	width    = 80 // of a text
	mostName = 28 // of a column's name
	mostCell = 24 // of a value
	mostLeft = 56 // beside which values stand; else they stand below
	hidden   = "hidden (pii)"
)

// Text writes the table for a terminal. Values stand in the last column, at most as wide as is left of the line; where names and
// types leave too little (mostLeft), or where a column has no value at all, its values go to lines of their own below.
func Text(w io.Writer, t *Table, o render.Options) error {
	p := &render.Printer{Options: o}
	p.Line("%s  %s", p.Paint(render.Bold, t.title()), t.size())
	names, types, nulls, distinct := len("COLUMN"), len("TYPE"), len("NULLS"), len("DISTINCT")
	for _, c := range t.Columns {
		names, types = max(names, render.Columns(c.name())), max(types, render.Columns(c.kind()))
		nulls, distinct = max(nulls, len(fmt.Sprint(c.Nulls))), max(distinct, len(fmt.Sprint(c.Distinct)))
	}
	left := 2 + names + 2 + types + 2 + nulls + 2 + distinct + 2
	p.Line("  %s  %s  %*s  %*s  %s", render.Pad("COLUMN", names), render.Pad("TYPE", types), nulls, "NULLS", distinct, "DISTINCT", "VALUES")
	for _, c := range t.Columns {
		first := fmt.Sprintf("  %s  %s  %*d  %*d  ", render.Pad(c.name(), names), render.Pad(c.kind(), types), nulls, c.Nulls, distinct, c.Distinct)
		indent := left
		lines := folded(c.values(), width-indent)
		if len(lines) == 0 || indent > mostLeft {
			p.Line("%s", first)
			indent, first = 6, strings.Repeat(" ", 6)
			lines = folded(c.values(), width-indent)
		}
		for _, line := range lines {
			p.Line("%s%s", first, line)
			first = strings.Repeat(" ", indent)
		}
	}
	if g := t.grid(); len(g.Cells) > 0 {
		p.Title(fmt.Sprintf("First %d %s", len(g.Cells), render.Plural(len(g.Cells), "row", "rows")))
		g.lines(p)
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// grid are the first rows.
func (t *Table) grid() *Grid {
	g := &Grid{Rows: t.Rows, Cells: t.Head}
	for _, c := range t.Columns {
		g.Columns = append(g.Columns, Heading{Name: c.Name, Number: c.number(), PII: c.PII})
	}
	return g
}

// Markdown writes the table for a page: two tables, of the columns and of the first rows. All that came from the data stands in code
// spans, so that a value such as "| <b>" is no markup. Pages scroll sideways: the first rows are not folded.
func Markdown(w io.Writer, t *Table, _ render.Options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n%s\n\n| column | type | nulls | distinct | values |\n|---|---|---:|---:|---|\n", t.title(), t.size())
	for _, c := range t.Columns {
		values := c.values()
		for i, v := range values {
			values[i] = render.CodeSpan(v, width)
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %s |\n", render.CodeSpan(c.Name, mostName), render.CodeSpan(c.kind(), mostName), c.Nulls, c.Distinct, strings.Join(values, "<br>"))
	}
	if g := t.grid(); len(g.Cells) > 0 {
		b.WriteString("\n")
		g.markdown(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *Table) title() string { return render.Line(t.Address + "." + t.Port) }

func (t *Table) size() string {
	return fmt.Sprintf("%d %s, %d %s", t.Rows, render.Plural(int(min(t.Rows, 2)), "row", "rows"), len(t.Columns), render.Plural(len(t.Columns), "column", "columns"))
}

func (c *Column) name() string { return named(c.Name) }

// named is the name of a column in a line.
func named(name string) string { return render.Clipped(render.Line(name), mostName) }

func (c *Column) kind() string { return render.Clipped(render.Line(c.Type), mostCell) }

// number reports whether the column holds numbers, which stand to the right.
func (c *Column) number() bool { return len(c.Quantiles) > 0 && c.Quantiles[0].Number }

// values are the parts of what is told of a column's values, in their order: all of them where they are few, else quantiles where there are some,
// else the most frequent values.
func (c *Column) values() []string {
	if c.PII {
		return []string{hidden}
	}
	var out []string
	if q := c.Quantiles; len(q) == 5 && c.Distinct > int64(len(c.Top)) {
		return []string{fmt.Sprintf("%s … %s", q[0].short(), q[4].short()), fmt.Sprintf("quartiles %s, %s, %s", q[1].short(), q[2].short(), q[3].short())}
	}
	for _, x := range c.Top {
		out = append(out, fmt.Sprintf("%s: %d", x.Value.short(), x.Rows))
	}
	if more := c.Distinct - int64(len(c.Top)); more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return out
}

// short is a value in a line.
func (c Cell) short() string {
	if c.Null {
		return "–"
	}
	return render.Clipped(render.Line(c.Text), mostCell)
}

// folded puts parts into lines of a width, parted by semicolons. One that is wider has a line of its own.
func folded(parts []string, width int) []string {
	var out []string
	for i, part := range parts {
		if i < len(parts)-1 {
			part += ";"
		}
		if last := len(out) - 1; last >= 0 && render.Columns(out[last])+1+render.Columns(part) <= width {
			out[last] += " " + part
			continue
		}
		out = append(out, part)
	}
	return out
}
