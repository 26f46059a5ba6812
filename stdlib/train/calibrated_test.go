package train_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/train/gradient_boosting"
	"github.com/mlp-lang/mlp/stdlib/train/logistic_regression"
)

// sides are rows to train, calibrate and validate on. The training rows have the class twice as often as the others, so that a model of
// them is too sure of it.
func sides() map[string]stagetest.Table {
	of := func(from, rows, often string) stagetest.Table {
		return stagetest.Table{SQL: `select a, (hash(i) % 1000) / 1000.0 < (0.1 + 0.15 * a) * ` + often + ` as y, ['r', 'g', 'b'][1 + (hash(i + 1) % (2 + a % 2))::integer] as k
			from (select i, i % 5 as a from range(` + from + `, ` + from + ` + ` + rows + `) t(i))`}
	}
	return map[string]stagetest.Table{"data": of("0", "2000", "1.2"), "calibration": of("2000", "1500", "0.6"), "validation": of("4000", "1500", "0.6")}
}

// TestCalibratedModels: the model that is read back scores as the curve says of the margin of one without, on one row as on many, and its
// probabilities are those of the validation rows.
func TestCalibratedModels(t *testing.T) {
	tests := []struct {
		c      component.Component
		config string
	}{
		{logistic_regression.Component, `{"target": "y", "features": ["a"]}`},
		{logistic_regression.Component, `{"target": "y", "features": ["a"], "calibration_method": "isotonic"}`},
		{gradient_boosting.Component, `{"target": "y", "features": ["a"], "calibration_method": "isotonic", "params": {"trees": 10}}`},
		{gradient_boosting.Component, `{"target": "k", "features": ["a"], "params": {"trees": 5}}`},
	}
	for _, tt := range tests {
		tables := sides()
		r, with := train(t, tt.c, tt.config, tables)
		if with.Calibration() == nil || with.Calibration().Rows != 1500 {
			t.Fatalf("%s: the calibration is %+v", tt.config, with.Calibration())
		}
		threads, err := component.Open(r.Root, 3, &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		one := modelBytes(t, r)
		if err := tt.c.Run(t.Context(), threads); err != nil {
			t.Fatal(err)
		}
		if modelBytes(t, r) != one {
			t.Errorf("%s: the number of threads changes the bytes", tt.config)
		}
		delete(tables, "calibration")
		_, without := train(t, tt.c, strings.Replace(tt.config, `, "calibration_method": "isotonic"`, "", 1), tables)
		for _, a := range []any{0.0, 3.0, nil} {
			row := map[string]any{"a": a}
			got, raw := stagetest.Score(t, with.Serve(), row)[0], stagetest.Score(t, without.Serve(), row)[0]
			c := with.Calibration()
			if raw.Score != nil {
				near(t, tt.config, *got.Score, c.Curves[0].At(model.Margin.Of(*raw.Score)), 0)
				continue
			}
			total := 0.0
			for k := range raw.Scores {
				total += c.Curves[k].At(model.Margin.Of(raw.Scores[k]))
			}
			for k := range raw.Scores {
				near(t, tt.config, got.Scores[k], c.Curves[k].At(model.Margin.Of(raw.Scores[k]))/total, 1e-15)
			}
		}
		var figures struct {
			Calibration struct {
				Before, After map[string]float64
				Validation    struct{ Before, After map[string]float64 }
			}
		}
		raw, err := os.ReadFile(filepath.Join(r.Root, "out", "metrics.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &figures); err != nil {
			t.Fatal(err)
		}
		v := figures.Calibration.Validation
		if strings.Contains(tt.config, `"y"`) && !(v.Before["calibration_error"] > 0.2 && v.After["calibration_error"] < 0.05 && v.After["brier_score"] < v.Before["brier_score"]) {
			t.Errorf("%s: figures %+v", tt.config, v)
		}
	}
}

func TestCalibrationProblems(t *testing.T) {
	tests := []struct {
		name, config string
		drop         string
		path, want   string
	}{
		{"nothing", `{"target": "y", "features": ["a"]}`, "", "", ""},
		{"a method for nothing", `{"target": "y", "features": ["a"], "calibration_method": "isotonic"}`, "calibration", "calibration_method", "needs a table"},
		{"of numbers", `{"target": "a", "features": ["k"], "task": "regression"}`, "", "calibration", "for classes"},
	}
	for _, tt := range tests {
		tables := sides()
		delete(tables, tt.drop)
		got := stagetest.Shape(t, gradient_boosting.Component, stagetest.Block{Address: "train.m", Config: tt.config, Tables: tables}).Problems
		if tt.want == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.want) {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
	tables := sides()
	tables["calibration"] = stagetest.Table{SQL: "select 1 as a, false as y, 'r' as k"}
	r := stagetest.Run(t, logistic_regression.Component, stagetest.Block{Address: "train.m", Config: `{"target": "y", "features": ["a"]}`, Tables: tables})
	var input *component.InputError
	if !errors.As(r.Err, &input) || !strings.Contains(input.Summary, `the calibration table has no row of class "true"`) {
		t.Errorf("one class: got %v", r.Err)
	}
}
