package workspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
)

// What is recorded is read while the module is read and checked: the state, then the results that it names. Reading
// changes nothing, so what turns out not to be asked for is left.

// Recorded is what a store holds of a pipeline in a workspace. Store is nil where opening failed.
type Recorded struct {
	Store   *store.Store
	Log     *state.Log
	State   *plan.State // to plan against: that of the upstream, where the workspace goes by one
	Own     *plan.State // what the workspace itself has recorded, where State is that of its upstream; else nil
	actions *actions    // nil where nothing plans
}

// readStored reads what is recorded of a pipeline; with planning also, in the background, the results that its state
// names. A store is made where there is none. After an error the store is among what is returned if it was opened, to
// be closed.
func (w *Workspace) readStored(ctx context.Context, pipeline string, planning bool) (Recorded, error) {
	s, log, err := w.openLog(ctx, pipeline)
	r := Recorded{Store: s, Log: log}
	if err != nil {
		return r, err
	}
	return r, w.readLog(ctx, &r, planning)
}

// openLog opens the store, and in it the log of a pipeline. After an error the store is returned if it was opened.
func (w *Workspace) openLog(ctx context.Context, pipeline string) (*store.Store, *state.Log, error) {
	s, err := w.openStore(ctx)
	if err != nil {
		return nil, nil, err
	}
	log, err := state.Open(s, pipeline, w.Name)
	return s, log, err
}

// readLog is readStored of a store that is open.
func (w *Workspace) readLog(ctx context.Context, r *Recorded, planning bool) (err error) {
	if r.State, err = r.Log.Load(ctx); err != nil {
		return refused(err)
	}
	if planning {
		if err := w.goBy(ctx, r); err != nil {
			return err
		}
		r.actions = readActions(ctx, r.Store, r.State)
	}
	return nil
}

// ahead is what is read before it is known of which pipeline: a store has seldom more than one, and of a store elsewhere it is
// the name that stands in the module. Where the guess is right, reading goes on while the module is compiled.
type ahead struct {
	w        *Workspace
	ctx      context.Context // of what is read in the background
	planning bool
	guess    string // the pipeline's name; "" where nothing is guessed

	opened chan struct{} // closed once store and log are what they will be
	store  *store.Store
	log    *state.Log
	done   chan struct{} // closed once the rest is
	read   Recorded
	err    error
}

// readAhead begins to read what is recorded. Ctx ends that.
// A guess is taken of which pipeline's log it will be, since the files are compiled meanwhile and would say so too late.
// If it was wrong, what was read is thrown away and read again under the right name.
func (w *Workspace) readAhead(ctx context.Context, planning bool) *ahead {
	a := &ahead{w: w, ctx: ctx, planning: planning, opened: make(chan struct{}), done: make(chan struct{})}
	if u, err := w.storeURL(); err == nil && u != nil {
		a.guess, _ = w.pipelineName()
	} else if entries, err := os.ReadDir(w.StoreDir("log")); err == nil && len(entries) == 1 {
		a.guess = entries[0].Name()
	}
	go func() {
		defer close(a.done)
		defer func() {
			if p := recover(); p != nil {
				a.err = fmt.Errorf("mlp has a defect, met while the state was read: %v\n%s", p, debug.Stack())
			}
		}()
		a.open()
		if a.err == nil && a.log != nil {
			a.err = w.readLog(ctx, &a.read, planning)
		}
	}()
	return a
}

// open opens the store and the log of the pipeline that is guessed.
func (a *ahead) open() {
	defer close(a.opened)
	if a.guess != "" {
		a.store, a.log, a.err = a.w.openLog(a.ctx, a.guess)
		a.read = Recorded{Store: a.store, Log: a.log}
	}
}

// answers waits until the store is open, and returns the pack of answers that it has, or nil.
func (a *ahead) answers() []byte {
	<-a.opened
	if a.log == nil {
		return nil
	}
	return a.w.sharedAnswers(a.ctx, a.store, a.log)
}

// recorded waits for what is recorded of a pipeline, or reads it where another was guessed. The store is the caller's to close,
// also after an error.
func (a *ahead) recorded(pipeline string) (Recorded, error) {
	<-a.done
	switch {
	case pipeline == a.guess:
		return a.read, a.err
	case a.store == nil:
		return a.w.readStored(a.ctx, pipeline, a.planning)
	}
	r := Recorded{Store: a.store}
	var err error
	if r.Log, err = state.Open(a.store, pipeline, a.w.Name); err == nil {
		err = a.w.readLog(a.ctx, &r, a.planning)
	}
	return r, err
}

// close waits for the end of what is read, and closes the store: the context must have ended.
func (a *ahead) close() error {
	<-a.done
	if a.store == nil {
		return nil
	}
	return a.store.Close()
}

// actions answers the planner from the store. Each record is read once, so that what a plan was told once is not told
// otherwise later: another apply may write to the store meanwhile. It is safe for concurrent use.
type actions struct {
	store  *store.Store
	mu     sync.Mutex
	read   map[plan.Digest]*action
	looked sync.Map // by fingerprint: whether the objects of a result are there, looked at once
}

// action is one record, read once however many ask for it.
type action struct {
	once    sync.Once
	found   *plan.Action // nil if there is none
	damaged *store.DamagedError
	err     error
}

// readers is how many records are read at once: the wait is for the disk.
const readers = 8

// readActions begins to read the results that a state names, and returns at once. Reading ends with ctx; what has not
// been read by then is read when it is asked for.
func readActions(ctx context.Context, s *store.Store, st *plan.State) *actions {
	r := &actions{store: s, read: make(map[plan.Digest]*action, len(st.Nodes))}
	named := slices.Collect(maps.Values(st.Nodes)) // the state itself may be another by then
	var next atomic.Int64
	for range readers {
		go func() {
			for i := next.Add(1) - 1; i < int64(len(named)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				r.get(named[i].Fingerprint, &named[i])
			}
		}()
	}
	return r
}

// Action is what a fingerprint yields; false if that is not recorded. An error is of a record that is there and cannot
// be read, such as one that is damaged.
func (r *actions) Action(fp plan.Digest) (*plan.Action, bool, error) {
	x := r.get(fp, nil)
	return x.found, x.found != nil, x.err
}

// present are the results whose objects are there too.
type present struct{ *actions }

// Action is a record whose results are all there; one with a result that is gone counts as none. That the objects have
// the bytes that they should is not looked at: see VerifyStore.
func (p present) Action(fp plan.Digest) (*plan.Action, bool, error) {
	a, ok, err := p.actions.Action(fp)
	if !ok || err != nil {
		return a, ok, err
	}
	if err := p.present(fp, a); errors.Is(err, store.ErrMissing) {
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	return a, true, nil
}

// present looks once whether the objects of a result are there.
func (r *actions) present(fp plan.Digest, a *plan.Action) error {
	look, _ := r.looked.LoadOrStore(fp, sync.OnceValue(func() error { return r.store.Present(a.Outputs) }))
	return look.(func() error)()
}

// lookAhead begins to look whether the objects of results that a state names are there, many at once, where each takes a request to a service.
// What it finds is remembered where the planner looks next; what it does not find, or fails at, is looked for again by
// whoever asks, who then has the error.
func (r *actions) lookAhead(ctx context.Context, st *plan.State) {
	if !r.store.IsFar() {
		return
	}
	var named []plan.Digest
	for _, n := range st.Nodes { // the state itself may be another by then
		named = append(named, n.Fingerprint)
	}
	var next atomic.Int64
	for range askers {
		go func() {
			for i := next.Add(1) - 1; i < int64(len(named)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if x := r.get(named[i], nil); x.found != nil {
					_ = r.present(named[i], x.found) // who asks is told
				}
			}
		}()
	}
}

// askers is how many objects are asked for at once.
const askers = 32

// get reads a record once. It holds nothing twice that the state holds too, if that is given: where the inputs and
// outputs of the record are those of the state, the state's maps are kept for both, which must not be changed. A store
// of many thousand results so takes half the memory.
func (r *actions) get(fp plan.Digest, n *plan.NodeState) *action {
	r.mu.Lock()
	x := r.read[fp]
	if x == nil {
		x = &action{}
		r.read[fp] = x
	}
	r.mu.Unlock()
	x.once.Do(func() {
		defer func() {
			if p := recover(); p != nil { // this may be nobody's processor
				x.found, x.err = nil, fmt.Errorf("mlp has a defect, met at the record of %s: %v\n%s", fp, p, debug.Stack())
			}
		}()
		x.found, x.err = r.store.Action(fp)
		errors.As(x.err, &x.damaged)
		if errors.Is(x.err, store.ErrMissing) {
			x.found, x.err = nil, nil
		}
		if a := x.found; a != nil && n != nil && maps.Equal(a.Inputs, n.Inputs) && maps.Equal(a.Outputs, n.Outputs) {
			a.Fingerprint, a.Inputs, a.Outputs = fp, n.Inputs, n.Outputs
		}
	})
	return x
}

// damaged tells why the record of what a fingerprint yields cannot be relied on, if it was asked for; nil if it can.
func (r *actions) damaged(fp plan.Digest) *store.DamagedError {
	r.mu.Lock()
	_, asked := r.read[fp]
	r.mu.Unlock()
	if !asked {
		return nil
	}
	return r.get(fp, nil).damaged
}
