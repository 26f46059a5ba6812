package table

// A feature's window with an expression such as sum(amount) / count(*) cannot be followed by OVER as a whole: only calls of
// aggregates can. So the expression is parsed, each call is cut out and becomes a window of its own, and what is left is computed
// of the calls' values. With the prefix w, and the column seen for the rows of the frame:
//
//	calls  w0_0  sum(amount) FILTER (WHERE seen)
//	       w0_1  sum(CASE WHEN (seen) THEN (1) ELSE NULL END)
//	outer  w0_0 / CAST(COALESCE(w0_1, 0) AS BIGINT)
//
// The second call counts rows of a condition, which is a sum for the engine's sake (countingSQL). The engine itself writes the trees
// back as SQL (json_deserialize_sql), so that every detail of an expression stays as it was meant.

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/table/lineage"
)

// Aggregates is an aggregate expression taken apart: calls of aggregates, and an expression over their values. With the prefix
// w, sum(amount) / count(*) has the calls sum(amount) and count(*), and the outer expression w0_0 / w0_1.
type Aggregates struct {
	Calls []Call
	Outer string // SQL that names the calls' values by the placeholders that were asked for
}

// Call is a call of an aggregate.
//
// The engine finds a quantile over a frame by a tree, but for the frame's size: where a column has a null or the call a filter, it counts the
// frame's rows one by one for each row, so that long frames take as long as the square of the rows. A call of such an aggregate
// therefore says which rows it sees. Its frames have to hold no others, and its argument no null.
type Call struct {
	SQL   string // can be followed by OVER; of an argument by the name that Named says, where there is one
	Named string // the column that stands for the argument; empty where the call is complete
	Of    string // the argument, an expression over the columns
	Where string // the condition of the rows that it sees, beside that the argument is not null; empty for all
	Exact bool   // it adds numbers of Of as they are, without rounding: what was added can be taken away again
}

// byRank are the aggregates that the engine finds by rank.
var byRank = map[string]bool{"median": true, "quantile": true, "quantile_cont": true, "quantile_disc": true, "mad": true}

// SplitAggregates takes expressions over the table's columns apart, so that each call can be followed by OVER. The value
// of call k of expression i is called prefix<i>_<k>. Where only is not empty it is a column, of boolean type, and the calls
// see only rows where it is true. What cannot be taken apart is nil: it has aggregates inside of macros, or calls that the
// engine takes no OVER behind.
func SplitAggregates(ctx context.Context, exprs []string, in *schema.Table, prefix, only string) ([]*Aggregates, error) {
	s, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	names, err := s.aggregates(ctx)
	if err != nil {
		return nil, err
	}
	counting, err := s.parse(ctx, countingSQL)
	if err != nil {
		return nil, err
	}
	t := schema.Table{Columns: append([]schema.Column{{Name: "__mlp_order", Type: "bigint"}}, in.Columns...)}
	if only != "" {
		t.Columns = append(t.Columns, schema.Column{Name: only, Type: "boolean"})
	}
	if err := s.exec(ctx, definition(exprTable, &t)); err != nil {
		return nil, err
	}
	out := make([]*Aggregates, len(exprs))
	for i, expr := range exprs {
		x := splitting{names: names, counting: selected(counting), prefix: fmt.Sprintf("%s%d_", prefix, i), only: only}
		if out[i], err = x.apart(ctx, s, expr); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// apart takes one expression apart; nil if that cannot be.
func (x *splitting) apart(ctx context.Context, s *session, expr string) (*Aggregates, error) {
	root, err := s.parse(ctx, "select "+expr+"\nfrom "+exprTable)
	if err != nil {
		return nil, err
	}
	// Each call over rows becomes a window; what is left around the calls is the outer expression. A call that cannot be a
	// window ends it without an error: the expression is then computed in another way.
	outer := x.split(selected(root)[0])
	if x.rest || len(x.calls) == 0 {
		return nil, nil
	}
	a := &Aggregates{}
	if a.Outer, err = s.write(ctx, root, outer); err != nil {
		return nil, err
	}
	for k, call := range x.calls {
		text, err := s.write(ctx, root, call)
		if err != nil {
			return nil, err
		}
		query := fmt.Sprintf("select %s over (order by __mlp_order range between 2 preceding and 1 preceding) from %s", text, exprTable)
		if _, err := s.describe(ctx, query); err != nil {
			return nil, ctx.Err()
		}
		made, err := s.call(ctx, root, call, text)
		if err == nil && made.Of != "" && !made.Exact {
			made.Named = fmt.Sprintf("%s%d_of", x.prefix, k)
			made.SQL, err = s.ranked(ctx, root, call, made.Named)
		}
		if err != nil {
			return nil, err
		}
		a.Calls = append(a.Calls, made)
	}
	return a, nil
}

// call is a call by its text, with argument and filter apart where it goes by rank or adds exactly.
func (s *session) call(ctx context.Context, root, call tree, text string) (Call, error) {
	out := Call{SQL: text}
	args, _ := call.Get("children").([]any)
	name := lowerName(call.Get("function_name"))
	if len(args) == 0 || call.Get("distinct") != false || name != "sum" && !byRank[name] {
		return out, nil
	}
	of, err := s.write(ctx, root, args[0])
	if err != nil {
		return Call{}, err
	}
	if name == "sum" {
		typ, err := s.addedAs(ctx, of)
		if err != nil || typ == "" {
			return out, err
		}
		of, out.Exact = "cast("+of+" as "+typ+")", true
	}
	out.Of = of
	if call.Get("filter") != nil {
		out.Where, err = s.write(ctx, root, call.Get("filter"))
	}
	return out, err
}

// addedAs is the type by which the engine adds an expression's values, where 10^20 of them neither round nor overflow; else empty.
func (s *session) addedAs(ctx context.Context, expr string) (string, error) {
	columns, err := s.engineTypes(ctx, "select "+expr+" as x from "+exprTable)
	if err != nil || len(columns) != 1 {
		return "", err
	}
	var width, scale int
	switch typ := strings.ToLower(columns[0].Type); typ {
	case "boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint":
		return "hugeint", nil
	default:
		if n, _ := fmt.Sscanf(typ, "decimal(%d,%d)", &width, &scale); n == 2 && width <= 18 {
			return fmt.Sprintf("decimal(38,%d)", scale), nil
		}
		return "", nil
	}
}

// ranked is a call of an aggregate by rank, of a column in place of its argument and without its filter.
func (s *session) ranked(ctx context.Context, root, call tree, named string) (string, error) {
	args := slices.Clone(call.Get("children").([]any))
	args[0] = columnRef(named, call)
	return s.write(ctx, root, call.With("children", args).With("filter", nil))
}

// aggregates are the names of the engine's aggregate functions.
func (s *session) aggregates(ctx context.Context) (map[string]bool, error) {
	row, err := s.one(ctx, "select string_agg(distinct function_name, ' ') from duckdb_functions() where function_type = 'aggregate'")
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, n := range strings.Fields(row[0].(string)) {
		names[n] = true
	}
	return names, nil
}

// splitting replaces the calls of aggregates in a tree.
type splitting struct {
	names        map[string]bool
	counting     []any // the trees of countingSQL
	prefix, only string
	calls        []tree
	rest         bool // a column stands outside of all calls
}

// split copies a tree with each aggregate replaced by the name of its call, and notes whether a column is read outside of
// all of them: `sum(a) / b` is no aggregate of a frame, since b may be of any of its rows.
// The tree given is not changed, since it may be a kept one.
func (x *splitting) split(v any) any {
	switch v := v.(type) {
	case tree:
		switch {
		case v.Get("class") == "FUNCTION" && x.names[lowerName(v.Get("function_name"))]:
			return x.call(v)
		case v.Get("class") == "COLUMN_REF":
			x.rest = true
		}
		return v.Each(x.split)
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = x.split(child)
		}
		return out
	}
	return v
}

// countingSQL is how rows of a condition are counted: the call, its value, and whether an argument counts.
const countingSQL = "select sum(case when __mlp_counts then 1 end), coalesce(__mlp_value, 0)::bigint, __mlp_value is not null"

// selected are the expressions that a statement selects.
func selected(statement tree) []any { return statement.Get("node").(tree).Get("select_list").([]any) }

// call takes a call out, and returns what stands in its place. The engine counts rows of a condition over a frame one by
// one, and adds up by a tree; so such counts are sums.
func (x *splitting) call(v tree) any {
	value := columnRef(fmt.Sprintf("%s%d", x.prefix, len(x.calls)), v)
	var filter any
	if x.only != "" {
		filter = columnRef(x.only, v)
	}
	filter = both(filter, v.Get("filter"))
	args, _ := v.Get("children").([]any)
	counts := lowerName(v.Get("function_name")) == "count_star" || lowerName(v.Get("function_name")) == "count" && v.Get("distinct") == false && len(args) < 2
	if counts && len(args) == 1 {
		filter = both(filter, put(x.counting[2], "__mlp_value", args[0]))
	}
	if counts && filter != nil {
		x.calls = append(x.calls, put(x.counting[0], "__mlp_counts", filter).(tree))
		return put(x.counting[1], "__mlp_value", value)
	}
	x.calls = append(x.calls, v.With("filter", filter))
	return value
}

// both is the conjunction of two conditions, either of which may be nil.
func both(a, b any) any {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return node("CONJUNCTION", "CONJUNCTION_AND", a.(tree), "children", a, b)
}

// put is a tree with another in the place of a column.
// What is put in is shared and not copied.
func put(v any, name string, in any) any {
	switch v := v.(type) {
	case tree:
		if names, _ := v.Get("column_names").([]any); len(names) == 1 && names[0] == name {
			return in
		}
		return v.Each(func(child any) any { return put(child, name, in) })
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = put(child, name, in)
		}
		return out
	}
	return v
}

// columnRef is the node of a column's name, at the place in the text that another node has.
func columnRef(name string, at tree) tree {
	return node("COLUMN_REF", "COLUMN_REF", at, "column_names", name)
}

// node is one of a class and type with a list, at the place in the text that another node has.
func node(class, typ string, at tree, name string, list ...any) tree {
	return &lineage.Tree{Members: []lineage.Member{{Name: "class", Value: class}, {Name: "type", Value: typ}, {Name: "alias", Value: ""},
		{Name: "query_location", Value: at.Get("query_location")}, {Name: name, Value: list}}}
}

// write is an expression as SQL, of the statement that it stood in.
func (s *session) write(ctx context.Context, statement tree, expr any) (string, error) {
	written, err := s.selecting(ctx, statement, expr)
	if err != nil {
		return "", err
	}
	text, begins := strings.CutPrefix(written, "SELECT ")
	text, ends := strings.CutSuffix(text, " FROM "+Quote(exprTable))
	if !begins || !ends {
		return "", fmt.Errorf("the engine writes an expression as %s", written)
	}
	return text, nil
}
