package train_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/train/linear_regression"
	"github.com/mlp-lang/mlp/stdlib/train/logistic_regression"
)

// TestTextAgainstScikitLearn: models of text and a number are at the optimum of scikit-learn's, on its own vectors: what they say of each row, also of those that were not fitted on, is
// within 1e-5 of a probability, or of the target's unit.
func TestTextAgainstScikitLearn(t *testing.T) {
	raw, err := os.ReadFile("testdata/text.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Texts         []string
		Numbers, Y, K []float64
		C             []string
		Fitted        int
		Cases         []struct {
			Target           string
			Settings, Params json.RawMessage
			Want             []float64
			Wants            [][]float64 // by class
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	var rows []string
	var asked []map[string]any
	for r, text := range file.Texts {
		asked = append(asked, map[string]any{"text": text, "number": file.Numbers[r]})
		if r < file.Fitted {
			rows = append(rows, fmt.Sprintf("(%d, '%s', %v, %v, %v, '%s')", r, text, file.Numbers[r], file.Y[r], file.K[r] == 1, file.C[r]))
		}
	}
	sql := "select i, text, number::double as number, y::double as y, k, c from (values " + strings.Join(rows, ", ") + ") t(i, text, number, y, k, c)"
	for _, tt := range file.Cases {
		c := logistic_regression.Component
		if tt.Target == "y" {
			c = linear_regression.Component
		}
		pre := `{"name": "TEXT", "encode": "ngrams"` + strings.TrimPrefix(", "+strings.Trim(string(tt.Settings), "{}"), ", }") + `}`
		pre = strings.Replace(pre, ", }", "}", 1)
		config := fmt.Sprintf(`{"target": %q, "features": ["text", "number"], "params": %s, "preprocess": [%s]}`, tt.Target, tt.Params, pre)
		r, b := train(t, c, config, data(sql))
		if strings.Contains(r.Log, "converged") {
			t.Errorf("%s: %s", config, r.Log)
		}
		worst := 0.0
		for i, got := range stagetest.Score(t, b.Serve(), asked...) {
			if tt.Want != nil {
				worst = max(worst, math.Abs(*got.Score-tt.Want[i]))
			}
			for k := range tt.Wants {
				worst = max(worst, math.Abs(got.Scores[k]-tt.Wants[k][i]))
			}
		}
		if !(worst <= 1e-5) {
			t.Errorf("%s: off by %g", config, worst)
		}
		t.Logf("%s: off by %.2g", config, worst)
	}
}

// letters have the text of a row, some missing, which says much of y and yes: notes with "red" are high, and "blue" after "not" takes nothing away. x is a number.
const letters = `select case when i % 40 = 0 then null else ['the ', 'A ', 'some '][1 + i % 3] || ['red', 'blue', 'not blue', 'green'][1 + (i * 7) % 4] || ' Box no ' || (hash(i) % 5000) end as note,
  (hash(i + 9) % 1000) / 1000.0 as x, ['u', 'v'][1 + (hash(i + 1) % 2)::int] as side, [3.0, -3.0, 2.0, 0.0][1 + (i * 7) % 4] + (hash(i + 3) % 100) / 100.0 as y,
  (hash(i + 5) % 100) / 100.0 < [0.9, 0.1, 0.8, 0.5][1 + (i * 7) % 4] as yes,
  ['low', 'mid', 'high'][1 + ((i * 7) % 4 + (hash(i + 4) % 5 = 0)::int) % 3] as kind from range(#) t(i)`

const lettersPre = `"features": ["note", "x", "side"], "params": {"l2": 0.1}, "preprocess": [{"name": "note", "encode": "ngrams", "ngram_range": [1, 2], "buckets": 4096, "tf_idf": true}]`

// TestTextServesAsItScores: rows that were not trained on, texts that no training row had and missing ones among them, are scored in a table as they are served one by one; what explanations give
// each column adds up to the margin; nothing depends on the number of threads; the model file has no word of the texts.
func TestTextServesAsItScores(t *testing.T) {
	for target, c := range map[string]component.Component{"y": linear_regression.Component, "yes": logistic_regression.Component, "kind": logistic_regression.Component} {
		r, b := train(t, c, `{"target": "`+target+`", `+lettersPre+`}`, data(strings.Replace(letters, "#", "3000", 1)))
		for _, word := range []string{"blue", "Box"} {
			if strings.Contains(modelBytes(t, r), word) {
				t.Errorf("%s: the model file has the word %q", target, word)
			}
		}
		rows := stagetest.Read(t, strings.Replace(strings.Replace(letters, "#", "4000", 1), "' Box no '", "' other box '", 1))
		all, err := b.Score(rows, 3)
		if err != nil {
			t.Fatal(err)
		}
		note, x, side := rows.Column("note"), rows.Column("x"), rows.Column("side")
		explainer := b.Serve().(component.Explainer)
		for r := 0; r < rows.Rows; r += 199 {
			row := map[string]any{"note": nil, "x": x.Num[r], "side": side.ValueName(r)}
			text := ""
			if !note.Null(r) {
				text = note.ValueName(r)
				row["note"] = text
			}
			got := stagetest.Score(t, b.Serve(), row)[0]
			if want := scoresOf(all, r); !slices.Equal(servedScores(got), want) || len(got.Unseen) > 0 {
				t.Fatalf("%s, row %v: served as %v (%v), scored as %v", target, row, servedScores(got), got.Unseen, want)
			}
			e, err := explainer.Explain(t.Context(), 1, []component.Values{{Text: []string{text}, Null: []bool{note.Null(r)}}, {Num: x.Num[r : r+1]},
				{Text: []string{side.ValueName(r)}, Null: []bool{false}}})
			if err != nil {
				t.Fatal(err)
			}
			for o, parts := range e[0].Contributions {
				sum := e[0].Base[o]
				for _, part := range parts {
					sum += part
				}
				if math.Abs(sum-e[0].Margin[o]) > 1e-9 || parts[0] == 0 || len(parts) != 3 {
					t.Errorf("%s, row %v: contributions %v add up to %g, and the margin is %g", target, row, parts, sum, e[0].Margin[o])
				}
			}
			if got := linked(target, e[0].Margin); !alike(got, scoresOf(all, r), 1e-12) {
				t.Errorf("%s, row %v: margins %v make %v, and the scores are %v", target, row, e[0].Margin, got, scoresOf(all, r))
			}
		}
		a, err := b.Attribute(t.Context(), rows, []int{1, 5, 40, 333}, []int{0, 7, 77, 80, 120}, model.Interventional, 2)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range []int{1, 5, 40, 333} {
			margins := slices.Clone(a.Base)
			for o := range margins {
				for f := range a.Values[o] {
					margins[o] += a.Values[o][f][i]
				}
			}
			if got := linked(target, margins); len(a.Values[0]) != 3 || !alike(got, scoresOf(all, r), 1e-9) {
				t.Errorf("%s, row %d: attributions of %d features make %v, and the scores are %v", target, r, len(a.Values[0]), got, scoresOf(all, r))
			}
		}
		if levels := b.Serve().Levels(0); levels != nil {
			t.Errorf("%s: the text has levels %v", target, levels)
		}
		one := modelBytes(t, r)
		for _, threads := range []int{2, 8} {
			s, err := component.Open(r.Root, threads, &bytes.Buffer{})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Run(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if modelBytes(t, r) != one {
				t.Errorf("%s: %d threads change the bytes", target, threads)
			}
		}
	}
}

// scoresOf are those of a row of a table.
func scoresOf(p *model.Prediction, r int) (out []float64) {
	if p.Score != nil {
		return []float64{p.Score[r]}
	}
	for _, scores := range p.Scores {
		out = append(out, scores[r])
	}
	return out
}

// servedScores are those of a row that is served.
func servedScores(p component.Prediction) []float64 {
	if p.Score != nil {
		return []float64{*p.Score}
	}
	return p.Scores
}

// linked are scores of margins: amounts, a probability, or those of classes.
func linked(target string, margins []float64) []float64 {
	switch target {
	case "y":
		return margins
	case "yes":
		return []float64{1 / (1 + math.Exp(-margins[0]))}
	}
	out, sum := make([]float64, len(margins)), 0.0
	for o, m := range margins {
		out[o] = math.Exp(m)
		sum += out[o]
	}
	for o := range out {
		out[o] /= sum
	}
	return out
}

func alike(a, b []float64, within float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Abs(x-y) <= within })
}

// TestTextIsOfUse: a rule of two words in succession is found, which categories of whole texts do not tell; the number of the text, and not the noise, has the most importance.
func TestTextIsOfUse(t *testing.T) {
	tables := data(strings.Replace(letters, "#", "4000", 1))
	tables["validation"] = stagetest.Table{SQL: strings.Replace(letters, "#", "4000, 5000", 1)}
	loss := func(pre string) (validation, share float64) {
		r, _ := train(t, linear_regression.Component, `{"target": "y", "features": ["note", "x", "side"], `+pre+`"params": {"l2": 0.1}}`, tables)
		figures := r.Figures(t)
		return figures["validation_loss"].(float64), figures["importance"].(map[string]any)["note"].(float64)
	}
	with, share := loss(`"preprocess": [{"name": "note", "encode": "ngrams", "ngram_range": [1, 2]}], `)
	without, _ := loss("")
	if with > 0.6 || without < 2 || share < 0.9 {
		t.Errorf("root mean squared error %g with n-grams and %g without; the text has a share of %g", with, without, share)
	}
}

func TestTextProblems(t *testing.T) {
	shape := func(c component.Component, more string) []schema.Problem {
		return stagetest.Shape(t, c, stagetest.Block{Address: "train.m", Config: `{"target": "y", "features": ["note", "x"], ` + more + `}`, Tables: data(strings.Replace(letters, "#", "50", 1))}).Problems
	}
	const plain = `"preprocess": [{"name": "note", "encode": "ngrams"%}]`
	with := func(more string) string { return `"params": {"l2": 1}, ` + strings.Replace(plain, "%", more, 1) }
	tests := []struct {
		name       string
		c          component.Component
		more       string
		path, want string
	}{
		{"fine", linear_regression.Component, with(`, "analyzer": "char", "ngram_range": [2, 3], "buckets": 2, "norm": "l1", "lowercase": false, "alternate_sign": false, "tf_idf": true`), "", ""},
		{"three numbers", linear_regression.Component, with(`, "ngram_range": [1, 2, 3]`), "preprocess[note].ngram_range", "ngram_range is"},
		{"from 0", linear_regression.Component, with(`, "ngram_range": [0, 2]`), "preprocess[note].ngram_range", "ngram_range is"},
		{"a fraction", linear_regression.Component, with(`, "ngram_range": [1.5, 2]`), "preprocess[note].ngram_range", "ngram_range is"},
		{"no power of 2", linear_regression.Component, with(`, "buckets": 1000`), "preprocess[note].buckets", "buckets is 1000"},
		{"too many", linear_regression.Component, with(`, "buckets": 2097152`), "preprocess[note].buckets", "buckets is 2097152"},
		{"smoothing", linear_regression.Component, with(`, "smoothing": 1`), "preprocess[note]", "are of encode"},
		{"of one-hot", linear_regression.Component, `"preprocess": [{"name": "note", "encode": "one_hot", "tf_idf": true}]`, "preprocess[note]", `are of encode = "ngrams"`},
		{"a number", linear_regression.Component, `"params": {"l2": 1}, "preprocess": [{"name": "x", "encode": "ngrams"}]`, "preprocess[x].encode", "only text"},
		{"no ridge", linear_regression.Component, strings.Replace(plain, "%", "", 1), "params.l2", "above 0"},
		{"lasso", linear_regression.Component, strings.Replace(with(""), `{"l2": 1}`, `{"l2": 1, "l1": 1}`, 1), "params.l1", "does not go"},
		{"huber", linear_regression.Component, strings.Replace(with(""), `{"l2": 1}`, `{"l2": 1, "loss": "huber"}`, 1), "params.loss", "does not go"},
		{"several classes", logistic_regression.Component, `"task": "multiclass_classification", ` + with(""), "", ""},
		{"a forest of the text", linear_regression.Component, `"isolation_forest": [{"name": "apart", "features": ["note"], "trees": 10, "samples": 9}], ` + with(""), "isolation_forest[apart].features[0]", "n-grams"},
	}
	for _, tt := range tests {
		got := shape(tt.c, tt.more)
		if tt.want == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.want) {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

// TestFreeTextIsTold: a text column of many values, taken as categories, is warned of with what reads it.
func TestFreeTextIsTold(t *testing.T) {
	r, _ := train(t, linear_regression.Component, `{"target": "y", "features": ["note", "x"]}`, data(strings.Replace(letters, "#", "1000", 1)))
	if !strings.Contains(r.Log, `encode = \"ngrams\"`) {
		t.Errorf("nothing is told: %s", r.Log)
	}
}
