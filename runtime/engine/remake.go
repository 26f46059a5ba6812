package engine

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/store"
)

// withObject does something with objects. If one is missing or corrupt, the stage that yields it is run again, once.
func (r *run) withObject(ctx context.Context, from *unit, use func() error) error {
	if from == nil {
		return use()
	}
	return attempt.WithObject(use, func() error { return r.remade(ctx, from) })
}

// remade is remake that says what it was for.
func (r *run) remade(ctx context.Context, u *unit) error {
	if err := r.remake(ctx, u); err != nil {
		return fmt.Errorf("running %s again: %w", u.address, err)
	}
	return nil
}

// remake runs a stage again whose result is recorded and was lost, and whose inputs may be lost too. It must give what
// was recorded.
// Several units may find the loss at once; the lock of the unit makes one of them run the stage and the others find it mended. What
// comes out otherwise than recorded is a *store.NondeterministicError, and the record stays: what was released rests on it.
func (r *run) remake(ctx context.Context, u *unit) error {
	u.rebuild.Lock()
	defer u.rebuild.Unlock()
	want := u.outcome.node.Outputs
	if u.outcome.accepted {
		return attempt.Failuref(attempt.StoreFailure, "the result of %s is accepted and gone from the store; run it as it is now: mlp apply --force '%s'", u.address, u.address)
	}
	whole := true
	for _, d := range want {
		whole = whole && r.Store.Verify(ctx, d) == nil
	}
	if whole {
		return nil // somebody else has just made it
	}
	a, err := r.execute(ctx, u.node, u.outcome.inputs, u.outcome.node.Fingerprint, true, nil)
	if err != nil {
		r.emit(RebuildFailed{u.address, attempt.AsFailure(err)})
		return err
	}
	var ports []string
	for port, d := range want {
		if a.Outputs[port] != d {
			ports = append(ports, port)
		}
	}
	if len(ports) > 0 {
		return &store.NondeterministicError{Address: u.address, Ports: ports, First: want, Second: a.Outputs}
	}
	return nil
}
