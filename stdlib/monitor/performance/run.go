package performance

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	document "github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/evaluation"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// run measures live predictions on the labels that are mature by now, and compares with the baseline where one is named.
// Predictions and labels come as tables of their own, in no common order: they are joined by the columns `on`, and rows
// that find no label do not count.
func run(ctx context.Context, s *component.Stage) error {
	c, err := decode(s.Config)
	if err != nil {
		return fmt.Errorf("configuration of %s: %w", s.Address, err)
	}
	predictions, labels := s.In["predictions"].Table, s.In["labels"].Table
	if predictions == nil || labels == nil || labels.Label == nil {
		return fmt.Errorf("%s: the ports predictions and labels need schemas", s.Address)
	}
	dir, err := os.MkdirTemp("", "monitor")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c.completed(predictions, labels)
	j := &joined{config: c, stage: s, dir: dir, predictions: predictions, labels: labels, model: c.signature(labels)}
	figures, page, err := j.measure(ctx)
	if err != nil {
		return err
	}
	r := newReport(figures)
	if c.Estimate {
		r.estimate(c, j.expected)
		page.Sections = append([]document.Section{r.expected()}, page.Sections...)
	}
	if j.rejected != nil {
		r.addRejected(j.rejected, c.Intervals.Resamples)
		page.Sections = append([]document.Section{r.rejectedSection()}, page.Sections...)
	}
	if len(j.canaries) > 0 {
		r.figures["canaries"] = j.canaries
	}
	if s.Has("baseline") {
		if err := r.compare(s); err != nil {
			return err
		}
		page.Sections = append([]document.Section{r.section()}, page.Sections...)
	}
	if err := s.WriteReport(page); err != nil {
		return err
	}
	return s.WriteFigures(r.figures)
}

// joined is predictions and what is known of their labels, as two tables whose rows go together: truth.parquet and said.parquet
// in dir, row for row in the order of the predictions, matched or not.
//
// Of the predictions A12, B07, C33 and labels of A12 and B07, matched by customer:
//
//	truth.parquet                        said.parquet
//	mlp_row  customer  churned  …        mlp_row  predicted  score
//	1        A12       true              1        true       0.83
//	2        B07       null              2        false      0.10
//	3        null      null              3        true       0.61
//
// An evaluation takes truth for its data and said for what a model predicted. The third row has no label, so that its target is null
// and does not count. A label that no prediction asks for is in neither: it is no failure of the model's.
type joined struct {
	*config
	stage               *component.Stage
	dir                 string
	predictions, labels *schema.Table
	model               schema.Model
	expected            map[string]bounded // by scores alone, where that is asked for
	canaries            map[string]*evidence
	rejected            *rejected // nil: it is not known which decisions keep labels from coming
}

// path is that of a table of the join, by its name.
func (j *joined) path(name string) string { return filepath.Join(j.dir, name+".parquet") }

// measure gives the figures of an evaluation, and its report.
// The steps are those of a block that evaluates; only where predictions come from differs.
func (j *joined) measure(ctx context.Context) (map[string]any, *document.Report, error) {
	if err := j.unique(ctx); err != nil {
		return nil, nil, err
	}
	if err := j.chances(ctx); err != nil {
		return nil, nil, err
	}
	if err := j.countRejected(ctx); err != nil {
		return nil, nil, err
	}
	if err := j.write(ctx); err != nil {
		return nil, nil, err
	}
	if err := j.measureRejected(ctx); err != nil {
		return nil, nil, err
	}
	var err error
	if j.canaries, err = j.countCanaries(ctx); err != nil {
		return nil, nil, err
	}
	e, err := evaluation.Open(ctx, &j.Config, evaluation.Data{Path: j.path("truth"), Table: j.truth(), Target: j.model.Target}, j.stage.Threads, j.stage.Warnf)
	if err != nil {
		return nil, nil, err
	}
	e.Bar = j.stage.Bar(j.Parts())
	target := e.Target()
	if target.Text() && len(target.Levels) == 0 {
		target = nil // nothing has turned out yet, so it tells of no classes
	}
	set, err := prediction.Read(ctx, j.path("said"), e.Total(), j.model, target)
	if err != nil {
		return nil, nil, err
	}
	if j.Estimate {
		if j.expected, err = j.estimated(ctx, set); err != nil {
			return nil, nil, err
		}
	}
	if err := e.Take(set, j.layout(j.model, j.predictions, j.labels)); err != nil {
		return nil, nil, err
	}
	j.stage.Logf("%d of %d predictions have a mature label", e.Counted(), e.Total())
	figures, err := e.Figures(ctx)
	if err != nil {
		return nil, nil, err
	}
	return figures, e.Report(figures), nil
}

// inputs are the tables that the SQL below reads.
func (j *joined) inputs() map[string]string {
	return map[string]string{"predictions": j.stage.InputTable("predictions"), "labels": j.stage.InputTable("labels")}
}

// unique makes sure that a label belongs to one prediction: else rows would count twice.
// Rows without a value in one of the columns match nothing, and so may be many.
func (j *joined) unique(ctx context.Context) error {
	on := j.on("", "")
	known := strings.Join(on, " is not null and ") + " is not null"
	for _, name := range []string{"predictions", "labels"} {
		sql := fmt.Sprintf("select count(*) as n from (select 1 from %s where %s group by %s having count(*) > 1)", name, known, strings.Join(on, ", "))
		path := j.path("repeated")
		if _, err := table.Run(ctx, table.Query{SQL: sql, Tables: j.inputs(), Out: path}); err != nil {
			return fmt.Errorf("looking for repeated rows: %w", err)
		}
		f, err := table.ReadFrame(ctx, path, nil)
		if err != nil {
			return err
		}
		if n := f.Columns[0].Num[0]; n > 0 {
			return &component.InputError{Summary: fmt.Sprintf("in the %s %v values of %s stand in more than one row", name, n, strings.Join(j.On, ", ")),
				Detail: "A prediction has one label, and a label one prediction. Name further columns in on, or keep one row of each in a dataset."}
		}
	}
	return nil
}

// on are the columns that join, quoted, with a prefix and what comes behind.
func (j *joined) on(prefix, suffix string) []string {
	out := make([]string, len(j.On))
	for i, name := range j.On {
		out[i] = prefix + table.Quote(name) + suffix
	}
	return out
}

// Names of columns beside those of the user's tables: a row's place, and the columns of the predictions' entity.
const (
	rowColumn    = "mlp_row"
	entityColumn = "mlp_entity_"
	weightColumn = "mlp_weight"
)

// truth is the schema of the labels' columns, a row for each prediction.
// The entity is that of the predictions where they have one: intervals are about whom was predicted for, labelled or not.
func (j *joined) truth() *schema.Table {
	t := *j.labels
	t.Key = []string{rowColumn}
	for i, name := range j.predictions.Entity {
		if i == 0 {
			t.Entity, t.Columns = nil, slices.Clone(t.Columns)
		}
		column := *j.predictions.Column(name)
		column.Name = fmt.Sprint(entityColumn, i)
		t.Entity, t.Columns = append(t.Entity, column.Name), append(t.Columns, column)
	}
	if j.Propensity != "" {
		t.Columns = append(slices.Clone(t.Columns), schema.Column{Name: weightColumn, Type: "double"})
		if len(t.Entity) == 0 { // rows of unlike weights: each is a unit, so that intervals go by how they spread
			t.Entity = []string{rowColumn}
		}
	}
	return &t
}

// chances makes sure that each row has a chance to be decided so that its label comes, and has rows count by its inverse.
func (j *joined) chances(ctx context.Context) error {
	if j.Propensity == "" {
		return nil
	}
	j.Weight = weightColumn
	chance := table.Quote(j.Propensity)
	r, err := table.OpenReader(ctx, map[string]string{"predictions": j.stage.InputTable("predictions")})
	if err != nil {
		return err
	}
	defer r.Close()
	row, err := r.Row(ctx, fmt.Sprintf("select count_if(%s is null or isnan(%[1]s::double) or %[1]s <= 0 or %[1]s > 1)::bigint from predictions", chance))
	if err != nil {
		return fmt.Errorf("looking for rows without a chance: %w", err)
	}
	if n, _ := row[0].(int64); n > 0 {
		return chanceOf(j.Propensity, n)
	}
	return nil
}

// write writes both tables, their rows in the order of the predictions.
// A prediction without a label keeps its row, with nulls for the label's columns, so that coverage counts it.
func (j *joined) write(ctx context.Context) error {
	var truth, said []string
	truth = append(truth, "p."+rowColumn)
	for i, name := range j.predictions.Entity {
		truth = append(truth, fmt.Sprintf("p.%s as %s%d", table.Quote(name), entityColumn, i))
	}
	if j.Propensity != "" {
		truth = append(truth, fmt.Sprintf("%s as %s", j.weight(), weightColumn))
	}
	said = append(said, rowColumn)
	columns := j.columns(j.model.Task, j.predictions)
	for _, as := range slices.Sorted(maps.Keys(columns)) {
		said = append(said, fmt.Sprintf("%s as %s", table.Quote(columns[as].Name), table.Quote(as)))
	}
	numbered := fmt.Sprintf("(select *, row_number() over () as %s from predictions)", rowColumn)
	for name, sql := range map[string]string{
		"truth": fmt.Sprintf("select %s, %s from %s p left join labels l on %s", strings.Join(truth, ", "), j.label(), numbered, j.matches()),
		"said":  fmt.Sprintf("select %s from %s", strings.Join(said, ", "), numbered),
	} {
		if _, err := table.Run(ctx, table.Query{SQL: sql, Tables: j.inputs(), OrderBy: []string{rowColumn}, Out: j.path(name)}); err != nil {
			return fmt.Errorf("joining predictions with labels: %w", err)
		}
	}
	return nil
}
