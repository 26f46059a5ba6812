package table

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// profiled makes a table of a query and looks through it.
func profiled(t *testing.T, query string, threads int, hidden ...string) *Profile {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.parquet")
	if _, err := Run(context.Background(), Query{SQL: query, Out: path}); err != nil {
		t.Fatal(err)
	}
	p, err := ProfileOf(context.Background(), path, func(c string) bool { return strings.Contains(strings.Join(hidden, " "), c) }, 3, threads)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestProfile holds what is told of a few rows to what can be counted by hand.
func TestProfile(t *testing.T) {
	p := profiled(t, `select * from (values
		(1, 2.5::double, 'b', date '2024-01-03', 'ann@x'), (2, 'nan'::double, 'a', null, 'bob@x'), (3, null, 'b', date '2024-01-01', 'cyd@x'), (4, -1::double, null, date '2024-01-01', 'cyd@x')
	) t(id, x, word, day, mail)`, 1, "mail")
	want := []ColumnProfile{
		{Name: "id", Type: "integer", Distinct: 4, Quantiles: []string{"1", "1", "2", "3", "4"}, Top: []Counted{{"1", 1}, {"2", 1}, {"3", 1}, {"4", 1}}},
		{Name: "x", Type: "double", Nulls: 1, Distinct: 3, Quantiles: []string{"-1.0", "-1.0", "2.5", "nan", "nan"}, Top: []Counted{{"-1.0", 1}, {"2.5", 1}, {"nan", 1}}},
		{Name: "word", Type: "varchar", Nulls: 1, Distinct: 2, Top: []Counted{{"b", 2}, {"a", 1}}},
		{Name: "day", Type: "date", Nulls: 1, Distinct: 2, Quantiles: []string{"2024-01-01", "2024-01-01", "2024-01-01", "2024-01-03", "2024-01-03"}, Top: []Counted{{"2024-01-01", 2}, {"2024-01-03", 1}}},
		{Name: "mail", Type: "varchar", Hidden: true, Distinct: 3},
	}
	if diff := cmp.Diff(want, p.Columns); diff != "" {
		t.Error(diff)
	}
	if p.Rows != 4 || len(p.Head) != 3 || *p.Head[0][0] != "1" || p.Head[1][3] != nil {
		t.Errorf("got %d rows, of which %v", p.Rows, p.Head)
	}
	if all := fmt.Sprint(reflect.ValueOf(p.Head)); strings.Contains(all, "@x") || p.Head[0][4] != nil {
		t.Errorf("a hidden value is told: %s", all)
	}
}

// TestProfileOfNothing: a table without rows has columns, and nothing to tell of them.
func TestProfileOfNothing(t *testing.T) {
	p := profiled(t, "select 1 as a, 'x' as b where false", 1)
	if p.Rows != 0 || len(p.Columns) != 2 || p.Columns[0].Quantiles != nil || p.Columns[1].Top != nil || len(p.Head) != 0 {
		t.Errorf("got %+v", p)
	}
}

// TestProfileOnThreads: what is told is the same on any number of threads.
func TestProfileOnThreads(t *testing.T) {
	query := "select i, hash(i)::double / 7 as x, (hash(i) % 97)::varchar as w, timestamp '2024-01-01' + to_seconds(i * 61) as at from range(400000) t(i)"
	one := profiled(t, query, 1)
	for _, n := range []int{2, 5} {
		if diff := cmp.Diff(one, profiled(t, query, n)); diff != "" {
			t.Errorf("on %d threads: %s", n, diff)
		}
	}
}

// BenchmarkProfile looks through a million rows of eight columns.
func BenchmarkProfile(b *testing.B) {
	path := filepath.Join(b.TempDir(), "t.parquet")
	query := "select i, hash(i)::double / 7 as x, hash(i + 1)::double as y, (hash(i) % 97)::varchar as w, 'user' || i as u, i % 2 = 0 as f, date '2020-01-01' + (i % 900)::integer as d, i * 2 as j from range(1000000) t(i)"
	if _, err := Run(context.Background(), Query{SQL: query, Out: path}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := ProfileOf(context.Background(), path, func(string) bool { return false }, 10, 2); err != nil {
			b.Fatal(err)
		}
	}
}
