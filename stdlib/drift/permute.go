package drift

import (
	"cmp"
	"context"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mlp-lang/mlp/runtime/component"
)

// chance is what exchanging rows at random gives for one column.
type chance struct {
	observed float64
	scores   []float64 // of the exchanges
	atLeast  int       // how many of them score at least as high
}

// pvalue is the share of exchanges that score at least as high, the tables themselves among them.
func (c *chance) pvalue() float64 { return float64(c.atLeast+1) / float64(len(c.scores)+1) }

// certain is how many exchanges must score as high before a column's p-value is near enough (Besag and Clifford 1991).
const certain = 10

// permute exchanges rows between the tables, all columns of a row together, and scores each exchange. Exchange b
// depends on the seed and b alone.
//
// 999 exchanges give no p-value below 1/1000, and with many columns a smaller one can be needed: of 100 columns the first
// to be rejected has to be at 0.05/100 = 0.0005. So exchanges go on, 1999 in all, then 3999, …, for those columns alone
// that are not rejected yet and that fewer than ten exchanges (certain) have scored as high as. They end when there is no
// such column, or at twice the number of columns divided by Significance: with 100 columns at 4000 exchanges, where a
// p-value can be half of the strictest level. An exchange is a step of the part of a bar that ctx is (component.Bar), of which there may be that many.
func permute(ctx context.Context, pairs []*pair, n, m int, o Options) ([]*chance, error) {
	out := make([]*chance, len(pairs))
	for i, p := range pairs {
		out[i] = &chance{observed: p.asIs().score(p.method)}
	}
	most := max(o.Permutations, int(2*float64(len(pairs))/Significance))
	open, step := out, component.Steps(ctx, most)
	for from, to := 0, o.Permutations; ; from, to = to, min(2*to+1, most) {
		var still []*pair
		for i, p := range pairs {
			if slices.Contains(open, out[i]) {
				still = append(still, p)
			}
		}
		if err := exchange(ctx, still, open, n, m, from, to, o, step); err != nil {
			return nil, err
		}
		if open = unclear(out); len(open) == 0 || to >= most {
			return out, nil
		}
	}
}

// unclear are the columns whose verdict more exchanges may change.
func unclear(all []*chance) []*chance {
	pvalues := make([]float64, len(all))
	for i, c := range all {
		pvalues[i] = c.pvalue()
	}
	var out []*chance
	for i, q := range adjusted(pvalues) {
		if !rejects(q) && all[i].atLeast < certain {
			out = append(out, all[i])
		}
	}
	return out
}

// exchange adds the scores of some exchanges to the columns' chances.
func exchange(ctx context.Context, pairs []*pair, into []*chance, n, m, from, to int, o Options, step func(int)) error {
	for _, c := range into {
		c.scores = append(c.scores, make([]float64, to-from)...)
	}
	order, strata := layers(n, m, o.Strata)
	var next atomic.Int64
	next.Store(int64(from))
	var wg sync.WaitGroup
	for range max(o.Threads, 1) {
		wg.Go(func() {
			d := dealer{inReference: make([]uint8, n+m), rows: make([]int32, n+m), order: order, strata: strata}
			var memory scratch
			for b := int(next.Add(1)) - 1; b < to && ctx.Err() == nil; b = int(next.Add(1)) - 1 {
				d.deal(o.Seed, uint64(b))
				for i, p := range pairs {
					into[i].scores[b] = p.split(d.rowsOf(p.of), &memory).score(p.method)
				}
				step(1)
			}
		})
	}
	wg.Wait()
	for _, c := range into {
		c.count(from)
	}
	return ctx.Err()
}

// tolerance is relative: sums in another order may differ in the last digits.
const tolerance = 1e-12

// count adds the scores that are at least as great as the observed one. Sums in another order differ in the last bits: what
// is within the tolerance counts as equal, and so against drift.
func (c *chance) count(from int) {
	for _, x := range c.scores[from:] {
		if math.IsInf(x, 1) || x >= c.observed-float64(tolerance*math.Abs(c.observed)) {
			c.atLeast++
		}
	}
}

// least is the smallest score that would have had a p-value of at most level: with 999 exchanges and a level of 0.05, a
// score above all but the 49 highest of them. Where level is below 1/(exchanges+1) no score of an exchange shows it, and
// least extrapolates from the mean excess of the highest tenth of the scores, as if their tail were exponential.
func (c *chance) least(level float64) float64 {
	sorted := slices.Clone(c.scores)
	slices.SortFunc(sorted, func(a, b float64) int { return cmp.Compare(b, a) })
	n := len(sorted)
	allowed := int(level * float64(n+1) * (1 + 1e-9)) // of the tables themselves and exchanges
	if allowed >= 1 {
		return above(sorted[min(allowed-1, n-1)])
	}
	tail := max(n/10, 1)
	threshold := sorted[min(tail, n-1)]
	var excess float64
	for _, x := range sorted[:tail] {
		excess += (x - threshold) / float64(tail)
	}
	return max(above(sorted[0]), threshold+float64(excess*math.Log(float64(tail)/float64(n)/level)))
}

// above is the smallest score that is told apart from x as higher, beyond the tolerance that count allows for rounding.
func above(x float64) float64 {
	if math.IsInf(x, 1) {
		return x
	}
	return max(math.Nextafter(x/(1-tolerance), math.Inf(1)), tolerance)
}

// sampled restricts the pairs, and the strata of rows, to at most sampleRows rows of each table.
func sampled(pairs []*pair, n, m int, o Options) ([]*pair, int, int, []int32) {
	src := rand.NewPCG(uint64(o.Seed), math.MaxUint64)
	ref, cur := choice(src, 0, n), choice(src, n, m)
	rows := append(ref, cur...)
	out := make([]*pair, len(pairs))
	for i, p := range pairs {
		out[i] = p.restrict(rows, len(ref))
	}
	var strata []int32
	if o.Strata != nil {
		for _, r := range rows {
			strata = append(strata, o.Strata[r])
		}
	}
	return out, len(ref), len(cur), strata
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
	inReference []uint8 // 1 or 0
	rows        []int32
	order       []int32 // the rows, stratum by stratum
	strata      []layer

	part   *partRows // whose rows were asked for last in this deal
	inPart []uint8
}

// layer is a stratum: its rows among those of order, and how many of them are the reference's.
type layer struct{ from, to, n int }

// layers are the rows of both tables by stratum, in their order within each.
func layers(n, m int, strata []int32) (order []int32, out []layer) {
	order = make([]int32, n+m)
	for i := range order {
		order[i] = int32(i)
	}
	if strata == nil {
		return order, []layer{{0, n + m, n}}
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(strata[a], strata[b]) })
	for i, r := range order {
		if i == 0 || strata[r] != strata[order[i-1]] {
			out = append(out, layer{from: i})
		}
		last := &out[len(out)-1]
		last.to = i + 1
		if int(r) < n {
			last.n++
		}
	}
	return order, out
}

// deal starts from the rows in order, so that it does not depend on the deals before. Of each stratum the smaller side is drawn.
func (d *dealer) deal(seed int64, b uint64) {
	copy(d.rows, d.order)
	d.part = nil
	src := rand.NewPCG(uint64(seed), b)
	for _, s := range d.strata {
		rows := d.rows[s.from:s.to]
		k, drawn := s.n, uint8(1)
		if m := len(rows) - s.n; m < k {
			k, drawn = m, 0
		}
		draw(src, rows, k)
		for _, r := range rows[:k] {
			d.inReference[r] = drawn
		}
		for _, r := range rows[k:] {
			d.inReference[r] = 1 - drawn
		}
	}
}

// rowsOf says of the rows of a part whether they are the reference's in this deal; nil is the part that has all.
func (d *dealer) rowsOf(p *partRows) []uint8 {
	if p == nil {
		return d.inReference
	}
	if d.part != p {
		d.part, d.inPart = p, d.inPart[:0]
		for _, r := range p.rows {
			d.inPart = append(d.inPart, d.inReference[r])
		}
	}
	return d.inPart
}

// draw moves k random rows to the front (Fisher and Yates).
func draw(src *rand.PCG, rows []int32, k int) {
	for i := range k {
		j, _ := bits.Mul64(src.Uint64(), uint64(len(rows)-i))
		rows[i], rows[i+int(j)] = rows[i+int(j)], rows[i]
	}
}
