package suite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// none is an executor that runs nothing.
type none struct {
	executor.Executor
	closed *int
	fails  error // of Close
}

func (n none) Close() error { *n.closed++; return n.fails }

type resolving struct{ none }

func (resolving) Resolve(context.Context, string) (string, string, error) {
	return "id", "linux/amd64", nil
}

// TestExecutors: executors are made when the first stage asks for one, containers for stages that have to run an image of their own alone.
func TestExecutors(t *testing.T) {
	image := &plan.Container{}
	for _, tc := range []struct {
		what  string
		nodes []*plan.Node
		fails string // the executor that cannot be made
		made  string
		err   bool
	}{
		{what: "built-in stages", nodes: []*plan.Node{{Verdict: plan.Run}}, made: "[false]"},
		{what: "an image that has to run", nodes: []*plan.Node{{Verdict: plan.Cached}, {Verdict: plan.Run, Container: image}}, made: "[false true]"},
		{what: "one that has run", nodes: []*plan.Node{{Verdict: plan.Cached, Container: image}}, made: "[false]"},
		{what: "no processes", nodes: nil, fails: "false", made: "[false]", err: true},
		{what: "no containers", nodes: []*plan.Node{{Verdict: plan.Run, Container: image}}, fails: "true", made: "[false true]", err: true},
	} {
		var made []bool
		closed := 0
		x := newExecutors(Options{Parallelism: 3, Executor: func(_ context.Context, root string, foreign bool) (executor.Executor, error) {
			if made = append(made, foreign); root != "ROOT" || fmt.Sprint(foreign) == tc.fails {
				return nil, errors.New("none")
			}
			if foreign {
				return resolving{none{closed: &closed}}, nil
			}
			return none{closed: &closed}, nil
		}}, "ROOT")
		on, err := x.place(t.Context(), &plan.Plan{Nodes: tc.nodes})
		if (err != nil) != tc.err || fmt.Sprint(made) != tc.made || cap(x.room) != 3 {
			t.Errorf("%s: made %v, %v, room for %d", tc.what, made, err, cap(x.room))
		}
		if err != nil {
			continue
		}
		if _, err := x.place(t.Context(), &plan.Plan{Nodes: tc.nodes}); err != nil || fmt.Sprint(made) != tc.made {
			t.Errorf("%s: made again: %v, %v", tc.what, made, err)
		}
		if on.Fetching != on.Builtin {
			t.Errorf("%s: what fetches is %v, want what runs components", tc.what, on.Fetching)
		}
		id, _, err := on.Foreign.(executor.Resolver).Resolve(t.Context(), "image")
		if foreign := len(made) == 2; foreign != (id == "id") || !foreign && !errors.Is(err, executor.ErrUnsupported) {
			t.Errorf("%s: the image is %q, %v", tc.what, id, err)
		}
		if err := x.close(); err != nil || closed != len(made) {
			t.Errorf("%s: %d of %d were closed, %v", tc.what, closed, len(made), err)
		}
	}
	lost, closed := errors.New("the worker is gone"), 0
	x := newExecutors(Options{Executor: func(context.Context, string, bool) (executor.Executor, error) {
		return none{closed: &closed, fails: lost}, nil
	}}, "")
	if _, err := x.place(t.Context(), &plan.Plan{}); err != nil {
		t.Fatal(err)
	}
	if err := x.close(); !errors.Is(err, lost) {
		t.Errorf("an executor that does not close: got %v, want %v", err, lost)
	}
	procs := runtime.GOMAXPROCS(0)
	for parallelism, want := range map[int]int{-1: procs, 0: procs, 1: 1, 7: 7} {
		if got := cap(newExecutors(Options{Parallelism: parallelism}, "").room); got != want {
			t.Errorf("parallelism %d: got room for %d, want %d", parallelism, got, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (&limited{room: make(chan struct{})}).Run(ended, executor.Task{}); !errors.Is(err, context.Canceled) {
		t.Errorf("without room: got %v", err)
	}
}
