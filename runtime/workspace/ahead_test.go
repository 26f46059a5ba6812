package workspace

import (
	"context"
	"os"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store"
)

// What was read before the pipeline was known is that of the pipeline asked for, whichever the store has.
func TestReadAhead(t *testing.T) {
	a, ctx := &Workspace{Dir: t.TempDir(), Name: "default"}, context.Background()
	result := plan.Action{Fingerprint: digest.Of(nil), Outputs: map[string]plan.Digest{"table": digest.Of(nil)}}
	for _, pipeline := range []string{"churn", "fraud"} {
		found := a.readAhead(ctx, true)
		for _, name := range []string{"fraud", "churn"} {
			r, err := found.recorded(name)
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			if name == "churn" && pipeline == "fraud" { // written in the first round
				want = 1
			}
			if r.State.Pipeline != name || len(r.State.Nodes) != want {
				t.Errorf("%s with %s recorded before: got %+v, want %d nodes", name, pipeline, r.State, want)
			}
		}
		r, err := found.recorded(pipeline)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Log.Append(ctx, r.State, []plan.Event{{Key: "node/dataset.x", Node: &plan.NodeState{Fingerprint: result.Fingerprint}}}); err != nil {
			t.Fatal(err)
		}
		if err := r.Store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(a.StoreDir("log"))
	if err != nil || len(entries) != 2 {
		t.Fatalf("got %v, %v, want the logs of two pipelines", entries, err)
	}
	for _, name := range []string{"fraud", "churn"} {
		if r, err := a.readAhead(ctx, false).recorded(name); err != nil || len(r.State.Nodes) != 1 || r.actions != nil {
			t.Errorf("%s of two: got %+v, %v", name, r, err)
		}
	}
	s, err := store.Open(a.StoreDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	known := readActions(ctx, s, &plan.State{})
	if _, ok, err := known.Action(result.Fingerprint); ok || err != nil {
		t.Errorf("no record: got %v, %v", ok, err)
	}
	if _, err := s.PutAction(result); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := known.Action(result.Fingerprint); ok {
		t.Error("what a plan was told once is told otherwise")
	}
	known = readActions(ctx, s, &plan.State{Nodes: map[string]plan.NodeState{"dataset.x": {Fingerprint: result.Fingerprint}}})
	if got, ok, err := known.Action(result.Fingerprint); !ok || err != nil || got.Outputs["table"] != result.Outputs["table"] {
		t.Errorf("a record: got %+v, %v", got, err)
	}
}
