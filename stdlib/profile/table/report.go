package table

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/mlp-lang/mlp/lang/report"
)

// What a page can show at once of a wide table.
const (
	mostPlots = 24
	mostPairs = 30
	mostHeat  = 20
	bins      = 20
)

// report is the document. Values are named where 20 rows have them, and histograms end at the first and the last percentile.
func (p *profile) report() *report.Report {
	r := &report.Report{Version: report.Version, Title: "Profile", Summary: fmt.Sprintf("%s rows, %d columns, %s duplicates.", report.Whole(int(p.rows)), len(p.columns), report.Whole(int(p.duplicates)))}
	r.Sections = append(r.Sections, p.overview())
	if s := p.relations(); len(s.Items) > 0 {
		r.Sections = append(r.Sections, s)
	}
	if s := p.targets(); len(s.Items) > 0 {
		r.Sections = append(r.Sections, s)
	}
	if len(p.times) > 0 {
		t := &report.Table{Columns: []report.Column{{Name: "column"}, {Name: "from"}, {Name: "to"}, {Name: "days", Kind: report.Number}, {Name: "longest gap, days", Kind: report.Number}}}
		for _, c := range p.times {
			t.Rows = append(t.Rows, []report.Cell{report.Words(c.name), report.Words(c.first), report.Words(c.last), cell(c.days, "no times"), cell(c.gap, "no times")})
		}
		r.Sections = append(r.Sections, report.Section{Title: "Times", Items: []report.Item{{Table: t}}})
	}
	if p.apart != nil {
		r.Sections = append(r.Sections, p.apart.section())
	}
	if p.alike != nil {
		r.Sections = append(r.Sections, p.alike.section())
	}
	for _, d := range p.drift {
		r.Sections = append(r.Sections, d.section())
	}
	if s := p.histograms(); len(s.Items) > 0 {
		r.Sections = append(r.Sections, s)
	}
	return r
}

// cell is a number, or why there is none.
func cell(x float64, why string) report.Cell {
	if math.IsNaN(x) || math.Abs(x) > 1e300 {
		return report.Missing(why)
	}
	return report.Figure(x)
}

// overview has a line for each column, and then those of numbers and of classes apart: a table that holds all is wider than a screen.
func (p *profile) overview() report.Section {
	all := &report.Table{Columns: []report.Column{{Name: "column"}, {Name: "type"}, {Name: "missing", Kind: report.Share}, {Name: "distinct", Kind: report.Count}}}
	numbers := &report.Table{Title: "Numbers", Columns: []report.Column{{Name: "column"}, {Name: "mean", Kind: report.Number}, {Name: "stdev", Kind: report.Number}, {Name: "first quartile", Kind: report.Number},
		{Name: "median", Kind: report.Number}, {Name: "third quartile", Kind: report.Number}, {Name: "far out", Kind: report.Count}}}
	classes := &report.Table{Title: "Most frequent values", Columns: []report.Column{{Name: "column"}, {Name: "value"}, {Name: "rows", Kind: report.Count}, {Name: "share", Kind: report.Share}}}
	of := func(n int64) float64 { return float64(n) / max(1, float64(p.rows)) }
	for _, c := range p.columns {
		kind := c.Type
		if c.PII {
			kind += ", pii"
		}
		all.Rows = append(all.Rows, []report.Cell{report.Words(c.Name), report.Words(kind), report.Figure(of(c.nulls)), report.Figure(float64(c.distinct))})
		if s := c.summary; s != nil {
			numbers.Rows = append(numbers.Rows, []report.Cell{report.Words(c.Name), cell(s.mean, "not defined"), cell(s.stdev, "not defined"), cell(s.quantiles[1], "no values"),
				cell(s.quantiles[2], "no values"), cell(s.quantiles[3], "no values"), report.Figure(float64(s.outliers))})
		}
		for _, v := range c.top {
			text := []rune(v.value)
			if len(text) > 40 {
				text = append(text[:40], '…')
			}
			classes.Rows = append(classes.Rows, []report.Cell{report.Words(c.Name), report.Words(string(text)), report.Figure(float64(v.rows)), report.Figure(of(v.rows))})
		}
	}
	s := report.Section{Title: "Columns", Items: []report.Item{{Table: all}}}
	for _, t := range []*report.Table{numbers, classes} {
		if len(t.Rows) > 0 {
			s.Items = append(s.Items, report.Item{Table: t})
		}
	}
	return s
}

// relations has the strongest pairs, and of few columns of numbers all correlations.
func (p *profile) relations() report.Section {
	s := report.Section{Title: "How columns go together"}
	pairs := slices.Clone(p.pairs)
	pairs = slices.DeleteFunc(pairs, func(r pair) bool { x := r.strength(); return x != x })
	sort.SliceStable(pairs, func(i, j int) bool { return pairs[i].strength() > pairs[j].strength() })
	if len(pairs) == 0 {
		return s
	}
	if len(pairs) > mostPairs {
		s.Items = append(s.Items, report.Note("The strongest %d of %d pairs.", mostPairs, len(pairs)))
		pairs = pairs[:mostPairs]
	}
	t := &report.Table{Columns: []report.Column{{Name: "column"}, {Name: "and"}, {Name: "Pearson", Kind: report.Number}, {Name: "Spearman", Kind: report.Number}, {Name: "Cramér's V", Kind: report.Number}, {Name: "correlation ratio", Kind: report.Number}}}
	for _, r := range pairs {
		t.Rows = append(t.Rows, []report.Cell{report.Words(r.a), report.Words(r.b), cell(r.pearson, ""), cell(r.spearman, ""), cell(r.cramersV, ""), cell(r.ratio, "")})
	}
	s.Items = append(s.Items, report.Item{Table: t})
	var numbers []string
	for _, v := range p.variables {
		if v.numbers != nil && v.unfit == "" {
			numbers = append(numbers, v.name)
		}
	}
	if len(numbers) < 3 || len(numbers) > mostHeat {
		return s
	}
	heat := &report.Table{Title: "Spearman's correlation", Heat: true, Columns: []report.Column{{Name: "column"}}}
	for _, name := range numbers {
		heat.Columns = append(heat.Columns, report.Column{Name: name, Kind: report.Number})
	}
	for _, a := range numbers {
		row := []report.Cell{report.Words(a)}
		for _, b := range numbers {
			row = append(row, cell(p.spearmanOf(a, b), "constant"))
		}
		heat.Rows = append(heat.Rows, row)
	}
	s.Items = append(s.Items, report.Item{Table: heat})
	return s
}

func (p *profile) spearmanOf(a, b string) float64 {
	if a == b {
		return 1
	}
	for _, r := range p.pairs {
		if r.a == a && r.b == b || r.a == b && r.b == a {
			return r.spearman
		}
	}
	return math.NaN()
}

// targets has the columns by how strongly they relate to the target.
func (p *profile) targets() report.Section {
	s := report.Section{Title: "Relation to " + p.Target}
	if len(p.target) == 0 {
		return s
	}
	list := slices.Clone(p.target)
	sort.SliceStable(list, func(i, j int) bool {
		return list[i].strength > list[j].strength || list[i].strength == list[i].strength && list[j].strength != list[j].strength
	})
	t := &report.Table{Columns: []report.Column{{Name: "column"}, {Name: "strength", Kind: report.Number}}}
	for _, r := range list {
		t.Rows = append(t.Rows, []report.Cell{report.Words(r.name), cell(r.strength, "constant, infinite, or text of more than 100 values")})
	}
	s.Items = []report.Item{report.Note("On the rows that models learn from, from 0 to 1: Spearman's correlation without its sign, Cramér's V, or the correlation ratio."), {Table: t}}
	return s
}

// section has the columns of a part that drifted first.
func (d part) section() report.Section {
	list := slices.Clone(d.results)
	sort.SliceStable(list, func(i, j int) bool { return list[i].Drifted && !list[j].Drifted })
	t := &report.Table{Columns: []report.Column{{Name: "column"}, {Name: "drifted"}, {Name: "method"}, {Name: "score", Kind: report.Number}, {Name: "limit", Kind: report.Number}}}
	for _, r := range list {
		drifted := "no"
		if r.Drifted {
			drifted = "yes"
		}
		if r.Undefined != "" {
			drifted = "–"
		}
		t.Rows = append(t.Rows, []report.Cell{report.Words(r.Column), report.Words(drifted), report.Words(r.Method), cell(r.Score, r.Undefined), cell(r.Limit, r.Undefined)})
	}
	return report.Section{Title: "Drift of " + d.name, Items: []report.Item{{Table: t}}}
}

// histograms are steps over equal bins between the first and the last percentile; what lies beyond is in the outer ones.
func (p *profile) histograms() report.Section {
	s := report.Section{Title: "Distributions"}
	all := 0
	for _, c := range p.columns {
		if c.summary == nil || c.summary.infinite || c.summary.distinct < 2 {
			continue
		}
		low, high := quantile(c.summary.sorted, 0.01), quantile(c.summary.sorted, 0.99)
		if low >= high || high-low > 1e300 || math.Abs(low) > 1e300 || math.Abs(high) > 1e300 {
			continue
		}
		if all++; all > mostPlots {
			continue
		}
		edges, counts := make([]float64, bins+1), make([]float64, bins+1)
		for i := range edges {
			edges[i] = low + float64((high-low)*float64(i))/bins
		}
		for _, x := range c.summary.sorted {
			counts[min(bins-1, int(max(0, min(1, (x-low)/(high-low)))*bins))]++
		}
		s.Items = append(s.Items, report.Item{Plot: &report.Plot{Title: c.Name, Alt: fmt.Sprintf("How many rows have which value of %s.", c.Name),
			X: report.Axis{Label: c.Name}, Y: report.Axis{Label: "rows", Min: report.At(0)}, Series: []report.Series{{Name: "rows", Mark: report.Step, X: edges, Y: counts}}}})
	}
	if all > mostPlots {
		s.Items = append([]report.Item{report.Note("The first %d of %d columns of numbers.", mostPlots, all)}, s.Items...)
	}
	return s
}

// date is a time in seconds as people read one.
func date(seconds float64) string {
	return time.Unix(int64(seconds), 0).UTC().Format("2006-01-02 15:04")
}
