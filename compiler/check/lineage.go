package check

import (
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
)

// lineage completes what components tell of the columns that they yield. Columns of which nothing is told are made by the
// block itself. Those that somebody's own code yields are computed from all columns that it reads.
func lineage(b *Block) {
	for port, s := range b.Out {
		if s.Table == nil {
			continue
		}
		t := *s.Table
		t.Columns = slices.Clone(t.Columns)
		for i := range t.Columns {
			complete(b, &t.Columns[i])
		}
		s.Table = &t
		b.Out[port] = s
	}
}

func complete(b *Block, c *schema.Column) {
	if c.Lineage != nil {
		return
	}
	c.Lineage = schema.Derived(b.Address + "." + c.Name)
	if !opaque(b) {
		return
	}
	for _, in := range b.In {
		if in.Table == nil {
			continue
		}
		for _, read := range in.Table.Columns {
			c.PII, c.Protected = c.PII || read.PII, c.Protected || read.Protected
			c.Lineage.Add(read.Lineage, schema.OtherRows)
		}
	}
}

// opaque tells whether a block runs code that the compiler cannot look into, and that declares no less than its inputs.
func opaque(b *Block) bool {
	return (b.Type == "container" || b.Type == "python") && b.TypeSpec.Body.Attr("features") == nil
}
