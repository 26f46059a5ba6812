package lineage_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/table/lineage"
)

// lineageTables are the tables that the queries in testdata/lineage.sql read, with rows that have ties, nulls and gaps.
var lineageTables = map[string]*schema.Table{
	"t": {Columns: []schema.Column{{Name: "id", Type: "integer"}, {Name: "k", Type: "varchar"}, {Name: "g", Type: "varchar"},
		{Name: "x", Type: "integer"}, {Name: "y", Type: "integer"}, {Name: "z", Type: "double"}, {Name: "ts", Type: "timestamp"},
		{Name: "flag", Type: "boolean"}, {Name: "l", Type: "integer[]"}, {Name: "s", Type: `struct("a" integer, "b" varchar)`},
		{Name: "random_col", Type: "integer"}}},
	"u": {Columns: []schema.Column{{Name: "k", Type: "varchar"}, {Name: "x", Type: "integer"}, {Name: "w", Type: "integer"},
		{Name: "ts", Type: "timestamp"}}},
}

var lineageRows = map[string]string{
	"t": `select i::integer as id, ['a', 'b', 'c', 'd', null][i % 5 + 1] as k, ['p', 'q', 'r'][i * i % 3 + 1] as g,
		case when i % 7 = 3 then null else (i * 5 % 8)::integer end as x, (i * 11 % 9)::integer as y, (i * 13 % 17) / 4.0 as z,
		timestamp '2026-01-01' + to_hours((i * 29 % 60)::integer) as ts, i * 3 % 5 < 2 as flag,
		case when i % 6 = 1 then []::integer[] else [i % 4, i % 3, 2]::integer[] end as l,
		{'a': (i % 5)::integer, 'b': chr((97 + i % 6)::integer)}::struct("a" integer, "b" varchar) as s, (i * 7 % 5)::integer as random_col
		from range(24) r(i)`,
	"u": `select ['b', 'a', 'd', 'c', 'a', 'b', null, 'e'][i + 1] as k, (i * 3 % 8)::integer as x, (i * 5 % 7)::integer as w,
		timestamp '2026-01-01' + to_hours((i * 17 % 50)::integer) as ts from range(8) r(i)`,
}

// permutations of n rows that leave no column as it is.
const permutations = 2

// TestLineageOracle permutes one input column at a time: every column of a result whose values change must have been
// reported to depend on it.
func TestLineageOracle(t *testing.T) {
	queries := lineageQueries(t)
	if len(queries) < 200 {
		t.Fatalf("%d queries, want 200 or more", len(queries))
	}
	ctx := context.Background()
	s, variants := permuted(t)
	b := table.NewBinder(nil)
	defer b.Close()
	narrow := 0
	for _, q := range queries {
		columns, problems := b.Query(ctx, q, lineageTables)
		flows, more := b.Lineage(ctx, q, lineageTables, nil)
		if len(problems)+len(more) > 0 {
			t.Errorf("%s\n%v %v", q, problems, more)
			continue
		}
		before, err := results(ctx, s, "main", q, len(columns))
		if err != nil {
			t.Errorf("%s\n%v", q, err)
			continue
		}
		missed, free := 0, false
		for _, v := range variants {
			if every(columns, flows, v.origin) {
				continue
			}
			free = true
			after, err := results(ctx, s, v.schema, q, len(columns))
			if err != nil {
				t.Errorf("%s with %v permuted\n%v", q, v.origin, err)
				continue
			}
			for i, c := range columns {
				if !slices.Equal(before[i], after[i]) && !reported(flows, c.Name, v.origin) && missed == 0 {
					missed++
					t.Errorf("%s\ncolumn %q changes with %s.%s, which is not reported: %+v", q, c.Name, v.origin.Table, v.origin.Column, flows)
				}
			}
		}
		if free {
			narrow++
		}
	}
	// A tracer that reports everything of everything would pass; it must tell columns apart in almost all queries.
	if want := len(queries) * 95 / 100; narrow < want {
		t.Errorf("%d of %d queries have a column that some input leaves alone, want %d", narrow, len(queries), want)
	}
}

// TestColumnsExpressions: a column that COLUMNS(…) does not take flows nowhere; of a pattern that cannot be told in other letters all do.
func TestColumnsExpressions(t *testing.T) {
	b := table.NewBinder(nil)
	defer b.Close()
	for _, tt := range []struct {
		query     string
		z, y, own bool // z and y of t are reported, and x is
	}{
		{"select least(*columns('^[xy]$')) as v from t", false, true, true},
		{"select greatest(*columns(['x', 'Z'])) as v from t", true, false, true}, {"select coalesce(*columns('x')) as v from t", false, false, true},
		{"select columns('^x$') as v from t", false, false, true}, {"select columns(c -> c = 'x') as v from t", true, true, true},
		{"select least(*columns('^[^a-wy-z_]$')) as v from t", true, true, true}, {"select least(*columns('(?i)X$')) as v from t", true, true, true},
		{"select coalesce(*columns('.*')) as v from (select x, y from t)", false, true, true},
	} {
		flows, problems := b.Lineage(t.Context(), tt.query, lineageTables, nil)
		if len(problems) > 0 {
			t.Errorf("%s: %v", tt.query, problems)
			continue
		}
		for column, want := range map[string]bool{"z": tt.z, "y": tt.y, "x": tt.own} {
			if got := reported(flows, "v", component.Origin{Table: "t", Column: column}); got != want {
				t.Errorf("%s: %s is reported: %t, want %t", tt.query, column, got, want)
			}
		}
	}
}

func lineageQueries(t *testing.T) []string { return lines(t, "testdata/lineage.sql") }

func lines(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func reported(flows component.Flows, column string, o component.Origin) bool {
	f := flows.Columns[column]
	for _, list := range [][]component.Origin{f.Values, f.Others, earlier(f), f.Keys, f.Control, f.Known,
		flows.Rows.Values, flows.Rows.Control, flows.Rows.Known} {
		if slices.Contains(list, o) {
			return true
		}
	}
	return false
}

func earlier(f component.Flow) (out []component.Origin) {
	for _, p := range f.Past {
		out = append(out, p.Origins...)
	}
	return out
}

// every tells whether all columns are reported to depend on an origin.
func every(columns []schema.Column, flows component.Flows, o component.Origin) bool {
	return !slices.ContainsFunc(columns, func(c schema.Column) bool { return !reported(flows, c.Name, o) })
}

// variant is a schema of the engine that holds the tables with one column permuted.
type variant struct {
	origin component.Origin
	schema string
}

func permuted(t *testing.T) (*session, []variant) {
	t.Helper()
	ctx := context.Background()
	s, err := open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	exec := func(format string, args ...any) {
		t.Helper()
		if err := s.exec(ctx, fmt.Sprintf(format, args...)); err != nil {
			t.Fatal(err)
		}
	}
	var out []variant
	for _, name := range []string{"t", "u"} {
		exec("create table main.%s as %s", name, lineageRows[name])
	}
	for _, name := range []string{"t", "u"} {
		for _, c := range lineageTables[name].Names() {
			for p := range permutations {
				v := variant{component.Origin{Table: name, Column: c}, fmt.Sprintf("v_%s_%s_%d", name, c, p)}
				out = append(out, v)
				exec("create schema %s", v.schema)
				for _, other := range []string{"t", "u"} {
					if other != name {
						exec("create table %s.%s as from main.%s", v.schema, other, other)
						continue
					}
					exec(`create table %s.%s as select a.* replace (b.c as %s) from (select *, row_number() over () as r from main.%[2]s) a
						join (select %[3]s as c, row_number() over (order by hash(r + %[4]d)) as r from (select %[3]s, row_number() over () as r from main.%[2]s)) b
						using (r) order by r`, v.schema, name, c, 17*(p+1))
					exec("alter table %s.%s drop column r", v.schema, name)
				}
			}
		}
	}
	return s, out
}

// results runs a query in a schema and returns its columns as text.
func results(ctx context.Context, s *session, in, query string, columns int) ([][]string, error) {
	if err := s.exec(ctx, "set schema = "+table.Literal(in)); err != nil {
		return nil, err
	}
	out := make([][]string, columns)
	err := s.each(ctx, strings.ReplaceAll(query, "main.", ""), func(row []driver.Value) error {
		for i, v := range row {
			out[i] = append(out[i], fmt.Sprintf("%T %v", v, v))
		}
		return nil
	})
	for i := range out { // tables are stored in an order of their own
		slices.Sort(out[i])
	}
	return out, err
}

func TestLineageValues(t *testing.T) {
	tests := []struct{ query, column, want string }{
		{"select x from t", "x", "= t.x"},
		{"select a as b from (select x as a from t) q", "b", "= t.x"},
		{"select x + y as v from t where z > 1 order by k", "v", "t.x t.y"},
		{"select case when flag then x end as v from t", "v", "t.flag t.x"},
		{"select s.a as v from t", "v", "t.s"},
		{"select t.x, u.w from t join u on t.k = u.k", "w", "= u.w"},
		{"select k, w from t full join u using (k)", "k", "t.k u.k"},
		{"select g, sum(x) as v from t group by g", "g", "= t.g"},
		{"select g, sum(x) filter (where flag) as v from t group by g", "v", "| t.flag t.x"},
		{"select count(*) as v from t where flag", "v", ""},
		{"select id, row_number() over (partition by g order by ts) as v from t", "v", "| t.ts"},
		{"select id, max(x) over (partition by g order by ts) as v from t", "v", "| t.x"},
		{"select id, lag(x) over (partition by g order by ts) as v from t", "v", "< t.x"},
		{"select id, lag(x) over (order by ts desc) as v from t", "v", "| t.x"},
		{"select id, lag(x, -1) over (order by ts) as v from t", "v", "| t.x"},
		{"select id, lead(x) over (order by ts) as v from t", "v", "| t.x"},
		{"select id, avg(x) over (order by ts rows between 3 preceding and 1 preceding) as v from t", "v", "< t.x"},
		{"select id, avg(x) over (order by ts rows between 3 preceding and current row) as v from t", "v", "| t.x"},
		{"select id, avg(x) over (order by ts range between interval 3 day preceding and interval 1 hour preceding) as v from t", "v", "< t.x"},
		{"select id, y - lag(x) over (order by ts) as v from t", "v", "t.y < t.x"},
		{"select id, exists (select 1 from u where u.k = t.k and u.w > 3) as v from t", "v", "u.w"},
		{"select id, (select max(w) from u where u.k = t.k) as v from t", "v", "| u.w"},
		{"select id, x in (select w from u) as v from t", "v", "t.x u.w"},
		{"select x as v from t union all select w from u", "v", "t.x u.w"},
		{"select x as v from t except select w from u", "v", "= t.x"},
		{"select * replace (upper(k) as k) from t", "k", "t.k"},
		{"select * rename (x as v) from t", "v", "= t.x"},
		{"select id, list_transform(l, e -> e + x) as v from t", "v", "t.l t.x"},
		{"select id, unnest(l) as v from t", "v", "t.l"},
		{"select id, unnest(l) as v from t", "id", "= t.id"},
		{"with recursive r as (select x as v, 0 as n from t union all select v + 1, n + 1 from r where n < 2) select v from r", "v", "t.x"},
		{"select g, true_sum from (pivot (select g, flag, x from t) on flag in (true) using sum(x) as sum group by g)", "true_sum", "| t.flag t.x"},
	}
	b := table.NewBinder(nil)
	defer b.Close()
	for _, tt := range tests {
		flows, problems := b.Lineage(context.Background(), tt.query, lineageTables, nil)
		if d := cmp.Diff(tt.want, told(flows.Columns[tt.column])); d != "" || len(problems) > 0 {
			t.Errorf("%s: %s\n%v", tt.query, d, problems)
		}
	}
}

// TestExpandingFunctions holds the list to the engine's: those that make several rows of one are macros around unnest.
func TestExpandingFunctions(t *testing.T) {
	ctx := context.Background()
	s, err := open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.each(ctx, "select distinct function_name from duckdb_functions() where function_type = 'macro' and macro_definition ilike '%unnest(%'",
		func(row []driver.Value) error {
			if name := row[0].(string); !lineage.Expanding[name] {
				t.Errorf("%s is not listed", name)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLineageIsBounded traces queries that would take forever without care.
func TestLineageIsBounded(t *testing.T) {
	aliases := "select x as c0"
	for i := range 12 {
		aliases += fmt.Sprintf(", c%d + c%d as c%d", i, i, i+1)
	}
	nested := "exists (select 1 from u where u.k = t.k)"
	for range 8 {
		nested = "exists (select 1 from u where u.k = t.k and u.w > 1 and " + nested + ")"
	}
	b := table.NewBinder(nil)
	defer b.Close()
	for _, q := range []string{aliases + " from t", "select id, " + nested + " as e from t"} {
		if _, problems := b.Lineage(context.Background(), q, lineageTables, nil); len(problems) > 0 {
			t.Fatal(problems)
		}
	}
}

// told writes what a column is computed from: "= t.x" for a copy, else values, others after |, past after <.
func told(f component.Flow) string {
	list := func(o []component.Origin) string {
		var out []string
		for _, x := range o {
			if x.Column != "" { // that rows of a table are those of the table goes without saying
				out = append(out, x.Table+"."+x.Column)
			}
		}
		return strings.Join(out, " ")
	}
	if f.Copy != nil {
		return "= " + list([]component.Origin{*f.Copy})
	}
	out := list(f.Values)
	if len(f.Others) > 0 {
		out += " | " + list(f.Others)
	}
	if len(f.Past) > 0 {
		out += " < " + list(earlier(f))
	}
	return strings.TrimSpace(out)
}
