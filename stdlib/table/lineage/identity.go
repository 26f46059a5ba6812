package lineage

import (
	"encoding/binary"
	"slices"
)

// resolve adds to the columns of a SELECT from several tables what decides on which rows of these were joined.
func (t *tracer) resolve(out *relation, sc *scope, equal []equality) {
	if len(sc.from) == 0 {
		return
	}
	out.home = t.driving(out, sc)
	if len(sc.from) == 1 {
		return
	}
	id := t.identities(out, sc, equal)
	marks := map[string]flow{}
	for i := range out.fields {
		f := out.fields[i].flow
		key := f.homes.text()
		m, ok := marks[key]
		if !ok {
			m = id.joined(f.homes, sc.at.facts)
			marks[key] = m
		}
		marked := id.settle(f.with(m))
		marked.homes, marked.copies, marked.parts, marked.repeats = f.homes, f.copies, f.parts, f.repeats || id.repeats(f.homes)
		out.fields[i].flow = marked
	}
	if out.loose {
		out.rest = id.settle(out.rest.with(id.joined(sc.at.items, sc.at.facts)))
	}
}

// driving is the item whose rows those of the result are, where nothing else tells: the first with a key among the columns of
// the result, else the first of all.
func (t *tracer) driving(out *relation, sc *scope) origins {
	for _, r := range sc.from {
		var copies []origins
		for _, f := range out.fields {
			if f.flow.homes.equal(r.home) {
				copies = append(copies, f.flow.copies)
			}
		}
		if t.identifies(copies) {
			return r.home
		}
	}
	return sc.from[0].home
}

// identities maps each input column to the FROM item whose row the result's row is for that column. In `select p.amount, c.limit
// from payments p join cards c on p.card = c.card` it is p for payments.amount and c for cards.limit.
type identities struct {
	items   origins
	driving origins
	of      map[int]origins    // input column → item; empty if it may be several
	same    map[string]origins // item → those that an inner join makes one row with it
	one     map[string]origins // item → those that have one row for each of its rows
	few     map[string]origins // item → those of other tables that are joined to it, or others, by an equality
}

// identities finds them from the columns of the result and the equalities by which the items are joined.
func (t *tracer) identities(out *relation, sc *scope, equal []equality) *identities {
	id := &identities{items: sc.at.items, driving: out.home, of: map[int]origins{}, same: map[string]origins{}, one: map[string]origins{},
		few: map[string]origins{}}
	t.tie(id, sc, equal)
	// Copies tell best whose row it is. Where a column is only computed with, the items that it is read from do, if they are
	// one.
	copied, computed := map[int]origins{}, map[int]origins{}
	for _, f := range out.fields {
		if home := f.flow.homes.and(id.items); len(home.each()) == 1 {
			for _, o := range f.flow.copies.each() {
				copied[o] = copied[o].or(home)
			}
			for _, o := range f.flow.values.each() {
				computed[o] = computed[o].or(home)
			}
		}
	}
	for o, homes := range computed {
		if of, ok := copied[o]; ok {
			homes = of
		}
		switch all := homes.each(); {
		case homes.meets(id.driving):
			id.of[o] = id.driving
		case len(all) == 1 || homes.within(id.sameAs(single(all[0]))):
			id.of[o] = single(all[0])
		default:
			id.of[o] = origins{}
		}
	}
	return id
}

// tie finds the items that are one row with another: joined to it by the same column that tells rows apart, or by a key of
// either of two tables.
func (t *tracer) tie(id *identities, sc *scope, equal []equality) {
	for _, a := range sc.from {
		for _, b := range sc.from {
			if a.home.equal(b.home) {
				continue
			}
			// Of the equalities between a and b: alike are the same column on both sides, inner those of inner joins among
			// them, keys columns of b and own columns of a that are compared.
			var alike, inner, keys, own []origins
			for _, e := range equal {
				for _, side := range [][2]flow{{e.left, e.right}, {e.right, e.left}} {
					l, r := side[0], side[1]
					if !l.homes.equal(a.home) || !r.homes.equal(b.home) || r.copies.empty() {
						continue
					}
					keys, own = append(keys, r.copies), append(own, l.copies)
					if l.copies.equal(r.copies) {
						alike = append(alike, r.copies)
						if e.inner {
							inner = append(inner, r.copies)
						}
					}
				}
			}
			at := a.home.text()
			apart := !t.reads(a).meets(t.reads(b))
			if apart && slices.ContainsFunc(equal, func(e equality) bool { return e.left.homes.equal(b.home) || e.right.homes.equal(b.home) }) {
				id.few[at] = id.few[at].or(b.home)
			}
			if len(inner) > 0 && t.identifies(inner) {
				id.same[at] = id.same[at].or(b.home)
			}
			if len(alike) > 0 && t.identifies(alike) || apart && len(keys) > 0 && (t.identifies(keys) || t.identifies(own)) {
				id.one[at] = id.one[at].or(b.home)
			}
		}
	}
}

// reads are the input tables, by number, that a relation's columns come from.
func (t *tracer) reads(r *relation) origins {
	var out origins
	for _, o := range r.any().all().each() {
		out = out.or(single(t.number[t.numbered[o].Table]))
	}
	return out
}

// sameAs is an item with all that inner joins make one row with it.
func (id *identities) sameAs(item origins) origins { return reach(item, id.same) }

// oneOf is an item with all that have one row, and always the same, for each of its rows.
func (id *identities) oneOf(item origins) origins { return reach(item, id.one) }

// reach follows ties as far as they lead.
func reach(from origins, ties map[string]origins) origins {
	out := from
	for {
		next := out
		for _, i := range out.each() {
			next = next.or(ties[single(i).text()])
		}
		if next.equal(out) {
			return out
		}
		out = next
	}
}

// identity is the item whose rows those of the result are for an input column; empty if it may be several.
func (id *identities) identity(o int) origins {
	if of, ok := id.of[o]; ok {
		return of
	}
	return id.driving
}

// joined is what decides on which rows of the given items are joined to a row of the result.
func (id *identities) joined(homes origins, facts []fact) flow {
	var out flow
	all := together(facts)
	by := map[string]origins{} // identity → input columns
	for _, o := range all.by().or(all.known).each() {
		key := id.identity(o).text()
		by[key] = by[key].or(single(o))
	}
	for key, columns := range by {
		self := id.sameAs(originsOf(key))
		for _, f := range touching(homes.and(id.items).minus(self), self, facts) {
			out.control, out.known = out.control.or(f.by().and(columns)), out.known.or(f.known.and(columns))
		}
	}
	return out
}

// repeats reports whether a row of an item may stand in the result several times: something is joined to it that is not known to
// be one row. Other tables that are joined by an equality are taken to be looked up in.
func (id *identities) repeats(item origins) bool {
	item = item.and(id.items)
	return len(item.each()) == 1 && !id.items.within(id.oneOf(item).or(id.few[item.text()]))
}

// touching lists the facts that are connected with some items. Facts are edges between the items that they speak of, and but,
// the row's own item, is taken out of the graph. In `from p join c on p.card = c.card join d on c.city = d.city where d.x > 0`
// all three facts are connected with c if p is taken out: the first as it speaks of c, the second too, the third by way of d.
func touching(items, but origins, facts []fact) []fact {
	var out []fact
	taken := make([]bool, len(facts))
	for again := true; again; {
		again = false
		for i, f := range facts {
			if rest := f.homes.minus(but); !taken[i] && rest.meets(items) {
				taken[i], again = true, true
				items, out = items.or(rest), append(out, f)
			}
		}
	}
	return out
}

// settle sorts out what came in from earlier rows (flow.past). A column stays there if the item of its clock is one row with
// the item that the column itself is identified with: then "earlier" is earlier than the row of the result. Where the clock is
// that of another item, which may be later than the row, the column moves to flow.others.
func (id *identities) settle(f flow) flow {
	list := f.past
	f.past = nil
	for _, p := range list {
		clock := p.homes.and(id.items)
		kept := p
		kept.by = nil
		for _, o := range p.by.each() {
			if of := id.identity(o); clock.empty() || !of.empty() && clock.within(id.oneOf(of).or(id.sameAs(of))) && !id.repeats(clock) {
				kept.by = kept.by.or(single(o))
			} else {
				f.others = f.others.or(single(o))
			}
		}
		f.past = addPast(f.past, kept)
	}
	return f
}

// text is the set as a key of maps.
func (a origins) text() string {
	out := make([]byte, 0, len(a)*8)
	for i, w := range a {
		if !slices.ContainsFunc(a[i:], func(x uint64) bool { return x != 0 }) {
			break
		}
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return string(out)
}

// originsOf is the set that text was made of.
func originsOf(text string) origins {
	var out origins
	for b := []byte(text); len(b) > 0; b = b[8:] {
		out = append(out, binary.LittleEndian.Uint64(b))
	}
	return out
}
