package engine

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// engineRetries is how many attempts are made again after faults that are not the stage's own, such as ErrUnavailable of an executor.
const engineRetries = 2

// clusterRetries is the same for what a cluster does to an attempt, such as eviction: where nodes come and go, that is no sign of more to come.
const clusterRetries = 10

// longestWait is the longest wait between two attempts.
const longestWait = time.Minute

// execute runs a stage, with retries, and records its result. U is the unit that it is run for; nil: it is made again for another. The error is a Failure, or one that attempt.AsFailure knows.
func (r *run) execute(ctx context.Context, n *plan.Node, inputs map[string]plan.Digest, fp plan.Digest, rebuild bool, u *unit) (*plan.Action, error) {
	n = r.versioned(n)
	ex := r.Placement.For(n)
	if _, remote := ex.(executor.Remote); remote {
		n = r.Plan.Sized(n)
	}
	ctx = bucket.Watch(ctx, bucket.Watcher{Moved: func(t bucket.Transfer) {
		r.emit(StageTransfer{Address: n.Address, Fetched: t.Fetched, Done: t.Done, Total: t.Total, Elapsed: t.Elapsed.Round(time.Millisecond)})
	}})
	task := attempt.Task{Pipeline: r.Plan.Pipeline, Workspace: r.Plan.Workspace, Apply: r.Apply, Node: n, Fingerprint: fp, Inputs: inputs}
	options := attempt.Options{
		Store: r.Store, Executor: ex, Listener: listener{r, n.Address}, Dir: r.dir, Convert: r.Convert, Unquoted: r.Unquoted,
		Fresh:       func(ctx context.Context) error { return r.checkExternal(ctx, n) },
		Remake:      func(ctx context.Context, address string) error { return r.remade(ctx, r.graph.node(address)) },
		Named:       r.named,
		ToolVersion: r.ToolVersion,
	}
	if u != nil {
		options.Together = func(ctx context.Context) { r.gather(ctx, u) }
	}
	a, err := open(ctx, task, options)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	action, err := r.carryOut(ctx, task, a, rebuild, u)
	if err != nil {
		return nil, a.Fail(ctx, err)
	}
	return action, nil
}

// named is what the image of a version is called that lies below what a stage made: a name that the stage has it by, or one that it was made upon; "" where none has.
func (r *run) named(address, version string) string {
	u := r.graph.node(address)
	if u == nil {
		return ""
	}
	for _, in := range u.node.Remotes() {
		if in.External.Version == version {
			return in.External.Root
		}
	}
	for _, in := range u.node.Inputs {
		if in.From == "" {
			continue
		}
		if name := r.named(in.From, version); name != "" {
			return name
		}
	}
	return ""
}

// attempts are attempts at one stage, which this process makes (attempt.Attempt) or whoever runs elsewhere (attempt.Remote).
type attempts interface {
	Number() int
	More() int64
	Try(context.Context) *Failure
	Finish(context.Context) (plan.Action, error)
	Record(plan.Action) (*plan.Action, error)
	Fail(context.Context, error) *Failure
	Close()
}

// open prepares attempts where the executor makes them.
func open(ctx context.Context, t attempt.Task, o attempt.Options) (attempts, error) {
	if _, remote := o.Executor.(executor.Remote); remote {
		a, err := attempt.Elsewhere(ctx, t, o)
		if err != nil { // and no interface that holds nothing
			return nil, err
		}
		return a, nil
	}
	a, err := attempt.Open(ctx, t, o)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// carryOut tries a stage, takes its outputs and records them.
func (r *run) carryOut(ctx context.Context, t attempt.Task, a attempts, rebuild bool, u *unit) (*plan.Action, error) {
	if f := r.try(ctx, t, a, rebuild); f != nil {
		return nil, f
	}
	if u != nil {
		r.ran(u)
	}
	action, err := a.Finish(ctx)
	if err != nil {
		return nil, err
	}
	r.emit(StageStored{Address: t.Node.Address, Fingerprint: t.Fingerprint, Log: action.Log})
	recorded, err := a.Record(action)
	if err != nil {
		return nil, err
	}
	told := *recorded // an earlier record holds where it has the same outputs, but what is told is how long this run took
	told.DurationMS = action.DurationMS
	return &told, nil
}

// listener hands on what a stage says as events, in the order in which it is said.
type listener struct {
	run     *run
	address string
}

func (l listener) Line(text string)         { l.run.emit(StageLog{l.address, text}) }
func (l listener) Progress(done, total int) { l.run.emit(StageProgress{l.address, done, total}) }
func (l listener) Warning(message string)   { l.run.emit(StageWarning{l.address, message}) }

// try makes attempts until one succeeds or another would not help, and returns the last failure; nil: one succeeded.
//
//	exit code 75 (component.ExitRetry)        as often again as the block's retries say
//	a passing fault, not the stage's own,     engineRetries times again, besides those
//	such as an engine that does not answer
//	a fault of a cluster, such as eviction    clusterRetries times again, besides those
//	more memory than it may use               again with twice as much, up to what it may be raised to
//	all else, such as exit code 1             not again: the same inputs would give the same failure
//
// It begins once there is room for it beside those that run (room), again where it may have more memory, and waits Backoff before the second attempt, and twice as long before each further one: 1 s, 2 s, 4 s, up to longestWait.
func (r *run) try(ctx context.Context, t attempt.Task, a attempts, rebuild bool) *Failure {
	leave := func() {}
	enter := func(memoryMB int64) *Failure {
		leave()
		var err error
		if leave, err = r.room.enter(ctx, shareOf(t.Node, memoryMB, r.Placement.For(t.Node)), r.graph.node(t.Node.Address).weight, t.Node.Address); err != nil {
			leave = func() {}
			return attempt.Failuref(attempt.KilledFailure, "killed while waiting for others to end")
		}
		return nil
	}
	defer func() { leave() }()
	if f := enter(cmp.Or(t.Node.MemoryMB, t.Node.MaxMemoryMB)); f != nil {
		return f
	}
	own, engine, cluster := t.Node.Retries, engineRetries, clusterRetries
	wait := r.Backoff
	for {
		r.emit(StageStarted{Address: t.Node.Address, Fingerprint: t.Fingerprint, Attempt: a.Number() + 1, Rebuild: rebuild})
		failure := a.Try(ctx)
		if failure == nil {
			return nil
		}
		why := failure.Summary
		switch {
		case ctx.Err() != nil:
			return failure
		case failure.Kind == attempt.MemoryFailure:
			more := a.More()
			if more == 0 {
				return failure
			}
			why = fmt.Sprintf("%s; the next attempt may use %d MB", why, more)
			if f := enter(more); f != nil {
				return f
			}
		case failure.Kind == attempt.ExitFailure && failure.ExitCode == component.ExitRetry && own > 0:
			own--
		case failure.Passing && failure.OfCluster() && cluster > 0:
			cluster--
		case failure.Passing && !failure.OfCluster() && engine > 0:
			engine--
		default:
			return failure
		}
		r.emit(StageRetried{Address: t.Node.Address, Attempt: a.Number(), Why: why, Failure: failure.Kind, Log: failure.Log, Wait: wait})
		if !sleep(ctx, wait) {
			return attempt.Failuref(attempt.KilledFailure, "killed while waiting for another attempt")
		}
		wait = min(2*wait, max(longestWait, r.Backoff))
	}
}

// sleep waits; false if the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
