package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/store"
)

// RolloutMove is what is asked of the rollout of a deployment.
type RolloutMove struct {
	Deploy string // its address
	Do     RolloutAction
	Whole  bool   // of a promotion: past all steps
	By     string // who does it, by their own word
	Reason string // for the record; not empty
}

// RolloutAction is one of the moves that a rollout can make.
type RolloutAction string

const (
	PromoteRollout RolloutAction = "promote" // to the next step, or to be live
	PauseRollout   RolloutAction = "pause"   // to stay where it is until it is resumed
	ResumeRollout  RolloutAction = "resume"
	AbortRollout   RolloutAction = "abort" // the candidate is taken away and held, as by Rollback
)

// MovedRollout is what a move came to.
type MovedRollout struct {
	Revision int64 // of the state with it
	Was, Now plan.ReleaseState
	Untold   error // as of RolledBack
}

// MoveRollout records a move of a rollout. As with Rollback, nothing runs, no lock is held, and servers follow once the revision is written.
// An abort is asked what the gate asks of rollbacks; other moves, of whoever may write to the store.
func (s *Session) MoveRollout(ctx context.Context, m RolloutMove) (*MovedRollout, error) {
	live, err := s.rollout(m)
	if err != nil {
		return nil, err
	}
	if m.Do == AbortRollout {
		done, err := s.Rollback(ctx, Rollback{Deploy: m.Deploy, By: m.By, Reason: m.Reason})
		if err != nil {
			return nil, err
		}
		return &MovedRollout{Revision: done.Revision, Was: done.Was, Now: done.Now, Untold: done.Untold}, nil
	}
	if m.Do == PromoteRollout {
		live.Traffic = s.traffic(ctx, m.Deploy, live)
	}
	next, err := s.moved(ctx, m, live)
	if err != nil {
		return nil, err
	}
	after, err := s.Log.As(m.By, "").On(UserName(), HostName()).From(s.w.origin(ctx, os.Getenv)).Append(ctx, s.State, []plan.Event{{Key: "release/" + m.Deploy, Release: &next}})
	if err != nil {
		return nil, err
	}
	done := &MovedRollout{Revision: after.Revision, Was: live, Now: after.Releases[m.Deploy]}
	if m.Do == PromoteRollout {
		done.Untold = s.Tell(ctx, s.promoted(m, done))
	}
	return done, nil
}

// Reload reads the state again, as it is by now.
func (s *Session) Reload(ctx context.Context) error {
	st, err := s.Log.Load(ctx)
	if err == nil {
		s.State = st
	}
	return err
}

// Workspace is the name of the workspace that the session is of.
func (s *Session) Workspace() string { return s.w.Name }

// rollout is the release whose rollout is to move, where there is one, and the move says who and why.
func (s *Session) rollout(m RolloutMove) (plan.ReleaseState, error) {
	switch {
	case strings.TrimSpace(m.Reason) == "":
		return plan.ReleaseState{}, &Failure{Err: fmt.Errorf("to %s a release needs a reason", m.Do), Hint: "It is recorded with the move: --reason 'errors and latency are as those of the live model'."}
	case strings.TrimSpace(m.By) == "":
		return plan.ReleaseState{}, &Failure{Err: errors.New("nobody is said to move the release"), Hint: "Name who does: --as alice."}
	}
	live, ok := s.State.Releases[m.Deploy]
	if ok && live.Rollout != nil {
		if up := s.State.Upstream; up != nil {
			return live, &Failure{Err: fmt.Errorf("workspace %s goes by %s: no release is moved in it", s.w.Name, up.Workspace),
				Hint: "Move it where it is: mlp release " + string(m.Do) + " --workspace " + up.Workspace + " " + render.ShellWord(m.Deploy) + "."}
		}
		return live, nil
	}
	hint := "No deployment has one: a deploy block with a canary, a shadow or blue_green has, from the apply of a new model on."
	var some []string
	for _, at := range sortedKeys(s.State.Releases) {
		if s.State.Releases[at].Rollout != nil {
			some = append(some, at)
		}
	}
	if len(some) > 0 {
		hint = "Deployments with a rollout: " + strings.Join(some, ", ") + "."
	}
	return live, &Failure{Err: fmt.Errorf("%s has no release on its way to be live", m.Deploy), Hint: hint}
}

// moved is the release after a move.
func (s *Session) moved(ctx context.Context, m RolloutMove, live plan.ReleaseState) (plan.ReleaseState, error) {
	by := plan.Given{By: m.By, User: UserName(), Host: HostName(), Reason: m.Reason, At: s.w.Now()}
	paused := live.Rollout.Paused
	command := func(do RolloutAction) string {
		return s.w.Command("release " + string(do) + " " + render.ShellWord(m.Deploy) + " --reason '…'")
	}
	switch m.Do {
	case PauseRollout:
		if paused != nil {
			return live, &Failure{Err: fmt.Errorf("the %s of %s is paused already, by %s: %s", live.Rollout.Strategy.Role, m.Deploy, paused.By, paused.Reason), Hint: "To let it go on: " + command(ResumeRollout) + "."}
		}
		return live.Pause(by), nil
	case ResumeRollout:
		if paused == nil {
			return live, &Failure{Err: fmt.Errorf("the %s of %s is not paused", live.Rollout.Strategy.Role, m.Deploy), Hint: "To move it to its next step: " + command(PromoteRollout) + "."}
		}
		return live.Resume(), nil
	}
	if paused != nil {
		return live, &Failure{Err: fmt.Errorf("the %s of %s is paused by %s: %s", live.Rollout.Strategy.Role, m.Deploy, paused.By, paused.Reason), Hint: "First let it go on: " + command(ResumeRollout) + "."}
	}
	if err := s.Store.Verify(ctx, live.Rollout.Next.Model); err != nil {
		if object, missing := store.IsMissing(err); missing {
			return live, &Failure{Err: fmt.Errorf("the model of %s, %s, is not whole in the store: %s is gone", live.Rollout.Next.From, live.Rollout.Next.Model.Short(), object),
				Hint: "Nothing was changed. An apply of the files that it came from makes it again; or take it away: " + command(AbortRollout) + "."}
		}
		return live, err
	}
	return live.Promote(m.Whole, by), nil
}
