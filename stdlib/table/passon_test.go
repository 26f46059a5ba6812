package table

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
)

// TestTablesArePassedOnAsTheyWouldBeSorted holds what select * from a table yields to the same rows sorted and written anew, and tells of which
// tables the file is copied: those whose bytes that gives.
func TestTablesArePassedOnAsTheyWouldBeSorted(t *testing.T) {
	const n = 260_000
	sorted := " (format parquet, compression zstd, row_group_size 122880, parquet_version v1, use_tmp_file false)"
	plain := "select i, 'text ' || hash(i) as s, i / 7 as x, date '2026-01-01' + (i % 999)::integer as d, (i * 1.5)::decimal(12,2) as m, i % 3 = 0 as f from range(260000) r(i)"
	tests := []struct {
		name, rows, with string
		key              string
		copied           bool
	}{
		{"sorted by its first column", plain, sorted, "", true},
		{"the same with a key", plain, sorted, "i", true},
		{"a key of two columns", "select i // 10 as a, i % 10 as b, i::varchar as s from range(260000) r(i)", sorted, "a,b", true},
		{"the first columns tie", "select 1 as one, i // 1000 as a, 'x' as b, i from range(260000) r(i)", sorted, "", true},
		{"too many first columns tie", "select 1 as one, 2 as two, 3 as three, 4 as four, i from range(260000) r(i)", sorted, "", false},
		{"text in order", "select format('{:09d}', i) as s, i from range(260000) r(i)", sorted, "s", true},
		{"a key behind", plain, sorted, "s", false},
		{"a key of columns in another order", "select i % 10 as b, i // 10 as a from range(260000) r(i) order by b, a", sorted, "a,b", false},
		{"the other way round", "select 300000 - i as i, i as j from range(260000) r(i)", sorted, "", false},
		{"two rows in the wrong order", "select case i when 7 then 8 when 8 then 7 else i end as i from range(260000) r(i)", sorted, "", false},
		{"a null first", "select nullif(i, 0) as i, 'text ' || hash(i) as s from range(260000) r(i)", sorted, "", false},
		{"a null last", "select nullif(i, 259999) as i, 'text ' || hash(i) as s from range(260000) r(i)", sorted, "", false},
		{"-0.0", "select i, case i when 5000 then '-0.0'::double else i / 7 end as x from range(260000) r(i)", sorted, "i", false},
		{"no number", "select i, case i when 5000 then 'nan'::float else i / 7 end as x from range(260000) r(i)", sorted, "i", false},
		{"an infinite number", "select i, case i when 5000 then 'inf'::double else i / 7 end as x from range(260000) r(i)", sorted, "i", true},
		{"a list", "select i, [i, 2] as l from range(260000) r(i)", sorted, "i", false},
		{"other row groups", plain, strings.Replace(sorted, "122880", "100000", 1), "", false},
		{"another compression", plain, strings.Replace(sorted, "zstd", "snappy", 1), "", false},
		{"another version", plain, strings.Replace(sorted, "parquet_version v1", "parquet_version v2", 1), "", false},
		{"notes in the file", plain, strings.Replace(sorted, "use_tmp", "kv_metadata {a: 'b'}, use_tmp", 1), "", false},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := alone(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			in, out := filepath.Join(dir, "in.parquet"), filepath.Join(dir, "out.parquet")
			if err := errors.Join(s.exec(t.Context(), "copy ("+tt.rows+") to "+literal(in)+tt.with), s.Close()); err != nil {
				t.Fatal(err)
			}
			var key []string
			order := "all"
			if tt.key != "" {
				key = strings.Split(tt.key, ",")
				order = strings.Join(key, ", ") + ", all"
			}
			q := Query{SQL: "select * from t -- all of it", Tables: map[string]string{"t": in}, OrderBy: key, Key: Key{Columns: key}, Threads: 1 + i%2, Out: out}
			rows, err := Run(t.Context(), q)
			if err != nil || rows != n {
				t.Fatalf("%d rows, %v", rows, err)
			}
			got, want := bytesOf(t, out), filepath.Join(dir, "want.parquet")
			q.SQL, q.Out = "select * from t where true", want
			if _, err := Run(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, bytesOf(t, want)) {
				t.Errorf("other bytes than those of rows ordered by %s", order)
			}
			if copied := passedOn(t, Query{SQL: "select * from t", Tables: map[string]string{"t": in}, OrderBy: key, Key: Key{Columns: key}, Out: out}); copied != tt.copied {
				t.Errorf("copied: %t, want %t", copied, tt.copied)
			}
		})
	}
}

// TestOnlyWholeTablesArePassedOn has queries that change rows or columns, and keys that do not hold.
func TestOnlyWholeTablesArePassedOn(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in.parquet")
	if _, err := Run(t.Context(), Query{SQL: "select i, i // 2 as half, 'text ' || hash(i) as s from range(260000) r(i)", Out: in}); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]bool{
		"select * from t": true, "SELECT * FROM \"t\";": true, "(select * from t)": true, "from t": true,
		"select i, s from t": false, "select * from t where i > 5": false, "select * from t limit 5": false, "select distinct * from t": false,
		"select * exclude (s) from t": false, "select * replace (i + 1 as i) from t": false, "select * from t order by i desc": false, "select *, 1 as x from t": false,
		"select * from t union all select * from t": false, "select * from t qualify row_number() over (order by i) > 5": false,
		"select * from t a(x, y, z)": false, "select columns('i') from t": false, "select * from t using sample 10 percent (system, 5)": false,
		"with t as (select i, half, upper(s) as s from t) select * from t": false,
	} {
		if got := passedOn(t, Query{SQL: sql, Tables: map[string]string{"t": in}, Out: filepath.Join(t.TempDir(), "out")}); got != want {
			t.Errorf("%s: got %t, want %t", sql, got, want)
		}
	}
	q := Query{SQL: "select * from t", Tables: map[string]string{"t": in}, OrderBy: []string{"half"}, Key: Key{Columns: []string{"half"}}, Out: filepath.Join(t.TempDir(), "out")}
	_, err := Run(t.Context(), q)
	var e *component.InputError
	if !errors.As(err, &e) || !strings.Contains(e.Summary, "130000 of its values are shared by 260000 rows") {
		t.Errorf("got %v of a key that is shared", err)
	}
}

func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		t.Fatal(fmt.Errorf("%s: %d bytes, %w", path, len(data), err))
	}
	return data
}

// passedOn reports whether the file of a query's table is copied.
func passedOn(t *testing.T, q Query) bool {
	t.Helper()
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.views(t.Context(), q.Tables); err != nil {
		t.Fatal(err)
	}
	columns, err := s.describe(t.Context(), q.SQL)
	if err != nil {
		t.Fatal(err)
	}
	order, err := orderOf(columns, q.OrderBy)
	if err != nil {
		t.Fatal(err)
	}
	_, done, err := s.passOn(t.Context(), q, columns, order)
	if err != nil {
		t.Fatal(err)
	}
	return done
}
