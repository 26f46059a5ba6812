package schema

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// ways are a column's by use and origin, as they follow from those of its makers: a lineage written out in full.
type ways struct {
	origin string
	by     [OtherRows + 1]map[string]string
}

func newWays(origin string) *ways {
	w := &ways{origin: origin}
	for use := range w.by {
		w.by[use] = map[string]string{}
	}
	return w
}

func (w *ways) add(from *ways, use Use) {
	w.note(use, from.origin, from.origin)
	for further, list := range from.by {
		for origin, way := range list {
			w.note(max(use, Use(further)), origin, way)
		}
	}
}

// note keeps the shortest way, of equally long ones the first in the order of text.
func (w *ways) note(use Use, origin, way string) {
	way += " → " + w.origin
	known, ok := w.by[use][origin]
	n, m := strings.Count(way, "→"), strings.Count(known, "→")
	if !ok || n < m || n == m && way < known {
		w.by[use][origin] = way
	}
}

// settled keeps what comes over other rows.
func (w *ways) settled() *ways {
	out := newWays(w.origin)
	out.by[OtherRows] = w.by[OtherRows]
	return out
}

// TestTraceIsTheSumOfItsSteps holds the walk over many made-up pipelines to lineages that are written out at each column.
func TestTraceIsTheSumOfItsSteps(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var columns []*Lineage
		var want []*ways
		for i := range 14 {
			name := fmt.Sprintf("dataset.d%d.c", r.IntN(14)*14+i) // not in the order of text
			l, w := Derived(name), newWays(name)
			for range r.IntN(4) {
				if i == 0 {
					break
				}
				from, use := r.IntN(i), Use(r.IntN(int(OtherRows)+1))
				l.Add(columns[from], use)
				w.add(want[from], use)
			}
			if r.IntN(4) == 0 {
				l, w = l.Settled(), w.settled()
			}
			columns, want = append(columns, l), append(want, w)
		}
		for i, l := range columns {
			trace := l.Trace()
			for use, list := range want[i].by {
				if got := trace.Origins(Use(use)); len(got) != len(list) {
					t.Fatalf("seed %d, %s, use %d: got %v, want %v", seed, l.Origin, use, got, list)
				}
				for origin, way := range list {
					if got := trace.Way(Use(use), origin); got != way {
						t.Fatalf("seed %d, %s, use %d: got %q, want %q", seed, l.Origin, use, got, way)
					}
				}
			}
		}
	}
}

// TestLongWays are shown by their ends, and cost no more than their length.
func TestLongWays(t *testing.T) {
	l := Derived("source.s.v")
	for i := range 100_000 {
		next := Derived(fmt.Sprintf("dataset.d%d.v", i))
		next.Add(l, SameRow)
		l = next
	}
	const want = "source.s.v → dataset.d0.v → dataset.d1.v → dataset.d2.v → dataset.d3.v → dataset.d4.v → … 99989 more … → " +
		"dataset.d99994.v → dataset.d99995.v → dataset.d99996.v → dataset.d99997.v → dataset.d99998.v → dataset.d99999.v"
	trace := l.Trace()
	if got := trace.Way(SameRow, "source.s.v"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n := len(trace.Origins(SameRow)); n != 100_000 || trace.Has(OtherRows, "source.s.v") {
		t.Errorf("got %d origins", n)
	}
	if got := strings.Count(want, "dataset") + 99989; !slices.Contains(trace.Origins(SameRow), "dataset.d50000.v") || got != 100_000 {
		t.Errorf("the way leaves %d datasets to be seen or counted", got)
	}
}
