package cli

import (
	"errors"

	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// Exit codes, as spec/cli.md lists them. Where several hold, the first of 1, 6, 5, 3, 4, 2 is taken.
const (
	exitOK       = 0
	exitError    = 1
	exitChanges  = 2
	exitGate     = 3
	exitApproval = 4
	exitStale    = 5
	exitLocked   = 6
)

// exitCode is an outcome that has been told already: only the code is left to give. report prints nothing for one. It
// may be exitOK, where a hidden command passes on the code of a stage.
type exitCode int

func (e exitCode) Error() string { return "exit" }

// failure is an error of the command line with what to do about it, and an exit code of its own. Use cases return a
// workspace.Failure instead; report shows both alike.
type failure struct {
	err  error
	hint string // a whole sentence below the error; "" for none
	code int    // 0: as codeOf takes the error that is wrapped
}

func (e *failure) Error() string { return e.err.Error() }
func (e *failure) Unwrap() error { return e.err }

// codeOf is the exit code of what a command returned. Errors are looked through to whatever they wrap, so that a locked
// state is 6 whether a use case returned the LockedError or joined it with the error of closing the store.
func codeOf(err error) int {
	var code exitCode
	var f *failure
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &f) && f.code != 0:
		return f.code
	}
	var undone *workspace.Failure
	var stale *engine.StaleError
	switch {
	case errors.Is(err, state.ErrLocked), errors.Is(err, state.ErrMoved):
		return exitLocked
	case errors.As(err, &stale), errors.As(err, &undone) && undone.Stale:
		return exitStale
	}
	return exitError
}
