package workspace

import (
	"context"

	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/destination"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// writeOut writes predictions to where a deployment says.
func (w *Workspace) writeOut(ctx context.Context, x engine.Write) (int64, error) {
	var password []byte
	if x.Secret != nil {
		var err error
		if password, err = attempt.ReadSecret(x.Dir, *x.Secret); err != nil {
			return 0, err
		}
	}
	p := destination.Prediction{ID: x.ID, Pipeline: x.Pipeline, Workspace: x.Workspace, Deploy: x.Deploy, File: x.File, Key: x.Key}
	return destination.Write(ctx, p, x.To, x.Destination, x.Dir, password)
}
