package train_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/train/baseline"
	"github.com/mlp-lang/mlp/stdlib/train/linear_regression"
	"github.com/mlp-lang/mlp/stdlib/train/logistic_regression"
)

func data(sql string) map[string]stagetest.Table {
	return map[string]stagetest.Table{"data": {SQL: sql}}
}

// train runs a trainer and returns the model that it wrote.
func train(t *testing.T, c component.Component, config string, tables map[string]stagetest.Table) (*stagetest.Result, *model.Bundle) {
	t.Helper()
	r := stagetest.Run(t, c, stagetest.Block{Address: "train.m", Config: config, Tables: tables})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	b, err := model.Read(filepath.Join(r.Root, "out", "model"))
	if err != nil {
		t.Fatal(err)
	}
	return r, b
}

// slope is the change of the sum with one unit of a number, or the input's own coefficient.
func slope(m *linear.Model, output, feature int, kind linear.InputKind, level int) float64 {
	for i, in := range m.Inputs {
		if in.Feature == feature && in.Kind == kind && in.Level == level {
			if kind == linear.Value {
				return m.Coefficients[output][i] / in.Scale
			}
			return m.Coefficients[output][i]
		}
	}
	return math.NaN()
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s: got %g, want %g", what, got, want)
	}
}

const line = `select x, city, 3 * x + case city when 'Bonn' then 0 when 'Oslo' then 5 else -2 end + 7 as y, 1.0 + i % 3 as w,
  case when i % 5 = 0 then null else x end as gaps
  from (select i, (i * 7) % 31 / 4.0 as x, ['Bonn', 'Bonn', 'Oslo', 'Rome'][1 + i % 4] as city from range(400) t(i))`

func TestLinearRegressionFindsTheLine(t *testing.T) {
	for _, weight := range []string{``, `, "weight": "w"`} {
		r, b := train(t, linear_regression.Component, `{"target": "y", "features": ["x", "city"]`+weight+`}`, data(line))
		m := b.Estimator().(*linear.Model)
		near(t, "slope", slope(m, 0, 0, linear.Value, 0), 3, 1e-9)
		near(t, "Oslo", slope(m, 0, 1, linear.Level, 1), 5, 1e-9)
		near(t, "Rome", slope(m, 0, 1, linear.Level, 2), -2, 1e-9)
		near(t, "training loss", r.Figures(t)["training_loss"].(float64), 0, 1e-9)
	}
}

// With one centred and scaled input, the ridge shrinks n·cov by n + l2.
func TestLinearRegressionRidge(t *testing.T) {
	sql := `select i::double as x, 2.0 * i + 1 as y from range(100) t(i)`
	_, b := train(t, linear_regression.Component, `{"target": "y", "features": ["x"], "params": {"l2": 50}}`, data(sql))
	m := b.Estimator().(*linear.Model)
	near(t, "slope", slope(m, 0, 0, linear.Value, 0), 2.0*100/(100+50), 1e-9)
	near(t, "intercept", m.Intercepts[0], 100, 1e-9)
}

func TestLinearRegressionCollinear(t *testing.T) {
	r, b := train(t, linear_regression.Component, `{"target": "y", "features": ["x", "z"]}`, data(
		`select i::double as x, 2.0 * i as z, 4.0 * i as y from range(100) t(i)`))
	if !strings.Contains(r.Log, "inputs depend on each other") {
		t.Errorf("no warning:\n%s", r.Log)
	}
	m := b.Estimator().(*linear.Model)
	near(t, "fit", slope(m, 0, 0, linear.Value, 0)+2*slope(m, 0, 1, linear.Value, 0), 4, 1e-5)
}

func TestLinearRegressionMissing(t *testing.T) {
	_, b := train(t, linear_regression.Component, `{"target": "y", "features": ["gaps", "city"]}`, data(line))
	m := b.Estimator().(*linear.Model)
	near(t, "slope", slope(m, 0, 0, linear.Value, 0), 3, 0.2)
	if x := slope(m, 0, 0, linear.Missing, 0); math.IsNaN(x) {
		t.Error("missing values have no coefficient")
	}
}

const odds = `select a, b, y, k from (select i % 2 = 1 as a, (i // 2) % 2 = 1 as b,
  (hash(i) % 10000) / 10000.0 < (0.2 + 0.5 * (i % 2) + 0.1 * ((i // 2) % 2)) as y,
  ['r', 'g', 'b'][1 + ((hash(i + 7) % 3)::integer * (1 + i % 2) % 3)::integer] as k from range(4000) t(i))`

// Without regularisation, and an input for each group, the model is the observed shares.
func TestLogisticRegressionIsTheObservedShares(t *testing.T) {
	sql := `select a, i % 10 < case when a then 7 else 2 end as y from (select i, i >= 500 as a from range(1000) t(i))`
	_, b := train(t, logistic_regression.Component, `{"target": "y", "features": ["a"], "params": {"l2": 0}}`, data(sql))
	got := stagetest.Score(t, b.Serve(), map[string]any{"a": false}, map[string]any{"a": true})
	near(t, "share", *got[0].Score, 0.2, 1e-5)
	near(t, "share", *got[1].Score, 0.7, 1e-5)
}

// At the optimum the derivative of the loss, Σ (p - y) x + l2 β, is 0 for every coefficient.
func TestLogisticRegressionOptimum(t *testing.T) {
	for _, config := range []string{
		`{"target": "y", "features": ["a", "b"], "params": {"l2": 3}}`,
		`{"target": "k", "features": ["a", "b", "y"], "params": {"l2": 3}}`,
	} {
		r, b := train(t, logistic_regression.Component, config, data(odds))
		m := b.Estimator().(*linear.Model)
		f, err := readData(t, r)
		if err != nil {
			t.Fatal(err)
		}
		s := b.Signature()
		columns, err := model.Encode(f, s.Features)
		if err != nil {
			t.Fatal(err)
		}
		actual, err := s.Actual(f.Column(s.Target))
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Predict(t.Context(), columns, f.Rows, 1)
		if err != nil {
			t.Fatal(err)
		}
		for o := range p {
			for i := range m.Inputs {
				g := 3 * m.Coefficients[o][i]
				for row := range actual {
					hit := actual[row] == float64(o)
					if len(p) == 1 {
						hit = actual[row] == 1
					}
					e := p[o][row]
					if hit {
						e--
					}
					g += e * m.Inputs[i].At(columns[m.Inputs[i].Feature][row])
				}
				near(t, "derivative", g, 0, 1e-5*4000)
			}
		}
	}
}

func TestLogisticRegressionSaysThatItHasNotConverged(t *testing.T) {
	r, _ := train(t, logistic_regression.Component, `{"target": "y", "features": ["a", "b"], "params": {"max_iterations": 1}}`, data(odds))
	if !strings.Contains(r.Log, "have not converged") {
		t.Errorf("no warning:\n%s", r.Log)
	}
}

func TestBaseline(t *testing.T) {
	tests := []struct {
		name, config string
		row          map[string]any
		want         []float64
	}{
		{"shares", `{"target": "y"}`, map[string]any{}, []float64{0.25}},
		{"shares of classes", `{"target": "k"}`, map[string]any{}, []float64{0.5, 0.25, 0.25}},
		{"mean", `{"target": "v", "task": "regression"}`, map[string]any{}, []float64{1.5}},
		{"weighted mean", `{"target": "v", "task": "regression", "weight": "w"}`, map[string]any{}, []float64{14.0 / 6}},
		{"by a boolean", `{"target": "y", "column": "before"}`, map[string]any{"before": true}, []float64{0.5}},
		{"by text", `{"target": "v", "task": "regression", "column": "k"}`, map[string]any{"k": "c"}, []float64{3}},
		{"by new text", `{"target": "v", "task": "regression", "column": "k"}`, map[string]any{"k": "z"}, []float64{1.5}},
		{"the last value", `{"target": "v", "task": "regression", "column": "last"}`, map[string]any{"last": 42.0}, []float64{42}},
		{"no last value", `{"target": "v", "task": "regression", "column": "last"}`, map[string]any{"last": nil}, []float64{1.5}},
	}
	sql := `select i % 4 = 0 as y, ['a', 'b', 'a', 'c'][1 + i % 4] as k, i % 4 as v, i % 4 as w, i % 2 = 0 as before, i::double as last from range(40) t(i)`
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, b := train(t, baseline.Component, tt.config, data(sql))
			got := stagetest.Score(t, b.Serve(), tt.row)
			scores := got[0].Scores
			if len(tt.want) == 1 {
				scores = []float64{*got[0].Score}
			}
			for i := range tt.want {
				near(t, "score", scores[i], tt.want[i], 1e-12)
			}
		})
	}
}

func TestNumbersAreNoBaselineOfClasses(t *testing.T) {
	got := stagetest.Shape(t, baseline.Component, stagetest.Block{Address: "train.m", Config: `{"target": "y", "column": "x"}`,
		Tables: data(`select 1.0 as x, true as y`)}).Problems
	if len(got) != 1 || got[0].Path != "column" {
		t.Errorf("got %+v", got)
	}
}

func TestLinearModelsDoNotDependOnThreads(t *testing.T) {
	many := strings.Replace(odds, "range(4000)", "range(10000)", 1)
	tests := []struct {
		c           component.Component
		config, sql string
	}{
		{logistic_regression.Component, `{"target": "y", "features": ["a", "b", "k"]}`, many},
		{linear_regression.Component, `{"target": "y", "features": ["x", "city"]}`, strings.Replace(line, "range(400)", "range(9000)", 1)},
		{baseline.Component, `{"target": "y", "column": "a"}`, many},
		{baseline.Component, `{"target": "sold", "seasonal": {"time": "step", "season": 7, "keys": ["shop"]}}`, weeks},
	}
	for _, tt := range tests {
		r, _ := train(t, tt.c, tt.config, data(tt.sql))
		one := modelBytes(t, r)
		s, err := component.Open(r.Root, 3, &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		if err := tt.c.Run(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if modelBytes(t, r) != one {
			t.Errorf("%s: the number of threads changes the bytes", tt.c.Name())
		}
	}
}

func modelBytes(t *testing.T, r *stagetest.Result) string {
	t.Helper()
	var all string
	for _, name := range []string{"model/bundle.json", "model/model.json", "metrics.json", "report.json"} {
		data, err := os.ReadFile(filepath.Join(r.Root, "out", name))
		if err != nil {
			t.Fatal(err)
		}
		all += string(data)
	}
	return all
}
