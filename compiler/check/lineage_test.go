package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
)

// TestOpaqueBlocks: what somebody's own code yields is computed from all that it reads, unless it declares less.
func TestOpaqueBlocks(t *testing.T) {
	in := &schema.Table{Columns: []schema.Column{
		{Name: "card", PII: true, Lineage: schema.Derived("source.p.card")},
		{Name: "age", Protected: true, Lineage: schema.Derived("source.p.age")},
	}}
	tests := []struct {
		name    string
		foreign bool
		attrs   []schema.Attr
		marked  bool
		from    []string
	}{
		{"a container", true, nil, true, []string{"source.p.age", "source.p.card"}},
		{"a container that declares its features", true, []schema.Attr{{Name: "features"}}, false, []string{}},
		{"a component of our own", false, nil, false, []string{}},
	}
	for _, tt := range tests {
		shared := &schema.Table{Columns: []schema.Column{{Name: "v"}}}
		b := &Block{
			Block: &resolve.Block{Address: "stage.x", TypeSpec: &schema.Type{Foreign: tt.foreign, Body: schema.Body{Attrs: tt.attrs}}},
			In:    map[string]schema.Shape{"data": {Type: schema.TablePort, Table: in}},
			Out:   map[string]schema.Shape{"table": {Type: schema.TablePort, Table: shared}},
		}
		lineage(b, nil)
		got := b.Out["table"].Table.Columns[0]
		if d := cmp.Diff(tt.from, got.Lineage.Trace().Origins(schema.OtherRows)); d != "" || got.PII != tt.marked || got.Protected != tt.marked {
			t.Errorf("%s: got %+v\n%s", tt.name, got, d)
		}
		if shared.Columns[0].Lineage != nil {
			t.Errorf("%s: the component's own table was changed", tt.name)
		}
	}
}
