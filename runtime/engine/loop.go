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
// chain behind it is started first, and enters first where there is room for few (room). At most Parallelism stages run at once, and as many again may be looked up, laid out or stored
// meanwhile: what they wait for is the disk. With one at a time nothing goes on beside it.
//
// Attempts. The goroutine of a stage looks its fingerprint up in the store; where nothing is recorded it makes attempts (try), waits
// between them, and puts the objects and then the record of the result into the store.
//
// Recording. What stages yield is stored and recorded in groups (gather.go), so that they wait for the disk together. Outcomes that have arrived
// are one batch, whose events are written as one revision of the state (record.go). Those that arrive while it is written are the next batch. Only when it is written are the events of success emitted, and dependents started. So no unit
// starts on what is not recorded. Stages that do not depend on the batch start meanwhile; gates and releases, which go by the state, do not.
// A revision that cannot be written ends the run.
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

// before is what the state has of a unit when the unit is started, or of a stage when it is ready, copied for the unit's goroutine: only loop
// may read the state, and only while no revision is written. For example, of the unit gate/gate.release: its last decision and the approvals given.
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
// started. It alone touches the graph, and, but for the one revision that is being written, the state.
func (r *run) loop(ctx context.Context) error {
	r.st = state.Copy(r.st)
	done, written := make(chan completion), make(chan written)
	ready := &queue{}
	for _, u := range r.graph.units {
		if u.waiting == 0 {
			r.push(ready, u)
		}
	}
	running, writing, stop := 0, false, ctx.Done()
	group := gathering{out: map[*unit]bool{}}
	var arrived []completion
	var fatal error
	for {
		starts := ctx.Err() == nil && r.Kill.Err() == nil && fatal == nil
		if starts {
			running = r.start(ready, running, writing, done)
		}
		worthwhile := starts && r.worthwhile(&group, ready, running)
		if !worthwhile {
			group.goOn()
		}
		if !writing && group.complete(arrived, worthwhile) {
			running -= len(arrived)
			r.storing.Add(-stored(arrived))
			group.recorded(arrived)
			batch := r.batch(arrived)
			arrived, writing = nil, true
			go func() { written <- r.write(ctx, batch) }()
			continue
		}
		if running == 0 && !writing {
			return fatal
		}
		select {
		case <-r.passed:
		case stage := <-r.gathered:
			group.add(stage)
		case <-group.late:
			group.end()
		case <-stop:
			stop = nil
			r.emit(Stopping{running})
		case c := <-done:
			arrived = append(arrived, drain(c, done, running)...)
		case w := <-written:
			writing = false
			more, err := r.take(w)
			for _, u := range more {
				r.push(ready, u)
			}
			fatal = errors.Join(fatal, err)
		}
	}
}

// push makes a unit one that is ready. What is recorded of a stage is its own, and is copied now, for it may start while a revision is written.
func (r *run) push(ready *queue, u *unit) {
	if u.node != nil {
		u.was = r.before(u)
	}
	heap.Push(ready, u)
}

// start starts ready units as far as there is room, and returns how many have been started and not taken in. While a revision is
// written these are stages alone.
func (r *run) start(ready *queue, running int, writing bool, done chan<- completion) int {
	if writing && r.Parallelism == 1 {
		return running
	}
	var held []*unit
	for ready.Len() > 0 && running < r.most() && running-int(r.storing.Load()) < r.beside() {
		u := heap.Pop(ready).(*unit)
		if u.node == nil && writing {
			held = append(held, u)
			continue
		}
		if u.node == nil {
			u.was = r.before(u)
		}
		running++
		go func() { done <- completion{u, r.guarded(u, u.was)} }()
	}
	for _, u := range held {
		heap.Push(ready, u)
	}
	return running
}

// beside is how many units may have begun and not have run: as many as may run, and as many that are before that.
// With one at a time there is nothing beside it, so that its revisions follow each other in the order of its stages.
func (r *run) beside() int {
	if r.Parallelism == 1 {
		return 1
	}
	return 2 * r.Parallelism
}

// most is how many units may have begun and not be recorded. Those that are stored at the same time wait for the disk together, so that the more
// they are the less each waits.
func (r *run) most() int {
	if r.Parallelism == 1 {
		return 1
	}
	return 16 * r.Parallelism
}

// ran notes that a stage has run and is to be stored, so that another may begin.
func (r *run) ran(u *unit) {
	u.ran = true
	r.storing.Add(1)
	select {
	case r.passed <- struct{}{}:
	default: // the loop is going to look anyway
	}
}

// stored counts those of the units that have run.
func stored(ended []completion) (n int64) {
	for _, c := range ended {
		if c.unit.ran {
			n++
		}
	}
	return n
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
	if o.release != nil && o.release.After != nil && (o.release.Status == Changed || len(o.release.Written) > 0) {
		recorded := r.st.Releases[u.address]
		o.release.After = &recorded
		for i, w := range o.release.Written {
			if now := recorded.LastWrite(w.Destination); now != nil {
				o.release.Written[i] = *now
			}
		}
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
	res := &Result{Apply: r.Apply, State: r.st, Hypotheses: r.tested}
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
