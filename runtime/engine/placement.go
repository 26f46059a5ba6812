package engine

import (
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// Placement says on which executor each stage runs: built-in components as processes, say, and `train.scorer`, which runs
// an image of its own, in a container.
type Placement interface {
	// For returns the executor of a stage, the same whenever it is asked.
	For(n *plan.Node) executor.Executor
	// All are the executors that there are, each once. What dead applies left is removed from all of them.
	All() []executor.Executor
}

// On places every stage on one executor.
func On(ex executor.Executor) Placement { return one{ex} }

// one places every stage alike.
type one struct{ ex executor.Executor }

func (o one) For(*plan.Node) executor.Executor { return o.ex }
func (o one) All() []executor.Executor         { return []executor.Executor{o.ex} }
