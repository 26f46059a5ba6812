package table

import (
	"fmt"
	"slices"
	"strings"
)

// tables is what FROM yields: relations by name, and the columns that * stands for.
type tables struct {
	rels   []*relation
	star   []starred
	merged map[string]flow
	rows   origins
	tests  origins
}

// starred is a column that * stands for.
type starred struct {
	rel   *relation
	field field
	whole bool // stands for further columns of a loose relation
}

func fromRelation(r *relation) *tables {
	out := &tables{rels: []*relation{r}, rows: r.rows, tests: r.tests}
	for _, f := range r.fields {
		out.star = append(out.star, starred{rel: r, field: f})
	}
	if r.loose {
		out.star = append(out.star, starred{rel: r, field: field{flow: r.rest, wide: true}, whole: true})
	}
	return out
}

// from traces a table reference. Names in it are looked up in sc, whose own FROM is not there yet.
func (t *tracer) from(v any, sc *scope) *tables {
	n, _ := v.(tree)
	alias, columns := strings.ToLower(word(n, "alias")), lowerNames(n["column_name_alias"])
	switch n["type"] {
	case nil, "EMPTY", "EMPTY_FROM":
		return &tables{}
	case "BASE_TABLE":
		r := t.baseTable(n, sc)
		return fromRelation(r.rename(alias, columns))
	case "SUBQUERY":
		statement, _ := n["subquery"].(tree)
		r := t.query(statement["node"], sc).subquery()
		return fromRelation(r.rename(cmpOr(alias, "unnamed_subquery"), columns))
	case "JOIN":
		out := t.join(n, sc)
		if alias != "" || len(columns) > 0 {
			return fromRelation((&relation{loose: true, rest: out.any(), rows: out.rows, tests: out.tests}).rename(alias, columns))
		}
		return out
	case "TABLE_FUNCTION":
		return fromRelation(t.tableFunction(n, sc).rename(alias, columns))
	case "EXPRESSION_LIST":
		return fromRelation(t.values(n, sc).rename(alias, columns))
	case "PIVOT":
		return fromRelation(t.pivot(n, sc).rename(alias, columns))
	}
	return fromRelation(t.unknown().rename(alias, nil))
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

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

func (t *tracer) join(n tree, sc *scope) *tables {
	left := t.from(n["left"], sc)
	// The right side may be lateral.
	lateral := sc.within()
	lateral.from, lateral.merged = left.rels, left.merged
	right := t.from(n["right"], lateral)
	out := &tables{rels: append(slices.Clone(left.rels), right.rels...), rows: left.rows.or(right.rows), tests: left.tests.or(right.tests)}
	out.merged = map[string]flow{}
	for _, side := range []*tables{left, right} {
		for name, f := range side.merged {
			out.merged[name] = out.merged[name].with(f)
		}
	}
	using, known := using(n, left, right)
	if !known {
		return fromRelation(&relation{loose: true, rest: out.any().with(left.any()).with(right.any()), rows: out.rows.or(left.any().all()).or(right.any().all()), tests: t.every.values})
	}
	kind := word(n, "join_type")
	for _, name := range using {
		l, r := find(left, name), find(right, name)
		f := l
		if kind != "INNER" && kind != "LEFT" && kind != "SEMI" && kind != "ANTI" {
			f = l.with(r)
		}
		out.merged[name] = f
		out.rows = out.rows.or(l.all()).or(r.all())
	}
	if n["condition"] != nil {
		both := sc.within()
		both.from, both.merged = out.rels, out.merged
		all, tests := t.condition(n["condition"], both)
		out.rows, out.tests = out.rows.or(all), out.tests.or(tests)
	}
	if kind == "SEMI" || kind == "ANTI" {
		out.rels, out.star, out.merged = left.rels, left.star, left.merged
		return out
	}
	out.star = joinStars(left, right, using, out.merged)
	return out
}

// using lists the columns that a join makes one of; false if that cannot be told.
func using(n tree, left, right *tables) ([]string, bool) {
	if n["ref_type"] != "NATURAL" {
		return lowerNames(n["using_columns"]), true
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
func (t *tracer) tableFunction(n tree, sc *scope) *relation {
	call, _ := n["function"].(tree)
	name := strings.ToLower(word(call, "function_name"))
	args := t.children(call, sc).computed()
	r := &relation{name: name, rows: args.all(), tests: args.all(), rest: args}
	columns := lowerNames(n["column_name_alias"])
	switch {
	case name != "unnest" && name != "range" && name != "generate_series", n["with_ordinality"] == "WITH_ORDINALITY", n["sample"] != nil:
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

func (t *tracer) values(n tree, sc *scope) *relation {
	r := &relation{}
	rows, _ := n["values"].([]any)
	for _, row := range rows {
		list, _ := row.([]any)
		for i, e := range list {
			if i == len(r.fields) {
				r.fields = append(r.fields, field{name: fmt.Sprintf("col%d", i)})
			}
			r.fields[i].flow = r.fields[i].flow.with(t.expr(e, sc))
		}
	}
	return r.rename("", lowerNames(n["expected_names"]))
}

// pivot turns rows into columns or the other way. Its columns are not worked out one by one, but for those that a pivot
// groups by.
func (t *tracer) pivot(n tree, sc *scope) *relation {
	source := t.from(n["source"], sc)
	every := source.any()
	r := &relation{loose: true, rest: every, rows: source.rows, tests: source.tests}
	groups := lowerNames(n["groups"])
	if listed(n["unpivot_names"]) || len(groups) == 0 {
		r.rest = every.with(every.aggregated())
		r.rows = r.rows.or(every.all())
		return r
	}
	in := sc.within()
	in.from, in.merged = source.rels, source.merged
	r.rest = t.generic(n["aggregates"], in).with(t.generic(n["pivots"], in).aggregated())
	r.rows = r.rows.or(r.rest.all())
	for _, g := range groups {
		f := find(source, g)
		r.fields = append(r.fields, field{name: g, flow: f})
		r.rows = r.rows.or(f.all())
	}
	return r
}
