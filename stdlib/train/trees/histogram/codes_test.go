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
		bins, table := make([]binned, features), make([][]float64, features)
		c := codes{rows: rows}
		for f := range bins {
			if bins[f].count = random.IntN(256); random.IntN(4) == 0 {
				bins[f].count = 256 + random.IntN(MaxLevels-255)
			}
			bins[f].levels = bins[f].count
			for range rows {
				table[f] = append(table[f], float64(random.IntN(bins[f].count+1)))
			}
			if c.add(bins[f].wide()); bins[f].wide() {
				c.setWide(f, &bins[f], table[f])
			} else {
				c.set(f, bins[f].encode(table[f], nil))
			}
		}
		g := newGrower(Params{Threads: 1}, bins, c, rows)
		for i := range rows {
			g.rows[i], g.sums[i] = int32(i), sum{int64(random.Uint64() >> 8), int64(random.Uint64() >> 8)}
		}
		random.Shuffle(rows, func(i, j int) { g.rows[i], g.rows[j] = g.rows[j], g.rows[i] })
		within := span{random.IntN(rows), rows}
		chosen := sampleFeatures(features, []float64{0.2, 0.6, 1}[n%3], int64(n), 0)
		hist := make([]sum, g.size)
		for _, features := range c.together(chosen) {
			g.accumulate(hist, features, within)
		}
		for _, f := range chosen {
			want := make([]sum, bins[f].count+1)
			for i := within.start; i < within.end; i++ {
				b := int(table[f][g.rows[i]])
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

// TestTogether: up to four neighbours share a word, and a feature of many categories parts them.
func TestTogether(t *testing.T) {
	var c codes
	for f := range 13 {
		c.add(f == 10)
	}
	for _, tt := range []struct {
		features []int32
		want     [][]int32
	}{
		{[]int32{0, 3, 4, 9, 10, 11, 12}, [][]int32{{0, 3}, {4}, {9}, {10}, {11, 12}}},
		{[]int32{8, 9, 11}, [][]int32{{8, 9}, {11}}},
	} {
		if got := c.together(tt.features); !slices.EqualFunc(got, tt.want, slices.Equal) {
			t.Errorf("got %v, want %v", got, tt.want)
		}
	}
}
