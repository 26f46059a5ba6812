package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/store"
)

// removeNode forgets a stage that is no longer in the module. Its result stays in the store until garbage collection.
func removeNode(u *unit, was before) *outcome {
	o := &outcome{node: &NodeResult{Address: u.address, Status: Removed}, ok: true, passed: true, tell: []Event{NodeRemoved{u.address}}}
	if was.node != nil {
		o.record = []plan.Event{{Key: u.id, Removed: true}}
	}
	return o
}

// doNode finds a stage's result in the store or runs it. A result that is recorded and whose objects are gone counts as lost: the
// stage runs, and must give the same digests. Of two stages of one fingerprint, here or in another run of this process, the claim
// lets one run and the other find its result.
func (r *run) doNode(ctx context.Context, u *unit, was before) *outcome {
	n, err := r.asked(ctx, u.node)
	if err != nil {
		return failed(u, "", attempt.AsFailure(err))
	}
	inputs, err := r.inputs(n)
	if err != nil {
		return failed(u, "", attempt.AsFailure(err))
	}
	if n.Accepted != nil {
		o, err := r.doAccepted(ctx, u, was, inputs)
		if err != nil {
			return failed(u, n.Fingerprint, attempt.AsFailure(err))
		}
		if o != nil {
			return o
		}
	}
	// The plan knew the inputs and so the fingerprint, or learns it now from the stages before.
	fp := plan.Fingerprint(n.Definition, inputs)
	if n.Fingerprint != "" && n.Fingerprint != fp {
		return failed(u, fp, attempt.Failuref(attempt.StaleFailure, "%s has other inputs than when the plan was made; plan again", u.address))
	}
	defer r.Store.Claim(fp)()
	status := Cached
	action, err := r.lookup(n, fp)
	if err != nil {
		return failed(u, fp, attempt.AsFailure(err))
	}
	lost := action != nil && r.Store.Present(action.Outputs) != nil
	if action == nil || lost {
		status = Ran
		if action, err = r.execute(ctx, n, inputs, fp, lost, u); err != nil {
			return failed(u, fp, attempt.AsFailure(err))
		}
	}
	if err := r.Store.Settle(ctx, fp); err != nil { // a record of another process's may be a moment old
		return failed(u, fp, attempt.AsFailure(err))
	}
	return r.done(u, was, status, inputs, action, nil)
}

// inputs returns the digest of what each port gets.
// By port; with the definition they are the fingerprint.
func (r *run) inputs(n *plan.Node) (map[string]plan.Digest, error) {
	out := map[string]plan.Digest{}
	for _, in := range n.Inputs {
		d, err := r.inputDigest(in)
		if err != nil {
			return nil, fmt.Errorf("input %s of %s: %w", in.Port, n.Address, err)
		}
		out[in.Port] = d
	}
	return out, nil
}

// inputDigest is what flows into a port: as the plan says for data from outside, else as the stage before has just yielded
// it.
func (r *run) inputDigest(in plan.Input) (plan.Digest, error) {
	if in.From == "" {
		if in.Digest == "" {
			return "", errors.New("the plan says neither where it comes from nor what it is")
		}
		return in.Digest, nil
	}
	from := r.graph.node(in.From)
	d, ok := from.outcome.node.Outputs[in.FromPort]
	if !ok {
		return "", fmt.Errorf("%s yields no port %q", in.From, in.FromPort)
	}
	return d, nil
}

// lookup returns the recorded result of a fingerprint, nil if the stage must run: there is none, it lacks a port, or the
// plan says that it runs anyway.
func (r *run) lookup(n *plan.Node, fp plan.Digest) (*plan.Action, error) {
	forced := slices.ContainsFunc(n.Causes, func(c plan.Cause) bool { return c.Kind == plan.ForcedCause })
	if n.NoCache || forced {
		return nil, nil
	}
	a, err := r.Store.Action(fp)
	if errors.Is(err, store.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, out := range n.Outputs {
		if a.Outputs[out.Port] == "" {
			return nil, nil
		}
	}
	return a, nil
}

// failed is the outcome of a stage that did not come to a result. fp is empty where its inputs were not known.
// Nothing is recorded of it in the state: the former result stays the recorded one.
func failed(u *unit, fp plan.Digest, f *Failure) *outcome {
	return &outcome{
		node: &NodeResult{Address: u.address, Status: Failed, Fingerprint: fp, Failure: f},
		tell: []Event{StageFailed{u.address, fp, f, u.node.Range}},
	}
}

// done is the outcome of a stage whose result is there.
func (r *run) done(u *unit, was before, status Status, inputs map[string]plan.Digest, a *plan.Action, accepted *plan.Acceptance) *outcome {
	duration := time.Duration(a.DurationMS) * time.Millisecond
	o := &outcome{
		node: &NodeResult{
			Address: u.address, Status: status, Fingerprint: a.Fingerprint, Outputs: a.Outputs, Figures: a.Figures,
			Warnings: a.Warnings, Duration: duration, Findings: decide.Findings(u.node, a.Figures),
		},
		inputs: inputs, accepted: accepted != nil, ok: true, passed: true,
	}
	done := StageDone{NodeResult: *o.node}
	if len(o.node.Findings) > 0 {
		done.Block = &u.node.Range
	}
	o.tell = []Event{done}
	if status == Cached {
		for _, w := range a.Warnings {
			o.tell = append(o.tell, StageWarning{u.address, w})
		}
	}
	// What was recorded already in this very form makes no event: a run of nothing but cached results writes no revision.
	now := plan.StateOf(r.versioned(u.node), inputs, a)
	now.Accepted = accepted
	var err error
	if now.Policy, err = u.node.Policy(); err != nil {
		o.passed, o.fatal = false, fmt.Errorf("%s: %w", u.address, err)
	}
	if u.node.HasVerdict() {
		now.Check = r.decideCheck(u, o)
	}
	if was.node == nil || !equal(was.node, now) {
		o.record = []plan.Event{{Key: u.id, Node: &now, Look: look(u.node, inputs)}}
	}
	return o
}

// look is what a stage has measured, to be counted in the state; nil if it looks at no rows (plan.Node.Looks).
func look(n *plan.Node, inputs map[string]plan.Digest) *plan.Look {
	rows, model := n.Looks(), n.ModelInput()
	if rows == nil {
		return nil
	}
	return &plan.Look{Rows: inputs[rows.Port], Model: inputs[model.Port]}
}

// equal compares two values as they would be recorded.
// Two that cannot be written at all are not equal, so that recording them tells the error.
func equal(a, b any) bool {
	x, errX := plan.Canonical(a)
	y, errY := plan.Canonical(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
