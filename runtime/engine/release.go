package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/attempt"
)

// doRelease records what a deployment has live from now on.
// Before that the model is read whole and compared with its digest: what goes live is there and undamaged, or the stage that
// made it is run again. Whoever serves reads the state, so a release is live once its revision is written.
func (r *run) doRelease(ctx context.Context, u *unit, was before) *outcome {
	rel := u.release
	current, exists := plan.ReleaseState{}, was.release != nil
	res := &ReleaseResult{Address: rel.Address, Status: Unchanged}
	if exists {
		current = *was.release
		res.Before, res.After = &current, &current
	}
	o := &outcome{release: res, ok: true, passed: true}
	switch {
	case rel.Sample != "" || r.Plan.Sample != nil:
		res.Status = Sampled
		return o
	case rel.Action == plan.NoRelease && !rel.Pending():
		return o
	case !samePlanned(r.Plan, rel, exists, current):
		return failedRelease(u, res.Before, attempt.Failuref(attempt.StaleFailure, "%s has another release than when the plan was made; plan again", rel.Address))
	case rel.Action == plan.RemoveRelease:
		return removeRelease(u, o, exists)
	}
	next, err := r.nextRelease(rel)
	if err != nil {
		return failedRelease(u, res.Before, attempt.AsFailure(err))
	}
	if exists && sameRelease(*current.Newest(), next) {
		return r.writes(ctx, u, o, current)
	}
	if current.Holds(next.Candidate(), next.Config) != nil { // what the plan did not know yet turned out to be what was rolled back
		res.Status = Held
		return o
	}
	if err := r.withObject(ctx, r.graph.node(rel.Model.From), func() error { return r.Store.Verify(ctx, next.Model) }); err != nil {
		return failedRelease(u, res.Before, attempt.AsFailure(fmt.Errorf("model of %s: %w", rel.Address, err)))
	}
	after := was.release.Release(next, rel.Strategy)
	if current.Rollout != nil && sameRelease(current.Withdraw(), next) { // the files ask for what is live again
		after = current.Withdraw()
	}
	res.Status, res.After = Changed, &after
	o.record = []plan.Event{{Key: u.id, Release: &after}}
	return r.writes(ctx, u, o, after)
}

// samePlanned reports whether the release that the plan replaces is still the one that is live, with its rollout at the same step, or an
// earlier, unfinished run of the same plan has replaced it.
func samePlanned(p *plan.Plan, rel *plan.Release, exists bool, current plan.ReleaseState) bool {
	if exists && p.ID != "" && current.Newest().Plan == p.ID {
		return true
	}
	if rel.Current == nil {
		return !exists
	}
	return exists && rel.Current.Candidate() == current.Candidate() && rel.Current.Moved() == current.Moved()
}

// removeRelease takes a model out of service. Of one that was not live nothing is recorded.
func removeRelease(u *unit, o *outcome, exists bool) *outcome {
	o.release.Status, o.release.After = Removed, nil
	if exists {
		o.record = []plan.Event{{Key: u.id, Removed: true}}
	}
	return o
}

// failedRelease is the outcome of a release that did not come to pass: what was live before stays.
func failedRelease(u *unit, before *plan.ReleaseState, f *Failure) *outcome {
	return &outcome{release: &ReleaseResult{Address: u.address, Status: Failed, Before: before, After: before, Failure: f}}
}

// nextRelease is what would be live; its revision is filled in when it is recorded.
// The figures are those that the gate has read of this model; of a model that is live already they are kept, since a gate that was
// decided before reads nothing.
func (r *run) nextRelease(rel *plan.Release) (plan.ReleaseState, error) {
	model, err := r.inputDigest(rel.Model)
	if err != nil {
		return plan.ReleaseState{}, err
	}
	next := plan.ReleaseState{
		Type: rel.Type, Model: model, From: rel.Model.From, Gate: rel.Gate, Config: rel.Config, Scoring: r.scoring(rel), Plan: r.Plan.ID,
		Since: r.Now().UTC().Truncate(time.Second), By: r.By, Host: r.Host,
	}
	if rel.Model.Shape != nil {
		next.Signature = rel.Model.Shape.Model
	}
	if u := r.graph.node(rel.Model.From); u != nil {
		next.Fingerprint = u.outcome.node.Fingerprint
	}
	if g := r.graph.byID["gate/"+rel.Gate]; g != nil {
		next.Subject = g.outcome.gate.Subject
		next.Figures = r.figuresBehind(g.gate, rel.Model.From)
	}
	if c := rel.Current; len(next.Figures) == 0 && c != nil && c.Model == next.Model {
		next.Figures = c.Figures
	}
	return next, nil
}

// figuresBehind are the metrics of a model that its gate has read. A gate that was decided before waits for nobody, so
// that nothing may be read of others then.
func (r *run) figuresBehind(g *plan.Gate, maker string) map[string]json.RawMessage {
	if g.Cached {
		return nil
	}
	var out map[string]json.RawMessage
	for _, f := range g.Rules.Figures {
		u := r.graph.node(f.Node)
		if f.Absent || u == nil || !takes(u.node, maker) {
			continue
		}
		var figures struct {
			Metrics json.RawMessage `json:"metrics"`
		}
		if json.Unmarshal(u.outcome.node.Figures, &figures) == nil && len(figures.Metrics) > 0 {
			if out == nil {
				out = map[string]json.RawMessage{}
			}
			out[f.Node] = figures.Metrics
		}
	}
	return out
}

// takes reports whether a stage takes the model that another makes.
func takes(n *plan.Node, maker string) bool {
	return slices.ContainsFunc(n.Inputs, func(in plan.Input) bool {
		return in.Shape != nil && in.Shape.Type == schema.ModelPort && in.From == maker
	})
}

// sameRelease reports whether a release would change nothing that is live, nor what holds it. By which decision it was let pass, and since
// when it is there, is the history of the one that stays.
func sameRelease(a, b plan.ReleaseState) bool {
	for _, s := range []*plan.ReleaseState{&a, &b} {
		s.Subject, s.Fingerprint, s.Revision, s.Since = "", "", 0, time.Time{}
		s.From, s.Plan, s.Figures, s.By, s.Host, s.Rollback = "", "", nil, "", "", nil
		s.Rollout, s.Passed, s.Promoted, s.Traffic, s.Written = nil, 0, nil, nil, nil
	}
	same := a.Scoring.Digest() == b.Scoring.Digest()
	a.Scoring, b.Scoring = nil, nil
	return same && equal(a, b)
}
