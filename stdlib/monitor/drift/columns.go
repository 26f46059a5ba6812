package drift

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	method "github.com/mlp-lang/mlp/stdlib/drift"
)

// columns are those asked for, as the reference spells them, else all that can be compared.
// The order is that of the list, else that of the reference's columns; shape and run find the same.
// Of a reference (id, at, tenure, plan, churned) with key id, time at and label churned, and a current table that lacks churned,
// these are tenure and plan.
func (c *config) columns(reference, current *schema.Table) []string {
	var out []string
	if c.Columns != nil {
		for _, name := range c.Columns {
			if col := reference.Column(name); col != nil {
				name = col.Name
			}
			out = append(out, name)
		}
		return out
	}
	skip := map[string]bool{}
	for _, t := range []*schema.Table{reference, current} {
		for _, name := range append(append([]string{t.Time}, t.Key...), t.Entity...) {
			skip[strings.ToLower(name)] = true
		}
		if t.Label != nil {
			for _, name := range []string{t.Label.Column, t.Label.KnownAt, t.Label.Mature} {
				skip[strings.ToLower(name)] = true
			}
		}
	}
	skip[strings.ToLower(c.Time)] = true
	for _, col := range reference.Columns {
		other := current.Column(col.Name)
		if other != nil && !skip[strings.ToLower(col.Name)] && comparable(col.Type) {
			out = append(out, col.Name)
		}
	}
	return out
}

// comparable types have a distribution worth comparing: times only grow.
// Text, booleans and numbers are compared; timestamps, lists and the like are left out of the default, and refused where
// they are listed.
func comparable(t string) bool { return schema.KindOf(t) != "" }

// checkColumns holds both tables to the columns. A problem stands at the element of the list where the columns were written,
// else at the argument, which the block does not have then, and so at the block.
func (c *config) checkColumns(reference, current *schema.Table, columns []string) []schema.Problem {
	var out []schema.Problem
	add := func(i int, p schema.Problem) {
		p.Path = "columns"
		if c.Columns != nil {
			p.Path = fmt.Sprintf("columns[%d]", i)
		}
		out = append(out, p)
	}
	if len(columns) == 0 {
		add(0, schema.Problem{Summary: "There is no column to compare", Hint: "name columns that both tables have"})
	}
	seen := map[string]bool{}
	for i, name := range columns {
		a, b := reference.Column(name), current.Column(name)
		switch {
		case a == nil:
			add(i, schema.Problem{Summary: fmt.Sprintf("The reference has no column %q", name), Hint: suggest.DidYouMean(name, reference.Names())})
		case b == nil:
			add(i, schema.Problem{
				Summary: fmt.Sprintf("The current table has no column %q", name),
				Hint:    suggest.DidYouMean(name, current.Names()),
			})
		case seen[name]:
			add(i, schema.Problem{Summary: fmt.Sprintf("Column %q is listed twice", name)})
		case !comparable(a.Type):
			add(i, schema.Problem{
				Summary: fmt.Sprintf("Column %q is %s, which cannot be compared", name, a.Type),
				Hint:    "compare numbers, booleans and text",
			})
		case !schema.Takes(a.Type, b.Type):
			add(i, schema.Problem{
				Summary: fmt.Sprintf("Column %q is %s in the reference and %s in the current table", name, a.Type, b.Type),
				Hint:    "cast one of them in a dataset, or list the columns to compare without it",
			})
		case schema.KindOf(a.Type) == schema.TextValue && (c.Drift.Method == method.KS || c.Drift.Method == method.Wasserstein):
			add(i, schema.Problem{
				Summary: fmt.Sprintf("%s compares numbers, and column %q is text", c.Drift.Method, name),
				Hint:    "leave out method, or list the columns",
			})
		}
		seen[name] = true
	}
	return out
}

// check refuses settings out of range. Which methods there are, and how they are calibrated, the schema says.
// A min_rows of 0 is allowed: then the figures are computed of any number of rows, which the calibration can bear and
// the bare limits cannot.
func (s *settings) check() []schema.Problem {
	var out []schema.Problem
	if s.MinRows < 0 {
		out = append(out, schema.Problem{Path: "drift.min_rows", Summary: "min_rows is negative"})
	}
	if s.Limit < 0 {
		out = append(out, schema.Problem{Path: "drift.limit", Summary: "The limit is negative"})
	}
	return out
}
