package syntax

import (
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// overridable is a vocabulary with what an override meets: an argument that is required, a block that stands once, and
// labelled ones.
func overridable() *schema.Catalog {
	rule := schema.Block{Name: "rule", Labelled: true, Repeated: true, Body: schema.Body{Attrs: []schema.Attr{{Name: "assert", Type: schema.String, Required: true}}}}
	params := schema.Block{Name: "params", Body: schema.Body{Attrs: []schema.Attr{{Name: "trees", Type: schema.Number}, {Name: "depth", Type: schema.Number}}}}
	return &schema.Catalog{Kinds: []schema.Kind{{Name: "train", Types: []schema.Type{{Single: true, Body: schema.Body{
		Attrs:  []schema.Attr{{Name: "data", Type: schema.String, Required: true}, {Name: "seed", Type: schema.Number}},
		Blocks: []schema.Block{rule, params},
	}}}}}}
}

const overridden = `train "model" {
  data = "a"
  params {
    trees = 300
    depth = 6
  }
  rule "good" { assert = "x" }
}
`

func TestOverride(t *testing.T) {
	for _, tt := range []struct {
		name, change string
		want         string // the block as it is then, or the mistake
	}{
		{"an argument", `override "train.model" { data = "b" }`, `data="b" params{depth=6 trees=300} rule:good{assert="x"}`},
		{"an argument of a nested block", "override \"train.model\" {\n  params { trees = 5 }\n}", `data="a" params{depth=6 trees=5} rule:good{assert="x"}`},
		{"a labelled block", "override \"train.model\" {\n  rule \"good\" { assert = \"y\" }\n  rule \"new\" { assert = \"z\" }\n}",
			`data="a" params{depth=6 trees=300} rule:good{assert="y"} rule:new{assert="z"}`},
		{"an argument that there is none of", `override "train.model" { dta = "b" }`, `train.model has no argument "dta"`},
		{"a new block without what it needs", "override \"train.model\" {\n  rule \"new\" {}\n}", `rule "new" lacks its argument "assert"`},
		{"no such block", `override "train.modle" { seed = 1 }`, "there is no block train.modle to override"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, diags := Parse(map[string][]byte{"main.mlp": []byte(overridden)}, overridable())
			tests, more := ParseTests(map[string][]byte{"a.mlptest": []byte(tt.change + "\n")})
			if diags = append(diags, more...); len(diags) > 0 {
				t.Fatal(diags)
			}
			before := written(m.Blocks[0])
			out, diags := Override(m, tests.Blocks)
			got := written(out.Blocks[0])
			if len(diags) > 0 {
				got = diags[0].Summary
				if diags[0].Subject.File != "a.mlptest" && !strings.Contains(got, "lacks") {
					t.Errorf("told at %v, want a place in the file of tests", diags[0].Subject)
				}
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if after := written(m.Blocks[0]); after != before {
				t.Errorf("the module became %s", after)
			}
		})
	}
}

// written is what stands in a block, sorted by name.
func written(b *Block) string {
	var parts []string
	for name, a := range b.Attrs {
		parts = append(parts, name+"="+string(a.File.Bytes[a.Range.Start.Byte:a.Range.End.Byte]))
	}
	for _, n := range b.Blocks {
		label := n.Kind
		if n.Name != "" {
			label += ":" + n.Name
		}
		parts = append(parts, label+"{"+written(n)+"}")
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}
