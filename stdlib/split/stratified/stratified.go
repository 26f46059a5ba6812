// Package stratified is the split that gives every stratum the same shares.
package stratified

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/split/sides"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the stratified split.
var Component = component.Component{
	Kind: "split",
	Type: schema.Type{
		Name:    "stratified",
		Version: 2,
		Engine:  table.Engine,
		Summary: "Exact shares of every stratum, in hash order",
		Doc: "Rows of the same values in the `by` columns are a stratum; null is a value. Of a stratum of n rows, in the order of " +
			"their positions, the first `test * n`, rounded, are the test side, the next up to `(test + validation) * n` " +
			"validation, then `selection` in the same way, the rest train.\n\n" + sides.HashDoc + "\n\nThe shares are exact in every stratum, and rows near a " +
			"boundary can change sides as the data grows; where that must not be, take `hash`.",
		Body: schema.Body{Attrs: slices.Concat([]schema.Attr{
			sides.From,
			{Name: "by", Type: schema.StringList, Required: true, ColumnOf: sides.Input,
				Doc: "The columns whose values make the strata, usually the target."},
		}, sides.Shares{}.Attrs("rows of each stratum"), []schema.Attr{sides.Seed})},
		Out:      sides.Ports(),
		Examples: []schema.Example{{Title: "As many who left on each side", Code: example}},
	},
	Shape: shape,
	Run:   run,
}

// example parts customers so that each side has the same share of those who left.
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

split "stratified" "customers" {
  from       = dataset.customers
  by         = ["churned"]
  test       = 0.2
  validation = 0.1
}
`

// config is the block. By are the strata's columns; null is a stratum like any value.
type config struct {
	sides.Shares
	By   []string `json:"by"`
	Seed int64    `json:"seed"`
}

// shape gives each side the columns of the table; without a column to stratify by there is nothing to be exact about.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	if err := json.Unmarshal(req.Config, &c); err != nil || req.In[sides.Input].Table == nil {
		return schema.ShapeResult{}
	}
	problems := c.Problems()
	if len(c.By) == 0 {
		problems = append(problems, schema.Problem{Path: "by", Summary: "there is no column to stratify by",
			Hint: `name the target: by = ["churned"]`})
	}
	return sides.Shape(req, c.Selection > 0, problems)
}

// run writes the sides. A stratum of one or two rows may have none on the test side: round(2 · 0.2) is 0. Shares of all rows
// may then be far from those asked for, which is told with the reason.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	return sides.Split{
		Side:   c.side(s.In[sides.Input].Table),
		Reason: "There are too few rows for such a share of every stratum, or too many strata.",
		Far:    "each stratum is rounded by itself, and many are small",
		Shares: c.Shares,
	}.Run(ctx, s)
}

// side ranks the rows of each stratum by position; those of the same position by all columns, so that the outcome
// does not depend on the order of rows. Of a stratum of 7 rows with test = 0.2 and validation = 0.1 the first
// round(1.4) = 1 is test, those up to round(2.1) = 2 validation: 1, 1 and 5 rows. The second bound is that of both shares
// together, so that what is rounded off one side falls to the next and train has the rest.
func (c *config) side(t *schema.Table) string {
	by := make([]string, len(c.By))
	for i, b := range c.By {
		by[i] = table.Quote(b)
	}
	strata := strings.Join(by, ", ")
	order := []string{sides.Position(t, c.Seed)}
	for _, col := range t.Columns {
		order = append(order, table.Quote(col.Name))
	}
	rank := fmt.Sprintf("row_number() over (partition by %s order by %s)", strata, strings.Join(order, ", "))
	upTo := func(share float64) string {
		return fmt.Sprintf("%s <= round(%s::double * count(*) over (partition by %s))", rank,
			strconv.FormatFloat(share, 'g', -1, 64), strata)
	}
	return c.Case(upTo)
}
