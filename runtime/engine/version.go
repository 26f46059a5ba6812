package engine

import (
	"context"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/attempt"
)

// asked is the stage with the version of what it fetches. Where the plan could not ask, that is asked for now: from here on the
// stage is one whose inputs are known.
func (r *run) asked(ctx context.Context, n *plan.Node) (*plan.Node, error) {
	in := n.Remote()
	if in == nil || in.External.Version != "" {
		return n, nil
	}
	if r.Version == nil {
		return nil, attempt.Failuref(attempt.ExitFailure, "the version of %s is not known, and nobody asks for it", in.External.Root)
	}
	version, err := r.Version(ctx, n)
	if err != nil {
		return nil, &Failure{Kind: attempt.ExitFailure, Summary: err.Error()}
	}
	r.found.Store(n.Address, version)
	return r.versioned(n), nil
}

// versioned is the stage with the version that was asked for.
func (r *run) versioned(n *plan.Node) *plan.Node {
	version, ok := r.found.Load(n.Address)
	if !ok {
		return n
	}
	same := *n
	same.Inputs = slices.Clone(n.Inputs)
	in := same.Remote()
	external := *in.External
	external.Version = version.(string)
	in.External, in.Digest = &external, plan.VersionDigest(external.Version)
	return &same
}
