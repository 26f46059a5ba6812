package engine

import (
	"context"
	"errors"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/store"
)

// doAccepted takes the recorded result of another definition, as the plan says. Nothing is recorded under the stage's own
// fingerprint: the result is accepted at this address only. Nil if the plan leaves open whether it holds, and it does not.
// For example, after a comment in its trainer's script train.model has another definition; with accept { target = train.model } the
// action of the former one stands. What is checked is that the action is still there, and that it was made by the definition and from
// the inputs that the plan names: else the stage is stale, and no other result is taken in its place.
//
// Who accepted and when is recorded once: a later run with the same block keeps the first.
func (r *run) doAccepted(ctx context.Context, u *unit, was before, inputs map[string]plan.Digest) (*outcome, error) {
	n, before := u.node, plan.NodeState{}
	if was.node != nil {
		before = *was.node
	}
	known := n.Verdict.Known()
	if !known && (before.Fingerprint != n.Replaces || !plan.SameInputs(before.Inputs, inputs)) {
		return nil, nil
	}
	if !known && before.Definition != n.Definition { // what was made for this definition goes first
		if a, err := r.lookup(n, plan.Fingerprint(n.Definition, inputs)); a != nil || err != nil {
			return nil, err
		}
	}
	for _, in := range n.Inputs {
		if known && in.Digest != inputs[in.Port] {
			return nil, attempt.Failuref(attempt.StaleFailure, "%s has other inputs than when the plan was made; plan again", u.address)
		}
	}
	a, err := r.Store.Action(n.Replaces)
	if errors.Is(err, store.ErrMissing) {
		return nil, attempt.Failuref(attempt.StaleFailure, "the accepted result of %s is no longer in the store; plan again", u.address)
	}
	if err != nil {
		return nil, err
	}
	if a.Definition != n.Accepted.Was || !plan.SameInputs(a.Inputs, inputs) {
		return nil, attempt.Failuref(attempt.StaleFailure, "the result that %s is to accept was made by another definition, or from other inputs; plan again", u.address)
	}
	if err := r.Store.Settle(ctx, n.Replaces); err != nil {
		return nil, err
	}
	accepted := before.Accepted
	if accepted == nil || before.Definition != n.Definition {
		x := *n.Accepted
		x.By, x.At = r.By, time.Now().UTC().Truncate(time.Second)
		accepted = &x
	}
	return r.done(u, was, Cached, inputs, a, accepted), nil
}
