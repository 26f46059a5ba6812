package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// killable has stages side by side and one after the other, long enough to be hit.
func killable() *plan.Plan {
	g := base()
	p := g.plan()
	var nodes []*plan.Node
	for i := range 4 {
		nodes = append(nodes, stage(fmt.Sprintf("stage.a%d", i), script{SleepMS: 15, Log: []string{"working"}}))
		nodes = append(nodes, stage(fmt.Sprintf("stage.b%d", i), script{SleepMS: 10}, fmt.Sprintf("stage.a%d", i), "stage.a0"))
	}
	nodes = append(nodes, stage("stage.end", script{}, "stage.b0", "stage.b1", "stage.b2", "stage.b3"))
	full := newPlan(append(nodes, p.Nodes...)...)
	full.Gates, full.Releases = p.Gates, p.Releases
	return full
}

// Killed with SIGKILL at random moments, an apply goes on where it was and ends with the digests of one that was not.
func TestKillAtAnyMoment(t *testing.T) {
	if dir := os.Getenv("MLP_TEST_APPLY"); dir != "" {
		rigAt(t, dir).run(killable())
		return
	}
	want := newRig(t).run(killable())
	start := time.Now()
	if killApply(t, newRig(t).dir, time.Minute) {
		t.Fatal("an apply that is left alone fails")
	}
	whole := time.Since(start)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	killed := 0
	for range 4 {
		r := newRig(t)
		for range 5 { // each goes on where the one before was killed, until one comes through
			if !killApply(t, r.dir, whole/4+time.Duration(random.Int64N(int64(whole/2)))) {
				break
			}
			killed++
			if _, err := r.log().Load(context.Background()); err != nil {
				t.Fatalf("after a kill: %v", err)
			}
		}
		r.goesOn(want)
	}
	t.Logf("%d applies were killed at work", killed)
	if killed == 0 {
		t.Error("no apply was killed, nothing was shown")
	}
}

// goesOn applies what is left, and holds the results to those of an apply that was not killed.
func (r *rig) goesOn(want *Result) {
	t := r.t
	t.Helper()
	p := killable()
	if live, ok := r.state().Releases["deploy.d"]; ok { // planned anew, as the command does
		p.Releases[0].Current = &live
	}
	res := r.run(p)
	for i, n := range res.Nodes {
		if n.Fingerprint != want.Nodes[i].Fingerprint || !reflect.DeepEqual(n.Outputs, want.Nodes[i].Outputs) || n.Failure != nil {
			t.Errorf("%s: got %+v, want %v", n.Address, n, want.Nodes[i].Outputs)
		}
		for _, d := range n.Outputs {
			if err := r.store.Verify(t.Context(), d); err != nil {
				t.Errorf("%s: %v", n.Address, err)
			}
		}
	}
	if got, want := r.state().Releases["deploy.d"].Model, want.State.Releases["deploy.d"].Model; got != want {
		t.Errorf("live: got %s, want %s", got, want)
	}
	if left, err := os.ReadDir(r.store.Place().Path("tmp")); err != nil || len(left) != 1 {
		t.Errorf("left in tmp: %v, %v, want this process's session alone", left, err)
	}
}

// killApply starts an apply in a process of its own and kills it after a while. It tells whether the apply was still at
// it.
func killApply(t *testing.T, dir string, after time.Duration) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillAtAnyMoment$")
	cmd.Env = append(os.Environ(), "MLP_TEST_APPLY="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have ended
	defer kill.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	return errors.As(err, &exit)
}
