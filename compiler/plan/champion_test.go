package plan

import (
	"encoding/json"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// TestComparableThroughSelection: what is live is compared where it can score the rows that the candidate was fitted on, also where
// the candidate is one that another stage has selected; plans from before inputs said so go by the kinds of their stages.
func TestComparableThroughSelection(t *testing.T) {
	table := func(columns ...string) *schema.Shape {
		s := &schema.Shape{Type: schema.TablePort, Table: &schema.Table{}}
		for _, c := range columns {
			s.Table.Columns = append(s.Table.Columns, schema.Column{Name: c, Type: "double"})
		}
		return s
	}
	model := &schema.Shape{Type: schema.ModelPort, Model: &schema.Model{}}
	live := &ReleaseState{Model: "m", Signature: &schema.Model{Features: []schema.Column{{Name: "x", Type: "double"}}}}
	for name, c := range map[string]struct {
		format  string
		rows    schema.RowUse
		columns []string
		want    bool
	}{
		"the column is there":             {FormatVersion, schema.FittedRows, []string{"x"}, true},
		"the column is gone":              {FormatVersion, schema.FittedRows, []string{"y"}, false},
		"gone from rows that only choose": {FormatVersion, schema.ChosenRows, []string{"y"}, true},
		"gone, in a plan of before":       {"1.1", "", []string{"y"}, false},
	} {
		p := &Plan{FormatVersion: c.format, Releases: []*Release{{Address: "deploy.d", Model: Input{From: "pick.best"}}}, Nodes: []*Node{
			{Address: "train.a", Kind: "train", Inputs: []Input{{Port: "data", Shape: table("x"), Rows: c.rows}}},
			{Address: "train.b", Kind: "train", Inputs: []Input{{Port: "data", Shape: table(c.columns...), Rows: c.rows}}},
			{Address: "pick.best", Kind: "pick", Inputs: []Input{{Port: "among.a", From: "train.a", Shape: model}, {Port: "among.b", From: "train.b", Shape: model},
				{Port: "loop", From: "pick.best", Shape: model}}},
		}}
		if err := p.fillFormer(json.RawMessage(`{"nodes":[]}`)); err != nil {
			t.Fatal(err)
		}
		if got := p.Comparable("deploy.d", live); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}
