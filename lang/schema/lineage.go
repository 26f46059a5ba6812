package schema

import "strings"

// Lineage says which columns a column's values come from. The compiler carries it from block to block while it checks a
// module; it is part of no plan, no fingerprint and no stage's description.
//
// Columns are named "source.payments.is_fraud", by the block that first made them. The maps lead from a column to the way
// that its values took, "source.payments.is_fraud → dataset.payments.flag". Never change a Lineage: columns share them.
type Lineage struct {
	// Origin is the column itself as it was first made. Blocks that pass it on, renamed perhaps, leave it as it is.
	Origin string
	// From are the columns that it is computed from, in the row that it stands in.
	From map[string]string
	// Others are those that it is computed from over several rows, its own and later ones perhaps among them.
	Others map[string]string
	// Past are those whose values come from earlier rows only, whether or not they were known by the time of its own.
	Past map[string]string
}

// Use is how values of one column enter another.
type Use int

const (
	SameRow   Use = iota // computed from it in the same row
	OtherRows            // over several rows
	PastRows             // over rows before its own
)

// Derived returns the lineage of a new column before anything is added to it.
func Derived(origin string) *Lineage { return &Lineage{Origin: origin} }

// Add notes that a column that is being made uses another one. A column without lineage adds nothing.
func (l *Lineage) Add(from *Lineage, use Use) {
	if from == nil {
		return
	}
	same, others, past := &l.From, &l.Others, &l.Past
	switch use {
	case OtherRows:
		same, past = others, others
	case PastRows:
		same = past
	}
	l.note(same, from.Origin, from.Origin)
	for _, part := range []struct {
		to   *map[string]string
		ways map[string]string
	}{{same, from.From}, {others, from.Others}, {past, from.Past}} {
		for origin, way := range part.ways {
			l.note(part.to, origin, way)
		}
	}
}

// note keeps the shortest way, of equally long ones the first in the order of text.
func (l *Lineage) note(to *map[string]string, origin, way string) {
	way += " → " + l.Origin
	if *to == nil {
		*to = map[string]string{}
	}
	known, ok := (*to)[origin]
	n, m := strings.Count(way, "→"), strings.Count(known, "→")
	if !ok || n < m || n == m && way < known {
		(*to)[origin] = way
	}
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
