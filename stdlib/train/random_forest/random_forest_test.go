package random_forest_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train/random_forest"
)

// rows are customers: what they spend, whether they leave and which of three kinds they are depends on tenure and contract, with gaps and noise.
const rows = `
select i as id, case when i % 11 <> 0 then (i * 37) % 60 end as tenure, ['month', 'one year', 'two years', 'other'][1 + (i * 13) % 4] as contract, (i * 7) % 100 as noise,
  (hash(i)::double / 18446744073709551616.0) < 1 / (1 + exp(((i * 37) % 60) / 10.0 - 2)) as churned,
  case (i * 37) % 60 // 20 when 0 then 'new' when 1 then 'known' else 'old' end as age,
  (i * 37) % 60 * 2.0::double + (i * 7) % 10 as spend
from range(`

func block(config string) stagetest.Block {
	return stagetest.Block{Address: "train.forest", Config: config, Tables: map[string]stagetest.Table{
		"data": {SQL: rows + "0, 1500) t(i)"}, "validation": {SQL: rows + "1500, 2000) t(i)"}}}
}

// TestTasks: each fits, tells of rows out of the bag, serves what it scores, and is explained to the digit: attributions add up to what is predicted.
func TestTasks(t *testing.T) {
	for target, most := range map[string]float64{"churned": 0.6, "age": 0.25, "spend": 12.5} {
		r := stagetest.Run(t, random_forest.Component, block(`{"target": "`+target+`", "features": ["tenure", "contract", "noise"], "seed": 3, "params": {"trees": 40}}`))
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		f := r.Figures(t)
		bag, loss := f["out_of_bag_loss"].(float64), f["validation_loss"].(float64)
		if loss > most || math.Abs(bag/loss-1) > 0.3 || f["rounds"].(float64) != 40 {
			t.Errorf("%s: got figures %v", target, f)
		}
		if report, err := os.ReadFile(filepath.Join(r.Root, "out", "report.json")); err != nil || !strings.Contains(string(report), "out-of-bag loss") {
			t.Errorf("%s: the report does not tell of rows out of the bag (%v)", target, err)
		}
		m, err := model.Read(filepath.Join(r.Root, "out", "model"))
		if err != nil {
			t.Fatal(err)
		}
		frame, err := table.ReadFrame(t.Context(), filepath.Join(r.Root, "in", "validation", component.TableFile), nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Score(frame, 2)
		if err != nil {
			t.Fatal(err)
		}
		a, err := m.Attribute(t.Context(), frame, []int{0, 7, 200}, nil, "", 2)
		if err != nil {
			t.Fatal(err)
		}
		for o := range a.Base {
			for i, row := range []int{0, 7, 200} {
				sum := a.Base[o]
				for f := range a.Values[o] {
					sum += a.Values[o][f][i]
				}
				want := 0.0
				if p.Score != nil {
					want = p.Score[row]
				} else {
					want = p.Scores[o][row]
				}
				if math.Abs(sum-want) > 1e-5*max(1, math.Abs(want)) {
					t.Errorf("%s: attributions of row %d add up to %g, the prediction is %g", target, row, sum, want)
				}
			}
		}
		if (a.Unit == model.Probabilities) != (target != "spend") {
			t.Errorf("%s: attributions are in %q", target, a.Unit)
		}
		for row := range p.Scores {
			for r, x := range p.Scores[row] {
				if !(x >= 0 && x <= 1) {
					t.Fatalf("%s: row %d has the share %g", target, r, x)
				}
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for params, want := range map[string]string{
		`"trees": 0`: "trees is 0", `"max_depth": -1`: "max_depth is -1", `"min_samples_leaf": 0`: "min_samples_leaf is 0",
		`"max_features": 1.5`: "max_features is 1.5", `"max_samples": 0`: "max_samples is 0",
	} {
		got := stagetest.Shape(t, random_forest.Component, block(`{"target": "churned", "features": ["tenure"], "params": {`+params+`}}`)).Problems
		if len(got) != 1 || got[0].Summary != want {
			t.Errorf("%s: got %+v", params, got)
		}
	}
}

// TestWithoutBootstrap: on all rows there is none out of the bag, and why stands beside the figure.
func TestWithoutBootstrap(t *testing.T) {
	r := stagetest.Run(t, random_forest.Component, block(`{"target": "spend", "features": ["tenure", "noise"], "params": {"trees": 3, "bootstrap": false}}`))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	f := r.Figures(t)
	if x, there := f["out_of_bag_loss"]; x != nil || !there || f["undefined"].(map[string]any)["out_of_bag_loss"] == nil {
		t.Errorf("got %v", f)
	}
}

// TestWeights: classes of weight 3 are rows of weight 3.
func TestWeights(t *testing.T) {
	run := func(more string) string {
		b := block(`{"target": "churned", "features": ["tenure", "noise"], "params": {"trees": 5}` + more + `}`)
		for port, of := range b.Tables {
			b.Tables[port] = stagetest.Table{SQL: "select *, case when churned then 3.0 else 1 end as w from (" + of.SQL + ")"}
		}
		r := stagetest.Run(t, random_forest.Component, b)
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		m, err := os.ReadFile(filepath.Join(r.Root, "out", "model", "model.json"))
		if err != nil {
			t.Fatal(err)
		}
		return string(m)
	}
	if run(`, "class_weight": {"true": 3}`) != run(`, "weight": "w"`) {
		t.Error("a class of weight 3 gives another forest than rows of weight 3")
	}
}
