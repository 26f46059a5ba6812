package workspace

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Convert rewrites tables for stages that ask for another format than Parquet, from the file src to the file dst. t has
// the types of the columns to read text with; nil where none are declared. Formats are "parquet", "csv" and "ndjson", of which one side is always
// Parquet: what is stored has one format. From Parquet to Parquet a table gets the columns, types and order that t says, and its key is checked. A program in R that asks for CSV so reads the table of a stage before it, and writes CSV that becomes
// Parquet again.
func Convert(ctx context.Context, from, to string, t *schema.Table, src, dst string) error {
	var columns []schema.Column
	if t != nil {
		columns = t.Columns
	}
	switch from + ">" + to {
	case "parquet>parquet":
		return settle(ctx, t, src, dst)
	case "parquet>csv":
		return table.ToCSV(ctx, src, dst)
	case "parquet>ndjson":
		return table.ToNDJSON(ctx, src, dst)
	case "csv>parquet":
		return table.FromCSV(ctx, src, columns, dst)
	case "ndjson>parquet":
		return table.FromNDJSON(ctx, src, columns, dst)
	}
	return fmt.Errorf("a table cannot be rewritten from %s to %s", from, to)
}

// settle puts a table that a program wrote into the form that is stored.
func settle(ctx context.Context, t *schema.Table, src, dst string) error {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = table.Quote(c.Name)
	}
	_, err := table.Run(ctx, table.Query{SQL: "select " + strings.Join(columns, ", ") + " from t", Tables: map[string]string{"t": src}, Columns: t.Columns, OrderBy: t.Key, Key: table.Key{Columns: t.Key}, Out: dst})
	return err
}
