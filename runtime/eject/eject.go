// Package eject writes a plan as a folder that make runs, so that a team can go on without a plan, a state and an apply.
package eject

// What is written, for the stages split.holdout and train.model, of which the latter is a program in an image:
//
//	Makefile                    a target for each stage, in the order of their dependencies
//	stages/split.holdout.json   what the stage is told (spec/protocol.md), read by `mlp stage`
//	stages/train.model.sh       docker run …, for a stage that is a program, or is handed secrets
//	images/train.model/         a Dockerfile, where a stage makes the image of a program
//	module/data/payments.csv    files of the module that stages read, under their names in it
//	objects/6f1e…/              what no stage here makes: the model that is live, which a candidate is compared with
//	lib/                        what lies beside programs in Python
//	SHA256SUMS                  of every file that the recorded results have
//	README.md
//
// make lays each stage out under work/NAME as the protocol says, inputs as links to the outputs of others, so that a stage
// finds what it finds under an apply, and yields the same bytes. work/NAME/done is newer than all that the stage read.
//
// Built-in components are run by this binary (`mlp stage`), which needs neither module nor store nor state. Three things
// that an apply does around stages are stages of their own here, of components that only this package has (Component):
// tables as CSV for programs and back (eject.table), and the rules of checks and gates (eject.rules).
//
// What is not here: releases, approvals, retries and time-outs. The README says so, by name.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store"
)

// Options are what a plan is written with; all are required.
type Options struct {
	Dir     string       // the new folder
	Module  string       // the module's folder, which files outside are relative to
	Store   *store.Store // has what was recorded
	Version string       // of this binary
}

// Written is what became of a plan.
type Written struct {
	Stages, Programs, Gates int
	Files                   int   // of the module, and objects
	Bytes                   int64 // of these
	Sums                    int   // files whose digest is known
	Unrecorded              []string
}

// ErrExists marks a folder that has something in it.
var ErrExists = errors.New("it is there already, with files in it")

// RefusedError is a stage that cannot be written.
type RefusedError struct{ Address, Why string }

func (e *RefusedError) Error() string { return e.Address + " " + e.Why }

// Write writes the folder, whole or not at all.
func Write(ctx context.Context, p *plan.Plan, o Options) (out *Written, err error) {
	if entries, err := os.ReadDir(o.Dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s: %w", o.Dir, ErrExists)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(o.Dir), 0o755); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(filepath.Dir(o.Dir), ".eject-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	w := &writer{Options: o, ctx: ctx, plan: p, dir: filepath.Join(temp, "out"), written: &Written{}, copied: map[string]bool{}}
	if err := os.Mkdir(w.dir, 0o755); err != nil {
		return nil, err
	}
	if err := w.all(); err != nil {
		return nil, err
	}
	if err := os.Remove(o.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return w.written, os.Rename(w.dir, o.Dir)
}

// writer writes one plan.
type writer struct {
	Options
	ctx     context.Context
	plan    *plan.Plan
	dir     string // what becomes the folder
	targets []*target
	written *Written
	copied  map[string]bool // files below dir
	sums    []sum
}

// all writes everything: files first, since what they are called is what the Makefile says.
func (w *writer) all() error {
	if err := w.makeTargets(); err != nil {
		return err
	}
	for _, t := range w.targets {
		if err := w.describe(t); err != nil {
			return err
		}
	}
	if err := w.record(); err != nil {
		return err
	}
	for name, text := range map[string]string{"Makefile": w.makefile(), "README.md": w.readme(), "SHA256SUMS": sumsText(w.sums), "lib/rewrite.sh": rewriteScript} {
		if name == "lib/rewrite.sh" && !slices.ContainsFunc(w.targets, func(t *target) bool { return len(t.rewrites) > 0 }) {
			continue
		}
		if err := w.put(name, []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

// put writes a file of the folder.
func (w *writer) put(name string, text []byte) error {
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
