package split_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/split/stratified"
	"github.com/mlp-lang/mlp/stdlib/split/time"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// sizes are on both sides of where the engine takes another algorithm.
var sizes = []int{7, 63, 64, 65, 2047, 2048, 2049, 130_000}

// strange has times that tie, out of order, and strata that are missing, NaN or infinite.
func strange(n int) stagetest.Table {
	return stagetest.Table{Schema: schema.Table{Key: []string{"id"}}, SQL: fmt.Sprintf(`select i as id,
  timestamp '1969-12-31' + to_minutes((hash(i * 4) %% %d)::bigint) as ts,
  case hash(i * 4 + 1) %% 6 when 0 then null when 1 then 'nan'::double when 2 then 'inf'::double when 3 then -0.0::double when 4 then 0.0 else 1.5 end as class
from range(%d) r(i)`, n/3+2, n)}
}

func TestTimeAtAnySize(t *testing.T) {
	for _, n := range sizes {
		r := stagetest.Run(t, time.Component, stagetest.Block{Address: "split.x", Config: `{"by":"ts","test":0.25,"validation":0.2,"gap":"1m"}`,
			Tables: map[string]stagetest.Table{"from": strange(n)}})
		if r.Err != nil {
			t.Fatalf("%d rows: %v", n, r.Err)
		}
		got, in := sidesOf(t, r), stagetest.Read(t, strange(n).SQL)
		times := slices.Sorted(slices.Values(in.Column("ts").Num))
		test := times[n-int(math.Round(0.25*float64(n)))]
		validation := times[n-int(math.Round(0.45*float64(n)))]
		for i := range n {
			at, want := in.Column("ts").Num[i], ""
			switch {
			case at >= test:
				want = "test"
			case at >= validation && at < test-60:
				want = "validation"
			case at < validation-60:
				want = "train"
			}
			if id := int(in.Column("id").Num[i]); got[id] != want {
				t.Fatalf("%d rows: row %d is on side %q, want %q", n, id, got[id], want)
			}
		}
	}
}

func TestStratifiedAtAnySize(t *testing.T) {
	for _, n := range sizes {
		r := stagetest.Run(t, stratified.Component, stagetest.Block{Address: "split.x", Config: `{"by":["class"],"test":0.3,"validation":0.2,"seed":5}`,
			Tables: map[string]stagetest.Table{"from": strange(n)}})
		if r.Err != nil {
			t.Fatalf("%d rows: %v", n, r.Err)
		}
		got := sidesOf(t, r)
		in := stagetest.Read(t, "select id, coalesce(class + 0, -9)::varchar as class from ("+strange(n).SQL+")")
		strata := map[string][]int{}
		for i := range n {
			class := stagetest.Value(in.Column("class"), i)
			strata[class] = append(strata[class], int(in.Column("id").Num[i]))
		}
		for class, ids := range strata {
			key := func(id int) uint64 { return position(fmt.Sprintf("5|%d:%d", len(fmt.Sprint(id)), id)) }
			slices.SortFunc(ids, func(a, b int) int { return cmp.Compare(key(a), key(b)) })
			for i, id := range ids {
				want, place := "train", float64(i+1)
				if place <= math.Round(0.3*float64(len(ids))) {
					want = "test"
				} else if place <= math.Round(0.5*float64(len(ids))) {
					want = "validation"
				}
				if got[id] != want {
					t.Fatalf("%d rows: row %d, %d of %d of %s, is on side %q, want %q", n, id, i, len(ids), class, got[id], want)
				}
			}
		}
	}
}
