// Package maturity is the label block: it says which column is the truth, when the truth became known, and whether it
// can be trusted yet.
//
// Of payments with matures_after = "45d", looked at as of 2026-03-01, the block named fraud makes
//
//	paid_at     chargeback_at  is_fraud  →  is_fraud  fraud_known_at  fraud_mature
//	2026-01-01                 false        false     2026-02-15      true    45 days of silence
//	2026-02-20  2026-02-25     true         true      2026-02-25      false   known, but its neighbours are not yet
//	2026-02-20                 false        null                      false   too young to say
//	2026-01-01  2026-03-05     true         null                      false   not known on the 1st of March
//
// The third row is why: taken as honest, the newest rows would be the most honest ones, and a model would learn that new is good.
// Rows and their order stay those of the table.
package maturity

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the label block.
var Component = component.Component{
	Kind: "label",
	Type: schema.Type{
		Version: 1,
		Named:   true,
		Engine:  table.Engine,
		Summary: "The truth to learn, when it became known, and whether it is final",
		Doc:     doc,
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "on", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}, Rows: schema.PassedRows,
				Doc: "The table whose rows are labelled."},
			{Name: "column", Type: schema.String, Required: true, ColumnOf: "on", Doc: "The column that holds the label."},
			{Name: "event_time", Type: schema.String, Required: true, ColumnOf: "on",
				Doc: "When the event happened that the label is about. Becomes the table's time."},
			{Name: "known_at", Type: schema.String, ColumnOf: "on",
				Doc: "When the label became known; null where nothing has been heard yet. Without it every label becomes " +
					"known when it is mature."},
			{Name: "matures_after", Type: schema.Duration, Default: "0s",
				Doc: "How long after the event silence means the negative: `45d`."},
			{Name: "absent", Type: schema.String,
				Doc: "What the label is where none ever came, once it is mature: `false`, `0`, `repaid`. Without it such a row is unknown: it has no label, is not mature, and no evaluation counts it."},
			{Name: "as_of", Type: schema.String,
				Doc: "The moment up to which the data tells, as `2026-12-31` or `2026-12-31 18:00:00`. Default: the latest " +
					"`event_time` or `known_at` in the table."},
		}},
		Out: []schema.Port{{Name: "table", Type: schema.TablePort,
			Doc: "All columns of the table, `<name>_known_at` (timestamp) and `<name>_mature` (boolean)."}},
		Examples: []schema.Example{{Title: "Chargebacks come weeks later", Code: example}},
	},
	Shape:   shape,
	Queries: queries,
	Run:     run,
}

const doc = `Labels come late: a payment is honest until the chargeback arrives, a customer stays until the contract ends. A
label block says so, and adds two columns to its table:

- ` + "`<name>_known_at`" + `: the value of ` + "`known_at`" + ` where there is one; else ` + "`event_time + matures_after`" + `, if that has
  passed: silence that long is the answer. Null while the label is unknown.
- ` + "`<name>_mature`" + `: true where the label is not null and ` + "`matures_after`" + ` has passed since the event. Evaluation
  and monitoring use mature rows only: among young rows the positives are known sooner than the negatives.

A row younger than ` + "`matures_after`" + ` of which nothing is known yet has no label: the column is made null, never left
negative. A label that becomes known after ` + "`as_of`" + ` is not known yet either.

**A label that never came** is null in the table: of a payment that nobody complained of there is no row of chargebacks to join. Is it ` + "`false`" + `, or is nothing known of it? That is for the author to say, by ` + "`absent`" + `: then a
row that is mature, has no label and no ` + "`known_at`" + ` has that. Without it the row stays unknown. Of rows whose label could not come, since the loan was refused or the payment blocked, it is not to be said:
leave them out, or make their label null and ` + "`known_at`" + ` the time of the decision.

"Passed" is measured at ` + "`as_of`" + `. Left out, it is the latest ` + "`event_time`" + ` or ` + "`known_at`" + ` that the table holds, so
that the same data gives the same labels whenever it is run.`

const example = `pipeline "fraud" {}

source "csv" "payments" {
  path = "payments.csv"
  column "payment_id"    { type = "varchar" }
  column "paid_at"       { type = "timestamp" }
  column "is_fraud"      { type = "boolean" }
  column "chargeback_at" { type = "timestamp" }
}

label "fraud" {
  on            = source.payments
  column        = "is_fraud"
  known_at      = "chargeback_at"
  event_time    = "paid_at"
  matures_after = "45d"
}
`

// input is the name of the only table in the query, and the port it comes by.
const input = "on"

// config is the block. KnownAt is "" where labels bring no time of their own, AsOf where the data says what is the latest moment.
type config struct {
	Column       string `json:"column"`
	EventTime    string `json:"event_time"`
	KnownAt      string `json:"known_at"`
	MaturesAfter string `json:"matures_after"`
	AsOf         string `json:"as_of"`
	// Absent is nil where a label that never came is unknown.
	Absent *string `json:"absent"`
}

// shape types the labelled table; nothing is typed while the table's own block has mistakes.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	in := req.In[input].Table
	if err := json.Unmarshal(req.Config, &c); err != nil || in == nil {
		return schema.ShapeResult{}
	}
	out, problems := c.shape(address.Name(req.Address), req.Address, in)
	return schema.ShapeResult{
		Out:      map[string]schema.Shape{"table": {Type: schema.TablePort, Table: out}},
		Problems: append(problems, c.problemsOfAbsent(in)...),
	}
}

// problemsOfAbsent holds the label of those that never came to the type of the others.
func (c *config) problemsOfAbsent(in *schema.Table) []schema.Problem {
	col := in.Column(c.Column)
	if c.Absent == nil || col == nil {
		return nil
	}
	fits := true
	switch kind := col.Type; {
	case kind == "boolean":
		fits = *c.Absent == "true" || *c.Absent == "false"
	case strings.HasSuffix(kind, "int") || kind == "integer":
		_, err := strconv.ParseInt(*c.Absent, 10, 64)
		fits = err == nil
	case kind == "double" || kind == "float" || strings.HasPrefix(kind, "decimal"):
		_, err := strconv.ParseFloat(*c.Absent, 64)
		fits = err == nil
	}
	if !fits {
		return []schema.Problem{{Path: "absent", Summary: fmt.Sprintf("%q is no %s, as column %q is", *c.Absent, col.Type, col.Name)}}
	}
	return nil
}

// absent is the label of those that never came, as a constant.
func (c *config) absent(kind string) string {
	return "cast('" + strings.ReplaceAll(*c.Absent, "'", "''") + "' as " + kind + ")"
}

// shape returns the labelled table. Columns that the table does not have are told by the compiler.
// Key, entity and lineage of rows stay those of the table: the block drops no row.
func (c *config) shape(name, address string, in *schema.Table) (*schema.Table, []schema.Problem) {
	problems := c.problems(in)
	label := schema.Label{Column: canonical(in, c.Column), KnownAt: name + "_known_at", Mature: name + "_mature"}
	out := &schema.Table{Key: in.Key, Entity: in.Entity, Time: canonical(in, c.EventTime), Label: &label, Rows: in.Rows}
	out.Columns = append(out.Columns, in.Columns...)
	for _, own := range c.own(address, &label, in) {
		if out.Column(own.Name) != nil {
			problems = append(problems, schema.Problem{Path: "on",
				Summary: fmt.Sprintf("the table has a column %q already", own.Name),
				Detail:  fmt.Sprintf("The label adds columns %q and %q.", label.KnownAt, label.Mature),
				Hint:    "give the label another name, or rename the column in a dataset"})
			continue
		}
		out.Columns = append(out.Columns, own)
	}
	return out, problems
}

// own are the columns that the label adds. What is told by known_at tells of the label too.
// A personal chargeback_at makes a personal fraud_known_at.
func (c *config) own(address string, l *schema.Label, in *schema.Table) []schema.Column {
	known := schema.Column{Name: l.KnownAt, Type: "timestamp", Lineage: schema.Derived(address + "." + l.KnownAt)}
	mature := schema.Column{Name: l.Mature, Type: "boolean", Lineage: schema.Derived(address + "." + l.Mature)}
	if col := in.Column(c.KnownAt); col != nil {
		known.PII, known.Protected = col.PII, col.Protected
		known.Lineage.Add(col.Lineage, schema.SameRow)
	}
	return []schema.Column{known, mature}
}

// problems holds columns of moments to be times, and durations and moments to their forms.
func (c *config) problems(in *schema.Table) []schema.Problem {
	var out []schema.Problem
	for _, a := range []struct{ path, column string }{{"event_time", c.EventTime}, {"known_at", c.KnownAt}} {
		if col := in.Column(a.column); col != nil && !table.Temporal(col.Type) {
			out = append(out, schema.Problem{Path: a.path,
				Summary: fmt.Sprintf("column %q is of type %s, not a date or timestamp", col.Name, col.Type)})
		}
	}
	if _, err := schema.ParseDuration(c.MaturesAfter); c.MaturesAfter != "" && err != nil {
		out = append(out, schema.Problem{Path: "matures_after", Summary: err.Error()})
	}
	if _, err := parseMoment(c.AsOf); c.AsOf != "" && err != nil {
		out = append(out, schema.Problem{Path: "as_of", Summary: err.Error()})
	}
	return out
}

// queries is the one that labels.
func queries(_ context.Context, req schema.ShapeRequest) ([]component.Query, error) {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return nil, err
	}
	in := req.In[input].Table
	sql, err := c.query(address.Name(req.Address), in)
	return []component.Query{{SQL: sql, Tables: map[string]*schema.Table{input: in}}}, err
}

// run writes the labelled table, rows in the order of the key, then of all other columns.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	query, err := c.query(address.Name(s.Address), s.In[input].Table)
	if err != nil {
		return err
	}
	shape := s.Out["table"].Table
	out, err := s.OutputTable("table")
	if err != nil {
		return err
	}
	rows, err := table.Run(ctx, table.Query{SQL: query, Tables: map[string]string{input: s.InputTable(input)},
		Keys: map[string][]string{input: s.In[input].Table.Key}, OrderBy: shape.Key, Columns: shape.Columns, Threads: s.Threads, Out: out})
	if err != nil {
		return fmt.Errorf("labelling: %w", err)
	}
	s.Logf("labelled %d rows", rows)
	return nil
}

// query first tells for each row whether its label is known and whether it is old enough, then blanks what is neither.
func (c *config) query(name string, in *schema.Table) (string, error) {
	// As of a moment (as_of, else the latest that the data knows) a label is known if known_at is not after it, and final if
	// the event is at least matures_after before. __mlp_mature is final with a value.
	after, err := schema.ParseDuration(c.MaturesAfter)
	if err != nil {
		return "", fmt.Errorf("matures_after: %w", err)
	}
	label, event, known := table.Quote(c.Column), moment(c.EventTime), "null::timestamp"
	if c.KnownAt != "" {
		known = moment(c.KnownAt)
	}
	asOf := fmt.Sprintf("(select max(greatest(%s, %s)) from %s)", event, known, table.Quote(input))
	if c.AsOf != "" {
		t, err := parseMoment(c.AsOf)
		if err != nil {
			return "", err
		}
		asOf = "timestamp '" + t.Format("2006-01-02 15:04:05.999999") + "'"
	}
	// silent is a row of which nothing was heard in time.
	silent := "false"
	columns := make([]string, len(in.Columns))
	for i, col := range in.Columns {
		columns[i] = table.Quote(col.Name)
		if !strings.EqualFold(col.Name, c.Column) {
			continue
		}
		value := label
		if c.Absent != nil {
			silent = fmt.Sprintf("(__mlp_old and %s is null and __mlp_known_at is null)", label)
			value = fmt.Sprintf("case when %s then %s else %s end", silent, c.absent(col.Type), label)
		}
		columns[i] = fmt.Sprintf("case when __mlp_known or __mlp_old then %s end as %s", value, table.Quote(col.Name))
	}
	return fmt.Sprintf(`select %s,
  case when __mlp_known then __mlp_known_at when __mlp_old then __mlp_final_at end as %s,
  coalesce(__mlp_old and (%s is not null or %s), false) as %s
from (
  select *, coalesce(__mlp_known_at <= __mlp_as_of, false) as __mlp_known,
    coalesce(__mlp_final_at <= __mlp_as_of and (__mlp_known_at is null or __mlp_known_at <= __mlp_as_of), false) as __mlp_old
  from (
    select *, %s as __mlp_known_at, %s + to_microseconds(%d) as __mlp_final_at, %s as __mlp_as_of
    from %s))`,
		strings.Join(columns, ", "), table.Quote(name+"_known_at"), label, silent, table.Quote(name+"_mature"),
		known, event, after.Microseconds(), asOf, table.Quote(input)), nil
}

// moment is a column as a timestamp in UTC, whatever kind of time it is; null where it is infinite.
func moment(column string) string { return "make_timestamp(epoch_us(" + table.Quote(column) + "))" }

// parseMoment reads a day, or a time of a day, which is UTC unless an offset says otherwise.
func parseMoment(s string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no moment: write \"2026-12-31\" or \"2026-12-31 18:00:00\"", s)
}

// canonical returns the name as the table spells it.
func canonical(t *schema.Table, name string) string {
	if c := t.Column(name); c != nil {
		return c.Name
	}
	return name
}
