package model

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// behaved is what came of one test. Slices have an element for each row that where picks and that has a prediction.
type behaved struct {
	*behavior
	at            []int     // the row's place in the data
	counted, held []bool    // whether it counts, and whether the condition holds
	undecided     int       // failures of which the condition is null
	before, after []float64 // scores, or predicted values; nil of several classes
}

func (b *behaved) count() (count, failures int) {
	for i := range b.at {
		if b.counted[i] {
			count++
			if !b.held[i] {
				failures++
			}
		}
	}
	return count, failures
}

// behave runs all tests, adds their figures, and returns the part of the report that tells of them.
func (e *evaluator) behave(ctx context.Context, figures map[string]any) (report.Section, error) {
	out := map[string]any{}
	all := make([]*behaved, len(e.Behaviors))
	step := component.Steps(e.bar.Next(ctx), len(all))
	for i := range e.Behaviors {
		b, err := e.behaves(ctx, &e.Behaviors[i])
		if err != nil {
			return report.Section{}, err
		}
		all[i], out[b.Name] = b, e.behaviorFigures(b)
		step(1)
	}
	figures["behaviors"] = out
	return e.behaviorSection(all), nil
}

// behaviorFigures are the figures of one test. Where nothing counts, nothing is said.
func (e *evaluator) behaviorFigures(b *behaved) map[string]any {
	count, failures := b.count()
	path := "behaviors." + b.Name
	out := map[string]any{"count": count, "unchanged": len(b.at) - count, "failures": failures, "undecided": b.undecided}
	if count == 0 {
		why := "where picks no row with a prediction"
		if len(b.at) > 0 {
			why = "perturb changes none of the rows"
		}
		out["share"], out["passed"] = e.of.Undefined(path+".share", why), e.of.Undefined(path+".passed", why)
		return out
	}
	share := float64(count-failures) / float64(count)
	out["share"], out["passed"] = share, share >= b.MinShare
	if share < b.MinShare {
		e.stage.Warnf("behavior %q: the condition does not hold for %d of %d %s, more than min_share = %v allows", b.Name, failures, count, b.of(), b.MinShare)
	}
	return out
}

// of says what is counted.
func (b *behavior) of() string {
	if len(b.Perturb) > 0 {
		return "pairs"
	}
	return "rows"
}

// behaves runs one test:
//
//	before.parquet  the rows that where picks, each with its place in the data
//	after.parquet   the same with the columns of perturb changed, which are scored
//	own, changed    what is predicted of either
//
// all in the order of the data, so that they are joined by position, and the condition is a query on that.
func (e *evaluator) behaves(ctx context.Context, x *behavior) (*behaved, error) {
	dir, err := os.MkdirTemp("", "behavior")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	p := &pairs{behavior: x, evaluator: e, dir: dir, columns: e.stage.In["data"].Table.Columns}
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	out := &behaved{behavior: x, at: p.at}
	if len(p.at) == 0 {
		return out, nil
	}
	if err := p.decide(ctx, out); err != nil {
		return nil, err
	}
	out.before = scoresOf(p.own)
	if p.changed != nil {
		out.after = scoresOf(p.changed)
	}
	return out, nil
}

// scoresOf are the numbers that say what a row is predicted; nil of several classes.
func scoresOf(s *prediction.Set) []float64 {
	if s.Task == schema.Regression {
		return s.Predicted
	}
	return s.Score
}

// pairs are the files of one test.
type pairs struct {
	*behavior
	*evaluator
	dir          string
	columns      []schema.Column
	at           []int
	own, changed *prediction.Set // of the rows as they are, and as perturb has them; changed is nil without perturb
}

const placeColumn = "mlp_row"

func (p *pairs) path(name string) string { return filepath.Join(p.dir, name+".parquet") }

// query runs a query over files of the test; mistakes are told as those of the block.
func (p *pairs) query(ctx context.Context, sql, out string, tables map[string]string, frames map[string]*frame.Frame) error {
	_, err := table.Run(ctx, table.Query{SQL: sql, Tables: tables, Frames: frames, OrderBy: []string{placeColumn}, Out: p.path(out)})
	var own *table.Error
	if errors.As(err, &own) && own.DataError() {
		return &component.InputError{Summary: fmt.Sprintf("behavior %q: %s", p.Name, own.Message)}
	}
	if err != nil {
		return fmt.Errorf("behavior %q: %w", p.Name, err)
	}
	return nil
}

// read finds the rows and makes what is predicted of them, before and after.
func (p *pairs) read(ctx context.Context) error {
	scored := frame.Column{Name: "mlp_scored", Type: "boolean", Num: make([]float64, p.set.Rows)}
	for i, x := range p.set.Predicted {
		if !math.IsNaN(x) {
			scored.Num[i] = 1
		}
	}
	where := cmp.Or(p.Where, "true")
	terms := make([]string, len(p.columns))
	for i, c := range p.columns {
		terms[i] = table.Quote(c.Name)
	}
	sql := fmt.Sprintf("select %s, %s from (select *, coalesce((%s\n), false) as mlp_where from (select row_number() over () - 1 as %s, data.*, scored.mlp_scored from data positional join scored)) where mlp_where and mlp_scored",
		placeColumn, strings.Join(terms, ", "), where, placeColumn)
	if err := p.query(ctx, sql, "before", map[string]string{"data": p.stage.InputTable("data")}, map[string]*frame.Frame{"scored": {Rows: p.set.Rows, Columns: []frame.Column{scored}}}); err != nil {
		return err
	}
	f, err := table.ReadFrame(ctx, p.path("before"), []string{placeColumn})
	if err != nil {
		return err
	}
	p.at = make([]int, f.Rows)
	for i, x := range f.Columns[0].Num {
		p.at[i] = int(x)
	}
	p.own = p.set.Take(p.at)
	if len(p.Perturb) == 0 || len(p.at) == 0 {
		return nil
	}
	if err := p.perturb(ctx, terms); err != nil {
		return err
	}
	p.changed, err = prediction.Score(ctx, p.stage.Input("model"), p.path("after"), p.stage.Threads)
	return err
}

// perturb writes the rows as they are after the change. All expressions see the columns as they were.
func (p *pairs) perturb(ctx context.Context, terms []string) error {
	terms = slices.Clone(terms)
	for i, c := range p.columns {
		for _, x := range p.Perturb {
			if strings.EqualFold(x.Column, c.Name) {
				terms[i] = fmt.Sprintf("(%s\n) as %s", x.Expr, terms[i])
			}
		}
	}
	return p.query(ctx, fmt.Sprintf("select %s, %s from before", placeColumn, strings.Join(terms, ", ")), "after", map[string]string{"before": p.path("before")}, nil)
}

// decide evaluates the condition on every row or pair. A pair in which no column of perturb is another does not count.
func (p *pairs) decide(ctx context.Context, out *behaved) error {
	tables, frames := map[string]string{"b": p.path("before")}, map[string]*frame.Frame{"p": p.predicted(p.own)}
	changed, row, from := "true", "b.*, "+p.fields("p", "%s as %s"), "b positional join p"
	if p.changed != nil {
		tables["a"], frames["q"] = p.path("after"), p.predicted(p.changed)
		from += " positional join a positional join q"
		var differs []string
		for _, x := range p.Perturb {
			c := table.Quote(x.Column)
			differs = append(differs, fmt.Sprintf("b.%s is distinct from a.%s", c, c))
		}
		changed = strings.Join(differs, " or ")
		row = fmt.Sprintf("b.%s, {%s} as before, {%s} as after", placeColumn, p.row("b", "p"), p.row("a", "q"))
	}
	sql := fmt.Sprintf("select %s, mlp_changed, (%s\n) as mlp_holds from (select %s, %s as mlp_changed from %s)", placeColumn, p.Expect, row, changed, from)
	if err := p.query(ctx, sql, "decided", tables, frames); err != nil {
		return err
	}
	f, err := table.ReadFrame(ctx, p.path("decided"), []string{"mlp_changed", "mlp_holds"})
	if err != nil {
		return err
	}
	out.counted, out.held = make([]bool, f.Rows), make([]bool, f.Rows)
	for i := range f.Rows {
		holds := f.Columns[1].Num[i]
		out.counted[i], out.held[i] = f.Columns[0].Num[i] == 1, holds == 1
		if out.counted[i] && math.IsNaN(holds) {
			out.undecided++
		}
	}
	return nil
}

// predicted is the table of predictions without the place of the row.
func (p *pairs) predicted(s *prediction.Set) *frame.Frame {
	f := p.layout.Frame(s)
	f.Columns = slices.DeleteFunc(f.Columns, func(c frame.Column) bool { return c.Name != "predicted" && c.Name != "score" })
	return f
}

// fields are the columns of a prediction with the types that they are declared with.
func (p *pairs) fields(of, form string) string {
	var out []string
	for _, c := range predictionColumns(p.layout) {
		out = append(out, fmt.Sprintf(form, fmt.Sprintf("%s.%s::%s", of, table.Quote(c.Name), c.Type), table.Quote(c.Name)))
	}
	return strings.Join(out, ", ")
}

// row is what a struct of a row holds: the columns of the data and those of its prediction.
func (p *pairs) row(data, predicted string) string {
	var out []string
	for _, c := range p.columns {
		out = append(out, fmt.Sprintf("%s: %s.%s", table.Literal(c.Name), data, table.Quote(c.Name)))
	}
	for _, c := range predictionColumns(p.layout) {
		out = append(out, fmt.Sprintf("%s: %s.%s::%s", table.Literal(c.Name), predicted, table.Quote(c.Name), c.Type))
	}
	return strings.Join(out, ", ")
}

// behaviorSection has a table of all tests, those that did not pass first, and of each that failed somewhere the rows where it did most.
func (e *evaluator) behaviorSection(all []*behaved) report.Section {
	t := &report.Table{Columns: []report.Column{{Name: "behaviour"}, {Name: "changed"}, {Name: "count", Kind: report.Count}, {Name: "failures", Kind: report.Count},
		{Name: "holds for", Kind: report.Share}, {Name: "least", Kind: report.Share}, {Name: "passed"}}}
	section := report.Section{Title: "Behaviour", Items: []report.Item{{Table: t}}}
	all = slices.Clone(all)
	rank := func(b *behaved) float64 {
		if n, failures := b.count(); n > 0 {
			return float64(n-failures)/float64(n) - b.MinShare
		}
		return 2
	}
	slices.SortStableFunc(all, func(a, b *behaved) int { return cmp.Compare(rank(a), rank(b)) })
	for _, b := range all {
		count, failures := b.count()
		row := []report.Cell{report.Words(b.Name), report.Words(b.changed()), report.Figure(float64(count)), report.Figure(float64(failures)),
			report.Missing("nothing is counted"), report.Figure(b.MinShare), report.Words("")}
		if count > 0 {
			row[4] = report.Figure(float64(count-failures) / float64(count))
			row[6] = report.Words(map[bool]string{true: "yes", false: "no"}[rank(b) >= 0])
		}
		t.Rows = append(t.Rows, row)
	}
	for _, b := range all {
		if worst := b.worst(); worst != nil {
			section.Items = append(section.Items, report.Item{Table: worst})
		}
	}
	return section
}

// changed names the columns that a test changes.
func (b *behavior) changed() string {
	names := make([]string, len(b.Perturb))
	for i := range names {
		names[i] = b.Perturb[i].Column
	}
	return strings.Join(names, ", ")
}

// mostFailures is how many rows a test is told to fail for, leastShown of how many rows a test has to be for any to be told of.
const (
	mostFailures = 10
	leastShown   = 20
)

// worst are the failures, those first whose prediction changed most. A row is told by its place in the data, and by scores of three digits, as the rows are that
// the model is most wrong about; predicted values of a regression, which may be those of the target, only by how far they moved. Nil where there is none.
func (b *behaved) worst() *report.Table {
	var failed []int
	for i := range b.at {
		if b.counted[i] && !b.held[i] {
			failed = append(failed, i)
		}
	}
	if len(failed) == 0 || len(b.at) < leastShown {
		return nil
	}
	t := &report.Table{Title: fmt.Sprintf("Where %s fails", b.Name), Columns: []report.Column{{Name: "row", Kind: report.Count}}}
	pair := b.before != nil && b.after != nil
	move := func(i int) float64 {
		if !pair {
			return 0
		}
		if x := math.Abs(b.after[i] - b.before[i]); x == x {
			return x
		}
		return math.Inf(1) // of the changed row nothing is predicted
	}
	slices.SortStableFunc(failed, func(i, j int) int { return cmp.Compare(move(j), move(i)) })
	if pair {
		t.Columns = append(t.Columns, report.Column{Name: "change of the prediction", Kind: report.Number})
	}
	for _, i := range failed[:min(len(failed), mostFailures)] {
		row := []report.Cell{report.Figure(float64(b.at[i] + 1))}
		if pair {
			c := report.Figure(rounded(b.after[i]-b.before[i], math.Abs(b.after[i]-b.before[i])))
			if math.IsInf(move(i), 0) {
				c = report.Missing("nothing is predicted of the changed row")
			}
			row = append(row, c)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
