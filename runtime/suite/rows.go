package suite

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// Rows are written as CSV with a header, or as a list of objects; both become CSV that one reader reads (load.go). Here they are held to the
// table that they stand for, as far as that needs no engine: names of columns, that each object has all columns, that a value is of the
// right kind. Whether "2024-02-30" is a date the engine finds out, and it is told at the same line.

// rows types rows that are written, by the columns of the table that they stand for: g.table gets the written columns,
// with the types of the block's own. Whether all columns are there is another question (complete), which rows that are
// expected are not asked.
func (k *checker) rows(g *given) {
	own := g.block.Out[g.port].Table
	if g.attrs["csv"] != nil && g.attrs["rows"] != nil {
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestGiven, Subject: g.rangeOf("rows"),
			Summary: fmt.Sprintf("the rows of %s are written twice", g.label),
			Detail:  "Write csv or rows.",
		})
		return
	}
	names, at := k.header(g)
	if names == nil {
		return
	}
	g.table = &schema.Table{Key: own.Key}
	// A column that the table does not have is told and left out, so that the others are still typed.
	for i, name := range names {
		c := own.Column(name)
		if c == nil {
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestColumns, Subject: at[i],
				Summary: fmt.Sprintf("%s has no column %q", g.label, name),
				Detail:  "Its columns are " + strings.Join(own.Names(), ", ") + ".",
				Hint:    suggest.DidYouMean(name, own.Names()),
			})
			continue
		}
		if g.table.Column(name) != nil {
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestColumns, Subject: at[i],
				Summary: fmt.Sprintf("the column %q is written twice", name),
			})
		}
		g.table.Columns = append(g.table.Columns, schema.Column{Name: c.Name, Type: c.Type})
	}
	if g.attrs["rows"] != nil {
		k.cells(g)
	}
}

// complete checks that all columns of a given table are written, or have a default, and not both. Case makes no other
// column of a default, as of a column of rows.
func (k *checker) complete(g *given) {
	own := g.block.Out[g.port].Table
	defaults, ok := g.attrs["defaults"].(map[string]any)
	if g.attrs["defaults"] != nil && !ok {
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestGiven, Subject: g.rangeOf("defaults"),
			Summary: "defaults takes an object of columns",
			Hint:    `write defaults = { merchant = "M1" }`,
		})
	}
	seen := map[*schema.Column]bool{}
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		c := own.Column(name)
		switch {
		case c == nil:
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestColumns, Subject: g.rangeOf("defaults." + name),
				Summary: fmt.Sprintf("%s has no column %q", g.label, name),
				Detail:  "Its columns are " + strings.Join(own.Names(), ", ") + ".",
				Hint:    suggest.DidYouMean(name, own.Names()),
			})
		case g.table.Column(name) != nil:
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestColumns, Subject: g.rangeOf("defaults." + name),
				Summary: fmt.Sprintf("the rows have the column %q themselves", name),
			})
		case seen[c]:
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestColumns, Subject: g.rangeOf("defaults." + name),
				Summary: fmt.Sprintf("the column %q is written twice", name),
			})
		default:
			seen[c] = true
			k.cell(g, "defaults."+name, c, defaults[name])
		}
	}
	var missing []string
	for _, c := range own.Columns {
		if _, has := lookup(defaults, c.Name); g.table.Column(c.Name) == nil && !has {
			missing = append(missing, c.Name)
		}
	}
	if len(missing) > 0 {
		at := g.at
		if r, ok := g.ranges["csv"]; ok {
			at = r
		} else if r, ok := g.ranges["rows"]; ok {
			at = r
		}
		parts := make([]string, len(missing))
		for i, name := range missing {
			parts[i] = name + " = null"
		}
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestColumns, Subject: at,
			Summary: fmt.Sprintf("the rows of %s lack %s", g.label, strings.Join(missing, ", ")),
			Detail:  "A table that is given has all columns of the one that it stands for.",
			Hint:    "add them, or defaults = { " + strings.Join(parts, ", ") + " }",
		})
	}
}

// header gives the columns that are written, and where: the first line of CSV; of objects all names that any row has,
// in the order of their first row and by name within it. No rows at all have all columns of the table. nil after a
// mistake.
func (k *checker) header(g *given) (names []string, at []source.Range) {
	if text, ok := g.attrs["csv"].(string); ok {
		// FieldsPerRecord -1: rows of another length are told where their values are read, with their line.
		r := csv.NewReader(strings.NewReader(tidy(text)))
		r.FieldsPerRecord, r.LazyQuotes = -1, true
		names, err := r.Read()
		if errors.Is(err, io.EOF) {
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestColumns, Subject: g.rangeOf("csv"),
				Summary: fmt.Sprintf("the rows of %s have no header", g.label),
				Detail:  "The first line names the columns.",
			})
			return nil, nil
		}
		if err != nil {
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestColumns, Subject: g.rangeOf("csv"),
				Summary: "the header cannot be read",
				Detail:  err.Error() + ".",
			})
			return nil, nil
		}
		for i := range names {
			where := g.rangeOf("csv")
			if g.heredoc() {
				where = k.inLine(where.File, where.Start.Line+1, names[i])
			}
			at = append(at, where)
		}
		return names, at
	}
	list, ok := g.attrs["rows"].([]any)
	if !ok {
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestCell, Subject: g.rangeOf("rows"),
			Summary: "rows takes a list of objects",
			Hint:    `write rows = [{ id = "a", amount = 1 }]`,
		})
		return nil, nil
	}
	seen := map[string]bool{}
	names = []string{}
	for i, row := range list {
		object, ok := row.(map[string]any)
		if !ok {
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestCell, Subject: g.rangeOf(fmt.Sprintf("rows[%d]", i)),
				Summary: fmt.Sprintf("row %d is no object", i+1),
			})
			return nil, nil
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
				at = append(at, g.rangeOf(fmt.Sprintf("rows[%d].%s", i, name)))
			}
		}
	}
	if len(list) == 0 {
		for _, c := range g.block.Out[g.port].Table.Columns {
			names, at = append(names, c.Name), append(at, g.rangeOf("rows"))
		}
	}
	return names, at
}

// cells checks the values of rows that are written as objects: each has all columns that any of them has.
func (k *checker) cells(g *given) {
	for i, row := range g.attrs["rows"].([]any) {
		object := row.(map[string]any)
		path := fmt.Sprintf("rows[%d]", i)
		for _, c := range g.table.Columns {
			v, ok := lookup(object, c.Name)
			if !ok {
				k.report(source.Diagnostic{
					Severity: source.Error, Code: source.CodeTestColumns, Subject: g.rangeOf(path),
					Summary: fmt.Sprintf("row %d lacks %s, which others have", i+1, c.Name),
					Hint:    "write " + c.Name + " = null where it is null",
				})
				continue
			}
			k.cell(g, path+"."+c.Name, &c, v)
		}
	}
}

// lookup finds a value by the column's name, whatever its case, as SQL compares names.
// With two names that differ in case alone either may be found; rows has told of the second one then.
func lookup(row map[string]any, column string) (any, bool) {
	for name, v := range row {
		if strings.EqualFold(name, column) {
			return v, true
		}
	}
	return nil, false
}

// cell holds a written value to the column's type; times and decimals beyond doubles are written as strings. null fits
// any.
func (k *checker) cell(g *given, path string, c *schema.Column, v any) {
	want := cellKind(c.Type)
	ok := v == nil
	switch v.(type) {
	case json.Number:
		ok = want == "a number"
	case bool:
		ok = want == "true or false"
	case string:
		ok = want == "a string"
	}
	if !ok {
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestCell, Subject: g.rangeOf(path),
			Summary: fmt.Sprintf("%s is %s, so it takes %s", c.Name, c.Type, want),
		})
	}
}

// cellKind is how values of an SQL type are written in HCL, as messages say it: "a number", "true or false", "a
// string".
func cellKind(t string) string {
	switch {
	case t == "boolean":
		return "true or false"
	case strings.HasSuffix(t, "int") || t == "integer" || t == "double" || t == "float" || strings.HasPrefix(t, "decimal"):
		return "a number"
	}
	return "a string"
}
