package xgboost

import (
	"bytes"
	"testing"
)

// FuzzDecode: whatever is read scores and is explained without a fault, and is written as what reads the same.
func FuzzDecode(f *testing.F) {
	leaf := Node{Left: NoChild, Right: NoChild, Value: 1.5, Hessian: 2}
	root := Node{Left: 1, Right: 2, Parent: -1, Feature: 1, Value: 2.5, DefaultLeft: true, Hessian: 4, Gain: 3}
	set := Node{Left: 1, Right: 2, Parent: -1, Feature: 0, Categories: []int32{0, 3, 40}, Hessian: 4}
	for _, m := range []*Model{
		{Objective: Logistic, BaseScore: []float32{0.5}, NumFeature: 2, Trees: []Tree{{[]Node{root, leaf, leaf}}}, TreeClass: []int32{0}},
		{Objective: Softmax, NumClass: 2, BaseScore: []float32{0.5}, NumFeature: 2, Trees: []Tree{{[]Node{set, leaf, leaf}}, {[]Node{leaf}}}, TreeClass: []int32{0, 1}},
		{Objective: SquaredError, NumTarget: 2, BaseScore: []float32{0}, NumFeature: 2, Trees: []Tree{{[]Node{root, leaf, leaf}}, {[]Node{leaf}}}, TreeClass: []int32{1, 0}},
		{Objective: PseudoHuber, ObjectiveParam: map[string]string{"huber_slope": "2"}, BaseScore: []float32{3}, NumFeature: 2, TreeClass: []int32{}},
		{Objective: Tweedie, ObjectiveParam: map[string]string{"tweedie_variance_power": "1.5"}, BaseScore: []float32{3}, NumFeature: 2, TreeClass: []int32{}},
	} {
		data, err := m.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil || m.NumFeature > 1000 || len(m.Trees) > 100 {
			return
		}
		s, err := m.Scorer()
		if err != nil {
			t.Fatal(err)
		}
		row, out := make([]float32, m.NumFeature), make([]float32, m.Groups())
		s.Margins(row, out)
		s.Transform(out, make([]float64, m.Groups()))
		if e, err := m.Explainer(); err == nil {
			e.Margins(row, make([]float64, m.Groups()))
		}
		written, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(written)
		if err != nil {
			t.Fatalf("%v in what was written: %s", err, written)
		}
		if twice, err := again.Encode(); err != nil || !bytes.Equal(twice, written) {
			t.Fatalf("read and written again it is another: %v\n%s\n%s", err, written, twice)
		}
	})
}
