package model

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/evaluation"
	trained "github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// inspected is what testdata/inspection.py has written.
type inspected struct {
	X            [][]float64
	Y            []int
	Coefficients []float64
	Intercept    float64
	Importance   map[string]struct {
		Mean, Std []float64
		Repeats   float64
	}
	Dependence []struct {
		At, Average []float64
		Curves      [][]float64
	}
}

func readInspected(t *testing.T) (*inspected, *trained.Bundle) {
	t.Helper()
	data, err := os.ReadFile("testdata/inspection.json")
	if err != nil {
		t.Fatal(err)
	}
	var in inspected
	if err := json.Unmarshal(data, &in); err != nil {
		t.Fatal(err)
	}
	m := &linear.Model{Link: linear.Logit, Intercepts: []float64{in.Intercept}, Coefficients: [][]float64{in.Coefficients}}
	sig := trained.Signature{Task: schema.Binary, Target: "y", Classes: []string{"0", "1"}}
	for f := range in.Coefficients {
		m.Inputs = append(m.Inputs, linear.Input{Feature: f, Kind: linear.Value, Scale: 1})
		sig.Features = append(sig.Features, trained.Feature{Name: fmt.Sprint("x", f), Type: "double"})
	}
	b, err := trained.New(sig, trained.Linear, m, 0.5, trained.Provenance{})
	if err != nil {
		t.Fatal(err)
	}
	return &in, b
}

// TestPermutationAsElsewhere: the mean over many permutations is scikit-learn's, but for the chance of drawing.
func TestPermutationAsElsewhere(t *testing.T) {
	in, b := readInspected(t)
	var rows []string
	for i, x := range in.X {
		rows = append(rows, fmt.Sprintf("(%d, %g::double, %g::double, %g::double, %d)", i, x[0], x[1], x[2], in.Y[i]))
	}
	const repeats = 200
	e := evaluate{config: fmt.Sprintf(`{"seed": 5, "metrics": [{"name": "auc", "type": "roc_auc"}, {"name": "loss", "type": "log_loss"}, {"name": "own", "goal": "minimize", "sql": "avg(score)"}],
		"intervals": {"resamples": 0, "confidence": 0.95}, "explain": {"rows": 1000, "background": 10, "permutation": {"repeats": %d}}}`, repeats),
		data: "select * from (values " + strings.Join(rows, ", ") + ") t(id, x0, x1, x2, y)", task: schema.Binary, target: "y", schema: schema.Table{Key: []string{"id"}}, model: b}
	o := e.run(t)
	for metric, want := range in.Importance {
		for f, mean := range want.Mean {
			path := fmt.Sprintf("explain.permutation.%s.x%d.", metric, f)
			got, low, high := o.number(t, path+"value"), o.number(t, path+"low"), o.number(t, path+"high")
			apart := 4 * want.Std[f] * math.Sqrt(1/want.Repeats+1/float64(repeats))
			if math.Abs(got-mean) > apart {
				t.Errorf("%s: got %v, want %v, within %v", path, got, mean, apart)
			}
			// The interval is as long as scikit-learn's spread over the permutations says.
			if half := 1.972 * want.Std[f] / math.Sqrt(repeats); math.Abs((high-low)/2-half) > 0.2*half || math.Abs(high+low-2*got) > 1e-12 {
				t.Errorf("%s: got %v to %v around %v, want half a length of %v", path, low, high, got, half)
			}
		}
	}
	if _, told := o.at(t, "explain.permutation").(map[string]any)["own"]; told {
		t.Errorf("a metric in SQL has importances")
	}
}

// TestDependenceAsElsewhere: at scikit-learn's own values means and curves are its own.
func TestDependenceAsElsewhere(t *testing.T) {
	in, b := readInspected(t)
	columns := make([][]float64, 3)
	for _, x := range in.X {
		for f := range columns {
			columns[f] = append(columns[f], x[f])
		}
	}
	for f, want := range in.Dependence {
		c := &evaluation.Dependence{At: want.At}
		if err := curves(t.Context(), b, columns, f, c, len(in.X), 2); err != nil {
			t.Fatal(err)
		}
		for k := range want.At {
			if math.Abs(c.Average[k]-want.Average[k]) > 1e-12 {
				t.Errorf("feature %d at %v: got %v, want %v", f, want.At[k], c.Average[k], want.Average[k])
			}
			for r := range want.Curves {
				if got := c.Curves[r][k]; math.Abs(got-want.Curves[r][k]) > 1e-12 {
					t.Errorf("feature %d of row %d at %v: got %v, want %v", f, r, want.At[k], got, want.Curves[r][k])
				}
			}
		}
	}
}

// TestInspection: what is asked for besides attributions, of trees that are known by heart; the same on any number of threads.
func TestInspection(t *testing.T) {
	trees := bundled(t, schema.Binary, trained.Trees, ofTrees(xgboost.Logistic, 10))
	e := explained(trees, `{"rows": 600, "background": 10, "permutation": {"repeats": 3}, "partial_dependence": {"features": ["x", "c", "flag", "nothing"], "grid": 7, "curves": 4}}`)
	first, r := reportOf(t, e)
	e.threads = 4
	if again, _ := reportOf(t, e); again != first {
		t.Errorf("the report depends on the number of threads")
	}
	for _, want := range []string{"table feature, How much auc falls where a feature is permuted", "Partial dependence on x, Partial dependence on c, Partial dependence on flag"} {
		if got := titles(r); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	o := e.run(t)
	for _, f := range []string{"flag", "nothing"} { // which no tree asks for
		if o.number(t, "explain.permutation.auc."+f+".high") != 0 || o.number(t, "explain.permutation.auc."+f+".low") != 0 {
			t.Errorf("%s: got %v", f, o.at(t, "explain.permutation.auc."+f))
		}
	}
	if got := o.number(t, "explain.permutation.auc.x.low"); got < 0.4 { // y is x >= 30: from 1 to a half
		t.Errorf("x: got %v", got)
	}
	if got := fmt.Sprint(o.at(t, "explain.partial_dependence.x.at")); got != "[3 11.8 20.6 29.5 38.4 47.2 56.1]" {
		t.Errorf("x is set to %s", got)
	}
	if got := fmt.Sprint(o.at(t, "explain.partial_dependence.c.at")); got != "[a b]" {
		t.Errorf("c is set to %s", got)
	}
	if got := o.number(t, "explain.partial_dependence.flag.range"); got != 0 {
		t.Errorf("flag: got %v", got)
	}
	if got := o.reason(t, "explain.partial_dependence.nothing.range"); got != "fewer than two values of the feature can be set" {
		t.Errorf("got %q", got)
	}
	e.data = "select * from (" + e.data + ") where id < 0"
	if got := e.run(t).reason(t, "explain.permutation.auc.x.value"); got == "" {
		t.Errorf("of no rows there is no reason")
	}
}

func TestInspectionProblems(t *testing.T) {
	trees := bundled(t, schema.Binary, trained.Trees, ofTrees(xgboost.Logistic, 10))
	for block, want := range map[string]string{
		`"permutation": {"repeats": 1}`:                                          "1 repeats",
		`"partial_dependence": {"features": ["xx"], "grid": 5, "curves": 5}`:     `no feature "xx"`,
		`"partial_dependence": {"features": ["x", "x"], "grid": 5, "curves": 5}`: `"x" is listed twice`,
		`"partial_dependence": {"features": ["x"], "grid": 1, "curves": 5}`:      "grid is 1",
	} {
		o := explained(trees, `{"rows": 600, "background": 10, `+block+`}`).run(t)
		if len(o.shape.Problems) != 1 || !strings.Contains(o.shape.Problems[0].Summary, want) {
			t.Errorf("%s: got %+v, want %q", block, o.shape.Problems, want)
		}
	}
}
