// Package backtest sums up evaluations that are alike: mean, spread, best and worst of their metrics.
//
// One figure of one window says what a model was worth in one season. Of the evaluations of four windows with a mean absolute error of 9, 11, 10
// and 18 the mean is 12, the standard deviation 4.08 and the worst 18: a rule on the mean lets pass what a rule on the worst does not. The same serves
// folds, regions, or whatever else for_each repeats.
//
// Each evaluation counts once, however many rows it has. A metric that is undefined in one of them is undefined in sum, with the reason: a mean over
// those that went well would be better the more of them failed.
package backtest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/metric"
)

// Component is the evaluation over several evaluations.
var Component = component.Component{
	Kind: "evaluate",
	Type: schema.Type{
		Name:    "backtest",
		Version: 1,
		Summary: "Mean, spread and worst over the windows of a backtest, or whatever evaluations are alike",
		Doc: "Of each metric `mean.<m>`, `sd.<m>` (the standard deviation over the evaluations, of n - 1), `best.<m>`, `worst.<m>` by the metric's goal, and `windows[\"w1\"].<m>`; `count` is how many there are. " +
			"Each evaluation counts once, however many rows it has. A metric that is undefined in one is undefined in sum. The spread is that of what happened: it is no interval of the mean, since windows that follow one another are not independent.",
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "of", Type: schema.RefMap, Required: true, Ports: []schema.PortType{schema.FiguresPort},
				Doc: "The evaluations: all of a repeated block, `evaluate.month`, or a list or map of some."},
			{Name: "metrics", Type: schema.RefList, Unordered: true, Required: true, Ports: []schema.PortType{schema.MetricPort}, Edge: schema.DefinitionEdge,
				Doc: "The metrics to sum up, which each of the evaluations has."},
		}},
		Out:      []schema.Port{{Name: "figures", Type: schema.FiguresPort, Doc: "mean, sd, best, worst, and each evaluation's."}},
		Examples: []schema.Example{{Title: "Over three windows", Code: example}},
	},
	Shape: shape,
	Run:   run,
}

const example = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "asked"   { type = "date" }
  column "tenure"  { type = "integer" }
  column "churned" { type = "boolean" }
}

metric "auc" { type = "roc_auc" }

split "backtest" "quarter" {
  for_each = { q1 = 2, q2 = 1, q3 = 0 }
  from     = source.customers
  by       = "asked"
  back     = each.value
  test     = "91d"
  gap      = "14d"
}

train "logistic_regression" "quarter" {
  for_each = split.quarter
  data     = each.value.train
  target   = "churned"
  features = ["tenure"]
}

evaluate "quarter" {
  for_each = train.quarter
  model    = each.value
  data     = split.quarter[each.key].test
  metrics  = [metric.auc]
}

evaluate "backtest" "year" {
  of      = evaluate.quarter
  metrics = [metric.auc]
}

gate "steady" {
  rule "in every quarter" { assert = "evaluate.year.mean.auc > 0.7 && evaluate.year.worst.auc > 0.5" }
}
`

// inputs begins the names of the ports that evaluations come in by.
const inputs = "of."

// config as the stage gets it.
type config struct {
	Metrics []json.RawMessage `json:"metrics"` // definitions
}

// metrics in their order; those whose definition has a mistake, which is told where it stands, are left out.
func (c *config) metrics() []*metric.Metric {
	var out []*metric.Metric
	for _, def := range c.Metrics {
		if m, err := metric.New(def); err == nil {
			out = append(out, m)
		}
	}
	return out
}

// windows are the names of the evaluations, sorted.
func windows(in map[string]schema.Shape) []string {
	var out []string
	for port := range in {
		if name, ok := strings.CutPrefix(port, inputs); ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// shape types the figures by the metrics, each of which all evaluations must have, and by the evaluations' names.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	if err := json.Unmarshal(req.Config, &c); err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	var out schema.ShapeResult
	names := windows(req.In)
	if len(names) == 0 {
		out.Problems = append(out.Problems, schema.Problem{Path: "of", Summary: "There is no evaluation to sum up"})
	}
	value, spread := map[string]*schema.FigureType{}, map[string]*schema.FigureType{}
	for _, m := range c.metrics() {
		value[m.Name], spread[m.Name] = m.Figure(), schema.AtLeast(0)
		var lacking []string
		for _, name := range names {
			if f := req.In[inputs+name].Figures; f != nil && (f.Fields["metrics"] == nil || f.Fields["metrics"].Fields[m.Name] == nil) {
				lacking = append(lacking, name)
			}
		}
		if lacking != nil {
			out.Problems = append(out.Problems, schema.Problem{Path: "metrics", Summary: fmt.Sprintf("The metric %q is not computed in %s", m.Name, strings.Join(lacking, ", ")),
				Hint: fmt.Sprintf("add it to metrics of these evaluations, or leave metric.%s out here", m.Name)})
		}
	}
	if len(value) == 0 {
		out.Problems = append(out.Problems, schema.Problem{Path: "metrics", Summary: "There is no metric to sum up"})
	}
	out.Figures = schema.Object(map[string]*schema.FigureType{"count": schema.Count, "mean": schema.Object(value), "sd": schema.Object(spread),
		"best": schema.Object(value), "worst": schema.Object(value), "windows": schema.KeyedMap(schema.Object(value), names...)})
	out.Out = map[string]schema.Shape{"": {Type: schema.FiguresPort, Figures: out.Figures}}
	return out
}

// evaluated is metrics.json of an evaluation, as far as it is summed up.
type evaluated struct {
	Rows      *float64 `json:"rows"`
	Metrics   map[string]*float64
	Intervals map[string]*struct{ Low, High *float64 }
	Undefined map[string]string
}

// read reads the figures of an evaluation. Metrics may be groups of figures in a file of the user's own, and what is no number there is undefined.
func read(ctx context.Context, s *component.Stage, name string) (*evaluated, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(s.Input(inputs+name), "metrics.json"))
	var file struct {
		Rows      *float64                   `json:"rows"`
		Metrics   map[string]json.RawMessage `json:"metrics"`
		Intervals map[string]json.RawMessage `json:"intervals"`
		Undefined map[string]string          `json:"undefined"`
	}
	if err == nil {
		err = json.Unmarshal(raw, &file)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the figures of %s: %w", name, err)
	}
	out := &evaluated{Rows: file.Rows, Metrics: map[string]*float64{}, Intervals: map[string]*struct{ Low, High *float64 }{}, Undefined: file.Undefined}
	for m, raw := range file.Metrics {
		var x *float64
		if json.Unmarshal(raw, &x) == nil {
			out.Metrics[m] = x
		}
	}
	for m, raw := range file.Intervals {
		var x *struct{ Low, High *float64 }
		if json.Unmarshal(raw, &x) == nil {
			out.Intervals[m] = x
		}
	}
	return out, nil
}

// run sums up.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	names := windows(s.In)
	all := make([]*evaluated, len(names))
	for i, name := range names {
		var err error
		if all[i], err = read(ctx, s, name); err != nil {
			return err
		}
	}
	metrics := c.metrics()
	sums := make([]sum, len(metrics))
	for k, m := range metrics {
		sums[k] = sumOf(m, names, all)
	}
	if err := s.WriteReport(document(metrics, sums, names, all)); err != nil {
		return err
	}
	return s.WriteFigures(figures(metrics, sums, names, all))
}

// sum is what is found of a metric over all evaluations.
type sum struct {
	values                []float64 // by evaluation; nil where one is undefined
	mean, sd, best, worst float64   // NaN where it is undefined
	why, whySD            string
}

// sumOf sums up a metric. The standard deviation is the sample's, with n - 1, and undefined of one evaluation.
func sumOf(m *metric.Metric, names []string, all []*evaluated) sum {
	out := sum{mean: math.NaN(), sd: math.NaN(), best: math.NaN(), worst: math.NaN()}
	for i, e := range all {
		x := e.Metrics[m.Name]
		if x == nil {
			why := e.Undefined["metrics."+m.Name]
			if why == "" {
				why = "it has no such figure"
			}
			out.values, out.why = nil, fmt.Sprintf("undefined in %s: %s", names[i], why)
			out.whySD = out.why
			return out
		}
		out.values = append(out.values, *x)
	}
	out.mean, out.best, out.worst = stat.Mean(out.values, nil), slices.Min(out.values), slices.Max(out.values)
	if m.Greater {
		out.best, out.worst = out.worst, out.best
	}
	if out.whySD = "there is one evaluation alone"; len(all) > 1 {
		out.sd, out.whySD = stat.StdDev(out.values, nil), ""
	}
	return out
}

// figures is metrics.json.
func figures(metrics []*metric.Metric, sums []sum, names []string, all []*evaluated) map[string]any {
	undefined := map[string]string{}
	parts := map[string]map[string]any{"mean": {}, "sd": {}, "best": {}, "worst": {}}
	for k, m := range metrics {
		set := func(part string, x float64, why string) {
			if parts[part][m.Name] = any(x); math.IsNaN(x) || math.IsInf(x, 0) {
				if why == "" {
					why = "it is not finite"
				}
				parts[part][m.Name], undefined[part+"."+m.Name] = nil, why
			}
		}
		set("mean", sums[k].mean, sums[k].why)
		set("sd", sums[k].sd, sums[k].whySD)
		set("best", sums[k].best, sums[k].why)
		set("worst", sums[k].worst, sums[k].why)
	}
	each := map[string]map[string]any{}
	for i, name := range names {
		each[name] = map[string]any{}
		for _, m := range metrics {
			x := all[i].Metrics[m.Name]
			if each[name][m.Name] = x; x == nil {
				each[name][m.Name], undefined["windows."+name+"."+m.Name] = nil, all[i].Undefined["metrics."+m.Name]
			}
		}
	}
	out := map[string]any{"count": len(names), "windows": each, "undefined": undefined}
	for part, of := range maps.All(parts) {
		out[part] = of
	}
	return out
}

// mostPlots is how many metrics have a picture; the table has all.
const mostPlots = 6

// document is the report: the sums, each evaluation's figures with their intervals, and how they go from one to the next.
func document(metrics []*metric.Metric, sums []sum, names []string, all []*evaluated) *report.Report {
	cell := func(x float64, why string) report.Cell {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return report.Missing(why)
		}
		return report.Figure(x)
	}
	over := &report.Table{Columns: []report.Column{{Name: "metric"}, {Name: "mean", Kind: report.Number}, {Name: "standard deviation", Kind: report.Number},
		{Name: "best", Kind: report.Number}, {Name: "worst", Kind: report.Number}}}
	each := &report.Table{Columns: []report.Column{{Name: "evaluation"}, {Name: "rows", Kind: report.Count}}}
	var plots []report.Item
	for k, m := range metrics {
		x := sums[k]
		over.Rows = append(over.Rows, []report.Cell{report.Words(m.Name), cell(x.mean, x.why), cell(x.sd, x.whySD), cell(x.best, x.why), cell(x.worst, x.why)})
		each.Columns = append(each.Columns, report.Column{Name: m.Name, Kind: report.Number})
		if len(names) > 1 && len(plots) < mostPlots && x.values != nil {
			plots = append(plots, report.Item{Plot: plot(m, x, names)})
		}
	}
	for i, name := range names {
		row := []report.Cell{report.Words(name), {Value: all[i].Rows}}
		for _, m := range metrics {
			c := report.Cell{Value: all[i].Metrics[m.Name]}
			if in := all[i].Intervals[m.Name]; c.Value == nil {
				c.Why = all[i].Undefined["metrics."+m.Name]
			} else if in != nil {
				if c.Low, c.High = in.Low, in.High; c.Low == nil || c.High == nil {
					c.Why = all[i].Undefined["intervals."+m.Name+".low"]
				}
			}
			row = append(row, c)
		}
		each.Rows = append(each.Rows, row)
	}
	out := &report.Report{Title: fmt.Sprintf("%d evaluations summed up", len(names)), Sections: []report.Section{
		{Title: "Over all", Items: []report.Item{{Table: over}, report.Note("Each evaluation counts once, however many rows it has.")}},
		{Title: "One by one", Items: append([]report.Item{{Table: each}}, plots...)}}}
	if len(metrics) > 0 && sums[0].values != nil {
		out.Summary = fmt.Sprintf("%s %.4g in the mean, %.4g at worst.", metrics[0].Name, sums[0].mean, sums[0].worst)
	}
	return out
}

// plot is a metric by evaluation, in the order of their names, with the mean as a level line.
func plot(m *metric.Metric, x sum, names []string) *report.Plot {
	each, level := report.Series{Name: m.Name, Mark: report.Points}, report.Series{Name: "mean", Mark: report.Line, Dim: true}
	for i, v := range x.values {
		each.X, each.Y = append(each.X, float64(i)), append(each.Y, v)
		level.X, level.Y = append(level.X, float64(i)), append(level.Y, x.mean)
	}
	return &report.Plot{Title: m.Name, Alt: fmt.Sprintf("%s of each evaluation; the mean is %.4g, the worst %.4g.", m.Name, x.mean, x.worst),
		X: report.Axis{Label: "evaluation", Categories: names}, Y: report.Axis{Label: m.Name}, Series: []report.Series{level, each}}
}
