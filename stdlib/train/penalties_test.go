package train_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/train/linear_regression"
	"github.com/mlp-lang/mlp/stdlib/train/logistic_regression"
)

// TestPenaltiesAgainstScikitLearn: lasso, elastic net and the robust line, of numbers and of classes, with and without weights, are at scikit-learn's
// optimum: what they say of each row is within a millionth of the target's unit, or of a probability.
func TestPenaltiesAgainstScikitLearn(t *testing.T) {
	raw, err := os.ReadFile("testdata/penalties.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		X          [][]float64
		Y, W, B, K []float64
		Cases      []struct {
			Target   string
			Weighted bool
			Params   json.RawMessage
			More     string
			Want     [][]float64
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	var rows []string
	var asked []map[string]any
	for r := range file.Y {
		row := map[string]any{}
		for f := range file.X {
			row[fmt.Sprintf("x%d", f)] = file.X[f][r]
		}
		asked = append(asked, row)
		rows = append(rows, fmt.Sprintf("(%d, %v, %v, %v, %v, %v, %v, %v, %v, 'k%v')", r, file.X[0][r], file.X[1][r], file.X[2][r], file.X[3][r], file.X[4][r], file.Y[r], file.W[r],
			file.B[r] == 1, file.K[r]))
	}
	sql := "select i, x0::double as x0, x1::double as x1, x2::double as x2, x3::double as x3, x4::double as x4, y::double as y, w::double as w, b, k from (values " +
		strings.Join(rows, ", ") + ") t(i, x0, x1, x2, x3, x4, y, w, b, k)"
	for _, tt := range file.Cases {
		c := logistic_regression.Component
		if tt.Target == "y" {
			c = linear_regression.Component
		}
		config := fmt.Sprintf(`{"target": %q, "features": ["x0", "x1", "x2", "x3", "x4"], "params": %s%s`, tt.Target, tt.Params, tt.More)
		if tt.Weighted {
			config += `, "weight": "w"`
		}
		r, b := train(t, c, config+"}", data(sql))
		if strings.Contains(r.Log, "converged") {
			t.Errorf("%s: %s", config, r.Log)
		}
		worst := 0.0
		for i, got := range stagetest.Score(t, b.Serve(), asked...) {
			scores := got.Scores
			if got.Score != nil {
				scores = []float64{*got.Score}
			}
			for o := range tt.Want {
				worst = max(worst, math.Abs(scores[o]-tt.Want[o][i]))
			}
		}
		if !(worst <= 1e-6) {
			t.Errorf("%s: off by %g", config, worst)
		}
		one := modelBytes(t, r)
		s, err := component.Open(r.Root, 8, &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Run(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if modelBytes(t, r) != one {
			t.Errorf("%s: the number of threads changes the bytes", config)
		}
	}
}

func TestPenaltyProblems(t *testing.T) {
	tests := []struct {
		c            component.Component
		params, path string
	}{
		{linear_regression.Component, `{"l1": 1, "l2": 1}`, ""},
		{linear_regression.Component, `{"l1": -1}`, "params.l1"},
		{linear_regression.Component, `{"l1": 1, "loss": "huber"}`, "params.l1"},
		{linear_regression.Component, `{"epsilon": 2}`, "params.epsilon"},
		{linear_regression.Component, `{"epsilon": 1, "loss": "huber"}`, "params.epsilon"},
		{linear_regression.Component, `{"epsilon": 2, "loss": "huber"}`, ""},
		{logistic_regression.Component, `{"l1": -1}`, "params.l1"},
	}
	for _, tt := range tests {
		target := "y"
		if tt.c.Type.Name == "logistic_regression" {
			target = "yes"
		}
		got := stagetest.Shape(t, tt.c, stagetest.Block{Address: "train.m", Config: `{"target": "` + target + `", "features": ["x"], "params": ` + tt.params + `}`, Tables: data(towns)}).Problems
		if tt.path == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[0].Path != tt.path {
			t.Errorf("%s: got %+v", tt.params, got)
		}
	}
}
