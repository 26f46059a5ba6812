package evaluation

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/metric"
)

// mostClasses is how many classes have a curve of their own, mostConfused how many a whole matrix of confusion.
const (
	mostClasses  = 6
	mostConfused = 30
)

// Report is what Figures computed as a document: metrics with their intervals, curves, slices and groups, the rows that the model was most
// wrong about. Nothing in it is a value that fewer than 20 rows have: a row is told by its place, and by what the model said of it.
func (e *Evaluation) Report(figures map[string]any) *report.Report {
	r := &reporter{Evaluation: e, figures: figures}
	out := &report.Report{Title: r.title(), Summary: r.summary()}
	add := func(title string, items ...report.Item) {
		if len(items) > 0 {
			out.Sections = append(out.Sections, report.Section{Title: title, Items: items})
		}
	}
	add("Metrics", r.metricTable())
	if e.tooFew(len(e.rows.counted), e.positives(nil)) == "" {
		switch e.set.Task {
		case schema.Regression:
			add("Errors", r.errors()...)
		case schema.Binary:
			add("Decisions", r.binary()...)
		default:
			add("Decisions", r.multiclass()...)
		}
	}
	add("Slices", r.sliceTable()...)
	for _, f := range e.Fairness {
		add("Groups of "+f.Name, r.groups(f)...)
	}
	if e.tooFew(len(e.rows.counted), e.positives(nil)) == "" {
		add("Rows that the model was most wrong about", r.worst()...)
	}
	return out
}

// reporter makes the parts of a report. All numbers but the curves and the worst rows are read from the figures, by their paths there, and none is
// computed a second time: a report and metrics.json cannot differ. What a figure lacks is an empty cell with the reason that
// the figures have for the path, such as "slices.large.recall".
type reporter struct {
	*Evaluation
	figures map[string]any // as Figures made them; before JSON, so that counts are int and other numbers float64
}

// title says how many rows were measured, and of a binary task how many are positive, since of few there is little to be said.
func (r *reporter) title() string {
	title := fmt.Sprintf("Evaluation on %s rows", report.Whole(len(r.rows.counted)))
	if r.set.Task == schema.Binary {
		title += fmt.Sprintf(", %s positive", report.Whole(r.positives(nil)))
	}
	return title
}

// summary is the metrics in one sentence: "auc 0.912 (0.897 to 0.925), recall 0.71." Those that are undefined are left to the table.
func (r *reporter) summary() string {
	var parts []string
	for _, m := range r.sortedMetrics() {
		c := r.metric(m.Name)
		switch {
		case c.Value != nil && c.Low != nil && c.High != nil:
			parts = append(parts, fmt.Sprintf("%s %.4g (%.4g to %.4g)", m.Name, *c.Value, *c.Low, *c.High))
		case c.Value != nil:
			parts = append(parts, fmt.Sprintf("%s %.4g", m.Name, *c.Value))
		}
	}
	if len(parts) == 0 {
		return "No metric is defined: the table says why."
	}
	return strings.Join(parts, ", ") + "."
}

// sortedMetrics are the metrics by name.
func (r *reporter) sortedMetrics() []*metric.Metric {
	return slices.SortedFunc(slices.Values(r.metrics), func(a, b *metric.Metric) int { return cmp.Compare(a.Name, b.Name) })
}

// metric is a metric of all rows with its interval.
func (r *reporter) metric(name string) report.Cell {
	c := r.cell(r.figures["metrics"], "metrics", name)
	if bounds, ok := part(r.figures["intervals"], name); ok {
		c.Low, c.High = pointer(bounds["low"]), pointer(bounds["high"])
	}
	return r.whiskers(c, "intervals."+name)
}

// whiskers drops an interval of which an end is not known, and says why, and one of what has no value. The ends are figures at a path.
func (r *reporter) whiskers(c report.Cell, path string) report.Cell {
	if c.Value == nil || c.Low == nil || c.High == nil {
		c.Low, c.High = nil, nil
	}
	if c.Value != nil && c.Low == nil {
		c.Why = cmp.Or(r.undefined[path+".low"], r.undefined[path+".high"])
	}
	return c
}

// cell is a figure, or why it is undefined.
func (r *reporter) cell(of any, path, name string) report.Cell {
	m, _ := of.(map[string]any)
	if x := pointer(m[name]); x != nil {
		return report.Cell{Value: x}
	}
	return report.Missing(cmp.Or(r.undefined[path+"."+name], "not computed"))
}

// bounded is a figure with its interval, as fairness has them: {"value": 0.08, "low": 0.02, "high": 0.15}.
func (r *reporter) bounded(of any, path, name string) report.Cell {
	m, _ := part(of, name)
	c := r.cell(m, path+"."+name, "value")
	c.Low, c.High = pointer(m["low"]), pointer(m["high"])
	return r.whiskers(c, path+"."+name)
}

// part is an object within figures; nil and false where there is none of that name, or where of is no object itself.
func part(of any, name string) (map[string]any, bool) {
	m, _ := of.(map[string]any)
	x, ok := m[name].(map[string]any)
	return x, ok
}

// pointer is a number of the figures; nil for null and what is none.
func pointer(x any) *float64 {
	switch n := x.(type) {
	case float64:
		return &n
	case int:
		return report.At(float64(n))
	}
	return nil
}

// metricTable has all metrics, by name, and how many rows they rest on. The interval has columns of its own here, and an interval that could
// not be computed its reason in the first of them.
func (r *reporter) metricTable() report.Item {
	t := &report.Table{Columns: []report.Column{{Name: "metric"}, {Name: "value", Kind: report.Number}, {Name: "low", Kind: report.Number}, {Name: "high", Kind: report.Number}, {Name: "better is"}}}
	for _, m := range r.sortedMetrics() {
		c := r.metric(m.Name)
		row := []report.Cell{report.Words(m.Name), {Value: c.Value}, {Value: c.Low}, {Value: c.High}, report.Words("less")}
		if m.Greater {
			row[4] = report.Words("more")
		}
		switch {
		case c.Value == nil:
			row[1].Why = c.Why
		case c.Low == nil:
			row[2].Why = c.Why
		}
		t.Rows = append(t.Rows, row)
	}
	t.Title = fmt.Sprintf("%s of %s rows count; intervals of %g %%", report.Whole(len(r.rows.counted)), report.Whole(r.rows.total), 100*r.Intervals.Confidence)
	return report.Item{Table: t}
}

// sliceTable has the metrics of each slice, the worst by the first metric first, and below them those of all rows, which they are read
// against. Nil without slices.
func (r *reporter) sliceTable() []report.Item {
	if len(r.Slices) == 0 {
		return nil
	}
	t := &report.Table{Columns: []report.Column{{Name: "slice"}, {Name: "rows", Kind: report.Count}}}
	if r.set.Task == schema.Binary {
		t.Columns = append(t.Columns, report.Column{Name: "positives", Kind: report.Count})
	}
	all := r.sortedMetrics()
	for _, m := range all {
		t.Columns = append(t.Columns, report.Column{Name: m.Name, Kind: report.Number})
	}
	first := len(t.Columns) - len(all)
	row := func(name string, of any, path, count string) []report.Cell {
		cells := []report.Cell{report.Words(name), r.cell(of, path, count)}
		if r.set.Task == schema.Binary {
			cells = append(cells, r.cell(of, path, "positives"))
		}
		return cells
	}
	for _, s := range r.Slices {
		figures, _ := part(r.figures["slices"], s.Name)
		cells := row(s.Name, figures, "slices."+s.Name, "count")
		for _, m := range all {
			cells = append(cells, r.cell(figures, "slices."+s.Name, m.Name))
		}
		t.Rows = append(t.Rows, cells)
	}
	slices.SortStableFunc(t.Rows, func(a, b []report.Cell) int {
		if len(all) == 0 {
			return 0
		}
		return worse(a[first], b[first], all[0].Greater)
	})
	every := row("all rows", r.figures, "", "rows")
	for _, m := range all {
		every = append(every, r.cell(r.figures["metrics"], "metrics", m.Name))
	}
	t.Rows = append(t.Rows, every)
	return []report.Item{{Table: t}}
}

// worse orders cells from the worst to the best; those without a value come last.
func worse(a, b report.Cell, greater bool) int {
	switch {
	case a.Value == nil && b.Value == nil:
		return 0
	case a.Value == nil:
		return 1
	case b.Value == nil:
		return -1
	case greater:
		return cmp.Compare(*a.Value, *b.Value)
	}
	return cmp.Compare(*b.Value, *a.Value)
}

// mostDrawn is how many groups a picture has; the table has all.
const mostDrawn = 50

// groups tells of a fairness block: its comparisons, each group's measures, and a picture of how far each is from all rows. Groups are in the
// order of their size, those of the same size by name. How many groups are too small to be named is told, and not which.
func (r *reporter) groups(f Fairness) []report.Item {
	figures, _ := part(r.figures["fairness"], f.Name)
	path := "fairness." + f.Name
	compared := &report.Table{Columns: []report.Column{{Name: "comparison"}, {Name: "value", Kind: report.Number}}}
	for _, name := range slices.Sorted(slices.Values(f.Metrics)) {
		compared.Rows = append(compared.Rows, []report.Cell{report.Words(name), r.bounded(figures, path, name)})
	}
	named, _ := part(figures, "groups")
	names := make([]string, 0, len(named))
	measures := map[string]bool{}
	for name, g := range named {
		names = append(names, name)
		to, _ := part(g, "to_overall")
		for measure := range to {
			measures[measure] = true
		}
	}
	size := func(name string) float64 {
		g, _ := part(named, name)
		if n := pointer(g["count"]); n != nil {
			return *n
		}
		return 0
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(size(b), size(a)), cmp.Compare(a, b)) })
	items := []report.Item{{Table: compared}}
	if t := r.groupTable(f, named, names, measures); len(t.Rows) > 0 {
		items = append(items, report.Item{Table: t})
	}
	if hidden, ok := part(figures, "unnamed"); ok {
		if n := pointer(hidden["groups"]); n != nil && *n > 0 {
			items = append(items, report.Note("%.0f groups of fewer than %d rows are not named; they have %.0f rows together.", *n, smallestGroup, *pointer(hidden["count"])))
		}
	}
	for _, measure := range slices.Sorted(maps.Keys(measures)) {
		if p := r.groupPlot(path, measure, named, names); p != nil {
			items = append(items, report.Item{Plot: p})
		}
	}
	return items
}

// groupTable has a row a group, the largest first.
func (r *reporter) groupTable(f Fairness, named map[string]any, names []string, measures map[string]bool) *report.Table {
	t := &report.Table{Columns: []report.Column{{Name: strings.Join(f.columns(), ", ")}, {Name: "rows", Kind: report.Count}}}
	if r.set.Task == schema.Binary {
		t.Columns = append(t.Columns, report.Column{Name: "positives", Kind: report.Count})
	}
	for _, m := range slices.Sorted(maps.Keys(measures)) {
		t.Columns = append(t.Columns, report.Column{Name: strings.ReplaceAll(m, "_", " "), Kind: report.Number})
	}
	for _, name := range names {
		g, path := named[name], "fairness."+f.Name+".groups."+name
		row := []report.Cell{report.Words(name), r.cell(g, path, "count")}
		if r.set.Task == schema.Binary {
			row = append(row, r.cell(g, path, "positives"))
		}
		for _, m := range slices.Sorted(maps.Keys(measures)) {
			row = append(row, r.cell(g, "fairness."+f.Name+"."+m, m))
			if last := &row[len(row)-1]; last.Value == nil {
				last.Why = r.undefined[path+"."+m]
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// groupPlot shows how far each group's measure is from that of all rows; nil where no group has one. A group whose interval is undefined is drawn without whiskers. A whisker that does not touch the
// upright line at 0 is a difference that chance alone makes rarely; of many groups some show one all the same.
func (r *reporter) groupPlot(path, measure string, named map[string]any, names []string) *report.Plot {
	p := &report.Plot{
		Title: strings.ReplaceAll(measure, "_", " ") + " less that of all rows",
		X:     report.Axis{Label: "difference", Share: true},
	}
	var cells []report.Cell
	apart, bare := 0, 0
	for _, name := range names {
		g, _ := part(named, name)
		c := r.bounded(g["to_overall"], path+".groups."+name+".to_overall", measure)
		if c.Value == nil || len(cells) == mostDrawn {
			continue
		}
		switch {
		case c.Low == nil:
			bare++
		case *c.Low > 0, *c.High < 0:
			apart++
		}
		p.Y.Categories, cells = append(p.Y.Categories, name), append(cells, c)
	}
	n := len(cells)
	if n == 0 {
		return nil
	}
	p.Alt = fmt.Sprintf("Groups drawn: %d. Those whose interval does not hold 0: %d.", n, apart)
	if bare > 0 {
		p.Alt += fmt.Sprintf(" Those without an interval: %d.", bare)
	}
	p.Series = append([]report.Series{{Name: "all rows", Mark: report.Line, X: []float64{0, 0}, Y: []float64{-0.5, float64(n) - 0.5}, Dim: true}}, report.Intervals("group", true, cells)...)
	return p
}

// mostWorst is how many rows are told of.
const mostWorst = 10

// worst are the counted rows with the greatest loss, by their place in the data. The row itself is not shown: it is in the data, for who may
// read that. Numbers have three digits, and errors are in units of the root mean squared error, so that a value of the target cannot be
// computed back from them.
func (r *reporter) worst() []report.Item {
	loss := r.losses()
	if loss == nil || len(r.rows.counted) < smallestGroup {
		return nil
	}
	var order []int // the greatest losses, the first of equals first
	for k, x := range loss {
		at := len(order)
		for at > 0 && loss[order[at-1]] < x {
			at--
		}
		if at < mostWorst {
			order = slices.Insert(order, at, k)
			order = order[:min(len(order), mostWorst)]
		}
	}
	t := &report.Table{Columns: []report.Column{{Name: "row", Kind: report.Count}}}
	if r.set.Task == schema.Regression {
		t.Columns = append(t.Columns, report.Column{Name: "error, in root mean squared errors", Kind: report.Number})
	} else {
		t.Columns = append(t.Columns, report.Column{Name: "actual"}, report.Column{Name: "predicted"}, report.Column{Name: "probability of the actual class", Kind: report.Number})
	}
	for _, k := range order {
		if loss[k] <= 0 {
			break
		}
		row := []report.Cell{report.Figure(float64(r.rows.counted[k] + 1))}
		if r.set.Task == schema.Regression {
			row = append(row, report.Figure(rounded(r.signed(k)/r.scale(), 3)))
		} else {
			row = append(row, report.Words(r.class(r.sample.Actual[k])), report.Words(r.class(r.sample.Predicted[k])), report.Figure(rounded(1-loss[k], 3)))
		}
		t.Rows = append(t.Rows, row)
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []report.Item{report.Note("By their place in the data, from 1, which is also their place in the predictions."), {Table: t}}
}

// class is the name of a class by its index.
func (r *reporter) class(i float64) string {
	if k := int(i); k >= 0 && k < len(r.sample.Names) {
		return r.sample.Names[k]
	}
	return ""
}

// rounded is a number with so many significant digits.
func rounded(x float64, digits int) float64 {
	s, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', digits, 64), 64)
	if err != nil {
		return x
	}
	return s
}

// losses of the counted rows: 1 less the probability of the actual class, or the absolute error; nil without probabilities.
func (r *reporter) losses() []float64 {
	s := r.sample
	out := make([]float64, s.Rows())
	for i := range out {
		switch {
		case s.Weights()[i] == 0:
		case s.Task == schema.Regression:
			out[i] = math.Abs(r.signed(i))
		case s.Scores != nil && int(s.Actual[i]) < len(s.Scores):
			out[i] = 1 - s.Scores[int(s.Actual[i])][i]
		case s.Score != nil && s.Actual[i] == 1:
			out[i] = 1 - s.Score[i]
		case s.Score != nil:
			out[i] = s.Score[i]
		case s.Scores == nil:
			return nil
		}
	}
	return out
}

// signed is the error of a counted row: the prediction less the actual value.
func (r *reporter) signed(i int) float64 { return r.sample.Predicted[i] - r.sample.Actual[i] }

// scale is the root mean squared error, weighted as the metrics are; 1 where there is none.
func (r *reporter) scale() float64 {
	var sum, weight float64
	for i, w := range r.sample.Weights() {
		sum, weight = sum+w*r.signed(i)*r.signed(i), weight+w
	}
	if x := math.Sqrt(sum / weight); x > 0 {
		return x
	}
	return 1
}
