// Package state keeps what is recorded of a pipeline in a workspace: an append-only log of revisions in the store, each
// a set of events on keys, and the lock that lets one apply at a time write it.
//
// A revision is a file log/<pipeline>/<workspace>/000042.json that is written once, with put-if-absent, so that of two
// writers one wins. It holds the digest of the one before; every 64th, or fewer where much is recorded, also holds the
// whole state, which keeps reading short. Times in it say when something was recorded and are no part of any decision.
package state

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

const (
	// checkpointEvery is how often a revision holds the whole state,
	checkpointEvery = 64
	// until a checkpoint would hold more keys than these for each revision since the one before.
	keysPerRevision = 8
)

// checkpointed reports whether a revision on top of a state holds the state after it. The more is recorded, the rarer, by
// powers of two: so what checkpoints take stays in proportion to what is recorded, and so does what is read after the last.
func checkpointed(revision int64, st *plan.State) bool {
	keys := len(st.Nodes) + len(st.Gates) + len(st.Releases) + len(st.Approvals) + len(st.Described) + len(st.Policies) + len(st.Hypotheses) + len(st.Watched) + len(st.Looks)
	every := int64(checkpointEvery)
	for every*keysPerRevision < int64(keys) {
		every *= 2
	}
	return revision%every == 0
}

// formatVersion of a revision. 1.1 added commit, dirty and ci, 1.2 answers, 1.3 sample, hypotheses among the events, and rollouts of releases, 1.4 what mlp watch has done; who reads an earlier one passes them over.
const formatVersion = "1.4"

// Revision is one step of the log.
type Revision struct {
	FormatVersion string       `json:"format_version"`
	Pipeline      string       `json:"pipeline"`
	Workspace     string       `json:"workspace"`
	Revision      int64        `json:"revision"` // from 1
	Previous      plan.Digest  `json:"previous,omitempty"`
	Nonce         string       `json:"nonce"` // of the writer
	At            time.Time    `json:"at"`
	By            string       `json:"by,omitempty"`
	User          string       `json:"user,omitempty"` // of the operating system, whatever By says
	Host          string       `json:"host,omitempty"`
	Apply         string       `json:"apply,omitempty"`   // id of the apply that wrote it
	Plan          plan.Digest  `json:"plan,omitempty"`    // id of the plan that it carried out
	Targets       []string     `json:"targets,omitempty"` // of the plan, where it was limited to some
	Sample        string       `json:"sample,omitempty"`  // share of the rows that the plan was of; empty: all
	Lease         int64        `json:"lease,omitempty"`   // term of the lease that it was written under
	plan.Origin                // of the module
	Events        []plan.Event `json:"events"`
	// Answers is an object with what is known of the module's queries and rules, for plans on other machines. Nothing rests on it.
	Answers plan.Digest `json:"answers,omitempty"`
	// Upstream is the state of another workspace that the state begins again from, before the events.
	Upstream *plan.Upstream `json:"upstream,omitempty"`
	// State after this revision, in some of every 64th, and in each that has an Upstream; its own Digest is left out.
	State *plan.State `json:"state,omitempty"`

	Digest plan.Digest `json:"-"` // of the file's body
}

// CorruptError names a revision that is missing or is not what was written.
type CorruptError struct {
	File string
	Why  string
	Out  string // what else can be done than to restore the file
}

func (e *CorruptError) Error() string {
	text := fmt.Sprintf("the state's log is damaged: %s %s; nothing was changed. Restore this file from a copy of the store", e.File, e.Why)
	if e.Out != "" {
		text += ". " + e.Out
	}
	return text
}

// encode is the form of a revision on disk, with the digest that the next one names: each seals the one before.
func encode(r *Revision) ([]byte, plan.Digest, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // configurations stay as they are, and can be compared byte by byte
	if err := enc.Encode(r); err != nil {
		return nil, "", fmt.Errorf("encoding revision %d: %w", r.Revision, err)
	}
	data, digest := seal.Seal("revision", bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return data, digest, nil
}

// read returns a revision, having checked that it is whole.
func (l *Log) read(ctx context.Context, n int64) (*Revision, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := bucket.Read(ctx, l.bucket, l.key(n))
	var irregular *bucket.IrregularError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &CorruptError{File: l.path(n), Why: "is missing"}
	case errors.As(err, &irregular):
		return nil, &CorruptError{File: l.path(n), Why: "is no file"}
	case err != nil:
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	body, digest, err := seal.Unseal("revision", data)
	if err != nil {
		return nil, &CorruptError{File: l.path(n), Why: err.Error()}
	}
	r := &Revision{Digest: digest}
	if err := json.Unmarshal(body, r); err != nil {
		return nil, &CorruptError{File: l.path(n), Why: "cannot be read: " + err.Error()}
	}
	return r, nil
}

// revisionName is what files of revisions are called; other files are no revisions.
var revisionName = lazyregexp.New(`^([0-9]{6,})\.json$`)

// fileName is that of a revision, with leading zeros.
func fileName(revision int64) string { return fmt.Sprintf("%06d.json", revision) }

// last returns the highest revision, 0 if there is none, by the head, which was read before. What comes before the head's revision is not
// listed: who needs it reads it. A gap after it is an error. A list may not have the last revisions yet, so whatever it leaves out is looked
// for by its key, and so is what comes after the last.
func (l *Log) last(ctx context.Context, h head) (int64, error) {
	top, err := l.listed(ctx, max(h.Revision, 1)-1)
	if err != nil {
		return 0, err
	}
	for {
		switch has, err := l.has(ctx, top+1); {
		case err != nil:
			return 0, err
		case has:
			top++
		case top > 0 && top < h.Revision: // the head's revision is not there: which is the last?
			return l.last(ctx, head{})
		default:
			return top, nil
		}
	}
}

// listed returns the highest revision of a list that begins after one, which is returned where the list has none.
func (l *Log) listed(ctx context.Context, top int64) (int64, error) {
	after := ""
	if top > 0 {
		after = l.key(top)
	}
	for key, err := range bucket.Keys(ctx, l.bucket, l.prefix(), after) {
		if err != nil {
			return 0, fmt.Errorf("reading the state: %w", err)
		}
		m := revisionName().FindStringSubmatch(strings.TrimPrefix(key, l.prefix()))
		if m == nil {
			continue
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil || l.key(n) != key || n == 0 {
			return 0, &CorruptError{File: l.store.Where(key), Why: "has a name that no revision has"}
		}
		for top++; top < n; top++ {
			if has, err := l.has(ctx, top); err != nil {
				return 0, err
			} else if !has {
				return 0, &CorruptError{File: l.path(top), Why: "is missing, though later ones are there"}
			}
		}
	}
	return top, nil
}

// has reports whether something stands in the place of a revision.
func (l *Log) has(ctx context.Context, n int64) (bool, error) {
	has, err := bucket.Has(ctx, l.bucket, l.key(n))
	var irregular *bucket.IrregularError
	if errors.As(err, &irregular) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the state: %w", err)
	}
	return has, nil
}

// newNonce is by what a writer knows its own revision where it cannot tell whether the write succeeded: 16 bytes of chance,
// in hex.
func newNonce() (string, error) {
	b := make([]byte, 16)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return hex.EncodeToString(b), nil
}
