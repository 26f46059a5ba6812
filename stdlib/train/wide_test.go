package train_test

import (
	"math"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/train/gradient_boosting"
	"github.com/mlp-lang/mlp/stdlib/train/random_forest"
)

// places has a text column of 900 values, some missing, that moves the target, and a number.
const places = `select case when i % 50 = 0 then null else 'place ' || (i * 7) % 900 end as place, (hash(i) % 1000) / 100.0 as x,
  (hash(i + 3) % 1000) / 1000.0 < case when (i * 7) % 900 % 5 < 2 then 0.8 else 0.2 end as yes from range(4500) t(i)`

// TestWideCategoriesAreServed: of a column of 900 categories trees of both kinds say of a row the same in a table and served, a category that no training row had and one that is missing are the same to them, and
// explanations add up, the served ones to those of evaluations.
func TestWideCategoriesAreServed(t *testing.T) {
	for name, c := range map[string]component.Component{"boosting": gradient_boosting.Component, "forest": random_forest.Component} {
		_, b := train(t, c, `{"target": "yes", "features": ["place", "x"], "params": {"trees": 20, "max_depth": 6}}`, data(places))
		if levels := b.Serve().Levels(0); len(levels) < 880 {
			t.Fatalf("%s: %d levels", name, len(levels))
		}
		f := stagetest.Read(t, places)
		all, err := b.Score(f, 2)
		if err != nil {
			t.Fatal(err)
		}
		place, x := f.Column("place"), f.Column("x")
		rows := []int{1, 49, 50, 777, 899, 4321}
		a, err := b.Attribute(t.Context(), f, rows, nil, "", 2)
		if err != nil || a.Method != model.TreeSHAP {
			t.Fatalf("%s: %v, %+v", name, err, a)
		}
		for i, r := range rows {
			text := ""
			if !place.Null(r) {
				text = place.ValueName(r)
			}
			values := []component.Values{{Text: []string{text}, Null: []bool{place.Null(r)}}, {Num: x.Num[r : r+1]}}
			got, err := b.Serve().Score(t.Context(), 1, values)
			if err != nil {
				t.Fatal(err)
			}
			if *got[0].Score != all.Score[r] || got[0].Unseen != nil {
				t.Errorf("%s, %q: served as %v (%v), scored as %v", name, text, *got[0].Score, got[0].Unseen, all.Score[r])
			}
			e, err := b.Serve().(component.Explainer).Explain(t.Context(), 1, values)
			if err != nil {
				t.Fatal(err)
			}
			sum := e[0].Base[0]
			for k, part := range e[0].Contributions[0] {
				if sum += part; part != a.Values[0][k][i] {
					t.Errorf("%s, %q: %v is served, and evaluated %v", name, text, part, a.Values[0][k][i])
				}
			}
			if math.Abs(sum-e[0].Margin[0]) > 1e-9 {
				t.Errorf("%s, %q: contributions add up to %v, and the margin is %v", name, text, sum, e[0].Margin[0])
			}
		}
		got := stagetest.Score(t, b.Serve(), map[string]any{"place": "nowhere", "x": 5.0}, map[string]any{"place": nil, "x": 5.0})
		if *got[0].Score != *got[1].Score || len(got[0].Unseen) != 1 || got[1].Unseen != nil {
			t.Errorf("%s: %v of a place that no row had, %v of none", name, *got[0].Score, *got[1].Score)
		}
	}
}
