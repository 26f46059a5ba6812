package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	trained "github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// behaving is an evaluation of the stumps with one test of behaviour. Of 600 rows 300 have an x from 30 on; of those below 30 the margin is -1, of the others 3.
func behaving(t *testing.T, block string) evaluate {
	e := explained(bundled(t, schema.Binary, trained.Trees, ofTrees(xgboost.Logistic, 10)), `null`)
	e.config = `{"metrics": [{"name": "auc", "type": "roc_auc"}], "intervals": {"resamples": 0, "confidence": 0.95}, "behavior": [` + block + `]}`
	return e
}

// TestBehavior: how often conditions hold of a model that is known by heart.
func TestBehavior(t *testing.T) {
	tests := []struct {
		name, block                           string
		count, unchanged, failures, undecided float64
		passed                                bool
	}{
		{"minimum functionality", `"where": "x >= 30", "expect": "score > 0.9 and predicted", "min_share": 1`, 300, 0, 0, 0, true},
		{"and its failures", `"where": "x >= 20", "expect": "score > 0.9", "min_share": 0.75`, 400, 0, 100, 0, true},
		{"that are too many", `"where": "x >= 20", "expect": "score > 0.9", "min_share": 0.76`, 400, 0, 100, 0, false},
		{"invariance", `"perturb": [{"name": "x", "expr": "x + 1"}], "expect": "after.score = before.score", "min_share": 0.9`, 600, 0, 10, 0, true},
		{"direction", `"perturb": [{"name": "X", "expr": "x + 1 -- more"}], "expect": "after.score >= before.score -- at least", "min_share": 1`, 600, 0, 0, 0, true},
		{"all see the old", `"perturb": [{"name": "x", "expr": "case when flag then 1 else 0 end"}, {"name": "flag", "expr": "x > 30"}], "expect": "after.flag = (before.x > 30) and (after.x = 1) = before.flag", "min_share": 1`, 600, 0, 0, 0, true},
		{"rows that stay", `"perturb": [{"name": "x", "expr": "least(x, 49)"}], "expect": "after.score = before.score", "min_share": 1`, 100, 500, 0, 0, true},
		{"null into a value", `"perturb": [{"name": "c", "expr": "coalesce(c, 'b')"}], "expect": "after.score > before.score", "min_share": 1`, 200, 400, 0, 0, true},
		{"null is a failure", `"perturb": [{"name": "c", "expr": "'b'"}], "expect": "before.c <> after.c", "min_share": 0.5`, 400, 200, 200, 200, true},
		{"beyond 32 bits", `"perturb": [{"name": "x", "expr": "1e300"}], "expect": "after.score >= 0", "min_share": 0`, 600, 0, 600, 600, true},
		{"beside the target", `"where": "y", "perturb": [{"name": "x", "expr": "x + 1"}], "expect": "after.y = before.y and before.predicted", "min_share": 1`, 300, 0, 0, 0, true},
	}
	blocks := make([]string, len(tests))
	for i, tc := range tests {
		blocks[i] = fmt.Sprintf(`{"name": %q, %s}`, tc.name, tc.block)
	}
	o := behaving(t, strings.Join(blocks, ", ")).run(t)
	for _, tc := range tests {
		path := "behaviors." + tc.name
		for figure, want := range map[string]float64{"count": tc.count, "unchanged": tc.unchanged, "failures": tc.failures, "undecided": tc.undecided, "share": (tc.count - tc.failures) / tc.count} {
			if got := o.number(t, path+"."+figure); got != want {
				t.Errorf("%s: %s: got %v, want %v", tc.name, figure, got, want)
			}
		}
		if got := o.at(t, path+".passed"); got != tc.passed {
			t.Errorf("%s: passed: got %v, want %v", tc.name, got, tc.passed)
		}
		if warned := strings.Contains(o.log, fmt.Sprintf(`behavior \"%s\": the condition does not hold`, tc.name)); warned == tc.passed {
			t.Errorf("%s: passed %v, and the log is %q", tc.name, tc.passed, o.log)
		}
	}
}

// TestBehaviorOfNothing has no share: a rule on it is an error.
func TestBehaviorOfNothing(t *testing.T) {
	o := behaving(t, `{"name": "none", "where": "x > 100", "expect": "score > 0.9", "min_share": 0}, {"name": "null", "where": "null::boolean", "expect": "score > 0.9", "min_share": 0},
		{"name": "same", "perturb": [{"name": "x", "expr": "x"}], "expect": "after.score > 0", "min_share": 0}, {"name": "nulls", "perturb": [{"name": "nothing", "expr": "null"}], "expect": "after.score>0","min_share":0}`).run(t)
	for name, why := range map[string]string{"none": "where picks no row with a prediction", "null": "where picks no row with a prediction",
		"same": "perturb changes none of the rows", "nulls": "perturb changes none of the rows"} {
		for _, figure := range []string{".share", ".passed"} {
			if got := o.reason(t, "behaviors."+name+figure); got != why {
				t.Errorf("%s: got %q, want %q", name, got, why)
			}
		}
	}
}

// TestBehaviorOfOtherTasks: a regression has no score, predictions from elsewhere are tested as they are.
func TestBehaviorOfOtherTasks(t *testing.T) {
	e := explained(bundled(t, schema.Regression, trained.Linear, func(*trained.Signature) (trained.Estimator, error) {
		return &linear.Model{Link: linear.Identity, Intercepts: []float64{7}, Coefficients: [][]float64{{2}}, Inputs: []linear.Input{{Feature: 0, Kind: linear.Value, Mean: 3, Scale: 2}}}, nil
	}), `null`)
	e.config = strings.Replace(e.config, `"explain": null`, `"behavior": [{"name": "b", "perturb": [{"name": "x", "expr": "x + 10"}], "expect": "abs(after.predicted - before.predicted - 10) < 1e-9", "min_share": 1},
		{"name": "no score", "perturb": [{"name": "x", "expr": "x + 10"}], "expect": "after.predicted < 60", "min_share": 1}]`, 1)
	o := e.run(t)
	if o.number(t, "behaviors.b.share") != 1 || o.number(t, "behaviors.no score.failures") != 140 {
		t.Errorf("got %v", o.at(t, "behaviors"))
	}
	e = evaluate{config: `{"metrics": [{"name": "m", "type": "brier_score"}], "behavior": [{"name": "b", "expect": "score >= 0.3 or flag = 0", "min_share": 1}]}`,
		data: "select i as id, i % 2 as flag from range(30) t(i)", opaque: "select i as o, 0.25 + 0.5 * (i % 2) as score from range(30) t(i)",
		task: schema.Binary, target: "flag", schema: schema.Table{Key: []string{"id"}}}
	if got := e.run(t).number(t, "behaviors.b.share"); got != 1 {
		t.Errorf("of predictions from elsewhere: got %v", got)
	}
}

// TestBehaviorReport tells of the tests that fail first, and where.
func TestBehaviorReport(t *testing.T) {
	e := behaving(t, `{"name": "fine", "expect": "score > 0", "min_share": 1}, {"name": "broken", "perturb": [{"name": "x", "expr": "x + 1"}], "expect": "after.score = before.score", "min_share": 1}`)
	first, r := reportOf(t, e)
	e.threads = 4
	if again, _ := reportOf(t, e); again != first {
		t.Errorf("the report depends on the number of threads")
	}
	s := r.Sections[len(r.Sections)-1]
	if s.Title != "Behaviour" || len(s.Items) != 2 || s.Items[0].Table.Rows[0][0].Text != "broken" {
		t.Fatalf("got %s", titles(r))
	}
	if rows := s.Items[1].Table.Rows; len(rows) != 10 || *rows[0][0].Value != 30 || *rows[0][1].Value != 0.684 { // from -1 to 3 and a little of c
		t.Errorf("got %v rows of failures, the first %v, %v", len(rows), *rows[0][0].Value, *rows[0][1].Value)
	}
}

// TestBehaviorProblems: mistakes are told where they stand.
func TestBehaviorProblems(t *testing.T) {
	tests := []struct {
		block, path, want string
		warning           bool
	}{
		{`"expect": "scor > 0"`, ".expect", `"scor"`, false},
		{`"expect": "score"`, ".expect", "expected a condition", false},
		{`"expect": "true", "where": "x"`, ".where", "expected a condition", false},
		{`"expect": "true", "where": "score > 0"`, ".where", `"score"`, false},
		{`"expect": "true", "min_share": 95`, ".min_share", "min_share is 95", false},
		{`"expect": "true", "perturb": [{"name": "xx", "expr": "1"}]`, ".perturb[xx]", `no column "xx"`, false},
		{`"expect": "true", "perturb": [{"name": "x", "expr": "'a'"}]`, ".perturb[x].expr", `expected a value for column "x", which is double`, false},
		{`"expect": "true", "perturb": [{"name": "x", "expr": "y + z"}]`, ".perturb[x].expr", `"z"`, false},
		{`"expect": "score > 0", "perturb": [{"name": "x", "expr": "1"}]`, ".expect", `"score"`, false},
		{`"expect": "after.score > before.scor", "perturb": [{"name": "x", "expr": "1"}]`, ".expect", `scor`, false},
		{`"expect": "true", "perturb": [{"name": "amount", "expr": "1"}]`, ".perturb[amount]", `does not read column "amount"`, true},
		{`"expect": "true", "perturb": [{"name": "flag", "expr": "1"}]`, ".perturb[flag].expr", `boolean`, false},
	}
	blocks := make([]string, len(tests))
	for i, tc := range tests {
		blocks[i] = fmt.Sprintf(`{"name": "b%d", %s}`, i, tc.block)
	}
	problems := behaving(t, strings.Join(blocks, ", ")).run(t).shape.Problems
	for i, tc := range tests {
		path := fmt.Sprintf("behavior[b%d]%s", i, tc.path)
		at := slices.IndexFunc(problems, func(p schema.Problem) bool { return p.Path == path })
		if at < 0 {
			t.Errorf("%s: no problem at %s, want %q", tc.block, path, tc.want)
			continue
		}
		if p := problems[at]; !strings.Contains(p.Summary, tc.want) || p.Warning != tc.warning {
			t.Errorf("%s: got %q (warning: %v), want %q", tc.block, p.Summary, p.Warning, tc.want)
		}
	}
	if len(problems) != len(tests) {
		t.Errorf("got %d problems of %d mistakes", len(problems), len(tests))
	}
	e := behaving(t, `{"name": "b", "expect": "after.score = before.score", "perturb": [{"name": "x", "expr": "1"}]}`)
	e.model, e.opaque = nil, "select 0.5 as score from ("+e.data+")"
	if o := e.run(t); len(o.shape.Problems) != 1 || o.shape.Problems[0].Path != "behavior[b]" {
		t.Errorf("a model that only its image scores: got %+v", o.shape.Problems)
	}
	e = behaving(t, `{"name": "b", "expect": "score > 0"}`)
	e.data = "select *, 1 as score from (" + e.data + ")"
	if o := e.run(t); len(o.shape.Problems) != 1 || !strings.Contains(o.shape.Problems[0].Summary, `"score"`) {
		t.Errorf("a column named score: got %+v", o.shape.Problems)
	}
	// That division fails for a row only the rows tell.
	if o := behaving(t, `{"name": "bad cast", "expect": "cast(coalesce(c, 'a') as integer) > 0"}`).run(t); o.err == nil || !strings.Contains(o.err.Error(), `behavior "bad cast"`) {
		t.Errorf("a cast that fails: got %v", o.err)
	}
}

// TestComplexity counts by hand.
func TestComplexity(t *testing.T) {
	for name, tc := range map[string]struct {
		of   *trained.Bundle
		want map[string]float64
	}{
		"trees": {bundled(t, schema.Binary, trained.Trees, ofTrees(xgboost.Logistic, 10)), map[string]float64{"features": 4, "trees": 2, "leaves": 4, "depth": 1, "operations": 2}},
		"linear": {bundled(t, schema.Regression, trained.Linear, func(*trained.Signature) (trained.Estimator, error) {
			return &linear.Model{Link: linear.Identity, Intercepts: []float64{7}, Coefficients: [][]float64{{2, 5}},
				Inputs: []linear.Input{{Feature: 0, Kind: linear.Value, Mean: 3, Scale: 2}, {Feature: 1, Kind: linear.Level, Level: 1}}}, nil
		}), map[string]float64{"features": 4, "trees": 0, "leaves": 0, "depth": 0, "operations": 2}},
	} {
		e := explained(tc.of, `null, "complexity": true`)
		o := e.run(t)
		for path, want := range tc.want {
			if got := o.number(t, "complexity."+path); got != want {
				t.Errorf("%s: %s: got %v, want %v", name, path, got, want)
			}
		}
		if data, err := tc.of.Estimator().Encode(); err != nil || o.number(t, "complexity.bytes") != float64(len(data)) {
			t.Errorf("%s: got %v bytes of %d", name, o.number(t, "complexity.bytes"), len(data))
		}
		if !strings.Contains(o.log, "a row takes ") || strings.Contains(fmt.Sprint(o.figures), "takes") {
			t.Errorf("%s: the log says %q", name, o.log)
		}
	}
}
