package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// asked is the stage with the version of what it fetches, or of the image that it runs in. Where the plan could not ask, that is asked for
// now: from here on the stage is one whose inputs are known.
// The plan's node is shared with others and is not changed; what was found is kept by address for the rest of the run (found).
func (r *run) asked(ctx context.Context, n *plan.Node) (*plan.Node, error) {
	in := n.Remote()
	if in == nil || in.External.Version != "" {
		return n, nil
	}
	ask, kind := r.Version, attempt.ExitFailure
	if n.Container != nil {
		ask, kind = r.imageVersion, attempt.EngineFailure
	}
	if ask == nil {
		return nil, attempt.Failuref(kind, "the version of %s is not known, and nobody asks for it", in.External.Root)
	}
	version, err := ask(ctx, n)
	switch {
	case errors.Is(err, executor.ErrImage):
		return nil, &Failure{Kind: attempt.ImageFailure, Summary: err.Error(), Detail: "Build or load it, and apply again; mlp pulls no images by itself."}
	case err != nil:
		return nil, &Failure{Kind: kind, Summary: err.Error()}
	}
	r.found.Store(n.Address, version)
	return r.versioned(n), nil
}

// imageVersion asks the executor that a stage runs on what the stage's image is.
// Engines of two machines may mean different images by one name, so that the one that will run the stage is asked.
func (r *run) imageVersion(ctx context.Context, n *plan.Node) (string, error) {
	ex := r.Placement.For(n)
	resolver, ok := ex.(executor.Resolver)
	if !ok {
		return "", executor.ErrUnsupported
	}
	id, platform, err := resolver.Resolve(ctx, n.Remote().External.Root)
	return plan.ImageVersion(id, platform), err
}

// scoring is how the model of a release is used, in the image that it was made in.
func (r *run) scoring(rel *plan.Release) *plan.Scoring {
	s := rel.Scoring
	if s == nil || s.Image == nil || s.Image.Version != "" {
		return s
	}
	same := *s
	if version, ok := r.found.Load(rel.Model.From); ok {
		same.Image = plan.Outside(plan.ImagePort, s.Image.Root, version.(string)).External
	} else if maker := r.graph.node(s.Image.Root); maker != nil && maker.outcome != nil && maker.outcome.node != nil {
		same.Image = plan.MadeImage(s.Image.Root, maker.outcome.node.Outputs[plan.ImagePort])
	}
	return &same
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
