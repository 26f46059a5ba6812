package suite

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/lang/schema"
)

// diff is how a table differs from what is expected of it: rows that differ in some columns, rows that are missing, and
// rows that nobody expects. Order is no difference: rows of a table have none.
//
// How rows are matched decides whether a person sees "one amount is wrong" or "one row is missing and another is too
// many". First all equal rows are taken out, however many times a row stands there. If the key is among the columns
// that are written, a row that is left belongs to the one of the same key. Without a key, rows belong together that
// agree in most columns: all but one, then all but two, down to half. What is left then is missing, or was not
// expected:
//
//	    id  amount
//	~   1   12.5 → 13
//	-   2   7
//	+   9   1
//
// Matching takes in the worst case the product of the numbers of rows in comparisons, which the few hundred rows that a
// person writes into a test can afford.
type diff struct {
	columns   []schema.Column
	tolerance float64
	partial   bool // rows that nobody expects are no difference

	changed    [][2][]cell // expected, got
	missing    [][]cell
	unexpected [][]cell
}

// maxShown is how many rows of each sort are shown; a test with more differences is not read row by row.
const maxShown = 20

// same reports whether nothing differs.
func (d *diff) same() bool { return len(d.changed)+len(d.missing)+len(d.unexpected) == 0 }

// match finds for each row that is expected the one that is meant by it: the equal one; else, where the key is written,
// the one of that key; else the one that has most columns in common, half of them at least. key are the places of the
// key's columns in a row; empty if not all are written. Between equally good rows the first in the table is taken.
func (d *diff) match(want, have [][]cell, key []int) {
	want, have = d.pair(want, have, len(d.columns), func(a, b []cell) int { return d.alike(a, b) })
	if len(key) > 0 {
		want, have = d.pair(want, have, len(key), func(a, b []cell) int {
			n := 0
			for _, i := range key {
				if a[i].equal(b[i], d.tolerance) {
					n++
				}
			}
			return n
		})
	} else {
		for n := len(d.columns) - 1; 2*n >= len(d.columns); n-- {
			want, have = d.pair(want, have, n, d.alike)
		}
	}
	d.missing = want
	if !d.partial {
		d.unexpected = have
	}
}

// pair takes out pairs of rows that are alike in exactly n respects, each row once. Pairs that are not equal in all
// columns are noted as changed. What found no partner is returned, in order.
func (d *diff) pair(want, have [][]cell, n int, alike func(a, b []cell) int) (restWant, restHave [][]cell) {
	taken := make([]bool, len(have))
	for _, w := range want {
		found := false
		for i, h := range have {
			if !taken[i] && alike(w, h) == n {
				taken[i], found = true, true
				if d.alike(w, h) < len(d.columns) {
					d.changed = append(d.changed, [2][]cell{w, h})
				}
				break
			}
		}
		if !found {
			restWant = append(restWant, w)
		}
	}
	for i, h := range have {
		if !taken[i] {
			restHave = append(restHave, h)
		}
	}
	return restWant, restHave
}

// alike is in how many columns two rows are equal, numbers within the tolerance.
func (d *diff) alike(a, b []cell) int {
	n := 0
	for i := range a {
		if a[i].equal(b[i], d.tolerance) {
			n++
		}
	}
	return n
}

// summary counts rows that differ, are missing and are not expected. rows is how many the table has.
func (d *diff) summary(rows int) string {
	var parts []string
	for _, p := range []struct {
		n         int
		one, many string
	}{{len(d.changed), "differs", "differ"}, {len(d.missing), "is missing", "are missing"}, {len(d.unexpected), "is not expected", "are not expected"}} {
		switch {
		case p.n == 1:
			parts = append(parts, "1 "+p.one)
		case p.n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.many))
		}
	}
	return fmt.Sprintf("is not as expected: it has %s; %s", count(rows, "row"), strings.Join(parts, ", "))
}

// count is a number of things, in words: "1 row", "2 rows".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// text shows the differences as a table: ~ expected → got, - missing, + not expected. Of each sort maxShown rows are
// shown, and the rest is counted.
func (d *diff) text() string {
	lines := [][]string{{" "}}
	for _, c := range d.columns {
		lines[0] = append(lines[0], c.Name)
	}
	for _, pair := range d.changed[:min(len(d.changed), maxShown)] {
		line := []string{"~"}
		for i := range pair[0] {
			text := shown(pair[0][i])
			if !pair[0][i].equal(pair[1][i], d.tolerance) {
				text += " → " + shown(pair[1][i])
			}
			line = append(line, text)
		}
		lines = append(lines, line)
	}
	for _, rows := range []struct {
		sign string
		rows [][]cell
	}{{"-", d.missing}, {"+", d.unexpected}} {
		for _, row := range rows.rows[:min(len(rows.rows), maxShown)] {
			line := []string{rows.sign}
			for _, c := range row {
				line = append(line, shown(c))
			}
			lines = append(lines, line)
		}
	}
	text := aligned(lines)
	if hidden := max(0, len(d.changed)-maxShown) + max(0, len(d.missing)-maxShown) + max(0, len(d.unexpected)-maxShown); hidden > 0 {
		text += fmt.Sprintf("\nand %d more", hidden)
	}
	var legend []string
	if len(d.changed) > 0 {
		legend = append(legend, "~ expected → got")
	}
	if len(d.missing) > 0 {
		legend = append(legend, "- missing")
	}
	if len(d.unexpected) > 0 {
		legend = append(legend, "+ not expected")
	}
	return text + "\n(" + strings.Join(legend, ", ") + ")"
}

// shown is a value in one line, cut at 60 characters. A text that could be taken for null or for blanks is quoted.
func shown(c cell) string {
	if !c.null && !c.number && (c.text == "null" || strings.TrimSpace(c.text) != c.text || c.text == "" || strings.ContainsAny(c.text, "\n\r\t")) {
		return fmt.Sprintf("%q", c.text)
	}
	if r := []rune(c.text); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return c.text
}

// aligned pads the cells of lines to columns, counted in characters. No line ends in blanks.
func aligned(lines [][]string) string {
	var widths []int
	for _, line := range lines {
		for i, s := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(s))
		}
	}
	out := make([]string, len(lines))
	for n, line := range lines {
		var b strings.Builder
		for i, s := range line {
			b.WriteString(s)
			gap := "  "
			if i == 0 {
				gap = " "
			}
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(s)) + gap)
		}
		out[n] = strings.TrimRight(b.String(), " ")
	}
	return strings.Join(out, "\n")
}
