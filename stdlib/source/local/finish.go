package local

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Paths are files by their names below a root. Messages call them by these names, "2026/a.csv", which are the same on every
// machine; the root may be a folder of a stage that is gone when the message is read.
func Paths(root string, names []string) []table.File {
	out := make([]table.File, len(names))
	for i, name := range names {
		out[i] = table.File{Path: filepath.Join(root, filepath.FromSlash(name)), Name: name}
	}
	return out
}

// Asked are the columns that a stage is to yield, as its blocks declare them.
// blocks are those of the configuration, the found ones of mlp.lock among them, and one for one the columns of the stage's table:
// a name that stands twice, which would shift them, is a problem of Shape and never runs.
func Asked(s *component.Stage, blocks []Column) []table.CSVColumn {
	columns := s.Out["table"].Table.Columns
	out := make([]table.CSVColumn, len(columns))
	for i, column := range columns {
		out[i] = table.CSVColumn{Column: column, Header: blocks[i].Header, Nulls: blocks[i].NullValues}
	}
	return out
}

// Finish tells what was read. A table without rows is an error, since nothing could be learnt from it, unless that is said to
// be all right; values that are no numbers are warned of, since a trainer will stop at them.
func Finish(ctx context.Context, s *component.Stage, path, pattern string, files int, rows int64, allowEmpty bool) error {
	if rows == 0 && !allowEmpty {
		return &component.InputError{Summary: fmt.Sprintf("%q holds no rows", pattern), Detail: "A table needs at least one, unless the block says allow_empty = true.", Bare: fmt.Sprintf("%q holds no rows", pattern)}
	}
	s.Logf("read %d rows from %d files", rows, files)
	columns := s.Out["table"].Table.Columns
	var asked []schema.Column
	// Both counts of all such columns are asked for in one query, so that the table is read once.
	var counts []string
	for _, c := range columns {
		if c.Type == "double" || c.Type == "float" {
			asked = append(asked, c)
			counts = append(counts, fmt.Sprintf("count(*) filter (where isinf(%s)), count(*) filter (where isnan(%[1]s))", table.Quote(c.Name)))
		}
	}
	if len(asked) == 0 {
		return nil
	}
	r, err := table.OpenReader(ctx, map[string]string{"read": path})
	if err != nil {
		return err
	}
	defer r.Close()
	row, err := r.Row(ctx, "select "+strings.Join(counts, ", ")+" from read")
	if err != nil {
		return fmt.Errorf("counting values that are no numbers: %w", err)
	}
	for i, c := range asked {
		if inf, nan := row[2*i].(int64), row[2*i+1].(int64); inf+nan > 0 {
			s.Warnf("column %q holds %d infinite values and %d that are NaN, of %d rows", c.Name, inf, nan, rows)
		}
	}
	return nil
}
