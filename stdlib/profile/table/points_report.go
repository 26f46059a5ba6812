package table

import (
	"fmt"
	"math"
	"sort"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

// What is shown of rows that are apart, and of a cluster.
const (
	mostDiffering = 10
	mostOfCluster = 4
)

// difference is how some rows differ from all in an input.
type difference struct {
	column, value string  // value is empty of numbers
	of, all       float64 // means of a number, or shares of a value
	deviations    float64
}

// differences of some rows from all, the greatest first: of numbers their means, of values their shares, in deviations of a row. A value that fewer than 20 of the rows have is
// not named. What is missing counts as the mean.
func (p *points) differences(some []int, most int) []difference {
	var out []difference
	for j := range p.inputs {
		in := &p.inputs[j]
		if in.Kind == linear.Missing {
			continue
		}
		var of, all, squares float64
		for _, r := range some {
			of += p.row(r)[j]
		}
		having := int(of) // of a level
		for r := range p.count {
			all += p.row(r)[j]
		}
		of, all = of/float64(len(some)), all/float64(p.count)
		for r := range p.count {
			squares += float64((p.row(r)[j] - all) * (p.row(r)[j] - all))
		}
		d := difference{column: p.columns[in.Feature].Name, of: of, all: all, deviations: (of - all) / math.Sqrt(squares/float64(p.count))}
		if in.Kind == linear.Level {
			if d.value = p.columns[in.Feature].Levels[in.Level]; having < named {
				continue
			}
		} else {
			d.of, d.all = in.Mean+float64(of*in.Scale), in.Mean+float64(all*in.Scale)
		}
		out = append(out, d)
	}
	sort.SliceStable(out, func(i, j int) bool { return math.Abs(out[i].deviations) > math.Abs(out[j].deviations) })
	return out[:min(len(out), most)]
}

// cells are a difference in a table: the column, the value, the mean or share there and in all rows, and the deviations.
func (d *difference) cells() []report.Cell {
	value := []rune(d.value)
	if len(value) > 40 {
		value = append(value[:40], '…')
	}
	what := "mean"
	if d.value != "" {
		what = "share of " + string(value)
	}
	return []report.Cell{report.Words(d.column), report.Words(what), report.Figure(d.of), report.Figure(d.all), report.Figure(d.deviations)}
}

// differing are the columns of tables of differences.
func differing() []report.Column {
	return []report.Column{{Name: "column"}, {Name: "of it"}, {Name: "there", Kind: report.Number}, {Name: "in all rows", Kind: report.Number}, {Name: "deviations", Kind: report.Number}}
}

// section tells how scores are spread, and how rows from the threshold on differ.
func (a *apart) section() report.Section {
	s := report.Section{Title: "Rows that are apart"}
	if a.why != "" {
		s.Items = []report.Item{report.Note("They are not told: %s.", a.why)}
		return s
	}
	edges, counts := make([]float64, bins+1), make([]float64, bins+1)
	for i := range edges {
		edges[i] = float64(i) / bins
	}
	for _, x := range a.scores {
		counts[min(int(x*bins), bins-1)]++
	}
	s.Items = append(s.Items, report.Note("%d of %d rows have a score of an isolation forest of %g and more.", len(a.above), a.count, a.threshold),
		report.Item{Plot: &report.Plot{Title: "Scores", Alt: fmt.Sprintf("How many rows have which score; %d of %d are from %g on.", len(a.above), a.count, a.threshold),
			X: report.Axis{Label: "score"}, Y: report.Axis{Label: "rows", Min: report.At(0)}, Series: []report.Series{{Name: "rows", Mark: report.Step, X: edges, Y: counts}}}})
	if len(a.above) < named {
		s.Items = append(s.Items, report.Note("How they differ from others is not told of fewer than %d rows.", named))
		return s
	}
	t := &report.Table{Title: "How they differ from all rows", Columns: differing()}
	for _, d := range a.differences(a.above, mostDiffering) {
		t.Rows = append(t.Rows, d.cells())
	}
	s.Items = append(s.Items, report.Item{Table: t})
	return s
}

// section has the clusters, and in what each of 20 rows and more differs most from all rows.
func (k *alike) section() report.Section {
	s := report.Section{Title: "Rows that are alike"}
	if k.why != "" {
		s.Items = []report.Item{report.Note("There are no clusters: %s.", k.why)}
		return s
	}
	sizes := &report.Table{Columns: []report.Column{{Name: "cluster"}, {Name: "rows", Kind: report.Count}, {Name: "share", Kind: report.Share}}}
	each := &report.Table{Title: "In what they differ most from all rows", Columns: append([]report.Column{{Name: "cluster"}}, differing()...)}
	of := make([][]int, len(k.Rows))
	for r, c := range k.Cluster {
		of[c] = append(of[c], r)
	}
	for c, rows := range k.Rows {
		name := report.Words(fmt.Sprint(c + 1))
		sizes.Rows = append(sizes.Rows, []report.Cell{name, report.Figure(float64(rows)), report.Figure(float64(rows) / float64(k.count))})
		if rows < named {
			continue
		}
		for _, d := range k.differences(of[c], mostOfCluster) {
			each.Rows = append(each.Rows, append([]report.Cell{name}, d.cells()...))
		}
	}
	silhouette := "not defined"
	if k.silhouette == k.silhouette {
		silhouette = fmt.Sprintf("%.3f", k.silhouette)
	}
	s.Items = append(s.Items, report.Note("%d clusters by k-means; the inertia is %.6g, the silhouette of %d rows %s.", len(k.Rows), k.Inertia, k.looked, silhouette), report.Item{Table: sizes})
	if len(each.Rows) > 0 {
		s.Items = append(s.Items, report.Item{Table: each})
	}
	return s
}
