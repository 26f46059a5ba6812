package review

import (
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// TestLiveModel: what is live is told with its revision; of a release that only the plan beneath would make there is none, and no digest of a model.
func TestLiveModel(t *testing.T) {
	live := plan.ReleaseState{From: "train.model", Model: "blake3:6dfc7d0000000000000000000000000000000000000000000000000000000000", Revision: 8}
	if got, want := liveModel(&plan.Release{Current: &live}), "train.model 6dfc7d (live since revision 8)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	live.Revision = 0
	if got := liveModel(&plan.Release{Current: &live}); strings.Contains(got, "revision") || strings.Contains(got, "6dfc7d") {
		t.Errorf("got %q, want no revision and no digest", got)
	}
	if got, want := liveModel(&plan.Release{}), "nothing live"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
