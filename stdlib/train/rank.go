package train

import (
	"slices"

	"github.com/mlp-lang/mlp/stdlib/radix"
)

// ranking is the order of a column's rows by their values, found once for all that is asked about it. Missing values can be taken as
// the smallest or as the largest without another sort.
type ranking struct {
	rows    int
	order   []int32  // rows with a value, smallest first; ties in the order of rows
	keys    []uint64 // of those, in the same order; the same for the same value
	missing []int32  // rows without
}

// ranker is memory for rankings, one after the other. The zero value is ready.
type ranker struct {
	last   ranking
	keys   []uint64
	order  []int32
	buffer radix.Rows
	ranks  []float64
}

// rank orders the rows of a column. The ranking lasts until the next one.
func (r *ranker) rank(x []float64) *ranking {
	r.last = ranking{rows: len(x), missing: r.last.missing[:0]}
	r.keys, r.order = slices.Grow(r.keys[:0], len(x)), slices.Grow(r.order[:0], len(x))
	for row, v := range x {
		if v != v {
			r.last.missing = append(r.last.missing, int32(row))
			continue
		}
		r.order = append(r.order, int32(row))
		r.keys = append(r.keys, radix.Key(v))
	}
	r.last.keys, r.last.order = r.buffer.Sort(r.keys, r.order)
	return &r.last
}

// rank orders the rows of a column.
func rank(x []float64) *ranking { return new(ranker).rank(x) }

// each calls f with the rows of each value, from the smallest on, and their rank from 1: the mean of those that tie. Missing values come
// first or last.
func (r *ranking) each(missingLast bool, f func(rows []int32, rank float64)) {
	// The ranks of k rows from offset+1 on have the mean offset + (k+1)/2.
	offset := 0
	tied := func(rows []int32) {
		if len(rows) > 0 {
			f(rows, float64(2*offset+len(rows)+1)/2)
			offset += len(rows)
		}
	}
	if !missingLast {
		tied(r.missing)
	}
	for start := 0; start < len(r.order); {
		end := start + 1
		for end < len(r.order) && r.keys[end] == r.keys[start] {
			end++
		}
		tied(r.order[start:end])
		start = end
	}
	if missingLast {
		tied(r.missing)
	}
}

// ranks returns the rank of each row, in the given memory if there is enough.
func (r *ranking) ranks(missingLast bool, memory []float64) []float64 {
	out := slices.Grow(memory[:0], r.rows)[:r.rows]
	r.each(missingLast, func(rows []int32, rank float64) {
		for _, row := range rows {
			out[row] = rank
		}
	})
	return out
}

// area under the receiver operating characteristic of the values as a score: the share of pairs in the right order, ties counted half.
// Positive has 1 for each row of the class, else 0. The area is 0.5 where all rows are of one.
func (r *ranking) area(missingLast bool, positive []float64) float64 {
	var total, positives float64
	r.each(missingLast, func(rows []int32, rank float64) {
		n := 0.0
		for _, row := range rows {
			n += positive[row]
		}
		total += float64(rank * n)
		positives += n
	})
	negatives := float64(r.rows) - positives
	if positives == 0 || negatives == 0 {
		return 0.5
	}
	return (total - float64(positives*(positives+1)/2)) / (positives * negatives)
}

// bestArea takes missing values as smallest or as largest, and the score as rising or falling, whatever is best.
func (r *ranking) bestArea(positive []float64) float64 {
	a := r.area(false, positive)
	best := max(a, 1-a)
	if len(r.missing) > 0 {
		a = r.area(true, positive)
		best = max(best, a, 1-a)
	}
	return best
}
