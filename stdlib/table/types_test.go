package table

import (
	"path/filepath"
	"testing"
)

// TestStoredTypes holds the types that queries are said to yield to those that their files have.
func TestStoredTypes(t *testing.T) {
	values := []string{
		"1::tinyint", "1::smallint", "1::integer", "1::bigint", "1::utinyint", "1::usmallint", "1::uinteger", "1::ubigint",
		"1::hugeint", "1::uhugeint", "1.5::float", "1.5::double", "1.5::decimal(4,1)", "1.5::decimal(38,3)", "'x'::varchar", "'x'::blob", "true",
		"date '2020-01-01'", "time '10:00:00'", "timetz '10:00:00+01'", "timestamp '2020-01-01 10:00:00'", "'2020-01-01'::timestamp_s",
		"'2020-01-01'::timestamp_ms", "'2020-01-01'::timestamp_ns", "timestamptz '2020-01-01 10:00:00+01'", "interval 1 day",
		"'00000000-0000-0000-0000-000000000001'::uuid", "'{}'::json", "[1, 2]", "[[1], [2]]", "{'Ab': 1, 'c': [1.5::double]}", "map {'a': 1}",
		"[1, 2]::integer[2]", "'a'::enum('a', 'b')", "'101'::bit", "null",
	}
	b := NewBinder(nil)
	defer b.Close()
	for _, v := range values {
		query := "select " + v + " as x"
		columns, problems := b.Query(t.Context(), query, nil)
		if len(problems) > 0 {
			t.Errorf("%s: %+v", v, problems)
			continue
		}
		out := filepath.Join(t.TempDir(), "out.parquet")
		if _, err := Run(t.Context(), Query{SQL: query, Columns: columns, Out: out}); err != nil {
			t.Errorf("%s: %v", v, err)
			continue
		}
		s, err := open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.describe(t.Context(), "select * from "+scanParquet(out))
		s.Close()
		if err != nil || got[0].Type != columns[0].Type {
			t.Errorf("%s: bound as %s, stored as %v, %v", v, columns[0].Type, got, err)
		}
	}
}
