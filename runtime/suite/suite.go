// Package suite runs the tests of a module: files of tests (*.mlptest) beside its own.
//
// Load reads all tests and checks all of them before anything runs: what they override and set is compiled with the module
// as a plan would be (compile.go), what they give and expect is typed by the module's tables and figures (given.go, rows.go,
// expect.go), what they assert by the names that they may use (env.go). Run plans each test with what is given in place of
// what would run, applies it where it says so (run.go), and compares. Every test has a state of its own in a store that
// all share and that goes with the suite; so what one test trained, another need not train again, while no plan knows of
// any other test.
package suite

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store"
)

// Options are what tests rest on. All but Filter, Parallelism, Started and Convert are required.
type Options struct {
	Dir     string            // of the module
	Tests   map[string][]byte // files of tests, by name
	Module  *syntax.Module    // as parsed; without a pipeline block where other modules call it
	Catalog *schema.Catalog   // of blocks
	Resolve resolve.Options   // of the module, with the values of variables that tests do not set
	Library Library
	Tables  Tables
	// Image is what an image's name means (plan.ImageVersion).
	Image func(ctx context.Context, name string) (version string, err error)
	// Executor runs stages; it is asked for when the first one has to run, once for built-in components and once for
	// foreign stages, which run an image of their own.
	Executor func(ctx context.Context, storeRoot string, foreign bool) (executor.Executor, error)
	Convert  func(ctx context.Context, from, to string, table *schema.Table, src, dst string) error

	// Unquoted reports whether messages must not quote files outside.
	Unquoted func(*plan.External) bool

	// Filter tells which tests are wanted, by "file: name"; nil: all. Those that they go on from run as well.
	Filter      func(file, name string) bool
	Parallelism int // tests, and stages, at a time
	ToolVersion string
}

// Library is what the compiler and the planner need of the components.
type Library interface {
	front.Library
	// Files lists the files that a source means, as component.Source does; dir is the folder of the block's module.
	Files(kind, typ, dir string, config json.RawMessage) (root string, names []string, err error)
}

// Tables reads and writes tables; it is the SQL engine.
type Tables interface {
	// Load makes a table of a CSV file with a header, with these columns; an empty field is null, unless it is quoted.
	// Messages name the file as name says.
	Load(ctx context.Context, path, name string, columns []schema.Column, out string) error
	// Select makes a table of a query; its rows are stored in the order of the key, then of all columns.
	Select(ctx context.Context, query string, tables map[string]string, columns []schema.Column, key []string, out string) error
	// Each calls f with each row of a query: float64, string, bool, nil for null.
	Each(ctx context.Context, query string, tables map[string]string, f func(row []any) error) error
}

// Suite is a set of tests that are ready to run. Close it.
type Suite struct {
	o      Options
	folder *scratch.Folder // of the store
	store  *store.Store
	tests  []*test
	files  map[string][]byte // of the tests and the module, for messages
	exec   *executors
	// loaded are the tables made of rows that tests write, by what is written.
	loaded map[string]plan.Digest
}

// Load reads and checks the tests. With errors there is nothing to run. The files are for showing the diagnostics.
func Load(ctx context.Context, o Options) (*Suite, map[string][]byte, source.Diagnostics, error) {
	tests, diags := read(o)
	files := allFiles(o)
	if diags.HasErrors() {
		return nil, files, diags, nil
	}
	folder, err := scratch.New(scratch.Test)
	if err != nil {
		return nil, files, nil, err
	}
	s := &Suite{o: o, tests: tests, files: files, folder: folder, exec: newExecutors(o, folder.Dir), loaded: map[string]plan.Digest{}}
	if s.store, err = store.Open(folder.Dir); err == nil {
		diags, err = s.compile(ctx)
	}
	if err != nil || diags.HasErrors() {
		return nil, s.files, diags, errors.Join(err, s.Close())
	}
	return s, s.files, diags, nil
}

// Check reads and types tests as Load does, for editors: rows are not made into tables, and nothing can be run. Of each
// test it tells what its assertions see, by the test's name; nil where the module has mistakes.
func Check(ctx context.Context, o Options) (map[string]*schema.FigureType, source.Diagnostics, error) {
	tests, diags := read(o)
	s := &Suite{o: o, tests: tests, files: allFiles(o)}
	more, err := s.compile(ctx)
	sees := map[string]*schema.FigureType{}
	for _, t := range s.tests {
		if t.module != nil {
			sees[t.name] = environment(t.module)
		}
	}
	return sees, append(diags, more...).Sort(), err
}

func allFiles(o Options) map[string][]byte {
	out := map[string][]byte{}
	for _, files := range []map[string][]byte{o.Module.Files, o.Tests} {
		for name, text := range files {
			out[name] = text
		}
	}
	return out
}

// Close frees what the suite holds, and leaves nothing of it on the disk.
func (s *Suite) Close() error {
	err := s.exec.close()
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	return errors.Join(err, s.folder.Close())
}

// Status of a test.
type Status string

const (
	Passed  Status = "passed"
	Failed  Status = "failed"  // what it asks for is not so
	Errored Status = "error"   // it could not be carried out
	Skipped Status = "skipped" // the test that it goes on from did not pass
)

// Result is what came of a test.
type Result struct {
	File     string        `json:"file"`
	Name     string        `json:"name"`
	Line     int           `json:"line"`
	Status   Status        `json:"status"`
	Run      string        `json:"run"` // "plan" or "apply"
	Executor string        `json:"executor,omitempty"`
	Ran      []string      `json:"ran,omitempty"` // stages that ran, sorted
	Failures []Failure     `json:"failures,omitempty"`
	Duration time.Duration `json:"-"`
}

// Failure is one reason why a test did not pass.
type Failure struct {
	Kind    string       `json:"kind"` // "assert", "expect", "failed", "not_failed", "error"
	Summary string       `json:"summary"`
	Detail  string       `json:"detail,omitempty"` // several lines
	Range   source.Range `json:"range,omitzero"`
}
