package train

import "math"

// ranking is the order of a column's rows by their values, found once for all that is asked about it. Missing values can be taken as
// the smallest or as the largest without another sort.
type ranking struct {
	rows    int
	order   []int32  // rows with a value, smallest first; ties in the order of rows
	keys    []uint64 // of those, in the same order; the same for the same value
	missing []int32  // rows without
}

// rank sorts by radix, in time that grows with the rows alone: eleven bits at a time, the lowest first, of the values' bits made such
// that they order as the values do.
func rank(x []float64) *ranking {
	r := &ranking{rows: len(x), order: make([]int32, 0, len(x))}
	keys := make([]uint64, 0, len(x))
	for row, v := range x {
		if v != v {
			r.missing = append(r.missing, int32(row))
			continue
		}
		r.order = append(r.order, int32(row))
		keys = append(keys, sortable(v))
	}
	const bits = 11
	spareKeys, spare := make([]uint64, len(keys)), make([]int32, len(keys))
	for shift := 0; shift < 64; shift += bits {
		var starts [1 << bits]int32
		for _, k := range keys {
			starts[k>>shift&(1<<bits-1)]++
		}
		if len(keys) > 0 && int(starts[keys[0]>>shift&(1<<bits-1)]) == len(keys) {
			continue // they have these bits in common
		}
		at := int32(0)
		for d, n := range starts {
			starts[d], at = at, at+n
		}
		for i, k := range keys {
			d := k >> shift & (1<<bits - 1)
			spareKeys[starts[d]], spare[starts[d]] = k, r.order[i]
			starts[d]++
		}
		keys, spareKeys, r.order, spare = spareKeys, keys, spare, r.order
	}
	r.keys = keys
	return r
}

// sortable returns bits that order as numbers do: of negative ones all are turned over, of others the sign. Zeros are equal.
func sortable(v float64) uint64 {
	if v == 0 {
		v = 0 // -0 too
	}
	b := math.Float64bits(v)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

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

// ranks returns the rank of each row.
func (r *ranking) ranks(missingLast bool) []float64 {
	out := make([]float64, r.rows)
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
