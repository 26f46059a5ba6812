// Package foreign is what the two stages have in common that are of no other kind: a program of the user's own that reads what others yield and writes files, and
// a table where it declares one.
package foreign

import (
	"context"
	"encoding/json"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/program"
)

// Stage is the kind of both.
var Stage = program.Kind{
	Name:    "stage",
	Summary: "Anything else, done by",
	Ranked:  true,
	Doc: "The program reads what `from` names at `$MLP_IN_FROM_<NAME>`: tables, models, and files of other stages. It writes any files to `$MLP_OUT_FILES`, and where the block has `column` blocks a table to `$MLP_OUT_TABLE`. What it does is not known: each column counts as " +
		"computed from all columns that it reads.",
	Attrs: []schema.Attr{
		{Name: "from", Type: schema.RefMap, Ports: []schema.PortType{schema.TablePort, schema.ModelPort, schema.FilesPort}, Rows: schema.DrawnRows,
			Doc: "What to read: `[source.payments, train.model]` are the inputs `from.payments` and `from.model`, `{ p = source.payments }` is `from.p`."},
		program.KeyAttr(),
	},
	Blocks: []schema.Block{program.ColumnBlock(false), program.Params()},
	Out: []schema.Port{
		{Name: "files", Type: schema.FilesPort, Doc: "Whatever files the program writes; at least one."},
		{Name: "table", Type: schema.TablePort, Asked: true, Doc: "The table that the program writes, where the block declares its columns."},
	},
	Shape: shape,
	Example: source + `
stage "container" "archive" {
  from    = [source.payments]
  image   = "archiver:1"
  command = ["archive", "--level", "9"]
}
`,
	Scripted: source + `
stage "python" "graph" {
  from   = [source.payments]
  script = "graph.py"
  python = "3.11"
  format = "ndjson"
  key    = ["card"]
  column "card"   { type = "varchar" }
  column "degree" { type = "bigint" }
}
`,
}

const source = `pipeline "payments" {}

source "csv" "payments" {
  path = "payments.csv"
  column "card"     { type = "varchar" }
  column "merchant" { type = "varchar" }
}
`

// shape yields files, and the table that is declared.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	files := schema.Shape{Type: schema.FilesPort}
	var c program.Columns
	if json.Unmarshal(req.Config, &c) != nil || len(c.Columns) == 0 {
		return schema.ShapeResult{Out: map[string]schema.Shape{"files": files}, Problems: keyAlone(req.Config)}
	}
	res := program.Keyed(ctx, b, req)
	if res.Out == nil {
		res.Out = map[string]schema.Shape{}
	}
	res.Out["files"] = files
	return res
}

// keyAlone refuses the key of a table that is not declared.
func keyAlone(config json.RawMessage) []schema.Problem {
	var c struct {
		Key []string `json:"key"`
	}
	if json.Unmarshal(config, &c) != nil || len(c.Key) == 0 {
		return nil
	}
	return []schema.Problem{{Path: "key", Summary: "The stage yields no table that could have a key", Hint: `Declare its columns: column "name" { type = "varchar" }.`}}
}
