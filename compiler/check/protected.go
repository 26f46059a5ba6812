package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// protected adds an error for each column that is protected and by which rows are treated (schema.Attr.Treats), where the pipeline refuses that: thresholds or curves by group, and features that are
// allowed by name. Weights and figures by such a column are no treatment of the row that has it.
func (c *checker) protected() {
	pipeline := c.refuses()
	if pipeline == nil {
		return
	}
	for _, b := range c.m.Module.Blocks {
		for _, n := range b.Columns {
			if !n.Spec.Treats {
				continue
			}
			if column := c.treated(b, n); column != nil && column.Protected {
				c.add(source.Diagnostic{
					Severity: source.Error, Code: source.CodeProtectedDecision, Subject: rangeOf(b, n.Path),
					Summary: fmt.Sprintf("%s treats rows by %q, which is protected", b.Address, column.Name),
					Detail:  "The pipeline refuses protected columns in decisions: no score, probability or threshold goes by one.",
					Hint:    "take it out of " + topOf(n.Path) + "; weights of training rows and figures by group may use it.",
					Related: []source.Related{{Message: "the pipeline says so here", Range: rangeOf(pipeline, schema.ProtectedInDecisions)}},
				})
			}
		}
	}
}

// treated is the column that an argument names: of the table that it names columns of, or where the block has none, as a model that is made of others, of the first of its tables that has it.
func (c *checker) treated(b *resolve.Block, n resolve.ColumnName) *schema.Column {
	in := c.m.Blocks[b.Address].In
	if t := in[n.Spec.ColumnOf].Table; t != nil {
		return t.Column(n.Name)
	}
	for _, port := range slices.Sorted(maps.Keys(in)) {
		if t := in[port].Table; t != nil && t.Column(n.Name) != nil {
			return t.Column(n.Name)
		}
	}
	return nil
}

// refuses is the block that says that protected columns are refused in decisions; nil if none does.
func (c *checker) refuses() *resolve.Block {
	for _, b := range c.m.Module.Blocks {
		var said map[string]json.RawMessage
		if len(b.Policy) > 0 {
			c.must(json.Unmarshal(b.Policy, &said))
		}
		if string(said[schema.ProtectedInDecisions]) == `"`+schema.Refuse+`"` {
			return b
		}
	}
	return nil
}

// topOf is the argument of a path: decision.by of decision.by[0].
func topOf(path string) string {
	for i := range path {
		if path[i] == '[' {
			return path[:i]
		}
	}
	return path
}
