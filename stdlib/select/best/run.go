package best

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/evaluation"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/prediction"
)

// candidate is a model that may be chosen, and what is found of it. Numbers are NaN where they are undefined.
type candidate struct {
	name      string
	bundle    *model.Bundle
	set       *prediction.Set
	value     float64
	low, high float64
	why       string // the value is undefined
	whyNot    string // the interval is
	delta     delta  // to the chosen one
	whyAlone  string // the difference has no interval
	rows      int    // that count
	windows   *backtest
}

// newCandidate is one of which nothing is known.
func newCandidate(name string, b *model.Bundle) *candidate {
	return &candidate{name: name, bundle: b, value: math.NaN(), low: math.NaN(), high: math.NaN(), delta: delta{math.NaN(), math.NaN(), math.NaN()}}
}

// delta is a difference with its paired interval.
type delta struct{ value, low, high float64 }

// chooser is the stage.
type chooser struct {
	config
	stage  *component.Stage
	metric *metric.Metric
	all    []*candidate // by name
	ranked []*candidate // from the best to the worst
}

// run scores, chooses and writes the model, the figures and the report.
func run(ctx context.Context, s *component.Stage) error {
	c := &chooser{stage: s}
	if err := s.Decode(&c.config); err != nil {
		return err
	}
	var err error
	if c.metric, err = metric.New(c.Metric); err != nil {
		return err
	}
	if !s.Has(selectionPort) {
		return c.runWindows(ctx)
	}
	if err := c.score(ctx); err != nil {
		return err
	}
	if err := c.measure(ctx); err != nil {
		return err
	}
	c.ranked = ranked(c.all, c.metric.Greater)
	best := c.ranked[0]
	if math.IsNaN(best.value) {
		return &component.InputError{Summary: fmt.Sprintf("%s: %s is undefined for every candidate: %s", s.Address, c.metric.Name, best.why),
			Detail: "The rows to choose by must be such that the metric is defined there."}
	}
	if err := c.compare(ctx, best); err != nil {
		return err
	}
	s.Logf("%s: %s %.6g, of %d candidates on %d rows", best.name, c.metric.Name, best.value, len(c.all), best.rows)
	if err := c.write(best); err != nil {
		return err
	}
	if err := s.WriteReport(c.report()); err != nil {
		return err
	}
	return s.WriteFigures(c.figures())
}

// read reads the candidates, whose classes must be those of the first, or figures would be of other questions.
func (c *chooser) read() ([]string, []*model.Bundle, error) {
	names, _ := model.Named(c.stage.In, candidatesPort)
	bundles := make([]*model.Bundle, len(names))
	for i, name := range names {
		var err error
		if bundles[i], err = model.Read(c.stage.Input(candidatesPort + "." + name)); err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return names, bundles, model.SameClasses(c.stage.Address, names, bundles)
}

// score reads the candidates and has them score the rows.
func (c *chooser) score(ctx context.Context) error {
	s := c.stage
	without := map[int]bool{} // rows that a candidate has no prediction for
	names, bundles, err := c.read()
	if err != nil {
		return err
	}
	for i, name := range names {
		x := newCandidate(name, bundles[i])
		if x.set, err = prediction.Score(ctx, s.Input(candidatesPort+"."+name), s.InputTable(selectionPort), s.Threads); err != nil {
			return err
		}
		for _, u := range x.set.Unscored {
			without[u.Row] = true
		}
		c.all = append(c.all, x)
	}
	if len(without) > 0 {
		s.Warnf("%d of %d rows have no prediction of one candidate or more, and count for none", len(without), c.all[0].set.Rows)
	}
	for _, x := range c.all {
		for r := range without {
			x.set.Predicted[r] = math.NaN()
		}
		x.set.Unscored = nil // told once, for all
	}
	return nil
}

// open is an evaluation of a candidate on the rows.
func (c *chooser) open(ctx context.Context, x *candidate) (*evaluation.Evaluation, error) {
	s := c.stage
	of := &evaluation.Config{Metrics: []json.RawMessage{c.Metric}, Weight: c.Weight, MinRows: 1, MinPositives: c.MinPositives, Seed: c.Seed}
	of.Defaults()
	data := s.In[selectionPort].Table
	e, err := evaluation.Open(ctx, of, evaluation.Data{Path: s.InputTable(selectionPort), Table: data, Target: x.set.Target}, s.Threads,
		func(format string, args ...any) { s.Warnf("%s: %s", x.name, fmt.Sprintf(format, args...)) })
	if err != nil {
		return nil, err
	}
	return e, e.Take(x.set, c.layout(x))
}

// layout is that of a candidate's predictions.
func (c *chooser) layout(x *candidate) prediction.Layout {
	return prediction.Layout{Task: x.set.Task, Target: x.set.Target, Data: c.stage.In[selectionPort].Table, Actual: true, Score: true}
}

// measured is what an evaluation says, as far as it is read.
type measured struct {
	Rows      int
	Metrics   map[string]*float64
	Intervals map[string]struct{ Low, High *float64 }
	Delta     map[string]struct{ Value, Low, High *float64 }
	Undefined map[string]string
}

// reading takes figures as they would be read from a file.
func reading(figures map[string]any) (measured, error) {
	var out measured
	raw, err := json.Marshal(figures)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	return out, err
}

// number is NaN where there is none.
func number(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}

// measure computes the metric of each candidate.
func (c *chooser) measure(ctx context.Context) error {
	for i, x := range c.all {
		e, err := c.open(ctx, x)
		if err != nil {
			return err
		}
		figures, err := e.Figures(ctx)
		if err != nil {
			return err
		}
		of, err := reading(figures)
		if err != nil {
			return err
		}
		name := c.metric.Name
		x.rows, x.value, x.why = of.Rows, number(of.Metrics[name]), of.Undefined["metrics."+name]
		x.low, x.high, x.whyNot = number(of.Intervals[name].Low), number(of.Intervals[name].High), of.Undefined["intervals."+name+".low"]
		c.stage.Progress(i+1, len(c.all))
	}
	return nil
}

// compare finds the paired difference of each candidate to the chosen one.
func (c *chooser) compare(ctx context.Context, best *candidate) error {
	for _, x := range c.all {
		if x == best || math.IsNaN(x.value) {
			continue
		}
		e, err := c.open(ctx, best)
		if err != nil {
			return err
		}
		figures, err := e.Compare(ctx, x.set, c.layout(x))
		if err != nil {
			return err
		}
		of, err := reading(figures)
		if err != nil {
			return err
		}
		d := of.Delta[c.metric.Name]
		x.delta = delta{number(d.Value), number(d.Low), number(d.High)}
		x.whyAlone = cmp.Or(of.Undefined["delta."+c.metric.Name+".low"], "the difference has no interval")
	}
	best.delta = delta{0, 0, 0}
	return nil
}

// write writes the chosen model: the very files of the candidate if all have the same features, else with the features of all.
func (c *chooser) write(best *candidate) error {
	s := c.stage
	out, err := s.Output(modelPort)
	if err != nil {
		return fmt.Errorf("writing the model: %w", err)
	}
	wide, err := best.bundle.Widen(c.features())
	if err != nil {
		return fmt.Errorf("writing the model: %w", err)
	}
	if wide != best.bundle {
		return wide.Write(out)
	}
	if err := os.CopyFS(out, os.DirFS(s.Input(candidatesPort+"."+best.name))); err != nil {
		return fmt.Errorf("writing the model: %w", err)
	}
	return nil
}

// features are those of the first candidate, then what further ones have besides, as the shape has them. If all candidates have the same ones, in whatever
// order, it is the chosen one's order that counts.
func (c *chooser) features() []model.Feature {
	seen := map[string]bool{}
	var out []model.Feature
	for _, x := range c.all {
		for _, f := range x.bundle.Signature().Features {
			if !seen[f.Name] {
				seen[f.Name] = true
				out = append(out, model.Feature{Name: f.Name, Type: f.Type})
			}
		}
	}
	if own := c.ranked[0].bundle.Signature().Features; len(own) == len(out) {
		return own
	}
	return out
}

// figures is metrics.json.
func (c *chooser) figures() map[string]any {
	undefined := map[string]string{}
	define := func(path string, x float64, why string) any {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			if undefined[path] = why; why == "" {
				undefined[path] = "it is not finite"
			}
			return nil
		}
		return x
	}
	candidates := map[string]any{}
	for _, x := range c.all {
		at := "candidates." + x.name + "."
		candidates[x.name] = map[string]any{"value": define(at+"value", x.value, x.why), "low": define(at+"low", x.low, x.whyNot), "high": define(at+"high", x.high, x.whyNot),
			"delta": map[string]any{"value": define(at+"delta.value", x.delta.value, x.why), "low": define(at+"delta.low", x.delta.low, cmp.Or(x.why, x.whyAlone)),
				"high": define(at+"delta.high", x.delta.high, cmp.Or(x.why, x.whyAlone))}}
	}
	best := c.ranked[0]
	return map[string]any{"chosen": best.name, "value": best.value, "rows": best.rows, "candidates": candidates, "undefined": undefined}
}

// report is the candidates from the best to the worst.
func (c *chooser) report() *report.Report {
	best := c.ranked[0]
	t := &report.Table{Columns: []report.Column{{Name: "candidate"}, {Name: c.metric.Name, Kind: report.Number}, {Name: "less the chosen one's", Kind: report.Number},
		{Name: "features", Kind: report.Count}, {Name: "made by"}}}
	cell := func(x, low, high float64, why, whyNot string) report.Cell {
		if math.IsNaN(x) {
			return report.Missing(why)
		}
		out := report.Figure(x)
		if !math.IsNaN(low) && !math.IsNaN(high) {
			out.Low, out.High = &low, &high
		} else {
			out.Why = whyNot
		}
		return out
	}
	alike := 0
	for _, x := range c.ranked {
		difference := cell(x.delta.value, x.delta.low, x.delta.high, x.why, x.whyAlone)
		if x == best {
			difference = report.Words("chosen")
		} else if x.delta.low <= 0 && x.delta.high >= 0 {
			alike++
		}
		t.Rows = append(t.Rows, []report.Cell{report.Words(x.name), cell(x.value, x.low, x.high, x.why, x.whyNot), difference,
			report.Figure(float64(len(x.bundle.Signature().Features))), report.Words(x.bundle.Provenance().Component)})
	}
	items := []report.Item{report.Note("%s of %d candidates was chosen on %d rows.", best.name, len(c.all), best.rows), {Table: t}}
	if alike > 0 {
		items = append(items, report.Note("%d of the others differ from it by no more than chance: the interval of their difference holds 0.", alike))
	}
	items = append(items, report.Note("The best of several looks better on the rows that it was chosen by than on others: measure it on the test side."))
	return &report.Report{Title: fmt.Sprintf("Choice among %d models", len(c.all)), Summary: fmt.Sprintf("%s, with %s %.4g.", best.name, c.metric.Name, best.value),
		Sections: []report.Section{{Title: "Candidates", Items: items}}}
}
