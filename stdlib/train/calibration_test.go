package train

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model"
)

// TestCalibrationAgainstScikitLearn: the probabilities that its CalibratedClassifierCV makes of given margins, of two classes and of three, with and
// without weights.
func TestCalibrationAgainstScikitLearn(t *testing.T) {
	raw, err := os.ReadFile("testdata/calibration.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Name              string
			Method            model.CalibrationMethod
			Margins, At, Want [][]float64 // [output][row]
			Class             []int
			Weight            []float64
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, tt := range file.Cases {
		fitted, asked := probabilities(tt.Margins), probabilities(tt.At)
		sum := make([]float64, len(asked[0]))
		got := make([][]float64, len(asked))
		for o := range asked {
			var points []point
			for r, p := range fitted[o] {
				x := point{x: model.Margin.Of(p), w: 1}
				if tt.Weight != nil {
					x.w = tt.Weight[r]
				}
				if tt.Class[r] == o && len(asked) > 1 || tt.Class[r] == 1 && len(asked) == 1 {
					x.y = 1
				}
				if x.w > 0 {
					points = append(points, x)
				}
			}
			curve := isotonic(points)
			if tt.Method == model.Sigmoid {
				curve = sigmoid(points)
			}
			for r, p := range asked[o] {
				got[o] = append(got[o], curve.At(model.Margin.Of(p)))
				sum[r] += got[o][r]
			}
		}
		for o := range got {
			for r, p := range got[o] {
				if len(got) > 1 {
					p /= sum[r]
				}
				if math.Abs(p-tt.Want[o][r]) > 1e-6 {
					t.Errorf("%s, %s, output %d, row %d: got %.9f, want %.9f", tt.Name, tt.Method, o, r, p, tt.Want[o][r])
				}
			}
		}
	}
}

// probabilities of margins: logistic of one output, softmax of several.
func probabilities(margins [][]float64) [][]float64 {
	out := make([][]float64, len(margins))
	for o := range margins {
		for r, m := range margins[o] {
			if len(margins) == 1 {
				out[o] = append(out[o], 1/(1+math.Exp(-m)))
				continue
			}
			total := 0.0
			for k := range margins {
				total += math.Exp(margins[k][r])
			}
			out[o] = append(out[o], math.Exp(m)/total)
		}
	}
	return out
}

// An isotonic curve never falls, goes through the share of all, and is nearer to the classes than any other rising line that was tried.
func TestIsotonicIsTheNearestRisingLine(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 40 {
		points := make([]point, 20)
		for i := range points {
			points[i] = point{x: float64(r.IntN(12)), y: float64(r.IntN(2)), w: 0.5 + r.Float64()}
		}
		c := isotonic(points)
		if !slices.IsSorted(c.Y) {
			t.Fatalf("it falls: %v", c.Y)
		}
		square := func(at func(x float64) float64) (sum float64) {
			for _, p := range points {
				sum += p.w * (at(p.x) - p.y) * (at(p.x) - p.y)
			}
			return sum
		}
		best := square(c.At)
		for range 50 { // another rising line: moved a little, and made to rise
			var y [12]float64
			for x := range y {
				y[x] = c.At(float64(x)) + 0.1*r.NormFloat64()
			}
			slices.Sort(y[:])
			if other := square(func(x float64) float64 { return y[int(x)] }); other < best-1e-12 {
				t.Fatalf("%v with %g is nearer than %v with %g", y, other, c, best)
			}
		}
	}
}

// The derivative of the sigmoid's loss is 0 where it ends, even where the classes are apart or all scores are the same.
func TestSigmoidEndsAtTheLeastLoss(t *testing.T) {
	for name, points := range map[string][]point{
		"apart": {{-3, 0, 1}, {-2, 0, 1}, {30, 1, 2}, {31, 1, 1}},
		"same":  {{1, 0, 1}, {1, 1, 1}, {1, 1, 1}},
		"mixed": {{-1, 0, 1}, {0, 1, 1}, {1, 0, 2}, {2, 1, 1}},
	} {
		c := sigmoid(points)
		var n, positive float64
		for _, p := range points {
			n, positive = n+p.w, positive+p.w*p.y
		}
		var ga, gb float64
		for _, p := range points {
			target := 1 / (n - positive + 2)
			if p.y == 1 {
				target = (positive + 1) / (positive + 2)
			}
			g := p.w * (c.At(p.x) - target)
			ga, gb = ga+g*p.x, gb+g
		}
		if math.Abs(ga)+math.Abs(gb) > 1e-8 {
			t.Errorf("%s: derivatives %g and %g at %+v", name, ga, gb, c)
		}
	}
}
