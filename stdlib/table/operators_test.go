package table

import (
	"cmp"
	"database/sql/driver"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The queries that components write rest on the engine's operators. Each is held here by brute force, with nulls, NaN,
// infinities and ties, on both sides of where the engine takes another algorithm: below 64 rows it joins as of a time by a
// nested loop, 2,048 rows are a vector, 122,880 a row group.

// operatorSizes are numbers of rows. Text, quantiles and windows of components have tests of their own.
var operatorSizes = []int{1, 2, 63, 64, 65, 2047, 2048, 2049, 5000, 130_000}

// given is a row of the tables that operators are tried on. Text and numbers are written as the engine writes them; "" is
// null.
type given struct {
	id      int64
	k, x, t string
}

// wild makes a table of n rows as SQL, from a hash of the row's number: k is text with ties, x a double, t a timestamp.
func wild(n, salt int) string {
	return fmt.Sprintf(`select i as id,
  case when hash(i * 8 + %[2]d) %% 9 > 0 then 'k' || hash(i * 8 + %[2]d + 1) %% %[3]d end as k,
  case hash(i * 8 + %[2]d + 2) %% 13 when 0 then null when 1 then 'nan'::double when 2 then 'inf'::double when 3 then '-inf'::double when 4 then -0.0::double
    else (hash(i * 8 + %[2]d + 3) %% 40)::double / 4 - 5 end as x,
  case hash(i * 8 + %[2]d + 4) %% 12 when 0 then null when 1 then timestamp 'infinity' when 2 then timestamp '-infinity'
    else timestamp '1969-12-31 20:00:00' + to_minutes((hash(i * 8 + %[2]d + 5) %% 600)::bigint) end as t
from range(%[1]d) r(i)`, n, salt, n/12+2)
}

// tried are the tables l and r, in memory as rows and in files as the engine reads them.
type tried struct {
	s    *session
	l, r []given
}

func try(t *testing.T, n, m int) *tried {
	t.Helper()
	files := map[string]string{}
	for name, sql := range map[string]string{"l": wild(n, 1), "r": wild(m, 77)} {
		files[name] = filepath.Join(t.TempDir(), name+".parquet")
		if _, err := Run(t.Context(), Query{SQL: sql, Out: files[name], OrderBy: []string{"id"}}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.views(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	x := &tried{s: s}
	for name, rows := range map[string]*[]given{"l": &x.l, "r": &x.r} {
		// read as text, row by row, without any operator
		err := s.each(t.Context(), "select id, coalesce(k, ''), coalesce(x::varchar, ''), coalesce(t::varchar, '') from "+name, func(row []driver.Value) error {
			*rows = append(*rows, given{row[0].(int64), row[1].(string), row[2].(string), row[3].(string)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return x
}

// rows of a query as text, values parted by "|", null for nulls. Zero has no sign.
func (x *tried) rows(t *testing.T, query string) []string {
	t.Helper()
	var out []string
	err := x.s.each(t.Context(), "select coalesce(columns(*)::varchar, 'null') from ("+query+"\n)", func(row []driver.Value) error {
		values := make([]string, len(row))
		for i, v := range row {
			values[i] = canonical(v.(string))
		}
		out = append(out, strings.Join(values, "|"))
		return nil
	})
	if err != nil {
		t.Fatalf("%v in %s", err, query)
	}
	return out
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

// place is where a value of x stands in the engine's order: infinities at their ends, NaN above all numbers, null last.
func place(x string) (int, float64) {
	switch x {
	case "":
		return 2, 0
	case "nan":
		return 1, 0
	}
	var v float64
	if _, err := fmt.Sscan(x, &v); err != nil {
		panic(err)
	}
	return 0, v
}

func compareX(a, b string) int {
	p, v := place(a)
	q, w := place(b)
	return cmp.Or(cmp.Compare(p, q), cmp.Compare(v, w))
}

// compareText has null last.
func compareText(a, b string) int {
	if (a == "") != (b == "") {
		return cmp.Compare(len(b), len(a))
	}
	return strings.Compare(a, b)
}

// inOrder orders times as text: the years here have four digits.
func inOrder(t string) string {
	switch t {
	case "infinity":
		return "9"
	case "-infinity":
		return "0"
	}
	return t
}

func finiteTime(t string) bool { return t != "" && t != "infinity" && t != "-infinity" }

// operators are queries, written as components write them, and what they must give.
var operators = []struct {
	name, query string
	want        func(x *tried) []string
}{
	{"order by, of all kinds", `select id from l order by x asc nulls last, t asc nulls last, k asc nulls last, id asc nulls last`, func(x *tried) []string {
		return ids(inTheOrder(x.l, func(a, b given) int {
			return cmp.Or(compareX(a.x, b.x), compareText(inOrder(a.t), inOrder(b.t)), compareText(a.k, b.k), cmp.Compare(a.id, b.id))
		}))
	}},
	{"descending", `select id from l order by x desc nulls last, id desc nulls last`, func(x *tried) []string {
		return ids(inTheOrder(x.l, func(a, b given) int {
			p, _ := place(a.x)
			q, _ := place(b.x)
			if (p == 2) != (q == 2) {
				return cmp.Compare(p, q)
			}
			return cmp.Or(-compareX(a.x, b.x), -cmp.Compare(a.id, b.id))
		}))
	}},
	{"limit and offset", `select (select epoch_us(t) from l where isfinite(t) order by 1 limit 1 offset (select count(*) // 2 from l where isfinite(t)))`, func(x *tried) []string {
		times := inTheOrder(slices.DeleteFunc(slices.Clone(x.l), func(g given) bool { return !finiteTime(g.t) }), func(a, b given) int { return strings.Compare(a.t, b.t) })
		if len(times) == 0 {
			return []string{"null"}
		}
		return []string{micro(times[len(times)/2].t)}
	}},
	{"numbers of rows as stored", `select * from (select id - row_number() over () as d from l) where d <> -1`, func(*tried) []string { return nil }},
	{"latest of an instant", `select id from l where t is not null qualify row_number() over (partition by k, t order by x desc nulls last, id desc nulls last) = 1 order by id`, func(x *tried) []string {
		best := map[[2]string]given{}
		for _, g := range x.l {
			was, have := best[[2]string{g.k, g.t}]
			if g.t != "" && (!have || later(g, was)) {
				best[[2]string{g.k, g.t}] = g
			}
		}
		var out []given
		for _, g := range best {
			out = append(out, g)
		}
		return ids(inTheOrder(out, func(a, b given) int { return cmp.Compare(a.id, b.id) }))
	}},
	{"counts by value", `select k, count(*), count(x), count(distinct x), min(x), max(x), bool_and(isfinite(x)) from l group by k order by k asc nulls last`, byValue},
	{"counts beside rows", `select count(*) filter (where n > 1 and x is not null) from (select *, count(*) over (partition by x) as n from l)`, func(x *tried) []string {
		n, twice := map[string]int{}, 0
		for _, g := range x.l {
			n[canonical(g.x)]++
		}
		for _, g := range x.l {
			if g.x != "" && n[canonical(g.x)] > 1 {
				twice++
			}
		}
		return []string{fmt.Sprint(twice)}
	}},
	{"values that stand twice", `select count(*), coalesce(sum(n), 0)::bigint from (select count(*) as n from l where k is not null and x is not null group by k, x having count(*) > 1)`, func(x *tried) []string {
		n := map[[2]string]int{}
		for _, g := range x.l {
			if g.k != "" && g.x != "" {
				n[[2]string{g.k, canonical(g.x)}]++
			}
		}
		values, rows := 0, 0
		for _, c := range n {
			if c > 1 {
				values, rows = values+1, rows+c
			}
		}
		return []string{fmt.Sprintf("%d|%d", values, rows)}
	}},
	{"one of some values", `select count(*) filter (where k in ('k0', 'k1')), count(*) filter (where k not in ('k0', 'k1')), count(*) filter (where not coalesce(x in (0.0, 1.25), false)), count(*) filter (where x between -1 and 1) from l`, func(x *tried) []string {
		var in, out, rest, between int
		for _, g := range x.l {
			p, v := place(g.x)
			switch {
			case g.k == "k0" || g.k == "k1":
				in++
			case g.k != "":
				out++
			}
			if p != 0 || v != 0 && v != 1.25 {
				rest++
			}
			if p == 0 && v >= -1 && v <= 1 {
				between++
			}
		}
		return []string{fmt.Sprintf("%d|%d|%d|%d", in, out, rest, between)}
	}},
	{"the newest time", `select max(greatest(make_timestamp(epoch_us(a)), make_timestamp(epoch_us(b)))) from (select t as a, lag(t) over (order by id) as b from l)`, func(x *tried) []string {
		top := ""
		for _, g := range x.l {
			if finiteTime(g.t) {
				top = max(top, g.t)
			}
		}
		return []string{orNull(top)}
	}},
	{"join by keys that may be null", `select l.id, r.id from l left join r on l.k is not distinct from r.k and l.x is not distinct from r.x where r.id is null or r.id % 3 = 0 order by l.id, r.id`, func(x *tried) []string {
		return joined(x, func(l, r given) bool { return l.k == r.k && canonical(l.x) == canonical(r.x) }, func(g given) string { return g.k + "|" + canonical(g.x) },
			func(r given) bool { return r.id%3 == 0 })
	}},
	{"join by keys", `select l.id, r.id from l left join r on l.k = r.k and l.t = r.t order by l.id, r.id`, func(x *tried) []string {
		return joined(x, func(l, r given) bool { return l.k != "" && l.t != "" && l.k == r.k && l.t == r.t }, func(g given) string { return g.k + "|" + g.t }, nil)
	}},
	{"rows side by side", `select * from (select a.id - b.id as d from l a positional join (select * from l) b) where d is distinct from 0`, func(*tried) []string { return nil }},
	{"one table below the other", `select count(*), count(t), count(k) from (select * from l union all by name select id, t from r)`, func(x *tried) []string {
		times, keys := 0, 0
		for _, g := range append(slices.Clone(x.l), x.r...) {
			if g.t != "" {
				times++
			}
		}
		for _, g := range x.l {
			if g.k != "" {
				keys++
			}
		}
		return []string{fmt.Sprintf("%d|%d|%d", len(x.l)+len(x.r), times, keys)}
	}},
	{"draws with repetition", `select d, count(*), sum(l.id)::bigint from l, (select id % 7 as d, (id * 31) % 100 as at from r) drawn where l.id = drawn.at group by d order by d`, func(x *tried) []string {
		n, total := map[int64]int{}, map[int64]int64{}
		for _, r := range x.r {
			if at := r.id * 31 % 100; at < int64(len(x.l)) {
				n[r.id%7]++
				total[r.id%7] += at
			}
		}
		var out []string
		for d := range int64(7) {
			if n[d] > 0 {
				out = append(out, fmt.Sprintf("%d|%d|%d", d, n[d], total[d]))
			}
		}
		return out
	}},
}

func inTheOrder(rows []given, compare func(a, b given) int) []given {
	out := slices.Clone(rows)
	slices.SortFunc(out, compare)
	return out
}

func ids(rows []given) []string {
	var out []string
	for _, g := range rows {
		out = append(out, fmt.Sprint(g.id))
	}
	return out
}

// later tells whether a stands before b where x is descending, nulls last, then the id.
func later(a, b given) bool {
	if (a.x == "") != (b.x == "") {
		return b.x == ""
	}
	return cmp.Or(compareX(a.x, b.x), cmp.Compare(a.id, b.id)) > 0
}

// canonical is x without the sign of zero, which no comparison sees.
func canonical(x string) string {
	if x == "-0.0" {
		return "0.0"
	}
	return x
}

func micro(t string) string {
	var y, mo, d, h, mi, s int
	if _, err := fmt.Sscanf(t, "%d-%d-%d %d:%d:%d", &y, &mo, &d, &h, &mi, &s); err != nil {
		panic(err)
	}
	days := 0
	if y == 1969 {
		days = d - 32 // all are in December
	} else {
		days = d - 1
	}
	return fmt.Sprint((((days*24+h)*60+mi)*60 + s) * 1_000_000)
}

// byValue groups by k.
func byValue(x *tried) []string {
	groups := map[string][]given{}
	for _, g := range x.l {
		groups[g.k] = append(groups[g.k], g)
	}
	keys := slices.Collect(func(yield func(string) bool) {
		for k := range groups {
			if !yield(k) {
				return
			}
		}
	})
	slices.SortFunc(keys, compareText)
	var out []string
	for _, k := range keys {
		values, distinct, finite := 0, map[string]bool{}, "null"
		var least, most string
		for _, g := range groups[k] {
			if g.x == "" {
				continue
			}
			c := canonical(g.x)
			if values == 0 || compareX(c, least) < 0 {
				least = c
			}
			if values == 0 || compareX(c, most) > 0 {
				most = c
			}
			if p, v := place(c); p != 0 || math.IsInf(v, 0) {
				finite = "false"
			} else if finite == "null" {
				finite = "true"
			}
			values++
			distinct[c] = true
		}
		out = append(out, fmt.Sprintf("%s|%d|%d|%d|%s|%s|%s", orNull(k), len(groups[k]), values, len(distinct), orNull(least), orNull(most), finite))
	}
	return out
}

// joined is a left join, by buckets of what is equal if rows match; keep leaves only some matches, and rows of the left
// without any match at all.
func joined(x *tried, match func(l, r given) bool, bucket func(given) string, keep func(r given) bool) []string {
	right := map[string][]given{}
	for _, r := range x.r {
		right[bucket(r)] = append(right[bucket(r)], r)
	}
	var out []string
	for _, l := range x.l {
		found := false
		for _, r := range right[bucket(l)] {
			if match(l, r) {
				found = true
				if keep == nil || keep(r) {
					out = append(out, fmt.Sprintf("%d|%d", l.id, r.id))
				}
			}
		}
		if !found {
			out = append(out, fmt.Sprintf("%d|null", l.id))
		}
	}
	return out
}

func TestOperatorsDoNotDependOnSize(t *testing.T) {
	for _, n := range operatorSizes {
		for _, m := range slices.Compact([]int{n, min(n, 50)}) {
			x := try(t, n, m)
			for _, o := range operators {
				got := x.rows(t, o.query)
				want := o.want(x)
				if at := differ(got, want); at >= 0 {
					t.Errorf("%s, %d and %d rows: row %d of %d is %q, want %q of %d", o.name, n, m, at, len(got), element(got, at), element(want, at), len(want))
				}
			}
		}
	}
}

func differ(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if element(a, i) != element(b, i) {
			return i
		}
	}
	return -1
}

func element(s []string, i int) string {
	if i < len(s) {
		return s[i]
	}
	return "none"
}
