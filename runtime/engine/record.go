package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// batch is outcomes that are recorded together.
type batch struct {
	ended  []completion
	events []plan.Event
	fatal  error // of the outcomes
}

// written is a batch whose revision is written, or could not be.
type written struct {
	batch
	err error
}

// batch puts outcomes together, in the order of their units, with what blocks say of themselves where nothing was recorded before.
func (r *run) batch(ended []completion) batch {
	slices.SortFunc(ended, func(a, b completion) int { return strings.Compare(a.unit.id, b.unit.id) })
	b := batch{ended: ended}
	for _, c := range ended {
		b.events = append(b.events, c.outcome.record...)
		b.fatal = errors.Join(b.fatal, c.outcome.fatal)
	}
	if len(b.events) > 0 && !r.described {
		b.events = append(b.events, r.describe()...)
	}
	return b
}

// write writes the revision of a batch. Nothing else may touch the state meanwhile.
func (r *run) write(ctx context.Context, b batch) written {
	if len(b.events) == 0 {
		return written{batch: b}
	}
	return written{b, r.record(context.WithoutCancel(ctx), b.events)}
}

// markEvery is how long revisions of nothing but results may be unmarked.
const markEvery = time.Second

// record writes events as a revision, and marks it as the last (state.Log.Mark), unless it has nothing but results of stages, which may be
// made again: such are marked once in a while.
func (r *run) record(ctx context.Context, events []plan.Event) error {
	if err := r.Log.Record(bucket.Watch(ctx, bucket.Watcher{Waits: r.waits}), r.st, events); err != nil {
		return err
	}
	r.unmarked = true
	results := !slices.ContainsFunc(events, func(e plan.Event) bool { return e.Node == nil })
	if results && time.Since(r.marked) < markEvery {
		return nil
	}
	return r.mark(ctx)
}

// waits tells that a revision waits for a collection of garbage.
func (r *run) waits(until time.Time) {
	r.emit(StoreWaits{Until: until.UTC().Truncate(time.Millisecond), Wait: time.Until(until).Round(time.Second)})
}

// mark marks the last revision that this run wrote, if it is not.
func (r *run) mark(ctx context.Context) error {
	if !r.unmarked {
		return nil
	}
	r.unmarked, r.marked = false, time.Now()
	return r.Log.Mark(ctx, r.st)
}

// take settles a batch, and returns the units that became ready. A stage's failure is told even where the revision could not be
// written: it is true all the same.
func (r *run) take(w written) ([]*unit, error) {
	if w.err != nil {
		for _, c := range w.ended {
			c.unit.outcome = c.outcome
			r.tell(c.outcome, func(e Event) bool { _, failed := e.(StageFailed); return failed })
		}
		return nil, errors.Join(w.fatal, w.err)
	}
	if len(w.events) > 0 {
		r.described = true
		r.emit(StateRecorded{Revision: r.st.Revision, Keys: keys(w.events)})
	}
	var ready []*unit
	for _, c := range w.ended {
		r.settle(c.unit, c.outcome)
		r.tell(c.outcome, func(Event) bool { return true })
		ready = append(ready, r.free(c.unit)...)
	}
	return ready, w.fatal
}

// forgotten are events for recorded stages that are derived of a block no more: all of one that is gone, and the trials beyond a number of trials that was
// lowered. Their results stay in the store as other former ones do, and are found again if they are asked for again.
func (r *run) forgotten() []plan.Event {
	var out []plan.Event
	for _, at := range slices.Sorted(maps.Keys(r.st.Nodes)) {
		if !address.IsDerived(at) || r.graph.node(at) != nil {
			continue
		}
		u := r.graph.node(address.Block(at))
		_, stands := r.st.Nodes[address.Block(at)]
		switch {
		case u == nil && stands: // a plan of a part says nothing of it
		case u != nil && (u.outcome == nil || !u.outcome.ok):
		case u == nil, u.node.Verdict == plan.Remove, isTrial(at):
			out = append(out, plan.Event{Key: "node/" + at, Removed: true})
		}
	}
	return out
}

// isTrial reports whether a stage is a trial, or derived of one.
func isTrial(at string) bool {
	for address.IsDerived(at) {
		of, role := address.Of(at)
		if address.Role(role) == string(schema.TrialRole) {
			return true
		}
		at = of
	}
	return false
}

// last tests hypotheses, since all figures that there will be are there, and records what was not recorded with anything else, such as what is forgotten.
func (r *run) last(ctx context.Context) error {
	var tested []plan.Event
	if ctx.Err() == nil && r.Kill.Err() == nil { // a run that was stopped leaves what was said of hypotheses
		var err error
		if tested, r.tested, err = r.test(); err != nil {
			return err
		}
	}
	events := slices.Concat(r.describe(), tested, r.forgotten())
	if len(events) > 0 {
		if err := r.record(context.WithoutCancel(ctx), events); err != nil {
			return err
		}
		r.emit(StateRecorded{Revision: r.st.Revision, Keys: keys(events)})
	}
	for _, e := range r.tested {
		r.emit(e)
	}
	return nil
}
