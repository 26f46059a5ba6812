package onnx

import (
	"bytes"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// columns are five rows of three features.
var columns = [][]float64{{0, 1, -0.3, 0.1, -3}, {0, -1, 2, 0.2, -3}, {0, 0.5, -2, 0.3, 3}}

// TestScores: models that scikit-learn 1.2.1 trained and the onnx package wrote, with what scikit-learn says of those rows. Weights are floats in the file.
func TestScores(t *testing.T) {
	for _, tt := range []struct {
		name     string
		want     [][]float64
		names    []string
		classes  []string
		producer string
	}{
		{"forest.onnx", [][]float64{{0.5591290602529135, 0.0, 0.4140422077922078, 0.03571428571428571, 0.44373579545454545},
			{0.4194423683185151, 0.6653446164814556, 0.3859577922077922, 0.48701602136181577, 0.5562642045454546},
			{0.02142857142857143, 0.3346553835185443, 0.2, 0.47726969292389854, 0.0}}, nil, []string{"low", "mid", "top"}, "sklearn-onnx 1.17"},
		{"boosted.onnx", [][]float64{{100.29691854658213, 100.83557432526607, 99.31416621697777, 100.29691854658213, 97.88459593305112}}, []string{"age", "pay", "size"}, nil, "sklearn-onnx 1.17"},
		{"binary.onnx", [][]float64{{0.3746660987623653, 0.6555159458158138, 0.4462512715607659, 0.3746660987623653, 0.5863692238639271}}, nil, nil, "sklearn-onnx 1.17"},
	} {
		f, err := Read(file(t, tt.name))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got, err := f.Predict(t.Context(), columns, 5, 1)
		if err != nil {
			t.Fatal(err)
		}
		for g := range tt.want {
			for r, want := range tt.want[g] {
				if math.Abs(got[g][r]/want-1) > 1e-6 && math.Abs(got[g][r]-want) > 1e-7 {
					t.Errorf("%s: row %d, output %d: got %v, want %v", tt.name, r, g, got[g][r], want)
				}
			}
		}
		if !slices.Equal(f.Names, tt.names) || !slices.Equal(f.Classes, tt.classes) || f.Producer != tt.producer || f.Features != 3 || !f.Single {
			t.Errorf("%s: got names %q, classes %q, producer %q, %d features, single %v", tt.name, f.Names, f.Classes, f.Producer, f.Features, f.Single)
		}
	}
}

// Messages are made here field by field.

func text(number protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), s)
}

func whole(number protowire.Number, x int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), uint64(x))
}

func message(number protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), bytes.Join(parts, nil))
}

func float(number protowire.Number, x float32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(nil, number, protowire.Fixed32Type), math.Float32bits(x))
}

// attr is an attribute of whatever its values are.
func attr(name string, values ...any) []byte {
	parts := [][]byte{text(1, name)}
	for _, v := range values {
		switch x := v.(type) {
		case int:
			parts = append(parts, whole(8, int64(x)))
		case float64:
			parts = append(parts, float(7, float32(x)))
		case string:
			parts = append(parts, text(9, x))
		case []byte: // as it is: a text, a whole number
			parts = append(parts, x)
		}
	}
	return message(5, parts...)
}

// stump is a model of one tree, x[0] against 0.5, with the leaves 1 and 2, by attributes that can be others.
func stump(op, mode string, tracks int, element int64, more ...[]byte) []byte {
	prefix := "class_"
	if op == "TreeEnsembleRegressor" {
		prefix = "target_"
	}
	parts := [][]byte{text(1, "X"), text(2, "out"), text(4, op), text(7, "ai.onnx.ml"),
		attr("nodes_treeids", 0, 0, 0), attr("nodes_nodeids", 7, 5, 6), attr("nodes_modes", mode, "LEAF", "LEAF"), attr("nodes_featureids", 0, 0, 0), attr("nodes_values", 0.5, 0.0, 0.0),
		attr("nodes_truenodeids", 5, 0, 0), attr("nodes_falsenodeids", 6, 0, 0), attr("nodes_missing_value_tracks_true", tracks, 0, 0),
		attr(prefix+"treeids", 0, 0), attr(prefix+"nodeids", 5, 6), attr(prefix+"ids", 0, 0), attr(prefix+"weights", 1.0, 2.0)}
	in := message(11, text(1, "X"), message(2, message(1, whole(1, element), message(2, message(1, text(2, "N")), message(1, whole(1, 2))))))
	return slices.Concat(whole(1, 8), message(7, message(1, append(parts, more...)...), in))
}

// TestModes: what is true, at a threshold, next to it and of what is missing.
func TestModes(t *testing.T) {
	below, above, nan := float64(math.Nextafter32(0.5, 0)), float64(math.Nextafter32(0.5, 1)), math.NaN()
	for mode, want := range map[string][4]float64{ // below, at, above, missing
		"BRANCH_LEQ": {1, 1, 2, 2}, "BRANCH_LT": {1, 2, 2, 2}, "BRANCH_GTE": {2, 1, 1, 2}, "BRANCH_GT": {2, 2, 1, 2},
	} {
		for tracks := range 2 {
			for _, element := range []int64{floatElement, doubleElement} {
				f, err := Read(stump("TreeEnsembleRegressor", mode, tracks, element))
				if err != nil {
					t.Errorf("%s: %v", mode, err)
					continue
				}
				if want[3] = 2; tracks == 1 {
					want[3] = 1
				}
				got, err := f.Predict(t.Context(), [][]float64{{below, 0.5, above, nan}, {0, 0, 0, 0}}, 4, 1)
				if err != nil || [4]float64(got[0]) != want || f.Single != (element == floatElement) || f.Features != 2 {
					t.Errorf("%s, %d, elements %d: got %v, %v, want %v", mode, tracks, element, got, err, want)
				}
			}
		}
	}
	f, err := Read(stump("TreeEnsembleRegressor", "BRANCH_LT", 0, doubleElement))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := f.Predict(t.Context(), [][]float64{{math.Nextafter(0.5, 0)}, {0}}, 1, 1); got[0][0] != 1 {
		t.Errorf("the nearest double below is not below: %v", got)
	}
}

// TestTransforms: what becomes of the leaf 1, or of the leaves 1 and 0.25 of two classes.
func TestTransforms(t *testing.T) {
	both := [][]byte{attr("class_treeids", 0, 0, 0), attr("class_nodeids", 5, 5, 6), attr("class_ids", 0, 1, 1), attr("class_weights", 1.0, 0.25, -1.0)}
	with := func(op string, more ...[]byte) []byte { return stump(op, "BRANCH_LEQ", 0, floatElement, more...) }
	replaced := func(op string, more ...[]byte) []byte { // the lists of leaves are those of more
		data := with(op, more...)
		for _, list := range [][]byte{attr("class_treeids", 0, 0), attr("class_nodeids", 5, 6), attr("class_ids", 0, 0), attr("class_weights", 1.0, 2.0)} {
			if !bytes.Contains(data, list) {
				t.Fatal("a list is not there")
			}
		}
		node := [][]byte{text(1, "X"), text(2, "out"), text(4, op),
			attr("nodes_treeids", 0, 0, 0), attr("nodes_nodeids", 7, 5, 6), attr("nodes_modes", "BRANCH_LEQ", "LEAF", "LEAF"), attr("nodes_featureids", 0, 0, 0), attr("nodes_values", 0.5, 0.0, 0.0),
			attr("nodes_truenodeids", 5, 0, 0), attr("nodes_falsenodeids", 6, 0, 0)}
		in := message(11, text(1, "X"), message(2, message(1, whole(1, 1), message(2, message(1), message(1, whole(1, 2))))))
		return slices.Concat(whole(1, 8), message(7, message(1, append(node, more...)...), in))
	}
	labels := attr("classlabels_int64s", 0, 1)
	transform := func(s string) []byte { return attr("post_transform", text(4, s)) }
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for _, tt := range []struct {
		what string
		data []byte
		want float64
	}{
		{"a sum", with("TreeEnsembleRegressor", attr("base_values", 0.5)), 1.5},
		{"a mean", with("TreeEnsembleRegressor", attr("aggregate_function", text(4, "AVERAGE")), attr("base_values", 0.5)), 1.5},
		{"a share", with("TreeEnsembleRegressor", transform("LOGISTIC")), sigmoid(1)},
		{"one class of two", with("TreeEnsembleClassifier", labels, transform("NONE")), 1},
		{"two classes", replaced("TreeEnsembleClassifier", append(both, labels, transform("SOFTMAX"))...), sigmoid(0.25 - 1)},
		{"two classes with a base", replaced("TreeEnsembleClassifier", append(both, labels, transform("SOFTMAX"), attr("base_values", 1.0, 0.5))...), sigmoid(0.25 - 1 - 0.5)},
		{"shares of two classes", replaced("TreeEnsembleClassifier", append(both, labels)...), 0.25},
	} {
		f, err := Read(tt.data)
		if err != nil {
			t.Errorf("%s: %v", tt.what, err)
			continue
		}
		got, err := f.Predict(t.Context(), [][]float64{{0}, {0}}, 1, 1)
		if err != nil || math.Abs(got[0][0]-tt.want) > 1e-15 {
			t.Errorf("%s: got %v, %v, want %v", tt.what, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		data []byte
		want string
	}{
		{with("TreeEnsembleClassifier", labels, transform("LOGISTIC")), "no leaf is below 0"},
		{with("TreeEnsembleClassifier", labels, transform("PROBIT")), "PROBIT of two classes is not read"},
		{with("TreeEnsembleClassifier", attr("classlabels_int64s", 0, 1, 2), transform("SOFTMAX_ZERO")), "SOFTMAX_ZERO of 3 classes is not read"},
		{with("TreeEnsembleClassifier", attr("classlabels_int64s", 0)), "it has 1 classes"},
		{with("TreeEnsembleRegressor", transform("PROBIT")), "PROBIT is not read"},
		{with("TreeEnsembleRegressor", attr("aggregate_function", text(4, "MAX"))), "aggregate_function MAX"},
		{with("TreeEnsembleRegressor", attr("n_targets", whole(3, 2))), "it predicts 2 values"},
		{with("TreeEnsembleRegressor", attr("base_values", 1.0, 2.0)), "2 base_values"},
		{replaced("TreeEnsembleClassifier", append(both, labels, transform("LOGISTIC"))...), "LOGISTIC of two classes is not read"},
		{stump("TreeEnsembleRegressor", "BRANCH_EQ", 0, 1), "splits by equality"},
		{stump("TreeEnsembleRegressor", "BRANCH_XY", 0, 1), `the mode "BRANCH_XY"`},
		{stump("TreeEnsembleRegressor", "BRANCH_LEQ", 0, 7), "elements of type 7"},
		{stump("TreeEnsemble", "BRANCH_LEQ", 0, 1), "ai.onnx.ml 5"},
		{stump("Scaler", "BRANCH_LEQ", 0, 1), "no ensemble of trees"},
		{with("TreeEnsembleRegressor", attr("nodes_treeids", 0)), `attribute "nodes_treeids" stands twice`},
	} {
		if _, err := Read(tt.data); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

// TestGraphs: what comes before the trees and after them.
func TestGraphs(t *testing.T) {
	for _, tt := range []struct{ old, with, want string }{
		{"Concat", "Scaler", "its operator Scaler comes before the trees"},
		{"Cast", "Muls", "its operator Muls comes before the trees"},
		{"age", "agf", `no input of one column`},
	} {
		data := bytes.Replace(file(t, "boosted.onnx"), []byte(tt.old), []byte(tt.with), 1)
		if _, err := Read(data); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.with, err, tt.want)
		}
	}
	data := bytes.Replace(file(t, "binary.onnx"), []byte("ZipMap"), []byte("Zap Ma"), 1)
	if _, err := Read(data); err == nil || !strings.Contains(err.Error(), "its operator Zap Ma comes after the trees") {
		t.Errorf("got %v", err)
	}
}

// TestLists: lists that do not fit, and nodes that are no tree.
func TestLists(t *testing.T) {
	whole := stump("TreeEnsembleRegressor", "BRANCH_LEQ", 0, 1)
	for _, tt := range []struct {
		old, with []byte
		want      string
	}{
		{attr("nodes_nodeids", 7, 5, 6), attr("nodes_nodeids", 7, 5, 5), "two nodes 5"},
		{attr("nodes_truenodeids", 5, 0, 0), attr("nodes_truenodeids", 4, 0, 0), "it has more than one root"},
		{attr("nodes_truenodeids", 5, 0, 0), attr("nodes_truenodeids", 7, 0, 0), "its root leads to 1 of 3 nodes"},
		{attr("nodes_truenodeids", 5, 0, 0), attr("nodes_truenodeids", 6, 0, 0), "it has more than one root"},
		{attr("nodes_featureids", 0, 0, 0), attr("nodes_featureids", 9, 0, 0), "splits on feature 9 of 2"},
		{attr("target_nodeids", 5, 6), attr("target_nodeids", 5, 7), "node 7 of tree 0 has a weight, and is no leaf"},
		{attr("target_ids", 0, 0), attr("target_ids", 0, 3), "a leaf weighs target 3"},
		{attr("nodes_treeids", 0, 0, 0), attr("nodes_treeids", 0, 0, 1), "node 6 of tree 0 has a weight, and is no leaf"},
	} {
		// The changed list is as long, so that lengths around it stay.
		if len(tt.old) != len(tt.with) || !bytes.Contains(whole, tt.old) {
			t.Fatalf("%q is not there, or of another length", tt.old)
		}
		if _, err := Read(bytes.Replace(whole, tt.old, tt.with, 1)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.with, err, tt.want)
		}
	}
	for _, data := range [][]byte{nil, {8}, []byte("junk"), whole[:len(whole)/2], {8, 8, 58, 255}} {
		if _, err := Read(data); err == nil {
			t.Errorf("%q is read", data)
		}
	}
}

// FuzzRead: whatever the bytes, they are read or refused; what is read scores.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"forest.onnx", "boosted.onnx", "binary.onnx"} {
		f.Add(file(f, name))
	}
	f.Add(stump("TreeEnsembleRegressor", "BRANCH_GT", 1, 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(data)
		if err != nil || m.Features > 1000 || len(m.Trees) > 1000 {
			return
		}
		columns := make([][]float64, m.Features)
		for i := range columns {
			columns[i] = []float64{0, math.NaN()}
		}
		if _, err := m.Predict(t.Context(), columns, 2, 1); err != nil {
			t.Fatal(err)
		}
		m.Explainer().Margins(make([]float64, m.Features), make([]float64, m.Groups()))
		if _, err := m.Encode(); err != nil {
			t.Fatal(err)
		}
	})
}
