package planner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// TestOrderIsTold: lists whose order counts are told by it, and what flows on in another order at the stages behind.
func TestOrderIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		before, after string
		want          []plan.Cause
	}{
		"named elements": {`{"column":[{"name":"a","type":"x"},{"name":"b","type":"y"}]}`, `{"column":[{"name":"b","type":"y"},{"name":"a","type":"x"}]}`,
			[]plan.Cause{{Kind: plan.ConfigCause, Path: "column", Before: encode([]string{"a", "b"}), After: encode([]string{"b", "a"})}}},
		"one more between them": {`{"column":[{"name":"a","n":1},{"name":"b","n":1}]}`, `{"column":[{"name":"a","n":1},{"name":"c","n":1},{"name":"b","n":1}]}`,
			[]plan.Cause{{Kind: plan.ConfigCause, Path: "column[c].n", After: encode(1)}}},
		"a key with a point": {`{"a":{"b":1}}`, `{"a.b":1}`,
			[]plan.Cause{{Kind: plan.ConfigCause, Before: []byte(`{"a":{"b":1}}`), After: []byte(`{"a.b":1}`)}}},
		"another spelling": {`{"a":1, "b":2}`, `{"b":2,"a":1}`, nil},
	} {
		if diff := cmp.Diff(tt.want, configCauses([]byte(tt.before), []byte(tt.after))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestFormsOfInputs: where the table that flows in has another form and its content stays, that is the cause, said of the port.
func TestFormsOfInputs(t *testing.T) {
	w := applied(t)
	w.same["source.raw"] = "the same rows"
	other := strings.Replace(fraud, `"id:bigint", "amount:double"`, `"amount:double", "id:bigint"`, 1)
	p := w.plan(other)
	n := p.Node("dataset.clean")
	want := []plan.Cause{{Kind: plan.SchemaCause, Path: "from", From: "source.raw"}, {Kind: plan.InputCause, Path: "from", From: "source.raw"}}
	if diff := cmp.Diff(want, n.Causes); diff != "" {
		t.Error(diff)
	}
	for _, c := range p.Changes {
		if c.Cause.Kind == plan.SchemaCause {
			t.Errorf("told where it comes from, and again: %+v", c)
		}
	}
}
