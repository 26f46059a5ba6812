package evaluation

import (
	"context"
	"fmt"
	"os"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// What an evaluation keeps of a row, in bytes: its score, decision, truth, weight, place, cell of the confusion matrix and place on the curve.
// Intervals take about as much again while they are found.
const keptBytes = 48

const (
	// programMB is what the process has before it reads a row.
	programMB = 100
	// smallFile is the size of a table of which no evaluation has too many rows.
	smallFile = 8 << 20
)

// Room is a *component.InputError where the rows of a table are more than can be evaluated in the memory that the stage may have, so that it is
// told before an hour of work and not by its end.
func (c *Config) Room(ctx context.Context, path string) error {
	limit := table.StageMB()
	info, err := os.Stat(path)
	if err != nil || limit == 0 || info.Size() < smallFile {
		return err
	}
	rows, err := table.Rows(ctx, path)
	if err != nil {
		return err
	}
	return c.room(rows, limit)
}

// room is Room of so many rows and MiB.
func (c *Config) room(rows, limit int64) error {
	bytes := int64(keptBytes + len(c.Slices) + 4*len(c.Fairness))
	if least := programMB + rows*bytes>>20; least > limit {
		return &component.InputError{
			Summary: fmt.Sprintf("%s rows cannot be evaluated in memory_mb = %d", report.Whole(int(rows)), limit),
			Detail:  fmt.Sprintf("Their scores, truths and weights alone take %d MB, and intervals about as much again. Set memory_mb to %d, or evaluate a sample of the rows.", least, 2*least),
		}
	}
	return nil
}
