package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

func runOn(t *testing.T, metrics, content string) (map[string]any, error) {
	t.Helper()
	root := t.TempDir()
	config := `{"path": "out/metrics.json", "metrics": ` + metrics + `}`
	spec, err := json.Marshal(component.Spec{Protocol: component.Protocol, Address: "evaluate.x", Component: "evaluate.file", Version: 1, Config: json.RawMessage(config)})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"stage.json": spec, "in/files/metrics.json": []byte(content), "out/.keep": nil} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := component.Open(root, 1, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Component.Run(t.Context(), s); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(root, "out", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var figures map[string]any
	if err := json.Unmarshal(raw, &figures); err != nil {
		t.Fatal(err)
	}
	return figures, nil
}

func TestFigures(t *testing.T) {
	for _, tc := range []struct {
		name, metrics, content string
		want                   map[string]any
		undefined              map[string]string // part of each reason
	}{
		{"top level", `["auc"]`, `{"auc": 0.9, "other": 1}`, map[string]any{"auc": 0.9}, nil},
		{"under metrics", `["auc"]`, `{"metrics": {"auc": 1}}`, map[string]any{"auc": 1.0}, nil},
		{"dotted", `["test.auc"]`, `{"metrics": {"test": {"auc": 0.5}}}`, map[string]any{"test": map[string]any{"auc": 0.5}}, nil},
		{"missing", `["auc"]`, `{"aux": 0.9}`, map[string]any{"auc": nil}, map[string]string{"metrics.auc": `no figure "auc"`}},
		{"null", `["auc"]`, `{"auc": null}`, map[string]any{"auc": nil}, map[string]string{"metrics.auc": "null"}},
		{"a string", `["auc"]`, `{"auc": "0.9"}`, map[string]any{"auc": nil}, map[string]string{"metrics.auc": "not a number"}},
		{"a boolean", `["auc"]`, `{"auc": true}`, map[string]any{"auc": nil}, map[string]string{"metrics.auc": "boolean"}},
		{"an object", `["auc"]`, `{"auc": {"x": 1}}`, map[string]any{"auc": nil}, map[string]string{"metrics.auc": "group"}},
		{"Python's NaN", `["auc", "recall"]`, `{"auc": NaN, "recall": 0.5, "s": "a \" NaN"}`, map[string]any{"auc": nil, "recall": 0.5},
			map[string]string{"metrics.auc": "NaN"}},
		{"Python's infinity", `["auc"]`, `{"auc": -Infinity}`, map[string]any{"auc": nil}, map[string]string{"metrics.auc": "-Infinity"}},
	} {
		got, err := runOn(t, tc.metrics, tc.content)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if !reflect.DeepEqual(got["metrics"], any(tc.want)) {
			t.Errorf("%s: got %v, want %v", tc.name, got["metrics"], tc.want)
		}
		reasons := got["undefined"].(map[string]any)
		if len(reasons) != len(tc.undefined) {
			t.Errorf("%s: got reasons %v, want %v", tc.name, reasons, tc.undefined)
		}
		for path, want := range tc.undefined {
			if r, _ := reasons[path].(string); !strings.Contains(r, want) {
				t.Errorf("%s: got %q, want %q", tc.name, r, want)
			}
		}
	}
}

func TestFilesThatAreNoFigures(t *testing.T) {
	for _, content := range []string{`{"recall":0.1,"recall":0.8}`, `{"a":{"x":1,"x":1}}`, "", "null", "[1]", `{"auc": `, "{} {}", `{"auc": 1e999}`} {
		_, err := runOn(t, `["auc"]`, content)
		var input *component.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), "out/metrics.json") {
			t.Errorf("%q: got %v", content, err)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "out", "m.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	root, names, err := files(dir, json.RawMessage(`{"path": "out/m.json"}`))
	if err != nil || root != "out" || !reflect.DeepEqual(names, []string{"m.json"}) {
		t.Errorf("got %q, %v, %v", root, names, err)
	}
	for path, want := range map[string]string{"out/n.json": "there is no file out/n.json", "out": "out is no file"} {
		if _, _, err := files(dir, json.RawMessage(`{"path": "`+path+`"}`)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}

func TestShape(t *testing.T) {
	got := shape(t.Context(), nil, schema.ShapeRequest{Config: json.RawMessage(`{"path": "m.json", "metrics": ["auc", "test.auc", "test.f1"]}`)})
	if len(got.Problems) > 0 {
		t.Fatalf("got %v", got.Problems)
	}
	metrics := got.Figures.Fields["metrics"]
	if metrics.Fields["auc"] != schema.Double || metrics.Fields["test"].Fields["f1"] != schema.Double {
		t.Errorf("got %+v", metrics)
	}
	for config, want := range map[string]string{
		`{"path": "m.json", "metrics": []}`:                    "No figure is named",
		`{"path": "", "metrics": ["a"]}`:                       "path is empty",
		`{"path": "m.json", "metrics": ["a b"]}`:               "no name of a figure",
		`{"path": "m.json", "metrics": ["a", "a"]}`:            "named twice",
		`{"path": "m.json", "metrics": ["test", "test.auc"]}`:  "cannot both be numbers",
		`{"path": "m.json", "metrics": ["test.auc", "test."]}`: "no name of a figure",
	} {
		got := shape(t.Context(), nil, schema.ShapeRequest{Config: json.RawMessage(config)})
		if len(got.Problems) == 0 || !strings.Contains(got.Problems[0].Summary, want) {
			t.Errorf("%s: got %v, want %q", config, got.Problems, want)
		}
	}
}
