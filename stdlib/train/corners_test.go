package train

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/train/tune"
)

// TestCorners: the ends of a space are checked once for a configuration, and few are remembered.
func TestCorners(t *testing.T) {
	checks := 0
	u := &Tunable{Check: func(config json.RawMessage, validated bool) []schema.Problem {
		checks++
		var c struct{ Params struct{ Depth float64 } }
		if err := json.Unmarshal(config, &c); err != nil || c.Params.Depth < 9 || validated {
			return nil
		}
		return []schema.Problem{{Path: "params.depth", Summary: "too deep"}}
	}}
	space := tune.Space{{Name: "depth", Min: 1, Max: 9}}
	for _, c := range []struct {
		config    string
		validated bool
		problems  int
		checks    int
	}{
		{`{"seed":1}`, false, 1, 2},
		{`{"seed":1}`, false, 1, 2},
		{`{"seed":1}`, true, 0, 4},
		{`{"seed":2}`, false, 1, 6},
		{`{"seed":1}`, false, 1, 6},
	} {
		got := u.corners(json.RawMessage(c.config), space, c.validated)
		if len(got) != c.problems || checks != c.checks {
			t.Errorf("%s, %t: got %d problems after %d checks, want %d after %d", c.config, c.validated, len(got), checks, c.problems, c.checks)
		}
		for _, p := range got {
			if p.Path != "tune.space.depth" {
				t.Errorf("%s: got the path %s", c.config, p.Path)
			}
		}
	}
	for i := range 3 * mostRemembered {
		u.corners(json.RawMessage(fmt.Sprintf(`{"seed":%d}`, i)), space, false)
	}
	if len(u.cornersOf) > mostRemembered {
		t.Errorf("%d configurations are remembered, want %d at most", len(u.cornersOf), mostRemembered)
	}
}
