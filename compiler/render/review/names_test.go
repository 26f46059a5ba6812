package review

import "testing"

// TestFigureNames: figures of one rule have names that tell them apart, and no longer ones than that.
func TestFigureNames(t *testing.T) {
	tests := []struct{ path, beside, want string }{
		{"evaluate.test.metrics.auc", "", "auc"},
		{"evaluate.test.metrics.auc", "evaluate.test.metrics.recall", "auc"},
		{"evaluate.test.delta.auc.low", "", "auc.low"},
		{"evaluate.test.delta.auc.low", "evaluate.test.delta.auc.high", "auc.low"},
		{"evaluate.a.metrics.auc", "evaluate.b.metrics.auc", "a.metrics.auc"},
		{"evaluate.a.slices.eu.auc", "evaluate.a.slices.us.auc", "eu.auc"},
		{"evaluate.a.slices.eu.auc", "evaluate.b.slices.eu.auc", "a.slices.eu.auc"},
		{"evaluate.a.delta.auc.low", "evaluate.a.intervals.auc.low", "delta.auc.low"},
		{"check.a.rows", "monitor.a.rows", "check.a.rows"},
		{"evaluate.a.metrics.auc", "evaluate.a.metrics.auc", "auc"}, // read twice
		{"variable.auc", "evaluate.a.metrics.auc", "variable.auc"},
		{"rows", "", "rows"},
	}
	for _, test := range tests {
		if got := figureName(test.path, []string{test.beside, test.path}); got != test.want {
			t.Errorf("%s beside %q: got %q, want %q", test.path, test.beside, got, test.want)
		}
	}
}
