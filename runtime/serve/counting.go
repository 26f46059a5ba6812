package serve

import (
	"context"
	"time"

	"github.com/mlp-lang/mlp/compiler/canary"
	"github.com/mlp-lang/mlp/compiler/plan"
)

// Counts keeps what the rows of canaries came to, for whoever decides about them. It is safe for concurrent use.
type Counts interface {
	// Begin is called when a rollout of a deployment begins to be counted. What it returns keeps all that was counted since, in the place of what it kept
	// before.
	Begin(deploy string, r *plan.Rollout) (keep func(ctx context.Context, e canary.Evidence, leftOut int64) error)
}

// observe begins to count the rows of a canary.
func (s *server) observe(name string, r *plan.Rollout) *observed {
	o := &observed{}
	if s.Counts != nil {
		o.keep = s.Counts.Begin("deploy."+name, r)
	}
	return o
}

// keepEvery is how often counts are kept that have changed: as much is lost with a server that is killed.
const keepEvery = 2 * time.Second

// keepCounts keeps what changed until ctx ends.
func (s *server) keepCounts(ctx context.Context) {
	if s.Counts == nil {
		return
	}
	ticker := time.NewTicker(keepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.keepAll(ctx)
		}
	}
}

// keepAll keeps what changed of all deployments.
func (s *server) keepAll(ctx context.Context) {
	for name, slot := range *s.slots.Load() {
		s.keep(ctx, name, slot.next)
	}
}

// keep keeps what changed of a deployment's candidate. What could not be kept is told once, and is among what is kept the next time.
func (s *server) keep(ctx context.Context, name string, c *candidate) {
	if c == nil || c.counts == nil || c.counts.keep == nil {
		return
	}
	o := c.counts
	o.keeping.Lock()
	defer o.keeping.Unlock()
	o.mu.Lock()
	changed, evidence, leftOut := o.changed, canary.Merge(o.evidence, canary.Evidence{}), o.leftOut
	o.changed = false
	o.mu.Unlock()
	if !changed {
		return
	}
	err := o.keep(ctx, evidence, leftOut)
	switch {
	case err == nil && o.failed:
		s.logf("what is counted of the canary of %s is kept again", name)
	case err != nil && !o.failed && ctx.Err() == nil:
		s.warnf("what is counted of the canary of %s could not be kept, and is tried again: %v", name, err)
	}
	o.failed = err != nil
	if err != nil {
		o.mu.Lock()
		o.changed = true
		o.mu.Unlock()
	}
}
