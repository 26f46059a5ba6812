package train_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/train/linear_regression"
	"github.com/mlp-lang/mlp/stdlib/train/logistic_regression"
)

// towns have 600 names for 3000 rows, of which each adds its own to y; x is skewed, with one value far out and some missing.
const towns = `select 't' || (i % 600) as town, case when i % 50 = 0 then null when i = 77 then 1e6 else exp((hash(i) % 1000) / 300.0) end as x,
  (i % 600) / 100.0 + (hash(i + 3) % 100) / 100.0 as y, (hash(i + 5) % 100) / 100.0 < (i % 600) / 600.0 as yes, ['r', 'g', 'b'][1 + (i % 600) // 200] as k,
  true as flag from range(3000) t(i)`

// TestPreprocessedModelsServeAsTheyScore: rows that were not trained on, towns that no training row had and missing values among them, are scored in a table
// as they are served one by one, by the bytes of any number of threads.
func TestPreprocessedModelsServeAsTheyScore(t *testing.T) {
	const pre = `"features": ["town", "x"], "preprocess": [{"name": "TOWN", "encode": "target"}, {"name": "x", %}]`
	for _, tt := range []struct {
		c               component.Component
		target, scaling string
	}{
		{linear_regression.Component, "y", `"clip": [0.01, 0.99], "scale": "robust"`},
		{logistic_regression.Component, "yes", `"scale": "quantile"`},
		{logistic_regression.Component, "k", `"clip": [0, 0.9]`},
	} {
		config := `{"target": "` + tt.target + `", ` + strings.Replace(pre, "%", tt.scaling, 1) + `}`
		r, b := train(t, tt.c, config, data(towns))
		if n := len(b.Signature().Features[0].Levels); n != 600 {
			t.Errorf("%s: %d towns are kept", tt.target, n)
		}
		f := stagetest.Run(t, tt.c, stagetest.Block{Address: "train.n", Config: config, Tables: data(strings.Replace(towns, "'t' || (i % 600)", "case when i % 7 = 0 then null else 't' || (i % 900) end", 1))})
		rows, err := readData(t, f)
		if err != nil {
			t.Fatal(err)
		}
		all, err := b.Score(rows, 3)
		if err != nil {
			t.Fatal(err)
		}
		town, x := rows.Column("town"), rows.Column("x")
		for r := 0; r < rows.Rows; r += 97 {
			row := map[string]any{"town": nil, "x": nil}
			if !town.Null(r) {
				row["town"] = town.ValueName(r)
			}
			if !math.IsNaN(x.Num[r]) {
				row["x"] = x.Num[r]
			}
			got := stagetest.Score(t, b.Serve(), row)[0]
			if got.Score != nil && *got.Score != all.Score[r] || got.Score == nil && got.Scores[1] != all.Scores[1][r] {
				t.Fatalf("%s, row %v: served otherwise than scored", tt.target, row)
			}
		}
		one := modelBytes(t, r)
		s, err := component.Open(r.Root, 8, &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		if err := tt.c.Run(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if modelBytes(t, r) != one {
			t.Errorf("%s: the number of threads changes the bytes", tt.target)
		}
	}
}

// Where categories say nothing of the target, one by the target out of its fold gets next to no coefficient; by all rows it would seem to say much.
func TestEncodedNoiseHasNoCoefficient(t *testing.T) {
	noise := strings.Replace(towns, "(i % 600) / 100.0 + (hash(i + 3) % 100) / 100.0 as y", "(hash(i + 3) % 1000) / 100.0 as y", 1)
	_, b := train(t, linear_regression.Component, `{"target": "y", "features": ["town"], "preprocess": [{"name": "town", "encode": "target", "smoothing": 0}]}`, data(noise))
	rows := map[string]any{"town": "t5"}
	got := *stagetest.Score(t, b.Serve(), rows)[0].Score
	near(t, "town t5", got, 5, 0.6) // the target goes from 0 to 10; the mean of five rows has a deviation of 1.3
}

func TestPreprocessProblems(t *testing.T) {
	tests := []struct{ name, block, path, want string }{
		{"nothing", `{"name": "X", "scale": "robust", "clip": [0, 0.99]}`, "", ""},
		{"no feature", `{"name": "y", "scale": "robust"}`, "preprocess[y]", "not among the features"},
		{"twice", `{"name": "x", "scale": "robust"}, {"name": "X", "scale": "standard"}`, "preprocess[X]", "said twice"},
		{"empty", `{"name": "x"}`, "preprocess[x]", "says nothing"},
		{"one quantile", `{"name": "x", "clip": [0.5]}`, "preprocess[x].clip", "clip is"},
		{"the wrong way round", `{"name": "x", "clip": [0.9, 0.1]}`, "preprocess[x].clip", "clip is"},
		{"both", `{"name": "x", "clip": [0.1, 0.9], "scale": "quantile"}`, "preprocess[x].clip", "need no clipping"},
		{"text has no scale", `{"name": "town", "scale": "robust"}`, "preprocess[town]", "is text"},
		{"a number is not encoded", `{"name": "x", "encode": "target"}`, "preprocess[x].encode", "only text"},
		{"smoothing of what", `{"name": "town", "encode": "one_hot", "smoothing": 3}`, "preprocess[town]", "are of encode"},
		{"negative smoothing", `{"name": "town", "encode": "target", "smoothing": -1}`, "preprocess[town].smoothing", "smoothing is -1"},
		{"one fold", `{"name": "town", "encode": "target", "folds": 1}`, "preprocess[town].folds", "folds is 1"},
		{"a boolean", `{"name": "flag", "scale": "robust"}`, "preprocess[flag]", "nothing to clip"},
	}
	for _, tt := range tests {
		config := `{"target": "y", "features": ["town", "x", "flag"], "preprocess": [` + tt.block + `]}`
		got := stagetest.Shape(t, linear_regression.Component, stagetest.Block{Address: "train.m", Config: config, Tables: data(towns)}).Problems
		if tt.want == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.want) {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}
