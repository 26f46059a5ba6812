package train_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train/linear_regression"
	"github.com/mlp-lang/mlp/stdlib/train/logistic_regression"
)

func readData(t *testing.T, r *stagetest.Result) (*frame.Frame, error) {
	return table.ReadFrame(t.Context(), filepath.Join(r.Root, "in", "data", component.TableFile), nil)
}

// payments is a table with everything that must not be trained on.
func payments() schema.Table {
	return schema.Table{
		Key:   []string{"id"},
		Label: &schema.Label{Column: "is_fraud", KnownAt: "fraud_known_at", Mature: "fraud_mature"},
		Columns: []schema.Column{
			{Name: "id", Type: "bigint"}, {Name: "amount", Type: "double"}, {Name: "card", Type: "varchar", PII: true},
			{Name: "sex", Type: "varchar", Protected: true}, {Name: "paid_at", Type: "timestamp"},
			{Name: "tags", Type: "varchar[]"}, {Name: "n", Type: "integer"}, {Name: "kind", Type: "varchar"},
			{Name: "is_fraud", Type: "boolean"}, {Name: "fraud_known_at", Type: "timestamp"}, {Name: "fraud_mature", Type: "boolean"},
		},
	}
}

func TestShapeProblems(t *testing.T) {
	decision := `"decision": {"maximize": {"name": "recall", "type": "recall"}, "where": []}`
	tests := []struct{ name, config, path, summary, hint string }{
		{"nothing wrong", `{"target": "is_fraud", "features": ["amount", "n", "kind"]}`, "", "", ""},
		{"misspelt target", `{"target": "is_frad", "features": ["amount"], "task": "binary_classification"}`, "target", `no column "is_frad"`, `"is_fraud"`},
		{"misspelt feature", `{"target": "is_fraud", "features": ["n", "amuont"]}`, "features[1]", `no column "amuont"`, `"amount"`},
		{"the target", `{"target": "is_fraud", "features": ["IS_FRAUD"]}`, "features[0]", "gives the target away", ""},
		{"the label, for another target", `{"target": "kind", "features": ["is_fraud"]}`, "features[0]", "gives the target away", ""},
		{"when the label was known", `{"target": "is_fraud", "features": ["fraud_known_at"]}`, "features[0]", "gives the target away", ""},
		{"whether the label is mature", `{"target": "is_fraud", "features": ["fraud_mature"]}`, "features[0]", "gives the target away", ""},
		{"twice", `{"target": "is_fraud", "features": ["n", "amount", "N"]}`, "features[2]", "listed twice", ""},
		{"protected", `{"target": "is_fraud", "features": ["sex"]}`, "features[0]", "is protected", `allow_protected = ["sex"]`},
		{"protected, allowed", `{"target": "is_fraud", "features": ["sex"], "allow_protected": ["SEX"]}`, "", "", ""},
		{"personal", `{"target": "is_fraud", "features": ["card"]}`, "features[0]", "personal data", `allow_pii = ["card"]`},
		{"personal, allowed", `{"target": "is_fraud", "features": ["card"], "allow_pii": ["card"]}`, "", "", ""},
		{"allowed for nothing", `{"target": "is_fraud", "features": ["n"], "allow_pii": ["card"]}`, "allow_pii[0]", "not among the features", ""},
		{"a time", `{"target": "is_fraud", "features": ["paid_at"]}`, "features[0]", "is of type timestamp", "hour(paid_at)"},
		{"a list", `{"target": "is_fraud", "features": ["tags"]}`, "features[0]", "is of type varchar[]", ""},
		{"the key", `{"target": "is_fraud", "features": ["id"]}`, "features[0]", "is the key", ""},
		{"text without a positive class", `{"target": "kind", "features": ["n"], "task": "binary_classification"}`, "positive", "positive class is not said", ""},
		{"a class that a boolean has not", `{"target": "is_fraud", "features": ["n"], "positive": "yes"}`, "positive", `no class "yes"`, ""},
		{"a task that is not done", `{"target": "amount", "features": ["n"]}`, "task", "cannot do regression", `"binary_classification"`},
		{"a weight of text", `{"target": "is_fraud", "features": ["n"], "weight": "kind"}`, "weight", "not a number", ""},
		{"a weight that is a feature", `{"target": "is_fraud", "features": ["n"], "weight": "n"}`, "weight", "a feature too", ""},
		{"a decision on nothing", `{"target": "is_fraud", "features": ["n"], ` + decision + `}`, "decision", "needs a validation table", ""},
		{"a decision between many", `{"target": "kind", "features": ["n"], ` + decision + `}`, "decision", "for binary tasks", ""},
	}
	for _, tt := range tests {
		got := stagetest.Shape(t, logistic_regression.Component, stagetest.Block{Address: "train.m", Config: tt.config,
			Tables: map[string]stagetest.Table{"data": {SQL: "select 1", Schema: payments()}}}).Problems
		if tt.summary == "" {
			if len(got) > 0 {
				t.Errorf("%s: got %+v", tt.name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.summary) || !strings.Contains(got[0].Hint, tt.hint) {
			t.Errorf("%s: got %+v, want %q at %s", tt.name, got, tt.summary, tt.path)
		}
	}
}

func TestShapeComparesTheValidationTable(t *testing.T) {
	other := payments()
	other.Columns[1].Type = "varchar"
	got := stagetest.Shape(t, logistic_regression.Component, stagetest.Block{Address: "train.m",
		Config: `{"target": "is_fraud", "features": ["amount", "n"]}`,
		Tables: map[string]stagetest.Table{"data": {SQL: "select 1", Schema: payments()}, "validation": {SQL: "select 1", Schema: other}},
	}).Problems
	if len(got) != 1 || got[0].Path != "validation" || !strings.Contains(got[0].Summary, `"amount" is varchar in the validation table and double`) {
		t.Errorf("got %+v", got)
	}
}

func TestShapeYields(t *testing.T) {
	got := stagetest.Shape(t, logistic_regression.Component, stagetest.Block{Address: "train.m",
		Config: `{"target": "IS_FRAUD", "features": ["N", "amount"]}`,
		Tables: map[string]stagetest.Table{"data": {SQL: "select 1", Schema: payments()}}})
	m := got.Out["model"].Model
	if m == nil || m.Task != schema.Binary || m.Target != "is_fraud" || m.Features[0].Name != "n" || m.Features[1].Type != "double" {
		t.Errorf("got %+v", m)
	}
	if keys := got.Figures.Fields["importance"].Keys; len(keys) != 2 || keys[0] != "amount" || keys[1] != "n" {
		t.Errorf("got keys %v", keys)
	}
}

// TestExactClasses has classes that are the same float64.
func TestExactClasses(t *testing.T) {
	for _, tc := range []struct {
		config, y string
		want      []string
	}{
		{`"task": "multiclass_classification"`, "[5, 9007199254740992, 9007199254740993][1 + i % 3]::bigint", []string{"5", "9007199254740992", "9007199254740993"}},
		{`"task": "multiclass_classification"`, "[-9007199254740993, -9007199254740992, 18014398509481985][1 + i % 3]::bigint",
			[]string{"-9007199254740993", "-9007199254740992", "18014398509481985"}},
		{`"task": "binary_classification", "positive": "9007199254740993"`, "[9007199254740992, 9007199254740993][1 + i % 2]::bigint", []string{"9007199254740992", "9007199254740993"}},
		{`"task": "binary_classification", "positive": "2"`, "[1.0, 2.0][1 + i % 2]::double", []string{"1", "2"}},
		{`"task": "multiclass_classification"`, "[0.1, 0.2, 0.3][1 + i % 3]::float", []string{"0.1", "0.2", "0.3"}},
		{`"task": "multiclass_classification"`, "[12345678901234567.89, 12345678901234567.9, 3][1 + i % 3]::decimal(38,2)", []string{"3", "12345678901234567.89", "12345678901234567.9"}},
	} {
		r := stagetest.Run(t, logistic_regression.Component, stagetest.Block{Address: "train.m", Config: `{"target": "y", "features": ["x"], ` + tc.config + `}`,
			Tables: data("select i as id, " + tc.y + " as y, (i % 7)::double as x from range(300) t(i)")})
		if r.Err != nil {
			t.Errorf("%s: %v", tc.y, r.Err)
			continue
		}
		b, err := model.Read(filepath.Join(r.Root, "out", "model"))
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Signature().Classes; !slices.Equal(got, tc.want) {
			t.Errorf("%s: got classes %v, want %v", tc.y, got, tc.want)
		}
	}
}

func TestInputErrors(t *testing.T) {
	from := func(columns string) string { return "select " + columns + " from range(100) t(i)" }
	tests := []struct{ name, config, sql, want string }{
		{"one class", `{"target": "y", "features": ["x"]}`, from("true as y, i as x"), `one class only: "true"`},
		{"one number", `{"target": "y", "features": ["x"], "task": "binary_classification"}`, from("1 as y, i as x"), `one class only: "1"`},
		{"one text", `{"target": "y", "features": ["x"]}`, from("'a' as y, i as x"), `one class only: "a"`},
		{"three for two", `{"target": "y", "features": ["x"], "task": "binary_classification"}`, from("i % 3 as y, i as x"), `has 3 classes: "0", "1", "2"`},
		{"1 and 2", `{"target": "y", "features": ["x"], "task": "binary_classification"}`, from("1 + i % 2 as y, i as x"), `the positive one is not said`},
		{"no such positive", `{"target": "y", "features": ["x"], "task": "binary_classification", "positive": "yes"}`, from("['j', 'n'][1 + i % 2] as y, i as x"), `no class "yes"`},
		{"infinite feature", `{"target": "y", "features": ["x"]}`, from("i % 2 = 0 as y, case when i < 3 then 'inf'::double else i end as x"), `feature "x" in 3 rows`},
		{"too large", `{"target": "y", "features": ["x"]}`, from("i % 2 = 0 as y, 1e39 * (i % 2) as x"), `feature "x" in 50 rows`},
		{"too few rows", `{"target": "y", "features": ["x"]}`, from("case when i < 9 then i % 2 = 0 end as y, i as x"), `9 rows are too few`},
		{"no rows", `{"target": "y", "features": ["x"]}`, "select true as y, 1 as x where false", `0 rows are too few`},
		{"negative weight", `{"target": "y", "features": ["x"], "weight": "w"}`, from("i % 2 = 0 as y, i as x, -i as w"), `"w" in data is null, negative`},
		{"no weight at all", `{"target": "y", "features": ["x"], "weight": "w"}`, from("i % 2 = 0 as y, i as x, 0 as w"), `sums up to 0`},
		{"one class that weighs", `{"target": "y", "features": ["x"], "weight": "w"}`, from("i % 2 = 0 as y, i as x, i % 2 as w"), `one class only: "false"`},
		{"one text that weighs", `{"target": "y", "features": ["x"], "weight": "w", "positive": "b"}`, from("['a', 'b'][1 + i % 2] as y, i as x, i % 2 as w"), `one class only: "b"`},
		{"too many classes", `{"target": "y", "features": ["x"]}`, "select i::varchar as y, i as x from range(1200) t(i)", `1200 different values`},
	}
	for _, tt := range tests {
		r := stagetest.Run(t, logistic_regression.Component, stagetest.Block{Address: "train.m", Config: tt.config, Tables: data(tt.sql)})
		var input *component.InputError
		if !errors.As(r.Err, &input) || !strings.Contains(input.Summary, tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, r.Err, tt.want)
		}
	}
	r := stagetest.Run(t, linear_regression.Component, stagetest.Block{Address: "train.m", Config: `{"target": "y", "features": ["x"]}`,
		Tables: data(from("3 as y, i as x"))})
	if r.Err == nil || !strings.Contains(r.Err.Error(), `"y" is 3 in every row`) {
		t.Errorf("constant target: got %v", r.Err)
	}
}

func TestValidationOfOtherClasses(t *testing.T) {
	tables := data("select ['a', 'b'][1 + i % 2] as y, i as x from range(100) t(i)")
	tables["validation"] = stagetest.Table{SQL: "select 'c' as y, 1::bigint as x"}
	r := stagetest.Run(t, logistic_regression.Component, stagetest.Block{Address: "train.m", Config: `{"target": "y", "features": ["x"]}`, Tables: tables})
	if r.Err == nil || !strings.Contains(r.Err.Error(), `holds "c", which is none of the 2 classes`) {
		t.Errorf("got %v", r.Err)
	}
}

// TestClassWithoutWeight is as absent as one without rows; the others are learnt.
func TestClassWithoutWeight(t *testing.T) {
	r, b := train(t, logistic_regression.Component, `{"target": "y", "features": ["x"], "weight": "w"}`,
		data("select ['a', 'b', 'c'][1 + i % 3] as y, i as x, case when i % 3 < 2 then 1 else 0 end as w from range(300) t(i)"))
	if got := b.Signature().Classes; !slices.Equal(got, []string{"a", "b"}) || !strings.Contains(r.Log, "100 of 300 rows are left out: all rows of their class have the weight 0") {
		t.Errorf("got classes %v, log %s", got, r.Log)
	}
}

func TestWarnings(t *testing.T) {
	sql := `select case when i > 4 then i % 2 = 0 end as y, (i % 2)::double as knows, case when i % 2 = 0 then 1 end as gap,
		1 as same, null::double as empty, i % 7 as fine, i::varchar as many, ['a', 'b', null][1 + i % 3] as text from range(1000) t(i)`
	r, b := train(t, logistic_regression.Component,
		`{"target": "y", "features": ["knows", "gap", "same", "empty", "fine", "many", "text"]}`, data(sql))
	for _, want := range []string{
		`5 of 1000 rows are left out: their target \"y\" is null`,
		`feature \"knows\" alone predicts the target with AUC 1.0000`,
		`feature \"gap\" alone predicts`,
		`features that are missing in every row: empty`,
		`features that are the same in every row: same`,
		`features that are missing in some rows: gap`,
		`feature \"many\" has 995 categories; the 255 most frequent are kept`,
	} {
		if !strings.Contains(r.Log, want) {
			t.Errorf("no warning %s in\n%s", want, r.Log)
		}
	}
	for _, not := range []string{`"fine\" alone`, `"many\" alone`, `"text\" alone`} {
		if strings.Contains(r.Log, not) {
			t.Errorf("a warning %s in\n%s", not, r.Log)
		}
	}
	if n := len(b.Signature().Features[5].Levels); n != 255 {
		t.Errorf("%d levels kept", n)
	}
	if p := b.Provenance(); p.Rows != 995 || p.Component != "train.logistic_regression" || !strings.HasPrefix(p.Data, "blake3:") {
		t.Errorf("got provenance %+v", p)
	}
}

// TestSuspicionOfNumbers: a feature that is the target, in whatever unit, order or with gaps, is told; a good one is not.
func TestSuspicionOfNumbers(t *testing.T) {
	const sql = `select y, y as copy, 1000 * y + 7 as line, -y + (hash(i) % 100)::double / 400 as noisy, exp(y / 4) as curve,
		case when i % 300 > 0 then y end as gap, floor(y / 10)::varchar as coarse, round(y / 2)::varchar as fine, case when i % 2 = 0 then y end as half,
		y + (hash(i * 3) % 100)::double / 8 as good, (hash(i * 7) % 100)::double as noise, (hash(i * 5) % 20)::varchar as text
		from (select i, (hash(i * 11) % 1000)::double / 25 as y from range(2000) t(i))`
	r, _ := train(t, linear_regression.Component, `{"target": "y", "features": ["copy", "line", "noisy", "curve", "gap", "coarse", "fine", "half", "good", "noise", "text"],
		"task": "regression"}`, data(sql))
	for _, want := range []string{
		`feature \"copy\" alone predicts the target with R² 1.0000`, `feature \"line\" alone predicts the target with R² 1.0000`,
		`feature \"noisy\" alone predicts the target with R² 1.0000`, `feature \"curve\" alone orders the rows as the target does, with rank correlation 1.0000`,
		`feature \"gap\" alone predicts`, `feature \"fine\" alone predicts`,
	} {
		if !strings.Contains(r.Log, want) {
			t.Errorf("no warning %s in\n%s", want, r.Log)
		}
	}
	for _, not := range []string{`"coarse\" alone`, `"half\" alone`, `"good\" alone`, `"noise\" alone`, `"text\" alone`} {
		if strings.Contains(r.Log, not) {
			t.Errorf("a warning %s in\n%s", not, r.Log)
		}
	}
}

func TestOnlyMatureLabels(t *testing.T) {
	tables := map[string]stagetest.Table{"data": {
		SQL:    `select i % 3 = 0 as y, i as x, null::timestamp as l_known_at, i >= 40 as l_mature from range(100) t(i)`,
		Schema: schema.Table{Label: &schema.Label{Column: "y", KnownAt: "l_known_at", Mature: "l_mature"}},
	}}
	r, _ := train(t, logistic_regression.Component, `{"target": "Y", "features": ["X"]}`, tables)
	if f := r.Figures(t); f["rows"].(float64) != 60 || f["dropped"].(float64) != 40 {
		t.Errorf("got figures %v", f)
	}
}

func TestPositiveClass(t *testing.T) {
	tests := []struct{ config, negative, positive string }{
		{`{"target": "b", "features": ["x"]}`, "false", "true"},
		{`{"target": "b", "features": ["x"], "positive": "false"}`, "true", "false"},
		{`{"target": "n", "features": ["x"], "task": "binary_classification"}`, "0", "1"},
		{`{"target": "n", "features": ["x"], "task": "binary_classification", "positive": "0"}`, "1", "0"},
		{`{"target": "s", "features": ["x"], "positive": "no"}`, "yes", "no"},
	}
	for _, tt := range tests {
		r, b := train(t, logistic_regression.Component, tt.config, data(
			`select i < 30 as b, (i < 30)::integer as n, case when i < 30 then 'yes' else 'no' end as s, i % 5 as x from range(100) t(i)`))
		s := b.Signature()
		if len(s.Classes) != 2 || s.Classes[0] != tt.negative || s.Classes[1] != tt.positive || s.Task != schema.Binary {
			t.Errorf("%s: got classes %v, task %s", tt.config, s.Classes, s.Task)
		}
		got := stagetest.Score(t, b.Serve(), map[string]any{"x": 2.0})
		want := 0.7
		if tt.positive == "true" || tt.positive == "1" {
			want = 0.3
		}
		near(t, tt.config+" score", *got[0].Score, want, 1e-3)
		if r.Shape.Out["model"].Model.Task != s.Task {
			t.Errorf("%s: the shape says %s", tt.config, r.Shape.Out["model"].Model.Task)
		}
	}
}
