package sides

import (
	"context"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Instant is a row's time in SQL, in microseconds since 1970.
func Instant(by string) string { return "epoch_us(" + table.Quote(by) + ")" }

// TimeProblems tells of a column, at the attribute by, that holds no times; nil: there is no such column, which the compiler tells.
func TimeProblems(by *schema.Column) []schema.Problem {
	if by == nil || table.Temporal(by.Type) {
		return nil
	}
	return []schema.Problem{{Path: "by", Summary: fmt.Sprintf("column %q is of type %s, not a date or timestamp", by.Name, by.Type)}}
}

// farthest is more than any time has, in seconds since 1970: 2^63 microseconds are 9.22337e12 s. What lies beyond is infinite.
const farthest = 9.2233e12

// CheckTimes refuses rows without a time, or with an infinite one. How many there are is told, in one error for all.
func CheckTimes(ctx context.Context, s *component.Stage, by string) error {
	f, err := table.ReadFrame(ctx, s.InputTable(Input), []string{by})
	if err != nil {
		return err
	}
	missing := 0
	for _, v := range f.Columns[0].Num {
		if math.IsNaN(v) || math.Abs(v) > farthest {
			missing++
		}
	}
	if missing > 0 {
		return &component.InputError{
			Summary: fmt.Sprintf("%s: %d of %d rows have no %s", s.Address, missing, f.Rows, by),
			Detail:  fmt.Sprintf("A split by time has no place for them. Leave them out in a dataset: where %s is not null.", by),
		}
	}
	return nil
}
