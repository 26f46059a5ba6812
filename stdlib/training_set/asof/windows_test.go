package asof_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/training_set/asof"
)

// evaluated is a feature with these windows and a column; what its own rows hold of the windows is -1.
func evaluated(from string, entity []string, windows []schema.Window, maxAge string) map[string]stagetest.Table {
	own := "select id as event, happened, amount as last, " + strings.Join(entity, ", ")
	for _, w := range windows {
		typ := "double"
		if strings.HasPrefix(w.Expr, "count") {
			typ = "bigint"
		}
		own += fmt.Sprintf(", -1::%s as %s", typ, w.Column)
	}
	return map[string]stagetest.Table{
		"features.f": {SQL: own + " from (" + from + ")", Schema: schema.Table{Key: []string{"event"}, Entity: entity, Time: "happened",
			Windows: windows, MaxAge: maxAge}},
		"features.f.from": {SQL: from},
	}
}

// TestWindowsAtTheRowsOwnTime: the entity's last event counts, and old ones fall out. The clock goes forward on 2024-03-31,
// at 01:00 in UTC; a moment with an offset is the moment that it is.
func TestWindowsAtTheRowsOwnTime(t *testing.T) {
	const events = `select * from (values
  (1, 'a', timestamptz '2024-03-31 01:30:00+01', 10.0::double), (2, 'a', timestamptz '2024-03-31 03:30:00+02', 20),
  (3, 'a', timestamptz '2024-03-31 03:30:00+02', 30), (4, 'a', timestamptz '2024-03-31 01:30:00.000001+00', 40),
  (5, 'b', timestamptz '2024-03-31 02:00:00+00', null)) v(id, card, happened, amount)`
	const cases = `select * from (values
  (1, 'a', timestamp '2024-03-31 01:30:01'), (2, 'a', timestamp '2025-01-01 00:00:00'), (3, 'a', timestamp '2024-03-31 01:30:00'),
  (4, 'a', timestamp '2024-04-01 00:30:00'), (5, 'a', timestamp '2024-04-01 00:30:00.000001'), (6, 'b', timestamp '2024-03-31 12:00:00'),
  (7, 'nobody', timestamp '2024-03-31 12:00:00'), (8, null, timestamp '2024-03-31 12:00:00'), (9, 'a', null),
  (10, 'a', timestamp '2024-03-31 01:30:01')) v(id, card, opened)`
	windows := []schema.Window{{Column: "n1d", Expr: "count(*)", Over: "1d"}, {Column: "total", Expr: "sum(amount)", Over: "1d"}}
	tables := evaluated(events, []string{"card"}, windows, "")
	tables["spine"] = stagetest.Table{SQL: cases, Schema: schema.Table{Key: []string{"id"}, Time: "opened"}}
	b := stagetest.Block{Address: "training_set.x", Config: `{"features":["f"]}`, Tables: tables}
	want := []string{
		"1 | a | 2024-03-31 01:30:01 | 40 | 4 | 100",
		"2 | a | 2025-01-01 00:00:00 | 40 | 0 | null",
		"3 | a | 2024-03-31 01:30:00 | 10 | 1 | 10",
		"4 | a | 2024-04-01 00:30:00 | 40 | 4 | 100",
		"5 | a | 2024-04-01 00:30:00.000001 | 40 | 3 | 90",
		"6 | b | 2024-03-31 12:00:00 | null | 1 | null",
		"7 | nobody | 2024-03-31 12:00:00 | null | 0 | null",
		"8 | null | 2024-03-31 12:00:00 | null | null | null",
		"9 | a | null | null | null | null",
		"10 | a | 2024-03-31 01:30:01 | 40 | 4 | 100",
	}
	got := stagetest.Run(t, asof.Component, b).Text(t, "table")
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestMaxAge: a row that is older than that gives no column; windows do not ask.
func TestMaxAge(t *testing.T) {
	const events = `select * from (values (1, 'a', timestamp '2024-01-01 00:00:00', 10.0::double)) v(id, card, happened, amount)`
	const cases = `select i as id, 'a' as card, timestamp '2024-01-01' + to_hours(24 * i) + to_microseconds(j) as opened
from range(1, 4) r(i), range(0, 2) s(j)`
	tables := evaluated(events, []string{"card"}, []schema.Window{{Column: "n", Expr: "count(*)", Over: "3d"}}, "2d")
	tables["spine"] = stagetest.Table{SQL: cases, Schema: schema.Table{Key: []string{"id", "opened"}, Time: "opened"}}
	got := stagetest.Run(t, asof.Component, stagetest.Block{Address: "training_set.x", Config: `{"features":["f"]}`, Tables: tables}).Text(t, "table")
	want := []string{
		"1 | a | 2024-01-02 00:00:00 | 10 | 1", "1 | a | 2024-01-02 00:00:00.000001 | 10 | 1",
		"2 | a | 2024-01-03 00:00:00 | 10 | 1", "2 | a | 2024-01-03 00:00:00.000001 | null | 1",
		"3 | a | 2024-01-04 00:00:00 | null | 1", "3 | a | 2024-01-04 00:00:00.000001 | null | 0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestWindowsOfAKeptKeyAreTheRowsOwn: a feature with the spine's key needs no table to look back over, and a change of its
// windows is none of the join.
func TestWindowsOfAKeptKeyAreTheRowsOwn(t *testing.T) {
	f := own
	f.Schema.Windows, f.Schema.MaxAge = []schema.Window{{Column: "x", Expr: "count(*)", Over: "1d"}}, "1d"
	b := block(`{"features":["own"]}`, map[string]stagetest.Table{"own": f, "own.from": {SQL: own.SQL}})
	in := stagetest.Shape(t, asof.Component, b).In
	if _, reads := in["features.own.from"]; reads || in["features.own"].Table.Windows != nil || in["features.own"].Table.MaxAge != "" {
		t.Errorf("the inputs are %+v", in)
	}
	if got := stagetest.Run(t, asof.Component, b).Text(t, "table")[0]; got != "1 | a | 2026-01-02 00:00:00 | true | 0.5" {
		t.Errorf("got %s", got)
	}
}

// event is what the oracle knows of a row; NaN is null.
type event struct{ at, amount, known float64 }

const hour = 3600.0

// oracle says what a window holds, and what is computed of that.
type oracle struct {
	schema.Window
	over float64
	want func(seen []event) float64
}

var oracles = []oracle{
	{schema.Window{Column: "n", Expr: "count(*)", Over: "6h"}, 6 * hour, count},
	{schema.Window{Column: "total", Expr: "sum(amount)", Over: "16h"}, 16 * hour, sum},
	{schema.Window{Column: "large", Expr: "count(*) filter (where amount > 100)", Over: "10h"}, 10 * hour, large},
	{schema.Window{Column: "mean", Expr: "sum(amount) / count(*) -- of all", Over: "16h"}, 16 * hour, func(s []event) float64 { return sum(s) / count(s) }},
	{schema.Window{Column: "rate", Expr: "coalesce(sum(amount) / nullif(count(*) filter (where amount > 100), 0), -1)", Over: "1d"}, 24 * hour, func(s []event) float64 {
		if large(s) == 0 || math.IsNaN(sum(s)) {
			return -1
		}
		return sum(s) / large(s)
	}},
	{schema.Window{Column: "high", Expr: "max(amount)", Over: "20h"}, 20 * hour, high},
	{schema.Window{Column: "kinds", Expr: "count(distinct amount)", Over: "20h"}, 20 * hour, kinds},
	{schema.Window{Column: "geo", Expr: "geomean(amount + 1)", Over: "20h"}, 20 * hour, geomean},
	{schema.Window{Column: "middle", Expr: "median(amount)", Over: "30h"}, 30 * hour, median},
	{schema.Window{Column: "upper", Expr: "coalesce(quantile_disc(amount - 1, 0.75) filter (where amount < 100), 0)", Over: "20h"}, 20 * hour, upper},
	{schema.Window{Column: "away", Expr: "1 + mad(amount)", Over: "16h"}, 16 * hour, func(s []event) float64 {
		m := median(s)
		off := []event{}
		for _, a := range amounts(s) {
			off = append(off, event{amount: math.Abs(a - m)})
		}
		return 1 + median(off)
	}},
	{schema.Window{Column: "known_n", Expr: "count(*)", Over: "1d", KnownAt: "known"}, 24 * hour, count},
	{schema.Window{Column: "known_rate", Expr: "coalesce(sum((amount > 50)::int), -1) / (1 + count(amount) filter (where amount < 100))", Over: "20h", KnownAt: "known"},
		20 * hour, knownRate},
	{schema.Window{Column: "known_total", Expr: "sum(amount)", Over: "2d", KnownAt: "known"}, 48 * hour, sum},
}

func count(s []event) float64 { return float64(len(s)) }

func amounts(s []event) []float64 {
	var out []float64
	for _, e := range s {
		if e.amount == e.amount {
			out = append(out, e.amount)
		}
	}
	return out
}

func sum(s []event) float64 {
	total := math.NaN()
	for i, a := range amounts(s) {
		if i == 0 {
			total = 0
		}
		total += a
	}
	return total
}

func large(s []event) float64 {
	n := 0.0
	for _, a := range amounts(s) {
		if a > 100 {
			n++
		}
	}
	return n
}

func high(s []event) float64 {
	top := math.NaN()
	for _, a := range amounts(s) {
		if !(a <= top) {
			top = a
		}
	}
	return top
}

func kinds(s []event) float64 {
	seen := map[float64]bool{}
	for _, a := range amounts(s) {
		seen[a] = true
	}
	return float64(len(seen))
}

func median(s []event) float64 {
	v := amounts(s)
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func upper(s []event) float64 {
	var v []float64
	for _, a := range amounts(s) {
		if a < 100 {
			v = append(v, a-1)
		}
	}
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[(3*len(v)+3)/4-1]
}

func knownRate(s []event) float64 {
	some, below := -1.0, 0.0
	for i, a := range amounts(s) {
		if i == 0 {
			some = 0
		}
		if a > 50 {
			some++
		}
		if a < 100 {
			below++
		}
	}
	return some / (1 + below)
}

func geomean(s []event) float64 {
	total := 0.0
	for _, a := range amounts(s) {
		total += math.Log(a + 1)
	}
	return math.Exp(total / float64(len(amounts(s))))
}

// TestWindowsAgreeWithTheirDefinition compares windows at the spine's times with an oracle that looks at all rows of an
// entity.
func TestWindowsAgreeWithTheirDefinition(t *testing.T) {
	for _, n := range sizes {
		for _, m := range []int{n, 40} {
			t.Run(fmt.Sprintf("%d at %d", m, n), func(t *testing.T) {
				windowOracle(t, strange(n, 1), `select id, e, shop, ts as happened,
  case when hash(id * 8 + 1) % 10 > 0 then (hash(id * 8 + 2) % 300)::double / 2 end as amount,
  case when hash(id * 8 + 3) % 4 > 0 then ts + to_hours((hash(id * 8 + 4) % 30)::bigint - 5) end as known from (`+strange(m, 8)+")")
			})
		}
	}
}

func windowOracle(t *testing.T, left, right string) {
	var windows []schema.Window
	for _, o := range oracles {
		windows = append(windows, o.Window)
	}
	tables := evaluated(right, []string{"e", "shop"}, windows, "")
	tables["spine"] = stagetest.Table{SQL: "select id, e, shop, ts from (" + left + ")", Schema: schema.Table{Key: []string{"id"}, Time: "ts"}}
	got := stagetest.Run(t, asof.Component, stagetest.Block{Address: "training_set.x", Config: `{"features":["f"]}`, Tables: tables}).Frame(t, "table")
	l, f := stagetest.Read(t, left), stagetest.Read(t, right)
	of := eventsOf(f)
	for _, o := range oracles {
		column := got.Column(o.Column).Num
		for i := range l.Rows {
			at, entity := l.Column("ts").Num[i], entityOf(l, i)
			want := math.NaN()
			if finite(at) && entity != "" {
				var seen []event
				for _, e := range of[entity] {
					if e.at < at && e.at >= at-o.over && (o.KnownAt == "" || e.known < at) {
						seen = append(seen, e)
					}
				}
				want = o.want(seen)
			}
			if x := column[i]; !(x != x && want != want || math.Abs(x-want) <= 1e-9*max(1, math.Abs(want))) {
				t.Fatalf("%s of row %d (%s at %s): got %v, want %v", o.Column, i, entity, stagetest.Value(l.Column("ts"), i), x, want)
			}
		}
	}
}

// eventsOf are the rows with a finite time, by entity.
func eventsOf(f *frame.Frame) map[string][]event {
	of := map[string][]event{}
	for j := range f.Rows {
		entity := entityOf(f, j)
		if e := (event{f.Column("happened").Num[j], f.Column("amount").Num[j], f.Column("known").Num[j]}); entity != "" && finite(e.at) {
			of[entity] = append(of[entity], e)
		}
	}
	return of
}
