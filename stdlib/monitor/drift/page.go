package drift

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	document "github.com/mlp-lang/mlp/lang/report"
	method "github.com/mlp-lang/mlp/stdlib/drift"
	"github.com/mlp-lang/mlp/stdlib/frame"
)

// What a page shows at once of a wide table.
const (
	mostPlots = 24 // distributions
	mostLines = 5  // columns over time
	quiet     = 6  // distributions where nothing drifted
)

// page is what people read of a comparison: the columns that drifted, the strongest first, with what changed in them, since when, and how their
// values lay and lie.
//
// Columns are in the order of their strength: by how many times a column's score is its limit (strength). The figures are those of the
// results; shares and medians beside them are of all rows, however many the methods sampled.
type page struct {
	results  []method.Result // the strongest first; those without figures last
	changes  map[string]*change
	slices   *sliced
	windows  *windows // nil where the current table has no time, or too few rows
	few      string   // what is too small to be seen, or ""
	verdict  string   // over all columns, where one is asked for, or ""
	rows     [2]int   // of the reference and the current table
	personal map[string]bool
}

// newPage compares the values of all columns that have figures. Neither frame is changed.
func newPage(results []method.Result, a, b *frame.Frame, personal map[string]bool) *page {
	p := &page{results: slices.Clone(results), changes: map[string]*change{}, rows: [2]int{a.Rows, b.Rows}, personal: personal}
	strongestFirst(p.results)
	for _, x := range p.results {
		if x.Undefined == "" {
			p.changes[x.Column] = newChange(a.Column(x.Column), b.Column(x.Column), personal[x.Column])
		}
	}
	return p
}

func strongestFirst(results []method.Result) {
	slices.SortStableFunc(results, func(x, y method.Result) int {
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(strength(y), strength(x)))
	})
}

// rank parts the columns: those that drifted, those that did not, those without figures.
func rank(x method.Result) int {
	switch {
	case x.Undefined != "":
		return 2
	case x.Drifted:
		return 0
	}
	return 1
}

// strength is how many times the limit a column's score is; of a test without calibration, whose limit is one of p-values, how many times the p-value
// goes into it. It is at least 1 where a column drifted, and infinite of a value that the reference never has in an uncalibrated chisquare.
func strength(x method.Result) float64 {
	of, by := x.Score, x.Limit
	if math.IsNaN(x.QValue) && method.IsTest(x.Method) {
		of, by = x.Limit, x.PValue
	}
	if math.IsInf(of, 1) || by == 0 && of > 0 {
		return math.Inf(1)
	}
	if s := of / by; s > 0 {
		return s
	}
	return 0
}

// drifted are the results that drifted, the strongest first.
func (p *page) drifted() []method.Result {
	n := 0
	for n < len(p.results) && p.results[n].Drifted {
		n++
	}
	return p.results[:n]
}

// report is the document.
func (p *page) report() *document.Report {
	all, drifted := len(p.results), p.drifted()
	out := &document.Report{Title: fmt.Sprintf("Drift of %d of %d columns", len(drifted), all), Summary: p.summary()}
	add := func(title string, items ...document.Item) {
		if len(items) > 0 {
			out.Sections = append(out.Sections, document.Section{Title: title, Items: items})
		}
	}
	if len(drifted) > 0 {
		add("What drifted, the strongest first", p.table(drifted, p.windows != nil))
	}
	add("By slice", p.slices.items()...)
	add("What to do", p.advice()...)
	if p.windows != nil && len(drifted) > 0 {
		add("Since when", p.windows.items()...)
	}
	add("How values lay and lie", p.distributions()...)
	rest := p.results[len(drifted):]
	defined := slices.IndexFunc(rest, func(x method.Result) bool { return x.Undefined != "" })
	if defined < 0 {
		defined = len(rest)
	}
	if defined > 0 {
		add("What did not drift", p.table(rest[:defined], false))
	}
	if defined < len(rest) {
		t := &document.Table{Columns: []document.Column{{Name: "column"}, {Name: "why"}}}
		for _, x := range rest[defined:] {
			t.Rows = append(t.Rows, []document.Cell{document.Words(x.Column), document.Words(x.Undefined)})
		}
		add("Without figures", document.Item{Table: t})
	}
	return out
}

// summary is for who reads one sentence.
func (p *page) summary() string {
	rows := fmt.Sprintf("%s rows against %s of the reference", document.Whole(p.rows[1]), document.Whole(p.rows[0]))
	drifted := p.drifted()
	switch {
	case len(p.changes) == 0:
		return rows + ": nothing could be compared; the table says why."
	case len(drifted) == 0:
		return rows + ": no column drifted."
	}
	var names []string
	for _, x := range drifted[:min(len(drifted), mostLines)] {
		names = append(names, x.Column)
	}
	text := rows + ": " + strings.Join(names, ", ")
	if more := len(drifted) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + " drifted."
}

// table has a line for each result, with what changed in words.
func (p *page) table(list []method.Result, since bool) document.Item {
	columns := []document.Column{{Name: "column"}, {Name: "times its limit", Kind: document.Number}, {Name: "reference → now"}}
	if since {
		columns = append(columns, document.Column{Name: "since"})
	}
	t := &document.Table{Columns: append(columns, document.Column{Name: "method"}, document.Column{Name: "score", Kind: document.Number},
		document.Column{Name: "limit", Kind: document.Number}, document.Column{Name: "q-value", Kind: document.Number})}
	infinite := "a value that the reference never has"
	for _, x := range list {
		row := []document.Cell{document.Words(x.Column), figure(strength(x), infinite), document.Words(p.changes[x.Column].words())}
		if since {
			row = append(row, document.Words(p.windows.since(x.Column)))
		}
		t.Rows = append(t.Rows, append(row, document.Words(x.Method), figure(x.Score, infinite), figure(x.Limit, infinite),
			figure(x.QValue, "without calibration p-values are not adjusted")))
	}
	return document.Item{Table: t}
}

// figure is a number, or why there is none.
func figure(x float64, why string) document.Cell {
	if math.IsNaN(x) || math.Abs(x) > 1e300 {
		return document.Missing(why)
	}
	return document.Figure(x)
}

// distributions are pictures of the columns that drifted; where none did, of those that came nearest to it.
func (p *page) distributions() []document.Item {
	list, most := p.drifted(), mostPlots
	if len(list) == 0 {
		list, most = p.results, quiet
	}
	var out []document.Item
	left := 0
	for _, x := range list {
		c := p.changes[x.Column]
		if c == nil {
			continue
		}
		plot := c.plot(x.Column)
		switch {
		case plot == nil:
		case len(out) == most:
			left++
		default:
			out = append(out, document.Item{Plot: plot})
		}
	}
	if left > 0 {
		out = append(out, document.Note("Those of %d more are not drawn.", left))
	}
	return out
}

// muchMissing is by how much more of a column is missing before that is told as a cause of its own.
const muchMissing = 0.02

// advice is what the findings ask for: notes, each with the columns that it is about.
func (p *page) advice() []document.Item {
	drifted := p.drifted()
	var out []document.Item
	if p.few != "" {
		out = append(out, document.Note("There are %s.", p.few))
	}
	if p.verdict != "" {
		out = append(out, document.Note("%s", p.verdict))
	}
	if len(drifted) == 0 {
		return append(out, document.Note("Nothing: chance explains what differs, or it is below the limits."))
	}
	var missing, unknown []string
	for _, x := range drifted {
		c := p.changes[x.Column]
		if c.missing[1]-c.missing[0] >= muchMissing {
			missing = append(missing, x.Column)
		}
		if c.unknown >= leastRows {
			unknown = append(unknown, x.Column)
		}
	}
	if len(missing) > 0 {
		out = append(out, document.Note("More values are missing in %s: look at the source and at joins before a model learns from such rows.", some(missing)))
	}
	if len(unknown) > 0 {
		out = append(out, document.Note("%s: values that the reference never has. A model that learnt from the reference knows nothing of them: find out what they are, or train on rows that have them.", some(unknown)))
	}
	if 2*len(drifted) >= len(p.changes) && len(drifted) > 2 {
		out = append(out, document.Note("Half of the columns or more drifted. That often has one cause: another filter, join, unit or period of the current table."))
	}
	return append(out, document.Note("Drift says that the data changed, not that a model got worse: a monitor \"performance\" measures that by labels. Where it did, train on newer rows, and let a gate compare with what is live."))
}

// some joins up to ten names.
func some(names []string) string {
	text := strings.Join(names[:min(len(names), 10)], ", ")
	if more := len(names) - 10; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
