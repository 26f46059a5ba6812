// Package parquet is the source of Parquet files.
//
// The files bring types of their own. Where the block declares none these are taken, and all files must agree; where a type is
// declared, each value must come through the cast and back unchanged: 5.0 of a double is a bigint 5, 5.5 fails the stage.
// What is stored is written anew and not copied, ordered by all columns, so that two files with the same rows in other row
// groups, codecs or order make the same table.
package parquet

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/source/local"
	"github.com/mlp-lang/mlp/stdlib/source/remote"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the block `source "parquet"`.
var Component = component.Component{
	Kind: "source",
	Type: schema.Type{
		Name:     "parquet",
		Version:  3,
		Engine:   table.Engine,
		Summary:  "Parquet in local files or elsewhere",
		Doc:      doc,
		External: true,
		Body: schema.Body{
			Attrs: append([]schema.Attr{
				{Name: "path", Type: schema.String, Required: true, Doc: "The files, relative to the module: `data/*.parquet`. `*` stays within a folder, `**` spans folders. Links to files are followed, those to folders that a wildcard meets are not. Or the address of one file: `https://example.com/data.parquet`."},
				local.AllowEmpty(),
				local.SampleBy(),
			}, slices.Concat(remote.Attrs(), local.MarkAttrs())...),
			Blocks: []schema.Block{local.ColumnBlock("What the files call it, if not by its name.")},
		},
		Out:      []schema.Port{local.TablePort()},
		Examples: []schema.Example{{Title: "Some columns of the files, one with another type", Code: example}},
	},
	Shape:  shape,
	Derive: remote.Derive,
	Source: &component.Source{Files: files, Sniff: sniff},
	Run:    run,
}

const doc = `All files that ` + "`path`" + ` means make one table. With ` + "`column`" + ` blocks, these are the whole table: found by name regardless
of case and read as the declared type; columns of the files that are not declared are left out; one that is declared and
missing fails the stage. **A value is stored as it is in the file, or fails the stage**, naming file, row, column and value: a cast must be
reversible ([values](language.md#values)). Without ` + "`column`" + ` blocks the columns are those of the files, which must agree.

Binary values that are UTF-8 are read as varchar where that is declared: some programs write text without saying so. An enumeration
becomes text. Times of type INT96, as Spark writes them, are timestamps; places below a microsecond need ` + "`timestamp_ns`" + `. Checksums of pages are not looked at. Rows are stored ordered by all columns.
`

const example = `pipeline "payments" {}

source "parquet" "payments" {
  path = "data/payments/**/*.parquet"

  column "payment_id" { type = "varchar" }
  column "paid_at"    { type = "timestamp" }
  column "amount"     { type = "double" }
}
`

// config is the block as the plan has it; Columns are those of mlp.lock where the block declares none.
type config struct {
	Path       string         `json:"path"`
	Columns    []local.Column `json:"column"`
	AllowEmpty bool           `json:"allow_empty"`
	local.Marks
	remote.Options
}

// shape is the declared table, without a look at the files.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: err.Error()}}}
	}
	r := local.Shape(ctx, b, c.Columns, c.Marks)
	r.Problems = append(r.Problems, c.Options.Problems(c.Path)...)
	return r
}

// files lists what path means below dir, the module's folder. An address is an error here: a fetch gets that file first.
func files(dir string, text json.RawMessage) (root string, names []string, err error) {
	c, err := component.Decode[config](text)
	if err != nil {
		return "", nil, err
	}
	return remote.Find(dir, c.Path)
}

// sniff reads the columns from the files' own schemas, not from their rows.
func sniff(ctx context.Context, root string, names []string, _ json.RawMessage) ([]schema.Column, error) {
	return table.SniffParquet(ctx, local.Paths(root, names))
}

// run writes the rows of the files that the stage's description lists, cast to the plan's types.
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
	rows, err := table.LoadParquet(ctx, local.Paths(in, names), local.Asked(s, c.Columns), s.Threads, out)
	if err != nil {
		return err
	}
	return local.Finish(ctx, s, out, c.Path, len(names), rows, c.AllowEmpty)
}
