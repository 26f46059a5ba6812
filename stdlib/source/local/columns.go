package local

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Column is a column block as it stands in a stage's configuration.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Header is what the files call the column; "" where that is Name.
	Header    string `json:"header"`
	PII       bool   `json:"pii"`
	Protected bool   `json:"protected"`
	// NullValues are of CSV only: spellings of null in this column, besides those of the source.
	NullValues []string `json:"null_values"`
}

// ColumnBlock is the schema of column blocks. header is said of what names columns in the files.
func ColumnBlock(header string) schema.Block {
	return schema.Block{
		Name: "column", Labelled: true, Repeated: true,
		Doc: "A column of the table. Where any is declared, the declared ones are the whole table, in this order, and other columns of the files are left out.",
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "type", Type: schema.String, Required: true, Doc: "Its type: `bigint`, `double`, `varchar`, `boolean`, `date`, `timestamp`, `decimal(18,3)`, or another of DuckDB's."},
			{Name: "header", Type: schema.String, Doc: header},
			{Name: "pii", Type: schema.Bool, Default: false, Doc: "It tells who a person is: it may not reach a model, report or export unless that says so."},
			{Name: "protected", Type: schema.Bool, Default: false, Doc: "Such as age or sex: results may be compared by it, models may not be trained on it unless they say so."},
		}},
	}
}

// AllowEmpty is the attribute of sources that may have no rows.
func AllowEmpty() schema.Attr {
	return schema.Attr{Name: "allow_empty", Type: schema.Bool, Default: false,
		Doc: "Whether files without rows are all right, as on a day when nothing came in. The columns must be declared then, or pinned. Without it they fail the stage."}
}

// SampleBy is the attribute that says which rows of a source stay together in a sample (stdlib/sample/rows). The planner reads it; it is no
// part of what the source yields.
func SampleBy() schema.Attr {
	return schema.Attr{Name: "sample_by", Type: schema.StringList, Metadata: true,
		Doc: "Columns whose rows stay together where a plan is of a [sample](cli.md#samples), such as `[\"customer\"]`: all rows of a customer are in it, or none, and the same customers in every source that names such a column."}
}

// Marks are the attributes that mark columns without declaring them: pii = ["email"] on a source whose columns are found by
// looking at the files, or of a query. A column is marked in one place: in a list, or in its block.
type Marks struct {
	PII       []string `json:"pii"`
	Protected []string `json:"protected"`
}

// MarkAttrs is the schema of Marks.
func MarkAttrs() []schema.Attr {
	return []schema.Attr{
		{Name: "pii", Type: schema.StringList, Doc: "Columns that tell who a person is, as `pii = true` in their blocks would say; they need not be declared."},
		{Name: "protected", Type: schema.StringList, Doc: "Columns such as age or sex, as `protected = true` in their blocks would say; they need not be declared."},
	}
}

// Mark sets PII and Protected of the columns that the marks name, and returns a problem for each name that no column has, and for each that is
// marked already: in the same list, or by a block among those that are declared.
func (m Marks) Mark(t *schema.Table, declared []Column) []schema.Problem {
	var out []schema.Problem
	for _, list := range []struct {
		attr  string
		names []string
		set   func(*schema.Column)
		said  func(Column) bool
	}{
		{"pii", m.PII, func(c *schema.Column) { c.PII = true }, func(c Column) bool { return c.PII }},
		{"protected", m.Protected, func(c *schema.Column) { c.Protected = true }, func(c Column) bool { return c.Protected }},
	} {
		for i, name := range list.names {
			path := fmt.Sprintf("%s[%d]", list.attr, i)
			c := t.Column(name)
			same := func(other string) bool { return strings.EqualFold(other, name) }
			switch {
			case c == nil:
				out = append(out, noColumn(path, name, t))
			case slices.ContainsFunc(list.names[:i], same):
				out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("%q stands twice in %s", name, list.attr), Hint: "leave one out"})
			case slices.ContainsFunc(declared, func(d Column) bool { return same(d.Name) && list.said(d) }):
				out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("%q is marked %s twice", name, list.attr),
					Detail: "Its column block says so too: who takes one away would believe that it is unmarked.", Hint: "leave one out"})
			default:
				list.set(c)
			}
		}
	}
	return out
}

// noColumn is the problem at an attribute that names a column the table does not have, with the ones it has.
func noColumn(path, name string, t *schema.Table) schema.Problem {
	return schema.Problem{Path: path, Summary: fmt.Sprintf("the table has no column %q", name), Detail: "It has " + strings.Join(t.Names(), ", ") + ".",
		Hint: suggest.DidYouMean(name, t.Names())}
}

// TablePort is what a source yields.
func TablePort() schema.Port {
	return schema.Port{Name: "table", Type: schema.TablePort, Doc: "The files' rows, ordered by all columns."}
}

// Shape is the table that the column blocks declare. Their types are checked and written the engine's way.
// INT and int4 both come out as integer. A column of an unknown type is a problem and goes on as varchar, so that one typing error is
// told once, and not again by every block that uses the column.
func Shape(ctx context.Context, b component.Binder, columns []Column, marks Marks) schema.ShapeResult {
	var r schema.ShapeResult
	if len(columns) == 0 {
		r.Problems = append(r.Problems, schema.Problem{Summary: "no columns are known",
			Detail: "The block declares none, and none have been found in its files."})
		return r
	}
	out := &schema.Table{}
	for _, c := range columns {
		if out.Column(c.Name) != nil {
			r.Problems = append(r.Problems, schema.Problem{Path: place(c, ""), Summary: fmt.Sprintf("two columns are named %q", c.Name),
				Detail: "Names of columns must differ, regardless of case."})
			continue
		}
		kind, problem := columnType(ctx, b, c)
		if problem != nil {
			r.Problems = append(r.Problems, *problem)
			kind = "varchar"
		}
		out.Columns = append(out.Columns, schema.Column{Name: c.Name, Type: kind, PII: c.PII, Protected: c.Protected})
	}
	r.Problems = append(r.Problems, marks.Mark(out, columns)...)
	r.Out = map[string]schema.Shape{"table": {Type: schema.TablePort, Table: out}}
	return r
}

// place is where a column block's attribute stands, for problems: column[amount].type.
func place(c Column, attr string) string {
	p := "column[" + c.Name + "]"
	if attr != "" {
		p += "." + attr
	}
	return p
}

// typeWords are types of pandas, NumPy and Spark, with what they are here.
var typeWords = map[string]string{
	"object": "varchar", "category": "varchar", "str": "varchar", "character": "varchar", "float64": "double", "float32": "float", "number": "double", "numerical": "double",
	"integer64": "bigint", "long": "bigint", "datetime64": "timestamp", "datetime64[ns]": "timestamp", "instant": "timestamp", "categorical": "varchar",
}

// columnType is a declared type as the engine writes it. The engine itself decides what is a type, by typing cast(null as …), so
// that no list of types is kept here; what it takes and then does not hold values to is refused after (unchecked).
func columnType(ctx context.Context, b component.Binder, c Column) (string, *schema.Problem) {
	p := &schema.Problem{Path: place(c, "type"), Summary: fmt.Sprintf("%q is no type of a column", c.Type),
		Detail: "Common types are bigint, double, varchar, boolean, date, timestamp and decimal(18,3)."}
	if strings.TrimSpace(c.Type) == "" {
		return "", p
	}
	col, problems := b.Expr(ctx, "cast(null as "+c.Type+")", &schema.Table{}, false)
	if len(problems) > 0 {
		if p.Hint = problems[0].Hint; typeWords[strings.ToLower(c.Type)] != "" {
			p.Hint = "write " + typeWords[strings.ToLower(c.Type)]
		}
		if strings.Contains(problems[0].Summary, "cannot be stored") {
			p.Detail = problems[0].Detail
		}
		return "", p
	}
	if detail, hint := unchecked(c.Type); detail != "" {
		return "", &schema.Problem{Path: place(c, "type"), Summary: fmt.Sprintf("nothing would hold the values of column %q to the type %s", c.Name, c.Type), Detail: detail, Hint: hint}
	}
	return col.Type, nil
}

// uncheckedTypes are types of the engine that say more than the type that their values are stored with. They are found by their
// spelling, since the engine answers with the stored type and no longer knows the length of a varchar(10).
var uncheckedTypes = []struct {
	pattern      func() *regexp.Regexp
	detail, hint string
}{
	{lazyregexp.New(`\benum\b`), "An enumeration is stored as text, any text.", "write varchar, and in_set in a check's expect block"},
	{lazyregexp.New(`\b(bit|bitstring)\b`), "Bits are stored as text, any text.", `write varchar, and matches = "^[01]*$" in a check's expect block`},
	{lazyregexp.New(`\btimestamp_(s|ms)\b`), "Times are stored in microseconds.", "write timestamp"},
	{lazyregexp.New(`\b(varchar|char|bpchar|text|string|nvarchar|character varying)\s*\(`), "Texts are stored in any length.", "write varchar, and max_length in a check's expect block"},
	{lazyregexp.New(`\[\s*[0-9]+\s*\]`), "Arrays are stored as lists of any length.", "leave the length out: []"},
}

// quotedName is a name or text in quotes within a type.
var quotedName = lazyregexp.New(`"([^"]|"")*"|'([^']|'')*'`)

// unchecked says why a declared type would promise more than is checked, and what to write instead: varchar(10) is stored as
// varchar, of any length. Both are empty for a type that is stored as declared.
func unchecked(declared string) (detail, hint string) {
	plain := quotedName().ReplaceAllString(strings.ToLower(declared), `""`)
	for _, u := range uncheckedTypes {
		if u.pattern().MatchString(plain) {
			return u.detail, u.hint
		}
	}
	return "", ""
}

// TableOrQuery are the mistakes of a source of a database that does not say which rows are read, or says so twice.
func TableOrQuery(table, query string) []schema.Problem {
	switch {
	case table == "" && query == "":
		return []schema.Problem{{Summary: "neither table nor query says which rows are read", Hint: `add table = "orders"`}}
	case table != "" && query != "":
		return []schema.Problem{{Path: "query", Summary: "table and query both say which rows are read", Detail: "One of them does.", Hint: "leave one out"}}
	}
	return nil
}
