package engine

import (
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// TestForcedHasItsRecordOfNow: a stage that runs again although its result is recorded, and yields the same, has the log and the duration of this
// time, in its record and in what is told.
func TestForcedHasItsRecordOfNow(t *testing.T) {
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
	kept, err := r.store.Action(first.Fingerprint)
	if err != nil || kept.DurationMS >= slow.DurationMS || !kept.StartedAt.After(first.StartedAt) || kept.Outputs["files"] != first.Outputs["files"] {
		t.Errorf("got %+v, %v, want the record of this run", kept, err)
	}
}
