package metric

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

type vector struct {
	Name     string                     `json:"name"`
	Kind     string                     `json:"kind"`
	Classes  int                        `json:"n_classes"`
	Actual   []float64                  `json:"y_true"`
	Pred     []float64                  `json:"y_pred"`
	Score    []float64                  `json:"y_score"`
	Proba    [][]float64                `json:"y_proba"`
	Group    []any                      `json:"group"`
	Weight   []float64                  `json:"sample_weight"`
	Expected map[string]json.RawMessage `json:"expected"`
}

func vectors(t *testing.T) []vector {
	t.Helper()
	return vectorsIn(t, "testdata/metric_vectors.json")
}

func vectorsIn(t *testing.T, path string) []vector {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []vector }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

// definitionOf gives the definition that a name of the vectors stands for; they use zero_division = 0.
func definitionOf(name string) string {
	short := map[string]string{"brier": "brier_score", "mae": "mean_absolute_error", "mse": "mean_squared_error", "rmse": "root_mean_squared_error",
		"mape": "mean_absolute_percentage_error", "median_ae": "median_absolute_error"}
	if long, ok := short[name]; ok {
		name = long
	}
	average := ""
	for _, a := range []string{"binary", "macro", "micro", "weighted"} {
		if base, ok := strings.CutSuffix(name, "_"+a); ok {
			name, average = base, fmt.Sprintf(`, "average": %q`, a)
		}
	}
	return fmt.Sprintf(`{"name": "m", "type": %q, "zero_division": 0%s}`, name, average)
}

func (v vector) data() *Data {
	d := &Data{Task: schema.Binary, Classes: 2, Actual: v.Actual, Predicted: v.Pred, Score: v.Score, Weight: v.Weight}
	switch v.Kind {
	case "regression":
		d.Task, d.Classes = schema.Regression, 0
	case "multiclass":
		d.Task, d.Classes = schema.Multiclass, v.Classes
		d.Scores = make([][]float64, v.Classes)
		for c := range d.Scores {
			for _, p := range v.Proba {
				d.Scores[c] = append(d.Scores[c], p[c])
			}
		}
	}
	return d
}

func near(got, want float64) bool { return math.Abs(got-want) <= 1e-9*max(1, math.Abs(want)) }

func TestVectors(t *testing.T) {
	// Those that are no metric here: the matrix itself, and one against one.
	skip := map[string]bool{"confusion_matrix": true, "roc_auc_ovo_macro": true}
	checked := 0
	for _, v := range vectors(t) {
		if v.Kind == "fairness" {
			continue
		}
		for name, raw := range v.Expected {
			if skip[name] {
				continue
			}
			m, err := New(json.RawMessage(definitionOf(name)))
			if err != nil {
				t.Fatalf("%s %s: %v", v.Name, name, err)
			}
			got, undefined := m.Value(v.data())
			var want *float64
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			checked++
			switch {
			case want == nil && undefined == "":
				t.Errorf("%s %s: got %v, want undefined", v.Name, name, got)
			case want != nil && (undefined != "" || !near(got, *want)):
				t.Errorf("%s %s: got %v %q, want %v", v.Name, name, got, undefined, *want)
			}
		}
	}
	if checked < 250 {
		t.Errorf("only %d values were checked", checked)
	}
}

// TestGroupRates checks the rates that fairness is made of, group by group.
func TestGroupRates(t *testing.T) {
	names := map[string]string{"selection_rate": "selection_rate", "tpr": "true_positive_rate", "fpr": "false_positive_rate"}
	checked := 0
	for _, v := range vectors(t) {
		if v.Kind != "fairness" {
			continue
		}
		var groups map[string]map[string]*float64
		if err := json.Unmarshal(v.Expected["by_group"], &groups); err != nil {
			t.Fatal(err)
		}
		d := v.data()
		s, err := NewSample(d)
		if err != nil {
			t.Fatal(err)
		}
		for group, rates := range groups {
			w := make([]float64, s.Rows())
			for i, g := range v.Group {
				if fmt.Sprint(g) == group {
					w[i] = s.Weights()[i]
				}
			}
			for short, name := range names {
				got, undefined := metric(t, name).On(s, w)
				want := rates[short]
				checked++
				if (want == nil) != (undefined != "") || want != nil && !near(got, *want) {
					t.Errorf("%s group %s %s: got %v %q", v.Name, group, name, got, undefined)
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d rates were checked", checked)
	}
}

func metric(t testing.TB, name string) *Metric {
	t.Helper()
	m, err := New(json.RawMessage(fmt.Sprintf(`{"name": %q, "type": %q}`, name, name)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestUndefined(t *testing.T) {
	negative := &Data{Task: schema.Binary, Classes: 2, Actual: []float64{0, 0}, Predicted: []float64{0, 0}, Score: []float64{0.1, 0.2}}
	positive := &Data{Task: schema.Binary, Classes: 2, Actual: []float64{1, 1}, Predicted: []float64{1, 1}, Score: []float64{0.1, 0.2}}
	none := &Data{Task: schema.Binary, Classes: 2}
	for _, tc := range []struct {
		metric string
		data   *Data
		want   string
	}{
		{"roc_auc", negative, "all of one class"},
		{"average_precision", negative, "no row is positive"},
		{"recall", negative, "no row is positive"},
		{"precision", negative, "no row is predicted positive"},
		{"f1", negative, "no row is or is predicted positive"},
		{"true_positive_rate", negative, "no row is positive"},
		{"false_negative_rate", negative, "no row is positive"},
		{"matthews_corrcoef", negative, "of one class"},
		{"cohen_kappa", negative, "of one class"},
		{"false_positive_rate", positive, "no row is negative"},
		{"specificity", positive, "no row is negative"},
		{"negative_predictive_value", positive, "no row is predicted negative"},
		{"accuracy", none, "no rows"},
		{"log_loss", none, "no rows"},
		{"r2", &Data{Task: schema.Regression, Actual: []float64{1, 1}, Predicted: []float64{1, 2}}, "all the same"},
		{"r2", &Data{Task: schema.Regression, Actual: []float64{1}, Predicted: []float64{1}}, "fewer than two"},
		{"r2", negative, "is for regression"},
		{"roc_auc", &Data{Task: schema.Multiclass, Classes: 3, Actual: []float64{1}, Predicted: []float64{1}}, "roc_auc_ovr"},
		{"recall", &Data{Task: schema.Multiclass, Classes: 3, Actual: []float64{1}, Predicted: []float64{1}}, "needs average"},
		{"roc_auc", &Data{Task: schema.Binary, Classes: 2, Actual: []float64{0, 1}, Predicted: []float64{0, 1}}, "no scores"},
		{"accuracy", &Data{Task: schema.Binary, Classes: 2, Actual: []float64{2}, Predicted: []float64{0}}, "row 1: 2 is not the index"},
		{"brier_score", &Data{Task: schema.Binary, Classes: 2, Actual: []float64{1}, Predicted: []float64{0}, Score: []float64{math.NaN()}}, "is NaN"},
		{"accuracy", &Data{Task: schema.Binary, Classes: 2, Actual: []float64{1}, Predicted: []float64{0, 1}}, "column of 2"},
		{"accuracy", &Data{Task: schema.Binary, Classes: 2, Actual: []float64{1}, Predicted: []float64{1}, Weight: []float64{-1}}, "negative"},
	} {
		got, undefined := metric(t, tc.metric).Value(tc.data)
		if !strings.Contains(undefined, tc.want) || undefined == "" {
			t.Errorf("%s: got %v %q, want undefined: %s", tc.metric, got, undefined, tc.want)
		}
	}
}

// TestOfCounts checks that counting and looking at rows agree for all metrics of decisions.
func TestOfCounts(t *testing.T) {
	d := &Data{Task: schema.Binary, Classes: 2,
		Actual:    []float64{0, 0, 0, 0, 1, 1, 1, 1, 1, 0},
		Predicted: []float64{0, 0, 0, 1, 1, 1, 1, 0, 0, 1}}
	counted := 0
	for _, name := range Names() {
		m := metric(t, name)
		got, _, ok := m.OfCounts(3, 2, 2, 3)
		if !ok {
			continue
		}
		counted++
		if want, _ := m.Value(d); got != want {
			t.Errorf("%s: got %v from counts, want %v", name, got, want)
		}
	}
	if counted < 12 {
		t.Errorf("only %d metrics work on counts", counted)
	}
}

func TestDefinitions(t *testing.T) {
	for _, tc := range []struct {
		def  string
		want string // part of the first problem; empty: none
	}{
		{`{"type": "roc_auc"}`, ""},
		{`{"type": "f1", "average": "macro"}`, ""},
		{`{"sql": "avg(score)", "goal": "minimize"}`, ""},
		{`{}`, "Neither type nor sql"},
		{`{"type": "recall", "sql": "sum(score)"}`, "Both type and sql"},
		{`{"type": "rocauc"}`, `did you mean "roc_auc"?`},
		{`{"sql": "avg(score)"}`, "needs a goal"},
		{`{"type": "recall", "goal": "maximize"}`, "goal is for SQL metrics"},
		{`{"type": "roc_auc", "average": "macro"}`, `roc_auc has no average "macro"`},
		{`{"sql": "avg(score)", "goal": "maximize", "zero_division": 0}`, "zero_division does not apply"},
	} {
		got := shape(t.Context(), nil, schema.ShapeRequest{Config: json.RawMessage(tc.def)}).Problems
		_, err := New(json.RawMessage(tc.def))
		switch {
		case tc.want == "" && (len(got) > 0 || err != nil):
			t.Errorf("%s: got %v, %v, want no problem", tc.def, got, err)
		case tc.want != "" && (len(got) == 0 || err == nil):
			t.Errorf("%s: got no problem, want %q", tc.def, tc.want)
		case tc.want != "" && !strings.Contains(got[0].Summary+got[0].Hint, tc.want):
			t.Errorf("%s: got %+v, want %q", tc.def, got[0], tc.want)
		}
	}
}

func TestDirection(t *testing.T) {
	for name, want := range map[string]bool{"roc_auc": true, "false_positive_rate": false, "log_loss": false, "r2": true, "root_mean_squared_error": false} {
		m := metric(t, name)
		if m.Greater != want || m.Better(2, 1) != want {
			t.Errorf("%s: got greater %v, want %v", name, m.Greater, want)
		}
	}
}

// TestConstantTarget: r2 of actual values that are all the same, or differ by rounding, is undefined whatever the value,
// the number of rows and their weights.
func TestConstantTarget(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	m := metric(t, "r2")
	for range 3000 {
		n := 2 + r.IntN(200)
		y := (r.Float64() - 0.5) * math.Pow(10, float64(r.IntN(30)-15))
		d := &Data{Task: schema.Regression}
		for i := range n {
			d.Actual, d.Predicted, d.Weight = append(d.Actual, y), append(d.Predicted, y*r.Float64()), append(d.Weight, r.Float64())
			if i%3 == 0 {
				d.Actual[i] = math.Nextafter(y, 0)
			}
		}
		if x, undefined := m.Value(d); undefined != "the actual values are all the same" {
			t.Fatalf("%d rows of %v: got %v, %q", n, y, x, undefined)
		}
		// What differs by more has a value.
		d.Actual[0] += math.Abs(y) * 1e-6
		if _, undefined := m.Value(d); undefined != "" {
			t.Fatalf("%d rows of about %v: %s", n, y, undefined)
		}
	}
	for _, name := range []string{"matthews_corrcoef", "cohen_kappa"} {
		for range 300 {
			d := &Data{Task: schema.Binary, Classes: 2}
			for range 2 + r.IntN(50) {
				d.Actual, d.Predicted, d.Weight = append(d.Actual, 1), append(d.Predicted, 1), append(d.Weight, r.Float64())
			}
			if x, undefined := metric(t, name).Value(d); undefined == "" {
				t.Fatalf("%s of one class: got %v", name, x)
			}
		}
	}
}
