package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
)

// TestOpaqueBlocks: what somebody's own code yields is computed from all that it reads, unless it declares less.
func TestOpaqueBlocks(t *testing.T) {
	card := schema.Column{Name: "card", PII: true, Lineage: schema.Derived("source.p.card")}
	age := schema.Column{Name: "age", Protected: true, Lineage: schema.Derived("source.p.age")}
	sum := schema.Column{Name: "sum", Lineage: schema.Derived("source.p.sum")}
	tests := []struct {
		name           string
		foreign        bool
		attrs          []schema.Attr
		in             []schema.Column
		pii, protected bool
		from           []string
	}{
		{"a container", true, nil, []schema.Column{card, age}, true, true, []string{"source.p.age", "source.p.card"}},
		{"a container that reads a person's data", true, nil, []schema.Column{card, sum}, true, false, []string{"source.p.card", "source.p.sum"}},
		{"a container that reads a protected column", true, nil, []schema.Column{age, sum}, false, true, []string{"source.p.age", "source.p.sum"}},
		{"a container that reads neither", true, nil, []schema.Column{sum}, false, false, []string{"source.p.sum"}},
		{"a container that declares its features", true, []schema.Attr{{Name: "features"}}, []schema.Column{card, age}, false, false, []string{}},
		{"a component of our own", false, nil, []schema.Column{card, age}, false, false, []string{}},
	}
	for _, tt := range tests {
		shared := &schema.Table{Columns: []schema.Column{{Name: "v"}}}
		b := &Block{
			Block: &resolve.Block{Address: "stage.x", TypeSpec: &schema.Type{Foreign: tt.foreign, Body: schema.Body{Attrs: tt.attrs}}},
			In:    map[string]schema.Shape{"data": {Type: schema.TablePort, Table: &schema.Table{Columns: tt.in}}},
			Out:   map[string]schema.Shape{"table": {Type: schema.TablePort, Table: shared}},
		}
		lineage(b, nil)
		got := b.Out["table"].Table.Columns[0]
		if d := cmp.Diff(tt.from, got.Lineage.Trace().Origins(schema.OtherRows)); d != "" || got.PII != tt.pii || got.Protected != tt.protected {
			t.Errorf("%s: got %+v\n%s", tt.name, got, d)
		}
		rows := b.Out["table"].Table.Rows
		if d := cmp.Diff(tt.from, rows.Trace().Origins(schema.OtherRows)); d != "" {
			t.Errorf("%s: which rows there are comes of: %s", tt.name, d)
		}
		if shared.Columns[0].Lineage != nil {
			t.Errorf("%s: the component's own table was changed", tt.name)
		}
	}
}

// TestTableWithRows: what a component tells of which rows its table has stays.
func TestTableWithRows(t *testing.T) {
	told := schema.Derived("stage.x where")
	b := &Block{
		Block: &resolve.Block{Address: "stage.x", TypeSpec: &schema.Type{Foreign: true}},
		Out:   map[string]schema.Shape{"table": {Table: &schema.Table{Rows: told}}, "figures": {Type: schema.FiguresPort}},
	}
	if lineage(b, nil); b.Out["table"].Table.Rows != told {
		t.Errorf("got %+v", b.Out["table"].Table.Rows)
	}
}
