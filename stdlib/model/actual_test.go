package model_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
)

func TestClassNamesAndActual(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name   string
		column frame.Column
		names  []string
		actual []float64
	}{
		{"booleans", frame.Column{Type: "boolean", Num: []float64{1, nan, 0}}, []string{"false", "true"}, []float64{1, nan, 0}},
		{"numbers", frame.Column{Type: "integer", Num: []float64{10, 2, nan, 10}}, []string{"2", "10"}, []float64{1, 0, nan, 1}},
		{"fractions", frame.Column{Type: "double", Num: []float64{0.5, -1, 1e6}}, []string{"-1", "0.5", "1000000"}, []float64{1, 0, 2}},
		{"text", frame.Column{Type: "varchar", Levels: []string{"a", "b", "c"}, Codes: []int32{2, -1, 0}}, []string{"a", "c"}, []float64{1, nan, 0}},
		{"one boolean", frame.Column{Type: "boolean", Num: []float64{1, 1}}, []string{"true"}, []float64{0, 0}},
	}
	for _, tt := range tests {
		names := model.ClassNames(&tt.column)
		if diff := cmp.Diff(tt.names, names); diff != "" {
			t.Errorf("%s: names (-want +got):\n%s", tt.name, diff)
		}
		s := model.Signature{Task: schema.Multiclass, Classes: names}
		got, err := s.Actual(&tt.column)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.actual, got, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s: actual (-want +got):\n%s", tt.name, diff)
		}
		s.Classes = []string{"other"}
		if _, err := s.Actual(&tt.column); err == nil || !strings.Contains(err.Error(), "none of the 1 classes") {
			t.Errorf("%s: unknown classes: got %v", tt.name, err)
		}
	}
}
