package gradient_boosting_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
	gb "github.com/mlp-lang/mlp/stdlib/train/gradient_boosting"
)

// spend is a regression on the rows of customers, with more of the block.
func spend(more string) stagetest.Block {
	b := block(`{"target": "spend", "task": "regression", "features": ["tenure", "contract", "noise"], ` + more + `}`)
	for port, of := range b.Tables {
		of.SQL = "select * replace (coalesce(spend, 0) as spend) from (" + of.SQL + ")"
		b.Tables[port] = of
	}
	return b
}

// TestObjectives: each fits, tells its own loss, and serves what it scores.
func TestObjectives(t *testing.T) {
	tests := []struct{ params, loss string }{
		{`"objective": "absolute_error"`, "mean absolute error"},
		{`"objective": "quantile", "quantile_alpha": 0.9`, "mean pinball loss"},
		{`"objective": "huber", "huber_slope": 5`, "mean Huber loss"},
		{`"objective": "poisson"`, "mean Poisson deviance"},
		{`"objective": "tweedie", "tweedie_variance_power": 1.2`, "mean Tweedie deviance"},
		{`"alpha": 1, "max_delta_step": 3, "colsample_bylevel": 0.7, "colsample_bynode": 0.9, "monotone_constraints": {"tenure": 1}, "interaction_constraints": [["tenure", "noise"]]`, "root mean squared error"},
	}
	for _, tt := range tests {
		r := stagetest.Run(t, gb.Component, spend(`"params": {"trees": 30, `+tt.params+`}`))
		if r.Err != nil {
			t.Fatalf("%s: %v", tt.params, r.Err)
		}
		report, err := os.ReadFile(filepath.Join(r.Root, "out", "report.json"))
		if err != nil || !strings.Contains(string(report), tt.loss) {
			t.Errorf("%s: the report does not say %q (%v)", tt.params, tt.loss, err)
		}
		f := r.Figures(t)
		if x := f["validation_loss"].(float64); !(x > 0 && x < 40) {
			t.Errorf("%s: validation loss %v", tt.params, x)
		}
		sameServed(t, r)
	}
}

// TestTargetsOutOfRange: what an objective is not defined for is refused, with how many rows there are.
func TestTargetsOutOfRange(t *testing.T) {
	for params, want := range map[string]string{
		`"objective": "gamma"`:   `the target "spend" is not above 0 in `,
		`"objective": "poisson"`: "is not at least 0",
		`"objective": "tweedie"`: "is not at least 0",
	} {
		b := spend(`"params": {"trees": 5, ` + params + `}`)
		if !strings.Contains(params, "gamma") {
			of := b.Tables["validation"]
			of.SQL = "select * replace ((spend - 50)::decimal(22,1) as spend) from (" + of.SQL + ")"
			b.Tables["validation"] = of
			want += " in "
		}
		if r := stagetest.Run(t, gb.Component, b); r.Err == nil || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%s: got %v, want %q", params, r.Err, want)
		}
	}
}

func TestConstraintsRefused(t *testing.T) {
	tests := []struct{ config, path, want string }{
		{`"params": {"objective": "quantile"}`, "params.objective", "Which quantile"},
		{`"params": {"objective": "quantile", "quantile_alpha": 1}`, "params.quantile_alpha", "quantile_alpha is 1"},
		{`"params": {"quantile_alpha": 0.5}`, "params.quantile_alpha", `quantile_alpha is for objective = "quantile"`},
		{`"params": {"objective": "tweedie", "tweedie_variance_power": 2}`, "params.tweedie_variance_power", "is 2"},
		{`"params": {"objective": "huber", "huber_slope": 0}`, "params.huber_slope", "huber_slope is 0"},
		{`"params": {"alpha": -1}`, "params.alpha", "alpha is -1"},
		{`"params": {"max_delta_step": -1}`, "params.max_delta_step", "max_delta_step is -1"},
		{`"params": {"colsample_bynode": 0}`, "params.colsample_bynode", "colsample_bynode is 0"},
		{`"params": {"monotone_constraints": {"tenur": 1}}`, "params.monotone_constraints", `"tenur" is not among the features`},
		{`"params": {"monotone_constraints": {"tenure": 2}}`, "params.monotone_constraints", `on "tenure" is 2`},
		{`"params": {"monotone_constraints": {"contract": 1}}`, "params.monotone_constraints", `"contract" is categorical`},
		{`"categorical_features": ["noise"], "params": {"monotone_constraints": {"noise": 1}}`, "params.monotone_constraints", `"noise" is categorical`},
		{`"params": {"monotone_constraints": [1, 0]}`, "params.monotone_constraints", "no object"},
		{`"params": {"interaction_constraints": [["tenure", "nois"]]}`, "params.interaction_constraints", `"nois" is not among`},
		{`"params": {"interaction_constraints": ["tenure"]}`, "params.interaction_constraints", "no list of groups"},
		{`"class_weight": "balanced"`, "class_weight", "class_weight is for classes"},
		{`"class_weight": "even"`, "class_weight", "neither"},
		{`"categorical_features": ["same"]`, "categorical_features[0]", `"same" is not among the features`},
	}
	for _, tt := range tests {
		got := stagetest.Shape(t, gb.Component, spend(tt.config)).Problems
		if len(got) == 0 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.want) {
			t.Errorf("%s: got %+v, want %q at %s", tt.config, got, tt.want, tt.path)
		}
	}
	for config, want := range map[string]string{
		`{"target": "churned", "features": ["tenure"], "params": {"objective": "poisson"}}`:            `objective = "poisson" is for amounts`,
		`{"target": "churned", "features": ["tenure"], "class_weight": {"yes": 2}}`:                    `no class "yes"`,
		`{"target": "churned", "features": ["tenure"], "class_weight": {"true": 0}}`:                   `class "true" is 0`,
		`{"target": "age", "features": ["tenure"], "params": {"monotone_constraints": {"tenure": 1}}}`: "for one score",
	} {
		got := stagetest.Shape(t, gb.Component, block(config)).Problems
		if len(got) != 1 || !strings.Contains(got[0].Summary, want) {
			t.Errorf("%s: got %+v, want %q", config, got, want)
		}
	}
	r := stagetest.Run(t, gb.Component, block(`{"target": "age", "features": ["tenure"], "class_weight": {"nwe": 2}}`))
	if r.Err == nil || !strings.Contains(r.Err.Error(), `names "nwe", which is no class`) {
		t.Errorf("got %v", r.Err)
	}
}

// TestClassWeight: a class of weight 3 is one whose rows have a column of weight 3, to the byte; balanced classes weigh the same, so that the mean score is near a half.
func TestClassWeight(t *testing.T) {
	run := func(more string) (string, float64) {
		b := block(`{"target": "churned", "features": ["tenure", "noise"], "params": {"trees": 10, "early_stopping_rounds": 0}` + more + `}`)
		for port, of := range b.Tables {
			of.SQL = "select *, case when churned then 3.0 else 1 end as w from (" + of.SQL + ")"
			b.Tables[port] = of
		}
		r := stagetest.Run(t, gb.Component, b)
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		m, err := os.ReadFile(filepath.Join(r.Root, "out", "model", "model.json"))
		if err != nil {
			t.Fatal(err)
		}
		var base struct {
			Learner struct {
				Param struct {
					Base string `json:"base_score"`
				} `json:"learner_model_param"`
			} `json:"learner"`
		}
		var x float64
		if err := json.Unmarshal(m, &base); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(base.Learner.Param.Base), &x); err != nil {
			t.Fatal(err)
		}
		return string(m), x
	}
	byClass, _ := run(`, "class_weight": {"true": 3}`)
	if byColumn, _ := run(`, "weight": "w"`); byClass != byColumn {
		t.Error("a class of weight 3 gives another model than rows of weight 3")
	}
	if _, base := run(`, "class_weight": "balanced"`); math.Abs(base-0.5) > 1e-6 {
		t.Errorf("balanced classes have the base score %g", base)
	}
}

// TestNumbersAsCategories: a number that is a name splits like text, serves the same, and what training has not seen is missing.
func TestNumbersAsCategories(t *testing.T) {
	fit := func(config, features string) (*model.Bundle, *stagetest.Result) {
		b := block(`{"target": "spend", "features": ` + features + config + `, "params": {"trees": 20}}`)
		for port, of := range b.Tables {
			of.SQL = "select * replace (hash(i % 23) % 1000 / 10.0 as spend), (i % 23) * 1.5 as zip, 'z' || lpad((i % 23)::varchar, 2, '0') as name from (select *, id as i from (" + of.SQL + "))"
			b.Tables[port] = of
		}
		r := stagetest.Run(t, gb.Component, b)
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		m, err := model.Read(filepath.Join(r.Root, "out", "model"))
		if err != nil {
			t.Fatal(err)
		}
		return m, r
	}
	numbers, r := fit(`, "categorical_features": ["zip"]`, `["zip"]`)
	text, _ := fit("", `["name"]`)
	f, err := table.ReadFrame(t.Context(), filepath.Join(r.Root, "in", "validation", component.TableFile), nil)
	if err != nil {
		t.Fatal(err)
	}
	levels := numbers.Signature().Features[0].Levels
	if len(levels) != 23 || levels[1] != "1.5" || levels[22] != "33" {
		t.Errorf("got levels %v", levels)
	}
	for range 2 { // scoring leaves the frame as it is
		a, err := numbers.Score(f, 1)
		if err != nil {
			t.Fatal(err)
		}
		b, err := text.Score(f, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i := range a.Score {
			if a.Score[i] != b.Score[i] {
				t.Fatalf("row %d has %g, and with names of text %g", i, a.Score[i], b.Score[i])
			}
		}
	}
	sameServed(t, r)
	answers, err := numbers.Serve().Score(t.Context(), 2, []component.Values{{Num: []float64{7, math.NaN()}}})
	if err != nil || len(answers[0].Unseen) != 1 || answers[1].Unseen != nil || *answers[0].Score != *answers[1].Score {
		t.Errorf("got %+v, %v", answers, err)
	}
}

// sameServed holds what a server answers for the validation rows to what a table of them is scored.
func sameServed(t *testing.T, r *stagetest.Result) {
	t.Helper()
	m, err := model.Read(filepath.Join(r.Root, "out", "model"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := table.ReadFrame(t.Context(), filepath.Join(r.Root, "in", "validation", component.TableFile), nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Score(f, 2)
	if err != nil {
		t.Fatal(err)
	}
	served := m.Serve()
	var columns []component.Values
	for _, in := range served.Inputs() {
		c := f.Column(in.Name)
		v := component.Values{Num: c.Num}
		for _, code := range c.Codes {
			level := ""
			if code >= 0 {
				level = c.Levels[code]
			}
			v.Text, v.Null = append(v.Text, level), append(v.Null, code < 0)
		}
		columns = append(columns, v)
	}
	got, err := served.Score(t.Context(), f.Rows, columns)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if *got[i].Score != want.Score[i] {
			t.Fatalf("row %d is served %g, and scored %g", i, *got[i].Score, want.Score[i])
		}
	}
}
