package table

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Masks asks the SQL engine of which rows of a Parquet file conditions hold: by condition, then by row of those that are asked of, ascending, or of all where
// rows is nil. A condition that is null does not hold. Rows are numbered in stored order, as those of frames are.
func Masks(ctx context.Context, path string, where []string, rows []int) ([][]bool, error) {
	if len(where) == 0 {
		return nil, nil
	}
	terms := []string{"row_number() over () as mlp_row"}
	var names []string
	for i, w := range where {
		names = append(names, fmt.Sprintf("mlp_where_%d", i))
		terms = append(terms, fmt.Sprintf("coalesce((%s\n), false) as mlp_where_%d", w, i))
	}
	dir, err := os.MkdirTemp("", "masks")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	q := Query{SQL: "select " + strings.Join(terms, ", ") + " from data", Tables: map[string]string{"data": path}, OrderBy: []string{"mlp_row"}, Out: filepath.Join(dir, "out.parquet")}
	if _, err := Run(ctx, q); err != nil {
		return nil, err
	}
	out := make([][]bool, len(where))
	for s := range out {
		out[s] = make([]bool, 0, len(rows))
	}
	next := 0 // of rows
	err = ReadParts(ctx, q.Out, names, func(p Part) error {
		for i := range p.Rows {
			if rows != nil && (next == len(rows) || rows[next] != p.Before+i) {
				continue
			}
			next++
			for s := range out {
				out[s] = append(out[s], p.Columns[s].Num[i] == 1)
			}
		}
		return nil
	})
	return out, err
}
