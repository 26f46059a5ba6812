package table

import (
	"slices"
	"strings"
)

// expr traces an expression; nil is none.
func (t *tracer) expr(v any, sc *scope) flow {
	n, ok := v.(tree)
	if !ok {
		if v == nil {
			return flow{}
		}
		return t.every
	}
	if t.tooLong() {
		return t.every
	}
	switch n["class"] {
	case "CONSTANT", "PARAMETER", "DEFAULT":
		return flow{}
	case "COLUMN_REF":
		return t.reference(lowerNames(n["column_names"]), sc)
	case "CASE", "CAST", "COMPARISON", "CONJUNCTION", "BETWEEN", "OPERATOR", "COLLATE":
		return t.children(n, sc).computed()
	case "FUNCTION":
		return t.function(n, sc).computed()
	case "WINDOW":
		return t.window(n, sc).computed()
	case "SUBQUERY":
		return t.subquery(n, sc).computed()
	case "LAMBDA":
		return t.lambda(n, flow{}, sc).computed()
	case "STAR", "POSITIONAL_REFERENCE":
		var out flow
		for _, r := range sc.from {
			out = out.with(r.any())
		}
		return out.computed()
	}
	return t.every
}

// children traces whatever expressions stand below a node.
func (t *tracer) children(n tree, sc *scope) flow {
	var out flow
	for _, v := range n {
		out = out.with(t.generic(v, sc))
	}
	return out
}

func (t *tracer) generic(v any, sc *scope) flow {
	var out flow
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			out = out.with(t.generic(e, sc))
		}
	case tree:
		if v["class"] != nil {
			return t.expr(v, sc)
		}
		if v["node"] != nil || v["select_list"] != nil || v["from_table"] != nil {
			return t.every // a query where none was expected
		}
		return t.children(v, sc)
	}
	return out
}

// function traces a call. What an aggregate is filtered by counts as its argument: a CASE would do the same.
func (t *tracer) function(n tree, sc *scope) flow {
	var args flow
	children, _ := n["children"].([]any)
	for _, c := range children {
		if e, ok := c.(tree); !ok || e["class"] != "LAMBDA" {
			args = args.with(t.expr(c, sc))
		}
	}
	out := args
	for _, c := range children {
		if e, ok := c.(tree); ok && e["class"] == "LAMBDA" {
			out = out.with(t.lambda(e, args, sc))
		}
	}
	out = out.with(t.expr(n["filter"], sc)).with(t.generic(n["order_bys"], sc).influence()).with(t.unread(n, sc, "children", "filter", "order_bys"))
	name := strings.ToLower(word(n, "function_name"))
	if t.aggregates[name] {
		return out.aggregated()
	}
	if expanding[name] {
		*sc.rows = sc.rows.or(out.all())
	}
	return out
}

// expanding are the functions that make several rows, or columns, of one.
var expanding = map[string]bool{"unnest": true, "unlist": true, "generate_subscripts": true, "regexp_split_to_table": true}

// unread traces what stands in a node under other names than these.
func (t *tracer) unread(n tree, sc *scope, read ...string) flow {
	var out flow
	for key, v := range n {
		if !slices.Contains(read, key) {
			out = out.with(t.generic(v, sc))
		}
	}
	return out
}

// lambda traces a function over the elements of args. The same arrow takes fields out of JSON: then its left side is a
// column.
func (t *tracer) lambda(n tree, args flow, sc *scope) flow {
	params := map[string]flow{}
	var bind func(v any)
	bind = func(v any) {
		e, _ := v.(tree)
		if names := lowerNames(e["column_names"]); e["class"] == "COLUMN_REF" && len(names) > 0 {
			f, sure, maybe := t.lookup(names, sc)
			if sure || maybe {
				args = args.with(f)
			}
			params[names[len(names)-1]] = flow{}
			return
		}
		if children, ok := e["children"].([]any); ok && word(e, "function_name") == "row" {
			for _, c := range children {
				bind(c)
			}
			return
		}
		args = args.with(t.generic(v, sc))
	}
	bind(n["lhs"])
	for name := range params {
		params[name] = args
	}
	inner := sc.within()
	inner.params = params
	return args.with(t.expr(n["expr"], inner)).with(t.unread(n, sc, "lhs", "expr"))
}

// window traces a window function. Its partitions and order also decide on the order of the rows that come out. What
// functions of rank yield is computed from the order's columns.
func (t *tracer) window(n tree, sc *scope) flow {
	place := t.generic(n["partitions"], sc).with(t.generic(n["orders"], sc))
	frame := t.expr(n["start_expr"], sc).with(t.expr(n["end_expr"], sc))
	by := place.with(frame).with(t.generic(n["arg_orders"], sc))
	*sc.rows = sc.rows.or(by.all())
	args := t.generic(n["children"], sc).with(t.expr(n["filter_expr"], sc))
	own := t.expr(n["default_expr"], sc).with(t.expr(n["offset_expr"], sc)).with(t.unread(n, sc, "partitions", "orders", "start_expr",
		"end_expr", "arg_orders", "children", "filter_expr", "default_expr", "offset_expr"))
	if ranks[word(n, "type")] {
		args = args.with(t.generic(n["orders"], sc))
	}
	if strictlyBefore(n) {
		args = args.earlier()
	} else {
		args = args.aggregated()
	}
	return args.with(own).with(place.key()).with(by.influence())
}

var ranks = map[string]bool{"WINDOW_RANK": true, "WINDOW_RANK_DENSE": true, "WINDOW_PERCENT_RANK": true, "WINDOW_CUME_DIST": true,
	"WINDOW_ROW_NUMBER": true, "WINDOW_NTILE": true, "WINDOW_FILL": true}

// strictlyBefore tells whether a window function sees only rows before its own, in ascending order.
func strictlyBefore(n tree) bool {
	orders, _ := n["orders"].([]any)
	if len(orders) == 0 {
		return false
	}
	first, _ := orders[0].(tree)
	if first["type"] != "ASCENDING" && first["type"] != "ORDER_DEFAULT" {
		return false
	}
	switch n["type"] {
	case "WINDOW_LAG":
		return n["offset_expr"] == nil || positive(n["offset_expr"])
	case "WINDOW_AGGREGATE", "WINDOW_FIRST_VALUE", "WINDOW_LAST_VALUE", "WINDOW_NTH_VALUE":
		end := word(n, "end")
		return (end == "EXPR_PRECEDING_ROWS" || end == "EXPR_PRECEDING_GROUPS" || end == "EXPR_PRECEDING_RANGE") && positive(n["end_expr"])
	}
	return false
}

// positive tells whether an expression is a constant above 0, an interval perhaps.
func positive(v any) bool {
	n, _ := v.(tree)
	switch n["class"] {
	case "CONSTANT":
		value, _ := n["value"].(tree)
		return index(value["value"]) > 0
	case "CAST":
		return positive(n["child"])
	case "FUNCTION":
		children, _ := n["children"].([]any)
		name := word(n, "function_name")
		return len(children) == 1 && (strings.HasPrefix(name, "to_") || name == "trunc") && positive(children[0])
	}
	return false
}

func (t *tracer) subquery(n tree, sc *scope) flow {
	statement, _ := n["subquery"].(tree)
	r := t.query(statement["node"], sc)
	f := r.any().with(flow{influences: r.rows})
	if kind := word(n, "subquery_type"); kind == "EXISTS" || kind == "NOT_EXISTS" {
		// Whether there are rows is all that it yields: what they are picked by is its value, but for keys.
		f = flow{values: r.tests, influences: f.all()}
	}
	*sc.rows = sc.rows.or(f.all()) // it becomes a join
	return f.with(t.expr(n["child"], sc)).with(t.unread(n, sc, "subquery", "child"))
}

// reference finds what a name stands for: in its own SELECT, else in those around it.
func (t *tracer) reference(parts []string, sc *scope) flow {
	f, sure, maybe := t.lookup(parts, sc)
	if !sure && !maybe {
		return t.every
	}
	return f
}

// lookup goes outwards. Maybe is true if it stands for something that is not known to be there: f covers all that it
// can be.
func (t *tracer) lookup(parts []string, sc *scope) (f flow, sure, maybe bool) {
	if len(parts) == 0 {
		return t.every, true, true
	}
	for s := sc; s != nil; s = s.outer {
		g, here, perhaps := t.local(parts, s)
		if here {
			if maybe {
				g = f.with(g)
			}
			return g, true, true
		}
		if perhaps {
			f, maybe = f.with(g), true
		}
	}
	return f, false, maybe
}

func (t *tracer) local(parts []string, s *scope) (f flow, sure, maybe bool) {
	if p, ok := s.params[parts[0]]; ok {
		return p, true, true
	}
	if s.late {
		if g, ok := t.alias(parts[0], s); ok {
			f, maybe = g, true
		}
	}
	add := func(g flow) {
		if maybe {
			g = f.with(g)
		}
		f, maybe = g, true
	}
	if len(parts) > 1 {
		for _, r := range s.from {
			if r.name != parts[0] {
				continue
			}
			if g, here, perhaps := r.column(parts[1]); here {
				add(narrow(g, len(parts) > 2))
				sure = true
			} else if perhaps {
				add(g)
			}
		}
		if sure {
			return f, true, true
		}
	}
	if g, ok := s.merged[parts[0]]; ok {
		add(narrow(g, len(parts) > 1))
		return f, true, true
	}
	for _, r := range s.from {
		if g, here, perhaps := r.column(parts[0]); here {
			add(narrow(g, len(parts) > 1))
			sure = true
		} else if perhaps {
			add(g.computed())
		}
	}
	if sure {
		return f, true, true
	}
	if g, ok := t.alias(parts[0], s); ok {
		add(narrow(g, len(parts) > 1))
		return f, true, true
	}
	for _, r := range s.from { // the row as a struct
		if r.name == parts[0] && len(parts) == 1 {
			add(r.any())
			return f, true, true
		}
	}
	return f, false, maybe
}

// narrow is a column, or a field of it, which is no copy.
func narrow(f flow, part bool) flow {
	if part {
		return f.computed()
	}
	return f
}

// alias traces the expression that the SELECT gives a name to.
func (t *tracer) alias(name string, s *scope) (flow, bool) {
	e, ok := s.aliases[name]
	if !ok || s.busy[name] {
		return flow{}, false
	}
	if f, ok := s.known[name]; ok {
		return f, true
	}
	s.busy[name] = true
	late := s.late
	s.late = false
	f := t.expr(e, s)
	s.late = late
	delete(s.busy, name)
	s.known[name] = f
	return f, true
}
