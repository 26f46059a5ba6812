package table

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// written has a query's rows written in the order of some columns, and the session that wrote them.
func written(t *testing.T, query, order string) (*session, string) {
	t.Helper()
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	out := filepath.Join(t.TempDir(), "table.parquet")
	if _, err := s.copyParquet(t.Context(), query+" order by "+order, out); err != nil {
		t.Fatal(err)
	}
	return s, out
}

// TestApart: keys are seen to tell rows apart in the bytes of a file, and never where they do not.
func TestApart(t *testing.T) {
	for _, tt := range []struct {
		query string
		key   []string
		want  bool
	}{
		{"select range as id from range(3)", []string{"id"}, true},
		{"select range as id from range(0)", []string{"id"}, false}, // no rows, no group of them
		{"select range as id from range(1)", []string{"ID"}, true},
		{"select range // 2 as id from range(4)", []string{"id"}, false},
		{"select nullif(range, 2) as id from range(4)", []string{"id"}, false},
		{"select null::bigint as id", []string{"id"}, false},
		{"select 'a' || range as id, range as x from range(2000)", []string{"id"}, true},
		{"select 'a' || range // 2 as id, range as x from range(2000)", []string{"id"}, false},
		{"select 'a' || range // 2 as id, range as x from range(2000)", []string{"id", "x"}, true}, // a dictionary
		{"select 'a' || range % 7 as id, range // 7 as x from range(2000)", []string{"id", "x"}, true},
		{"select 'a' || range % 7 as id, least(range // 7, 284) as x from range(2000)", []string{"id", "x"}, false},
		{"select case range when 0 then '' else 'x' end as id from range(2)", []string{"id"}, true},
		{"select date '2026-01-01' + range::int as id from range(400)", []string{"id"}, true},
		{"select range::decimal(10, 2) as id from range(400)", []string{"id"}, true},
		{"select range::double as id from range(3)", []string{"id"}, false},           // the engine is asked
		{"select range = 1 as id from range(2)", []string{"id"}, false},               // and here
		{"select [range] as id from range(2)", []string{"id"}, false},                 // and here
		{"select hash(range)::varchar as id from range(9000)", []string{"id"}, false}, // and of files that are not small
		{"select {'a': range} as id from range(2)", []string{"id"}, false},            // and where columns have parts
		{"select range as x from range(2)", []string{"id"}, false},                    // no such column
	} {
		key := ""
		for i, k := range tt.key {
			key += map[bool]string{true: ", "}[i > 0] + Quote(k)
		}
		if tt.key[0] == "id" && tt.query == "select range as x from range(2)" {
			key = "x"
		}
		s, out := written(t, tt.query, key)
		if got := s.apart(out, tt.key); got != tt.want {
			t.Errorf("%s by %v: got %v, want %v", tt.query, tt.key, got, tt.want)
		}
	}
}

// TestApartAgrees: of tables of chance, where the bytes say that a key tells rows apart the engine says so too, and mostly the other way round.
func TestApartAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	missed := 0
	s, out := written(t, "select 1 as id", "id")
	at, err := s.plain(out)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		rows, many := 1+r.IntN(3000), 1+r.IntN(4000)
		query := fmt.Sprintf("select (hash(range, %d)::varchar)[:3] || range %% %d as a, (hash(range, %d) %% %d)::bigint as b, nullif(range %% %d, %d)::int as c from range(%d)",
			i, many, i+1, many, many, r.IntN(2*many), rows)
		if _, err := s.copyParquet(t.Context(), query+" order by a, b, c", out); err != nil {
			t.Fatal(err)
		}
		for _, key := range [][]string{{"a"}, {"a", "b"}, {"a", "b", "c"}} {
			err := s.checkKey(t.Context(), scanParquet(at), Key{Columns: key})
			var input *component.InputError
			if err != nil && !errors.As(err, &input) {
				t.Fatal(err)
			}
			switch got := s.apart(out, key); {
			case got && err != nil:
				t.Errorf("%s by %v: got true, and %v", query, key, err)
			case !got && err == nil:
				missed++
			}
		}
	}
	if missed > 50 {
		t.Errorf("%d of 300 keys are not seen to tell rows apart", missed)
	}
}

// FuzzHybrid: whatever is in a file, it is read or not, and nothing falls over.
func FuzzHybrid(f *testing.F) {
	f.Add([]byte{6, 1}, 1, 3)
	f.Add([]byte{3, 0b10001000, 0b11000110, 0b11111010}, 3, 8)
	f.Fuzz(func(t *testing.T, text []byte, bits, count int) {
		bits, count = max(0, min(bits, 16)), max(0, min(count, 5000))
		if out, ok := hybrid(text, bits, count); ok && len(out) != count {
			t.Errorf("got %d numbers, want %d", len(out), count)
		}
	})
}

func TestHybrid(t *testing.T) {
	// The second is the example of the specification: 0 to 7 in three bits each.
	for _, tt := range []struct {
		text []byte
		bits int
		want []uint32
	}{{[]byte{6, 1}, 1, []uint32{1, 1, 1}}, {[]byte{3, 0b10001000, 0b11000110, 0b11111010}, 3, []uint32{0, 1, 2, 3, 4, 5, 6, 7}}} {
		if got, ok := hybrid(tt.text, tt.bits, len(tt.want)); !ok || fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%v: got %v, %v, want %v", tt.text, got, ok, tt.want)
		}
	}
}

// TestKnownQueries: a query whose tables are known yields the bytes and the mistakes that it yields where the engine is asked.
func TestKnownQueries(t *testing.T) {
	dir := t.TempDir()
	in := map[string]string{"s": filepath.Join(dir, "s.parquet"), "u": filepath.Join(dir, "u.parquet")}
	typed := map[string][]schema.Column{
		"s": {{Name: "id", Type: "bigint"}, {Name: "name", Type: "varchar"}, {Name: "day", Type: "date"}, {Name: "since", Type: "timestamp"}, {Name: "x", Type: "double"}},
		"u": {{Name: "id", Type: "bigint"}, {Name: "ok", Type: "boolean"}, {Name: "n", Type: "integer"}},
	}
	for name, query := range map[string]string{
		"s": "select range as id, 'n' || range % 3 as name, date '2026-01-01' + range::int as day, timestamp '2026-01-01' + interval (range) hour as since, range / 3 as x from range(50)",
		"u": "select range as id, range % 2 = 0 as ok, range::int as n from range(20)",
	} {
		s, err := open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.copyParquet(t.Context(), query, in[name]); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if !hasColumns(in[name], typed[name]) {
			t.Errorf("the columns of %s are not seen", name)
		}
		if hasColumns(in[name], typed[name][1:]) || hasColumns(in[name], append(typed[name][:0:0], typed["u"]...)) && name != "u" {
			t.Errorf("%s is taken for another table", name)
		}
	}
	sameKnown(t, in, typed, []string{
		"select * from s",
		"select * from S where x > 3 order by x limit 4",
		"with s as (select id + 1 as id from s) select * from s",
		"with recursive r as (select 1 as id union all select id + 1 from r where id < 5) select r.id, n from r join u using (id)",
		"select s.id, (select count(*) from u where u.id <= s.id) as n from s -- the end",
		"from u",
		"select name, sum(x) as x, min(since) as since from s group by all",
		"select id from s union all select id from u",
		"select s.id, u.n from s asof join u on s.id >= u.id",
		"select a.id from s a, s b where a.id = b.id + 1",
		"pivot u on ok in (true, false) using sum(n) group by id",
		"select id, u from u",
		"select id // (id - 3) as q, error('row ' || id) as e from u where id = 7",
	})
}

// TestKnownQueriesOfThreads is the same for the queries that package threads judges.
func TestKnownQueriesOfThreads(t *testing.T) {
	text, err := os.ReadFile("threads/testdata/queries.sql")
	if err != nil {
		t.Fatal(err)
	}
	tables, typed := map[string]string{}, map[string][]schema.Column{}
	for name, sql := range manyRows {
		tables[name] = filepath.Join(t.TempDir(), name+".parquet")
		if _, err := Run(t.Context(), Query{SQL: strings.Replace(sql, "300000", "300", 1), Out: tables[name]}); err != nil {
			t.Fatal(err)
		}
		s, err := open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at, err := s.plain(tables[name])
		if err != nil {
			t.Fatal(err)
		}
		typed[name], err = s.describe(t.Context(), "select * from "+scanParquet(at))
		if err = errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		if !hasColumns(tables[name], typed[name]) {
			t.Errorf("the columns of %s are not seen", name)
		}
	}
	sameKnown(t, tables, typed, strings.Split(strings.TrimSpace(string(text)), "\n"))
}

// sameKnown runs queries over tables whose columns are known, and over the same where the engine is asked.
func sameKnown(t *testing.T, tables map[string]string, typed map[string][]schema.Column, queries []string) {
	t.Helper()
	b := NewBinder(nil)
	defer b.Close()
	shapes := map[string]*schema.Table{}
	for name, columns := range typed {
		shapes[name] = &schema.Table{Columns: columns}
	}
	known := 0
	for _, query := range queries {
		columns, problems := b.Query(context.Background(), query, shapes)
		if len(problems) > 0 {
			continue
		}
		var bytes, errs [2]string
		out := filepath.Join(t.TempDir(), "out.parquet")
		for i, typed := range []map[string][]schema.Column{nil, typed} {
			first := []string{columns[0].Name}
			if _, err := Run(t.Context(), Query{SQL: query, Tables: tables, Typed: typed, Columns: columns, OrderBy: first, Key: Key{Columns: first}, Out: out}); err != nil {
				errs[i] = err.Error()
			}
			bytes[i] = string(fileBytes(t, out))
		}
		known++
		if bytes[0] != bytes[1] || errs[0] != errs[1] {
			t.Errorf("%s: %d and %d bytes, %q and %q", query, len(bytes[0]), len(bytes[1]), errs[0], errs[1])
		}
	}
	if 2*known < len(queries) {
		t.Errorf("of %d queries only %d are sound", len(queries), known)
	}
}

// fileBytes are those of a file; nil: there is none.
func fileBytes(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return data
}
