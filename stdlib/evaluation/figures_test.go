package evaluation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// trial is an evaluation of predictions on rows that are small enough to work its figures out by hand.
type trial struct {
	name string
	// rows are SQL VALUES of columns, or a query; predicted and score (or score_<class>) are the predictions, b_predicted and b_score
	// those of a challenger, the others the data. Their target is y.
	rows, columns string
	task          schema.Task
	classes       []string // of several, as the model declares them
	mature        string   // the data's column that says whether the label can be trusted
	label         string   // the data's label, where it is another column than the target
	entity        []string
	config        string
	want          string // "path value; path value": figures, null with the reason
	warned        string // all warnings, one a line
	err           string // what Open or Take refuses, with what to do
}

// table is the rows as SQL has them.
func (tc trial) table() string {
	if strings.HasPrefix(tc.rows, "select") {
		return fmt.Sprintf("(%s) t(%s)", tc.rows, tc.columns)
	}
	return fmt.Sprintf("(values %s) t(%s)", tc.rows, tc.columns)
}

// take opens the trial and takes its predictions. Nil where that is refused as the trial says.
func (tc trial) take(t *testing.T) (*Evaluation, prediction.Layout, *[]string) {
	t.Helper()
	dir, told := t.TempDir(), &[]string{}
	own := "select columns(c -> not regexp_matches(c, '^(b_)?(predicted|score)')) from " + tc.table()
	data, problems := binder.Query(t.Context(), own, nil)
	if len(problems) > 0 {
		t.Fatalf("%s: %s", tc.name, lines(problems))
	}
	l := prediction.Layout{Task: tc.task, Target: "y", Data: &schema.Table{Columns: data, Key: []string{"id"}, Entity: tc.entity}, Actual: true}
	l.Score = strings.Contains(tc.columns, "score")
	if tc.mature != "" {
		l.Data.Label = &schema.Label{Column: cmp.Or(tc.label, "Y"), Mature: tc.mature}
	}
	path := filepath.Join(dir, "data.parquet")
	if _, err := table.Run(t.Context(), table.Query{SQL: own, OrderBy: []string{"id"}, Out: path}); err != nil {
		t.Fatalf("%s: %v", tc.name, err)
	}
	c := &Config{}
	if err := json.Unmarshal([]byte(tc.config), c); err != nil {
		t.Fatalf("%s: %v", tc.name, err)
	}
	c.Defaults()
	e, err := Open(t.Context(), c, Data{path, l.Data, "y"}, 2, func(f string, args ...any) { *told = append(*told, fmt.Sprintf(f, args...)) })
	if err == nil {
		err = e.Take(tc.predictions(t, e, ""), l)
	}
	if got := refused(err); got != tc.err {
		t.Errorf("%s: refused\n%s\nwant\n%s", tc.name, got, tc.err)
	}
	if err != nil || tc.err != "" {
		return nil, l, told
	}
	return e, l, told
}

// predictions are the columns of the rows whose names begin with prefix, as those of a model that is scored elsewhere.
func (tc trial) predictions(t *testing.T, e *Evaluation, prefix string) *prediction.Set {
	t.Helper()
	path := filepath.Join(t.TempDir(), "predictions.parquet")
	sql := fmt.Sprintf("select id, columns('^%s((?:predicted|score).*)$') as '\\1' from %s", prefix, tc.table())
	if _, err := table.Run(t.Context(), table.Query{SQL: sql, OrderBy: []string{"id"}, Out: path}); err != nil {
		t.Fatalf("%s: %v", tc.name, err)
	}
	s, err := prediction.Read(t.Context(), path, e.Total(), schema.Model{Task: tc.task, Target: "y", Classes: tc.classes}, e.Target())
	if err != nil {
		t.Fatalf("%s: %v", tc.name, err)
	}
	return s
}

// refused is what a stage says that ends with the error.
func refused(err error) string {
	var input *component.InputError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &input):
		return strings.TrimSpace(input.Summary + " | " + input.Detail)
	}
	return "no mistake in the input: " + err.Error()
}

// read writes the figures that want names, as want does.
func read(figures map[string]any, want string) string {
	var out []string
	for _, pair := range strings.Split(want, "; ") {
		path, _, _ := strings.Cut(pair, " ")
		var at any = figures
		for _, name := range strings.Split(path, ".") {
			m, _ := at.(map[string]any)
			if at, _ = m[name]; at == nil && m[name] == nil {
				if _, there := m[name]; !there {
					at = "absent"
				}
			}
		}
		switch x := at.(type) {
		case nil:
			out = append(out, path+" null, "+figures["undefined"].(map[string]string)[path])
		case float64:
			out = append(out, fmt.Sprintf("%s %.4g", path, x))
		default:
			out = append(out, fmt.Sprintf("%s %v", path, x))
		}
	}
	return strings.Join(out, "; ")
}

const (
	// six rows, of which four are predicted right; of the nine pairs of a positive and a negative row eight are ranked right.
	six = `(1, true, true, 0.9, 'a', 1, 1), (2, true, true, 0.8, 'a', 1, 1), (3, true, false, 0.4, 'b', 2, 2),
		(4, false, false, 0.3, 'b', 1, 2), (5, false, false, 0.2, 'b', 0, 3), (6, false, true, 0.7, 'b', 1, 3)`
	sixColumns = "id, y, predicted, score, g, w, who"
	exact      = `"intervals": {"resamples": 0, "confidence": 0.95}, "min_positives": 0`
	// many rows, half of which are 1 off, by persons of two rows each that are alike.
	many        = "select i, 0, i // 2 % 2, i // 2, 1, i < 100 from range(200) r(i)"
	manyColumns = "id, y, predicted, who, same, half"
	offs        = `"metrics": [{"name": "mae", "type": "mean_absolute_error"}, {"name": "sum", "goal": "minimize", "sql": "sum(abs(actual - predicted))"}],
		"intervals": {"resamples": 400, "confidence": 0.9}`
	acc   = `"metrics": [{"name": "acc", "type": "accuracy"}]`
	rates = `"metrics": [{"name": "acc", "type": "accuracy"}, {"name": "auc", "type": "roc_auc"}, {"name": "hits", "goal": "maximize", "sql": "sum(weight) filter (where actual = predicted)"}]`
)

// TestFigures: what is computed of small tables, what is not and why, and what is warned of.
func TestFigures(t *testing.T) {
	const reversed = "scores are lower where the class is \"true\", the positive one (AUC below 0.063): is positive the right class, and score the right column?"
	for _, tc := range []trial{
		{name: "all rows count", rows: six, columns: sixColumns, task: schema.Binary, config: `{` + rates + `, ` + exact + `}`,
			want: "rows 6; positives 3; coverage 1; threshold absent; fairness absent; metrics.acc 0.6667; metrics.auc 0.8889; metrics.hits 4; " +
				"intervals.acc.low null, intervals.resamples is 0; intervals.hits.high null, intervals.resamples is 0"},
		{name: "weights", rows: six, columns: sixColumns, task: schema.Binary, config: `{` + rates + `, ` + exact + `, "weight": "W"}`,
			want: "rows 6; positives 3; coverage 1; metrics.acc 0.5; metrics.auc 0.75; metrics.hits 3"},
		{name: "a row of weight 0 is no positive one", rows: "(1, true, 0.9, 0), (2, true, 0.8, 1), (3, false, 0.1, 1)", columns: "id, y, score, w", task: schema.Binary,
			config: `{` + acc + `, "min_positives": 2, "weight": "w"}`,
			want:   "rows 3; positives 1; threshold 0.5; metrics.acc null, 1 positives, fewer than min_positives = 2"},
		{name: "what does not count", rows: "(0, true, true, true), (1, false, true, null), (2, null, true, false), (3, true, false, true)", columns: "id, y, mature, predicted",
			task: schema.Binary, mature: "mature", config: `{` + acc + `}`,
			want: "rows 1; positives 1; coverage 0.25; metrics.acc null, 1 positives, fewer than min_positives = 10; " +
				"intervals.acc.low null, 1 positives, fewer than min_positives = 10",
			warned: "1 of 4 rows have no prediction: in row 2 it is null; the figures leave them out"},
		{name: "weights of the rows that are left", rows: "(1, true, null, 5), (2, true, true, 1), (3, true, false, 3)", columns: "id, y, predicted, w", task: schema.Binary,
			config: `{` + acc + `, ` + exact + `, "weight": "w"}`, want: "rows 2; metrics.acc 0.25", warned: "1 of 3 rows have no prediction: in row 1 it is null; the figures leave them out"},
		{name: "labels that may still change", rows: "(1, true, true, true), (2, true, false, false), (3, false, null, true)", columns: "id, y, mature, predicted",
			task: schema.Binary, mature: "mature", config: `{` + acc + `, ` + exact + `}`, want: "rows 1; metrics.acc 1"},
		{name: "a label that nothing says the age of", rows: "(1, true, false, true), (2, true, false, false)", columns: "id, y, mature, predicted",
			task: schema.Binary, mature: "gone", config: `{` + acc + `, ` + exact + `}`, want: "rows 2; metrics.acc 0.5"},
		{name: "another label may still change", rows: "(1, true, false, true), (2, true, false, false)", columns: "id, y, mature, predicted",
			task: schema.Binary, label: "other", mature: "mature", config: `{` + acc + `, ` + exact + `}`, want: "rows 2; metrics.acc 0.5"},
		{name: "just as many rows and positives as are asked for", rows: six, columns: sixColumns, task: schema.Binary,
			config: `{` + acc + `, "min_rows": 6, "min_positives": 3}`, want: "metrics.acc 0.6667; intervals.acc.low 0.2228; intervals.acc.high 0.9567"},
		{name: "one row too few", rows: six, columns: sixColumns, task: schema.Binary,
			config: `{` + acc + `, "min_rows": 7, "min_positives": 3}`, want: "metrics.acc null, 6 rows, fewer than min_rows = 7"},
		{name: "no row", rows: "(1, null::double, 2.0)", columns: "id, y, predicted", task: schema.Regression, config: `{"metrics": [{"name": "mae", "type": "mean_absolute_error"}]}`,
			want: "rows 0; coverage 0; positives absent; metrics.mae null, 0 rows, fewer than min_rows = 1"},
		{name: "positives are of two classes only", rows: "(1, 1.0, 2.0), (2, 4.0, 1.0)", columns: "id, y, predicted", task: schema.Regression,
			config: `{"metrics": [{"name": "mae", "type": "mean_absolute_error"}], "slice": [{"name": "one", "where": "id = 1"}]}`,
			want:   "rows 2; positives absent; metrics.mae 2; slices.one.mae 1; slices.one.count 1; slices.one.positives absent"},
		{name: "SQL of no finite value", rows: six, columns: sixColumns, task: schema.Binary,
			config: `{"metrics": [{"name": "gone", "goal": "maximize", "sql": "sum(w) filter (where w > 9)"}, {"name": "huge", "goal": "maximize", "sql": "1e308 * 10 * sum(w)"}], ` + exact + `}`,
			want:   "metrics.gone null, its SQL gives null; metrics.huge null, its value is not finite"},
		{name: "SQL sees predictions in the target's type, and a column row that is the data's", rows: "(1, 1, 1, 10), (2, 0, 1, 20)", columns: "id, y, predicted, row", task: schema.Binary,
			config: `{"metrics": [{"name": "n", "goal": "maximize", "sql": "sum(predicted)"}, {"name": "r", "goal": "maximize", "sql": "sum(row)"}], ` + exact + `}`,
			want:   "metrics.n 2; metrics.r 30"},
		{name: "slices", rows: six, columns: sixColumns, task: schema.Binary,
			config: `{` + rates + `, "min_positives": 1, "intervals": {"resamples": 0, "confidence": 0.95}, "weight": "w", "slice": [{"name": "a", "where": "g = 'a'"},
				{"name": "b", "where": "g = 'b' -- all but two"}, {"name": "some", "where": "nullif(id, 6) < 9"}, {"name": "late", "where": "id > 4"}]}`,
			want: "slices.a.count 2; slices.a.positives 2; slices.a.acc 1; slices.a.hits 2; slices.a.auc null, the actual values are all of one class; " +
				"slices.b.count 4; slices.b.positives 1; slices.b.acc 0.25; slices.b.hits 1; slices.b.auc 0.5; slices.some.count 5; " +
				"slices.late.count 2; slices.late.positives 0; slices.late.acc null, 0 positives, fewer than min_positives = 1"},

		{name: "intervals by row", rows: many, columns: manyColumns, task: schema.Regression, config: `{` + offs + `}`,
			want: "metrics.mae 0.5; metrics.sum 100; intervals.mae.low 0.44; intervals.mae.high 0.555; intervals.sum.low 89; intervals.sum.high 155.3"},
		{name: "intervals by entity", rows: many, columns: manyColumns, task: schema.Regression, entity: []string{"Who"}, config: `{` + offs + `}`,
			want: "metrics.mae 0.5; metrics.sum 100; intervals.mae.low 0.4195; intervals.mae.high 0.59; intervals.sum.low 82; intervals.sum.high 145.9"},
		{name: "intervals of few entities", rows: "select i, 0, i // 20 % 2 * 2 - 1, i // 20 from range(200) r(i)", columns: "id, y, predicted, who", task: schema.Regression,
			entity: []string{"who"}, config: `{"metrics": [{"name": "bias", "goal": "minimize", "sql": "avg(predicted - actual)"}], "intervals": {"resamples": 400, "confidence": 0.9}}`,
			want: "metrics.bias 0; intervals.bias.low -0.6; intervals.bias.high 0.6"},
		{name: "intervals of one entity", rows: many, columns: manyColumns, task: schema.Regression, entity: []string{"same"}, config: `{` + offs + `}`,
			want: "metrics.mae 0.5; intervals.mae.low null, all rows are of one entity; intervals.sum.high null, all rows are of one entity"},
		{name: "intervals of two entities", rows: many, columns: manyColumns, task: schema.Regression, entity: []string{"half"}, config: `{` + offs + `}`,
			want: "metrics.mae 0.5; intervals.mae.low null, all rows are alike, which tells nothing of others; intervals.sum.high null, all resamples give the same, which tells nothing of other rows"},

		{name: "scores of the other class", rows: "(1, true, true, 0.1), (2, true, true, 0.2), (3, false, false, 0.8), (4, false, false, 0.9)", columns: "id, y, predicted, score",
			task: schema.Binary, config: `{` + acc + `}`,
			err: `every row that is predicted "true", the positive class, has a lower score than every other row | A score is the probability of the positive class. ` +
				`These look like those of "false": is positive the right class, and score the right column?`},
		{name: "a score in common is not lower", rows: "(1, true, true, 0.5), (2, true, true, 0.2), (3, false, false, 0.5), (4, false, false, 0.9)", columns: "id, y, predicted, score",
			task: schema.Binary, config: `{` + acc + `, ` + exact + `}`, want: "metrics.acc 1",
			warned: `rows that are predicted "true", the positive class, have lower scores (0.35 on average) than the others (0.7): is positive the right class, and score the right column?`},
		{name: "scores alike on average", rows: "(1, true, true, 0.25), (2, false, true, 0.75), (3, false, false, 0.5)", columns: "id, y, predicted, score",
			task: schema.Binary, config: `{` + acc + `, ` + exact + `}`, want: "metrics.acc 0.6667"},
		{name: "one class is predicted", rows: "(1, true, true, 0.4), (2, false, true, 0.3)", columns: "id, y, predicted, score",
			task: schema.Binary, config: `{` + acc + `, ` + exact + `}`, want: "metrics.acc 0.5"},
		{name: "the other alone", rows: "(1, true, false, 0.4), (2, false, false, 0.3)", columns: "id, y, predicted, score",
			task: schema.Binary, config: `{` + acc + `, ` + exact + `}`, want: "metrics.acc 0.5"},
		{name: "scores that rank the wrong way round", columns: "id, y, score", rows: strings.TrimSuffix(strings.Repeat("(1, true, 0.1), (2, false, 0.2), ", 40), ", "),
			task: schema.Binary, config: `{` + acc + `, ` + exact + `}`, want: "metrics.acc 0.5", warned: reversed},

		{name: "scores of one class rank nothing", columns: "id, y, score", rows: "(1, true, 0.1), (2, true, 0.2)",
			task: schema.Binary, config: `{` + acc + `, ` + exact + `}`, want: "metrics.acc 0"},

		{name: "a class that the model does not know", columns: "id, y, score_cat, score_dog", rows: "(1, 'cat', 0.9, 0.1), (2, 'emu', 0.6, 0.4), (3, 'dog', 0.3, 0.7), (4, null, 0.5, 0.5)",
			task: schema.Multiclass, config: `{"metrics": [{"name": "acc", "type": "accuracy"}, {"name": "loss", "type": "log_loss"}], ` + exact + `}`,
			want:   "rows 3; coverage 0.75; metrics.acc 0.6667; metrics.loss null, the model knows no class \"emu\", and has no scores of it",
			warned: `1 of 3 rows are of class "emu", which the model does not know: they count as wrong, and metrics of scores are undefined`},
		{name: "eight of them", columns: "id, y, predicted", classes: []string{"a"}, rows: "(1, 'a', 'a'), (2, 'b', 'a'), (3, 'c', 'a'), (4, 'd', 'a'), (5, 'e', 'a'), (6, 'f', 'a'), (7, 'g', 'a'), (8, 'h', 'a'), (9, 'i', 'a')",
			task: schema.Multiclass, config: `{` + acc + `, ` + exact + `}`, want: "metrics.acc 0.1111",
			warned: `8 of 9 rows are of the classes "b", "c", "d", "e", "f", "g", "h", "i", which the model does not know: they count as wrong, and metrics of scores are undefined`},
		{name: "too many to name", columns: "id, y, predicted", classes: []string{"a"}, rows: "(1, 'a', 'a'), (2, 'b', 'a'), (3, 'c', 'a'), (4, 'd', 'a'), (5, 'e', 'a'), (6, 'f', 'a'), (7, 'g', 'a'), (8, 'h', 'a'), (9, 'i', 'a'), (10, 'j', 'a'), (11, 'k', 'a')",
			task: schema.Multiclass, config: `{` + acc + `, ` + exact + `}`, want: "metrics.acc 0.09091",
			warned: `10 of 11 rows are of the classes "b", "c", "d", "e", "f", "g", "h", "i", 2 more, which the model does not know: they count as wrong, and metrics of scores are undefined`},

		{name: "a weight below 0", rows: "(1, true, true, 1.0), (2, true, true, -0.5)", columns: "id, y, predicted, w", task: schema.Binary, config: `{` + acc + `, "weight": "w"}`,
			err: `row 2: the weight (column "w") is -0.5 | Expected a number that is not negative.`},
		{name: "no weight", rows: "(1, true, true, null), (2, true, true, 1.0)", columns: "id, y, predicted, w", task: schema.Binary, config: `{` + acc + `, "weight": "w"}`,
			err: `row 1: the weight (column "w") is NaN | Expected a number that is not negative.`},
		{name: "an infinite weight", rows: "(1, true, true, 1), (2, true, true, 'inf'::double)", columns: "id, y, predicted, w", task: schema.Binary, config: `{` + acc + `, "weight": "w"}`,
			err: `row 2: the weight (column "w") is +Inf | Expected a number that is not negative.`},
		{name: "the weight of a row that does not count", rows: "(1, true, true, 1.0), (2, null, true, null)", columns: "id, y, predicted, w", task: schema.Binary,
			config: `{` + acc + `, ` + exact + `, "weight": "w"}`, want: "rows 1; metrics.acc 1"},
		{name: "text for numbers", rows: "(1, 'many', 3.5)", columns: "id, y, predicted", task: schema.Regression, config: `{"metrics": [{"name": "mae", "type": "mean_absolute_error"}]}`,
			err: `the target "y" is text, and the model predicts numbers |`},
		{name: "a metric that cannot be read", rows: six, columns: sixColumns, task: schema.Binary, config: `{"metrics": [{"name": "a", "type": "acu"}]}`,
			err: `no mistake in the input: metric "a": There is no metric "acu"`},
	} {
		e, _, told := tc.take(t)
		if e != nil {
			tc.check(t, figures(t, e), *told)
		}
	}
}

// check holds figures and warnings to what the trial wants.
func (tc trial) check(t *testing.T, figures map[string]any, told []string) {
	t.Helper()
	if got := read(figures, tc.want); got != tc.want {
		t.Errorf("%s: got\n%s\nwant\n%s", tc.name, got, tc.want)
	}
	if got := strings.Join(told, "\n"); got != tc.warned {
		t.Errorf("%s: warned\n%s\nwant\n%s", tc.name, got, tc.warned)
	}
}

// TestSQLThatFails: a mistake that only the data shows is the user's, and named with the metric; that the run was stopped is not.
func TestSQLThatFails(t *testing.T) {
	tc := trial{name: "SQL", rows: six, columns: sixColumns, task: schema.Binary,
		config: `{"metrics": [{"name": "loss", "goal": "minimize", "sql": "sum(g::integer)"}], ` + exact + `}`}
	e, _, _ := tc.take(t)
	if _, err := e.Figures(t.Context()); !strings.HasPrefix(refused(err), `metric "loss": Could not convert string 'a' to INT32`) {
		t.Errorf("refused %s", refused(err))
	}
	sql, err := e.openSQL(t.Context(), e.set)
	if err != nil {
		t.Fatal(err)
	}
	defer sql.Close()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := sql.value(stopped, e.metrics[0], -1); !strings.HasPrefix(refused(err), `no mistake in the input: metric "loss": `) {
		t.Errorf("refused %s", refused(err))
	}
}

// TestFairnessFigures: which groups are compared, named and counted, and why one has no figure.
func TestFairnessFigures(t *testing.T) {
	// By g: of 20 f a quarter is predicted positive, of 20 m a half, which are those that are, of 21 without a value all; of 19 x all.
	const (
		rows = `select i, i % 2 = 0, case when i < 20 then 'f' when i < 40 then 'm' when i < 59 then 'x' end,
			case when i < 20 then i % 4 = 0 when i < 40 then i % 2 = 0 else true end, i // 20, i % 2 = 0 and i < 40 from range(80) r(i)`
		columns = "id, y, g, predicted, band, early"
		warning = "fairness.g: of 4 groups 1 have too few rows, or lack a class; comparisons leave them out"
		block   = `"fairness": [{"name": "g", "min_group_size": %d, "metrics": ["demographic_parity_difference", "equalized_odds_difference", "demographic_parity_ratio", "acc_difference"]%s}]`
	)
	config := func(size int, more, own string) string {
		return fmt.Sprintf(`{`+acc+`, `+exact+`, `+block+own+`}`, size, more)
	}
	for _, tc := range []trial{
		{name: "between groups", config: config(20, "", ""), warned: warning,
			want: "fairness.g.groups.f.count 20; fairness.g.groups.f.positives 10; fairness.g.groups.f.selection_rate 0.25; fairness.g.groups.f.true_positive_rate 0.5; " +
				"fairness.g.groups.f.false_positive_rate 0; fairness.g.groups.f.acc 0.75; fairness.g.groups.m.acc 1; fairness.g.groups.(null).count 21; " +
				"fairness.g.groups.(null).positives 10; fairness.g.groups.(null).selection_rate 1; fairness.g.groups.x absent; fairness.g.undefined_groups 1; " +
				"fairness.g.unnamed.groups 1; fairness.g.unnamed.count 19; fairness.g.demographic_parity_difference.value 0.75; " +
				"fairness.g.equalized_odds_difference.value 1; fairness.g.demographic_parity_ratio.value 0.25; fairness.g.acc_difference.value 0.5238; " +
				"fairness.g.acc_difference.low null, intervals.resamples is 0; fairness.g.groups.f.to_overall.selection_rate.value -0.4375; " +
				"fairness.g.groups.f.to_overall.selection_rate.low null, intervals.resamples is 0; fairness.g.equal_opportunity_difference absent"},
		{name: "with all rows, the mean of two rates", config: config(20, `, "method": "to_overall", "agg": "mean"`, ""), warned: warning,
			want: "fairness.g.demographic_parity_difference.value 0.4375; fairness.g.equalized_odds_difference.value 0.4375; fairness.g.acc_difference.value 0.3125"},
		{name: "one group of size", config: config(21, "", ""), warned: "fairness.g: of 4 groups 3 have too few rows, or lack a class; comparisons leave them out",
			want: "fairness.g.undefined_groups 3; fairness.g.groups.f.count 20; fairness.g.groups.f.acc null, 20 rows, fewer than min_group_size = 21; " +
				"fairness.g.groups.f.to_overall.acc.value null, 20 rows, fewer than min_group_size = 21; fairness.g.groups.(null).acc 0.4762; " +
				"fairness.g.acc_difference.value null, fewer than two groups can be compared; fairness.g.acc_difference.low null, fewer than two groups can be compared"},
		{name: "none of size", config: config(22, "", ""), warned: "fairness.g: of 4 groups 4 have too few rows, or lack a class; comparisons leave them out",
			want: "fairness.g.acc_difference.value null, no group has a acc; fairness.g.groups.m.selection_rate null, 20 rows, fewer than min_group_size = 22"},
		{name: "too few rows of all", config: config(20, "", `, "min_rows": 81`), warned: warning,
			want: "metrics.acc null, 80 rows, fewer than min_rows = 81; fairness.g.acc_difference.value null, 80 rows, fewer than min_rows = 81; " +
				"fairness.g.acc_difference.high null, 80 rows, fewer than min_rows = 81; fairness.g.groups.f.to_overall.acc.low null, 80 rows, fewer than min_rows = 81"},
		{name: "groups of another column", config: config(20, `, "column": "BAND"`, ""),
			want: "fairness.g.undefined_groups 0; fairness.g.unnamed.groups 0; fairness.g.groups.0.count 20; fairness.g.groups.3.acc 0.5"},
		{name: "groups of one class", config: config(20, `, "column": "y"`, ""), warned: "fairness.g: of 2 groups 2 have too few rows, or lack a class; comparisons leave them out",
			want: "fairness.g.undefined_groups 2; fairness.g.groups.true.true_positive_rate 0.875; fairness.g.groups.true.false_positive_rate null, no row of the group is negative; " +
				"fairness.g.groups.false.true_positive_rate null, no row of the group is positive; fairness.g.groups.false.to_overall.true_positive_rate.low null, no row of the group is positive; " +
				"fairness.g.groups.false.positives 0; fairness.g.equalized_odds_difference.value null, fewer than two groups can be compared; fairness.g.acc_difference.value 0.375"},
		{name: "groups of one class, of the least size", config: config(40, `, "column": "y"`, ""), warned: "fairness.g: of 2 groups 2 have too few rows, or lack a class; comparisons leave them out",
			want: "fairness.g.groups.false.true_positive_rate null, no row of the group is positive; fairness.g.groups.false.acc 0.5"},
		{name: "intervals", warned: warning, config: strings.Replace(config(20, "", ""), `"resamples": 0`, `"resamples": 200`, 1),
			want: "fairness.g.demographic_parity_difference.value 0.75; fairness.g.demographic_parity_difference.low 0.4269; fairness.g.demographic_parity_difference.high 1; " +
				"fairness.g.groups.f.to_overall.selection_rate.value -0.4375; fairness.g.groups.f.to_overall.selection_rate.low -0.6062; fairness.g.groups.f.to_overall.selection_rate.high -0.2437"},
		{name: "of numbers", task: schema.Regression, columns: "id, y, g, predicted",
			rows:   "select i, i % 2, case when i < 30 then 'a' else 'b' end, (i % 2 + case when i < 30 then 1 else 3 end)::double from range(60) r(i)",
			config: `{"metrics": [{"name": "mae", "type": "mean_absolute_error"}], ` + exact + `, "fairness": [{"name": "g", "min_group_size": 20, "metrics": ["mae_ratio"]}]}`,
			want:   "fairness.g.mae_ratio.value 0.3333; fairness.g.groups.a.mae 1; fairness.g.groups.a.positives absent; fairness.g.groups.b.to_overall.mae.value 1"},
		{name: "defined of groups, not of all rows", task: schema.Multiclass, columns: "id, y, g, score_cat, score_dog",
			rows:   "select i, case when i >= 60 then 'emu' when i % 2 = 0 then 'cat' else 'dog' end, i // 20, 0.5, 0.5 from range(61) r(i)",
			config: `{"metrics": [{"name": "loss", "type": "log_loss"}], ` + exact + `, "fairness": [{"name": "g", "min_group_size": 20, "metrics": ["loss_difference"]}]}`,
			want: "fairness.g.groups.0.loss 0.6931; fairness.g.groups.0.to_overall.loss.value null, it is undefined of all rows together; " +
				"fairness.g.groups.0.to_overall.loss.high null, it is undefined of all rows together; fairness.g.loss_difference.value 0",
			warned: "1 of 61 rows are of class \"emu\", which the model does not know: they count as wrong, and metrics of scores are undefined\n" +
				"fairness.g: of 4 groups 1 have too few rows, or lack a class; comparisons leave them out"},
		{name: "as many groups as can be compared", columns: "id, y, g, predicted", rows: "select i, true, i, true from range(200) r(i)",
			config: config(20, "", ""), want: "fairness.g.unnamed.groups 200; fairness.g.unnamed.count 200",
			warned: "fairness.g: of 200 groups 200 have too few rows, or lack a class; comparisons leave them out"},
		{name: "more", columns: "id, y, g, predicted", rows: "select i, true, i, true from range(201) r(i)", config: config(20, "", ""),
			err: `column "g" has 201 values, too many to compare groups by | At most 200 groups are compared; a dataset can put values together.`},
	} {
		if tc.rows == "" {
			tc.rows, tc.columns = rows, columns
		}
		if tc.task == "" {
			tc.task = schema.Binary
		}
		e, _, told := tc.take(t)
		if e != nil {
			tc.check(t, figures(t, e), *told)
		}
	}
}

// TestComparisonFigures: what a challenger differs by, on the rows that both models have predictions for, and which of them is why
// there is no difference.
func TestComparisonFigures(t *testing.T) {
	const columns = "id, y, predicted, score, b_predicted, b_score"
	// The champion decides rows 1 to 3 right and has nothing for row 5; the challenger all but row 2, and has nothing for row 6.
	const rows = `(1, true, true, 0.9, true, 0.9), (2, true, true, 0.8, false, 0.3), (3, false, false, 0.1, false, 0.2), (4, false, true, 0.85, false, 0.1),
		(5, true, null, null, true, 0.7), (6, true, true, 0.7, null, null)`
	const left = "1 of 6 rows have no prediction: in row 5 it is null; the figures leave them out\n1 of 6 rows have no prediction: in row 6 it is null; the figures leave them out"
	for _, tc := range []trial{
		{name: "rows of both", rows: rows, columns: columns, config: `{` + rates + `, ` + exact + `}`, warned: left,
			want: "metrics.acc 0.75; metrics.auc 0.75; metrics.hits 3; delta.acc.value 0; delta.auc.value 0.25; delta.hits.value 0; delta.acc.low null, intervals.resamples is 0"},
		{name: "intervals", rows: "select i, 0, i % 2, i % 3 // 2 from range(200) r(i)", columns: "id, y, predicted, b_predicted", task: schema.Regression,
			config: `{` + offs + `}`, want: "metrics.mae 0.5; delta.mae.value -0.17; delta.mae.low -0.2454; delta.mae.high -0.09136; delta.sum.value -34; delta.sum.low -49.11; delta.sum.high -18"},
		{name: "too few of both", rows: rows, columns: columns, config: `{` + rates + `, "min_positives": 0, "min_rows": 5}`, warned: left,
			want: "metrics.acc null, 4 rows, fewer than min_rows = 5; delta.acc.value null, 4 rows, fewer than min_rows = 5; delta.hits.low null, 4 rows, fewer than min_rows = 5"},
		{name: "the champion has no value", rows: "(1, true, false, true), (2, false, false, true)", columns: "id, y, predicted, b_predicted",
			config: `{"metrics": [{"name": "precise", "type": "precision"}, {"name": "loss", "goal": "minimize", "sql": "sum(id) filter (where predicted)"}], ` + exact + `}`,
			want: "metrics.precise null, no row is predicted positive; delta.precise.value null, champion: no row is predicted positive; " +
				"delta.loss.value null, champion: its SQL gives null"},
		{name: "the challenger has none", rows: "(1, true, true, false), (2, false, true, false)", columns: "id, y, predicted, b_predicted",
			config: `{"metrics": [{"name": "precise", "type": "precision"}, {"name": "loss", "goal": "minimize", "sql": "sum(id) filter (where predicted)"}], ` + exact + `}`,
			want: "metrics.precise 0.5; metrics.loss 3; delta.precise.value null, challenger: no row is predicted positive; " +
				"delta.loss.value null, challenger: its SQL gives null"},
		{name: "a difference beyond all numbers", rows: "(1, true, true, false)", columns: "id, y, predicted, b_predicted",
			config: `{"metrics": [{"name": "huge", "goal": "minimize", "sql": "sum(case when predicted then 1e308 else -1e308 end)"}], ` + exact + `}`,
			want:   "metrics.huge 1e+308; delta.huge.value null, the difference is not finite"},
		{name: "scores of the challenger's other class", rows: "(1, true, true, 0.9, true, 0.1), (2, false, false, 0.1, false, 0.9)", columns: columns,
			config: `{` + acc + `, ` + exact + `}`, want: `every row that is predicted "true", the positive class, has a lower score than every other row`},
	} {
		if tc.task == "" {
			tc.task = schema.Binary
		}
		e, l, told := tc.take(t)
		if e == nil {
			continue
		}
		got, err := e.Compare(t.Context(), tc.predictions(t, e, "b_"), l)
		switch {
		case err == nil:
			tc.check(t, got, *told)
		case !strings.HasPrefix(refused(err), tc.want):
			t.Errorf("%s: refused\n%s\nwant\n%s", tc.name, refused(err), tc.want)
		}
	}
}
