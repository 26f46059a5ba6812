package table

// How an expression is typed. The engine types statements, so that one is made: `select <expr> from input`, with a line feed behind
// the expression, that a comment at its end cannot swallow the rest. In this order it is held to be
//
//	one SELECT             or the text is more than an expression: "1 from x; drop table y"
//	of one bare column     nothing but the expression (singleExpression): no WHERE, no second column
//	over allowed tables    and of the same value on every run (check)
//	of one row or frame    no subquery, no window (checkExpression)
//	an aggregate or none   as the caller wants (aggregation)
//
// and every place in an error is moved back by the length of what stands before the expression.

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// exprTable is what an expression's table is called while it is typed; expressions name columns only.
const exprTable = "input"

// expr types one expression. It is held to being one through the tree of the SELECT around it.
// The result has one column, under whatever name the engine gives it.
func (b *Binder) expr(ctx context.Context, s *session, expr string, tables map[string]*schema.Table, aggregate bool) ([]schema.Column, error) {
	if strings.TrimSpace(expr) == "" {
		return nil, refuse(schema.Problem{Summary: "the expression is empty"})
	}
	// Every error below is at an offset of the query, and is shifted back to the expression.
	const prefix = "select "
	query := prefix + expr + "\nfrom " + exprTable
	root, err := s.parse(ctx, query)
	if err != nil {
		return nil, oneExpression(err, expr, len(prefix))
	}
	if err := singleExpression(root); err != nil {
		return nil, err
	}
	found, err := s.check(ctx, query, columnNames(tables))
	if err != nil {
		return nil, shiftRefused(err, len(prefix))
	}
	if err := checkExpression(root, query, len(prefix)); err != nil {
		return nil, err
	}
	if err := b.create(ctx, s, tables); err != nil {
		return nil, err
	}
	raw, err := s.engineTypes(ctx, query)
	if err != nil {
		return nil, shift(err, len("describe ")+len(prefix))
	}
	columns, err := yield(raw, found.makesHuge)
	if err != nil {
		return nil, unnamedColumn(err, raw[0].Name)
	}
	return columns, s.aggregation(ctx, expr, aggregate)
}

// unnamedColumn speaks of the value, since an expression has no name that its author knows.
func unnamedColumn(err error, name string) error {
	var r *Refused
	if errors.As(err, &r) {
		for i := range r.Problems {
			r.Problems[i].Summary = strings.Replace(r.Problems[i].Summary, fmt.Sprintf("column %q", name), "this value", 1)
		}
	}
	return err
}

// oneExpression keeps the place of a syntax error within the user's text.
func oneExpression(err error, expr string, prefix int) error {
	var e *Error
	if !errors.As(err, &e) {
		var r *Refused
		if errors.As(err, &r) {
			return refuse(schema.Problem{Summary: "one expression is expected here", Detail: "The text is more than that."})
		}
		return err
	}
	if e.Position -= prefix; e.Position >= len(expr) {
		return refuse(schema.Problem{Summary: "the expression is not complete"})
	}
	return e
}

// shiftRefused moves the positions of an error to the left, by as many bytes as were put before the text.
func shiftRefused(err error, by int) error {
	var r *Refused
	if errors.As(err, &r) {
		for i := range r.Problems {
			r.Problems[i].Offset = max(r.Problems[i].Offset-by, 0)
		}
		return r
	}
	return shift(err, by)
}

// singleExpression reports whether the tree is that of `select <one expression> from input` and nothing besides.
func singleExpression(root tree) error {
	n, _ := root.Get("node").(tree)
	list, _ := n.Get("select_list").([]any)
	from, _ := n.Get("from_table").(tree)
	bare := n.Get("type") == "SELECT_NODE" && len(list) == 1 && from.Get("type") == "BASE_TABLE" && word(from, "table_name") == exprTable
	for _, key := range []string{"where_clause", "having", "qualify", "sample"} {
		bare = bare && n.Get(key) == nil
	}
	for _, key := range []string{"modifiers", "group_expressions", "group_sets"} {
		l, _ := n.Get(key).([]any)
		bare = bare && len(l) == 0
	}
	if !bare {
		return refuse(schema.Problem{Summary: "one expression is expected here", Detail: "The text is more than that."})
	}
	e, _ := list[0].(tree)
	switch {
	case word(e, "alias") != "":
		return refuse(schema.Problem{
			Summary: "an expression has no name of its own",
			Detail:  "The block's label is its name.",
			Hint:    `leave out "as ` + word(e, "alias") + `"`,
		})
	case e.Get("class") == "STAR":
		return refuse(schema.Problem{Summary: "one expression is expected here, not all columns"})
	}
	return nil
}

// checkExpression refuses subqueries and window functions: an expression sees its own row, or the rows of its frame.
func checkExpression(root tree, query string, prefix int) error {
	w := walker{query: query}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case tree:
			switch v.Get("class") {
			case "SUBQUERY":
				w.report(v, schema.Problem{
					Summary: "a subquery cannot stand in an expression",
					Detail:  "An expression sees the columns of its own rows only.",
				})
			case "WINDOW":
				w.report(v, schema.Problem{
					Summary: "a window function cannot stand in an expression",
					Detail:  "Its value would depend on other rows.",
					Hint:    "compute it in the sql of a dataset, or declare a window block",
				})
			case "STAR":
				w.report(v, schema.Problem{Summary: "an expression names its columns", Detail: "* stands for several."})
			}
			for _, child := range v.All() {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(root)
	return shiftRefused(w.result(), prefix)
}

// aggregation reports whether an expression is an aggregate where one is wanted, and none where a scalar is. The engine
// decides: it takes no aggregate in a WHERE.
// A list of aggregates would not do: sum(x) over a lambda's elements, or a macro of the engine's own, may be one or not.
func (s *session) aggregation(ctx context.Context, expr string, want bool) error {
	const prefix = "describe select 1 from " + exprTable + " where ("
	err := s.exec(ctx, prefix+expr+"\n) is null")
	var e *Error
	is := errors.As(err, &e) && strings.Contains(e.Message, "aggregates")
	switch {
	case err != nil && !is:
		return shift(err, len(prefix))
	case is && !want:
		at := e.Position - len(prefix)
		if at < 0 {
			return refuse(schema.Problem{
				Summary: "an aggregate cannot stand here",
				Detail:  aggregateDetail,
				Hint:    aggregateHint,
			})
		}
		return refuse(schema.Problem{
			Offset: at, Length: tokenLength(expr, at),
			Summary: "an aggregate cannot stand here",
			Detail:  aggregateDetail,
			Hint:    aggregateHint,
		})
	case !is && want:
		return refuse(schema.Problem{
			Summary: "an aggregate is expected here",
			Detail:  "The expression has a value for each row; a value over many rows is wanted, such as sum(amount) or count(*).",
		})
	}
	return nil
}

const (
	aggregateDetail = "The expression must have a value for each row of its own; one over the whole table would take in rows that it may not see."
	aggregateHint   = "declare a window block for values over other rows"
)
