package table

import "slices"

// origins is a set of input columns, each a bit by its number. Sets are never changed once made.
type origins []uint64

func single(i int) origins {
	out := make(origins, i/64+1)
	out[i/64] = 1 << (i % 64)
	return out
}

func (a origins) or(b origins) origins {
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(b) == 0 {
		return a
	}
	out := slices.Clone(a)
	for i, w := range b {
		out[i] |= w
	}
	return out
}

func (a origins) has(i int) bool { return i/64 < len(a) && a[i/64]&(1<<(i%64)) != 0 }

func (a origins) equal(b origins) bool {
	for i := range max(len(a), len(b)) {
		var x, y uint64
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return false
		}
	}
	return true
}

// flow is what an expression depends on; see component.Flow.
type flow struct {
	values, others, past, keys, influences origins
	// copied is 1 + the number of the input column that it is as it stands; 0 for any other.
	copied int
}

// with is what an expression over both depends on.
func (f flow) with(g flow) flow {
	return flow{values: f.values.or(g.values), others: f.others.or(g.others), past: f.past.or(g.past), keys: f.keys.or(g.keys),
		influences: f.influences.or(g.influences)}
}

// computed is f once more than copied.
func (f flow) computed() flow { f.copied = 0; return f }

// all is every column that can change it.
func (f flow) all() origins { return f.values.or(f.others).or(f.past).or(f.keys).or(f.influences) }

// aggregated is f over several rows.
func (f flow) aggregated() flow {
	return flow{others: f.values.or(f.others).or(f.past), keys: f.keys, influences: f.influences}
}

// earlier is f of rows that stand before.
func (f flow) earlier() flow {
	return flow{past: f.values.or(f.past), others: f.others, influences: f.influences.or(f.keys)}
}

// key is f where it decides which other rows a row's value comes from.
func (f flow) key() flow { return flow{keys: f.values.or(f.others).or(f.keys), influences: f.all()} }

// influence is f where it only decides on rows.
func (f flow) influence() flow { return flow{influences: f.all()} }

func (f flow) equal(g flow) bool {
	return f.values.equal(g.values) && f.others.equal(g.others) && f.past.equal(g.past) && f.keys.equal(g.keys) && f.influences.equal(g.influences)
}

// field is a column of a relation.
type field struct {
	name string // in lower case; empty if it is not known
	flow flow
	// wide fields stand for one or more columns, such as an unnested struct.
	wide bool
}

// relation is what a query or a table in FROM yields.
type relation struct {
	name   string // in lower case
	fields []field
	// loose relations may have further columns, in any place, that depend on rest.
	loose bool
	rest  flow
	// rows is what decides which rows there are, and in which order.
	rows origins
	// tests is the part of rows that comes from conditions which are more than an equality of two columns.
	tests origins
}

// any is what a column of the relation may depend on, whichever it is.
func (r *relation) any() flow {
	out := r.rest
	for _, f := range r.fields {
		out = out.with(f.flow)
	}
	return out.computed()
}

// exact tells whether the fields are the columns, one by one.
func (r *relation) exact() bool {
	return !r.loose && !slices.ContainsFunc(r.fields, func(f field) bool { return f.wide })
}

// column finds a column by name. Sure is false if the relation may or may not have it: f is then what it would depend on,
// and ok tells whether it may.
func (r *relation) column(name string) (f flow, sure, ok bool) {
	found := 0
	for _, c := range r.fields {
		switch {
		case c.name == name:
			if found++; found == 1 {
				f = c.flow
			} else {
				f = f.with(c.flow)
			}
		}
	}
	if found > 0 {
		return f, true, true
	}
	for _, c := range r.fields {
		if c.wide || c.name == "" {
			f, ok = f.with(c.flow), true
		}
	}
	if r.loose {
		f, ok = f.with(r.rest), true
	}
	return f, false, ok
}

// rename gives the relation a name and its first columns others.
func (r *relation) rename(name string, columns []string) *relation {
	out := *r
	if name != "" {
		out.name = name
	}
	if len(columns) == 0 {
		return &out
	}
	if !r.exact() || len(columns) > len(r.fields) {
		out.fields, out.loose, out.rest = nil, true, r.any()
		return &out
	}
	out.fields = slices.Clone(r.fields)
	for i, c := range columns {
		out.fields[i].name = c
	}
	return &out
}

// subquery is a relation as FROM sees it: the engine gives repeated names others.
func (r *relation) subquery() *relation {
	out := *r
	out.fields = slices.Clone(r.fields)
	seen := map[string]bool{}
	for i := range out.fields {
		if name := out.fields[i].name; seen[name] {
			out.fields[i].name = ""
		} else {
			seen[name] = true
		}
	}
	return &out
}
