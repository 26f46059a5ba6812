package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mlp-lang/mlp/runtime/store/lease"
)

// LeaseTime is how long a lease lasts that is not renewed. An apply renews its own three times in it; one that was killed keeps others waiting
// for as long, and lease.Skew.
const LeaseTime = time.Minute

// Held is the right to apply to a pipeline in a workspace: the lock of this machine and, where the store is elsewhere, a term of
// the lease, which other machines see.
type Held struct {
	lock  *Lock
	log   *Log
	lease *lease.Lease
	kept  context.Context
	stop  func()
}

// Hold takes the right, at once or not at all: the error is a LockedError if somebody has it. A lease that was taken is renewed until Release.
func (l *Log) Hold(ctx context.Context, h Holder) (*Held, error) {
	lock, err := l.Lock(h)
	if err != nil {
		return nil, err
	}
	held := &Held{lock: lock, log: l, kept: ctx, stop: func() {}}
	if !l.store.IsFar() {
		return held, nil
	}
	h.fill()
	taken, err := lease.Take(ctx, l.bucket, l.pipeline+"/"+l.workspace, lease.Holder{Who: h.Who, Host: h.Host, What: h.What}, LeaseTime, time.Now)
	var other *lease.HeldError
	if errors.As(err, &other) {
		by := Holder{Who: other.Holder.Who, Host: other.Holder.Host, What: other.Holder.What, Since: other.Since}
		err = &LockedError{Pipeline: l.pipeline, Workspace: l.workspace, Holder: by, Free: other.Expires.Add(lease.Skew)}
	}
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	held.lease, held.log = taken, l.Under(taken.Term())
	held.kept, held.stop = taken.Keep(ctx)
	return held, nil
}

// Lock is the machine's lock.
func (h *Held) Lock() *Lock { return h.lock }

// Log is the log for who holds the right: it writes under the term of the lease.
func (h *Held) Log() *Log { return h.log }

// Context ends when the right is lost, since the lease could not be renewed in time; its cause is a lease.LostError.
func (h *Held) Context() context.Context { return h.kept }

// Release gives the right back. Where a lease cannot be ended, since the service does not answer, it ends by itself.
func (h *Held) Release() error {
	h.stop()
	err := h.lock.Unlock()
	if h.lease == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), LeaseTime)
	defer cancel()
	if ended := h.lease.Release(ctx); ended != nil {
		err = errors.Join(err, fmt.Errorf("the lease on %s, workspace %s, ends by itself: %w", h.log.pipeline, h.log.workspace, ended))
	}
	return err
}

// Applies is who applies to the pipeline in the workspace, on this machine or another; false if nobody does.
func (l *Log) Applies(ctx context.Context) (Holder, bool, error) {
	if h, held := l.Holder(); held || !l.store.IsFar() {
		return h, held, nil
	}
	by, err := lease.Look(ctx, l.bucket, l.pipeline+"/"+l.workspace, time.Now)
	if err != nil || by == nil {
		return Holder{}, false, err
	}
	return Holder{Who: by.Holder.Who, Host: by.Holder.Host, What: by.Holder.What, Since: by.Since}, true, nil
}
