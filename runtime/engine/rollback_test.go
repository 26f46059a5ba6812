package engine

import (
	"errors"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/state"
)

// TestHeldRelease: a candidate that is not known when it is planned, and turns out to be what was rolled back, is not released, and
// nobody is asked to approve it. Lifted, it waits for its approval.
func TestHeldRelease(t *testing.T) {
	r := newRig(t)
	g := base()
	r.run(g.plan())
	good := r.state().Releases["deploy.d"]
	g.model, g.auc, g.current = "m2", "0.95", &good
	r.run(g.plan())
	bad := r.state().Releases["deploy.d"]
	if bad.Model == good.Model {
		t.Fatal("the second model is the first")
	}
	record := func(release plan.ReleaseState) plan.ReleaseState {
		t.Helper()
		if _, err := r.log().Append(t.Context(), r.state(), []plan.Event{{Key: "release/deploy.d", Release: &release}}); err != nil {
			t.Fatal(err)
		}
		return r.state().Releases["deploy.d"]
	}
	live := record(bad.RollBack(good, plan.Given{By: "ann", Reason: "refunds"}))
	g.current, g.approval = &live, &plan.Approval{Name: "risk"}
	p := g.plan()
	p.Releases[0].Action = plan.MayRelease
	res := r.run(p)
	if got := res.Releases[0]; got.Status != Held || got.After.Model != good.Model || res.ExitCode() != ExitDone || res.Gates[0].Status != GatePassed {
		t.Errorf("held: got %+v, gate %s, exit code %d", got, res.Gates[0].Status, res.ExitCode())
	}
	if now := r.state().Releases["deploy.d"]; now.Model != good.Model || now.Rollback == nil {
		t.Errorf("held: %+v is live", now)
	}
	lifted := live
	lifted.Rollback = &plan.Rollback{Held: live.Rollback.Held, Lifted: &plan.Given{By: "ann"}}
	live = record(lifted)
	g.current = &live
	if res := r.run(g.plan()); res.Gates[0].Status != GateWaits || r.state().Releases["deploy.d"].Model != good.Model {
		t.Errorf("lifted: gate %s", res.Gates[0].Status)
	}
	g.approval = nil
	if res := r.run(g.plan()); res.Releases[0].Status != Changed || res.Releases[0].After.Rollback != nil {
		t.Errorf("lifted and let pass: got %+v", res.Releases[0])
	}
}

// TestRollbackBesideAnApply: an apply that runs when somebody rolls back does not release over it.
func TestRollbackBesideAnApply(t *testing.T) {
	r := newRig(t)
	g := base()
	r.run(g.plan())
	first := r.state().Releases["deploy.d"]
	g.model, g.auc, g.current = "m2", "0.95", &first
	r.run(g.plan())
	second := r.state().Releases["deploy.d"]
	began := r.state()
	back := second.RollBack(first, plan.Given{By: "ann", Reason: "refunds"})
	if _, err := r.log().Append(t.Context(), began, []plan.Event{{Key: "release/deploy.d", Release: &back}}); err != nil {
		t.Fatal(err)
	}
	third := second
	third.Model, third.Revision = "blake3:third", 0
	_, err := r.log().Append(t.Context(), began, []plan.Event{{Key: "release/deploy.d", Release: &third}})
	if !errors.Is(err, state.ErrMoved) {
		t.Errorf("got %v, want that the state moved on", err)
	}
	if now := r.state().Releases["deploy.d"]; now.Model != first.Model {
		t.Errorf("%s is live", now.Model)
	}
}
