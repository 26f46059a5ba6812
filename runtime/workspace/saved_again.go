package workspace

import (
	"context"
	"errors"
	"os"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/stdlib"
)

// again makes a saved plan once more of what it says, against the state that it was made against, and refuses one that says otherwise
// than would be planned. What the plan's identity does not cover, how long stages take and why they failed, becomes what is recorded.
//
// A file can be edited by whoever holds it, and its digest be computed anew. So the plan's own words are not believed: from the configuration and the
// versions of data in it the planner derives verdicts, fingerprints and gates once more, and any difference is a Failure. Nothing is asked
// outside for that, and no file of the module is read.
func (s *Session) again(ctx context.Context, p *plan.Plan, history []*state.Revision) error {
	base, err := s.Log.Before(ctx, history, p.Base)
	if err != nil {
		return err
	}
	var own *plan.State
	if p.Base.Upstream != nil {
		own = s.Log.At(history, p.Base.Revision)
	}
	lib := s.w.keptLibrary(&LockFile{})
	defer lib.Close()
	lib.behind(func() []byte { return s.w.sharedAnswers(ctx, s.Store, s.Log) })
	s.answers = lib.answers
	go lib.answers.Read() // while results are
	if s.actions == nil {
		s.actions = readActions(ctx, s.Store, base)
	}
	m, err := planner.Again(ctx, p, planner.AgainOptions{Withheld: withheldDetail, Catalog: stdlib.Catalog(), Library: lib, Rules: lib.rules, State: base, Own: own, Actions: s.actions, Sample: &stdlib.Sample().Type})
	var forged *planner.ForgedError
	var gone *planner.GoneError
	switch {
	case errors.As(err, &forged):
		return &Failure{Stale: true, Err: err,
			Hint: "Nothing was done. The plan was changed after it was made, or made by another version of mlp. Plan again, and have the new plan reviewed."}
	case errors.As(err, &gone):
		return &Failure{Stale: true, Err: errors.New("the plan is stale:\n  " + err.Error()), Hint: "Nothing was done. Plan again, and have the new plan reviewed."}
	case err != nil || p.Envelope == nil:
		return err
	}
	p.Envelope.Durations, p.Envelope.Scaled = planner.Durations(m, base.Renamed(p.Moves), p, s.took)
	p.Envelope.Used = s.used(base.Renamed(p.Moves))
	p.Envelope.Failed, err = s.failed(ctx, p)
	return err
}

// took is how long a recorded result took to make, in milliseconds; false if that is not known, or cannot be read: an estimate that
// lacks a stage is better than no plan.
func (s *Session) took(fingerprint plan.Digest) (int64, bool) {
	a, ok, err := s.actions.Action(fingerprint)
	if !ok || err != nil {
		return 0, false
	}
	return a.DurationMS, true
}

// CheckPlan refuses a saved plan that says otherwise than would be planned, as an apply of it does. Where the state that it was made
// against is not here that cannot be found out, and why says so.
func (w *Workspace) CheckPlan(ctx context.Context, p *plan.Plan) (why string, err error) {
	if p.PlannerSemantics != plan.Semantics {
		return "it was made by an mlp that decides otherwise", nil
	}
	if p.Base.Ahead != nil {
		return "it was made on top of another plan", nil
	}
	at := *w
	at.Name = p.Workspace
	s := &Session{w: &at, Pipeline: p.Pipeline}
	defer s.Close()
	if u, err := at.storeURL(); err != nil {
		return "", err
	} else if _, none := os.Stat(at.StoreDir()); none != nil && u == nil {
		return "there is no store here", nil
	}
	if s.Recorded, err = at.readStored(ctx, p.Pipeline, false); err != nil {
		return "", err
	}
	history, err := s.Log.History(ctx)
	if err != nil {
		return "", err
	}
	var unknown *state.UnknownBaseError
	if err := s.again(ctx, p, history); errors.As(err, &unknown) {
		return "the state that it was made against is not here", nil
	} else if err != nil {
		return "", err
	}
	return "", nil
}
