// Package engine carries out a plan: it runs what must run, side by side and in an order that keeps the longest chain
// moving, takes from the store what is there, decides checks and gates, and records each step in the state as it is
// reached. It reads plans, never a module, and knows no component.
//
// What holds at any moment, also when the process is killed: an object is whole before an action names it, and an action
// is there before a revision of the state rests on it. So the next run finds whatever was finished and repeats the rest,
// with the same digests.
package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
)

// Options of a run. Plan, Store, Log, Lock, State, Placement and Dir are required.
type Options struct {
	Plan      *plan.Plan
	Store     *store.Store
	Log       *state.Log
	Lock      *state.Lock // held by the caller from before State was loaded until after Run
	State     *plan.State // loaded under the lock
	Placement Placement
	Dir       string // the module's folder: files outside are relative to it

	// Parallelism is how many stages may run at once; 0: as many as there are processors. Where it is 1, nothing goes on beside the one.
	Parallelism int
	// Events is called with each event after the journal has it, such as StageStarted, one call at a time and from several goroutines.
	// All stages wait while it runs, so it must not block for long.
	Events func(Event)
	// ExitCode is what the command will exit with, for the record; nil: that of the result.
	ExitCode func(*Result, error) int
	// Convert rewrites a table file in another format: "parquet", "csv" or "ndjson". Without it a stage that asks for
	// another format than Parquet fails.
	Convert func(ctx context.Context, from, to string, table *schema.Table, src, dst string) error
	// Files asks again which files outside a stage means; nil: those of the plan.
	Files Files
	// Version asks what lies elsewhere for its version, where the plan does not know one; nil: a fetch then fails.
	Version func(ctx context.Context, fetch *plan.Node) (string, error)
	// Unquoted reports whether messages must not quote files outside; nil: they may.
	Unquoted func(*plan.External) bool
	// Write hands predictions to a destination outside of the store, and returns how many rows it has of them; nil: nothing is written.
	Write func(context.Context, Write) (rows int64, err error)
	// Kill ends running stages when it is done. The context given to Run only stops new ones from being started.
	Kill context.Context
	// Apply is this run's id, such as 20260301T081500.000Z-9f02c1ab; empty: a new one is made. By is who runs it. Both are recorded,
	// and no decision rests on them.
	Apply, By string
	Now       func() time.Time // since when a release is live; nil: by the clock of the machine
	Host      string           // where, for the record
	// Approvers are who may give approvals; nil: those whose names these ask for.
	Approvers   plan.Approvers
	ToolVersion string
	// Backoff is the pause before a first retry, doubled for each further one; 0: a second.
	Backoff time.Duration
}

// run is one run of a plan.
type run struct {
	Options
	dir     string // absolute
	journal *journal
	graph   *graph
	found   sync.Map // by address, the versions that were asked for: strings, of what is fetched and of images

	tested []HypothesisTested // at the end

	eventMu   sync.Mutex
	st        *plan.State   // touched by the loop only, or by what writes a revision for it
	described bool          // what blocks say of themselves is recorded
	marked    time.Time     // when a revision was last marked as the last
	unmarked  bool          // one was written since
	room      *room         // of those that run
	storing   atomic.Int64  // stages that have run and are not taken in
	passed    chan struct{} // has one where storing has grown
	gathered  chan gathered // stages that are ready to be stored
}

// Run carries out the plan. What goes wrong in stages, gates and releases is in the result; the error is for what ends
// the whole run: a plan that makes no sense, a state that moved on (state.ErrMoved), a disk that is full. The result is
// there in either case, as far as the run came.
//
// When ctx is done, nothing more is started; what runs is let run and recorded.
func Run(ctx context.Context, o Options) (*Result, error) {
	r, err := newRun(ctx, o)
	if err != nil {
		return &Result{Apply: o.Apply, State: o.State}, err
	}
	r.emit(r.begun())
	err = r.prepare(ctx)
	if err == nil {
		err = r.loop(ctx)
	}
	if err == nil {
		err = r.last(ctx)
	}
	if failed := r.mark(context.WithoutCancel(ctx)); err == nil {
		err = failed
	}
	res := r.result(ctx)
	r.emit(r.ended(res, err))
	left, failed := r.journal.close(context.WithoutCancel(ctx))
	res.Left = left
	return res, errors.Join(err, failed)
}

// begun is the first event.
func (r *run) begun() RunStarted {
	e := RunStarted{
		Format: streamFormat, FormatVersion: streamVersion, Apply: r.Apply, Plan: r.Plan.ID, Pipeline: r.Plan.Pipeline, Workspace: r.Plan.Workspace,
		By: r.By, Host: r.Host, PID: os.Getpid(), ToolVersion: r.ToolVersion, Revision: r.st.Revision, Stages: []string{}, Outputs: r.Plan.Outputs,
	}
	for _, n := range r.Plan.Nodes {
		if n.Verdict == plan.Run || n.Verdict == plan.MayRun {
			e.Stages = append(e.Stages, n.Address)
		}
	}
	return e
}

// ended is the last event.
func (r *run) ended(res *Result, err error) RunEnded {
	e := RunEnded{ExitCode: r.ExitCode(res, err), Interrupted: res.Interrupted, Revision: r.st.Revision}
	if err != nil {
		e.Error = err.Error()
	}
	for _, n := range res.Nodes {
		if n.Status == NotStarted {
			e.NotStarted = append(e.NotStarted, Unit{Kind: StageUnit, Address: n.Address})
		}
	}
	for _, g := range res.Gates {
		if g.Status == GateNotReached {
			e.NotStarted = append(e.NotStarted, Unit{Kind: GateUnit, Address: g.Address})
		}
	}
	for _, rel := range res.Releases {
		if rel.Status == NotStarted {
			e.NotStarted = append(e.NotStarted, Unit{Kind: ReleaseUnit, Address: rel.Address, Before: rel.Before})
		}
	}
	return e
}

// exitCodeOf is the code of a run that nobody asks more of.
func exitCodeOf(res *Result, err error) int {
	if err != nil {
		return ExitError
	}
	return res.ExitCode()
}

// newRun checks the options, fills in their defaults (as many stages at once as there are processors, a second before the
// first retry) and opens the journal. Nothing is recorded before all of that holds.
func newRun(ctx context.Context, o Options) (*run, error) {
	if o.Plan == nil || o.Store == nil || o.Log == nil || o.Lock == nil || o.State == nil || o.Placement == nil {
		return nil, errors.New("running a plan needs the plan, the store, the state with its log and lock, and where stages run")
	}
	if o.State.Revision < o.Plan.Base.Revision {
		return nil, fmt.Errorf("the plan was made against revision %d of the state, which has only %d here: is this the right store?", o.Plan.Base.Revision, o.State.Revision)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("finding the module's folder: %w", err)
	}
	g, err := newGraph(o.Plan)
	if err != nil {
		return nil, err
	}
	if o.Apply == "" {
		if o.Apply, err = newApplyID(); err != nil {
			return nil, err
		}
	}
	if o.Parallelism <= 0 {
		o.Parallelism = runtime.GOMAXPROCS(0)
	}
	o.Backoff = cmp.Or(o.Backoff, time.Second)
	if o.Kill == nil {
		o.Kill = context.Background()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Log = o.Log.As(o.By, o.Apply)
	if o.ExitCode == nil {
		o.ExitCode = exitCodeOf
	}
	j, err := openJournal(ctx, o)
	if err != nil {
		return nil, err
	}
	return &run{Options: o, dir: dir, graph: g, journal: j, st: o.State, room: newRoom(ctx, o.Parallelism, o.Placement.All()), passed: make(chan struct{}, 1), gathered: make(chan gathered)}, nil
}

// newApplyID returns an id that sorts by time.
func newApplyID() (string, error) {
	b := make([]byte, 4)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return time.Now().UTC().Format("20060102T150405.000Z") + "-" + hex.EncodeToString(b), nil
}

// prepare removes what killed applies of this workspace have left: temporary folders, unfinished files of the store, containers. Since
// the caller holds the workspace's lock, no other apply of it is alive whose files these could be.
func (r *run) prepare(ctx context.Context) error {
	scratch.Sweep()
	if _, err := r.Store.Sweep(); err != nil {
		return err
	}
	if err := r.move(ctx); err != nil {
		return err
	}
	for _, ex := range r.Placement.All() {
		if c, ok := ex.(executor.Cleaner); ok {
			if _, err := c.Cleanup(ctx, r.Plan.Pipeline, r.Plan.Workspace); err != nil {
				return fmt.Errorf("removing what an earlier apply left behind: %w", err)
			}
		}
	}
	return nil
}

// emit writes an event to the journal, and hands it to the caller.
func (r *run) emit(e Event) {
	r.eventMu.Lock()
	defer r.eventMu.Unlock()
	if r.journal.add(e) && r.Events != nil {
		r.Events(e)
	}
}
