package model

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
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

// TestMetricsBetweenGroups compares metrics of every task between two halves of the rows, of which one is told less well.
func TestMetricsBetweenGroups(t *testing.T) {
	const halves = `select id, x, id % 2 = 0 as half, case when id % 2 = 0 then y else y + 1 end as y, case when id % 2 = 0 or id % 3 = 0 then class else 'a' end as class from (` + numbers + `)`
	for _, tc := range []struct {
		name, metrics, compared, worse string
		e                              evaluate
	}{
		{"regression", `{"name": "mae", "type": "mean_absolute_error"}, {"name": "r2", "type": "r2"}`, `"mae_difference", "mae_ratio", "r2_difference"`, "mae",
			evaluate{task: schema.Regression, target: "y", model: linearBundle(t, schema.Regression, linear.Identity, "y", nil, 1)}},
		{"several classes", `{"name": "loss", "type": "log_loss"}, {"name": "recall", "type": "recall", "average": "macro"}`, `"loss_difference", "loss_ratio", "recall_difference"`, "loss",
			evaluate{task: schema.Multiclass, target: "class", model: linearBundle(t, schema.Multiclass, linear.Softmax, "class", []string{"a", "b", "c"}, -1, 0.2, 1)}},
	} {
		e := tc.e
		e.data, e.schema = halves, schema.Table{Key: []string{"id"}}
		e.config = `{"metrics": [` + tc.metrics + `], "fairness": [{"name": "half", "metrics": [` + tc.compared + `], "method": "between_groups", "min_group_size": 20}]}`
		o := e.run(t)
		good, bad := o.number(t, "fairness.half.groups.true."+tc.worse), o.number(t, "fairness.half.groups.false."+tc.worse)
		if !(bad > good) {
			t.Errorf("%s: got %v of the half told well, %v of the other", tc.name, good, bad)
		}
		for name, want := range map[string]float64{"_difference": bad - good, "_ratio": good / bad} {
			path := "fairness.half." + tc.worse + name
			low, x, high := o.number(t, path+".low"), o.number(t, path+".value"), o.number(t, path+".high")
			if math.Abs(x-want) > 1e-12 || !(low < x && x < high) {
				t.Errorf("%s: got %v in [%v, %v], want %v", path, x, low, high, want)
			}
		}
		if got, want := o.number(t, "fairness.half.groups.false.to_overall."+tc.worse+".value"), bad-o.number(t, "metrics."+tc.worse); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: got %v to all, want %v", tc.name, got, want)
		}
		checkType(t, o)
	}
}

// TestMetricsOfTwoClasses stand beside the rates, and agree with them.
func TestMetricsOfTwoClasses(t *testing.T) {
	o := banded(t, `{"name": "band", "metrics": ["recall_difference", "equal_opportunity_difference", "auc_difference"], "method": "between_groups", "min_group_size": 50}`).run(t)
	for _, part := range []string{"value", "low", "high"} {
		if got, want := o.number(t, "fairness.band.recall_difference."+part), o.number(t, "fairness.band.equal_opportunity_difference."+part); got != want {
			t.Errorf("%s: got %v of recall, %v of the true positive rate", part, got, want)
		}
	}
	o.number(t, "fairness.band.groups.old.auc")
	if got, want := o.reason(t, "fairness.band.groups.(null).recall"), "fewer than min_group_size = 50"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	checkType(t, o)
}

// checkType holds the figures of fairness against their type.
func checkType(t *testing.T, o *outcome) {
	t.Helper()
	for label, of := range o.shape.Figures.Fields["fairness"].Fields {
		figures := o.at(t, "fairness."+label).(map[string]any)
		groups := figures["groups"].(map[string]any)
		if got, want := fmt.Sprint(slices.Sorted(maps.Keys(figures))), fmt.Sprint(slices.Sorted(maps.Keys(of.Fields))); got != want {
			t.Errorf("fairness.%s has %s, its type %s", label, got, want)
		}
		for name, g := range groups {
			group, elem := g.(map[string]any), of.Fields["groups"].Elem
			if got, want := fmt.Sprint(slices.Sorted(maps.Keys(group))), fmt.Sprint(slices.Sorted(maps.Keys(elem.Fields))); got != want {
				t.Errorf("group %s has %s, its type %s", name, got, want)
			}
			if got, want := fmt.Sprint(slices.Sorted(maps.Keys(group["to_overall"].(map[string]any)))), fmt.Sprint(slices.Sorted(maps.Keys(elem.Fields["to_overall"].Fields))); got != want {
				t.Errorf("to_overall of %s has %s, its type %s", name, got, want)
			}
		}
	}
}

// TestNoComparison: what is not defined for a task or metric says so.
func TestNoComparison(t *testing.T) {
	regression := evaluate{data: numbers, task: schema.Regression, target: "y", schema: schema.Table{Key: []string{"id"}},
		model: linearBundle(t, schema.Regression, linear.Identity, "y", nil, 1)}
	for _, tc := range []struct{ metrics, compared, want, detail, hint string }{
		{`{"name": "mae", "type": "mean_absolute_error"}`, "demographic_parity_difference", "demographic_parity_difference compares decisions between two classes", "task is regression", ""},
		{`{"name": "r2", "type": "r2"}`, "r2_ratio", "There is no ratio of metric.r2", "r2 may be negative", "r2_difference"},
		{`{"name": "mae", "type": "mean_absolute_error"}`, "mea_difference", "There is no fairness metric", "Expected one of mae_difference, mae_ratio.", "mae_difference"},
		{`{"name": "cost", "goal": "minimize", "sql": "avg(predicted)"}`, "cost_difference", "metric.cost is SQL", "", ""},
		{`{"name": "count", "type": "mean_absolute_error"}`, "count_difference", `A metric named "count" cannot be told from what fairness`, "", ""},
	} {
		e := regression
		e.config = `{"metrics": [` + tc.metrics + `], "fairness": [{"name": "half", "column": "class", "metrics": ["` + tc.compared + `"], "min_group_size": 20}]}`
		problems := slices.DeleteFunc(e.run(t).shape.Problems, func(p schema.Problem) bool { return !strings.HasPrefix(p.Path, "fairness") })
		if len(problems) != 1 || problems[0].Path != "fairness[half].metrics[0]" || !strings.Contains(problems[0].Summary, tc.want) ||
			!strings.Contains(problems[0].Detail, tc.detail) || !strings.Contains(problems[0].Hint, tc.hint) {
			t.Errorf("%s: got %+v, want %q", tc.compared, problems, tc.want)
		}
	}
	// A metric that does not fit is told once.
	e := regression
	e.config = `{"metrics": [{"name": "recall", "type": "recall"}], "fairness": [{"name": "half", "column": "class", "metrics": ["recall_difference"], "min_group_size": 20}]}`
	if got := e.run(t).shape.Problems; len(got) != 1 || got[0].Path != "metrics[0]" {
		t.Errorf("got %+v", got)
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
