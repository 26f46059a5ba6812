package performance

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// rolled is a log of a canary that has a tenth of the rows, each key one model's, beside rows of before it; it blocks from a score of 0.9 on, and the live model from 0.8 on. explored: of blocked rows a tenth is let through.
func rolled(explored bool) stagetest.Block {
	uniform := func(salt int) string {
		return fmt.Sprintf("(hash(i + %d) %% 1000000) / 1000000.0::double", salt*100_000_007)
	}
	base := fmt.Sprintf("select i as id, i // 2 as card, i >= 30000 as beside, hash(i // 2) %% 10 = 0 as canary, %s as score, %s as u, %s as v from range(60000) t(i)", uniform(1), uniform(2), uniform(3))
	rejects := "score >= case when beside and canary then 0.9 else 0.8 end"
	through := "(" + rejects + " and v < 0.1)"
	said, fraud := fmt.Sprintf("(%s)::varchar as predicted", rejects), "u < score as fraud"
	if explored {
		said = fmt.Sprintf("(%s)::varchar as model_predicted, (%[1]s and not %s)::varchar as predicted, case when not (%[1]s) then 1 when %[2]s then 0.1 else 0.9 end as propensity", rejects, through)
		fraud = fmt.Sprintf("case when not (%s) or %s then u < score end as fraud", rejects, through)
	}
	return stagetest.Block{Address: "monitor.live", Config: `{"on": ["id"], "min_rows": 100, "intervals": {"confidence": 0.95, "resamples": 50}, "metrics": [{"name": "recall", "type": "recall"}]}`,
		Tables: map[string]stagetest.Table{
			"predictions": {SQL: "select id, card, timestamp '2026-01-01' + interval (i) second as requested_at, score, case when beside and canary then 'canary' else 'live' end as route, case when beside then 41 end as rollout, case when beside then 10.0 end as rollout_share, " + said + " from (select *, id as i from (" + base + "))",
				Schema: schema.Table{Key: []string{"id"}, Entity: []string{"card"}}},
			"labels": {SQL: "select id, " + fraud + ", id % 3 > 0 as fraud_mature from (" + base + ")", Schema: schema.Table{Label: &schema.Label{Column: "fraud", Mature: "fraud_mature"}}},
		}}
}

// TestCanaryCounts: of each card one row of a rollout counts, once its label is mature, for the model that answered it; of a deployment that explores as if each label had come with the chance of exploration.
func TestCanaryCounts(t *testing.T) {
	for _, explored := range []bool{false, true} {
		r := stagetest.Run(t, Component, rolled(explored))
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		text, err := json.Marshal(r.Figures(t)["canaries"])
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]evidence
		if err := json.Unmarshal(text, &all); err != nil || len(all) != 1 || len(all["41"].Steps) != 1 || all["41"].Steps[0].Share != 100_000 {
			t.Fatalf("got %s (%v)", text, err)
		}
		step := all["41"].Steps[0]
		near := func(name string, got, of int64, want float64) {
			if of == 0 {
				t.Fatalf("explored %v: no row for %s", explored, name)
			}
			spread := 4.5 * math.Sqrt(want*(1-want)/float64(of))
			if share := float64(got) / float64(of); math.Abs(share-want) > spread {
				t.Errorf("explored %v: %s of %d is %.3f, want %.3f ± %.3f", explored, name, of, share, want, spread)
			}
		}
		// Of rows with the chance score to be fraud: those from a limit on that are, and those that are not.
		near("recall of the canary", step.Canary.Found, step.Canary.Actual, 1-0.81)
		near("recall of the control", step.Control.Found, step.Control.Actual, 1-0.64)
		near("false positives of the canary", step.Canary.Alarms, step.Canary.Labelled-step.Canary.Actual, 0.01)
		near("false positives of the control", step.Control.Alarms, step.Control.Labelled-step.Control.Actual, 0.04)
		near("rows of the canary", step.Canary.Labelled, step.Canary.Labelled+step.Control.Labelled, 0.1)
		if got := step.Canary.Mistakes; got != step.Canary.Actual-step.Canary.Found+step.Canary.Alarms {
			t.Errorf("%d mistakes of %+v", got, step.Canary)
		}
		all15k := 15_000.0 * 0.9 // cards of which one of two rows is mature, or the first of them counts
		if explored {
			all15k *= 0.13 // of two rows of a card either may be drawn
		}
		if n := float64(step.Control.Labelled); n > all15k*1.1 || n < all15k*0.6 {
			t.Errorf("explored %v: %v rows of the control count, want some %v", explored, n, all15k)
		}
	}
	b := rolled(true)
	tab := b.Tables["predictions"]
	tab.SQL = strings.ReplaceAll(tab.SQL, "v < 0.1", "v < -1")
	b.Tables["predictions"] = tab
	if r := stagetest.Run(t, Component, b); r.Err != nil || r.Figures(t)["canaries"] != nil {
		t.Errorf("nothing let through: got %v, %v", r.Err, r.Figures(t)["canaries"])
	}
}
