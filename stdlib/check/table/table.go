// Package table is the check block: what a table must look like, and rules over its figures.
//
// # From a block to a verdict
//
// When files are checked, each attribute of an expect block becomes one expectation: a condition or an aggregate in SQL over the
// column, with the severity of its block. What the column's type cannot meet is a problem then: nothing is compared as text that
// is a number. When the stage runs, one query gives the figures of all columns, and one more each expectation. Of the column amount
// with the values 5, null and -1, of which the first two meet between = [0, 100],
//
//	expectation         counted rows  do not hold  share  at_least = 0.5
//	amount.between      2             1            0.5    passes; fails without at_least
//	amount.not_null     3             1            0.67   passes; fails without at_least
//
// for a missing value is none to compare, and counts where its absence is the point. An aggregate (mean_between, row counts) is one
// number between two bounds, both included, and has no rows.
//
// Nothing of that fails the stage: what was found is written as figures and report.json. Whoever runs the stage decides on the
// figures: the check passes if no expectation of severity fail does not hold (failed == 0), and its rules hold.
package table

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	sqltable "github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the block `check`.
var Component = component.Component{
	Kind: "check",
	Type: schema.Type{
		Name:    "table",
		Version: 4,
		Engine:  sqltable.Engine,
		Summary: "Expectations about a table, and rules over its figures",
		Doc:     doc,
		Body: schema.Body{
			Attrs: []schema.Attr{
				{Name: "on", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}, Doc: "The table to look at."},
				{Name: "row_count_between", Type: schema.NumberList, Doc: "The least and the greatest number of rows: `[1000, 1e6]`."},
				{Name: "compound_unique", Type: schema.StringList, ColumnOf: "on", Doc: "Columns that no two rows share all values of."},
			},
			Blocks: []schema.Block{
				{Name: "expect", Labelled: true, Repeated: true, Unordered: true, Doc: "What is expected of the column that the label names.", Body: schema.Body{Attrs: expectAttrs()}},
				schema.RuleBlock(),
			},
		},
		Out: []schema.Port{
			{Name: "verdict", Type: schema.VerdictPort, Doc: "Whether all expectations of severity `fail` and all rules hold."},
			{Name: "report", Type: schema.FilesPort, Doc: "`report.json`: every expectation with what was observed, and up to 5 of the rows that fail it; personal data masked."},
		},
		Examples: []schema.Example{{Title: "Payments worth training on", Code: example}},
	},
	Shape: shape,
	Run:   run,
}

func expectAttrs() []schema.Attr {
	return []schema.Attr{
		{Name: "column", Type: schema.String, ColumnOf: "on", Doc: "The column, where the label is another name: for two blocks on one column."},
		{Name: "not_null", Type: schema.Bool, Doc: "No value is missing: null or NaN."},
		{Name: "max_null", Type: schema.Number, Doc: "The greatest share of missing values, null or NaN, from 0 to 1."},
		{Name: "unique", Type: schema.Bool, Doc: "No value stands twice. Missing ones don't count."},
		{Name: "type", Type: schema.String, Doc: "The column's type, as `double`."},
		{Name: "between", Type: schema.Any, Doc: "The least and the greatest value: `[0, 100]`, or times as text: `[\"2020-01-01\", \"2030-01-01\"]`."},
		{Name: "in_set", Type: schema.Any, Doc: "The values that may occur: `[\"NL\", \"BE\"]`."},
		{Name: "matches", Type: schema.String, Doc: "A regular expression (RE2) that finds something in each text; `^…$` for the whole of it."},
		{Name: "min_length", Type: schema.Integer, Doc: "The least number of characters."},
		{Name: "max_length", Type: schema.Integer, Doc: "The greatest number of characters."},
		{Name: "greater_than", Type: schema.String, ColumnOf: "on", Doc: "Another column that the value exceeds in every row. Rows where either is missing don't count."},
		{Name: "mean_between", Type: schema.NumberList, Doc: "The least and the greatest mean."},
		{Name: "median_between", Type: schema.NumberList, Doc: "The least and the greatest median."},
		{Name: "quantile_between", Type: schema.NumberList, Doc: "A quantile, and its least and greatest value: `[0.99, 0, 5000]`. Linear between values."},
		{Name: "stdev_between", Type: schema.NumberList, Doc: "The least and the greatest sample standard deviation. It is found in one pass (Welford): of values around 1e9 that deviate by 1 it is off by about 1e-8."},
		{Name: "distinct_between", Type: schema.NumberList, Doc: "The least and the greatest number of distinct values; a missing one is none."},
		{Name: "at_least", Type: schema.Number, Default: 1.0, Doc: "The share of rows for which `not_null`, `unique`, `between`, `in_set`, `matches`, lengths and `greater_than` must hold."},
		{Name: "severity", Type: schema.String, Default: "fail", OneOf: []string{"fail", "warn"}, Doc: "`warn` tells and lets pass."},
	}
}

const doc = `Expectations are looked at all, also after one has failed, and none stops the stage: one that cannot be computed fails by itself
and says why. What is missing, null or NaN alike, passes every expectation but ` + "`not_null` and `max_null`" + `. Whole numbers and decimals
are compared exactly, whatever their size. A failed expectation of severity ` + "`fail`" + `
fails the check, and with it what lists it in ` + "`after` or `requires`" + `.

Rules see ` + "`table.rows`, `table.columns.<name>.nulls|distinct|min|max|mean|stdev`" + ` (the last four of numbers; undefined where the column
has no values, and of personal data), ` + "`expectations[\"<label>.<expectation>\"].passed|rows|share`" + ` (rows that do not hold, share of those
that do), ` + "`failed` and `warned`" + `.
`

const example = `pipeline "payments" {}

source "csv" "payments" {
  path = "data/payments/*.csv"
  column "payment_id" { type = "varchar" }
  column "amount"     { type = "double" }
  column "merchant"   { type = "varchar" }
}

check "payments" {
  on              = source.payments
  compound_unique = ["payment_id"]

  expect "amount" {
    between  = [0, 50000]
    max_null = 0.01
  }
  expect "merchant" {
    matches  = "^[A-Z0-9]{4,}$"
    at_least = 0.99
    severity = "warn"
  }
  rule "enough data" {
    assert  = "table.rows >= 10000.0"
    message = "too little data to train on"
  }
}
`

// config is the block; RowCount is empty or the least and the greatest number of rows.
type config struct {
	RowCount []float64     `json:"row_count_between"`
	Unique   []string      `json:"compound_unique"`
	Expect   []expectBlock `json:"expect"`
}

// input is what queries call the table.
const input = "data"

// shape lists the expectations as they will be asked, for their mistakes and for the names that rules may read. Where the table
// itself has mistakes nothing is said.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	if err := json.Unmarshal(req.Config, &c); err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "the configuration cannot be read: " + err.Error()}}}
	}
	in := req.In["on"].Table
	if in == nil {
		return schema.ShapeResult{}
	}
	expectations, problems := c.expectations(in)
	return schema.ShapeResult{
		Out:      map[string]schema.Shape{"verdict": {Type: schema.VerdictPort}, "report": {Type: schema.FilesPort}},
		Figures:  figureType(in, expectations),
		Problems: problems,
	}
}

// figureType is what rules of the check, and of gates, see: known columns and expectations, so that a misspelt one is an
// error.
func figureType(in *schema.Table, expectations []expectation) *schema.FigureType {
	column := map[string]*schema.FigureType{}
	for _, f := range columnFigures {
		// A deviation is no count, and like one it is never below 0: a rule stdev < 0 is told to be wrong.
		if column[f] = schema.Double; f == "nulls" || f == "distinct" || f == "stdev" {
			column[f] = schema.Count
		}
	}
	names := in.Names()
	sort.Strings(names)
	keys := make([]string, len(expectations))
	for i, e := range expectations {
		keys[i] = e.key()
	}
	sort.Strings(keys)
	return schema.Object(map[string]*schema.FigureType{
		"table": schema.Object(map[string]*schema.FigureType{
			"rows":    schema.Count,
			"columns": schema.KeyedMap(schema.Object(column), names...),
		}),
		"expectations": schema.KeyedMap(schema.Object(map[string]*schema.FigureType{
			"passed": schema.Flag, "rows": schema.Count, "share": schema.Share}), keys...),
		"failed": schema.Count,
		"warned": schema.Count,
	})
}

// expectations lists what the block expects, table first, then block by block.
// run goes by the same list, so that what is asked is what was checked.
func (c config) expectations(in *schema.Table) ([]expectation, []schema.Problem) {
	var out []expectation
	var problems []schema.Problem
	if c.RowCount != nil {
		e := expectation{Name: "row_count_between", Severity: "fail", kind: aggregate, sql: "count(*)"}
		problems = append(problems, e.limits("row_count_between", c.RowCount)...)
		out = append(out, e)
	}
	if len(c.Unique) > 0 {
		quoted := make([]string, len(c.Unique))
		for i, name := range c.Unique {
			if in.Column(name) == nil {
				problems = append(problems, noColumn(fmt.Sprintf("compound_unique[%d]", i), name, in))
			}
			quoted[i] = sqltable.Quote(name)
		}
		out = append(out, expectation{Name: "compound_unique", Severity: "fail", Expected: "no two rows with the same " + strings.Join(c.Unique, ", "),
			kind: rowwise, counted: "true", sql: duplicates + " = 1", partition: strings.Join(quoted, ", "), atLeast: 1})
	}
	for i := range c.Expect {
		list, more := c.Expect[i].expectations(in)
		out, problems = append(out, list...), append(problems, more...)
	}
	return out, problems
}

// noColumn is the problem at an attribute that names a column the table does not have.
func noColumn(path, name string, in *schema.Table) schema.Problem {
	return schema.Problem{Path: path, Summary: fmt.Sprintf("the table has no column %q", name),
		Detail: "It has " + strings.Join(in.Names(), ", ") + ".", Hint: suggest.DidYouMean(name, in.Names())}
}
