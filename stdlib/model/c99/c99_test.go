package c99_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/c99"
	"github.com/mlp-lang/mlp/stdlib/model/constant"
	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/train/baseline"
	"github.com/mlp-lang/mlp/stdlib/train/gradient_boosting"
	"github.com/mlp-lang/mlp/stdlib/train/linear_regression"
	"github.com/mlp-lang/mlp/stdlib/train/logistic_regression"
	"github.com/mlp-lang/mlp/stdlib/train/random_forest"
)

// scoredRows is how many rows each model scores in both ways.
const scoredRows = 10_000

// tableRows is how many rows of a table models are trained on.
const tableRows = 1500

// table has numbers, booleans, texts of few and of many levels, missing values of each, and targets of all tasks; from is the first row.
func table(from int) stagetest.Table {
	return stagetest.Table{SQL: fmt.Sprintf(`select *, 2 * a + (case when town < 't5' then 3 else 0 end) + (hash(i + 11) %% 100) / 50.0 as amount,
		a + (case when "Sex?" = 'f' then 1 else 0 end) + (hash(i + 13) %% 100) / 60.0 > 2.6 as yes,
		['red', 'green "\', 'blü??='][1 + (hash(i + 17) %% 2 + case when a > 2 then 1 else 0 end)::integer] as colour
		from (select i, case when i %% 13 = 0 then null else (hash(i + 7) %% 1000) / 250.0 end as a, case when i %% 50 = 0 then null else exp((hash(i) %% 1000) / 100.0) end as "B b",
			case when i %% 17 = 0 then null else ['f', 'm', 'm'][1 + (hash(i + 1) %% 3)::integer] end as "Sex?", hash(i + 3) %% 2 = 0 as "int",
			case when i %% 19 = 0 then null else 't' || (hash(i + 5) %% 70) end as town, (hash(i + 9) %% 5)::integer as rooms from range(%d, %d) t(i))`, from, from+tableRows)}
}

const features = `"features": ["a", "B b", "Sex?", "int", "town", "rooms"]`

// TestScores: what the file scores, compiled without a warning, is what the server scores, over rows with missing values, levels that no training row had, infinities and
// numbers too large for 32 bits; and so is what it decides, and which rows have no prediction.
func TestScores(t *testing.T) {
	compiler(t)
	trained := func(c component.Component, config string, tables ...string) func(t *testing.T) *model.Bundle {
		return func(t *testing.T) *model.Bundle {
			in := map[string]stagetest.Table{"data": table(0)}
			for i, name := range tables {
				in[name] = table(tableRows * (i + 1))
			}
			r := stagetest.Run(t, c, stagetest.Block{Address: "train.n", Config: config, Tables: in})
			if r.Err != nil {
				t.Fatal(r.Err, r.Log)
			}
			b, err := model.Read(filepath.Join(r.Root, "out", "model"))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	const grouped = `"decision": {"maximize": {"name": "accuracy", "type": "accuracy"}, "by": ["Sex?", "int"], "equalize": "true_positive_rate", "where": []}`
	preprocess := func(rest string) string {
		return `"preprocess": [{"name": "TOWN", "encode": "target"}, {"name": "B b", ` + rest + `}]`
	}
	for name, make := range map[string]func(t *testing.T) *model.Bundle{
		"boosting of two classes":        trained(gradient_boosting.Component, `{"target": "yes", `+features+`, "params": {"trees": 25}}`),
		"boosting of three classes":      trained(gradient_boosting.Component, `{"target": "colour", `+features+`, "params": {"trees": 15}}`),
		"boosting of an amount":          trained(gradient_boosting.Component, `{"target": "amount", `+features+`, "params": {"trees": 25}}`),
		"boosting of encoded towns":      trained(gradient_boosting.Component, `{"target": "colour", `+features+`, "params": {"trees": 10}, "preprocess": [{"name": "town", "encode": "target"}]}`),
		"boosting of numbers as classes": trained(gradient_boosting.Component, `{"target": "yes", `+features+`, "params": {"trees": 10}, "categorical_features": ["rooms"]}`),
		"forest of two classes":          trained(random_forest.Component, `{"target": "yes", `+features+`, "params": {"trees": 8}}`),
		"forest of three classes":        trained(random_forest.Component, `{"target": "colour", `+features+`, "params": {"trees": 8}}`, "calibration"),
		"forest of an amount":            trained(random_forest.Component, `{"target": "amount", `+features+`, "params": {"trees": 8}}`),
		"logistic":                       trained(logistic_regression.Component, `{"target": "yes", `+features+`}`),
		"logistic of three classes":      trained(logistic_regression.Component, `{"target": "colour", `+features+`, `+preprocess(`"scale": "quantile"`)+`}`, "calibration"),
		"linear":                         trained(linear_regression.Component, `{"target": "amount", `+features+`, `+preprocess(`"clip": [0.01, 0.9], "scale": "robust"`)+`}`),
		"isotonic":                       trained(gradient_boosting.Component, `{"target": "yes", `+features+`, "params": {"trees": 20}, "calibration_method": "isotonic"}`, "calibration"),
		"by group":                       trained(logistic_regression.Component, `{"target": "yes", "features": ["a", "B b"], `+grouped+`, "calibration_by": ["Sex?"], "calibration_otherwise": "overall"}`, "calibration", "validation"),
		"baseline":                       trained(baseline.Component, `{"target": "yes", "task": "binary_classification"}`),
		"trees of 64 bits":               decisionTrees, "a column": column, "trees of large categories": largeCategories, "inputs of all kinds": allInputs,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compare(t, make(t))
		})
	}
}

// decisionTrees are trees as LightGBM has them, whose rows have values that equal thresholds.
func decisionTrees(t *testing.T) *model.Bundle {
	s := model.Signature{Task: schema.Binary, Target: "y", Classes: []string{"no", "yes"}, Features: []model.Feature{{Name: "x", Type: "double"}, {Name: "c", Type: "varchar", Levels: []string{"p", "q", "r"}}}}
	m := &decisiontrees.Model{Link: decisiontrees.Logistic, Scale: 0.5, Base: []float64{0.25}, Average: 2, Features: 2, Trees: []decisiontrees.Tree{
		{Nodes: []decisiontrees.Node{{Left: 1, Right: 2, Feature: 0, Value: 1, MissingLeft: true}, {Left: -1, Right: -1, Value: 0.1}, {Left: 3, Right: 4, Feature: 1, Categories: []int32{0, 2}}, {Left: -1, Right: -1, Value: -3}, {Left: -1, Right: -1, Value: 1.7}}},
		{Nodes: []decisiontrees.Node{{Left: -1, Right: -1, Value: 0.3}}},
	}}
	e, err := model.NewDecisionTrees(m, &s)
	return bundle(t, s, model.DecisionTrees, e, err)
}

// largeCategories are trees of categories beyond a word, and of numbers that are categories to them.
func largeCategories(t *testing.T) *model.Bundle {
	s := model.Signature{Task: schema.Regression, Target: "y", Features: []model.Feature{{Name: "x", Type: "double"}}}
	m := &xgboost.Model{Objective: xgboost.Poisson, BaseScore: []float32{0.5}, NumFeature: 1, TreeClass: []int32{0}, Trees: []xgboost.Tree{{Nodes: []xgboost.Node{
		{Left: 1, Right: 2, Parent: -1, Feature: 0, Categories: []int32{1, 33, 70}, DefaultLeft: false}, {Left: -1, Right: -1, Value: 0.5}, {Left: -1, Right: -1, Value: -0.25, Parent: 0}}}}}
	e, err := model.NewTrees(m, &s)
	return bundle(t, s, model.Trees, e, err)
}

// allInputs is a linear model of inputs of all kinds, with points that stand twice, and an isotonic curve that does not reach all scores.
func allInputs(t *testing.T) *model.Bundle {
	s := model.Signature{Task: schema.Binary, Target: "y", Classes: []string{"no", "yes"}, Features: []model.Feature{{Name: "x", Type: "double"}, {Name: "c", Type: "varchar", Levels: []string{"p", "q", "r"}}, {Name: "n", Type: "integer", Levels: []string{"3", "7.5", "-1"}}}}
	e := &linear.Model{Link: linear.Logit, Intercepts: []float64{-0.1}, Coefficients: [][]float64{{0.2, -0.3, 0.4, 2, 1.5, -0.1, 0.7, -0.6}}, Inputs: []linear.Input{
		{Feature: 0, Kind: linear.Value, Mean: 1, Scale: 3}, {Feature: 0, Kind: linear.Missing}, {Feature: 1, Kind: linear.Level, Level: 1},
		{Feature: 0, Kind: linear.Quantile, Points: []float64{0, 1, 2, 2, 2, 5, 5, 70}}, {Feature: 1, Kind: linear.Encoded, Values: []float64{1, 2, 3}, Otherwise: 1.5, Mean: 1, Scale: 2},
		{Feature: 0, Kind: linear.Clipped, Mean: 1, Scale: 2, Low: 0.5, High: 20}, {Feature: 2, Kind: linear.Level, Level: 1}, {Feature: 2, Kind: linear.Missing},
	}}
	b, err := bundle(t, s, model.Linear, e, nil).Calibrated(&model.Calibration{Method: model.Isotonic, Scale: model.Score, Curves: []model.Curve{{X: []float64{0.3, 0.4, 0.7}, Y: []float64{0.1, 0.5, 0.9}}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// column is a model that says what one column says.
func column(t *testing.T) *model.Bundle {
	s := model.Signature{Task: schema.Regression, Target: "y", Features: []model.Feature{{Name: "x", Type: "double"}}}
	return bundle(t, s, model.Constant, &constant.Model{Scores: []float64{2}, Column: &constant.Column{Feature: 0}}, nil)
}

func bundle(t *testing.T, s model.Signature, kind model.Kind, e model.Estimator, err error) *model.Bundle {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	b, err := model.New(s, kind, e, 0.5, model.Provenance{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// compiler skips the test where there is none.
func compiler(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("there is no cc")
	}
}

// compare scores rows in both ways.
func compare(t *testing.T, b *model.Bundle) {
	t.Helper()
	served := b.Serve()
	columns := rows(served)
	want, err := served.Score(t.Context(), scoredRows, columns)
	if err != nil {
		t.Fatal(err)
	}
	outputs := b.Signature()
	got := bytes.NewReader(compiled(t, b, columns))
	classes, unscored := b.Signature().Classes, 0
	for r := range want {
		scores := make([]float64, outputs.Outputs())
		var decision int32
		if err := binary.Read(got, binary.NativeEndian, scores); err != nil {
			t.Fatal(err)
		}
		if err := binary.Read(got, binary.NativeEndian, &decision); err != nil {
			t.Fatal(err)
		}
		p := want[r]
		if p.Fault != "" {
			unscored++
			if decision != -1 || scores[0] == scores[0] {
				t.Fatalf("row %d: decided %d with %v, and the server has no prediction: %s", r, decision, scores, p.Fault)
			}
			continue
		}
		expected := p.Scores
		if p.Score != nil {
			expected = []float64{*p.Score}
		}
		for o, x := range expected {
			if !(math.Abs(scores[o]-x) <= 1e-6*max(1, math.Abs(x))) {
				t.Fatalf("row %d: output %d is %g, and %g of the server", r, o, scores[o], x)
			}
		}
		if p.Decision != "" && (decision < 0 || classes[decision] != p.Decision) {
			t.Fatalf("row %d: decided %d, and %s by the server, at %v", r, decision, p.Decision, expected)
		}
	}
	if unscored == scoredRows {
		t.Error("no row has a prediction")
	}
	if got.Len() > 0 {
		t.Errorf("%d bytes too many", got.Len())
	}
}

// rows are the columns of a model, of all that a caller may send.
func rows(m component.Model) []component.Values {
	chance := rand.New(rand.NewPCG(7, 11))
	out := make([]component.Values, len(m.Inputs()))
	for i, in := range m.Inputs() {
		if !model.TextType(in.Type) {
			for range scoredRows {
				x := chance.NormFloat64()*2 + 2
				switch chance.IntN(12) {
				case 0:
					x = math.NaN()
				case 1:
					x = math.Exp(10 * chance.Float64())
				case 2, 3, 4:
					x = float64(chance.IntN(80) - 2)
				case 5:
					x = [...]float64{0, math.Copysign(0, -1), 5e-324, -1, 1, 0.5, 16777216, math.MaxFloat32, -1e30, 2.5}[chance.IntN(10)]
				}
				if chance.IntN(2000) == 0 {
					x = [...]float64{math.Inf(1), math.Inf(-1), 1e39, math.MaxFloat64}[chance.IntN(4)]
				}
				if in.Type == "boolean" && x == x {
					x = float64(chance.IntN(2))
				}
				out[i].Num = append(out[i].Num, x)
			}
			continue
		}
		levels := append(m.Levels(i), "never seen", "", "t1 ", "\u00fc??/")
		for range scoredRows {
			out[i].Text = append(out[i].Text, levels[chance.IntN(len(levels))])
			out[i].Null = append(out[i].Null, chance.IntN(10) == 0)
		}
	}
	return out
}

// compiled writes the file, compiles it with a program that scores the rows of its standard input, and returns what that writes: of each row the scores and the decision.
func compiled(t *testing.T, b *model.Bundle, columns []component.Values) []byte {
	t.Helper()
	dir := t.TempDir()
	text, err := c99.Write(b, c99.Options{Prefix: "Scorer", Of: "test/train.n */ ??/", Digest: "blake3:ab", Version: "ab"})
	if err != nil {
		t.Fatal(err)
	}
	var main strings.Builder
	main.WriteString(`#define SCORER_DECLARATIONS
#include "scorer.c"
#undef SCORER_DECLARATIONS
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	scorer_row row;
	double scores[SCORER_OUTPUTS];
	int32_t decision, n;

	if (strstr(scorer_identity, scorer_digest) == NULL || strcmp(scorer_version, "ab") != 0)
		return 2;
	for (n = 0; n < ` + fmt.Sprint(scoredRows) + `; n++) {
`)
	var in bytes.Buffer
	for i, f := range b.Signature().Features {
		member := members[f.Name]
		if member == "" {
			member = f.Name
		}
		if f.Text() {
			fmt.Fprintf(&main, "\t\tstatic char text_%[1]d[256];\n\t\tint32_t size_%[1]d;\n\t\tif (fread(&size_%[1]d, 4, 1, stdin) != 1 || size_%[1]d > 255)\n\t\t\treturn 3;\n\t\trow.%[2]s = NULL;\n\t\tif (size_%[1]d >= 0) {\n\t\t\tif (fread(text_%[1]d, 1, (size_t)size_%[1]d, stdin) != (size_t)size_%[1]d)\n\t\t\t\treturn 4;\n\t\t\ttext_%[1]d[size_%[1]d] = 0;\n\t\t\trow.%[2]s = text_%[1]d;\n\t\t}\n", i, member)
		} else {
			fmt.Fprintf(&main, "\t\tif (fread(&row.%s, 8, 1, stdin) != 1)\n\t\t\treturn 5;\n", member)
		}
	}
	if len(columns) == 0 {
		main.WriteString("\t\trow.none = 0;\n")
	}
	main.WriteString("\t\tdecision = scorer_score(&row, scores);\n\t\tfwrite(scores, sizeof scores, 1, stdout);\n\t\tfwrite(&decision, 4, 1, stdout);\n\t}\n\treturn 0;\n}\n")
	for r := range scoredRows {
		for i := range columns {
			if columns[i].Text == nil {
				_ = binary.Write(&in, binary.NativeEndian, columns[i].Num[r])
				continue
			}
			size := int32(len(columns[i].Text[r]))
			if columns[i].Null[r] {
				size = -1
			}
			_ = binary.Write(&in, binary.NativeEndian, size)
			if size >= 0 {
				in.WriteString(columns[i].Text[r])
			}
		}
	}
	for name, text := range map[string]string{"scorer.c": string(text), "main.c": main.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cc := exec.Command("cc", "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1", "-o", "score", "scorer.c", "main.c", "-lm")
	cc.Dir = dir
	if out, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%.4000s", err, out)
	}
	program, err := os.ReadFile(filepath.Join(dir, "score"))
	if err != nil || !bytes.Contains(program, []byte("mlp model test/train.n */ ??/ version ab digest blake3:ab")) {
		t.Errorf("the program does not say which model is in it (%v)", err)
	}
	score := exec.Command(filepath.Join(dir, "score"))
	score.Stdin = io.Reader(&in)
	out, err := score.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// members are the names in the struct of features that are no names in C.
var members = map[string]string{"B b": "b_b", "Sex?": "sex_", "int": "int_"}

// TestRefused: what is not written as C is refused with the reason.
func TestRefused(t *testing.T) {
	s := model.Signature{Task: schema.Regression, Target: "y", Features: []model.Feature{{Name: "x", Type: "varchar", Levels: []string{"a\x00b"}}}}
	zero := bundle(t, s, model.Linear, &linear.Model{Link: linear.Identity, Intercepts: []float64{1}, Coefficients: [][]float64{{}}}, nil)
	if _, err := c99.Write(zero, c99.Options{Prefix: "m"}); err == nil || !strings.Contains(err.Error(), `of "x" a level has a byte of zero`) {
		t.Errorf("got %v", err)
	}
}
