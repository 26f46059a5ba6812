package evaluation

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// FigureTypes returns the types of an evaluation's figures (metrics.auc, intervals.auc.low, slices["eu"].auc, …), and of the
// figures that compare a champion with a challenger (metrics.auc of the champion, delta.auc.value, delta.auc.low, …). Call
// Definitions first.
func (k *Checker) FigureTypes() (figures, comparison map[string]*schema.FigureType) {
	// What the data decides is left open (which groups there are); what the block decides (metrics, slices) is closed, so
	// that a misspelt name is an error when files are checked.
	metrics, bounds, delta := map[string]*schema.FigureType{}, map[string]*schema.FigureType{}, map[string]*schema.FigureType{}
	row := map[string]*schema.FigureType{"count": schema.Count}
	for i, n := range k.names {
		metrics[n] = k.metrics[i].Figure()
		row[n] = metrics[n]
		low, high := k.metrics[i].Bounds()
		bounds[n] = schema.Object(map[string]*schema.FigureType{"low": low, "high": high})
		delta[n] = difference(metrics[n])
	}
	figures = map[string]*schema.FigureType{"metrics": schema.Object(metrics), "rows": schema.Count, "coverage": schema.Share, "intervals": schema.Object(bounds)}
	if k.Model.Task == schema.Binary {
		figures["positives"], row["positives"] = schema.Count, schema.Count
	}
	var slices []string
	for _, s := range k.Slices {
		slices = append(slices, s.Name)
	}
	figures["slices"] = schema.KeyedMap(schema.Object(row), sorted(slices)...)
	if len(k.Fairness) > 0 {
		figures["fairness"] = k.fairnessFigures(k.Model.Task, k.fitting())
	}
	return figures, map[string]*schema.FigureType{"metrics": schema.Object(metrics), "delta": schema.Object(delta)}
}

// difference is the type of the difference of two values of a figure, with its interval.
func difference(of *schema.FigureType) *schema.FigureType {
	if of.Low == nil || of.High == nil {
		return Bounded()
	}
	span := *of.High - *of.Low
	return schema.Object(map[string]*schema.FigureType{"value": schema.Between(-span, span), "low": schema.AtMost(span), "high": schema.AtLeast(-span)})
}

// Bounded is the type of an object of value, low and high, numbers without bounds of their own.
func Bounded() *schema.FigureType {
	return schema.Object(map[string]*schema.FigureType{"value": schema.Double, "low": schema.Double, "high": schema.Double})
}

// Figures is the type of a metric's value with its interval, by its place among the names that Definitions returned.
func (k *Checker) Figures(i int) *schema.FigureType {
	low, high := k.metrics[i].Bounds()
	return schema.Object(map[string]*schema.FigureType{"value": k.metrics[i].Figure(), "low": low, "high": high})
}

// Checker looks for mistakes in a block that evaluates a model, before anything runs. It collects them in Problems.
type Checker struct {
	*Config
	Data     *schema.Table    // the table of the rows
	Model    schema.Model     // its task and target
	Problems []schema.Problem // in the order in which they were found; paths are those of attributes in the block

	metrics []*metric.Metric
	names   []string
}

// report notes a problem.
func (k *Checker) report(p schema.Problem) { k.Problems = append(k.Problems, p) }

// Definitions checks what needs no table (metrics listed twice, numbers out of range), and returns the names of the metrics
// whose definitions can be read, in the order of the list.
func (k *Checker) Definitions() []string {
	k.readMetrics()
	k.checkNumbers()
	return k.names
}

// readMetrics leaves out those whose own block is wrong already.
func (k *Checker) readMetrics() {
	seen := map[string]bool{}
	for i, def := range k.Metrics {
		m, err := metric.New(def)
		path := fmt.Sprintf("metrics[%d]", i)
		switch {
		case err != nil:
			continue
		case seen[m.Name]:
			k.report(schema.Problem{Path: path, Summary: fmt.Sprintf("metric.%s is listed twice", m.Name)})
			continue
		case m.Name == "count" || m.Name == "positives":
			k.report(schema.Problem{
				Path:    path,
				Summary: fmt.Sprintf("A metric named %q cannot be told from a slice's own figure", m.Name),
				Hint:    "rename the metric",
			})
		}
		seen[m.Name] = true
		k.metrics, k.names = append(k.metrics, m), append(k.names, m.Name)
	}
	if len(k.Metrics) == 0 {
		k.report(schema.Problem{Path: "metrics", Summary: "No metric is listed", Detail: "An evaluation computes at least one."})
	}
}

// checkNumbers holds figures to their bounds. Below 20 resamples an interval of 95 % is the range of all; above 100,000
// nothing is gained.
func (k *Checker) checkNumbers() {
	if k.Intervals.Resamples < 0 || k.Intervals.Resamples > 0 && k.Intervals.Resamples < 20 || k.Intervals.Resamples > 100000 {
		k.report(schema.Problem{
			Path:    "intervals.resamples",
			Summary: fmt.Sprintf("%d resamples", k.Intervals.Resamples),
			Detail:  "Expected 0, for no intervals, or 20 to 100000.",
		})
	}
	if !(k.Intervals.Confidence > 0 && k.Intervals.Confidence < 1) {
		k.report(schema.Problem{
			Path:    "intervals.confidence",
			Summary: fmt.Sprintf("A confidence of %v", k.Intervals.Confidence),
			Detail:  "Expected a share between 0 and 1, such as 0.95.",
		})
	}
	if k.MinRows < 0 {
		k.report(schema.Problem{Path: "min_rows", Summary: "min_rows is negative"})
	}
	if k.MinPositives == nil {
		return
	}
	if *k.MinPositives < 0 {
		k.report(schema.Problem{Path: "min_positives", Summary: "min_positives is negative"})
	}
	if *k.MinPositives > 0 && k.Model.Task != "" && k.Model.Task != schema.Binary {
		k.report(schema.Problem{
			Path:    "min_positives",
			Summary: "min_positives is for binary classification",
			Detail:  fmt.Sprintf("The model's task is %s.", k.Model.Task),
		})
	}
}

// Table holds the table, and predictions of that layout, against the block.
func (k *Checker) Table(ctx context.Context, b component.Binder, l prediction.Layout) {
	k.checkWeight()
	k.checkMetrics(l)
	k.checkSQL(ctx, b, l)
	k.checkFairness()
}

// checkWeight holds the column of weights to be there and of numbers. Whether a weight is negative only the rows tell.
func (k *Checker) checkWeight() {
	if k.Weight == "" {
		return
	}
	if c := k.Data.Column(k.Weight); c == nil {
		k.report(schema.Problem{
			Path:    "weight",
			Summary: fmt.Sprintf("The data has no column %q", k.Weight),
			Hint:    suggest.DidYouMean(k.Weight, k.Data.Names()),
		})
	} else if !table.Numeric(c.Type) {
		k.report(schema.Problem{Path: "weight", Summary: fmt.Sprintf("Column %q is %s, expected a number", k.Weight, c.Type)})
	}
}

// checkMetrics holds each metric to the task, and those of scores to predictions that have some.
func (k *Checker) checkMetrics(l prediction.Layout) {
	for i, m := range k.metrics {
		path := fmt.Sprintf("metrics[%d]", i)
		if err := m.Fits(k.Model.Task); err != nil {
			k.report(schema.Problem{Path: path, Summary: strings.ToUpper(err.Error()[:1]) + err.Error()[1:]})
		} else if m.NeedsScore && !l.Score {
			k.report(schema.Problem{
				Path:    path,
				Summary: fmt.Sprintf("Metric %q (%s) needs scores", m.Name, m.Type),
				Detail:  "The model's predictions have no column of them.",
			})
		}
	}
}

// checkSQL types the metrics that are SQL, and the slices.
func (k *Checker) checkSQL(ctx context.Context, b component.Binder, l prediction.Layout) {
	for i, m := range k.metrics {
		if m.SQL == "" || k.Data.Column(k.Model.Target) == nil {
			continue
		}
		path := fmt.Sprintf("metrics[%d]", i)
		columns, clash := sqlColumns(l)
		if clash != "" {
			k.report(schema.Problem{
				Path:    path,
				Summary: fmt.Sprintf("Metric %q: the data's column %q has the name of a column of predictions", m.Name, clash),
				Detail:  "Its SQL could mean either.",
				Hint:    "rename it in a dataset",
			})
			continue
		}
		k.bind(ctx, b, path, fmt.Sprintf("Metric %q: ", m.Name), m.SQL, columns, true, "number", func(t string) bool { return table.Numeric(t) || t == "boolean" })
	}
	for _, s := range k.Slices {
		k.bind(ctx, b, fmt.Sprintf("slice[%s].where", s.Name), "", s.Where, k.Data, false, "condition", func(t string) bool { return t == "boolean" })
	}
}

// bind types an expression over a table and holds the type to fits; want is that in words. prefix names the slice or metric
// in messages.
func (k *Checker) bind(ctx context.Context, b component.Binder, path, prefix, sql string, t *schema.Table, aggregate bool, want string, fits func(string) bool) {
	column, problems := b.Expr(ctx, sql, t, aggregate)
	for _, p := range problems {
		p.Path, p.Summary = path, prefix+p.Summary
		k.Problems = append(k.Problems, p)
	}
	if len(problems) == 0 && !fits(column.Type) {
		k.report(schema.Problem{Path: path, Summary: fmt.Sprintf("%sthe expression is %s, expected a %s", prefix, column.Type, want)})
	}
}

// sqlColumns is what a metric's SQL sees; clash names a column of the data that it could not tell from one of them.
func sqlColumns(l prediction.Layout) (t *schema.Table, clash string) {
	own := []schema.Column{{Name: "weight", Type: "double"}}
	plain := l
	plain.Data = &schema.Table{Columns: l.Data.Columns}
	for _, c := range plain.Columns() {
		if c.Name != prediction.RowColumn {
			own = append(own, c)
		}
	}
	for _, c := range own {
		if d := l.Data.Column(c.Name); d != nil {
			return nil, d.Name
		}
	}
	return &schema.Table{Columns: append(own, l.Data.Columns...)}, ""
}
