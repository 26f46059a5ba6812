// Package hash is the split by a hash of each row's key: how positions are made and cut is told in stdlib/split/sides.
//
// A row's side depends on its key and the seed, and on nothing else. Of two tables with the same keys, such as features and labels
// that are joined later, the splits agree; a row that was test last month is test today. The price is that shares are
// met on average only: of 1,000 rows with test = 0.2 about 200, give or take 25 in nineteen of twenty tables.
package hash

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/split/sides"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the hash split.
var Component = component.Component{
	Kind: "split",
	Type: schema.Type{
		Name:    "hash",
		Version: 2,
		Engine:  table.Engine,
		Summary: "By a hash of the key: rows keep their side as the data grows",
		Doc: "The first share of positions is the test side, the next validation, then selection if it has a share, the rest train; so a larger `test` only adds " +
			"rows to the test side, and a `selection` takes its rows from train.\n\n" + sides.HashDoc + "\n\nThe shares are met on average, not exactly: of n rows, within about 1/√n.",
		Body:     schema.Body{Attrs: slices.Concat([]schema.Attr{sides.From}, sides.Shares{}.Attrs("rows"), []schema.Attr{sides.Seed})},
		Out:      sides.Ports(),
		Examples: []schema.Example{{Title: "A fifth for testing", Code: example}},
	},
	Shape: shape,
	Run:   run,
}

// example keeps a fifth of the customers for testing; with another seed it is another fifth.
const example = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
  column "tenure"   { type = "integer" }
  column "churned"  { type = "boolean" }
}

dataset "customers" {
  from = [source.customers]
  key  = ["customer"]
  sql  = "select * from customers"
}

split "hash" "customers" {
  from = dataset.customers
  test = 0.2
  seed = 7
}
`

// config is the block: shares of the rows from 0 to below 1, whose sum is below 1.
type config struct {
	sides.Shares
	Seed int64 `json:"seed"`
}

// shape gives each side the columns of the table. Where the table is not known, because of a mistake elsewhere, nothing is said.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	if err := json.Unmarshal(req.Config, &c); err != nil || req.In[sides.Input].Table == nil {
		return schema.ShapeResult{}
	}
	return sides.Shape(req, c.Selection > 0, c.Problems())
}

// run writes the sides: test takes the lowest positions, validation those after them, then selection. A position hangs on the row alone, whatever
// other rows there are, so that no row changes sides when some are added.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	position := sides.Position(s.In[sides.Input].Table, c.Seed)
	return sides.Split{
		Side:   c.Case(func(share float64) string { return sides.Below(position, share) }),
		Reason: "There are too few rows for such a share: give more, or another seed.",
		Far:    "rows with the same key are never parted, and some keys have many rows",
		Shares: c.Shares,
	}.Run(ctx, s)
}
