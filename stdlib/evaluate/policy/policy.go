// Package policy is the evaluation of what another policy would have been worth, by a log of decisions that were partly made by chance.
//
// A log says what was done, with which chance, and what came of it. It does not say what would have come of something else; but where the log did by chance what the policy would have
// done, it does. A deployment blocks payments, and lets three in a hundred of them pass. What if it blocked from a score of 0.7 on, and not from 0.5?
//
//	score  action  propensity  chosen  value
//	0.9    block   0.97        block   -5     as the policy would have: counts 1/0.97 times
//	0.6    block   0.97        allow          otherwise: says nothing
//	0.6    allow   0.03        allow   -80    as the policy would have: stands for 1/0.03 rows
//	0.1    allow   1           allow   1
//
// # Estimates
//
// Of n rows with weight w = 1/propensity where chosen is action, else 0, and values v:
//
//	ips    Σ w v / n                              unbiased (Horvitz and Thompson 1952)
//	snips  Σ w v / Σ w                            less of chance, biased by 1/n (Hájek 1971; Swaminathan and Joachims 2015)
//	dr     Σ (q(chosen) + w (v - q(action))) / n  with a guess q of what a row is worth by what is done: unbiased whatever the guess,
//	                                              and the better it is, the less of chance (Robins et al. 1994; Dudík et al. 2011)
//
// Intervals are by how far each row, or each entity, moves the estimate (its influence), with Student's quantile for as many of them as say something. The gain is the estimate less the mean of the log, row by row: what both have in common cancels out.
//
// # Support
//
// A row in which the log could not have done what the policy would has nothing to stand for it, however many others there are: one that was sure (propensity 1) to be done otherwise, or an action that the log
// never took. A mean without them is that of another policy. So it is refused, with the share of such rows, unless figures are asked to be of the others alone.
package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the evaluation of a policy.
var Component = component.Component{
	Kind: "evaluate",
	Type: schema.Type{
		Name:    "policy",
		Version: 1,
		Engine:  table.Engine,
		Summary: "What another policy would have been worth, by a log of decisions",
		Doc:     doc,
		Body: schema.Body{
			Attrs: []schema.Attr{
				{Name: "log", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort},
					Doc: "One row a decision: what was done, with which chance, and what is needed to say what it was worth. A log of a deployment with `exploration`, joined with what came of it."},
				{Name: "action", Type: schema.String, ColumnOf: "log", Doc: "The column of what was done. Default: `action`, else `predicted`."},
				{Name: "propensity", Type: schema.String, ColumnOf: "log", Doc: "The column of the chance with which it was done, given the row. Default: `propensity`."},
				{Name: "choose", Type: schema.SQLExpr, Required: true, Tables: "log", Doc: "What the policy would do with a row, as text that actions have: `case when score >= 0.7 then 'true' else 'false' end`."},
				{Name: "value", Type: schema.SQLExpr, Required: true, Tables: "log", Doc: "What a row was worth, by what was done and what came of it: `case when predicted = 'true' then -5 when fraud then -amount else 1 end`. Null where that is not known."},
				{Name: "expected", Type: schema.SQLExpr, Doc: "A guess of what a row is worth if `chosen` is done, over the columns of the log and `chosen`: `case when chosen = 'true' then -5 else 1 - score * amount end`. With it there is `dr`."},
				{Name: "supported_only", Type: schema.Bool, Doc: "Whether rows in which the log could not have done what the policy would are left out. Without it they are an error."},
				{Name: "min_rows", Type: schema.Integer, Default: 100.0, Doc: "With fewer rows in which the log did what the policy would all estimates are undefined."},
				{Name: "confidence", Type: schema.Number, Default: 0.95, Doc: "Chance of an interval to hold the true value."},
			},
			Blocks: []schema.Block{{Name: "capacity", Doc: "The policy may do one of its actions so often only: of the rows that `choose` gives it, those with the highest `rank` get it.", Body: schema.Body{Attrs: []schema.Attr{
				{Name: "action", Type: schema.String, Required: true, Doc: "The action that is scarce."},
				{Name: "most", Type: schema.Integer, Required: true, Least: &one, Doc: "How many rows may have it."},
				{Name: "per", Type: schema.Duration, Doc: "In which time, counted from 1970: `1d`. Default: in the whole log."},
				{Name: "time", Type: schema.String, ColumnOf: "log", Doc: "The column of the time. Default: that of the table."},
				{Name: "rank", Type: schema.SQLExpr, Required: true, Tables: "log", Doc: "The number by which rows come first: `score * amount`. Ties go by the table's key."},
				{Name: "otherwise", Type: schema.String, Required: true, Doc: "The action of the others."},
			}}}},
		},
		Out:      []schema.Port{{Name: "figures", Type: schema.FiguresPort, Doc: "`ips`, `snips`, `dr`, `logged`, `gain`, and how much they rest on."}},
		Examples: []schema.Example{{Title: "At most two blocked payments a day", Code: example, Files: []schema.ExampleFile{{Name: "answered.csv", Code: exampleLog}}}},
	},
	Shape: shape,
	Run:   run,
}

var one = 1.0

const doc = "A log says what was done and what came of it, and not what would have come of something else. Where it did by chance what the policy would have done, it does: such a row stands for one over its `propensity`.\n\n" +
	"`ips.value|low|high` is the mean value of a row under the policy by inverse propensity (Horvitz and Thompson 1952), `snips` the same by the ratio to the sum of weights (Hájek 1971), which chance moves less, and with `expected` there is `dr`, the doubly robust estimate (Dudík et al. 2011): right whatever the guess, and the narrower the better it is. " +
	"`logged` is the mean value of what was done, and `gain` how much more the policy comes to, by `dr` where there is one, else by `snips`, row by row, so that a gate asks `evaluate.stricter.gain.low > 0`. Intervals are over rows, or over entities where the log has any: a key by which chance was drawn is one.\n\n" +
	"`rows` is how many count, `matched` in how many of them the log did what the policy would, `effective` how many of the same weight these are worth. `unknown` is the share of rows without a value; where that is another for one action than for the others it is told, since then rows are missing by what was done: leave out all rows that are too young, whatever was done with them.\n\n" +
	"**A row in which the log could not have done what the policy would** says nothing of it: one that was sure to be done otherwise, as within a limit (`never`) of an exploration or where the model decided the other way, or an action that the log never took. That is an error with the share of such rows. With `supported_only` they are left out, " +
	"`unsupported` is their share, and figures are of a policy that does there what the log did.\n\n" +
	"With `capacity` the policy does an action for the highest ranks alone, so many a day say: exactly, knowing all rows of the day. A server that answers one row at a time cannot know that: it would go by a threshold, which is a `choose` without `capacity`. Values of rows that compete for a capacity are taken as not depending on what is done with the others."

const example = `pipeline "fraud" {}

# What was answered, with what came of it: the log of a deployment that explores, joined with chargebacks.
source "csv" "answered" {
  path = "answered.csv"
  column "payment"      { type = "varchar" }
  column "requested_at" { type = "timestamp" }
  column "amount"       { type = "double" }
  column "score"        { type = "double" }
  column "predicted"    { type = "varchar" }
  column "propensity"   { type = "double" }
  column "fraud"        { type = "boolean" }
}

dataset "answered" {
  from = [source.answered]
  key  = ["payment"]
  sql  = "select * from answered"
}

evaluate "policy" "capped" {
  log            = dataset.answered
  choose         = "case when score >= 0.5 then 'true' else 'false' end"
  value          = "case when predicted = 'true' then -5 when fraud then -amount when fraud is not null then 1 end"
  expected       = "case when chosen = 'true' then -5 else 1 - score * (1 + amount) end"
  supported_only = true
  min_rows       = 5 # of a log as small as this one

  capacity {
    action    = "true"
    most      = 2
    per       = "1d"
    time      = "requested_at"
    rank      = "score * amount"
    otherwise = "false"
  }
}
`

const exampleLog = `payment,requested_at,amount,score,predicted,propensity,fraud
p01,2026-03-01 08:00:00,20,0.1,false,1,false
p02,2026-03-01 09:00:00,120,0.9,true,0.8,
p03,2026-03-01 10:00:00,15,0.2,false,1,false
p04,2026-03-01 11:00:00,60,0.6,false,0.2,true
p05,2026-03-01 12:00:00,80,0.7,true,0.8,
p06,2026-03-01 13:00:00,30,0.3,false,1,false
p07,2026-03-02 08:00:00,25,0.1,false,1,true
p08,2026-03-02 09:00:00,10,0.6,true,0.8,
p09,2026-03-02 10:00:00,200,0.8,true,0.8,
p10,2026-03-02 11:00:00,45,0.2,false,1,false
p11,2026-03-02 12:00:00,70,0.5,false,0.2,false
p12,2026-03-02 13:00:00,35,0.4,false,1,false
`

// config is the block.
type config struct {
	Action     string    `json:"action"`
	Propensity string    `json:"propensity"`
	Choose     string    `json:"choose"`
	Value      string    `json:"value"`
	Expected   string    `json:"expected"`
	Supported  bool      `json:"supported_only"`
	MinRows    int       `json:"min_rows"`
	Confidence float64   `json:"confidence"`
	Capacity   *capacity `json:"capacity"`
}

// capacity bounds how often an action is chosen.
type capacity struct {
	Action    string `json:"action"`
	Most      int    `json:"most"`
	Per       string `json:"per"`
	Time      string `json:"time"`
	Rank      string `json:"rank"`
	Otherwise string `json:"otherwise"`
}

// chosenColumn is what expected calls what is done.
const chosenColumn = "chosen"

// columns are those of what was done and of its chance, by what the table has; "" where it has none.
func (c *config) columns(t *schema.Table) (action, propensity string) {
	first := func(given string, names ...string) string {
		if given != "" {
			return given
		}
		at := slices.IndexFunc(names, func(n string) bool { return t.Column(n) != nil })
		if at < 0 {
			return ""
		}
		return names[at]
	}
	return first(c.Action, "action", "predicted"), first(c.Propensity, "propensity")
}

// shape types the expressions and the figures.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: err.Error()}}}
	}
	figures := c.figures()
	out := schema.ShapeResult{Figures: figures, Out: map[string]schema.Shape{"": {Type: schema.FiguresPort, Figures: figures}}}
	report := func(p schema.Problem) { out.Problems = append(out.Problems, p) }
	if !(c.Confidence > 0 && c.Confidence < 1) {
		report(schema.Problem{Path: "confidence", Summary: fmt.Sprintf("confidence is %v: it is between 0 and 1", c.Confidence)})
	}
	t := req.In["log"].Table
	if t == nil {
		return out
	}
	action, propensity := c.columns(t)
	has := "It has " + strings.Join(t.Names(), ", ") + "."
	if action == "" {
		report(schema.Problem{Path: "log", Summary: "The log has no column of what was done", Detail: has, Hint: `say which it is: action = "…"`})
	}
	switch col := t.Column(propensity); {
	case propensity == "":
		report(schema.Problem{Path: "log", Summary: "The log has no column of the chance with which something was done", Detail: has, Hint: `say which it is: propensity = "…"`})
	case col != nil && !model.NumberType(col.Type):
		report(schema.Problem{Path: "propensity", Summary: fmt.Sprintf("Column %q is %s, expected a number", col.Name, col.Type)})
	}
	number := func(kind string) bool { return model.NumberType(kind) }
	bind := func(path, expr string, t *schema.Table, want string, fits func(string) bool) {
		column, problems := b.Expr(ctx, expr, t, false)
		for _, p := range problems {
			p.Path = path
			report(p)
		}
		if len(problems) == 0 && !fits(column.Type) {
			report(schema.Problem{Path: path, Summary: fmt.Sprintf("The expression is %s, expected %s", column.Type, want)})
		}
	}
	bind("choose", c.Choose, t, "text or a boolean", func(kind string) bool { return kind == "varchar" || kind == "boolean" })
	bind("value", c.Value, t, "a number", number)
	if c.Expected != "" {
		if t.Column(chosenColumn) != nil {
			report(schema.Problem{Path: "expected", Summary: fmt.Sprintf("The log has a column %q, as expected calls what is done", chosenColumn), Hint: "rename it in a dataset"})
		} else {
			both := *t
			both.Columns = append(slices.Clone(t.Columns), schema.Column{Name: chosenColumn, Type: "varchar"})
			bind("expected", c.Expected, &both, "a number", number)
		}
	}
	if k := c.Capacity; k != nil {
		bind("capacity.rank", k.Rank, t, "a number", number)
		if len(t.Key) == 0 {
			report(schema.Problem{Path: "capacity", Summary: "The log has no key, so that rows of the same rank have no order", Hint: "Declare a key on it."})
		}
		if k.Action == k.Otherwise {
			report(schema.Problem{Path: "capacity.otherwise", Summary: "The other rows have the same action"})
		}
		at := t.Column(k.time(t))
		switch {
		case k.Per == "" && k.Time != "":
			report(schema.Problem{Path: "capacity.time", Summary: "Without per the whole log has one capacity, and no time counts"})
		case k.Per != "" && at == nil && k.Time == "":
			report(schema.Problem{Path: "capacity", Summary: "The log has no time to count the capacity in", Hint: `say which column it is: time = "…"`})
		case k.Per != "" && at != nil && !strings.HasPrefix(at.Type, "timestamp") && at.Type != "date":
			report(schema.Problem{Path: "capacity.time", Summary: fmt.Sprintf("Column %q is %s, expected a time", at.Name, at.Type)})
		}
		if per, err := schema.ParseDuration(k.Per); k.Per != "" && (err != nil || per <= 0) {
			report(schema.Problem{Path: "capacity.per", Summary: "A capacity is per some time", Hint: `For example per = "1d".`})
		}
	}
	return out
}

// time is the column that the capacity is counted in; "" of none.
func (k *capacity) time(t *schema.Table) string {
	if k.Time != "" {
		return k.Time
	}
	return t.Time
}

// figures is the type of what rules see.
func (c *config) figures() *schema.FigureType {
	bounded := func() *schema.FigureType {
		return schema.Object(map[string]*schema.FigureType{"value": schema.Double, "low": schema.Double, "high": schema.Double})
	}
	fields := map[string]*schema.FigureType{"rows": schema.Count, "matched": schema.Count, "effective": schema.Count, "unknown": schema.Share, "unsupported": schema.Share,
		"logged": bounded(), "ips": bounded(), "snips": bounded(), "gain": bounded()}
	if c.Expected != "" {
		fields["dr"] = bounded()
	}
	return schema.Object(fields)
}
