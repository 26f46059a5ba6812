package sides

// Rows that stand on both sides.
//
// A model that remembers the rows it was trained on knows a test row that stands among them, and its figures say nothing of new rows.
// Of the train rows (30, 1000), (41, 2000) and the test rows (30, 1000), (55, 900) one of two is such a row. A table of two booleans
// has nothing else: of 1000 train rows, half of which have either value, 250 agree with any test row by chance, and nothing is told.
// So the share of such rows is held against what independent columns would give (byChance), and told where it is ten times that.

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// overlap is what a side has in common with the train side besides being of one table.
//
// Rows are compared by all columns but the key, the entity, the time and the label: where these are the same, a model
// that remembers a row knows the other. A table of few columns with few values has such rows by chance; that is told
// apart by how often two rows would agree if the columns were independent.
type overlap struct {
	rows, entities int64 // of the side; entities -1: the table has none
	reason         string
}

// figures of the overlap; why one is undefined is noted below prefix.
func (o overlap) figures(prefix string, undefined map[string]string) map[string]any {
	figures := map[string]any{"rows": any(o.rows), "entities": any(o.entities)}
	if o.reason != "" {
		figures["rows"], undefined[prefix+"rows"] = nil, o.reason
	}
	if o.entities < 0 {
		figures["entities"], undefined[prefix+"entities"] = nil, "the table has no entity"
	}
	return figures
}

// findOverlap compares a side with the train side, in the files of these paths; entity is what rows go together by.
func findOverlap(ctx context.Context, t *schema.Table, entity []string, train, side string) (overlap, error) {
	tables := map[string]string{Train: train, "side": side}
	o := overlap{entities: -1}
	columns := described(t)
	if len(columns) == 0 {
		o.reason = "the table has no column that describes a row"
	} else {
		row := "hash(" + strings.Join(quoted(columns), ", ") + ")"
		n, err := Count(ctx, fmt.Sprintf("select count(*) as n from side where %s in (select %[1]s from train)", row), tables)
		if err != nil {
			return o, err
		}
		o.rows = n
	}
	if len(entity) == 0 {
		return o, nil
	}
	names := quoted(entity)
	n, err := Count(ctx, fmt.Sprintf("select count(*) as n from (select %s from side intersect select %[1]s from train) where %s is not null",
		strings.Join(names, ", "), strings.Join(names, " is not null and ")), tables)
	o.entities = n
	return o, err
}

// described are the columns that describe a row, not which one it is or what became of it.
func described(t *schema.Table) []string {
	skip := map[string]bool{strings.ToLower(t.Time): true}
	for _, name := range append(append([]string{}, t.Key...), t.Entity...) {
		skip[strings.ToLower(name)] = true
	}
	if t.Label != nil {
		for _, name := range []string{t.Label.Column, t.Label.KnownAt, t.Label.Mature} {
			skip[strings.ToLower(name)] = true
		}
	}
	var out []string
	for _, c := range t.Columns {
		if !skip[strings.ToLower(c.Name)] {
			out = append(out, c.Name)
		}
	}
	return out
}

// quoted are names in SQL.
func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = table.Quote(n)
	}
	return out
}

// byChance is how many rows of train a row would agree with if columns were independent.
func byChance(ctx context.Context, t *schema.Table, train string, rows int64) (float64, error) {
	expected := float64(rows)
	for _, name := range quoted(described(t)) {
		f, err := query(ctx, fmt.Sprintf("select sum(c * c)::double / power(sum(c), 2) as n from (select count(*)::double as c from train group by %s)", name), map[string]string{Train: train})
		if err != nil {
			return 0, err
		}
		if expected *= f; expected < 1e-6 {
			break
		}
	}
	return expected, nil
}

// tell warns of rows that are the same on both sides, and of entities where rows are drawn one by one.
func (o overlap) tell(ctx context.Context, s *component.Stage, p Split, side, train string, rows map[string]int64) error {
	if o.entities > 0 && p.apart() {
		s.Warnf("%d entities (%s) have rows on the train and on the %s side: a model may recognise them. split \"group\" keeps the rows of an entity on one side",
			o.entities, strings.Join(s.In[Input].Table.Entity, ", "), side)
	}
	share := float64(o.rows) / float64(rows[side])
	if o.reason != "" || o.rows < 5 || share < 0.01 {
		return nil
	}
	expected, err := byChance(ctx, s.In[Input].Table, train, rows[Train])
	if err != nil {
		return err
	}
	if share > 10*math.Min(expected, 1) {
		s.Warnf("%d of %d rows of the %s side stand on the train side too, but for key, entity, time and label: figures on rows that a model has seen say nothing of new ones. "+
			"Keep one of each in a dataset, or keep them on one side with split \"group\"", o.rows, rows[side], side)
	}
	return nil
}

// apart reports whether rows are drawn one by one, so that those of an entity part by chance and not by time or by choice.
func (p Split) apart() bool { return p.Drawn == 0 && p.Test > 0 && !p.Timed }

// Count runs a query that gives one whole number, n.
func Count(ctx context.Context, sql string, tables map[string]string) (int64, error) {
	n, err := query(ctx, sql, tables)
	return int64(n), err
}

// query is the one number that a query yields.
func query(ctx context.Context, sql string, tables map[string]string) (float64, error) {
	dir, err := os.MkdirTemp("", "split")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "n.parquet")
	if _, err := table.Run(ctx, table.Query{SQL: sql, Tables: tables, Out: out}); err != nil {
		return 0, err
	}
	f, err := table.ReadFrame(ctx, out, nil)
	if err != nil {
		return 0, err
	}
	return f.Columns[0].Num[0], nil
}
