package model

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// reportOf is what a run reports, as bytes and read.
func reportOf(t *testing.T, e evaluate) (string, *report.Report) {
	t.Helper()
	o := e.run(t)
	if o.err != nil || len(o.shape.Problems) > 0 {
		t.Fatal(o.err, o.shape.Problems)
	}
	data, err := os.ReadFile(filepath.Join(o.root, "out", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), r
}

// titles of all parts, in their order.
func titles(r *report.Report) string {
	var out []string
	for _, s := range r.Sections {
		out = append(out, s.Title+":")
		for _, i := range s.Items {
			switch {
			case i.Plot != nil:
				out = append(out, i.Plot.Title)
			case i.Table != nil:
				out = append(out, "table "+i.Table.Columns[0].Name)
			default:
				out = append(out, "note")
			}
		}
	}
	return strings.Join(out, ", ")
}

// plot is that of a title.
func plot(t *testing.T, r *report.Report, title string) *report.Plot {
	t.Helper()
	for _, s := range r.Sections {
		for _, i := range s.Items {
			if i.Plot != nil && i.Plot.Title == title {
				return i.Plot
			}
		}
	}
	t.Fatalf("there is no plot %q", title)
	return nil
}

// tables are 600 rows: a score that tells the classes apart but for some, groups of many sizes.
const tables = `select i as id, (i % 100)::double / 50 - 1 as x, (i % 100) + (i * 7 % 40) > 69 as y, i::double / 50 + (hash(i) % 100)::double / 100 as amount,
	case when i < 10 then 'small' else 'g' || (i % 50) end as region from range(6000) t(i)`

var reported = map[string]struct {
	evaluate
	want string
}{
	"two classes": {evaluate{config: `{"metrics": [{"name": "auc", "type": "roc_auc"}, {"name": "recall", "type": "recall"}], "slice": [{"name": "late", "where": "id > 3000"}, {"name": "early", "where": "id <= 3000"}],
			"fairness": [{"name": "region", "metrics": ["demographic_parity_difference"], "min_group_size": 20, "method": "between_groups", "agg": "worst_case"}]}`,
		data: tables, task: schema.Binary, target: "y", schema: schema.Table{Key: []string{"id"}}},
		"Metrics:, table metric, Decisions:, table actual, ROC, Precision and recall, By threshold, Calibration, Scores, Slices:, table slice, Groups of region:, table comparison, table region, note, " +
			"false positive rate less that of all rows, selection rate less that of all rows, true positive rate less that of all rows, Rows that the model was most wrong about:, note, table row"},
	"several classes": {evaluate{config: `{"metrics": [{"name": "accuracy", "type": "accuracy"}]}`,
		data: numbers, task: schema.Multiclass, target: "class", schema: schema.Table{Key: []string{"id"}}},
		"Metrics:, table metric, Decisions:, table actual, table class, ROC of each class against the rest, Rows that the model was most wrong about:, note, table row"},
	"a regression": {evaluate{config: `{"metrics": [{"name": "rmse", "type": "root_mean_squared_error"}]}`,
		data: numbers, task: schema.Regression, target: "y", schema: schema.Table{Key: []string{"id"}}},
		"Metrics:, table metric, Errors:, Actual values by prediction, Errors, Rows that the model was most wrong about:, note, table row"},
	"too few rows": {evaluate{config: `{"metrics": [{"name": "rmse", "type": "root_mean_squared_error"}], "min_rows": 1000}`,
		data: numbers, task: schema.Regression, target: "y", schema: schema.Table{Key: []string{"id"}}},
		"Metrics:, table metric"},
}

func withModel(t *testing.T, e evaluate) evaluate {
	switch e.task {
	case schema.Binary:
		e.model = linearBundle(t, schema.Binary, linear.Logit, "y", []string{"false", "true"}, 3)
	case schema.Multiclass:
		e.model = linearBundle(t, schema.Multiclass, linear.Softmax, "class", []string{"a", "b", "c"}, -1, 0.2, 1)
	default:
		e.model = linearBundle(t, schema.Regression, linear.Identity, "y", nil, 1)
	}
	return e
}

// TestReports: each task has its parts, the same bytes on any number of threads, in few kilobytes.
func TestReports(t *testing.T) {
	for name, tt := range reported {
		t.Run(name, func(t *testing.T) {
			e := withModel(t, tt.evaluate)
			text, r := reportOf(t, e)
			if got := titles(r); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
			if len(text) > 100_000 {
				t.Errorf("it has %d bytes", len(text))
			}
			e.threads = 8
			if again, _ := reportOf(t, e); again != text {
				t.Error("other bytes on 8 threads")
			}
		})
	}
}

// TestCurves holds a report's curves to what the figures say: the ends of ROC, its area, the model's own threshold.
func TestCurves(t *testing.T) {
	e := withModel(t, reported["two classes"].evaluate)
	o := e.run(t)
	_, r := reportOf(t, e)
	roc := plot(t, r, "ROC").Series[1]
	n := len(roc.X)
	if roc.X[0] != 0 || roc.Y[0] != 0 || roc.X[n-1] != 1 || roc.Y[n-1] != 1 {
		t.Errorf("ROC goes from %v, %v to %v, %v", roc.X[0], roc.Y[0], roc.X[n-1], roc.Y[n-1])
	}
	area := 0.0
	for i := 1; i < n; i++ {
		if roc.X[i] < roc.X[i-1] || roc.Y[i] < roc.Y[i-1] {
			t.Fatalf("ROC goes back at point %d", i)
		}
		area += (roc.X[i] - roc.X[i-1]) * (roc.Y[i] + roc.Y[i-1]) / 2
	}
	if auc := o.number(t, "metrics.auc"); area < auc-0.01 || area > auc+0.01 {
		t.Errorf("the area below ROC is %v, the metric %v", area, auc)
	}
	by := plot(t, r, "By threshold")
	if by.Series[0].Name != "the model's" || by.Series[0].X[0] != 0.5 {
		t.Errorf("the model's threshold is drawn as %+v", by.Series[0])
	}
	recall := by.Series[2]
	for i, x := range recall.X {
		if x <= 0.5 && i+1 < len(recall.X) && recall.X[i+1] > 0.5 {
			if want := o.number(t, "metrics.recall"); recall.Y[i] < want-0.03 || recall.Y[i+1] > want+0.03 {
				t.Errorf("recall is %v at %v, and %v by the metric", recall.Y[i], x, want)
			}
		}
	}
}

// TestWorstSlicesFirst: slices are in the order of what a reviewer looks for.
func TestWorstSlicesFirst(t *testing.T) {
	_, r := reportOf(t, withModel(t, reported["two classes"].evaluate))
	for _, s := range r.Sections {
		if s.Title != "Slices" {
			continue
		}
		rows := s.Items[0].Table.Rows
		if a, b := *rows[0][3].Value, *rows[1][3].Value; a > b {
			t.Errorf("%s with auc %v stands before %s with %v", rows[0][0].Text, a, rows[1][0].Text, b)
		}
		if last := rows[len(rows)-1]; last[0].Text != "all rows" || *last[1].Value != 6000 {
			t.Errorf("the last row is %+v", last)
		}
	}
}

// TestReportsHideFew: a group of fewer than 20 rows is not named, and no value of a row stands in a report. The key, the amount and
// the feature of each row are looked for.
func TestReportsHideFew(t *testing.T) {
	text, _ := reportOf(t, withModel(t, reported["two classes"].evaluate))
	if strings.Contains(text, "small") {
		t.Error("a group of 10 rows is named")
	}
	secret := strings.ReplaceAll(numbers, "i::double / 50 as x", "case when i = 7 then 31.4159 else i::double / 50 end as x")
	e := withModel(t, evaluate{config: `{"metrics": [{"name": "rmse", "type": "root_mean_squared_error"}]}`, data: secret,
		task: schema.Regression, target: "y", schema: schema.Table{Key: []string{"id"}}})
	text, _ = reportOf(t, e)
	for _, value := range []float64{31.4159} {
		if strings.Contains(text, fmt.Sprint(value)) {
			t.Errorf("the value %v of one row stands in the report", value)
		}
	}
}

// TestDifferences: a result differs from itself by exactly 0, and from another by the same as that one from it, the other way round.
func TestDifferences(t *testing.T) {
	for name, tt := range reported {
		if name == "too few rows" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			e := withModel(t, tt.evaluate)
			first := e.run(t)
			switch e.task { // another model of the same rows
			case schema.Binary:
				e.model = linearBundle(t, schema.Binary, linear.Logit, "y", []string{"false", "true"}, -1)
			case schema.Multiclass:
				e.model = linearBundle(t, schema.Multiclass, linear.Softmax, "class", []string{"a", "b", "c"}, 1, 0.2, -1)
			default:
				e.model = linearBundle(t, schema.Regression, linear.Identity, "y", nil, 0.5)
			}
			second := e.run(t)
			predictions := func(o *outcome) string { return filepath.Join(o.root, "out", "predictions", "table.parquet") }
			data := e.schema
			b := table.NewBinder(nil)
			defer b.Close()
			data.Columns = columnsOf(t, b, e.data)
			p := Pair{Config: json.RawMessage(e.config), Data: filepath.Join(first.root, "in", "data", "table.parquet"), Table: &data,
				Model: schema.Model{Task: e.task, Target: e.target}, Before: predictions(first), After: predictions(second), Threads: 1}
			delta := func(p Pair, part string) map[string]float64 {
				figures, err := Differences(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				out := map[string]float64{}
				for metric, d := range figures["delta"].(map[string]any) {
					x, ok := d.(map[string]any)[part].(float64)
					if !ok {
						t.Fatalf("%s of %s is undefined: %v", part, metric, figures["undefined"])
					}
					out[metric] = x
				}
				return out
			}
			there := delta(p, "value")
			p.Before, p.After = p.After, p.Before
			apart := false
			for metric, x := range delta(p, "value") {
				apart = apart || x != 0
				if math.Abs(x+there[metric]) > 1e-12 {
					t.Errorf("%s: %v there and %v back", metric, there[metric], x)
				}
			}
			if !apart {
				t.Error("two models differ in nothing")
			}
			p.After = p.Before
			for metric, x := range delta(p, "value") {
				if low := delta(p, "low")[metric]; x != 0 || low != 0 {
					t.Errorf("%s differs from itself by %v, from %v", metric, x, low)
				}
			}
		})
	}
}
