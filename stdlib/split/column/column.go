// Package column is the split that the data itself says, in one of its columns.
//
// Of a benchmark that comes with its test set, a random split would make figures that compare with nobody's. A table and what
// the block makes of it with by = "part", and nothing else said:
//
//	id  part        side
//	1   train       train
//	2   test        test
//	3   validation  validation
//	4   other       train
//
// Rows keep all columns, the deciding one too, and stand on each side in the order of the table's key.
package column

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/split/sides"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the split by a column.
var Component = component.Component{
	Kind: "split",
	Type: schema.Type{
		Name:    "column",
		Version: 2,
		Engine:  table.Engine,
		Summary: "As a column of the table says, for data that comes with a fixed test set",
		Doc:     doc,
		Body: schema.Body{Attrs: []schema.Attr{
			sides.From,
			{Name: "by", Type: schema.String, Required: true, ColumnOf: sides.Input,
				Doc: "The column that says which side a row is on: a boolean, a number or a text."},
			{Name: "test", Type: schema.StringList,
				Doc: "The values that mean the test side, as text. Default: `true` of a boolean, `1` of a number, `test` of a text."},
			{Name: "validation_values", Type: schema.StringList,
				Doc: "The values that mean the validation side. Default: `validation` of a text, else none."},
			sides.Fraction("validation", false, "The share of the other rows, by hash of the key, that becomes the validation side. "+
				"Not together with `validation_values`."),
			{Name: "selection_values", Type: schema.StringList,
				Doc: "The values that mean the selection side: rows to choose among models by. Without them and without `selection` there is no such side."},
			sides.SelectionShare("The share of the other rows, by hash of the key, that becomes the selection side. Not together with `selection_values`."),
			sides.Seed,
		}},
		Out:      sides.Ports(),
		Examples: []schema.Example{{Title: "A fixed test set", Code: example}},
	},
	Shape: shape,
	Run:   run,
}

const doc = `Rows whose value is among ` + "`test`" + ` are the test side, those among ` + "`validation_values`" + ` validation, all
others train. With ` + "`validation`" + `, that share of the train rows goes to validation by a hash of their key; ` + "`selection_values` and `selection`" + ` do
the same for the selection side.

` + sides.HashDoc + `

A row without a value is on no side that one could name: such rows are an error.`

const example = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "tenure"  { type = "integer" }
  column "churned" { type = "boolean" }
  column "is_test" { type = "boolean" }
}

split "column" "customers" {
  from       = source.customers
  by         = "is_test"
  validation = 0.2
}
`

// config is the block. Values are texts whatever the column's type, as in test = ["1"] for a column of integers.
type config struct {
	By               string   `json:"by"`
	Test             []string `json:"test"`
	ValidationValues []string `json:"validation_values"`
	Validation       float64  `json:"validation"`
	SelectionValues  []string `json:"selection_values"`
	Selection        float64  `json:"selection"`
	Seed             int64    `json:"seed"`
}

// selects reports whether there is a selection side.
func (c *config) selects() bool { return c.Selection > 0 || len(c.SelectionValues) > 0 }

// shape gives each side the columns of the table. Which rows a side has depends on the deciding column: that is noted in the lineage
// of its rows, so that a column computed from the target does not decide on the test side unseen.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	in := req.In[sides.Input].Table
	if err := json.Unmarshal(req.Config, &c); err != nil || in == nil {
		return schema.ShapeResult{}
	}
	by := in.Column(c.By)
	return sides.Shape(req, c.selects(), c.problems(by), func(out *schema.Table) {
		if by == nil || by.Lineage == nil {
			return
		}
		out.Rows = schema.Derived("the rows of " + req.Address)
		out.Rows.Add(in.Rows, schema.SameRow)
		out.Rows.Add(by.Lineage, schema.SameRow)
	})
}

// problems are shares out of range, and values that the column cannot hold; col is nil where the table has no such column,
// which the compiler tells.
func (c *config) problems(col *schema.Column) []schema.Problem {
	var out []schema.Problem
	for _, side := range []struct {
		name   string
		share  float64
		values []string
	}{{sides.Validation, c.Validation, c.ValidationValues}, {sides.Selection, c.Selection, c.SelectionValues}} {
		if !(side.share >= 0 && side.share < 1) {
			out = append(out, schema.Problem{Path: side.name, Summary: fmt.Sprintf("a share of %v is not possible", side.share),
				Detail: "Expected a number of at least 0 and below 1."})
		}
		if side.share > 0 && len(side.values) > 0 {
			out = append(out, schema.Problem{Path: side.name, Summary: fmt.Sprintf("%s and %[1]s_values both choose the %[1]s side", side.name),
				Hint: "keep one of them"})
		}
	}
	if len(out) == 0 && c.Validation+c.Selection >= 1 {
		out = append(out, schema.Problem{Path: sides.Selection, Summary: "validation and selection leave nothing to train on",
			Detail: fmt.Sprintf("Their shares are %v and %v; the sum must be below 1.", c.Validation, c.Selection)})
	}
	if col == nil {
		return out
	}
	if kindOf(col.Type) == none {
		return append(out, schema.Problem{Path: "by",
			Summary: fmt.Sprintf("column %q is of type %s, not a boolean, number or text", col.Name, col.Type)})
	}
	for _, a := range []struct {
		path   string
		values []string
	}{{"test", c.Test}, {"validation_values", c.ValidationValues}, {"selection_values", c.SelectionValues}} {
		for i, v := range a.values {
			path := fmt.Sprintf("%s[%d]", a.path, i)
			if !holds(col.Type, v) {
				out = append(out, schema.Problem{Path: path,
					Summary: fmt.Sprintf("%q is no %s, the type of column %q", v, col.Type, col.Name)})
			}
			if a.path != "test" && slices.Contains(c.Test, v) {
				out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("%q is among the values of test too", v)})
			}
			if a.path == "selection_values" && slices.Contains(c.ValidationValues, v) {
				out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("%q is among validation_values too", v)})
			}
		}
	}
	return out
}

// kind is how a column's values are written in a list of texts.
type kind int

// A column that is none of these cannot be listed: a time or a list has no one spelling.
const (
	none kind = iota
	flag
	number
	text
)

// kindOf is that of a stored type: flag of boolean, number of bigint and decimal(10,2), text of varchar, else none.
func kindOf(columnType string) kind {
	switch {
	case columnType == "boolean":
		return flag
	case table.Numeric(columnType):
		return number
	case columnType == "varchar":
		return text
	}
	return none
}

// holds reports whether a column of a type can hold a value, written as text. A text column holds any. "1.0" is a value of an integer
// column, its 1. "1.5" is none: the engine would cast it to 2, and so mean other rows than were named. NaN is nobody's value.
func holds(columnType, v string) bool {
	switch kindOf(columnType) {
	case flag:
		return v == "true" || v == "false"
	case number:
		x, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(x) {
			return false
		}
		scale, exact := table.Scale(columnType)
		if !exact {
			return true
		}
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
		scaled, ok := new(big.Rat).SetString(v)
		return ok && scaled.Mul(scaled, new(big.Rat).SetInt(unit)).IsInt()
	}
	return true
}

// defaults are the values that mean the test and the validation side where none are given.
func (k kind) defaults() (test, validation []string) {
	switch k {
	case flag:
		return []string{"true"}, nil
	case number:
		return []string{"1"}, nil
	}
	return []string{"test"}, []string{"validation"}
}

// run refuses rows without a value first, since null in ('test') is null and such rows would silently be train.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	t := s.In[sides.Input].Table
	if err := c.checkValues(ctx, s); err != nil {
		return err
	}
	test, validation := c.values(kindOf(t.Column(c.By).Type))
	return sides.Split{
		Side:   c.side(t, test, validation),
		Reason: c.reason(test, validation),
	}.Run(ctx, s)
}

// reason says which rows are where, of a side that comes out empty.
func (c *config) reason(test, validation []string) string {
	out := fmt.Sprintf("The test side is where %q is %s, the validation side where it is %s or by share, ", c.By, or(test), or(validation))
	if c.selects() {
		out += fmt.Sprintf("the selection side where it is %s or by share, ", or(c.SelectionValues))
	}
	return out + "train where it is neither."
}

// values returns those of test and validation.
// The defaults of validation give way to a share that is asked for, to selection, and to test: with test = ["validation"] nothing is left for
// the validation side, instead of rows that two sides claim.
func (c *config) values(k kind) (test, validation []string) {
	test, validation = k.defaults()
	if len(c.Test) > 0 {
		test = c.Test
	}
	if c.Validation > 0 {
		validation = nil
	}
	if len(c.ValidationValues) > 0 {
		validation = c.ValidationValues
	}
	return test, slices.DeleteFunc(slices.Clone(validation), func(v string) bool {
		return slices.Contains(test, v) || slices.Contains(c.SelectionValues, v)
	})
}

// or joins values for a message: "a or b"; "nothing" of none.
func or(values []string) string {
	if len(values) == 0 {
		return "nothing"
	}
	return strings.Join(values, " or ")
}

// checkValues refuses rows whose value is null or NaN.
func (c *config) checkValues(ctx context.Context, s *component.Stage) error {
	f, err := table.ReadFrame(ctx, s.InputTable(sides.Input), []string{c.By})
	if err != nil {
		return err
	}
	missing, col := 0, &f.Columns[0]
	for i := range f.Rows {
		if col.Text() && col.Codes[i] < 0 || !col.Text() && col.Num[i] != col.Num[i] {
			missing++
		}
	}
	if missing > 0 {
		return &component.InputError{
			Summary: fmt.Sprintf("%s: %d of %d rows have no %s", s.Address, missing, f.Rows, c.By),
			Detail:  fmt.Sprintf("Leave them out in a dataset (where %s is not null), or say there which side they are on.", c.By),
		}
	}
	return nil
}

// side is the SQL expression of a row's side. The share of validation is of the rows that test leaves, by the position of their key.
func (c *config) side(t *schema.Table, test, validation []string) string {
	col := t.Column(c.By)
	s := fmt.Sprintf("case when %s then 'test'", in(col, test))
	if len(validation) > 0 {
		s += fmt.Sprintf(" when %s then 'validation'", in(col, validation))
	}
	if len(c.SelectionValues) > 0 {
		s += fmt.Sprintf(" when %s then 'selection'", in(col, c.SelectionValues))
	}
	if c.Validation > 0 {
		s += fmt.Sprintf(" when %s then 'validation'", sides.Below(sides.Position(t, c.Seed), c.Validation))
	}
	if c.Selection > 0 {
		s += fmt.Sprintf(" when %s then 'selection'", sides.Below(sides.Position(t, c.Seed), c.Validation+c.Selection))
	}
	return s + " else 'train' end"
}

// in is true where a column holds one of the values.
func in(col *schema.Column, values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprintf("'%s'::%s", strings.ReplaceAll(v, "'", "''"), col.Type)
	}
	return fmt.Sprintf("%s in (%s)", table.Quote(col.Name), strings.Join(out, ", "))
}
