package threads

import (
	"fmt"
	"slices"
)

// pure looks through an expression over the columns of a relation: whether it is computed from its own row alone.
// A kind of expression that is not listed is refused: a later version of the engine may have one that sees other rows.
func (w *walk) pure(v any, of *relation) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			w.pure(e, of)
		}
	case tree:
		switch v["expression_class"] {
		case nil: // a branch of CASE, or a type
			for _, e := range v {
				w.pure(e, of)
			}
		case "BOUND_REF":
			if i := w.column(v, of); i >= 0 && of.columns[i].unsure != nil {
				w.refuse(*of.columns[i].unsure)
			}
		case "BOUND_CONSTANT":
		case "BOUND_FUNCTION": // lambdas are in what else it has, and see elements of lists
			args := list(v["children"])
			if (v["name"] == "list_sort" || v["name"] == "list_reverse_sort") && len(args) > 0 && w.sorts(args[0], of) {
				args = args[1:]
			}
			w.pure(args, of)
		case "BOUND_COMPARISON", "BOUND_BETWEEN":
			for _, e := range v {
				w.compared(e, of)
			}
		case "BOUND_CAST", "BOUND_CONJUNCTION", "BOUND_OPERATOR", "BOUND_CASE":
			for _, e := range v {
				w.pure(e, of)
			}
		default:
			w.refuse(Reason{Text: "of an expression it is not known that the order of rows does not matter"})
		}
	}
}

// compared looks through an expression of which only matters what it is equal to.
func (w *walk) compared(v any, of *relation) {
	if i := w.column(v, of); i >= 0 && floating(of.columns[i].typ) {
		return
	}
	w.pure(v, of)
}

// column is the place of the column that an expression is, -1 if it is none. A column of another type than the relation has there is not
// understood: the columns were then counted otherwise than the engine counts them, and all that is said of keys would be of others.
func (w *walk) column(v any, of *relation) int {
	e, _ := v.(tree)
	if e["expression_class"] != "BOUND_REF" {
		return -1
	}
	i := whole(e["index"])
	if i < 0 || i >= len(of.columns) || of.columns[i].typ != columnOf(e["return_type"]).typ && of.columns[i].typ != rowNumber {
		w.refuse(Reason{Text: fmt.Sprintf("the column %s is not understood", word(e, "alias"))})
		return -1
	}
	return i
}

// sorts reports whether an expression is a column of lists of exact values: once they are sorted their order is known.
func (w *walk) sorts(v any, of *relation) bool {
	e, _ := v.(tree)
	i := whole(e["index"])
	return e["expression_class"] == "BOUND_REF" && i >= 0 && i < len(of.columns) && of.columns[i].unsure != nil &&
		of.columns[i].typ == columnOf(e["return_type"]).typ && columnOf(e["return_type"]).exact
}

// columnsAt are the places of those of some expressions that are columns.
func (w *walk) columnsAt(exprs []any, of *relation) []int {
	var out []int
	for _, e := range exprs {
		if i := w.column(e, of); i >= 0 {
			out = append(out, i)
		}
	}
	return out
}

// ordered are the columns that ORDER BY names, in whichever direction.
func (w *walk) ordered(orders any, of *relation) []int {
	var out []int
	for _, o := range list(orders) {
		e, _ := o.(tree)
		w.compared(e["expression"], of)
		out = append(out, w.columnsAt([]any{e["expression"]}, of)...)
	}
	return out
}

// project keeps the keys of which each column is still there, under its new place; order and number of rows stay as they
// are.
func (w *walk) project(n tree, below []*relation) *relation {
	in, out := below[0], &relation{total: below[0].total, single: below[0].single}
	exprs := list(n["expressions"])
	to := map[int]int{} // column of in → of out
	for i, e := range exprs {
		if k := w.column(e, in); k >= 0 {
			out.columns = append(out.columns, in.columns[k])
			to[k] = i
			continue
		}
		w.pure(e, in)
		out.columns = append(out.columns, columnOf(typeOf(e)))
	}
	for _, k := range in.keys {
		var moved []int
		for _, c := range k {
			if at, ok := to[c]; ok {
				moved = append(moved, at)
			}
		}
		if len(moved) == len(k) {
			out.add(moved)
		}
	}
	return out
}

// typeOf is the type of an expression, nil where the plan says none.
func typeOf(v any) any {
	e, _ := v.(tree)
	switch e["expression_class"] {
	case "BOUND_COMPARISON", "BOUND_CONJUNCTION", "BOUND_BETWEEN":
		return tree{"id": "BOOLEAN"}
	case "BOUND_CONSTANT":
		value, _ := e["value"].(tree)
		return value["type"]
	}
	return e["return_type"]
}

// filter leaves rows out: keys are still keys of what is left.
func (w *walk) filter(n tree, below []*relation) *relation {
	w.pure(n["expressions"], below[0])
	r := *pick(below[0], n["projection_map"])
	r.total = false
	return &r
}

// pick leaves of a relation's columns those that a list names; all, where it is empty.
func pick(r *relation, projection any) *relation {
	places := list(projection)
	if len(places) == 0 {
		return r
	}
	out := &relation{total: r.total, single: r.single}
	for _, p := range places {
		if i := whole(p); i >= 0 && i < len(r.columns) {
			out.columns = append(out.columns, r.columns[i])
		}
	}
	return out
}

// unnest makes of each row one for each element of a list.
func (w *walk) unnest(n tree, below []*relation) *relation {
	out := &relation{columns: slices.Clone(below[0].columns)}
	for _, v := range list(n["expressions"]) {
		e, _ := v.(tree)
		w.pure(e["child"], below[0])
		out.columns = append(out.columns, columnOf(e["return_type"]))
	}
	return out
}

// distinct leaves one of the rows that are equal in some columns, or in all.
// DISTINCT ON takes the first by an order, which says which one only if no two rows tie in it. Of DISTINCT all columns
// together are a key.
func (w *walk) distinct(n tree, below []*relation) *relation {
	in := below[0]
	out := &relation{columns: in.columns, keys: in.keys, single: in.single}
	on := w.columnsAt(list(n["distinct_targets"]), in)
	if n["distinct_type"] == "DISTINCT_ON" {
		by, _ := n["order_by"].(tree)
		if in.single || in.tells(slices.Concat(on, w.ordered(by["orders"], in))) {
			if len(on) == len(list(n["distinct_targets"])) {
				out.add(on)
			}
			return out
		}
		return w.refuse(Reason{Text: "DISTINCT ON takes the first of several rows, and its order leaves rows that tie", Clause: "distinct"})
	}
	out.columns = slices.Clone(in.columns)
	w.merge(out.columns, Reason{Text: "DISTINCT takes one of several values of %s", Clause: "distinct"})
	out.add(upTo(len(in.columns)))
	return out
}

// upTo are the columns from 0 to n-1, which are all of a relation with n.
func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// merge notes of columns that one value stands for all that are equal to it. The reason is one with the type of such a column for %s.
// Of a floating-point column it is enough to note it, since it may still be compared and written; of another type there
// is no telling what the difference would be, and the query is refused.
func (w *walk) merge(columns []column, why Reason) {
	for i, c := range columns {
		if c.exact && c.unsure == nil {
			continue
		}
		why := why
		why.Text = fmt.Sprintf(why.Text, "a "+c.typ) + ": " + equals(c.typ)
		if !floating(c.typ) {
			if c.unsure != nil {
				why = *c.unsure
			}
			w.refuse(why)
		}
		columns[i].unsure = &why
	}
}

// orderBy has a total order if what it sorts by tells rows apart: by a key, or by all columns.
func (w *walk) orderBy(n tree, below []*relation) *relation {
	r := *below[0]
	r.total = r.tells(w.ordered(n["orders"], &r))
	return pick(&r, n["projections"])
}

// limit keeps the first rows, which are the same ones only after an order without ties, or where there is one row.
func (w *walk) limit(n tree, below []*relation) *relation {
	r := below[0]
	for _, bound := range []string{"limit_val", "offset_val"} {
		b, _ := n[bound].(tree)
		switch b["type"] {
		case "CONSTANT_VALUE", "UNSET", "CONSTANT_PERCENTAGE":
		default:
			return w.refuse(Reason{Text: "LIMIT of a number that is computed", Clause: "limit"})
		}
	}
	if !r.total && !r.single {
		return w.refuse(Reason{Text: "LIMIT without a total order: which of the rows that tie are kept depends on the order that they come in", Clause: "limit"})
	}
	return r
}

// join pairs rows. Rows of the result are told apart by a key of either side; by one of the left side alone, if each of its rows meets one row
// of the other at most.
func (w *walk) join(n tree, below []*relation) *relation {
	left, right := pick(below[0], n["left_projection_map"]), pick(below[1], n["right_projection_map"])
	for _, c := range list(n["conditions"]) {
		cond, _ := c.(tree)
		w.compared(cond["left"], below[0])
		w.compared(cond["right"], below[1])
	}
	for _, e := range list(n["duplicate_eliminated_columns"]) {
		w.compared(e, below[0])
	}
	if n["predicate"] != nil {
		w.refuse(Reason{Text: "a condition of a join is not understood"})
	}
	kind := word(n, "join_type")
	switch kind {
	case "SEMI", "ANTI":
		return &relation{columns: left.columns, keys: left.keys, single: left.single}
	case "MARK":
		return &relation{columns: append(slices.Clone(left.columns), column{typ: "BOOLEAN", exact: true, one: true}), keys: left.keys, single: left.single}
	case "", "INNER", "LEFT", "SINGLE", "RIGHT", "FULL", "OUTER":
	default:
		return w.refuse(Reason{Text: fmt.Sprintf("of a join of kind %s it is not known that the order of rows does not matter", kind)})
	}
	both := &relation{columns: slices.Concat(left.columns, right.columns)}
	w.pure(n["condition"], &relation{columns: slices.Concat(below[0].columns, below[1].columns)})
	if kind == "SINGLE" || right.single && (kind == "" || kind == "LEFT" || kind == "INNER") {
		both.single = left.single
		for _, k := range left.keys {
			both.add(k)
		}
	}
	for _, l := range left.keys {
		for _, r := range right.keys {
			moved := slices.Clone(l)
			for _, c := range r {
				moved = append(moved, c+len(left.columns))
			}
			both.add(moved)
		}
	}
	return both
}

// asOf takes of the right side the row that is nearest: one, if no two of its rows are equal in the columns that are compared.
func (w *walk) asOf(n tree, below []*relation) *relation {
	var compared []int
	for _, c := range list(n["conditions"]) {
		cond, _ := c.(tree)
		compared = append(compared, w.columnsAt([]any{cond["right"]}, below[1])...)
	}
	if !below[1].tells(compared) {
		return w.refuse(Reason{Text: "an as-of join takes one of several rows at the same time"})
	}
	return w.join(n, below)
}

// set is UNION, EXCEPT or INTERSECT.
// UNION ALL keeps each row as it is; all others look for equal rows and keep one of them.
func (w *walk) set(n tree, below []*relation) *relation {
	out := &relation{}
	if len(below[0].columns) != len(below[1].columns) {
		return w.refuse(Reason{Text: "the two sides of a set operation are not understood"})
	}
	for i, c := range below[0].columns {
		other := below[1].columns[i]
		if c.typ != other.typ {
			return w.refuse(Reason{Text: "the two sides of a set operation are not understood"})
		}
		if c.unsure == nil {
			c.unsure = other.unsure
		}
		c.exact = c.exact && other.exact
		out.columns = append(out.columns, c)
	}
	if n["type"] == "LOGICAL_UNION" && n["setop_all"] == true {
		return out
	}
	w.merge(out.columns, Reason{Text: "UNION, EXCEPT or INTERSECT takes one of several values of %s"})
	if n["setop_all"] != true {
		out.add(upTo(len(out.columns)))
	}
	return out
}
