package window_test

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/feature/window"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// BenchmarkWindowsByHand computes two windows of 300,000 rows and 6,000 cards, and has the engine run what one would write by hand for them. It
// reports processor time of the feature over that of the query.
func BenchmarkWindowsByHand(b *testing.B) {
	const rows = `select i as id, (hash(i) % 6000)::bigint as card, timestamp '2026-01-01' + to_microseconds((hash(i + 1) % 7776000000000)::bigint) as ts,
  (hash(i + 2) % 100000) / 100.0 as amount from range(300000) r(i)`
	const config = `{"entity":["card"],"time":"ts","window":[{"name":"a","expr":"sum(amount)","over":"24h"},{"name":"b","expr":"count(*)","over":"7d"}]}`
	const hand = `select id, card, ts, sum(amount) over (w range between interval 24 hours preceding and interval 1 microsecond preceding) as a,
  count(*) over (w range between interval 7 days preceding and interval 1 microsecond preceding) as b from t window w as (partition by card order by ts)`
	var own, byHand time.Duration
	c := window.Component
	run := c.Run
	c.Run = func(ctx context.Context, s *component.Stage) (err error) {
		own += processorTime(b, func() error { return run(ctx, s) })
		return nil
	}
	for b.Loop() {
		r := stagetest.Run(b, c, stagetest.Block{Address: "feature.card", Config: config,
			Tables: map[string]stagetest.Table{"from": {SQL: rows, Schema: schema.Table{Key: []string{"id"}}}}})
		tables := map[string]string{"t": filepath.Join(r.Root, "in", "from", component.TableFile)}
		byHand += processorTime(b, func() error {
			_, err := table.Run(b.Context(), table.Query{SQL: hand, Tables: tables, OrderBy: []string{"id"}, Out: filepath.Join(r.Root, "hand")})
			return err
		})
	}
	b.ReportMetric(float64(own)/float64(byHand), "feature/hand")
}

// processorTime is how long all processors of the machine together worked on something.
func processorTime(b *testing.B, do func() error) time.Duration {
	b.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return used() - before
}
