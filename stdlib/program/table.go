package program

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/source/local"
)

// Columns are the columns of a table that a program writes: nothing of the program is known before it runs, so they are declared, and what it writes is held to
// them.
type Columns struct {
	Columns []Column `json:"column"`
}

// Column is one of them.
type Column struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	PII       bool   `json:"pii"`
	Protected bool   `json:"protected"`
}

// ColumnBlock is their schema.
func ColumnBlock(required bool) schema.Block {
	return schema.Block{
		Name: "column", Labelled: true, Repeated: true, Required: required,
		Doc: "A column of the table that the program writes. Those that are declared are the whole table, in this order: one that is missing, or does not fit its type, fails the stage (in ndjson an absent one is null); further ones are left out.",
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "type", Type: schema.String, Required: true, Doc: "Its type: `bigint`, `double`, `varchar`, `boolean`, `date`, `timestamp`, `decimal(18,3)`, or another of DuckDB's."},
			{Name: "pii", Type: schema.Bool, Default: false, Doc: "It tells who a person is, besides the columns that a marked input makes so: it may not reach a model, report or export unless that says so."},
			{Name: "protected", Type: schema.Bool, Default: false, Doc: "Such as age or sex, besides the columns that a marked input makes so."},
		}},
	}
}

// Params is the block of parameters of a program.
func Params() schema.Block {
	return schema.Block{Name: "params", FreeAttrs: true, Doc: "Whatever the program wants to be told: it finds them under `config.params` in stage.json."}
}

// From is the attribute of the tables that a program reads.
func From(doc string, required bool) schema.Attr {
	return schema.Attr{Name: "from", Type: schema.RefMap, Required: required, Ports: []schema.PortType{schema.TablePort}, Rows: schema.DrawnRows, Doc: doc}
}

// Table types the columns. The result has a table, and problems at the columns.
func (c *Columns) Table(ctx context.Context, b component.Binder) (*schema.Table, []schema.Problem) {
	columns := make([]local.Column, len(c.Columns))
	for i, x := range c.Columns {
		columns[i] = local.Column{Name: x.Name, Type: x.Type, PII: x.PII, Protected: x.Protected}
	}
	res := local.Shape(ctx, b, columns, local.Marks{})
	return res.Out["table"].Table, res.Problems
}

// KeyAttr is the attribute of the key of a table that a program writes.
func KeyAttr() schema.Attr {
	return schema.Attr{Name: "key", Type: schema.StringList, Doc: "The columns that tell rows apart. Rows are stored in their order, else in that of all columns, and it is checked that they are unique and not null."}
}

// keyed is a table with a key.
type keyed struct {
	Columns
	Key []string `json:"key"`
}

// Keyed types a table of declared columns with a key: what datasets and sources yield.
func Keyed(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c keyed
	if err := json.Unmarshal(req.Config, &c); err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The block cannot be read: " + err.Error()}}}
	}
	t, problems := c.Table(ctx, b)
	if t == nil {
		return schema.ShapeResult{Problems: problems}
	}
	for i, name := range c.Key {
		col := t.Column(name)
		if col == nil {
			problems = append(problems, schema.Problem{Path: fmt.Sprintf("key[%d]", i), Summary: fmt.Sprintf("The table has no column %q", name),
				Detail: "It has " + strings.Join(t.Names(), ", ") + ".", Hint: suggest.DidYouMean(name, t.Names())})
			continue
		}
		t.Key = append(t.Key, col.Name)
	}
	return schema.ShapeResult{Out: map[string]schema.Shape{"table": {Type: schema.TablePort, Table: t}}, Problems: problems}
}
