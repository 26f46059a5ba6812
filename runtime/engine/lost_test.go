package engine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/attempt"
)

// damage removes the only file of a directory object, or gives it other content of the same size.
func (r *rig) damage(d plan.Digest, corrupt bool) {
	r.t.Helper()
	list, err := r.store.OpenDir(d)
	if err != nil {
		r.t.Fatal(err)
	}
	path, err := r.store.ObjectPath(list.Files[0].Digest)
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil && corrupt {
		err = os.WriteFile(path, make([]byte, list.Files[0].Size), 0o644)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestLostResultsAreMadeAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		damaged []string
		corrupt bool
		started string
		ran     string // of those that are told; what is found to be corrupt only when it is read is made again without a word
	}{
		"corrupt":                 {[]string{"stage.b"}, true, "stage.b stage.c", "stage.a cached, stage.b cached, stage.c ran"},
		"missing":                 {[]string{"stage.b"}, false, "stage.b stage.c", "stage.a cached, stage.b ran, stage.c ran"},
		"with what it rests on":   {[]string{"stage.a", "stage.b"}, true, "stage.a stage.b stage.c", "stage.a cached, stage.b cached, stage.c ran"},
		"one that nobody needs":   {[]string{"stage.a"}, false, "stage.a stage.c", "stage.a ran, stage.b cached, stage.c ran"},
		"the consumer's own, too": {[]string{"stage.a", "stage.b", "stage.c"}, false, "stage.a stage.b stage.c", "stage.a ran, stage.b ran, stage.c ran"},
	} {
		r := newRig(t)
		first := r.run(chain())
		for _, a := range tt.damaged {
			r.damage(first.node(a).Outputs["files"], tt.corrupt)
		}
		p := newPlan(stage("stage.a", script{}), stage("stage.b", script{}, "stage.a"), stage("stage.c", script{Note: name}, "stage.b"))
		res := r.run(p)
		checkStatuses(t, res, tt.ran)
		started := r.started()
		slices.Sort(started)
		if got := strings.Join(started, " "); got != tt.started {
			t.Errorf("%s: started %s, want %s", name, got, tt.started)
		}
		if got, want := res.node("stage.b").Outputs["files"], first.node("stage.b").Outputs["files"]; got != want || !r.store.Has(got) {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// Two consumers that miss the same object make it once.
func TestLostResultIsMadeOnce(t *testing.T) {
	r := newRig(t)
	first := r.run(newPlan(stage("stage.a", script{})))
	r.damage(first.node("stage.a").Outputs["files"], false)
	r.run(newPlan(stage("stage.a", script{}), stage("stage.b", script{}, "stage.a"), stage("stage.c", script{}, "stage.a")))
	n := 0
	for _, a := range r.started() {
		if a == "stage.a" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("ran %d times, want once", n)
	}
}

func TestLostResultThatCannotBeMadeAgain(t *testing.T) {
	r := newRig(t)
	a := func() *plan.Node {
		return stage("stage.a", script{Random: true, Write: map[string]string{"files/data": "{in}"}})
	}
	first := r.run(newPlan(a()))
	r.damage(first.node("stage.a").Outputs["files"], true)
	f := r.run(newPlan(a(), stage("stage.b", script{}, "stage.a"))).node("stage.b").Failure
	if f == nil || f.Kind != attempt.NondeterministicFailure || !strings.Contains(f.Summary, "stage.a") {
		t.Errorf("got %v", f)
	}
}

func TestMissingObjectWithoutProducer(t *testing.T) {
	n := stage("stage.a", script{})
	n.Inputs = []plan.Input{{Port: "model", Digest: digest.Of([]byte("never stored"))}}
	f := newRig(t).run(newPlan(n)).node("stage.a").Failure
	if f == nil || !strings.Contains(f.Summary, "is not in the store") {
		t.Errorf("got %v", f)
	}
}

// source makes a node that reads a file outside.
func (r *rig) source(c script, names ...string) *plan.Node {
	r.t.Helper()
	ext, digest, err := r.store.HashFiles(r.t.Context(), r.dir, "data", names)
	if err != nil {
		r.t.Fatal(err)
	}
	n := stage("source.s", c)
	n.Inputs = []plan.Input{{Port: "files", Digest: digest, External: &ext, Shape: &schema.Shape{Type: schema.FilesPort}}}
	return n
}

func TestSources(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(r.dir, "data", "x.csv")
	if err := writeFile(path, "1"); err != nil {
		t.Fatal(err)
	}
	first := r.run(newPlan(r.source(script{}, "x.csv")))
	checkStatuses(t, first, "source.s ran")
	data, err := r.store.ReadFile(first.node("source.s").Outputs["files"], "data")
	if err != nil || string(data) != "source.s[files/x.csv:1]" {
		t.Errorf("got %q, %v", data, err)
	}
	if ext := r.state().Nodes["source.s"].External["files"]; ext == nil || ext.Files[0].Name != "x.csv" {
		t.Errorf("state: got %+v", ext)
	}
	if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	checkStatuses(t, r.run(newPlan(r.source(script{}, "x.csv"))), "source.s cached")

	planned := newPlan(r.source(script{Note: "new"}, "x.csv"), stage("stage.b", script{}, "source.s"))
	if err := os.WriteFile(path, []byte("2"), 0o644); err != nil {
		t.Fatal(err)
	}
	res := r.run(planned)
	checkStatuses(t, res, "source.s failed, stage.b blocked")
	if f := res.node("source.s").Failure; f.Kind != attempt.StaleFailure || !strings.Contains(f.Detail, "data/x.csv") || res.ExitCode() != ExitStale || len(r.started()) != 0 {
		t.Errorf("changed before: got %v, exit code %d, started %v", f, res.ExitCode(), r.started())
	}
	planned = newPlan(r.source(script{Note: "new"}, "x.csv"))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if f := r.run(planned).node("source.s").Failure; f == nil || f.Kind != attempt.StaleFailure {
		t.Errorf("removed: got %v", f)
	}
}

func TestSourceThatChangesWhileItIsRead(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(r.dir, "data", "x.csv")
	if err := writeFile(path, "1"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]script{"it succeeds": {Touch: path}, "it fails": {Touch: path, Exits: []int{1}}} {
		res := r.run(newPlan(r.source(c, "x.csv")))
		if f := res.node("source.s").Failure; f == nil || f.Kind != attempt.StaleFailure {
			t.Fatalf("%s: got %v", name, f)
		}
		if _, err := r.store.Action(res.node("source.s").Fingerprint); err == nil {
			t.Errorf("%s: the result was recorded all the same", name)
		}
	}
}

// TestCheckpointInUse runs a stage that another apply on the same store runs too: what that one keeps stays untouched.
func TestCheckpointInUse(t *testing.T) {
	r := newRig(t)
	n := stage("stage.x", script{Exits: []int{75, 0}})
	n.Retries = 1
	p := newPlan(n)
	held, err := r.store.Checkpoint(plan.Fingerprint(n.Definition, nil))
	if err != nil || held == nil {
		t.Fatalf("got %v, %v", held, err)
	}
	res := r.run(p)
	checkStatuses(t, res, "stage.x ran")
	if left, err := os.ReadDir(held.Dir); err != nil || len(left) != 0 {
		t.Errorf("the other's folder: got %v, %v, want it as it was", left, err)
	}
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(r.store.Place().Path("checkpoint")); err != nil || len(left) != 0 {
		t.Errorf("got %v, %v, want nothing left", left, err)
	}
}
