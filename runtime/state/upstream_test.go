package state

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
)

// TestOnto begins a workspace from another one's state, lets that go on, and begins again: each revision is read as it was written, whether
// the state is folded from the first or read at once.
func TestOnto(t *testing.T) {
	ctx := context.Background()
	main := openLog(t, t.TempDir())
	pr, err := main.Of("pr-1")
	if err != nil {
		t.Fatal(err)
	}
	of := add(t, main, load(t, main), node("a", "1"), node("b", "1"), release("deploy.x"))

	own := add(t, pr, load(t, pr), plan.Event{Key: "approval/gate.g/risk", Approval: &plan.ApprovalState{Gate: "gate.g", Name: "risk", By: "ann"}})
	st := pr.Onto(own, of)
	if st.Workspace != "pr-1" || st.Revision != 1 || len(st.Nodes) != 2 || st.Approvals["gate.g/risk"].By != "ann" || !st.Recorded() {
		t.Errorf("onto: got %s", asJSON(t, st))
	}
	first := add(t, pr, st, node("b", "2"))
	if first.Ahead || first.Revision != 2 || first.Upstream == nil || first.Upstream.Revision != 1 || first.Upstream.Digest != of.Digest {
		t.Errorf("first revision on the upstream: got %s", asJSON(t, first))
	}
	second := add(t, pr, first, node("c", "1"))

	of = add(t, main, of, node("a", "2"), plan.Event{Key: "release/deploy.x", Removed: true})
	third := add(t, pr, pr.Onto(second, of), node("b", "3"))
	if _, kept := third.Nodes["c"]; kept || len(third.Releases) != 0 || third.Nodes["a"].Fingerprint != digest.Of([]byte("2")) {
		t.Errorf("begun again: got %s", asJSON(t, third))
	}
	history, err := pr.History(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []*plan.State{own, first, second, third} {
		if got := pr.At(history, int64(i+1)); asJSON(t, got) != asJSON(t, want) {
			t.Errorf("revision %d: got %s, want %s", i+1, asJSON(t, got), asJSON(t, want))
		}
	}
	if got := load(t, pr); asJSON(t, got) != asJSON(t, third) {
		t.Errorf("loaded: got %s, want %s", asJSON(t, got), asJSON(t, third))
	}
	if got := load(t, main); asJSON(t, got) != asJSON(t, of) {
		t.Errorf("the upstream: got %s, want %s", asJSON(t, got), asJSON(t, of))
	}
	if got, err := main.Workspaces(ctx); err != nil || !slices.Equal(got, []string{"default", "pr-1"}) {
		t.Errorf("workspaces: got %v, %v", got, err)
	}
}

// TestBefore finds the state that a plan was made against again, and refuses one that this store does not have.
func TestBefore(t *testing.T) {
	ctx := context.Background()
	main := openLog(t, t.TempDir())
	pr, err := main.Of("pr-1")
	if err != nil {
		t.Fatal(err)
	}
	of := add(t, main, load(t, main), node("a", "1"))
	planned := pr.Onto(load(t, pr), of)
	base := plan.Base{Upstream: planned.Upstream}
	add(t, main, of, node("a", "2"))
	add(t, pr, planned, node("b", "1"))

	history, err := pr.History(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := pr.Before(ctx, history, base); err != nil || asJSON(t, got) != asJSON(t, planned) {
		t.Errorf("got %s, %v, want %s", asJSON(t, got), err, asJSON(t, planned))
	}
	for name, b := range map[string]plan.Base{
		"an own revision that is not there":        {Revision: 2, Digest: digest.Of(nil)},
		"another own revision":                     {Revision: 1, Digest: digest.Of(nil)},
		"a revision of the upstream, not there":    {Upstream: &plan.Upstream{Workspace: "default", Revision: 9, Digest: of.Digest}},
		"another revision of the upstream":         {Upstream: &plan.Upstream{Workspace: "default", Revision: 2, Digest: of.Digest}},
		"an upstream in which nothing is recorded": {Upstream: &plan.Upstream{Workspace: "other", Revision: 1, Digest: of.Digest}},
	} {
		var unknown *UnknownBaseError
		if _, err := pr.Before(ctx, history, b); !errors.As(err, &unknown) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestOntoMeetsAnother lets two writers begin a workspace from an upstream at once: one wins, and the other is told so.
func TestOntoMeetsAnother(t *testing.T) {
	main := openLog(t, t.TempDir())
	pr, err := main.Of("pr-1")
	if err != nil {
		t.Fatal(err)
	}
	of := add(t, main, load(t, main), node("a", "1"))
	own := load(t, pr)
	add(t, pr, pr.Onto(own, of), node("b", "1"))
	if _, err := pr.Append(context.Background(), pr.Onto(own, of), []plan.Event{node("c", "1")}); !errors.Is(err, ErrMoved) {
		t.Errorf("got %v", err)
	}
}

// TestRemoveLog removes a log, begins it anew, and reads one whose removal was killed after the first step.
func TestRemoveLog(t *testing.T) {
	ctx := context.Background()
	l := openLog(t, t.TempDir())
	st := load(t, l)
	for _, name := range []string{"a", "b", "c"} {
		st = add(t, l, st, node(name, "1"))
	}
	if err := l.Remove(ctx, st.Revision); err != nil {
		t.Fatal(err)
	}
	if got := load(t, l); got.Revision != 0 || len(got.Nodes) != 0 {
		t.Errorf("after removal: got %s", asJSON(t, got))
	}
	again := add(t, l, load(t, l), node("d", "1"))
	if got := slices.Collect(maps.Keys(again.Nodes)); !slices.Equal(got, []string{"d"}) {
		t.Errorf("begun anew: got %v", got)
	}
	if err := l.bucket.Delete(ctx, l.headKey()); err != nil { // as far as a removal that is killed after its first step
		t.Fatal(err)
	}
	if got := load(t, l); got.Revision != 1 {
		t.Errorf("without a head: got %s", asJSON(t, got))
	}
}
