package table

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// asOfRows makes a table of n rows with keys, times that are null or infinite, and numbers that are NaN.
func asOfRows(seed, n int) string {
	return fmt.Sprintf(`select i as id, case when hash(i*7+%[1]d) %% 5 > 0 then hash(i*3+%[1]d) %% 3 end as k, case when hash(i*5+%[1]d) %% 4 > 0 then hash(i*11+%[1]d) %% 2 end as j,
		case when hash(i+%[1]d) %% 4 = 0 then null when hash(i+%[1]d) %% 13 = 0 then 'infinity'::timestamp when hash(i+%[1]d) %% 17 = 0 then '-infinity'::timestamp
			else timestamp '2024-01-01' + to_hours((hash(i*13+%[1]d) %% 300)::int) end as ts,
		case when hash(i+%[1]d) %% 4 = 1 then null when hash(i+%[1]d) %% 13 = 1 then 'nan'::double else (hash(i*13+%[1]d) %% 50)::double end as x
		from range(%[2]d) r(i)`, seed, n)
}

// TestAsOfJoins: as-of joins of users find what brute force finds, on either side of the 64 rows from which the engine takes another
// algorithm, with nulls, infinities and ties on both sides.
func TestAsOfJoins(t *testing.T) {
	for _, n := range []int{6, 63, 64, 700} {
		s, err := open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.exec(t.Context(), "create table a as "+asOfRows(1, n), "create table b as "+asOfRows(2, n)); err != nil {
			t.Fatal(err)
		}
		for _, by := range []string{"ts", "x"} {
			for _, operator := range []string{">=", ">", "<=", "<"} {
				for _, keys := range []string{"", "a.k = b.k and ", "a.k = b.k and a.j = b.j and "} {
					nearest := "max"
					if operator[0] == '<' {
						nearest = "min"
					}
					join := fmt.Sprintf("from a asof left join b on %sa.%s %s b.%[2]s", keys, by, operator)
					if operator == ">" { // the other way round
						join = fmt.Sprintf("from a ASOF LEFT JOIN b ON %sb.%s < a.%[2]s", keys, by)
					}
					sql, err := s.withoutNulls(t.Context(), fmt.Sprintf(`select count(*) from (select a.id, b.%[1]s as found %[2]s) x
						join (select id, (select %[3]s(b.%[1]s) from b where %[4]sa.%[1]s %[5]s b.%[1]s) as found from a) y using (id) where x.found is distinct from y.found`,
						by, join, nearest, keys, operator))
					if err != nil {
						t.Fatal(err)
					}
					if row, err := s.one(t.Context(), sql); err != nil || row[0] != int64(0) {
						t.Errorf("%d rows, on %sa.%s %s …: %v are wrong, %v", n, keys, by, operator, row, err)
					}
				}
			}
		}
	}
}

// TestAsOfAmongOthers: what stands around such a join stays as it is, whatever its conditions look like.
func TestAsOfAmongOthers(t *testing.T) {
	dir := t.TempDir()
	tables := map[string]string{"a": filepath.Join(dir, "a.parquet"), "b": filepath.Join(dir, "b.parquet")}
	for name, seed := range map[string]int{"a": 1, "b": 2} {
		if _, err := Run(t.Context(), Query{SQL: asOfRows(seed, 200), Out: tables[name]}); err != nil {
			t.Fatal(err)
		}
	}
	const around = `with f as materialized (select * from b where k is not null or "ts" > '2024-01-02') select a.* exclude (j), case when f.x > 1e-3 then 'it''s' end as "a b",
		list_transform([f.k], lambda v: v + 1) as l, row_number() over (partition by a.k order by a.id desc nulls first rows between 2 preceding and current row exclude ties) as n,
		{'p': f.id, 'q': 0.10::decimal(10,2)} as s, count(*) filter (where f.id > 3) over () as c
		from a asof left join f on a.k = f.k and a.ts >= f.ts where a.id not in (select id from f where id < 3) qualify n < 50`
	out := filepath.Join(dir, "o.parquet")
	if _, err := Run(t.Context(), Query{SQL: around, Tables: tables, Out: out}); err != nil {
		t.Fatal(err)
	}
	n := filepath.Join(dir, "n.parquet")
	for _, on := range []string{"a.ts >= b.ts and a.k = b.k", `(a."k" = b.k and (a.ts) >= b.ts)`, "cast(a.ts as timestamp) >= b.ts /* on */ and a.k = b.k", "((a.k + 1) * 2) = ((b.k + 1) * 2) and b.ts <= a.ts",
		"case when a.k > 0 then a.k else a.k end = b.k and date_trunc('hour', a.ts) >= b.ts", "-a.k = -b.k and a.ts + interval 1 hour >= b.ts", "a.k::varchar || 'on ' = b.k::varchar || 'on ' and a.ts >= b.ts"} {
		if rows, err := Run(t.Context(), Query{SQL: "select a.id, b.id as other from a asof join b on " + on + " where a.ts is null or a.k is null", Tables: tables, Out: n}); err != nil || rows != 0 {
			t.Errorf("%s: got %d rows, %v", on, rows, err)
		}
	}
	if rows, err := Run(t.Context(), Query{SQL: "select * from a asof join b on a.ts >= b.ts and a.k = b.k where a.ts is null or a.k is null", Tables: tables, Out: n}); err != nil || rows != 0 {
		t.Errorf("got %d rows, %v", rows, err)
	}
}

// TestAsOfUsing: a join that names its columns once cannot be given a condition more.
func TestAsOfUsing(t *testing.T) {
	err := func() error {
		_, err := Run(t.Context(), Query{SQL: "select * from (select 1 k, 2 t) a asof join (select 1 k, 1 t) b using (k, t)", Out: filepath.Join(t.TempDir(), "o.parquet")})
		return err
	}()
	var refused *Refused
	if !errors.As(err, &refused) || !strings.Contains(refused.Problems[0].Hint, "on a.k = b.k and a.t >= b.t") {
		t.Errorf("got %v", err)
	}
}
