package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/component"
)

// load makes the table of the rows that are given or expected, and stores it; g.content becomes its digest. Rows go
// through CSV whichever way they are written, so that types are read by one reader, the one that csv sources have. In
// an editor, where there is no store, nothing is done. A value that does not fit its column is a diagnostic and no
// error.
func (k *checker) load(ctx context.Context, g *given) error {
	if g.table == nil || k.suite.store == nil {
		return nil
	}
	dir, err := k.suite.store.Temp("rows-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	text, name := g.text()
	query, columns := g.query()
	key := fmt.Sprint(text, "\x00", query, g.table.Columns, columns, g.table.Key)
	if known := k.suite.loaded[key]; known != "" { // the same rows are given to many tests
		g.content = known
		return nil
	}
	path := filepath.Join(dir, "rows.csv")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return err
	}
	written, out := filepath.Join(dir, "written.parquet"), filepath.Join(dir, "table")
	if err := os.Mkdir(out, 0o755); err != nil {
		return err
	}
	err = k.suite.o.Tables.Load(ctx, path, name, g.table.Columns, written)
	var input *component.InputError
	if errors.As(err, &input) {
		k.badRow(g, input.Summary, input.Detail)
		return nil
	}
	if err != nil {
		return fmt.Errorf("rows of %s: %w", g.label, err)
	}
	if err := k.suite.o.Tables.Select(ctx, query, map[string]string{"written": written}, columns, ordering(g.table.Key, columns), filepath.Join(out, component.TableFile)); err != nil {
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestCell, Subject: g.rangeOf("defaults"),
			Summary: fmt.Sprintf("the defaults of %s do not fit", g.label),
			Detail:  err.Error(),
		})
		return nil
	}
	g.content, err = k.suite.store.PutDir(ctx, out, nil)
	k.suite.loaded[key] = g.content
	return err
}

// query completes the rows by their defaults, with the columns in the table's order where all are there. Rows that are
// expected may have some columns only, and are left as they are.
func (g *given) query() (string, []schema.Column) {
	defaults, _ := g.attrs["defaults"].(map[string]any)
	if defaults == nil && len(g.table.Columns) < len(g.block.Out[g.port].Table.Columns) { // expected rows: those columns alone
		return "select * from written", g.table.Columns
	}
	var terms []string
	var columns []schema.Column
	for _, c := range g.block.Out[g.port].Table.Columns {
		term := quoted(c.Name)
		if g.table.Column(c.Name) == nil {
			v, _ := lookup(defaults, c.Name)
			term = fmt.Sprintf("cast(%s as %s) as %s", sqlLiteral(v), c.Type, term)
		}
		terms = append(terms, term)
		columns = append(columns, schema.Column{Name: c.Name, Type: c.Type})
	}
	return "select " + strings.Join(terms, ", ") + " from written", columns
}

// ordering is the key, if all of it is among the columns: of a table that is expected only some may be written.
func ordering(key []string, columns []schema.Column) []string {
	t := schema.Table{Columns: columns}
	if slices.ContainsFunc(key, func(name string) bool { return t.Column(name) == nil }) {
		return nil
	}
	return key
}

// quoted is a name in SQL, whatever stands in it.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// sqlLiteral writes a value as text in SQL; the cast to the column's type is the query's.
func sqlLiteral(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case string:
		return "'" + strings.ReplaceAll(x, "'", "''") + "'"
	}
	return "'" + fmt.Sprint(v) + "'"
}

// text is the rows as CSV and what messages call it. The text of a heredoc is pushed down by as many blank lines as
// stand above it in the file, so that the line numbers in the reader's messages are those of the file.
func (g *given) text() (text, name string) {
	if text, ok := g.attrs["csv"].(string); ok {
		at := g.rangeOf("csv")
		if !g.heredoc() {
			return tidy(text), "the csv of " + g.label + ","
		}
		return strings.Repeat("\n", at.Start.Line) + tidy(text), at.File
	}
	var b strings.Builder
	for i, c := range g.table.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + strings.ReplaceAll(c.Name, `"`, `""`) + `"`)
	}
	b.WriteString(",\"\"\n") // a last column that nobody reads, so that a row of nulls is no blank line
	for _, row := range g.attrs["rows"].([]any) {
		for i, c := range g.table.Columns {
			if i > 0 {
				b.WriteByte(',')
			}
			v, _ := lookup(row.(map[string]any), c.Name)
			switch x := v.(type) {
			case nil:
			case string:
				b.WriteString(`"` + strings.ReplaceAll(x, `"`, `""`) + `"`)
			default:
				fmt.Fprint(&b, x)
			}
		}
		b.WriteString(",1\n")
	}
	return b.String(), "the rows of " + g.label + ","
}
