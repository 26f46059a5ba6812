package schema

import (
	"slices"
	"strconv"
	"strings"
)

// Lineage says which columns a column's values come from. The compiler carries it from block to block while it checks a
// module; it is part of no plan, no fingerprint and no stage's description.
//
// It knows its own makers only; Trace walks on from there. So a column costs no more at the end of a long pipeline than at
// its beginning. Never change a Lineage once its block is typed: columns share them.
type Lineage struct {
	// Origin is the column itself as it was first made, "source.payments.is_fraud". Blocks that pass it on, renamed perhaps,
	// leave it as it is.
	Origin string

	makers  []maker
	settled bool // values that come from the row itself or from earlier ones are left out
}

// maker is a column that another is computed from.
type maker struct {
	from   *Lineage
	use    Use
	same   bool       // it is that column as it stands
	clocks []*Lineage // of PastRows: the columns that the rows are earlier by, unless they are known to be the time
}

// Use is how values of one column enter another. Leakage is told from it: a feature that takes the target in by OtherRows knows answers
// that a prediction would not have.
type Use int

const (
	SameRow   Use = iota // computed from it in the same row
	PastRows             // over rows before its own
	OtherRows            // over several rows, its own and later ones perhaps among them
	ByRows               // it decides on which rows came in
	Nullness             // it is only asked whether it is null
)

const uses = Nullness + 1

// Derived returns the lineage of a new column before anything is added to it.
func Derived(origin string) *Lineage { return &Lineage{Origin: origin} }

// Add notes that a column that is being made uses another one. A column without lineage adds nothing.
func (l *Lineage) Add(from *Lineage, use Use) {
	if from != nil {
		l.makers = append(l.makers, maker{from: from, use: use})
	}
}

// AddPast notes that earlier values of another column are used, by columns that are yet to be seen to be the time.
func (l *Lineage) AddPast(from *Lineage, clocks ...*Lineage) {
	if from != nil {
		l.makers = append(l.makers, maker{from: from, use: PastRows, clocks: clocks})
	}
}

// AddSame notes that a column is another one as it stands, such as that of the same files under another name.
func (l *Lineage) AddSame(from *Lineage) {
	if from != nil {
		l.makers = append(l.makers, maker{from: from, same: true})
	}
}

// Chosen is the lineage of a column whose values are unchanged and whose rows were selected, such as amount in
// `SELECT amount FROM payments WHERE is_fraud`. made has the columns that the selection read (is_fraud) and becomes the result,
// with l added to it as the same column; without any, the result is l.
func (l *Lineage) Chosen(made *Lineage) *Lineage {
	if !made.Made() {
		return l
	}
	made.AddSame(l)
	return made
}

// Made reports whether the column is computed from others. Of nil it is false.
func (l *Lineage) Made() bool {
	return l != nil && slices.ContainsFunc(l.makers, func(m maker) bool { return !m.same })
}

// Names are the origins of the column and of the columns whose unchanged values it has: of `SELECT amount AS sum FROM payments` both the
// new column and payments.amount.
func (l *Lineage) Names() []string {
	if l == nil {
		return nil
	}
	out := []string{l.Origin}
	for _, m := range l.makers {
		if m.same {
			out = append(out, m.from.Names()...)
		}
	}
	return out
}

// Settled is the column where only those values entered that were known before its row: of what it is computed from, what
// comes over other rows is left.
func (l *Lineage) Settled() *Lineage {
	return &Lineage{Origin: l.Origin, makers: l.makers, settled: true}
}

// Earlier is the lineage of a column that holds what l held in a row before its own, such as lag(amount) in SQL. Of nil it is nil.
func (l *Lineage) Earlier(origin string) *Lineage {
	if l == nil {
		return nil
	}
	out := Derived(origin)
	out.Add(l, PastRows)
	return out
}

// Trace is all that a column's values come from, however far away.
type Trace struct {
	times   []string              // columns by which rows count as earlier
	reached [uses]map[string]*hop // by use, then origin
}

// hop is a step of the shortest way from a column to the one that is traced.
type hop struct {
	at      *Lineage
	use     Use // of at in the traced column; unsettled: not yet known to be one that counts
	next    *hop
	ordinal int // how many hops are left
}

// unsettled is what flows into a settled column until it is seen to come over other rows.
const unsettled = uses

// Trace follows the lineage to its beginnings. A column counts as used over other rows if any step of a way to it is, else
// as used in past rows if any step is; it may be used in several ways at once. Rows are earlier by the columns named, if not
// by a table's own time. Of nil it is empty.
func (l *Lineage) Trace(times ...string) *Trace {
	t := &Trace{times: times}
	for use := range t.reached {
		t.reached[use] = map[string]*hop{}
	}
	if l == nil {
		return t
	}
	seen := map[hop]*hop{} // by column and use; the others are zero
	layer := []*hop{{at: l, use: SameRow}}
	for len(layer) > 0 {
		var further []*hop
		for _, h := range layer {
			for _, m := range h.at.makers {
				key := hop{at: m.from, use: t.entering(h, m)}
				next := &hop{at: m.from, use: key.use, next: h, ordinal: h.ordinal + 1}
				switch known := seen[key]; {
				case known == nil:
					seen[key] = next
					further = append(further, next)
				case known.ordinal == next.ordinal && before(h, known.next):
					known.next = h
				}
			}
		}
		layer = further
	}
	for _, h := range seen {
		t.note(h)
	}
	return t
}

// entering is how a column is used in the traced one that is used in the column at h. Behind a column that is only asked
// whether it is null, values may decide on that.
func (t *Trace) entering(h *hop, m maker) Use {
	use, so := m.use, h.use
	switch {
	case m.same:
		return so
	case use == PastRows && slices.ContainsFunc(m.clocks, func(c *Lineage) bool { return !t.time(c) }):
		use = OtherRows
	}
	if so == Nullness {
		so = SameRow
	}
	switch {
	case use == OtherRows || use == ByRows:
		if so == unsettled {
			return use
		}
		return max(so, use)
	case h.at.settled || so == unsettled:
		return unsettled
	case use == Nullness:
		return use
	}
	return max(so, use)
}

// time reports whether rows count as earlier by a column.
func (t *Trace) time(c *Lineage) bool {
	return slices.ContainsFunc(c.Names(), func(name string) bool { return slices.Contains(t.times, name) })
}

// note keeps the shortest way, of equally long ones the first in the order of text.
func (t *Trace) note(h *hop) {
	if h.use == unsettled {
		return
	}
	known := t.reached[h.use][h.at.Origin]
	if known == nil || h.ordinal < known.ordinal || h.ordinal == known.ordinal && before(h, known) {
		t.reached[h.use][h.at.Origin] = h
	}
}

// before orders ways of the same length by their text.
func before(a, b *hop) bool {
	for ; a != b && a != nil && b != nil; a, b = a.next, b.next {
		if a.at.Origin != b.at.Origin {
			return a.at.Origin < b.at.Origin
		}
	}
	return false
}

// Has reports whether values of the column of that origin come in by that use.
func (t *Trace) Has(use Use, origin string) bool { return t.reached[use][origin] != nil }

// Origins are the columns that come in by that use, sorted; a column that comes in by several uses is among the origins of each.
func (t *Trace) Origins(use Use) []string {
	out := make([]string, 0, len(t.reached[use]))
	for origin := range t.reached[use] {
		out = append(out, origin)
	}
	slices.Sort(out)
	return out
}

// Way is the way that values took from a column, "source.payments.is_fraud → dataset.payments.flag"; empty if none did. The
// middle of a long one is left out.
func (t *Trace) Way(use Use, origin string) string {
	const ends = 6 // columns that are shown of a long way at either end
	var names []string
	for h := t.reached[use][origin]; h != nil; h = h.next {
		switch {
		case len(names) < ends || h.ordinal < ends:
			names = append(names, h.at.Origin)
		case len(names) == ends:
			names = append(names, "… "+strconv.Itoa(h.ordinal-ends+1)+" more …")
		}
	}
	return strings.Join(names, " → ")
}
