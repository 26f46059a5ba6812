package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local/powercut"
)

// shared is what two workspaces run: stages with the same fingerprints, and one after another.
func shared(workspace string) *plan.Plan {
	p := newPlan(stage("stage.a", script{Log: []string{"working"}}), stage("stage.b", script{}, "stage.a"))
	p.Workspace = workspace
	return p
}

// applied is what an apply said was recorded, once so many operations were done.
type applied struct {
	workspace string
	from      int
	revision  int64
}

// The power is cut in an apply, which syncs all there is at once, while another one, which syncs one by one, is held at each of its steps, and
// the other way round: what a revision names is in the store and whole, and no
// revision is lost that was said to be recorded.
func TestPowerCut(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	cuts := 0
	for _, whole := range []bool{false, true} {
		cuts += cutsHeld(t, random, whole)
	}
	t.Logf("%d cuts", cuts)
	if cuts < 1000 {
		t.Error("too few cuts to show anything")
	}
}

// cutsHeld holds an apply at each of its steps, and returns how many cuts there were. Whole: the one that is held syncs all at once.
func cutsHeld(t *testing.T, random *rand.Rand, whole bool) int {
	cuts, steps, folder, each := 0, 1, powercut.Folder(t), 1
	if os.Getenv("MLP_SOAK") != "" {
		each = 10
	}
	for hold := 0; hold < steps; hold++ {
		if testing.Short() && hold%5 > 0 {
			continue
		}
		dir := powercut.Folder(t)
		m := powercut.In(dir)
		held, goOn := make(chan struct{}), make(chan struct{})
		var step atomic.Int64
		before := func() {
			if step.Add(1) == int64(hold+1) {
				close(held)
				<-goOn
			}
		}
		one, two := m.Process("one", before), m.Whole("two", nil)
		if whole {
			one, two = m.Whole("one", before), m.Process("two", nil)
		}
		first := appliesOn(t, m, one, dir, "one")
		select {
		case <-held:
		case a := <-first:
			first <- a
		}
		second := <-appliesOn(t, m, two, dir, "two")
		close(goOn)
		all := []applied{second, <-first}
		steps = max(steps, int(step.Load()))
		for at := hold; at <= m.Now(); at++ { // before, there is nothing that the round before did not have
			for range each {
				holdAfter(t, folder, m, at, random, all)
				cuts++
			}
		}
		if t.Failed() {
			t.Fatalf("held at step %d", hold+1)
		}
	}
	return cuts
}

// appliesOn applies in a process of the machine, as it were.
func appliesOn(t *testing.T, m *powercut.Machine, disk local.Disk, dir, workspace string) chan applied {
	t.Helper()
	s, err := store.On(disk, filepath.Join(dir, ".mlp"))
	if err != nil {
		t.Fatal(err)
	}
	r := rigOn(t, dir, s)
	r.space = workspace
	out := make(chan applied, 1)
	go func() {
		a := applied{workspace: workspace}
		defer func() { out <- a }()
		l := r.log()
		lock, err := l.Lock(state.Holder{Who: "test"})
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = lock.Unlock() }()
		st, err := l.Load(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		res, err := Run(t.Context(), Options{Plan: shared(workspace), Store: r.store, Log: l, Lock: lock, State: st, Placement: On(r.exec), Dir: r.dir, Parallelism: 2})
		if err != nil || res.ExitCode() != 0 {
			t.Errorf("%v, %s", err, res.statuses())
		}
		a.from, a.revision = m.Now(), res.State.Revision
	}()
	return out
}

// holdAfter cuts the power after so many operations and holds the store that is left to what its revisions name.
func holdAfter(t *testing.T, cuts string, m *powercut.Machine, at int, random *rand.Rand, all []applied) {
	t.Helper()
	into, err := os.MkdirTemp(cuts, "cut-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(into)
	lost, err := m.Cut(at, random, into)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(into, ".mlp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if err := whole(t, s, a, at); err != nil {
			t.Fatalf("%s\nworkspace %s: %v", lost, a.workspace, err)
		}
	}
}

// whole returns what is wrong with a workspace after a cut.
func whole(t *testing.T, s *store.Store, a applied, at int) error {
	l, err := state.Open(s, "test", a.workspace)
	if err != nil {
		return err
	}
	st, err := l.Load(t.Context())
	if err != nil {
		return err
	}
	if at >= a.from && st.Revision < a.revision {
		return fmt.Errorf("revision %d was recorded, the log ends with %d", a.revision, st.Revision)
	}
	for address, n := range st.Nodes {
		record, err := s.Action(n.Fingerprint)
		if err != nil {
			return fmt.Errorf("revision %d names %s: %w", st.Revision, address, err)
		}
		if _, err := s.Get(record.Log); err != nil {
			return fmt.Errorf("the log of %s: %w", address, err)
		}
		for port, d := range n.Outputs {
			if record.Outputs[port] != d {
				return fmt.Errorf("%s: the record has %s at port %s, revision %d has %s", address, record.Outputs[port], port, st.Revision, d)
			}
			if err := s.Verify(t.Context(), d); err != nil {
				return fmt.Errorf("port %s of %s: %w", port, address, err)
			}
		}
	}
	return nil
}
