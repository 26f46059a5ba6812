// Package stagetest runs one component in a test as the engine would: shaped by the SQL engine, from files to files.
//
//	r := stagetest.Run(t, hash.Component, stagetest.Block{
//		Address: "split.x", Config: `{"test": 0.2}`,
//		Tables:  map[string]stagetest.Table{"from": {SQL: "select i as id from range(100) r(i)"}},
//	})
//	rows := r.Frame(t, "test").Rows
//
// What is true of a stage in an apply is true of it here: inputs are Parquet files whose rows are sorted, the description goes through
// JSON, the component reads and writes files of its folder alone, on one thread. There is no store and no second process, so that a
// test of a component takes milliseconds. Calls end the test where they go wrong, but for errors of the component itself.
package stagetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Table is an input: the rows of a query, and what is declared of them, such as a key. Columns are the query's, unless the schema has
// some, as it must where a column is to be marked (pii).
type Table struct {
	SQL    string
	Schema schema.Table
}

// Block is a block of a module with its inputs by port.
type Block struct {
	Address string
	Config  string // JSON
	Tables  map[string]Table
	Files   map[string]string // from outside, by name, at the port "files"
	Models  map[string]Model
}

// Model is an input: the folder of a model, and its signature as it is known before anything ran.
type Model struct {
	Dir   string
	Shape *schema.Model
}

// Result of a block that was run. Root is the stage's folder, of the test's own; Err is the component's own error, for the test to
// look at.
type Result struct {
	Root  string
	Shape schema.ShapeResult
	Log   string
	Err   error // of Run; not run if Shape has problems
}

// Shape asks the component what the block yields.
// No table is written for that, since a shape depends on columns alone.
func Shape(t testing.TB, c component.Component, b Block) schema.ShapeResult {
	t.Helper()
	binder := table.NewBinder(nil)
	defer binder.Close()
	return c.Shape(t.Context(), binder, schema.ShapeRequest{Address: b.Address, Config: json.RawMessage(b.Config), In: inputs(t, binder, b)})
}

// inputs are the shapes of the ports. Columns that the test declares take the place of the query's.
func inputs(t testing.TB, binder *table.Binder, b Block) map[string]schema.Shape {
	t.Helper()
	in := map[string]schema.Shape{}
	for port, tab := range b.Tables {
		columns, problems := binder.Query(t.Context(), tab.SQL, nil)
		if len(problems) > 0 {
			t.Fatalf("input %s: %v", port, problems)
		}
		s := tab.Schema
		if s.Columns == nil {
			s.Columns = columns
		}
		in[port] = schema.Shape{Type: schema.TablePort, Table: &s}
	}
	for port, m := range b.Models {
		in[port] = schema.Shape{Type: schema.ModelPort, Model: m.Shape}
	}
	return in
}

// Run shapes and runs the block. Problems that are errors end the test.
func Run(t testing.TB, c component.Component, b Block) *Result {
	t.Helper()
	return RunContext(t.Context(), t, c, b)
}

// RunContext is Run with a context of one's own for the component: one that has ended, or ends in the middle, shows what a stage that is
// cancelled leaves.
func RunContext(ctx context.Context, t testing.TB, c component.Component, b Block) *Result {
	t.Helper()
	binder := table.NewBinder(nil)
	defer binder.Close()
	in := inputs(t, binder, b)
	r := &Result{Root: t.TempDir()}
	r.Shape = c.Shape(t.Context(), binder, schema.ShapeRequest{Address: b.Address, Config: json.RawMessage(b.Config), In: in})
	for _, p := range r.Shape.Problems {
		if !p.Warning {
			t.Fatalf("%s: %s: %s", p.Path, p.Summary, p.Detail)
		}
	}
	s := &component.Stage{Root: r.Root, Threads: 1, Spec: component.Spec{Protocol: component.Protocol, Address: b.Address,
		Component: c.Name(), Version: c.Type.Version, Config: json.RawMessage(b.Config), In: in, Out: r.Shape.Out}}
	for port, tab := range b.Tables {
		write(t, s.InputTable(port), tab.SQL)
	}
	for port, m := range b.Models {
		if err := os.CopyFS(filepath.Join(r.Root, "in", port), os.DirFS(m.Dir)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range b.Files {
		path := filepath.Join(s.Input("files"), name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	r.Log, r.Err = call(ctx, t, c, s)
	return r
}

// write stores the rows of a query as a stage would, ordered by all columns.
func write(t testing.TB, path, sql string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Run(t.Context(), table.Query{SQL: sql, Out: path}); err != nil {
		t.Fatal(err)
	}
}

// call runs the component on a stage that was read back from its description, as another process reads it: what a component rests on
// and JSON does not carry is found here.
func call(ctx context.Context, t testing.TB, c component.Component, s *component.Stage) (string, error) {
	t.Helper()
	spec, err := json.Marshal(s.Spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(s.Root, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Root, "stage.json"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	opened, err := component.Open(s.Root, s.Threads, &log)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Run(ctx, opened)
	return log.String(), err
}

// Progress is how far a stage said that it was, in hundredths, by its log. A bar that goes back or beyond its end fails the test.
func Progress(t testing.TB, log string) []int {
	t.Helper()
	var out []int
	for line := range strings.Lines(log) {
		m, ok := component.ParseMessage(line)
		if !ok || m.Kind != component.ProgressMessage {
			continue
		}
		at := m.Done * 100 / max(m.Total, 1)
		if at > 100 || len(out) > 0 && at <= out[len(out)-1] {
			t.Errorf("the bar stands at %d of %d after %d in a hundred", m.Done, m.Total, out)
		}
		out = append(out, at)
	}
	return out
}

// Path of the file of an output table, whether it was written or not.
func (r *Result) Path(port string) string {
	return filepath.Join(r.Root, "out", port, component.TableFile)
}

// Frame reads an output table. It ends the test where the component failed, so a test that expects an error looks at Err alone.
func (r *Result) Frame(t testing.TB, port string) *frame.Frame {
	t.Helper()
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	f, err := table.ReadFrame(t.Context(), r.Path(port), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Text reads an output table as text: one line a row, values parted by " | ", null for nulls.
func (r *Result) Text(t testing.TB, port string) []string {
	t.Helper()
	f := r.Frame(t, port)
	out := make([]string, f.Rows)
	for i := range out {
		for j := range f.Columns {
			if j > 0 {
				out[i] += " | "
			}
			out[i] += Value(&f.Columns[j], i)
		}
	}
	return out
}

// Figures reads metrics.json. Numbers are float64, whatever they were in the component.
func (r *Result) Figures(t testing.TB) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.Root, "out", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Read returns the rows of a query, in the order in which an input of it is stored.
func Read(t testing.TB, sql string) *frame.Frame {
	t.Helper()
	path := filepath.Join(t.TempDir(), component.TableFile)
	write(t, path, sql)
	f, err := table.ReadFrame(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
