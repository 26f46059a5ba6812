package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store"
)

// Log is the log of one pipeline in one workspace.
type Log struct {
	store     *store.Store
	pipeline  string
	workspace string
	by, apply string
	user      string // of the operating system
	host      string
	plan      plan.Digest
}

var safeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$`)

// Open returns the log; nothing is written yet. Names become folders, so they are held to letters, digits and _ . -
func Open(s *store.Store, pipeline, workspace string) (*Log, error) {
	for what, name := range map[string]string{"pipeline": pipeline, "workspace": workspace} {
		if !safeName.MatchString(name) {
			return nil, fmt.Errorf("%q cannot be the name of a %s: expected a letter or digit, then letters, digits, _ . -", name, what)
		}
	}
	return &Log{store: s, pipeline: pipeline, workspace: workspace}, nil
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

// For returns the same log for a writer that carries out a plan, whose id goes into the record.
func (l *Log) For(id plan.Digest) *Log {
	w := *l
	w.plan = id
	return &w
}

// Pipeline and Workspace are what the log is of.
func (l *Log) Pipeline() string { return l.pipeline }

// Workspace of the log.
func (l *Log) Workspace() string { return l.workspace }

func (l *Log) dir() string { return l.store.Path("log", l.pipeline, l.workspace) }

func (l *Log) path(revision int64) string { return filepath.Join(l.dir(), fileName(revision)) }

// Load reads the state: the last checkpoint and what follows. The chain of digests is checked from there; a revision
// that is missing, broken or not the successor of the one before is a CorruptError.
func (l *Log) Load(ctx context.Context) (*plan.State, error) {
	head := l.readHead()
	top, err := last(l.dir())
	if err != nil {
		return nil, err
	}
	st := empty(l.pipeline, l.workspace)
	from := int64(1)
	for c := top - top%checkpointEvery; c > 0; c -= checkpointEvery {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := l.readRevision(c, "")
		if err != nil {
			return nil, err
		}
		if r.State != nil {
			st, from = complete(r.State), c+1
			st.Digest = r.Digest
			if err := head.is(l, r); err != nil {
				return nil, err
			}
			break
		}
	}
	for n := from; n <= top; n++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := l.readRevision(n, st.Digest)
		if err != nil {
			return nil, err
		}
		if err := head.is(l, r); err != nil {
			return nil, err
		}
		fold(st, r)
	}
	if err := head.ends(l, top); err != nil {
		return nil, err
	}
	return st, nil
}

// readRevision reads revision n, whose predecessor has the given digest; an empty one is not compared unless n is 1.
func (l *Log) readRevision(n int64, previous plan.Digest) (*Revision, error) {
	r, err := read(l.path(n))
	if errors.Is(err, os.ErrNotExist) {
		return nil, &CorruptError{File: l.path(n), Why: "is missing"}
	}
	if err != nil {
		return nil, err
	}
	switch {
	case r.Revision != n || r.Pipeline != l.pipeline || r.Workspace != l.workspace:
		return nil, &CorruptError{File: l.path(n), Why: fmt.Sprintf("holds revision %d of %s, workspace %s", r.Revision, r.Pipeline, r.Workspace)}
	case (previous != "" || n == 1) && r.Previous != previous:
		return nil, &CorruptError{File: l.path(n), Why: "does not continue the revision before it, one of the two was replaced"}
	}
	return r, nil
}

// History returns all revisions, the oldest first, having checked the whole chain.
func (l *Log) History(ctx context.Context) ([]*Revision, error) {
	head := l.readHead()
	top, err := last(l.dir())
	if err != nil {
		return nil, err
	}
	out := make([]*Revision, 0, top)
	var previous plan.Digest
	for n := int64(1); n <= top; n++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := l.readRevision(n, previous)
		if err != nil {
			return nil, err
		}
		if err := head.is(l, r); err != nil {
			return nil, err
		}
		out, previous = append(out, r), r.Digest
	}
	if err := head.ends(l, top); err != nil {
		return nil, err
	}
	return out, nil
}

func empty(pipeline, workspace string) *plan.State {
	return complete(&plan.State{Pipeline: pipeline, Workspace: workspace})
}

// complete makes all maps non-nil.
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
	if st.Described == nil {
		st.Described = map[string]json.RawMessage{}
	}
	if st.Looks == nil {
		st.Looks = map[plan.Digest][]plan.Digest{}
		for _, address := range slices.Sorted(maps.Keys(st.Nodes)) { // of a checkpoint that does not have them
			n := st.Nodes[address]
			look(st, address, &n)
		}
	}
	return st
}
