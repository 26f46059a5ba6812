package http

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

func TestExploration(t *testing.T) {
	features := []schema.Column{{Name: "amount", Type: "double"}, {Name: "country", Type: "varchar"}, {Name: "known", Type: "boolean"}, {Name: "day", Type: "date"}}
	for _, tc := range []struct {
		task         schema.Task
		config, want string
	}{
		{schema.Binary, `"share": 0.03`, ""},
		{schema.Binary, `"share": 0.03, "of": "false", "by": "request", "never": [{"name": "amount", "above": 10000}, {"name": "country", "among": ["KP"]}, {"name": "known", "among": ["true"]}, {"name": "score", "above": 0.99}]`, ""},
		{schema.Binary, `"share": 3`, "more than 0 and at most 0.5"},
		{schema.Binary, `"share": 0`, "more than 0 and at most 0.5"},
		{schema.Regression, `"share": 0.03`, "models of two classes only"},
		{schema.Binary, `"share": 0.03, "by": "key"`, "no key to draw by"},
		{schema.Binary, `"share": 0.03, "never": [{"name": "amont", "above": 1}]`, `no feature "amont"`},
		{schema.Binary, `"share": 0.03, "never": [{"name": "amount"}]`, "either above and below"},
		{schema.Binary, `"share": 0.03, "never": [{"name": "amount", "above": 1, "among": ["a"]}]`, "either above and below"},
		{schema.Binary, `"share": 0.03, "never": [{"name": "amount", "among": ["1"]}]`, "is double"},
		{schema.Binary, `"share": 0.03, "never": [{"name": "country", "above": 1}]`, "is varchar"},
		{schema.Binary, `"share": 0.03, "never": [{"name": "day", "among": ["2026-01-01"]}]`, "is date"},
		{schema.Binary, `"share": 0.03, "never": [{"name": "score", "among": ["a"]}]`, "The score is a number"},
	} {
		got := shape(t.Context(), nil, schema.ShapeRequest{Config: json.RawMessage(`{"exploration": {` + tc.config + `}}`),
			In: map[string]schema.Shape{"model": {Type: schema.ModelPort, Model: &schema.Model{Task: tc.task, Target: "y", Features: features}}}})
		switch {
		case tc.want == "" && len(got.Problems) > 0:
			t.Errorf("%s: got %+v, want no problem", tc.config, got.Problems)
		case tc.want != "" && (len(got.Problems) == 0 || !strings.Contains(got.Problems[0].Summary, tc.want)):
			t.Errorf("%s: got %+v, want %q", tc.config, got.Problems, tc.want)
		case tc.config == `"share": 3` && tc.want != "" && !strings.Contains(got.Problems[0].Hint, "share = 0.03"):
			t.Errorf("%s: got the hint %q", tc.config, got.Problems[0].Hint)
		}
	}
}
