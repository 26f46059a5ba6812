package check

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// columnNames returns a diagnostic for each argument that names a column which its table does not have
// (schema.Attr.ColumnOf), and the paths of these arguments: target = "is_frau". A component's own problem at such a
// path follows from the same mistake, and is not told. Of a table that is not known nothing is said.
func columnNames(b *Block) (lacking map[string]bool, diags source.Diagnostics) {
	lacking = map[string]bool{}
	for _, n := range b.Columns {
		t := b.In[n.Spec.ColumnOf].Table
		if t == nil || t.Column(n.Name) != nil {
			continue
		}
		lacking[n.Path] = true
		diags = append(diags, place(b.Block, schema.Problem{Path: n.Path, Summary: fmt.Sprintf("the table has no column %q", n.Name),
			Detail: columnList(t.Names()), Hint: suggest.DidYouMean(n.Name, t.Names())}))
	}
	return lacking, diags
}

// sampleColumns returns a diagnostic for each column that a source says it is sampled by and does not have.
func sampleColumns(b *Block) (diags source.Diagnostics) {
	var said struct {
		By []string `json:"sample_by"`
	}
	t := b.Out["table"].Table
	if t == nil || json.Unmarshal(b.Meta, &said) != nil {
		return nil
	}
	for i, name := range said.By {
		if t.Column(name) == nil {
			diags = append(diags, place(b.Block, schema.Problem{Path: fmt.Sprintf("sample_by[%d]", i), Summary: fmt.Sprintf("the table has no column %q", name),
				Detail: columnList(t.Names()), Hint: suggest.DidYouMean(name, t.Names())}))
		}
	}
	return diags
}

// columnList says which columns there are, of a wide table the first.
func columnList(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("It has %s and %d more.", strings.Join(names[:most], ", "), len(names)-most)
	}
	return "It has " + strings.Join(names, ", ") + "."
}
