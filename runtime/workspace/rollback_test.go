package workspace

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/state"
)

func TestDecideOn(t *testing.T) {
	seen := func(path, value string) plan.FigureSeen {
		return plan.FigureSeen{Path: path, Value: json.RawMessage(value)}
	}
	read := []plan.Rule{{Name: "auc", Values: []plan.FigureSeen{seen("evaluate.test.metrics.auc", "0.91"), seen(`evaluate.test.slices["eu"].auc`, "0.8")}},
		{Name: "share", Values: []plan.FigureSeen{seen("check.x.table.rows", "100"), seen("champion.exists", "true")}}}
	for condition, want := range map[string]plan.RuleVerdict{
		"evaluate.test.metrics.auc >= 0.9":                                 plan.Pass,
		"evaluate.test.metrics.auc >= variable.bar":                        plan.Pass,
		"evaluate.test.metrics.auc >= 0.95":                                plan.Fail,
		"champion.exists && check.x.table.rows > 10.0":                     plan.Pass,
		"evaluate.test.metrics.recall >= 0.5":                              plan.RuleError, // nobody read it
		"evaluate.other.metrics.auc >= 0.5":                                plan.RuleError,
		"evaluate.test.delta.auc.low > -0.1 || !champion.exists":           plan.RuleError,
		"variable.bar > 0.5 && evaluate.test.metrics.auc < 0.2 || 1.0<0.0": plan.Fail,
		"": plan.RuleError, // the rule is gone
	} {
		policy := plan.Policy{"variable.bar": json.RawMessage("0.9")}
		if condition != "" {
			text, _ := json.Marshal(condition)
			policy["rule[r]"] = text
		}
		got, err := decideOn(policy, []string{"r"}, read)
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		if got[0].Verdict != want || want == plan.RuleError && got[0].Reason == "" {
			t.Errorf("%s: got %s (%s), want %s", condition, got[0].Verdict, got[0].Reason, want)
		}
	}
}

// TestReleasesOf: what a deployment had live is found under the addresses that it had.
func TestReleasesOf(t *testing.T) {
	at := func(model string, revision int64) *plan.ReleaseState {
		return &plan.ReleaseState{From: model, Revision: revision}
	}
	history := []*state.Revision{
		{Revision: 1, Events: []plan.Event{{Key: "release/deploy.a", Release: at("one", 1)}, {Key: "release/deploy.other", Release: at("other", 1)}}},
		{Revision: 2, Events: []plan.Event{{Key: "release/deploy.a", Release: at("two", 2)}}},
		{Revision: 3, Events: []plan.Event{{Key: "release/deploy.a", Removed: true}, {Key: "release/deploy.b", Release: at("two", 2)}}},
		{Revision: 4, Events: []plan.Event{{Key: "release/deploy.b", Release: at("four", 4)}}},
		{Revision: 5, Events: []plan.Event{{Key: "release/deploy.other", Removed: true}}},
		{Revision: 6, Events: []plan.Event{{Key: "release/deploy.a", Release: at("six", 6)}}},
	}
	names := func(deploy string) string {
		var out []string
		for _, r := range releasesOf(history, deploy) {
			out = append(out, r.From)
		}
		return strings.Join(out, " ")
	}
	if got := names("deploy.b"); got != "one two two four" {
		t.Errorf("deploy.b had %q", got)
	}
	if got := names("deploy.a"); got != "six" {
		t.Errorf("deploy.a had %q", got)
	}
}
