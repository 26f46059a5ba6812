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
// The plan's node is shared with others and is not changed; what was found is kept by address and port for the rest of the run (found).
func (r *run) asked(ctx context.Context, n *plan.Node) (*plan.Node, error) {
	for _, in := range n.Remotes() {
		if in.External.Version != "" {
			continue
		}
		if err := r.ask(ctx, n, in); err != nil {
			return nil, err
		}
	}
	return r.versioned(n), nil
}

// input names an input of a stage.
type input struct{ address, port string }

// ask finds the version of what lies elsewhere.
func (r *run) ask(ctx context.Context, n *plan.Node, in *plan.Input) error {
	ask, kind := r.Version, attempt.ExitFailure
	if n.Container != nil {
		ask, kind = func(ctx context.Context, n *plan.Node) (string, error) {
			return r.imageVersion(ctx, n, in.External.Root)
		}, attempt.EngineFailure
	}
	if ask == nil {
		return attempt.Failuref(kind, "the version of %s is not known, and nobody asks for it", in.External.Root)
	}
	version, err := ask(ctx, n)
	switch {
	case errors.Is(err, executor.ErrImage):
		return &Failure{Kind: attempt.ImageFailure, Summary: err.Error(), Detail: "Build, load or push it, and apply again. One whose name says no registry, as registry.example/trainer:1 does, must be in the engine."}
	case err != nil:
		return &Failure{Kind: kind, Summary: err.Error()}
	}
	r.found.Store(input{n.Address, in.Port}, version)
	return nil
}

// imageVersion asks the executor that a stage runs on what an image of the stage is.
// Engines of two machines may mean different images by one name, so that the one that will run the stage is asked.
func (r *run) imageVersion(ctx context.Context, n *plan.Node, name string) (string, error) {
	ex := r.Placement.For(n)
	resolver, ok := ex.(executor.Resolver)
	if !ok {
		return "", executor.ErrUnsupported
	}
	id, platform, err := resolver.Resolve(ctx, name)
	return plan.ImageVersion(id, platform), err
}

// scoring is how the model of a release is used, in the image that it was made in.
func (r *run) scoring(rel *plan.Release) *plan.Scoring {
	s := rel.Scoring
	if s == nil || s.Image == nil || s.Image.Version != "" {
		return s
	}
	same := *s
	if version, ok := r.found.Load(input{rel.Model.From, plan.ImagePort}); ok {
		same.Image = plan.Outside(plan.ImagePort, s.Image.Root, version.(string)).External
	} else if maker := r.graph.node(s.Image.Root); maker != nil && maker.outcome != nil && maker.outcome.node != nil {
		same.Image = plan.MadeImage(s.Image.Root, maker.outcome.node.Outputs[plan.ImagePort])
	}
	return &same
}

// versioned is the stage with the versions that were asked for.
func (r *run) versioned(n *plan.Node) *plan.Node {
	same := *n
	same.Inputs = slices.Clone(n.Inputs)
	changed := false
	for _, in := range same.Remotes() {
		version, ok := r.found.Load(input{n.Address, in.Port})
		if !ok {
			continue
		}
		external := *in.External
		external.Version = version.(string)
		in.External, in.Digest, changed = &external, plan.VersionDigest(external.Version), true
	}
	if !changed {
		return n
	}
	return &same
}
