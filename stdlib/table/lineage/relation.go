package lineage

import "slices"

// field is a column of a relation.
type field struct {
	name string // in lower case; empty if it is not known
	flow flow
	// wide fields stand for one or more columns, such as an unnested struct.
	wide bool
}

// relation is what a query or a table in FROM yields.
type relation struct {
	name   string  // in lower case
	home   origins // its number as an item of FROM
	fields []field
	// loose relations may have further columns, in any place, that depend on rest.
	loose bool
	rest  flow
	// rows is what decides which rows there are; its homes are items of queries around it.
	rows fact
	// order has the columns of ORDER BY. lead has the columns that decide on the order of the rows otherwise, without ORDER BY or
	// among its ties: the key that a table is stored by, columns of groups, joins and windows.
	order, lead origins
	// tests is the part of rows that comes from conditions which are more than an equality of two columns.
	tests origins
}

// seen is a flow of the relation as a query sees it that has the relation in FROM.
func (r *relation) seen(f flow) flow {
	if len(r.home) == 0 {
		return f
	}
	f.homes = r.home
	if len(f.past) > 0 {
		f.past = slices.Clone(f.past)
		for i := range f.past {
			f.past[i].homes = r.home
		}
	}
	return f
}

// any is what a column of the relation may depend on, whichever it is.
func (r *relation) any() flow {
	out := r.rest
	for _, f := range r.fields {
		out = out.with(f.flow)
	}
	return r.seen(out.computed())
}

// row is the relation's row as a struct.
func (r *relation) row() flow {
	out := r.any()
	if r.exact() {
		out.parts = map[string]flow{}
		for _, f := range r.fields {
			out.parts[f.name] = f.flow
		}
	}
	return out
}

// exact reports whether the fields are the columns, one by one.
func (r *relation) exact() bool {
	return !r.loose && !slices.ContainsFunc(r.fields, func(f field) bool { return f.wide })
}

// column finds a column by name. Sure is false if the relation may or may not have it: f is then what it would depend on,
// and ok tells whether it may.
func (r *relation) column(name string) (f flow, sure, ok bool) {
	found := 0
	for _, c := range r.fields {
		if c.name != name {
			continue
		}
		if found++; found == 1 {
			f = c.flow
		} else {
			f = f.with(c.flow)
		}
	}
	if found > 0 {
		return r.seen(f), true, true
	}
	for _, c := range r.fields {
		if c.wide || c.name == "" {
			f, ok = f.with(c.flow), true
		}
	}
	if r.loose {
		f, ok = f.with(r.rest), true
	}
	return r.seen(f), false, ok
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

// copies are the input columns that the relation's columns are, one set for each.
func (r *relation) copies() []origins {
	var out []origins
	for _, f := range r.fields {
		if !f.flow.copies.empty() && !f.wide {
			out = append(out, f.flow.copies)
		}
	}
	return out
}
