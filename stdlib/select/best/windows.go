package best

// The choice by windows.
//
// A candidate that is fitted on all there is has no rows left to be compared on. Its backtest has: of each window or fold the figure of a model that was fitted as it is, on what lay before
// (evaluate "backtest"). The best mean is chosen. Windows differ more than models do, in level and difficulty, and do so for all candidates alike; so what tells them apart is the difference
// window by window, its mean and its standard deviation, and in how many windows the candidate is better:
//
//	            w1    w2    w3    w4     mean   less the chosen one's
//	line        11    14    10    21     14
//	trees        9    11    10    18     12     line: mean 2, standard deviation 1.41, better in 0 of 4
//
// No interval is told: windows that follow one another are not independent, and four are few.

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
	"github.com/mlp-lang/mlp/stdlib/model"
)

const windowsDoc = "With `backtests` the figures of windows or folds take the place of rows: of each candidate an `evaluate \"backtest\"` of models that were fitted as it is, and the best mean is chosen. The evaluations of a window must measure on the same rows for all candidates (MLP1414), and models of the candidate's type (MLP1409). " +
	"Figures are then `value` and `sd` of each candidate, `delta.value` and `delta.sd`, the mean and the standard deviation of its differences to the chosen one window by window, `delta.better`, in how many windows it is better, and `windows`, how many there are. Rows of the windows count as chosen by.\n\n"

const windowsExample = `pipeline "demand" {}

source "csv" "sales" {
  path = "sales.csv"
  column "day"   { type = "date" }
  column "store" { type = "varchar" }
  column "promo" { type = "boolean" }
  column "units" { type = "double" }
}

metric "mae" { type = "mean_absolute_error" }

split "backtest" "month" {
  for_each = { w1 = 3, w2 = 2, w3 = 1, w4 = 0 }
  from     = source.sales
  by       = "day"
  back     = each.value
  test     = "28d"
}

train "linear_regression" "line" {
  for_each = split.month
  data     = each.value.train
  target   = "units"
  features = ["store", "promo"]
}

train "baseline" "store" {
  for_each = split.month
  data     = each.value.train
  target   = "units"
  column   = "store"
}

evaluate "line" {
  for_each = train.line
  model    = each.value
  data     = split.month[each.key].test
  metrics  = [metric.mae]
}

evaluate "store" {
  for_each = train.store
  model    = each.value
  data     = split.month[each.key].test
  metrics  = [metric.mae]
}

evaluate "backtest" "line_year" {
  of      = evaluate.line
  metrics = [metric.mae]
}

evaluate "backtest" "store_year" {
  of      = evaluate.store
  metrics = [metric.mae]
}

train "linear_regression" "line_now" {
  data     = source.sales
  target   = "units"
  features = ["store", "promo"]
}

train "baseline" "store_now" {
  data   = source.sales
  target = "units"
  column = "store"
}

select "forecast" {
  candidates = { line = train.line_now, store = train.store_now }
  backtests  = { line = evaluate.line_year, store = evaluate.store_year }
  metric     = metric.mae
}
`

// windowed checks the figures of candidates, and types what is said of them.
func (k *checker) windowed(c *config, m *schema.Model, value *schema.FigureType) schema.ShapeResult {
	names, _ := model.Named(k.in, backtestsPort)
	if !slices.Equal(names, k.names) {
		k.report(backtestsPort, fmt.Sprintf("The candidates are %s, and there are backtests of %s", strings.Join(k.names, ", "), strings.Join(names, ", ")), "Each candidate has one, under its name.", "")
	}
	name := metricName(c)
	for _, of := range names {
		f := k.in[backtestsPort+"."+of].Figures
		switch {
		case f == nil:
		case f.Fields["mean"] == nil || f.Fields["windows"] == nil:
			k.report(backtestsPort, fmt.Sprintf("The figures of %s are of no backtest", of), "Candidates are compared window by window.", `sum evaluations up in an evaluate "backtest", and name that`)
		case f.Fields["mean"].Fields[name] == nil:
			k.report(backtestsPort, fmt.Sprintf("The backtest of %s has no %s", of, name), "It has "+strings.Join(slices.Sorted(maps.Keys(f.Fields["mean"].Fields)), ", ")+".", "add the metric to it")
		}
	}
	delta := schema.Object(map[string]*schema.FigureType{"value": schema.Double, "sd": schema.AtLeast(0), "better": schema.Count})
	return schema.ShapeResult{
		Out: map[string]schema.Shape{modelPort: {Type: schema.ModelPort, Model: m}},
		Figures: schema.Object(map[string]*schema.FigureType{"chosen": schema.OneOf(k.names...), "value": value, "windows": schema.Count,
			"candidates": schema.KeyedMap(schema.Object(map[string]*schema.FigureType{"value": value, "sd": schema.AtLeast(0), "delta": delta}), k.names...)}),
		Problems: k.problems,
	}
}

// metricName is the name of the metric; empty where its definition has a mistake, which is told where it stands.
func metricName(c *config) string {
	var of struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(c.Metric, &of) != nil {
		return ""
	}
	return of.Name
}

// backtest is what an evaluate "backtest" says of one metric.
type backtest struct {
	windows []string           // sorted
	values  map[string]float64 // by window; without those where it is undefined
	why     string             // it is undefined in one
}

// readBacktest reads the figures of a candidate.
func readBacktest(s *component.Stage, name, metric string) (*backtest, error) {
	raw, err := os.ReadFile(filepath.Join(s.Input(backtestsPort+"."+name), "metrics.json"))
	var f struct {
		Windows   map[string]map[string]*float64 `json:"windows"`
		Undefined map[string]string              `json:"undefined"`
	}
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the backtest of %s: %w", name, err)
	}
	out := &backtest{windows: slices.Sorted(maps.Keys(f.Windows)), values: map[string]float64{}}
	for _, w := range out.windows {
		if x := f.Windows[w][metric]; x != nil {
			out.values[w] = *x
		} else if out.why == "" {
			out.why = fmt.Sprintf("it is undefined in %s: %s", w, f.Undefined["windows."+w+"."+metric])
		}
	}
	return out, nil
}

// runWindows chooses by windows.
func (c *chooser) runWindows(ctx context.Context) error {
	s := c.stage
	names, bundles, err := c.read()
	if err != nil {
		return err
	}
	all := make([]*backtest, len(names))
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if all[i], err = readBacktest(s, name, c.metric.Name); err != nil {
			return err
		}
		if !slices.Equal(all[i].windows, all[0].windows) {
			return &component.InputError{Summary: fmt.Sprintf("%s: %s is measured on %s, and %s on %s", s.Address, names[0], strings.Join(all[0].windows, ", "), name, strings.Join(all[i].windows, ", ")),
				Detail: "Candidates are compared window by window."}
		}
		x := newCandidate(name, bundles[i])
		if x.windows, x.why = all[i], all[i].why; x.why == "" {
			x.value = stat.Mean(x.windows.listed(), nil)
		}
		c.all = append(c.all, x)
	}
	c.ranked = ranked(c.all, c.metric.Greater)
	best := c.ranked[0]
	if math.IsNaN(best.value) {
		return &component.InputError{Summary: fmt.Sprintf("%s: %s is undefined for every candidate: %s", s.Address, c.metric.Name, best.why),
			Detail: "A metric that is undefined in one window has no mean."}
	}
	s.Logf("%s: %s %.6g in the mean of %d windows, of %d candidates", best.name, c.metric.Name, best.value, len(best.windows.windows), len(c.all))
	if err := c.write(best); err != nil {
		return err
	}
	if err := s.WriteReport(c.windowsReport()); err != nil {
		return err
	}
	return s.WriteFigures(c.windowsFigures())
}

// listed are the values in the order of the windows.
func (b *backtest) listed() []float64 {
	var out []float64
	for _, w := range b.windows {
		if x, ok := b.values[w]; ok {
			out = append(out, x)
		}
	}
	return out
}

// less are the differences to another candidate window by window, where both have a value in all; and in how many it is better.
func (c *chooser) less(x, other *candidate) (differences []float64, better int) {
	if x.why != "" || other.why != "" {
		return nil, 0
	}
	for _, w := range x.windows.windows {
		d := x.windows.values[w] - other.windows.values[w]
		if differences = append(differences, d); d != 0 && d > 0 == c.metric.Greater {
			better++
		}
	}
	return differences, better
}

// spread is the standard deviation, of n - 1; NaN of one value.
func spread(values []float64) float64 {
	if len(values) < 2 {
		return math.NaN()
	}
	return stat.StdDev(values, nil)
}

const oneWindow = "there is one window alone"

// windowsFigures is metrics.json.
func (c *chooser) windowsFigures() map[string]any {
	undefined := map[string]string{}
	define := func(path string, x float64, why string) any {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			return x
		}
		if why == "" {
			why = "it is not finite"
		}
		undefined[path] = why
		return nil
	}
	best := c.ranked[0]
	candidates := map[string]any{}
	for _, x := range c.all {
		at := "candidates." + x.name + "."
		d, better := c.less(x, best)
		why := x.why
		if why == "" {
			why = oneWindow
		}
		delta := map[string]any{"value": define(at+"delta.value", mean(d), why), "sd": define(at+"delta.sd", spread(d), why), "better": any(better)}
		if d == nil {
			delta["better"], undefined[at+"delta.better"] = nil, why
		}
		sd := spread(x.windows.listed())
		if x.why != "" {
			sd = math.NaN()
		}
		candidates[x.name] = map[string]any{"value": define(at+"value", x.value, x.why), "sd": define(at+"sd", sd, why), "delta": delta}
	}
	return map[string]any{"chosen": best.name, "value": best.value, "windows": len(best.windows.windows), "candidates": candidates, "undefined": undefined}
}

// mean is NaN of none.
func mean(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return stat.Mean(values, nil)
}

// windowsReport is the candidates from the best to the worst, and each window's figures.
func (c *chooser) windowsReport() *report.Report {
	best := c.ranked[0]
	n := len(best.windows.windows)
	cell := func(x float64, why string) report.Cell {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return report.Missing(why)
		}
		return report.Figure(x)
	}
	over := &report.Table{Columns: []report.Column{{Name: "candidate"}, {Name: "mean " + c.metric.Name, Kind: report.Number}, {Name: "standard deviation", Kind: report.Number},
		{Name: "less the chosen one's", Kind: report.Number}, {Name: "its standard deviation", Kind: report.Number}, {Name: "windows better in", Kind: report.Count}, {Name: "made by"}}}
	each := &report.Table{Columns: []report.Column{{Name: "window"}}}
	for _, x := range c.ranked {
		d, better := c.less(x, best)
		row := []report.Cell{report.Words(x.name), cell(x.value, x.why), cell(spread(x.windows.listed()), oneWindow), cell(mean(d), x.why), cell(spread(d), oneWindow),
			report.Figure(float64(better)), report.Words(x.bundle.Provenance().Component)}
		if x == best {
			row[3], row[4], row[5] = report.Words("chosen"), report.Words(""), report.Words("")
		}
		over.Rows = append(over.Rows, row)
		each.Columns = append(each.Columns, report.Column{Name: x.name, Kind: report.Number})
	}
	for _, w := range best.windows.windows {
		row := []report.Cell{report.Words(w)}
		for _, x := range c.ranked {
			value, ok := x.windows.values[w]
			if !ok {
				value = math.NaN()
			}
			row = append(row, cell(value, x.why))
		}
		each.Rows = append(each.Rows, row)
	}
	return &report.Report{Title: fmt.Sprintf("Choice among %d models", len(c.all)), Summary: fmt.Sprintf("%s, with %s %.4g in the mean of %d windows.", best.name, c.metric.Name, best.value, n),
		Sections: []report.Section{
			{Title: "Candidates", Items: []report.Item{report.Note("%s of %d candidates was chosen by %d windows.", best.name, len(c.all), n), {Table: over},
				report.Note("Windows differ for all candidates alike: the difference window by window says more than the two means. The best of several looks better on the windows that it was chosen by than on later ones.")}},
			{Title: "Window by window", Items: []report.Item{{Table: each}}}}}
}
