// Package csv is the source of CSV files: RFC 4180 in UTF-8, packed by gzip or not.
//
// The component declares what a block may say and hands everything else on: which files a path means to stdlib/source/local (or
// remote, for an address), and reading, typing and refusing values to table.CSV. The table that comes out holds the rows of
// all files together, ordered by all columns; two runs over the same content store the same bytes, in whatever order the
// files or their lines stood.
//
// A file of two lines and a block without column blocks
//
//	id,amount
//	007,12.50
//
// makes the columns id varchar (a number would print back as 7) and amount double.
package csv

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/source/local"
	"github.com/mlp-lang/mlp/stdlib/source/remote"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the block `source "csv"`.
var Component = component.Component{
	Kind: "source",
	Type: schema.Type{
		Name:     "csv",
		Version:  2,
		Engine:   table.Engine,
		Summary:  "Comma-separated values in local files or elsewhere",
		Doc:      doc,
		External: true,
		Body: schema.Body{
			Attrs: append([]schema.Attr{
				{Name: "path", Type: schema.String, Required: true, Doc: "The files, relative to the module: `data/*.csv`, `data/**/*.csv.gz`. `*` stays within a folder, `**` spans folders. Links to files are followed, those to folders that a wildcard meets are not. Or the address of one file: `https://example.com/data.csv.gz`."},
				{Name: "delimiter", Type: schema.String, Default: ",", Doc: "The character between fields."},
				{Name: "header", Type: schema.Bool, Default: true, Doc: "Whether the first row of each file names its columns."},
				{Name: "null_values", Type: schema.StringList, Doc: "Spellings of null, besides the empty field: `[\"NA\", \"?\"]`."},
				{Name: "trim", Type: schema.Bool, Default: false, Doc: "Whether blanks around fields and names are left out."},
				local.AllowEmpty(),
				local.SampleBy(),
			}, slices.Concat(remote.Attrs(), local.MarkAttrs())...),
			Blocks: []schema.Block{columnBlock()},
		},
		Out: []schema.Port{local.TablePort()},
		Examples: []schema.Example{
			{Title: "Declared columns", Code: declared},
			{Title: "Blanks after commas, ? for null, a column under another name", Code: untidy},
		},
	},
	Shape:  shape,
	Derive: remote.Derive,
	Source: &component.Source{Files: files, Sniff: sniff},
	Run:    run,
}

// columnBlock is that of other files, and what stands for null in one column.
func columnBlock() schema.Block {
	b := local.ColumnBlock("What the header calls it, if not by its name.")
	b.Body.Attrs = append(b.Body.Attrs, schema.Attr{Name: "null_values", Type: schema.StringList,
		Doc: "Spellings of null in this column, besides those of the source: `[\"-999\"]`. They are compared as text: `-999.0` is another."})
	return b
}

const doc = `All files that ` + "`path`" + ` means make one table. They are UTF-8, as RFC 4180 describes; those that gzip packed are unpacked, whatever they are called.

With ` + "`column`" + ` blocks, these are the whole table: found in each file by the names in its header, in whatever order they stand there,
regardless of case; **columns of the files that are not declared are left out**; one that is declared and missing is an error.
Without a header columns are taken by their place, and all must be declared. Without ` + "`column`" + ` blocks names and types are found
by looking at every row, and pinned in ` + "`mlp.lock`" + `: true/false is boolean, then bigint, double, date, timestamp, else varchar. What a number would
not print back stays varchar: leading zeros, a ` + "`+`" + `, more digits than it keeps (` + "`12345678901234567890123`" + `), an exponent with neither sign nor
point (` + "`12E4`" + `), an underscore; so does a time with more than six places.

An empty field is null; a quoted empty one is an empty text. **A value is stored as it was written, or fails the stage**, naming file, line, column
and value ([values](language.md#values)); so does a row with too few or too many fields. ` + "`inf`" + ` and ` + "`nan`" + ` are doubles, and told in a warning.
Rows are stored ordered by all columns, so that neither the files' names nor the order of lines matters.
`

const declared = `pipeline "payments" {}

source "csv" "payments" {
  path = "data/payments/*.csv"

  column "payment_id" { type = "varchar" }
  column "paid_at"    { type = "timestamp" }
  column "amount" {
    type   = "double"
    header = "Amount (EUR)"
  }
  column "card" {
    type = "varchar"
    pii  = true
  }
}
`

const untidy = `pipeline "census" {}

source "csv" "adult" {
  path        = "data/adult.csv"
  trim        = true
  null_values = ["?"]

  column "age"       { type = "bigint" }
  column "workclass" { type = "varchar" }
  column "hours" {
    type   = "bigint"
    header = "hours-per-week"
  }
  column "sex" {
    type      = "varchar"
    protected = true
  }
}
`

// config is the block as the plan has it: defaults filled in, and Columns those of mlp.lock where the block declares none.
type config struct {
	Path      string `json:"path"`
	Delimiter string `json:"delimiter"`
	// Header is nil where the configuration lacks it, which means yes; see header.
	Header *bool `json:"header"`
	// NullValues are spellings of null in every column; those of one column are in its Column.
	NullValues []string       `json:"null_values"`
	Trim       bool           `json:"trim"`
	AllowEmpty bool           `json:"allow_empty"`
	Columns    []local.Column `json:"column"`
	local.Marks
	remote.Options
}

// shape is the declared table. It opens no file: whether the files have such columns is seen when the stage runs. A delimiter that
// cannot part fields, and a header named for files that have none, are problems at their attribute.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: err.Error()}}}
	}
	r := local.Shape(ctx, b, c.Columns, c.Marks)
	r.Problems = append(r.Problems, c.Options.Problems(c.Path)...)
	if d := c.Delimiter; d != "" && (utf8.RuneCountInString(d) != 1 || d == `"` || d == "\n" || d == "\r") {
		r.Problems = append(r.Problems, schema.Problem{Path: "delimiter", Summary: fmt.Sprintf("%q is no delimiter", d),
			Detail: "It is one character, and neither a quote nor the end of a line.", Hint: `a tab is "\t"`})
	}
	for _, column := range c.Columns {
		if column.Header != "" && !c.header() {
			r.Problems = append(r.Problems, schema.Problem{Path: "column[" + column.Name + "].header", Summary: "the files have no header",
				Detail: "With header = false columns are taken by their place."})
		}
	}
	return r
}

// header reports whether the first row of each file names its columns; yes, unless the block says no.
func (c config) header() bool { return c.Header == nil || *c.Header }

// files lists what path means below dir, the module's folder. An address is an error here: a fetch gets that file first.
func files(dir string, text json.RawMessage) (root string, names []string, err error) {
	c, err := component.Decode[config](text)
	if err != nil {
		return "", nil, err
	}
	return remote.Find(dir, c.Path)
}

// sniff finds names and types by looking at every row of all files: a column has the narrowest type that takes all values.
func sniff(ctx context.Context, root string, names []string, text json.RawMessage) ([]schema.Column, error) {
	c, err := component.Decode[config](text)
	if err != nil {
		return nil, err
	}
	return c.reader(root, names).Sniff(ctx)
}

// reader is how the files are read, the same for sniffing and for loading, so that what sniff says of a file holds for the run.
func (c config) reader(root string, names []string) table.CSV {
	return table.CSV{Files: local.Paths(root, names), Delimiter: c.Delimiter, Header: c.header(), Nulls: c.NullValues, Trim: c.Trim}
}

// run writes the rows of the files that the stage's description lists, and of no others that a folder may have got meanwhile: those
// are the ones that the fingerprint covers. The first value that its column's type does not take fails the stage.
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
	reader := c.reader(in, names)
	reader.Threads = s.Threads
	rows, err := reader.Load(ctx, local.Asked(s, c.Columns), out)
	if err != nil {
		return err
	}
	return local.Finish(ctx, s, out, c.Path, len(names), rows, c.AllowEmpty)
}
