package file_test

import (
	"math"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/file"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// light is a model of LightGBM with two rounds: x <= 24.000000000000004, and c among month and two years.
const light = `tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=1
objective=binary sigmoid:1
feature_names=x c
feature_infos=[0:72] 0:1:2

Tree=0
num_leaves=2
num_cat=0
split_feature=0
split_gain=9
threshold=24.000000000000004
decision_type=8
left_child=-1
right_child=-2
leaf_value=0.5 -1
leaf_count=30 70
internal_count=100
is_linear=0

Tree=1
num_leaves=2
num_cat=1
split_feature=1
split_gain=3
threshold=0
decision_type=1
left_child=-1
right_child=-2
leaf_value=0.25 -0.125
leaf_count=60 40
internal_count=100
cat_boundaries=0 1
cat_threshold=5
is_linear=0

end of trees

pandas_categorical:[["month", "year", "two years"]]
`

func lightBlock(more string) stagetest.Block {
	return stagetest.Block{Address: "model.m", Config: `{"path": "m.txt", "target": "y", "features": ["c", "x"]` + more + `}`,
		Tables: map[string]stagetest.Table{"data": {SQL: `select * from (values (1, 24.000000000000004::double, 'month', true), (2, 24.00000000000001::double, 'year', false),
			(3, null, 'two years', true), (4, 1, null, false), (5, 1, 'none', true)) t(id, x, c, y)`}},
		Files: map[string]string{"m.txt": light}}
}

// TestLightGBM: thresholds are of 64 bits, categories go by the names of the file.
func TestLightGBM(t *testing.T) {
	r := stagetest.Run(t, file.Component, lightBlock(""))
	b, p := read(t, r)
	for row, margin := range []float64{0.75, -1.125, -0.75, 0.375, 0.375} {
		if want := 1 / (1 + math.Exp(-margin)); p.Score[row] != want {
			t.Errorf("row %d: got %v, want %v", row, p.Score[row], want)
		}
	}
	if s := b.Signature(); b.Kind() != model.DecisionTrees || strings.Join(s.Classes, " ") != "false true" || strings.Join(s.Features[0].Levels, ",") != "month,year,two years" || b.Provenance().From != "LightGBM v4" {
		t.Errorf("got %v, %+v", b.Kind(), s)
	}
	f := r.Figures(t)
	if f["rounds"] != 2.0 || f["importance"].(map[string]any)["c"] != 0.25 || f["unknown"].(map[string]any)["c"] != 0.25 {
		t.Errorf("got %v", f)
	}
	got, err := b.Serve().(component.Explainer).Explain(t.Context(), 1, []component.Values{{Text: []string{"month"}, Null: []bool{false}}, {Num: []float64{1}}})
	if err != nil {
		t.Fatal(err)
	}
	// Expected are 0.5·0.3 - 1·0.7 and 0.25·0.6 - 0.125·0.4.
	if x := got[0]; math.Abs(x.Base[0]-(-0.55+0.1)) > 1e-12 || math.Abs(x.Contributions[0][0]-0.15) > 1e-12 || math.Abs(x.Contributions[0][1]-1.05) > 1e-12 || x.Margin[0] != 0.75 {
		t.Errorf("got %+v", x)
	}
	if c, err := b.Complexity(); err != nil || c.Trees != 2 || c.Leaves != 4 || c.Operations != 2 || c.Unknown != "" {
		t.Errorf("got %+v, %v", c, err)
	}
	if f := stagetest.Run(t, file.Component, lightBlock(`, "rounds": 1`)).Figures(t); f["trees"] != 1.0 {
		t.Errorf("got %v", f)
	}
	refused(t, lightBlock(`, "rounds": 3`), "it has 2 rounds, not 3")
	refused(t, lightBlock(`, "format": "xgboost"`), "reading an XGBoost model")
	refused(t, lightBlock(`, "feature": [{"name": "c", "levels": ["year", "month", "two years"]}]`), "it has the categories month, year, two years of \"c\", and the block says others")
	amounts := lightBlock("")
	amounts.Files["m.txt"] = strings.Replace(light, "binary sigmoid:1", "regression", 1)
	refused(t, amounts, "it yields an amount (regression), and the task of the block is binary_classification")
	places := lightBlock("")
	places.Config = strings.Replace(places.Config, `["c", "x"]`, `["x", "c"]`, 1)
	places.Files["m.txt"] = strings.Replace(light, "feature_names=x c", "feature_names=Column_0 Column_1", 1)
	_, same := read(t, stagetest.Run(t, file.Component, places))
	for row := range p.Score {
		if same.Score[row] != p.Score[row] {
			t.Errorf("row %d: by places the score is %v, not %v", row, same.Score[row], p.Score[row])
		}
	}
}
