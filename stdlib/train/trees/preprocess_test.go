package trees_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train/gradient_boosting"
	"github.com/mlp-lang/mlp/stdlib/train/random_forest"
)

// rows are of shops, each of which has its own level of what is spent, and of tickets, each of which three rows have and which tell nothing.
const rows = `select i as id, 'shop ' || (i * 7) % 40 as shop, (i * 7) % 40 as number, 'ticket ' || hash(i) % 500 as ticket, (hash(i + 1) % 1000) / 1000.0 as noise,
  ((i * 7) % 40) / 2.0 + (hash(i + 2) % 1000) / 1000.0 as spent, (hash(i + 3) % 40) < (i * 7) % 40 as back, ['few', 'some', 'many'][1 + ((i * 7) % 40) // 14] as visits
  from range(`

func fitted(t *testing.T, c component.Component, config string) (*stagetest.Result, *model.Bundle) {
	t.Helper()
	r := stagetest.Run(t, c, stagetest.Block{Address: "train.m", Config: config, Tables: map[string]stagetest.Table{
		"data": {SQL: rows + "0, 1500) t(i)"}, "validation": {SQL: rows + "1500, 2000) t(i)"}}})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	b, err := model.Read(filepath.Join(r.Root, "out", "model"))
	if err != nil {
		t.Fatal(err)
	}
	return r, b
}

// TestTargetEncoding: of all trainers of trees and all tasks, what is encoded is of use, also of numbers that are taken as categories; the validation loss that the fit saw is that of the
// model as it is read back and scores rows; attributions are of features; the model in XGBoost's format takes numbers.
func TestTargetEncoding(t *testing.T) {
	for name, c := range map[string]component.Component{"gradient_boosting": gradient_boosting.Component, "random_forest": random_forest.Component} {
		for target, most := range map[string]float64{"spent": 0.5, "back": 0.55, "visits": 0.2} {
			t.Run(name+"/"+target, func(t *testing.T) {
				r, b := fitted(t, c, `{"target": "`+target+`", "features": ["noise", "shop", "number"], "categorical_features": ["number"], "params": {"trees": 40},
					"preprocess": [{"name": "shop", "encode": "target"}, {"name": "number", "encode": "target", "smoothing": 2, "folds": 3}]}`)
				f := r.Figures(t)
				if loss := f["validation_loss"].(float64); loss > most {
					t.Errorf("validation loss %g", loss)
				}
				if share := f["importance"].(map[string]any)["noise"].(float64); share > 0.5 || len(f["importance"].(map[string]any)) != 3 {
					t.Errorf("importance %v", f["importance"])
				}
				frame, err := table.ReadFrame(t.Context(), filepath.Join(r.Root, "in", "validation", component.TableFile), nil)
				if err != nil {
					t.Fatal(err)
				}
				p, err := b.Score(frame, 2)
				if err != nil {
					t.Fatal(err)
				}
				sig := b.Signature()
				actual, err := sig.Actual(frame.Column(target))
				if err != nil {
					t.Fatal(err)
				}
				total := 0.0
				for row, y := range actual {
					switch {
					case target == "spent":
						total += (p.Score[row] - y) * (p.Score[row] - y)
					default:
						total -= math.Log(max(p.Scores[int(y)][row], 1e-16))
					}
				}
				if total /= float64(len(actual)); target == "spent" {
					total = math.Sqrt(total)
				}
				if math.Abs(total-f["validation_loss"].(float64)) > 1e-5 {
					t.Errorf("scored again the loss is %g, was %v", total, f["validation_loss"])
				}
				a, err := b.Attribute(t.Context(), frame, []int{0, 99}, []int{5, 6}, model.Interventional, 2)
				if err != nil {
					t.Fatal(err)
				}
				moved := 0.0
				for _, features := range a.Values {
					for _, row := range append(append([]float64{}, features[1]...), features[2]...) {
						moved += math.Abs(row)
					}
				}
				if len(a.Values[0]) != 3 || moved == 0 {
					t.Errorf("attributions %v", a.Values)
				}
				x, err := os.ReadFile(filepath.Join(r.Root, "out", "model", "model.json"))
				if err != nil {
					t.Fatal(err)
				}
				m, err := xgboost.Decode(x)
				if err != nil {
					t.Fatal(err)
				}
				want := "noise shop number"
				if target == "visits" {
					want = "noise shop:few shop:many shop:some number:few number:many number:some"
				}
				if got := strings.Join(m.FeatureNames, " "); got != want || strings.Contains(strings.Join(m.FeatureTypes, ""), "c") {
					t.Errorf("features %s of types %v, want %s", got, m.FeatureTypes, want)
				}
			})
		}
	}
}

// TestNoRowIsEncodedByItsOwnTarget: categories of three rows tell nothing, and trees that are grown on them learn nothing by heart.
func TestNoRowIsEncodedByItsOwnTarget(t *testing.T) {
	for name, c := range map[string]component.Component{"gradient_boosting": gradient_boosting.Component, "random_forest": random_forest.Component} {
		r, _ := fitted(t, c, `{"target": "back", "features": ["ticket"], "params": {"trees": 20, "max_depth": 3}, "preprocess": [{"name": "ticket", "encode": "target", "smoothing": 0}]}`)
		if loss := r.Figures(t)["training_loss"].(float64); loss < 0.6 {
			t.Errorf("%s: the training loss is %g: rows know their targets", name, loss)
		}
	}
}

// TestServedAsEncoded: served rows get the encoding by all training rows; a category that none of them had is the mean of all, and so is a missing one.
func TestServedAsEncoded(t *testing.T) {
	_, b := fitted(t, gradient_boosting.Component, `{"target": "spent", "features": ["shop"], "params": {"trees": 60}, "preprocess": [{"name": "shop", "encode": "target"}]}`)
	var asked []map[string]any
	for i := range 40 {
		asked = append(asked, map[string]any{"shop": fmt.Sprintf("shop %d", i)})
	}
	asked = append(asked, map[string]any{"shop": "none of them"}, map[string]any{"shop": nil})
	got := stagetest.Score(t, b.Serve(), asked...)
	for i, p := range got[:40] {
		if math.Abs(*p.Score-(float64(i)/2+0.5)) > 0.5 {
			t.Errorf("shop %d: got %g", i, *p.Score)
		}
	}
	if *got[40].Score != *got[41].Score || math.Abs(*got[40].Score-10.25) > 1 || got[40].Unseen == nil {
		t.Errorf("an unknown shop: got %+v and %+v", got[40], got[41])
	}
}

func TestProblems(t *testing.T) {
	for preprocess, want := range map[string]string{
		`{"name": "shops", "encode": "target"}`:                                          `"shops" is not among the features`,
		`{"name": "noise", "encode": "target"}`:                                          `The feature "noise" is of type double, and only categories are encoded`,
		`{"name": "shop", "encode": "native", "folds": 3}`:                               `smoothing and folds are of encode = "target"`,
		`{"name": "shop", "encode": "target", "folds": 1}`:                               "folds is 1",
		`{"name": "shop", "encode": "target", "smoothing": -1}`:                          "smoothing is -1",
		`{"name": "shop", "encode": "target"}, {"name": "SHOP", "encode": "target"}`:     `What is made of "shop" is said twice`,
		`{"name": "number", "encode": "target"}, {"name": "shop", "encode": "native"}`:   "",
		`{"name": "number", "encode": "target", "smoothing": 3.5, "folds": 50}`:          "",
		`{"name": "ticket", "encode": "target"}, {"name": "number", "encode": "target"}`: `"ticket" is not among the features`,
	} {
		for _, c := range []component.Component{gradient_boosting.Component, random_forest.Component} {
			config := `{"target": "spent", "features": ["noise", "shop", "number"], "categorical_features": ["number"], "preprocess": [` + preprocess + `]}`
			var got []string
			for _, p := range stagetest.Shape(t, c, stagetest.Block{Address: "train.m", Config: config, Tables: map[string]stagetest.Table{"data": {SQL: rows + "0, 10) t(i)"}}}).Problems {
				got = append(got, p.Summary)
			}
			if strings.Join(got, "; ") != want {
				t.Errorf("%s: %v, want %q", preprocess, got, want)
			}
		}
	}
}

// TestDamagedPreparation: a preparation that does not fit its signature is refused, and a model that has one has a format of its own.
func TestDamagedPreparation(t *testing.T) {
	r, _ := fitted(t, random_forest.Component, `{"target": "back", "features": ["noise", "shop"], "params": {"trees": 3}, "preprocess": [{"name": "shop", "encode": "target"}]}`)
	dir := filepath.Join(r.Root, "out", "model")
	path := filepath.Join(dir, model.BundleFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(d map[string]any){
		"has format 4":                     func(d map[string]any) { d["format"] = 1 },
		"the preparation prepares nothing": func(d map[string]any) { d["preparation"] = map[string]any{} },
		"feature 2 of 2 is encoded":        func(d map[string]any) { encoding(d)["feature"] = 2 },
		"has 40 levels, and 1 are": func(d map[string]any) {
			encoding(d)["outputs"].([]any)[0].(map[string]any)["values"] = []any{0.5}
		},
		"for 0 outputs of 1": func(d map[string]any) { encoding(d)["outputs"] = []any{} },
	} {
		var d map[string]any
		if err := json.Unmarshal(whole, &d); err != nil {
			t.Fatal(err)
		}
		spoil(d)
		text, err := json.Marshal(d)
		if err == nil {
			err = os.WriteFile(path, text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := model.Read(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func encoding(d map[string]any) map[string]any {
	return d["preparation"].(map[string]any)["target_encodings"].([]any)[0].(map[string]any)
}
