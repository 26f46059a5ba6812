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
// Images are built by the container engine of this machine in any case.
type Placed struct{ Builtin, Foreign, Fetching, Building executor.Executor }

// Place opens the executors that a plan needs. Stages that run an image of their own do so in containers, of the cluster where that runs stages, and else also where
// built-in components run as processes; without an engine, a plan that has to run one is refused before anything runs.
// Close it. After an error nothing is left open.
func Place(ctx context.Context, p *plan.Plan, o ExecutorOptions) (_ *Placed, err error) {
	placed := &Placed{}
	if placed.Builtin, err = OpenExecutor(ctx, o); err != nil {
		return nil, err
	}
	placed.Foreign, placed.Fetching, placed.Building = placed.Builtin, placed.Builtin, placed.Builtin
	if placed.Builtin.Name() != "process" && slices.ContainsFunc(p.Nodes, placed.here) {
		with := o
		with.Name = "process"
		if placed.Fetching, err = OpenExecutor(ctx, with); err != nil {
			return nil, errors.Join(err, placed.Builtin.Close())
		}
	}
	if err := placed.foreign(ctx, p, o); err != nil {
		return nil, errors.Join(err, placed.Close())
	}
	if err := placed.seenTo(p); err != nil {
		return nil, errors.Join(err, placed.Close())
	}
	return placed, nil
}

// foreign opens the executor of stages that run or build an image of their own, where that is another one.
func (placed *Placed) foreign(ctx context.Context, p *plan.Plan, o ExecutorOptions) error {
	name := placed.Builtin.Name()
	runsImage := func(n *plan.Node) bool { return n.Container != nil && (name != onKubernetes || n.Builds()) }
	if name == "docker" || !slices.ContainsFunc(p.Nodes, runsImage) {
		return nil
	}
	o.Name = "docker"
	foreign, err := OpenExecutor(ctx, o)
	if err == nil {
		placed.Building = foreign
		if name != onKubernetes {
			placed.Foreign = foreign
		}
		return nil
	}
	if i := slices.IndexFunc(p.Nodes, func(n *plan.Node) bool { return runsImage(n) && toRun(n) }); i >= 0 {
		n, does := p.Nodes[i], "builds an image"
		if !n.Builds() {
			does = "runs the image " + n.Image().Root
		}
		return &Failure{Err: fmt.Errorf("%s %s, which needs a container engine: %w", n.Address, does, err),
			Hint: "Start the engine, or set DOCKER_HOST to one that runs."}
	}
	return nil // what foreign stages yielded is known
}

// toRun reports whether an apply runs a stage, or may do so.
func toRun(n *plan.Node) bool { return n.Verdict == plan.Run || n.Verdict == plan.MayRun }

// seenTo refuses a plan with a stage that is to run where nobody sees to a resource that it asks for.
func (placed *Placed) seenTo(p *plan.Plan) error {
	for _, n := range p.Nodes {
		if !toRun(n) {
			continue
		}
		ex := placed.For(n)
		var places []string
		if placer, ok := ex.(executor.Placer); ok {
			places = placer.Places()
		}
		for _, name := range n.Resources.Asked() {
			if !slices.Contains(places, name) {
				return &Failure{Err: fmt.Errorf("%s asks for %s, which the executor %s does not see to", n.Address, name, ex.Name()),
					Hint: fmt.Sprintf("Run it with --executor kubernetes, or make %s null there: %s = variable.cluster ? … : null.", name, name)}
			}
		}
	}
	return nil
}

// For returns the executor of a stage.
func (p *Placed) For(n *plan.Node) executor.Executor {
	switch {
	case n.Builds():
		return p.Building
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
	return n.Fetches() || remote && onlyHere(n)
}

// onlyHere reports whether a built-in component fetches, or reads files of this machine, so that no cluster can run it.
func onlyHere(n *plan.Node) bool {
	return n.Container == nil && slices.ContainsFunc(n.Inputs, func(in plan.Input) bool { return in.External != nil })
}

// All are the executors, each once.
func (p *Placed) All() []executor.Executor {
	out := []executor.Executor{p.Builtin}
	for _, ex := range []executor.Executor{p.Foreign, p.Fetching, p.Building} {
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
