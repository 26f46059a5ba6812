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
		if got := p.Comparable("gate.g", "deploy.d", live); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

// TestComparedWith: what is live is compared with the models behind the gate; with the next model of its own deployment where that is behind the gate, too.
func TestComparedWith(t *testing.T) {
	live := &ReleaseState{Model: "live", Signature: &schema.Model{}}
	release := func(at, gate string, model Digest) *Release {
		return &Release{Address: at, Gate: gate, Model: Input{Digest: model}}
	}
	for name, c := range map[string]struct {
		releases []*Release
		want     bool
	}{
		"another model behind the gate":                           {[]*Release{release("deploy.a", "gate.a", "live"), release("deploy.b", "gate.b", "new")}, true},
		"the live one behind the gate, by another deployment":     {[]*Release{release("deploy.a", "gate.a", "new"), release("deploy.b", "gate.b", "live")}, false},
		"its own deployment behind the gate":                      {[]*Release{release("deploy.a", "gate.b", "live"), release("deploy.b", "gate.b", "new")}, false},
		"its own deployment behind the gate, with another model":  {[]*Release{release("deploy.a", "gate.b", "new"), release("deploy.b", "gate.b", "live")}, true},
		"nothing behind the gate":                                 {[]*Release{release("deploy.a", "gate.a", "live")}, true},
		"its deployment is gone, and nothing is behind the gate":  {nil, false},
		"its deployment is gone, and another model is the gate's": {[]*Release{release("deploy.b", "gate.b", "new")}, true},
	} {
		if got := (&Plan{Releases: c.releases}).Comparable("gate.b", "deploy.a", live); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}
