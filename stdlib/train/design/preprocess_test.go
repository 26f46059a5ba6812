package design

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/train"
)

// TestPreprocessAgainstScikitLearn: numbers as its RobustScaler and QuantileTransformer make them, quantiles as numpy's, and categories by the formula of
// its TargetEncoder.
func TestPreprocessAgainstScikitLearn(t *testing.T) {
	raw, err := os.ReadFile("testdata/preprocess.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Fit, At, Robust, Quantile, Clip, Codes, Target, Auto, Ten []float64 }
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		p    Preprocess
		want []float64
	}{
		"robust":   {Preprocess{Scale: robustScale}, want.Robust},
		"quantile": {Preprocess{Scale: quantileScale}, want.Quantile},
		"clip":     {Preprocess{Clip: []float64{0.05, 0.9}}, want.Clip},
	} {
		m := &Matrix{set: &train.Set{Rows: len(want.Fit), Columns: [][]float64{want.Fit}}}
		m.addPrepared(0, &tt.p)
		if len(m.Inputs) != 1 {
			t.Fatalf("%s: %d inputs", name, len(m.Inputs))
		}
		for i, x := range want.At {
			if got := m.Inputs[0].At(x); math.Abs(got-tt.want[i]) > 1e-9 {
				t.Errorf("%s of %g: got %.12g, want %.12g", name, x, got, tt.want[i])
			}
		}
	}
	ten := 10.0
	for name, tt := range map[string]struct {
		smoothing *float64
		want      []float64
	}{"auto": {nil, want.Auto}, "ten": {&ten, want.Ten}} {
		e := encoder{codes: want.Codes, target: want.Target, weight: func(int) float64 { return 1 }, levels: 7, smoothing: tt.smoothing}
		got, _ := e.fit(func(int) bool { return true })
		for k := range got {
			if math.Abs(got[k]-tt.want[k]) > 1e-12 {
				t.Errorf("%s, category %d: got %g, want %g", name, k, got[k], tt.want[k])
			}
		}
	}
}

// TestNoRowSeesItsOwnTarget: another target of a row, or of any row of its fold, leaves its encoding as it is; one of another fold does not.
func TestNoRowSeesItsOwnTarget(t *testing.T) {
	const rows, folds = 60, 4
	for _, smoothing := range []*float64{nil, new(float64)} {
		e := encoder{weight: func(r int) float64 { return 1 + float64(r%3) }, levels: 5, smoothing: smoothing}
		for r := range rows {
			e.codes, e.target = append(e.codes, float64(r*7%5)), append(e.target, float64(r*r%11))
		}
		before := e.cross(folds)
		moved := 0
		for other := range rows {
			was := e.target[other]
			e.target[other] = 100
			after := e.cross(folds)
			e.target[other] = was
			for r := range rows {
				if fold(r, folds) == fold(other, folds) && after[r] != before[r] {
					t.Fatalf("the encoding of row %d knows the target of row %d, of its fold", r, other)
				}
				if after[r] != before[r] {
					moved++
				}
			}
		}
		if moved == 0 {
			t.Error("no encoding knows any target")
		}
	}
}
