package model

import (
	"math"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// byBand has 600 rows in the bands young, middle and old, 10 in a band "rare" and some without one. y is independent of
// the band, and x, which the model decides by, is lower for the old.
const byBand = `select i as id, case when i < 10 then 'rare' when i % 25 = 11 then null when i % 3 = 0 then 'young' when i % 3 = 1 then 'middle' else 'old' end as band,
	i % 3 as code, i::double as precise, (hash(i) % 1000)::double / 1000 - case when i % 3 = 2 then 0.8 else 0.4 end as x, hash(i + 7) % 2 = 0 as y from range(600) t(i)`

func banded(t *testing.T, fairness string) evaluate {
	e := twoClasses(t, metricsConfig+`, "fairness": [`+fairness+`]`)
	e.data, e.schema = byBand, schema.Table{Key: []string{"id"}}
	return e
}

const bandBlock = `{"name": "band", "metrics": ["demographic_parity_difference", "equalized_odds_ratio"], "method": "between_groups", "agg": "worst_case", "min_group_size": 50}`

func TestFairness(t *testing.T) {
	o := banded(t, bandBlock).run(t)
	if o.err != nil || len(o.shape.Problems) > 0 {
		t.Fatal(o.err, o.shape.Problems)
	}
	// x > 0 for 60 % of the young and middle, 20 % of the old.
	if got := o.number(t, "fairness.band.groups.old.selection_rate"); math.Abs(got-0.2) > 0.08 {
		t.Errorf("got a selection rate of %v of the old", got)
	}
	value := o.number(t, "fairness.band.demographic_parity_difference.value")
	low, high := o.number(t, "fairness.band.demographic_parity_difference.low"), o.number(t, "fairness.band.demographic_parity_difference.high")
	if !(0.2 < low && low < value && value < high && high < 0.7) {
		t.Errorf("got a difference of %v in [%v, %v]", value, low, high)
	}
	if got := o.number(t, "fairness.band.equalized_odds_ratio.high"); got > 0.8 {
		t.Errorf("the ratio may be %v, of groups treated that differently", got)
	}
	if got := o.number(t, "fairness.band.groups.old.to_overall.selection_rate.high"); got >= 0 {
		t.Errorf("the old may be selected %v more often than all", got)
	}
	o.number(t, "fairness.band.groups.(null).count")
	for path, want := range map[string]float64{"fairness.band.unnamed.groups": 1, "fairness.band.unnamed.count": 10, "fairness.band.undefined_groups": 2} {
		if got := o.number(t, path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	if _, named := o.figures["fairness"].(map[string]any)["band"].(map[string]any)["groups"].(map[string]any)["rare"]; named {
		t.Error("a value of ten rows is named")
	}
}

func TestFairnessUndefined(t *testing.T) {
	one := strings.Replace(bandBlock, `"name": "band"`, `"name": "few", "column": "band"`, 1)
	one = strings.Replace(one, `"min_group_size": 50`, `"min_group_size": 250`, 1)
	o := banded(t, one).run(t)
	if got, want := o.reason(t, "fairness.few.demographic_parity_difference.value"), "no group has a selection_rate"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := o.reason(t, "fairness.few.groups.old.true_positive_rate"), "fewer than min_group_size = 250"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	e := banded(t, bandBlock)
	e.data = strings.Replace(byBand, "when i % 3 = 0 then 'young' when i % 3 = 1 then 'middle'", "when true then 'all'", 1)
	e.data = strings.Replace(e.data, "when i % 25 = 11 then null", "", 1)
	o = e.run(t)
	if got, want := o.reason(t, "fairness.band.demographic_parity_difference.low"), "fewer than two groups can be compared"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFairnessProblems(t *testing.T) {
	for _, tc := range []struct{ block, path, want string }{
		{strings.Replace(bandBlock, "demographic_parity_d", "demographic_parity_tiff", 1), "fairness[band].metrics[0]", "There is no fairness metric"},
		{strings.Replace(bandBlock, `"band"`, `"bandit"`, 1), "fairness[bandit]", `no column "bandit" to group by`},
		{strings.Replace(bandBlock, `"band"`, `"b", "column": "precise"`, 1), "fairness[b].column", `"precise" is double`},
		{strings.Replace(bandBlock, "size\": 50", "size\": 2", 1), "fairness[band].min_group_size", "min_group_size is 2"},
		{strings.Replace(bandBlock, `["demographic_parity_difference", "equalized_odds_ratio"]`, `[]`, 1), "fairness[band].metrics", "No fairness metric"},
	} {
		o := banded(t, tc.block).run(t)
		if len(o.shape.Problems) != 1 || o.shape.Problems[0].Path != tc.path || !strings.Contains(o.shape.Problems[0].Summary, tc.want) {
			t.Errorf("%s: got %+v, want %q at %s", tc.block, o.shape.Problems, tc.want, tc.path)
		}
	}
	o := banded(t, strings.Replace(bandBlock, `"band"`, `"id"`, 1)).run(t)
	if o.err == nil || !strings.Contains(o.err.Error(), "600 values, too many") {
		t.Errorf("got %v", o.err)
	}
}
