package check

import (
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
)

// lineage completes what components tell of the columns that they yield. Columns of which nothing is told are made by
// the block itself, of a source perhaps the same as those of others. Those that somebody's own code yields are computed
// from all columns that it reads, and so is which rows it yields: too much is told rather than too little, since
// leakage is looked for by it.
func lineage(b *Block, others []string) {
	for port, s := range b.Out {
		if s.Table == nil {
			continue
		}
		t := *s.Table
		t.Columns = slices.Clone(t.Columns)
		if opaque(b) && t.Rows == nil {
			t.Rows = schema.Derived("the rows of " + b.Address)
			everything(b, t.Rows)
		}
		for i := range t.Columns {
			complete(b, &t.Columns[i], others)
		}
		s.Table = &t
		b.Out[port] = s
	}
}

// complete gives a column the lineage that its component told nothing of, and marks it as personal or protected where the
// code that made it may have read such a column.
func complete(b *Block, c *schema.Column, others []string) {
	if c.Lineage != nil {
		return
	}
	c.Lineage = schema.Derived(b.Address + "." + c.Name)
	alike(c.Lineage, c.Name, others)
	if !opaque(b) {
		return
	}
	everything(b, c.Lineage)
	for _, in := range b.In {
		if in.Table == nil {
			continue
		}
		for _, read := range in.Table.Columns {
			c.PII, c.Protected = c.PII || read.PII, c.Protected || read.Protected
		}
	}
}

// everything adds all that a block reads to a lineage.
func everything(b *Block, l *schema.Lineage) {
	for _, in := range b.In {
		if in.Table == nil {
			continue
		}
		for _, read := range in.Table.Columns {
			l.Add(read.Lineage, schema.OtherRows)
		}
		l.Add(in.Table.Rows, schema.OtherRows)
	}
}

// opaque reports whether what a block yields comes of all that it reads: of somebody's code that declares no features.
func opaque(b *Block) bool {
	return b.TypeSpec.Foreign && b.TypeSpec.Body.Attr("features") == nil
}
