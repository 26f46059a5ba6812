// Package suite runs the tests of a module: files of tests (*.mlptest) beside its own.
//
// Load reads all tests and checks all of them before anything runs: what they override and set is compiled with the module
// as a plan would be (compile.go), what they give and expect is typed by the module's tables and figures (given.go, rows.go,
// expect.go), what they assert by the names that they may use (env.go). Run plans each test with what is given in place of
// what would run, applies it where it says so (run.go), and compares. Every test has a state of its own in a store that
// all share and that goes with the suite; so what one test trained, another need not train again, while no plan knows of
// any other test.
//
// An example. The file release.mlptest beside a module has
//
//	given "evaluate.holdout" { metrics = { recall = 0.71 } }
//
//	test "a weak model is held" {
//	  assert "gate" { that = "gate.release.verdict == 'fail'" }
//	}
//
//	test "a strong one is released" {
//	  after = "a weak model is held"
//	  run   = "apply"
//	  given "evaluate.holdout" { metrics = { recall = 0.93 } }
//	  assert "live" { that = "deploy.scorer.released" }
//	}
//
// Load goes through these steps, and stops after any that found mistakes, so that nothing runs of a suite with one:
//
//  1. read: each file is parsed with the language of tests, and each test gets what stands outside of tests and what the
//     tests have that it goes on from, before its own; of several givens of one address the last is left. The second test
//     so has one given, with 0.93.
//  2. choose: tests that the filter does not want are left out, but for those that a wanted one goes on from.
//  3. module: the module is compiled once for each different set of variables and overrides (test.key). Both tests here
//     have none, and share one compiled module.
//  4. check: what is given and expected is found in that module and typed by its tables and figures, assertions are
//     compiled against the names and types that they may use (environment).
//  5. load: rows that are given or expected become tables in the suite's store, each different text once.
//
// Run starts a goroutine for each test, which waits for the test that it goes on from, then for room. A test
//
//  1. begins with an empty state, or that of the test before, and with what is given as live (begin),
//  2. makes a plan in which given results take the place of stages, and records them as if those had run (makePlan),
//  3. carries the plan out, whole or for its targets, where it says so (apply),
//  4. compares failures with those expected, tables with those expected, and decides its assertions.
//
// What holds between tests: a plan knows only results of its own test and of those before it (actions), though all lie
// in one store. When the engine reaches a stage whose fingerprint another test has recorded, the result is taken from
// there; so ten tests that train the same model train it once, while each plan says that the training would run.
package suite

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/mlp-lang/mlp/compiler/check"
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

// Options are what tests rest on. All but Filter, Parallelism, Unquoted and Convert are required; Check
// does without Image, Code, Bases and Executor.
type Options struct {
	Dir     string            // of the module
	Tests   map[string][]byte // files of tests, by name
	Module  *syntax.Module    // as parsed; without a pipeline block where other modules call it
	Catalog *schema.Catalog   // of blocks
	Resolve resolve.Options   // of the module, with the values of variables that tests do not set
	Library Library
	Tables  Tables
	// Image is what an image's name means (plan.ImageVersion). Its errors are taken for "not known yet" by plans.
	Image func(ctx context.Context, name string) (version string, err error)
	// Code finds the files of code that a block means (workspace.Workspace.Code).
	Code func(ctx context.Context, s *store.Store, b *check.Block, at string, files []schema.Files) (*plan.External, plan.Digest, error)
	// Bases are the images that a block's build rests on (workspace.Workspace.Bases).
	Bases func(b *check.Block, build *schema.Build, given []string) ([]string, error)
	// Executor runs stages; it is asked for when the first one has to run, once for built-in components and once for
	// foreign stages, which run an image of their own.
	Executor func(ctx context.Context, storeRoot string, foreign bool) (executor.Executor, error)
	Convert  func(ctx context.Context, from, to string, table *schema.Table, src, dst string) error

	// Unquoted reports whether messages must not quote files outside.
	Unquoted func(*plan.External) bool

	// Filter tells which tests are wanted, by "file: name"; nil: all. Those that they go on from run as well.
	// Called once a test, while the suite is loaded.
	Filter      func(file, name string) bool
	Parallelism int // tests, and stages, at a time
	ToolVersion string
}

// Library is what the compiler and the planner need of the components.
// Calls may come from several tests at a time once the suite runs.
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

// Suite is a set of tests that are ready to run, once. Close it, also after an interrupt: the store may hold as much
// data as an apply of the module.
type Suite struct {
	o      Options
	folder *scratch.Folder // of the store
	store  *store.Store
	tests  []*test           // in the order of file names and of the text; those not wanted are gone after choose
	files  map[string][]byte // of the tests and the module, for messages
	exec   *executors
	// loaded are the tables made of rows that tests write, by what is written.
	loaded map[string]plan.Digest
}

// Load reads and checks the tests. The suite is nil where there are diagnostics of errors, or an error that is no
// mistake of tests, such as a full disk; nothing is left on the disk then. The files are for showing the diagnostics,
// with sensitive values blotted out, and are returned in any case.
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

// allFiles are the texts of module and tests by name. A map of its own: compiling adds the files of called modules to
// it.
func allFiles(o Options) map[string][]byte {
	out := map[string][]byte{}
	for _, files := range []map[string][]byte{o.Module.Files, o.Tests} {
		for name, text := range files {
			out[name] = text
		}
	}
	return out
}

// Close ends the executors and removes the store. It may be called on a suite that failed to load half way.
func (s *Suite) Close() error {
	err := s.exec.close()
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	return errors.Join(err, s.folder.Close())
}

// Status of a test. In JSON it is this text.
type Status string

const (
	Passed  Status = "passed"  //
	Failed  Status = "failed"  // what it asks for is not so
	Errored Status = "error"   // it could not be carried out
	Skipped Status = "skipped" // the test that it goes on from did not pass
)

// Result is what came of a test. Whoever is handed one by Observer.Done or Run must not change it.
type Result struct {
	File     string        `json:"file"`
	Name     string        `json:"name"`
	Line     int           `json:"line"` // of the test's header, from 1
	Status   Status        `json:"status"`
	Run      string        `json:"run"`                // "plan" or "apply"
	Executor string        `json:"executor,omitempty"` // what ran the stages, of foreign ones if there are: "process" or "docker"; empty in a plan
	Ran      []string      `json:"ran,omitempty"`      // stages that ran, sorted
	Failures []Failure     `json:"failures,omitempty"`
	Duration time.Duration `json:"-"`
}

// Failure is one reason why a test did not pass. Summary is one line without a point at its end.
type Failure struct {
	Kind    string       `json:"kind"` // "assert", "expect", "failed", "not_failed", "error"
	Summary string       `json:"summary"`
	Detail  string       `json:"detail,omitempty"` // several lines
	Range   source.Range `json:"range,omitzero"`
}
