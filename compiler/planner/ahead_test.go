package planner

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// onTop plans a text on top of a plan.
func (w *world) onTop(p *plan.Plan, text string) *plan.Plan {
	w.t.Helper()
	o := w.options()
	var err error
	if o.Ahead, err = After(o.State, p, w); err != nil {
		w.t.Fatal(err)
	}
	o.State = o.Ahead.State
	out, diags := Make(context.Background(), w.module(text), o)
	if diags.HasErrors() {
		w.t.Fatalf("%+v", diags)
	}
	return out
}

// copied is a world that goes on by itself.
func (w *world) copied() *world {
	out := *w
	out.actions = maps.Clone(w.actions)
	out.state.Nodes, out.state.Gates = maps.Clone(w.state.Nodes), maps.Clone(w.state.Gates)
	out.state.Releases, out.state.Approvals = maps.Clone(w.state.Releases), maps.Clone(w.state.Approvals)
	return &out
}

// TestAhead: on top of the plan of any edit the same text does nothing, neither before that plan is applied nor, by a plan without one ahead, afterwards; and what a
// second edit has cached on top of the plan of the first is cached once that has been applied.
func TestAhead(t *testing.T) {
	for name, text := range map[string]string{"trees": fraud, "opaque": opaque} {
		w := settledIn(t, text)
		all := slices.Sorted(maps.Keys(edits(text)))
		made := 0
		for i, first := range all {
			p := w.plan(first)
			same := w.onTop(p, first)
			line := edits(text)[first]
			blocked := map[string]bool{}
			for _, n := range p.Nodes {
				blocked[n.Address] = n.Verdict == plan.Blocked
			}
			for _, n := range same.Nodes {
				if n.Verdict != plan.Cached && !blocked[n.Address] {
					t.Errorf("%s, line %d: on top of itself %s is %s: %v", name, line, n.Address, n.Verdict, describeChanges(same))
				}
			}
			for _, g := range same.Gates {
				if !g.Cached && g.Verdict == plan.Open {
					t.Errorf("%s, line %d: on top of itself %s is %s", name, line, g.Address, g.Verdict)
				}
			}
			made += len(same.Base.Ahead.Made)
			second := all[(i+1)%len(all)]
			top := w.onTop(p, second)
			after := w.copied()
			for range 2 { // a gate that lets another model pass has its champion compared then
				after.apply(after.plan(first))
			}
			real := after.plan(second)
			for _, n := range top.Nodes {
				if now := real.Node(n.Address); n.Verdict == plan.Cached && (now == nil || !now.Verdict.Known() && now.Verdict != plan.MayRun) {
					t.Errorf("%s, lines %d and %d: %s is cached on top of the first, and %v after it", name, line, edits(text)[second], n.Address, now)
				}
			}
		}
		if made == 0 {
			t.Errorf("%s: no plan ahead makes anything", name)
		}
	}
}

// TestAheadIsRefused: a plan of a part says nothing of the rest, and what is not known cannot flow into anything.
func TestAheadIsRefused(t *testing.T) {
	w := settledIn(t, fraud)
	p := *w.plan(strings.Replace(fraud, "trees = ", "trees = 1", 1))
	p.Targets = []string{"train.m"}
	if _, err := After(&w.state, &p, w); err == nil || !strings.Contains(err.Error(), "part") {
		t.Errorf("got %v, want that it is of a part", err)
	}
	opaqueWorld := settledIn(t, opaque)
	opaqueWorld.image = ""
	unknown := opaqueWorld.plan(opaque)
	if _, err := After(&opaqueWorld.state, unknown, opaqueWorld); err == nil || !strings.Contains(err.Error(), "is not known before an apply") {
		t.Errorf("got %v, want that the image is not known", err)
	}
}
