package file_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/file"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// rows are those of which XGBoost 1.7.4 said what it thinks (stdlib/model/xgboost), by the columns of a table: the codes of c are names.
const rows = `select * from (values (1, -1.0, 3, false, 'a'), (2, 0.5, 20, true, 'b'), (3, 2.0, 36, false, 'c'), (4, null, 7, true, 'a'), (5, 0.1::float, null, null, 'b'),
  (6, -0.2::float, 39, false, 'c'), (7, null, null, null, 'a'), (8, 1.5, 99, false, 'b')) t(id, x, k, i, y)`

// scores are the probabilities that XGBoost has for them.
var scores = [][]float64{
	{0.280528247, 0.433692724, 0.28577897}, {0.0983647704, 0.804533541, 0.097101666}, {0.0627003536, 0.532140017, 0.405159652}, {0.151227012, 0.701925159, 0.146847799},
	{0.0602977872, 0.221582577, 0.718119621}, {0.804866016, 0.124111682, 0.0710223317}, {0.0971951187, 0.80379051, 0.0990143642}, {0.047418911, 0.387843132, 0.564737976}}

func softprob(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "xgboost", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// block is one that takes that model, with further attributes of JSON.
func block(t testing.TB, name, more string) stagetest.Block {
	var levels []string
	for i := range 40 {
		levels = append(levels, "k"+strings.Repeat("x", i))
	}
	text, err := json.Marshal(levels)
	if err != nil {
		t.Fatal(err)
	}
	return stagetest.Block{Address: "model.m", Config: `{"path": "m/` + name + `", "target": "y", "features": ["x", "c", "i"], "classes": ["a", "b", "c"], "rounds": 2, "feature": [{"name": "c", "levels": ` + string(text) + `}]` + more + `}`,
		Tables: map[string]stagetest.Table{"data": {SQL: `select id, x::double as x, 'k' || repeat('x', k) as c, i, y from (` + rows + `)`}},
		Files:  map[string]string{name: softprob(t, name)}}
}

// read is the model that a stage wrote, and the table that it was handed.
func read(t testing.TB, r *stagetest.Result) (*model.Bundle, *model.Prediction) {
	t.Helper()
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	b, err := model.Read(filepath.Join(r.Root, "out", "model"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := table.ReadFrame(t.Context(), filepath.Join(r.Root, "in", "data", component.TableFile), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Score(f, 2)
	if err != nil {
		t.Fatal(err)
	}
	return b, p
}

// TestScores: a model of either form scores rows of a table as XGBoost scores them, by the names of classes and categories.
func TestScores(t *testing.T) {
	for _, name := range []string{"softprob-1.7.4.json", "softprob-1.7.4.ubj"} {
		r := stagetest.Run(t, file.Component, block(t, name, ""))
		b, p := read(t, r)
		for row, want := range scores[:7] { // the category of the last is no level, which is missing here and a code without a set there
			for c := range want {
				if got := p.Scores[c][row]; math.Abs(got-want[c]) > 1e-6 {
					t.Errorf("%s: row %d, class %d: got %v, want %v", name, row, c, got, want[c])
				}
			}
		}
		if s := b.Signature(); strings.Join(s.Classes, " ") != "a b c" || s.Task != schema.Multiclass {
			t.Errorf("got %+v", s)
		}
		if from := b.Provenance(); from.From != "XGBoost 1.7.4" || !strings.HasPrefix(from.File, "blake3:") || from.Component != "model.file" {
			t.Errorf("got provenance %+v", from)
		}
		f := r.Figures(t)
		// Of six rows with a category the one with 99 has one that is no level; the others of the table have one each.
		if f["trees"] != 12.0 || f["rounds"] != 2.0 || f["rows"] != 8.0 || f["unscored"] != 0.0 || math.Abs(f["unknown"].(map[string]any)["c"].(float64)-1.0/6) > 1e-12 {
			t.Errorf("got figures %v", f)
		}
	}
}

// TestExplained: attributions of a row add up to its margin, as of any trees.
func TestExplained(t *testing.T) {
	r := stagetest.Run(t, file.Component, block(t, "softprob-1.7.4.json", ""))
	b, _ := read(t, r)
	m := b.Serve().(component.Explainer)
	columns := []component.Values{{Num: []float64{2}}, {Text: []string{"k" + strings.Repeat("x", 36)}, Null: []bool{false}}, {Num: []float64{0}}}
	got, err := m.Explain(t.Context(), 1, columns)
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range []float64{-0.4194607734680176, 1.719078779220581, 1.446453332901001} {
		sum := got[0].Base[c]
		for _, x := range got[0].Contributions[c] {
			sum += x
		}
		if math.Abs(sum-want) > 1e-6 {
			t.Errorf("class %d: attributions add up to %v, the margin is %v", c, sum, want)
		}
	}
}

// TestRounds: a part of the rounds is another model, which must be said where the file has more than the best.
func TestRounds(t *testing.T) {
	b := block(t, "softprob-1.7.4.json", "")
	b.Config = strings.Replace(b.Config, `"rounds": 2`, `"rounds": 1`, 1)
	if f := stagetest.Run(t, file.Component, b).Figures(t); f["trees"] != 6.0 || f["rounds"] != 1.0 {
		t.Errorf("got %v", f)
	}
	b.Config = strings.Replace(b.Config, `"rounds": 1, `, ``, 1)
	refused(t, b, "it has 2 rounds, and says that those up to 1 are the best", "rounds = 1 or rounds = 2")
	b.Config = strings.Replace(b.Config, `"classes"`, `"rounds": 3, "classes"`, 1)
	refused(t, b, "it has 2 rounds, not 3")
}

// refused holds the stage's error to say this.
func refused(t *testing.T, b stagetest.Block, want ...string) {
	t.Helper()
	r := stagetest.Run(t, file.Component, b)
	var input *component.InputError
	if !errors.As(r.Err, &input) {
		t.Errorf("got %v, want a mistake: %s", r.Err, want)
		return
	}
	for _, w := range want {
		if !strings.Contains(r.Err.Error(), w) {
			t.Errorf("got %v, want %q", r.Err, w)
		}
	}
}

// TestNames: a file with names is read by them, in whatever order the columns are listed.
func TestNames(t *testing.T) {
	named := func(b stagetest.Block, names string) stagetest.Block {
		b.Files = map[string]string{"softprob-1.7.4.json": strings.Replace(softprob(t, "softprob-1.7.4.json"), `"feature_names":[]`, `"feature_names":`+names, 1)}
		return b
	}
	b := block(t, "softprob-1.7.4.json", "")
	_, want := read(t, stagetest.Run(t, file.Component, b))
	b.Config = strings.Replace(b.Config, `["x", "c", "i"]`, `["i", "x", "c"]`, 1)
	b.Config = strings.Replace(b.Config, `"feature": [`, `"feature": [{"name": "X", "called": "größe <m>"}, `, 1)
	b = named(b, `["größe <m>", "c", "i"]`)
	bundle, got := read(t, stagetest.Run(t, file.Component, b))
	for c := range want.Scores {
		for r := range want.Scores[c] {
			if got.Scores[c][r] != want.Scores[c][r] {
				t.Errorf("row %d: in another order the score is %v, not %v", r, got.Scores[c][r], want.Scores[c][r])
			}
		}
	}
	if f := bundle.Signature().Features; f[0].Name != "i" || f[1].Name != "x" || len(f[2].Levels) != 40 {
		t.Errorf("got features %+v", f)
	}
	refused(t, named(b, `["größe <m>", "category", "i"]`), `it has no feature "c"`, "größe <m>, category, i")
	near := b
	near.Config = strings.Replace(b.Config, "größe <m>", "grösse <m>", 1)
	refused(t, named(near, `["größe <m>", "c", "i"]`), `it has no feature "grösse <m>"`, `The nearest is "größe <m>"`)
	few := b
	few.Config = strings.Replace(b.Config, `["i", "x", "c"]`, `["i", "c"]`, 1)
	few.Config = strings.Replace(few.Config, `{"name": "X", "called": "größe <m>"}, `, ``, 1)
	refused(t, named(few, `["größe <m>", "c", "i"]`), `its trees ask for "größe <m>", and no feature of the block is that`)
	refused(t, named(few, `[]`), "it has 3 features and names none, and the block lists 2")
	refused(t, named(b, `[]`), `"X" is said to be called "größe <m>" in it`)
	twice := b
	twice.Config = strings.Replace(b.Config, `{"name": "X", "called": "größe <m>"}`, `{"name": "X", "called": "i"}`, 1)
	refused(t, named(twice, `["größe <m>", "c", "i"]`), `"i" and "x" are both its feature "i"`)
}

// TestRefused: what a file says and the block says otherwise, or neither.
func TestRefused(t *testing.T) {
	for _, tt := range []struct{ old, with, want string }{
		{`["a", "b", "c"]`, `["a", "b", "c", "d"]`, "the probabilities of 3 classes (multi:softprob), and the task of the block is multiclass_classification with 4 classes"},
		{`"classes": ["a", "b", "c"], `, ``, "it does not say which classes its scores are of"},
		{`"classes": ["a", "b", "c"]`, `"task": "binary_classification", "positive": "a", "classes": ["b", "a"]`, "the probabilities of 3 classes (multi:softprob), and the task of the block is binary_classification"},
		{`"k",`, ``, "its trees ask for category 39 of \"c\", and there are 39 levels"},
		{`"feature": [{"name": "c"`, `"feature": [{"name": "i"`, "and the column is boolean"},
	} {
		b := block(t, "softprob-1.7.4.json", "")
		if b.Config = strings.Replace(b.Config, tt.old, tt.with, 1); tt.old == `"feature": [{"name": "c"` {
			b.Tables["data"] = stagetest.Table{SQL: strings.Replace(b.Tables["data"].SQL, "'k' || repeat('x', k) as c", "k as c", 1)}
		}
		refused(t, b, tt.want)
	}
	b := block(t, "softprob-1.7.4.json", "")
	b.Config = b.Config[:strings.Index(b.Config, `, "feature"`)] + "}"
	refused(t, b, `it does not say which categories the codes of "c" mean`, "cat.categories")
	for name, text := range map[string]string{"junk": "junk", "an empty file": "", "JSON of something else": `{"a": 1}`, "a tree of nothing": strings.Replace(softprob(t, "softprob-1.7.4.json"), `"left_children":[1`, `"left_children":[70`, 1)} {
		b := block(t, "softprob-1.7.4.json", "")
		b.Files = map[string]string{"m.json": text}
		if r := stagetest.Run(t, file.Component, b); r.Err == nil || !strings.Contains(r.Err.Error(), "m/softprob-1.7.4.json: ") {
			t.Errorf("%s: got %v", name, r.Err)
		}
	}
}

// TestNumbers: categories may be numbers of a column as they are.
func TestNumbers(t *testing.T) {
	b := block(t, "softprob-1.7.4.json", "")
	b.Config = b.Config[:strings.Index(b.Config, `, "feature"`)] + "}"
	b.Tables["data"] = stagetest.Table{SQL: "select id, x::double as x, k as c, i, y from (" + rows + ")"}
	_, p := read(t, stagetest.Run(t, file.Component, b))
	for row, want := range scores {
		if got := p.Scores[0][row]; math.Abs(got-want[0]) > 1e-6 {
			t.Errorf("row %d: got %v, want %v", row, got, want[0])
		}
	}
}

// TestWarns: levels that no value has are likely those of another column.
func TestWarns(t *testing.T) {
	b := block(t, "softprob-1.7.4.json", "")
	b.Tables["data"] = stagetest.Table{SQL: strings.Replace(b.Tables["data"].SQL, "'k' ||", "'q' ||", 1)}
	r := stagetest.Run(t, file.Component, b)
	if r.Err != nil || !strings.Contains(r.Log, `no value of \"c\" is one of its levels (k, kx, kxx`) {
		t.Errorf("got %v in the log\n%s", r.Err, r.Log)
	}
}

// TestProblems are what is found before anything runs.
func TestProblems(t *testing.T) {
	for _, tt := range []struct{ config, path, want string }{
		{`"features": ["x"], "task": "regression", "classes": ["a"]`, "classes", "A regression has no classes"},
		{`"features": ["x"], "task": "binary_classification", "positive": "a", "classes": ["a", "b"]`, "classes", `The positive class is "a", and the last of classes is "b"`},
		{`"features": ["x"], "task": "binary_classification", "positive": "a", "classes": ["a", "b", "c"]`, "classes", "not 3"},
		{`"features": ["x"], "classes": ["a", "a"]`, "classes[1]", "listed twice"},
		{`"features": ["x"], "threshold": 0.3`, "threshold", "for binary tasks"},
		{`"features": ["x"], "task": "binary_classification", "positive": "a", "threshold": 1.5`, "threshold", "threshold is 1.5"},
		{`"features": ["x"], "rounds": 0`, "rounds", "rounds is 0"},
		{`"features": ["x"], "feature": [{"name": "z"}]`, "feature[z]", `"z" is not among the features`},
		{`"features": ["x"], "feature": [{"name": "x", "levels": ["a", "a"]}]`, "feature[x].levels", "stands twice, as the codes 0 and 1"},
		{`"features": ["x"], "feature": [{"name": "x", "levels": []}]`, "feature[x].levels", "levels is empty"},
		{`"features": ["x", "y"]`, "features[1]", "target"},
		{`"features": ["x"], "sha256": "00"`, "sha256", "said of a local file"},
	} {
		b := stagetest.Block{Address: "model.m", Config: `{"path": "m.json", "target": "y", ` + tt.config + `}`, Tables: map[string]stagetest.Table{"data": {SQL: "select 1.0::double as x, 'a' as y"}}}
		if tt.path == "classes" && strings.Contains(tt.want, "regression") {
			b.Tables["data"] = stagetest.Table{SQL: "select 1.0::double as x, 2.0::double as y"}
		}
		found := false
		for _, p := range stagetest.Shape(t, file.Component, b).Problems {
			found = found || p.Path == tt.path && strings.Contains(p.Summary, tt.want)
		}
		if !found {
			t.Errorf("%s: no problem at %s with %q", tt.config, tt.path, tt.want)
		}
	}
	both := stagetest.Block{Address: "model.m", Config: `{"path": "m.json", "target": "y", "features": ["x"], "trained_elsewhere": true}`,
		Tables: map[string]stagetest.Table{"data": {SQL: "select 1.0::double as x, 'a' as y"}, "trained_on.old": {SQL: "select 1"}}}
	if p := stagetest.Shape(t, file.Component, both).Problems; len(p) != 1 || p[0].Path != "trained_elsewhere" {
		t.Errorf("got %+v", p)
	}
}

// TestFiles: the path is one file, and no pattern.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.json", "b.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if root, names, err := file.Component.Source.Files(dir, json.RawMessage(`{"path": "./a.json"}`)); err != nil || root != "." || len(names) != 1 || names[0] != "a.json" {
		t.Errorf("got %q %q %v", root, names, err)
	}
	for path, want := range map[string]string{"*.json": "is a pattern of files", "a*.json": "is a pattern of files", "c.json": "no file matches", "s3://b/m.json": "is an address that is not read"} {
		if _, _, err := file.Component.Source.Files(dir, json.RawMessage(`{"path": "`+path+`"}`)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}
