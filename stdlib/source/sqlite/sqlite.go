// Package sqlite is the source of the rows of a local SQLite file.
//
// SQLite has types of values and not of columns: a column declared INTEGER may hold 1, 'one' and null. So the rows go through
// JSON, which keeps each value's own type, and table.JSON holds them to the types of the plan as it does those of a JSON
// file. The 1 is stored as a bigint; 'one' fails the stage, with its row and column.
//
// The version of a database is the content of its files. One that is in use consists of two: shop.db, and beside it
// shop.db-wal with what is committed and not yet in it, or shop.db-journal with what an interrupted transaction is to
// be taken back by. Both count, or a commit would not be seen.
package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/source/local"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the block `source "sqlite"`.
var Component = component.Component{
	Kind: "source",
	Type: schema.Type{
		Name:     "sqlite",
		Version:  1,
		Engine:   table.Engine,
		Summary:  "A table or query of a local SQLite file",
		Doc:      doc,
		External: true,
		Body: schema.Body{
			Attrs: slices.Concat([]schema.Attr{
				{Name: "path", Type: schema.String, Required: true, Doc: "The database's file, relative to the module: `data/shop.db`."},
				{Name: "table", Type: schema.String, Doc: "The table or view to read. Either this or `query`."},
				{Name: "query", Type: schema.String, Doc: "One SELECT in SQLite's own SQL."},
				local.AllowEmpty(),
				local.SampleBy(),
			}, local.MarkAttrs()),
			Blocks: []schema.Block{local.ColumnBlock("What the query calls it, if not by its name.")},
		},
		Out:      []schema.Port{local.TablePort()},
		Examples: []schema.Example{{Title: "A query", Code: example}},
	},
	Shape:  shape,
	Source: &component.Source{Files: files, Sniff: sniff},
	Run:    run,
}

const doc = `The file is a local one: its version is its content, with that of the ` + "`-wal`" + ` or ` + "`-journal`" + ` file beside it, so that what is committed counts and nothing else. The stage reads a
copy; where a program writes to the database meanwhile, the stage fails as stale.

With ` + "`column`" + ` blocks, these are the whole table, and other columns of the query are left out. Without them names and types are found from all rows, and pinned in ` + "`mlp.lock`" + `. SQLite
has types of values, not of columns: **a value is stored as it is, or fails the stage**, naming row, column and value ([values](language.md#values)). Integers and reals are read as
numbers, texts as those of CSV (dates and decimals are texts there), blobs as blob and nothing else. Rows are stored ordered by all columns.
`

const example = `pipeline "shop" {}

source "sqlite" "orders" {
  path  = "data/shop.db"
  query = "select id, amount, placed_at from orders where amount > 0"

  column "id"        { type = "bigint" }
  column "amount"    { type = "double" }
  column "placed_at" { type = "timestamp" }
}
`

// config is the block as the plan has it; Columns are those of mlp.lock where the block declares none.
type config struct {
	Path       string         `json:"path"`
	Table      string         `json:"table"`
	Query      string         `json:"query"`
	Columns    []local.Column `json:"column"`
	AllowEmpty bool           `json:"allow_empty"`
	local.Marks
}

// shape is the declared table. The database is not opened, so that a mistake in query is seen when the stage runs.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: err.Error()}}}
	}
	r := local.Shape(ctx, b, c.Columns, c.Marks)
	r.Problems = append(r.Problems, local.TableOrQuery(c.Table, c.Query)...)
	return r
}

// beside are the files in which SQLite keeps what is not in the database's own yet, or what is to be taken back.
var beside = []string{"-journal", "-wal"}

// files are the database and what lies beside it, sorted: {"shop.db", "shop.db-wal"}. Files beside it of no length are left
// out, since SQLite leaves such behind that mean nothing, and with them the version would change without a change of rows.
func files(dir string, text json.RawMessage) (root string, names []string, err error) {
	c, err := component.Decode[config](text)
	if err != nil {
		return "", nil, err
	}
	root, names, err = local.Find(dir, c.Path)
	if err != nil {
		return root, names, err
	}
	if len(names) != 1 {
		return root, nil, &component.InputError{Summary: fmt.Sprintf("%q means %d files", c.Path, len(names)), Detail: "A source reads one database."}
	}
	at := root
	if !filepath.IsAbs(root) {
		at = filepath.Join(dir, root)
	}
	for _, suffix := range beside {
		if info, err := os.Stat(filepath.Join(at, names[0]+suffix)); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			names = append(names, names[0]+suffix)
		} else if err != nil && !os.IsNotExist(err) {
			return root, nil, err
		}
	}
	slices.Sort(names)
	return root, names, nil
}

// query is the SELECT of the block.
func (c config) query() string {
	// A query ends where its last semicolon stands; within the parentheses that rows puts around it one is a mistake.
	if c.Query != "" {
		return strings.TrimRight(strings.TrimSpace(c.Query), ";")
	}
	return "select * from " + table.Quote(c.Table)
}

// name is what messages call the rows.
func (c config) name() string {
	if c.Table != "" {
		return path.Base(c.Path) + " " + c.Table
	}
	return "the query of " + path.Base(c.Path)
}

// sniff finds types from the values of all rows, whatever the table was created with.
func sniff(ctx context.Context, root string, names []string, text json.RawMessage) ([]schema.Column, error) {
	c, err := component.Decode[config](text)
	if err != nil {
		return nil, err
	}
	var out []schema.Column
	err = c.rows(ctx, root, names, nil, func(file table.File, blobs []string) error {
		out, err = table.JSON{Files: []table.File{file}, HexBlobs: true}.Sniff(ctx)
		for i, column := range out {
			if slices.Contains(blobs, column.Name) {
				out[i].Type = "blob" // which JSON has as text
			}
		}
		return err
	})
	return out, err
}

// run reads a copy of the database and stores its rows ordered by all columns. The columns are handed to the reader twice: before,
// to select no others and to tell blobs from texts, and after, to type the values.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	names, err := s.Names("files")
	if err != nil {
		return err
	}
	out, err := s.OutputTable("table")
	if err != nil {
		return err
	}
	asked, rows := local.Asked(s, c.Columns), int64(0)
	err = c.rows(ctx, s.Input("files"), names, asked, func(file table.File, _ []string) error {
		rows, err = table.JSON{Files: []table.File{file}, HexBlobs: true, Threads: s.Threads, Cure: "Change the column's type, or what the query makes of it."}.Load(ctx, asked, out)
		return err
	})
	if err != nil {
		return err
	}
	return local.Finish(ctx, s, out, c.name(), 1, rows, c.AllowEmpty)
}

// main is the database's own file among those of a source.
// A file is beside another one only if that is in the list: a database that is itself called notes-wal is its own.
func main(names []string) (string, error) {
	for _, name := range names {
		if !slices.ContainsFunc(beside, func(suffix string) bool {
			return strings.HasSuffix(name, suffix) && slices.Contains(names, strings.TrimSuffix(name, suffix))
		}) {
			return name, nil
		}
	}
	return "", fs.ErrNotExist
}
