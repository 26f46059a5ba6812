package http

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

func TestCanaryRules(t *testing.T) {
	model := &schema.Model{Task: schema.Binary, Target: "y"}
	const steps = `"steps": [5, 25]`
	for _, tc := range []struct{ config, want string }{
		{`"promote_when": "errors.ratio < 1.5", "rollback_when": "errors.ratio > 1", "alpha": 0.01, "every": "1h", "min_samples": 10, "otherwise": "abort", "traffic": {"per_minute": 40, "error_rate": 0.02}`, ""},
		{`"alpha": 0.01`, "No rule goes by alpha"},
		{`"otherwise": "hold"`, "No rule goes by otherwise"},
		{`"traffic": {"per_minute": 40, "error_rate": 0.02}`, "No rule goes by traffic"},
		{`"every": "1h"`, "Nothing waits for every"},
		{`"rollback_when": "errors.ratio > 1", "min_samples": 10`, "Nothing waits for min_samples"},
		{`"rollback_when": "errors.ratio > 1", "alpha": 0`, "alpha is 0"},
		{`"rollback_when": "errors.ratio > 1", "alpha": 0.6`, "alpha is 0.6"},
		{`"rollback_when": "errors.ratio > 1", "traffic": {"per_minute": 0, "error_rate": 0.02}`, "Rows a minute"},
		{`"rollback_when": "errors.ratio > 1", "traffic": {"per_minute": 40, "error_rate": 2}`, "error_rate is a share"},
		{`"rollback_when": "errors.ratio > 1", "traffic": {"per_minute": 40, "error_rate": 0.02, "positive_rate": -1}`, "positive_rate is a share"},
	} {
		got := shape(t.Context(), nil, schema.ShapeRequest{Config: json.RawMessage(`{"canary": {` + steps + `, ` + tc.config + `}}`), In: map[string]schema.Shape{"model": {Type: schema.ModelPort, Model: model}}})
		switch {
		case tc.want == "" && len(got.Problems) > 0:
			t.Errorf("%s: got %+v, want no problem", tc.config, got.Problems)
		case tc.want != "" && (len(got.Problems) == 0 || !strings.Contains(got.Problems[0].Summary, tc.want)):
			t.Errorf("%s: got %+v, want %q", tc.config, got.Problems, tc.want)
		}
		if s := got.Out[""].Strategy; tc.want == "" && (s == nil || !s.Valid() || s.Rules.Alpha != 0.01 || s.Rules.Every != 3600 || s.Rules.Otherwise != schema.AbortStep) {
			t.Errorf("%s: got %+v", tc.config, s)
		}
	}
	plain := &config{Canary: &canary{Steps: []float64{5, 100}, Rollback: "errors.ratio > 1"}}
	if s := plain.strategy(); !s.Valid() || s.Rules.Alpha != schema.DefaultAlpha || s.Rules.Otherwise != schema.HoldStep {
		t.Errorf("got %+v", s.Rules)
	}
}
