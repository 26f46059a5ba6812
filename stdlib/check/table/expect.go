package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	sqltable "github.com/mlp-lang/mlp/stdlib/table"
)

// expectBlock is an expect block as it stands in the configuration. What is nil, empty or false is not expected; nil and 0 differ
// where 0 could be meant (max_null = 0, min_length = 0). Values whose type is the column's stay JSON until that is known.
type expectBlock struct {
	Name string `json:"name"`
	// Column is empty where the label, Name, is the column's name.
	Column          string          `json:"column"`
	NotNull         bool            `json:"not_null"`
	MaxNull         *float64        `json:"max_null"`
	Unique          bool            `json:"unique"`
	Type            string          `json:"type"`
	Between         json.RawMessage `json:"between"`
	InSet           json.RawMessage `json:"in_set"`
	Matches         *string         `json:"matches"`
	MinLength       *float64        `json:"min_length"`
	MaxLength       *float64        `json:"max_length"`
	GreaterThan     string          `json:"greater_than"`
	MeanBetween     []float64       `json:"mean_between"`
	MedianBetween   []float64       `json:"median_between"`
	QuantileBetween []float64       `json:"quantile_between"`
	StdevBetween    []float64       `json:"stdev_between"`
	DistinctBetween []float64       `json:"distinct_between"`
	AtLeast         *float64        `json:"at_least"`
	Severity        string          `json:"severity"`
}

// kind of an expectation.
type kind int

const (
	rowwise   kind = iota + 1 // sql holds for each counted row, or enough of them
	aggregate                 // sql is one number within limits
	static                    // decided by the schema
)

// duplicates is the column that holds how often a row's value stands in the table, where partition is set.
const duplicates = `"mlp duplicates"`

// expectation is one thing that is expected. Of sql, rowwise, null means that the row does not hold.
type expectation struct {
	Label, Column, Name string
	Severity            string
	Expected            string

	kind kind
	sql  string
	// counted chooses by presence: of greater_than the rows where both columns have a value.
	counted   string // rowwise: which rows count
	partition string // rowwise: duplicates are counted by these
	atLeast   float64
	low, high float64
	holds     bool // static
}

// key names the expectation among the figures.
// amount.between for the block expect "amount"; row_count_between for what the check expects of the table.
func (e expectation) key() string {
	if e.Label == "" {
		return e.Name
	}
	return e.Label + "." + e.Name
}

// limits sets the bounds of an aggregate.
// NaN is no bound: every comparison with it is false.
func (e *expectation) limits(path string, bounds []float64) []schema.Problem {
	if len(bounds) != 2 || !(bounds[0] <= bounds[1]) {
		return []schema.Problem{{Path: path, Summary: "the least and the greatest value are expected here", Detail: "As in [0, 100]."}}
	}
	e.low, e.high = bounds[0], bounds[1]
	e.Expected = "between " + number(e.low) + " and " + number(e.high)
	return nil
}

// shownNumber is a number as messages write it: whole numbers with all their digits.
func shownNumber(n json.Number) string {
	if x, err := n.Float64(); err == nil && strings.ContainsAny(n.String(), ".eE") && schema.SameDigits(n.String(), x) {
		return number(x)
	}
	return n.String()
}

// number is a float in the fewest digits that are read as the same one, as the engine and people take it: 0.1, 1e+06.
func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// lister turns a block into its expectations, in the order in which the methods below are called.
type lister struct {
	block    expectBlock
	column   *schema.Column
	quoted   string
	in       *schema.Table
	out      []expectation
	problems []schema.Problem
}

// expectations are those that one expect block states, one for each of its attributes, in a fixed order. A block about no
// column, or that states nothing, is a mistake.
func (b expectBlock) expectations(in *schema.Table) ([]expectation, []schema.Problem) {
	l := &lister{block: b, in: in}
	name, path := b.Column, "column"
	if name == "" {
		name, path = b.Name, ""
	}
	if l.column = in.Column(name); l.column == nil {
		p := noColumn(l.path(path), name, in)
		return nil, []schema.Problem{p}
	}
	l.quoted = sqltable.Quote(l.column.Name)
	if b.AtLeast != nil && !(*b.AtLeast > 0 && *b.AtLeast <= 1) {
		l.report(schema.Problem{Path: l.path("at_least"), Summary: "a share above 0 and up to 1 is expected here"})
	}
	l.rows()
	l.values()
	l.text()
	l.aggregates()
	if len(l.out) == 0 && len(l.problems) == 0 {
		l.report(schema.Problem{Path: l.path(""), Summary: "nothing is expected of the column", Detail: "Such as between, not_null, matches."})
	}
	return l.out, l.problems
}

// path is where an attribute of the block stands, for problems.
func (l *lister) path(attr string) string {
	p := "expect[" + l.block.Name + "]"
	if attr != "" {
		p += "." + attr
	}
	return p
}

// report notes a problem.
func (l *lister) report(p schema.Problem) { l.problems = append(l.problems, p) }

// fits holds an expectation to columns of some types.
func (l *lister) fits(attr string, ok bool, wanted string) bool {
	if !ok {
		l.report(schema.Problem{
			Path:    l.path(attr),
			Summary: fmt.Sprintf("%s cannot be expected of column %q, which is %s", attr, l.column.Name, l.column.Type),
			Detail:  wanted,
		})
	}
	return ok
}

// add completes an expectation by what holds for all: the column, the severity, and which rows count (counted). Rows where
// the value is missing do not, unless the expectation is about that.
func (l *lister) add(e expectation) {
	e.Label, e.Column, e.Severity, e.atLeast = l.block.Name, l.column.Name, l.block.Severity, 1
	if e.Severity == "" {
		e.Severity = "fail"
	}
	if e.kind == rowwise && l.block.AtLeast != nil {
		if e.atLeast = *l.block.AtLeast; e.atLeast < 1 {
			e.Expected += " in at least " + number(e.atLeast) + " of the rows"
		}
	}
	if e.counted == "" {
		e.counted = sqltable.Known(*l.column)
	}
	l.out = append(l.out, e)
}

// rows lists what is expected of the column whatever its type.
// A row in which a value is missing breaks not_null alone: nothing else that is expected of values is asked of a null.
func (l *lister) rows() {
	// Each becomes a condition in SQL over one row. Values are written as literals of the column's type (literals), so that
	// numbers are not compared as text.
	b := l.block
	if b.NotNull {
		l.add(expectation{Name: "not_null", Expected: "not null", kind: rowwise, counted: "true", sql: sqltable.Known(*l.column)})
	}
	if b.MaxNull != nil {
		if *b.MaxNull < 0 || *b.MaxNull > 1 {
			l.report(schema.Problem{Path: l.path("max_null"), Summary: "a share from 0 to 1 is expected here"})
		}
		l.add(expectation{Name: "max_null", Expected: "a share of nulls of at most " + number(*b.MaxNull), kind: aggregate,
			sql: "count(*) filter (where not (" + sqltable.Known(*l.column) + ")) / count(*)", high: *b.MaxNull})
	}
	if b.Unique {
		l.add(expectation{Name: "unique", Expected: "no value twice", kind: rowwise, partition: l.quoted, sql: duplicates + " = 1"})
	}
	// The type is known before anything runs, so that another one is a mistake of the file, and the stage has only to repeat it.
	if b.Type != "" {
		want := strings.ToLower(b.Type)
		if want != l.column.Type {
			l.report(schema.Problem{Path: l.path("type"), Summary: fmt.Sprintf("column %q is %s, not %s", l.column.Name, l.column.Type, b.Type)})
		}
		l.add(expectation{Name: "type", Expected: want, kind: static, holds: want == l.column.Type, sql: l.column.Type})
	}
}

// values lists what is expected of each value.
// Bounds keep the digits that they are written with.
func (l *lister) values() {
	b := l.block
	if b.Between != nil {
		if bounds := l.literals("between", b.Between); len(bounds) == 2 {
			l.add(expectation{Name: "between", Expected: "between " + bounds[0].shown + " and " + bounds[1].shown, kind: rowwise,
				sql: "(" + bounds[0].compared(">=") + ") and (" + bounds[1].compared("<=") + ")"})
		} else if bounds != nil {
			l.report(schema.Problem{
				Path:    l.path("between"),
				Summary: "the least and the greatest value are expected here",
				Detail:  "As in [0, 100].",
			})
		}
	}
	if b.InSet != nil {
		if set := l.literals("in_set", b.InSet); len(set) > 0 {
			terms, shown := make([]string, len(set)), make([]string, len(set))
			for i, v := range set {
				terms[i], shown[i] = v.compared("="), v.shown
			}
			l.add(expectation{Name: "in_set", Expected: "one of " + strings.Join(shown, ", "), kind: rowwise, sql: strings.Join(terms, " or ")})
		} else if set != nil {
			l.report(schema.Problem{Path: l.path("in_set"), Summary: "at least one value is expected here"})
		}
	}
	if b.GreaterThan != "" {
		other := l.in.Column(b.GreaterThan)
		if other == nil {
			l.problems = append(l.problems, noColumn(l.path("greater_than"), b.GreaterThan, l.in))
			return
		}
		comparable := l.column.Type == other.Type || sqltable.Numeric(l.column.Type) && sqltable.Numeric(other.Type) ||
			sqltable.Temporal(l.column.Type) && sqltable.Temporal(other.Type)
		if l.fits("greater_than", comparable, fmt.Sprintf("Column %q is %s.", other.Name, other.Type)) {
			l.add(expectation{Name: "greater_than", Expected: "greater than " + other.Name, kind: rowwise,
				counted: sqltable.Known(*l.column) + " and " + sqltable.Known(*other), sql: exceeds(*l.column, *other)})
		}
	}
}

// value is one of a list in the configuration: how the column is compared with it, and how it is shown.
type value struct {
	compared func(operator string) string
	shown    string
}

// literals writes a list of values for SQL, as the column's type; nil after a problem.
// A list that is empty is no problem here, and is one where the caller says so.
func (l *lister) literals(attr string, text json.RawMessage) []value {
	var list []any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // numbers keep their digits
	if err := d.Decode(&list); err != nil {
		l.report(schema.Problem{Path: l.path(attr), Summary: "a list of values is expected here"})
		return nil
	}
	out := []value{}
	as := func(sql, shown string) value {
		return value{func(operator string) string { return l.quoted + " " + operator + " " + sql }, shown}
	}
	for _, v := range list {
		switch v := v.(type) {
		case json.Number:
			if !l.fits(attr, sqltable.Numeric(l.column.Type), "The list holds numbers.") {
				return nil
			}
			out = append(out, value{func(operator string) string { return l.comparison(operator, v) }, shownNumber(v)})
		case bool:
			if !l.fits(attr, l.column.Type == "boolean", "The list holds true or false.") {
				return nil
			}
			out = append(out, as(strconv.FormatBool(v), strconv.FormatBool(v)))
		case string:
			// Which of two texts is the greater depends on a language; no bounds of texts are taken.
			ordered := attr == "between" && l.column.Type == "varchar"
			if !l.fits(attr, !ordered && (l.column.Type == "varchar" || sqltable.Temporal(l.column.Type)), "The list holds text.") {
				return nil
			}
			out = append(out, as(sqltable.Constant(v, l.column.Type), v))
		default:
			l.report(schema.Problem{Path: l.path(attr), Summary: "a list of numbers, texts or times is expected here"})
			return nil
		}
	}
	return out
}

// text lists what is expected of texts.
// Lengths are in characters, not bytes.
func (l *lister) text() {
	b, isText := l.block, l.column.Type == "varchar"
	const wanted = "It is for columns of type varchar."
	if b.Matches != nil && l.fits("matches", isText, wanted) {
		if _, err := regexp.Compile(*b.Matches); err != nil {
			l.report(schema.Problem{Path: l.path("matches"), Summary: "this is no regular expression", Detail: err.Error()})
		}
		l.add(expectation{Name: "matches", Expected: "matching " + *b.Matches, kind: rowwise, sql: fmt.Sprintf("regexp_matches(%s, %s)", l.quoted, sqltable.Literal(*b.Matches))})
	}
	if b.MinLength != nil && l.fits("min_length", isText, wanted) {
		l.add(expectation{Name: "min_length", Expected: "at least " + number(*b.MinLength) + " characters", kind: rowwise, sql: fmt.Sprintf("length(%s) >= %s", l.quoted, number(*b.MinLength))})
	}
	if b.MaxLength != nil && l.fits("max_length", isText, wanted) {
		l.add(expectation{Name: "max_length", Expected: "at most " + number(*b.MaxLength) + " characters", kind: rowwise, sql: fmt.Sprintf("length(%s) <= %s", l.quoted, number(*b.MaxLength))})
	}
}

// aggregates lists what is expected of all values together.
func (l *lister) aggregates() {
	b := l.block
	// Each is one aggregate over the values that count, held to [least, greatest]. quantile_between has the quantile in
	// front of its bounds.
	quantile := 0.5
	if b.QuantileBetween != nil {
		if len(b.QuantileBetween) != 3 || !(b.QuantileBetween[0] >= 0 && b.QuantileBetween[0] <= 1) {
			l.report(schema.Problem{
				Path:    l.path("quantile_between"),
				Summary: "a quantile from 0 to 1, the least and the greatest value are expected here",
				Detail:  "As in [0.99, 0, 5000].",
			})
			b.QuantileBetween = nil
		} else {
			quantile, b.QuantileBetween = b.QuantileBetween[0], b.QuantileBetween[1:]
		}
	}
	for _, a := range []struct {
		name    string
		bounds  []float64
		sql     string
		numeric bool
	}{
		{"mean_between", b.MeanBetween, "avg(%s)", true},
		{"median_between", b.MedianBetween, "median(%s)", true},
		{"quantile_between", b.QuantileBetween, "quantile_cont(%s, " + number(quantile) + ")", true},
		{"stdev_between", b.StdevBetween, "stddev_samp(%s)", true},
		{"distinct_between", b.DistinctBetween, "count(distinct %s)", false},
	} {
		if a.bounds == nil || a.numeric && !l.fits(a.name, sqltable.Numeric(l.column.Type), "It is for numbers.") {
			continue
		}
		column := "case when " + sqltable.Known(*l.column) + " then " + l.quoted + " end"
		if a.numeric {
			column = "(" + column + ")::double"
		}
		e := expectation{Name: a.name, kind: aggregate, sql: fmt.Sprintf(a.sql, column)}
		l.problems = append(l.problems, e.limits(l.path(a.name), a.bounds)...)
		l.add(e)
	}
}
