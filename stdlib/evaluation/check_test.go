package evaluation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// payments is the table that blocks are checked against: a key, groups, weights, a time and the target of each task.
var payments = schema.Table{Key: []string{"id"}, Columns: []schema.Column{
	{Name: "id", Type: "bigint"}, {Name: "region", Type: "varchar"}, {Name: "adult", Type: "boolean"}, {Name: "branch", Type: "smallint"},
	{Name: "amount", Type: "double"}, {Name: "at", Type: "timestamp"}, {Name: "fraud", Type: "boolean"}, {Name: "kind", Type: "varchar"},
}}

// checker of a block that evaluates a model of a task on payments.
func checker(t *testing.T, task schema.Task, config string) *Checker {
	t.Helper()
	k := &Checker{Config: &Config{}, Data: &payments, Model: schema.Model{Task: task, Target: map[schema.Task]string{
		schema.Binary: "fraud", schema.Multiclass: "kind", schema.Regression: "amount"}[task]}}
	if err := json.Unmarshal([]byte(config), k.Config); err != nil {
		t.Fatalf("%s: %v", config, err)
	}
	k.Defaults()
	return k
}

// lines are problems as a reader meets them: where, what, and what else is said.
func lines(problems []schema.Problem) string {
	var out []string
	for _, p := range problems {
		line := p.Path + ": " + p.Summary
		for _, more := range []string{p.Detail, p.Hint} {
			if more != "" {
				line += " | " + more
			}
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// TestDefinitions: what is wrong with a block whatever the table, and which metrics are left to compute.
func TestDefinitions(t *testing.T) {
	const (
		auc      = `{"name": "auc", "type": "roc_auc"}`
		f1       = `{"name": "f1", "type": "f1"}`
		withAUC  = `"metrics": [` + auc + `]`
		interval = "intervals.resamples: %d resamples | Expected 0, for no intervals, or 20 to 100000."
		share    = "intervals.confidence: A confidence of %v | Expected a share between 0 and 1, such as 0.95."
	)
	resamples := func(n int) string {
		return fmt.Sprintf(`{%s, "intervals": {"resamples": %d, "confidence": 0.9}}`, withAUC, n)
	}
	confidence := func(c string) string {
		return fmt.Sprintf(`{%s, "intervals": {"resamples": 50, "confidence": %s}}`, withAUC, c)
	}
	for _, tc := range []struct {
		task                schema.Task
		config, names, want string
	}{
		{schema.Binary, `{` + withAUC + `}`, "auc", ""},
		{schema.Binary, `{"metrics": [` + f1 + `, ` + auc + `]}`, "f1 auc", ""},
		{schema.Binary, `{}`, "", "metrics: No metric is listed | An evaluation computes at least one."},
		{schema.Binary, `{"metrics": [{"name": "a", "type": "acu"}]}`, "", ""}, // told where the metric is defined
		{schema.Binary, `{"metrics": [{"name": "a", "type": "acu"}, ` + auc + `, ` + f1 + `, ` + auc + `]}`, "auc f1", "metrics[3]: metric.auc is listed twice"},
		{schema.Binary, `{"metrics": [{"name": "count", "type": "roc_auc"}]}`, "count",
			`metrics[0]: A metric named "count" cannot be told from a slice's own figure | rename the metric`},
		{schema.Binary, `{"metrics": [` + auc + `, {"name": "positives", "type": "f1"}]}`, "auc positives",
			`metrics[1]: A metric named "positives" cannot be told from a slice's own figure | rename the metric`},

		{schema.Binary, resamples(-1), "auc", fmt.Sprintf(interval, -1)},
		{schema.Binary, resamples(0), "auc", ""},
		{schema.Binary, resamples(1), "auc", fmt.Sprintf(interval, 1)},
		{schema.Binary, resamples(19), "auc", fmt.Sprintf(interval, 19)},
		{schema.Binary, resamples(20), "auc", ""},
		{schema.Binary, resamples(100000), "auc", ""},
		{schema.Binary, resamples(100001), "auc", fmt.Sprintf(interval, 100001)},
		{schema.Binary, confidence("0"), "auc", fmt.Sprintf(share, 0)},
		{schema.Binary, confidence("0.001"), "auc", ""},
		{schema.Binary, confidence("0.999"), "auc", ""},
		{schema.Binary, confidence("1"), "auc", fmt.Sprintf(share, 1)},
		{schema.Binary, confidence("95"), "auc", fmt.Sprintf(share, 95)},
		{schema.Binary, confidence("-0.95"), "auc", fmt.Sprintf(share, -0.95)},

		{schema.Binary, `{` + withAUC + `, "min_rows": 0}`, "auc", ""},
		{schema.Binary, `{` + withAUC + `, "min_rows": -1}`, "auc", "min_rows: min_rows is negative"},
		{schema.Binary, `{` + withAUC + `, "min_positives": -1}`, "auc", "min_positives: min_positives is negative"},
		{schema.Binary, `{` + withAUC + `, "min_positives": 1}`, "auc", ""},
		{schema.Multiclass, `{` + withAUC + `, "min_positives": 0}`, "auc", ""},
		{schema.Multiclass, `{` + withAUC + `, "min_positives": 1}`, "auc",
			"min_positives: min_positives is for binary classification | The model's task is multiclass_classification."},
		{schema.Regression, `{` + withAUC + `, "min_positives": -5}`, "auc", "min_positives: min_positives is negative"},
		{"", `{` + withAUC + `, "min_positives": 20}`, "auc", ""}, // while the task is not known nothing is said of it
	} {
		k := checker(t, tc.task, tc.config)
		if got := strings.Join(k.Definitions(), " "); got != tc.names {
			t.Errorf("%s, %s: the metrics are %q, want %q", tc.task, tc.config, got, tc.names)
		}
		if got := lines(k.Problems); got != tc.want {
			t.Errorf("%s, %s: told\n%s\nwant\n%s", tc.task, tc.config, got, tc.want)
		}
	}
}

// TestTable: what is wrong with a block on a table of these columns, in the order in which it is told.
func TestTable(t *testing.T) {
	const (
		auc     = `{"name": "auc", "type": "roc_auc"}`
		rmse    = `{"name": "rmse", "type": "root_mean_squared_error"}`
		all     = "It has id, region, adult, branch, amount, at, fraud, kind."
		classes = "Expected one of demographic_parity_difference, demographic_parity_ratio, equal_opportunity_difference, equal_opportunity_ratio, " +
			"equalized_odds_difference, equalized_odds_ratio, auc_difference, auc_ratio."
	)
	metric := func(def string) string { return `{"metrics": [` + def + `]}` }
	slice := func(where string) string {
		return fmt.Sprintf(`{"metrics": [`+auc+`], "slice": [{"name": "eu", "where": %q}]}`, where)
	}
	fairness := func(metrics, label, more string) string {
		return fmt.Sprintf(`{"metrics": [%s], "fairness": [{"name": %q, "min_group_size": 20%s}]}`, metrics, label, more)
	}
	const parity = `, "metrics": ["demographic_parity_difference"]`
	for _, tc := range []struct {
		task         schema.Task
		config, want string
	}{
		// Weights.
		{schema.Binary, `{"metrics": [` + auc + `], "weight": "amount"}`, ""},
		{schema.Binary, `{"metrics": [` + auc + `], "weight": "BRANCH"}`, ""},
		{schema.Binary, `{"metrics": [` + auc + `], "weight": "amuont"}`, `weight: The data has no column "amuont" | did you mean "amount"?`},
		{schema.Binary, `{"metrics": [` + auc + `], "weight": "region"}`, `weight: Column "region" is varchar, expected a number`},
		{schema.Binary, `{"metrics": [` + auc + `], "weight": "adult"}`, `weight: Column "adult" is boolean, expected a number`},

		// Metrics by task and by what the predictions have.
		{schema.Regression, metric(auc), `metrics[0]: Metric "auc" (roc_auc) is for binary_classification, and the model's task is regression`},
		{schema.Multiclass, metric(auc), `metrics[0]: Metric "auc" (roc_auc) is for binary_classification, and the model's task is multiclass_classification; use type = "roc_auc_ovr"`},
		{schema.Binary, metric(rmse + `, ` + auc), `metrics[0]: Metric "rmse" (root_mean_squared_error) is for regression, and the model's task is binary_classification`},
		{"no scores", metric(`{"name": "f1", "type": "f1"}, ` + auc),
			`metrics[1]: Metric "auc" (roc_auc) needs scores | The model's predictions have no column of them.`},
		{"no scores", metric(rmse), `metrics[0]: Metric "rmse" (root_mean_squared_error) is for regression, and the model's task is binary_classification`},

		// Metrics in SQL, and slices.
		{schema.Binary, metric(`{"name": "loss", "goal": "minimize", "sql": "sum(amount * weight) filter (where predicted and not actual and score > 0.5)"}`), ""},
		{schema.Binary, metric(`{"name": "any", "goal": "maximize", "sql": "bool_or(actual)"}`), ""},
		{schema.Binary, metric(auc + `, {"name": "loss", "goal": "minimize", "sql": "max(region)"}`),
			`metrics[1]: Metric "loss": the expression is varchar, expected a number`},
		{schema.Binary, metric(`{"name": "loss", "goal": "minimize", "sql": "sum(amuont)"}`),
			`metrics[0]: Metric "loss": there is no column "amuont" | The nearest are amount, adult, fraud, at, actual. | did you mean "amount"?`},
		{"no scores", metric(`{"name": "loss", "goal": "minimize", "sql": "avg(score)"}`), `metrics[0]: Metric "loss": there is no column "score" | The nearest is predicted.`},
		{schema.Binary, metric(`{"name": "loss", "goal": "minimize", "sql": "amount"}`),
			`metrics[0]: Metric "loss": an aggregate is expected here | The expression has a value for each row; a value over many rows is wanted, such as sum(amount) or count(*).`},
		{"no target", metric(`{"name": "loss", "goal": "minimize", "sql": "sum(amuont)"}`), ""}, // that the target is missing is told
		{"own score", metric(auc + `, {"name": "loss", "goal": "minimize", "sql": "sum(amount)"}, {"name": "gain", "goal": "maximize", "sql": "sum(x)"}`),
			`metrics[1]: Metric "loss": the data's column "Score" has the name of a column of predictions | Its SQL could mean either. | rename it in a dataset` + "\n" +
				`metrics[2]: Metric "gain": the data's column "Score" has the name of a column of predictions | Its SQL could mean either. | rename it in a dataset`},
		{"own weight", metric(`{"name": "loss", "goal": "minimize", "sql": "sum(amount)"}`),
			`metrics[0]: Metric "loss": the data's column "weight" has the name of a column of predictions | Its SQL could mean either. | rename it in a dataset`},
		{"no key", metric(`{"name": "loss", "goal": "minimize", "sql": "sum(row)"}`), ""}, // of the data: the number of a row is none of SQL's columns
		{schema.Binary, slice("region = 'EU'"), ""},
		{schema.Binary, slice("amount"), "slice[eu].where: the expression is double, expected a condition"},
		{schema.Binary, slice("regoin = 'EU'"), `slice[eu].where: there is no column "regoin" | The nearest are region, branch, amount. | did you mean "region"?`},
		{schema.Binary, slice("predicted"), `slice[eu].where: there is no column "predicted" | The nearest are region, adult, fraud, id, branch.`},
		{schema.Binary, slice("sum(amount) > 1"), "slice[eu].where: an aggregate cannot stand here | The expression must have a value for each row of its own; " +
			"one over the whole table would take in rows that it may not see. | declare a window block for values over other rows"},

		// Groups.
		{schema.Binary, fairness(auc, "region", parity), ""},
		{schema.Binary, fairness(auc, "adult", parity), ""},
		{schema.Binary, fairness(auc, "branch", parity), ""},
		{schema.Binary, fairness(auc, "by", `, "column": "region"`+parity), ""},
		{schema.Binary, fairness(auc, "regoin", parity), `fairness[regoin]: The data has no column "regoin" to group by | ` + all + ` | did you mean "region"?`},
		{schema.Binary, fairness(auc, "region", `, "column": "regoin"`+parity), ""}, // told of every attribute that names a column
		{schema.Binary, fairness(auc, "amount", parity),
			`fairness[amount]: Column "amount" is double, which makes no groups | Expected text, a boolean or an integer. | compute a band of it in a dataset`},
		{schema.Binary, fairness(auc, "region", `, "column": "at"`+parity),
			`fairness[region].column: Column "at" is timestamp, which makes no groups | Expected text, a boolean or an integer. | compute a band of it in a dataset`},
		{schema.Binary, `{"metrics": [` + auc + `], "fairness": [{"name": "region", "min_group_size": 19` + parity + `}]}`,
			"fairness[region].min_group_size: min_group_size is 19 | Expected at least 20: reports show no value that fewer rows have."},

		// Comparisons.
		{schema.Binary, fairness(auc, "region", ""), "fairness[region].metrics: No fairness metric is listed | " + classes},
		{schema.Regression, fairness(rmse, "region", ""), "fairness[region].metrics: No fairness metric is listed | Expected one of rmse_difference, rmse_ratio."},
		{schema.Binary, fairness(auc, "region", `, "metrics": ["auc_ratio", "equalized_odds_ratio", "auc_ratio"]`), "fairness[region].metrics[2]: auc_ratio is listed twice"},
		{schema.Binary, fairness(auc, "region", `, "metrics": ["auc_diference"]`),
			`fairness[region].metrics[0]: There is no fairness metric "auc_diference" | ` + classes + ` | did you mean "auc_difference"?`},
		{schema.Binary, fairness(auc, "region", `, "metrics": ["auc"]`), `fairness[region].metrics[0]: There is no fairness metric "auc" | ` + classes},
		{schema.Regression, fairness(rmse, "region", parity),
			"fairness[region].metrics[0]: demographic_parity_difference compares decisions between two classes | " +
				"The model's task is regression; compare one of its metrics between groups. Expected one of rmse_difference, rmse_ratio."},
		{schema.Regression, fairness(`{"name": "r2", "type": "r2"}`, "region", `, "metrics": ["r2_difference", "r2_ratio"]`),
			"fairness[region].metrics[1]: There is no ratio of metric.r2 | r2 may be negative, and a ratio is of numbers above 0. Expected one of r2_difference. | take r2_difference"},
		{schema.Regression, fairness(rmse+`, {"name": "loss", "goal": "minimize", "sql": "sum(amount)"}`, "region", `, "metrics": ["loss_ratio"]`),
			"fairness[region].metrics[0]: metric.loss is SQL, and fairness compares metrics that are computed by name | Expected one of rmse_difference, rmse_ratio."},
		{schema.Regression, fairness(auc+`, `+rmse, "region", `, "metrics": ["auc_difference", "rmse_ratio"]`),
			`metrics[0]: Metric "auc" (roc_auc) is for binary_classification, and the model's task is regression`},
		{schema.Regression, fairness(auc+`, `+rmse, "region", `, "metrics": ["rmse_sum"]`),
			`metrics[0]: Metric "auc" (roc_auc) is for binary_classification, and the model's task is regression` + "\n" +
				`fairness[region].metrics[0]: There is no fairness metric "rmse_sum" | Expected one of rmse_difference, rmse_ratio.`},
		{schema.Binary, fairness(`{"name": "selection_rate", "type": "recall"}`, "region", `, "metrics": ["selection_rate_difference"]`),
			`fairness[region].metrics[0]: A metric named "selection_rate" cannot be told from what fairness itself computes | rename the metric`},
		{schema.Binary, fairness(`{"name": "to_overall", "type": "recall"}`, "region", `, "metrics": ["to_overall_ratio"]`),
			`fairness[region].metrics[0]: A metric named "to_overall" cannot be told from what fairness itself computes | rename the metric`},
		{schema.Binary, fairness(`{"name": "to_overall", "type": "recall"}`, "region", parity), ""}, // it is not compared
	} {
		name, l := tc.task, prediction.Layout{Actual: true, Score: true}
		data := payments
		switch tc.task {
		case "no scores":
			l.Score = false
		case "no target":
			data.Columns = data.Columns[:6]
		case "own score":
			data.Columns = append(slices.Clone(data.Columns), schema.Column{Name: "Score", Type: "double"}, schema.Column{Name: "x", Type: "double"})
		case "own weight":
			data.Columns = append(slices.Clone(data.Columns), schema.Column{Name: "weight", Type: "double"})
		case "no key":
			data.Key, data.Columns = nil, append(slices.Clone(data.Columns), schema.Column{Name: "row", Type: "bigint"})
		}
		if tc.task != schema.Multiclass && tc.task != schema.Regression {
			tc.task = schema.Binary
		}
		k := checker(t, tc.task, tc.config)
		k.Data, l.Data, l.Task, l.Target = &data, &data, k.Model.Task, k.Model.Target
		k.Definitions()
		k.Table(t.Context(), binder, l)
		if got := lines(k.Problems); got != tc.want {
			t.Errorf("%s, %s: told\n%s\nwant\n%s", name, tc.config, got, tc.want)
		}
	}
}

// binder of all tests: it remembers what it was asked.
var binder = table.NewBinder(nil)

// TestFigureTypes: which figures rules see, and between what each can lie, so that a rule that cannot hold is an error of the file.
func TestFigureTypes(t *testing.T) {
	const config = `{"metrics": [{"name": "auc", "type": "roc_auc"}, {"name": "loss", "goal": "minimize", "sql": "sum(amount)"}],
		"slice": [{"name": "us", "where": "true"}, {"name": "eu", "where": "true"}],
		"fairness": [{"name": "by", "column": "region", "metrics": ["auc_difference", "equalized_odds_ratio", "loss_ratio"]}]}`
	const kappa = `{"metrics": [{"name": "kappa", "type": "cohen_kappa"}]}`
	const rmse = `{"metrics": [{"name": "rmse", "type": "root_mean_squared_error"}, {"name": "mae", "type": "mean_absolute_error"}],
		"fairness": [{"name": "region", "metrics": ["rmse_difference", "rmse_ratio"]}]}`
	for _, tc := range []struct {
		task                        schema.Task
		config, figures, comparison string
	}{
		{schema.Binary, config,
			`coverage 0..1, fairness {by {auc_difference {high ?, low ?, value 0..}, equalized_odds_ratio {high ?, low ?, value 0..}, ` +
				`groups of {auc ?, count 0.., false_positive_rate ?, positives 0.., selection_rate ?, to_overall {auc {high ?, low ?, value ?}, ` +
				`false_positive_rate {high ?, low ?, value ?}, selection_rate {high ?, low ?, value ?}, true_positive_rate {high ?, low ?, value ?}}, true_positive_rate ?}, ` +
				`undefined_groups 0.., unnamed {count 0.., groups 0..}}}, ` +
				`intervals {auc {high 0.., low ..1}, loss {high ?, low ?}}, metrics {auc 0..1, loss ?}, positives 0.., rows 0.., ` +
				`slices [eu us] of {auc 0..1, count 0.., loss ?, positives 0..}`,
			`delta {auc {high -1.., low ..1, value -1..1}, loss {high ?, low ?, value ?}}, metrics {auc 0..1, loss ?}`},
		{schema.Multiclass, kappa,
			`coverage 0..1, intervals {kappa {high -1.., low ..1}}, metrics {kappa -1..1}, rows 0.., slices [] of {count 0.., kappa -1..1}`,
			`delta {kappa {high -2.., low ..2, value -2..2}}, metrics {kappa -1..1}`},
		{schema.Regression, rmse,
			`coverage 0..1, fairness {region {groups of {count 0.., rmse ?, to_overall {rmse {high ?, low ?, value ?}}}, rmse_difference {high ?, low ?, value 0..}, ` +
				`rmse_ratio {high ?, low ?, value 0..}, undefined_groups 0.., unnamed {count 0.., groups 0..}}}, ` +
				`intervals {mae {high 0.., low ?}, rmse {high 0.., low ?}}, metrics {mae 0.., rmse 0..}, rows 0.., slices [] of {count 0.., mae 0.., rmse 0..}`,
			`delta {mae {high ?, low ?, value ?}, rmse {high ?, low ?, value ?}}, metrics {mae 0.., rmse 0..}`},
		{schema.Regression, `{"metrics": [{"name": "r2", "type": "r2"}]}`,
			`coverage 0..1, intervals {r2 {high ?, low ..1}}, metrics {r2 ..1}, rows 0.., slices [] of {count 0.., r2 ..1}`,
			`delta {r2 {high ?, low ?, value ?}}, metrics {r2 ..1}`},
	} {
		k := checker(t, tc.task, tc.config)
		k.Definitions()
		figures, comparison := k.FigureTypes()
		if got := fields(figures); got != tc.figures {
			t.Errorf("%s, %s: figures are\n%s\nwant\n%s", tc.task, tc.config, got, tc.figures)
		}
		if got := fields(comparison); got != tc.comparison {
			t.Errorf("%s, %s: the comparison's figures are\n%s\nwant\n%s", tc.task, tc.config, got, tc.comparison)
		}
		low, high := figures["intervals"].Fields[k.names[0]].Fields["low"], figures["intervals"].Fields[k.names[0]].Fields["high"]
		want := fmt.Sprintf("high %s, low %s, value %s", typed(high), typed(low), typed(figures["metrics"].Fields[k.names[0]]))
		if got := fields(k.Figures(0).Fields); got != want {
			t.Errorf("%s, %s: a figure with its interval is {%s}, want {%s}", tc.task, tc.config, got, want)
		}
	}
}

// fields writes the types of an object's fields: "auc 0..1, loss ?".
func fields(of map[string]*schema.FigureType) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		out = append(out, name+" "+typed(of[name]))
	}
	return strings.Join(out, ", ")
}

// typed writes a type: a number by what it can be (0..1, or ? where nothing is known), a map by its keys where they are known.
func typed(f *schema.FigureType) string {
	switch {
	case f.Kind == schema.ObjectFigure:
		return "{" + fields(f.Fields) + "}"
	case f.Closed:
		return fmt.Sprintf("%v of %s", f.Keys, typed(f.Elem))
	case f.Kind == schema.MapFigure:
		return "of " + typed(f.Elem)
	case f.Low == nil && f.High == nil:
		return "?"
	}
	bound := func(x *float64) string {
		if x == nil {
			return ""
		}
		return fmt.Sprint(*x)
	}
	return bound(f.Low) + ".." + bound(f.High)
}
