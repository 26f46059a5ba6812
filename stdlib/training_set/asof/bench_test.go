package asof_test

import (
	"fmt"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/training_set/asof"
)

// BenchmarkAsOf joins 300,000 rows with 300,000 events of a year: the latest one, and windows, of many entities and of
// three.
func BenchmarkAsOf(b *testing.B) {
	const rows = 300_000
	windows := []schema.Window{
		{Column: "n", Expr: "count(*)", Over: "30d"}, {Column: "mean", Expr: "sum(amount) / count(*)", Over: "90d"},
		{Column: "known", Expr: "sum(amount)", Over: "1d", KnownAt: "known"},
	}
	for _, bench := range []struct {
		name    string
		cards   int
		windows []schema.Window
	}{
		{"10000 entities", 10_000, windows}, {"3 entities", 3, windows[:2]},
		{"3 entities, medians", 3, []schema.Window{{Column: "middle", Expr: "median(amount)", Over: "180d"}}},
		{"3 entities, once known", 3, []schema.Window{{Column: "n", Expr: "count(*) filter (where amount > 500)", Over: "180d", KnownAt: "known"}}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			at := func(salt int) string {
				return fmt.Sprintf("select i as id, 'card' || hash(i * 16 + %d) %% %d as card, timestamp '2025-01-01' + "+
					"to_seconds((hash(i * 16 + %d) %% 31536000)::bigint) as happened from range(%d) r(i)", salt, bench.cards, salt+1, rows)
			}
			tables := evaluated("select *, (hash(id) % 1000)::double as amount, happened + to_hours((hash(id * 3) % 60)::int) as known from ("+at(3)+")",
				[]string{"card"}, bench.windows, "30d")
			tables["spine"] = stagetest.Table{SQL: at(1), Schema: schema.Table{Key: []string{"id"}, Time: "happened"}}
			block := stagetest.Block{Address: "training_set.x", Config: `{"features":["f"]}`, Tables: tables}
			for b.Loop() {
				if r := stagetest.Run(b, asof.Component, block); r.Err != nil {
					b.Fatal(r.Err)
				}
			}
		})
	}
}
