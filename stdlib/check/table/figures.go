package table

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	sqltable "github.com/mlp-lang/mlp/stdlib/table"
)

// columnFigures are the figures of every column; all but the first two are of numbers only.
var columnFigures = []string{"nulls", "distinct", "min", "max", "mean", "stdev"}

// figures is what metrics.json holds, and what rules read: table.columns.amount.mean. A figure that is null has its reason in
// Undefined under its path. Counts are float64 as all figures are.
type figures struct {
	Table struct {
		Rows    float64                        `json:"rows"`
		Columns map[string]map[string]*float64 `json:"columns"`
	} `json:"table"`
	Expectations map[string]expectationFigures `json:"expectations"`
	Failed       float64                       `json:"failed"` // expectations of severity fail that do not hold
	Warned       float64                       `json:"warned"` // those of severity warn
	Failures     []failure                     `json:"failures"`
	Undefined    map[string]string             `json:"undefined"`
}

// expectationFigures are those of one expectation. Rows do not hold; Share of the counted ones hold, 1 where none count. Of
// an aggregate Rows is 0 and Share 1 or 0.
type expectationFigures struct {
	Passed bool    `json:"passed"`
	Rows   float64 `json:"rows"`
	Share  float64 `json:"share"`
}

// failure is one expectation that does not hold, of either severity, as whoever decides on the check tells people.
type failure struct {
	Column      string `json:"column"`
	Expectation string `json:"expectation"`
	Observed    string `json:"observed"`
	Expected    string `json:"expected"`
	Rows        int64  `json:"rows"`
	Severity    string `json:"severity"`
}

// figures describes the table and its columns.
// All of them come from one query, so that the table is read once, however many columns it has.
func (k *checker) figures(ctx context.Context) (*figures, error) {
	f := &figures{Expectations: map[string]expectationFigures{}, Failures: []failure{}, Undefined: map[string]string{}}
	f.Table.Columns = map[string]map[string]*float64{}
	terms := []string{"count(*)::double"}
	for _, c := range k.table.Columns {
		terms = append(terms, columnTerms(c)...)
	}
	row, err := k.reader.Row(ctx, "select "+strings.Join(terms, ", ")+" from "+input)
	if err != nil {
		return nil, fmt.Errorf("describing the table: %w", err)
	}
	f.Table.Rows = row[0].(float64)
	row = row[1:]
	for i, c := range k.table.Columns {
		f.column(c, row[i*len(columnFigures):(i+1)*len(columnFigures)])
	}
	return f, nil
}

// columnTerms are the terms in SQL for the figures of a column, in the order of columnFigures. NaN counts as missing.
func columnTerms(c schema.Column) []string {
	q := sqltable.Quote(c.Name)
	q = "case when " + sqltable.Known(c) + " then " + q + " end"
	terms := []string{fmt.Sprintf("count(*) filter (where (%s) is null)::double", q), fmt.Sprintf("count(distinct %s)::double", q)}
	if withheld(c) != "" {
		return append(terms, "null", "null", "null", "null")
	}
	// The engine's own functions fail on infinities; such a column has no mean.
	q = "(" + q + ")::double"
	safe := fmt.Sprintf("case when isfinite(%s) then %[1]s end", q)
	all := fmt.Sprintf("bool_and(isfinite(%s))", q)
	return append(terms, fmt.Sprintf("min(%s)", q), fmt.Sprintf("max(%s)", q),
		fmt.Sprintf("case when %s then avg(%s) end", all, safe), fmt.Sprintf("case when %s then stddev_samp(%s) end", all, safe))
}

// withheld tells why a column has no figures of numbers; empty if it has.
// Of personal data there is no least and no greatest value: those are somebody's.
func withheld(c schema.Column) string {
	switch {
	case !sqltable.Numeric(c.Type):
		return "the column is " + c.Type + ", not a number"
	case c.PII:
		return "the column is personal data"
	}
	return ""
}

// column keeps a column's figures, and why one is not there.
func (f *figures) column(c schema.Column, values []any) {
	out := map[string]*float64{}
	for i, name := range columnFigures {
		out[name] = finite(values[i])
		if out[name] != nil {
			continue
		}
		reason := withheld(c)
		switch {
		case reason != "":
		case values[0] == f.Table.Rows:
			reason = "the column has no values"
		case values[i] == nil && name == "stdev" && f.Table.Rows-*out["nulls"] < 2:
			reason = "it takes two values"
		default:
			reason = "the column has values that are no finite numbers"
		}
		f.Undefined["table.columns."+c.Name+"."+name] = reason
	}
	f.Table.Columns[c.Name] = out
}

// add takes in how the expectations came out. What rules read as failed counts severity fail alone.
func (f *figures) add(outcomes []outcome) {
	for _, o := range outcomes {
		f.Expectations[o.key] = expectationFigures{Passed: o.Passed, Rows: float64(o.Rows), Share: o.share()}
		if o.Passed {
			continue
		}
		if o.Severity == "warn" {
			f.Warned++
		} else {
			f.Failed++
		}
		f.Failures = append(f.Failures, failure{Column: o.Column, Expectation: o.Expectation, Observed: o.Observed, Expected: o.Expected, Rows: o.Rows, Severity: o.Severity})
	}
}
