package check

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

func TestColumnNames(t *testing.T) {
	columnOf := func(name string, t schema.AttrType) schema.Attr {
		return schema.Attr{Name: name, Type: t, ColumnOf: "from"}
	}
	spec := &schema.Type{Body: schema.Body{
		Attrs: []schema.Attr{columnOf("time", schema.String), columnOf("entity", schema.StringList),
			{Name: "other", Type: schema.String, ColumnOf: "absent"}, {Name: "free", Type: schema.String}},
		Blocks: []schema.Block{
			{Name: "window", Labelled: true, Repeated: true, Body: schema.Body{Attrs: []schema.Attr{columnOf("known_at", schema.String)}}},
			{Name: "only", Body: schema.Body{Attrs: []schema.Attr{columnOf("by", schema.String)}}},
		},
	}}
	table := &schema.Table{Columns: []schema.Column{{Name: "Card"}, {Name: "paid_at"}}}
	tests := []struct {
		name, config string
		want         []string // the paths told of
	}{
		{"all there, in any case", `{"time":"PAID_AT","entity":["card"],"window":[{"name":"w","known_at":"paid_at"}],"only":{"by":"card"}}`, nil},
		{"absent attributes", `{}`, nil},
		{"missing ones", `{"time":"paid","entity":["card","crad"],"window":[{"name":"w","known_at":"x"}],"only":{"by":"y"}}`,
			[]string{"time", "entity[1]", "window[w].known_at", "only.by"}},
		{"no such table, no such attribute", `{"other":"x","free":"y"}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ranges := map[string]source.Range{}
			for _, path := range []string{"time", "entity[0]", "entity[1]", "window[w].known_at", "only.by"} {
				ranges[path] = source.Range{File: path}
			}
			_, diags := columnNames(&Block{Block: &resolve.Block{TypeSpec: spec, Ranges: ranges}, Config: json.RawMessage(tt.config),
				In: map[string]schema.Shape{"from": {Type: schema.TablePort, Table: table}}})
			var got []string
			for _, d := range diags {
				got = append(got, d.Subject.File)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestColumnNameHint(t *testing.T) {
	spec := &schema.Type{Body: schema.Body{Attrs: []schema.Attr{{Name: "time", Type: schema.String, ColumnOf: "from"}}}}
	_, diags := columnNames(&Block{Block: &resolve.Block{TypeSpec: spec}, Config: json.RawMessage(`{"time":"piad_at"}`),
		In: map[string]schema.Shape{"from": {Table: &schema.Table{Columns: []schema.Column{{Name: "card"}, {Name: "paid_at"}}}}}})
	if len(diags) != 1 || diags[0].Summary != `the table has no column "piad_at"` || diags[0].Hint != `did you mean "paid_at"?` {
		t.Errorf("got %+v", diags)
	}
}
