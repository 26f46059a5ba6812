package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/evaluation"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/prediction"
)

// run writes figures and predictions. Nothing about a figure fails the stage: one that cannot be computed is undefined, and a rule
// on it is an error.
func run(ctx context.Context, s *component.Stage) error {
	c, err := decode(s.Config)
	if err != nil {
		return fmt.Errorf("configuration of %s: %w", s.Address, err)
	}
	e := &evaluator{config: c, stage: s}
	e.bar = s.Bar(e.parts())
	if err := e.read(ctx); err != nil {
		return err
	}
	var figures map[string]any
	if c.Champion {
		figures, err = e.compare(ctx)
	} else {
		figures, err = e.evaluate(ctx)
	}
	if err != nil {
		return err
	}
	return s.WriteFigures(figures)
}

// evaluator is the stage that evaluates one model. of has the rows and figures, set what the model says of them; both are there
// after read.
type evaluator struct {
	*config
	stage  *component.Stage
	bar    *component.Bar
	of     *evaluation.Evaluation
	set    *prediction.Set
	layout prediction.Layout
	bundle *model.Bundle // of a model that decides by group, else nil
}

// parts is how many parts the stage's bar has: scoring, and all that is asked for that takes time.
func (e *evaluator) parts() int {
	n := 0
	if !e.stage.Has("predictions") {
		n++
	}
	if e.Champion {
		return n + e.ComparedParts()
	}
	n += e.Parts()
	if m := e.stage.In["model"].Model; m != nil && m.Decides != nil {
		n += e.DecidedParts()
	}
	if e.Explain != nil {
		n += e.Explain.parts()
	}
	if len(e.Behaviors) > 0 {
		n++
	}
	return n
}

// read reads or makes the predictions, and the rest of the data.
// The data must have the target: what is predicted is held against it. Of a table that a program wrote the number of
// rows is checked, since nothing else tells which row is whose.
func (e *evaluator) read(ctx context.Context) error {
	// Either the stage scores the data itself, or predictions come in beside it, of a model that only its own program can
	// score.
	shape := e.stage.In["data"].Table
	if shape == nil {
		return fmt.Errorf("%s: the port data has no schema", e.stage.Address)
	}
	data := e.stage.InputTable("data")
	signature, known := e.signature(e.stage.In)
	if e.stage.Has("predictions") && !known {
		return fmt.Errorf("%s: neither task nor target of the predictions is known", e.stage.Address)
	}
	err := e.Room(ctx, data)
	if err != nil {
		return err
	}
	if !e.stage.Has("predictions") {
		if e.set, err = prediction.Score(e.bar.Next(ctx), e.stage.Input("model"), data, e.stage.Threads); err != nil {
			return err
		}
		signature = schema.Model{Task: e.set.Task, Target: e.set.Target}
		if err := e.decidedBy(); err != nil {
			return err
		}
	}
	if shape.Column(signature.Target) == nil {
		return &component.InputError{Summary: fmt.Sprintf("the data has no column %q, the model's target", signature.Target)}
	}
	e.of, err = evaluation.Open(ctx, &e.Config, evaluation.Data{Path: data, Table: shape, Target: signature.Target}, e.stage.Threads, e.stage.Warnf)
	if err != nil {
		return err
	}
	e.of.Bar = e.bar
	if e.set == nil {
		if e.set, err = prediction.Read(ctx, e.stage.InputTable("predictions"), e.of.Total(), signature, e.of.Target()); err != nil {
			return err
		}
	}
	e.layout = layoutOf(e.stage.In, signature)
	return e.of.Take(e.set, e.layout)
}

// evaluate writes the predictions and the report, and computes the figures.
func (e *evaluator) evaluate(ctx context.Context) (map[string]any, error) {
	if err := e.writePredictions(ctx); err != nil {
		return nil, err
	}
	e.stage.Logf("%d of %d rows count", e.of.Counted(), e.of.Total())
	figures, err := e.of.Figures(ctx)
	if err != nil {
		return nil, err
	}
	r := e.of.Report(figures)
	for _, part := range []struct {
		asked bool
		add   func(context.Context, map[string]any) (report.Section, error)
	}{{len(e.DecidedBy) > 0, e.decided}, {e.config.Costs != nil, e.costs}, {e.Explain != nil, e.explain}, {len(e.Behaviors) > 0, e.behave}, {e.Complexity, e.complexity}} {
		if !part.asked {
			continue
		}
		section, err := part.add(ctx, figures)
		if err != nil {
			return nil, err
		}
		r.Sections = append(r.Sections, section)
	}
	return figures, e.stage.WriteReport(r)
}

// decidedBy notes by which columns the model decides, where groups have thresholds of their own. A champion is measured as it decides, and no other way.
func (e *evaluator) decidedBy() error {
	if e.set.One == nil || e.Champion {
		return nil
	}
	b, err := model.Read(e.stage.Input("model"))
	if err != nil {
		return fmt.Errorf("reading the model: %w", err)
	}
	e.bundle, e.DecidedBy = b, b.Decision().By
	return nil
}

// decided adds to the figures how rows are decided by group and by one threshold.
func (e *evaluator) decided(ctx context.Context, figures map[string]any) (report.Section, error) {
	of, section, err := e.of.Decided(ctx, e.bundle.Decision(), e.bundle.Threshold())
	figures["decision"] = of
	return section, err
}

// costs adds to the figures what wrong decisions cost.
func (e *evaluator) costs(_ context.Context, figures map[string]any) (report.Section, error) {
	of, section := e.of.Costs(e.config.Costs)
	figures["costs"] = of
	return section, nil
}

// writePredictions writes the predictions beside the columns of the data that are carried, in the order of the data.
func (e *evaluator) writePredictions(ctx context.Context) error {
	out, err := e.stage.OutputTable("predictions")
	if err != nil {
		return err
	}
	if err := e.layout.Write(ctx, e.set, e.stage.InputTable("data"), out); err != nil {
		return err
	}
	return e.checkOrder(ctx, out)
}

// checkOrder makes sure that the predictions lie in the data's order, which a champion's node relies on: it pairs the
// rows of two such tables by their place.
// A table of the pipeline is stored in the order of its key; one that a saved plan names might not be. Values are compared, NaN as
// equal to NaN, since two rows that are told apart by nothing may change places.
func (e *evaluator) checkOrder(ctx context.Context, path string) error {
	rows, alike := 0, true
	err := e.layout.ReadParts(ctx, path, e.set.Classes, func(before int, written *prediction.Set) error {
		same := func(a, b []float64) bool {
			if a == nil || b == nil {
				return a == nil && b == nil
			}
			return slices.EqualFunc(a, b[before:before+written.Rows], func(x, y float64) bool { return x == y || x != x && y != y })
		}
		if rows += written.Rows; rows <= e.set.Rows {
			alike = alike && same(written.Predicted, e.set.Predicted) && same(written.Score, e.set.Score)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !alike || rows != e.set.Rows {
		return &component.InputError{Summary: fmt.Sprintf("the rows of the data are not in the order of its key (%s)", strings.Join(e.layout.Data.Key, ", ")),
			Detail: "Tables are stored in that order; a dataset block in between puts them in it."}
	}
	return nil
}

// compare is the champion's node: the model is the champion, the challenger's predictions come in by a port.
// The classes are the champion's: a challenger that knows others cannot be compared class by class, and is told so.
func (e *evaluator) compare(ctx context.Context) (map[string]any, error) {
	l := e.layout
	if t := e.stage.In["challenger"].Table; t != nil {
		l.Score = t.Column("score") != nil
	}
	set, err := l.Read(ctx, e.stage.InputTable("challenger"), e.set.Classes)
	if err != nil {
		return nil, &component.InputError{Summary: "the challenger's predictions cannot be compared with the champion's: " + err.Error()}
	}
	if set.Rows != e.of.Total() {
		return nil, &component.InputError{Summary: fmt.Sprintf("the challenger has predictions of %d rows, the data has %d", set.Rows, e.of.Total())}
	}
	if _, asked := e.stage.Out["predictions"]; asked {
		if err := e.writePredictions(ctx); err != nil {
			return nil, err
		}
	}
	return e.of.Compare(ctx, set, l)
}
