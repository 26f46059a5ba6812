package performance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// logged is the log of a deployment that blocks payments with a score from 0.8 on, but for 3 in 100 that are let through; those over an amount of 990 never are. Labels say false of whatever nobody complained of, blocked payments too.
func logged(seed int, config string) stagetest.Block {
	uniform := func(salt int) string {
		return fmt.Sprintf("(hash(i + %d) %% 1000000) / 1000000.0::double", seed*1_000_003+salt*100_000_007)
	}
	base := fmt.Sprintf("select i as id, %s as score, %s as u, %s as v, %s * 1000 as amount from range(12000) t(i)", uniform(1), uniform(2), uniform(3), uniform(4))
	drawn := "(score >= 0.8 and amount <= 990 and v < 0.03)"
	return stagetest.Block{Address: "monitor.live", Config: `{"on": ["id"], "min_rows": 100, "intervals": {"confidence": 0.95, "resamples": 200}, "metrics": [{"name": "recall", "type": "recall"}, {"name": "auc", "type": "roc_auc"}]` + config + `}`,
		Tables: map[string]stagetest.Table{
			"predictions": {SQL: "select id, score, (score >= 0.8)::varchar as model_predicted, (score >= 0.8 and not " + drawn + ")::varchar as predicted, case when score < 0.8 or amount > 990 then 1 when " + drawn + " then 0.03 else 0.97 end as propensity from (" + base + ")",
				Schema: schema.Table{Key: []string{"id"}}},
			"labels": {SQL: "select id, u < score * score * 0.9 and (score < 0.8 or " + drawn + ") as fraud, v > 0.001 as fraud_mature from (" + base + ")", Schema: schema.Table{Label: &schema.Label{Column: "fraud", Mature: "fraud_mature"}}},
		}}
}

// TestRejected: of a log as a server writes it what was rejected is known, though labels say of each blocked payment that it was none.
func TestRejected(t *testing.T) {
	const recall = 1 - 0.8*0.8*0.8                 // of fraud with the chance 0.9 score², the share from 0.8 on
	const precision = 0.9 * recall / 3 / (1 - 0.8) // of those from 0.8 on
	seeds, within, spread := 8, map[string]int{}, 0.0
	if os.Getenv("MLP_SOAK") != "" {
		seeds = 200
	}
	for seed := range seeds {
		r := stagetest.Run(t, Component, logged(seed, ""))
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		f := r.Figures(t)
		x := f["rejected"].(map[string]any)
		for name, truth := range map[string]float64{"recall": recall, "precision": precision} {
			b := between(x[name].(map[string]any))
			if b.low <= truth && truth <= b.high {
				within[name]++
			}
		}
		b := between(x["recall"].(map[string]any))
		spread += (b.high - b.low) / 2 / float64(seeds)
		all := between(f["performance"].(map[string]any)["recall"].(map[string]any))
		if math.Abs(all.value-b.value) > 1e-9 {
			t.Errorf("the recall of all is %v, and that of what is rejected %v", all.value, b.value)
		}
		if all.low <= recall && recall <= all.high {
			within["all"]++
		}
		if n := x["count"].(float64); math.Abs(n-2400) > 250 || math.Abs(x["explored"].(float64)-72) > 40 || !(x["labelled"].(float64) <= x["explored"].(float64)) {
			t.Errorf("seed %d: got %v", seed, x)
		}
		if u := x["uncovered"].(float64); u < 0.002 || u > 0.025 {
			t.Errorf("seed %d: %v of the rows without a label are said to have had no chance, want about 0.01", seed, u)
		}
		if r.Shape.Figures.Fields["rejected"].Fields["recall"] == nil {
			t.Error("rules do not see what was rejected")
		}
	}
	t.Logf("of %d: %v; recall ± %.3f", seeds, within, spread)
	for name, n := range within {
		if n < seeds*93/100-1 {
			t.Errorf("%s: %d of %d intervals have the truth, want 95 %%", name, n, seeds)
		}
	}
	if spread > 0.1 {
		t.Errorf("recall is known to ± %.3f", spread)
	}
}

// TestRejectedRefusals: what makes figures of what was rejected wrong is told.
func TestRejectedRefusals(t *testing.T) {
	for _, tc := range []struct{ config, want string }{
		{`, "predicted": "predicted"`, "is both what the model decides and what was decided"},
		{`, "decided": "predicted", "propensity": "propensity", "predicted": "model_predicted", "task": "regression"`, "of binary classification"},
	} {
		if got := fmt.Sprint(stagetest.Shape(t, Component, logged(1, tc.config)).Problems); !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %s, want %q", tc.config, got, tc.want)
		}
	}
	bare := blocked(1, `, "censored_by": "true"`)
	if got := fmt.Sprint(stagetest.Shape(t, Component, bare).Problems); !strings.Contains(got, "Which column has what was decided is not said") {
		t.Errorf("without decided: got %s", got)
	}
	b := logged(1, "")
	tab := b.Tables["predictions"]
	tab.SQL = strings.ReplaceAll(tab.SQL, "v < 0.03", "v < -1")
	b.Tables["predictions"] = tab
	r := stagetest.Run(t, Component, b)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	f := r.Figures(t)
	if x := f["rejected"].(map[string]any)["recall"].(map[string]any); x["value"] != nil || !strings.Contains(fmt.Sprint(f["undefined"]), "no rejected row that was let through has a label") {
		t.Errorf("nothing let through: got %v, %v", x, f["undefined"])
	}
}

// rejection simulates n rejected rows, of which a share is let through, and what is missed among the others. Rows come in groups of keys of some size, each of which is let through or not.
func rejection(chance *rand.Rand, n int, share, precision, recall float64, size int) (weights, hits []float64, missed float64) {
	for range n / size {
		if chance.Float64() >= share {
			continue
		}
		hit := 0.0
		if size > 1 && chance.Float64() < precision { // rows of a key are alike
			hit = float64(size)
		} else if size == 1 && chance.Float64() < precision {
			hit = 1
		}
		weights, hits = append(weights, float64(size)), append(hits, hit)
	}
	drawn := 0.0
	for _, w := range weights {
		drawn += w
	}
	for i := range weights {
		weights[i], hits[i] = weights[i]*float64(n)/drawn, hits[i]*float64(n)/drawn
	}
	mean := float64(n) * precision * (1 - recall) / recall
	missed = math.Round(mean + math.Sqrt(mean)*chance.NormFloat64())
	return weights, hits, max(0, missed)
}

// TestRejectedCoverage: intervals have the truth as often as they say, and are as narrow as is told of how many rows it takes.
func TestRejectedCoverage(t *testing.T) {
	times := 600
	if os.Getenv("MLP_SOAK") != "" {
		times = 20_000
	}
	for _, tc := range []struct {
		n                        int
		share, precision, recall float64
		size                     int
		within                   float64 // of the recall, to either side, at most; 0: not told
	}{
		{2000, 0.03, 0.5, 0.8, 1, 0.05}, {2000, 0.03, 0.5, 0.3, 1, 0.07}, {500, 0.03, 0.5, 0.8, 1, 0.125}, {20_000, 0.005, 0.2, 0.6, 1, 0.12}, {3000, 0.03, 0.9, 0.95, 1, 0.02}, {3000, 0.03, 0.05, 0.5, 1, 0}, {6000, 0.03, 0.5, 0.8, 3, 0.06},
	} {
		chance := rand.New(rand.NewPCG(1, uint64(tc.n)))
		precise, recalled, half, told := 0, 0, 0.0, 0
		for range times {
			var x rejected
			weights, hits, missed := rejection(chance, tc.n, tc.share, tc.precision, tc.recall, tc.size)
			x.estimate(weights, hits, missed, missed, 0.95)
			if math.IsNaN(x.recall.value) {
				continue
			}
			told++
			half += (x.recall.high - x.recall.low) / 2
			if x.precision.low <= tc.precision && tc.precision <= x.precision.high {
				precise++
			}
			if x.recall.low <= tc.recall && tc.recall <= x.recall.high {
				recalled++
			}
		}
		half /= float64(told)
		a, b := float64(precise)/float64(told), float64(recalled)/float64(told)
		t.Logf("%+v: precision %.3f, recall %.3f, ± %.3f", tc, a, b, half)
		if least := 0.95 - 3*math.Sqrt(0.95*0.05/float64(times)); a < least || b < least {
			t.Errorf("%+v: intervals have the truth in %.3f of times for precision and %.3f for recall, want 0.95", tc, a, b)
		}
		if tc.within > 0 && half > tc.within {
			t.Errorf("%+v: recall is known to ± %.3f, want %.3f", tc, half, tc.within)
		}
	}
}
