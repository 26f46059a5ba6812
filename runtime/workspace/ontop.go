package workspace

import (
	"context"
	"errors"
	"fmt"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
)

// OnTopOf has the session plan on top of a saved plan that is not applied yet: against what will be recorded when that has been applied and its
// gates have passed. It must have been made against the state that the session plans against, and say what would be planned; else it is a Failure that is Stale.
func (s *Session) OnTopOf(ctx context.Context, path string) error {
	p, err := ReadPlan(path)
	if err != nil {
		return err
	}
	refuse := func(err error, hint string) error {
		return &Failure{Stale: true, Err: fmt.Errorf("--ahead %s: %w", path, err), Hint: hint}
	}
	if p.Pipeline != s.Pipeline {
		return refuse(fmt.Errorf("it is of the pipeline %s, not %s", p.Pipeline, s.Pipeline), "")
	}
	if p.Base.Ahead != nil {
		return refuse(errors.New("it is made on top of another plan itself"), "Plans are made on top of one that can be applied.")
	}
	mine := ground(s.w.Name, plan.Base{Revision: s.State.Revision, Digest: s.State.Digest, Upstream: s.State.Upstream})
	if theirs := ground(p.Workspace, p.Base); theirs != mine {
		return refuse(fmt.Errorf("it was made against revision %d of the workspace %s, and this plan is made against revision %d of %s", theirs.Revision, theirs.Workspace, mine.Revision, mine.Workspace),
			"Make it again. If it has been applied, --ahead is not needed.")
	}
	unchecked, err := s.w.CheckPlan(ctx, p)
	if err != nil {
		return refuse(err, "")
	}
	if unchecked != "" {
		return refuse(errors.New(unchecked), "Make it again, with this mlp.")
	}
	if s.actions == nil {
		s.actions = readActions(ctx, s.Store, s.State)
	}
	if s.ahead, err = planner.After(s.State, p, s.results()); err != nil {
		return refuse(err, "")
	}
	return nil
}

// ground is the state that differences are from: that which the workspace goes by, or its own.
func ground(name string, b plan.Base) plan.Upstream {
	if b.Upstream != nil {
		return *b.Upstream
	}
	return plan.Upstream{Workspace: name, Revision: b.Revision, Digest: b.Digest}
}
