package table

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// TestAddressed: which tables a query reads, and what it becomes over tables of simple names.
func TestAddressed(t *testing.T) {
	tests := []struct {
		query  string
		tables []string
		want   string
	}{
		{"select payments.x from dataset.payments", []string{"dataset.payments"}, `select payments.x from "t0" as "payments"`},
		{"from Dataset.Payments as p select p.x", []string{"dataset.payments"}, `from "t0" as p select p.x`},
		{"select split.a.train.x, sum(dataset.d.y) from split.a.train, dataset.d", []string{"split.a.train", "dataset.d"}, `select "train".x, sum("d".y) from "t0" as "train", "t1" as "d"`},
		{`select * from "dataset.d[""eu""]"`, []string{`dataset.d["eu"]`}, `select * from "t0" as "dataset.d[""eu""]"`},
		{`select * from "dataset"."d" x join dataset.d y on true`, []string{"dataset.d"}, `select * from "t0" x join "t0" y on true`},
		{`select part_eu.y, count(*) from dataset.part["eu"] join split.s["w 1"].train t using (x)`, []string{`dataset.part["eu"]`, `split.s["w 1"].train`}, `select part_eu.y, count(*) from "t0" as "part_eu" join "t1" t using (x)`},
		{`select 'from a.b["c"]' as s -- from a.b["c"]` + "\n" + `from a.d`, []string{"a.d"}, `select 'from a.b["c"]' as s -- from a.b["c"]` + "\n" + `from "t0" as "d"`},
		{"with d as (select 1 as one) select * from d, a.d as e", []string{"a.d"}, `with d as (select 1 as one) select * from d, "t0" as e`},
		{"select (select max(a.b.c) from a.b) as m, s.a.b from (select {b: 2} as a) as s", []string{"a.b"}, `select (select max("b".c) from "t0" as "b") as m, s.a.b from (select {b: 2} as a) as s`},
		{"select 'from a.b' as text -- from a.b\nfrom a.b", []string{"a.b"}, "select 'from a.b' as text -- from a.b\nfrom \"t0\" as \"b\""},
	}
	for _, tt := range tests {
		a, err := ReadAddressed(context.Background(), tt.query)
		if err != nil {
			t.Errorf("%s: %v", tt.query, err)
			continue
		}
		names, got := map[string]string{}, []string{}
		for _, p := range a.Tables() {
			names[p.Path], got = "t"+string(rune('0'+len(got))), append(got, p.Path)
			if text := tt.query[p.Offset : p.Offset+p.Length]; !strings.Contains(strings.ToLower(text), p.Path[:3]) {
				t.Errorf("%s: %s stands at %q", tt.query, p.Path, text)
			}
		}
		if !slices.Equal(got, tt.tables) {
			t.Errorf("%s: reads %q, want %q", tt.query, got, tt.tables)
		}
		r := a.Rename(names)
		if r.SQL != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.query, r.SQL, tt.want)
		}
		// A word that both texts have stands where it stood.
		for _, word := range []string{"from", "select", "on true", "one", "sum"} {
			before, after := strings.LastIndex(tt.query, word), strings.LastIndex(r.SQL, word)
			if before >= 0 && after >= 0 {
				if at := r.Place(schema.Problem{Offset: after, Length: 1}).Offset; at != before {
					t.Errorf("%s: %q is placed at %d, want %d", tt.query, word, at, before)
				}
			}
		}
	}
	for _, query := range []string{"select * from dataset /* */ . d", "drop table x", "select 1; select 2", ""} {
		_, err := ReadAddressed(context.Background(), query)
		var r *Refused
		if !errors.As(err, &r) {
			t.Errorf("%q: got %v, want a refusal", query, err)
		}
	}
}

// TestSelectKeepsOrder: rows come as the query orders them, a limit counts all, and a hidden column is null.
func TestSelectKeepsOrder(t *testing.T) {
	ctx := context.Background()
	out := t.TempDir() + "/out.parquet"
	for _, limit := range []int64{0, 3} {
		columns, rows, err := Select(ctx, Selection{SQL: "select range as n, 'x' || range as who from range(5000) order by (n * 7919) % 5003", Limit: limit, Out: out, Hidden: func(c string) bool { return c == "who" }})
		if err != nil {
			t.Fatal(err)
		}
		if rows != 5000 || len(columns) != 2 {
			t.Errorf("got %d rows of %v, want 5000", rows, columns)
		}
		head, err := Head(ctx, out, columns, 10)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[int64]int{0: 10, 3: 3}[limit]; len(head) != want {
			t.Errorf("limit %d: got %d rows", limit, len(head))
		}
		for _, row := range head {
			if row[1] != nil {
				t.Errorf("a hidden value is written: %s", *row[1])
			}
		}
		var got []int
		for _, row := range head {
			n := 0
			for _, r := range *row[0] {
				n = n*10 + int(r-'0')
			}
			got = append(got, n*7919%5003)
		}
		if !slices.IsSorted(got) {
			t.Errorf("limit %d: the order is lost: %v", limit, got)
		}
	}
}
