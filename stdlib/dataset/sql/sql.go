// Package sql is the dataset block: a table made of others by one query.
//
// The query is looked at twice. When files are checked it is typed on empty tables with the columns of its inputs, and its columns
// are traced back to theirs: what is personal in an input is personal in the result. When the stage runs it is run on the
// real tables, and what comes out is cast to the columns that the plan has; other names or types are an error. Rows are
// stored in the order of the key, then of all other columns, so an order by at the end of a query has no effect but with a limit.
package sql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/source/local"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the block `dataset`.
var Component = component.Component{
	Kind: "dataset",
	Type: schema.Type{
		Name:    "sql",
		Version: 2,
		Engine:  table.Engine,
		Summary: "One SELECT over other tables",
		Doc:     doc,
		Body: schema.Body{
			Attrs: []schema.Attr{
				{Name: "from", Type: schema.RefMap, Required: true, Ports: []schema.PortType{schema.TablePort}, Rows: schema.DrawnRows,
					Doc: "The tables to read: `[source.payments]` is called payments in the query, `{ p = source.payments }` p."},
				{Name: "key", Type: schema.StringList, Doc: "The columns that tell rows apart. Rows are stored in their order, and it is checked that they are unique and not null."},
				{Name: "sql", Type: schema.SQL, Tables: "from", Doc: "One SELECT. Without it, all of the only table."},
				{Name: "allow_empty", Type: schema.Bool, Default: false, Doc: "Whether a query without rows is all right, as on a day when nothing came in. Without it that fails the stage."},
				{Name: "pii", Type: schema.StringList, Doc: "Columns of the query that tell who a person is, besides those that come of such."},
				{Name: "protected", Type: schema.StringList, Doc: "Columns of the query such as age or sex, besides those that come of such."},
			},
			Blocks: []schema.Block{{Name: "params", FreeAttrs: true, Doc: "Values that the query reads as `$name`: text, numbers, booleans, lists of them. They are literals there, so nothing can be injected."}},
		},
		Out: []schema.Port{{Name: "table", Type: schema.TablePort, Doc: "The rows of the query, ordered by the key, then by all other columns."}},
		Examples: []schema.Example{
			{Title: "The last version of each payment", Code: example},
			{Title: "A value from a variable", Code: withParams},
		},
	},
	Shape:   shape,
	Queries: queries,
	Run:     run,
}

const doc = `The query is DuckDB's SQL: one SELECT, which may have WITH, over the tables of ` + "`from`" + ` and nothing else. It is bound and typed before
anything runs. What differs from run to run is refused: the present time, chance, samples without a seed.

In an ` + "`asof join`" + ` a null time or key finds nothing, as in any other join, and is found by nothing; its conditions stand behind ` + "`on`, not `using`" + `.

What is declared of columns (` + "`pii`, `protected`" + `) holds for all that is computed from their values, and not for what they only filter, join,
group or order. ` + "`pii = [\"note\"]`" + ` marks columns of the result that come of nothing that is marked. Sums of integers are stored as
bigint, enumerations as text. A query without rows fails the stage, unless that is allowed, as does a key that is not unique.
`

const example = `pipeline "payments" {}

source "csv" "payments" {
  path = "data/payments/*.csv"
  column "payment_id" { type = "varchar" }
  column "paid_at"    { type = "timestamp" }
  column "amount"     { type = "double" }
}

dataset "payments" {
  from = [source.payments]
  key  = ["payment_id"]
  sql  = <<-SQL
    select * from payments where amount > 0
    qualify row_number() over (partition by payment_id order by paid_at desc, amount desc) = 1
  SQL
}
`

const withParams = `pipeline "payments" {}

variable "least" {
  type    = number
  default = 10
}

source "csv" "payments" {
  path = "data/payments/*.csv"
  column "payment_id" { type = "varchar" }
  column "amount"     { type = "double" }
  column "currency"   { type = "varchar" }
}

dataset "large" {
  from = [source.payments]
  key  = ["payment_id"]
  sql  = "select * from payments where amount >= $least and currency in $currencies"
  params {
    least      = variable.least
    currencies = ["EUR", "CHF"]
  }
}
`

// config is the block. From are the names that the query has for its tables, which come by the ports from.<name>. Params are
// literals in the query: $name becomes the value's text.
// # A dataset by example
//
// With from = [source.payments, source.rates] and
//
//	select p.id, p.amount * r.factor as euros from payments p join rates r using (currency) where p.amount > $least
//
// the result has two columns, id and euros. Where payments.amount is marked as personal, euros is too, since it is
// computed of it; that rows were chosen by amount and joined by currency marks neither. $least is replaced by the text
// of its value before anything else happens, so that types and lineage are those of the query that runs; a problem in
// that text is taken back to its place in what the user wrote (table.Expanded).
//
// # Why rows have an order
//
// Results are named by their digests, and a query without order by gives rows in the order in which threads end. So rows
// are sorted before they are stored, by the key if there is one and by all columns behind it: two runs give the same
// bytes on any number of threads, and what reads a dataset is not run again because its rows were shuffled.
type config struct {
	From       []string                   `json:"from"`
	Key        []string                   `json:"key"`
	AllowEmpty bool                       `json:"allow_empty"`
	SQL        string                     `json:"sql"`
	Params     map[string]json.RawMessage `json:"params"`
	local.Marks
}

// query is the SELECT, or that of the only table.
// Empty where there is no query and more than one table, which shape refuses.
func (c config) query() string {
	if strings.TrimSpace(c.SQL) == "" && len(c.From) == 1 {
		return "select * from " + table.Quote(c.From[0])
	}
	return c.SQL
}

// shape types the query and says where its columns come from. A table whose own block has mistakes has no shape: then the query is
// typed without it, and only what is wrong in any case is told.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	if err := json.Unmarshal(req.Config, &c); err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: err.Error()}}}
	}
	tables := map[string]*schema.Table{}
	for _, name := range c.From {
		if in := req.In["from."+name].Table; in != nil {
			tables[name] = in
		}
	}
	switch {
	case len(c.From) == 0:
		return refused(schema.Problem{Path: "from", Summary: "a dataset reads at least one table"})
	case c.query() == "":
		return refused(schema.Problem{Path: "sql", Summary: "the query is missing", Detail: fmt.Sprintf("With %d tables in from there is no telling how they make one.", len(c.From))})
	}
	// The query is typed first, and its columns are traced after: values, personal and protected marks, and what decides on
	// rows.
	columns, problems := c.bind(ctx, b, tables)
	if columns == nil {
		return schema.ShapeResult{Problems: problems}
	}
	out := &schema.Table{Columns: columns}
	expanded, _ := table.Expand(c.query(), c.Params)
	flows := component.Lineage(ctx, b, expanded.SQL, tables, columns, c.Key)
	component.Inherit(req.Address, columns, flows, tables)
	out.Rows = component.Rows(req.Address, flows, tables)
	r := schema.ShapeResult{Out: map[string]schema.Shape{"table": {Type: schema.TablePort, Table: out}}}
	out.Key, r.Problems = c.key(out)
	r.Problems = slices.Concat(problems, r.Problems, c.Mark(out, nil))
	return r
}

// bind types the query with its parameters filled in; nil columns if there are mistakes in it.
// Problems of the parameters and of the query come together where both can be found; a query with an unknown parameter
// is not typed, as the message would be about the $.
func (c config) bind(ctx context.Context, b component.Binder, tables map[string]*schema.Table) ([]schema.Column, []schema.Problem) {
	expanded, problems := table.Expand(c.query(), c.Params)
	var columns []schema.Column
	if !mistaken(problems) {
		var more []schema.Problem
		columns, more = b.Query(ctx, expanded.SQL, tables)
		for _, p := range more {
			problems = append(problems, expanded.Place(p))
		}
	}
	for i := range problems {
		problems[i].Path = "sql"
	}
	if mistaken(problems) {
		return nil, problems
	}
	return columns, problems
}

// mistaken reports whether one of the problems is no mere warning.
func mistaken(problems []schema.Problem) bool {
	return slices.ContainsFunc(problems, func(p schema.Problem) bool { return !p.Warning })
}

// refused is a block that yields nothing because of one problem.
func refused(p schema.Problem) schema.ShapeResult {
	return schema.ShapeResult{Problems: []schema.Problem{p}}
}

// key returns the key's columns as the query names them.
// The names are found without regard to case: key = ["ID"] is id where the query says id.
// That the key is unique is not known before the query has run; here it is only held to the columns.
func (c config) key(out *schema.Table) ([]string, []schema.Problem) {
	var key []string
	var problems []schema.Problem
	seen := map[string]bool{}
	for i, name := range c.Key {
		path := fmt.Sprintf("key[%d]", i)
		column := out.Column(name)
		switch {
		case column == nil:
			problems = append(problems, schema.Problem{Path: path, Summary: fmt.Sprintf("the query has no column %q", name),
				Detail: "It has " + strings.Join(out.Names(), ", ") + ".", Hint: suggest.DidYouMean(name, out.Names())})
		case seen[column.Name]:
			problems = append(problems, schema.Problem{Path: path, Summary: fmt.Sprintf("%q stands twice in the key", name)})
		default:
			key = append(key, column.Name)
			seen[column.Name] = true
		}
	}
	return key, problems
}

// queries is the block's own.
// It is looked at without being run, to say on how many threads it will: sums of doubles are rounded in the order of rows,
// and a query with one runs on one thread.
func queries(_ context.Context, req schema.ShapeRequest) ([]component.Query, error) {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return nil, err
	}
	tables := map[string]*schema.Table{}
	for _, name := range c.From {
		tables[name] = req.In["from."+name].Table
	}
	query, problems := table.Expand(c.query(), c.Params)
	if mistaken(problems) {
		return nil, schema.Problems(problems)
	}
	return []component.Query{{SQL: query.SQL, Tables: tables, Path: "sql", Place: query.Place}}, nil
}

// run runs the query and writes its rows. That the key tells rows apart is seen after they are written, in what was written.
// The stage fails on no rows because an empty table passes silently through everything behind it: a join on a mistyped
// column has none, and so would the training set have.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	tables, keys, typed := map[string]string{}, map[string][]string{}, map[string][]schema.Column{}
	for _, name := range c.From {
		port := "from." + name
		tables[name], keys[name], typed[name] = s.InputTable(port), s.In[port].Table.Key, s.In[port].Table.Columns
	}
	out, err := s.OutputTable("table")
	if err != nil {
		return err
	}
	// The columns are those of the plan, cast to their types: what the engine would infer from other data is not asked.
	want := s.Out["table"].Table
	query, problems := table.Expand(c.query(), c.Params)
	if mistaken(problems) {
		return &component.InputError{Summary: problems[0].Summary, Detail: problems[0].Detail}
	}
	rows, err := table.Run(ctx, table.Query{SQL: query.SQL, Tables: tables, Typed: typed, Keys: keys, OrderBy: want.Key, Columns: want.Columns, Threads: s.Threads, Out: out, Key: table.Key{
		Columns: want.Key, WhenNull: "Filter them out in the query, or choose another key.",
		WhenShared: "Keep one row of each, say with qualify row_number() over (partition by " + quotedList(want.Key) + " order by …) = 1, or add columns to the key.",
	}})
	if rows > 0 {
		s.Logf("%d rows", rows)
	}
	if err != nil {
		return asInput(err)
	}
	if rows == 0 && !c.AllowEmpty {
		return &component.InputError{Summary: "the query yields no rows", Detail: "A dataset needs at least one, unless it says allow_empty = true. Look at the conditions of its query and joins."}
	}
	if rows == 0 {
		s.Logf("0 rows")
	}
	return nil
}

// asInput tells the user's mistakes from the engine's troubles. A cast that fails on a value is a mistake in the query or the
// data, and no other attempt is made; a full disk is neither, and the stage may be tried again.
func asInput(err error) error {
	var e *table.Error
	if errors.As(err, &e) && e.DataError() {
		return &component.InputError{Summary: "the query failed on this data", Detail: e.Message}
	}
	var key *component.InputError
	if errors.As(err, &key) {
		return err
	}
	var r *table.Refused
	if errors.As(err, &r) {
		return &component.InputError{Summary: "the query is refused", Detail: r.Error()}
	}
	return fmt.Errorf("running the query: %w", err)
}

// quotedList are columns as a query names them: "id", "day".
func quotedList(key []string) string {
	quoted := make([]string, len(key))
	for i, k := range key {
		quoted[i] = table.Quote(k)
	}
	return strings.Join(quoted, ", ")
}
