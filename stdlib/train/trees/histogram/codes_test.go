package histogram

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSumsByWord holds the sums of all features of a tree to those added up one by one, with any number of features and of those that a
// tree is grown on, and the memory they are summed in to being clear again.
func TestSumsByWord(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for n := range 40 {
		features, rows := 1+n%11, 1+random.IntN(300)
		bins, table := make([]binned, features), make([][]uint8, features)
		c := newCodes(features, rows)
		for f := range bins {
			bins[f].count = random.IntN(256)
			for range rows {
				table[f] = append(table[f], uint8(random.IntN(bins[f].count+1)))
			}
			c.set(f, table[f])
		}
		g := newGrower(Params{Threads: 1}, bins, c, rows)
		for i := range rows {
			g.rows[i], g.sums[i] = int32(i), sum{int64(random.Uint64() >> 8), int64(random.Uint64() >> 8)}
		}
		random.Shuffle(rows, func(i, j int) { g.rows[i], g.rows[j] = g.rows[j], g.rows[i] })
		within := span{random.IntN(rows), rows}
		chosen := sampleFeatures(features, []float64{0.2, 0.6, 1}[n%3], int64(n), 0)
		hist := make([]sum, g.size)
		for _, features := range together(chosen) {
			g.accumulate(hist, features, within)
		}
		for _, f := range chosen {
			want := make([]sum, bins[f].count+1)
			for i := within.start; i < within.end; i++ {
				b := table[f][g.rows[i]]
				want[b] = want[b].plus(g.sums[i])
			}
			if !slices.Equal(g.part(hist, f), want) {
				t.Fatalf("%d features, %v of them: sums of feature %d differ", features, chosen, f)
			}
		}
		if s := g.scratch.Get().(*laneSums); *s != (laneSums{}) {
			t.Fatalf("%d features, %v of them: sums are left over", features, chosen)
		}
	}
}

func TestTogether(t *testing.T) {
	got := together([]int32{0, 3, 4, 9, 10, 11, 12})
	want := [][]int32{{0, 3}, {4}, {9, 10, 11}, {12}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}
