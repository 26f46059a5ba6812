package plan

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
)

var canarySteps = &schema.Strategy{Role: schema.CanaryRoute, Steps: []float64{5, 25}}

// releaseOf is the release of a model by its name.
func releaseOf(name string) ReleaseState {
	return ReleaseState{Type: "http", Model: digest.Of([]byte(name)), From: "train.model", Config: json.RawMessage(`{}`)}
}

// TestRollout walks a canary through its steps: what is live changes with the last one alone, and each move waits for the number of its revision.
func TestRollout(t *testing.T) {
	ann := Given{By: "ann", Reason: "all is well", At: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)}
	first := (*ReleaseState)(nil).Release(releaseOf("a"), canarySteps)
	if first.Rollout != nil || first.Newest().Model != digest.Of([]byte("a")) {
		t.Fatalf("nothing is live: got %+v, want a release at once", first)
	}
	live := first.Numbered(3)
	begun := live.Release(releaseOf("b"), canarySteps)
	begun = begun.Numbered(5)
	if begun.Revision != 3 || begun.Model != live.Model || begun.Rollout.Revision != 5 || begun.Rollout.Next.Revision != 5 || begun.Rollout.Share() != 5 {
		t.Fatalf("a canary begins: got %+v with %+v", begun, begun.Rollout)
	}
	step := begun.Promote(false, ann)
	step = step.Numbered(6)
	if r := step.Rollout; r.Share() != 25 || r.Revision != 6 || r.Next.Revision != 5 || r.Moved.By != "ann" || begun.Rollout.Step != 0 {
		t.Fatalf("a step: got %+v", r)
	}
	for name, whole := range map[string]ReleaseState{"from the last step": step.Promote(false, ann), "past all steps": begun.Promote(true, ann)} {
		whole = whole.Numbered(7)
		if whole.Model != digest.Of([]byte("b")) || whole.Rollout != nil || whole.Revision != 7 || whole.PassedIn() != 5 || whole.Promoted.By != "ann" {
			t.Errorf("%s: got %+v", name, whole)
		}
	}
	paused := step.Pause(ann)
	if back := paused.Resume(); paused.Rollout.Paused == nil || paused.Moved() != 6 || cmp.Diff(back, step) != "" {
		t.Errorf("a pause and its end: got %+v", cmp.Diff(back, step))
	}
	aborted := step.Abort(ann)
	next := step.Rollout.Next
	if aborted.Rollout != nil || aborted.Model != live.Model || aborted.Revision != 3 || aborted.Holds(next.Candidate(), next.Config) == nil {
		t.Errorf("an abort: got %+v", aborted)
	}
	if h := aborted.Rollback.Held[0]; h.Role != schema.CanaryRoute || h.Revision != 5 || aborted.PassedIn() != 3 {
		t.Errorf("what is held: got %+v", h)
	}
	if other := begun.Release(releaseOf("c"), canarySteps); other.Model != live.Model || other.Rollout.Next.Model != digest.Of([]byte("c")) || other.Rollout.Step != 0 {
		t.Errorf("another candidate: got %+v", other.Rollout)
	}
	if same := begun.Release(releaseOf("a"), canarySteps); same.Rollout != nil {
		t.Errorf("the live model again: got %+v, want no rollout", same.Rollout)
	}
}

// TestReleaseByRollout: what a plan does goes by the candidate of the rollout, which was let pass last.
func TestReleaseByRollout(t *testing.T) {
	begun := releaseOf("a")
	begun = begun.Numbered(3)
	begun = begun.Release(releaseOf("b"), canarySteps)
	begun = begun.Numbered(5)
	aborted := begun.Abort(Given{By: "ann", Reason: "slow"})
	for _, c := range []struct {
		name    string
		current *ReleaseState
		model   string
		want    ReleaseAction
	}{
		{"the candidate", &begun, "b", NoRelease},
		{"another one", &begun, "c", ChangeRelease},
		{"the live model: the rollout ends", &begun, "a", ChangeRelease},
		{"the candidate that was aborted", &aborted, "b", NoRelease},
		{"another one after that", &aborted, "c", ChangeRelease},
		{"what is live after that", &aborted, "a", NoRelease},
	} {
		r := &Release{Type: "http", Model: Input{From: "train.model", Digest: digest.Of([]byte(c.model))}, Config: json.RawMessage(`{}`), Current: c.current, Strategy: canarySteps}
		if got := r.Decide(false); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestRolloutIsRenamed: the candidate's addresses change with those of what is live.
func TestRolloutIsRenamed(t *testing.T) {
	live := releaseOf("a")
	next := releaseOf("b")
	next.Gate, next.Figures = "gate.release", map[string]json.RawMessage{"evaluate.test": json.RawMessage(`{}`)}
	live = live.Release(next, canarySteps)
	got := live.renamed(func(a string) string { return a + "2" })
	if n := got.Rollout.Next; got.From != "train.model2" || n.From != "train.model2" || n.Gate != "gate.release2" || n.Figures["evaluate.test2"] == nil {
		t.Errorf("got %+v", n)
	}
	if live.Rollout.Next.From != "train.model" {
		t.Error("the release that was renamed has changed")
	}
}
