package stagetest

import (
	"math"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Score scores rows given as Go values by feature: nil, bool, float64 or string. A feature that a row does not have ends the test; one
// that is missing is written as nil.
//
//	got := stagetest.Score(t, m, map[string]any{"tenure": 4.0, "contract": "monthly"}, map[string]any{"tenure": nil, "contract": nil})
func Score(t testing.TB, m component.Model, rows ...map[string]any) []component.Prediction {
	t.Helper()
	var columns []component.Values
	for _, c := range m.Inputs() {
		var v component.Values
		for _, row := range rows {
			value, given := row[c.Name]
			if !given {
				t.Fatalf("no value for %q", c.Name)
			}
			if schema.KindOf(c.Type) == schema.TextValue {
				text, _ := value.(string)
				v.Text, v.Null = append(v.Text, text), append(v.Null, value == nil)
				continue
			}
			v.Num = append(v.Num, number(value))
		}
		columns = append(columns, v)
	}
	got, err := m.Score(t.Context(), len(rows), columns)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// number is a value as frames hold it: a boolean as 0 or 1, anything else as NaN.
func number(v any) float64 {
	switch x := v.(type) {
	case float64:
		return x
	case bool:
		if x {
			return 1
		}
		return 0
	}
	return math.NaN()
}
