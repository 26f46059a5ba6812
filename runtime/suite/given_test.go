package suite

import (
	"encoding/json"
	"testing"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
)

// TestFigureTypes: values are of the type of their figure, and null is of any; what does not fit is told with what does.
func TestFigureTypes(t *testing.T) {
	number, text, yes := json.Number("1"), "a", true
	list, object := []any{"a", "b"}, map[string]any{"k": "a"}
	for _, tc := range []struct {
		what  string
		typ   *schema.FigureType
		takes []any
		not   []any
		told  string
	}{
		{"number", schema.Double, []any{number}, []any{text, yes, list, object}, "a number"},
		{"flag", schema.Flag, []any{yes, false}, []any{number, text, list, object}, "true or false"},
		{"text", schema.Word, []any{text}, []any{number, yes, list, object}, "a string"},
		{"list", schema.ListOf(schema.Word), []any{list, []any{}}, []any{number, text, yes, object}, "a list"},
		{"map", schema.MapOf(schema.Word), []any{object, map[string]any{}}, []any{number, text, yes, list}, "an object"},
		{"map of known keys", schema.KeyedMap(schema.Word, "k", "l"), []any{object}, []any{number, text, yes, list}, "an object of k, l"},
		{"object", schema.Object(map[string]*schema.FigureType{"m": schema.Word, "k": schema.Word}), []any{object}, []any{number, text, yes, list}, "an object of k, m"},
		{"object without fields", schema.Object(nil), nil, []any{number, text, yes, list}, "an object"},
	} {
		told := func(v any) string {
			figures := schema.Object(map[string]*schema.FigureType{"f": tc.typ})
			k := &checker{}
			k.figures(&given{label: "b", block: &check.Block{Block: &resolve.Block{TypeSpec: &schema.Type{}}, Figures: figures}}, map[string]any{"f": v})
			return mistakes(k.diags)
		}
		for _, v := range append(tc.takes, nil) {
			if got := told(v); got != "" {
				t.Errorf("%s, %v: got %s", tc.what, v, got)
			}
		}
		for _, v := range tc.not {
			if got, want := told(v), "- error MLP1907: b.f takes "+tc.told+"\n"; got != want {
				t.Errorf("%s, %v: got %q, want %q", tc.what, v, got, want)
			}
		}
	}
	k := &checker{}
	figures := schema.Object(map[string]*schema.FigureType{"f": schema.ListOf(schema.Word)})
	k.figures(&given{label: "b", block: &check.Block{Block: &resolve.Block{TypeSpec: &schema.Type{}}, Figures: figures}}, map[string]any{"f": []any{"a", true}})
	if got, want := mistakes(k.diags), "- error MLP1907: b.f[1] takes a string\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
