package workspace

import (
	"context"
	"errors"
	"io"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/cache"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/objects"
)

// What is known of queries, rules and files goes along in a store elsewhere, so that a plan on a machine that has seen nothing costs what it
// does on one that has.
//
// An apply puts the answers that it asked for as one object, and each of its revisions names that by its digest. A plan that misses an
// answer finds the last revision by the head of the log, and reads the object. So one that nobody who may write to the log
// put there is not read, whatever stands under its key; and it is of the same program, or not taken. Without it, all is found out
// again: nothing rests on it, an old one is garbage, and whatever goes wrong with it is passed over.

// sharedAnswers returns the pack that the log's last revision names; nil where there is none, or it cannot be read. Of a workspace without
// one it is that of the workspace which it goes by.
func (w *Workspace) sharedAnswers(ctx context.Context, st *store.Store, log *state.Log) []byte {
	if !st.IsFar() {
		return nil // they lie beside it, in cache/answers
	}
	named, err := log.Answers(ctx)
	if err == nil && named == "" && w.Base != "" {
		if log, err = log.Of(w.Base); err == nil {
			named, err = log.Answers(ctx)
		}
	}
	if err != nil || named == "" {
		return nil
	}
	data, err := readPack(ctx, st.Bucket(), named)
	if err != nil {
		return nil
	}
	return data
}

var errNoPack = errors.New("it is no pack of answers")

// readPack reads the object of a pack, and nothing that is larger than one.
// A pack is a convenience: anything that is wrong with one counts as there being none, and queries are typed anew.
func readPack(ctx context.Context, b bucket.Bucket, d plan.Digest) ([]byte, error) {
	key, err := objects.Key(d)
	if err != nil {
		return nil, err
	}
	v, err := b.Get(ctx, key, bucket.Range{})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	if v.Size > cache.MaxPack {
		return nil, errNoPack
	}
	data := make([]byte, v.Size)
	if _, err := io.ReadFull(v, data); err != nil {
		return nil, err
	}
	if digest.Of(data) != d {
		return nil, errNoPack
	}
	return data, nil
}

// shareAnswers puts what this process asked for into a store elsewhere, unless it is there as it is, and returns its digest for the
// revisions that are about to be written. Where that fails the former stays.
func (s *Session) shareAnswers(ctx context.Context) plan.Digest {
	program, err := program()
	if err != nil || s.answers == nil || !s.Store.IsFar() {
		return ""
	}
	data := s.answers.Pack(program)
	if data == nil || digest.Of(data) == s.State.Answers {
		return s.State.Answers
	}
	d, err := s.Store.PutBytes(ctx, data)
	if err != nil {
		return ""
	}
	return d
}
