package model_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// TestWiden: a model with features that it does not read says of every row what it said before, from its files, served and explained.
func TestWiden(t *testing.T) {
	narrow := stumpBundle(t, 0.5)
	features := []model.Feature{{Name: "colour", Type: "varchar"}, {Name: "city", Type: "varchar"}, {Name: "weight", Type: "double"}, {Name: "x", Type: "double"}}
	made, err := narrow.Widen(features)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := made.Write(dir); err != nil {
		t.Fatal(err)
	}
	wide, err := model.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	text := func(name string, codes ...int32) frame.Column {
		return frame.Column{Name: name, Type: "varchar", Levels: []string{"Oslo", "Bonn", "Rome"}, Codes: codes}
	}
	f := &frame.Frame{Rows: 4, Columns: []frame.Column{text("colour", 0, 1, 2, -1), text("city", 0, 1, 2, -1),
		{Name: "weight", Type: "double", Num: []float64{math.Inf(1), 1, math.NaN(), 2}}, {Name: "x", Type: "double", Num: []float64{0.5, 3, math.NaN(), 2}}}}
	want, err := narrow.Score(f, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := wide.Score(f, 2)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d) // the infinite weight of the first row is not read
	}
	was, err := narrow.Attribute(t.Context(), f, []int{0, 1, 2, 3}, []int{1, 3}, model.Interventional, 1)
	if err != nil {
		t.Fatal(err)
	}
	is, err := wide.Attribute(t.Context(), f, []int{0, 1, 2, 3}, []int{1, 3}, model.Interventional, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(is.Base, was.Base) || !slices.Equal(is.Values[0][3], was.Values[0][0]) || !slices.Equal(is.Values[0][1], was.Values[0][1]) ||
		slices.Max(is.Values[0][0]) != 0 || slices.Max(is.Values[0][2]) != 0 {
		t.Errorf("got %v, of the narrow one %v", is, was)
	}
	answers, err := wide.Serve().Score(t.Context(), 1, []component.Values{{Text: []string{"mauve"}, Null: []bool{false}}, {Text: []string{"Oslo"}, Null: []bool{false}}, {Num: []float64{1}}, {Num: []float64{3}}})
	if err != nil || math.Abs(*answers[0].Score-0.75) > 1e-6 || answers[0].Unseen != nil {
		t.Errorf("served: got %+v, %v", answers[0], err)
	}
	explained := func(b *model.Bundle, values ...component.Values) []float64 {
		t.Helper()
		x, err := b.Serve().(component.Explainer).Explain(t.Context(), 1, values)
		if err != nil {
			t.Fatal(err)
		}
		return x[0].Contributions[0]
	}
	colour, oslo := component.Values{Text: []string{"mauve"}, Null: []bool{false}}, component.Values{Text: []string{"Oslo"}, Null: []bool{false}}
	small := explained(counted(t), component.Values{Num: []float64{3}}, oslo)
	large, err := counted(t).Widen(features)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := explained(large, colour, oslo, component.Values{Num: []float64{1}}, component.Values{Num: []float64{3}}), []float64{0, small[1], 0, small[0]}; !slices.Equal(got, want) || small[0] == 0 {
		t.Errorf("explained: got %v, want %v", got, want)
	}
	again, err := wide.Widen(append(features, model.Feature{Name: "more", Type: "double"}))
	if err != nil {
		t.Fatal(err)
	}
	if more, err := again.Score(&frame.Frame{Rows: 4, Columns: append(slices.Clone(f.Columns), frame.Column{Name: "more", Type: "double", Num: make([]float64, 4)})}, 1); err != nil || cmp.Diff(want, more) != "" {
		t.Errorf("widened twice: %v %s", err, cmp.Diff(want, more))
	}
	if same, err := narrow.Widen(narrow.Signature().Features); err != nil || same != narrow {
		t.Errorf("with its own features it is not itself: %v", err)
	}
}

// TestWidenRefuses lists that lack a feature or have it of another type, and files whose places are none.
func TestWidenRefuses(t *testing.T) {
	b := stumpBundle(t, 0.5)
	for want, features := range map[string][]model.Feature{"only 1 are among": {{Name: "x", Type: "double"}, {Name: "y", Type: "double"}}, "is boolean, and double": {{Name: "x", Type: "boolean"}, {Name: "city", Type: "varchar"}}} {
		if _, err := b.Widen(features); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	wide, err := b.Widen([]model.Feature{{Name: "city", Type: "varchar"}, {Name: "x", Type: "double"}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := wide.Write(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, model.BundleFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"\"format\": 3": "\"format\": 2", "    1,\n    0\n": "    1,\n    2\n", "    1,\n    0": "    1,\n    1"} {
		bad := strings.Replace(string(good), from, to, 1)
		if bad == string(good) {
			t.Fatalf("there is no %q in %s", from, good)
		}
		if err := os.WriteFile(path, []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := model.Read(dir); err == nil {
			t.Errorf("%q for %q is read", to, from)
		}
	}
}

// counted is the stump with how many rows went where, by which it is explained without others.
func counted(t *testing.T) *model.Bundle {
	t.Helper()
	m, s := stump(), stumpSignature()
	for i, rows := range []float32{9, 3, 6, 4, 2} {
		m.Trees[0].Nodes[i].Hessian = rows
	}
	e, err := model.NewTrees(m, &s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := model.New(s, model.Trees, e, 0.5, model.Provenance{Component: "train.test", Version: 1, Rows: 9})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
