package train_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train/gradient_boosting"
	"github.com/mlp-lang/mlp/stdlib/train/k_nearest_neighbors"
	"github.com/mlp-lang/mlp/stdlib/train/linear_regression"
	"github.com/mlp-lang/mlp/stdlib/train/logistic_regression"
	"github.com/mlp-lang/mlp/stdlib/train/random_forest"
)

// ring are points around a centre and far from it; what is far has a target of its own, and so have the four corners that all points lie near to.
const ring = `select i as id, x, y, c, x * x + y * y > 28 as far, case when abs(x) < 4 then 'inner' when x > 0 then 'right' else 'left' end as side, 3.0 * (x * x + y * y > 28)::int + hash(i) % 10 / 100.0 as level, ['p', 'q'][1 + i % 2] as c2
  from (select i, 5.0 * (i % 2) - 2.5 + (hash(i) % 1000) / 1000.0 + (case when i % 17 = 0 then 9.0 * (1 - 2 * (i % 2)) else 0 end) as x, 5.0 * ((i // 2) % 2) - 2.5 + (hash(i + 1) % 1000) / 1000.0 as y, case when i % 7 > 0 then ['p', 'q', 'r'][1 + i % 3] end as c from range(`

func rings() map[string]stagetest.Table {
	return map[string]stagetest.Table{"data": {SQL: ring + `0, 1200) t(i))`}, "validation": {SQL: ring + `1200, 1700) t(i))`}}
}

const derivedBlocks = `"isolation_forest": [{"name": "odd", "features": ["x", "y"], "trees": 50, "samples": 200, "seed": 1}], "k_means": [{"name": "corner", "clusters": 5, "starts": 3, "seed": 1}]`

// TestDerivedInputs: of every trainer that fits features, a model with inputs that are derived scores rows as it was measured in the fit, from its files, served and on any number of threads; a linear
// model tells far points by them, which no line through their features does; features have shares of importance, and so have the inputs.
func TestDerivedInputs(t *testing.T) {
	for _, tt := range []struct {
		c                component.Component
		target, features string
		most             float64
	}{
		{logistic_regression.Component, "far", `"x", "y", "c"`, 0.1},
		{linear_regression.Component, "level", `"x", "y"`, 0.4},
		{k_nearest_neighbors.Component, "side", `"x", "y", "c"`, 0.5},
		{gradient_boosting.Component, "side", `"x", "y", "c"`, 0.1},
		{random_forest.Component, "level", `"x", "y", "c"`, 0.2},
	} {
		name := tt.c.Type.Name
		config := fmt.Sprintf(`{"target": %q, "features": [%s], %s}`, tt.target, tt.features, derivedBlocks)
		tables := rings()
		r, b := train(t, tt.c, config, tables)
		f := r.Figures(t)
		loss := f["validation_loss"].(float64)
		if loss > tt.most {
			t.Errorf("%s: validation loss %g", name, loss)
		}
		importance := f["importance"].(map[string]any)
		for _, input := range []string{"odd", "corner", "corner:distance"} {
			if share, there := importance[input]; !there || name != "k_nearest_neighbors" && share == nil {
				t.Errorf("%s: importance %v", name, importance)
			}
		}
		frame, err := table.ReadFrame(t.Context(), filepath.Join(r.Root, "in", "validation", component.TableFile), nil)
		if err != nil {
			t.Fatal(err)
		}
		var scores [][]float64
		for _, threads := range []int{1, 2, 8} {
			p, err := b.Score(frame, threads)
			if err != nil {
				t.Fatal(err)
			}
			of := p.Scores
			if of == nil {
				of = [][]float64{p.Score}
			}
			if scores == nil {
				scores = of
			}
			for o := range of {
				for row := range of[o] {
					if of[o][row] != scores[o][row] {
						t.Fatalf("%s: on %d threads row %d has another score", name, threads, row)
					}
				}
			}
		}
		sig := b.Signature()
		actual, err := sig.Actual(frame.Column(tt.target))
		if err != nil {
			t.Fatal(err)
		}
		total := 0.0
		for row, y := range actual {
			if len(sig.Classes) == 0 {
				total += (scores[0][row] - y) * (scores[0][row] - y)
			} else {
				total -= math.Log(max(scores[int(y)][row], 1e-16))
			}
		}
		if total /= float64(len(actual)); len(sig.Classes) == 0 {
			total = math.Sqrt(total)
		}
		if math.Abs(total-loss) > 1e-5 {
			t.Errorf("%s: scored again the loss is %g, was %g", name, total, loss)
		}
		row := map[string]any{"x": frame.Column("x").Num[7], "y": frame.Column("y").Num[7], "c": nil}
		if c := frame.Column("c"); c.Codes[7] >= 0 {
			row["c"] = c.Levels[c.Codes[7]]
		}
		served := stagetest.Score(t, b.Serve(), row)[0]
		if got := served.Score; got != nil && *got != scores[len(scores)-1][7] || got == nil && served.Scores[1] != scores[1][7] {
			t.Errorf("%s: served: got %+v, want %v", name, served, scores[len(scores)-1][7])
		}
		if _, err := b.Attribute(t.Context(), frame, []int{0}, []int{1}, "", 1); err == nil || !strings.Contains(err.Error(), `"odd", which is made of several features`) {
			t.Errorf("%s: attributed: %v", name, err)
		}
		if m := r.Shape.Out["model"].Model; m.Additive != schema.AddsNothing || m.WhyNot == "" {
			t.Errorf("%s: the plan takes its scores for attributable: %v %q", name, m.Additive, m.WhyNot)
		}
		c, err := b.Complexity()
		if err != nil || c.Features != strings.Count(tt.features, ",")+1 || c.Operations <= 50*8 {
			t.Errorf("%s: complexity %+v, %v", name, c, err)
		}
	}
}

// TestDerivedOfTrainingRowsAlone: other validation rows leave all that is derived as it is, and so does another target of the training rows.
func TestDerivedOfTrainingRowsAlone(t *testing.T) {
	config := `{"target": "far", "features": ["x", "y", "c"], ` + derivedBlocks + `}`
	preparation := func(tables map[string]stagetest.Table) []byte {
		r, _ := train(t, logistic_regression.Component, config, tables)
		text, err := os.ReadFile(filepath.Join(r.Root, "out", "model", model.BundleFile))
		var d struct{ Preparation json.RawMessage }
		if err == nil {
			err = json.Unmarshal(text, &d)
		}
		if err != nil {
			t.Fatal(err)
		}
		return d.Preparation
	}
	want := preparation(rings())
	others := rings()
	others["validation"] = stagetest.Table{SQL: ring + `5000, 5100) t(i))`}
	if got := preparation(others); !bytes.Equal(got, want) {
		t.Error("validation rows are part of what is derived")
	}
	others = rings()
	others["data"] = stagetest.Table{SQL: strings.Replace(ring, "x * x + y * y > 28 as far", "i % 3 = 0 as far", 1) + `0, 1200) t(i))`}
	if got := preparation(others); !bytes.Equal(got, want) {
		t.Error("the target is part of what is derived")
	}
	others["data"] = stagetest.Table{SQL: ring + `0, 1100) t(i))`}
	if got := preparation(others); bytes.Equal(got, want) {
		t.Error("of other training rows the same is derived")
	}
}

func TestDerivedProblems(t *testing.T) {
	for blocks, want := range map[string]string{
		`"isolation_forest": [{"name": "x", "trees": 5, "samples": 20}]`:                                                                  `An input called "x" is there already`,
		`"isolation_forest": [{"name": "far", "trees": 5, "samples": 20}]`:                                                                `An input called "far" is there already`,
		`"isolation_forest": [{"name": "odd", "trees": 5, "samples": 20}], "k_means": [{"name": "ODD", "clusters": 2, "starts": 1}]`:      `An input called "ODD" is there already`,
		`"isolation_forest": [{"name": "odd", "trees": 0, "samples": 1}]`:                                                                 "trees is 0; samples is 1",
		`"k_means": [{"name": "near", "clusters": 256, "starts": 0}]`:                                                                     "clusters is 256; starts is 0",
		`"k_means": [{"name": "near", "clusters": 2, "starts": 1, "features": ["z"]}]`:                                                    `"z" is not among the features`,
		`"k_means": [{"name": "near", "clusters": 2, "starts": 1, "features": []}]`:                                                       "There are no features to derive it of",
		`"k_means": [{"name": "near", "clusters": 2, "starts": 1, "features": ["c"]}], "preprocess": [{"name": "c", "encode": "target"}]`: `"c" is encoded by the target`,
		`"k_means": [{"name": "near", "clusters": 2, "starts": 1}], "preprocess": [{"name": "c", "encode": "target"}]`:                    "",
	} {
		for _, c := range []component.Component{logistic_regression.Component, k_nearest_neighbors.Component, gradient_boosting.Component, random_forest.Component} {
			config := `{"target": "far", "features": ["x", "y", "c"], ` + blocks + `}`
			var got []string
			for _, p := range stagetest.Shape(t, c, stagetest.Block{Address: "train.m", Config: config, Tables: rings()}).Problems {
				got = append(got, p.Summary)
			}
			if strings.Join(got, "; ") != want {
				t.Errorf("%s: %s: got %v, want %q", c.Type.Name, blocks, got, want)
			}
		}
	}
	for blocks, want := range map[string]string{
		`"k_means": [{"name": "near", "clusters": 9, "starts": 1, "features": ["c"]}]`:          "there are 4 different points and no more, for 9 clusters",
		`"isolation_forest": [{"name": "odd", "trees": 5, "samples": 20, "features": ["one"]}]`: `"odd" has nothing to be derived of`,
	} {
		config := `{"target": "far", "features": ["x", "c", "one"], ` + blocks + `}`
		tables := map[string]stagetest.Table{"data": {SQL: `select *, 1 as one from (` + ring + `0, 1200) t(i)))`}}
		r := stagetest.Run(t, logistic_regression.Component, stagetest.Block{Address: "train.m", Config: config, Tables: tables})
		if r.Err == nil || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%s: got %v, want %q", blocks, r.Err, want)
		}
	}
}
