package drift

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	document "github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/stdlib/frame"
)

const (
	bins      = 20 // of a histogram
	mostBars  = 10 // values of text that are drawn
	mostNamed = 3  // values of text whose shares are told
	leastRows = 20 // a value is named where one of the tables has it in so many rows
)

// change is what a column's values were and are, in shares of rows: of numbers histograms over common bins, of text and booleans counts.
type change struct {
	missing [2]float64 // share of rows
	rows    [2]int     // with a value

	medians [2]float64 // of numbers; NaN where there is none
	edges   []float64  // of numbers: bins + 1, from the first to the last percentile of both tables; nil where they are one
	counts  [2][]int   // by bin

	values   []value // of text and booleans, the most frequent first
	unknown  int     // rows of the current table whose value the reference never has
	personal bool    // nothing that rests on single values is told
	number   bool
}

// value is a text and how many rows have it, in the reference and now.
type value struct {
	name string
	rows [2]int
}

// newChange looks at a column of both tables, of one type.
func newChange(a, b *frame.Column, personal bool) *change {
	c := &change{personal: personal, number: !a.Text() && a.Type != "boolean"}
	if c.number {
		c.ofNumbers(a.Num, b.Num)
		return c
	}
	at := map[string]int{}
	for side, column := range []*frame.Column{a, b} {
		rows, null := countOf(column)
		for _, name := range slices.Sorted(maps.Keys(rows)) {
			if _, known := at[name]; !known {
				at[name] = len(c.values)
				c.values = append(c.values, value{name: name})
			}
			c.values[at[name]].rows[side] = rows[name]
			c.rows[side] += rows[name]
		}
		c.missing[side] = share(null, null+c.rows[side])
	}
	for _, v := range c.values {
		if v.rows[0] == 0 {
			c.unknown += v.rows[1]
		}
	}
	slices.SortStableFunc(c.values, func(x, y value) int { return cmp.Compare(c.most(y), c.most(x)) })
	return c
}

// most is the greater of a value's two shares.
func (c *change) most(v value) float64 {
	return max(share(v.rows[0], c.rows[0]), share(v.rows[1], c.rows[1]))
}

// share is n of all, 0 of none.
func share(n, all int) float64 { return float64(n) / float64(max(all, 1)) }

// countOf are the rows by value, and those without one.
func countOf(c *frame.Column) (rows map[string]int, null int) {
	rows = map[string]int{}
	if c.Text() {
		counts := make([]int, len(c.Levels))
		for _, code := range c.Codes {
			if code < 0 {
				null++
			} else {
				counts[code]++
			}
		}
		for i, n := range counts {
			if n > 0 {
				rows[c.Levels[i]] = n
			}
		}
		return rows, null
	}
	for _, x := range c.Num {
		if math.IsNaN(x) {
			null++
		} else {
			rows[strconv.FormatBool(x != 0)]++
		}
	}
	return rows, null
}

// ofNumbers counts into bins between the first and the last percentile of both tables; what lies beyond is in the outer ones.
func (c *change) ofNumbers(a, b []float64) {
	var sorted [2][]float64
	low, high := math.Inf(1), math.Inf(-1)
	for side, all := range [][]float64{a, b} {
		s := slices.DeleteFunc(slices.Clone(all), math.IsNaN)
		slices.Sort(s)
		sorted[side], c.rows[side], c.missing[side], c.medians[side] = s, len(s), share(len(all)-len(s), len(all)), math.NaN()
		if n := len(s); n > 0 {
			c.medians[side] = s[n/2]
			low, high = min(low, s[n/100]), max(high, s[n-1-n/100])
		}
	}
	if !(high > low) || high-low > 1e300 {
		return
	}
	for i := range bins + 1 {
		c.edges = append(c.edges, low+float64((high-low)*float64(i))/bins)
	}
	for side, s := range sorted {
		c.counts[side] = make([]int, bins)
		for _, x := range s {
			c.counts[side][min(bins-1, int(max(0, min(1, (x-low)/(high-low)))*bins))]++
		}
	}
}

// words are what changed: "median 0.49 → 1.5; missing 0 % → 12 %", `"b" 20 % → 35 %; new values 3 %`, which the reference never has.
func (c *change) words() string {
	var out []string
	if c.number && !c.personal && !math.IsNaN(c.medians[0]) && !math.IsNaN(c.medians[1]) {
		out = append(out, fmt.Sprintf("median %.4g → %.4g", c.medians[0], c.medians[1]))
	}
	if !c.personal {
		for _, v := range c.moved() {
			out = append(out, fmt.Sprintf("%s %s", strconv.Quote(short(v.name)), fromTo(share(v.rows[0], c.rows[0]), share(v.rows[1], c.rows[1]))))
		}
	}
	if c.unknown > 0 {
		out = append(out, fmt.Sprintf("new values %s", percent(share(c.unknown, c.rows[1]))))
	}
	if c.missing != [2]float64{} {
		out = append(out, "missing "+fromTo(c.missing[0], c.missing[1]))
	}
	if len(out) == 0 {
		return "values are personal and not told"
	}
	return strings.Join(out, "; ")
}

// moved are the values whose shares changed most, of those that may be named.
func (c *change) moved() []value {
	list := slices.DeleteFunc(slices.Clone(c.values), func(v value) bool { return max(v.rows[0], v.rows[1]) < leastRows })
	by := func(v value) float64 { return math.Abs(share(v.rows[1], c.rows[1]) - share(v.rows[0], c.rows[0])) }
	slices.SortStableFunc(list, func(x, y value) int { return cmp.Compare(by(y), by(x)) })
	return list[:min(len(list), mostNamed)]
}

// fromTo are two shares.
func fromTo(a, b float64) string { return percent(a) + " → " + percent(b) }

// percent is a share with three significant digits.
func percent(x float64) string { return strconv.FormatFloat(100*x, 'g', 3, 64) + " %" }

// short is a value as it fits a line.
func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// plot draws both tables over each other; nil where there is nothing to draw, or values are personal.
func (c *change) plot(name string) *document.Plot {
	switch {
	case c.personal:
		return nil
	case c.number && c.edges != nil:
		return c.histogram(name)
	case !c.number && len(c.values) > 0:
		return c.bars(name)
	}
	return nil
}

// histogram has the shares of rows with a value by bin.
func (c *change) histogram(name string) *document.Plot {
	p := &document.Plot{Title: name, Alt: fmt.Sprintf("Shares of rows by %s, in the reference and now: %s.", name, c.words()),
		X: document.Axis{Label: name}, Y: document.Axis{Label: "share of rows with a value", Share: true, Min: document.At(0)}}
	for side, s := range []document.Series{{Name: "reference", Mark: document.Step, Dim: true}, {Name: "now", Mark: document.Step}} {
		s.X, s.Y = c.edges, make([]float64, bins+1)
		for i, n := range c.counts[side] {
			s.Y[i] = share(n, c.rows[side])
		}
		p.Series = append(p.Series, s)
	}
	return p
}

// bars has the shares of the most frequent values, then of all others, then of what is missing.
func (c *change) bars(name string) *document.Plot {
	p := &document.Plot{Title: name, Alt: fmt.Sprintf("Shares of rows by %s, in the reference and now: %s.", name, c.words()),
		X: document.Axis{Label: "share of rows", Share: true, Min: document.At(0)}, Y: document.Axis{Label: name}}
	now, was := document.Series{Name: "now", Mark: document.Bars}, document.Series{Name: "reference", Mark: document.Points}
	add := func(label string, reference, current float64) {
		y := float64(len(p.Y.Categories))
		p.Y.Categories = append(p.Y.Categories, label)
		was.X, was.Y = append(was.X, reference), append(was.Y, y)
		now.X, now.Y = append(now.X, current), append(now.Y, y)
	}
	of := func(n, side int) float64 { return float64(share(n, c.rows[side]) * (1 - c.missing[side])) }
	var others [2]int
	left := 0
	for _, v := range c.values {
		if len(p.Y.Categories) < mostBars && max(v.rows[0], v.rows[1]) >= leastRows {
			add(v.name, of(v.rows[0], 0), of(v.rows[1], 1))
			continue
		}
		left++
		others[0], others[1] = others[0]+v.rows[0], others[1]+v.rows[1]
	}
	if left > 0 {
		add(fmt.Sprintf("%d others", left), of(others[0], 0), of(others[1], 1))
	}
	if c.missing != [2]float64{} {
		add("missing", c.missing[0], c.missing[1])
	}
	p.Series = []document.Series{now, was}
	return p
}
