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
		name, typ string
		attrs     []schema.Attr
		want      schema.Column
	}{
		{"a container", "container", nil, schema.Column{Name: "v", PII: true, Protected: true, Lineage: &schema.Lineage{
			Origin: "stage.x.v",
			Others: map[string]string{"source.p.card": "source.p.card → stage.x.v", "source.p.age": "source.p.age → stage.x.v"}}}},
		{"a container that declares its features", "container", []schema.Attr{{Name: "features"}},
			schema.Column{Name: "v", Lineage: schema.Derived("stage.x.v")}},
		{"a component of our own", "sql", nil, schema.Column{Name: "v", Lineage: schema.Derived("stage.x.v")}},
	}
	for _, tt := range tests {
		shared := &schema.Table{Columns: []schema.Column{{Name: "v"}}}
		b := &Block{
			Block: &resolve.Block{Address: "stage.x", Type: tt.typ, TypeSpec: &schema.Type{Body: schema.Body{Attrs: tt.attrs}}},
			In:    map[string]schema.Shape{"data": {Type: schema.TablePort, Table: in}},
			Out:   map[string]schema.Shape{"table": {Type: schema.TablePort, Table: shared}},
		}
		lineage(b)
		if d := cmp.Diff(tt.want, b.Out["table"].Table.Columns[0]); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
		if shared.Columns[0].Lineage != nil {
			t.Errorf("%s: the component's own table was changed", tt.name)
		}
	}
}

// TestLineageKeepsTheShortestWay of several, and tells rows apart.
func TestLineageKeepsTheShortestWay(t *testing.T) {
	a := schema.Derived("source.p.a")
	b := schema.Derived("dataset.d.b")
	b.Add(a, schema.SameRow)
	c := schema.Derived("feature.f.c")
	c.Add(b, schema.PastRows)
	c.Add(a, schema.PastRows)
	want := &schema.Lineage{Origin: "feature.f.c", Past: map[string]string{
		"source.p.a": "source.p.a → feature.f.c", "dataset.d.b": "dataset.d.b → feature.f.c"}}
	if d := cmp.Diff(want, c); d != "" {
		t.Error(d)
	}
	e := schema.Derived("dataset.e.v")
	e.Add(c, schema.OtherRows)
	if len(e.From) > 0 || len(e.Past) > 0 || len(e.Others) != 3 {
		t.Errorf("over several rows: got %+v", e)
	}
}
