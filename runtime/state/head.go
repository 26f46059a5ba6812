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

// head is the last revision that was written, kept outside of the log: a chain of digests tells that its middle is whole, and not
// that its end is there. It is no signature: whoever changes the log can change it too.
type head struct {
	Revision int64       `json:"revision"`
	Digest   plan.Digest `json:"digest"`
}

const sealedHead = "head"

func (l *Log) headKey() string { return "heads/" + l.pipeline + "/" + l.workspace + ".json" }

func (l *Log) headPath() string { return l.store.Where(l.headKey()) }

// readHead is to be read before the log is, which may grow meanwhile. None, or one that is not whole, says nothing.
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

// writeHead notes a revision that is on disk. A process that is killed before leaves an older one, which says less.
func (l *Log) writeHead(ctx context.Context, r *Revision) error {
	body, err := json.Marshal(head{r.Revision, r.Digest})
	if err != nil {
		return err
	}
	data, _ := seal.Seal(sealedHead, body)
	if err := l.bucket.Replace(ctx, l.headKey(), bytes.NewReader(data)); err != nil {
		return fmt.Errorf("noting revision %d as the last: %w", r.Revision, err)
	}
	return nil
}

// ends is the error of a log that ends before the head.
func (h head) ends(l *Log, top int64) error {
	if h.Revision <= top {
		return nil
	}
	return &CorruptError{File: l.path(top + 1), Why: fmt.Sprintf("is missing: revision %d was written, and the log ends with %d", h.Revision, top), Out: l.wayOut()}
}

// is is the error of a log that has another revision in the place of the head.
func (h head) is(l *Log, r *Revision) error {
	if h.Revision != r.Revision || h.Digest == r.Digest {
		return nil
	}
	return &CorruptError{File: l.path(r.Revision), Why: "is not the revision that was written", Out: l.wayOut()}
}

func (l *Log) wayOut() string {
	rel, err := filepath.Rel(filepath.Dir(l.store.Root()), l.headPath())
	if err != nil {
		rel = l.headPath()
	}
	return fmt.Sprintf("Or, if an older copy of the log was put in its place on purpose, remove %s, which remembers the last revision", filepath.ToSlash(rel))
}
