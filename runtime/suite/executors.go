package suite

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// executors are those that the tests need, made when the first stage has to run and kept for the others: starting a
// worker or connecting to an engine for each test would cost more than most stages. It is safe for concurrent use but
// for close.
type executors struct {
	o    Options
	root string        // the store's folder
	room chan struct{} // for stages of all tests

	mu   sync.Mutex
	made map[bool]executor.Executor // of foreign stages, which run an image of their own, and of all others
}

// newExecutors makes none yet: a suite of plans needs no container engine. room bounds how many stages of all tests run at
// once.
func newExecutors(o Options, root string) *executors {
	n := o.Parallelism
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return &executors{o: o, root: root, room: make(chan struct{}, n), made: map[bool]executor.Executor{}}
}

// place returns the executors that the stages of a plan run on. A container engine is asked for only where a stage has
// to run an image, so that tests of all else run on machines without one. Nothing fetches in a test (runnable). The
// result is not to be closed: the executors outlive the test.
func (x *executors) place(ctx context.Context, p *plan.Plan) (*workspace.Placed, error) {
	builtin, err := x.get(ctx, false)
	if err != nil {
		return nil, err
	}
	toRun := func(n *plan.Node) bool { return n.Container != nil && !n.Verdict.Known() }
	if !slices.ContainsFunc(p.Nodes, toRun) {
		return &workspace.Placed{Builtin: builtin, Foreign: builtin, Fetching: builtin}, nil
	}
	foreign, err := x.get(ctx, true)
	if err != nil {
		return nil, err
	}
	return &workspace.Placed{Builtin: builtin, Foreign: foreign, Fetching: builtin}, nil
}

// get is the executor for built-in components, or the one for foreign programs; each is made when first asked for. An
// error is not kept: the next test asks again.
func (x *executors) get(ctx context.Context, foreign bool) (executor.Executor, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if ex := x.made[foreign]; ex != nil {
		return ex, nil
	}
	ex, err := x.o.Executor(ctx, x.root, foreign)
	if err != nil {
		return nil, err
	}
	x.made[foreign] = &limited{Executor: ex, room: x.room}
	return x.made[foreign], nil
}

// close ends all executors. No stage may be running.
func (x *executors) close() error {
	var err error
	for _, ex := range x.made {
		err = errors.Join(err, ex.Close())
	}
	return err
}

// limited runs no more stages at a time than there is room for, whichever tests they belong to. The engine's own limit
// counts the stages of one apply only.
type limited struct {
	executor.Executor
	room chan struct{} // a place for each stage that may run at a time, of all tests together
}

// Resolve says what an image is, where the executor can.
func (l *limited) Resolve(ctx context.Context, image string) (id, platform string, err error) {
	if r, ok := l.Executor.(executor.Resolver); ok {
		return r.Resolve(ctx, image)
	}
	return "", "", executor.ErrUnsupported
}

// Run waits for room among the stages of all tests.
func (l *limited) Run(ctx context.Context, t executor.Task) (executor.Result, error) {
	select {
	case l.room <- struct{}{}:
		defer func() { <-l.room }()
		return l.Executor.Run(ctx, t)
	case <-ctx.Done():
		return executor.Result{}, ctx.Err()
	}
}
