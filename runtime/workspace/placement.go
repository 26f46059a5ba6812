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
// be one.
type Placed struct{ Builtin, Foreign executor.Executor }

// Place opens the executors that a plan needs. Stages that run an image of their own do so in containers, also where
// built-in components run as processes; without an engine, a plan that has to run one is refused before anything runs. Close it.
func Place(ctx context.Context, p *plan.Plan, o ExecutorOptions) (_ *Placed, err error) {
	placed := &Placed{}
	if placed.Builtin, err = OpenExecutor(ctx, o); err != nil {
		return nil, err
	}
	placed.Foreign = placed.Builtin
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
		return nil, errors.Join(&Failure{Err: fmt.Errorf("%s runs the image %s, which needs a container engine: %w", n.Address, n.Container.Image, err),
			Hint: "Start the engine, or set DOCKER_HOST to one that runs."}, placed.Close())
	}
	return placed, nil // what foreign stages yielded is known
}

// For returns the executor of a stage.
func (p *Placed) For(n *plan.Node) executor.Executor {
	if n.Container != nil {
		return p.Foreign
	}
	return p.Builtin
}

// All are the executors, each once.
func (p *Placed) All() []executor.Executor {
	if p.Foreign == p.Builtin {
		return []executor.Executor{p.Builtin}
	}
	return []executor.Executor{p.Builtin, p.Foreign}
}

// Close closes them.
func (p *Placed) Close() error {
	var err error
	for _, ex := range p.All() {
		err = errors.Join(err, ex.Close())
	}
	return err
}
