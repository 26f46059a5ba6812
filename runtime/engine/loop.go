package engine

// How a plan is carried out.
//
// A unit is one thing to do: a stage, a gate or a release, under the key by which its outcome is recorded (node/train.model,
// gate/gate.release, release/deploy.scorer). Units and the edges between them are the graph (graph.go). One goroutine, that of
// loop, owns the graph and the state. Each unit that runs has a goroutine of its own, which is handed a copy of what is recorded
// of the unit (before) and sends back an outcome; it writes to the store, never to the state. The outcomes of units that have
// ended may be read by those that depend on them, since loop sets an outcome before it starts the dependents.
//
// Order. A unit is ready when all that it depends on has ended and has given what is needed of it: a result, or a pass. A unit
// of which a need is not met is blocked, and so is what depends on it; all else goes on. Among ready units the one with the longest
// chain behind it is started first, and at most Parallelism run at once.
//
// Attempts. The goroutine of a stage looks its fingerprint up in the store; where nothing is recorded it makes attempts (try), waits
// between them, and puts the objects and then the record of the result into the store.
//
// Recording. When a unit ends, loop takes all outcomes that have arrived meanwhile as one batch, and writes their events as one
// revision of the state. Only then are the events of success emitted, and dependents started. So no unit starts on what is
// not recorded. A revision that cannot be written ends the run.
//
// Stopping. After the first error that ends the run, or when the context is done, nothing more is started; what runs is waited for
// and recorded. The context Options.Kill, when it is done, ends running stages too.
//
// An example, with two at once: split.holdout ends, revision 8 records node/split.holdout, train.a and train.b start. train.a
// fails: evaluate.a, which needs its model, is blocked. train.b ends in the same moment: revision 9 records node/train.b.
// evaluate.b runs, gate.release passes, deploy.scorer is released: one revision each.

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/state"
)

// outcome is what became of a unit.
type outcome struct {
	node    *NodeResult
	gate    *GateResult
	release *ReleaseResult
	inputs  map[string]plan.Digest // of a stage
	// accepted: the result was not made by this stage as it is defined now.
	accepted bool

	ok     bool // there is a result that dependents can use
	passed bool // units that need a pass of this one may go on; false of a check that found its data wanting
	record []plan.Event
	tell   []Event // for the journal, once record is in the state
	fatal  error   // ends the run
}

// completion is a unit that has ended, as its goroutine hands it to the loop.
type completion struct {
	unit    *unit
	outcome *outcome
}

// before is what the state has of a unit when the unit is started, copied for the unit's goroutine: only loop may read the state,
// which changes with each revision. For example, of the unit gate/gate.release: its last decision and the approvals given.
type before struct {
	node      *plan.NodeState // nil if there is nothing, as for the others
	gate      *plan.GateState
	release   *plan.ReleaseState
	approvals map[string]plan.ApprovalState // of a gate, by name
	live      map[string]plan.ReleaseState  // of a gate, what the deployments behind it have live
}

// before looks up what is recorded of a unit.
func (r *run) before(u *unit) before {
	var b before
	switch {
	case u.node != nil:
		b.node = recorded(r.st.Nodes, u.address)
	case u.gate != nil:
		b.gate, b.approvals, b.live = recorded(r.st.Gates, u.address), map[string]plan.ApprovalState{}, map[string]plan.ReleaseState{}
		for _, rel := range r.graph.guarded[u.address] {
			b.live[rel.Address] = r.st.Releases[rel.Address]
		}
		for _, a := range u.gate.Approvals {
			if given, ok := r.st.Approvals[u.address+"/"+a.Name]; ok {
				b.approvals[a.Name] = given
			}
		}
	default:
		b.release = recorded(r.st.Releases, u.address)
	}
	return b
}

// recorded is a copy of what a map has under an address; nil if it has nothing.
func recorded[T any](of map[string]T, address string) *T {
	if v, ok := of[address]; ok {
		return &v
	}
	return nil
}

// loop starts units as they become ready and takes in what they come to, until nothing is left or nothing more may be
// started. It alone touches the graph and the state.
func (r *run) loop(ctx context.Context) error {
	r.st = state.Copy(r.st)
	done := make(chan completion)
	ready := &queue{}
	for _, u := range r.graph.units {
		if u.waiting == 0 {
			heap.Push(ready, u)
		}
	}
	running, stop := 0, ctx.Done()
	var fatal error
	for {
		if ctx.Err() == nil && r.Kill.Err() == nil && fatal == nil {
			running = r.start(ready, running, done)
		}
		if running == 0 {
			return fatal
		}
		select {
		case <-stop:
			stop = nil
			r.emit(Stopping{running})
		case c := <-done:
			batch := drain(c, done, running)
			running -= len(batch)
			more, err := r.take(ctx, batch)
			for _, u := range more {
				heap.Push(ready, u)
			}
			fatal = errors.Join(fatal, err)
		}
	}
}

// start runs ready units as far as there is room, and returns how many run.
func (r *run) start(ready *queue, running int, done chan<- completion) int {
	for ready.Len() > 0 && running < r.Parallelism {
		u := heap.Pop(ready).(*unit)
		running++
		was := r.before(u)
		go func() { done <- completion{u, r.guarded(u, was)} }()
	}
	return running
}

// queue is a heap of ready units: those with the longest chain behind them first.
type queue []*unit

func (q queue) Len() int { return len(q) }

// Less puts first what the most work waits for (weight); ties go by id, not by chance.
func (q queue) Less(i, j int) bool {
	if q[i].weight != q[j].weight {
		return q[i].weight > q[j].weight
	}
	return q[i].id < q[j].id
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*unit)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	u := (*q)[last]
	*q = (*q)[:last]
	return u
}

// drain returns the first completion and all others that are waiting to be received, without waiting for more: one batch is one
// revision.
func drain(first completion, done <-chan completion, running int) []completion {
	batch := []completion{first}
	for len(batch) < running {
		select {
		case c := <-done:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// take records a batch of outcomes and returns the units that became ready.
func (r *run) take(ctx context.Context, batch []completion) ([]*unit, error) {
	slices.SortFunc(batch, func(a, b completion) int { return strings.Compare(a.unit.id, b.unit.id) })
	var events []plan.Event
	var fatal error
	for _, c := range batch {
		events = append(events, c.outcome.record...)
		fatal = errors.Join(fatal, c.outcome.fatal)
	}
	if len(events) > 0 {
		if !r.described {
			events = append(events, r.describe()...)
		}
		if err := r.Log.Extend(context.WithoutCancel(ctx), r.st, events); err != nil {
			for _, c := range batch { // a stage's failure is told even so: it is true whether or not the state could be written
				c.unit.outcome = c.outcome
				r.tell(c.outcome, func(e Event) bool { _, failed := e.(StageFailed); return failed })
			}
			return nil, errors.Join(fatal, err)
		}
		r.described = true
		r.emit(StateRecorded{Revision: r.st.Revision, Keys: keys(events)})
	}
	var ready []*unit
	for _, c := range batch {
		r.settle(c.unit, c.outcome)
		r.tell(c.outcome, func(Event) bool { return true })
		ready = append(ready, r.free(c.unit)...)
	}
	return ready, fatal
}

// keys are the keys of events, sorted; for what is told of a revision.
func keys(events []plan.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.Key
	}
	slices.Sort(out)
	return out
}

// settle notes an outcome, with a release as it was recorded.
func (r *run) settle(u *unit, o *outcome) {
	if o.release != nil && o.release.Status == Changed && o.release.After != nil {
		recorded := r.st.Releases[u.address]
		o.release.After = &recorded
	}
	if o.release != nil && o.fatal == nil {
		o.tell = append(o.tell, ReleaseDecided{*o.release})
	}
	u.outcome = o
}

// tell emits those events of an outcome that are wanted.
func (r *run) tell(o *outcome, wanted func(Event) bool) {
	for _, e := range o.tell {
		if wanted(e) {
			r.emit(e)
		}
	}
}

// free tells the units that wait for u that it has ended. It returns those that are ready now; those that are blocked
// have ended too.
func (r *run) free(u *unit) []*unit {
	var ready []*unit
	for _, e := range u.dependents {
		met := u.outcome.ok && (e.need == needResult || u.outcome.passed)
		if !met {
			e.to.blocked = append(e.to.blocked, causes(u)...)
		}
		if e.to.waiting--; e.to.waiting > 0 {
			continue
		}
		if len(e.to.blocked) == 0 {
			ready = append(ready, e.to)
			continue
		}
		ready = append(ready, r.block(e.to)...)
	}
	return ready
}

// causes names what failed: u itself, or what blocked it.
func causes(u *unit) []string {
	if len(u.blocked) > 0 {
		return u.blocked
	}
	return []string{u.address}
}

// block ends a unit that a gate holds back. Those behind it are freed to be blocked in turn.
func (r *run) block(u *unit) []*unit {
	slices.Sort(u.blocked)
	u.blocked = slices.Compact(u.blocked)
	u.outcome = u.ended(Blocked, GateBlocked)
	r.emit(UnitBlocked{Unit: u.unit(), By: u.blocked})
	return r.free(u)
}

// unit names a unit in events.
func (u *unit) unit() Unit {
	switch {
	case u.node != nil:
		return Unit{Kind: StageUnit, Address: u.address}
	case u.gate != nil:
		return Unit{Kind: GateUnit, Address: u.address}
	}
	return Unit{Kind: ReleaseUnit, Address: u.address, Before: u.release.Current}
}

// ended is the outcome of a unit that did not do its work.
func (u *unit) ended(s Status, g GateStatus) *outcome {
	switch {
	case u.node != nil:
		return &outcome{node: &NodeResult{Address: u.address, Status: s, BlockedBy: u.blocked}}
	case u.gate != nil:
		return &outcome{gate: &GateResult{Address: u.address, Status: g, BlockedBy: u.blocked}}
	}
	return &outcome{release: &ReleaseResult{Address: u.address, Status: s, Before: u.release.Current, BlockedBy: u.blocked}}
}

// guarded does a unit's work. A panic, which is a defect of mlp, ends the run as other errors do: with what was done
// recorded and the lock released.
func (r *run) guarded(u *unit, was before) (o *outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = u.ended(NotStarted, GateNotReached)
			o.fatal = fmt.Errorf("mlp has a defect, met at %s: %v\n%s", u.address, p, debug.Stack())
		}
	}()
	return r.do(r.Kill, u, was)
}

// do does a unit's work.
func (r *run) do(ctx context.Context, u *unit, was before) *outcome {
	switch {
	case u.node != nil && u.node.Verdict == plan.Remove:
		return removeNode(u, was)
	case u.node != nil:
		return r.doNode(ctx, u, was)
	case u.gate != nil:
		return r.doGate(u, was)
	}
	return r.doRelease(ctx, u, was)
}

// result puts together what became of everything.
func (r *run) result(ctx context.Context) *Result {
	res := &Result{Apply: r.Apply, State: r.st}
	stopped := ctx.Err() != nil || r.Kill.Err() != nil
	for _, u := range r.graph.units {
		o := u.outcome
		if o == nil {
			o = u.ended(NotStarted, GateNotReached)
			res.Interrupted = res.Interrupted || stopped
		}
		switch {
		case u.node != nil:
			res.Nodes = append(res.Nodes, *o.node)
			killed := o.node.Failure != nil && o.node.Failure.Kind == attempt.KilledFailure
			res.Interrupted = res.Interrupted || killed
		case u.gate != nil:
			res.Gates = append(res.Gates, *o.gate)
		default:
			res.Releases = append(res.Releases, *o.release)
		}
	}
	return res
}
