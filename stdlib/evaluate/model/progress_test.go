package model

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	trained "github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// asked is an evaluation of the stumps with intervals of 200 resamples of two metrics, one of which is SQL, and more.
func asked(t *testing.T, more string) evaluate {
	e := explained(bundled(t, schema.Binary, trained.Trees, ofTrees(xgboost.Logistic, 10)), `null`)
	e.config = `{"metrics": [{"name": "loss", "type": "log_loss"}, {"name": "own", "goal": "minimize", "sql": "avg(score)"}], "intervals": {"resamples": 200, "confidence": 0.95}` + more + `}`
	return e
}

// everything is what takes time besides metrics: four parts of explain, two blocks of fairness, two tests of behaviour.
const everything = `, "explain": {"rows": 100, "background": 10, "permutation": {"repeats": 5}, "partial_dependence": {"features": ["x", "flag"], "grid": 20, "curves": 3}},
	"fairness": [{"name": "flag", "metrics": ["demographic_parity_difference"], "method": "between_groups", "agg": "worst_case", "min_group_size": 20},
		{"name": "again", "column": "flag", "metrics": ["demographic_parity_difference"], "method": "between_groups", "agg": "worst_case", "min_group_size": 20}],
	"behavior": [{"name": "a", "expect": "score > 0", "min_share": 1}, {"name": "b", "expect": "score < 1", "min_share": 1}]`

// TestProgress: an evaluation says how far it is with all that takes time, the same on any number of threads. Each part has its share of the bar: the last
// one moves it to its end, and no part is without a step.
func TestProgress(t *testing.T) {
	for name, test := range map[string]struct {
		more  string
		parts int // scoring, the metrics and those in SQL, and what more is asked for
		last  []int
	}{
		"metrics":    {"", 3, []int{66, 100}},
		"everything": {everything, 10, []int{90, 95, 100}},
	} {
		t.Run(name, func(t *testing.T) {
			e := asked(t, test.more)
			o := e.run(t)
			o.number(t, "metrics.loss")
			got := stagetest.Progress(t, o.log)
			for part := range test.parts {
				from, to := part*100/test.parts, (part+1)*100/test.parts
				if !slices.ContainsFunc(got, func(at int) bool { return from < at && at <= to }) {
					t.Errorf("nothing is said between %d and %d: %v", from, to, got)
				}
			}
			if n := len(got); n < len(test.last) || !slices.Equal(got[n-len(test.last):], test.last) {
				t.Errorf("got %v, want the end to be %v", got, test.last)
			}
			e.threads = 2
			if again := stagetest.Progress(t, e.run(t).log); !slices.Equal(got, again) {
				t.Errorf("got %v on two threads, %v on one", again, got)
			}
		})
	}
}

// TestProgressOfChampions: so does a comparison: scoring, the differences, and of metrics in SQL both sides.
func TestProgressOfChampions(t *testing.T) {
	challenger := asked(t, "")
	o := challenger.run(t)
	champion := asked(t, `, "champion": true`)
	champion.model = bundled(t, schema.Binary, trained.Trees, ofTrees(xgboost.Logistic, 3))
	champion.before = o
	c := champion.run(t)
	c.number(t, "delta.loss.value")
	if got := fmt.Sprint(stagetest.Progress(t, c.log)); got != "[25 50 75 100]" {
		t.Errorf("got %s", got)
	}
}
