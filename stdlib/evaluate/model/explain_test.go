package model

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	trained "github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/constant"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// explainedRows are 600 rows with a number, a text, a boolean and a number that is always missing.
const explainedRows = `select i as id, (i % 60)::double as x, ['a', 'b', null][1 + i % 3] as c, i % 5 = 0 as flag, null::double as nothing, (i % 60) >= 30 as y, (i % 60)::double as amount from range(600) t(i)`

var explainedFeatures = []trained.Feature{{Name: "x", Type: "double"}, {Name: "c", Type: "varchar", Levels: []string{"a", "b"}}, {Name: "flag", Type: "boolean"}, {Name: "nothing", Type: "double"}}

func leaf(value, cover float32) xgboost.Node {
	return xgboost.Node{Left: xgboost.NoChild, Right: xgboost.NoChild, Value: value, Hessian: cover}
}

// stumps are trees with one split each, on x at 30 and on c; cover is how many rows went each way.
func stumps(o xgboost.Objective, cover float32) *xgboost.Model {
	return &xgboost.Model{Objective: o, BaseScore: []float32{0.5}, NumFeature: 4, TreeClass: []int32{0, 0}, Trees: []xgboost.Tree{
		{Nodes: []xgboost.Node{{Left: 1, Right: 2, Parent: -1, Feature: 0, Value: 30, Hessian: 2 * cover}, leaf(-1, cover), leaf(3, cover)}},
		{Nodes: []xgboost.Node{{Left: 1, Right: 2, Parent: -1, Feature: 1, Categories: []int32{1}, DefaultLeft: true, Hessian: 3 * cover}, leaf(0, 2*cover), leaf(0.3, cover)}},
	}}
}

func bundled(t *testing.T, task schema.Task, kind trained.Kind, e func(*trained.Signature) (trained.Estimator, error)) *trained.Bundle {
	t.Helper()
	sig := trained.Signature{Task: task, Target: "y", Classes: []string{"false", "true"}, Features: explainedFeatures}
	if task == schema.Regression {
		sig.Target, sig.Classes = "amount", nil
	}
	m, err := e(&sig)
	if err != nil {
		t.Fatal(err)
	}
	b, err := trained.New(sig, kind, m, trained.DefaultThreshold, trained.Provenance{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ofTrees(o xgboost.Objective, cover float32) func(*trained.Signature) (trained.Estimator, error) {
	return func(s *trained.Signature) (trained.Estimator, error) { return trained.NewTrees(stumps(o, cover), s) }
}

func explained(b *trained.Bundle, block string) evaluate {
	sig := b.Signature()
	metric := `{"name": "auc", "type": "roc_auc"}`
	if sig.Task == schema.Regression {
		metric = `{"name": "mae", "type": "mean_absolute_error"}`
	}
	return evaluate{config: fmt.Sprintf(`{"metrics": [%s], "intervals": {"resamples": 0, "confidence": 0.95}, "explain": %s}`, metric, block),
		data: explainedRows, task: sig.Task, target: sig.Target, schema: schema.Table{Key: []string{"id"}}, model: b}
}

// TestExplained: attributions of models that are small enough to know them by heart.
func TestExplained(t *testing.T) {
	trees := bundled(t, schema.Binary, trained.Trees, ofTrees(xgboost.Logistic, 10))
	line := bundled(t, schema.Regression, trained.Linear, func(*trained.Signature) (trained.Estimator, error) {
		return &linear.Model{Link: linear.Identity, Intercepts: []float64{7}, Coefficients: [][]float64{{2, 5}},
			Inputs: []linear.Input{{Feature: 0, Kind: linear.Value, Mean: 3, Scale: 2}, {Feature: 1, Kind: linear.Level, Level: 1}}}, nil
	})
	same := bundled(t, schema.Binary, trained.Constant, func(*trained.Signature) (trained.Estimator, error) {
		return &constant.Model{Scores: []float64{0.3}}, nil
	})
	for name, test := range map[string]struct {
		of     *trained.Bundle
		block  string
		method string
		rows   float64
		want   map[string]float64 // NaN: undefined
	}{
		// Of x knowing the value turns 1 into -1 or 3; of c 0.1 into 0 (two of three rows) or 0.3.
		"trees":                 {trees, `{"rows": 600, "background": 100}`, "tree_shap", 600, map[string]float64{"x": 2, "c": (0.1*2 + 0.2) / 3, "flag": 0, "nothing": 0}},
		"a part of the rows":    {trees, `{"rows": 60, "background": 100}`, "tree_shap", 60, map[string]float64{"x": 2}},
		"more rows than are":    {trees, `{"rows": 100000, "background": 100}`, "tree_shap", 600, map[string]float64{"x": 2}},
		"interventional":        {trees, `{"method": "interventional", "rows": 600, "background": 600}`, "interventional", 600, map[string]float64{"x": 2, "c": (0.1*2 + 0.2) / 3, "flag": 0}},
		"trees without numbers": {bundled(t, schema.Binary, trained.Trees, ofTrees(xgboost.Logistic, 0)), `{"rows": 600, "background": 600}`, "interventional", 600, map[string]float64{"x": 2}},
		"regression":            {bundled(t, schema.Regression, trained.Trees, ofTrees(xgboost.SquaredError, 10)), `{"rows": 600, "background": 100}`, "tree_shap", 600, map[string]float64{"x": 2}},
		// The mean of x is 29.5, from which it is 15 away in the mean.
		"linear":   {line, `{"rows": 600, "background": 600}`, "interventional", 600, map[string]float64{"x": 15, "c": 5 * 2 * (1. / 3) * (2. / 3), "nothing": 0}},
		"constant": {same, `{"rows": 600, "background": 10}`, "interventional", 600, map[string]float64{"x": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			one, two := explained(test.of, test.block), explained(test.of, test.block)
			two.threads = 2
			o := one.run(t)
			if got := o.at(t, "explain.method"); got != test.method || o.number(t, "explain.rows") != test.rows {
				t.Errorf("got %v of %v rows, want %s of %v", got, o.at(t, "explain.rows"), test.method, test.rows)
			}
			total := 0.0
			for _, f := range explainedFeatures {
				total += o.number(t, "explain.attributions."+f.Name)
			}
			for f, want := range test.want {
				got := o.number(t, "explain.attributions."+f)
				if math.Abs(got-want) > 1e-6 {
					t.Errorf("%s: got %v, want %v", f, got, want)
				}
				if total == 0 {
					if why := o.reason(t, "explain.shares."+f); why != "the scores of these rows come from no feature" {
						t.Errorf("%s: its share is undefined: %q", f, why)
					}
				} else if share := o.number(t, "explain.shares."+f); math.Abs(share-got/total) > 1e-12 {
					t.Errorf("%s: got the share %v of %v, want %v of it", f, share, total, got)
				}
			}
			a, r := reportOf(t, one)
			if b, _ := reportOf(t, two); a != b {
				t.Error("the reports on one and two threads differ")
			}
			if last := r.Sections[len(r.Sections)-1]; last.Title != "What the scores come from" {
				t.Errorf("the report ends with %q", last.Title)
			}
		})
	}
}

// TestExplainedPictures: how the score goes with a feature, and that no picture has a value of a column that is marked pii, or one that few rows have.
func TestExplainedPictures(t *testing.T) {
	e := explained(bundled(t, schema.Regression, trained.Trees, ofTrees(xgboost.SquaredError, 10)), `{"rows": 600, "background": 100}`)
	_, r := reportOf(t, e)
	if got := titles(&report.Report{Sections: r.Sections[len(r.Sections)-1:]}); got != "What the scores come from:, table feature, Score by x, Score by c" {
		t.Errorf("got %s", got)
	}
	p := plot(t, r, "Score by x")
	mean := p.Series[1]
	if n := len(mean.X); n != 20 || mean.X[0] != 3 || mean.X[1] != 5.8 || mean.X[n-1] != 56 || math.Abs(mean.Y[0]-(0.5-1+0.1)) > 1e-6 || math.Abs(mean.Y[n-1]-(0.5+3+0.1)) > 1e-6 {
		t.Errorf("got %v and %v", mean.X, mean.Y)
	}
	if c := plot(t, r, "Score by c"); strings.Join(c.X.Categories, " ") != "a b" {
		t.Errorf("got the levels %v", c.X.Categories)
	}
	e.data = strings.Replace(explainedRows, "'a'", "'a' || i", 1)
	if _, r := reportOf(t, e); strings.Contains(titles(r), "Score by c") {
		t.Error("there is a picture of a text of which only one level has 20 rows")
	}
}

// TestExplainedNothing: where no row has a target nothing is explained, and no figure says that a feature has no part in the scores.
func TestExplainedNothing(t *testing.T) {
	e := explained(bundled(t, schema.Binary, trained.Trees, ofTrees(xgboost.Logistic, 10)), `{"rows": 1000, "background": 100}`)
	e.data = strings.Replace(explainedRows, "(i % 60) >= 30 as y", "null::boolean as y", 1)
	o := e.run(t)
	if n := o.number(t, "explain.rows"); n != 0 {
		t.Errorf("got %v rows", n)
	}
	for _, path := range []string{"explain.method", "explain.attributions.x", "explain.shares.x"} {
		if why := o.reason(t, path); why != "there is no row to explain" {
			t.Errorf("%s is undefined: %q", path, why)
		}
	}
}

// TestExplainedProblems: what cannot be explained is said while files are checked, or else by the stage.
func TestExplainedProblems(t *testing.T) {
	e := explained(bundled(t, schema.Binary, trained.Trees, ofTrees(xgboost.Logistic, 10)), `{"rows": 0, "background": 100}`)
	if o := e.run(t); len(o.shape.Problems) != 1 || !strings.Contains(o.shape.Problems[0].Summary, "at least 1") {
		t.Errorf("got %+v", o.shape.Problems)
	}
	opaque := evaluate{config: e.config, data: explainedRows, task: schema.Binary, target: "y", opaque: "select true as predicted, 0.5 as score from range(600)"}
	if o := opaque.run(t); len(o.shape.Problems) != 2 || !strings.Contains(o.shape.Problems[1].Summary, "its own image") {
		t.Errorf("got %+v", o.shape.Problems)
	}
	for _, b := range []*trained.Bundle{
		bundled(t, schema.Binary, trained.Trees, ofTrees(xgboost.Logistic, 0)),
		bundled(t, schema.Binary, trained.Constant, func(*trained.Signature) (trained.Estimator, error) {
			return &constant.Model{Scores: []float64{0.3}}, nil
		}),
	} {
		if o := explained(b, `{"method": "tree_shap", "rows": 10, "background": 10}`).run(t); o.err == nil || !strings.Contains(o.err.Error(), "explain: ") {
			t.Errorf("got %v, want that tree_shap is not for this model", o.err)
		}
	}
}

// TestExplainedWithoutFeatures: of a model that reads nothing the reason is that, and not a lack of rows.
func TestExplainedWithoutFeatures(t *testing.T) {
	m := &constant.Model{Scores: []float64{0.3}}
	b, err := trained.New(trained.Signature{Task: schema.Binary, Target: "y", Classes: []string{"false", "true"}}, trained.Constant, m, trained.DefaultThreshold, trained.Provenance{})
	if err != nil {
		t.Fatal(err)
	}
	e := explained(b, `{"rows": 600, "background": 10}`)
	if why := e.run(t).reason(t, "explain.method"); why != "the model reads no feature" {
		t.Errorf("the method is undefined: %q", why)
	}
	_, r := reportOf(t, e)
	last := r.Sections[len(r.Sections)-1]
	if len(last.Items) != 1 || last.Items[0].Note != "There is nothing to show: the model reads no feature." {
		t.Errorf("got %+v", last)
	}
}
