package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/schema"
)

func TestValueType(t *testing.T) {
	n, s := cty.Number, cty.String
	tests := []struct {
		name string
		of   cty.Type
		want *schema.FigureType
	}{
		{"number", n, schema.Double},
		{"text", s, schema.Word},
		{"truth value", cty.Bool, schema.Flag},
		{"list", cty.List(n), schema.ListOf(schema.Double)},
		{"set", cty.Set(s), schema.ListOf(schema.Word)},
		{"map", cty.Map(n), schema.MapOf(schema.Double)},
		{"list written out", cty.Tuple([]cty.Type{n, n}), schema.ListOf(schema.Double)},
		{"list of two types", cty.Tuple([]cty.Type{n, s}), nil},
		{"empty list", cty.EmptyTuple, nil},
		{"object", cty.Object(map[string]cty.Type{"a": n, "b": cty.DynamicPseudoType}), schema.Object(map[string]*schema.FigureType{"a": schema.Double})},
		{"of any type", cty.DynamicPseudoType, nil},
		{"list of what rules have no type for", cty.List(cty.DynamicPseudoType), nil},
		{"map of such", cty.Map(cty.DynamicPseudoType), nil},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, ValueType(tt.of)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

// TestMerge: instances of a repeated block have what any of them has; bounds are those that all keep.
func TestMerge(t *testing.T) {
	between := func(low, high float64) *schema.FigureType {
		return &schema.FigureType{Kind: schema.DoubleFigure, Low: &low, High: &high}
	}
	object := func(fields map[string]*schema.FigureType) *schema.FigureType { return schema.Object(fields) }
	tests := []struct {
		name       string
		a, b, want *schema.FigureType
	}{
		{"of other kinds", schema.Word, schema.Double, schema.Word},
		{"words", schema.Word, schema.Word, schema.Word},
		{"bounds", between(0, 1), between(-1, 0.5), between(-1, 1)},
		{"bounds of one", between(0, 1), schema.Double, &schema.FigureType{Kind: schema.DoubleFigure}},
		{"fields", object(map[string]*schema.FigureType{"a": between(0, 1), "b": schema.Word}), object(map[string]*schema.FigureType{"a": between(0, 2), "c": schema.Flag}),
			object(map[string]*schema.FigureType{"a": between(0, 2), "b": schema.Word, "c": schema.Flag})},
		{"keys", schema.KeyedMap(schema.Double, "eu", "us"), schema.KeyedMap(schema.Double, "us", "as"),
			&schema.FigureType{Kind: schema.MapFigure, Elem: schema.Double, Keys: []string{"as", "eu", "us"}, Closed: true}},
		{"keys of which some are not known", schema.KeyedMap(schema.Double, "eu"), schema.MapOf(schema.Double),
			&schema.FigureType{Kind: schema.MapFigure, Elem: schema.Double, Keys: []string{"eu"}}},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, merge(tt.a, tt.b)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

func TestPathsOfRequirements(t *testing.T) {
	for path, want := range map[string]string{
		"requirement[R1]": "R1", "requirement[a b]": "a b", "requirement[R1].text": "", "requirement[R1].verified_by[0]": "", "task": "", "requirement": "", "column[R1]": "", "requirement[R1": "",
	} {
		if label, ok := requirementOf(path); label != want || ok != (want != "") {
			t.Errorf("%s: got %q, %t", path, label, ok)
		}
	}
	for path, want := range map[string]string{"requirement[R1].verified_by[0]": "requirement[R1]", "verified_by": "verified_by"} {
		if got := blockOfPath(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}
