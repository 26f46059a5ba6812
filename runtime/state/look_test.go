package state

import (
	"context"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// TestLooks counts the models that evaluations measured on some rows, over checkpoints, removals and moves.
func TestLooks(t *testing.T) {
	l := openLog(t, t.TempDir())
	look := func(key string, model plan.Digest) plan.Event {
		return plan.Event{Key: key, Node: &plan.NodeState{Kind: "evaluate", Inputs: map[string]plan.Digest{"data": "rows", "model": model}}}
	}
	said := func(model plan.Digest) plan.Event { // of a kind whose name the log does not know
		return plan.Event{Key: "node/measure.z", Node: &plan.NodeState{Kind: "measure"}, Look: &plan.Look{Rows: "others", Model: model}}
	}
	st := add(t, l, load(t, l), look("node/evaluate.x", "m1"))
	st = add(t, l, st, said("m1"))
	st = add(t, l, st, said("m2"))
	st = add(t, l, st, look("node/evaluate.x", "m2"))
	st = add(t, l, st, look("node/evaluate.x", "m1"), look("node/evaluate.x@champion", "m3"))
	st = add(t, l, st, plan.Event{Key: "node/evaluate.x", Removed: true}, look("node/evaluate.y", "m1"))
	for range 70 { // past a checkpoint
		st = add(t, l, st, node("train.model", "a"))
	}
	want := []plan.Digest{"m1", "m2"}
	if got := load(t, l).Looks["others"]; !slices.Equal(got, want) {
		t.Errorf("as said: got %q, want %q", got, want)
	}
	if got := st.Looks["rows"]; !slices.Equal(got, want) {
		t.Errorf("as written: got %q, want %q", got, want)
	}
	if got := load(t, l).Looks["rows"]; !slices.Equal(got, want) {
		t.Errorf("as read: got %q, want %q", got, want)
	}
}

// TestReleaseKeepsRevision holds that a release that is moved is live since it was made.
func TestReleaseKeepsRevision(t *testing.T) {
	l := openLog(t, t.TempDir())
	st := add(t, l, load(t, l), release("deploy.a"))
	made := st.Releases["deploy.a"]
	st = add(t, l, st, node("train.model", "a"))
	st = add(t, l, st, plan.Event{Key: "release/deploy.a", Removed: true}, plan.Event{Key: "release/deploy.b", Release: &made})
	if got := st.Releases["deploy.b"].Revision; got != 1 {
		t.Errorf("got revision %d, want 1", got)
	}
	if _, err := l.History(context.Background()); err != nil {
		t.Error(err)
	}
}
