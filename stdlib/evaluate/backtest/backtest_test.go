package backtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

const metrics = `{"metrics": [{"name": "auc", "type": "roc_auc"}, {"name": "mae", "type": "mean_absolute_error"}]}`

// sumUp runs the stage over metrics.json files, by name, and returns its own and its report.
func sumUp(t *testing.T, files map[string]string) (map[string]any, *report.Report) {
	t.Helper()
	root := t.TempDir()
	in := map[string]schema.Shape{}
	write := func(name string, data []byte) {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		in["of."+name] = schema.Shape{Type: schema.FiguresPort}
		write("in/of."+name+"/metrics.json", []byte(text))
	}
	spec, err := json.Marshal(component.Spec{Protocol: component.Protocol, Address: "evaluate.x", Component: "evaluate.backtest", Version: 1, Config: json.RawMessage(metrics), In: in})
	if err != nil {
		t.Fatal(err)
	}
	write("stage.json", spec)
	write("out/.keep", nil)
	s, err := component.Open(root, 1, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Component.Run(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "out", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var figures map[string]any
	if err := json.Unmarshal(raw, &figures); err != nil {
		t.Fatal(err)
	}
	raw, err = os.ReadFile(filepath.Join(root, "out", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := report.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	return figures, doc
}

func TestSums(t *testing.T) {
	files := map[string]string{}
	for name, mae := range map[string]float64{"w1": 9, "w2": 11, "w3": 10, "w4": 18} {
		files[name] = fmt.Sprintf(`{"rows": 5, "metrics": {"auc": %g, "mae": %g}, "intervals": {"mae": {"low": 1, "high": 20}}}`, 1-mae/100, mae)
	}
	got, doc := sumUp(t, files)
	want := map[string]float64{"mean.mae": 12, "sd.mae": math.Sqrt((9. + 1 + 4 + 36) / 3), "best.mae": 9, "worst.mae": 18, "mean.auc": 0.88, "best.auc": 0.91, "worst.auc": 0.82, "count": 4, "windows.w4.mae": 18}
	for path, x := range want {
		var at any = got
		for _, part := range strings.Split(path, ".") {
			at = at.(map[string]any)[part]
		}
		if f, ok := at.(float64); !ok || math.Abs(f-x) > 1e-12 {
			t.Errorf("%s: got %v, want %v", path, at, x)
		}
	}
	if !strings.Contains(doc.Summary, "0.88 in the mean, 0.82 at worst") {
		t.Errorf("got %q", doc.Summary)
	}
}

// TestUndefinedSums: what is undefined in one evaluation is undefined in sum; of one evaluation there is no spread.
func TestUndefinedSums(t *testing.T) {
	got, _ := sumUp(t, map[string]string{"a": `{"metrics": {"auc": 0.9, "mae": 2}}`, "b": `{"metrics": {"auc": null, "mae": 4}, "undefined": {"metrics.auc": "one class"}}`})
	undefined := got["undefined"].(map[string]any)
	for _, path := range []string{"mean.auc", "sd.auc", "best.auc", "worst.auc"} {
		if undefined[path] != "undefined in b: one class" {
			t.Errorf("%s: got %v", path, undefined[path])
		}
	}
	if mean := got["mean"].(map[string]any); mean["auc"] != nil || mean["mae"] != 3.0 {
		t.Errorf("got %v", mean)
	}
	got, _ = sumUp(t, map[string]string{"a": `{"metrics": {"auc": 0.9, "mae": {"deep": 1}}}`})
	undefined = got["undefined"].(map[string]any)
	if undefined["sd.auc"] != "there is one evaluation alone" || undefined["mean.mae"] == nil {
		t.Errorf("got %v", undefined)
	}
}

func TestShape(t *testing.T) {
	evaluation := func(metrics ...string) schema.Shape {
		of := map[string]*schema.FigureType{}
		for _, m := range metrics {
			of[m] = schema.Double
		}
		return schema.Shape{Type: schema.FiguresPort, Figures: schema.Object(map[string]*schema.FigureType{"metrics": schema.Object(of)})}
	}
	ask := func(config string, in map[string]schema.Shape) schema.ShapeResult {
		return Component.Shape(t.Context(), nil, schema.ShapeRequest{Address: "evaluate.x", Config: json.RawMessage(config), In: in})
	}
	out := ask(metrics, map[string]schema.Shape{"of.b": evaluation("auc", "mae"), "of.a": evaluation("auc", "mae")})
	if len(out.Problems) > 0 || out.Figures.Fields["sd"].Fields["auc"] == nil || strings.Join(out.Figures.Fields["windows"].Keys, " ") != "a b" {
		t.Errorf("got %+v", out)
	}
	for _, tt := range []struct {
		config, path, want string
		in                 map[string]schema.Shape
	}{
		{metrics, "metrics", `"mae" is not computed in b, c`, map[string]schema.Shape{"of.a": evaluation("auc", "mae"), "of.b": evaluation("auc"), "of.c": evaluation("auc")}},
		{metrics, "of", "no evaluation", nil},
		{`{"metrics": []}`, "metrics", "no metric", map[string]schema.Shape{"of.a": evaluation("auc")}},
	} {
		got := ask(tt.config, tt.in).Problems
		if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.want) {
			t.Errorf("got %+v, want %s: %s", got, tt.path, tt.want)
		}
	}
}
