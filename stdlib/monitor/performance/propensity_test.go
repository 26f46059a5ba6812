package performance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// blocked are payments of which those with a score from 0.5 on are blocked, but for 5 in 100 that are let through as a control. Fraud is seen among what was let through alone.
func blocked(seed int, propensity string) stagetest.Block {
	base := fmt.Sprintf("select i as id, (hash(i + %d) %% 100000) / 100000.0::double as score, (hash(i + %d) %% 100000) / 100000.0::double as u, (hash(i + %d) %% 100000) / 100000.0::double as v from range(3000) t(i)",
		seed*1_000_003, seed*1_000_003+500_000_000, seed*1_000_003+700_000_000)
	through := "(score < 0.5 or v < 0.05)"
	return stagetest.Block{Address: "monitor.live", Config: `{"on": ["id"], "min_rows": 100, "intervals": {"confidence": 0.95, "resamples": 200}, "metrics": [{"name": "recall", "type": "recall"}]` + propensity + `}`,
		Tables: map[string]stagetest.Table{
			"predictions": {SQL: "select id, score, case when score < 0.5 then 1 else 0.05 end as chance from (" + base + ")", Schema: schema.Table{Key: []string{"id"}}},
			"labels":      {SQL: "select id, case when " + through + " then u < score * score end as fraud, " + through + " as fraud_mature from (" + base + ")", Schema: schema.Table{Label: &schema.Label{Column: "fraud", Mature: "fraud_mature"}}},
		}}
}

// TestPropensity: of payments that are blocked nobody learns what they were. By the inverse chance of a control of 5 % the recall of all is found, in its interval about as often as that says; without it
// figures are of what was let through, and wrong.
func TestPropensity(t *testing.T) {
	const truth = 7.0 / 8 // of fraud with the chance score², the share from 0.5 on: 1 - 0.5³
	const seeds = 16
	within := 0
	for seed := range seeds {
		r := stagetest.Run(t, Component, blocked(seed, `, "propensity": "chance"`))
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		f := r.Figures(t)["performance"].(map[string]any)["recall"].(map[string]any)
		if f["low"].(float64) <= truth && truth <= f["high"].(float64) {
			within++
		}
		if value := f["value"].(float64); value < truth-0.1 || value > truth+0.1 {
			t.Errorf("seed %d: recall is %v, want %v within 0.1", seed, value, truth)
		}
	}
	t.Logf("%d of %d intervals have the truth", within, seeds)
	if within < 13 {
		t.Errorf("%d of %d intervals have the truth, want 95 %%", within, seeds)
	}
	naive := stagetest.Run(t, Component, blocked(1, "")).Figures(t)["performance"].(map[string]any)["recall"].(map[string]any)
	if naive["high"].(float64) > truth-0.2 {
		t.Errorf("without the chance: got %v, which should be far below %v", naive, truth)
	}
	b := blocked(1, `, "propensity": "chance"`)
	tab := b.Tables["predictions"]
	tab.SQL = strings.Replace(tab.SQL, "else 0.05 end", "else 0 end", 1)
	b.Tables["predictions"] = tab
	if r := stagetest.Run(t, Component, b); r.Err == nil || !strings.Contains(r.Err.Error(), "chance is no chance: it is null, 0 or less") {
		t.Errorf("of rows without a chance: got %v", r.Err)
	}
}
