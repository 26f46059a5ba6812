package lineage

import (
	"fmt"
	"slices"
	"strings"
)

// tables is what FROM yields: relations by name, and the columns that * stands for. facts, order, lead and tests are those of the
// rows of all of them together, as in standing and relation; equal are the equalities of conditions of joins.
type tables struct {
	rels        []*relation
	star        []starred
	merged      map[string]flow
	facts       []fact
	equal       []equality
	order, lead origins
	tests       origins
}

// equality is a condition that two expressions are equal. Inner ones leave no row to which nothing is joined.
type equality struct {
	left, right flow
	inner       bool
}

// starred is a column that * stands for.
type starred struct {
	rel   *relation
	field field
	whole bool // stands for further columns of a loose relation
}

// item makes a relation an item of FROM.
func (t *tracer) item(r *relation, sc *scope) *tables {
	r.home = single(t.froms)
	t.froms++
	sc.at.items = sc.at.items.or(r.home)
	out := &tables{rels: []*relation{r}, order: r.order, lead: r.lead, tests: r.tests, star: r.starred()}
	if rows := r.rows; !rows.empty() {
		rows.homes = rows.homes.or(r.home)
		out.facts = []fact{rows}
	}
	return out
}

// starred are the columns that * stands for, of this relation alone, in their order.
func (r *relation) starred() []starred {
	var out []starred
	for _, f := range r.fields {
		f.flow = r.seen(f.flow)
		out = append(out, starred{rel: r, field: f})
	}
	if r.loose {
		out = append(out, starred{rel: r, field: field{flow: r.seen(r.rest), wide: true}, whole: true})
	}
	return out
}

// from traces a table reference. Names in it are looked up in sc, whose own FROM is not there yet.
func (t *tracer) from(v any, sc *scope) *tables {
	n, _ := v.(tree)
	alias, columns := strings.ToLower(word(n, "alias")), lowerNames(n.Get("column_name_alias"))
	switch n.Get("type") {
	case nil, "EMPTY", "EMPTY_FROM":
		return &tables{}
	case "BASE_TABLE":
		return t.item(t.baseTable(n, sc).rename(alias, columns), sc)
	case "SUBQUERY":
		statement, _ := n.Get("subquery").(tree)
		r := t.query(statement.Get("node"), sc).subquery()
		return t.item(r.rename(cmpOr(alias, "unnamed_subquery"), columns), sc)
	case "JOIN":
		out := t.join(n, sc)
		if alias != "" || len(columns) > 0 {
			r := &relation{loose: true, rest: out.any(), rows: together(out.facts), order: out.order, lead: out.lead, tests: out.tests}
			return t.item(r.rename(alias, columns), sc)
		}
		return out
	case "TABLE_FUNCTION":
		return t.item(t.tableFunction(n, sc).rename(alias, columns), sc)
	case "EXPRESSION_LIST":
		return t.item(t.values(n, sc).rename(alias, columns), sc)
	case "PIVOT":
		return t.item(t.pivot(n, sc).rename(alias, columns), sc)
	}
	return t.item(t.unknown().rename(alias, nil), sc)
}

// cmpOr is the first of two texts that is not empty.
func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// any is what any column of the tables may depend on.
func (f *tables) any() flow {
	var out flow
	for _, s := range f.star {
		out = out.with(s.field.flow)
	}
	for _, r := range f.rels {
		out = out.with(r.any())
	}
	return out
}

// baseTable is a table by its name: of a common table expression, else an input. What is neither depends on everything.
// Names of the query go before those of tables: with payments as (…) hides the input payments.
func (t *tracer) baseTable(n tree, sc *scope) *relation {
	name := strings.ToLower(word(n, "table_name"))
	if word(n, "schema_name") == "" && word(n, "catalog_name") == "" {
		if r := sc.named(name); r != nil {
			return r.rename(name, nil)
		}
	}
	if r := t.tables[name]; r != nil {
		return r
	}
	return t.unknown().rename(name, nil)
}

// join lays two table references together. What decides on the rows of either decides on those of the join; the condition adds facts
// that speak of both, and equalities, by which a row of one item is found from the other. In `payments p left join cards c on p.card = c.id`
// which row of cards stands beside a payment depends on p.card and c.id; that the payment is there depends on neither, since the join is
// a left one.
func (t *tracer) join(n tree, sc *scope) *tables {
	left := t.from(n.Get("left"), sc)
	// The right side may be lateral.
	lateral := sc.within()
	lateral.from, lateral.merged = left.rels, left.merged
	right := t.from(n.Get("right"), lateral)
	kind := word(n, "join_type")
	// In this order: columns of both sides; those merged by USING or NATURAL; the condition; what the kind of join leaves of
	// equalities and of columns.
	out := &tables{rels: append(slices.Clone(left.rels), right.rels...), facts: slices.Concat(left.facts, right.facts), tests: left.tests.or(right.tests),
		equal: slices.Concat(left.equal, right.equal), order: left.order.or(right.order), lead: left.lead.or(right.lead), merged: map[string]flow{}}
	for _, side := range []*tables{left, right} {
		for name, f := range side.merged {
			out.merged[name] = out.merged[name].with(f)
		}
	}
	using, known := using(n, left, right)
	if !known {
		all := out.any().with(left.any()).with(right.any())
		rows := together(out.facts).with(all.fact()).distant()
		return t.item(&relation{loose: true, rest: all.with(rows.enters()), rows: rows, lead: t.every.values, tests: t.every.values}, sc)
	}
	for _, name := range using {
		l, r := find(left, name), find(right, name)
		f := l
		if kind != "INNER" && kind != "LEFT" && kind != "SEMI" && kind != "ANTI" {
			f = l.either(r)
		}
		out.merged[name] = f
		out.facts = append(out.facts, l.with(r).fact())
		out.equal = append(out.equal, equality{left: l, right: r, inner: true})
	}
	if n.Get("condition") != nil {
		both := sc.within()
		both.from, both.merged = out.rels, out.merged
		c := t.condition(n.Get("condition"), both)
		out.facts, out.equal, out.tests = append(out.facts, c.facts...), append(out.equal, c.equal...), out.tests.or(c.tests)
	}
	if kind != "INNER" {
		for i := range out.equal {
			out.equal[i].inner = out.equal[i].inner && kind == "SEMI"
		}
	}
	if n.Get("ref_type") == "POSITIONAL" || n.Get("ref_type") == "ASOF" {
		out.facts = append(out.facts, byPosition(left, right, n.Get("ref_type") == "POSITIONAL"))
	}
	out.lead = out.lead.or(together(out.facts).by())
	if kind == "SEMI" || kind == "ANTI" {
		out.rels, out.star, out.merged = left.rels, left.star, left.merged
		return out
	}
	out.star = joinStars(left, right, using, out.merged)
	return out
}

// byPosition is what decides on which rows meet where two tables are laid beside each other, or where of several at one time one is
// taken.
func byPosition(left, right *tables, both bool) fact {
	out := fact{far: right.order}
	for _, side := range []*tables{left, right} {
		for _, r := range side.rels {
			out.homes = out.homes.or(r.home)
		}
		if both {
			rows := together(side.facts)
			out.far, out.known = out.far.or(side.order).or(side.lead).or(rows.by()), out.known.or(rows.known)
		}
	}
	return out
}

// using lists the columns that a join makes one of; false if that cannot be told.
// Of a NATURAL join those are the names that both sides have, if all names on both sides are known.
func using(n tree, left, right *tables) ([]string, bool) {
	if n.Get("ref_type") != "NATURAL" {
		return lowerNames(n.Get("using_columns")), true
	}
	var out []string
	for _, l := range left.star {
		if l.field.wide || l.field.name == "" {
			return nil, false
		}
		for _, r := range right.star {
			if r.field.wide || r.field.name == "" {
				return nil, false
			}
			if l.field.name == r.field.name && !slices.Contains(out, l.field.name) {
				out = append(out, l.field.name)
			}
		}
	}
	return out, true
}

// find is what a column of that name depends on among some tables.
func find(f *tables, name string) flow {
	if m, ok := f.merged[name]; ok {
		return m
	}
	var out flow
	found := 0
	for _, r := range f.rels {
		if g, _, ok := r.column(name); ok {
			if found++; found == 1 {
				out = g
			} else {
				out = out.with(g)
			}
		}
	}
	if found == 0 {
		return f.any()
	}
	return out
}

// joinStars is what * stands for behind a join: merged columns once, in the place of the left one.
func joinStars(left, right *tables, using []string, merged map[string]flow) []starred {
	var out []starred
	for _, s := range left.star {
		if f, ok := merged[s.field.name]; ok && slices.Contains(using, s.field.name) {
			s.field.flow = f
		}
		out = append(out, s)
	}
	for _, s := range right.star {
		if s.field.name == "" || !slices.Contains(using, s.field.name) {
			out = append(out, s)
		}
	}
	return out
}

// tableFunction makes rows of its arguments alone.
// How many rows there are depends on the arguments: range(n) has n. Only functions whose columns are known have fields.
func (t *tracer) tableFunction(n tree, sc *scope) *relation {
	call, _ := n.Get("function").(tree)
	name := strings.ToLower(word(call, "function_name"))
	args := t.children(call, sc).computed()
	r := &relation{name: name, rows: args.fact(), tests: args.all(), rest: args}
	columns := lowerNames(n.Get("column_name_alias"))
	switch {
	case name != "unnest" && name != "range" && name != "generate_series", n.Get("with_ordinality") == "WITH_ORDINALITY", n.Get("sample") != nil:
		r.loose = true
	case len(columns) > 0: // one for each name, however many the engine makes
		for range columns {
			r.fields = append(r.fields, field{flow: args})
		}
	default:
		r.fields = []field{{name: name, flow: args, wide: name == "unnest"}}
	}
	return r
}

// values is a VALUES list; a column depends on what any of its rows is computed from.
func (t *tracer) values(n tree, sc *scope) *relation {
	r := &relation{}
	rows, _ := n.Get("values").([]any)
	for _, row := range rows {
		list, _ := row.([]any)
		for i, e := range list {
			if i == len(r.fields) {
				r.fields = append(r.fields, field{name: fmt.Sprintf("col%d", i)})
			}
			r.fields[i].flow = r.fields[i].flow.with(t.expr(e, sc))
		}
	}
	return r.rename("", lowerNames(n.Get("expected_names")))
}

// pivot turns rows into columns or the other way. Its columns are not worked out one by one, but for those that a pivot
// groups by.
func (t *tracer) pivot(n tree, sc *scope) *relation {
	source := t.from(n.Get("source"), sc)
	every, rows := source.any(), together(source.facts).distant()
	r := &relation{loose: true, rows: rows, lead: every.all(), tests: source.tests}
	groups := lowerNames(n.Get("groups"))
	if listed(n.Get("unpivot_names")) || len(groups) == 0 {
		r.rest = every.with(every.aggregated()).with(rows.enters())
		r.rows = r.rows.with(every.fact().distant())
		return r
	}
	in := sc.within()
	in.from, in.merged = source.rels, source.merged
	r.rest = t.generic(n.Get("aggregates"), in).with(t.generic(n.Get("pivots"), in).aggregated()).with(rows.enters())
	for _, g := range groups {
		f := find(source, g)
		r.fields = append(r.fields, field{name: g, flow: f})
		r.rows, r.rest = r.rows.with(f.fact().distant()), r.rest.with(f.chosen())
	}
	return r
}
