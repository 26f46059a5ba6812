package planner

import (
	"encoding/json"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

func TestWeakerExploration(t *testing.T) {
	const some, more, other = "some rows are decided otherwise than the model does", "more rows are decided otherwise than the model does", "other rows are decided otherwise than the model does"
	const limit = "rows that were decided as the model does may be decided otherwise"
	for _, tc := range []struct{ before, after, want string }{
		{`{}`, `{"exploration":{"share":0.03,"never":[{"name":"amount","above":10}]}}`, some},
		{`{"exploration":{"share":0.03,"never":[{"name":"amount","above":10}]}}`, `{}`, ""},
		{`{"exploration":{"share":0.03}}`, `{"exploration":{"share":0.05}}`, more},
		{`{"exploration":{"share":0.03}}`, `{"exploration":{"share":0.02}}`, ""},
		{`{"exploration":{"share":0.03}}`, `{"exploration":{"share":0.03,"of":"false"}}`, other},
		{`{"exploration":{"share":0.03,"never":[{"name":"amount","above":10}]}}`, `{"exploration":{"share":0.03,"never":[{"name":"amount","above":20}]}}`, limit},
		{`{"exploration":{"share":0.03,"never":[{"name":"amount","above":10}]}}`, `{"exploration":{"share":0.03,"never":[{"name":"amount","above":5}]}}`, ""},
		{`{"exploration":{"share":0.03,"never":[{"name":"amount","below":10}]}}`, `{"exploration":{"share":0.03,"never":[{"name":"amount","below":5}]}}`, limit},
		{`{"exploration":{"share":0.03,"never":[{"name":"amount","above":10}]}}`, `{"exploration":{"share":0.03}}`, limit},
		{`{"exploration":{"share":0.03}}`, `{"exploration":{"share":0.03,"never":[{"name":"amount","above":10}]}}`, ""},
		{`{"exploration":{"share":0.03,"never":[{"name":"country","among":["KP","IR"]}]}}`, `{"exploration":{"share":0.03,"never":[{"name":"country","among":["KP"]}]}}`, limit},
		{`{"key":["a"]}`, `{"key":["b"],"exploration":{"share":"much"}}`, ""},
	} {
		got := ""
		for _, c := range configCauses(json.RawMessage(tc.before), json.RawMessage(tc.after)) {
			if w := weakerExploration(json.RawMessage(tc.before), json.RawMessage(tc.after), c); w != "" {
				got = w
			}
		}
		if got != tc.want {
			t.Errorf("%s → %s: got %q, want %q", tc.before, tc.after, got, tc.want)
		}
	}
	if e, err := schema.ExplorationOf(nil); e != nil || err != nil {
		t.Errorf("got %v, %v", e, err)
	}
}
