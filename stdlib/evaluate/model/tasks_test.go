package model

import (
	"math"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	trained "github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

// linearBundle is a model of x without intercepts.
func linearBundle(t testing.TB, task schema.Task, link linear.Link, target string, classes []string, coefficients ...float64) *trained.Bundle {
	t.Helper()
	m := &linear.Model{Link: link, Inputs: []linear.Input{{Kind: linear.Value, Scale: 1}}, Intercepts: make([]float64, len(coefficients))}
	for _, c := range coefficients {
		m.Coefficients = append(m.Coefficients, []float64{c})
	}
	b, err := trained.New(trained.Signature{Task: task, Target: target, Classes: classes,
		Features: []trained.Feature{{Name: "x", Type: "double"}}}, trained.Linear, m, 0.5, trained.Provenance{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const numbers = `select i as id, i::double / 50 as x, i::double / 50 + (hash(i) % 100)::double / 100 - 0.5 as y,
	case when i % 10 = 0 or i < 100 then 'a' when i < 200 then 'b' else 'c' end as class, (i % 3)::double as w from range(300) t(i)`

func TestRegression(t *testing.T) {
	e := evaluate{config: `{"metrics": [{"name": "rmse", "type": "root_mean_squared_error"}, {"name": "bias", "goal": "minimize", "sql": "avg(predicted - actual)"}]}`,
		data: numbers, task: schema.Regression, target: "y", schema: schema.Table{Key: []string{"id"}},
		model: linearBundle(t, schema.Regression, linear.Identity, "y", nil, 1)}
	o := e.run(t)
	// The noise is uniform over a width of 1.
	if got, want := o.number(t, "metrics.rmse"), math.Sqrt(1.0/12); math.Abs(got-want) > 0.02 {
		t.Errorf("got rmse %v, want about %v", got, want)
	}
	if low, high := o.number(t, "intervals.bias.low"), o.number(t, "intervals.bias.high"); low > 0.01 || high < -0.01 {
		t.Errorf("the bias lies in [%v, %v]", low, high)
	}
	for _, path := range []string{"positives", "threshold"} {
		if _, there := o.figures[path]; there {
			t.Errorf("a regression has no %s", path)
		}
	}
}

func TestSeveralClasses(t *testing.T) {
	e := evaluate{config: `{"metrics": [{"name": "loss", "type": "log_loss"}, {"name": "ovr", "type": "roc_auc_ovr"},
			{"name": "recall", "type": "recall", "average": "macro"}, {"name": "accuracy", "type": "accuracy"}]}`,
		data: numbers, task: schema.Multiclass, target: "class", schema: schema.Table{Key: []string{"id"}},
		model: linearBundle(t, schema.Multiclass, linear.Softmax, "class", []string{"a", "b", "c"}, -1, 0.2, 1)}
	o := e.run(t)
	for _, m := range []string{"loss", "ovr", "recall", "accuracy"} {
		if low, x, high := o.number(t, "intervals."+m+".low"), o.number(t, "metrics."+m), o.number(t, "intervals."+m+".high"); !(low <= x && x <= high) {
			t.Errorf("%s: %v is not in [%v, %v]", m, x, low, high)
		}
	}
	// The probabilities come back from the table of predictions exactly: a model differs in nothing from itself.
	champion := e
	champion.config = strings.TrimSuffix(e.config, "}") + `, "champion": true}`
	champion.before = o
	c := champion.run(t)
	for _, m := range []string{"loss", "ovr", "recall", "accuracy"} {
		for _, bound := range []string{"low", "value", "high"} {
			if got := c.number(t, "delta."+m+"."+bound); got != 0 {
				t.Errorf("delta.%s.%s: got %v between a model and itself", m, bound, got)
			}
		}
	}
}

// TestUnseenClass has a class among the rows that the model knows nothing of: they count as wrong, as in scikit-learn.
func TestUnseenClass(t *testing.T) {
	e := evaluate{config: `{"metrics": [{"name": "accuracy", "type": "accuracy"}, {"name": "recall", "type": "recall", "average": "macro"}, {"name": "loss", "type": "log_loss"},
			{"name": "ovr", "type": "roc_auc_ovr"}, {"name": "f1", "type": "f1", "average": "macro"}], "slice": [{"name": "late", "where": "id >= 200"}, {"name": "early", "where": "id < 100"}]}`,
		data: numbers, task: schema.Multiclass, target: "class",
		schema: schema.Table{Key: []string{"id"}}, model: linearBundle(t, schema.Multiclass, linear.Softmax, "class", []string{"a", "b", "z"}, -1, 0, 1)}
	o := e.run(t)
	if want := `90 of 300 rows are of class \"c\", which the model does not know: they count as wrong`; !strings.Contains(o.log, want) {
		t.Errorf("got %s, want %q", o.log, want)
	}
	if got := o.number(t, "slices.late.accuracy"); got != 0 {
		t.Errorf("got an accuracy of %v where 9 in 10 rows are of the unseen class and none is told", got)
	}
	for path, want := range map[string]string{
		"metrics.loss": `the model knows no class "c"`, "intervals.loss.low": `the model knows no class "c"`, "metrics.ovr": `the model knows no class "c"`,
		"metrics.recall": `no row is of class "z"`, "slices.early.f1": `predicted of class "b"`,
	} {
		if got := o.reason(t, path); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	// Where every class occurs the unseen one counts with a recall of 0.
	e.data = "select id, x, y, w, case when id % 5 = 0 then 'z' else class end as class from (" + numbers + ")"
	o = e.run(t)
	o.number(t, "intervals.recall.low")
	e.config = `{"metrics": [{"name": "accuracy", "type": "accuracy"}]}`
	e.task, e.target, e.model = schema.Binary, "class", nil
	e.data, e.opaque = "select i as id, ['n', 'p', 'q'][1 + i % 3] as class from range(60) t(i)", "select ['n', 'p'][1 + i % 2] as predicted from range(60) t(i)"
	if o := e.run(t); o.err == nil {
		t.Error("a third class of two is no mistake")
	}
}

// TestScoresOfTheOtherClass are told, or refused where decisions and scores contradict each other on every row.
func TestScoresOfTheOtherClass(t *testing.T) {
	e := evaluate{config: `{"metrics": [{"name": "auc", "type": "roc_auc"}]}`, data: "select i as id, i % 2 = 0 as y from range(60) t(i)",
		task: schema.Binary, target: "y", schema: schema.Table{Key: []string{"id"}}}
	for _, tc := range []struct{ predictions, refused, told string }{
		{"select i % 3 = 0 as predicted, case when i % 3 = 0 then 0.8 else 0.3 end as score from range(60) t(i)", "", ""},
		{"select i % 3 = 0 as predicted, case when i % 3 = 0 then 0.2 else 0.7 end as score from range(60) t(i)", `every row that is predicted "true", the positive class, has a lower score`, ""},
		{"select i % 3 = 0 as predicted, case when i % 3 = 0 then 0.2 + i / 1000 else 0.7 - i / 100 end as score from range(60) t(i)", "", "is positive the right class"},
		{"select i as o, i % 3 = 0 as predicted, case when i % 2 = 0 then 0.2 + i % 7 / 100 else 0.7 - i % 7 / 100 end as score from range(60) t(i)", "", "scores are lower where the class is \\\"true\\\""},
	} {
		e.opaque = tc.predictions
		o := e.run(t)
		if (o.err != nil) != (tc.refused != "") || o.err != nil && !strings.Contains(o.err.Error(), tc.refused) {
			t.Errorf("%s: got %v, want %q", tc.predictions, o.err, tc.refused)
		}
		if !strings.Contains(o.log, tc.told) || strings.Contains(o.log, "is positive the right class") != (tc.told != "") {
			t.Errorf("%s: got %s", tc.predictions, o.log)
		}
	}
}

// TestWeights leaves out what weighs nothing, and counts twice what weighs double.
func TestWeights(t *testing.T) {
	e := evaluate{config: `{"weight": "w", "metrics": [{"name": "mae", "type": "mean_absolute_error"},
			{"name": "same", "goal": "minimize", "sql": "sum(weight * abs(actual - predicted)) / sum(weight)"}]}`,
		data: numbers, task: schema.Regression, target: "y", schema: schema.Table{Key: []string{"id"}},
		model: linearBundle(t, schema.Regression, linear.Identity, "y", nil, 1)}
	o := e.run(t)
	if got, want := o.number(t, "metrics.mae"), o.number(t, "metrics.same"); math.Abs(got-want) > 1e-12 {
		t.Errorf("got %v, by SQL %v", got, want)
	}
	e.config = strings.Replace(e.config, `"weight": "w", `, "", 1)
	if plain := e.run(t).number(t, "metrics.mae"); plain == o.number(t, "metrics.mae") {
		t.Errorf("the weights change nothing: %v", plain)
	}
	e.config = strings.Replace(e.config, `{"metrics"`, `{"weight": "x", "metrics"`, 1)
	e.data = "select * replace (x - 1 as x) from (" + numbers + ")"
	if o := e.run(t); o.err == nil || !strings.Contains(o.err.Error(), `row 1: the weight (column "x") is -1`) {
		t.Errorf("got %v", o.err)
	}
}

// TestWrongOrder: rows that are not in the order of the key that they claim to have cannot be paired.
func TestWrongOrder(t *testing.T) {
	e := evaluate{config: `{"metrics": [{"name": "mae", "type": "mean_absolute_error"}]}`, data: numbers, task: schema.Regression, target: "y",
		schema: schema.Table{Key: []string{"w"}}, model: linearBundle(t, schema.Regression, linear.Identity, "y", nil, 1)}
	e.unsorted = true
	if o := e.run(t); o.err == nil || !strings.Contains(o.err.Error(), "not in the order of its key (w)") {
		t.Errorf("got %v", o.err)
	}
}
