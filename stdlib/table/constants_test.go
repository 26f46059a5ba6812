package table

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
)

// TestGiantConstants: what would make much of a few characters while a query is typed is refused at once, and what people write is
// not.
func TestGiantConstants(t *testing.T) {
	tables := map[string]*schema.Table{"d": {Columns: []schema.Column{{Name: "id", Type: "bigint"}, {Name: "s", Type: "varchar"}, {Name: "paid", Type: "timestamp"}}}}
	b := NewBinder(nil)
	defer b.Close()
	for query, want := range map[string]bool{
		"select md5(repeat('x', 3000000000)) as s from d":                                                    false,
		"select id from d where md5(repeat('x', 3000000000)) = 'a'":                                          false,
		"select id + length(repeat('x', 1000 * 1000 * 1000)) as n from d":                                    false,
		"select repeat(repeat('x', 100000), 100000) as s from d":                                             false,
		"select repeat('x', 2::bigint ** 33) as s from d":                                                    false,
		"select lpad('x', 2000000000, 'ab') as s from d":                                                     false,
		"select len(range(300000000)) as n from d":                                                           false,
		"select list_sum(generate_series(1, 3000000000, 2)) as n from d":                                     false,
		"select len(range(timestamp '2000-01-01', timestamp '2020-01-01', interval '1 second')) as n from d": false,
		"select len(list_resize([1], 2000000000)) as n from d":                                               false,
		"select length(printf('%2000000000d', 1)) as n from d":                                               false,
		"select length(format('{:>2000000000}', 'a')) as n from d":                                           false,
		"select md5(bitstring('1', 2000000000)::varchar) as n from d":                                        false,
		"select levenshtein(repeat('a', 1000000), repeat('b', 1000000)) as n from d":                         false,
		"select id from d order by length(repeat('x', 3000000000))":                                          false,
		"select case when length(repeat('x', 3000000000)) > 1 then 1 end as n from d":                        false,

		"select md5(repeat('x', 300)) as s, lpad(s, 10, '0') as p from d":                                        true,
		"select repeat('x', id) as s from d":                                                                     true,
		"select repeat(s, 3000000000) as s from d":                                                               true,
		"select d.id, r.range as n from d, range(300000000) r":                                                   true,
		"select unnest(range(date '2020-01-01', date '2026-01-01', interval 1 day)) as day":                      true,
		"select unnest(generate_series(timestamp '2020-01-01', timestamp '2026-01-01', interval '1 hour')) as h": true,
		"select unnest(string_split('a,b,c', ',')) as x, date_trunc('day', timestamp '2020-01-01') as t":         true,
		"select printf('%08.3f', id) as n, format('{:>10}', s) as f from d":                                      true,
		"select levenshtein(s, 'abc') as n, replace(s, 'a', 'bb') as r from d":                                   true,
		"select id from d where s in ('a', 'b') and paid > timestamp '2020-01-01' - interval 30 day":             true,
	} {
		started := time.Now()
		_, problems := b.Query(context.Background(), query, tables)
		if ok := len(problems) == 0; ok != want {
			t.Errorf("%s: got %+v, want that it is taken: %t", query, problems, want)
		}
		if !want && len(problems) > 0 && !strings.Contains(problems[0].Summary, "too much to compute") {
			t.Errorf("%s: got %+v", query, problems[0])
		}
		if took := time.Since(started); took > 20*time.Second {
			t.Errorf("%s took %v", query, took)
		}
	}
	if _, problems := b.Expr(context.Background(), "md5(repeat('x', 3000000000))", tables["d"], false); len(problems) == 0 || problems[0].Offset != 4 {
		t.Errorf("an expression: got %+v, want a problem at its fifth byte", problems)
	}
}

// TestPatience: what does not end is given up, and the next question is answered.
func TestPatience(t *testing.T) {
	b := NewBinder(nil)
	defer b.Close()
	b.patience = time.Millisecond
	table := map[string]*schema.Table{"d": {Columns: []schema.Column{{Name: "id", Type: "bigint"}}}}
	_, problems := b.Query(context.Background(), "select md5(repeat('x', 8000000)) as s from d", table)
	if len(problems) != 1 || !strings.Contains(problems[0].Detail, "took more than") {
		t.Fatalf("got %+v, want that it was given up", problems)
	}
	b.patience = time.Minute
	if columns, problems := b.Query(context.Background(), "select id from d", table); len(problems) > 0 || len(columns) != 1 {
		t.Errorf("the next: got %+v, %+v", columns, problems)
	}
}
