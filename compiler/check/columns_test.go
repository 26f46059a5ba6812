package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

func TestColumnNames(t *testing.T) {
	from, absent := &schema.Attr{ColumnOf: "from"}, &schema.Attr{ColumnOf: "absent"}
	table := &schema.Table{Columns: []schema.Column{{Name: "Card"}, {Name: "paid_at"}}}
	tests := []struct {
		name    string
		columns []resolve.ColumnName
		want    []string // the paths told of
	}{
		{"all there, in any case", []resolve.ColumnName{{Path: "time", Name: "PAID_AT", Spec: from}, {Path: "entity[0]", Name: "card", Spec: from}}, nil},
		{"none", nil, nil},
		{"missing ones", []resolve.ColumnName{{Path: "time", Name: "paid", Spec: from}, {Path: "entity[0]", Name: "card", Spec: from},
			{Path: "entity[1]", Name: "crad", Spec: from}, {Path: "window[w].known_at", Name: "x", Spec: from}}, []string{"time", "entity[1]", "window[w].known_at"}},
		{"no such table", []resolve.ColumnName{{Path: "other", Name: "x", Spec: absent}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ranges := map[string]source.Range{}
			for _, c := range tt.columns {
				ranges[c.Path] = source.Range{File: c.Path}
			}
			lacking, diags := columnNames(&Block{Block: &resolve.Block{Ranges: ranges, Columns: tt.columns},
				In: map[string]schema.Shape{"from": {Type: schema.TablePort, Table: table}}})
			var got []string
			for _, d := range diags {
				got = append(got, d.Subject.File)
			}
			if d := cmp.Diff(tt.want, got); d != "" || len(lacking) != len(tt.want) {
				t.Error(d, lacking)
			}
		})
	}
}

func TestColumnNameHint(t *testing.T) {
	_, diags := columnNames(&Block{Block: &resolve.Block{Columns: []resolve.ColumnName{{Path: "time", Name: "piad_at", Spec: &schema.Attr{ColumnOf: "from"}}}},
		In: map[string]schema.Shape{"from": {Table: &schema.Table{Columns: []schema.Column{{Name: "card"}, {Name: "paid_at"}}}}}})
	if len(diags) != 1 || diags[0].Summary != `the table has no column "piad_at"` || diags[0].Hint != `did you mean "paid_at"?` {
		t.Errorf("got %+v", diags)
	}
}
