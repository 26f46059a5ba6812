package rule

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// known is a full set of values for figures().
func knownValues() map[string]any {
	slice := func(auc float64) map[string]any { return map[string]any{"count": 10, "auc": auc, "recall": nil} }
	return map[string]any{
		"evaluate": map[string]any{"holdout": map[string]any{
			"rows":      1000.0,
			"metrics":   map[string]any{"auc": 0.9, "recall": nil, "fpr": math.NaN()},
			"intervals": map[string]any{"auc": map[string]any{"low": 0.8, "high": math.Inf(1)}},
			"slices":    map[string]any{"large": slice(0.85), "small": slice(0.7)},
			"folds":     []any{0.8, 0.9, 0.7},
			"runs":      []any{slice(0.5), slice(0.6)},
			"more":      map[string]any{"eu": slice(0.9)},
			"undefined": map[string]any{"metrics.recall": "no positives"},
		}},
		"monitor":  map[string]any{"live": map[string]any{"columns": map[string]any{"a": 1.0, "b c": 2.0}}},
		"champion": map[string]any{"exists": true, "comparable": false},
		"variable": map[string]any{"min_recall": 0.7, "region": "eu", "broken": "(", "regions": []any{"eu", "us"},
			"none": map[string]any{}, "holed": map[string]any{"a": 0.5, "b": nil}},
	}
}

func TestDecide(t *testing.T) {
	e := env(t)
	evaluation := []string{"evaluate.holdout"}
	tests := []struct {
		rule    string
		unknown []string
		verdict Verdict
		text    string // residual or part of the reason
	}{
		{`evaluate.holdout.metrics.auc >= 0.9`, nil, Pass, ""},
		{`evaluate.holdout.rows > 1000`, nil, Fail, ""},
		{`evaluate.holdout.metrics.recall >= 0.5`, nil, Error, "evaluate.holdout.metrics.recall is undefined: no positives"},
		{`!(evaluate.holdout.metrics.fpr < 0.5)`, nil, Error, "evaluate.holdout.metrics.fpr is NaN"},
		{`evaluate.holdout.intervals.auc.high > 0.5`, nil, Error, "evaluate.holdout.intervals.auc.high is +Inf"},
		{`evaluate.holdout.delta.auc.low > 0`, nil, Error, "evaluate.holdout.delta.auc.low is missing"},
		{`!champion.comparable || evaluate.holdout.delta.auc.low > -0.005`, nil, Pass, ""},
		{`evaluate.holdout.delta.auc.low > -0.005 || !champion.comparable`, nil, Pass, ""},
		{`champion.comparable && evaluate.holdout.delta.auc.low > 0`, nil, Fail, ""},
		{`champion.comparable ? evaluate.holdout.delta.auc.low > 0 : true`, nil, Pass, ""},
		{`has(evaluate.holdout.metrics.recall)`, nil, Fail, ""},
		{`has(evaluate.holdout.metrics.fpr) || has(evaluate.holdout.delta)`, nil, Fail, ""},
		{`has(evaluate.holdout.metrics.auc) && has(evaluate.holdout.metrics)`, nil, Pass, ""},
		{`evaluate.holdout.rows / (evaluate.holdout.rows - 1000) > 1`, nil, Error, "is +Inf"},
		{`size(evaluate.holdout.slices) == 2 && size(evaluate.holdout.folds) == 3 && size(variable.region) == 2`, nil, Pass, ""},
		{`evaluate.holdout.folds[0] == 0.8 && evaluate.holdout.folds[size(evaluate.holdout.folds) - 1] == 0.7`, nil, Pass, ""},
		{`evaluate.holdout.folds[3] > 0`, nil, Error, "has 3 elements and none at 3"},
		{`evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > 0.8)`, nil, Fail, ""},
		{`evaluate.holdout.slices.exists(s, evaluate.holdout.slices[s].auc > 0.8)`, nil, Pass, ""},
		{`evaluate.holdout.slices.exists_one(s, evaluate.holdout.slices[s].auc > 0.8)`, nil, Pass, ""},
		{`evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].recall > 0.8)`, nil, Error, "evaluate.holdout.slices.large.recall is missing"},
		{`size(evaluate.holdout.slices.filter(s, evaluate.holdout.slices[s].auc > 0.8)) == 1`, nil, Pass, ""},
		{`min(evaluate.holdout.slices.map(s, evaluate.holdout.slices[s].auc)) == 0.7`, nil, Pass, ""},
		{`max(evaluate.holdout.folds) == 0.9 && sum(evaluate.holdout.folds) > 2.3 && abs(mean(evaluate.holdout.folds) - 0.8) < 1e-9`, nil, Pass, ""},
		{`mean(evaluate.holdout.folds.filter(x, x > 5)) > 0`, nil, Error, "mean of an empty list: evaluate.holdout.folds.filter(x, x > 5)"},
		{`sum(variable.none) >= 0`, nil, Error, "sum of an empty map: variable.none"},
		{`quantile([4, 1, 3, 2], 0.25) == 1.75 && quantile([4, 1, 3, 2], 0) == 1 && quantile([4, 1, 3, 2], 1) == 4`, nil, Pass, ""},
		{`quantile(evaluate.holdout.folds, 0.5) == 0.8 && quantile([7], 0.3) == 7`, nil, Pass, ""},
		{`min(monitor.live.columns) == 1 && max(monitor.live.columns) == 2 && sum(monitor.live.columns) == 3 && mean(monitor.live.columns) == quantile(monitor.live.columns, 0.5)`, nil, Pass, ""},
		{`max(variable.holed) < 1`, nil, Error, "variable.holed.b is missing"},
		{`variable.holed.all(k, variable.holed[k] < 1)`, nil, Error, "variable.holed.b is missing"},
		{`evaluate.holdout.more.all(s, evaluate.holdout.more[s].auc > 0.5)`, nil, Error, "evaluate.holdout.more.us.auc is missing"},
		{`max([1, evaluate.holdout.metrics.fpr]) > 0`, nil, Error, "evaluate.holdout.metrics.fpr is NaN"},
		{`5 in [1, evaluate.holdout.metrics.fpr]`, nil, Error, "evaluate.holdout.metrics.fpr is NaN"},
		{`quantile(evaluate.holdout.folds, evaluate.holdout.rows) > 0`, nil, Error, "lies between 0 and 1"},
		{`(champion.exists ? evaluate.holdout.slices.large : evaluate.holdout.runs[0]).auc == 0.85`, nil, Pass, ""},
		{`evaluate.holdout.runs.all(r, r.auc >= 0.5 && r.count == 10)`, nil, Pass, ""},
		{`evaluate.holdout.runs.map(r, r).exists(r, r.auc > 0.55)`, nil, Pass, ""},
		{`(champion.exists ? evaluate.holdout.slices.large : evaluate.holdout.slices.small).auc == 0.85`, nil, Pass, ""},
		{`monitor.live.columns.all(c, monitor.live.columns[c] > 1)`, nil, Fail, ""},
		{`"b c" in monitor.live.columns && !("d" in monitor.live.columns)`, nil, Pass, ""},
		{`monitor.live.columns["zzz"] > 0`, nil, Error, "monitor.live.columns.zzz is missing"},
		{`variable.region in variable.regions && variable.region in ["eu"]`, nil, Pass, ""},
		{`variable.region.startsWith("e") && variable.region.matches("^e.$") && !variable.region.contains("x")`, nil, Pass, ""},
		{`variable.region.matches(variable.broken)`, nil, Error, "missing closing )"},
		{`0x10 == 16 && 3u == 3 && -2 < 1`, nil, Pass, ""},

		{`evaluate.holdout.metrics.recall >= variable.min_recall`, evaluation, Open, "evaluate.holdout.metrics.recall >= 0.7"},
		{`evaluate.holdout.metrics.recall >= variable.min_recall - 0.1 * 2 || champion.comparable`, evaluation, Open, "evaluate.holdout.metrics.recall >= 0.49999999999999994"},
		{`champion.exists && evaluate.holdout.rows >= 10000.0`, evaluation, Open, "evaluate.holdout.rows >= 10000"},
		{`!champion.comparable || evaluate.holdout.delta.auc.low > -0.005`, evaluation, Pass, ""},
		{`champion.exists && evaluate.holdout.delta.auc.low > -0.005`, evaluation, Open, "evaluate.holdout.delta.auc.low > -0.005"},
		{`evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > variable.min_recall)`, evaluation, Open, "evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > 0.7)"},
		{`evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > 0.8)`, []string{"evaluate.holdout.slices.large.auc"}, Fail, ""},
		{`evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > 0.6)`, []string{"evaluate.holdout.slices.large.auc"}, Open, "evaluate.holdout.slices[\"large\"].auc > 0.6"},
		{`evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > 0.6)`, []string{"evaluate.holdout.slices.third"}, Open, "evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > 0.6)"},
		{`evaluate.holdout.rows > 1 && monitor.live.columns["zzz"] > 0`, evaluation, Open, `evaluate.holdout.rows > 1 && monitor.live.columns["zzz"] > 0`},
		{`evaluate.holdout.rows > monitor.live.columns["zzz"]`, evaluation, Error, "monitor.live.columns.zzz is missing"},
		{`max(monitor.live.columns) < variable.min_recall`, []string{"monitor.live.columns.a"}, Open, "max(monitor.live.columns) < 0.7"},
		{`evaluate.holdout.more.all(s, evaluate.holdout.more[s].auc > 0.6)`, []string{"evaluate.holdout.more.us"}, Open, "evaluate.holdout.more[\"us\"].auc > 0.6"},
		{`variable.region.matches(variable.broken) || champion.exists && evaluate.holdout.rows > 5`, evaluation, Open, "variable.region.matches(variable.broken) || champion.exists && evaluate.holdout.rows > 5"},
		{`min(evaluate.holdout.folds) > 0.1`, evaluation, Open, "min(evaluate.holdout.folds) > 0.1"},
		{`evaluate.holdout.rows > 1 ? variable.region == "eu" : variable.min_recall > 1`, evaluation, Open, "(evaluate.holdout.rows > 1) ? true : false"},
		{`has(evaluate.holdout.metrics.auc)`, evaluation, Open, "has(evaluate.holdout.metrics.auc)"},
	}
	for _, tt := range tests {
		got := compile(t, e, tt.rule).Decide(Values{Known: knownValues(), Unknown: tt.unknown})
		if got.Verdict != tt.verdict {
			t.Errorf("%s: got %s (%s%s), want %s", tt.rule, got.Verdict, got.Reason, got.Residual, tt.verdict)
			continue
		}
		if got.Verdict == Open && got.Residual != tt.text {
			t.Errorf("%s: got residual %q, want %q", tt.rule, got.Residual, tt.text)
		}
		if got.Verdict == Error && !strings.Contains(got.Reason, tt.text) {
			t.Errorf("%s: got reason %q, want %q", tt.rule, got.Reason, tt.text)
		}
	}
}

func TestValuesSeen(t *testing.T) {
	r := compile(t, env(t), `variable.min_recall < evaluate.holdout.metrics.auc && evaluate.holdout.metrics.auc < 1 && champion.exists &&
		monitor.live.columns.all(c, monitor.live.columns[c] > 0) && evaluate.holdout.rows > 1`)
	got := r.Decide(Values{Known: knownValues(), Unknown: []string{"evaluate.holdout.rows"}}).Values
	want := []Seen{
		{"variable.min_recall", 0.7}, {"evaluate.holdout.metrics.auc", 0.9}, {"champion.exists", true},
		{"monitor.live.columns.a", 1.0}, {`monitor.live.columns["b c"]`, 2.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestUndefinedReasons(t *testing.T) {
	r := compile(t, env(t), `evaluate.holdout.metrics.auc > 0.5`)
	got := r.Decide(Values{Undefined: map[string]string{"evaluate.holdout.metrics.auc": "one class only"}})
	if want := "evaluate.holdout.metrics.auc is undefined: one class only"; got.Verdict != Error || got.Reason != want {
		t.Errorf("got %s %q, want %q", got.Verdict, got.Reason, want)
	}
	got = r.Decide(Values{Known: map[string]any{"evaluate": map[string]any{"holdout": map[string]any{"metrics": map[string]any{"auc": "high"}}}}})
	if want := "evaluate.holdout.metrics.auc is a string, not a number"; got.Verdict != Error || got.Reason != want {
		t.Errorf("got %s %q, want %q", got.Verdict, got.Reason, want)
	}
}

func TestUnknownRoot(t *testing.T) {
	r := compile(t, env(t), `evaluate.holdout.rows > variable.min_recall`)
	got := r.Decide(Values{Known: map[string]any{"variable": map[string]any{"min_recall": 0.7}}, Unknown: []string{""}})
	if want := "evaluate.holdout.rows > 0.7"; got.Verdict != Open || got.Residual != want {
		t.Errorf("got %+v, want open: %s", got, want)
	}
}
