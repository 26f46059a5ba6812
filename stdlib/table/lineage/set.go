package lineage

import (
	"encoding/json"
	"slices"
	"strings"
)

// recursive goes round until the flows stand still: they only grow, and there are only so many columns.
// The first part is traced once, as what the query yields so far; the second again and again over what came out, until a round adds
// nothing. Of a query that may have other columns than are seen nothing is known.
func (t *tracer) recursive(n tree, outer *scope, aliases []string) *relation {
	sc := newScope(outer)
	t.with(n, sc)
	r := t.query(n.Get("left"), sc).subquery().rename("", aliases)
	if !r.exact() {
		return t.unknown()
	}
	whole := listed(n.Get("key_targets")) || n.Get("union_all") != true
	for {
		inner := newScope(sc)
		inner.ctes = &cte{name: strings.ToLower(word(n, "cte_name")), rel: r}
		next := t.query(n.Get("right"), inner)
		if !next.exact() || len(next.fields) != len(r.fields) {
			return t.unknown()
		}
		grown := *r
		grown.fields = slices.Clone(r.fields)
		grown.rows, grown.tests = r.rows.with(next.rows), r.tests.or(next.tests)
		for i, f := range next.fields {
			// How many steps a row took may show in its value.
			grown.fields[i].flow = r.fields[i].flow.with(f.flow).with(grown.rows.enters())
		}
		if whole {
			grown.rows = grown.rows.with(grown.any().fact().distant())
		}
		if same(r, &grown) {
			return &grown
		}
		r = &grown
	}
}

// same reports whether another round of a recursive query would add nothing.
func same(a, b *relation) bool {
	for i := range a.fields {
		if !a.fields[i].flow.equal(b.fields[i].flow) {
			return false
		}
	}
	return a.rows.by().equal(b.rows.by()) && a.rows.known.equal(b.rows.known)
}

// setOperation traces UNION, EXCEPT and INTERSECT of two or more. Without ALL equal rows become one, so that every column
// decides on rows, unless a key is among them.
func (t *tracer) setOperation(n tree, sc *scope) *relation {
	nodes, _ := n.Get("children").([]any)
	if len(nodes) == 0 {
		nodes = []any{n.Get("left"), n.Get("right")}
	}
	kind := word(n, "setop_type")
	var sides []*relation
	for _, node := range nodes {
		sides = append(sides, t.query(node, sc))
	}
	out, texts := sides[0], itemTexts(nodes[0])
	for i, s := range sides[1:] {
		more := itemTexts(nodes[i+1])
		out = combine(out, s, kind, func(i, j int) bool { return i < len(texts) && j < len(more) && texts[i] == more[j] })
		texts = texts[:min(len(texts), len(more))]
	}
	if kind != "UNION" && kind != "UNION_BY_NAME" || n.Get("setop_all") != true {
		out.lead = out.lead.or(out.any().all())
		if !t.identifies(out.copies()) {
			for _, s := range sides {
				out.rows = out.rows.with(s.any().fact().distant())
			}
		}
	}
	sc.at.facts = []fact{out.rows}
	sc.at.order, sc.at.lead = out.order, out.lead
	sc.from = []*relation{out}
	t.modifiers(n, sc, out)
	out.rows = together(sc.at.facts)
	out.order, out.lead = sc.at.order, sc.at.lead
	return out
}

// itemTexts are the expressions of a SELECT from one table, alike where they are the same; nil of any other query.
func itemTexts(v any) []string {
	n, _ := v.(tree)
	from, _ := n.Get("from_table").(tree)
	items, _ := n.Get("select_list").([]any)
	if n.Get("type") != "SELECT_NODE" || from.Get("type") != "BASE_TABLE" || slices.ContainsFunc(items, expands) {
		return nil
	}
	out := make([]string, 0, len(items))
	for _, item := range items {
		text, err := json.Marshal(plain(item))
		if err != nil {
			return nil
		}
		out = append(out, word(from, "table_name")+string(text))
	}
	return out
}

// plain is a piece of the tree without places and the name that it gets.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case tree:
		out := map[string]any{}
		for key, e := range v.All() {
			if key != "query_location" && key != "alias" {
				out[key] = plain(e)
			}
		}
		return out
	}
	return v
}

// combine puts the rows of two relations under one another, or takes some of them away. Where the two compute a column in different
// ways, its value tells which of them a row came from. Of select 'old' as kind from a union all select 'new' from b the value of
// kind is no column's, and yet tells which rows there are: what decides on those enters it. alike reports that column i of a and
// column j of b are computed alike, from one table.
func combine(a, b *relation, kind string, alike func(i, j int) bool) *relation {
	out := &relation{rows: a.rows.with(b.rows), tests: a.tests.or(b.tests), order: a.order.or(b.order), lead: a.lead.or(b.lead)}
	// rows.distant(): what the other side filters decides on rows of this one by being there or not, and not by their own
	// values.
	named := kind == "UNION_BY_NAME"
	union := strings.HasPrefix(kind, "UNION")
	known := func(r *relation) bool {
		return r.exact() && (!named || !slices.ContainsFunc(r.fields, func(f field) bool { return f.name == "" }))
	}
	if !union {
		out.rows = a.rows.with(b.rows.distant())
	}
	if !known(a) || !known(b) || !named && len(a.fields) != len(b.fields) {
		out.loose, out.rest = true, a.any().with(b.any()).with(out.rows.enters())
		return out
	}
	out.fields = slices.Clone(a.fields)
	found := map[int]bool{}
	for j, f := range b.fields {
		i := j
		if named {
			i = slices.IndexFunc(out.fields, func(g field) bool { return g.name == f.name })
		}
		switch {
		case i < 0:
			f.flow = f.flow.with(out.rows.enters())
			out.fields = append(out.fields, f)
		case union:
			found[i] = true
			out.fields[i].flow = a.fields[i].flow.either(f.flow)
			out.fields[i].flow.repeats = true
			if same := a.fields[i].flow.copies; same.empty() && !alike(i, j) || !same.equal(f.flow.copies) {
				out.fields[i].flow = out.fields[i].flow.with(out.rows.enters())
				out.fields[i].flow.copies, out.fields[i].flow.repeats = bothCopies(a.fields[i].flow, f.flow), a.fields[i].flow.repeats || f.flow.repeats
			}
		}
	}
	for i := range a.fields {
		if named && !found[i] {
			out.fields[i].flow = out.fields[i].flow.with(out.rows.enters())
		}
	}
	return out
}

// bothCopies are the columns of which a column is one that is a copy of different ones on both sides.
func bothCopies(a, b flow) origins {
	if a.copies.empty() || b.copies.empty() || a.copies.meets(b.copies) {
		return nil
	}
	return a.copies.or(b.copies)
}
