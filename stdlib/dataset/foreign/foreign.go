// Package foreign is what the two datasets have in common that a program of the user's own makes.
package foreign

import (
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/program"
)

// Dataset is the kind of both.
var Dataset = program.Kind{
	Name:    "dataset",
	Summary: "A table made of others by",
	Doc: "The program reads the tables of `from` at `$MLP_IN_FROM_<NAME>` and writes one to `$MLP_OUT_TABLE`. What it does is not known: each of its columns counts as computed from all columns that it reads, so that a feature of one is " +
		"refused where the target is among them, and personal and protected columns mark all of it. A table without rows is all right.",
	Attrs:  []schema.Attr{program.From("The tables to read: `[source.payments]` is the input `from.payments`, `{ p = source.payments }` is `from.p`.", true), program.KeyAttr()},
	Blocks: []schema.Block{program.ColumnBlock(true), program.Params()},
	Out:    []schema.Port{{Name: "table", Type: schema.TablePort, Doc: "The rows that the program wrote, ordered by the key, else by all columns."}},
	Shape:  program.Keyed,
	Example: source + `
dataset "container" "sessions" {
  from    = [source.clicks]
  image   = "sessionizer:2"
  command = ["sessionize", "--gap", "30m"]
  format  = "csv"
  key     = ["session"]
  column "session" { type = "varchar" }
  column "clicks"  { type = "bigint" }
}
`,
	Scripted: source + `
dataset "python" "sessions" {
  from   = [source.clicks]
  script = "sessions.py"
  python = "3.11"
  format = "ndjson"
  key    = ["session"]
  column "session" { type = "varchar" }
  column "clicks"  { type = "bigint" }
  params           { gap = "30m" }
}
`,
}

const source = `pipeline "clicks" {}

source "csv" "clicks" {
  path = "clicks.csv"
  column "visitor" { type = "varchar" }
  column "at"      { type = "timestamp" }
}
`
