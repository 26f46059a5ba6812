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
	from *Lineage
	use  Use
}

// Use is how values of one column enter another.
type Use int

const (
	SameRow   Use = iota // computed from it in the same row
	PastRows             // over rows before its own
	OtherRows            // over several rows, its own and later ones perhaps among them
)

// Derived returns the lineage of a new column before anything is added to it.
func Derived(origin string) *Lineage { return &Lineage{Origin: origin} }

// Add notes that a column that is being made uses another one. A column without lineage adds nothing.
func (l *Lineage) Add(from *Lineage, use Use) {
	if from != nil {
		l.makers = append(l.makers, maker{from, use})
	}
}

// Settled is the column where only those values entered that were known before its row: of what it is computed from, what
// comes over other rows is left.
func (l *Lineage) Settled() *Lineage {
	return &Lineage{Origin: l.Origin, makers: l.makers, settled: true}
}

// Earlier is the column as it stood in an earlier row.
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
	reached [OtherRows + 1]map[string]*hop // by use, then origin
}

// hop is a step of the shortest way from a column to the one that is traced.
type hop struct {
	at      *Lineage
	use     Use // of at in the traced column; unsettled: not yet known to be one that counts
	next    *hop
	ordinal int // how many hops are left
}

// unsettled is what flows into a settled column until it is seen to come over other rows.
const unsettled = OtherRows + 1

// Trace follows the lineage to its beginnings. A column counts as used over other rows if any step of a way to it is, else
// as used in past rows if any step is; it may be used in several ways at once. Of nil it is empty.
func (l *Lineage) Trace() *Trace {
	t := &Trace{}
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
				key := hop{at: m.from, use: entering(h, m.use)}
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

// entering is how a column is used in the traced one that is used in the column at h.
func entering(h *hop, use Use) Use {
	switch {
	case use == OtherRows:
		return OtherRows
	case h.at.settled || h.use == unsettled:
		return unsettled
	}
	return max(h.use, use)
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

// Has tells whether values of the column of that origin come in by that use.
func (t *Trace) Has(use Use, origin string) bool { return t.reached[use][origin] != nil }

// Origins are the columns that come in by that use, sorted.
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
