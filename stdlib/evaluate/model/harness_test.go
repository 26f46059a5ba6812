package model

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	trained "github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// evaluate is one run of the component over tables made by queries.
type evaluate struct {
	config  string
	data    string // SQL
	schema  schema.Table
	task    schema.Task
	target  string
	model   *trained.Bundle // nil: predictions come from a table
	opaque  string          // SQL of that table
	before  *outcome        // whose predictions are the challenger's
	threads int
	// unsorted stores the data in the order of all its columns, whatever its key.
	unsorted bool
}

type outcome struct {
	root    string
	shape   schema.ShapeResult
	figures map[string]any
	log     string
	err     error
}

func columnsOf(t *testing.T, b *table.Binder, sql string) []schema.Column {
	t.Helper()
	columns, problems := b.Query(t.Context(), sql, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return columns
}

// inputs are the shapes that the compiler would give.
func (e evaluate) inputs(t *testing.T, b *table.Binder) map[string]schema.Shape {
	data := e.schema
	data.Columns = columnsOf(t, b, e.data)
	in := map[string]schema.Shape{"data": {Type: schema.TablePort, Table: &data}}
	m := &schema.Model{Task: e.task, Target: e.target, Opaque: e.model == nil}
	if e.model == nil {
		in["predictions"] = schema.Shape{Type: schema.TablePort, Model: m, Table: &schema.Table{Columns: columnsOf(t, b, e.opaque)}}
	} else {
		for _, f := range e.model.Signature().Features {
			m.Features = append(m.Features, schema.Column{Name: f.Name, Type: f.Type})
		}
		if d := e.model.Decision(); d != nil {
			m.Decides = &schema.Decides{By: d.By, Equalize: d.Equalize}
		}
		in["model"] = schema.Shape{Type: schema.ModelPort, Model: m}
	}
	if e.before != nil {
		in["challenger"] = e.before.shape.Out["predictions"]
	}
	return in
}

func (e evaluate) run(t *testing.T) *outcome {
	t.Helper()
	b := table.NewBinder(nil)
	defer b.Close()
	in := e.inputs(t, b)
	o := &outcome{root: t.TempDir()}
	o.shape = shape(t.Context(), b, schema.ShapeRequest{Config: json.RawMessage(e.config), In: in})
	if len(o.shape.Problems) > 0 {
		return o
	}
	spec, err := json.Marshal(component.Spec{Protocol: component.Protocol, Address: "evaluate.x", Component: Component.Name(),
		Version: Component.Type.Version, Config: json.RawMessage(e.config), In: in, Out: o.shape.Out})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(o.root, "stage.json"), spec)
	e.writeInputs(t, o.root)
	if err := os.MkdirAll(filepath.Join(o.root, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, err := component.Open(o.root, max(e.threads, 1), &log)
	if err != nil {
		t.Fatal(err)
	}
	o.err = Component.Run(t.Context(), s)
	if o.log = log.String(); o.err != nil {
		return o
	}
	raw, err := os.ReadFile(filepath.Join(o.root, "out", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &o.figures); err != nil {
		t.Fatal(err)
	}
	return o
}

func (e evaluate) writeInputs(t *testing.T, root string) {
	t.Helper()
	for port, sql := range map[string]string{"data": e.data, "predictions": e.opaque} {
		path := filepath.Join(root, "in", port, component.TableFile)
		if sql == "" {
			continue
		}
		write(t, path, nil)
		order := e.schema.Key
		if port != "data" || e.unsorted {
			order = nil
		}
		if _, err := table.Run(t.Context(), table.Query{SQL: sql, OrderBy: order, Out: path}); err != nil {
			t.Fatal(err)
		}
	}
	if e.model != nil {
		if err := os.MkdirAll(filepath.Join(root, "in", "model"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := e.model.Write(filepath.Join(root, "in", "model")); err != nil {
			t.Fatal(err)
		}
	}
	if e.before != nil {
		raw, err := os.ReadFile(filepath.Join(e.before.root, "out", "predictions", component.TableFile))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, "in", "challenger", component.TableFile), raw)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// at reads a figure by its dotted path; a missing one fails the test, null is nil.
func (o *outcome) at(t *testing.T, path string) any {
	t.Helper()
	if o.err != nil {
		t.Fatal(o.err)
	}
	if len(o.shape.Problems) > 0 {
		t.Fatalf("problems: %+v", o.shape.Problems)
	}
	var v any = o.figures
	for _, part := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("no figure %s in %v", path, o.figures)
		}
		if v, ok = m[part]; !ok {
			t.Fatalf("no figure %s in %v", path, o.figures)
		}
	}
	return v
}

func (o *outcome) number(t *testing.T, path string) float64 {
	t.Helper()
	x, ok := o.at(t, path).(float64)
	if !ok {
		t.Fatalf("%s is undefined: %v", path, o.figures["undefined"])
	}
	return x
}

func (o *outcome) reason(t *testing.T, path string) string {
	t.Helper()
	if x := o.at(t, path); x != nil {
		t.Errorf("%s: got %v, want undefined", path, x)
	}
	reasons, _ := o.figures["undefined"].(map[string]any)
	r, _ := reasons[path].(string)
	return r
}
