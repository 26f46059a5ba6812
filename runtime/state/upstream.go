package state

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// Workspaces of pull requests.
//
// The workspace pr-42 goes by another one, its upstream, such as "default", where production is. Plans of pr-42 are made against what is
// recorded in default now, with what pr-42 itself knows beside: approvals that were given in it, and models that its evaluations
// looked at. So a plan of pr-42 is the plan of the merge. Results are found by fingerprint in the store that both
// share; none is copied.
//
// What pr-42 applies goes into its own log, and into no other. The first revision of an apply names the upstream with its revision, and
// holds the whole state after itself, so that a reader of pr-42 needs no log but that of pr-42:
//
//	default  1 ── 2 ── 3 ────────────── 4
//	                    \                \
//	pr-42                1 ── 2           3 ── 4      1: upstream default 3; 3: upstream default 4
//
// After revision 2 production has moved on, and the next apply of pr-42 begins again from there.

// Onto is the state of this log's workspace as it goes by an upstream: what of records, the approvals of both, of two under
// one name the workspace's own, and the looks of both. Neither state is changed. The result is Ahead.
func (l *Log) Onto(own, of *plan.State) *plan.State {
	st := Copy(of)
	st.Workspace, st.Revision, st.Digest = l.workspace, own.Revision, own.Digest
	st.Upstream = &plan.Upstream{Workspace: of.Workspace, Revision: of.Revision, Digest: of.Digest}
	st.Ahead = true
	maps.Copy(st.Approvals, own.Approvals)
	for rows, models := range own.Looks {
		for _, m := range models {
			if !slices.Contains(st.Looks[rows], m) {
				st.Looks[rows] = append(slices.Clone(st.Looks[rows]), m)
			}
		}
	}
	return st
}

// Of returns the log of the same pipeline in another workspace, in the same store.
func (l *Log) Of(workspace string) (*Log, error) { return Open(l.store, l.pipeline, workspace) }

// Workspaces lists the workspaces in which anything is recorded of this log's pipeline, sorted.
func (l *Log) Workspaces(ctx context.Context) ([]string, error) {
	names, err := bucket.Folders(ctx, l.bucket, "log/"+l.pipeline+"/")
	if err != nil {
		return nil, fmt.Errorf("looking for workspaces: %w", err)
	}
	return names, nil
}

// Before is the state that a plan of this log was made against, whose own revisions history has: of a plan that goes by an upstream, that
// of the upstream as it was. The error is an *UnknownBaseError where that state is not in this store.
func (l *Log) Before(ctx context.Context, history []*Revision, b plan.Base) (*plan.State, error) {
	if err := l.holds(history, b.Revision, b.Digest); err != nil {
		return nil, err
	}
	own := l.At(history, b.Revision)
	if b.Upstream == nil {
		return own, nil
	}
	other, err := l.Of(b.Upstream.Workspace)
	if err != nil {
		return nil, err
	}
	past, err := other.History(ctx)
	if err != nil {
		return nil, err
	}
	if err := other.holds(past, b.Upstream.Revision, b.Upstream.Digest); err != nil {
		return nil, err
	}
	return l.Onto(own, other.At(past, b.Upstream.Revision)), nil
}

// holds is nil if a revision is part of a log's history; revision 0 is part of all.
func (l *Log) holds(history []*Revision, revision int64, digest plan.Digest) error {
	switch {
	case revision == 0:
		return nil
	case revision > int64(len(history)):
		return &UnknownBaseError{fmt.Sprintf("it was made against revision %d of the state of workspace %s, which has only %d here", revision, l.workspace, len(history))}
	case history[revision-1].Digest != digest:
		return &UnknownBaseError{fmt.Sprintf("revision %d of the state of workspace %s is another one here than where it was made", revision, l.workspace)}
	}
	return nil
}

// UnknownBaseError: a plan was made against a state that this store does not have.
type UnknownBaseError struct{ Why string }

func (e *UnknownBaseError) Error() string { return e.Why + ": is this the right store?" }

// Remove deletes the log, the last revision first: whenever that ends too early, what is left is a log that ended before. revision is the
// last one, and the caller holds the lock.
func (l *Log) Remove(ctx context.Context, revision int64) error {
	if err := l.bucket.Delete(ctx, l.headKey()); err != nil {
		return fmt.Errorf("removing workspace %s: %w", l.workspace, err)
	}
	for ; revision > 0; revision-- {
		if err := l.bucket.Delete(ctx, l.key(revision)); err != nil {
			return fmt.Errorf("removing workspace %s: %w", l.workspace, err)
		}
	}
	return nil
}

// upstreamState is the state that a revision begins from; nil of one that goes on from the revision before.
func upstreamState(r *Revision) *plan.State {
	if r.Upstream == nil {
		return nil
	}
	return r.State
}
