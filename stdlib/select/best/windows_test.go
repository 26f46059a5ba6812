package best

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// summed are the figures of a backtest by window; those that are nil are undefined.
func summed(windows map[string]any) string {
	out := map[string]any{"windows": map[string]any{}, "undefined": map[string]string{}}
	for w, x := range windows {
		out["windows"].(map[string]any)[w] = map[string]any{"mae": x}
		if x == nil {
			out["undefined"].(map[string]string)["windows."+w+".mae"] = "there is no row"
		}
	}
	raw, _ := json.Marshal(out)
	return string(raw)
}

// byWindows runs a choice by windows of candidates, each with its figures.
func byWindows(t *testing.T, config string, threads int, candidates map[string]*model.Bundle, figures map[string]string) choice {
	t.Helper()
	out := choice{root: t.TempDir()}
	in := map[string]schema.Shape{}
	put := func(port string) string {
		dir := filepath.Join(out.root, "in", port)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, b := range candidates {
		in["candidates."+name] = schema.Shape{Type: schema.ModelPort, Model: &schema.Model{Task: b.Signature().Task, Target: b.Signature().Target}}
		in["backtests."+name] = schema.Shape{Type: schema.FiguresPort}
		if err := b.Write(put("candidates." + name)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(put("backtests."+name), "metrics.json"), []byte(figures[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(out.root, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	spec, err := json.Marshal(component.Spec{Protocol: component.Protocol, Address: "select.x", Component: "select.best", Version: 1, Config: json.RawMessage(config), In: in,
		Out: map[string]schema.Shape{"model": {Type: schema.ModelPort}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out.root, "stage.json"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, err := component.Open(out.root, threads, &log)
	if err != nil {
		t.Fatal(err)
	}
	out.err, out.log = Component.Run(t.Context(), s), log.String()
	if raw, err := os.ReadFile(filepath.Join(out.root, "out", "metrics.json")); err == nil {
		if err := json.Unmarshal(raw, &out.figures); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestByWindows: the best mean is chosen, with the differences window by window; a candidate that is undefined in one window is not chosen. The example is that of windows.go.
func TestByWindows(t *testing.T) {
	candidates := map[string]*model.Bundle{"line": line(t, 1, "x"), "trees": line(t, 2, "x"), "lost": line(t, 3, "x")}
	figures := map[string]string{"line": summed(map[string]any{"w1": 11, "w2": 14, "w3": 10, "w4": 21}), "trees": summed(map[string]any{"w1": 9, "w2": 11, "w3": 10, "w4": 18}),
		"lost": summed(map[string]any{"w1": 1, "w2": 1, "w3": nil, "w4": 1})}
	var one map[string]string
	for _, threads := range []int{1, 8} {
		got := byWindows(t, byError, threads, candidates, figures)
		if got.err != nil {
			t.Fatal(got.err)
		}
		want := map[string]any{"chosen": "trees", "value": 12.0, "windows": 4.0,
			"candidates.trees.value": 12.0, "candidates.trees.delta.value": 0.0, "candidates.trees.delta.better": 0.0,
			"candidates.line.value": 14.0, "candidates.line.sd": 4.96655480858378, "candidates.line.delta.value": 2.0, "candidates.line.delta.sd": 1.4142135623730951, "candidates.line.delta.better": 0.0,
			"candidates.lost.value": nil, "candidates.lost.sd": nil, "candidates.lost.delta.value": nil, "candidates.lost.delta.better": nil}
		for path, x := range want {
			if diff := cmp.Diff(x, got.at(path)); diff != "" {
				t.Errorf("%s: %s", path, diff)
			}
		}
		if why := got.figures["undefined"].(map[string]any)["candidates.lost.value"]; why != "it is undefined in w3: there is no row" {
			t.Errorf("it is undefined because %v", why)
		}
		files := got.files(t)
		if one == nil {
			one = files
		} else if diff := cmp.Diff(one, files); diff != "" {
			t.Errorf("%d threads:\n%s", threads, diff)
		}
	}
	greater := byWindows(t, `{"metric": {"name": "mae", "type": "r2"}}`, 1, candidates, figures)
	if greater.figures["chosen"] != "line" || greater.at("candidates.trees.delta.value") != -2.0 || greater.at("candidates.trees.delta.better") != 0.0 {
		t.Errorf("of a metric that is to be great %v is chosen: %v", greater.figures["chosen"], greater.figures)
	}
	alone := byWindows(t, byError, 1, map[string]*model.Bundle{"line": candidates["line"], "trees": candidates["trees"]},
		map[string]string{"line": summed(map[string]any{"w1": 1}), "trees": summed(map[string]any{"w1": 1})})
	if alone.figures["chosen"] != "line" || alone.at("candidates.line.sd") != nil {
		t.Errorf("of equal ones in one window: %v", alone.figures)
	}
}

func TestNoWindows(t *testing.T) {
	candidates := map[string]*model.Bundle{"line": line(t, 1, "x"), "trees": line(t, 2, "x")}
	for want, figures := range map[string]map[string]string{
		"line is measured on w1, and trees on w1, w2": {"line": summed(map[string]any{"w1": 1}), "trees": summed(map[string]any{"w1": 1, "w2": 1})},
		"undefined for every candidate":               {"line": summed(map[string]any{"w1": nil}), "trees": summed(map[string]any{"w1": nil})},
		"reading the backtest of line":                {"line": "{", "trees": summed(map[string]any{"w1": 1})},
	} {
		got := byWindows(t, byError, 1, candidates, figures)
		if got.err == nil || !strings.Contains(got.err.Error(), want) {
			t.Errorf("got %v, want %q", got.err, want)
		}
		if _, err := os.Stat(filepath.Join(got.root, "out", "model", "bundle.json")); err == nil {
			t.Errorf("%s: a model is written", want)
		}
	}
}
