// Package foreign is what the two sources have in common whose rows a program of the user's own brings: of a format that no other source reads, or from where
// none reaches.
package foreign

import (
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/program"
	"github.com/mlp-lang/mlp/stdlib/source/local"
)

// Source is the kind of both.
var Source = program.Kind{
	Name:    "source",
	Summary: "Rows that are brought by",
	Doc: "The program writes the table to `$MLP_OUT_TABLE`, and reads no other block. Its version is that of its code and image: with `network = true` what lies elsewhere may change, and the recorded rows stay until `version` is " +
		"another text, or the block says `cache = false`.",
	Attrs: []schema.Attr{program.KeyAttr(), local.SampleBy(),
		{Name: "version", Type: schema.String, Doc: "Any text that says which state of what lies elsewhere is meant, such as a day: another text runs the program again. It finds it as `config.version`."}},
	Blocks: []schema.Block{program.ColumnBlock(true), program.Params()},
	Out:    []schema.Port{{Name: "table", Type: schema.TablePort, Doc: "The rows that the program wrote, ordered by the key, else by all columns."}},
	Shape:  program.Keyed,
	Example: `pipeline "fleet" {}

source "container" "trips" {
  image   = "fleet-tools:3"
  command = ["trips", "--last", "30d"]
  format  = "csv"
  network = true
  version = "2026-11-30"
  key     = ["trip_id"]
  column "trip_id" { type = "varchar" }
  column "km"      { type = "double" }
}
`,
	Scripted: `pipeline "fleet" {}

source "python" "trips" {
  script = "trips.py"
  files  = ["trips/*.xlsx"]
  base   = "fleet-python:3"
  key    = ["trip_id"]
  column "trip_id" { type = "varchar" }
  column "km"      { type = "double" }
}
`,
}
