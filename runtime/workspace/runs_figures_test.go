package workspace

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/runs"
)

// TestFiguresOfSums: of a backtest a run has means, spreads and worst figures by the names that rules call them by, with their metric's direction.
func TestFiguresOfSums(t *testing.T) {
	metrics := json.RawMessage(`{"count": 2, "mean": {"mae": 3, "auc": null}, "sd": {"mae": 1}, "worst": {"mae": 4}, "best": {"mae": 2},
		"windows": {"w1": {"mae": 2}}, "undefined": {"mean.auc": "one class in w1"}}`)
	config := json.RawMessage(`{"metrics": [{"name": "mae", "type": "mean_absolute_error"}, {"name": "auc", "type": "roc_auc"}], "of": ["w1", "w2"]}`)
	at := func(x float64) *float64 { return &x }
	want := map[string]runs.Figure{"count": {Value: at(2)}, "mean.mae": {Value: at(3), Better: "less"}, "mean.auc": {Why: "one class in w1"},
		"sd.mae": {Value: at(1)}, "worst.mae": {Value: at(4), Better: "less"}}
	if diff := cmp.Diff(want, figuresOf(metrics, config)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
