package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// TestAttemptElsewhere makes an attempt at each stage of a pipeline as a process of its own, in an empty folder, with nothing of the
// apply but the objects that the task names. What it yields is what the apply's own attempt yielded, and stands in the other store.
func TestAttemptElsewhere(t *testing.T) {
	dir, elsewhere := exampleCopy(t, "churn"), t.TempDir()
	file := filepath.Join(dir, "plan.json")
	mustRun(t, dir, "plan", "--out", file)
	mustRun(t, dir, "apply", file, "--auto-approve", "--executor", "process")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	here, there := openStore(t, filepath.Join(dir, workspace.StoreName)), openStore(t, filepath.Join(elsewhere, "store"))
	done, tried := results(t, dir), 0
	for _, n := range p.Nodes {
		task, ok := taskOf(n, done)
		if !ok {
			continue // files outside
		}
		for _, d := range task.Inputs {
			send(t, here, there, d)
		}
		out := attemptAt(t, elsewhere, task)
		if out.Failure != nil {
			t.Fatalf("%s: %v\n%s", n.Address, out.Failure, strings.Join(out.Failure.Tail, "\n"))
		}
		want, err := here.Action(task.Fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]any{want.Outputs, string(want.Figures), want.Warnings}, []any{out.Action.Outputs, string(out.Action.Figures), out.Action.Warnings}); diff != "" {
			t.Errorf("%s: -apply +attempt\n%s", n.Address, diff)
		}
		if out.Action.Node == "" || out.Action.Node != want.Node || out.Action.CPUMS == 0 || out.Action.Platform != want.Platform {
			t.Errorf("%s: where it ran and what it took is %+v", n.Address, out.Action)
		}
		if kept, err := there.Action(task.Fingerprint); err != nil || there.Present(kept.Outputs) != nil {
			t.Errorf("%s: its outcome is not in the store: %v", n.Address, err)
		}
		tried++
	}
	if host, err := os.Hostname(); err != nil || !strings.Contains(mustRun(t, dir, "show", "train.trees"), "s of CPU") || strings.Contains(string(data), `"`+host+`"`) {
		t.Errorf("%v: show does not tell what a stage took, or the plan names the machine", err)
	}
	if tried < 5 {
		t.Errorf("%d attempts were made, want those of the whole pipeline", tried)
	}
	entries, err := os.ReadDir(elsewhere)
	if err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v, want the store alone", entries, err)
	}
}

func openStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// taskOf is the task of a node whose inputs are recorded; false where it reads files outside.
func taskOf(n *plan.Node, done map[string]recorded) (attempt.Task, bool) {
	inputs := map[string]plan.Digest{}
	for _, in := range n.Inputs {
		if in.External != nil {
			return attempt.Task{}, false
		}
		inputs[in.Port] = in.Digest
		if in.From != "" {
			inputs[in.Port] = plan.Digest(done[in.From].Outputs[in.FromPort])
		}
	}
	return attempt.Task{
		Pipeline: "churn", Workspace: "default", Apply: "elsewhere", Node: n, Inputs: inputs, Fingerprint: plan.Fingerprint(n.Definition, inputs),
	}, true
}

// send copies a directory from one store to another.
func send(t *testing.T, from, to *store.Store, d plan.Digest) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "object")
	if err := from.Materialize(t.Context(), d, dir); err != nil {
		t.Fatal(err)
	}
	if got, err := to.PutDir(t.Context(), dir, nil); err != nil || got != d {
		t.Fatalf("got %s, %v, want %s", got, err, d)
	}
}

// attemptAt runs `mlp attempt` in a folder.
func attemptAt(t *testing.T, dir string, task attempt.Task) attempt.Outcome {
	t.Helper()
	text, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(mlp, "attempt", "--store", "store")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(text)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	printed, err := cmd.Output()
	var out attempt.Outcome
	if bad := json.Unmarshal(printed, &out); bad != nil {
		t.Fatalf("%s: %v, %v\n%s%s", task.Node.Address, err, bad, printed, stderr.String())
	}
	return out
}
