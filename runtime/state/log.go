package state

// State as a log.
//
// What is known of a pipeline in a workspace (the last result of each stage, decisions of gates, approvals, releases) is never
// overwritten. A change is an event on a key, such as release/deploy.scorer; the events that are recorded at once are a revision,
// and the state is the fold of all revisions in order (fold.go). Revision 42 of the pipeline fraud in the workspace default is
// the value log/fraud/default/000042.json of the bucket.
//
// Chain. A revision is sealed: its file names the digest of its content, and the digest of revision 41. So a reader finds out a
// revision that was changed, exchanged or taken out of the middle. That the last ones are missing no chain can tell: heads/fraud/default.json
// keeps the number and the digest of the last one written (head.go).
//
// Reading. Load finds the last revision that holds the whole state (a checkpoint), checks and folds what follows, and reads none of
// those before. History reads and checks all.
//
// Writing. A writer that has read revision 41 puts revision 42 under its key with PutNew, which one of several writers wins. A writer that
// lost rebases: it folds the other's revision 42 into its state, drops those of its own events that the other recorded with the same
// value, and tries 43 with the rest. Where the other gave a key another value, the writer stops with a MovedError and has written nothing.
//
//	reader A and reader B have both read revision 41
//	A puts 42 with node/train.eu                 written
//	B puts 42 with node/train.us                 there is one already; B folds it, and its key is untouched
//	B puts 43 with node/train.us                 written
//	B had to set node/train.eu to another result MovedError: plan again
//
// Where an answer was lost, the writer does not know whether its revision is there: the nonce of what stands under the key tells whose it
// is (put). Where the bucket is shared, writers hold terms of a lease, and one that meets a revision of a later term stops
// with a FencedError (package lease).

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// Log is the log of one pipeline in one workspace.
type Log struct {
	store     *store.Store
	bucket    bucket.Bucket
	pipeline  string
	workspace string
	by, apply string
	user      string // of the operating system
	host      string
	plan      plan.Digest
	targets   []string // of the plan
	sample    string   // share of the rows that the plan is of; "": all
	origin    plan.Origin
	answers   plan.Digest // the object that revisions name; "": the former
	lease     int64       // term of the lease that the writer holds; 0 where a lock of the machine does
}

var safeName = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$`)

// Open returns the log; nothing is written yet. Names become folders, so they are held to letters, digits and _ . -
func Open(s *store.Store, pipeline, workspace string) (*Log, error) {
	for what, name := range map[string]string{"pipeline": pipeline, "workspace": workspace} {
		if !safeName().MatchString(name) {
			return nil, fmt.Errorf("%q cannot be the name of a %s: expected a letter or digit, then letters, digits, _ . -, 128 at most", name, what)
		}
	}
	return &Log{store: s, bucket: s.Bucket(), pipeline: pipeline, workspace: workspace}, nil
}

// As returns the same log for a writer: who writes, and the id of the apply, both for the record and free of meaning.
func (l *Log) As(by, apply string) *Log {
	w := *l
	w.by, w.apply = by, apply
	return &w
}

// On returns the same log for a writer that is this user of the operating system on this host.
func (l *Log) On(user, host string) *Log {
	w := *l
	w.user, w.host = user, host
	return &w
}

// For returns the same log for a writer that carries out a plan, whose id goes into the record, and its targets where it is limited to some.
func (l *Log) For(id plan.Digest, targets ...string) *Log {
	w := *l
	w.plan, w.targets = id, targets
	return &w
}

// Sampled returns the same log for a writer whose plan is of a share of the rows; "": of all.
func (l *Log) Sampled(share string) *Log {
	w := *l
	w.sample = share
	return &w
}

// From returns the same log for a writer whose module came from there, for the record.
func (l *Log) From(o plan.Origin) *Log {
	w := *l
	w.origin = o
	return &w
}

// Answering returns the same log for a writer whose revisions name the object with what is known of the module's queries and rules; "": they
// name the one that the revision before does. No state depends on it.
func (l *Log) Answering(d plan.Digest) *Log {
	w := *l
	w.answers = d
	return &w
}

// Answers returns the object that the last revision names with what is known of the module's queries and rules; "" where it names none. The
// last revision is found by the head alone, so that a newer one may be missed: it is for what may be done without.
func (l *Log) Answers(ctx context.Context) (plan.Digest, error) {
	head, err := l.readHead(ctx)
	if err != nil || head.Revision == 0 {
		return "", err
	}
	r, err := l.readRevision(ctx, head.Revision, "")
	if err != nil {
		return "", err
	}
	return r.Answers, head.is(l, r)
}

// Under returns the same log for a writer that holds a term of the lease on it, whose number goes into the record. Such a writer
// stops with a FencedError once somebody with a later term has written.
func (l *Log) Under(term int64) *Log {
	w := *l
	w.lease = term
	return &w
}

// Pipeline is the name of the pipeline whose log this is, such as "fraud".
func (l *Log) Pipeline() string { return l.pipeline }

// Workspace is the name of the workspace whose log this is, such as "default".
func (l *Log) Workspace() string { return l.workspace }

// prefix is what the keys of revisions begin with.
func (l *Log) prefix() string { return "log/" + l.pipeline + "/" + l.workspace + "/" }

// key is where a revision lies in the bucket.
func (l *Log) key(revision int64) string { return l.prefix() + fileName(revision) }

// path is the file of a revision, as messages name it.
func (l *Log) path(revision int64) string { return l.store.Where(l.key(revision)) }

// Load reads the state: the last checkpoint and what follows. The chain of digests is checked from there; a revision
// that is missing, broken or not the successor of the one before is a CorruptError.
func (l *Log) Load(ctx context.Context) (*plan.State, error) {
	head, err := l.readHead(ctx)
	if err != nil {
		return nil, err
	}
	top, err := l.last(ctx, head)
	if err != nil {
		return nil, err
	}
	st := empty(l.pipeline, l.workspace)
	from := int64(1)
	// A checkpoint holds the whole state. Large states have fewer of them (checkpointed): a multiple of checkpointEvery
	// without one is passed.
	for c := top - top%checkpointEvery; c > 0; c -= checkpointEvery {
		r, err := l.readRevision(ctx, c, "")
		if err != nil {
			return nil, err
		}
		if r.State != nil {
			st, from = complete(r.State), c+1
			st.Digest, st.Answers = r.Digest, r.Answers
			if err := errors.Join(head.is(l, r), l.fences(r)); err != nil {
				return nil, err
			}
			break
		}
	}
	err = l.follow(ctx, from, top, st.Digest, func(r *Revision) error {
		Fold(st, r)
		return errors.Join(head.is(l, r), l.fences(r))
	})
	if err == nil {
		err = head.ends(l, top)
	}
	if err != nil {
		return nil, err
	}
	return st, nil
}

// fences is a FencedError where a revision is of a later term than the writer's, whose lease is over then.
func (l *Log) fences(r *Revision) error {
	if l.lease > 0 && r.Lease > l.lease {
		return &FencedError{Revision: r.Revision, By: r.By}
	}
	return nil
}

// History returns all revisions, the oldest first, having checked the whole chain.
func (l *Log) History(ctx context.Context) ([]*Revision, error) {
	head, err := l.readHead(ctx)
	if err != nil {
		return nil, err
	}
	top, err := l.last(ctx, head)
	if err != nil {
		return nil, err
	}
	out := make([]*Revision, 0, top)
	err = l.follow(ctx, 1, top, "", func(r *Revision) error {
		out = append(out, r)
		return head.is(l, r)
	})
	if err == nil {
		err = head.ends(l, top)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ahead is how many revisions are read at once: the wait is for the bucket.
const ahead = 16

// follow calls each with revisions from one to another, in order, having checked that each continues the one before.
func (l *Log) follow(ctx context.Context, from, to int64, previous plan.Digest, each func(*Revision) error) error {
	read := make([]*Revision, ahead)
	for ; from <= to; from += ahead {
		n := min(ahead, to-from+1)
		g, ctx := errgroup.WithContext(ctx)
		for i := range n {
			g.Go(func() (err error) {
				read[i], err = l.read(ctx, from+i)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		for i, r := range read[:n] {
			if err := l.continues(r, from+int64(i), previous); err != nil {
				return err
			}
			if err := each(r); err != nil {
				return err
			}
			previous = r.Digest
		}
	}
	return nil
}

// Revision reads one revision, having checked that it is whole; that it continues the one before is not looked at.
func (l *Log) Revision(ctx context.Context, n int64) (*Revision, error) {
	return l.readRevision(ctx, n, "")
}

// readRevision reads revision n, whose predecessor has the given digest; an empty one is not compared unless n is 1.
func (l *Log) readRevision(ctx context.Context, n int64, previous plan.Digest) (*Revision, error) {
	r, err := l.read(ctx, n)
	if err == nil {
		err = l.continues(r, n, previous)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// continues is nil for revision n of this log, whose predecessor has the given digest.
func (l *Log) continues(r *Revision, n int64, previous plan.Digest) error {
	switch {
	case r.Revision != n || r.Pipeline != l.pipeline || r.Workspace != l.workspace:
		return &CorruptError{File: l.path(n), Why: fmt.Sprintf("holds revision %d of %s, workspace %s", r.Revision, r.Pipeline, r.Workspace)}
	case (previous != "" || n == 1) && r.Previous != previous:
		return &CorruptError{File: l.path(n), Why: "does not continue the revision before it, one of the two was replaced"}
	}
	return nil
}

// empty is the state of a workspace before its first revision.
func empty(pipeline, workspace string) *plan.State {
	return complete(&plan.State{Pipeline: pipeline, Workspace: workspace})
}

// complete makes all maps non-nil, so that fold can write to them, and returns st. Looks, which older checkpoints do not hold, are
// derived from the stages that are recorded.
func complete(st *plan.State) *plan.State {
	if st.Nodes == nil {
		st.Nodes = map[string]plan.NodeState{}
	}
	if st.Gates == nil {
		st.Gates = map[string]plan.GateState{}
	}
	if st.Releases == nil {
		st.Releases = map[string]plan.ReleaseState{}
	}
	if st.Approvals == nil {
		st.Approvals = map[string]plan.ApprovalState{}
	}
	if st.Policies == nil {
		st.Policies = map[string]plan.Policy{}
	}
	if st.Hypotheses == nil {
		st.Hypotheses = map[string]plan.HypothesisState{}
	}
	if st.Watched == nil {
		st.Watched = map[string]plan.WatchState{}
	}
	if st.Described == nil {
		st.Described = map[string]json.RawMessage{}
	}
	if st.Looks == nil {
		st.Looks = map[plan.Digest][]plan.Digest{}
		for _, address := range slices.Sorted(maps.Keys(st.Nodes)) { // of a checkpoint that does not have them
			n := st.Nodes[address]
			look(st, plan.Event{Key: "node/" + address, Node: &n})
		}
	}
	return st
}
