package table

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// manyRows are the tables of threads/testdata/queries.sql with 300,000 rows: with ties, nulls, 0.0 and -0.0, and sums that are rounded.
var manyRows = map[string]string{
	"p": `select i as id, (hash(i) % 1000)::integer as card, (hash(i + 1) % 100000)::bigint as cents,
		case hash(i + 2) % 20 when 0 then 0.0 when 1 then '-0.0'::double when 2 then 'nan'::double when 3 then null else (hash(i + 3) % 1000000) / 7.0 end as amount,
		'city ' || hash(i + 4) % 50 as city, date '2024-01-01' + (hash(i + 5) % 60)::integer as day,
		timestamp '2024-01-01' + to_hours((hash(i + 6) % 5000)::integer) as ts, ((hash(i + 7) % 100000) / 100)::decimal(12,2) as d,
		hash(i + 8) % 2 = 0 as flag from range(300000) r(i)`,
	"c": "select i::integer as card, 'city ' || hash(i) % 50 as city, (hash(i + 1) % 1000)::integer as max from range(1000) r(i)",
	"e": "select (hash(i) % 100)::integer as k, 'v' || hash(i + 1) % 100 as v from range(300000) r(i)",
}

var manyKeys = map[string][]string{"p": {"id"}, "c": {"card"}}

// onThreads runs a query and returns the file that it wrote.
func onThreads(t *testing.T, sql string, tables map[string]string, threads int) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.parquet")
	if _, err := Run(t.Context(), Query{SQL: sql, Tables: tables, Keys: manyKeys, Threads: threads, Out: out}); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// spread returns whether a query may run on several threads.
func spread(t *testing.T, sql string, tables map[string]string) bool {
	t.Helper()
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	files, err := s.views(t.Context(), tables)
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.threadsFor(t.Context(), Query{Tables: tables, Keys: manyKeys, Threads: 2}, sql, files)
	if err != nil {
		t.Fatal(err)
	}
	return n == 2
}

func writeMany(t *testing.T) map[string]string {
	t.Helper()
	tables := map[string]string{}
	for name, sql := range manyRows {
		tables[name] = filepath.Join(t.TempDir(), name+".parquet")
		if _, err := Run(t.Context(), Query{SQL: sql, Out: tables[name]}); err != nil {
			t.Fatal(err)
		}
	}
	return tables
}

// TestSameBytesOnThreads runs each query of threads/testdata that may run on several threads, and generated ones, with 1, 2 and 8, and with MLP_SOAK=1 with 3 to 7
// too.
func TestSameBytesOnThreads(t *testing.T) {
	counts := []int{2, 8}
	if os.Getenv("MLP_SOAK") != "" {
		counts = []int{2, 3, 4, 5, 6, 7, 8}
	}
	tables := writeMany(t)
	text, err := os.ReadFile("threads/testdata/queries.sql")
	if err != nil {
		t.Fatal(err)
	}
	queries := strings.Split(strings.TrimSpace(string(text)), "\n")
	generated := len(queries)
	for n := range 16 {
		g := &shuffling{rand.New(rand.NewPCG(uint64(n), 7))}
		queries = append(queries, g.query())
	}
	harmless := 0
	for i, sql := range queries {
		if !spread(t, sql, tables) {
			continue
		}
		if i >= generated {
			harmless++
		}
		want := onThreads(t, sql, tables, 1)
		for _, n := range counts {
			if !bytes.Equal(onThreads(t, sql, tables, n), want) {
				t.Errorf("on %d threads other bytes: %s", n, sql)
			}
		}
	}
	if harmless < 6 {
		t.Errorf("of the generated queries only %d may run on several threads", harmless)
	}
}

// TestOtherBytesOnThreads runs queries on several threads that may not: that their bytes differ shows that the test above can.
func TestOtherBytesOnThreads(t *testing.T) {
	tables := writeMany(t)
	for _, sql := range []string{
		"select card, sum(amount) as s from p where not isnan(amount) group by card",
		"select card, first(city) as x from p group by card",
		"select card, list(city) as x from p group by card",
		"select card, string_agg(city, ',' order by ts) as x from p group by card",
		"select distinct on (card) card, city, ts from p order by card, day",
		"select id, row_number() over (partition by card order by day) as n from p",
		"select id, lag(cents) over (partition by card order by day) as n from p",
		"select card, max(zero)::varchar as s from (select card, case when flag then '-0.0'::double else 0.0 end as zero from p) group by card",
	} {
		if spread(t, sql, tables) {
			t.Errorf("may run on several threads: %s", sql)
		}
		if !differs(t, sql, tables) {
			t.Errorf("the same bytes each time on several threads: %s", sql)
		}
	}
}

// differs reports whether a query gives other bytes on several threads than on one, in some of ten runs.
func differs(t *testing.T, sql string, tables map[string]string) bool {
	t.Helper()
	var want []byte
	for i := range 10 {
		out := filepath.Join(t.TempDir(), "out.parquet")
		if err := unchecked(t.Context(), sql, tables, 1+min(i, 1)*3, out); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = got
		} else if !bytes.Equal(got, want) {
			return true
		}
	}
	return false
}

// unchecked runs a query on several threads, whatever it is.
func unchecked(ctx context.Context, sql string, tables map[string]string, threads int, out string) error {
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.views(ctx, tables); err != nil {
		return err
	}
	columns, err := s.describe(ctx, sql)
	if err != nil {
		return err
	}
	order, err := totalOrder(columns, nil)
	if err != nil {
		return err
	}
	return s.wide(ctx, threads, func() error {
		_, err := s.copyParquet(ctx, fmt.Sprintf("select %s from (%s\n) order by %s", casts(columns), sql, order), out)
		return err
	})
}

// shuffling makes queries over the tables of manyRows: filters, joins, groups, windows, sets and limits, one within another.
type shuffling struct{ r *rand.Rand }

func (g *shuffling) pick(of ...string) string { return of[g.r.IntN(len(of))] }

// rows is something with the columns of p.
func (g *shuffling) rows(depth int) string {
	if depth == 0 {
		return "p"
	}
	of := g.rows(depth - 1)
	return "(" + g.pick(
		"select * from "+of+" where "+g.pick("cents % 3 = 0", "amount > 100", "city < 'city 3'", "flag"),
		"select a.* from "+of+" a join c on a.card = c.card and c.max > 200",
		"select a.* from "+of+" a semi join c on a.city = c.city and c.max > 900",
		"select distinct "+g.pick("*", "id, card, cents, 1.5 as amount, city, day, ts, d, flag")+" from "+of,
		"select * from "+of+" qualify row_number() over (partition by card, day order by "+g.pick("ts, id", "ts", "id")+") <= 20",
		"select * from "+of+" union all select * from "+of+" where flag",
		"select * from "+of+" except select * from p where cents > 90000",
		"select * from "+of+" order by "+g.pick("ts, id", "ts", "cents desc, id")+" limit 60000",
	) + ")"
}

func (g *shuffling) query() string {
	of := g.rows(g.r.IntN(3))
	switch g.r.IntN(4) {
	case 0:
		return "with q as (select * from " + of + " q) select " + g.pick("card", "city", "day, flag", "id") + ", " + g.aggregates() + " from q group by all"
	case 1:
		return "select id, " + g.pick("sum(cents)", "count(*)", "max(d)", "avg(cents)", "sum(amount)") + " over (partition by card order by " +
			g.pick("ts", "day", "ts, id") + g.pick("", " rows between 5 preceding and current row", " range between unbounded preceding and current row exclude no others") + ") as w from " + of + " q"
	case 2:
		return "select q.*, s.n from " + of + " q left join (select card, count(*) as n from " + g.rows(1) + " q group by card) s using (card)"
	}
	return "select * from " + of + " q"
}

func (g *shuffling) aggregates() string {
	return strings.Join([]string{
		g.pick("count(*)", "sum(cents)", "avg(d)", "max(ts)", "sum(amount)") + " as a",
		g.pick("min(city)", "first(city order by id)", "arg_max(city, id)", "string_agg(city, ',' order by ts, city)", "list(city order by city)", "first(city)") + " as b",
	}, ", ")
}

// TestLoadsAreTheSameOnThreads loads CSV, JSON and Parquet with 1, 2, 4 and 8 threads: lines in quotes that hold the delimiter, others that go
// on over lines, rows that are equal.
func TestLoadsAreTheSameOnThreads(t *testing.T) {
	dir := t.TempDir()
	s, err := alone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const rows = `select i % 1000 as a, case i % 3 when 0 then '-0.0'::double when 1 then 0.0 else sin(i) end as b, 'x, "' || hash(i) || '"' as c,
		timestamp '2024-01-01' + to_seconds(i % 777) as d from range(80000) r(i)`
	for file, format := range map[string]string{"a.csv": "format csv, header true", "a.json": "format json", "a.parquet": "format parquet"} {
		if err := s.exec(t.Context(), "copy ("+rows+") to "+literal(filepath.Join(dir, file))+" ("+format+")"); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("1,2.5,\"over\nlines\",2024-01-01 00:00:00\n7,-0.0,,2024-01-01 00:00:01\n", 30000)
	if err := os.WriteFile(filepath.Join(dir, "long.csv"), []byte("a,b,c,d\n"+long), 0o600); err != nil {
		t.Fatal(err)
	}
	columns := []CSVColumn{{Column: schema.Column{Name: "a", Type: "bigint"}}, {Column: schema.Column{Name: "b", Type: "double"}},
		{Column: schema.Column{Name: "c", Type: "varchar"}}, {Column: schema.Column{Name: "d", Type: "timestamp"}}}
	for _, name := range []string{"a.csv", "long.csv", "a.json", "a.parquet"} {
		files, out := []File{{filepath.Join(dir, name), name}}, filepath.Join(dir, "out")
		if !large([]string{files[0].Path}) {
			t.Errorf("%s is not large", name)
		}
		var want []byte
		for _, n := range []int{1, 2, 4, 8} {
			switch filepath.Ext(name) {
			case ".csv":
				_, err = CSV{Files: files, Header: true, Threads: n}.Load(t.Context(), columns, out)
			case ".json":
				_, err = JSON{Files: files, Threads: n}.Load(t.Context(), columns, out)
			default:
				_, err = LoadParquet(t.Context(), files, columns, n, out)
			}
			if err != nil {
				t.Fatalf("%s on %d threads: %v", name, n, err)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if n == 1 {
				want = got
			} else if !bytes.Equal(got, want) {
				t.Errorf("%s: other bytes on %d threads", name, n)
			}
		}
	}
}

// TestLittleMemoryOnThreads sorts more than the engine may hold, on several threads.
func TestLittleMemoryOnThreads(t *testing.T) {
	tables := map[string]string{"w": filepath.Join(t.TempDir(), "w.parquet")}
	if _, err := Run(t.Context(), Query{SQL: "select i, hash(i) as h, 'some text ' || i as s from range(1200000) r(i)", Out: tables["w"]}); err != nil {
		t.Fatal(err)
	}
	const sql = "select h, s, i from w"
	want := onThreads(t, sql, tables, 1)
	t.Setenv("MLP_MEMORY_MB", "300")
	for _, n := range []int{1, 8} {
		if !bytes.Equal(onThreads(t, sql, tables, n), want) {
			t.Errorf("with little memory other bytes on %d threads", n)
		}
	}
}

// TestMistakesAreTheSameOnThreads tells of a query with several mistakes in its data the same one on several threads.
func TestMistakesAreTheSameOnThreads(t *testing.T) {
	tables := map[string]string{"w": filepath.Join(t.TempDir(), "w.parquet")}
	if _, err := Run(t.Context(), Query{SQL: "select i, case i % 70000 when 5 then 'x' || i else i::varchar end as s from range(400000) r(i)", Out: tables["w"]}); err != nil {
		t.Fatal(err)
	}
	q := Query{SQL: "select s::bigint as n from w", Tables: tables, Out: filepath.Join(t.TempDir(), "out")}
	_, want := Run(t.Context(), q)
	q.Threads = 8
	for range 3 {
		if _, got := Run(t.Context(), q); got == nil || got.Error() != want.Error() {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
