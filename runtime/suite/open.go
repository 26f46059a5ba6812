package suite

import (
	"context"
	"errors"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/workspace"
	"github.com/mlp-lang/mlp/stdlib"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Opening says how the tests of a workspace's module run.
type Opening struct {
	Settings    workspace.Settings // of variables that tests do not set
	Executor    string             // "docker", or "process" or "auto": only stages that run an image of their own are in containers
	Parallelism int
	NoEngine    func(where string)
}

// OptionsOf reads the module that is tested. Mistakes in it are a *front.Error; diagnostics are its warnings. The
// library is the caller's to close, after the suite. Pins of mlp.lock hold as in a plan. What the library finds out is
// not kept: tests leave nothing in .mlp.
func OptionsOf(w *workspace.Workspace, tests map[string][]byte, f Opening) (Options, *workspace.Library, source.Diagnostics, error) {
	lock, err := workspace.ReadLock(w.Dir)
	if err != nil {
		return Options{}, nil, nil, err
	}
	lib := w.NewLibrary(lock, table.NewBinder(nil))
	parsed, o, err := w.Parse(f.Settings, lib)
	if err == nil && o.Diagnostics.HasErrors() {
		err = &front.Error{Diagnostics: o.Diagnostics.Sort(), Files: o.Texts(parsed)}
	}
	if err != nil {
		return Options{}, nil, nil, errors.Join(err, lib.Close())
	}
	return Options{
		Dir: w.Dir, Tests: tests, Module: parsed, Catalog: stdlib.Catalog(), Library: lib, Tables: sqlTables{}, Resolve: o.Options, Code: w.Code, Bases: w.Bases,
		Executor: executorOf(f), Convert: workspace.Convert, Unquoted: w.Roots.Unquoted(w.Dir), Parallelism: f.Parallelism, ToolVersion: workspace.Version(),
	}, lib, o.Diagnostics, nil
}

// executorOf makes the executors of tests: processes for built-in components, unless docker is asked for, and containers for
// stages that run an image of their own.
func executorOf(f Opening) func(context.Context, string, bool) (executor.Executor, error) {
	return func(ctx context.Context, root string, foreign bool) (executor.Executor, error) {
		return workspace.OpenExecutor(ctx, workspace.ExecutorOptions{Name: executorName(f.Executor, foreign), Store: root, NoEngine: f.NoEngine})
	}
}

// executorName is the executor of built-in or foreign stages where one was asked for: an image runs in a container, whatever else does.
func executorName(asked string, foreign bool) string {
	if foreign || asked == "docker" {
		return "docker"
	}
	return "process"
}

// sqlTables is the SQL engine for tests.
type sqlTables struct{}

// Load reads CSV that a test gives, rows in the order of the text.
func (sqlTables) Load(ctx context.Context, path, name string, columns []schema.Column, out string) error {
	asked := make([]table.CSVColumn, len(columns))
	for i, c := range columns {
		asked[i] = table.CSVColumn{Column: c}
	}
	_, err := table.CSV{Files: []table.File{{Path: path, Name: name}}, Header: true, Unsorted: true}.Load(ctx, asked, out)
	return err
}

// Select is as in Tables.
func (sqlTables) Select(ctx context.Context, query string, from map[string]string, columns []schema.Column, key []string, out string) error {
	_, err := table.Run(ctx, table.Query{SQL: query, Tables: from, Columns: columns, OrderBy: key, Out: out})
	return err
}

// Each is as in Tables.
func (sqlTables) Each(ctx context.Context, query string, from map[string]string, f func(row []any) error) error {
	r, err := table.OpenReader(ctx, from)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.Query(ctx, query, f)
}
