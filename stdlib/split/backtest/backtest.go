// Package backtest is the split of one window of a backtest: trained on what was known at a cut-off, tested on what came in the time after it.
//
// One split by time measures a model in one season. A backtest moves the cut-off: with four windows of 28 days the model is fitted four times,
// each time on what lay before, and measured four times, each time on the 28 days that followed (rolling-origin evaluation; Tashman 2000,
// Hyndman and Athanasopoulos, Forecasting, 5.10). A block is one window, and for_each makes the windows, so that each has its own model and its own
// figures, and everything that holds of splits holds of them:
//
//	            train             validation  gap  test
//	back = 1    ─────────────────|───────────|    |███|
//	back = 0    ─────────────────────|───────────|    |███|
//	                                                  until
//
// All borders are instants, counted back from the newest row or from until, so that no border depends on how many rows there are and none parts rows
// of one instant.
package backtest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/split/sides"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the split of one window.
var Component = component.Component{
	Kind: "split",
	Type: schema.Type{
		Name:    "backtest",
		Version: 1,
		Engine:  table.Engine,
		Summary: "One window of a backtest: trained on what lies before a cut-off, tested on the time after it",
		Doc:     doc,
		Body: schema.Body{Attrs: []schema.Attr{
			sides.From,
			{Name: "by", Type: schema.String, Required: true, ColumnOf: sides.Input, Doc: "The column that says when a row happened."},
			{Name: "back", Type: schema.Integer, Default: 0.0,
				Doc: "Which window: 0 is the newest, 1 the one before it, and so on. With `for_each` usually `each.value`."},
			{Name: "test", Type: schema.Duration, Required: true, Doc: "How long the test side is: `\"28d\"`."},
			{Name: "every", Type: schema.Duration, Doc: "How far apart the windows are. Left out: as long as `test`, so that they follow one another."},
			{Name: "gap", Type: schema.Duration, Default: "0s",
				Doc: "Rows this close before a side ends are left out before the next begins, since what is known of them might not have been known by then."},
			{Name: "validation", Type: schema.Duration, Doc: "How long the validation side is, before test. Left out: it is empty."},
			{Name: "selection", Type: schema.Duration,
				Doc: "How long the selection side is, between validation and test: rows to choose among models by. Left out, there is no such side."},
			{Name: "train", Type: schema.Duration, Doc: "How far back the train side reaches (a rolling window). Left out: to the oldest row (an expanding one)."},
			{Name: "until", Type: schema.String,
				Doc: "The last instant of the newest window, `2026-06-30` or `2026-06-30 12:00:00`. Left out: that of the newest row, with which all windows move on."},
		}},
		Out:      sides.Ports(),
		Examples: []schema.Example{{Title: "Four windows of four weeks", Code: example}},
	},
	Shape: shape,
	Run:   run,
}

const doc = `The test side is the time ` + "`test`" + ` that ends at ` + "`until`, `back`" + ` windows earlier; before it come selection, validation and train, each ending ` + "`gap`" + ` before the next
begins. A side has the rows after its first instant, up to and with its last. With days, ` + "`test = \"28d\"`" + ` is 28 days. Rows after the window, and in gaps, are on no side; an empty train or test side is an error, as is a row without a time.

With ` + "`for_each`" + ` a backtest is made of blocks that there are: a split, a model and an evaluation for each window, each a stage of its own, cached and compared like any other.
` + "`evaluate \"backtest\"`" + ` then has mean, spread and worst over the windows, for gates.`

const example = `pipeline "demand" {}

source "csv" "sales" {
  path = "sales.csv"
  column "day"   { type = "date" }
  column "store" { type = "varchar" }
  column "promo" { type = "boolean" }
  column "units" { type = "double" }
}

metric "mae" { type = "mean_absolute_error" }

split "backtest" "month" {
  for_each   = { w1 = 3, w2 = 2, w3 = 1, w4 = 0 }
  from       = source.sales
  by         = "day"
  back       = each.value
  test       = "28d"
  validation = "28d"
}

train "gradient_boosting" "month" {
  for_each   = split.month
  data       = each.value.train
  validation = each.value.validation
  target     = "units"
  features   = ["store", "promo"]
}

evaluate "month" {
  for_each = train.month
  model    = each.value
  data     = split.month[each.key].test
  metrics  = [metric.mae]
}

evaluate "backtest" "demand" {
  of      = evaluate.month
  metrics = [metric.mae]
}

gate "release" {
  rule "good in the mean"  { assert = "evaluate.demand.mean.mae < 12" }
  rule "never quite wrong" { assert = "evaluate.demand.worst.mae < 20" }
}
`

// config is the block. Durations are texts such as "28d", empty where they are left out.
type config struct {
	By         string `json:"by"`
	Back       int64  `json:"back"`
	Test       string `json:"test"`
	Every      string `json:"every"`
	Gap        string `json:"gap"`
	Validation string `json:"validation"`
	Selection  string `json:"selection"`
	Train      string `json:"train"`
	Until      string `json:"until"`
}

// lengths are the durations in microseconds; 0 where one is left out.
type lengths struct{ test, every, gap, validation, selection, train int64 }

// lengths reads the durations, and tells what is wrong with them.
func (c *config) lengths() (out lengths, problems []schema.Problem) {
	for _, d := range []struct {
		path, text string
		into       *int64
		zero       bool // may be 0
	}{{"test", c.Test, &out.test, false}, {"every", c.Every, &out.every, false}, {"gap", c.Gap, &out.gap, true}, {"validation", c.Validation, &out.validation, false},
		{"selection", c.Selection, &out.selection, false}, {"train", c.Train, &out.train, false}} {
		if d.text == "" {
			continue
		}
		x, err := schema.ParseDuration(d.text)
		switch {
		case err != nil:
			problems = append(problems, schema.Problem{Path: d.path, Summary: err.Error()})
		case x <= 0 && !d.zero:
			problems = append(problems, schema.Problem{Path: d.path, Summary: fmt.Sprintf("%s is no length of time", d.text), Hint: "leave it out, or take one above 0"})
		}
		*d.into = x.Microseconds()
	}
	if out.every == 0 {
		out.every = out.test
	}
	return out, problems
}

// until is the instant that the block names, in microseconds; ok is false where it names none.
func (c *config) until() (at int64, ok bool, err error) {
	if c.Until == "" {
		return 0, false, nil
	}
	for _, form := range []string{time.DateOnly, time.DateTime} {
		if t, err := time.Parse(form, c.Until); err == nil {
			return t.UnixMicro(), true, nil
		}
	}
	return 0, false, fmt.Errorf("%q is no day and no time", c.Until)
}

// mostBack bounds how far back a window can lie.
const mostBack = 500 // of the longest that a duration can be, 292 years, no sum of instants is beyond 64 bits

// shape gives each side the columns of the table, and says by which clock they were parted (Clock), as a split by time does.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	in := req.In[sides.Input].Table
	if err := json.Unmarshal(req.Config, &c); err != nil || in == nil {
		return schema.ShapeResult{}
	}
	_, problems := c.lengths()
	problems = append(problems, sides.TimeProblems(in.Column(c.By))...)
	if c.Back < 0 || c.Back > mostBack {
		problems = append(problems, schema.Problem{Path: "back", Summary: fmt.Sprintf("back is %d", c.Back), Detail: fmt.Sprintf("It must be from 0, the newest window, to %d.", mostBack)})
	}
	if _, _, err := c.until(); err != nil {
		problems = append(problems, schema.Problem{Path: "until", Summary: err.Error(), Hint: `write until = "2026-06-30" or "2026-06-30 12:00:00"`})
	}
	return sides.Shape(req, c.Selection != "", problems, func(out *schema.Table) { out.Clock = c.By })
}

// run writes the sides.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	if err := sides.CheckTimes(ctx, s, c.By); err != nil {
		return err
	}
	l, problems := c.lengths()
	if len(problems) > 0 {
		return schema.Problems(problems)
	}
	until, named, err := c.until()
	if err != nil {
		return err
	}
	last := fmt.Sprintf("(select max(%s) from %s)", sides.Instant(c.By), table.Quote(sides.Input))
	if named {
		last = fmt.Sprint(until)
	}
	return sides.Split{
		Side: c.side(l, last),
		Reason: fmt.Sprintf("The window is %d back, and the rows do not reach that far, or a gap leaves them out. Take fewer or shorter windows.",
			c.Back),
		Timed: true,
	}.Run(ctx, s)
}

// side compares each row's time with the last instants of the sides. Of thirty days, 1 to 30, with test = "7d", validation = "7d", gap = "1d" and back = 1
// test is 17 to 23, validation 9 to 15 and train 1 to 7: the 8th and the 16th are in gaps, and what comes after the 23rd is on no side.
func (c *config) side(l lengths, last string) string {
	at := sides.Instant(c.By)
	end := l.every * c.Back // before last, as is begin
	sql := "case"
	for _, side := range []struct {
		name   string
		length int64
	}{{sides.Test, l.test}, {sides.Selection, l.selection}, {sides.Validation, l.validation}} {
		if side.length == 0 {
			continue
		}
		begin := end + side.length
		sql += fmt.Sprintf(" when %[1]s > %[2]s - %[3]d and %[1]s <= %[2]s - %[4]d then '%[5]s'", at, last, begin, end, side.name)
		end = begin + l.gap
	}
	sql += fmt.Sprintf(" when %s <= %s - %d", at, last, end)
	if l.train > 0 {
		sql += fmt.Sprintf(" and %s > %s - %d", at, last, end+l.train)
	}
	return sql + " then 'train' end"
}
