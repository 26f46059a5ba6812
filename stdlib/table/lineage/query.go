package lineage

import (
	"encoding/json"
	"slices"
	"strings"
)

// scope is what names mean within one SELECT.
type scope struct {
	outer  *scope
	ctes   *cte
	from   []*relation     // the items of FROM
	merged map[string]flow // columns that USING or NATURAL made one of
	params map[string]flow // of a lambda
	// aliases are the expressions that the SELECT gives names to. Where the engine looks for columns first, they are
	// found last; in ORDER BY, GROUP BY, HAVING and QUALIFY (late) either may be meant.
	aliases map[string]any
	known   map[string]flow // of aliases that are traced
	busy    map[string]bool // aliases that are being traced, within which their names are those of columns
	late    bool            // what is traced stands in a clause after the list of columns
	at      *standing       // of the SELECT
}

// standing is what is known of the rows of a SELECT so far.
type standing struct {
	facts       []fact  // the reasons for which rows are there, such as conditions of WHERE and of joins
	order, lead origins // as in relation
	items       origins // of FROM
	expands     bool    // an expression makes several rows of one
}

// inOrder returns the columns that the order of the rows depends on, for a function that looks at it: first(x) takes whatever
// row comes first. said is true if the function has an order of its own, first(x order by t), and takes rows as they stand
// only where there are ties.
func (s *standing) inOrder(said bool) origins {
	if said {
		return s.order
	}
	return s.order.or(s.lead)
}

// newScope is that of a SELECT, with rows of its own.
func newScope(outer *scope) *scope {
	return &scope{outer: outer, known: map[string]flow{}, busy: map[string]bool{}, at: new(standing)}
}

// within is a scope inside of a SELECT's own: of a join's condition, a lateral table, a lambda.
func (s *scope) within() *scope {
	return &scope{outer: s, known: map[string]flow{}, busy: map[string]bool{}, at: s.at}
}

// cte is a query that WITH gives a name to, and those before it.
type cte struct {
	name  string // in small letters
	rel   *relation
	outer *cte // the one before it; nil: it is the first
}

// named finds a common table expression, the innermost first.
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
	switch n.Get("type") {
	case "SELECT_NODE":
		t.with(n, sc)
		return t.selectNode(n, sc)
	case "SET_OPERATION_NODE":
		t.with(n, sc)
		return t.setOperation(n, sc)
	case "CTE_NODE": // the child has the same WITH
		return t.query(n.Get("child"), outer)
	}
	return t.unknown()
}

// with adds the queries of WITH to the scope, each seeing those before it.
func (t *tracer) with(n tree, sc *scope) {
	m, _ := n.Get("cte_map").(tree)
	entries, _ := m.Get("map").([]any)
	for _, e := range entries {
		entry, _ := e.(tree)
		info, _ := entry.Get("value").(tree)
		t.define(sc, word(entry, "key"), info)
	}
}

// define adds a common table expression to the scope. Those after it, and the query itself, see it.
func (t *tracer) define(sc *scope, name string, info tree) {
	statement, _ := info.Get("query").(tree)
	node, _ := statement.Get("node").(tree)
	aliases := lowerNames(info.Get("aliases"))
	var r *relation
	if node.Get("type") == "RECURSIVE_CTE_NODE" {
		r = t.recursive(node, sc, aliases)
	} else {
		r = t.query(node, sc).subquery().rename("", aliases)
	}
	sc.ctes = &cte{name: strings.ToLower(name), rel: r, outer: sc.ctes}
}

// selectNode traces one SELECT. The relation that it yields is seen from outside: its facts decide on its rows, and homes are those
// of items of queries around it.
func (t *tracer) selectNode(n tree, sc *scope) *relation {
	// In the order in which SQL is evaluated: FROM, WHERE, the list of columns, GROUP BY, HAVING and QUALIFY, sample, ORDER
	// BY, DISTINCT and LIMIT; at last facts enter columns (resolve).
	from := t.from(n.Get("from_table"), sc)
	sc.from, sc.merged = from.rels, from.merged
	sc.at.facts = append(sc.at.facts, from.facts...)
	sc.at.order, sc.at.lead = sc.at.order.or(from.order), sc.at.lead.or(from.lead)
	items, _ := n.Get("select_list").([]any)
	sc.aliases = map[string]any{}
	for _, item := range items {
		if e, ok := item.(tree); ok && word(e, "alias") != "" {
			sc.aliases[strings.ToLower(word(e, "alias"))] = item
		}
	}
	equal := from.equal
	tests := from.tests
	if where := n.Get("where_clause"); where != nil {
		c := t.condition(where, sc)
		sc.at.facts, equal, tests = append(sc.at.facts, c.facts...), append(slices.Clip(equal), c.equal...), tests.or(c.tests)
	}
	out := t.items(items, sc, from)
	out.tests = tests
	sc.late = true
	grouped := t.group(n, sc, out)
	for _, clause := range []string{"having", "qualify"} {
		if n.Get(clause) != nil {
			f := t.expr(n.Get(clause), sc)
			sc.at.facts, out.tests = append(sc.at.facts, f.fact()), out.tests.or(f.all())
		}
	}
	if n.Get("sample") != nil {
		sc.at.facts = append(sc.at.facts, fact{far: sc.at.inOrder(false)})
	}
	t.modifiers(n, sc, out)
	if !grouped {
		t.resolve(out, sc, equal)
	}
	t.close(out, sc)
	return out
}

// group traces GROUP BY; false if rows are not grouped. What is computed over groups is a function of the keys, and tells them
// wherever it is joined to. A key that others determine is only carried along: it makes no groups of its own.
func (t *tracer) group(n tree, sc *scope, out *relation) bool {
	var keys []flow
	groups, _ := n.Get("group_expressions").([]any)
	for _, g := range groups {
		keys = append(keys, t.position(g, sc, out))
	}
	if n.Get("aggregate_handling") != "STANDARD_HANDLING" { // GROUP BY ALL
		for _, x := range out.fields {
			if !x.flow.over {
				keys = append(keys, x.flow)
			}
		}
	}
	if len(keys) == 0 {
		one := n.Get("having") != nil || slices.ContainsFunc(out.fields, func(x field) bool { return x.flow.grouped })
		if one { // there is one row, whatever it is computed from
			sc.at.facts, sc.at.order, sc.at.lead = nil, nil, nil
		}
		return one
	}
	var copies []origins
	for _, k := range keys {
		copies = append(copies, k.copies)
	}
	var by flow
	for i, k := range keys {
		sc.at.lead = sc.at.lead.or(k.all())
		if !t.identifies(slices.Concat(copies[:i], copies[i+1:])) {
			by = by.with(k.chosen())
		}
	}
	for i, x := range out.fields {
		if x.flow.over {
			out.fields[i].flow = x.flow.with(by)
		}
	}
	for i := range sc.at.facts {
		sc.at.facts[i] = sc.at.facts[i].distant()
	}
	sc.at.facts = append(sc.at.facts, fact{far: by.control, known: by.known, homes: by.homes})
	sc.at.lead, sc.at.order = sc.at.lead.or(sc.at.order), nil
	return true
}

// identifies reports whether columns that are copies of these hold a key: of a table, or of the block that the query is for.
func (t *tracer) identifies(columns []origins) bool {
	for _, key := range t.unique {
		if !slices.ContainsFunc(key, func(k origins) bool {
			return !slices.ContainsFunc(columns, func(c origins) bool { return !c.empty() && c.within(k) })
		}) {
			return true
		}
	}
	t.wondered = true
	return false
}

// condition is what a condition says of rows, each of the parts that AND joins by itself.
type condition struct {
	facts []fact
	equal []equality // parts of the form a = b
	tests origins    // the part that is more than equalities of two columns
}

// condition takes WHERE or ON apart at each AND. Each part is a fact of its own, since it may speak of other items;
// equalities are what items are tied by.
func (t *tracer) condition(v any, sc *scope) condition {
	n, _ := v.(tree)
	var out condition
	if n.Get("type") == "CONJUNCTION_AND" {
		children, _ := n.Get("children").([]any)
		for _, child := range children {
			c := t.condition(child, sc)
			out.facts, out.equal, out.tests = append(out.facts, c.facts...), append(out.equal, c.equal...), out.tests.or(c.tests)
		}
		return out
	}
	left, _ := n.Get("left").(tree)
	right, _ := n.Get("right").(tree)
	if n.Get("type") == "COMPARE_EQUAL" || n.Get("type") == "COMPARE_NOT_DISTINCT_FROM" {
		l, r := t.expr(left, sc), t.expr(right, sc)
		out.facts = []fact{l.with(r).fact()}
		out.equal = []equality{{left: l, right: r, inner: true}}
		if left.Get("class") != "COLUMN_REF" || right.Get("class") != "COLUMN_REF" {
			out.tests = l.with(r).all()
		}
		if null(left) || null(right) {
			out.facts = []fact{t.expr(v, sc).fact()}
		}
		return out
	}
	f := t.expr(v, sc)
	out.facts, out.tests = []fact{f.fact()}, f.all()
	return out
}

// modifiers are ORDER BY, DISTINCT and LIMIT.
// ORDER BY alone removes no row and changes no value. With LIMIT it decides which rows there are, and its columns become a fact.
func (t *tracer) modifiers(n tree, sc *scope, out *relation) {
	// The order is gathered first, wherever it stands: LIMIT and DISTINCT ON pick rows by it.
	list, _ := n.Get("modifiers").([]any)
	var order flow
	ordered := false
	for _, m := range list {
		mod, _ := m.(tree)
		if mod.Get("type") == "ORDER_MODIFIER" {
			orders, _ := mod.Get("orders").([]any)
			for _, o := range orders {
				e, _ := o.(tree)
				order, ordered = order.with(t.position(e.Get("expression"), sc, out)), true
			}
		}
	}
	sc.at.order = sc.at.order.or(order.all())
	for _, m := range list {
		mod, _ := m.(tree)
		switch mod.Get("type") {
		case "ORDER_MODIFIER":
		case "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER":
			f := t.expr(mod.Get("limit"), sc).with(t.expr(mod.Get("offset"), sc)).with(order)
			sc.at.facts = append(sc.at.facts, fact{far: f.all().or(sc.at.inOrder(ordered)), homes: f.homes})
		case "DISTINCT_MODIFIER":
			on, _ := mod.Get("distinct_on_targets").([]any)
			f := order
			for _, e := range on {
				f = f.with(t.position(e, sc, out))
			}
			switch {
			case len(on) > 0:
				sc.at.facts = append(sc.at.facts, fact{far: f.decides().or(sc.at.inOrder(ordered)), known: f.known, homes: f.homes})
			case !t.identifies(out.copies()):
				sc.at.facts = append(sc.at.facts, out.any().fact().distant())
			}
			sc.at.lead = sc.at.lead.or(out.any().all())
		default:
			sc.at.facts = append(sc.at.facts, fact{far: t.every.values})
		}
	}
}

// close ends a SELECT: seen from outside, its rows are of one FROM item.
func (t *tracer) close(out *relation, sc *scope) {
	own := sc.at.items
	for _, f := range sc.at.facts {
		if f.homes.meets(own) && !f.homes.and(own).within(out.home) {
			f = f.distant()
		}
		out.rows = out.rows.with(f)
	}
	out.rows.homes = out.rows.homes.minus(own)
	out.home = nil
	out.order, out.lead = sc.at.order, sc.at.lead
	for i := range out.fields {
		out.fields[i].flow = out.fields[i].flow.outside(own)
		out.fields[i].flow.repeats = out.fields[i].flow.repeats || sc.at.expands
	}
	out.rest = out.rest.outside(own)
}

// position traces an expression that may also be the number of a column of the result.
// Which column 2 is, in order by 2, is not worked out: it is taken for any of them.
func (t *tracer) position(v any, sc *scope, out *relation) flow {
	n, _ := v.(tree)
	switch n.Get("class") {
	case "CONSTANT", "STAR", "POSITIONAL_REFERENCE":
		return out.any()
	}
	return t.expr(v, sc)
}

// lowerNames are the texts of a list, in small letters; what is no text is left out.
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

// listed reports whether a value is a list with something in it.
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
