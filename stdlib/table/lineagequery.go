package table

import (
	"encoding/json"
	"slices"
	"strings"
)

// scope is what names mean within one SELECT.
type scope struct {
	outer  *scope
	ctes   *cte
	from   []*relation
	merged map[string]flow // columns that USING or NATURAL made one of
	params map[string]flow // of a lambda
	// aliases are the expressions that the SELECT gives names to. Where the engine looks for columns first, they are
	// found last; in ORDER BY, GROUP BY, HAVING and QUALIFY (late) either may be meant.
	aliases map[string]any
	known   map[string]flow // of aliases
	busy    map[string]bool
	late    bool
	rows    *origins // of the SELECT
}

func newScope(outer *scope) *scope {
	return &scope{outer: outer, known: map[string]flow{}, busy: map[string]bool{}, rows: new(origins)}
}

// within is a scope inside of a SELECT's own: of a join's condition, a lateral table, a lambda.
func (s *scope) within() *scope {
	return &scope{outer: s, known: map[string]flow{}, busy: map[string]bool{}, rows: s.rows}
}

// cte is a query that WITH gives a name to, and those before it.
type cte struct {
	name  string
	rel   *relation
	outer *cte
}

func (s *scope) named(name string) *relation {
	for ; s != nil; s = s.outer {
		for c := s.ctes; c != nil; c = c.outer {
			if c.name == name {
				return c.rel
			}
		}
	}
	return nil
}

// query traces a query node within the scope around it.
func (t *tracer) query(v any, outer *scope) *relation {
	n, ok := v.(tree)
	if !ok || t.tooLong() {
		return t.unknown()
	}
	sc := newScope(outer)
	switch n["type"] {
	case "SELECT_NODE":
		t.with(n, sc)
		return t.selectNode(n, sc)
	case "SET_OPERATION_NODE":
		t.with(n, sc)
		return t.setOperation(n, sc)
	case "CTE_NODE": // the child has the same WITH
		return t.query(n["child"], outer)
	}
	return t.unknown()
}

// with adds the queries of WITH to the scope, each seeing those before it.
func (t *tracer) with(n tree, sc *scope) {
	m, _ := n["cte_map"].(tree)
	entries, _ := m["map"].([]any)
	for _, e := range entries {
		entry, _ := e.(tree)
		info, _ := entry["value"].(tree)
		t.define(sc, word(entry, "key"), info)
	}
}

func (t *tracer) define(sc *scope, name string, info tree) {
	statement, _ := info["query"].(tree)
	node, _ := statement["node"].(tree)
	aliases := lowerNames(info["aliases"])
	var r *relation
	if node["type"] == "RECURSIVE_CTE_NODE" {
		r = t.recursive(node, sc, aliases)
	} else {
		r = t.query(node, sc).subquery().rename("", aliases)
	}
	sc.ctes = &cte{name: strings.ToLower(name), rel: r, outer: sc.ctes}
}

// recursive goes round until the flows stand still: they only grow, and there are only so many columns.
func (t *tracer) recursive(n tree, outer *scope, aliases []string) *relation {
	sc := newScope(outer)
	t.with(n, sc)
	r := t.query(n["left"], sc).subquery().rename("", aliases)
	if !r.exact() {
		return t.unknown()
	}
	whole := listed(n["key_targets"]) || n["union_all"] != true
	for {
		inner := newScope(sc)
		inner.ctes = &cte{name: strings.ToLower(word(n, "cte_name")), rel: r}
		next := t.query(n["right"], inner)
		if !next.exact() || len(next.fields) != len(r.fields) {
			return t.unknown()
		}
		grown := *r
		grown.fields = slices.Clone(r.fields)
		grown.rows, grown.tests = r.rows.or(next.rows), r.tests.or(next.tests)
		for i, f := range next.fields {
			grown.fields[i].flow = r.fields[i].flow.with(f.flow)
		}
		if whole {
			grown.rows = grown.rows.or(grown.any().all())
		}
		if same(r, &grown) {
			return &grown
		}
		r = &grown
	}
}

func same(a, b *relation) bool {
	for i := range a.fields {
		if !a.fields[i].flow.equal(b.fields[i].flow) {
			return false
		}
	}
	return a.rows.equal(b.rows)
}

func (t *tracer) selectNode(n tree, sc *scope) *relation {
	from := t.from(n["from_table"], sc)
	sc.from, sc.merged = from.rels, from.merged
	*sc.rows = sc.rows.or(from.rows)
	items, _ := n["select_list"].([]any)
	sc.aliases = map[string]any{}
	for _, item := range items {
		if e, ok := item.(tree); ok && word(e, "alias") != "" {
			sc.aliases[strings.ToLower(word(e, "alias"))] = item
		}
	}
	out := t.items(items, sc, from)
	if where := n["where_clause"]; where != nil {
		all, tests := t.condition(where, sc)
		*sc.rows, out.tests = sc.rows.or(all), tests
	}
	sc.late = true
	t.group(n, sc, out)
	for _, clause := range []string{"having", "qualify"} {
		if n[clause] != nil {
			f := t.expr(n[clause], sc).all()
			*sc.rows, out.tests = sc.rows.or(f), out.tests.or(f)
		}
	}
	t.modifiers(n, sc, out)
	out.tests = out.tests.or(from.tests)
	out.rows = *sc.rows
	return out
}

// group traces GROUP BY. What is computed over groups by one key is a function of the key, and tells it wherever it is
// joined to; with several keys it may be a function of the others, of which the one is only carried along.
func (t *tracer) group(n tree, sc *scope, out *relation) {
	over := func(f flow) bool { return len(f.values) == 0 || len(f.others) > 0 } // computed over a group
	var keys []flow
	groups, _ := n["group_expressions"].([]any)
	for _, g := range groups {
		keys = append(keys, t.position(g, sc, out))
	}
	if n["aggregate_handling"] != "STANDARD_HANDLING" { // GROUP BY ALL
		for _, x := range out.fields {
			if !over(x.flow) {
				keys = append(keys, x.flow)
			}
		}
		*sc.rows = sc.rows.or(out.any().all())
	}
	for _, k := range keys {
		*sc.rows = sc.rows.or(k.all())
	}
	for i, x := range out.fields {
		if len(keys) == 1 && over(x.flow) {
			out.fields[i].flow = x.flow.with(keys[0].key())
		}
	}
}

// condition is what a condition depends on, and the part of it that is more than equalities of two columns.
func (t *tracer) condition(v any, sc *scope) (all, tests origins) {
	n, _ := v.(tree)
	if n["type"] == "CONJUNCTION_AND" {
		children, _ := n["children"].([]any)
		for _, c := range children {
			a, b := t.condition(c, sc)
			all, tests = all.or(a), tests.or(b)
		}
		return all, tests
	}
	all = t.expr(v, sc).all()
	left, _ := n["left"].(tree)
	right, _ := n["right"].(tree)
	if n["type"] == "COMPARE_EQUAL" && left["class"] == "COLUMN_REF" && right["class"] == "COLUMN_REF" {
		return all, nil
	}
	return all, all
}

// modifiers are ORDER BY, DISTINCT and LIMIT.
func (t *tracer) modifiers(n tree, sc *scope, out *relation) {
	list, _ := n["modifiers"].([]any)
	for _, m := range list {
		mod, _ := m.(tree)
		switch mod["type"] {
		case "ORDER_MODIFIER":
			orders, _ := mod["orders"].([]any)
			for _, o := range orders {
				order, _ := o.(tree)
				*sc.rows = sc.rows.or(t.position(order["expression"], sc, out).all())
			}
		case "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER":
			f := t.expr(mod["limit"], sc).with(t.expr(mod["offset"], sc))
			*sc.rows = sc.rows.or(f.all())
		case "DISTINCT_MODIFIER":
			on, _ := mod["distinct_on_targets"].([]any)
			for _, e := range on {
				*sc.rows = sc.rows.or(t.position(e, sc, out).all())
			}
			if len(on) == 0 {
				*sc.rows = sc.rows.or(out.any().all())
			}
		default:
			*sc.rows = sc.rows.or(t.every.values)
		}
	}
}

// position traces an expression that may also be the number of a column of the result.
func (t *tracer) position(v any, sc *scope, out *relation) flow {
	n, _ := v.(tree)
	switch n["class"] {
	case "CONSTANT", "STAR", "POSITIONAL_REFERENCE":
		return out.any()
	}
	return t.expr(v, sc)
}

func (t *tracer) setOperation(n tree, sc *scope) *relation {
	var sides []*relation
	if children, ok := n["children"].([]any); ok && len(children) > 0 {
		for _, c := range children {
			sides = append(sides, t.query(c, sc))
		}
	} else {
		sides = []*relation{t.query(n["left"], sc), t.query(n["right"], sc)}
	}
	kind := word(n, "setop_type")
	out := sides[0]
	for _, s := range sides[1:] {
		out = combine(out, s, kind)
	}
	if kind != "UNION" && kind != "UNION_BY_NAME" || n["setop_all"] != true {
		for _, s := range sides {
			out.rows = out.rows.or(s.any().all())
		}
	}
	*sc.rows = sc.rows.or(out.rows)
	sc.from = []*relation{out}
	t.modifiers(n, sc, out)
	out.rows = *sc.rows
	return out
}

// combine puts the rows of two relations under one another, or takes some of them away.
func combine(a, b *relation, kind string) *relation {
	out := &relation{rows: a.rows.or(b.rows), tests: a.tests.or(b.tests)}
	named := kind == "UNION_BY_NAME"
	known := func(r *relation) bool {
		return r.exact() && (!named || !slices.ContainsFunc(r.fields, func(f field) bool { return f.name == "" }))
	}
	if !known(a) || !known(b) || !named && len(a.fields) != len(b.fields) {
		out.loose, out.rest = true, a.any().with(b.any())
		return out
	}
	out.fields = slices.Clone(a.fields)
	for i, f := range b.fields {
		if named {
			i = slices.IndexFunc(out.fields, func(g field) bool { return g.name == f.name })
		}
		switch {
		case i < 0:
			out.fields = append(out.fields, f)
		case strings.HasPrefix(kind, "UNION"):
			out.fields[i].flow = out.fields[i].flow.with(f.flow)
		}
	}
	return out
}

func lowerNames(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, strings.ToLower(s))
		}
	}
	return out
}

func listed(v any) bool { l, _ := v.([]any); return len(l) > 0 }

// index is a whole number of the tree, -1 if it is none.
func index(v any) int {
	n, ok := v.(json.Number)
	if !ok {
		return -1
	}
	i, err := n.Int64()
	if err != nil || i < 0 || i > 1<<30 {
		return -1
	}
	return int(i)
}
