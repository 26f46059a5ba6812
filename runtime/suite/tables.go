package suite

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// maxRows is how many rows of a table assertions can go over. A table with more has a count and no rows: a rule that
// reads them is an error with that reason, rather than a condition on a part of the table.
const maxRows = 10_000

// tables puts the rows of a block's tables under table.KIND.NAME, in the form that environment declares. A table that
// is not known yet makes what reads it open.
func (b *valueBuilder) tables(ctx context.Context, block *check.Block) error {
	own := schema.OwnPort(block.TypeSpec.Out)
	for _, port := range sortedKeys(block.Out) {
		t := block.Out[port].Table
		if t == nil {
			continue
		}
		at := path(block, "table")
		if own == nil || own.Name != port {
			at = append(at, port)
		}
		digest := b.run.output(block.Address, port)
		if digest == "" {
			b.unknown(append(at, "count"))
			b.unknown(append(at, "rows"))
			continue
		}
		// The count is known also where the rows are too many to go over.
		rows, count, err := b.run.suite.rows(ctx, digest, t)
		if err != nil {
			return err
		}
		b.put(append(slices.Clone(at), "count"), float64(count))
		if count > maxRows {
			b.values.Undefined[strings.Join(at, ".")+".rows"] = fmt.Sprintf("the table has %d rows, and assertions go over %d at most", count, maxRows)
			continue
		}
		b.put(append(slices.Clone(at), "rows"), rows)
	}
	return nil
}

// rows reads a table as assertions see it, and how many rows it has; of more than maxRows only those are read.
func (s *Suite) rows(ctx context.Context, table plan.Digest, t *schema.Table) ([]any, int, error) {
	dir, err := s.store.Temp("read-")
	if err != nil {
		return nil, 0, err
	}
	dest := filepath.Join(dir, "table")
	if err := s.store.Materialize(ctx, table, dest); err != nil {
		return nil, 0, err
	}
	files := map[string]string{"t": filepath.Join(dest, component.TableFile)}
	count := 0
	err = s.o.Tables.Each(ctx, "select count(*)::double from t", files, func(row []any) error {
		n, _ := row[0].(float64)
		count = int(n)
		return nil
	})
	if err != nil || count > maxRows {
		return nil, count, err
	}
	// Rules know three types of cells; a date or an interval is compared by its text as SQL writes it.
	terms := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		as := map[string]string{"a number": "double", "true or false": "boolean", "a string": "varchar"}[cellKind(c.Type)]
		terms[i] = quoted(c.Name) + "::" + as
	}
	out := []any{}
	err = s.o.Tables.Each(ctx, "select "+strings.Join(terms, ", ")+" from t", files, func(row []any) error {
		object := map[string]any{}
		for i, c := range t.Columns {
			object[c.Name] = row[i]
		}
		out = append(out, object)
		return nil
	})
	return out, count, err
}
