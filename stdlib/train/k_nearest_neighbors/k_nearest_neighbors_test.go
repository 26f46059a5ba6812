package k_nearest_neighbors_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/train/k_nearest_neighbors"
)

// fitted runs the trainer on the rows of a query, and reads the model that it wrote.
func fitted(t *testing.T, config, sql string) (*stagetest.Result, *model.Bundle) {
	t.Helper()
	r := stagetest.Run(t, k_nearest_neighbors.Component, stagetest.Block{Address: "train.m", Config: config,
		Tables: map[string]stagetest.Table{"data": {SQL: sql}}})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	b, err := model.Read(filepath.Join(r.Root, "out", "model"))
	if err != nil {
		t.Fatal(err)
	}
	return r, b
}

// vectors are rows, and what scikit-learn's KNeighborsRegressor and KNeighborsClassifier say of others, on numbers that its StandardScaler scaled, with the mean for what
// is missing and an indicator of it, and categories that its OneHotEncoder coded. Some of the others are training rows.
type vectors struct {
	Fit struct {
		A, B, Y  []*float64
		C, Class []string
	}
	At struct {
		A, B []*float64
		C    []string
	}
	Cases []struct {
		K               int
		Weights, Metric string
		Values          []float64
		Shares          [][]float64
	}
}

func readVectors(t *testing.T) (v vectors, sql string, asked []map[string]any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/neighbors.json")
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	number := func(x *float64) string {
		if x == nil {
			return "null"
		}
		return fmt.Sprint(*x)
	}
	var rows []string
	for r := range v.Fit.A {
		rows = append(rows, fmt.Sprintf("(%s, %s, '%s', %s, '%s')", number(v.Fit.A[r]), number(v.Fit.B[r]), v.Fit.C[r], number(v.Fit.Y[r]), v.Fit.Class[r]))
	}
	for r := range v.At.A {
		row := map[string]any{"a": *v.At.A[r], "b": nil, "c": v.At.C[r]}
		if v.At.B[r] != nil {
			row["b"] = *v.At.B[r]
		}
		asked = append(asked, row)
	}
	return v, "select a::double as a, b::double as b, c, y::double as y, class from (values " + strings.Join(rows, ", ") + ") t(a, b, c, y, class)", asked
}

func TestAgainstScikitLearn(t *testing.T) {
	v, sql, asked := readVectors(t)
	for _, c := range v.Cases {
		params := fmt.Sprintf(`"features": ["a", "b", "c"], "params": {"k": %d, "weights": %q, "metric": %q}`, c.K, c.Weights, c.Metric)
		_, b := fitted(t, `{"target": "y", `+params+`}`, sql)
		for r, got := range stagetest.Score(t, b.Serve(), asked...) {
			if !(math.Abs(*got.Score-c.Values[r]) <= 1e-9) {
				t.Errorf("%s, row %d: got %.15g, want %.15g", params, r, *got.Score, c.Values[r])
			}
		}
		_, b = fitted(t, `{"target": "class", `+params+`}`, sql)
		for r, got := range stagetest.Score(t, b.Serve(), asked...) {
			for k, share := range got.Scores {
				if !(math.Abs(share-c.Shares[r][k]) <= 1e-9) {
					t.Errorf("%s, row %d, class %d: got %.15g, want %.15g", params, r, k, share, c.Shares[r][k])
				}
			}
		}
	}
}

const line = `select i, i::double as x, ['a', 'b'][1 + i % 2] as c, 2.0 * i as y, i >= 50 as late, case when i < 20 then 0 else 1 + i % 2 end as w from range(100) t(i)`

// Of the rows 0, 1, … with targets 0, 2, … each row's neighbours but for itself are the ones beside it, so that all but the ends are met exactly.
func TestTrainingLossIsOfEachRowByTheOthers(t *testing.T) {
	r, _ := fitted(t, `{"target": "y", "features": ["x"], "params": {"k": 2}}`, line)
	// Row 0 has 1 and 2, with 2 and 4 in the mean 3, row 99 likewise is off by 3.
	if got, want := r.Figures(t)["training_loss"].(float64), math.Sqrt(18.0/100); math.Abs(got-want) > 1e-12 {
		t.Errorf("training loss %g, want %g", got, want)
	}
}

// Rows as far away as each other are taken in the order of the table, which is that of x. 49.5 is the mean, from which scaling moves both sides alike.
func TestTiesGoToTheFirstRows(t *testing.T) {
	_, b := fitted(t, `{"target": "y", "features": ["x"], "params": {"k": 1}}`, line)
	if got := *stagetest.Score(t, b.Serve(), map[string]any{"x": 49.5})[0].Score; got != 98 {
		t.Errorf("got %g, want that of row 49", got)
	}
}

// A row of weight 0 is near nobody, one of weight 2 counts twice; so does a class.
func TestWeights(t *testing.T) {
	_, b := fitted(t, `{"target": "y", "features": ["x"], "weight": "w", "params": {"k": 2}}`, line)
	// Rows 20 and 21 are the nearest that weigh, with 1 and 2.
	if got, want := *stagetest.Score(t, b.Serve(), map[string]any{"x": 3.0})[0].Score, (40.0+2*42)/3; math.Abs(got-want) > 1e-12 {
		t.Errorf("got %g, want %g", got, want)
	}
	_, b = fitted(t, `{"target": "late", "task": "binary_classification", "features": ["x"], "class_weight": {"true": 3}, "params": {"k": 4}}`, line)
	if got := *stagetest.Score(t, b.Serve(), map[string]any{"x": 49.5})[0].Score; got != 6.0/8 {
		t.Errorf("got %g, want 0.75", got)
	}
}

// A category that is encoded by the target has, in the training rows, the encoding that they had no part in, also once the model is read back.
func TestTargetEncodedNeighbors(t *testing.T) {
	sql := `select i, ['p', 'q', 'r', 's'][1 + (hash(i) % 4)::integer] as c, (hash(i) % 4)::integer * 10.0 + (hash(i + 1000) % 100) / 100.0 as y from range(300) t(i)`
	r, b := fitted(t, `{"target": "y", "features": ["c"], "params": {"k": 20}, "preprocess": [{"name": "c", "encode": "target"}]}`, sql)
	for k, c := range []string{"p", "q", "r", "s"} {
		if got := *stagetest.Score(t, b.Serve(), map[string]any{"c": c})[0].Score; math.Abs(got-(10*float64(k)+0.5)) > 0.3 {
			t.Errorf("%s: got %g", c, got)
		}
	}
	text, err := os.ReadFile(filepath.Join(r.Root, "out", "model", "model.json"))
	if err != nil || !strings.Contains(string(text), `"own":{"0":[`) {
		t.Errorf("the rows keep no encoding of their own: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	for name, tt := range map[string]struct{ config, sql, want string }{
		"more neighbours than rows": {`{"target": "y", "features": ["x"], "params": {"k": 101}}`, line, "k is 101, and there are 100 rows"},
		"of those that weigh":       {`{"target": "y", "features": ["x"], "weight": "w", "params": {"k": 90}}`, line, "there are 80 rows"},
		"too many numbers": {`{"target": "y", "features": ["x", "c"]}`, `select i::double as x, 'c' || (i % 255) as c, i::double as y from range(100000) t(i)`,
			"100000 rows of 256 inputs are more than the 25000000 numbers"},
	} {
		r := stagetest.Run(t, k_nearest_neighbors.Component, stagetest.Block{Address: "train.m", Config: tt.config, Tables: map[string]stagetest.Table{"data": {SQL: tt.sql}}})
		if r.Err == nil || !strings.Contains(r.Err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, r.Err, tt.want)
		}
	}
	for config, want := range map[string]string{
		`{"target": "y", "features": ["x"], "params": {"k": 0}}`:     "k is 0",
		`{"target": "y", "features": ["x"], "params": {"k": 10001}}`: "k is 10001",
	} {
		shape := stagetest.Shape(t, k_nearest_neighbors.Component, stagetest.Block{Address: "train.m", Config: config, Tables: map[string]stagetest.Table{"data": {SQL: line}}})
		if len(shape.Problems) != 1 || shape.Problems[0].Summary != want {
			t.Errorf("%s: %+v", config, shape.Problems)
		}
	}
}
