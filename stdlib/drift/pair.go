package drift

import (
	"fmt"
	"math"
	"sort"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// pair is one column of both tables, pooled: the reference's rows first. Codes are always set, values where numbers are compared; split goes
// by whether there are values.
type pair struct {
	name   string
	method string    // of drift.Methods: "ks", "wasserstein", …
	n      int       // rows of the reference
	of     *partRows // whose rows it has; nil: all

	codes []int32 // of the category of each row, from 0
	kinds int     // how many categories there are

	values []float64 // of all rows but nulls, ascending
	order  []int32   // the row of each value
	nulls  []int32   // rows without one
	steps  []step    // where another value begins, but for the first
}

// step is where the sorted values grow.
type step struct {
	at   int32   // the place of the first of the greater values
	rise float64 // by how much it is greater than the one before
}

// newPair joins two columns into one: reference rows first, current ones behind them, n of the former. A permutation then only says
// anew which rows are the reference's. Of the reference {5, null} and the current column {7}, n is 2, codes are {0, 1, 2} with null
// as 1, the sorted values {5, 7} are those of rows 0 and 2, and row 1 is in nulls.
func newPair(reference, current *frame.Frame, name, method string) (*pair, error) {
	a, b := reference.Column(name), current.Column(name)
	switch {
	case a == nil:
		return nil, fmt.Errorf("the reference has no column %q", name)
	case b == nil:
		return nil, fmt.Errorf("the current table has no column %q", name)
	case a.Text() != b.Text():
		return nil, fmt.Errorf("column %q is %s in the reference and %s in the current table", name, a.Type, b.Type)
	}
	if err := noInfinity(a, "reference"); err != nil {
		return nil, err
	}
	if err := noInfinity(b, "current table"); err != nil {
		return nil, err
	}
	p := &pair{name: name, n: reference.Rows, method: method}
	codes, distinct := pool(a, b)
	p.codes, p.kinds = codes, kinds(codes)
	numeric := !a.Text() && hasValue(a) && hasValue(b)
	if method == "" {
		p.method = choose(p.n, distinct, p.kinds, numeric)
	}
	if err := suits(p.method, numeric, p.kinds); err != nil {
		// A column of numbers without any on one side is still compared: by the share of nulls.
		if a.Text() || numeric {
			return nil, fmt.Errorf("column %q: %w", name, err)
		}
		p.method = choose(p.n, 1, 2, false)
	}
	if numeric && p.method != ChiSquare && p.method != Z && (p.method != JensenShannon || distinct > 5) {
		p.setValues(append(append([]float64{}, a.Num...), b.Num...))
	}
	if !numeric && !a.Text() {
		p.codes, p.kinds = presence(a, b), 2
	}
	return p, nil
}

// infiniteError is a column with a value that has no distance to any other.
type infiniteError struct {
	column, where string // where: "reference" or "current table"
	first         int    // row, from 1
	infinite      int    // rows
	rows          int    // of the table
}

// Error names the first of the rows, by which it is found in the table's order.
func (e *infiniteError) Error() string {
	return fmt.Sprintf("column %q of the %s is infinite in %d of %d rows, the first is row %d", e.column, e.where, e.infinite, e.rows, e.first)
}

// noInfinity refuses what has no distance to anything.
func noInfinity(c *frame.Column, where string) error {
	first, n := 0, 0
	for i, x := range c.Num {
		if math.IsInf(x, 0) {
			if n++; n == 1 {
				first = i + 1
			}
		}
	}
	if n > 0 {
		return &infiniteError{column: c.Name, where: where, first: first, infinite: n, rows: len(c.Num)}
	}
	return nil
}

// warning tells of a reference whose deviation is made by few rows: a distance that is divided by it hides shifts of
// all the others.
func (p *pair) warning() string {
	if p.method != Wasserstein || p.values == nil {
		return ""
	}
	s := p.asIs()
	at := func(q float64) float64 { return s.ref[int(q*float64(len(s.ref)-1))] }
	deviation, usual := std(s.ref), (at(0.95)-at(0.05))/3.29 // of a normal distribution they are equal
	if usual <= 0 || deviation <= 5*usual {
		return ""
	}
	return fmt.Sprintf("column %q: few rows of the reference, from %v to %v, make its standard deviation %.4g, where that of the middle nine tenths is %.4g; the distance is in units of it, so shifts of the others hide: "+
		"leave those rows out, or set method = %q", p.name, s.ref[0], s.ref[len(s.ref)-1], deviation, usual, PSI)
}

// hasValue reports whether any row of a column of numbers has one.
func hasValue(c *frame.Column) bool {
	for _, x := range c.Num {
		if !math.IsNaN(x) {
			return true
		}
	}
	return false
}

// pool gives both columns' values common codes; null, where there is one, is a code like the others. distinct counts
// the reference's values without null.
func pool(a, b *frame.Column) (codes []int32, distinct int) {
	if a.Text() {
		return poolText(a, b)
	}
	seen := map[float64]int32{}
	null := int32(-1)
	next := int32(0)
	for side, c := range []*frame.Column{a, b} {
		for _, x := range c.Num {
			code, known := seen[x]
			switch {
			case math.IsNaN(x):
				if null < 0 {
					null, next = next, next+1
				}
				code = null
			case !known:
				code, next = next, next+1
				seen[x] = code
			}
			codes = append(codes, code)
		}
		if side == 0 {
			distinct = len(seen)
		}
	}
	return codes, distinct
}

// poolText gives the values of two columns common codes, in the order that they are met in. Null is a value of its own.
// distinct are the values of the reference alone, by which a method is chosen.
func poolText(a, b *frame.Column) (codes []int32, distinct int) {
	seen := map[string]int32{}
	null := int32(-1)
	next := int32(0)
	for side, c := range []*frame.Column{a, b} {
		for _, level := range c.Codes {
			if level < 0 {
				if null < 0 {
					null, next = next, next+1
				}
				codes = append(codes, null)
				continue
			}
			code, known := seen[c.Levels[level]]
			if !known {
				code, next = next, next+1
				seen[c.Levels[level]] = code
			}
			codes = append(codes, code)
		}
		if side == 0 {
			distinct = len(seen)
		}
	}
	return codes, distinct
}

// presence codes nulls 0 and values 1.
func presence(a, b *frame.Column) []int32 {
	var codes []int32
	for _, c := range []*frame.Column{a, b} {
		for _, x := range c.Num {
			code := int32(1)
			if math.IsNaN(x) {
				code = 0
			}
			codes = append(codes, code)
		}
	}
	return codes
}

// kinds is how many codes there are: they are 0, 1, 2, … without gaps.
func kinds(codes []int32) int {
	top := int32(-1)
	for _, c := range codes {
		top = max(top, c)
	}
	return int(top) + 1
}

// setValues sorts the values of all rows; NaN is null. Rows of one value stay in their order, so that the same tables are dealt out alike.
func (p *pair) setValues(all []float64) {
	p.order, p.nulls = nil, nil
	for i, x := range all {
		if math.IsNaN(x) {
			p.nulls = append(p.nulls, int32(i))
		} else {
			p.order = append(p.order, int32(i))
		}
	}
	sort.SliceStable(p.order, func(a, b int) bool { return all[p.order[a]] < all[p.order[b]] })
	p.values, p.steps = make([]float64, len(p.order)), nil
	for k, i := range p.order {
		p.values[k] = all[i]
		if k > 0 && p.values[k] != p.values[k-1] {
			p.steps = append(p.steps, step{int32(k), p.values[k] - p.values[k-1]})
		}
	}
}

// restrict returns the pair of some of the rows, of which the first n are the reference's.
// The new pair shares no memory with p. Codes keep their numbers, so that some may have no row.
func (p *pair) restrict(rows []int32, n int) *pair {
	out := &pair{name: p.name, method: p.method, n: n, kinds: p.kinds, codes: make([]int32, len(rows))}
	for k, r := range rows {
		out.codes[k] = p.codes[r]
	}
	if p.values == nil {
		return out
	}
	byRow := make([]float64, len(p.codes))
	for i := range byRow {
		byRow[i] = math.NaN()
	}
	for k, i := range p.order {
		byRow[i] = p.values[k]
	}
	all := make([]float64, len(rows))
	for k, r := range rows {
		all[k] = byRow[r]
	}
	out.setValues(all)
	return out
}

// asIs deals the rows out as they are, to the tables that they came from. The result has memory of its own.
func (p *pair) asIs() sides {
	inReference := make([]uint8, len(p.codes))
	for i := range p.n {
		inReference[i] = 1
	}
	return p.split(inReference, &scratch{})
}

// sides is a pooled column dealt out to a reference and a current table.
type sides struct {
	ref, cur           []float64 // ascending, without nulls
	below              []int32   // how many of the values before each of both are in ref
	steps              []step    // of the values of both
	refNulls, curNulls int
	refCounts          []float64 // by category; nil where numbers are compared
	curCounts          []float64
}

// scratch is memory that one goroutine uses again and again.
type scratch struct {
	ref, cur             []float64
	below                []int32
	refCounts, curCounts []float64
}

// split deals rows out: to the reference where inReference is 1, else, where it is 0, to the current table. The result lives in m.
// Values stay sorted, as p.order is gone through in order: a deal of a thousand costs one pass each and no sorting. Each value is
// written to both sides and stays on one, since no processor foresees to which it belongs.
func (p *pair) split(inReference []uint8, m *scratch) sides {
	if p.values == nil {
		return p.splitCodes(inReference, m)
	}
	if n := len(p.values); cap(m.ref) < n {
		m.ref, m.cur, m.below = make([]float64, n), make([]float64, n), make([]int32, n)
	}
	ref, cur, below := m.ref[:len(p.values)], m.cur[:len(p.values)], m.below[:len(p.values)]
	n := 0
	for k, i := range p.order {
		ref[n], cur[k-n], below[k] = p.values[k], p.values[k], int32(n)
		n += int(inReference[i])
	}
	s := sides{ref: ref[:n], cur: cur[:len(cur)-n], below: below, steps: p.steps}
	for _, i := range p.nulls {
		s.refNulls += int(inReference[i])
	}
	s.curNulls = len(p.nulls) - s.refNulls
	return s
}

// splitCodes counts the codes on either side. The counts are of the scratch, and good until the next call.
func (p *pair) splitCodes(inReference []uint8, m *scratch) sides {
	if cap(m.refCounts) < p.kinds {
		m.refCounts, m.curCounts = make([]float64, p.kinds), make([]float64, p.kinds)
	}
	ref, cur := m.refCounts[:p.kinds], m.curCounts[:p.kinds]
	clear(ref)
	clear(cur)
	for i, c := range p.codes {
		in := float64(inReference[i])
		ref[c] += in
		cur[c] += 1 - in
	}
	return sides{refCounts: ref, curCounts: cur}
}
