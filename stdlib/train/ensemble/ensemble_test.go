package ensemble_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train/ensemble"
)

// member is a linear model of x0, x1 and x2, of those that its coefficients w are not 0 for.
type member struct {
	W [][]float64
	B []float64
}

// tasks of the cases, and their classes.
var (
	tasks   = map[string]schema.Task{"two": schema.Binary, "three": schema.Multiclass, "amount": schema.Regression}
	classes = map[string][]string{"two": {"0", "1"}, "three": {"0", "1", "2"}}
	links   = map[string]linear.Link{"two": linear.Logit, "three": linear.Softmax, "amount": linear.Identity}
)

// bundle is the member as a model.
func (m *member) bundle(t *testing.T, task string) *model.Bundle {
	t.Helper()
	sig := model.Signature{Task: tasks[task], Target: "y", Classes: classes[task]}
	line := &linear.Model{Link: links[task], Intercepts: m.B, Coefficients: make([][]float64, len(m.W))}
	for f := range m.W[0] {
		if !slices.ContainsFunc(m.W, func(w []float64) bool { return w[f] != 0 }) {
			continue
		}
		line.Inputs = append(line.Inputs, linear.Input{Feature: len(sig.Features), Kind: linear.Value, Scale: 1})
		sig.Features = append(sig.Features, model.Feature{Name: fmt.Sprintf("x%d", f), Type: "double"})
		for o, w := range m.W {
			line.Coefficients[o] = append(line.Coefficients[o], w[f])
		}
	}
	return made(t, sig, model.Linear, line)
}

func made(t *testing.T, sig model.Signature, kind model.Kind, e model.Estimator) *model.Bundle {
	t.Helper()
	b, err := model.New(sig, kind, e, 0.5, model.Provenance{Component: "train.test", Version: 1, Rows: 9})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// written is the model in a folder of its own, with its shape.
func written(t *testing.T, b *model.Bundle) stagetest.Model {
	t.Helper()
	out := stagetest.Model{Dir: t.TempDir(), Shape: &schema.Model{Task: b.Signature().Task, Target: b.Signature().Target}}
	for _, f := range b.Signature().Features {
		out.Shape.Features = append(out.Shape.Features, schema.Column{Name: f.Name, Type: f.Type})
	}
	if err := b.Write(out.Dir); err != nil {
		t.Fatal(err)
	}
	return out
}

// scikit is what scikit-learn makes of given members.
type scikit struct {
	X       [][]float64
	Members map[string][]member
	Cases   []struct {
		Task, Method string
		Weights      []float64
		L2           float64
		Target       []float64
		Predicted    []float64
		Scores       [][]float64
	}
}

// rows is a query of the inputs with a target.
func (s *scikit) rows(target []float64, task string) stagetest.Table {
	var lines []string
	for r, y := range target {
		kind := "integer"
		if task == "amount" {
			kind = "double"
		}
		lines = append(lines, fmt.Sprintf("(%d, %v::double, %v::double, %v::double, %v::%s)", r, s.X[0][r], s.X[1][r], s.X[2][r], y, kind))
	}
	return stagetest.Table{SQL: "select * from (values " + strings.Join(lines, ", ") + ") t(id, x0, x1, x2, y)", Schema: schema.Table{Key: []string{"id"}}}
}

// TestAgainstScikitLearn: averages are those of VotingClassifier and VotingRegressor to a thousandth of a billionth, stackings those of StackingClassifier and StackingRegressor to where its search ends; classes are the same.
func TestAgainstScikitLearn(t *testing.T) {
	raw, err := os.ReadFile("testdata/sklearn.json")
	if err != nil {
		t.Fatal(err)
	}
	var s scikit
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Cases {
		t.Run(fmt.Sprintf("%s of %s %v %g", c.Method, c.Task, c.Weights, c.L2), func(t *testing.T) {
			config := fmt.Sprintf(`{"method": %q, "params": {"l2": %g}}`, c.Method, c.L2)
			tables, within := map[string]stagetest.Table{"data": s.rows(c.Target, c.Task)}, 2e-6
			if c.Method == "average" {
				config, within = `{"method": "average"}`, 1e-11
				if c.Weights != nil {
					config = `{"method": "average", "weights": {"a": 2}}`
				}
				tables = map[string]stagetest.Table{"validation": tables["data"]}
			}
			models := map[string]stagetest.Model{}
			for i, name := range []string{"a", "b"} {
				models["models."+name] = written(t, s.Members[c.Task][i].bundle(t, c.Task))
			}
			r, b := run(t, stagetest.Block{Address: "train.e", Config: config, Tables: tables, Models: models})
			f, err := table.ReadFrame(t.Context(), filepath.Join(r.Root, "in", slices.Collect(maps.Keys(tables))[0], component.TableFile), nil)
			if err != nil {
				t.Fatal(err)
			}
			p, err := b.Score(f, 2)
			if err != nil {
				t.Fatal(err)
			}
			got := p.Scores
			if got == nil || c.Task == "two" {
				got = [][]float64{p.Score}
			}
			for o := range c.Scores {
				for k, want := range c.Scores[o] {
					if math.Abs(got[o][k]-want) > within {
						t.Fatalf("output %d of row %d is %v, want %v", o, k, got[o][k], want)
					}
				}
			}
			for k, class := range p.Class {
				if float64(class) != c.Predicted[k] {
					t.Errorf("row %d is of class %d, want %v", k, class, c.Predicted[k])
				}
			}
		})
	}
}

// run runs the block and reads its model.
func run(t *testing.T, b stagetest.Block) (*stagetest.Result, *model.Bundle) {
	t.Helper()
	r := stagetest.Run(t, ensemble.Component, b)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	m, err := model.Read(filepath.Join(r.Root, "out", "model"))
	if err != nil {
		t.Fatal(err)
	}
	return r, m
}

// shops is a table with a category that no one member knows all levels of.
var shops = stagetest.Table{SQL: "select i as id, ((i * 7) % 11)::double as x0, ((i * 5) % 7)::double as x1, ((i * 3) % 5)::double as x2, (hash(i) % 100 < 30 + 5 * ((i * 7) % 11))::integer as y from range(300) t(i)",
	Schema: schema.Table{Key: []string{"id"}}}

// pair are two members of a task as inputs.
func pair(t *testing.T, task string) map[string]stagetest.Model {
	t.Helper()
	of := map[string][]member{"two": {{[][]float64{{0.3, 0, 0}}, []float64{-1}}, {[][]float64{{0, 0.2, 0.1}}, []float64{0.1}}},
		"amount": {{[][]float64{{2, 0, 0}}, []float64{1}}, {[][]float64{{0, 1, 3}}, []float64{0}}}}[task]
	return map[string]stagetest.Model{"models.a": written(t, of[0].bundle(t, task)), "models.b": written(t, of[1].bundle(t, task))}
}

// files are those of a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		out[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSameBytes: one thread and eight write the same files, and members are in them as they were.
func TestSameBytes(t *testing.T) {
	for _, config := range []string{`{"method": "stacking"}`, `{"method": "stacking", "params": {"l2": 3}, "calibration_method": "isotonic"}`} {
		models := pair(t, "two")
		tables := map[string]stagetest.Table{"data": shops, "validation": shops}
		if strings.Contains(config, "calibration") {
			tables["calibration"] = shops
		}
		r, b := run(t, stagetest.Block{Address: "train.e", Config: config, Tables: tables, Models: models})
		one := files(t, filepath.Join(r.Root, "out"))
		for _, threads := range []int{2, 8} {
			s, err := component.Open(r.Root, threads, &bytes.Buffer{})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(r.Root, "out")); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(r.Root, "out"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := ensemble.Component.Run(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(one, files(t, filepath.Join(r.Root, "out"))); diff != "" {
				t.Errorf("%d threads:\n%s", threads, diff)
			}
		}
		for i, name := range []string{"a", "b"} {
			own := files(t, models["models."+name].Dir)
			for file, want := range own {
				if got := one[fmt.Sprintf("model/members/%d/%s", i+1, file)]; got != want {
					t.Errorf("%s of member %s is\n%s\nand was\n%s", file, name, got, want)
				}
			}
		}
		again := t.TempDir()
		if err := b.Write(again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(files(t, filepath.Join(r.Root, "out", "model")), files(t, again)); diff != "" {
			t.Errorf("read and written again:\n%s", diff)
		}
	}
}

// TestDecision: the threshold is the ensemble's own, found on the validation rows by what the members say together.
func TestDecision(t *testing.T) {
	config := `{"method": "average", "decision": {"maximize": {"name": "f1", "type": "f1"}, "where": []}}`
	r, b := run(t, stagetest.Block{Address: "train.e", Config: config, Tables: map[string]stagetest.Table{"validation": shops}, Models: pair(t, "two")})
	figures := r.Figures(t)
	if figures["threshold"] != b.Threshold() || b.Threshold() == 0.5 || figures["rows"] != 0.0 || figures["validation_rows"] != 300.0 {
		t.Errorf("the threshold is %v, the figures are %v", b.Threshold(), figures)
	}
	if why := figures["undefined"].(map[string]any)["training_loss"]; why != "nothing is fitted" {
		t.Errorf("training_loss is undefined because %v", why)
	}
	if diff := cmp.Diff(map[string]any{"a": 0.5, "b": 0.5}, figures["members"]); diff != "" {
		t.Error(diff)
	}
}

// TestGroups: an average decides by group on its validation rows, takes the group's column besides its members' features, and asks a member that is calibrated by group for what it says of the row's group.
func TestGroups(t *testing.T) {
	members := pair(t, "two")
	b, err := model.Read(members["models.a"].Dir)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = b.Needs([]model.Feature{{Name: "sex", Type: "varchar", Levels: []string{"f", "m"}}}); err != nil {
		t.Fatal(err)
	}
	c := &model.Calibration{Method: model.Sigmoid, Scale: model.Margin, Curves: []model.Curve{{Slope: 1}}, Rows: 9,
		Groups: &model.Groups{By: []string{"sex"}, Values: [][]string{{"f"}, {"m"}}}, GroupCurves: [][]model.Curve{{{Slope: 1, Intercept: -1}}, {{Slope: 1, Intercept: 1}}}}
	if b, err = b.Calibrated(c); err != nil {
		t.Fatal(err)
	}
	members["models.a"] = written(t, b)
	rows := `select (hash(i) % 1000) / 250.0 - 2 as x0, (hash(i + 5) % 1000) / 250.0 - 2 as x1, (hash(i + 6) % 1000) / 250.0 - 2 as x2, ['f', 'm', 'm'][1 + (hash(i + 1) % 3)::integer] as sex, hash(i + 2) % 2 = 0 as flag,
		(x0 + x1 + (hash(i + 3) % 1000) / 250.0 - 2 > 0)::integer as y from range(800) t(i)`
	config := `{"method": "average", "decision": {"maximize": {"name": "accuracy", "type": "accuracy"}, "where": [], "by": ["sex", "flag"], "equalize": "selection_rate"}}`
	_, got := run(t, stagetest.Block{Address: "train.m", Config: config, Models: members, Tables: map[string]stagetest.Table{"validation": {SQL: rows}}})
	names := map[string]bool{}
	for _, f := range got.Signature().Features {
		names[f.Name] = true
	}
	if d := got.Decision(); d == nil || len(d.Thresholds) != 4 || !names["sex"] || !names["flag"] {
		t.Fatalf("decision %+v, inputs %v", d, names)
	}
	row := map[string]any{"x0": 0.5, "x1": -0.5, "x2": 0.25, "sex": "f", "flag": true}
	f := stagetest.Score(t, got.Serve(), row)[0]
	row["sex"] = "m"
	m := stagetest.Score(t, got.Serve(), row)[0]
	row["sex"] = nil
	none := stagetest.Score(t, got.Serve(), row)[0]
	if !(*f.Score < *m.Score) || none.Fault == "" {
		t.Errorf("of f %g, of m %g, without %+v", *f.Score, *m.Score, none)
	}
}

// TestOtherClasses: members whose classes differ, or stand in another order, are refused before anything is written.
func TestOtherClasses(t *testing.T) {
	models := pair(t, "two")
	sig := model.Signature{Task: schema.Binary, Target: "y", Classes: []string{"1", "0"}, Features: []model.Feature{{Name: "x0", Type: "double"}}}
	models["models.b"] = written(t, made(t, sig, model.Linear, &linear.Model{Link: linear.Logit, Intercepts: []float64{0}, Coefficients: [][]float64{{}}}))
	r := stagetest.Run(t, ensemble.Component, stagetest.Block{Address: "train.e", Config: `{"method": "average"}`, Models: models})
	var input *component.InputError
	if !errors.As(r.Err, &input) || !strings.Contains(input.Summary, "a has the classes 0, 1, and b has 1, 0") {
		t.Errorf("got %v", r.Err)
	}
	if _, err := os.Stat(filepath.Join(r.Root, "out", "model")); err == nil {
		t.Error("a model is written")
	}
}

func TestProblems(t *testing.T) {
	at := func(task schema.Task, target, positive string, columns ...schema.Column) stagetest.Model {
		return stagetest.Model{Shape: &schema.Model{Task: task, Target: target, PositiveClass: positive, Features: columns}}
	}
	x0 := schema.Column{Name: "x0", Type: "double"}
	binary := at(schema.Binary, "y", "1", x0)
	opaque := stagetest.Model{Shape: &schema.Model{Task: schema.Binary, Target: "y", Opaque: true}}
	tests := []struct {
		name, config string
		other        stagetest.Model
		tables       string
		path, want   string
	}{
		{"nothing wrong", `{"method": "average"}`, binary, "", "", ""},
		{"another target", `{"method": "average"}`, at(schema.Binary, "z", "1", x0), "", "models", "a predicts y"},
		{"another task", `{"method": "average"}`, at(schema.Regression, "y", "", x0), "", "models", "b predicts y (regression)"},
		{"another positive class", `{"method": "average"}`, at(schema.Binary, "y", "0", x0), "", "models", `the probability of "1", and that of b of "0"`},
		{"another type", `{"method": "average"}`, at(schema.Binary, "y", "1", schema.Column{Name: "x0", Type: "varchar"}), "", "models", `"x0" is double in a and varchar in b`},
		{"opaque", `{"method": "average"}`, opaque, "", "models", "own image"},
		{"a weight of nobody", `{"method": "average", "weights": {"c": 1}}`, binary, "", "weights", `no member "c"`},
		{"negative", `{"method": "average", "weights": {"a": -1}}`, binary, "", "weights", "is -1"},
		{"none counts", `{"method": "average", "weights": {"a": 0, "b": 0}}`, binary, "", "weights", "the weight 0"},
		{"no weights", `{"method": "average", "weights": "a"}`, binary, "", "weights", "not numbers"},
		{"an average with rows", `{"method": "average"}`, binary, "data", "data", "fitted on no rows"},
		{"an average with l2", `{"method": "average", "params": {"l2": 1}}`, binary, "", "params.l2", "of a stacking"},
		{"a stacking without rows", `{"method": "stacking"}`, binary, "", "data", "needs rows"},
		{"a stacking with weights", `{"method": "stacking", "weights": {"a": 1}}`, binary, "data", "weights", "of an average"},
		{"a negative penalty", `{"method": "stacking", "params": {"l2": -1}}`, binary, "data", "params.l2", "is -1"},
		{"a decision without rows", `{"method": "average", "decision": {"maximize": {"name": "f1", "type": "f1"}, "where": []}}`, binary, "", "decision", "validation table"},
		{"a weight without rows", `{"method": "average", "weight": "x0"}`, binary, "", "weight", "no rows to weigh"},
		{"a weight that is not there", `{"method": "stacking", "weight": "w"}`, binary, "data", "weight", `no column "w"`},
		{"a feature that is not there", `{"method": "stacking"}`, at(schema.Binary, "y", "1", schema.Column{Name: "x9", Type: "double"}), "data", "data", `no column "x9"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := stagetest.Block{Address: "train.e", Config: tt.config, Models: map[string]stagetest.Model{"models.a": binary, "models.b": tt.other}, Tables: map[string]stagetest.Table{}}
			if tt.tables != "" {
				b.Tables[tt.tables] = shops
			}
			got := stagetest.Shape(t, ensemble.Component, b)
			switch {
			case tt.want == "" && len(got.Problems) > 0:
				t.Errorf("got %v", got.Problems)
			case tt.want != "" && (len(got.Problems) != 1 || got.Problems[0].Path != tt.path || !strings.Contains(got.Problems[0].Summary, tt.want)):
				t.Errorf("got %+v, want %q at %s", got.Problems, tt.want, tt.path)
			}
		})
	}
}

// TestUnpredicted: a row that one member has no prediction for has none, in a stacking as in an average.
func TestUnpredicted(t *testing.T) {
	for _, config := range []string{`{"method": "average"}`, `{"method": "stacking"}`} {
		models := pair(t, "amount")
		nan := &linear.Model{Link: linear.Identity, Intercepts: []float64{0}, Coefficients: [][]float64{{math.MaxFloat64}},
			Inputs: []linear.Input{{Kind: linear.Value, Scale: 1}}}
		sig := model.Signature{Task: schema.Regression, Target: "y", Features: []model.Feature{{Name: "x2", Type: "double"}}}
		b := stagetest.Block{Address: "train.e", Config: config, Models: models}
		if strings.Contains(config, "stacking") {
			b.Tables = map[string]stagetest.Table{"data": {SQL: "select id, x0, x1, x2, y::double as y from (" + shops.SQL + ")", Schema: shops.Schema}}
		}
		b.Models["models.c"] = written(t, made(t, sig, model.Linear, nan))
		if strings.Contains(config, "stacking") {
			r := stagetest.Run(t, ensemble.Component, b)
			if r.Err == nil {
				t.Error("a stacking on rows without a prediction is fitted")
			}
			continue
		}
		_, m := run(t, b)
		p, err := m.Score(&frame.Frame{Rows: 2, Columns: []frame.Column{{Name: "x0", Type: "double", Num: []float64{1, 1}}, {Name: "x1", Type: "double", Num: []float64{1, 1}},
			{Name: "x2", Type: "double", Num: []float64{0, 4}}}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Unscored) != 1 || p.Unscored[0].Row != 1 || math.IsNaN(p.Score[0]) {
			t.Errorf("%s: %+v", config, p)
		}
	}
}
