package performance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// scored are predictions whose scores are probabilities, with the labels that came of them of one half.
func scored(seed int, config string) stagetest.Block {
	base := fmt.Sprintf("select i as id, (hash(i + %d) %% 100000) / 100000.0::double as score, (hash(i + %d) %% 100000) / 100000.0::double as u from range(2000) t(i)", seed*1_000_003, seed*1_000_003+500_000_000)
	return stagetest.Block{Address: "monitor.live", Config: `{"on": ["id"], "min_rows": 100, "intervals": {"confidence": 0.95, "resamples": 200}, "metrics": [{"name": "recall", "type": "recall"}, {"name": "auc", "type": "roc_auc"}]` + config + `}`,
		Tables: map[string]stagetest.Table{
			"predictions": {SQL: "select id, score from (" + base + ")", Schema: schema.Table{Key: []string{"id"}}},
			"labels":      {SQL: "select id, u < score as fraud, true as fraud_mature from (" + base + ") where id % 2 = 0", Schema: schema.Table{Label: &schema.Label{Column: "fraud", Mature: "fraud_mature"}}},
		}}
}

// TestEstimate: where scores are probabilities, what is expected of all rows is what comes of them, in its interval about as often as that says.
func TestEstimate(t *testing.T) {
	const recall, auc = 0.75, 5.0 / 6 // of the chance s over uniform scores s: ∫ from 0.5 of s over ∫ s, and P(s > s') of densities 2s and 2(1-s')
	const seeds = 12
	within := 0
	for seed := range seeds {
		r := stagetest.Run(t, Component, scored(seed, `, "estimate": true`))
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		for name, truth := range map[string]float64{"recall": recall, "auc": auc} {
			f := r.Figures(t)["estimate"].(map[string]any)[name].(map[string]any)
			if f["low"].(float64) <= truth && truth <= f["high"].(float64) {
				within++
			}
			if value := f["value"].(float64); value < truth-0.03 || value > truth+0.03 {
				t.Errorf("seed %d: %s is to be expected %v, want %v within 0.03", seed, name, value, truth)
			}
		}
		if r.Shape.Figures.Fields["estimate"].Fields["auc"] == nil {
			t.Error("rules do not see the estimate")
		}
	}
	if within < 20 {
		t.Errorf("%d of %d intervals have the truth, want 95 %%", within, 2*seeds)
	}
	if got := stagetest.Run(t, Component, scored(1, "")).Figures(t)["estimate"]; got != nil {
		t.Errorf("not asked for: got %v", got)
	}
	b := scored(1, `, "estimate": true`)
	tab := b.Tables["predictions"]
	tab.SQL = strings.Replace(tab.SQL, "id, score", "id, score > 0.5 as predicted", 1)
	b.Tables["predictions"] = tab
	if got := fmt.Sprint(stagetest.Shape(t, Component, b).Problems); !strings.Contains(got, "Without scores nothing can be expected") {
		t.Errorf("without scores: got %s", got)
	}
}
