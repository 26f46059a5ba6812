package lineage

import "strings"

// window traces a window function. Its partitions and order say which rows it sees, and also decide on the order of the rows
// that come out. What functions of rank yield is computed from the order's columns.
// A window of earlier rows alone has a clock, and what its argument holds goes to past instead of others. A frame of ROWS counts rows
// as they stand, so that among ties whatever orders the rows decides.
func (t *tracer) window(n tree, sc *scope) flow {
	place := t.generic(n.Get("partitions"), sc).with(t.generic(n.Get("orders"), sc))
	frame := t.expr(n.Get("start_expr"), sc).with(t.expr(n.Get("end_expr"), sc))
	within := t.generic(n.Get("arg_orders"), sc)
	sc.at.lead = sc.at.lead.or(place.with(frame).with(within).all())
	args := t.generic(n.Get("children"), sc)
	name, kind := strings.ToLower(word(n, "function_name")), word(n, "type")
	if c, _ := n.Get("children").([]any); name == "count" && len(c) == 1 && n.Get("distinct") != true {
		args = t.expr(c[0], sc).nullness()
	}
	args = args.with(t.expr(n.Get("filter_expr"), sc))
	own := t.expr(n.Get("default_expr"), sc).with(t.expr(n.Get("offset_expr"), sc)).with(t.unread(n, sc, "partitions", "orders", "start_expr",
		"end_expr", "arg_orders", "children", "filter_expr", "default_expr", "offset_expr"))
	if ranks[kind] {
		args = args.with(t.generic(n.Get("orders"), sc))
	}
	clock := t.clock(n, sc)
	var out flow
	if clock.copies.empty() {
		out = args.aggregated().with(together(sc.at.facts).enters())
	} else {
		out = args.earlier(clock)
		for _, f := range sc.at.facts {
			local := f.local
			if !f.homes.within(clock.homes) {
				local = nil // of another row than the one that is earlier
			}
			out = out.with(flow{control: f.by().minus(local), known: f.known, past: addPast(nil, past{clock.copies, local, clock.homes})})
		}
	}
	if !commutative[name] || strings.HasSuffix(word(n, "start")+word(n, "end"), "ROWS") {
		out.control = out.control.or(sc.at.inOrder(listed(n.Get("orders")) || listed(n.Get("arg_orders"))))
	}
	return out.with(own).with(place.key()).with(frame.chosen()).with(within.chosen()).computed()
}

// ranks are the functions whose value is computed from the order's columns and no argument.
var ranks = map[string]bool{"WINDOW_RANK": true, "WINDOW_RANK_DENSE": true, "WINDOW_PERCENT_RANK": true, "WINDOW_CUME_DIST": true,
	"WINDOW_ROW_NUMBER": true, "WINDOW_NTILE": true, "WINDOW_FILL": true}

// clock returns the flow of the first column that a window is ordered by, ascending, if every row that the window sees stands
// strictly before its own: of sum(x) over (order by t range between '2 days' preceding and '1 second' preceding) that of t. Of a
// window that may see its own row or later ones the flow is empty, and a copy of no column.
func (t *tracer) clock(n tree, sc *scope) flow {
	orders, _ := n.Get("orders").([]any)
	if len(orders) == 0 || !strictlyBefore(n) {
		return flow{}
	}
	first, _ := orders[0].(tree)
	if first.Get("type") != "ASCENDING" && first.Get("type") != "ORDER_DEFAULT" {
		return flow{}
	}
	if f := t.expr(first.Get("expression"), sc); !f.repeats {
		return f
	}
	return flow{} // a row stands before itself
}

// strictlyBefore reports whether a window function sees only rows before its own in its order. lag(x order by y) goes back in its own order among
// the rows of the frame: lag(x order by ts desc) over (order by ts … unbounded following) is the row after.
func strictlyBefore(n tree) bool {
	if n.Get("type") == "WINDOW_LAG" && !listed(n.Get("arg_orders")) {
		return n.Get("offset_expr") == nil || positive(n.Get("offset_expr"))
	}
	switch n.Get("type") {
	case "WINDOW_LAG", "WINDOW_AGGREGATE", "WINDOW_FIRST_VALUE", "WINDOW_LAST_VALUE", "WINDOW_NTH_VALUE":
		end := word(n, "end")
		return (end == "EXPR_PRECEDING_ROWS" || end == "EXPR_PRECEDING_GROUPS" || end == "EXPR_PRECEDING_RANGE") && positive(n.Get("end_expr"))
	}
	return false
}

// positive reports whether an expression is a constant above 0, an interval perhaps.
func positive(v any) bool {
	n, _ := v.(tree)
	switch n.Get("class") {
	case "CONSTANT":
		value, _ := n.Get("value").(tree)
		return index(value.Get("value")) > 0
	case "CAST":
		return positive(n.Get("child"))
	case "FUNCTION":
		children, _ := n.Get("children").([]any)
		name := word(n, "function_name")
		return len(children) == 1 && (strings.HasPrefix(name, "to_") || name == "trunc") && positive(children[0])
	}
	return false
}
