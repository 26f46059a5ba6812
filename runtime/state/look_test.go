package state

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// TestLooks counts the models that evaluations measured on some rows, over checkpoints, removals and moves.
func TestLooks(t *testing.T) {
	l := openLog(t, t.TempDir())
	rows, others, named := digest.Of([]byte("rows")), digest.Of([]byte("others")), func(model string) plan.Digest { return digest.Of([]byte(model)) }
	look := func(key, model string) plan.Event {
		return plan.Event{Key: key, Node: &plan.NodeState{Kind: "evaluate", Inputs: map[string]plan.Digest{"data": rows, "model": named(model)}}}
	}
	said := func(model string) plan.Event { // of a kind whose name the log does not know
		return plan.Event{Key: "node/measure.z", Node: &plan.NodeState{Kind: "measure"}, Look: &plan.Look{Rows: others, Model: named(model)}}
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
	want := []plan.Digest{named("m1"), named("m2")}
	if got := load(t, l).Looks[others]; !slices.Equal(got, want) {
		t.Errorf("as said: got %q, want %q", got, want)
	}
	if got := st.Looks[rows]; !slices.Equal(got, want) {
		t.Errorf("as written: got %q, want %q", got, want)
	}
	if got := load(t, l).Looks[rows]; !slices.Equal(got, want) {
		t.Errorf("as read: got %q, want %q", got, want)
	}
}

// TestLooksOfAllWorkspaces: what evaluations of other workspaces measured is known, also once a workspace is gone, and each model counts once.
func TestLooksOfAllWorkspaces(t *testing.T) {
	ctx := context.Background()
	l := openLog(t, t.TempDir())
	rows := digest.Of([]byte("rows"))
	look := func(model string) plan.Event {
		return plan.Event{Key: "node/evaluate.x", Node: &plan.NodeState{Kind: "evaluate"}, Look: &plan.Look{Rows: rows, Model: digest.Of([]byte(model))}}
	}
	add(t, l, load(t, l), look("m1"))
	for i, models := range [][]string{{"m1", "m2"}, {"m2", "m3"}} {
		pr, err := l.Of(fmt.Sprintf("pr-%d", i))
		if err != nil {
			t.Fatal(err)
		}
		st := load(t, pr)
		for _, m := range models {
			st = add(t, pr, st, look(m))
		}
		if i > 0 {
			continue
		}
		// One from before such keys were put: the removal of its workspace puts them.
		for key, err := range bucket.Keys(ctx, l.bucket, "looks/", "") {
			if err == nil {
				err = l.bucket.Delete(ctx, key)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := pr.KeepLooks(ctx, st); err != nil {
			t.Fatal(err)
		}
		if err := pr.Remove(ctx, st.Revision); err != nil {
			t.Fatal(err)
		}
	}
	want := []plan.Digest{digest.Of([]byte("m1")), digest.Of([]byte("m2")), digest.Of([]byte("m3"))}
	slices.Sort(want)
	for _, workspace := range []string{"default", "pr-0", "pr-9"} {
		at, err := l.Of(workspace)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := at.Looked(ctx, rows); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q (%v), want %q", workspace, got, err, want)
		}
	}
	if got, err := l.Looked(ctx, digest.Of([]byte("other rows"))); err != nil || len(got) > 0 {
		t.Errorf("of other rows: got %q (%v), want none", got, err)
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
