package state

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/garbage"
)

// ErrMoved is what a MovedError is, for errors.Is.
var ErrMoved = errors.New("the state has moved on")

// MovedError: somebody else changed a key that was to be changed, after the state was read.
type MovedError struct {
	Key      string
	Revision int64 // that changed it
	By       string
}

func (e *MovedError) Error() string {
	by := ""
	if e.By != "" {
		by = " by " + e.By
	}
	return fmt.Sprintf("the state has moved on: %s was changed in revision %d%s meanwhile; plan again", e.Key, e.Revision, by)
}

// Is makes errors.Is(err, ErrMoved) true.
func (e *MovedError) Is(target error) bool { return target == ErrMoved }

// FencedError: the writer's lease is over, and who has the next one has written.
type FencedError struct {
	Revision int64 // that the other wrote
	By       string
}

func (e *FencedError) Error() string {
	by := ""
	if e.By != "" {
		by = " by " + e.By
	}
	return fmt.Sprintf("this apply was taken for dead, since its lease was not renewed in time, and another one%s has written revision %d; nothing more was recorded: apply again", by, e.Revision)
}

// Is makes errors.Is(err, ErrMoved) true: the log is another's by then.
func (e *FencedError) Is(target error) bool { return target == ErrMoved }

// Append records events on top of base, which is not changed, and returns the state after them, as Extend does.
func (l *Log) Append(ctx context.Context, base *plan.State, events []plan.Event) (*plan.State, error) {
	st := Copy(base)
	if err := l.Extend(ctx, st, events); err != nil {
		return nil, err
	}
	return st, nil
}

// Extend records events, as Record does, and marks the revision as the last.
func (l *Log) Extend(ctx context.Context, st *plan.State, events []plan.Event) error {
	if err := l.Record(ctx, st, events); err != nil {
		return err
	}
	return l.Mark(context.WithoutCancel(ctx), st)
}

// Record records events on top of a state and makes it the state after them; what that takes does not depend on how much is
// recorded. Where other revisions were written since, the events are put on top of those if their keys are untouched;
// otherwise the error is a MovedError, or a FencedError. No two events may have the same key. Releases that have no revision yet get the number
// of this one.
//
// When Record returns without error, the revision is on disk. After an error it may be there or not: Load tells. The state is
// then what it was, or that of a later revision of others.
func (l *Log) Record(ctx context.Context, st *plan.State, events []plan.Event) error {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b plan.Event) int { return strings.Compare(a.Key, b.Key) })
	for i, e := range events {
		if err := check(e); err != nil {
			return fmt.Errorf("recording: %w", err)
		}
		if i > 0 && events[i-1].Key == e.Key {
			return fmt.Errorf("recording: two events on %q at once", e.Key)
		}
	}
	if err := l.putLooks(ctx, st, events); err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	for len(events) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := l.write(ctx, st, events)
		if err == nil {
			Fold(st, r)
			return nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("recording revision %d: %w", st.Revision+1, err)
		}
		if events, err = l.rebase(ctx, st, events); err != nil {
			return err
		}
	}
	return nil
}

// write puts the revision after st; the error is fs.ErrExist if there is one already.
func (l *Log) write(ctx context.Context, st *plan.State, events []plan.Event) (*Revision, error) {
	nonce, err := newNonce()
	if err != nil {
		return nil, err
	}
	r := &Revision{
		FormatVersion: formatVersion, Pipeline: l.pipeline, Workspace: l.workspace,
		Revision: st.Revision + 1, Previous: st.Digest, Nonce: nonce, At: time.Now().UTC().Truncate(time.Millisecond),
		By: l.by, User: l.user, Host: l.host, Apply: l.apply, Plan: l.plan, Targets: l.targets, Sample: l.sample, Lease: l.lease, Origin: l.origin, Answers: cmp.Or(l.answers, st.Answers), Events: numbered(events, st.Revision+1),
	}
	if st.Ahead || checkpointed(r.Revision, st) {
		after := Copy(st)
		Fold(after, r)
		after.Digest, after.Ahead = "", false
		r.State = after
	}
	if st.Ahead {
		r.Upstream = st.Upstream
	}
	said, err := json.Marshal([]any{r.Events, r.Upstream, upstreamState(r)})
	if err != nil {
		return nil, err
	}
	looked := time.Now().Round(0) // by the clock on the wall, which goes on while a machine sleeps
	if err := l.store.Hold(ctx, said); err != nil {
		return nil, err
	}
	data, digest, err := encode(r)
	if err != nil {
		return nil, err
	}
	r.Digest = digest
	if err := l.put(ctx, r, data); err != nil {
		return nil, err
	}
	if time.Now().Round(0).Sub(looked) > cmp.Or(l.store.Late(), garbage.Late) { // a collection may have come in between
		if err := l.store.Hold(ctx, said); err != nil {
			return nil, fmt.Errorf("it is recorded, and what it rests on is not there: %w", errors.Join(err, l.writeHead(context.WithoutCancel(ctx), head{r.Revision, r.Digest})))
		}
	}
	return r, nil
}

// put puts a revision under its key. After an error of the bucket it reads the key again, since an error does not say that nothing
// was written: the answer may have been lost, or the client may have sent the request twice and the second was refused. If the nonce
// there is this revision's, it is written; if it is another's, the error is fs.ErrExist.
func (l *Log) put(ctx context.Context, r *Revision, data []byte) error {
	err := bucket.Put(ctx, l.bucket, l.key(r.Revision), data)
	if err == nil || ctx.Err() != nil {
		return err
	}
	there, readErr := l.read(ctx, r.Revision)
	switch {
	case readErr == nil && there.Nonce == r.Nonce:
		return nil
	case readErr == nil:
		return fs.ErrExist
	}
	return err
}

// numbered gives new releases the revision that they go live in. It is known only when the revision is written, which others
// may delay.
func numbered(events []plan.Event, revision int64) []plan.Event {
	out := slices.Clone(events)
	for i, e := range out {
		if e.Release != nil {
			release := e.Release.Numbered(revision)
			out[i].Release = &release
		}
	}
	return out
}

// rebase folds the next revision, which another writer put, into st. It returns the events that are still to be recorded: those whose
// keys the other left alone. An event on a key that the other gave the same value is dropped; another value is a MovedError.
func (l *Log) rebase(ctx context.Context, st *plan.State, events []plan.Event) ([]plan.Event, error) {
	r, err := l.readRevision(ctx, st.Revision+1, st.Digest)
	if err != nil {
		return nil, err
	}
	if err := l.fences(r); err != nil {
		return nil, err
	}
	if r.Upstream != nil {
		return nil, &MovedError{Key: "what workspace " + l.workspace + " goes by", Revision: r.Revision, By: r.By}
	}
	Fold(st, r)
	touched := map[string]bool{}
	for _, e := range r.Events {
		touched[e.Key] = true
	}
	var left []plan.Event
	for _, e := range events {
		switch {
		case !touched[e.Key]:
			left = append(left, e)
		case !same(e, current(st, e.Key)):
			return nil, &MovedError{Key: e.Key, Revision: r.Revision, By: r.By}
		}
	}
	return left, nil
}
