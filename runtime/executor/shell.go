package executor

import (
	"context"
	"io"

	"github.com/mlp-lang/mlp/runtime/component"
)

// Sheller opens a shell where a stage would run: with its inputs laid out, as its user, within its limits and with its environment. It returns when the shell has ended. The stage's own
// command is not run, and the time-out is not kept. A stage whose image has no shell is ErrUnsupported.
type Sheller interface {
	Shell(ctx context.Context, t Task, at Terminal) error
}

// Terminal is whoever sits before a shell.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
	// Raw takes the terminal out of its own line editing, which the shell's does then, and returns what undoes that; nil: In is no terminal.
	Raw func() (restore func(), err error)
	// Size is the terminal's, in characters; nil where Raw is.
	Size func() (width, height int)
}

// Shelled is an executor that opens a shell in place of one stage.
type Shelled struct {
	Executor
	At    Terminal
	Begin func(Task) // is told of the task before the shell is open
	Ended func()     // is told that the shell was open, and has ended
}

// Run opens the shell. The stage then counts as failed: what was done by hand is no result of it.
func (s *Shelled) Run(ctx context.Context, t Task) (Result, error) {
	sheller, ok := s.Executor.(Sheller)
	if !ok {
		return Result{}, ErrUnsupported
	}
	s.Begin(t)
	if err := sheller.Shell(ctx, t, s.At); err != nil {
		return Result{}, err
	}
	s.Ended()
	if t.Log != nil {
		_, _ = io.WriteString(t.Log, `{"mlp":"error","summary":"a shell was open in its place, of which nothing is kept"}`+"\n")
	}
	return Result{ExitCode: component.ExitNever}, nil
}
