// Package report writes reports of stages for people: one HTML page that needs nothing else, Markdown, lines for a terminal, JSON.
//
// A report is data (lang/report); how it looks is decided here alone. The same report gives the same bytes in each form. All that a
// stage wrote is shown harmless: a name of a group is no markup, and no escape of a terminal.
//
// What the forms have of a report:
//
//	           tables           plots                               reasons of undefined cells
//	html       whole            drawn                               below the table
//	markdown   whole            folded, with some of their points   below the table
//	text       40 rows, folded  what they show, in words            below the table
//	json       as they are      as they are                         in the cells
//
// A table with the columns "group" and "recall" (a share) of two groups, of which one has no positive row, in text:
//
//	group                     recall
//	north  84.1 % (80.2 % to 87.5 %)
//	south                      – (1)
//	(1) undefined: no positive rows
//
// Numbers are rounded for reading, to three or four significant digits; who computes with them reads JSON.
//
// # Pictures
//
// svg.go draws a plot as SVG of its own, without a script, a font or a request. Its colours are variables of the page, so that a page is
// light or dark as the reader's system is; series differ by their dashes too, for who sees no colours. A picture is 340 units wide
// whatever the screen, so that its letters can be read on a telephone of 360 pixels as on a desk, where two stand side by side.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
	doc "github.com/mlp-lang/mlp/lang/report"
)

// Document is what is shown at once: the reports of one stage or of several.
type Document struct {
	Title   string  `json:"title"`   // of the page
	Entries []Entry `json:"reports"` // in the order in which they are shown
}

// Entry is the report of one stage, and what is recorded of it.
type Entry struct {
	Address string      `json:"address"` // of the stage; "" for a report of none, such as a list of runs
	Facts   []Fact      `json:"facts"`   // a line each, under the title
	Report  *doc.Report `json:"report"`  // never nil, and sound (lang/report.Read)
}

// Fact is a line about a result: {"result", "b2bf27"}.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Write writes the document in a form: text, markdown, html or json. Options count for text alone.
func Write(w io.Writer, d *Document, form string, o render.Options) error {
	switch form {
	case "text":
		return Text(w, d, o)
	case "markdown":
		return Markdown(w, d)
	case "html":
		return HTML(w, d)
	case "json":
		return JSON(w, d)
	}
	return fmt.Errorf("no report is written as %q", form)
}

// JSON writes the document as it is, with all digits and all rows. Letters such as < stay themselves: it is no page.
func JSON(w io.Writer, d *Document) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}

// show is a cell as text: its value by the kind of its column, with an interval where it has both ends: "0.912 (0.897 to 0.925)".
// An empty cell is "".
func show(c doc.Cell, k doc.Kind) string {
	switch {
	case c.Value != nil && c.Low != nil && c.High != nil:
		return fmt.Sprintf("%s (%s to %s)", number(*c.Value, k), number(*c.Low, k), number(*c.High, k))
	case c.Value != nil:
		return number(*c.Value, k)
	case c.Text != "":
		return c.Text
	}
	return ""
}

// reasons are why cells of a table have no value, or no interval beside it, each once, in the order of the cells. A cell shows the number of its
// reason, from 1, since sentences would not fit.
type reasons struct {
	list []string
	of   map[string]int
}

// reasonsOf numbers the reasons of a table.
func reasonsOf(t *doc.Table) *reasons {
	r := &reasons{of: map[string]int{}}
	for _, row := range t.Rows {
		for _, c := range row {
			if why := reason(c); why != "" && r.of[why] == 0 {
				r.list = append(r.list, why)
				r.of[why] = len(r.list)
			}
		}
	}
	return r
}

// reason says what a cell lacks and why; "" of one that lacks nothing, or says nothing of it.
func reason(c doc.Cell) string {
	switch {
	case c.Why == "":
		return ""
	case c.Value == nil:
		return "undefined: " + c.Why
	case c.Low == nil || c.High == nil:
		return "no interval: " + c.Why
	}
	return ""
}

// show is a cell as text; one that has a reason instead of a value is "– (2)", instead of an interval "0.84 (2)".
func (r *reasons) show(c doc.Cell, k doc.Kind) string {
	switch n := r.of[reason(c)]; {
	case n > 0 && c.Value == nil:
		return fmt.Sprintf("– (%d)", n)
	case n > 0:
		return fmt.Sprintf("%s (%d)", show(c, k), n)
	}
	return show(c, k)
}

// notes are the reasons as lines below the table.
func (r *reasons) notes() []string {
	var out []string
	for i, why := range r.list {
		out = append(out, fmt.Sprintf("(%d) %s", i+1, why))
	}
	return out
}

// number writes a number by its kind: a share as per cent, a count whole, others with four significant digits. The share 0.8412 is
// "84.1 %", the count 53940 "53,940".
func number(x float64, k doc.Kind) string {
	switch k {
	case doc.Share:
		return significant(100*x, 3) + " %"
	case doc.Count:
		return doc.Thousands(strconv.FormatFloat(x, 'f', 0, 64))
	}
	return significant(x, 4)
}

// significant writes so many significant digits, without an exponent where people read none: 0.8412, 53,940, 1.2e-07. The digits of a
// whole number before its point all stay, however many they are; zeros at the end of a fraction go.
func significant(x float64, digits int) string {
	size := math.Abs(x)
	switch {
	case x == 0:
		return "0"
	case size >= 1e12 || size < 1e-4:
		return strconv.FormatFloat(x, 'g', digits, 64)
	}
	// 0.08412 has two zeros more behind its point than 8.412, and gets two places more.
	places := digits - 1 - int(math.Floor(math.Log10(size)))
	s := strconv.FormatFloat(x, 'f', max(places, 0), 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if strings.Contains(s, ".") {
		return s
	}
	return doc.Thousands(s)
}

// right reports whether the cells of a column stand to the right, as numbers do.
func right(k doc.Kind) bool { return k != "" && k != doc.Text }
