// Package watch does without a hand what time and figures ask for: canaries are moved by their rules, monitors look on their schedules, and models are trained again.
//
// A round looks at each of these once, in this order.
//
//	canary     what servers have written to the store is added up, and its rules are asked: it goes to its next step, stays, or is taken away        canary.go
//	monitor    a time of its schedule has come: the monitor, and what it rests on, is applied with data as they are now                             monitor.go
//	retrain    it is due, and nothing holds it (package decide): what the deployment rests on is applied with data as they are now                  retrain.go
//
// What is applied is what was applied before, with other data: where the files of the module say otherwise, nothing is done, and that is said. Each act is a revision of the
// state, with who did it and why; who is to be told is told. What a round leaves open stays as it is. Nothing needs a server to be up.
//
// Of many watchers of a workspace one is at work: it has the lease <pipeline>/<workspace>/watch of the bucket. The others wait for it, and one of them is at
// work some seconds after it was killed, or at once where it gave the lease up. A watcher whose lease was lost while it slept moves nothing that another
// one has moved: a revision is written after the one that was seen, or not at all; and an apply holds the lock of applies.
//
// What time it is says the workspace's clock, so that years pass in a test within seconds.
package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/runtime/store/lease"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// Options are those of a watcher.
type Options struct {
	Every  time.Duration // between two looks; default 10 s
	DryRun bool          // says what would be done, does nothing, and needs no lease
	By     string        // who does it, by their own word
	Tell   func(*Round)  // of what is new in a round
	Say    func(string)  // of what becomes of the watcher itself
	// Reopen opens what is recorded once more; nil: a watcher goes on with what it was given. Close what it returns.
	Reopen func(context.Context) (*workspace.Session, error)
	// Open opens the module to plan, as its files are now. Close what it returns.
	Open func(context.Context) (*workspace.Session, error)
	// Apply is how stages run; what is left open of it is filled in.
	Apply workspace.ApplyOptions
	// Kill ends stages that run; the context of a round only keeps new ones from being started. Nil: nothing does.
	Kill context.Context

	tried map[string]time.Time // when a retraining was last decided, while a watcher runs
	asked map[string]int64     // the revision after which the condition of a retraining was last asked, while a watcher runs
}

// leaseTime is how long a watcher has the lease that does not renew it, and what may pass until another is at work in its place, with the skew of
// clocks on top.
const leaseTime = 10 * time.Second

// Round is what a round came to.
type Round struct {
	Canaries    []Look
	Monitors    []Monitored
	Retrainings []Retrained
}

// Acts reports whether something was done, or would have been.
func (r *Round) Acts() bool {
	return slices.ContainsFunc(r.Canaries, func(l Look) bool { return l.Err == nil && l.Move() != decide.HoldCanary }) ||
		slices.ContainsFunc(r.Monitors, func(m Monitored) bool { return m.Due }) ||
		slices.ContainsFunc(r.Retrainings, func(t Retrained) bool { return t.Decision.Verdict == decide.RetrainNow })
}

// Failed reports whether something could not be looked at, or not be done.
func (r *Round) Failed() bool {
	return slices.ContainsFunc(r.Canaries, func(l Look) bool { return l.Err != nil }) || slices.ContainsFunc(r.Monitors, func(m Monitored) bool { return m.Err != nil }) ||
		slices.ContainsFunc(r.Retrainings, func(t Retrained) bool { return t.Err != nil })
}

// Nothing reports whether there is nothing to watch.
func (r *Round) Nothing() bool { return len(r.Canaries)+len(r.Monitors)+len(r.Retrainings) == 0 }

// Once makes one round. The error is that of the state, which could not be read or written; one of a single block stands in the round.
func Once(ctx context.Context, s *workspace.Session, o Options) (*Round, error) {
	r := &Round{}
	err := s.Reload(ctx)
	if err == nil {
		r.Canaries, err = canariesOnce(ctx, s, &o)
	}
	if err == nil {
		r.Monitors, err = monitorsOnce(ctx, s, &o)
	}
	if err == nil {
		r.Retrainings, err = retrainingsOnce(ctx, s, &o)
	}
	return r, err
}

// Run looks again and again until ctx ends, while it has the lease; without it, it waits. A store that does not answer is told once, and asked again.
func Run(ctx context.Context, s *workspace.Session, o Options) error {
	if o.Every <= 0 {
		o.Every = 10 * time.Second
	}
	o.asked, o.tried = map[string]int64{}, map[string]time.Time{}
	w := &watcher{session: s, Options: o, told: map[string]string{}}
	for ctx.Err() == nil {
		if o.DryRun {
			w.looks(ctx)
			continue
		}
		held, err := w.take(ctx)
		switch {
		case err != nil:
			w.fails(err)
		case held != nil:
			w.work(ctx, held)
		}
		pause(ctx, time.Second)
	}
	return w.close()
}

// watcher is one that runs.
type watcher struct {
	Options
	session *workspace.Session
	own     bool              // it was opened by the watcher
	opened  time.Time         // when
	told    map[string]string // what was told last of each deployment
	failing string            // what was told last of the store, or of who has the lease
}

// longestOpen is how long a watcher goes by a session: what that has seen of the store outlasts few collections of garbage.
const longestOpen = time.Hour

// reopen opens a session in place of one that is old. The one that was given is closed by its owner.
func (w *watcher) reopen(ctx context.Context) error {
	if w.opened.IsZero() {
		w.opened = time.Now()
	}
	if w.Reopen == nil || time.Since(w.opened) < longestOpen {
		return nil
	}
	fresh, err := w.Reopen(ctx)
	if err != nil {
		return err
	}
	err = w.close()
	w.session, w.own, w.opened = fresh, true, time.Now()
	return err
}

// close closes the session, if the watcher has opened it.
func (w *watcher) close() error {
	if !w.own {
		return nil
	}
	return w.session.Close()
}

// take takes the lease, if it is free; nil if somebody else has it.
func (w *watcher) take(ctx context.Context) (*lease.Lease, error) {
	s := w.session
	name := s.Pipeline + "/" + s.Workspace() + "/watch"
	l, err := lease.Take(ctx, s.Store.Bucket(), name, lease.Holder{Who: w.By, Host: workspace.HostName(), What: "watch"}, leaseTime, time.Now)
	var held *lease.HeldError
	if errors.As(err, &held) {
		w.says(fmt.Sprintf("%s on %s watches since %s; this one waits to take its place", held.Holder.Who, held.Holder.Host, held.Since.Format(time.RFC3339)))
		return nil, nil
	}
	return l, err
}

// work looks until the lease is lost, or ctx ends.
func (w *watcher) work(ctx context.Context, l *lease.Lease) {
	w.says(fmt.Sprintf("watching %s, workspace %s", w.session.Pipeline, w.session.Workspace()))
	clear(w.told)
	kept, stop := l.Keep(ctx)
	w.looks(kept)
	lost := context.Cause(kept)
	stop()
	if ctx.Err() == nil {
		w.fails(lost)
		return
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTime)
	defer cancel()
	if err := l.Release(ending); err != nil {
		w.fails(err)
	}
}

// looks looks every so often until ctx ends.
func (w *watcher) looks(ctx context.Context) {
	for ctx.Err() == nil {
		err := w.reopen(ctx)
		if err == nil {
			var round *Round
			round, err = Once(ctx, w.session, w.Options)
			w.tell(round)
		}
		if err != nil && ctx.Err() == nil {
			w.fails(err)
		} else if w.failing != "" && err == nil {
			w.failing = ""
		}
		pause(ctx, w.Every)
	}
}

// tell tells of a round what is new: each act, and what is held once until something else is the matter.
func (w *watcher) tell(r *Round) {
	news := &Round{}
	for _, l := range r.Canaries {
		if w.isNew(l.Deploy, l.state()) || l.Moved != nil {
			news.Canaries = append(news.Canaries, l)
		}
	}
	for _, m := range r.Monitors {
		if w.isNew(m.Address, m.state()) {
			news.Monitors = append(news.Monitors, m)
		}
	}
	for _, t := range r.Retrainings {
		if w.isNew(t.Address, t.state()) {
			news.Retrainings = append(news.Retrainings, t)
		}
	}
	if !news.Nothing() {
		w.Tell(news)
	}
}

// isNew reports whether something else was told last of a block.
func (w *watcher) isNew(address, state string) bool {
	was := w.told[address]
	w.told[address] = state
	return was != state
}

func (w *watcher) fails(err error) { w.says(err.Error()) }

// says says something of the watcher once, until something else is to be said.
func (w *watcher) says(text string) {
	if w.failing != text {
		w.Say(text)
	}
	w.failing = text
}

// pause waits, no longer than ctx lasts.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
