package workspace

import (
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// Shell is a shell that an apply opens in place of one stage, where all is laid out for it.
type Shell struct {
	Address string
	At      executor.Terminal
	// Open is told what the stage would run, just before the shell is open: a command, or the name of a built-in component.
	Open   func(command []string)
	Opened bool // it was: the stage then counts as failed, since nothing of it is kept
}

// on places the stages of a plan as placed does, but for the one that the shell is in place of.
func (s *Shell) on(placed engine.Placement) engine.Placement {
	if s == nil {
		return placed
	}
	return shelled{placed, s}
}

// shelled is a placement with a shell.
type shelled struct {
	engine.Placement
	shell *Shell
}

// For is the executor that opens the shell, of its stage.
func (s shelled) For(n *plan.Node) executor.Executor {
	ex := s.Placement.For(n)
	if n.Address != s.shell.Address {
		return ex
	}
	return &executor.Shelled{Executor: ex, At: s.shell.At, Ended: func() { s.shell.Opened = true }, Begin: func(t executor.Task) {
		if t.Container != nil {
			s.shell.Open(t.Container.Command)
		} else {
			s.shell.Open([]string{t.Spec.Component})
		}
	}}
}
