// Package time is the split by time order: the newest rows are the test side.
//
// A model in use scores what comes after its training. A split by chance tests it on rows between those it learnt from, and of
// anything that drifts or repeats it says too much. Here train ends before validation begins, and validation before test; with gap
// the rows whose labels were not known by then are on no side. What is compared is the instant alone, in microseconds, so two
// rows of one instant are never parted.
package time

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/split/sides"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the time split.
var Component = component.Component{
	Kind: "split",
	Type: schema.Type{
		Name:    "time",
		Version: 2,
		Engine:  table.Engine,
		Summary: "By time order: trained on the past, tested on what came after",
		Doc:     doc,
		Body: schema.Body{Attrs: []schema.Attr{
			sides.From,
			{Name: "by", Type: schema.String, Required: true, ColumnOf: sides.Input, Doc: "The column that says when a row happened."},
			sides.Fraction("test", true, "The share of the rows, the newest, that is the test side; above 0 and below 1."),
			sides.Fraction("validation", false, "The share of the rows, the newest before those, that is the validation side."),
			{Name: "gap", Type: schema.Duration, Default: "0s",
				Doc: "Rows this close before the validation or test side begins are left out, so that what is known about them " +
					"could be known by then. `gap = \"45d\"` is for labels that take 45 days."},
		}},
		Out:      sides.Ports(),
		Examples: []schema.Example{{Title: "The newest quarter for testing", Code: example}},
	},
	Shape: shape,
	Run:   run,
}

const doc = `The rows in time order, oldest first, are train, validation, test. A side begins at the instant of the row with
which its share begins, and all rows of that instant are on it: rows at the same instant are never parted, so test gets more
rows than its share where many share an instant; a share that is far from the one asked for is told. With ` + "`gap`" + `, train ends that much before validation begins (before test, where there is
no validation), and validation that much before test; the rows in between are on no side.

A row without a time cannot be placed: such rows are an error.`

// example tests on the newest quarter of payments; the 15 % before it choose, and all before that are learnt from.
const example = `pipeline "fraud" {}

source "csv" "payments" {
  path = "payments.csv"
  column "paid_at"  { type = "timestamp" }
  column "amount"   { type = "double" }
  column "is_fraud" { type = "boolean" }
}

split "time" "holdout" {
  from       = source.payments
  by         = "paid_at"
  validation = 0.15
  test       = 0.25
}
`

// config is the block; Gap is a duration such as "45d", "" for none.
type config struct {
	By         string  `json:"by"`
	Test       float64 `json:"test"`
	Validation float64 `json:"validation"`
	Gap        string  `json:"gap"`
}

// shape gives each side the columns of the table, and says by which clock they were parted (Clock). A trainer then knows which rows
// are earlier ones: a feature that is computed over rows before by that column sees nothing of a later side.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	in := req.In[sides.Input].Table
	if err := json.Unmarshal(req.Config, &c); err != nil || in == nil {
		return schema.ShapeResult{}
	}
	problems := sides.CheckFractions(c.Validation, c.Test)
	if col := in.Column(c.By); col != nil && !table.Temporal(col.Type) {
		problems = append(problems, schema.Problem{Path: "by",
			Summary: fmt.Sprintf("column %q is of type %s, not a date or timestamp", col.Name, col.Type)})
	}
	if _, err := c.gap(); err != nil {
		problems = append(problems, schema.Problem{Path: "gap", Summary: err.Error()})
	}
	return sides.Shape(req, problems, func(out *schema.Table) { out.Clock = c.By })
}

// gap is how long before a side begins rows are left out, in microseconds.
func (c *config) gap() (int64, error) {
	if c.Gap == "" {
		return 0, nil
	}
	d, err := schema.ParseDuration(c.Gap)
	return d.Microseconds(), err
}

// run counts the rows, which the places of the cuts are shares of, and writes the sides.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	path := s.InputTable(sides.Input)
	if err := c.checkTimes(ctx, s.Address, path); err != nil {
		return err
	}
	rows, err := table.Rows(ctx, path)
	if err != nil {
		return err
	}
	gap, err := c.gap()
	if err != nil {
		return err
	}
	return sides.Split{
		Side: c.side(rows, gap),
		Reason: fmt.Sprintf("There are %d rows. Too many share one instant of %q, the gap is too long, or there are too few rows.",
			rows, c.By),
		Far:  fmt.Sprintf("rows at the same instant of %q are never parted, and many share one, or a gap leaves many out", c.By),
		Test: c.Test, Validation: c.Validation, Timed: true,
	}.Run(ctx, s)
}

// farthest is more than any time has, in seconds since 1970: 2^63 microseconds are 9.22337e12 s. What lies beyond is infinite.
const farthest = 9.2233e12

// checkTimes refuses rows without a time, or with an infinite one. How many there are is told, in one error for all.
func (c *config) checkTimes(ctx context.Context, address, path string) error {
	f, err := table.ReadFrame(ctx, path, []string{c.By})
	if err != nil {
		return err
	}
	missing := 0
	for _, v := range f.Columns[0].Num {
		if math.IsNaN(v) || math.Abs(v) > farthest {
			missing++
		}
	}
	if missing > 0 {
		return &component.InputError{
			Summary: fmt.Sprintf("%s: %d of %d rows have no %s", address, missing, f.Rows, c.By),
			Detail:  fmt.Sprintf("A split by time has no place for them. Leave them out in a dataset: where %s is not null.", c.By),
		}
	}
	return nil
}

// side compares each row's time with the instants at which validation and test begin. Of ten rows, one a day from the 1st to
// the 10th, with test = 0.2 and gap = "2d", test begins with the row at place 8 (from 0), the 9th. Train ends before the 7th: the
// rows of the 7th and 8th are on no side.
func (c *config) side(rows, gap int64) string {
	test := rows - int64(math.Round(float64(rows)*c.Test))
	validation := rows - int64(math.Round(float64(rows)*(c.Test+c.Validation)))
	if c.Validation == 0 {
		validation = test
	}
	at := "epoch_us(" + table.Quote(c.By) + ")"
	begins := func(row int64) string {
		return fmt.Sprintf("(select %s from %s order by 1 limit 1 offset %d)", at, table.Quote(sides.Input), max(0, min(row, rows-1)))
	}
	return fmt.Sprintf("case when %[1]s >= %[2]s then 'test' when %[1]s >= %[3]s then case when %[1]s < %[2]s - %[4]d then 'validation' end"+
		" when %[1]s < %[3]s - %[4]d then 'train' end", at, begins(test), begins(validation), gap)
}
