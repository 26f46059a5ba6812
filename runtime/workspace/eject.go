package workspace

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/eject"
	"github.com/mlp-lang/mlp/stdlib"
)

// Eject writes the pipeline as a folder that make runs (package eject). It goes by what is recorded: a stage of which nothing is recorded is written too, and has no
// digest to compare with.
func (s *Session) Eject(ctx context.Context, dir string) (*eject.Written, error) {
	p, err := s.Plan(ctx, nil)
	if err != nil {
		return nil, err
	}
	module, err := filepath.Abs(s.w.Dir)
	if err != nil {
		return nil, err
	}
	out, err := eject.Write(ctx, p, eject.Options{Dir: dir, Module: module, Store: s.Store, Version: Version()})
	var refused *eject.RefusedError
	switch {
	case errors.Is(err, eject.ErrExists):
		return nil, &Failure{Err: err, Hint: "Name a folder that is not there, or has nothing in it."}
	case errors.As(err, &refused):
		return nil, &Failure{Err: err, Hint: "Nothing was written."}
	}
	return out, err
}

// StageComponent finds a component that `mlp stage` runs: those of the standard library, and those of ejected folders.
func StageComponent(name string) *component.Component {
	if c := eject.Component(name, Convert); c != nil {
		return c
	}
	return stdlib.Component(name)
}
