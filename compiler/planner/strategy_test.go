package planner

import (
	"encoding/json"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// TestWeakerStep: what holds a canary to less is called weaker, and what holds it to more is not.
func TestWeakerStep(t *testing.T) {
	for _, c := range []struct{ path, before, after, want string }{
		{"rollback_when", `"errors.ratio > 1"`, `"errors.ratio > 2"`, "a canary is taken away less easily"},
		{"rollback_when", `"errors.ratio > 2"`, `"errors.ratio > 1"`, ""},
		{"rollback_when", `"errors.ratio > 2"`, ``, "nothing takes a canary away by itself"},
		{"rollback_when", ``, `"errors.ratio > 1"`, ""},
		{"rollback_when", `"errors.ratio > 1"`, `"latency.p99_ms > 1"`, "a canary is taken away in other cases"},
		{"promote_when", `"errors.ratio < 1.5"`, `"errors.ratio < 2"`, "a canary goes on more easily"},
		{"promote_when", `"errors.ratio < 1.5"`, `"errors.ratio < 1.2"`, ""},
		{"promote_when", ``, `"errors.ratio < 1.2"`, "a canary goes on by itself"},
		{"promote_when", `"errors.ratio < 1.2"`, ``, ""},
		{"otherwise", `"abort"`, ``, "a canary that cannot be decided stays"},
		{"otherwise", `"hold"`, `"abort"`, ""},
		{"alpha", ``, `0.1`, "more decisions may be wrong"},
		{"alpha", `0.1`, `0.01`, ""},
		{"min_samples", `100`, ``, "a step takes fewer rows"},
		{"min_samples", `100`, `200`, ""},
		{"every", `"1h"`, `"30m"`, "a step may be shorter"},
		{"every", `"30m"`, `"1h"`, ""},
		{"steps", `[5]`, `[10]`, ""},
	} {
		raw := func(text string) json.RawMessage {
			if text == "" {
				return nil
			}
			return json.RawMessage(text)
		}
		if got := weakerStep(plan.Cause{Path: "canary." + c.path, Before: raw(c.before), After: raw(c.after)}); got != c.want {
			t.Errorf("%s %s to %s: got %q, want %q", c.path, c.before, c.after, got, c.want)
		}
	}
}
