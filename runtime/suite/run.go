package suite

// How tests run.
//
// Each test is a run, with a goroutine of its own; as many work at once as there is room for, and results are handed on in the
// order of files and tests, whichever ends first. A test that goes on from another (after) waits for that one without taking room,
// and is skipped unless that one passed.
//
// A test plans or applies as it says; if it does not say, it applies where it has expectations or targets, else it plans. Its state is its own, so no test sees
// what another has released. The store is shared: if the tests "small" and "large" train train.model with the same fingerprint, it runs once.
//
// A result is Passed, Failed (something that was expected or asserted does not hold), Errored (the test could not be carried out: a
// diagnostic, or the suite was interrupted) or Skipped.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/state"
)

// Observer is told what happens, by several tests at a time. Its functions may be nil, must not block for long, and are
// called in this order for one test: Started, Stage any number of times, Done. Tests that are skipped are not started.
type Observer struct {
	Started func(file, name string)
	Stage   func(file, name string, e engine.Event)
	Done    func(*Result) // in the order of the tests
}

// Run runs all tests and returns the results of those wanted, in the order of files and tests. When ctx ends, running
// stages are ended at once, and tests that have not finished are Errored as interrupted. Run returns when no test runs
// any more.
func (s *Suite) Run(ctx context.Context, watch Observer) []*Result {
	runs := make([]*run, len(s.tests))
	byTest := map[*test]*run{}
	for i, t := range s.tests {
		runs[i] = &run{suite: s, test: t, number: i + 1, watch: watch, done: make(chan struct{})}
		byTest[t] = runs[i]
	}
	room := make(chan struct{}, cap(s.exec.room))
	for _, r := range runs {
		r.base = byTest[r.test.base]
		go r.start(ctx, room)
	}
	var out []*Result
	for _, r := range runs {
		<-r.done
		if !r.test.wanted {
			continue
		}
		out = append(out, r.result)
		if watch.Done != nil {
			watch.Done(r.result)
		}
	}
	return out
}

// run is one test being run. Others read result, state and known of it only after done is closed.
type run struct {
	suite  *Suite
	test   *test
	number int
	base   *run // that it goes on from
	watch  Observer
	done   chan struct{}
	result *Result

	log   *state.Log
	state *plan.State          // before, and at the end after the test
	known map[plan.Digest]bool // results that plans of this test know of
	plan  *plan.Plan
	limit *plan.Plan     // the part of it that is applied
	ended *engine.Result // of the apply; nil in a plan
}

// start runs the test once the one that it goes on from has passed, in a place of the room. Whatever happens, done is
// closed: others wait for it.
func (r *run) start(ctx context.Context, room chan struct{}) {
	defer close(r.done)
	t := r.test
	r.result = &Result{File: t.file, Name: t.name, Line: t.at.Start.Line, Status: Passed, Run: t.runs()}
	if r.base != nil {
		<-r.base.done
		if r.base.result.Status != Passed {
			r.result.Status = Skipped
			r.fail(Failure{
				Kind: "error", Range: t.ranges["after"],
				Summary: fmt.Sprintf("the test %q, which this goes on from, did not pass", r.base.test.name),
			})
			return
		}
	}
	// Behind the wait for base: a test that waits in a room's place would keep the one that it waits for out.
	room <- struct{}{}
	defer func() { <-room }()
	if r.watch.Started != nil {
		r.watch.Started(t.file, t.name)
	}
	started := time.Now()
	err := r.do(ctx)
	var diags *diagnostics
	switch {
	case ctx.Err() != nil:
		r.result.Failures = nil // what was ended says nothing of the test
		r.fail(Failure{Kind: "error", Range: t.at, Summary: "interrupted"})
		r.result.Status = Errored
	case errors.As(err, &diags):
		for _, d := range diags.list {
			r.fail(Failure{Kind: "error", Range: d.Subject, Summary: d.Summary, Detail: strings.TrimSpace(d.Detail + "\n" + d.Hint)})
		}
		r.result.Status = Errored
	case err != nil:
		r.fail(Failure{Kind: "error", Range: t.at, Summary: err.Error()})
		r.result.Status = Errored
	case len(r.result.Failures) > 0:
		r.result.Status = Failed
	}
	r.result.Duration = time.Since(started)
}

// runs is what a test does: plan or apply. Where the test does not say, one that expects rows or has targets is an
// apply.
func (t *test) runs() string {
	switch {
	case t.spec.Run != "":
		return t.spec.Run
	case len(t.expects)+len(t.spec.Targets) > 0:
		return "apply"
	}
	return "plan"
}

// fail notes something that the test did not hold.
func (r *run) fail(f Failure) { r.result.Failures = append(r.result.Failures, f) }

// diagnostics are an error of the planner. The list is never empty.
type diagnostics struct{ list source.Diagnostics }

func (d *diagnostics) Error() string { return d.list[0].Summary }

// do carries the test out. The error is for what keeps the test from being carried out; what the test asks for and does
// not get is added to the result's failures.
func (r *run) do(ctx context.Context) error {
	if r.test.failing != nil {
		r.mistakes()
		return nil
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	if err := r.makePlan(ctx); err != nil {
		return err
	}
	if r.result.Run == "apply" {
		if err := r.apply(ctx); err != nil {
			return err
		}
	}
	r.failures()
	for _, e := range r.test.expects {
		if err := r.expect(ctx, e); err != nil {
			return err
		}
	}
	return r.asserts(ctx)
}

// mistakes tells which of the mistakes are not there that the module is expected to have.
func (r *run) mistakes() {
	for _, d := range r.test.failing {
		if !d.found {
			r.notFailed(d.expected, "the module has other mistakes that are expected, so that nothing was planned")
		}
	}
}

// apply carries out the plan, or the part of it that is asked for. That stages fail is no error here, but part of what
// came of the apply.
func (r *run) apply(ctx context.Context) error {
	on, err := r.suite.exec.place(ctx, r.limit)
	if err != nil {
		return err
	}
	r.result.Executor = on.Foreign.Name()
	lock, err := r.log.Lock(state.Holder{Who: "mlp", What: "test"})
	if err != nil {
		return err
	}
	defer lock.Unlock()
	r.ended, err = engine.Run(ctx, engine.Options{
		Plan: r.limit, Store: r.suite.store, Log: r.log.For(r.limit.ID), Lock: lock, State: r.state, Placement: on, Dir: r.suite.o.Dir,
		Parallelism: cap(r.suite.exec.room), Convert: r.suite.o.Convert, Unquoted: r.suite.o.Unquoted, Kill: ctx, By: "mlp test", ToolVersion: r.suite.o.ToolVersion,
		Events: func(e engine.Event) {
			if r.watch.Stage != nil {
				r.watch.Stage(r.test.file, r.test.name, e)
			}
		},
	})
	if err != nil {
		return err
	}
	r.state = r.ended.State
	for _, n := range r.ended.Nodes {
		if n.Fingerprint != "" && n.Outputs != nil {
			r.known[n.Fingerprint] = true
		}
		if p := r.limit.Node(n.Address); p != nil && !p.Verdict.Known() && (n.Status == engine.Ran || n.Status == engine.Cached) {
			r.result.Ran = append(r.result.Ran, n.Address)
		}
	}
	return nil
}

// expect compares a table of the outcome with the one expected.
func (r *run) expect(ctx context.Context, e *expectation) error {
	got := r.output(e.rows.block.Address, e.rows.port)
	if got == "" {
		r.fail(Failure{Kind: "expect", Range: e.rows.at, Summary: e.rows.label + " did not come to be", Detail: r.why(e.rows.block.Address)})
		return nil
	}
	f, err := r.suite.compare(ctx, e, got)
	if f != nil {
		r.result.Failures = append(r.result.Failures, *f)
	}
	return err
}

// why says why a stage has no result.
func (r *run) why(address string) string {
	if r.ended == nil {
		return "A plan runs no stage: write run = \"apply\"."
	}
	for _, n := range r.ended.Nodes {
		switch {
		case n.Address != address:
		case n.Failure != nil:
			return n.Failure.Error()
		case len(n.BlockedBy) > 0:
			return "It was held by " + strings.Join(n.BlockedBy, ", ") + "."
		}
	}
	return ""
}
