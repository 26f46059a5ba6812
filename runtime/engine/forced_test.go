package engine

import (
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// TestForcedTellsItsOwnDuration: a stage that runs again although its result is recorded keeps the record, and what is told is how long it
// took this time.
func TestForcedTellsItsOwnDuration(t *testing.T) {
	n := stage("stage.a", script{Write: map[string]string{"files/data": "same"}})
	before := newRig(t)
	first, err := before.store.Action(before.run(newPlan(n)).node("stage.a").Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	slow := *first
	slow.DurationMS = time.Hour.Milliseconds()
	if _, err := r.store.PutAction(slow); err != nil {
		t.Fatal(err)
	}
	n.Causes = append(n.Causes, plan.Cause{Kind: plan.ForcedCause})
	got := r.run(newPlan(n)).node("stage.a")
	if got.Failure != nil || got.Duration >= time.Hour {
		t.Errorf("got %v after %v, want this run's duration", got.Failure, got.Duration)
	}
	if kept, err := r.store.Action(first.Fingerprint); err != nil || kept.DurationMS != slow.DurationMS {
		t.Errorf("got %+v, %v, want the first record", kept, err)
	}
}
