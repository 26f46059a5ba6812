// Package rows keeps a share of a source's rows, by a hash of some of their columns: a plan of a sample (mlp apply --sample) has such a stage
// behind each source, and whatever reads the source reads what is kept.
//
// # Which rows
//
// A row has a position from 0 to 2⁵² - 1, the hash of its values in the columns that it is sampled by, and is kept if the position is in the
// lowest share. So
//
//	rows with the same values there are kept or left out together: all of a customer's, or none;
//	a row that is in a sample of 5 % is in one of 10 %, and in that of tomorrow's data;
//	two sources that are sampled by columns with the same values keep the same of these, so that what joins by them still does.
//
// The hash is that of splits (stdlib/split/sides) with a salt of its own in place of the seed: with the same the sample would be the rows that a
// split has on its test side, which takes the lowest positions too.
//
// The share is met on average: of n values about n·share are kept, give or take √(n·share·(1 - share)). By a column of few values, such as a
// country, the share of rows may be far from it. How many rows were kept of how many is among the figures.
package rows

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/split/sides"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the sample of a source's rows.
var Component = component.Component{
	Kind: schema.SampleKind,
	Type: schema.Type{Name: schema.SampleType, Version: 1, Engine: table.Engine, Summary: "A share of a source's rows"},
	Run:  run,
}

// salt stands where a split's seed does.
const salt = "sample"

// Config is what the stage is told.
type Config struct {
	Share float64  `json:"share"` // above 0, at most 1, which keeps all rows
	By    []string `json:"by"`    // columns; none: all of them
}

// run writes the rows that are kept, in the order that they have. A sample without rows is an error: whatever stands behind it would say of the
// data what is not so.
func run(ctx context.Context, s *component.Stage) error {
	var c Config
	if err := s.Decode(&c); err != nil {
		return err
	}
	in := s.In[schema.SamplePort].Table
	by := c.By
	if len(by) == 0 {
		by = in.Names()
	}
	out, err := s.OutputTable("table")
	if err != nil {
		return err
	}
	of, err := table.Rows(ctx, s.InputTable(schema.SamplePort))
	if err != nil {
		return err
	}
	where := "true"
	if c.Share < 1 {
		where = sides.Below(sides.PositionOf(by, salt), c.Share)
	}
	rows, err := table.Run(ctx, table.Query{SQL: fmt.Sprintf("select * from %s where %s", table.Quote(schema.SamplePort), where),
		Tables: map[string]string{schema.SamplePort: s.InputTable(schema.SamplePort)}, OrderBy: in.Key, Columns: s.Out["table"].Table.Columns, Threads: s.Threads, Out: out})
	if err != nil {
		return fmt.Errorf("sampling: %w", err)
	}
	if rows == 0 && of > 0 {
		return &component.InputError{Summary: fmt.Sprintf("of %d rows none is in a sample of %g", of, c.Share), Detail: "Take a larger share, or sample by columns with more values."}
	}
	s.Logf("kept %d of %d rows", rows, of)
	return s.WriteFigures(map[string]any{"rows": rows, "of": of})
}
