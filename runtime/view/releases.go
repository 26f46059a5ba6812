package view

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/compiler/canary"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// Releases lists what deployments have live, and the candidates that are on their way to be.
func (s *Screen) Releases(all map[string]plan.ReleaseState) error {
	if len(all) == 0 {
		fmt.Fprintln(s.Err, "Nothing is live.")
		return nil
	}
	t := render.Printer{}
	for _, address := range slices.Sorted(maps.Keys(all)) {
		r := all[address]
		t.Line("%s   %s %s, live since revision %d (%s)", render.Line(address), render.Line(r.From), render.Line(r.Model.Short()), r.Revision, r.Since.UTC().Format("2006-01-02 15:04Z"))
		if x := r.Rollout; x != nil {
			t.Line("  %s %s: %s", render.Line(x.Next.From), render.Line(x.Next.Model.Short()), review.Rollout(x))
		}
		if b := r.Rollback; b != nil && b.Lifted == nil {
			for _, h := range b.Held {
				t.Line("  held: %s %s", render.Line(h.From), render.Line(h.Model.Short()))
			}
		}
	}
	_, err := fmt.Fprint(s.Out, t.String())
	return err
}

// MoveReasons are examples of reasons, for help.
var MoveReasons = map[workspace.RolloutAction]string{
	workspace.PromoteRollout: "errors and latency are as those of the live model", workspace.PauseRollout: "the feed of payments is late",
	workspace.ResumeRollout: "the feed is back", workspace.AbortRollout: "twice the errors on small payments",
}

// Moved tells what a move of a rollout came to.
func (s *Screen) Moved(m workspace.RolloutMove, done *workspace.MovedRollout) error {
	s.untold(done.Untold)
	next := done.Was.Rollout.Next
	name := render.Line(next.From) + " " + render.Line(next.Model.Short())
	switch now := done.Now.Rollout; {
	case now != nil:
		fmt.Fprintf(s.Out, "%s: %s is a %s (revision %d).\n", m.Deploy, name, review.Rollout(now), done.Revision)
	case m.Do == workspace.AbortRollout:
		s.aborted(m.Deploy, done)
	default:
		fmt.Fprintf(s.Out, "%s has %s live (revision %d). To take it back: %s --reason '…'\n", m.Deploy, name, done.Revision, s.Command("rollback "+render.ShellWord(m.Deploy)))
	}
	return nil
}

// aborted tells which model answers alone, and which is held.
func (s *Screen) aborted(deploy string, done *workspace.MovedRollout) {
	was := done.Was.Rollout
	fmt.Fprintf(s.Out, "%s has %s %s live alone (revision %d). The %s, %s %s, is held: an apply does not release it again.\n",
		deploy, render.Line(done.Now.From), render.Line(done.Now.Model.Short()), done.Revision, was.Strategy.Role, render.Line(was.Next.From), render.Line(was.Next.Model.Short()))
}

// RolledBack tells what a rollback came to; of a deployment with a rollout that is its end.
func (s *Screen) RolledBack(r workspace.Rollback, done *workspace.RolledBack) {
	s.untold(done.Untold)
	switch {
	case r.Lift:
		fmt.Fprintf(s.Out, "The rollback of %s is lifted by %s (revision %d). What it held goes through its gate again: %s\n", r.Deploy, render.Line(r.By), done.Revision, s.Command("plan"))
	case done.Was.Rollout != nil:
		s.aborted(r.Deploy, &workspace.MovedRollout{Revision: done.Revision, Was: done.Was, Now: done.Now})
	default:
		fmt.Fprintf(s.Out, "%s has %s %s of revision %d live again (revision %d). %s %s is held: an apply does not release it again.\n",
			r.Deploy, done.Now.From, done.Now.Model.Short(), done.Now.Rollback.To, done.Revision, done.Was.From, done.Was.Model.Short())
	}
}

// untold says who was to be told of what was done, and was not.
func (s *Screen) untold(err error) {
	if err != nil {
		fmt.Fprintln(s.Err, "warning: "+err.Error())
	}
}

// rolloutGoesOn tells which candidate takes over by steps, how far it is, and how it is moved on.
func (s *Screen) rolloutGoesOn(r engine.ReleaseResult) {
	rollout, address := r.After.Rollout, render.ShellWord(r.Address)
	fmt.Fprintf(s.Out, "  %s  %s %s stays live; %s %s: %s\n", r.Address, r.After.From, r.After.Model.Short(), rollout.Next.From, rollout.Next.Model.Short(), review.Rollout(rollout))
	fmt.Fprintf(s.Out, "      its rollout    %s\n      move it on     %s --reason '…'\n      take it back   %s --reason '…'\n",
		s.Command("release show "+address), s.Command("release promote "+address), s.Command("release abort "+address))
}

// Seen tells what is counted of a canary: of each figure the value, and the interval that it is in at any look, and what its rules come to. Of what has no
// canary nothing is told, unless servers are asked about it.
func (s *Screen) Seen(ctx context.Context, of *workspace.Session, deploy string, servers []string) error {
	if r := of.State.Releases[deploy].Rollout; len(servers) == 0 && (r == nil || r.Strategy.Role != schema.CanaryRoute) {
		return nil
	}
	seen, err := of.Seen(ctx, deploy, servers)
	if err != nil {
		return err
	}
	t := render.Printer{}
	t.Line("")
	seenLines(&t, seen)
	_, err = fmt.Fprint(s.Out, t.String())
	return err
}

func seenLines(t *render.Printer, seen *workspace.Seen) {
	t.Line("seen by %s", render.Counted(seen.Servers, "server"))
	for _, step := range seen.Evidence.Steps {
		t.Line("  at %g %%   canary %d rows, %d failed   live %d rows, %d failed", float64(step.Share)/(canary.Whole/100), step.Canary.Requests, step.Canary.Errors, step.Control.Requests, step.Control.Errors)
	}
	for _, f := range seen.Figures {
		t.Line("  %-16s %s (%s to %s)", f.Name, endOf(f.Value), endOf(f.Low), endOf(f.High))
	}
	t.Line("  In %g %% of releases each of these is in its interval, at all looks together. Of each key the first row at a step counts.", 100*(1-seen.Alpha))
	if seen.LeftOut > 0 {
		t.Line("  %d rows are left out: there were too many keys at a step.", seen.LeftOut)
	}
	if d := seen.Decision; d != nil {
		t.Line("rules")
		for _, r := range d.Rules {
			t.Line("  %-13s  %-5s  %s", r.Name, strings.ToUpper(string(r.Verdict)), render.Line(r.Assert))
		}
		t.Line("  %s: %s", map[decide.StepMove]string{decide.HoldCanary: "It stays", decide.PromoteCanary: "It goes on at the next look of mlp watch", decide.AbortCanary: "It is taken away at the next look of mlp watch"}[d.Move], render.Line(d.Why))
	}
}

// endOf is an end of an interval, or a value; "?" of what nothing is known yet.
func endOf(x float64) string {
	switch {
	case math.IsNaN(x):
		return "?"
	case math.IsInf(x, 0):
		return "any"
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}
