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
		Version: 3,
		Engine:  table.Engine,
		Summary: "By time order: trained on the past, tested on what came after",
		Doc:     doc,
		Body: schema.Body{Attrs: []schema.Attr{
			sides.From,
			{Name: "by", Type: schema.String, Required: true, ColumnOf: sides.Input, Doc: "The column that says when a row happened."},
			sides.Fraction("test", true, "The share of the rows, the newest, that is the test side; above 0 and below 1."),
			sides.Fraction("validation", false, "The share of the rows, the newest before those, that is the validation side."),
			sides.SelectionShare("The share of the rows, between validation and test, that is the selection side: rows to choose among models by. Left out, there is no such side."),
			{Name: "gap", Type: schema.Duration, Default: "0s",
				Doc: "Rows this close before the validation, selection or test side begins are left out, so that what is known about them " +
					"could be known by then. `gap = \"45d\"` is for labels that take 45 days."},
		}},
		Out:      sides.Ports(),
		Examples: []schema.Example{{Title: "The newest quarter for testing", Code: example}},
	},
	Shape: shape,
	Run:   run,
}

const doc = `The rows in time order, oldest first, are train, validation, selection if it has a share, test. A side begins at the instant of the row with
which its share begins, and all rows of that instant are on it: rows at the same instant are never parted, so test gets more
rows than its share where many share an instant. The figures say how many, by side: ` + "`ties.test.rows` of the instant at which it begins, `ties.test.extra`" + ` more than its share; a warning
says so where that is over a hundredth of the side. With ` + "`gap`" + `, each side ends that much before the next begins; the rows in between are on no side.

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
	sides.Shares
	By  string `json:"by"`
	Gap string `json:"gap"`
}

// shape gives each side the columns of the table, and says by which clock they were parted (Clock). A trainer then knows which rows
// are earlier ones: a feature that is computed over rows before by that column sees nothing of a later side.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	in := req.In[sides.Input].Table
	if err := json.Unmarshal(req.Config, &c); err != nil || in == nil {
		return schema.ShapeResult{}
	}
	problems := c.Problems()
	problems = append(problems, sides.TimeProblems(in.Column(c.By))...)
	if _, err := c.gap(); err != nil {
		problems = append(problems, schema.Problem{Path: "gap", Summary: err.Error()})
	}
	out := sides.Shape(req, c.Selection > 0, problems, func(out *schema.Table) { out.Clock = c.By })
	ties := map[string]*schema.FigureType{}
	for _, b := range c.borders(0) {
		ties[b.side] = schema.Object(map[string]*schema.FigureType{"rows": schema.Count, "extra": schema.Count})
	}
	out.Figures.Fields["ties"] = schema.Object(ties)
	return out
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
	if err := sides.CheckTimes(ctx, s, c.By); err != nil {
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
	ties, err := c.ties(ctx, s, rows)
	if err != nil {
		return err
	}
	return sides.Split{
		Side: c.side(rows, gap),
		Reason: fmt.Sprintf("There are %d rows. Too many share one instant of %q, the gap is too long, or there are too few rows.",
			rows, c.By),
		Far:    fmt.Sprintf("rows at the same instant of %q are never parted, and many share one, or a gap leaves many out", c.By),
		Shares: c.Shares, Timed: true, Figures: map[string]any{"ties": ties},
	}.Run(ctx, s)
}

// border is where a side begins: with the row at that place, from 0, of all in time order.
type border struct {
	side  string
	row   int64
	share float64 // of all rows, that the side asks for
}

// borders are those of the sides after train that have a share, oldest first. The places are those of a table of so many rows.
func (c *config) borders(rows int64) []border {
	var out []border
	for _, b := range []struct {
		side        string
		share, upTo float64 // upTo: of this side and those after it
	}{{sides.Validation, c.Validation, c.Test + c.Selection + c.Validation}, {sides.Selection, c.Selection, c.Test + c.Selection}, {sides.Test, c.Test, c.Test}} {
		if b.share > 0 {
			row := rows - int64(math.Round(float64(rows)*b.upTo))
			out = append(out, border{side: b.side, row: max(0, min(row, rows-1)), share: b.share})
		}
	}
	return out
}

// at is a row's instant in SQL, in microseconds.
func (c *config) at() string { return sides.Instant(c.By) }

// begins is the instant in SQL at which a side begins.
func (c *config) begins(b border) string {
	return fmt.Sprintf("(select %s from %s order by 1 limit 1 offset %d)", c.at(), table.Quote(sides.Input), b.row)
}

// side compares each row's time with the instants at which sides begin. Of ten rows, one a day from the 1st to
// the 10th, with test = 0.2 and gap = "2d", test begins with the row at place 8 (from 0), the 9th. Train ends before the 7th: the
// rows of the 7th and 8th are on no side.
func (c *config) side(rows, gap int64) string {
	sql, name, next := "case", "", ""
	all := c.borders(rows)
	for i := len(all) - 1; i >= 0; i-- {
		begins := c.begins(all[i])
		if name = fmt.Sprintf("'%s'", all[i].side); next != "" {
			name = fmt.Sprintf("case when %s < %s - %d then %s end", c.at(), next, gap, name)
		}
		sql += fmt.Sprintf(" when %s >= %s then %s", c.at(), begins, name)
		next = begins
	}
	return sql + fmt.Sprintf(" when %s < %s - %d then 'train' end", c.at(), next, gap)
}

// tied are the rows of the instant at which a side begins. All of them are on that side.
type tied struct {
	Rows  int64 `json:"rows"`  // of that instant; 0: it is one row's alone
	Extra int64 `json:"extra"` // how many rows the side has for that, beyond its share
}

// ties counts the rows at each border, and warns where a side is larger for them by more than a hundredth.
func (c *config) ties(ctx context.Context, s *component.Stage, rows int64) (map[string]tied, error) {
	out := map[string]tied{}
	tables := map[string]string{sides.Input: s.InputTable(sides.Input)}
	for _, b := range c.borders(rows) {
		var counts [2]int64 // before the instant, and at it
		for i, op := range []string{"<", "="} {
			var err error
			if counts[i], err = sides.Count(ctx, fmt.Sprintf("select count(*) as n from %s where %s %s %s", table.Quote(sides.Input), c.at(), op, c.begins(b)), tables); err != nil {
				return nil, fmt.Errorf("counting the rows at a border: %w", err)
			}
		}
		t := tied{Rows: counts[1], Extra: max(b.row-counts[0], 0)}
		if t.Rows == 1 {
			t.Rows = 0
		}
		if out[b.side] = t; t.Rows > 0 {
			s.Logf("%d rows are of the instant of %s at which the %s side begins, and on that side", t.Rows, c.By, b.side)
		}
		if float64(t.Extra) > 0.01*b.share*float64(rows) {
			s.Warnf("%d rows are of the instant of %q at which the %s side begins, and all of them are on it: %d more than its share. A finer time, or another share, parts them",
				t.Rows, c.By, b.side, t.Extra)
		}
	}
	return out, nil
}
