package workspace

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Convert rewrites tables for stages that ask for another format than Parquet, from the file src to the file dst. t has
// the types of the columns to read text with; nil where none are declared. Formats are "parquet", "csv" and "ndjson", of which one side is always
// Parquet: what is stored has one format. A program in R that asks for CSV so reads the table of a stage before it, and writes CSV that becomes
// Parquet again.
func Convert(ctx context.Context, from, to string, t *schema.Table, src, dst string) error {
	var columns []schema.Column
	if t != nil {
		columns = t.Columns
	}
	switch from + ">" + to {
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
