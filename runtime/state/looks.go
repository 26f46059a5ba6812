package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

// Looks of all workspaces.
//
// The state of a workspace says which models its evaluations measured on which rows. Those of pull requests that are never merged, and of
// workspaces that were removed, are in no state that a reviewer sees, and their authors chose by them all the same. So each look of a
// pipeline is a key of its own, put before the revision that has it, which nothing removes:
//
//	looks/fraud/<digits of rows>/<digits of model>.json
//
// How often rows were looked at is then one list, however many workspaces there are or were.

// lookFirst is the value of such a key, for people: who looked first.
type lookFirst struct {
	Workspace string    `json:"workspace"`
	At        time.Time `json:"at"`
	By        string    `json:"by,omitempty"`
}

// looksPrefix is what the keys of looks at rows begin with.
func (l *Log) looksPrefix(rows plan.Digest) (string, error) {
	hex, err := rows.Hex()
	return "looks/" + l.pipeline + "/" + hex + "/", err
}

// Looked are the models that evaluations have measured on some rows, in whatever workspace of the pipeline, also in one that was removed; sorted.
func (l *Log) Looked(ctx context.Context, rows plan.Digest) ([]plan.Digest, error) {
	prefix, err := l.looksPrefix(rows)
	if err != nil {
		return nil, err
	}
	var out []plan.Digest
	for key, err := range bucket.Keys(ctx, l.bucket, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("reading which models were measured: %w", err)
		}
		model := plan.Digest("blake3:" + strings.TrimSuffix(strings.TrimPrefix(key, prefix), ".json"))
		if _, err := model.Hex(); err == nil {
			out = append(out, model)
		}
	}
	return out, nil
}

// putLook puts the key of a look, unless there is one.
func (l *Log) putLook(ctx context.Context, rows, model plan.Digest) error {
	prefix, err := l.looksPrefix(rows)
	if err != nil {
		return err
	}
	hex, err := model.Hex()
	if err != nil {
		return err
	}
	body, err := json.Marshal(lookFirst{l.workspace, time.Now().UTC().Truncate(time.Second), l.by})
	if err != nil {
		return err
	}
	data, _ := seal.Seal("look", body)
	if err := bucket.Put(ctx, l.bucket, prefix+hex+".json", data); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("noting that a model was measured: %w", err)
	}
	return nil
}

// putLooks puts the keys of looks that events have and a state has not.
func (l *Log) putLooks(ctx context.Context, st *plan.State, events []plan.Event) error {
	for _, e := range events {
		rows, model, ok := looks(e)
		if !ok || slices.Contains(st.Looks[rows], model) {
			continue
		}
		if err := l.putLook(ctx, rows, model); err != nil {
			return err
		}
	}
	return nil
}

// looksAtOnce is how many keys of looks are put at once.
const looksAtOnce = 8

// KeepLooks makes sure that all looks of a state of this log stay known, whatever becomes of the log.
func (l *Log) KeepLooks(ctx context.Context, st *plan.State) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(looksAtOnce)
	for _, rows := range slices.Sorted(maps.Keys(st.Looks)) {
		known, err := l.Looked(ctx, rows)
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		for _, model := range st.Looks[rows] {
			if !slices.Contains(known, model) {
				g.Go(func() error { return l.putLook(ctx, rows, model) })
			}
		}
	}
	return g.Wait()
}
