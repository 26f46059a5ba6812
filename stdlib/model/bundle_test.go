package model_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
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
)

// scores 0.25 for x < 1, and else by city: 0.75 for Oslo and Paris, 0.25 for others; x missing goes right, city left.
func stump() *xgboost.Model {
	logit := float32(math.Log(3))
	return &xgboost.Model{
		Objective: xgboost.Logistic, BaseScore: []float32{0.5}, NumFeature: 2,
		FeatureNames: []string{"x", "city"}, FeatureTypes: []string{"q", "c"}, TreeClass: []int32{0},
		Trees: []xgboost.Tree{{Nodes: []xgboost.Node{
			{Left: 1, Right: 2, Parent: -1, Feature: 0, Value: 1},
			{Left: -1, Right: -1, Value: -logit},
			{Left: 3, Right: 4, Feature: 1, Categories: []int32{1, 2}, DefaultLeft: true},
			{Left: -1, Right: -1, Parent: 2, Value: -logit},
			{Left: -1, Right: -1, Parent: 2, Value: logit},
		}}},
	}
}

func stumpSignature() model.Signature {
	return model.Signature{
		Task: schema.Binary, Target: "bought", Classes: []string{"false", "true"},
		Features: []model.Feature{
			{Name: "x", Type: "double"}, {Name: "city", Type: "varchar", Levels: []string{"Bonn", "Oslo", "Paris"}},
		},
	}
}

func stumpBundle(t *testing.T, threshold float64) *model.Bundle {
	t.Helper()
	s := stumpSignature()
	e, err := model.NewTrees(stump(), &s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := model.New(s, model.Trees, e, threshold, model.Provenance{Component: "train.test", Version: 1, Rows: 9})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// cities has other levels than the model: their codes must be translated.
func cities() *frame.Frame {
	nan := math.NaN()
	return &frame.Frame{Rows: 6, Columns: []frame.Column{
		{Name: "city", Type: "varchar", Levels: []string{"Oslo", "Rome"}, Codes: []int32{0, 0, 1, -1, 0, -1}},
		{Name: "x", Type: "double", Num: []float64{0, 1, 1, 1, nan, nan}},
	}}
}

func TestScore(t *testing.T) {
	p, err := stumpBundle(t, 0.7).Score(cities(), 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []float64{0.25, 0.75, 0.25, 0.25, 0.75, 0.25}
	for r := range want {
		if math.Abs(p.Score[r]-want[r]) > 1e-6 || math.Abs(p.Scores[0][r]-1+want[r]) > 1e-6 {
			t.Errorf("row %d: got %g and %g, want %g", r, p.Score[r], p.Scores[0][r], want[r])
		}
	}
	if diff := cmp.Diff([]int32{0, 1, 0, 0, 1, 0}, p.Class); diff != "" {
		t.Errorf("decided classes (-want +got):\n%s", diff)
	}
}

func TestScoreRefusesOtherTables(t *testing.T) {
	b := stumpBundle(t, 0.5)
	tests := []struct {
		name string
		f    *frame.Frame
		want string
	}{
		{"lacks a feature", &frame.Frame{Columns: cities().Columns[:1]}, `lacks: "x"`},
		{"text for a number", &frame.Frame{Columns: []frame.Column{
			{Name: "x", Type: "varchar", Codes: []int32{}}, cities().Columns[0],
		}}, `"x" is varchar; the model was trained on double`},
	}
	for _, tt := range tests {
		if _, err := b.Score(tt.f, 1); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	b := stumpBundle(t, 0.7)
	if err := b.Write(first); err != nil {
		t.Fatal(err)
	}
	again, err := model.Read(first)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.Signature(), again.Signature()); diff != "" {
		t.Errorf("signature (-want +got):\n%s", diff)
	}
	if again.Threshold() != 0.7 || !reflect.DeepEqual(again.Provenance(), b.Provenance()) || again.Kind() != model.Trees {
		t.Errorf("got threshold %g, provenance %+v, kind %s", again.Threshold(), again.Provenance(), again.Kind())
	}
	if err := again.Write(second); err != nil {
		t.Fatal(err)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(contents(t, first, model.ModelFile)))
	if !bytes.Contains(contents(t, first, model.BundleFile), []byte(sum)) {
		t.Errorf("%s lacks the SHA-256 %s", model.BundleFile, sum)
	}
	for _, name := range []string{model.BundleFile, model.ModelFile} {
		if !bytes.Equal(contents(t, first, name), contents(t, second, name)) {
			t.Errorf("%s differs when written again", name)
		}
	}
}

func contents(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadRefuses(t *testing.T) {
	replace := func(file, old, with string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			data := contents(t, dir, file)
			changed := bytes.Replace(data, []byte(old), []byte(with), 1)
			if bytes.Equal(data, changed) {
				t.Fatalf("%q is not in %s", old, file)
			}
			if err := os.WriteFile(filepath.Join(dir, file), changed, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(file string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name  string
		spoil func(*testing.T, string)
		want  string
	}{
		{"no bundle", remove(model.BundleFile), "this is no model"},
		{"no parameters", remove(model.ModelFile), "no such file"},
		{"a changed leaf", replace(model.ModelFile, "1.0986123E0", "1.1986123E0"), "model.json is damaged"},
		{"a later format", replace(model.BundleFile, `"format": 1`, `"format": 8`), "format 8; this version reads 1 to 7"},
		{"no calibration", replace(model.BundleFile, `"format": 1`, `"format": 2`), "is damaged"},
		{"a calibration that is not announced", replace(model.BundleFile, `"kind"`, `"calibration": {}, "kind"`), "is damaged"},
		{"a calibration of several", replace(model.BundleFile, `"format": 1`, `"format": 2, "calibration": {"method": "sigmoid", "scale": "margin", "curves": [{}, {}]}`), "2 curves for 1 outputs"},
		{"a calibration without points", replace(model.BundleFile, `"format": 1`, `"format": 2, "calibration": {"method": "isotonic", "scale": "margin", "curves": [{}]}`), "curve 0"},
		{"cut short", replace(model.BundleFile, "}\n", ""), "bundle.json is damaged"},
		{"members", replace(model.BundleFile, `"kind"`, `"members": [{"name": "a"}], "kind"`), "is damaged: a model with such parts has format 5"},
		{"members of what is made of none", replace(model.BundleFile, `"format": 1`, `"format": 5, "members": [{"name": "a"}]`), "is damaged: a model of the kind trees has 1 members"},
		{"an ensemble of none", replace(model.BundleFile, `"kind": "trees"`, `"kind": "ensemble"`), "is damaged: a model of the kind ensemble has 0 members"},
		{"unknown kind", replace(model.BundleFile, `"trees"`, `"forest"`), `unknown kind of model "forest"`},
		{"a feature less", replace(model.BundleFile, `"name": "x"`, `"name": "city"`), "feature 1 is named"},
		{"one class", replace(model.BundleFile, `"false",`, ``), "has 1 classes"},
		{"impossible threshold", replace(model.BundleFile, `0.7`, `-1`), "threshold is -1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := stumpBundle(t, 0.7).Write(dir); err != nil {
				t.Fatal(err)
			}
			tt.spoil(t, dir)
			if _, err := model.Read(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestMulticlassAndRegression(t *testing.T) {
	f := &frame.Frame{Rows: 2, Columns: []frame.Column{{Name: "x", Type: "double", Num: []float64{2, math.NaN()}}}}
	features := []model.Feature{{Name: "x", Type: "double"}}
	lin := &linear.Model{
		Link: linear.Softmax, Inputs: []linear.Input{{Kind: linear.Value, Mean: 1, Scale: 1}},
		Intercepts: []float64{0, 0, 0}, Coefficients: [][]float64{{0}, {math.Log(2)}, {0}},
	}
	b, err := model.New(model.Signature{
		Task: schema.Multiclass, Target: "y", Classes: []string{"a", "b", "c"}, Features: features,
	}, model.Linear, lin, 0.5, model.Provenance{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Score(f, 1)
	if err != nil {
		t.Fatal(err)
	}
	// At x = 2 the odds are 1:2:1; where x is missing all are equal and the first class is decided on.
	if diff := cmp.Diff([]int32{1, 0}, p.Class); diff != "" || math.Abs(p.Scores[1][0]-0.5) > 1e-12 {
		t.Errorf("classes (-want +got):\n%s scores %v", diff, p.Scores)
	}

	b, err = model.New(model.Signature{Task: schema.Regression, Target: "y", Features: features},
		model.Constant, &constant.Model{Scores: []float64{7}, Column: &constant.Column{}}, 0.5, model.Provenance{})
	if err != nil {
		t.Fatal(err)
	}
	p, err = b.Score(f, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float64{2, 7}, p.Score); diff != "" || p.Class != nil {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestServeModel(t *testing.T) {
	dir := t.TempDir()
	if err := stumpBundle(t, 0.7).Write(dir); err != nil {
		t.Fatal(err)
	}
	m, err := model.ServeModel(dir)
	if err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	got, err := m.Score(t.Context(), 4, []component.Values{
		{Num: []float64{3, nan, 3, 1}}, {Text: []string{"Paris", "", "Rome", "Oslo"}, Null: []bool{false, true, false, false}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got[0].Unseen) > 0 || len(got[1].Unseen) > 0 || !slices.Equal(got[2].Unseen, []int{1}) {
		t.Errorf("got %+v, want Rome told as a city that was not trained on", got)
	}
	for r, want := range []string{"true", "false", "false", "true"} {
		if got[r].Decision != want || got[r].Score == nil || got[r].Scores != nil {
			t.Errorf("row %d: got %+v, want %s", r, got[r], want)
		}
	}
	if _, err := model.ServeModel(t.TempDir()); !errors.Is(err, component.ErrOpaque) {
		t.Errorf("a folder without a bundle: got %v", err)
	}
	for _, columns := range [][]component.Values{
		{{Num: []float64{1}}}, {{Text: []string{"1"}, Null: []bool{false}}, {Text: []string{"Oslo"}, Null: []bool{false}}}, {{Num: []float64{1}}, {Num: []float64{2}}},
	} {
		if _, err := m.Score(t.Context(), 1, columns); err == nil {
			t.Errorf("%v was scored", columns)
		}
	}
}
