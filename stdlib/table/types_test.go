package table

import (
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// typedValues is a value of each of the engine's types. Those without stored cannot be kept.
var typedValues = []struct{ engine, value, stored string }{
	{"BOOLEAN", "true", "boolean"},
	{"TINYINT", "(-128)::tinyint", "tinyint"}, {"SMALLINT", "(-32768)::smallint", "smallint"},
	{"INTEGER", "(-2147483648)::integer", "integer"}, {"BIGINT", "9223372036854775807", "bigint"},
	{"UTINYINT", "255::utinyint", "utinyint"}, {"USMALLINT", "65535::usmallint", "usmallint"},
	{"UINTEGER", "4294967295::uinteger", "uinteger"}, {"UBIGINT", "18446744073709551615::ubigint", "ubigint"},
	{"HUGEINT", "1::hugeint", ""}, {"UHUGEINT", "md5_number('x')", ""}, {"BIGNUM", "1::bignum", ""},
	{"FLOAT", "0.1::float", "float"}, {"DOUBLE", "0.1::double", "double"},
	{"DECIMAL", "12345678901234567890.123::decimal(38,3)", "decimal(38,3)"},
	{"VARCHAR", "'é ''\"'", "varchar"}, {"BLOB", `'\x00\xff'::blob`, "blob"},
	{"UUID", "'00000000-0000-0000-0000-000000000001'::uuid", "uuid"}, {"JSON", `'{"a": [1, null]}'::json`, "json"},
	{"DATE", "date '2020-02-29'", "date"}, {"TIME", "time '23:59:59.999999'", "time"},
	{"TIMESTAMP", "timestamp '2020-01-01 10:00:00.000001'", "timestamp"},
	{"TIMESTAMP_S", "'2020-01-01 10:00:01'::timestamp_s", "timestamp"}, {"TIMESTAMP_MS", "'2020-01-01 10:00:01.001'::timestamp_ms", "timestamp"},
	{"TIMESTAMP_NS", "'2020-01-01 10:00:01.000000001'::timestamp_ns", "timestamp_ns"},
	{"TIMESTAMP WITH TIME ZONE", "timestamptz '2020-01-01 10:00:00.000001+01'", "timestamp with time zone"},
	{"TIME WITH TIME ZONE", "timetz '10:00:00+01'", ""}, {"TIME_NS", "'10:00:00.000000001'::time_ns", ""},
	{"INTERVAL", "interval '-1 day'", ""},
	{"BIT", "'101'::bit", "varchar"}, {"ENUM", "'b('::enum('a', 'b(')", "varchar"}, {"NULL", "null", "integer"},
	{"UNION", "union_value(n := 1)", ""}, {"VARIANT", "1::variant", ""},
	{"LIST", "[1, null]", "integer[]"}, {"STRUCT", `{'Ab': 1, 'a "b"': 'x', 'time': null}`, `struct(ab integer, "a ""b""" varchar, "time" integer)`},
	{"MAP", "map {'a': [1.5::double]}", "map(varchar, double[])"},
	{"", "[1, 2]::integer[2]", "integer[]"}, {"", "[[1, 2]::integer[2]]::integer[2][1]", "integer[][]"},
	{"", "[]", "integer[]"}, {"", "map {}", "map(integer, integer)"},
	{"", "sum(1)", "bigint"}, {"", "count_if(true)", "bigint"}, {"", "[sum(1)]", "bigint[]"}, {"", "{'s': sum(1)}", "struct(s bigint)"},
	{"", "row(1, 2)", ""}, {"", "list_zip([1], [2])", ""}, {"", "row(time '10:00:00')", ""}, {"", "9223372036854775808", ""}, {"", "20!", ""},
	{"", "sum(1::hugeint)", ""}, {"", "(md5_number('x') % 1000)::bigint", "bigint"}, {"", "(sum(2::hugeint) % 7)::bigint", "bigint"},
}

// TestEveryTypeIsStoredOrRefused walks the engine's types, alone and within lists, structs and maps: what is said to be
// yielded is what the file has, with the values as they were; all else is refused before it runs, with what to write.
func TestEveryTypeIsStoredOrRefused(t *testing.T) {
	s, err := alone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.each(t.Context(), "select distinct logical_type from duckdb_types()", func(row []driver.Value) error {
		if !slices.ContainsFunc(typedValues, func(v struct{ engine, value, stored string }) bool { return v.engine == row[0] }) {
			t.Errorf("the engine has a type %v that is not tried", row[0])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	within := []struct{ value, stored string }{
		{"%s", "%s"}, {"[%s]", "%s[]"}, {"{'a': %s, 'B': 1}", `struct(a %s, b integer)`},
		{"map {'k': %s}", "map(varchar, %s)"}, {"[{'m': map {'k': [%s]}}]", "struct(m map(varchar, %s[]))[]"},
	}
	b := NewBinder(nil)
	defer b.Close()
	for _, v := range typedValues {
		for _, w := range within {
			value, stored := fmt.Sprintf(w.value, v.value), fmt.Sprintf(w.stored, v.stored)
			query := "select " + value + " as x"
			columns, problems := b.Query(t.Context(), query, nil)
			if v.stored == "" {
				if len(problems) != 1 || problems[0].Hint == "" || problems[0].Detail == "" || !strings.Contains(problems[0].Summary, "cannot be stored") {
					t.Errorf("%s: expected a refusal, got %v %+v", value, columns, problems)
				}
				continue
			}
			if len(problems) > 0 || columns[0].Type != stored {
				t.Errorf("%s: bound as %v, expected %s; %+v", value, columns, stored, problems)
				continue
			}
			out := filepath.Join(t.TempDir(), "out.parquet")
			if _, err := Run(t.Context(), Query{SQL: query, Columns: columns, Out: out}); err != nil {
				t.Errorf("%s: %v", value, err)
				continue
			}
			got, err := s.describe(t.Context(), "select * from "+scanParquet(out))
			if err != nil || got[0].Type != stored {
				t.Errorf("%s: bound as %s, stored as %v, %v", value, stored, got, err)
			}
			row, err := s.one(t.Context(), fmt.Sprintf("select x::varchar is not distinct from (select (%s)::%s::varchar) from %s", value, stored, scanParquet(out)))
			if err != nil || row[0] != true {
				t.Errorf("%s is not what was stored (%v)", value, err)
			}
		}
	}
}

// TestTypesOfExpressions holds features to the same.
func TestTypesOfExpressions(t *testing.T) {
	b := NewBinder(nil)
	defer b.Close()
	for _, v := range typedValues {
		if strings.Contains(v.value, "sum(") || strings.Contains(v.value, "count_if(") {
			continue
		}
		c, problems := b.Expr(t.Context(), v.value, &schema.Table{}, false)
		if c.Type != v.stored || (len(problems) == 0) != (v.stored != "") {
			t.Errorf("%s: %v %+v", v.value, c, problems)
		}
		if len(problems) > 0 && !strings.HasPrefix(problems[0].Summary, "this value") {
			t.Errorf("%s: %s", v.value, problems[0].Summary)
		}
	}
}

// TestColumnsOfTheSameName are told in one.
func TestColumnsOfTheSameName(t *testing.T) {
	b := NewBinder(nil)
	defer b.Close()
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("1 as c%d", i))
	}
	all := strings.Join(many, ", ")
	for query, want := range map[string]string{
		"select 1 as a, 2 as A, 3 as b":                                      `two columns of the result are named "A"`,
		"select * from (select 1 as a, 2 as b), (select 1 as A, 2 as \"b\")": "2 names stand for two columns of the result",
		"select * from (select " + all + "), (select " + all + ")":           "40 names stand for two columns of the result",
	} {
		_, problems := b.Query(t.Context(), query, nil)
		if len(problems) != 1 || problems[0].Summary != want || len(problems[0].Detail) > 200 {
			t.Errorf("%s: %+v", query, problems)
		}
	}
}

// FuzzStoredType reads any text as a type: it ends, and what it lets pass has no reason.
func FuzzStoredType(f *testing.F) {
	for _, seed := range []string{`STRUCT(a ENUM('(', ''''), "b c" MAP(VARCHAR, HUGEINT[])[3])[]`, "STRUCT(TIME WITH TIME ZONE)", "DECIMAL(4,1)", "STRUCT(", "[", `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if stored, why := storedType(text); why == nil && stored == "" {
			t.Errorf("%q is nothing", text)
		}
		holdsHuge(text)
	})
}

// TestPreparedTellsAsDescribe holds what a prepared statement tells of columns to what the engine describes, for values of all types, alone and
// as columns of a table: the same, or nothing.
func TestPreparedTellsAsDescribe(t *testing.T) {
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	told := 0
	for i, v := range typedValues {
		name := fmt.Sprintf("t%d", i)
		if err := s.exec(t.Context(), "create table "+name+" as select "+v.value+" as X, [1, 2] as y, 'a' as z"); err != nil {
			continue // of a type that no table holds
		}
		for _, query := range []string{"select " + v.value + " as x, 'text' as y", "select X, z from " + name, "select * from " + name,
			"select a.x, b.x from " + name + " a, " + name + " b", "select x from " + name + " where x is null union all select x from " + name} {
			want, err := s.engineTypes(t.Context(), query)
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			got, ok := s.prepared(query)
			if !ok || v.engine == "JSON" {
				continue
			}
			if told++; !slices.Equal(asText(got), asText(want)) {
				t.Errorf("%s: got %v, want %v", query, got, want)
			}
		}
	}
	if told < 2*len(plainTypes) {
		t.Errorf("a prepared statement told only %d times", told)
	}
	for query, want := range map[string]bool{"select 1 as x": true, "select x::JSON as x from t": false, "select x->'a' from t": false, "select to_json(x) from t": false} {
		if got := noJSON(query, nil); got != want {
			t.Errorf("%s: got %t, want %t", query, got, want)
		}
	}
	if noJSON("select * from t", map[string]*schema.Table{"t": {Columns: []schema.Column{{Name: "x", Type: "json[]"}}}}) {
		t.Error("a table with JSON passes for one without")
	}
	for _, query := range []string{"select 1; select 2", "select nothing", "select", ""} {
		if got, ok := s.prepared(query); ok {
			t.Errorf("%q: got %v", query, got)
		}
	}
}

// asText are columns as text.
func asText(columns []schema.Column) []string {
	var out []string
	for _, c := range columns {
		out = append(out, c.Name+" "+c.Type)
	}
	return out
}
