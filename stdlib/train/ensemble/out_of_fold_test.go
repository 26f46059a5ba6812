package ensemble_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train/ensemble"
)

// predicted is what a model says of the rows of shops, as a trainer writes what it predicts out of fold; where is of rows with a prediction, others have none.
func predicted(t *testing.T, m stagetest.Model, task, where string) stagetest.Table {
	t.Helper()
	data := filepath.Join(t.TempDir(), "shops.parquet")
	if _, err := table.Run(t.Context(), table.Query{SQL: shops.SQL, Out: data}); err != nil {
		t.Fatal(err)
	}
	s, err := prediction.Score(t.Context(), m.Dir, data, 1)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for r := range s.Rows {
		if task == "amount" {
			rows = append(rows, fmt.Sprintf("(%d, %v::double)", r, s.Predicted[r]))
		} else {
			rows = append(rows, fmt.Sprintf("(%d, %v::double)", r, s.Score[r]))
		}
	}
	columns := "id, y as actual, case when " + where + " then (x > 0.5)::integer end as predicted, case when " + where + " then x end as score"
	if task == "amount" {
		columns = "id, y as actual, case when " + where + " then x end as predicted"
	}
	return stagetest.Table{SQL: "select " + columns + " from (" + shops.SQL + ") join (values " + strings.Join(rows, ", ") + ") t(r, x) on r = id order by id", Schema: schema.Table{Key: []string{"id"}}}
}

// TestOutOfFold: a stacking of what members predict is, to the byte, the stacking of what they say of a table with the same rows; rows that a member has no prediction for are left out.
func TestOutOfFold(t *testing.T) {
	for _, task := range []string{"two", "amount"} {
		t.Run(task, func(t *testing.T) {
			models := pair(t, task)
			own, _ := run(t, stagetest.Block{Address: "train.e", Config: `{"method": "stacking"}`, Models: models,
				Tables: map[string]stagetest.Table{"data": {SQL: shops.SQL + " where i >= 100", Schema: shops.Schema}}})
			folded, _ := run(t, stagetest.Block{Address: "train.e", Config: `{"method": "stacking"}`, Models: models,
				Tables: map[string]stagetest.Table{"models.a.out_of_fold": predicted(t, models["models.a"], task, "id >= 100"), "models.b.out_of_fold": predicted(t, models["models.b"], task, "true")}})
			a, b := files(t, filepath.Join(own.Root, "out", "model")), files(t, filepath.Join(folded.Root, "out", "model"))
			if diff := cmp.Diff(a["model.json"], b["model.json"]); diff != "" {
				t.Error(diff)
			}
			x, y := own.Figures(t), folded.Figures(t)
			for _, name := range []string{"rows", "training_loss", "members"} {
				if diff := cmp.Diff(x[name], y[name]); diff != "" || x["rows"] != 200.0 {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
}

// TestOtherRows: members that were fitted on other rows, or on other targets of the same ones, are not stacked.
func TestOtherRows(t *testing.T) {
	models := pair(t, "two")
	whole := predicted(t, models["models.a"], "two", "true")
	for name, tt := range map[string]struct{ sql, want string }{
		"fewer":          {"select * from (" + whole.SQL + ") where id < 250 order by id", "there are 300 and 250"},
		"others":         {"select * replace (id + 1 as id) from (" + whole.SQL + ") order by id", "id of row 1 differs"},
		"another target": {"select * replace (case when id = 9 then 1 - actual else actual end as actual) from (" + whole.SQL + ") order by id", "actual of row 10 differs"},
		"none":           {"select * replace (null::integer as predicted, null::double as score) from (" + whole.SQL + ") order by id", "of 300 rows 0 are predicted"},
	} {
		t.Run(name, func(t *testing.T) {
			r := stagetest.Run(t, ensemble.Component, stagetest.Block{Address: "train.e", Config: `{"method": "stacking"}`, Models: models,
				Tables: map[string]stagetest.Table{"models.a.out_of_fold": whole, "models.b.out_of_fold": {SQL: tt.sql, Schema: whole.Schema}}})
			var input *component.InputError
			if !errors.As(r.Err, &input) || !strings.Contains(input.Summary, tt.want) {
				t.Errorf("got %v, want %q", r.Err, tt.want)
			}
		})
	}
}

// TestDoesWithout: an average, and a stacking with rows of its own, do without what members predict out of fold; a stacking without needs that of all.
func TestDoesWithout(t *testing.T) {
	models := pair(t, "two")
	folded := predicted(t, models["models.a"], "two", "true")
	for config, tables := range map[string]map[string]stagetest.Table{
		`{"method": "average"}`:  {},
		`{"method": "stacking"}`: {"data": shops},
	} {
		tables["models.a.out_of_fold"], tables["models.b.out_of_fold"] = folded, folded
		got := stagetest.Shape(t, ensemble.Component, stagetest.Block{Address: "train.e", Config: config, Models: models, Tables: tables})
		if _, there := got.In["models.a.out_of_fold"]; there || got.In == nil || len(got.Problems) > 0 {
			t.Errorf("%s: takes %v, %v", config, got.In, got.Problems)
		}
	}
	got := stagetest.Shape(t, ensemble.Component, stagetest.Block{Address: "train.e", Config: `{"method": "stacking"}`, Models: models, Tables: map[string]stagetest.Table{"models.a.out_of_fold": folded}})
	if len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Detail, "no such predictions of b.") {
		t.Errorf("got %v", got.Problems)
	}
}
