package http

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

func TestShape(t *testing.T) {
	model := &schema.Model{Task: schema.Binary, Target: "y"}
	opaque := &schema.Model{Task: schema.Binary, Target: "y", Opaque: true}
	for _, tc := range []struct {
		config string
		model  *schema.Model
		want   string // part of the first problem; empty: none
	}{
		{`{}`, model, ""},
		{`{"key": ["customer"]}`, model, ""},
		{`{"key": ["a", "a"]}`, model, "listed twice"},
		{`{"key": [""]}`, model, "is empty"},
		{`{}`, opaque, "will not be served"},
	} {
		got := shape(t.Context(), nil, schema.ShapeRequest{Config: json.RawMessage(tc.config), In: map[string]schema.Shape{"model": {Type: schema.ModelPort, Model: tc.model}}})
		if out := got.Out[""]; out.Type != schema.ReleasePort || out.Model != tc.model {
			t.Errorf("%s: got %+v", tc.config, out)
		}
		switch {
		case tc.want == "" && len(got.Problems) > 0:
			t.Errorf("%s: got %+v, want no problem", tc.config, got.Problems)
		case tc.want != "" && (len(got.Problems) == 0 || !strings.Contains(got.Problems[0].Summary, tc.want)):
			t.Errorf("%s: got %+v, want %q", tc.config, got.Problems, tc.want)
		}
	}
	if Component.Run != nil || Component.Type.Version != 0 {
		t.Error("a release computes nothing")
	}
}
