package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/component"
)

// How predictions get out of the store.
//
// A release writes what its stage predicted to each destination, and is recorded with what it wrote in one revision. A write has an id (plan.WriteID) that is
// the same until it is recorded, and the destination keeps it in the same step in which the rows are there: so an apply that is killed after a
// destination took the rows, and before the revision was written, is told by the next one's destination that it has them. What was written is recorded also where
// another destination failed.

// Write is what a destination is to have.
type Write struct {
	ID          string // of this write, the same whenever it is begun again
	Pipeline    string
	Workspace   string
	Deploy      string
	Destination string // its block
	To          schema.Destination
	Secret      *plan.Secret // what opens it; nil: nothing
	File        string       // the predictions, as Parquet
	Key         []string     // the columns that tell their rows apart
	Dir         string       // the module's folder
}

// writes writes the predictions of a release to its destinations, as the plan says, and adds to the outcome what was written. after is what the outcome has live.
// Without Options.Write, as in tests of a module, nothing leaves the store.
func (r *run) writes(ctx context.Context, u *unit, o *outcome, after plan.ReleaseState) *outcome {
	rel := u.release
	n := r.graph.node(rel.Node)
	if r.Write == nil || n == nil || n.outcome == nil || n.outcome.node == nil {
		return o
	}
	predictions, key := plan.Digest(""), []string(nil)
	for _, out := range n.node.Outputs {
		if out.Type == schema.TablePort {
			predictions = n.outcome.node.Outputs[out.Port]
			if out.Shape != nil && out.Shape.Table != nil {
				key = out.Shape.Table.Key
			}
		}
	}
	var wrote []plan.Written
	var failed []string
	for _, w := range rel.Writes {
		last := after.LastWrite(w.Destination)
		if w.Action == plan.NoWrite || last.Has(w.To, predictions) {
			continue
		}
		x := Write{ID: plan.WriteID(r.Plan.Pipeline, r.Plan.Workspace, rel.Address, w.Destination, predictions, last),
			Pipeline: r.Plan.Pipeline, Workspace: r.Plan.Workspace, Deploy: rel.Address, Destination: w.Destination, To: w.To, Key: key, Dir: r.dir}
		if w.To.Password != "" && len(rel.Secrets) > 0 {
			x.Secret = &rel.Secrets[0]
		}
		rows, err := r.deliver(ctx, n, predictions, x)
		if err != nil {
			f := attempt.AsFailure(err)
			failed = append(failed, strings.TrimSuffix(fmt.Sprintf("writing to %s: %s", w.To.Place(), strings.ReplaceAll(f.Summary, "\n", ". ")), ".")+".")
			if f.Detail != "" {
				failed = append(failed, f.Detail)
			}
			continue
		}
		wrote = append(wrote, plan.Written{Destination: w.Destination, To: w.To, Predictions: predictions, Rows: rows})
	}
	if len(wrote) > 0 {
		after = after.Wrote(rel.Writes, wrote)
		o.release.After, o.release.Written = &after, wrote
		o.record = []plan.Event{{Key: u.id, Release: &after}}
	}
	if len(failed) > 0 {
		o.ok, o.passed, o.release.Status = false, false, Failed
		o.release.Failure = &Failure{Kind: attempt.DestinationFailure, Summary: strings.Join(failed, " ")}
	}
	return o
}

// deliver hands the predictions to one destination, once they are there and whole.
func (r *run) deliver(ctx context.Context, from *unit, predictions plan.Digest, w Write) (rows int64, err error) {
	dir, err := r.Store.Temp("write-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	at := filepath.Join(dir, "predictions")
	err = r.withObject(ctx, from, func() error { return r.Store.Materialize(ctx, predictions, at) })
	if err != nil {
		return 0, err
	}
	w.File = filepath.Join(at, component.TableFile)
	return r.Write(ctx, w)
}
