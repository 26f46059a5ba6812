// Package postgres is the source of a PostgreSQL server's rows.
//
// The block becomes two stages. source.orders@fetch (stdlib/fetch/postgres) alone speaks with the server: it holds the password,
// runs the query in one read-only transaction, and writes a file of JSON. The stage of the block itself reads that file, without
// a network, and types its values:
//
//	server's row             in the file                            in the table
//	(7, 12.50, \xff)         {"id":7,"amount":12.50,"raw":"\\xff"}  7, 12.50, one byte
//
// Parted so, another type for a column runs the second stage again and asks the server for nothing but its version.
package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	fetch "github.com/mlp-lang/mlp/stdlib/fetch/postgres"
	"github.com/mlp-lang/mlp/stdlib/source/local"
	"github.com/mlp-lang/mlp/stdlib/source/remote"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the block `source "postgres"`.
var Component = component.Component{
	Kind: "source",
	Type: schema.Type{
		Name:     "postgres",
		Version:  1,
		Engine:   table.Engine,
		Summary:  "A table or query of a PostgreSQL server",
		Doc:      doc,
		External: true,
		Body: schema.Body{
			Attrs: slices.Concat([]schema.Attr{
				{Name: "url", Type: schema.String, Required: true, Doc: "Where the database is, without a password: `postgres://reader@db.example.com:5432/shop`. Where `sslmode` is not said, it is `verify-full`, but for this machine."},
				{Name: "password", Type: schema.Ref, Ports: []schema.PortType{schema.SecretPort}, Kinds: []string{"secret"}, Edge: schema.DefinitionEdge, Doc: "The `secret` with the user's password."},
				{Name: "table", Type: schema.String, Doc: "The table or view to read: `orders`, `sales.orders`, `\"Orders\"`. Either this or `query`."},
				{Name: "query", Type: schema.String, Doc: "One SELECT in PostgreSQL's own SQL. It is run in a transaction that may change nothing."},
				{Name: "version", Type: schema.String, Doc: "A SELECT of one row that is another one whenever the rows are: `select max(changed_at), count(*) from orders`. What it says is believed. Without it each plan has the server hash all rows."},
				{Name: "max_bytes", Type: schema.Number, Doc: "How large the rows may be as JSON. Without it 10 GB."},
				local.AllowEmpty(),
				local.SampleBy(),
			}, local.MarkAttrs()),
			Blocks: []schema.Block{local.ColumnBlock("What the query calls it, if not by its name.")},
		},
		Out:      []schema.Port{local.TablePort()},
		Examples: []schema.Example{{Title: "A query, with a version that is cheap to ask for", Code: example}},
	},
	Shape:  shape,
	Derive: derive,
	Run:    run,
}

const doc = `The stage ` + "`source.x@fetch`" + ` reads all rows in one read-only transaction that sees the database as it was at one moment (repeatable read), as JSON,
and the source reads those offline ([data elsewhere](language.md#data-elsewhere)). Its version is a hash of the rows, made by the server at each plan; or the row of ` + "`version`" + `.

Columns are declared, or those that the server describes the query with, found by ` + "`mlp init`" + `: a ` + "`numeric`" + ` without digits, such as a sum, is varchar then. **A value is stored as it is in the database, or fails the stage**, naming row, column and value ([values](language.md#values)): ` + "`bigint`" + `,
` + "`numeric`" + ` as ` + "`decimal(p,s)`" + ` or varchar, ` + "`timestamptz`" + ` as timestamp in UTC, ` + "`date`" + `, ` + "`uuid`" + `, ` + "`bytea`" + ` as blob, ` + "`json`" + ` and ` + "`jsonb`" + ` as json, arrays of one
dimension as lists (` + "`bigint[]`" + `), all others as varchar, as the server writes them. ` + "`NaN`" + ` and infinities are doubles, and told in a warning; as decimals they are refused, and so are
` + "`infinity`" + ` and years before Christ as times. Rows are stored ordered by all columns.
`

const example = `pipeline "shop" {}

secret "shop" { env = "SHOP_DB_PASSWORD" }

source "postgres" "orders" {
  url      = "postgres://reader@db.example.com:5432/shop"
  password = secret.shop
  query    = "select id, amount, placed_at from orders where amount > 0"
  version  = "select max(changed_at), count(*) from orders"

  column "id"        { type = "bigint" }
  column "amount"    { type = "decimal(12,2)" }
  column "placed_at" { type = "timestamp" }
}
`

// config is the block as the plan has it, without the password: the stage that reads the rows has no use for it.
type config struct {
	URL     string `json:"url"`
	Table   string `json:"table"`
	Query   string `json:"query"`
	Version string `json:"version"`
	// MaxBytes bounds the rows as JSON, in bytes; 0: the limit of remote.Bytes. A number of the language, so a float64.
	MaxBytes   float64        `json:"max_bytes"`
	Columns    []local.Column `json:"column"`
	AllowEmpty bool           `json:"allow_empty"`
	local.Marks
}

// shape is the declared table; the server is not asked.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: err.Error()}}}
	}
	r := local.Shape(ctx, b, c.Columns, c.Marks)
	r.Problems = append(r.Problems, c.problems()...)
	return r
}

// problems are what is wrong with how the rows are asked for.
// The same list serves shape, which shows it, and derive, which then makes no fetch: an address that is none is sent nothing.
func (c config) problems() (out []schema.Problem) {
	add := func(path, summary, detail, hint string) {
		out = append(out, schema.Problem{Path: path, Summary: summary, Detail: detail, Hint: hint})
	}
	if err := fetch.Check(c.URL); err != nil {
		add("url", fmt.Sprintf("the address of the database is none: %v", err), "One is postgres://reader@db.example.com:5432/shop.", "the password is a secret: password = secret.NAME")
	}
	out = append(out, local.TableOrQuery(c.Table, c.Query)...)
	if c.MaxBytes < 0 || c.MaxBytes != float64(int64(c.MaxBytes)) {
		add("max_bytes", fmt.Sprintf("max_bytes is %v", c.MaxBytes), "It is a whole number of bytes.", "")
	}
	return out
}

// query is the SELECT of the block.
func (c config) query() string {
	if c.Query != "" {
		return c.Query
	}
	return "select * from " + c.Table
}

// derive is the fetch of the rows. Its configuration is all that the rows depend on: the declared columns are not part of it,
// so that changing them does not fetch again. Location is what people are shown, without the text of a query.
func derive(req schema.DeriveRequest) ([]schema.Derivation, error) {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return nil, err
	}
	if problems := c.problems(); len(problems) > 0 {
		return nil, schema.Problems(problems)
	}
	told, err := json.Marshal(fetch.Config{URL: c.URL, Query: c.query(), Version: c.Version, MaxBytes: remote.Bytes(c.MaxBytes)})
	if err != nil {
		return nil, err
	}
	where := c.URL + " " + c.Table
	if c.Query != "" {
		where = c.URL + " (query)"
	}
	return []schema.Derivation{{
		Role: schema.FetchRole, Config: told, Into: fetch.Port,
		Fetch: &schema.Fetch{Type: fetch.Component.Type.Name, Version: fetch.Component.Type.Version, Location: where, Query: c.Query},
		Out:   []schema.DerivationOutput{{Port: fetch.Port, Type: schema.FilesPort}},
	}}, nil
}

// run types the rows that the fetch wrote. Messages call the file by the table's name, or "the query of source.orders", since nobody
// has seen the file; a row's number is its place in the JSON.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	out, err := s.OutputTable("table")
	if err != nil {
		return err
	}
	name := c.Table
	if name == "" {
		name = "the query of " + address.Block(s.Address)
	}
	files := local.Paths(s.Input(fetch.Port), []string{fetch.File})
	files[0].Name = name
	rows, err := table.JSON{Files: files, HexBlobs: true, Threads: s.Threads, Cure: "Change the column's type, or what the query makes of it: its rows are counted in the order of their JSON."}.
		Load(ctx, local.Asked(s, c.Columns), out)
	if err != nil {
		return err
	}
	return local.Finish(ctx, s, out, name, len(files), rows, c.AllowEmpty)
}
