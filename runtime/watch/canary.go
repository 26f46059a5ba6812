package watch

import (
	"context"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

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

// canariesOnce looks at each deployment that has a canary with rules, by address, and does what these say.
func canariesOnce(ctx context.Context, s *workspace.Session, o *Options) (looks []Look, err error) {
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

func look(ctx context.Context, s *workspace.Session, deploy string, o *Options) Look {
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

// state tells apart what is to be told of a deployment.
func (l *Look) state() string {
	state := string(l.Move())
	switch {
	case l.Err != nil:
		return l.Err.Error()
	case l.Paused != nil:
		return "paused"
	case l.Seen.Decision != nil:
		for _, r := range l.Seen.Decision.Rules {
			state += " " + string(r.Verdict)
		}
		state += fmt.Sprint(" ", l.Seen.Release.Rollout.Revision)
	}
	return state
}
