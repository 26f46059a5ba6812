package lineage

import (
	"math/bits"
	"slices"
)

// origins is a set of numbers, each a bit: of input columns, or of FROM items. Sets are never changed once made.
type origins []uint64

// single is a set of one number. Sets are never changed: operations return new ones, or one of their operands.
func single(i int) origins {
	out := make(origins, i/64+1)
	out[i/64] = 1 << (i % 64)
	return out
}

// or is the union. Where one has all of the other it is that one, not a copy.
func (a origins) or(b origins) origins {
	if len(a) < len(b) {
		a, b = b, a
	}
	if b.within(a) {
		return a
	}
	out := slices.Clone(a)
	for i, w := range b {
		out[i] |= w
	}
	return out
}

// and is the intersection.
func (a origins) and(b origins) origins {
	out := slices.Clone(a[:min(len(a), len(b))])
	for i := range out {
		out[i] &= b[i]
	}
	return out
}

// minus has what is in a and not in b.
func (a origins) minus(b origins) origins {
	out := slices.Clone(a)
	for i := range min(len(a), len(b)) {
		out[i] &^= b[i]
	}
	return out
}

// empty reports whether no column is among the origins.
func (a origins) empty() bool { return !slices.ContainsFunc(a, func(w uint64) bool { return w != 0 }) }

// meets reports whether the two have a number in common.
func (a origins) meets(b origins) bool {
	for i := range min(len(a), len(b)) {
		if a[i]&b[i] != 0 {
			return true
		}
	}
	return false
}

// within reports whether all of a is in b. The empty set is within any.
func (a origins) within(b origins) bool {
	for i, w := range a {
		if w != 0 && (i >= len(b) || w&^b[i] != 0) {
			return false
		}
	}
	return true
}

// equal reports whether both are the same columns.
func (a origins) equal(b origins) bool { return a.within(b) && b.within(a) }

// each lists the numbers in the set.
func (a origins) each() []int {
	var out []int
	for i, w := range a {
		for ; w != 0; w &= w - 1 {
			out = append(out, i*64+bits.TrailingZeros64(w))
		}
	}
	return out
}

// flow is what an expression depends on; see component.Flow. The fields behind past serve the walk alone.
type flow struct {
	taints, values, others, keys, control, known origins
	past                                         []past

	homes   origins         // the FROM items, of this SELECT and of those around it, whose row it reads
	copies  origins         // the input columns of which it is one, row by row, as it stands
	over    bool            // an aggregate or window is in it
	repeats bool            // of copies: a row of the table may stand there several times
	grouped bool            // an aggregate is in it
	parts   map[string]flow // of a struct whose fields are known, in lower case
}

// past is what came in from rows that stand before in the order of a clock: input columns of which the order's column is one.
type past struct{ clock, by, homes origins }

// nothing reports whether a flow depends on nothing, as that of a constant.
func (f *flow) nothing() bool {
	return len(f.taints)+len(f.values)+len(f.others)+len(f.keys)+len(f.control)+len(f.known)+len(f.homes)+len(f.past) == 0 && !f.over && !f.grouped
}

// with is what an expression over both depends on.
func (f flow) with(g flow) flow {
	if g.nothing() {
		f.copies, f.repeats, f.parts = nil, false, nil
		return f
	}
	out := flow{taints: f.taints.or(g.taints), values: f.values.or(g.values), others: f.others.or(g.others), keys: f.keys.or(g.keys),
		control: f.control.or(g.control), known: f.known.or(g.known), homes: f.homes.or(g.homes), over: f.over || g.over,
		grouped: f.grouped || g.grouped, past: f.past}
	for _, p := range g.past {
		out.past = addPast(out.past, p)
	}
	return out
}

// addPast adds to a list by clock: what is earlier by the same clock of the same items stands together.
func addPast(list []past, p past) []past {
	if p.by.empty() {
		return list
	}
	for i, q := range list {
		if q.clock.equal(p.clock) && q.homes.equal(p.homes) {
			list = slices.Clone(list)
			list[i].by = q.by.or(p.by)
			return list
		}
	}
	return append(slices.Clip(list), p)
}

// computed is f once more than copied.
func (f flow) computed() flow {
	f.copies, f.parts = nil, nil
	return f
}

// either is one or the other, whichever.
func (f flow) either(g flow) flow {
	out := f.with(g)
	if f.copies.equal(g.copies) {
		out.copies, out.repeats = f.copies, f.repeats || g.repeats
	}
	return out
}

// earlierBy is what comes in from earlier rows, by whatever clock.
func (f flow) earlierBy() origins {
	var out origins
	for _, p := range f.past {
		out = out.or(p.by)
	}
	return out
}

// decides is every column whose values can change it.
func (f flow) decides() origins {
	return f.values.or(f.others).or(f.keys).or(f.control).or(f.earlierBy())
}

// all is every column that can change it, were it only by being null.
func (f flow) all() origins { return f.decides().or(f.known) }

// aggregated is the flow of an aggregate over f, sum(f): values of the row itself become values of other rows.
func (f flow) aggregated() flow {
	return flow{taints: f.taints, others: f.values.or(f.others).or(f.earlierBy()), keys: f.keys, control: f.control, known: f.known,
		homes: f.homes, over: true, grouped: f.grouped}
}

// earlier is f of rows that stand before in the order of a clock.
func (f flow) earlier(clock flow) flow {
	out := flow{taints: f.taints, others: f.others, control: f.control, known: f.known, homes: f.homes, over: true, grouped: f.grouped}
	out.past = addPast(nil, past{clock: clock.copies, by: f.values.or(f.keys), homes: clock.homes})
	for _, p := range f.past {
		out.past = addPast(out.past, past{clock: p.clock.or(clock.copies), by: p.by, homes: p.homes.or(clock.homes)})
	}
	return out
}

// key is the flow of an expression that decides which other rows a row's value comes from, as partition by f does.
func (f flow) key() flow {
	return flow{keys: f.values.or(f.others).or(f.keys), control: f.control, known: f.known, past: f.past, homes: f.homes}
}

// chosen is the flow of an expression that decides only on which rows are seen and in which order, such as a frame's bound.
func (f flow) chosen() flow { return flow{control: f.decides(), known: f.known, homes: f.homes} }

// outside is f where the FROM items of its SELECT are out of sight.
func (f flow) outside(own origins) flow {
	f.homes, f.over, f.grouped = f.homes.minus(own), false, false
	return f
}

// nullness is the flow of an expression of which only whether it is null matters, as in x is null and count(x). The values of a
// column as it stands move to known; those of any other expression stay, since its being null may depend on them.
func (f flow) nullness() flow {
	if f.copies.empty() {
		return f.computed()
	}
	f.known, f.values = f.known.or(f.values), nil
	return f.computed()
}

// equal compares what a recursive query has to settle; homes and copies are left out.
func (f flow) equal(g flow) bool {
	return f.taints.equal(g.taints) && f.values.equal(g.values) && f.others.equal(g.others) && f.keys.equal(g.keys) &&
		f.control.equal(g.control) && f.known.equal(g.known) && f.earlierBy().equal(g.earlierBy())
}

// fact is a reason for which a row is there or not: a condition, most often.
type fact struct {
	local origins // values of the row itself
	far   origins // what comes from other rows
	known origins // columns of which it matters only whether they are null
	homes origins // the FROM items that it speaks of
}

// fact is f as a condition.
func (f flow) fact() fact {
	return fact{local: f.values, far: f.others.or(f.keys).or(f.control).or(f.earlierBy()), known: f.known, homes: f.homes}
}

// by is every column whose values the fact depends on, of the row itself or of others.
func (f fact) by() origins { return f.local.or(f.far) }

// empty reports whether the fact rests on no column.
func (f fact) empty() bool { return f.local.empty() && f.far.empty() && f.known.empty() }

// with is both facts as one.
func (f fact) with(g fact) fact {
	return fact{local: f.local.or(g.local), far: f.far.or(g.far), known: f.known.or(g.known), homes: f.homes.or(g.homes)}
}

// distant is the fact as it stands outside of the query whose rows it is about: its columns belong to other rows there.
func (f fact) distant() fact { return fact{far: f.by(), known: f.known, homes: f.homes} }

// enters is what a fact adds to a value that is made of the rows, such as a count of them: its columns as control.
func (f fact) enters() flow { return flow{control: f.by(), known: f.known} }

// together is all that decides on which rows there are.
func together(facts []fact) fact {
	var out fact
	for _, f := range facts {
		out = out.with(f)
	}
	return out
}
