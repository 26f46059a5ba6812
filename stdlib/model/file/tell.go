package file

import (
	"context"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// tell scores the table, warns of what does not fit, and writes the figures and the report.
func (t *taking) tell(ctx context.Context, b *model.Bundle) error {
	s, f := t.stage, b.Signature()
	scored, err := b.ScoreContext(ctx, t.data, s.Threads)
	if err != nil {
		return err
	}
	if n := len(scored.Unscored); n > 0 {
		s.Warnf("%d of %d rows have no prediction; row %d: %s", n, t.data.Rows, scored.Unscored[0].Row+1, scored.Unscored[0].Reason)
	}
	unknown, undefined := map[string]any{}, map[string]string{}
	for i := range f.Features {
		share, err := t.unknown(i, &f.Features[i])
		if err != nil {
			return err
		}
		name := f.Features[i].Name
		if unknown[name] = share; math.IsNaN(share) {
			unknown[name], undefined["unknown."+name] = nil, "it has no levels, or no values"
		}
		if share == 1 {
			s.Warnf("no value of %q is one of its levels (%s): all count as missing", name, some(f.Features[i].Levels))
		}
	}
	figures := map[string]any{"rounds": t.about.rounds, "trees": t.about.trees, "rows": t.data.Rows, "unscored": len(scored.Unscored),
		"threshold": b.Threshold(), "unknown": unknown, "importance": t.importance(f.Features, undefined), "undefined": undefined}
	if f.Task != schema.Binary {
		figures["threshold"], undefined["threshold"] = nil, "only binary tasks have one"
	}
	if err := s.WriteReport(t.report(b, len(scored.Unscored))); err != nil {
		return err
	}
	return s.WriteFigures(figures)
}

// unknown is which share of the values of a feature is none of its levels; NaN of one without levels or values.
func (t *taking) unknown(column int, f *model.Feature) (float64, error) {
	if !f.Categorical() {
		return math.NaN(), nil
	}
	c := &t.data.Columns[column]
	codes, err := model.EncodeColumn(c, f)
	if err != nil {
		return 0, err
	}
	values, unknown := 0, 0
	for r, code := range codes[0] {
		if c.Null(r) {
			continue
		}
		values++
		if code != code {
			unknown++
		}
	}
	return float64(unknown) / float64(values), nil
}

// importance is each feature's share in the gain of all splits.
func (t *taking) importance(features []model.Feature, undefined map[string]string) map[string]any {
	out := map[string]any{}
	at, err := t.places()
	if err != nil || t.about.gains == nil {
		for _, f := range features {
			out[f.Name], undefined["importance."+f.Name] = nil, "the file does not say what its splits gained"
		}
		return out
	}
	gains := make([]float64, len(features))
	for i, k := range at {
		if k >= 0 {
			gains[k] = t.about.gains[i]
		}
	}
	for k, share := range train.Shares(gains) {
		out[features[k].Name] = share
	}
	return out
}

// report is where the model comes from, and what became of the table's rows.
func (t *taking) report(b *model.Bundle, unscored int) *report.Report {
	f := b.Signature()
	facts := &report.Table{Columns: []report.Column{{Name: "figure"}, {Name: "value", Kind: report.Number}}}
	add := func(name string, n int) {
		facts.Rows = append(facts.Rows, []report.Cell{report.Words(name), report.Figure(float64(n))})
	}
	add("rounds", t.about.rounds)
	add("trees", t.about.trees)
	add("features", len(f.Features))
	add("rows scored", t.data.Rows-unscored)
	add("rows without a prediction", unscored)
	trained := "Nothing says which rows it was trained on: figures on rows of this pipeline may be of rows that it knows."
	switch {
	case t.TrainedElsewhere:
		trained = "Its author vouches that none of the rows of this pipeline was trained on."
	case len(t.stage.In) > 1:
		trained = "The tables that it was trained on are named; it is not measured on their rows."
	}
	return &report.Report{Title: fmt.Sprintf("Model of %s on %d features", f.Target, len(f.Features)), Summary: fmt.Sprintf("%s, taken from %s.", t.about.from, t.Path),
		Sections: []report.Section{{Title: "Model", Items: []report.Item{{Table: facts}, report.Note("%s", trained)}}}}
}
