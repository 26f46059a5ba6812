package model_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/constant"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// bundled is a model of an estimator.
func bundled(t *testing.T, s model.Signature, kind model.Kind, e model.Estimator) *model.Bundle {
	t.Helper()
	b, err := model.New(s, kind, e, 0.5, model.Provenance{Component: "train.test", Version: 1, Rows: 9})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// together is an ensemble of members a, b, ….
func together(t *testing.T, c model.Combination, members ...*model.Bundle) *model.Bundle {
	t.Helper()
	s, err := model.Joined(members)
	if err != nil {
		t.Fatal(err)
	}
	e, err := model.NewEnsemble(&s, strings.Split("abcdef", "")[:len(members)], members, c)
	if err != nil {
		t.Fatal(err)
	}
	return bundled(t, s, model.Ensemble, e)
}

// amounts is a table of shares by a category, or by numbers that are taken as categories, in a signature of its own.
func amounts(t *testing.T, f model.Feature, table ...float64) *model.Bundle {
	t.Helper()
	m := &constant.Model{Scores: []float64{100}, Column: &constant.Column{}}
	for _, x := range table {
		m.Column.Table = append(m.Column.Table, []float64{x})
	}
	return bundled(t, model.Signature{Task: schema.Regression, Target: "y", Features: []model.Feature{f}}, model.Constant, m)
}

// TestLevelsOfMembers: each member sees a category by its own levels, and what it does not know is missing to it, whatever the others know; numbers that one member takes
// as categories stay numbers to the others. Frames and a server say the same.
func TestLevelsOfMembers(t *testing.T) {
	city := func(levels ...string) model.Feature {
		return model.Feature{Name: "city", Type: "varchar", Levels: levels}
	}
	size := func(levels ...string) model.Feature {
		return model.Feature{Name: "size", Type: "integer", Levels: levels}
	}
	number := amounts(t, size())
	e := together(t, model.Combination{Method: model.Average, Weights: []float64{1, 1, 2, 4}},
		amounts(t, city("Bonn", "Oslo"), 1, 2), amounts(t, city("Rome", "Oslo"), 3, 4), amounts(t, size("7", "3"), 10, 20), number)
	if diff := cmp.Diff([]model.Feature{city("Bonn", "Oslo", "Rome"), size()}, e.Signature().Features); diff != "" {
		t.Error(diff)
	}
	dir := t.TempDir()
	if err := e.Write(dir); err != nil {
		t.Fatal(err)
	}
	read, err := model.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := &frame.Frame{Rows: 4, Columns: []frame.Column{{Name: "size", Type: "integer", Num: []float64{3, 7, 5, math.NaN()}},
		{Name: "city", Type: "varchar", Levels: []string{"Oslo", "Paris", "Rome"}, Codes: []int32{0, 2, 1, -1}}}}
	want := []float64{(2 + 4 + 2*20 + 4*3) / 8., (100 + 3 + 2*10 + 4*7) / 8., (100 + 100 + 2*100 + 4*5) / 8., 100}
	for _, b := range []*model.Bundle{e, read} {
		p, err := b.Score(f, 3)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, p.Score); diff != "" {
			t.Error(diff)
		}
	}
	got := stagetest.Score(t, read.Serve(), map[string]any{"city": "Oslo", "size": 3.0}, map[string]any{"city": "Rome", "size": 7.0}, map[string]any{"city": "Paris", "size": 5.0}, map[string]any{"city": nil, "size": nil})
	for r := range got {
		if *got[r].Score != want[r] {
			t.Errorf("the server says %g of row %d, want %g", *got[r].Score, r, want[r])
		}
	}
	if len(got[2].Unseen) != 1 || len(got[1].Unseen) != 0 {
		t.Errorf("unseen are %v and %v: Rome is known to one member", got[1].Unseen, got[2].Unseen)
	}
}

// line is a model of an amount, y = Σ slope · x by feature.
func line(t *testing.T, link linear.Link, slopes map[string]float64, features ...string) *model.Bundle {
	t.Helper()
	s := model.Signature{Task: schema.Regression, Target: "y"}
	if link == linear.Logit {
		s.Task, s.Classes = schema.Binary, []string{"no", "yes"}
	}
	m := &linear.Model{Link: link, Intercepts: []float64{0.5}, Coefficients: [][]float64{nil}}
	for i, f := range features {
		s.Features = append(s.Features, model.Feature{Name: f, Type: "double"})
		m.Inputs = append(m.Inputs, linear.Input{Feature: i, Kind: linear.Value, Scale: 1})
		m.Coefficients[0] = append(m.Coefficients[0], slopes[f])
	}
	return bundled(t, s, model.Linear, m)
}

// grown is a tree of an amount, or of a share of the positive class as a forest has it, that asks for one feature.
func grown(t *testing.T, task schema.Task, feature string, left, right float32) *model.Bundle {
	t.Helper()
	s := model.Signature{Task: task, Target: "y", Features: []model.Feature{{Name: feature, Type: "double"}}}
	if task == schema.Binary {
		s.Classes = []string{"no", "yes"}
	}
	e, err := model.NewTrees(&xgboost.Model{Objective: xgboost.SquaredError, BaseScore: []float32{0}, NumFeature: 1, FeatureNames: []string{feature}, FeatureTypes: []string{"q"}, TreeClass: []int32{0},
		Trees: []xgboost.Tree{{Nodes: []xgboost.Node{{Left: 1, Right: 2, Parent: -1, Value: 1.5, Hessian: 10}, {Left: -1, Right: -1, Value: left, Hessian: 4}, {Left: -1, Right: -1, Value: right, Hessian: 6}}}}}, &s)
	if err != nil {
		t.Fatal(err)
	}
	return bundled(t, s, model.Trees, e)
}

// numbers are rows of x and z.
var numbers = &frame.Frame{Rows: 4, Columns: []frame.Column{{Name: "x", Type: "double", Num: []float64{1, 2, 3, 4}}, {Name: "z", Type: "double", Num: []float64{2, 0, 5, 1}}}}

// stacked is a stacking of two members by a line with that link.
func stacked(link linear.Link) model.Combination {
	return model.Combination{Method: model.Stacking, Line: &linear.Model{Link: link, Intercepts: []float64{0.25}, Coefficients: [][]float64{{0.5, -2}},
		Inputs: []linear.Input{{Feature: 0, Kind: linear.Value, Mean: 0.5, Scale: 2}, {Feature: 1, Kind: linear.Value, Mean: 1, Scale: 4}}}}
}

// TestAttributionsAddUp: base and attributions of a row are the margin, where an ensemble is a sum of what members add up; the method is that of all members.
func TestAttributionsAddUp(t *testing.T) {
	average := model.Combination{Method: model.Average, Weights: []float64{1, 3}}
	logit := func(p float64) float64 { return math.Log(p / (1 - p)) }
	same := func(p float64) float64 { return p }
	trees := []*model.Bundle{grown(t, schema.Regression, "x", 1, 2), grown(t, schema.Regression, "z", -1, 4)}
	forests := []*model.Bundle{grown(t, schema.Binary, "x", 0.25, 0.75), grown(t, schema.Binary, "z", 0.5, 1)}
	lines := []*model.Bundle{line(t, linear.Identity, map[string]float64{"x": 2, "z": 1}, "x", "z"), line(t, linear.Identity, map[string]float64{"z": -1}, "z")}
	nested := together(t, average, trees...)
	tests := []struct {
		name    string
		of      *model.Bundle
		method  model.Method
		unit    model.Unit
		margin  func(float64) float64
		serving string // method of explanations of single rows; empty: there are none
	}{
		{"an average of trees", together(t, average, trees...), model.TreeSHAP, model.OfTask, same, "tree_shap"},
		{"an average of lines", together(t, average, lines...), model.Interventional, model.OfTask, same, "linear_terms"},
		{"an average of a tree and a line", together(t, average, trees[0], lines[1]), model.Interventional, model.OfTask, same, ""},
		{"an average of forests", together(t, average, forests...), model.TreeSHAP, model.Probabilities, same, "tree_shap"},
		{"a stacking of amounts", together(t, stacked(linear.Identity), trees...), model.TreeSHAP, model.OfTask, same, "tree_shap"},
		{"a stacking of classes", together(t, stacked(linear.Logit), forests...), model.TreeSHAP, model.OfTask, logit, "tree_shap"},
		{"an average of an average", together(t, average, nested, lines[0]), model.Interventional, model.OfTask, same, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := tt.of.Score(numbers, 1)
			if err != nil {
				t.Fatal(err)
			}
			a, err := tt.of.Attribute(t.Context(), numbers, []int{0, 1, 2, 3}, []int{1, 2}, "", 2)
			if err != nil {
				t.Fatal(err)
			}
			if a.Method != tt.method || a.Unit != tt.unit {
				t.Errorf("the method is %s and the unit %q", a.Method, a.Unit)
			}
			for r, score := range p.Score {
				sum := a.Base[0]
				for f := range a.Values[0] {
					sum += a.Values[0][f][r]
				}
				if math.Abs(sum-tt.margin(score)) > 1e-6 {
					t.Errorf("row %d: base and attributions are %g, and the margin %g", r, sum, tt.margin(score))
				}
			}
			explainer, ok := tt.of.Serve().(component.Explainer)
			if !ok {
				t.Fatal("the server explains nothing")
			}
			columns := []component.Values{{Num: numbers.Columns[0].Num}, {Num: numbers.Columns[1].Num}}
			if tt.of.Signature().Features[0].Name == "z" {
				columns[0], columns[1] = columns[1], columns[0]
			}
			x, err := explainer.Explain(t.Context(), 4, columns)
			if tt.serving == "" {
				if !errors.Is(err, component.ErrUnexplained) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for r, score := range p.Score {
				sum := x[r].Base[0]
				for _, v := range x[r].Contributions[0] {
					sum += v
				}
				if x[r].Method != tt.serving || math.Abs(sum-tt.margin(score)) > 1e-6 || math.Abs(x[r].Margin[0]-tt.margin(score)) > 1e-6 {
					t.Errorf("row %d by %s: base and contributions are %g, the margin %g, want %g", r, x[r].Method, sum, x[r].Margin[0], tt.margin(score))
				}
			}
		})
	}
}

// TestNoAttributions: where scores are bent before they are put together, nothing is attributed, and the reason names who bends.
func TestNoAttributions(t *testing.T) {
	average := model.Combination{Method: model.Average, Weights: []float64{1, 1}}
	bent := line(t, linear.Logit, map[string]float64{"x": 1}, "x")
	calibrated, err := grown(t, schema.Binary, "x", 0.25, 0.75).Calibrated(&model.Calibration{Method: model.Sigmoid, Scale: model.Score, Curves: []model.Curve{{Slope: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	forest := grown(t, schema.Binary, "z", 0.5, 1)
	for name, b := range map[string]*model.Bundle{"a logistic regression": together(t, average, forest, bent), "a calibration": together(t, average, forest, calibrated),
		"in a stacking": together(t, stacked(linear.Logit), forest, bent), "below": together(t, average, forest, together(t, stacked(linear.Logit), forest, forest))} {
		if _, err := b.Attribute(t.Context(), numbers, []int{0}, []int{1}, "", 1); !errors.Is(err, model.ErrMethod) || !strings.Contains(err.Error(), "the parts of b add up to a margin") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	mixed := together(t, average, grown(t, schema.Regression, "x", 1, 2), line(t, linear.Identity, map[string]float64{"z": 1}, "z"))
	if _, err := mixed.Attribute(t.Context(), numbers, []int{0}, []int{1}, model.TreeSHAP, 1); !errors.Is(err, model.ErrMethod) {
		t.Errorf("tree_shap of a line: got %v", err)
	}
}

// TestWidenedEnsemble: an ensemble that was chosen among models with other features takes theirs, too, and says the same; so do its members, and its explanations.
func TestWidenedEnsemble(t *testing.T) {
	e := together(t, stacked(linear.Identity), grown(t, schema.Regression, "x", 1, 2), grown(t, schema.Regression, "z", -1, 4))
	wide, err := e.Widen([]model.Feature{{Name: "other", Type: "varchar"}, {Name: "z", Type: "double"}, {Name: "x", Type: "double"}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := wide.Write(dir); err != nil {
		t.Fatal(err)
	}
	read, err := model.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]any{"x": 1.0, "z": 2.0, "other": "a"}
	want, got := stagetest.Score(t, e.Serve(), row), stagetest.Score(t, read.Serve(), row)
	if *got[0].Score != *want[0].Score {
		t.Errorf("got %g, want %g", *got[0].Score, *want[0].Score)
	}
	x, err := read.Serve().(component.Explainer).Explain(t.Context(), 1, []component.Values{{Text: []string{"a"}, Null: []bool{false}}, {Num: []float64{2}}, {Num: []float64{1}}})
	if err != nil {
		t.Fatal(err)
	}
	if c := x[0].Contributions[0]; len(c) != 3 || c[0] != 0 || math.Abs(x[0].Base[0]+c[1]+c[2]-*want[0].Score) > 1e-6 {
		t.Errorf("base %g and contributions %v are not %g", x[0].Base[0], c, *want[0].Score)
	}
}

// TestDamagedEnsemble: a member that is not the one that the ensemble was made of is found out, and so is a way to put them together that does not fit them.
func TestDamagedEnsemble(t *testing.T) {
	tests := []struct {
		name, file, old, new string
		want                 string
	}{
		{"another member", "members/2/bundle.json", `"rows": 9`, `"rows": 8`, "member b is damaged"},
		{"a changed leaf", "members/1/model.json", "2E0", "3E0", "model.json is damaged"},
		{"a member less", "bundle.json", `"name": "b"`, `"name": "b", "digest": "x"`, "member b is damaged"},
	}
	for _, tt := range tests {
		e := together(t, model.Combination{Method: model.Average, Weights: []float64{1, 1}}, grown(t, schema.Regression, "x", 1, 2), grown(t, schema.Regression, "z", -1, 4))
		dir := t.TempDir()
		if err := e.Write(dir); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, tt.file)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(data), tt.old, tt.new, 1)
		if tt.name == "a member less" {
			if err := os.RemoveAll(filepath.Join(dir, "members/2")); err != nil {
				t.Fatal(err)
			}
			tt.want = "member b: open"
		} else if changed == string(data) {
			t.Fatalf("%s: %q is not in\n%s", tt.name, tt.old, data)
		}
		if tt.name != "a member less" {
			if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := model.Read(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	two := []*model.Bundle{grown(t, schema.Regression, "x", 1, 2), grown(t, schema.Regression, "z", -1, 4)}
	s, err := model.Joined(two)
	if err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]model.Combination{
		"1 weights":         {Method: model.Average, Weights: []float64{1}},
		"the weight -1":     {Method: model.Average, Weights: []float64{2, -1}},
		"add up to 0":       {Method: model.Average, Weights: []float64{0, 0}},
		"no line":           {Method: model.Stacking},
		"unknown method":    {Method: "vote"},
		"input of kind":     {Method: model.Stacking, Line: &linear.Model{Intercepts: []float64{0}, Coefficients: [][]float64{{1}}, Inputs: []linear.Input{{Feature: 2, Kind: linear.Value, Scale: 1}}}},
		"of kind \"level\"": {Method: model.Stacking, Line: &linear.Model{Intercepts: []float64{0}, Coefficients: [][]float64{{1}}, Inputs: []linear.Input{{Kind: linear.Level}}}},
	} {
		if _, err := model.NewEnsemble(&s, []string{"a", "b"}, two, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestComplexityOfEnsembles: what a row costs is what it costs all members, and putting them together.
func TestComplexityOfEnsembles(t *testing.T) {
	a, b := grown(t, schema.Regression, "x", 1, 2), line(t, linear.Identity, map[string]float64{"z": 1}, "x", "z")
	e := together(t, model.Combination{Method: model.Average, Weights: []float64{1, 1}}, a, b)
	got, err := e.Complexity()
	if err != nil {
		t.Fatal(err)
	}
	of := func(b *model.Bundle) int {
		c, err := b.Complexity()
		if err != nil {
			t.Fatal(err)
		}
		return c.Bytes
	}
	want := model.Complexity{Bytes: len(`{"format":1,"method":"average","weights":[1,1]}`) + of(a) + of(b), Features: 2, Trees: 1, Leaves: 2, Depth: 1, Operations: 1 + 2 + 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
