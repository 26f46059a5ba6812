package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// Placed are the executors of a plan's stages: of built-in components, and of foreign stages, which run an image of their own. They may
// be one. Stages that fetch are processes in any case: they need the names, proxies and certificates of this machine, and run no
// code but ours. So are those that read files of this machine, where built-in components run on a cluster.
type Placed struct{ Builtin, Foreign, Fetching executor.Executor }

// Place opens the executors that a plan needs. Stages that run an image of their own do so in containers, also where
// built-in components run as processes; without an engine, a plan that has to run one is refused before anything runs.
// Close it. After an error nothing is left open.
func Place(ctx context.Context, p *plan.Plan, o ExecutorOptions) (_ *Placed, err error) {
	placed := &Placed{}
	if placed.Builtin, err = OpenExecutor(ctx, o); err != nil {
		return nil, err
	}
	placed.Foreign, placed.Fetching = placed.Builtin, placed.Builtin
	if placed.Builtin.Name() != "process" && slices.ContainsFunc(p.Nodes, placed.here) {
		with := o
		with.Name = "process"
		if placed.Fetching, err = OpenExecutor(ctx, with); err != nil {
			return nil, errors.Join(err, placed.Builtin.Close())
		}
	}
	runsImage := func(n *plan.Node) bool { return n.Container != nil }
	if placed.Builtin.Name() == "docker" || !slices.ContainsFunc(p.Nodes, runsImage) {
		return placed, nil
	}
	o.Name = "docker"
	foreign, err := OpenExecutor(ctx, o)
	if err == nil {
		placed.Foreign = foreign
		return placed, nil
	}
	toRun := func(n *plan.Node) bool { return runsImage(n) && (n.Verdict == plan.Run || n.Verdict == plan.MayRun) }
	if i := slices.IndexFunc(p.Nodes, toRun); i >= 0 {
		n := p.Nodes[i]
		return nil, errors.Join(&Failure{Err: fmt.Errorf("%s runs the image %s, which needs a container engine: %w", n.Address, n.Image().Root, err),
			Hint: "Start the engine, or set DOCKER_HOST to one that runs."}, placed.Close())
	}
	return placed, nil // what foreign stages yielded is known
}

// For returns the executor of a stage.
func (p *Placed) For(n *plan.Node) executor.Executor {
	switch {
	case n.Container != nil:
		return p.Foreign
	case p.here(n):
		return p.Fetching
	}
	return p.Builtin
}

// here reports whether a built-in component needs what only this machine has.
func (p *Placed) here(n *plan.Node) bool {
	_, remote := p.Builtin.(executor.Remote)
	return n.Fetches() || remote && slices.ContainsFunc(n.Inputs, func(in plan.Input) bool { return in.External != nil })
}

// All are the executors, each once.
func (p *Placed) All() []executor.Executor {
	out := []executor.Executor{p.Builtin}
	for _, ex := range []executor.Executor{p.Foreign, p.Fetching} {
		if !slices.Contains(out, ex) {
			out = append(out, ex)
		}
	}
	return out
}

// Close closes them, each once, all even if one fails.
func (p *Placed) Close() error {
	var err error
	for _, ex := range p.All() {
		err = errors.Join(err, ex.Close())
	}
	return err
}
