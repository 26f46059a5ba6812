// Package json is the source of JSON files: arrays of objects, and NDJSON.
//
// Each object is a row and each member a value, found by name. The two forms may be mixed between files; which one a file has is
// seen by its first character. {"id": 1} and {"id": 2, "note": "x"} make the columns id bigint and note varchar, null in the first
// row. Reading and refusing values is table.JSON's, and the same as of CSV: no number is rounded. The rows of all files
// are stored together, ordered by all columns.
package json

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

// Component is the block `source "json"`.
var Component = component.Component{
	Kind: "source",
	Type: schema.Type{
		Name:     "json",
		Version:  1,
		Engine:   table.Engine,
		Summary:  "JSON in local files or elsewhere, one array of objects or one object a line",
		Doc:      doc,
		External: true,
		Body: schema.Body{
			Attrs: append([]schema.Attr{
				{Name: "path", Type: schema.String, Required: true, Doc: "The files, relative to the module: `data/*.json`, `data/**/*.ndjson.gz`. `*` stays within a folder, `**` spans folders. Links to files are followed, those to folders that a wildcard meets are not. Or the address of one file: `https://example.com/data.ndjson`."},
				local.AllowEmpty(),
				local.SampleBy(),
			}, slices.Concat(remote.Attrs(), local.MarkAttrs())...),
			Blocks: []schema.Block{local.ColumnBlock("What the objects call it, if not by its name.")},
		},
		Out: []schema.Port{local.TablePort()},
		Examples: []schema.Example{
			{Title: "One object a line, some of its members", Code: example},
		},
	},
	Shape:  shape,
	Derive: remote.Derive,
	Source: &component.Source{Files: files, Sniff: sniff},
	Run:    run,
}

const doc = `All files that ` + "`path`" + ` means make one table. A file is one array of objects, or objects one after the other (NDJSON, JSON Lines), in
UTF-8; those that gzip packed are unpacked, whatever they are called. Each object is a row. A member that is missing or null is null; two of one name fail the stage, since
nothing says which of them counts.

With ` + "`column`" + ` blocks, these are the whole table: found by the names of members as they are written, in small and capital letters; **members that
are not declared are left out**; one that no row has is an error. Without ` + "`column`" + ` blocks names and types are found by looking at every row, and
pinned in ` + "`mlp.lock`" + `: true and false are boolean, numbers bigint or double, texts of that form date or timestamp, lists and objects json, all else
varchar. A text stays one, whatever digits stand in it, and so does a number that a double would not print back.

**A value is stored as it was written, or fails the stage**, naming file, row, column and value ([values](language.md#values)), by the rules of
CSV: ` + "`12345678901234567890`" + ` is a ` + "`decimal(20,0)`" + ` or a varchar, and no bigint; a text is read as the declared type, so ` + "`\"2026-01-31\"`" + ` is a date
and ` + "`\"NaN\"`" + ` a double. Lists of scalars are lists (` + "`double[]`" + `), element by element. An object, or any value, is kept as its text in a column of
type ` + "`json`" + `: ` + "`payload->>'$.city'`" + ` in a dataset's SQL takes a part. Rows are stored ordered by all columns.
`

// example declares some members of orders; one is called otherwise in the files, one holds an object as it is.
const example = `pipeline "shop" {}

source "json" "orders" {
  path = "data/orders/*.ndjson"

  column "order_id" { type = "bigint" }
  column "amount"   { type = "decimal(12,2)" }
  column "placed" {
    type   = "timestamp"
    header = "placed_at"
  }
  column "address" {
    type = "json"
    pii  = true
  }
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

// shape is the declared table, without a look at the files: where the block declares no columns, those that mlp.lock has.
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

// sniff finds names and types from all rows. Nothing of the block bears on how JSON is read, so the configuration is not looked at.
func sniff(ctx context.Context, root string, names []string, _ json.RawMessage) ([]schema.Column, error) {
	return table.JSON{Files: local.Paths(root, names)}.Sniff(ctx)
}

// run writes the rows of the files that the stage's description lists. A declared member that no row has fails the stage: a typing
// error in its name would else give a column of nulls.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	names, err := s.Names("files")
	if err != nil {
		return err
	}
	files := local.Paths(s.Input("files"), names)
	out, err := s.OutputTable("table")
	if err != nil {
		return err
	}
	rows, err := table.JSON{Files: files, Threads: s.Threads}.Load(ctx, local.Asked(s, c.Columns), out)
	if err != nil {
		return err
	}
	return local.Finish(ctx, s, out, c.Path, len(files), rows, c.AllowEmpty)
}
