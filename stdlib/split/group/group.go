// Package group is the split that keeps the rows of an entity together.
//
// A row's position is that of its group: a hash of the by columns and the seed, so all rows of patient 17 have one position and one
// side, for ever, whatever other rows there are. Shares are of groups; a side of 20 % of the patients may have 35 % of
// the visits, which is told in a warning where chance does not explain it. The sides keep the table's order.
package group

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/split/sides"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the group split.
var Component = component.Component{
	Kind: "split",
	Type: schema.Type{
		Name:    "group",
		Version: 1,
		Engine:  table.Engine,
		Summary: "By a hash of a group, such as a patient: all its rows are on one side",
		Doc: "Where an entity has many rows, a model may learn to recognise it: then figures on other rows of the same entity say nothing of new ones. " +
			"So all rows with the same values in the `by` columns are on one side (scikit-learn's GroupShuffleSplit), the same for ever, whatever other rows there are. " +
			"A row without a value in one of them is a group of its own, by its key. The sides have the groups as their entity, so that intervals count groups and not rows.\n\n" + sides.HashDoc + " Here the columns are those of `by`.\n\n" +
			"The shares are of groups, and met on average: of n groups, within about 1/√n. Where groups differ much in size, the shares of rows differ too; " +
			"a share of rows that is far from the one asked for is told.",
		Body: schema.Body{Attrs: slices.Concat([]schema.Attr{
			sides.From,
			{Name: "by", Type: schema.StringList, ColumnOf: sides.Input,
				Doc: "The columns whose values make a group. Default: the table's entity."},
		}, sides.Shares{}.Attrs("groups"), []schema.Attr{sides.Seed})},
		Out:      sides.Ports(),
		Examples: []schema.Example{{Title: "Patients of whom the model has seen nothing", Code: example}},
	},
	Shape: shape,
	Run:   run,
}

// example parts visits by patient: all of a patient's visits are on one side.
const example = `pipeline "scans" {}

source "csv" "visits" {
  path = "visits.csv"
  column "visit"   { type = "varchar" }
  column "patient" { type = "varchar" }
  column "density" { type = "double" }
  column "relapse" { type = "boolean" }
}

dataset "visits" {
  from = [source.visits]
  key  = ["visit"]
  sql  = "select * from visits"
}

split "group" "patients" {
  from = dataset.visits
  by   = ["patient"]
  test = 0.2
}
`

// config is the block; By is empty where the table's entity makes the groups.
type config struct {
	sides.Shares
	By   []string `json:"by"`
	Seed int64    `json:"seed"`
}

// by are the columns that make a group; none where the block names none and the table has no entity, which shape refuses.
func (c *config) by(t *schema.Table) []string {
	if len(c.By) > 0 {
		return c.By
	}
	return t.Entity
}

// shape gives each side the columns of the table, with the groups as entity instead of the table's own.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	in := req.In[sides.Input].Table
	if err := json.Unmarshal(req.Config, &c); err != nil || in == nil {
		return schema.ShapeResult{}
	}
	problems := c.Problems()
	if len(c.by(in)) == 0 {
		problems = append(problems, schema.Problem{Path: "by", Summary: "nothing says which rows belong together", Detail: "The table has no entity.",
			Hint: `name the column: by = ["patient"]`})
	}
	out := sides.Shape(req, c.Selection > 0, problems)
	for port, o := range out.Out {
		side := *in
		side.Entity = c.by(in) // rows of a group are not independent: what counts them goes by groups
		o.Table = &side
		out.Out[port] = o
	}
	return out
}

// run counts the groups, for messages and for how far a share may be off by chance, and writes the sides. Groups are counted by their
// positions; of a million groups two share one of the 2^52 positions with a chance of about 1 in 9,000, and then they share a side.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	t := s.In[sides.Input].Table
	position := c.position(t)
	groups, err := sides.Count(ctx, fmt.Sprintf("select count(distinct %s) as n from %s", position, table.Quote(sides.Input)),
		map[string]string{sides.Input: s.InputTable(sides.Input)})
	if err != nil {
		return err
	}
	s.Logf("%d groups", groups)
	return sides.Split{
		Side:   c.Case(func(share float64) string { return sides.Below(position, share) }),
		Reason: fmt.Sprintf("There are %d groups, too few for such a share: give more, or another seed.", groups),
		Far:    fmt.Sprintf("there are %d groups, and some have many more rows than others", groups),
		Shares: c.Shares, Drawn: groups, Entity: c.by(t),
	}.Run(ctx, s)
}

// position of the row's group; of its own where a value is missing. Rows of which it is not known whose they are would else be
// one group of unknown ones, which might be a large part of the table, on one side.
func (c *config) position(t *schema.Table) string {
	by := c.by(t)
	missing := make([]string, len(by))
	for i, name := range by {
		missing[i] = table.Quote(name) + " is null"
	}
	return fmt.Sprintf("case when %s then %s else %s end", strings.Join(missing, " or "), sides.Position(t, c.Seed), sides.PositionBy(by, c.Seed))
}
