package threads

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// orderless are the aggregates that see a set of values, whatever their type: what they yield is no value of the set.
var orderless = map[string]bool{"count": true, "count_star": true, "count_if": true, "countif": true, "bool_and": true, "bool_or": true}

// selecting are the aggregates that yield a value of the set, or one between two of them, by the order of values: equal values must be the
// same.
var selecting = map[string]bool{"min": true, "max": true, "bit_and": true, "bit_or": true, "bit_xor": true, "median": true, "quantile_cont": true,
	"quantile_disc": true}

// adding are the aggregates that add up.
var adding = map[string]bool{"sum": true, "sum_no_overflow": true, "avg": true, "mean": true}

// rounding are the aggregates that compute with doubles step by step, of whatever type their argument is.
var rounding = map[string]bool{"fsum": true, "sumkahan": true, "kahan_sum": true, "favg": true, "product": true, "stddev": true, "stddev_samp": true,
	"stddev_pop": true, "variance": true, "var_samp": true, "var_pop": true, "corr": true, "covar_pop": true, "covar_samp": true, "skewness": true,
	"kurtosis": true, "kurtosis_pop": true, "sem": true, "entropy": true}

// taking are the aggregates that take rows as they come, or the first of those that tie.
var taking = map[string]bool{"first": true, "last": true, "any_value": true, "arbitrary": true, "arg_min": true, "arg_max": true, "argmin": true,
	"argmax": true, "min_by": true, "max_by": true, "arg_min_null": true, "arg_max_null": true, "mode": true, "list": true, "array_agg": true,
	"string_agg": true, "group_concat": true, "listagg": true}

// aggregate is one row for each group.
// The columns that are grouped by are a key of the result, unless there are several grouping sets, whose rows may be
// equal in them. A group's value is one of several that are equal, which may be written differently (0.0 and -0.0), and
// is noted as such.
func (w *walk) aggregate(n tree, below []*relation) *relation {
	in := below[0]
	groups := list(n["groups"])
	out := &relation{single: len(groups) == 0}
	for _, g := range groups {
		w.compared(g, in)
		c := []column{columnOf(typeOf(g))}
		w.merge(c, Reason{Text: "a group takes one of several values of " + named(g), Column: alias(g)})
		out.columns = append(out.columns, c...)
	}
	by := w.columnsAt(groups, in)
	one := in.single || len(groups) > 0 && in.apart(by) || w.scalars[number(n["aggregate_index"])]
	for _, e := range list(n["expressions"]) {
		c := columnOf(typeOf(e))
		c.unsure = w.call(e, in, by, one)
		out.columns = append(out.columns, c)
	}
	for range list(n["grouping_functions"]) {
		out.columns = append(out.columns, column{typ: "BIGINT", exact: true, one: true})
	}
	if sets := list(n["grouping_sets"]); len(sets) <= 1 && len(groups) > 0 {
		out.add(upTo(len(groups)))
	}
	return out
}

// guard notes an aggregate below a projection that makes of more than one row an error: what the engine makes of a subquery that yields one
// value is first(x) and a count of the rows.
func (w *walk) guard(n tree) {
	exprs, below := list(n["expressions"]), list(n["children"])
	if len(exprs) != 1 || len(below) != 1 {
		return
	}
	guard, _ := exprs[0].(tree)
	aggregate, _ := below[0].(tree)
	checks := list(guard["case_checks"])
	if guard["expression_class"] != "BOUND_CASE" || len(checks) != 1 || len(list(aggregate["groups"])) > 0 {
		return
	}
	check, _ := checks[0].(tree)
	when, _ := check["when_expr"].(tree)
	then, _ := check["then_expr"].(tree)
	counted, _ := when["left"].(tree)
	one, _ := when["right"].(tree)
	value, _ := one["value"].(tree)
	calls := list(aggregate["expressions"])
	if then["name"] != "error" || when["type"] != "COMPARE_GREATERTHAN" || whole(counted["index"]) != 1 || whole(value["value"]) != 1 || len(calls) != 2 {
		return
	}
	if count, _ := calls[1].(tree); count["name"] == "count_star" && count["filter"] == nil {
		w.scalars[number(aggregate["aggregate_index"])] = true
	}
}

// call looks at a call of an aggregate over a relation's rows, grouped by some columns; one: each group is one row. What it returns is
// why its value is unsure, as of a column.
func (w *walk) call(v any, of *relation, by []int, one bool) *Reason {
	e, _ := v.(tree)
	name, args := strings.ToLower(word(e, "name")), list(e["children"])
	w.arguments(name, args, of)
	w.pure(e["filter"], of)
	if one || w.why != nil {
		return nil
	}
	if free, unsure := w.orderFree(name, e); free || w.why != nil {
		return unsure
	}
	order, _ := e["order_bys"].(tree)
	orders := order["orders"]
	sees := slices.Concat(by, w.ordered(orders, of))
	if (strings.HasPrefix(name, "arg") || strings.HasSuffix(name, "_by")) && len(args) == 2 { // arg_min(x, by)
		sees = append(sees, w.columnsAt(args[1:], of)...)
	}
	why := Reason{Text: fmt.Sprintf("%s%s depends on the order of rows", name, ofArgument(args)), Call: name, Column: firstAlias(args)}
	switch {
	case taking[name] && (of.tells(sees) || settled(args, orders)):
	case (name == "list" || name == "array_agg") && len(args) == 1:
		return &why
	case taking[name]:
		w.refuse(why)
	default:
		w.refuse(Reason{Text: fmt.Sprintf("of %s it is not known that the order of rows does not matter", name), Call: name, Column: firstAlias(args)})
	}
	return nil
}

// arguments looks through those of an aggregate.
func (w *walk) arguments(name string, args []any, of *relation) {
	for _, a := range args {
		if orderless[name] || selecting[name] {
			w.compared(a, of)
		} else {
			w.pure(a, of)
		}
	}
}

// orderFree reports whether an aggregate yields the same whatever the order of its rows, but for the sign of a zero: then the reason is
// returned with it. What is known to depend on the order is refused.
func (w *walk) orderFree(name string, e tree) (bool, *Reason) {
	args := list(e["children"])
	switch {
	case orderless[name]:
		return true, nil
	case selecting[name] && (len(args) == 1 || len(args) == 2 && constant(args[1])):
		c := []column{columnOf(typeOf(args[0]))}
		w.merge(c, Reason{Text: name + " takes one of several values of " + named(args[0]), Call: name, Column: alias(args[0])})
		return true, c[0].unsure
	case adding[name] && len(args) == 1:
		if addsExactly(typeOf(args[0])) {
			return true, nil
		}
		c := columnOf(typeOf(args[0]))
		why := "is rounded in the order of rows"
		if !floating(c.typ) {
			why = "may overflow in one order of rows and not in another"
		}
		w.refuse(Reason{Text: fmt.Sprintf("%s of %s %s", name, called(c.typ, args[0]), why), Call: name, Column: alias(args[0])})
	case rounding[name] || strings.HasPrefix(name, "regr_"):
		w.refuse(Reason{Text: fmt.Sprintf("%s%s is rounded in the order of rows", name, ofArgument(args)), Call: name, Column: firstAlias(args)})
	case strings.HasPrefix(name, "approx_"):
		w.refuse(Reason{Text: fmt.Sprintf("%s%s is approximate, and depends on the order of rows", name, ofArgument(args)), Call: name, Column: firstAlias(args)})
	}
	return false, nil
}

// settled reports whether an aggregate takes its arguments in an order in which only equal ones tie: list(x order by x).
// Constants tie with nothing and need no place in the order.
func settled(args []any, orders any) bool {
	for _, a := range args {
		if constant(a) {
			continue
		}
		if !columnOf(typeOf(a)).exact || !slices.ContainsFunc(list(orders), func(o any) bool {
			by, _ := o.(tree)
			return reflect.DeepEqual(unplaced(by["expression"]), unplaced(a))
		}) {
			return false
		}
	}
	return true
}

// unplaced is an expression without its names and places in the text.
// So two expressions can be compared that stand at different places of the query.
func unplaced(v any) any {
	switch v := v.(type) {
	case tree:
		out := tree{}
		for k, c := range v {
			if k != "alias" && k != "query_location" {
				out[k] = unplaced(c)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, c := range v {
			out[i] = unplaced(c)
		}
		return out
	}
	return v
}

// peers are the window functions that rows which tie have the same value of.
var peers = map[string]bool{"WINDOW_RANK": true, "WINDOW_RANK_DENSE": true, "WINDOW_PERCENT_RANK": true, "WINDOW_CUME_DIST": true}

// placed are the window functions that see the place of a row among those that tie.
var placed = map[string]bool{"WINDOW_ROW_NUMBER": true, "WINDOW_NTILE": true, "WINDOW_LAG": true, "WINDOW_LEAD": true, "WINDOW_FIRST_VALUE": true,
	"WINDOW_LAST_VALUE": true, "WINDOW_NTH_VALUE": true}

// window adds columns that are computed from a row's neighbours.
func (w *walk) window(n tree, below []*relation) *relation {
	in := below[0]
	out := &relation{columns: slices.Clone(in.columns), keys: in.keys, single: in.single}
	for _, v := range list(n["expressions"]) {
		e, _ := v.(tree)
		c := columnOf(e["return_type"])
		c.unsure = w.over(e, in)
		out.columns = append(out.columns, c)
	}
	return out
}

// over looks at one window function, and returns why its value is unsure, as of a column.
// Functions of three sorts are told apart: those that see only which rows are equal in the order (peers, such as rank),
// which any order of the rest leaves alone; those that see places (placed, such as row_number), which need an order
// without ties; and aggregates over a frame, which need one where the frame counts rows.
func (w *walk) over(e tree, in *relation) *Reason {
	name, kind, args := strings.ToLower(word(e, "name")), word(e, "type"), list(e["children"])
	if name == "" {
		name = strings.ToLower(strings.TrimPrefix(kind, "WINDOW_"))
	}
	w.arguments(name, args, in)
	for _, part := range []string{"filters", "filter_expr", "start_expr", "end_expr", "offset_expr", "default_expr"} {
		w.pure(e[part], in)
	}
	for _, p := range list(e["partitions"]) {
		w.compared(p, in)
	}
	sees := append(w.columnsAt(list(e["partitions"]), in), w.ordered(e["orders"], in)...)
	alone := in.apart(sees) // no two rows tie
	about := func(text string) *Reason {
		w.refuse(Reason{Text: name + ofArgument(args) + " " + text, Call: name, Column: firstAlias(args)})
		return nil
	}
	const ties, unknown = "sees rows that tie in the order that they come in", "is none of those that are known not to depend on the order of rows"
	switch {
	case w.why != nil:
		return nil
	case len(list(e["arg_orders"])) > 0 || word(e, "exclude_clause") != "NO_OTHER":
		return about("over a frame with EXCLUDE, or in an order of its own, may depend on the order of rows")
	case peers[kind], placed[kind] && alone:
		return nil
	case placed[kind]:
		return about(ties)
	case kind != "WINDOW_AGGREGATE":
		return about(unknown)
	}
	free, unsure := w.orderFree(name, e)
	switch byRows := strings.HasSuffix(word(e, "start"), "_ROWS") || strings.HasSuffix(word(e, "end"), "_ROWS"); {
	case w.why != nil:
		return nil
	case free && byRows && !alone:
		return about(ties)
	case free:
		return unsure
	case taking[name]:
		return about("depends on the order of rows")
	}
	return about(unknown)
}

// constant reports whether an expression is a value that is written out.
func constant(v any) bool { e, _ := v.(tree); return e["expression_class"] == "BOUND_CONSTANT" }

// alias is the name of the column that an expression is, empty if it is none.
func alias(v any) string {
	if e, _ := v.(tree); e["expression_class"] == "BOUND_REF" {
		return word(e, "alias")
	}
	return ""
}

// firstAlias is what the query calls the first argument of a call, for messages; "" if there is none.
func firstAlias(args []any) string {
	if len(args) == 0 {
		return ""
	}
	return alias(args[0])
}

// called is a column by its type and name: "DOUBLE column amount".
func called(typ string, v any) string {
	if name := alias(v); name != "" {
		return typ + " column " + name
	}
	return "a " + typ
}

// named is a column by its name, for a reason that has its type: "%s column amount".
func named(v any) string {
	if name := alias(v); name != "" {
		return "%s column " + strings.ReplaceAll(name, "%", "%%")
	}
	return "%s"
}

// ofArgument is " of amount" behind a function's name, or nothing.
func ofArgument(args []any) string {
	if name := firstAlias(args); name != "" {
		return " of " + name
	}
	return ""
}
