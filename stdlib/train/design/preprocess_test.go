package design

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/train"
)

// TestPreprocessAgainstScikitLearn: numbers as its RobustScaler and QuantileTransformer make them, quantiles as numpy's.
func TestPreprocessAgainstScikitLearn(t *testing.T) {
	raw, err := os.ReadFile("testdata/preprocess.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Fit, At, Robust, Quantile, Clip []float64 }
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
}
