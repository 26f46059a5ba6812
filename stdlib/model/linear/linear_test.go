package linear

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func example() *Model {
	return &Model{
		Link: Logit,
		Inputs: []Input{
			{Feature: 0, Kind: Value, Mean: 3, Scale: 2}, {Feature: 0, Kind: Missing}, {Feature: 1, Kind: Level, Level: 2},
		},
		Intercepts: []float64{0.5}, Coefficients: [][]float64{{1, -2, 4}},
	}
}

func TestPredict(t *testing.T) {
	nan := math.NaN()
	columns := [][]float64{{7, nan, 3, 3}, {2, 0, nan, 1}}
	margins := []float64{0.5 + 2 + 4, 0.5 - 2, 0.5, 0.5}
	for _, link := range []Link{Logit, Identity} {
		m := example()
		m.Link = link
		got, err := m.Predict(context.Background(), columns, 4, 2)
		if err != nil {
			t.Fatal(err)
		}
		for r, want := range margins {
			if link == Logit {
				want = 1 / (1 + math.Exp(-want))
			}
			if math.Abs(got[0][r]-want) > 1e-15 {
				t.Errorf("%s, row %d: got %g, want %g", link, r, got[0][r], want)
			}
		}
	}
}

func TestSoftmaxOfLargeSums(t *testing.T) {
	m := &Model{Link: Softmax, Inputs: []Input{}, Intercepts: []float64{1000, 1000 + math.Log(3)}, Coefficients: [][]float64{{}, {}}}
	got, err := m.Predict(context.Background(), nil, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got[0][0]-0.25) > 1e-12 || math.Abs(got[1][0]-0.75) > 1e-12 {
		t.Errorf("got %v", got)
	}
}

func TestEncodeAndDecode(t *testing.T) {
	data, err := example().Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(data, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct{ name, old, with, want string }{
		{"no JSON", `{`, ``, "reading a linear model"},
		{"another format", `"format":1`, `"format":9`, "format 9"},
		{"another link", `"logit"`, `"probit"`, `unknown link "probit"`},
		{"another kind of input", `"missing"`, `"square"`, `of kind "square"`},
		{"a feature too many", `"feature":1`, `"feature":2`, "of feature 2 of 2"},
		{"a scale of 0", `"scale":2`, `"scale":0`, "scaled by 0"},
		{"a coefficient too few", `[[1,-2,4]]`, `[[1,-2]]`, "2 coefficients for 3 inputs"},
		{"an output too many", `[0.5]`, `[0.5,1]`, "2 intercepts"},
	}
	data, err := example().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		spoilt := strings.Replace(string(data), tt.old, tt.with, 1)
		if spoilt == string(data) {
			t.Fatalf("%s: %q is not in %s", tt.name, tt.old, data)
		}
		if _, err := Decode([]byte(spoilt), 2, 1); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
