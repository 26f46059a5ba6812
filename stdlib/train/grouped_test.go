package train_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/train/gradient_boosting"
	"github.com/mlp-lang/mlp/stdlib/train/logistic_regression"
	"github.com/mlp-lang/mlp/stdlib/train/random_forest"
)

// people are rows of two sexes, of which one has the class less often where the feature is the same.
func people() map[string]stagetest.Table {
	of := func(from, rows string) stagetest.Table {
		return stagetest.Table{SQL: `select a, s, b, (hash(i) % 1000) / 1000.0 < 0.1 + 0.1 * a - (case when s = 'f' then 0.08 * a else 0 end) as y
			from (select i, (hash(i + 7) % 1000) / 250.0 as a, ['f', 'm', 'm'][1 + (hash(i + 1) % 3)::integer] as s, hash(i + 3) % 2 = 0 as b from range(` + from + `, ` + from + ` + ` + rows + `) t(i))`}
	}
	return map[string]stagetest.Table{"data": of("0", "3000"), "calibration": of("3000", "2000"), "validation": of("5000", "2000")}
}

const byGroup = `{"target": "y", "features": ["a"], "calibration_by": ["s"], "calibration_otherwise": "overall",
	"decision": {"maximize": {"name": "accuracy", "type": "accuracy"}, "by": ["s", "b"], "equalize": "true_positive_rate", "where": []}}`

// TestDecidedByGroup: a model with thresholds and curves by group takes their columns besides its features, is the same on any number of threads, and serves as it scores.
func TestDecidedByGroup(t *testing.T) {
	for _, c := range []component.Component{logistic_regression.Component, gradient_boosting.Component, random_forest.Component} {
		r, b := train(t, c, byGroup, people())
		one := modelBytes(t, r)
		threads, err := component.Open(r.Root, 3, &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Run(t.Context(), threads); err != nil {
			t.Fatal(err)
		}
		if modelBytes(t, r) != one {
			t.Errorf("%s: the number of threads changes the bytes", c.Type.Name)
		}
		var names []string
		for _, f := range b.Signature().Features {
			names = append(names, f.Name)
		}
		d := b.Decision()
		if !slices.Equal(names, []string{"a", "s", "b"}) || len(d.Thresholds) != 4 || !slices.Equal(d.Values[1], []string{"f", "true"}) || len(b.Calibration().GroupCurves) != 2 {
			t.Fatalf("%s: inputs %v, decision %+v, calibration %+v", c.Type.Name, names, d, b.Calibration())
		}
		served := b.Serve()
		for _, s := range []any{"f", "m", nil, "x"} {
			got := stagetest.Score(t, served, map[string]any{"a": 3.0, "s": s, "b": true})[0]
			if (got.Fault == "") != (s == "f" || s == "m") || got.Fault != "" && !strings.Contains(got.Fault, "rows by group (s, b)") {
				t.Errorf("%s: of %v %+v", c.Type.Name, s, got)
			}
		}
		f := stagetest.Score(t, served, map[string]any{"a": 3.0, "s": "f", "b": true})[0]
		m := stagetest.Score(t, served, map[string]any{"a": 3.0, "s": "m", "b": true})[0]
		if !(*f.Score < *m.Score) {
			t.Errorf("%s: calibrated %g of f and %g of m", c.Type.Name, *f.Score, *m.Score)
		}
		if (f.Decision == "true") != (*f.Score >= d.Thresholds[1]) {
			t.Errorf("%s: %g is decided %s at %g", c.Type.Name, *f.Score, f.Decision, d.Thresholds[1])
		}
	}
}

// TestGroupFigures: rates that were far apart by one threshold are near by thresholds of groups, and probabilities are truer in each group by curves of their own.
func TestGroupFigures(t *testing.T) {
	config := strings.Replace(byGroup, `["s", "b"]`, `["s"]`, 1)
	config = strings.Replace(config, `"calibration_by": ["s"], "calibration_otherwise": "overall",`, "", 1)
	tables := people()
	delete(tables, "calibration")
	r, _ := train(t, logistic_regression.Component, config, tables)
	var figures struct {
		Decision struct {
			Before, After struct{ Difference, Value float64 }
			Groups        map[string]struct{ Rows int }
		}
		Calibration struct {
			Groups map[string]map[string]json.RawMessage
		}
	}
	read := func(root string) {
		raw, err := os.ReadFile(filepath.Join(root, "out", "metrics.json"))
		if err == nil {
			err = json.Unmarshal(raw, &figures)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if read(r.Root); !(figures.Decision.After.Difference < 0.02) || len(figures.Decision.Groups) != 2 {
		t.Errorf("decision %+v", figures.Decision)
	}
	r, _ = train(t, logistic_regression.Component, byGroup, people())
	if read(r.Root); len(figures.Calibration.Groups) != 2 {
		t.Fatalf("calibration %+v", figures.Calibration)
	}
	for name, g := range figures.Calibration.Groups {
		var one, own struct {
			Error float64 `json:"calibration_error"`
		}
		if json.Unmarshal(g["one_curve"], &one) != nil || json.Unmarshal(g["after"], &own) != nil || !(own.Error < one.Error) {
			t.Errorf("%s: %g by one curve, %g by its own", name, one.Error, own.Error)
		}
	}
}

func TestGroupProblems(t *testing.T) {
	decision := func(rest string) string {
		return `{"target": "y", "features": ["a"], "decision": {"maximize": {"name": "f1", "type": "f1"}, "where": []` + rest + `}}`
	}
	tests := []struct{ name, config, path, want string }{
		{"nothing", decision(`, "by": ["s"], "equalize": "selection_rate"`), "", ""},
		{"no rate", decision(`, "by": ["s"]`), "decision.by", "is not said"},
		{"odds without a bound", decision(`, "by": ["s"], "equalize": "equalized_odds"`), "decision.equalize", "How far"},
		{"a bound of nothing", decision(`, "by": ["s"], "equalize": "selection_rate", "tolerance": 1.5`), "decision.tolerance", "1.5"},
		{"a rate without groups", decision(`, "equalize": "selection_rate"`), "decision.equalize", "by group"},
		{"twice", decision(`, "by": ["s", "S"], "equalize": "selection_rate"`), "decision.by[1]", "twice"},
		{"the target", decision(`, "by": ["y"], "equalize": "selection_rate"`), "decision.by[0]", "target"},
		{"a fraction", decision(`, "by": ["a"], "equalize": "selection_rate"`), "decision.by[0]", "makes no groups"},
		{"a calibration without groups", `{"target": "y", "features": ["a"], "calibration_otherwise": "overall"}`, "calibration_otherwise", "by group"},
	}
	for _, tt := range tests {
		got := stagetest.Shape(t, gradient_boosting.Component, stagetest.Block{Address: "train.m", Config: tt.config, Tables: people()})
		switch {
		case tt.want == "":
			m := got.Out["model"].Model
			if len(got.Problems) > 0 || len(m.Features) != 2 || m.Features[1].Name != "s" || m.Decides == nil {
				t.Errorf("%s: %+v, model %+v", tt.name, got.Problems, m)
			}
		case len(got.Problems) != 1 || got.Problems[0].Path != tt.path || !strings.Contains(got.Problems[0].Summary, tt.want):
			t.Errorf("%s: got %+v", tt.name, got.Problems)
		}
	}
}

// TestGroupsOfAFeature: a column that is a feature and makes groups is one input.
func TestGroupsOfAFeature(t *testing.T) {
	config := strings.Replace(byGroup, `"features": ["a"]`, `"features": ["s", "a"]`, 1)
	_, b := train(t, gradient_boosting.Component, config, people())
	if n := len(b.Signature().Features); n != 3 {
		t.Errorf("%d inputs", n)
	}
	dir := t.TempDir()
	if err := b.Write(dir); err != nil {
		t.Fatal(err)
	}
	if again, err := model.Read(dir); err != nil || again.Decision() == nil {
		t.Errorf("read back: %v", err)
	}
}
