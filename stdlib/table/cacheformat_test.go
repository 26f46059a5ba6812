package table

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

func TestAnswersAreReadAsWritten(t *testing.T) {
	o := func(names ...string) (out []component.Origin) {
		for _, n := range names {
			out = append(out, component.Origin{Table: "t" + n, Column: n})
		}
		return out
	}
	for name, a := range map[string]answer{
		"nothing":  {},
		"columns":  {Columns: []schema.Column{{Name: "a b", Type: "struct(\"x\" double)"}, {Name: "é", Type: "varchar"}}},
		"problems": {Problems: []schema.Problem{{Path: "sql", Summary: "s", Detail: "d\nd", Hint: "h", Offset: 70_000, Length: 3}, {Summary: "w", Warning: true}}},
		"flows": {Flows: component.Flows{Columns: map[string]component.Flow{"a": {Taints: o("t"), Values: o("x", "y"), Others: o("z"), Keys: o("k"),
			Control: o("i"), Known: o("n"), Past: []component.Past{{Clock: o("c"), Origins: o("p", "q")}, {Origins: o("r")}}}, "b": {Copy: &o("c")[0]}, "": {}},
			Rows: component.Flow{Control: o("w")}}},
	} {
		text := encodeAnswer(a)
		got, ok := decodeAnswer(text)
		if d := cmp.Diff(a, got, cmpopts.EquateEmpty()); !ok || d != "" {
			t.Errorf("%s: %t %s", name, ok, d)
		}
		for i := range text {
			if _, ok := decodeAnswer(text[:i]); ok {
				t.Errorf("%s, cut at %d: taken for whole", name, i)
			}
		}
		if _, ok := decodeAnswer(append(text, 0)); ok {
			t.Errorf("%s: taken with more behind it", name)
		}
	}
	if _, ok := decodeAnswer([]byte{0xff, 0xff, 0xff, 0xff, 0x7f}); ok {
		t.Error("a number beyond all bounds was taken")
	}
}

// TestEveryFieldIsKept: what is written of an answer is all there is; a field more has to be written too.
func TestEveryFieldIsKept(t *testing.T) {
	for what, got := range map[string][2]int{
		"schema.Problem": {fields(schema.Problem{}), 7}, "component.Flow": {fields(component.Flow{}), 8}, "component.Flows": {fields(component.Flows{}), 2}, "component.Past": {fields(component.Past{}), 2}, "component.Origin": {fields(component.Origin{}), 2},
		"answer": {fields(answer{}), 3},
	} {
		if got[0] != got[1] {
			t.Errorf("%s has %d fields, and %d are written", what, got[0], got[1])
		}
	}
}

func fields(v any) int { return reflect.TypeOf(v).NumField() }
