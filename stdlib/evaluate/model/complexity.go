package model

import (
	"context"
	"fmt"
	"time"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
)

const complexityDoc = "**Size and work.** With `complexity = true` the figures have `complexity.bytes` (of the model's parameters), `features`, `trees`, `leaves`, `depth` and `operations`, the most comparisons or products that a row takes. They are the same on every machine, so that a gate can bound them: " +
	"`evaluate.holdout.complexity.operations < 5000`. How long a row takes is no figure, since it is another at every run: the log of the stage tells it.\n\n"

// complexityFigures is the type of what rules see.
func complexityFigures() *schema.FigureType {
	return schema.Object(map[string]*schema.FigureType{"bytes": schema.Count, "features": schema.Count, "trees": schema.Count, "leaves": schema.Count,
		"depth": schema.Count, "operations": schema.Count})
}

// complexity adds the figures of size and work.
func (e *evaluator) complexity(ctx context.Context, figures map[string]any) (report.Section, error) {
	b, err := model.Read(e.stage.Input("model"))
	if err != nil {
		return report.Section{}, fmt.Errorf("reading the model: %w", err)
	}
	c, err := b.Complexity()
	if err != nil {
		return report.Section{}, err
	}
	if err := e.timed(ctx, b); err != nil {
		return report.Section{}, err
	}
	out := map[string]any{}
	t := &report.Table{Columns: []report.Column{{Name: "size and work"}, {Name: "value", Kind: report.Count}}}
	for _, of := range []struct {
		figure, name string
		n            int
		known        bool
	}{{"bytes", "bytes of parameters", c.Bytes, true}, {"features", "features", c.Features, true}, {"trees", "trees", c.Trees, c.Unknown == ""}, {"leaves", "leaves", c.Leaves, c.Unknown == ""},
		{"depth", "depth of the deepest tree", c.Depth, c.Unknown == ""}, {"operations", "operations a row, at most", c.Operations, c.Unknown == ""}} {
		cell := report.Missing(c.Unknown)
		if of.known {
			out[of.figure], cell = of.n, report.Figure(float64(of.n))
		} else {
			out[of.figure] = e.of.Undefined("complexity."+of.figure, c.Unknown)
		}
		t.Rows = append(t.Rows, []report.Cell{report.Words(of.name), cell})
	}
	figures["complexity"] = out
	return report.Section{Title: "Size and work", Items: []report.Item{{Table: t}}}, nil
}

// mostTimed is how many rows are scored to tell how long one takes.
const mostTimed = 10000

// timed logs how long the model takes for a row, on one thread, values at hand. It is no figure: a result that is computed twice is the same twice.
func (e *evaluator) timed(ctx context.Context, b *model.Bundle) error {
	rows := evenly(e.scoredRows(), mostTimed)
	features := b.Signature().Features
	if len(rows) == 0 || len(features) == 0 {
		return nil
	}
	names := make([]string, len(features))
	for i := range names {
		names[i] = features[i].Name
	}
	some, err := table.ReadRows(ctx, e.stage.InputTable("data"), names, rows)
	if err != nil {
		return err
	}
	from := time.Now()
	if _, err := b.ScoreContext(ctx, some, 1); err != nil {
		return err
	}
	e.stage.Logf("a row takes %v, of %d rows on one thread", time.Since(from)/time.Duration(len(rows)), len(rows))
	return nil
}
