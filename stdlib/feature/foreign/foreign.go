// Package foreign is what the two features have in common that a program of the user's own computes.
package foreign

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/program"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Feature is the kind of both.
var Feature = program.Kind{
	Name:    "feature",
	Summary: "Columns of an entity's rows computed by",
	Doc: "The program reads the table at `$MLP_IN_FROM` and writes one to `$MLP_OUT_TABLE`: the key, entity and time columns of what it read, and the columns that the block declares. What it does is not known: each column counts as computed from all columns " +
		"that it reads, of all rows. So it is refused as a feature of a model whose target is among them, unless the trainer's `known_before` vouches for it.",
	Attrs: []schema.Attr{
		{Name: "from", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}, Doc: "The table that the columns are computed from."},
		{Name: "entity", Type: schema.StringList, ColumnOf: "from", Doc: "Whom the rows are about: `[\"card\"]`. Required where the table has no key."},
		{Name: "time", Type: schema.String, ColumnOf: "from", Doc: "When a row happened, a date or timestamp. Required where the table has no key."},
		{Name: "max_age", Type: schema.Duration, Doc: "How old a row may be where a training set takes its columns as of a time: `30d`. Older ones give null. Left out: any age."},
	},
	Blocks: []schema.Block{program.ColumnBlock(true), program.Params()},
	Out:    []schema.Port{{Name: "table", Type: schema.TablePort, Doc: "The key, entity and time columns of the table, and the columns that are declared."}},
	Shape:  shape,
	Example: source + `
feature "container" "card" {
  from    = dataset.payments
  image   = "embedder:1"
  command = ["embed", "--columns", "merchant"]
  column "merchant_x" { type = "double" }
  column "merchant_y" { type = "double" }
}
`,
	Scripted: source + `
feature "python" "card" {
  from   = dataset.payments
  entity = ["card"]
  time   = "paid_at"
  script = "embed.py"
  files  = ["vectors.csv"]
  base   = "scoring-python:4"
  column "merchant_x" { type = "double" }
  column "merchant_y" { type = "double" }
}
`,
}

const source = `pipeline "fraud" {}

source "csv" "rows" {
  path = "payments.csv"
  column "payment_id" { type = "varchar" }
  column "card"       { type = "varchar" }
  column "paid_at"    { type = "timestamp" }
  column "merchant"   { type = "varchar" }
}

dataset "payments" {
  from = [source.rows]
  key  = ["payment_id"]
}
`

// config is the block without its program.
type config struct {
	program.Columns
	Entity []string `json:"entity"`
	Time   string   `json:"time"`
	MaxAge string   `json:"max_age"`
}

// shape carries over the columns that rows are found by, and adds those that are declared.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	in := req.In["from"].Table
	if err := json.Unmarshal(req.Config, &c); err != nil || in == nil {
		return schema.ShapeResult{}
	}
	own, problems := c.Table(ctx, b)
	out := &schema.Table{Key: in.Key, MaxAge: c.MaxAge, Rows: in.Rows}
	carry := func(name string) string {
		col := in.Column(name)
		if col == nil {
			return name // which the compiler tells
		}
		if out.Column(name) == nil {
			out.Columns = append(out.Columns, *col)
		}
		return col.Name
	}
	for _, name := range in.Key {
		carry(name)
	}
	for _, name := range c.Entity {
		out.Entity = append(out.Entity, carry(name))
	}
	if c.Time != "" {
		out.Time = carry(c.Time)
		if col := in.Column(c.Time); col != nil && !table.Temporal(col.Type) {
			problems = append(problems, schema.Problem{Path: "time", Summary: fmt.Sprintf("Column %q is of type %s, not a date or timestamp", col.Name, col.Type)})
		}
	}
	if len(in.Key) == 0 && (len(c.Entity) == 0 || c.Time == "") {
		problems = append(problems, schema.Problem{Summary: "The feature has no entity and time", Detail: "The table has no key, so they are all that its rows can be found by.",
			Hint: `Set entity = ["…"] and time = "…".`})
	}
	if c.MaxAge != "" && (len(c.Entity) == 0 || c.Time == "") {
		problems = append(problems, schema.Problem{Path: "max_age", Summary: "The age of a row is told as of a time, for the entity's latest row", Hint: "Set entity and time as well."})
	}
	if own == nil {
		return schema.ShapeResult{Problems: problems}
	}
	for _, col := range own.Columns {
		if out.Column(col.Name) != nil {
			problems = append(problems, schema.Problem{Path: fmt.Sprintf("column[%s]", col.Name), Summary: fmt.Sprintf("%q is a column by which rows are found", col.Name),
				Detail: "It is carried over from the table, and need not be declared.", Hint: "Leave the block out, or name the column otherwise."})
			continue
		}
		out.Columns = append(out.Columns, col)
	}
	return schema.ShapeResult{Out: map[string]schema.Shape{"table": {Type: schema.TablePort, Table: out}}, Problems: problems}
}
