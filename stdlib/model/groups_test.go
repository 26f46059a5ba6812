package model_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

// grouped is the stump with thresholds by sex and a flag, which it does not read, and curves by sex.
func grouped(t *testing.T, otherwise bool) *model.Bundle {
	t.Helper()
	b, err := stumpBundle(t, 0.5).Needs([]model.Feature{{Name: "sex", Type: "varchar", Levels: []string{"f", "m"}}, {Name: "flag", Type: "boolean"}})
	if err != nil {
		t.Fatal(err)
	}
	c := &model.Calibration{Method: model.Sigmoid, Scale: model.Score, Curves: []model.Curve{{Slope: 1}}, Rows: 9,
		Groups: &model.Groups{By: []string{"sex"}, Values: [][]string{{"m"}}, Otherwise: true}, GroupCurves: [][]model.Curve{{{Slope: 2}}}}
	if b, err = b.Calibrated(c); err != nil {
		t.Fatal(err)
	}
	b, err = b.Decided(&model.Decision{Equalize: "selection_rate", Thresholds: []float64{0.6, 0.7},
		Groups: model.Groups{By: []string{"sex", "flag"}, Values: [][]string{{"f", "true"}, {"m", "false"}}, Otherwise: otherwise}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := b.Write(dir); err != nil {
		t.Fatal(err)
	}
	again, err := model.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// people are a woman and a man of groups with thresholds, one of no such group, one without sex and one of a sex that is not known; all have the score 0.75 before the calibration.
func people() *frame.Frame {
	return &frame.Frame{Rows: 5, Columns: []frame.Column{
		{Name: "x", Type: "double", Num: []float64{2, 2, 2, 2, 2}}, {Name: "city", Type: "varchar", Levels: []string{"Oslo"}, Codes: []int32{0, 0, 0, 0, 0}},
		{Name: "sex", Type: "varchar", Levels: []string{"m", "x", "f"}, Codes: []int32{2, 0, 2, -1, 1}}, {Name: "flag", Type: "boolean", Num: []float64{1, 0, 0, 1, 1}},
	}}
}

func TestGroups(t *testing.T) {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for _, otherwise := range []bool{false, true} {
		b := grouped(t, otherwise)
		p, err := b.Score(people(), 2)
		if err != nil {
			t.Fatal(err)
		}
		want := []float64{sigmoid(0.75), sigmoid(1.5), sigmoid(0.75), sigmoid(0.75), sigmoid(0.75)}
		classes, unscored := []int32{1, 1, 1, 1, 1}, []int(nil)
		if !otherwise {
			classes, unscored = []int32{1, 1, -1, -1, -1}, []int{2, 3, 4}
		}
		var got []int
		for _, u := range p.Unscored {
			got = append(got, u.Row)
		}
		for r, x := range p.Score {
			if scored := !slices.Contains(unscored, r); scored && math.Abs(x-want[r]) > 1e-7 || !scored && x == x {
				t.Errorf("row %d: %g, want %g", r, x, want[r])
			}
		}
		if !slices.Equal(p.Class, classes) || !slices.Equal(got, unscored) {
			t.Errorf("otherwise %t: classes %v, unscored %v", otherwise, p.Class, p.Unscored)
		}
		if one := b.OneThreshold(p); one[0] != 1 || !otherwise && one[4] != -1 {
			t.Errorf("by one threshold: %v", one)
		}
		columns := []component.Values{{Num: []float64{2, 2}}, {Text: []string{"Oslo", "Oslo"}, Null: []bool{false, false}}, {Text: []string{"m", "x"}, Null: []bool{false, false}}, {Num: []float64{0, 1}}}
		served, err := b.Serve().Score(t.Context(), 2, columns)
		if err != nil || *served[0].Score != p.Score[1] || (served[1].Fault == "") != otherwise || otherwise && !slices.Equal(served[1].Unseen, []int{2}) {
			t.Errorf("served: %+v, %v", served, err)
		}
	}
}

// TestGroupsExplained: what is attributed is as of the model without inputs for groups, which have no part in it; so is what a server says, wherever the inputs stand.
func TestGroupsExplained(t *testing.T) {
	lin := &linear.Model{Link: linear.Logit, Inputs: []linear.Input{{Kind: linear.Value, Mean: 1, Scale: 1}, {Kind: linear.Value, Feature: 1, Mean: 0, Scale: 2}},
		Intercepts: []float64{0.1}, Coefficients: [][]float64{{0.5, -0.25}}}
	features := []model.Feature{{Name: "x", Type: "double"}, {Name: "z", Type: "double"}}
	narrow, err := model.New(model.Signature{Task: schema.Binary, Target: "y", Classes: []string{"false", "true"}, Features: features}, model.Linear, lin, 0.5, model.Provenance{})
	if err != nil {
		t.Fatal(err)
	}
	wide, err := narrow.Widen([]model.Feature{{Name: "sex", Type: "varchar"}, {Name: "x", Type: "double"}, {Name: "flag", Type: "boolean"}, {Name: "z", Type: "double"}})
	if err != nil {
		t.Fatal(err)
	}
	x, z, sex := component.Values{Num: []float64{3}}, component.Values{Num: []float64{-1}}, component.Values{Text: []string{"f"}, Null: []bool{false}}
	was, err := narrow.Serve().(component.Explainer).Explain(t.Context(), 1, []component.Values{x, z})
	if err != nil {
		t.Fatal(err)
	}
	is, err := wide.Serve().(component.Explainer).Explain(t.Context(), 1, []component.Values{sex, x, {Num: []float64{1}}, z})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{0, was[0].Contributions[0][0], 0, was[0].Contributions[0][1]}; !slices.Equal(is[0].Contributions[0], want) || is[0].Margin[0] != was[0].Margin[0] {
		t.Errorf("got %v of %g, want %v of %g", is[0].Contributions, is[0].Margin, want, was[0].Margin)
	}
}

func TestGroupsRefuse(t *testing.T) {
	b := grouped(t, true)
	for _, d := range []model.Decision{
		{Groups: model.Groups{By: []string{"age"}, Values: [][]string{{"1"}}}, Thresholds: []float64{0.5}},
		{Groups: model.Groups{By: []string{"x"}, Values: [][]string{{"1"}}}, Thresholds: []float64{0.5}},
		{Groups: model.Groups{By: []string{"sex"}, Values: [][]string{{"y"}}}, Thresholds: []float64{0.5}},
		{Groups: model.Groups{By: []string{"sex"}, Values: [][]string{{"f"}, {"f"}}}, Thresholds: []float64{0.5, 0.5}},
		{Groups: model.Groups{By: []string{"sex"}, Values: [][]string{{"f"}}}, Thresholds: []float64{0.5, 0.5}},
		{Groups: model.Groups{By: []string{"sex"}, Values: [][]string{{"f"}}}, Thresholds: []float64{math.NaN()}},
		{Groups: model.Groups{By: []string{"flag"}, Values: [][]string{{"1"}}}, Thresholds: []float64{0.5}},
	} {
		if _, err := b.Decided(&d); err == nil {
			t.Errorf("%+v is taken", d)
		}
	}
	dir := t.TempDir()
	if err := b.Write(dir); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, model.BundleFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, model.BundleFile), []byte(strings.Replace(string(raw), `"format": 6`, `"format": 3`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Read(dir); err == nil || !strings.Contains(err.Error(), "such parts has format 6") {
		t.Errorf("with the format of one without groups: %v", err)
	}
}
