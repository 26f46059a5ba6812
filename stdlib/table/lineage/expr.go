package lineage

import (
	"slices"
	"strings"
)

// expr traces an expression; nil is none. computed takes away what only a column itself has: that it is a copy, and the fields of
// its struct. A kind of expression that is not listed depends on everything.
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
	switch n.Get("class") {
	case "CONSTANT", "PARAMETER", "DEFAULT":
		return flow{}
	case "COLUMN_REF":
		return t.reference(lowerNames(n.Get("column_names")), sc)
	case "OPERATOR", "COMPARISON":
		return t.operator(n, sc)
	case "CASE", "CAST", "CONJUNCTION", "BETWEEN", "COLLATE":
		return t.children(n, sc).computed()
	case "FUNCTION":
		return t.function(n, sc)
	case "WINDOW":
		return t.window(n, sc).computed()
	case "SUBQUERY":
		return t.subquery(n, sc).computed()
	case "LAMBDA":
		return t.lambda(n, flow{}, sc).computed()
	case "STAR":
		from := &tables{rels: sc.from, merged: sc.merged}
		for _, r := range sc.from {
			from.star = append(from.star, r.starred()...)
		}
		return t.someOf(n, sc, from).computed()
	case "POSITIONAL_REFERENCE":
		var out flow
		for _, r := range sc.from {
			out = out.with(r.any())
		}
		return out.computed()
	}
	return t.every
}

// children traces whatever expressions stand below a node.
// CASE is one of them: which branch is taken depends on the conditions, and these are values of the row like the others.
func (t *tracer) children(n tree, sc *scope) flow {
	var out flow
	for _, v := range n.All() {
		if hasParts(v) {
			out = out.with(t.generic(v, sc))
		}
	}
	return out
}

// hasParts reports whether there can be expressions in a member of the tree; most are names and flags.
func hasParts(v any) bool {
	switch v.(type) {
	case tree, []any:
		return true
	}
	return false
}

// generic traces a part of the tree whose kind is not known: as all expressions in it together.
func (t *tracer) generic(v any, sc *scope) flow {
	var out flow
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if hasParts(e) {
				out = out.with(t.generic(e, sc))
			}
		}
	case tree:
		if v.Get("class") != nil {
			return t.expr(v, sc)
		}
		if v.Get("node") != nil || v.Get("select_list") != nil || v.Get("from_table") != nil {
			return t.every // a query where none was expected
		}
		return t.children(v, sc)
	}
	return out
}

// operator traces what looks at one or two operands. Of a column that is asked only whether it is null it matters whether it
// is known; of a struct, the field that is taken.
func (t *tracer) operator(n tree, sc *scope) flow {
	children, _ := n.Get("children").([]any)
	switch n.Get("type") {
	case "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL":
		if len(children) == 1 {
			return t.expr(children[0], sc).nullness()
		}
	case "COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM":
		for _, sides := range [][2]string{{"left", "right"}, {"right", "left"}} {
			if null(n.Get(sides[1])) {
				return t.expr(n.Get(sides[0]), sc).nullness()
			}
		}
	case "STRUCT_EXTRACT", "ARRAY_EXTRACT":
		if len(children) == 2 {
			return t.part(children[0], children[1], sc)
		}
	}
	return t.children(n, sc).computed()
}

// null reports whether an expression is the constant NULL: x is not distinct from null asks no more of x than x is null does.
func null(v any) bool {
	n, _ := v.(tree)
	value, _ := n.Get("value").(tree)
	return n.Get("class") == "CONSTANT" && value.Get("is_null") == true
}

// part traces of[name]: that field alone of a struct whose fields are known.
func (t *tracer) part(of, name any, sc *scope) flow {
	whole := t.expr(of, sc)
	n, _ := name.(tree)
	value, _ := n.Get("value").(tree)
	if text, ok := value.Get("value").(string); ok && n.Get("class") == "CONSTANT" {
		if f, ok := whole.parts[strings.ToLower(text)]; ok {
			return f
		}
	}
	return whole.with(t.expr(name, sc)).computed()
}

// function traces a call. What an aggregate is filtered by counts as its argument: a CASE would do the same. Of count(x) only whether x is null
// flows on; of struct_pack(a := x) the field a stays apart, so that s.a depends on x and on no other field.
func (t *tracer) function(n tree, sc *scope) flow {
	var args flow
	name := strings.ToLower(word(n, "function_name"))
	children, _ := n.Get("children").([]any)
	if name == "struct_extract" && len(children) == 2 {
		return t.part(children[0], children[1], sc)
	}
	var parts map[string]flow // of struct_pack
	if name == "struct_pack" {
		parts = map[string]flow{}
	}
	var only flow // of a single argument
	for _, c := range children {
		e, ok := c.(tree)
		if ok && e.Get("class") == "LAMBDA" {
			continue
		}
		f := t.expr(c, sc)
		if only = f; parts != nil {
			parts[itemName(e)] = f
		}
		args = args.with(f)
	}
	out := args
	for _, c := range children {
		if e, ok := c.(tree); ok && e.Get("class") == "LAMBDA" {
			out = out.with(t.lambda(e, args, sc))
		}
	}
	if name == "count" && len(children) == 1 && n.Get("distinct") != true { // counts what is not null
		out = only.nullness()
	}
	out = out.with(t.expr(n.Get("filter"), sc)).with(t.generic(n.Get("order_bys"), sc).chosen()).with(t.unread(n, sc, "children", "filter", "order_bys"))
	if t.aggregates[name] {
		return t.aggregate(out, name, ordered(n), sc)
	}
	if expanding[name] {
		sc.at.facts, sc.at.expands = append(sc.at.facts, out.fact()), true
	}
	if parts != nil && len(parts) == len(children) {
		out.parts = parts
	}
	return out
}

// ordered reports whether a call says in which order it takes its rows.
func ordered(n tree) bool {
	by, _ := n.Get("order_bys").(tree)
	return listed(by.Get("orders"))
}

// aggregate is a value of many rows: besides what they hold it depends on which they are, and perhaps on their order.
// Of sum(amount) in a query with where country = 'DE' these are amount, in others, and country, in control.
func (t *tracer) aggregate(args flow, name string, ordered bool, sc *scope) flow {
	out := args.aggregated().with(together(sc.at.facts).enters())
	out.grouped = true
	if !commutative[name] {
		out.control = out.control.or(sc.at.inOrder(ordered || extreme[name]))
	}
	return out
}

// extreme aggregates look at the order of the rows only where there are ties, like those that say an order of their own.
var extreme = map[string]bool{"arg_max": true, "arg_min": true, "max_by": true, "min_by": true, "argmax": true, "argmin": true,
	"arg_max_null": true, "arg_min_null": true, "mode": true}

// commutative aggregates do not look at the order of the rows.
var commutative = map[string]bool{"count": true, "count_star": true, "count_if": true, "sum": true, "avg": true, "mean": true, "min": true,
	"max": true, "bool_and": true, "bool_or": true, "median": true, "stddev": true, "stddev_samp": true, "stddev_pop": true, "variance": true,
	"var_samp": true, "var_pop": true, "quantile_cont": true, "quantile_disc": true, "approx_count_distinct": true, "entropy": true,
	"corr": true, "skewness": true, "kurtosis": true, "bit_and": true, "bit_or": true, "bit_xor": true, "product": true, "histogram": true,
	"rank": true, "dense_rank": true, "percent_rank": true, "cume_dist": true}

// expanding are the functions that make several rows, or columns, of one.
var expanding = map[string]bool{"unnest": true, "unlist": true, "generate_subscripts": true, "regexp_split_to_table": true}

// unread traces what stands in a node under other names than these: a member that a later version of the engine adds is not missed.
func (t *tracer) unread(n tree, sc *scope, read ...string) flow {
	var out flow
	for key, v := range n.All() {
		if hasParts(v) && !slices.Contains(read, key) {
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
		if names := lowerNames(e.Get("column_names")); e.Get("class") == "COLUMN_REF" && len(names) > 0 {
			f, sure, maybe := t.lookup(names, sc)
			if sure || maybe {
				args = args.with(f)
			}
			params[names[len(names)-1]] = flow{}
			return
		}
		if children, ok := e.Get("children").([]any); ok && word(e, "function_name") == "row" {
			for _, c := range children {
				bind(c)
			}
			return
		}
		args = args.with(t.generic(v, sc))
	}
	bind(n.Get("lhs"))
	for name := range params {
		params[name] = args
	}
	inner := sc.within()
	inner.params = params
	return args.with(t.expr(n.Get("expr"), inner)).with(t.unread(n, sc, "lhs", "expr"))
}

// subquery traces a query inside an expression. A scalar one yields a value of its rows; EXISTS whether there are any; IN
// and ANY compare a value with all of them.
func (t *tracer) subquery(n tree, sc *scope) flow {
	statement, _ := n.Get("subquery").(tree)
	r := t.query(statement.Get("node"), sc)
	f := r.any()
	f.others, f.past = f.others.or(f.earlierBy()), nil // earlier than its own row is not earlier than this one
	kind := word(n, "subquery_type")
	if kind == "SCALAR" {
		f.control = f.control.or(r.order)
	}
	all := f.all()
	if kind == "EXISTS" || kind == "NOT_EXISTS" {
		// Whether there are rows is all that it yields: what they are picked by is its value, but for keys.
		f = flow{taints: r.tests, values: r.tests.minus(r.rows.known), homes: f.homes}
	}
	f = f.with(r.rows.enters())
	f.homes = f.homes.or(r.rows.homes)
	sc.at.lead = sc.at.lead.or(all).or(f.all()) // it becomes a join
	return f.with(t.expr(n.Get("child"), sc)).with(t.unread(n, sc, "subquery", "child"))
}
