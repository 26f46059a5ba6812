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

// TestFiguresOfEstimates: a number with its interval is one figure, also where it or its interval is undefined; an object of anything else is none.
func TestFiguresOfEstimates(t *testing.T) {
	metrics := json.RawMessage(`{"rows": 9, "gain": {"value": 0.2, "low": 0.1, "high": 0.3}, "ips": {"value": null, "low": null, "high": null}, "dr": {"value": 1, "low": null, "high": null},
		"tuning": {"value": 0.4}, "columns": {"value": 3, "drifted": 1}, "undefined": {"ips.value": "too few rows", "ips.low": "too few rows", "dr.low": "one entity"}}`)
	at := func(x float64) *float64 { return &x }
	want := map[string]runs.Figure{"rows": {Value: at(9)}, "gain": {Value: at(0.2), Low: at(0.1), High: at(0.3)}, "ips": {Why: "too few rows"},
		"dr": {Value: at(1), Why: "one entity"}, "tuning.value": {Value: at(0.4)}}
	if diff := cmp.Diff(want, figuresOf(metrics, json.RawMessage(`{}`))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestFiguresOfTrials: what trials are chosen by has the direction of its metric, of a trial as of what takes the best, so that sorting puts the best first.
func TestFiguresOfTrials(t *testing.T) {
	for name, c := range map[string]struct{ metrics, config, figure, want string }{
		"a loss":        {`{"value": 0.4}`, `{"trial": {"metric": {"name": "loss", "type": "log_loss"}}}`, "value", "less"},
		"an area":       {`{"value": 0.9}`, `{"trial": {"metric": {"name": "auc", "type": "roc_auc"}}}`, "value", "more"},
		"the best":      {`{"tuning": {"value": 0.4, "trial": 3}}`, `{"tune": {"metric": {"name": "loss", "type": "log_loss"}}}`, "tuning.value", "less"},
		"its number":    {`{"tuning": {"value": 0.4, "trial": 3}}`, `{"tune": {"metric": {"name": "loss", "type": "log_loss"}}}`, "tuning.trial", ""},
		"another value": {`{"value": 0.4}`, `{}`, "value", ""},
	} {
		got, ok := figuresOf(json.RawMessage(c.metrics), json.RawMessage(c.config))[c.figure]
		if !ok || got.Better != c.want {
			t.Errorf("%s: got %+v, want %q", name, got, c.want)
		}
	}
}
