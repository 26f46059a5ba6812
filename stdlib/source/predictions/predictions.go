// Package predictions is the source of what a deployment answered: its log in the store.
package predictions

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/source/local"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the block `source "predictions"`.
var Component = component.Component{
	Kind: "source",
	Type: schema.Type{
		Name:     "predictions",
		Version:  1,
		Engine:   table.Engine,
		Summary:  "What a deployment answered",
		Doc:      doc,
		External: true,
		Grows:    true,
		Body: schema.Body{
			Attrs: append([]schema.Attr{
				{Name: "of", Type: schema.Address, Required: true, Kinds: []string{"deploy"}, Doc: "The deployment: `deploy.scorer`. The block need not come before this one: what it answered flows back into the pipeline."},
				{Name: "last", Type: schema.Duration, Doc: "Only tables that began within this time before the newest one did, to the minute. Without it all that are kept."},
				local.AllowEmpty(),
				local.SampleBy(),
			}, local.MarkAttrs()...),
			Blocks: []schema.Block{local.ColumnBlock("What the log calls it, if not by its name.")},
		},
		Out:      []schema.Port{local.TablePort()},
		Examples: []schema.Example{{Title: "What was answered in the last 30 days, and how often each class", Code: example}},
	},
	Shape:  shape,
	Source: &component.Source{Log: log, NoLog: mayBeEmpty, Sniff: sniff},
	Run:    run,
}

const doc = `A server that is started with ` + "`--predictions DIR --predictions-to-store`" + ` keeps each row that it answers, with the answer, in the store of the pipeline: see
[serving.md](serving.md#predictions) for the columns. This source is that table, whichever servers wrote it: of the workspace that is planned, or of the one that it goes by.

A plan names the tables that it is of, by name and digest, and how many rows came since the last apply; what is logged meanwhile is for the next. Only tables that this machine does not have are fetched, and only new ones hashed.
With ` + "`allow_empty`" + ` and declared columns a log that has no tables yet is a table without rows, so that a pipeline that learns from what it answered can be applied before it has answered anything.
Columns are found by ` + "`mlp init`" + ` once something was logged, or declared: ` + "`column`" + ` blocks are the whole table then. **A column that some tables do not have is null in their rows**: models with other features have other columns. One
that none has fails the stage, and so does one that two tables have with types of which one does not hold the other's values.
`

const example = `pipeline "churn" {}

source "predictions" "answers" {
  of   = deploy.scorer
  last = "30d"
  column "request_id"   { type = "varchar" }
  column "requested_at" { type = "timestamp" }
  column "route"        { type = "varchar" }
  column "predicted"    { type = "varchar" }
  column "score"        { type = "double" }
}

dataset "answered" {
  from = [source.answers]
  sql  = "select predicted, count(*) as rows, avg(score) as score from answers where route <> 'shadow' group by predicted"
}

source "csv" "customers" {
  path = "customers.csv"
  column "tenure"  { type = "double" }
  column "churned" { type = "boolean" }
}

train "logistic_regression" "model" {
  data     = source.customers
  target   = "churned"
  features = ["tenure"]
}

deploy "http" "scorer" { model = train.model }
`

// config is the block as the plan has it.
type config struct {
	Of         string         `json:"of"`
	Last       string         `json:"last"`
	Columns    []local.Column `json:"column"`
	AllowEmpty bool           `json:"allow_empty"`
	local.Marks
}

// shape is the declared table, or that which was found.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: err.Error()}}}
	}
	return local.Shape(ctx, b, c.Columns, c.Marks)
}

// log says whose log is meant, and which of its tables.
func log(text json.RawMessage, names []string) (deployment string, meant []string, err error) {
	c, err := component.Decode[config](text)
	if err != nil || c.Last == "" || len(names) == 0 {
		return c.Of, names, err
	}
	last, err := schema.ParseDuration(c.Last)
	if err != nil {
		return "", nil, err
	}
	newest, ok := schema.ParseLogged(slices.Max(names))
	if !ok {
		return "", nil, fmt.Errorf("%s is no name of a table in a log of predictions", slices.Max(names))
	}
	since := newest.Began.Add(-last)
	return c.Of, slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		t, ok := schema.ParseLogged(name)
		return ok && t.Began.Before(since)
	}), nil
}

// mayBeEmpty: a pipeline that learns from what it answered has answered nothing when it is applied first.
func mayBeEmpty(text json.RawMessage) bool {
	c, err := component.Decode[config](text)
	return err == nil && c.AllowEmpty && len(c.Columns) > 0
}

// sniff is all columns of all tables, those of the newest first.
func sniff(ctx context.Context, root string, names []string, _ json.RawMessage) ([]schema.Column, error) {
	var out []schema.Column
	from := map[string]string{}
	for _, f := range slices.Backward(local.Paths(root, names)) {
		have, err := table.SniffParquet(ctx, []table.File{f})
		if err != nil {
			return nil, err
		}
		for _, c := range have {
			at := slices.IndexFunc(out, func(o schema.Column) bool { return strings.EqualFold(o.Name, c.Name) })
			switch {
			case at < 0:
				out, from[c.Name] = append(out, c), f.Name
			case out[at].Type != c.Type:
				what := fmt.Sprintf("column %q is %s in %s, and %s in %s", c.Name, c.Type, f.Name, out[at].Type, from[out[at].Name])
				return nil, &component.InputError{Summary: what, Bare: what, Detail: "Declare the columns that are wanted with column blocks."}
			}
		}
	}
	return out, nil
}

// run writes the rows of the tables that the stage's description lists.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	in := s.Input("files")
	names, err := s.Names("files")
	if err != nil {
		return err
	}
	out, err := s.OutputTable("table")
	if err != nil {
		return err
	}
	columns := local.Asked(s, c.Columns)
	for i := range columns {
		columns[i].Optional = true
	}
	if len(names) == 0 && c.AllowEmpty {
		return noRows(ctx, columns, out)
	}
	rows, err := table.LoadParquet(ctx, local.Paths(in, names), columns, s.Threads, out)
	if err != nil {
		return err
	}
	return local.Finish(ctx, s, out, "the log of "+c.Of, len(names), rows, c.AllowEmpty)
}

// noRows writes a table of the columns without rows.
func noRows(ctx context.Context, columns []table.CSVColumn, out string) error {
	var terms []string
	for _, c := range columns {
		terms = append(terms, fmt.Sprintf("null::%s as %s", c.Type, table.Quote(c.Name)))
	}
	_, err := table.Run(ctx, table.Query{SQL: "select " + strings.Join(terms, ", ") + " where false", Out: out})
	return err
}
