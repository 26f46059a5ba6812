// Package threads decides whether a query may run on several threads: whether its rows are the same, to the last bit, in whatever order
// threads come to them. It knows the engine's bound plan, and neither the engine nor blocks.
//
// # When the order of rows cannot be seen
//
// Several threads take rows in an order that nobody knows. Of most operators the result is a set all the same: a filter keeps the rows that
// it keeps, a join pairs the rows that it pairs, and a sort by all columns at the end (table.Run) puts them where they belong. What
// remains are the operators that look at the order, and for each of them there is a condition under which they see nothing in it:
//
//   - A sum of DOUBLE is rounded at each step, so (0.1 + 0.2) + 0.3 and 0.1 + (0.2 + 0.3) differ in their last bit. Sums of whole numbers and
//     of DECIMAL are kept in 128 bits, which nothing rounds, and are the same in any order. So are counts, min, max and quantiles.
//   - first(x), list(x) and row_number() take rows as they come. With an ORDER BY of their own in which no two different rows tie, they
//     take them in one order.
//   - LIMIT and DISTINCT ON keep those that come first: in the order of an ORDER BY before them, if again nothing ties there.
//   - A group has one value of its key, of several that are equal, and so has max(x). Of whole numbers or text all equal values are the same
//     bits. 0.0 and -0.0 are equal as well, and not the same: which one the group has depends on which was met first. The sort at the end
//     writes both as 0.0, and comparisons see no difference; 1 / x and x::varchar do (column.unsure).
//
// So the walk goes up the plan from the tables, and carries for each relation what ties are decided by: its columns with their types; keys, sets
// of columns in which no two rows are equal; and whether rows come in an order in which only such rows tie.
// An example:
//
//	select customer, country, sum(cents) as spent from payments group by customer, country order by spent desc, customer limit 10
//
// payments yields rows of unknown order. The groups are whole or text, so their columns are a key of the aggregate; cents is BIGINT, and
// its sum exact. The order is by spent and customer, and leaves out country: one customer may have spent as much in two of them. So two
// different rows may tie, LIMIT would keep either, and the query runs on one thread. With country in the order it runs on all.
//
// What the walk does not know (an operator, an aggregate, a type) makes the query one for one thread. It may say so of too many
// queries, never of too few: a column that is taken for another could make a key of what is none, so each reference is compared with the
// type that the walk has for it, and where they differ the walk ends. The optimizer is not looked at. What it makes of a plan has the same
// rows, and only order and rounding could differ, which were found not to matter.
package threads

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// tree is a node of the plan: an object of the engine's json_serialize_plan, numbers as json.Number.
type tree = map[string]any

// Reason is why a query runs on one thread, and what in its text it is about.
type Reason struct {
	Text   string // "sum of DOUBLE column amount is rounded in the order of rows"
	Call   string // the function, in lower case: sum; empty: none
	Column string // the column that it is called of, or that is grouped by; empty: none
	Clause string // "limit" or "distinct" where it is about such a one
}

func (r *Reason) Error() string { return r.Text }

// Why returns why the rows of a plan depend on the order in which threads come to the rows of its tables; nil if they do not. keys has the
// columns that tell the rows of a table apart, by the name of the table or the path of its file.
func Why(plan any, keys map[string][]string) *Reason {
	w := &walk{keys: keys, ctes: map[string]*relation{}, scalars: map[string]bool{}}
	r := w.relation(plan)
	if w.why == nil {
		for _, c := range r.columns {
			switch {
			case c.unsure != nil && !floating(c.typ):
				w.refuse(*c.unsure)
			case !c.one:
				w.refuse(Reason{Text: fmt.Sprintf("equal values of %s are not always the same, so that rows have no one order", c.typ)})
			}
		}
	}
	return w.why
}

// walk goes up a plan. It ends at the first reason.
type walk struct {
	keys    map[string][]string
	ctes    map[string]*relation // by number
	scalars map[string]bool      // aggregates, by number, of which more than one row is an error
	why     *Reason
}

// refuse keeps the first reason: it is the one that a reader can do something about, and the rest often follows from it.
func (w *walk) refuse(r Reason) *relation {
	if w.why == nil {
		w.why = &r
	}
	return &relation{}
}

// relation is what an operator yields.
type relation struct {
	columns []column
	keys    [][]int // each is a set of columns in which no two rows are equal
	total   bool    // rows come in an order in which only rows tie that are the same
	single  bool    // there is one row at most
}

// column is a column by its type.
type column struct {
	typ   string
	exact bool // values that are equal are the same bits
	one   bool // of values that are equal the sort at the end writes the same
	// unsure is why its values are not quite the same on several threads: of a number, a zero has either sign, so that it may be compared and
	// written; of a list, the elements have any order, so that it may be sorted. Anything else shows the difference. Nil: they are the same.
	unsure *Reason
}

// apart reports whether no two rows are equal in some columns.
func (r *relation) apart(columns []int) bool {
	return r.single || slices.ContainsFunc(r.keys, func(k []int) bool { return within(k, columns) })
}

// tells reports whether rows that are equal in some columns are the same, if there are any.
func (r *relation) tells(columns []int) bool {
	if r.apart(columns) {
		return true
	}
	for i, c := range r.columns {
		if !c.exact || c.unsure != nil || !slices.Contains(columns, i) {
			return false
		}
	}
	return true
}

// within reports whether some are all among others.
func within(some, all []int) bool {
	return !slices.ContainsFunc(some, func(i int) bool { return !slices.Contains(all, i) })
}

// add notes a key.
func (r *relation) add(k []int) {
	const most = 8
	if len(r.keys) < most && !slices.ContainsFunc(k, func(i int) bool { return i >= len(r.columns) }) {
		r.keys = append(r.keys, k)
	}
}

// children are the relations below an operator.
func (w *walk) children(n tree) []*relation {
	var out []*relation
	for _, c := range list(n["children"]) {
		out = append(out, w.relation(c))
	}
	return out
}

// relation is what a node of the plan yields; nothing, once there is a reason.
// A node of a kind that is not known, or with another number of inputs than expected, is refused. So what this package
// does not understand runs on one thread, and is slower but never different.
func (w *walk) relation(v any) *relation {
	n, _ := v.(tree)
	if w.why != nil {
		return &relation{}
	}
	typ := word(n, "type")
	if typ == "LOGICAL_MATERIALIZED_CTE" {
		return w.cte(n)
	}
	if typ == "LOGICAL_PROJECTION" {
		w.guard(n)
	}
	below := w.children(n)
	if w.why != nil {
		return &relation{}
	}
	yields, known := operators[typ]
	if !known || wants[typ] != len(below) {
		return w.refuse(Reason{Text: fmt.Sprintf("of %s it is not known that the order of rows does not matter", strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(typ, "LOGICAL_")), "_", " "))})
	}
	return yields(w, n, below)
}

// operators say what each kind of node yields; wants is how many relations it has below. All others are not known.
var operators = map[string]func(w *walk, n tree, below []*relation) *relation{
	"LOGICAL_GET": (*walk).get,
	"LOGICAL_DUMMY_SCAN": func(*walk, tree, []*relation) *relation {
		return &relation{columns: []column{{typ: "INTEGER", exact: true}}, single: true}
	},
	"LOGICAL_EXPRESSION_GET":         (*walk).rows,
	"LOGICAL_CTE_REF":                (*walk).named,
	"LOGICAL_DELIM_GET":              (*walk).outer,
	"LOGICAL_PROJECTION":             (*walk).project,
	"LOGICAL_FILTER":                 (*walk).filter,
	"LOGICAL_UNNEST":                 (*walk).unnest,
	"LOGICAL_AGGREGATE_AND_GROUP_BY": (*walk).aggregate,
	"LOGICAL_WINDOW":                 (*walk).window,
	"LOGICAL_DISTINCT":               (*walk).distinct,
	"LOGICAL_ORDER_BY":               (*walk).orderBy,
	"LOGICAL_LIMIT":                  (*walk).limit,
	"LOGICAL_CROSS_PRODUCT":          (*walk).join,
	"LOGICAL_COMPARISON_JOIN":        (*walk).join,
	"LOGICAL_ANY_JOIN":               (*walk).join,
	"LOGICAL_DELIM_JOIN":             (*walk).join,
	"LOGICAL_ASOF_JOIN":              (*walk).asOf,
	"LOGICAL_UNION":                  (*walk).set,
	"LOGICAL_EXCEPT":                 (*walk).set,
	"LOGICAL_INTERSECT":              (*walk).set,
}

var wants = map[string]int{
	"LOGICAL_EXPRESSION_GET": 1, "LOGICAL_PROJECTION": 1, "LOGICAL_FILTER": 1, "LOGICAL_UNNEST": 1, "LOGICAL_AGGREGATE_AND_GROUP_BY": 1,
	"LOGICAL_WINDOW": 1, "LOGICAL_DISTINCT": 1, "LOGICAL_ORDER_BY": 1, "LOGICAL_LIMIT": 1, "LOGICAL_CROSS_PRODUCT": 2,
	"LOGICAL_COMPARISON_JOIN": 2, "LOGICAL_ANY_JOIN": 2, "LOGICAL_DELIM_JOIN": 2, "LOGICAL_ASOF_JOIN": 2, "LOGICAL_UNION": 2,
	"LOGICAL_EXCEPT": 2, "LOGICAL_INTERSECT": 2,
}

// cte keeps what a query that WITH gives a name to yields, for where it is named.
func (w *walk) cte(n tree) *relation {
	below := list(n["children"])
	if len(below) != 2 {
		return w.refuse(Reason{Text: "WITH is not understood"})
	}
	r := w.relation(below[0])
	r.total = false
	w.ctes[number(n["table_index"])] = r
	return w.relation(below[1])
}

// named is a query of WITH where it is used; one that names itself is not finished by then.
func (w *walk) named(n tree, _ []*relation) *relation {
	r := w.ctes[number(n["cte_index"])]
	if r == nil || len(list(n["chunk_types"])) != len(r.columns) {
		return w.refuse(Reason{Text: "a query of WITH that names itself sees rows in their order"})
	}
	return r
}

// outer is what a subquery sees of the query around it: the distinct values of some columns.
func (w *walk) outer(n tree, _ []*relation) *relation {
	r := &relation{}
	var all []int
	for i, t := range list(n["chunk_types"]) {
		r.columns = append(r.columns, columnOf(t))
		all = append(all, i)
	}
	w.merge(r.columns, Reason{Text: "a subquery looks at %s of the query around it"})
	r.add(all)
	return r
}

// get is a table of the query, or rows made of numbers.
// A table's key is one of the relation only where the query reads all of its columns.
func (w *walk) get(n tree, _ []*relation) *relation {
	name := word(n, "name")
	data, _ := n["function_data"].(tree)
	extra, _ := n["extra_info"].(tree)
	var table string
	switch {
	case extra["sample_options"] != nil:
		return w.refuse(Reason{Text: "a sample takes rows by their order"})
	case len(list(n["projected_input"])) > 0 || len(list(n["projection_ids"])) > 0:
		return w.refuse(Reason{Text: fmt.Sprintf("of %s it is not known that the order of rows does not matter", name), Call: name})
	case name == "seq_scan":
		table = strings.ToLower(word(data, "table"))
	case name == "read_parquet" || name == "parquet_scan":
		if files := list(data["files"]); len(files) == 1 {
			table, _ = files[0].(string)
		}
	case name == "range" || name == "generate_series":
	default:
		return w.refuse(Reason{Text: fmt.Sprintf("of %s it is not known that the order of rows does not matter", name), Call: name})
	}
	r := &relation{}
	types, names := list(n["returned_types"]), list(n["names"])
	at := map[string]int{}
	for i, c := range list(n["column_indexes"]) {
		index, _ := c.(tree)
		k := whole(index["index"])
		if k < 0 || k >= len(types) { // the number of a row, or no column at all
			r.columns = append(r.columns, column{typ: rowNumber})
			continue
		}
		r.columns = append(r.columns, columnOf(types[k]))
		if k < len(names) {
			s, _ := names[k].(string)
			at[strings.ToLower(s)] = i
		}
	}
	var own []int
	for _, c := range w.keys[table] {
		i, ok := at[strings.ToLower(c)]
		if !ok {
			return r
		}
		own = append(own, i)
	}
	if len(own) > 0 {
		r.add(own)
	}
	return r
}

// rows are those of VALUES.
func (w *walk) rows(n tree, _ []*relation) *relation {
	r := &relation{}
	for _, t := range list(n["expr_types"]) {
		r.columns = append(r.columns, columnOf(t))
	}
	for _, row := range list(n["expressions"]) {
		for _, e := range list(row) {
			w.pure(e, &relation{})
		}
	}
	return r
}

// list is a list of the tree, nil if it is none.
func list(v any) []any { l, _ := v.([]any); return l }

// word is a text of a node, "" if it has none of that name.
func word(n tree, key string) string {
	s, _ := n[key].(string)
	return s
}

// number is a number of the tree as it is written, "" if it is none.
func number(v any) string {
	n, _ := v.(json.Number)
	return n.String()
}

// whole is a number that a column can have in a list; -1 if it is none.
func whole(v any) int {
	n, ok := v.(json.Number)
	if !ok {
		return -1
	}
	i, err := n.Int64()
	if err != nil || i > 1<<30 {
		return -1
	}
	return int(i)
}
