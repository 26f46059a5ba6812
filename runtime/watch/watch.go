// Package watch moves canaries by their rules, without a hand.
//
// A look at a deployment with a canary adds up what servers have written to the store, asks the canary's rules, and does what they say: the canary goes to its
// next step, or is taken away, each a revision of the state with the rule and the figures that decided it, and with the watcher as who did it. What rules leave
// open stays as it is. A look needs no server to be up, and what a canary does while nobody watches is nothing.
//
// Of many watchers of a workspace one is at work: it has the lease <pipeline>/<workspace>/watch of the bucket. The others wait for it, and one of them is at
// work some seconds after it was killed, or at once where it gave the lease up. A watcher whose lease was lost while it slept moves nothing that another
// one has moved: a revision is written after the one that was seen, or not at all.
package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/store/lease"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// Options are those of a watcher.
type Options struct {
	Every  time.Duration // between two looks; default 10 s
	DryRun bool          // says what would be done, does nothing, and needs no lease
	By     string        // who moves releases, by their own word
	Tell   func(Look)    // of each decision
	Say    func(string)  // of what becomes of the watcher itself
}

// leaseTime is how long a watcher has the lease that does not renew it, and what may pass until another is at work in its place, with the skew of
// clocks on top.
const leaseTime = 10 * time.Second

// Look is what a look at one deployment came to.
type Look struct {
	Deploy string
	Seen   *workspace.Seen         // nil: it was not looked at, as of one that is paused, or Err says why
	Paused *plan.Given             // who paused it
	Moved  *workspace.MovedRollout // nil: it stays, or would be moved (DryRun)
	Err    error
}

// Move is what was decided; it is held where nothing was.
func (l *Look) Move() decide.StepMove {
	if l.Seen == nil || l.Seen.Decision == nil {
		return decide.HoldCanary
	}
	return l.Seen.Decision.Move
}

// Moves reports whether a look moved something, or would have.
func Moves(looks []Look) bool {
	return slices.ContainsFunc(looks, func(l Look) bool { return l.Err == nil && l.Move() != decide.HoldCanary })
}

// Once looks at each deployment that has a canary with rules, by address, and does what these say. The error is that of the state, which could not be read;
// one of a deployment stands in its look.
func Once(ctx context.Context, s *workspace.Session, o Options) ([]Look, error) {
	if err := s.Reload(ctx); err != nil {
		return nil, err
	}
	var looks []Look
	for _, deploy := range canaries(s.State) {
		l := look(ctx, s, deploy, o)
		if l.Moved != nil { // the next deployment is moved after this revision
			if err := s.Reload(ctx); err != nil {
				return append(looks, l), err
			}
		}
		looks = append(looks, l)
	}
	return looks, nil
}

// canaries are the deployments that have a canary with rules, sorted.
func canaries(s *plan.State) (out []string) {
	for address, r := range s.Releases {
		if r.Rollout != nil && r.Rollout.Strategy.Role == schema.CanaryRoute && r.Rollout.Strategy.Rules != nil {
			out = append(out, address)
		}
	}
	slices.Sort(out)
	return out
}

func look(ctx context.Context, s *workspace.Session, deploy string, o Options) Look {
	l := Look{Deploy: deploy}
	if l.Paused = s.State.Releases[deploy].Rollout.Paused; l.Paused != nil {
		return l
	}
	if l.Seen, l.Err = s.Seen(ctx, deploy, nil); l.Err != nil {
		return l
	}
	do := map[decide.StepMove]workspace.RolloutAction{decide.PromoteCanary: workspace.PromoteRollout, decide.AbortCanary: workspace.AbortRollout}[l.Move()]
	if do == "" || o.DryRun {
		return l
	}
	l.Moved, l.Err = s.MoveRollout(ctx, workspace.RolloutMove{Deploy: deploy, Do: do, By: o.By, Reason: l.Seen.Decision.Why})
	return l
}

// Run looks again and again until ctx ends, while it has the lease; without it, it waits. A store that does not answer is told once, and asked again.
func Run(ctx context.Context, s *workspace.Session, o Options) error {
	if o.Every <= 0 {
		o.Every = 10 * time.Second
	}
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
	return nil
}

// watcher is one that runs.
type watcher struct {
	Options
	session *workspace.Session
	told    map[string]string // what was told last of each deployment
	failing string            // what was told last of the store, or of who has the lease
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
		looks, err := Once(ctx, w.session, w.Options)
		for _, l := range looks {
			w.tell(l)
		}
		if err != nil && ctx.Err() == nil {
			w.fails(err)
		} else if w.failing != "" && err == nil {
			w.failing = ""
		}
		pause(ctx, w.Every)
	}
}

// tell tells of a look what is new: each move, and what is held once until something else is the matter.
func (w *watcher) tell(l Look) {
	state := string(l.Move())
	switch {
	case l.Err != nil:
		state = l.Err.Error()
	case l.Paused != nil:
		state = "paused"
	case l.Seen.Decision != nil:
		for _, r := range l.Seen.Decision.Rules {
			state += " " + string(r.Verdict)
		}
		state += fmt.Sprint(" ", l.Seen.Release.Rollout.Revision)
	}
	if l.Moved != nil || w.told[l.Deploy] != state {
		w.Tell(l)
	}
	w.told[l.Deploy] = state
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
