package resolve

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

func TestStrayKeys(t *testing.T) {
	point := cty.ObjectWithOptionalAttrs(map[string]cty.Type{"x": cty.Number, "y": cty.Number}, []string{"y"})
	one, object := cty.NumberIntVal(1), cty.ObjectVal
	tests := []struct {
		name string
		v    cty.Value
		ty   cty.Type
		want []string
	}{
		{"as the type has it", object(map[string]cty.Value{"x": one, "y": one}), point, nil},
		{"without an optional one", object(map[string]cty.Value{"x": one}), point, nil},
		{"one too many", object(map[string]cty.Value{"x": one, "z": one}), point, []string{"v.z"}},
		{"marked", object(map[string]cty.Value{"x": one, "z": one}).Mark("secret"), point, []string{"v.z"}},
		{"in a list", cty.TupleVal([]cty.Value{object(map[string]cty.Value{"x": one}), object(map[string]cty.Value{"z": one})}), cty.List(point), []string{"v[1].z"}},
		{"in a map", object(map[string]cty.Value{"a": object(map[string]cty.Value{"x": one, "z": one})}), cty.Map(point), []string{`v["a"].z`}},
		{"in a tuple", cty.TupleVal([]cty.Value{one, object(map[string]cty.Value{"z": one})}), cty.Tuple([]cty.Type{cty.Number, point}), []string{"v[1].z"}},
		{"in an object", object(map[string]cty.Value{"p": object(map[string]cty.Value{"z": one})}), cty.Object(map[string]cty.Type{"p": point}), []string{"v.p.z"}},
		{"any type", object(map[string]cty.Value{"z": one}), cty.DynamicPseudoType, nil},
		{"a map of anything", object(map[string]cty.Value{"z": one}), cty.Map(cty.Number), nil},
		{"null", cty.NullVal(point), point, nil},
		{"unknown", cty.UnknownVal(point), point, nil},
		{"text", cty.StringVal("x"), point, nil},
	}
	for _, tt := range tests {
		var got []string
		for _, k := range strayKeys(tt.v, tt.ty, "v") {
			got = append(got, k.path)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}
