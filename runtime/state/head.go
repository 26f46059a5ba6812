package state

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

// head names the last revision that was written, under a key outside of the log, such as heads/fraud/default.json. The chain of
// digests shows that no revision in the middle is missing; the head shows that none at the end is. A head that is older than the log agrees
// with it, so that revisions of nothing but results of stages need not be marked one by one. A head is no signature: who
// can change the log can change the head too.
type head struct {
	Revision int64       `json:"revision"`
	Digest   plan.Digest `json:"digest"`
}

// sealedHead is what the seal of a head says that it is.
const sealedHead = "head"

// headKey is where the head lies: beside the log and not in it, so that it is no revision.
func (l *Log) headKey() string { return "heads/" + l.pipeline + "/" + l.workspace + ".json" }

// headPath is the same for messages.
func (l *Log) headPath() string { return l.store.Where(l.headKey()) }

// readHead returns the head. It must be called before the log is listed: the log may grow in between, and a head that is older
// than the list claims less, one that is newer would accuse a whole log. A head that is missing or broken is the zero head, which
// agrees with every log.
func (l *Log) readHead(ctx context.Context) (head, error) {
	data, err := bucket.Read(ctx, l.bucket, l.headKey())
	var irregular *bucket.IrregularError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &irregular) {
		return head{}, nil
	}
	if err != nil {
		return head{}, fmt.Errorf("reading the state: %w", err)
	}
	body, _, err := seal.Unseal(sealedHead, data)
	var h head
	if err != nil || json.Unmarshal(body, &h) != nil {
		return head{}, nil
	}
	return h, nil
}

// Mark makes the last revision of a state, which is durable, the head. A head that is there of a later one, which another has written,
// stays. A process that is killed between the two leaves an older head, with which the longer log agrees.
func (l *Log) Mark(ctx context.Context, st *plan.State) error {
	if was, err := l.readHead(ctx); err != nil || was.Revision > st.Revision {
		return err
	}
	return l.writeHead(ctx, head{st.Revision, st.Digest})
}

// writeHead writes the head in place of the one before.
func (l *Log) writeHead(ctx context.Context, h head) error {
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	data, _ := seal.Seal(sealedHead, body)
	if err := l.bucket.Replace(ctx, l.headKey(), bytes.NewReader(data)); err != nil {
		return fmt.Errorf("noting revision %d as the last: %w", h.Revision, err)
	}
	return nil
}

// ends returns a CorruptError if the log's last revision, top, comes before the head: for example, files up to 000040.json are there
// and the head says 42.
func (h head) ends(l *Log, top int64) error {
	if h.Revision <= top {
		return nil
	}
	return &CorruptError{File: l.path(top + 1), Why: fmt.Sprintf("is missing: revision %d was written, and the log ends with %d", h.Revision, top), Out: l.wayOut()}
}

// is returns a CorruptError if r has the head's number and another digest: somebody replaced the last revision and sealed it anew.
func (h head) is(l *Log, r *Revision) error {
	if h.Revision != r.Revision || h.Digest == r.Digest {
		return nil
	}
	return &CorruptError{File: l.path(r.Revision), Why: "is not the revision that was written", Out: l.wayOut()}
}

// wayOut says how to go on with an older log on purpose. The head file is this machine's memory of the last revision that it
// saw.
func (l *Log) wayOut() string {
	rel, err := filepath.Rel(filepath.Dir(l.store.Root()), l.headPath())
	if err != nil {
		rel = l.headPath()
	}
	return fmt.Sprintf("Or, if an older copy of the log was put in its place on purpose, remove %s, which remembers the last revision", filepath.ToSlash(rel))
}
