package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// elsewhere is an executor whose attempts end as scripted, the last of it again and again.
type elsewhere struct {
	executor.Executor
	ends []executor.Ended
	n    int
}

func (e *elsewhere) Attempt(_ context.Context, w executor.Whole) (executor.Ended, error) {
	e.n++
	_, err := fmt.Fprintf(w.Log, "line of attempt %d\n", e.n)
	return e.ends[min(e.n, len(e.ends))-1], err
}

// TestClusterRetries: what a cluster does to attempts is tried again apart from the stage's own retries and from other faults, is told by its
// kind, and each attempt has a log of its own.
func TestClusterRetries(t *testing.T) {
	evicted := executor.Ended{Fault: executor.Evicted, Node: "node1", Why: "EvictionByEvictionAPI: drained", Again: true}
	vanished := executor.Ended{Why: "it ended with exit code 2", Again: true}
	tests := []struct {
		name     string
		ends     []executor.Ended
		attempts int
		kind     attempt.FailureKind
		summary  string
	}{
		{"evicted again and again", []executor.Ended{evicted}, 1 + clusterRetries, attempt.EvictedFailure, "stage.a: its pod was evicted on node node1: EvictionByEvictionAPI: drained"},
		{"other faults beside", []executor.Ended{vanished, evicted, vanished, evicted, vanished}, 5, attempt.EngineFailure, "stage.a left no outcome"},
		{"one that does not pass", []executor.Ended{{Fault: executor.Forbidden, Why: "maximum memory is 1Gi"}}, 1, attempt.ForbiddenFailure, "maximum memory is 1Gi"},
		{"memory, twice as much each time", []executor.Ended{{OutOfMemory: true, Why: "OOMKilled"}}, 4, attempt.MemoryFailure, "stage.a needed more memory than it may use, 16384 MB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			ex := &elsewhere{Executor: r.exec, ends: tt.ends}
			r.exec = ex
			res := r.run(newPlan(stage("stage.a", script{})))
			f := res.node("stage.a").Failure
			if f == nil || f.Kind != tt.kind || f.Attempts != tt.attempts || !strings.Contains(f.Summary, tt.summary) {
				t.Fatalf("got %+v, want %d attempts and %s: %s", f, tt.attempts, tt.kind, tt.summary)
			}
			told := 0
			for _, e := range r.events {
				if again, ok := e.(StageRetried); ok {
					told++
					checkLog(t, r, again.Log, again.Attempt)
					end, want := tt.ends[min(told, len(tt.ends))-1], attempt.EngineFailure
					switch {
					case end.OutOfMemory:
						want = attempt.MemoryFailure
					case end.Fault != "":
						want = attempt.FailureKind(end.Fault)
					}
					if again.Failure != want {
						t.Errorf("attempt %d is told as %s, want %s", told, again.Failure, want)
					}
				}
			}
			if checkLog(t, r, f.Log, f.Attempts); told != tt.attempts-1 {
				t.Errorf("%d attempts were told of, want %d", told, tt.attempts-1)
			}
		})
	}
}

// checkLog holds that a log has the line of an attempt.
func checkLog(t *testing.T, r *rig, log plan.Digest, n int) {
	t.Helper()
	if text, err := r.store.Get(log); err != nil || !strings.Contains(string(text), fmt.Sprintf("line of attempt %d\n", n)) {
		t.Errorf("the log of attempt %d is %q, %v", n, text, err)
	}
}

// TestToldToEnd: an attempt that was told to end, and not by this apply, is no stage that was killed; its log is the one it left.
func TestToldToEnd(t *testing.T) {
	r := newRig(t)
	log, err := r.store.PutBytes(t.Context(), []byte("line of attempt 1\nand what came after\n"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(attempt.Outcome{Failure: &attempt.Failure{Kind: attempt.KilledFailure, Summary: "killed", Log: log}})
	if err != nil {
		t.Fatal(err)
	}
	left, err := r.store.PutBytes(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	for fault, want := range map[executor.Fault]attempt.FailureKind{executor.Preempted: attempt.PreemptedFailure, "": attempt.DeletedFailure} {
		r.exec = &elsewhere{Executor: r.exec, ends: []executor.Ended{{Outcome: string(left), Fault: fault, Again: true}}}
		f := r.run(newPlan(stage("stage.a", script{}))).node("stage.a").Failure
		if f == nil || f.Kind != want || f.Log != log || f.Attempts != 1+clusterRetries {
			t.Errorf("%s: got %+v, want %s with the log that it left", fault, f, want)
		}
	}
}
