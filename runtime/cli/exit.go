package cli

import (
	"errors"

	"github.com/mlp-lang/mlp/lang/source"
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

// exitCode is an outcome that has been told already: only the code is left to give.
type exitCode int

func (e exitCode) Error() string { return "exit" }

// diagnosed is a failure that consists of diagnostics about files.
type diagnosed struct {
	diags source.Diagnostics
	files map[string][]byte
}

func (e *diagnosed) Error() string { return "the module has errors" }

// failure is an error with what to do about it and an exit code of its own.
type failure struct {
	err  error
	hint string
	code int
}

func (e *failure) Error() string { return e.err.Error() }
func (e *failure) Unwrap() error { return e.err }

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
	return exitError
}
