package encode

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestAgainstScikitLearn: categories by the formula of its TargetEncoder.
func TestAgainstScikitLearn(t *testing.T) {
	raw, err := os.ReadFile("testdata/target.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Codes, Target, Auto, Ten []float64 }
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	ten := 10.0
	for name, tt := range map[string]struct {
		smoothing *float64
		want      []float64
	}{"auto": {nil, want.Auto}, "ten": {&ten, want.Ten}} {
		e := Target{Codes: want.Codes, Target: want.Target, Weight: func(int) float64 { return 1 }, Levels: 7, Smoothing: tt.smoothing}
		got, _ := e.Fit(func(int) bool { return true })
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
		e := Target{Weight: func(r int) float64 { return 1 + float64(r%3) }, Levels: 5, Smoothing: smoothing}
		for r := range rows {
			e.Codes, e.Target = append(e.Codes, float64(r*7%5)), append(e.Target, float64(r*r%11))
		}
		before := e.Cross(folds)
		moved := 0
		for other := range rows {
			was := e.Target[other]
			e.Target[other] = 100
			after := e.Cross(folds)
			e.Target[other] = was
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
