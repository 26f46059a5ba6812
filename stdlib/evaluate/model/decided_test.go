package model

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	trained "github.com/mlp-lang/mlp/stdlib/model"
)

// byRegion is the model of twoClasses with thresholds by region.
func byRegion(t *testing.T, otherwise bool) evaluate {
	t.Helper()
	e := twoClasses(t, metricsConfig+`, "fairness": [{"name": "region", "metrics": ["demographic_parity_difference", "equal_opportunity_difference", "equalized_odds_difference"], "method": "between_groups", "agg": "worst_case", "min_group_size": 20}]`)
	e.data = "select *, case when id % 50 = 1 then null when id % 3 = 0 then 'north' else 'south' end as region from (" + payments + ")"
	b, err := e.model.Needs([]trained.Feature{{Name: "region", Type: "varchar", Levels: []string{"north", "south"}}})
	if err != nil {
		t.Fatal(err)
	}
	e.model, err = b.Decided(&trained.Decision{Equalize: "true_positive_rate", Thresholds: []float64{0.3, 0.6}, Groups: trained.Groups{By: []string{"region"}, Values: [][]string{{"north"}, {"south"}}, Otherwise: otherwise}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestDecisions: what is measured by group is what fairness measures of the model, and by one threshold what it measures of the model without groups.
func TestDecisions(t *testing.T) {
	e := byRegion(t, true)
	with := e.run(t)
	plain := e
	plain.model = twoClasses(t, metricsConfig).model
	without := plain.run(t)
	for _, name := range []string{"demographic_parity_difference", "equal_opportunity_difference", "equalized_odds_difference"} {
		if a, b := with.at(t, "decision.after."+name), with.at(t, "fairness.region."+name); !reflect.DeepEqual(a, b) {
			t.Errorf("after, %s: %v, and fairness says %v", name, a, b)
		}
		if a, b := with.at(t, "decision.before."+name), without.at(t, "fairness.region."+name); !reflect.DeepEqual(a, b) {
			t.Errorf("before, %s: %v, and fairness of the model without groups says %v", name, a, b)
		}
	}
	for _, rate := range []string{"selection_rate", "true_positive_rate", "false_positive_rate"} {
		if a, b := with.number(t, "decision.groups.north.before."+rate), without.number(t, "fairness.region.groups.north."+rate); a != b {
			t.Errorf("before, %s of north: %g, want %g", rate, a, b)
		}
		if a, b := with.number(t, "decision.groups.north.after."+rate), with.number(t, "fairness.region.groups.north."+rate); a != b {
			t.Errorf("after, %s of north: %g, want %g", rate, a, b)
		}
	}
	if with.number(t, "decision.groups.north.threshold") != 0.3 || with.figures["threshold"] != nil {
		t.Errorf("thresholds: %v", with.at(t, "decision.groups"))
	}
	delta, before, after := with.number(t, "decision.delta.recall.value"), with.number(t, "decision.before.metrics.recall"), with.number(t, "decision.after.metrics.recall")
	if math.Abs(delta-(after-before)) > 1e-15 || delta == 0 || !(with.number(t, "decision.delta.recall.low") <= delta && delta <= with.number(t, "decision.delta.recall.high")) {
		t.Errorf("delta %g of %g and %g", delta, before, after)
	}
	checkType(t, with)
	raw, err := os.ReadFile(filepath.Join(with.root, "out", "report.json"))
	if err != nil || !strings.Contains(string(raw), "Decisions by group") || !strings.Contains(string(raw), "true positive rate alike") {
		t.Errorf("the report: %v", err)
	}
	e.threads = 3
	if !reflect.DeepEqual(e.run(t).figures, with.figures) {
		t.Error("the number of threads changes figures")
	}
}

// TestDecisionsOfNoGroup: rows of no group count where the model says what becomes of them, and else have no prediction.
func TestDecisionsOfNoGroup(t *testing.T) {
	with, without := byRegion(t, true).run(t), byRegion(t, false).run(t)
	if with.number(t, "coverage") != 1 || without.number(t, "coverage") >= 1 || !strings.Contains(without.log, "rows have no prediction") {
		t.Errorf("coverage %v and %v: %s", with.at(t, "coverage"), without.at(t, "coverage"), without.log)
	}
	checkType(t, without)
}
