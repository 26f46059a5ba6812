// Package window is the feature block: columns computed from one table, row by row and over what came before each row.
//
// A column is an expression over its own row. A window is an aggregate over the entity's rows before it: how they are
// found, and computed without comparing each row with each, is told in query.go. The table that comes out has the key, entity and
// time columns of the input, in the order of its key, and of the rest only what the block computes.
//
// Of payments of one card at 10:00 and 10:30 over 20 and 30, and a window "spend_1h" of sum(amount) over an hour:
//
//	payment  paid_at  spend_1h
//	p1       10:00    null       nothing came before
//	p2       10:30    20         p1; its own 30 is not in it
//
// Two uses are kept apart. Rows that have the input's key are joined to others by it. Where a training set wants the columns at
// other moments than those of the rows, it computes the windows anew there; so the table carries their definitions
// (schema.Table.Windows), and training_set reads the feature's input beside the feature.
package window

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the feature block.
var Component = component.Component{
	Kind: "feature",
	Type: schema.Type{
		Version: 2,
		Engine:  table.Engine,
		Summary: "Columns computed from a table, row by row and over earlier rows of the same entity",
		Doc:     doc,
		Body: schema.Body{
			Attrs: []schema.Attr{
				{Name: "from", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort},
					Doc: "The table that the columns are computed from."},
				{Name: "entity", Type: schema.StringList, ColumnOf: "from",
					Doc: "Whom the rows are about: `[\"card\"]`. Windows look at rows of the same entity only. Required with windows, " +
						"and where the table has no key."},
				{Name: "time", Type: schema.String, ColumnOf: "from",
					Doc: "When a row happened, a date or timestamp. Required with windows, and where the table has no key."},
				{Name: "max_age", Type: schema.Duration,
					Doc: "How old a row may be where a training set takes its columns as of a time: `30d`. Older ones give null. Left out: " +
						"any age. Windows end by `over`."},
			},
			Blocks: []schema.Block{
				{Name: "column", Labelled: true, Repeated: true, Doc: "A column computed from its own row.",
					Body: schema.Body{Attrs: []schema.Attr{
						{Name: "expr", Type: schema.SQLExpr, Required: true, Tables: "from",
							Doc: "One expression over the row's columns. Aggregates over the table are refused: they would carry " +
								"what the test side holds into training."},
					}}},
				{Name: "window", Labelled: true, Repeated: true, Doc: "A column computed from earlier rows of the same entity.",
					Body: schema.Body{Attrs: []schema.Attr{
						{Name: "expr", Type: schema.SQLExpr, Required: true, Tables: "from",
							Doc: "One aggregate, such as `sum(amount)`, `count(*) filter (where amount > 100)` or `sum(amount) / count(*)`."},
						{Name: "over", Type: schema.Duration, Required: true, Doc: "How far back the window reaches: `24h`."},
						{Name: "known_at", Type: schema.String, ColumnOf: "from",
							Doc: "When a row's values became known. Rows known only later, or never, are not seen."},
					}}},
			},
		},
		Out: []schema.Port{{Name: "table", Type: schema.TablePort,
			Doc: "The key, entity and time columns of the table, and the block's own columns."}},
		Examples: []schema.Example{{Title: "What a card did in the last day", Code: example}},
	},
	Shape:   shape,
	Queries: queries,
	Run:     run,
}

const doc = `A feature yields the key, entity and time columns of its table and its own columns; nothing else passes through.

A **window** of a row holds the rows of the same entity with ` + "`time - over <= their time < time`" + `. With ` + "`known_at`" + ` it holds
of these only the rows whose ` + "`known_at`" + ` is before the row's time. So rows at the same instant do not see each other, and no
row sees itself or the future. An empty window gives what the aggregate gives of no rows: ` + "`count(*)`" + ` is 0, ` + "`sum(x)`" + ` is
null. A row without entity or time has no window: the column is null. Times are compared to the microsecond.

The aggregates of a window are computed with the engine's window operator: counts, sums, means, extremes, distinct counts, medians and
other quantiles in n log n. A window with ` + "`known_at`" + ` takes as long for counts and for sums of whole numbers and decimals; any
other aggregate with ` + "`known_at`" + `, and one that stands in a macro (` + "`geomean(x)`" + `), pairs each row with those it sees: that takes as
long as the windows have rows in all. So do ` + "`mad`, `list`" + ` and other aggregates whose value is as large as the window.

A training set whose rows are others than the feature's evaluates the windows anew, at the time of each of its rows.`

const example = `pipeline "fraud" {}

source "csv" "payments" {
  path = "payments.csv"
  column "payment_id" { type = "varchar" }
  column "card"       { type = "varchar" }
  column "paid_at"    { type = "timestamp" }
  column "amount"     { type = "double" }
}

feature "card" {
  from   = source.payments
  entity = ["card"]
  time   = "paid_at"
  column "log_amount" { expr = "ln(1 + amount)" }
  window "spend_24h" {
    expr = "sum(amount)"
    over = "24h"
  }
}
`

// config is the block; Entity, Time and MaxAge are empty where it does not say them.
type config struct {
	Entity  []string `json:"entity"`
	Time    string   `json:"time"`
	MaxAge  string   `json:"max_age"`
	Columns []column `json:"column"`
	Windows []window `json:"window"`
}

// column is a nested column block: an expression of one row.
type column struct {
	Name string `json:"name"`
	Expr string `json:"expr"`
}

// window is a nested window block. KnownAt is "" where a row's values were known at its own time.
type window struct {
	Name    string `json:"name"`
	Expr    string `json:"expr"`
	Over    string `json:"over"`
	KnownAt string `json:"known_at"`
}

// shape types the columns that rows are found by, the block's own columns, and windows; of windows the table also carries
// how they are computed, for training sets that need them at other moments.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	in := req.In["from"].Table
	if err := json.Unmarshal(req.Config, &c); err != nil || in == nil {
		return schema.ShapeResult{}
	}
	s := shaper{ctx: ctx, binder: b, in: in, address: req.Address}
	s.out = schema.Table{Key: in.Key, Entity: c.Entity, Time: c.Time, Windows: c.shapes(), MaxAge: c.MaxAge, Rows: in.Rows}
	s.carry(&c)
	for _, col := range c.Columns {
		s.own(fmt.Sprintf("column[%s]", col.Name), col.Name, col.Expr, nil)
	}
	for _, w := range s.out.Windows {
		path := fmt.Sprintf("window[%s]", w.Column)
		s.own(path, w.Column, w.Expr, &w)
		s.window(path, &w)
	}
	return schema.ShapeResult{Out: map[string]schema.Shape{"table": {Type: schema.TablePort, Table: &s.out}}, Problems: s.problems}
}

// shaper gathers the columns that a feature yields and what is wrong with them. That a column named by entity, time or
// known_at does not exist is told by the compiler.
type shaper struct {
	ctx      context.Context
	binder   component.Binder
	address  string
	in       *schema.Table
	out      schema.Table
	problems []schema.Problem
}

func (s *shaper) report(p schema.Problem) { s.problems = append(s.problems, p) }

// carry takes over the columns that rows are found by.
func (s *shaper) carry(c *config) {
	s.out.Columns = carried(s.in, c)
	for i, e := range s.out.Entity {
		if col := s.in.Column(e); col != nil {
			s.out.Entity[i] = col.Name
		}
	}
	if col := s.in.Column(c.Time); col != nil {
		s.out.Time = col.Name
		if !table.Temporal(col.Type) {
			s.report(schema.Problem{Path: "time", Summary: fmt.Sprintf("column %q is of type %s, not a date or timestamp", col.Name, col.Type)})
		}
	}
	s.maxAge(c)
	why := "a window looks back in time at rows of the same entity"
	if len(c.Windows) == 0 && c.MaxAge != "" {
		why = "the age of a row is told as of a time, for the entity's latest row"
	} else if len(c.Windows) == 0 {
		if len(s.in.Key) > 0 {
			return
		}
		why = "the table has no key, so entity and time are all that its rows can be found by"
	}
	if len(c.Entity) == 0 {
		s.report(schema.Problem{Summary: "the feature has no entity", Detail: why, Hint: `say whom the rows are about: entity = ["card"]`})
	}
	if c.Time == "" {
		s.report(schema.Problem{
			Summary: "the feature has no time",
			Detail:  why,
			Hint:    `name the column that says when a row happened: time = "paid_at"`,
		})
	}
}

// maxAge is read where the feature's columns are joined as of a time.
// A column's latest row of a year ago says little of today; a window's rows are never older than its over.
func (s *shaper) maxAge(c *config) {
	if c.MaxAge == "" {
		return
	}
	if d, err := schema.ParseDuration(c.MaxAge); err != nil {
		s.report(schema.Problem{Path: "max_age", Summary: err.Error()})
	} else if d.Microseconds() < 1 {
		s.report(schema.Problem{
			Path:    "max_age",
			Summary: "max_age must be positive",
			Detail:  "It is how long before a moment the latest row may be.",
		})
	}
	if len(c.Columns) == 0 {
		s.report(schema.Problem{
			Path:    "max_age",
			Summary: "max_age is about columns, and the feature has none",
			Detail:  "Its windows hold no rows older than their own over.",
			Hint:    "leave it out",
		})
	}
}

// carried returns the key, entity and time columns of the input, in this order, each once: a card that is key and entity stands first.
func carried(in *schema.Table, c *config) []schema.Column {
	names := append(append(append([]string{}, in.Key...), c.Entity...), c.Time)
	var out schema.Table
	for _, n := range names {
		if col := in.Column(n); col != nil && out.Column(n) == nil {
			out.Columns = append(out.Columns, *col)
		}
	}
	return out.Columns
}

// own adds a column of the feature's own, of a window if there is one.
// A name that is taken is told, and the column left out: of two columns of one name the first stays.
func (s *shaper) own(path, name, expr string, w *schema.Window) {
	col, problems := s.binder.Expr(s.ctx, expr, s.in, w != nil)
	for _, p := range problems {
		p.Path = path + ".expr"
		s.problems = append(s.problems, p)
	}
	if s.out.Column(name) != nil {
		s.report(schema.Problem{
			Path:    path,
			Summary: fmt.Sprintf("the feature yields a column %q already", name),
			Detail:  "Names of columns are told apart without regard to case; key, entity and time columns are among them.",
		})
		return
	}
	col.Name = name
	if col.Type == "" { // wrong, and told of: it stays a column, so that whoever uses it is not told once more
		col.Type = "double"
	} else if len(problems) == 0 {
		s.inherit(&col, expr, w)
	}
	s.out.Columns = append(s.out.Columns, col)
}

// inherit marks a column with what flows into it. A window holds values of earlier rows; with known_at only those that
// were known by then, so that nothing about the present comes in by it.
func (s *shaper) inherit(col *schema.Column, expr string, w *schema.Window) {
	tables, out := map[string]*schema.Table{input: s.in}, []schema.Column{*col}
	query := fmt.Sprintf("select (%s\n) as %s from %s", expr, table.Quote(col.Name), input)
	flows := component.Lineage(s.ctx, s.binder, query, tables, out, nil)
	if f := flows.Columns[col.Name]; w != nil {
		flows.Columns[col.Name] = f.Earlier()
	}
	component.Inherit(s.address, out, flows, tables)
	*col = out[0]
	if w != nil && w.KnownAt != "" {
		col.Lineage = col.Lineage.Settled()
	}
}

// window holds the span and the column of known_at to what they must be.
func (s *shaper) window(path string, w *schema.Window) {
	if _, err := length(w); err != nil {
		s.report(schema.Problem{Path: path + ".over", Summary: err.Error()})
	}
	if col := s.in.Column(w.KnownAt); col != nil && !table.Temporal(col.Type) {
		s.report(schema.Problem{
			Path:    path + ".known_at",
			Summary: fmt.Sprintf("column %q is of type %s, not a date or timestamp", col.Name, col.Type),
		})
	}
}

// shapes are the windows as the feature's table tells of them, with all that another stage needs to compute them at other moments.
func (c *config) shapes() []schema.Window {
	var out []schema.Window
	for _, w := range c.Windows {
		out = append(out, schema.Window{Column: w.Name, Expr: w.Expr, Over: w.Over, KnownAt: w.KnownAt})
	}
	return out
}

// length is the window's in microseconds, the resolution that times are compared in.
func length(w *schema.Window) (int64, error) {
	d, err := schema.ParseDuration(w.Over)
	if err != nil {
		return 0, err
	}
	if d.Microseconds() < 1 {
		return 0, errors.New("a window reaches back some time: over must be positive")
	}
	return d.Microseconds(), nil
}

// query is the SQL of a feature over a table of these columns.
func (c *config) query(ctx context.Context, in *schema.Table) (string, error) {
	q := query{ctx: ctx, entity: c.Entity, time: c.Time, in: in, source: input, windows: c.shapes()}
	return q.rows(c)
}

// queries is the one that computes the columns and windows.
func queries(ctx context.Context, req schema.ShapeRequest) ([]component.Query, error) {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return nil, err
	}
	in := req.In["from"].Table
	sql, err := c.query(ctx, in)
	return []component.Query{{SQL: sql, Tables: map[string]*schema.Table{input: in}}}, err
}

// run writes the feature's table.
// Every row of the input comes out once. A window that sees no row has what its aggregate says of none, null of sum and 0 of count;
// that of a row without an entity or a time is null.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	in := s.In["from"].Table
	sql, err := c.query(ctx, in)
	if err != nil {
		return err
	}
	shape := s.Out["table"].Table
	out, err := s.OutputTable("table")
	if err != nil {
		return err
	}
	rows, err := table.Run(ctx, table.Query{SQL: sql, Tables: map[string]string{input: s.InputTable("from")},
		Keys: map[string][]string{input: in.Key}, OrderBy: shape.Key, Columns: shape.Columns, Threads: s.Threads, Out: out})
	if err != nil {
		return fmt.Errorf("computing features: %w", err)
	}
	s.Logf("computed %d columns of %d rows", len(c.Columns)+len(c.Windows), rows)
	return nil
}
