// Package lineage follows values and rows through the parsed tree of a query: from which columns of its tables each column of its result
// comes, and what decides on which rows there are. It knows the engine's tree, and neither the engine nor blocks.
//
// # How values and rows are followed
//
// The parsed statement is walked scope by scope, with a flow for every column in sight: a set of input columns for each way in
// which it may depend on them. An operator joins the flows of its operands; an aggregate or window moves them on, from the row's
// own values to those of other or of earlier rows. That is data dependence, and all that personal and protected marks follow
// (flow.taints). In `select amount * 2 as double from payments` the column double has the value of payments.amount.
//
// A value may depend on a column that it is not computed from: a count on the condition below it. So each SELECT gathers facts, the
// reasons for which its rows are there (standing.facts), and facts enter a flow wherever rows become a value: in aggregates
// and windows, in subqueries, where branches of a union differ. A filter over columns that merely pass adds nothing to
// them. Facts stay with the relation (relation.rows) as an item of the next FROM, and with its table from block to block.
//
// Joins are the hard part: of two joined tables either may be the one whose rows are filtered, and the other the one that is looked
// up. What counts is the value as seen from a row of the result, and that is the row of one FROM item: for an input column that
// somebody predicts, the item which that column comes from. So each flow knows which items it reads (homes), each fact which
// it speaks of, and at the end of a SELECT resolve (identity.go) gives to a column those facts that reach its item by
// others than the row's own: facts are edges between items, the row's item is taken away, and what stays connected decides on
// which row is met. An inner join on a key makes two items one.
//
// Three things soften this, each since nothing is told by it. Whether a column is null is kept apart from its values (known). Keys leave out
// what they determine (identifies): keys are those of tables, and that of the block, which are checked when it runs; the walk is done again
// with the block's once it is seen which input columns these are. And earlier rows are allowed, if they are earlier by a column
// that is a time as it stands (past.clock): whether it is one is for the caller to say, who knows the tables.
//
// An example. In
//
//	select customer, amount, sum(amount) over (partition by customer) as total, count(*) over () as n
//	from payments where country = 'DE'
//
// amount is a copy of payments.amount: the filter leaves its values as they are, and country is told of the result's rows
// (Flows.Rows). total has payments.amount in Others, for the amounts of several rows enter it, payments.customer in Keys,
// which places a row in its partition, and payments.country in Control, since a payment from elsewhere would change the
// sum if the filter let it pass. n has neither values nor others: no column's values enter it. But country decides what is
// counted, and stands in Control. A caller that asks whether total holds personal data looks at Taints, which has amount
// and not country; one that asks whether total can know the target looks at all the lists.
//
// Wherever the walk meets what it does not know (a kind of node, a name that it cannot place) it takes it to depend on every
// column of every table. It may report too much, never too little; what it leaves out on purpose (ties in the order of stored tables)
// language.md lists. Oracles in the tests permute columns and look.
package lineage

import (
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// tree is a node of the parsed statement.
type tree = *Tree

// word is the text of a member; "" where there is none.
func word(n tree, key string) string {
	s, _ := n.Get(key).(string)
	return s
}

// Trace returns the flows of a query that binds, given its tree. tables are those that it names; key are the columns of the result that tell
// its rows apart, as far as that is declared; columns are those of the result; aggregates are the names of functions over many rows, in lower
// case. The query is walked twice if what the walk asks of keys depends on those of the result.
func Trace(query any, tables map[string]*schema.Table, key []string, columns []schema.Column, aggregates map[string]bool) component.Flows {
	t := newTracer(tables, aggregates)
	flows, rows := t.columns(query, columns)
	if own := keyOf(key, columns, flows); t.wondered && own != nil {
		again := newTracer(tables, aggregates)
		again.unique = append([][]origins{own}, again.unique...)
		flows, rows = again.columns(query, columns)
	}
	out := component.Flows{Columns: map[string]component.Flow{}, Rows: component.Flow{Values: t.names(rows.local), Control: t.names(rows.far), Known: t.names(rows.known)}}
	for i, c := range columns {
		out.Columns[c.Name] = t.named(flows[i])
	}
	return out
}

// columns traces each of the columns that the query is known to have.
func (t *tracer) columns(node any, columns []schema.Column) ([]flow, fact) {
	result := t.query(node, nil)
	out := make([]flow, len(columns))
	one := !result.loose && len(result.fields) == len(columns) // as many as there are: no field stands for more than one
	var any flow
	if !one {
		any = result.any()
	}
	for i := range columns {
		if out[i] = any; one {
			out[i] = result.fields[i].flow
		}
	}
	return out, result.rows
}

// keyOf are the input columns that the columns of a declared key are; nil if one of them is no copy of any.
func keyOf(key []string, columns []schema.Column, flows []flow) []origins {
	var out []origins
	for _, name := range key {
		i := slices.IndexFunc(columns, func(c schema.Column) bool { return strings.EqualFold(c.Name, name) })
		if i < 0 || flows[i].copies.empty() {
			return nil
		}
		out = append(out, flows[i].copies)
	}
	return out
}

// tracer follows columns through a syntax tree.
type tracer struct {
	numbered   []component.Origin // the input columns, by number; behind those of a table its rows, without a name
	number     map[string]int     // of the tables
	tables     map[string]*relation
	every      flow        // depends on all of them
	unique     [][]origins // keys: one set for each of their columns
	aggregates map[string]bool
	froms      int // items of FROM so far
	steps      int
	wondered   bool // whether something depends on a key that is not known
}

// mostSteps bounds the work on one query; one that takes more depends on everything.
const mostSteps = 300_000

// tooLong counts a step, and reports whether there have been more than mostSteps.
func (t *tracer) tooLong() bool {
	t.steps++
	return t.steps > mostSteps
}

// newTracer numbers the columns of all tables, by name of the table, then in the order of the columns.
func newTracer(tables map[string]*schema.Table, aggregates map[string]bool) *tracer {
	t := &tracer{tables: map[string]*relation{}, aggregates: aggregates, number: map[string]int{}}
	for i, name := range slices.Sorted(maps.Keys(tables)) {
		t.number[name] = i
		t.table(name, tables[name])
	}
	var all origins
	for i := range t.numbered {
		all = all.or(single(i))
	}
	t.every = flow{taints: all, values: all, others: all, keys: all, control: all, known: all}
	return t
}

// table numbers the columns of an input table. Its rows are stored in the order of its key, without one in that of all columns,
// of which the first decides: that others order its ties is left out.
func (t *tracer) table(name string, of *schema.Table) {
	r := &relation{name: strings.ToLower(name)}
	byName := map[string]origins{}
	for _, c := range of.Columns {
		one := single(len(t.numbered))
		byName[strings.ToLower(c.Name)] = one
		t.numbered = append(t.numbered, component.Origin{Table: name, Column: c.Name})
		r.fields = append(r.fields, field{name: strings.ToLower(c.Name), flow: flow{taints: one, values: one, copies: one}})
	}
	r.rows = fact{local: single(len(t.numbered))}
	t.numbered = append(t.numbered, component.Origin{Table: name})
	var key []origins
	for _, name := range of.Key {
		key = append(key, byName[strings.ToLower(name)])
		r.lead = r.lead.or(key[len(key)-1])
	}
	if len(key) > 0 {
		t.unique = append(t.unique, key)
	} else if len(r.fields) > 0 {
		r.lead = r.fields[0].flow.values
	}
	t.tables[r.name] = r
}

// unknown is a relation of which nothing is known.
func (t *tracer) unknown() *relation {
	return &relation{loose: true, rest: t.every, rows: t.every.fact(), order: t.every.values, lead: t.every.values, tests: t.every.values}
}

// named is a flow in the names of columns. A copy is one of exactly one column.
func (t *tracer) named(f flow) component.Flow {
	out := component.Flow{Taints: t.names(f.taints), Values: t.names(f.values), Others: t.names(f.others), Keys: t.names(f.keys),
		Control: t.names(f.control), Known: t.names(f.known)}
	for _, p := range f.past {
		out.Past = append(out.Past, component.Past{Clock: t.names(p.clock), Origins: t.names(p.by)})
	}
	if all := f.copies.each(); len(all) == 1 {
		out.Copy = &t.numbered[all[0]]
	}
	return out
}

// names are the columns of a set, sorted; nil of none.
func (t *tracer) names(set origins) []component.Origin {
	var out []component.Origin
	for _, i := range set.each() {
		out = append(out, t.numbered[i])
	}
	component.SortOrigins(out)
	return out
}
