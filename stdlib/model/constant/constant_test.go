package constant

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPredict(t *testing.T) {
	nan := math.NaN()
	columns := [][]float64{{0, 1, nan, 2, -1}}
	tests := []struct {
		name string
		m    Model
		want [][]float64
	}{
		{"scores", Model{Scores: []float64{0.2, 0.8}}, [][]float64{{0.2, 0.2, 0.2, 0.2, 0.2}, {0.8, 0.8, 0.8, 0.8, 0.8}}},
		{"a table", Model{Scores: []float64{0.5}, Column: &Column{Table: [][]float64{{0.1}, {0.9}}}}, [][]float64{{0.1, 0.9, 0.5, 0.5, 0.5}}},
		{"the value", Model{Scores: []float64{0.5}, Column: &Column{}}, [][]float64{{0, 1, 0.5, 2, -1}}},
	}
	for _, tt := range tests {
		data, err := tt.m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		m, err := Decode(data, 1, len(tt.want))
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Predict(context.Background(), columns, 5, 1)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct{ data, want string }{
		{`{"format":1`, "reading a constant model"},
		{`{"format":2,"scores":[1]}`, "format 2"},
		{`{"format":1,"scores":[1,2]}`, "2 scores for 1 outputs"},
		{`{"format":1,"scores":[1],"column":{"feature":1}}`, "feature 1 of 1"},
		{`{"format":1,"scores":[1],"column":{"feature":0,"table":[[1],[]]}}`, "value 1 has 0 scores"},
	}
	for _, tt := range tests {
		if _, err := Decode([]byte(tt.data), 1, 1); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.data, err, tt.want)
		}
	}
}
