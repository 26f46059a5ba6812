package table

import (
	"context"
	"database/sql/driver"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Lineage traces the columns of one SELECT to those of its tables; it implements component.Tracer.
//
// It walks the parsed statement, scope by scope, with a flow for every column in sight. Wherever it meets what it does not
// know (a kind of node, a name that it cannot place) it takes it to depend on every column of every table: it may report
// too much, never too little.
func (b *Binder) Lineage(ctx context.Context, query string, tables map[string]*schema.Table) (map[string]component.Flow, []schema.Problem) {
	r := request{Kind: "lineage", SQL: query, Tables: tables}
	key := r.key()
	a, ok := b.memory.get(key)
	if !ok {
		columns, problems := b.Query(ctx, query, tables)
		if len(problems) > 0 {
			return nil, problems
		}
		a = b.find(ctx, key, r, func(s *session) (answer, error) {
			flows, err := b.trace(ctx, s, query, tables, columns)
			return answer{Flows: flows}, err
		})
	}
	return maps.Clone(a.Flows), a.Problems // callers complete the flows
}

// trace walks the query, which binds.
func (b *Binder) trace(ctx context.Context, s *session, query string, tables map[string]*schema.Table, columns []schema.Column) (map[string]component.Flow, error) {
	root, err := s.parse(ctx, query)
	if err != nil {
		return nil, err
	}
	if b.aggregates == nil {
		if b.aggregates, err = s.aggregateFunctions(ctx); err != nil {
			return nil, err
		}
	}
	t := newTracer(tables, b.aggregates)
	result := t.query(root["node"], nil)
	out := map[string]component.Flow{}
	for i, c := range columns {
		f := result.any()
		if !result.loose && len(result.fields) == len(columns) {
			f = result.fields[i].flow // as many as there are: no field stands for more than one
		}
		f.influences = f.influences.or(result.rows)
		out[c.Name] = t.named(f)
	}
	return out, nil
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

// tracer follows columns through a syntax tree.
type tracer struct {
	numbered   []component.Origin // the input columns, by number
	tables     map[string]*relation
	every      flow // depends on all of them
	aggregates map[string]bool
	steps      int
}

// mostSteps bounds the work on one query; one that takes more depends on everything.
const mostSteps = 300_000

func (t *tracer) tooLong() bool {
	t.steps++
	return t.steps > mostSteps
}

func newTracer(tables map[string]*schema.Table, aggregates map[string]bool) *tracer {
	t := &tracer{tables: map[string]*relation{}, aggregates: aggregates}
	names := make([]string, 0, len(tables))
	for name := range tables {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		r := &relation{name: strings.ToLower(name)}
		for _, c := range tables[name].Columns {
			i := len(t.numbered)
			t.numbered = append(t.numbered, component.Origin{Table: name, Column: c.Name})
			r.fields = append(r.fields, field{name: strings.ToLower(c.Name), flow: flow{values: single(i), copied: i + 1}})
		}
		t.tables[r.name] = r
	}
	for i := range t.numbered {
		t.every.values = t.every.values.or(single(i))
	}
	t.every.influences = t.every.values
	return t
}

// unknown is a relation of which nothing is known.
func (t *tracer) unknown() *relation {
	return &relation{loose: true, rest: t.every, rows: t.every.values, tests: t.every.values}
}

func (t *tracer) named(f flow) component.Flow {
	out := component.Flow{Values: t.names(f.values), Others: t.names(f.others), Past: t.names(f.past), Keys: t.names(f.keys), Influences: t.names(f.influences)}
	if f.copied > 0 {
		out.Copy = &t.numbered[f.copied-1]
	}
	return out
}

func (t *tracer) names(set origins) []component.Origin {
	var out []component.Origin
	for i, o := range t.numbered {
		if set.has(i) {
			out = append(out, o)
		}
	}
	component.SortOrigins(out)
	return out
}
