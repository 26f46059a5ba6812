package initfrom

import (
	"testing"
)

func TestFigureLimits(t *testing.T) {
	tests := []struct {
		name  string
		value float64
		want  string
	}{
		{"auc", 0.8426, ">= 0.825"},
		{"test_accuracy", 1, ">= 0.98"},
		{"recall", 0, ">= 0.0"},
		{"r2", -0.1, ">= -0.102"},
		{"f1", 1e-7, ">= 0.000000098"},
		{"log_loss", 0.4167, "<= 0.426"},
		{"mae", 1234.5, "<= 1260.0"},
		{"rmse", 0, "<= 0.0"},
		{"error_rate", 0.2, "<= 0.204"},
		{"recall_loss", 0.5, "<= 0.51"},
		{"rows", 1741, ""},
		{"epochs", 40, ""},
		{"lossless", 1, ""},
	}
	for _, tt := range tests {
		f := foundFigure{tt.name, tt.value, directionOf(tt.name)}
		got := ""
		if f.better != unknownDirection {
			op, limit := f.limit()
			got = op + " " + limit
		}
		if got != tt.want {
			t.Errorf("%s = %v: got %q, want %q", tt.name, tt.value, got, tt.want)
		}
	}
}
