package workspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/state"
)

// ApplyOptions are how a plan is carried out. Results do not depend on any but Force.
type ApplyOptions struct {
	Force       []string // addresses that run even if their results are known
	Executor    string   // as ExecutorOptions.Name
	Threads     int      // of a stage; 0: all
	Parallelism int      // stages at once; 0: as many as there are processors
	// Shell is opened in place of a stage; nil: none is.
	Shell *Shell
	// Wait, if given, is told who holds the workspace's lock, once, and then the lock is waited for.
	Wait func(*state.LockedError)
	// By is who applies, by their own word; "": the user of the operating system.
	By string
	// Round: it is one of a watcher, of a part that was applied before: what rests on nothing of it is as old as before.
	Round bool
	// Told is given what takes long before anything is planned; it may be nil.
	Told func(string)
}

// Applying is who watches an apply and decides whether it goes on. Its methods are called in this order, one at a time;
// Event comes from several goroutines. After an error none is called any more, but for End where Begin was.
type Applying interface {
	// Show is given the plan.
	Show(*plan.Plan) error
	// Confirm reports whether the plan, which can be carried out, shall be.
	Confirm(*plan.Plan) (bool, error)
	// NoEngine tells that stages run as processes since no container engine answers. Where one was looked for, " at
	// DOCKER_HOST tcp://build:2375", is "" if nobody named a place.
	NoEngine(where string)
	// Begin is told that stages are about to run. No new stage starts when stop ends; running ones are ended with kill.
	Begin(context.Context) (stop, kill context.Context)
	// Event is called as things happen, with what the journal has of them.
	Event(engine.Event)
	// ExitCode is what the command exits with after this, for the journal.
	ExitCode(*engine.Result, error) int
	// End follows Begin when nothing runs any more. The last event was a RunEnded, which has what came of it.
	End()
}

// Apply plans the module and carries the plan out, holding the workspace's lock. If Confirm answers no, both result and
// error are nil. There are both a result and an error where the plan was carried out and could not be marked as
// applied. That stages or gates failed is no error, but stands in the result. The session's state is that of before;
// open a new session to see what was recorded.
func (s *Session) Apply(ctx context.Context, o ApplyOptions, by Applying) (*engine.Result, error) {
	return s.ApplyIf(ctx, o, by, func(*plan.Plan) error { return nil })
}

// ApplyIf is Apply for a plan that is shown and then carried out only if it passes a check.
// The lock is taken before the plan is made, so that what is shown is what is carried out. Nil without an error: the
// plan was shown, and somebody said no.
func (s *Session) ApplyIf(ctx context.Context, o ApplyOptions, by Applying, may func(*plan.Plan) error) (*engine.Result, error) {
	if err := s.w.checkExecutor(o.Executor); err != nil {
		return nil, err
	}
	var p *plan.Plan
	r, err := s.locked(ctx, o, func(ctx context.Context, held *state.Held) (*engine.Result, error) {
		var err error
		if p, err = s.Plan(ctx, o.Force); err != nil {
			return nil, err
		}
		if err := by.Show(p); err != nil {
			return nil, err
		}
		if err := s.readable(p); err != nil {
			return nil, err
		}
		if err := may(p); err != nil {
			return nil, err
		}
		if yes, err := by.Confirm(p); err != nil || !yes {
			return nil, err
		}
		return s.run(ctx, p, held, o, by)
	})
	s.tellOf(ctx, o, p, r) // the lock is free: nobody waits for a pager
	return r, err
}

// locked calls do with the workspace's lock held, after reading the state again: what was read before may be another apply's past. The
// error is a state.LockedError if somebody else holds the lock and is not waited for. The context of do ends if the lock is lost.
func (s *Session) locked(ctx context.Context, o ApplyOptions, do func(context.Context, *state.Held) (*engine.Result, error)) (result *engine.Result, err error) {
	held, err := s.hold(ctx, "apply", o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	if s.State, err = held.Log().Load(ctx); err != nil { // under the lock: nobody else writes from here on
		return nil, err
	}
	if err := s.w.goBy(ctx, &s.Recorded); err != nil {
		return nil, err
	}
	s.actions, s.written = nil, nil
	return do(held.Context(), held)
}

// waitEvery is how often it is looked whether a lock is free.
const waitEvery = time.Second

// hold takes the workspace's lock for what is about to be done, on a store that keeps its promises.
// Without Wait a lock that somebody holds is an error with who it is. With it the lock is tried for again until the
// context ends.
func (s *Session) hold(ctx context.Context, what string, o ApplyOptions) (*state.Held, error) {
	if err := s.prepare(ctx, o.Told); err != nil {
		return nil, err
	}
	for waits := false; ; waits = true {
		held, err := s.Log.Hold(ctx, state.Holder{Who: UserName(), What: what})
		var locked *state.LockedError
		if err == nil || o.Wait == nil || !errors.As(err, &locked) {
			return held, err
		}
		if !waits {
			o.Wait(locked)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(waitEvery):
		}
	}
}

// run carries a plan out. One that was carried out whole is marked, so that its file is not applied twice.
// The mark is made only after all stages and releases succeeded: an apply that failed may be repeated with the same
// file, and goes on where it stopped.
func (s *Session) run(ctx context.Context, p *plan.Plan, held *state.Held, o ApplyOptions, by Applying) (*engine.Result, error) {
	if err := s.fitsSample(p); err != nil {
		return nil, err
	}
	url, err := s.w.storeOf()
	if err != nil {
		return nil, err
	}
	placed, err := Place(ctx, p, ExecutorOptions{Name: o.Executor, Threads: o.Threads, Store: s.Store.Root(), StoreURL: url, NoEngine: by.NoEngine})
	if err != nil {
		return nil, err
	}
	defer placed.Close()
	// The operator's file is read anew: it decides over approvals where the plan is applied, whatever it said when
	// planning.
	approvers, err := s.w.ReadApprovers()
	if err != nil {
		return nil, err
	}
	from := s.w.origin(ctx, os.Getenv)
	if s.Module == nil { // the plan was saved: it is of the files that it was made of, and not of those that are here
		from.Commit, from.Dirty = "", false
		if p.Envelope != nil {
			from.Commit, from.Dirty = p.Envelope.Commit, p.Envelope.Dirty
		}
	}
	targets := p.Targets
	if o.Round {
		targets = s.State.Targets
	}
	log := held.Log().For(p.ID, targets...).Sampled(p.Share()).On(UserName(), HostName()).From(from)
	if !review.Count(p).Nothing() {
		log = log.Answering(s.shareAnswers(ctx))
	}
	if _, problems := s.told(p.Described, p.Policies); len(problems) > 0 && o.Told != nil { // before hours of work, of which nobody would hear
		o.Told(errors.Join(problems...).Error())
	}
	// stop lets running stages end; kill ends them. Both are the caller's, who knows how often Ctrl-C was pressed.
	stop, kill := by.Begin(ctx)
	result, err := engine.Run(stop, engine.Options{
		Plan: p, Store: s.Store, Log: log, Lock: held.Lock(), State: s.State, Placement: o.Shell.on(placed), Dir: s.w.Dir,
		Parallelism: o.Parallelism, Events: by.Event, ExitCode: by.ExitCode, Convert: Convert, Files: s.w.Roots.Planned, Version: s.w.askVersion, Unquoted: s.w.Roots.Unquoted(s.w.Dir), Write: s.w.writeOut, Kill: kill, By: cmp.Or(o.By, UserName()), Now: s.w.Now, Host: HostName(), Approvers: approvers, ToolVersion: Version(),
	})
	by.End()
	if result.Left != nil && o.Told != nil {
		o.Told(fmt.Sprintf("All is recorded. Pieces of the journal under running/ could not be removed, which the next apply does: %v", result.Left))
	}
	if err != nil {
		return nil, err
	}
	// An interrupt that came after all was done must not lose the mark, hence WithoutCancel.
	if result.ExitCode() == 0 && !review.Count(p).Nothing() {
		err = s.markApplied(context.WithoutCancel(ctx), p, result.State.Revision)
	}
	return result, err
}
