package gradient_boosting_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
	gb "github.com/mlp-lang/mlp/stdlib/train/gradient_boosting"
)

// rows are customers whose churn depends on tenure and contract, with noise, gaps and a constant column.
const rows = `
select i as id,
  case when i % 11 <> 0 then (i * 37) % 60 end as tenure,
  ['month', 'one year', 'two years', 'other', 'none', 'trial'][1 + (i * 13) % 6] as contract,
  1.5 as same,
  (i * 7) % 100 as noise,
  (hash(i)::double / 18446744073709551616.0) < 1 / (1 + exp(((i * 37) % 60) / 10.0 - 2 - (case when (i * 13) % 6 = 0 then 2 else 0 end))) as churned,
  case (i * 37) % 60 // 20 when 0 then 'new' when 1 then 'known' else 'old' end as age,
  (i * 37) % 60 * 2.0 + (i * 7) % 10 as spend
from range(%d, %d) t(i)`

func between(from, to int) stagetest.Table {
	return stagetest.Table{SQL: strings.NewReplacer("(%d, %d)", bracket(from, to)).Replace(rows), Schema: schema.Table{Key: []string{"id"}}}
}

func bracket(from, to int) string {
	data, _ := json.Marshal([]int{from, to})
	return "(" + strings.Trim(string(data), "[]") + ")"
}

func block(config string) stagetest.Block {
	return stagetest.Block{Address: "train.churn", Config: config,
		Tables: map[string]stagetest.Table{"data": between(0, 2000), "validation": between(2000, 2600)}}
}

const binary = `{"target": "churned", "features": ["tenure", "contract", "same", "noise"], "seed": 7,
  "params": {"trees": 200, "learning_rate": 0.1, "max_depth": 3, "subsample": 0.8, "column_sample": 0.8},
  "decision": {"maximize": {"name": "recall", "type": "recall"},
    "where": [{"metric": {"name": "fpr", "type": "false_positive_rate"}, "op": "<=", "limit": 0.1}]}}`

// TestLossOfDigits: values that fall together as 32-bit floats are told with how many are left; what trees can tell apart is
// not.
func TestLossOfDigits(t *testing.T) {
	const sql = `select i % 101 > 50 as y, 1700000000 + i % 101 as epoch, 16777216 + i % 4 as few, 1 + (i % 50) * 1e-9 as close, (hash(i) % 1000)::double / 7 as fine,
		timestamp '2026-01-01' - timestamp '1970-01-01' is not null and i % 3 = 0 as flag, 1700000000 + i * 100000 as year, 0.1 * (i % 300) as tenth,
		1.7e9 + i % 3 as much, 1e-9 * (i % 101) as tiny from range(3000) t(i)`
	tests := []struct {
		target, features string
		want             []string
	}{
		{"y", `["epoch", "few", "close", "fine", "flag", "year", "tenth"]`, []string{
			`feature \"epoch\" has 101 distinct values, and 2 as 32-bit floats, in which trees compare: subtract what its values have in common, as in epoch - 1700000000`,
			`feature \"few\" has 4 distinct values, and 3 as 32-bit floats`,
			`feature \"close\" has 50 distinct values, and 1 as 32-bit floats`,
		}},
		{"much", `["fine", "year"]`, []string{`target \"much\" has 3 distinct values, and 1 as 32-bit floats, in which trees add up: subtract`}},
		{"tiny", `["fine"]`, nil},
	}
	for _, tt := range tests {
		task := "regression"
		if tt.target == "y" {
			task = "binary_classification"
		}
		r := stagetest.Run(t, gb.Component, stagetest.Block{Address: "train.m", Tables: map[string]stagetest.Table{"data": {SQL: sql}},
			Config: `{"target": "` + tt.target + `", "features": ` + tt.features + `, "task": "` + task + `", "params": {"trees": 2}}`})
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		for _, want := range tt.want {
			if !strings.Contains(r.Log, want) {
				t.Errorf("no warning %s in\n%s", want, r.Log)
			}
		}
		if n := strings.Count(r.Log, "32-bit"); n != len(tt.want) {
			t.Errorf("%d warnings of %s in\n%s", n, tt.target, r.Log)
		}
	}
}

func TestBinary(t *testing.T) {
	r := stagetest.Run(t, gb.Component, block(binary))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	m := r.Shape.Out["model"].Model
	if m == nil || m.Task != schema.Binary || m.Target != "churned" || len(m.Features) != 4 {
		t.Errorf("got model %+v", m)
	}
	f := r.Figures(t)
	loss, threshold := f["validation_loss"].(float64), f["threshold"].(float64)
	if loss > 0.5 || threshold <= 0 || threshold >= 1 || f["rows"].(float64) != 2000 || f["validation_rows"].(float64) != 600 {
		t.Errorf("got figures %v", f)
	}
	if rounds := f["rounds"].(float64); rounds >= 200 || rounds < 5 {
		t.Errorf("stopped after %v rounds, early stopping wanted", rounds)
	}
	importance := f["importance"].(map[string]any)
	if importance["tenure"].(float64) < 0.5 || importance["same"].(float64) != 0 {
		t.Errorf("got importance %v", importance)
	}
	for _, want := range []string{"missing in some rows: tenure", "the same in every row: same", `"mlp":"progress"`, "decision: positive from"} {
		if !strings.Contains(r.Log, want) {
			t.Errorf("the log lacks %q:\n%s", want, r.Log)
		}
	}
	falsePositiveRate(t, r, threshold)
}

// falsePositiveRate scores the validation rows with the model that was written, and checks the limit there.
func falsePositiveRate(t *testing.T, r *stagetest.Result, threshold float64) {
	t.Helper()
	b, err := model.Read(filepath.Join(r.Root, "out", "model"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := table.ReadFrame(t.Context(), filepath.Join(r.Root, "in", "validation", component.TableFile), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Score(f, 2)
	if err != nil {
		t.Fatal(err)
	}
	var negatives, wrong float64
	for row, y := range f.Column("churned").Num {
		if y == 0 {
			negatives++
			wrong += float64(p.Class[row])
		}
	}
	if got := wrong / negatives; got > 0.1 || got < 0.05 || b.Threshold() != threshold {
		t.Errorf("false positive rate %.3f at threshold %g (figures say %g), at most 0.1 wanted, and near it", got, b.Threshold(), threshold)
	}
}

func TestSameBytesOnOneThreadAndThree(t *testing.T) {
	files := func(threads int) string {
		r := stagetest.Run(t, gb.Component, block(binary)) // lays out the stage
		var log bytes.Buffer
		s, err := component.Open(r.Root, threads, &log)
		if err != nil {
			t.Fatal(err)
		}
		if err := gb.Component.Run(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		var all string
		for _, name := range []string{"model/bundle.json", "model/model.json", "metrics.json", "report.json"} {
			data, err := os.ReadFile(filepath.Join(r.Root, "out", name))
			if err != nil {
				t.Fatal(err)
			}
			all += string(data)
		}
		return all
	}
	if files(1) != files(3) {
		t.Error("the number of threads changes the bytes")
	}
}

// TestRowsLeftOut: rows without a target, anywhere in both tables, leave the bytes of model.json and the
// threshold that the other rows alone give.
func TestRowsLeftOut(t *testing.T) {
	without := func(from, to int, drop string) stagetest.Table {
		in := between(from, to)
		in.SQL = "select * replace (" + drop + " as churned), case when i % 3 = 0 then 2.0 else 1 end as w from (select *, id as i from (" + in.SQL + "))"
		return in
	}
	run := func(data, validation stagetest.Table) (string, any, float64) {
		r := stagetest.Run(t, gb.Component, stagetest.Block{Address: "train.churn", Config: strings.Replace(binary, `"seed": 7,`, `"seed": 7, "weight": "w",`, 1),
			Tables: map[string]stagetest.Table{"data": data, "validation": validation}})
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		model, err := os.ReadFile(filepath.Join(r.Root, "out", "model", "model.json"))
		if err != nil {
			t.Fatal(err)
		}
		f := r.Figures(t)
		return string(model), f["threshold"], f["dropped"].(float64)
	}
	const gone = "case when i % 7 in (0, 3) then null else churned end"
	model, threshold, dropped := run(without(0, 2000, gone), without(2000, 2600, gone))
	data, validation := without(0, 2000, gone), without(2000, 2600, gone)
	data.SQL, validation.SQL = "select * from ("+data.SQL+") where churned is not null", "select * from ("+validation.SQL+") where churned is not null"
	want, wantThreshold, none := run(data, validation)
	if model != want || threshold != wantThreshold || dropped < 500 || none != 0 {
		t.Errorf("other models, or thresholds %v and %v; %v and %v rows are left out", threshold, wantThreshold, dropped, none)
	}
}

func TestMulticlassAndRegression(t *testing.T) {
	tests := []struct {
		name, config string
		task         schema.Task
		loss         float64
	}{
		{"classes", `{"target": "age", "features": ["tenure", "noise"], "params": {"trees": 30, "max_depth": 3}}`, schema.Multiclass, 0.2},
		{"text as binary", `{"target": "contract", "positive": "month", "task": "multiclass_classification", "features": ["tenure"]}`, "", 0},
		{"regression", `{"target": "spend", "features": ["tenure", "noise"], "params": {"trees": 100}}`, schema.Regression, 12},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.task == "" {
				got := stagetest.Shape(t, gb.Component, block(tt.config)).Problems
				if len(got) != 1 || got[0].Path != "positive" {
					t.Errorf("got problems %v", got)
				}
				return
			}
			r := stagetest.Run(t, gb.Component, block(tt.config))
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			f := r.Figures(t)
			if got := r.Shape.Out["model"].Model.Task; got != tt.task || f["threshold"] != nil || f["validation_loss"].(float64) > tt.loss {
				t.Errorf("got task %s, figures %v", got, f)
			}
		})
	}
}

func TestRefusedBeforeRunning(t *testing.T) {
	tests := []struct{ name, config, path, want string }{
		{"learning rate", `{"target": "churned", "features": ["tenure"], "params": {"learning_rate": 0}}`, "params.learning_rate", "learning_rate is 0"},
		{"no limit at all", `{"target": "churned", "features": ["tenure"], "params": {"max_depth": 0}}`, "params.max_depth", "max_depth is 0"},
		{"no trees", `{"target": "churned", "features": ["tenure"], "params": {"trees": 0}}`, "params.trees", "trees is 0"},
		{"misspelt feature", `{"target": "churned", "features": ["tenur"]}`, "features[0]", `no column "tenur"`},
		{"target as feature", `{"target": "churned", "features": ["tenure", "CHURNED"]}`, "features[1]", "gives the target away"},
		{"a metric of scores", `{"target": "churned", "features": ["tenure"], "decision": {"maximize": {"name": "auc", "type": "roc_auc"}}}`, "decision.maximize", "cannot be chosen"},
	}
	for _, tt := range tests {
		got := stagetest.Shape(t, gb.Component, block(tt.config)).Problems
		if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.want) {
			t.Errorf("%s: got %+v, want %q at %s", tt.name, got, tt.want, tt.path)
		}
	}
	b := block(`{"target": "churned", "features": ["tenure"], "params": {"early_stopping_rounds": 5}}`)
	delete(b.Tables, "validation")
	if got := stagetest.Shape(t, gb.Component, b).Problems; len(got) != 1 || got[0].Path != "params.early_stopping_rounds" {
		t.Errorf("early stopping on nothing: got %+v", got)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := stagetest.RunContext(ctx, t, gb.Component, block(binary)); !errors.Is(r.Err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", r.Err)
	}
}

// TestReport: the learning curve has each round that was fitted and ends at the loss that figures tell of, and the importance of all features
// is there, the greatest first.
func TestReport(t *testing.T) {
	r := stagetest.Run(t, gb.Component, block(binary))
	data, err := os.ReadFile(filepath.Join(r.Root, "out", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := report.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(r.Root, "out", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var figures struct {
		Rounds         int                `json:"rounds"`
		ValidationLoss float64            `json:"validation_loss"`
		Importance     map[string]float64 `json:"importance"`
	}
	if err := json.Unmarshal(raw, &figures); err != nil {
		t.Fatal(err)
	}
	plots := map[string]*report.Plot{}
	for _, s := range doc.Sections {
		for _, i := range s.Items {
			if i.Plot != nil {
				plots[i.Plot.Title] = i.Plot
			}
		}
	}
	learning := plots["Learning curve"].Series[1]
	if at := figures.Rounds - 1; learning.Y[at] != figures.ValidationLoss || learning.X[at] != float64(figures.Rounds) {
		t.Errorf("round %v has the loss %v, and figures say %v of round %d", learning.X[at], learning.Y[at], figures.ValidationLoss, figures.Rounds)
	}
	p := plots["Importance"]
	if len(p.Y.Categories) != len(figures.Importance) {
		t.Errorf("got the importance of %v, figures have %d", p.Y.Categories, len(figures.Importance))
	}
	for i, name := range p.Y.Categories {
		if x := p.Series[0].X[i]; x != figures.Importance[name] || i > 0 && x > p.Series[0].X[i-1] {
			t.Errorf("%s has %v, figures say %v", name, x, figures.Importance[name])
		}
	}
}

// wideRows has 3,000 towns, of which each tells by itself, in 24,000 rows.
const wideRows = `select i as id, case when i %% 97 > 0 then 'town ' || (i * 7919) %% 3000 end as town, (i * 31) %% 100 as x,
  hash((i * 7919) %% 3000) %% 100 + hash(i * 3) %% 60 > 80 as churned from range(%d, %d) t(i)`

func wide(config string) stagetest.Block {
	return stagetest.Block{Address: "train.towns", Config: config, Tables: map[string]stagetest.Table{
		"data":       {SQL: fmt.Sprintf(wideRows, 0, 24000), Schema: schema.Table{Key: []string{"id"}}},
		"validation": {SQL: fmt.Sprintf(wideRows, 24000, 27000), Schema: schema.Table{Key: []string{"id"}}},
	}}
}

// TestManyCategories: of a text column thousands of categories are kept, each tells by itself, and a model is gone on with, predicts out of fold and takes the
// column encoded by the target all the same.
func TestManyCategories(t *testing.T) {
	const head = `{"target": "churned", "features": ["town", "x"], "params": {"early_stopping_rounds": 0, "max_depth": 4, "trees": `
	ofRounds := func(n int) string { return head + strconv.Itoa(n) + `}}` }
	r := stagetest.Run(t, gb.Component, wide(ofRounds(30)))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if strings.Contains(r.Log, "categories") {
		t.Errorf("a warning of categories in\n%s", r.Log)
	}
	b, err := model.Read(filepath.Join(r.Root, "out", "model"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(b.Signature().Features[0].Levels); n != 3000 {
		t.Errorf("%d categories are kept of 3000", n)
	}
	// The mean of all has a log loss of 0.69; 255 of 3,000 towns would leave it at 0.66.
	if loss := r.Figures(t)["validation_loss"].(float64); loss > 0.6 {
		t.Errorf("the validation loss is %g: towns tell little", loss)
	}
	first := made(t, gb.Component, wide(ofRounds(10)))
	on := stagetest.Run(t, gb.Component, from(first, wide(ofRounds(20))))
	if on.Err != nil {
		t.Fatal(on.Err)
	}
	want, err := boosted(t, filepath.Join(r.Root, "out", "model")).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := boosted(t, filepath.Join(on.Root, "out", "model")).Encode(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("10 rounds and 20 more are not the model of 30 (%v)", err)
	}
	for _, more := range []string{`, "out_of_fold": {"count": 3}}`, `, "preprocess": [{"name": "town", "encode": "target"}]}`} {
		if r := stagetest.Run(t, gb.Component, wide(strings.TrimSuffix(ofRounds(5), "}")+more)); r.Err != nil {
			t.Errorf("%s: %v", more, r.Err)
		}
	}
}
