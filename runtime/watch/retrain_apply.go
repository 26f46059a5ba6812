package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/compiler/render/ledger"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/notify"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// begun is the retraining as it begins.
func (r *retraining) begun(apply string) plan.Retraining {
	out := plan.Retraining{At: r.look.Now, By: r.o.By, Why: r.told.Decision.Why, Apply: apply, Outcome: plan.RetrainBegun}
	if r.told.Decision.Fired {
		out.Figures = r.look.When.Values
	}
	return out
}

// watched is what is recorded of it with a retraining, whose cause is used up.
func (r *retraining) watched(now plan.Retraining) plan.WatchState {
	w, d := r.look.Watched, r.told.Decision
	w.Held = nil
	if !d.Slot.IsZero() {
		w.Slot, w.Missed = d.Slot, d.Missed
	}
	if d.Fired {
		w.Asked = r.look.Evidence
	}
	all := slices.Clone(w.Retrainings)
	if n := len(all); n > 0 && (all[n-1].Outcome == plan.RetrainBegun || r.look.Approved && all[n-1].Outcome == plan.RetrainWaits) {
		now.At, now.TookMS = all[n-1].At, now.TookMS+all[n-1].TookMS // it goes on with that one
		all = all[:n-1]
	}
	w.Retrainings = decide.Remembered(r.look.Block, append(all, now), r.look.Now)
	return w
}

// apply trains and what follows. That it is begun is recorded once the lock is held and the plan is known.
func (r *retraining) apply(ctx context.Context) error {
	s, err := r.o.Open(ctx)
	if err != nil {
		r.told.Err = err
		return nil
	}
	defer s.Close()
	now := r.begun("")
	begun := false
	result, err := r.o.apply(ctx, s, workspace.Part{Targets: planner.BehindGate(s.Module, r.deploy), Looks: true}, func(p *plan.Plan) error {
		other, err := r.differs(ctx, s, p)
		if err != nil {
			return err
		}
		if len(other) > 0 {
			return fmt.Errorf("the files say otherwise than what was applied: %s", strings.Join(other, ", "))
		}
		if review.Count(p).Nothing() {
			return nil
		}
		begun = true
		w := r.watched(now)
		now.At = w.Retrainings[len(w.Retrainings)-1].At
		if err := s.Record(ctx, r.o.By, plan.Event{Key: "watch/" + r.told.Address, Watch: &w}); err != nil {
			return err
		}
		// One that goes on, after its watcher was killed or its gate was approved, is the same retraining, and is told once.
		return s.Tell(ctx, notify.Event{ID: notify.ID(s.Pipeline, s.Workspace(), schema.RetrainEvent, r.told.Address+" "+now.At.UTC().Format(time.RFC3339Nano)), Type: schema.RetrainEvent, Address: r.told.Address,
			Revision: s.State.Revision, By: r.o.By, Summary: r.deploy + " is trained again", Why: r.told.Decision.Why, Next: []string{s.Command("history " + r.told.Address), s.Command("logs -f")}})
	})
	if reloaded := r.s.Reload(context.WithoutCancel(ctx)); reloaded != nil {
		return errors.Join(err, reloaded)
	}
	r.look.Watched = r.s.State.Watched[r.told.Address]
	switch {
	case err != nil && !begun:
		r.told.Err = err
		return nil
	case err != nil:
		r.told.Err = err
		return r.ended(context.WithoutCancel(ctx), now, plan.RetrainFailed, []string{err.Error()})
	case result == nil:
		return r.ended(ctx, now, plan.RetrainNothing, nil)
	case result.Interrupted: // it stays begun, and goes on with the next round
		r.told.Did, r.told.Err = &now, errors.New("it was interrupted, and goes on with the next round")
		return nil
	}
	now.Apply = result.Apply
	for _, n := range result.Nodes {
		if n.Status == engine.Ran {
			now.TookMS += n.Duration.Milliseconds()
		}
	}
	outcome, why := r.outcome(result)
	return r.ended(context.WithoutCancel(ctx), now, outcome, why)
}

// outcome is what became of the deployment, and why.
func (r *retraining) outcome(result *engine.Result) (plan.RetrainOutcome, []string) {
	var failed []string
	for _, n := range result.Nodes {
		if n.Failure != nil {
			failed = append(failed, n.Address+": "+n.Failure.Summary)
		}
	}
	for _, g := range result.Gates {
		switch g.Status {
		case engine.GateFailed:
			return plan.RetrainRefused, append([]string{g.Address}, workspace.NotHolding(g.Rules)...)
		case engine.GateWaits:
			return plan.RetrainWaits, []string{g.Address + " waits for " + strings.Join(g.Missing, ", ")}
		}
	}
	for _, d := range result.Releases {
		switch {
		case d.Address != r.deploy:
		case d.Failure != nil:
			failed = append(failed, d.Address+": "+d.Failure.Summary)
		case d.Status == engine.Changed && d.After != nil && d.After.Rollout != nil:
			return plan.RetrainRollout, []string{d.After.Rollout.Next.From + " " + d.After.Rollout.Next.Model.Short()}
		case d.Status == engine.Changed && d.After != nil:
			return plan.RetrainReleased, []string{d.After.From + " " + d.After.Model.Short()}
		case d.Status == engine.Held:
			return plan.RetrainRefused, []string{"its model was rolled back, and is held"}
		case d.Status == engine.Unchanged:
			return plan.RetrainSame, nil
		}
	}
	if len(failed) == 0 {
		failed = []string{"the deployment was not reached"}
	}
	return plan.RetrainFailed, failed
}

// ended records what became of it.
func (r *retraining) ended(ctx context.Context, now plan.Retraining, outcome plan.RetrainOutcome, why []string) error {
	now.Outcome, now.Reasons = outcome, why
	if err := r.record(ctx, r.watched(now)); err != nil {
		return err
	}
	r.told.Did = &now
	return nil
}

// Outcome is what became of it in words.
func (t *Retrained) Outcome() string { return ledger.Outcome(t.Did) }
