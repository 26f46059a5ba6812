package runs

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/report"
)

// Report is a list of runs as a table, and, of three and more that differ in parameters, a picture in parallel coordinates. grouped adds the mean
// and spread of each block over its instances.
func Report(title string, all []*Run, grouped bool) *report.Report {
	if of := samples(all); len(of) > 0 {
		title += " · " + strings.Join(of, ", ")
	}
	out := &report.Report{Version: report.Version, Title: title}
	section := report.Section{Title: "Runs", Items: []report.Item{{Table: table(all)}}}
	if t := alike(all); len(t.Rows) > 0 {
		section.Items = append(section.Items, report.Item{Table: t})
	}
	if grouped {
		for _, g := range Groups(all) {
			section.Items = append(section.Items, report.Item{Table: g.table()})
		}
	}
	out.Sections = append(out.Sections, section)
	if p := parallel(all); p != nil {
		out.Sections = append(out.Sections, report.Section{Title: "Parameters and figures", Items: []report.Item{{Plot: p}}})
	}
	return out
}

// samples names the samples that runs are of, and all rows where some are of those: "5 % sample"; none where all are of all rows.
func samples(all []*Run) []string {
	var out []string
	for _, r := range all {
		if r.Sample != "" {
			out = append(out, plan.SampleName(r.Sample))
		}
	}
	slices.Sort(out)
	if out = slices.Compact(out); len(out) > 0 && slices.ContainsFunc(all, func(r *Run) bool { return r.Sample == "" }) {
		out = append(out, "all rows")
	}
	return out
}

// table has a row a run: what differs, then figures, then differences, then how the result came about.
//
//	run             params.trees  train   auc                     auc difference  seconds  commit                now
//	evaluate.small  50            b2bf27  0.912 (0.897 to 0.925)  …               1.2      3f1c20a9b4d1 changed  yes
//
// All rows have all columns; what a run lacks is an empty cell. Figures of which nothing is to be compared have no column (same), nor have commits outside git.
func table(all []*Run) *report.Table {
	parameters, data := Differing(all)
	parameters = slices.DeleteFunc(parameters, func(name string) bool { return !chosen(all, name) })
	figures := slices.DeleteFunc(FiguresOf(all), func(name string) bool { return same(all, name) })
	t := &report.Table{Columns: []report.Column{{Name: "run"}}}
	for _, name := range slices.Concat(parameters, data) {
		t.Columns = append(t.Columns, report.Column{Name: name})
	}
	compared := slices.ContainsFunc(all, func(r *Run) bool { return len(r.Differences) > 0 })
	for _, name := range figures {
		t.Columns = append(t.Columns, report.Column{Name: name, Kind: report.Number})
		if compared {
			t.Columns = append(t.Columns, report.Column{Name: name + " difference", Kind: report.Number})
		}
	}
	committed := slices.ContainsFunc(all, func(r *Run) bool { return r.Commit != "" })
	t.Columns = append(t.Columns, report.Column{Name: "seconds", Kind: report.Number})
	if committed {
		t.Columns = append(t.Columns, report.Column{Name: "commit"})
	}
	t.Columns = append(t.Columns, report.Column{Name: "now"})
	for _, r := range all {
		row := []report.Cell{report.Words(r.Name(all))}
		for _, name := range parameters {
			row = append(row, report.Words(brief(r.Parameters[name])))
		}
		for _, port := range data {
			row = append(row, report.Words(r.Data[port].Short()))
		}
		for _, name := range figures {
			row = append(row, r.cell(r.Figures, name))
			if compared {
				row = append(row, r.cell(r.Differences, name))
			}
		}
		row = append(row, report.Figure(float64(r.DurationMS)/1000))
		if committed {
			// As git shows a commit in short; that files differed from it is said, since then the commit alone makes nothing again.
			commit := r.Commit[:min(len(r.Commit), 12)]
			if r.Dirty {
				commit += " changed"
			}
			row = append(row, report.Words(commit))
		}
		now := ""
		if r.Current {
			now = "yes"
		}
		t.Rows = append(t.Rows, append(row, report.Words(now)))
	}
	return t
}

// cell is a figure with its interval where it has one, and with why it has none where that is known. A run without the figure has an empty cell, one whose
// figure is undefined a cell that says why.
func (r *Run) cell(of map[string]Figure, name string) report.Cell {
	f, ok := of[name]
	switch {
	case !ok:
		return report.Cell{}
	case f.Value == nil:
		return report.Missing(f.Why)
	case f.Low == nil || f.High == nil:
		return report.Cell{Value: f.Value, Why: f.Why}
	}
	return report.Cell{Value: f.Value, Low: f.Low, High: f.High}
}

// chosen reports whether runs that have a parameter have several values of it. One that only some kinds of models have, with one value, says no more
// than the kind does: beside a linear model that is all parameters of a boosted one. JSON and CSV have these too.
func chosen(all []*Run, name string) bool {
	value := ""
	for _, r := range all {
		switch v, ok := r.Parameters[name]; {
		case !ok:
		case value == "":
			value = string(v)
		case value != string(v):
			return true
		}
	}
	return false
}

// same reports whether all of several runs have one value of a figure of which nobody says what is better, such as the number of rows, or none of them has one. JSON and CSV
// have these too.
func same(all []*Run, name string) bool {
	first := all[0].Figures[name]
	for _, r := range all {
		f, ok := r.Figures[name]
		alike := f.Value == first.Value || f.Value != nil && first.Value != nil && *f.Value == *first.Value
		if !ok || f.Better != "" || !alike || f.Why != first.Why {
			return false
		}
	}
	return len(all) > 1
}

// alike has the figures that are the same in all runs, a row each. Those without a value are left out.
func alike(all []*Run) *report.Table {
	t := &report.Table{Title: "The same in all runs", Columns: []report.Column{{Name: "figure"}, {Name: "value", Kind: report.Number}}}
	for _, name := range FiguresOf(all) {
		if f := all[0].Figures[name]; same(all, name) && f.Value != nil {
			t.Rows = append(t.Rows, []report.Cell{report.Words(name), report.Figure(*f.Value)})
		}
	}
	return t
}

// brief is a parameter as a cell has room for it: of a list how many elements there are.
func brief(v json.RawMessage) string {
	var list []json.RawMessage
	if json.Unmarshal(v, &list) == nil && list != nil {
		return fmt.Sprintf("%d listed", len(list))
	}
	return word(v)
}

// word is a parameter as a text: a string without its quotes, any other value as JSON has it; empty where a run has none.
func word(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

// table has a row a figure, with its spread over the group's runs. A figure that is undefined in all of them has a row that says so.
func (g *Group) table() *report.Table {
	t := &report.Table{Title: fmt.Sprintf("%s: %d runs", g.Block, len(g.Runs)), Columns: []report.Column{{Name: "figure"}, {Name: "runs", Kind: report.Count},
		{Name: "mean", Kind: report.Number}, {Name: "standard deviation", Kind: report.Number}, {Name: "least", Kind: report.Number}, {Name: "most", Kind: report.Number}}}
	for _, name := range FiguresOf(g.Runs) {
		s, ok := g.Figures[name]
		if !ok {
			t.Rows = append(t.Rows, []report.Cell{report.Words(name), report.Figure(0), report.Missing("no run has a value"), {}, {}, {}})
			continue
		}
		t.Rows = append(t.Rows, []report.Cell{report.Words(name), report.Figure(float64(s.Count)), report.Figure(s.Mean), report.Figure(s.Deviation), report.Figure(s.Least), report.Figure(s.Most)})
	}
	return t
}

// mostLines is how many runs a picture has, at most; lines of more cannot be told apart.
const mostLines = 100

// parallel draws a line a run over the parameters that differ and the figures, each axis from its least value to its greatest. Text has its values in
// alphabetical order. Nil where there is nothing to see.
func parallel(all []*Run) *report.Plot {
	parameters, _ := Differing(all)
	parameters = slices.DeleteFunc(parameters, func(name string) bool { return !chosen(all, name) })
	figures := FiguresOf(all)
	if len(all) < 3 || len(all) > mostLines || len(parameters) == 0 || len(figures) == 0 {
		return nil
	}
	p := &report.Plot{Title: "Parallel coordinates",
		Y: report.Axis{Label: "from least to greatest", Min: report.At(0), Max: report.At(1), Share: true}}
	lines := make([]report.Series, len(all))
	for i, r := range all {
		lines[i] = report.Series{Name: r.Name(all), Mark: report.Line}
	}
	axis := func(name string, value func(r *Run) (float64, bool)) {
		least, most, any := 0.0, 0.0, false
		for _, r := range all {
			if x, ok := value(r); ok {
				if !any {
					least, most = x, x
				}
				least, most, any = min(least, x), max(most, x), true
			}
		}
		if least == most { // an axis of one value, or of none, says nothing
			return
		}
		at := float64(len(p.X.Categories))
		p.X.Categories = append(p.X.Categories, name)
		for i, r := range all {
			if x, ok := value(r); ok {
				lines[i].X, lines[i].Y = append(lines[i].X, at), append(lines[i].Y, (x-least)/(most-least))
			}
		}
	}
	for _, name := range parameters {
		// Numbers lie where they are; texts, such as names of trainers, at equal distances in alphabetical order, and so do numbers among texts.
		order, numeric := texts(all, name), true
		for _, r := range all {
			_, err := strconv.ParseFloat(string(r.Parameters[name]), 64)
			numeric = numeric && (err == nil || r.Parameters[name] == nil)
		}
		axis(name, func(r *Run) (float64, bool) {
			v, ok := r.Parameters[name]
			if !ok {
				return 0, false
			}
			if numeric {
				x, err := strconv.ParseFloat(string(v), 64)
				return x, err == nil
			}
			return float64(slices.Index(order, word(v))), true
		})
	}
	for _, name := range figures {
		axis(name, func(r *Run) (float64, bool) {
			if f := r.Figures[name]; f.Value != nil {
				return *f.Value, true
			}
			return 0, false
		})
	}
	if len(p.X.Categories) < 2 {
		return nil
	}
	p.Alt = fmt.Sprintf("%d runs over %s, each from its least value to its greatest.", len(all), strings.Join(p.X.Categories, ", "))
	p.Series = lines
	return p
}

// texts are the values that runs have of a parameter, sorted, each once.
func texts(all []*Run, name string) []string {
	var out []string
	for _, r := range all {
		if v, ok := r.Parameters[name]; ok {
			out = append(out, word(v))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// CSV writes a row a run, with all parameters that differ and all figures, numbers in full. A figure has three columns, of which the
// last two are empty where it has no interval, and three more where runs were compared:
//
//	address,fingerprint,revision,commit,current,duration_ms,params.trees,data.train,auc,auc.low,auc.high
//
// Runs of a sample have its share behind the duration. Cells that a spreadsheet would take for formulas begin with an apostrophe (harmless).
func CSV(w io.Writer, all []*Run) error {
	parameters, data := Differing(all)
	figures := FiguresOf(all)
	head := []string{"address", "fingerprint", "revision", "commit", "current", "duration_ms"}
	sampled := len(samples(all)) > 0
	if sampled {
		head = append(head, "sample")
	}
	for _, name := range parameters {
		head = append(head, name)
	}
	for _, port := range data {
		head = append(head, "data."+port)
	}
	compared := slices.ContainsFunc(all, func(r *Run) bool { return len(r.Differences) > 0 })
	for _, name := range figures {
		head = append(head, name, name+".low", name+".high")
		if compared {
			head = append(head, name+".difference", name+".difference.low", name+".difference.high")
		}
	}
	out := csv.NewWriter(w)
	if err := out.Write(head); err != nil {
		return err
	}
	for _, r := range all {
		row := []string{r.Address, string(r.Fingerprint), strconv.FormatInt(r.Revision, 10), r.Commit, strconv.FormatBool(r.Current), strconv.FormatInt(r.DurationMS, 10)}
		if sampled {
			row = append(row, r.Sample)
		}
		for _, name := range parameters {
			row = append(row, word(r.Parameters[name]))
		}
		for _, port := range data {
			row = append(row, string(r.Data[port]))
		}
		for _, name := range figures {
			row = append(row, full(r.Figures[name])...)
			if compared {
				row = append(row, full(r.Differences[name])...)
			}
		}
		for i := range row {
			row[i] = harmless(row[i])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// full is a figure and its interval in as many digits as read back as the same number.
func full(f Figure) []string {
	out := make([]string, 3)
	for i, x := range []*float64{f.Value, f.Low, f.High} {
		if x != nil {
			out[i] = strconv.FormatFloat(*x, 'g', -1, 64)
		}
	}
	return out
}

// harmless keeps spreadsheets from taking a text for a formula (OWASP, CSV injection); numbers stay.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return "'" + s
		}
	}
	return s
}
