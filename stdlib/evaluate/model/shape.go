package model

import (
	"context"
	"fmt"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	out := schema.ShapeResult{Out: map[string]schema.Shape{}}
	c, err := decode(req.Config)
	if err != nil {
		out.Problems = append(out.Problems, schema.Problem{Summary: "The configuration cannot be read: " + err.Error()})
		return out
	}
	k := &checker{config: c, data: req.In["data"].Table}
	var known bool
	k.model, known = c.signature(req.In)
	k.readMetrics()
	if known {
		out.Figures = c.figures(k.model, k.names)
		out.Out[""] = schema.Shape{Type: schema.FiguresPort, Figures: out.Figures}
	}
	k.checkNumbers()
	if known && k.data != nil {
		l := layoutOf(req.In, k.model)
		k.checkModel(l)
		k.checkSQL(ctx, b, l)
		k.checkFairness()
		if !c.Champion && l.Data.Column(k.model.Target) != nil {
			out.Out["predictions"] = schema.Shape{Type: schema.TablePort, Table: l.Table()}
		}
	}
	out.Problems = append(out.Problems, k.problems...)
	return out
}

// layoutOf is the layout of the predictions. A foreign model may give no scores.
func layoutOf(in map[string]schema.Shape, m schema.Model) prediction.Layout {
	return prediction.Layout{Task: m.Task, Target: m.Target, Data: in["data"].Table, Actual: true, Score: prediction.HasScore(in["predictions"].Table, m.Task)}
}

// figures is the type of what rules see. delta comes from the champion's node.
func (c *config) figures(m schema.Model, names []string) *schema.FigureType {
	metrics, bounds, delta := map[string]*schema.FigureType{}, map[string]*schema.FigureType{}, map[string]*schema.FigureType{}
	row := map[string]*schema.FigureType{"count": schema.Double}
	for _, n := range names {
		metrics[n], row[n] = schema.Double, schema.Double
		bounds[n] = schema.Object(map[string]*schema.FigureType{"low": schema.Double, "high": schema.Double})
		delta[n] = schema.Object(map[string]*schema.FigureType{"value": schema.Double, "low": schema.Double, "high": schema.Double})
	}
	all := map[string]*schema.FigureType{"metrics": schema.Object(metrics), "delta": schema.Object(delta)}
	if c.Champion {
		return schema.Object(all)
	}
	all["rows"], all["coverage"], all["intervals"] = schema.Double, schema.Double, schema.Object(bounds)
	if m.Task == schema.Binary {
		all["positives"], row["positives"] = schema.Double, schema.Double
		if !m.Opaque {
			all["threshold"] = schema.Double
		}
	}
	var slices []string
	for _, s := range c.Slices {
		slices = append(slices, s.Name)
	}
	all["slices"] = schema.MapOf(schema.Object(row), sorted(slices)...)
	if len(c.Fairness) > 0 {
		all["fairness"] = c.fairnessFigures()
	}
	return schema.Object(all)
}

// checker looks for mistakes in a block.
type checker struct {
	*config
	data     *schema.Table
	model    schema.Model
	metrics  []*metric.Metric
	names    []string
	problems []schema.Problem
}

func (k *checker) add(path, summary, detail, hint string) {
	k.problems = append(k.problems, schema.Problem{Path: path, Summary: summary, Detail: detail, Hint: hint})
}

// readMetrics leaves out those whose own block is wrong already.
func (k *checker) readMetrics() {
	seen := map[string]bool{}
	for i, def := range k.Metrics {
		m, err := metric.New(def)
		path := fmt.Sprintf("metrics[%d]", i)
		switch {
		case err != nil:
			continue
		case seen[m.Name]:
			k.add(path, fmt.Sprintf("metric.%s is listed twice", m.Name), "", "")
			continue
		case m.Name == "count" || m.Name == "positives":
			k.add(path, fmt.Sprintf("A metric named %q cannot be told from a slice's own figure", m.Name), "", "rename the metric")
		}
		seen[m.Name] = true
		k.metrics, k.names = append(k.metrics, m), append(k.names, m.Name)
	}
	if len(k.Metrics) == 0 {
		k.add("metrics", "No metric is listed", "An evaluation computes at least one.", "")
	}
}

func (k *checker) checkNumbers() {
	if k.Intervals.Resamples < 0 || k.Intervals.Resamples > 0 && k.Intervals.Resamples < 20 || k.Intervals.Resamples > 100000 {
		k.add("intervals.resamples", fmt.Sprintf("%d resamples", k.Intervals.Resamples), "Expected 0, for no intervals, or 20 to 100000.", "")
	}
	if !(k.Intervals.Confidence > 0 && k.Intervals.Confidence < 1) {
		k.add("intervals.confidence", fmt.Sprintf("A confidence of %v", k.Intervals.Confidence), "Expected a share between 0 and 1, such as 0.95.", "")
	}
	if k.MinRows < 0 {
		k.add("min_rows", "min_rows is negative", "", "")
	}
	if k.MinPositives < 0 {
		k.add("min_positives", "min_positives is negative", "", "")
	}
	if k.MinPositives > 0 && k.model.Task != "" && k.model.Task != schema.Binary {
		k.add("min_positives", "min_positives is for binary classification", fmt.Sprintf("The model's task is %s.", k.model.Task), "")
	}
}

// checkModel holds data and metrics against the model's signature.
func (k *checker) checkModel(l prediction.Layout) {
	names := k.data.Names()
	if k.data.Column(k.model.Target) == nil {
		k.add("data", fmt.Sprintf("The data has no column %q, the model's target", k.model.Target), "It has "+strings.Join(names, ", ")+".", meant(k.model.Target, names))
	}
	if !k.model.Opaque {
		k.checkFeatures(names)
	}
	if k.Weight != "" {
		if c := k.data.Column(k.Weight); c == nil {
			k.add("weight", fmt.Sprintf("The data has no column %q", k.Weight), "", meant(k.Weight, names))
		} else if !table.Numeric(c.Type) {
			k.add("weight", fmt.Sprintf("Column %q is %s, expected a number", k.Weight, c.Type), "", "")
		}
	}
	if c := l.Clash(); c != "" {
		k.add("data", fmt.Sprintf("The data's column %q has the name of a column of predictions", c), "", "rename it in a dataset")
	}
	for i, m := range k.metrics {
		path := fmt.Sprintf("metrics[%d]", i)
		if err := m.Fits(k.model.Task); err != nil {
			k.add(path, strings.ToUpper(err.Error()[:1])+err.Error()[1:], "", "")
		} else if m.NeedsScore && !l.Score {
			k.add(path, fmt.Sprintf("Metric %q (%s) needs scores", m.Name, m.Type), "The model's predictions have no column of them.", "")
		}
	}
}

func (k *checker) checkFeatures(names []string) {
	for _, f := range k.model.Features {
		c := k.data.Column(f.Name)
		switch {
		case c == nil:
			k.add("data", fmt.Sprintf("The data has no column %q, a feature of the model", f.Name), "", meant(f.Name, names))
		case isText(c.Type) != isText(f.Type):
			k.add("data", fmt.Sprintf("Column %q is %s; the model was trained on %s", f.Name, c.Type, f.Type), "", "")
		}
	}
}

func isText(t string) bool { return t == "varchar" || strings.HasPrefix(t, "enum") }

// checkSQL types the metrics that are SQL, and the slices.
func (k *checker) checkSQL(ctx context.Context, b component.Binder, l prediction.Layout) {
	for i, m := range k.metrics {
		if m.SQL == "" || k.data.Column(k.model.Target) == nil {
			continue
		}
		path := fmt.Sprintf("metrics[%d]", i)
		columns, clash := sqlColumns(l)
		if clash != "" {
			k.add(path, fmt.Sprintf("Metric %q: the data's column %q has the name of a column of predictions", m.Name, clash),
				"Its SQL could mean either.", "rename it in a dataset")
			continue
		}
		k.bind(ctx, b, path, fmt.Sprintf("Metric %q: ", m.Name), m.SQL, columns, true, "number", func(t string) bool { return table.Numeric(t) || t == "boolean" })
	}
	for _, s := range k.Slices {
		k.bind(ctx, b, fmt.Sprintf("slice[%s].where", s.Name), "", s.Where, k.data, false, "condition", func(t string) bool { return t == "boolean" })
	}
}

func (k *checker) bind(ctx context.Context, b component.Binder, path, prefix, sql string, t *schema.Table, aggregate bool, want string, fits func(string) bool) {
	column, problems := b.Expr(ctx, sql, t, aggregate)
	for _, p := range problems {
		p.Path, p.Summary = path, prefix+p.Summary
		k.problems = append(k.problems, p)
	}
	if len(problems) == 0 && !fits(column.Type) {
		k.add(path, fmt.Sprintf("%sthe expression is %s, expected a %s", prefix, column.Type, want), "", "")
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

// meant is a hint at the name that is nearest.
func meant(name string, names []string) string {
	best, dist := "", 4
	for _, n := range names {
		if d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(n), nil); d < dist {
			best, dist = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("Did you mean %q?", best)
}
