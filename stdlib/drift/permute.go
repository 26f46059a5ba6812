package drift

import (
	"context"
	"math"
	"math/bits"
	"math/rand/v2"
	"sort"
	"sync"
	"sync/atomic"
)

// chance is what exchanging rows at random gives for one column.
type chance struct {
	pvalue   float64 // share of exchanges that score at least as high, the tables themselves among them
	critical float64 // score that one exchange in twenty exceeds
}

// permute exchanges rows between the tables, all columns of a row together, and scores each exchange. Exchange b
// depends on the seed and b alone.
func permute(ctx context.Context, pairs []*pair, n, m int, o Options) ([]chance, error) {
	if n > sampleRows || m > sampleRows {
		pairs, n, m = sampled(pairs, n, m, o.Seed)
	}
	scores := make([][]float64, len(pairs))
	for i := range scores {
		scores[i] = make([]float64, o.Permutations)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(o.Threads, 1) {
		wg.Go(func() {
			d := dealer{inReference: make([]bool, n+m), rows: make([]int32, n+m), n: n}
			var memory scratch
			for b := int(next.Add(1)) - 1; b < o.Permutations && ctx.Err() == nil; b = int(next.Add(1)) - 1 {
				d.deal(o.Seed, uint64(b))
				for i, p := range pairs {
					scores[i][b] = p.split(d.inReference, &memory).score(p.method)
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	out := make([]chance, len(pairs))
	for i, p := range pairs {
		out[i] = summary(p.asIs().score(p.method), scores[i])
	}
	return out, nil
}

// sampled restricts the pairs to at most sampleRows rows of each table.
func sampled(pairs []*pair, n, m int, seed int64) ([]*pair, int, int) {
	src := rand.NewPCG(uint64(seed), math.MaxUint64)
	ref, cur := choice(src, 0, n), choice(src, n, m)
	rows := append(ref, cur...)
	out := make([]*pair, len(pairs))
	for i, p := range pairs {
		out[i] = p.restrict(rows, len(ref))
	}
	return out, len(ref), len(cur)
}

// choice is at most sampleRows of the size rows that start at from.
func choice(src *rand.PCG, from, size int) []int32 {
	rows := make([]int32, size)
	for i := range rows {
		rows[i] = int32(from + i)
	}
	k := min(size, sampleRows)
	draw(src, rows, k)
	return rows[:k]
}

// dealer deals the rows out again and again.
type dealer struct {
	inReference []bool
	rows        []int32
	n           int // rows of the reference
}

// deal starts from the rows in order, so that it does not depend on the deals before. The smaller side is drawn.
func (d *dealer) deal(seed int64, b uint64) {
	for i := range d.rows {
		d.rows[i] = int32(i)
	}
	k, drawn := d.n, true
	if m := len(d.rows) - d.n; m < k {
		k, drawn = m, false
	}
	draw(rand.NewPCG(uint64(seed), b), d.rows, k)
	for i, r := range d.rows {
		d.inReference[r] = (i < k) == drawn
	}
}

// draw moves k random rows to the front (Fisher and Yates).
func draw(src *rand.PCG, rows []int32, k int) {
	for i := range k {
		j, _ := bits.Mul64(src.Uint64(), uint64(len(rows)-i))
		rows[i], rows[i+int(j)] = rows[i+int(j)], rows[i]
	}
}

func summary(observed float64, scores []float64) chance {
	atLeast := 1
	for _, x := range scores {
		// Sums in another order may differ in the last digits.
		if math.IsInf(x, 1) || x >= observed-float64(1e-12*math.Abs(observed)) {
			atLeast++
		}
	}
	sort.Float64s(scores)
	at := int(math.Ceil((1-Significance)*float64(len(scores)+1))) - 1
	return chance{pvalue: float64(atLeast) / float64(len(scores)+1), critical: scores[min(at, len(scores)-1)]}
}
