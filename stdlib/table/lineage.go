package table

import (
	"context"
	"database/sql/driver"
	"maps"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table/lineage"
)

// Lineage traces the columns of one SELECT, and which rows it has, to the columns of its tables; it implements
// component.Tracer. Key are the columns that tell the rows of the result apart, as far as that is declared.
func (b *Binder) Lineage(ctx context.Context, query string, tables map[string]*schema.Table, key []string) (component.Flows, []schema.Problem) {
	r := request{Kind: lineageKind, SQL: query, Tables: tables, Key: key}
	digest := r.key()
	a, ok := b.memory.get(digest)
	if !ok {
		columns, problems := b.Query(ctx, query, tables)
		if len(problems) > 0 {
			return component.Flows{}, problems
		}
		a = b.find(ctx, digest, r, func(s *session) (answer, error) {
			flows, err := b.trace(ctx, s, query, tables, key, columns)
			return answer{Flows: flows}, err
		})
	}
	a.Flows.Columns = maps.Clone(a.Flows.Columns) // callers complete the flows
	return a.Flows, a.Problems
}

// trace walks the query, which binds. The tree is that of the query as written, and the columns are those that the engine found in it. Which
// functions are aggregates is asked once: a function that is taken for a scalar one would have its result flow from one row.
func (b *Binder) trace(ctx context.Context, s *session, query string, tables map[string]*schema.Table, key []string, columns []schema.Column) (component.Flows, error) {
	root, err := s.parse(ctx, query)
	if err != nil {
		return component.Flows{}, err
	}
	if b.aggregates == nil {
		if b.aggregates, err = s.aggregateFunctions(ctx); err != nil {
			return component.Flows{}, err
		}
	}
	return lineage.Trace(root.Get("node"), tables, key, columns, b.aggregates), nil
}

// aggregateFunctions are the names of functions over many rows, macros of such included.
func (s *session) aggregateFunctions(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{"wavg": true, "weighted_avg": true, "geomean": true, "geometric_mean": true,
		"json_group_array": true, "json_group_object": true, "json_group_structure": true}
	err := s.each(ctx, "select distinct function_name from duckdb_functions() where function_type = 'aggregate'", func(row []driver.Value) error {
		out[strings.ToLower(row[0].(string))] = true
		return nil
	})
	return out, err
}
