package stdlib

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// withFolds is the configuration of a trainer, without tune, with predictions out of fold.
func withFolds(trainer, folds string) (plain, with string) {
	base, _, _ := strings.Cut(tunedOf[trainer].base, `"tune"`)
	base = strings.TrimSuffix(strings.TrimSpace(base), ",")
	return "{" + base + "}", fmt.Sprintf(`{%s, "out_of_fold": %s}`, base, folds)
}

// untuned has no rows but those of the data.
func untuned(t *testing.T, c *component.Component, threads int) *tuning {
	x := newTuning(t, c, threads)
	for _, port := range []string{"selection", "validation"} {
		delete(x.shapes, port)
		delete(x.tables, port)
	}
	return x
}

// outOfFold reads what a stage predicts out of fold, scores in the order of the rows' keys.
func outOfFold(x *tuning, config string) (out string, set *prediction.Set) {
	x.t.Helper()
	if p := x.problems(config); len(p) > 0 {
		x.t.Fatal(p)
	}
	out = x.run("train.m", []byte(config), map[string]string{"data": x.tables["data"]})
	task, target, classes := schema.Binary, "churned", []string{"false", "true"}
	if strings.Contains(config, `"spend"`) {
		task, target, classes = schema.Regression, "spend", nil
	} else if strings.Contains(config, `"visits"`) {
		task, target, classes = schema.Multiclass, "visits", []string{"few", "many", "some"}
	}
	set, err := train.OutOfFoldLayout(x.shapes["data"].Table, task, target).Read(x.t.Context(), filepath.Join(out, train.OutOfFoldPort, component.TableFile), classes)
	if err != nil {
		x.t.Fatal(err)
	}
	return out, set
}

// said are the scores of a set, of several classes those of the first, or its amounts.
func said(s *prediction.Set) []float64 {
	if s.Task == schema.Multiclass {
		return s.Scores[0]
	}
	if s.Score != nil {
		return s.Score
	}
	return s.Predicted
}

// TestOutOfFold: of every trainer that tunes, what is predicted of a stretch of time is what a model says that was fitted on the rows before it, to the bit; the first stretch
// has none. On one thread and on eight all is the same, and the model is the one that it is without.
func TestOutOfFold(t *testing.T) {
	for name := range tunedOf {
		t.Run(name, func(t *testing.T) {
			c := trainerOf(name)
			x := untuned(t, c, 1)
			plain, with := withFolds(name, `{"count": 3, "time": "at"}`)
			out, set := outOfFold(x, with)
			got := said(set)
			model := x.run("train.m", []byte(plain), map[string]string{"data": x.tables["data"]})
			same(t, out, model, "model/model.json", "model/bundle.json")
			eight := untuned(t, c, 8)
			other, _ := outOfFold(eight, with)
			same(t, out, other, "model/model.json", "metrics.json", filepath.Join(train.OutOfFoldPort, component.TableFile))
			data := filepath.Join(x.tables["data"], component.TableFile)
			for stretch := 1; stretch <= 3; stretch++ {
				before := t.TempDir()
				if _, err := table.Run(t.Context(), table.Query{SQL: fmt.Sprintf("select * from d where id < %d", 150*stretch), Tables: map[string]string{"d": data}, Out: filepath.Join(before, component.TableFile)}); err != nil {
					t.Fatal(err)
				}
				fitted := x.run("train.m", []byte(plain), map[string]string{"data": before})
				want, err := prediction.Score(t.Context(), filepath.Join(fitted, "model"), data, 1)
				if err != nil {
					t.Fatal(err)
				}
				for r := 150 * stretch; r < 150*(stretch+1); r++ {
					if said(want)[r] != got[r] {
						t.Fatalf("row %d: got %v, want %v", r, got[r], said(want)[r])
					}
				}
			}
			for r := range 150 {
				if !math.IsNaN(got[r]) {
					t.Fatalf("row %d of the first stretch has %v", r, got[r])
				}
			}
		})
	}
}

// same holds files of two folders to the same bytes.
func same(t *testing.T, a, b string, files ...string) {
	t.Helper()
	for _, file := range files {
		x, err := os.ReadFile(filepath.Join(a, file))
		y, other := os.ReadFile(filepath.Join(b, file))
		if err != nil || other != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs: %v, %v", file, err, other)
		}
	}
}

// TestOutOfFoldByChance: every row is predicted; another target of a row changes what is predicted of others, and not of the row or of those in its fold.
func TestOutOfFoldByChance(t *testing.T) {
	for _, name := range []string{"linear_regression", "gradient_boosting"} {
		t.Run(name, func(t *testing.T) {
			c := Component("train." + name)
			x := untuned(t, c, 1)
			_, with := withFolds(name, `{"count": 4, "group": "id"}`)
			_, set := outOfFold(x, with)
			before := said(set)
			changed := t.TempDir()
			if _, err := table.Run(t.Context(), table.Query{SQL: "select * replace (case when id = 77 then not churned else churned end as churned, case when id = 77 then spend + 500 else spend end as spend) from d",
				Tables: map[string]string{"d": filepath.Join(x.tables["data"], component.TableFile)}, Out: filepath.Join(changed, component.TableFile)}); err != nil {
				t.Fatal(err)
			}
			x.tables["data"] = changed
			_, set = outOfFold(x, with)
			after, moved := said(set), 0
			for r := range before {
				if math.IsNaN(before[r]) {
					t.Fatalf("row %d has no prediction", r)
				}
				if before[r] != after[r] {
					moved++
				}
			}
			// Three of four folds have models that saw the row.
			if before[77] != after[77] || moved < 300 || moved > 450 {
				t.Errorf("row 77 from %v to %v; %d rows moved", before[77], after[77], moved)
			}
		})
	}
}

// TestOutOfFoldProblems: what is wrong with the block, each at its place.
func TestOutOfFoldProblems(t *testing.T) {
	x := untuned(t, Component("train.linear_regression"), 1)
	for folds, want := range map[string][2]string{
		`{"count": 1}`:              {"out_of_fold.count", "count is 1"},
		`{"count": 3, "gap": "2d"}`: {"out_of_fold.gap", "of time"},
		`{"count": 3, "time": "at", "group": "contract"}`: {"out_of_fold.group", "forward"},
		`{"count": 3, "time": "tenure"}`:                  {"out_of_fold.time", "not a date"},
	} {
		_, with := withFolds("linear_regression", folds)
		got := x.problems(with)
		if len(got) != 1 || got[0].Path != want[0] || !strings.Contains(got[0].Summary+got[0].Detail, want[1]) {
			t.Errorf("%s: got %+v, want %q at %s", folds, got, want[1], want[0])
		}
	}
}

// TestFewGroups: a fold without rows is an error, and not a model that is measured on its own rows.
func TestFewGroups(t *testing.T) {
	c := Component("train.linear_regression")
	x := untuned(t, c, 1)
	_, with := withFolds("linear_regression", `{"count": 5, "group": "contract"}`) // of three
	if _, err := x.try("train.m", []byte(with), map[string]string{"data": x.tables["data"]}); err == nil || !strings.Contains(err.Error(), "fold 4 of 5 has no rows") {
		t.Errorf("got %v", err)
	}
}
