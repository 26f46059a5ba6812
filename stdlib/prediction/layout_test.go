package prediction

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/constant"
	"github.com/mlp-lang/mlp/stdlib/table"
)

func columnsText(columns []schema.Column) string {
	var out []string
	for _, c := range columns {
		out = append(out, c.Name+" "+c.Type)
	}
	return strings.Join(out, ", ")
}

// TestLayout: which columns a table of predictions has, and its key.
func TestLayout(t *testing.T) {
	data := schema.Table{
		Columns: []schema.Column{{Name: "id", Type: "bigint"}, {Name: "Card", Type: "varchar"}, {Name: "at", Type: "timestamp"}, {Name: "y", Type: "boolean"}, {Name: "x", Type: "double"}},
		Key:     []string{"id"}, Entity: []string{"card", "id"}, Time: "at",
	}
	bare := schema.Table{Columns: data.Columns[1:3]}
	for _, tc := range []struct {
		layout Layout
		want   string
	}{
		{Layout{Task: schema.Binary, Target: "y", Data: &data}, "id bigint, Card varchar, at timestamp, predicted boolean; key id"},
		{Layout{Task: schema.Binary, Target: "y", Data: &data, Actual: true, Score: true}, "id bigint, Card varchar, at timestamp, actual boolean, predicted boolean, score double; key id"},
		{Layout{Task: schema.Multiclass, Target: "y", Data: &data, Score: true}, "id bigint, Card varchar, at timestamp, predicted boolean, score double, scores varchar; key id"},
		{Layout{Task: schema.Regression, Target: "y", Data: &data, Score: true}, "id bigint, Card varchar, at timestamp, predicted double; key id"},
		{Layout{Task: schema.Binary, Target: "y", Data: &bare, Score: true}, "row bigint, predicted varchar, score double; key row"},
	} {
		got := tc.layout.Table()
		if text := columnsText(got.Columns) + "; key " + strings.Join(got.Key, ", "); text != tc.want {
			t.Errorf("%+v: got %s, want %s", tc.layout, text, tc.want)
		}
		if !slices.Equal(got.Entity, tc.layout.Data.Entity) || got.Time != tc.layout.Data.Time {
			t.Errorf("%+v: got entity %v and time %q", tc.layout, got.Entity, got.Time)
		}
	}
}

// TestFrame: what is written of scores that are not known, and of a key that is named as the column of numbers of rows.
func TestFrame(t *testing.T) {
	set := &Set{Rows: 2, Task: schema.Binary, Classes: []string{"no", "yes"}, Predicted: []float64{1, math.NaN()}, Score: []float64{0.9, math.NaN()}}
	unscored := *set
	unscored.Score = nil
	many := *set
	many.Score, many.Scores = nil, [][]float64{{0.25, math.NaN()}, {0.75, math.NaN()}}
	for _, tc := range []struct {
		score bool
		set   *Set
		want  string
	}{
		{true, set, "row [0 1], predicted [yes null], score [0.9 NaN]"},
		{false, set, "row [0 1], predicted [yes null]"},
		{true, &unscored, "row [0 1], predicted [yes null]"},
		{true, &many, `row [0 1], predicted [yes null], score [0.75 NaN], scores [{"no":0.25,"yes":0.75} null]`},
		{false, &many, "row [0 1], predicted [yes null]"},
		{true, &Set{Rows: 1, Task: schema.Regression, Predicted: []float64{7}}, "row [0], predicted [7]"},
	} {
		var out []string
		for _, c := range (Layout{Score: tc.score}).Frame(tc.set).Columns {
			values := fmt.Sprint(c.Num)
			if c.Text() {
				var words []string
				for _, code := range c.Codes {
					words = append(words, append([]string{"null"}, c.Levels...)[code+1])
				}
				values = fmt.Sprint(words)
			}
			out = append(out, c.Name+" "+values)
		}
		if got := strings.Join(out, ", "); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
	path, data := written(t, "select 10 - i as row, i % 2 = 0 as y from range(2) r(i)")
	data.Key = []string{"row"}
	l := Layout{Task: schema.Binary, Target: "y", Data: data}
	out := t.TempDir() + "/p.parquet"
	set.Classes = []string{"no", "perhaps"}
	if err := l.Write(t.Context(), set, path, out); err == nil || !strings.Contains(err.Error(), "writing predictions") {
		t.Errorf("classes that the target cannot have: got %v", err)
	}
	set.Classes = []string{"false", "true"}
	if err := l.Write(t.Context(), set, path, out); err != nil {
		t.Fatal(err)
	}
	back, err := l.Read(t.Context(), out, set.Classes)
	if err != nil || !alike(back.Predicted, []float64{1, math.NaN()}) {
		t.Errorf("got %+v, %v", back, err)
	}
	if _, err := l.Read(t.Context(), out, []string{"no", "yes"}); err == nil || !strings.Contains(err.Error(), "none of the model's classes") {
		t.Errorf("other classes: got %v", err)
	}
	for _, missing := range []string{path, out + ".none"} {
		if _, err := l.Read(t.Context(), missing, nil); err == nil || !strings.Contains(err.Error(), "reading predictions") {
			t.Errorf("%s: got %v", missing, err)
		}
	}
}

// TestHasScore: by which columns a table has scores is as Read reads them.
func TestHasScore(t *testing.T) {
	of := func(names ...string) *schema.Table {
		out := &schema.Table{Columns: []schema.Column{}}
		for _, n := range names {
			out.Columns = append(out.Columns, schema.Column{Name: n})
		}
		return out
	}
	for _, tc := range []struct {
		table *schema.Table
		task  schema.Task
		want  bool
	}{
		{nil, schema.Binary, true}, {&schema.Table{}, schema.Binary, true}, {of(), schema.Binary, false}, {of("predicted"), schema.Binary, false},
		{of("predicted", "score"), schema.Binary, true}, {of("score_a"), schema.Binary, false}, {of("scores"), schema.Binary, false},
		{of("score"), schema.Multiclass, false}, {of("predicted", "score_a"), schema.Multiclass, true}, {of("scores"), schema.Multiclass, true},
	} {
		if got := HasScore(tc.table, tc.task); got != tc.want {
			t.Errorf("%+v, %s: got %v", tc.table, tc.task, got)
		}
	}
}

// TestDerive: an opaque model predicts in a stage of its own, whose table is what the protocol asks of its task.
func TestDerive(t *testing.T) {
	data := schema.Shape{Type: schema.TablePort, Table: &schema.Table{}}
	for _, tc := range []struct {
		m    *schema.Model
		data schema.Shape
		want string
	}{
		{nil, data, "none"}, {&schema.Model{Task: schema.Binary}, data, "none"}, {&schema.Model{Task: schema.Binary, Opaque: true}, schema.Shape{}, "none"},
		{&schema.Model{Task: schema.Binary, Opaque: true}, data, "score double"}, {&schema.Model{Task: schema.Regression, Opaque: true}, data, "predicted double"},
		{&schema.Model{Task: schema.Multiclass, Opaque: true, Classes: []string{"a", "b"}}, data, "score_a double, score_b double"},
	} {
		got := Derive(schema.DeriveRequest{In: map[string]schema.Shape{ModelPort: {Type: schema.ModelPort, Model: tc.m}, DataPort: tc.data}})
		text := "none"
		if len(got) == 1 {
			text = columnsText(got[0].Out[0].Shape.Table.Columns)
			if d := got[0]; d.Role != schema.PredictRole || d.Into != PredictionsPort || d.ScoredBy != ModelPort || len(d.In) != 2 {
				t.Errorf("%+v: got %+v", tc.m, d)
			}
		}
		if text != tc.want {
			t.Errorf("%+v: got %s, want %s", tc.m, text, tc.want)
		}
	}
}

// TestScore: a model that is scored here, of each task; what it cannot score is refused.
func TestScore(t *testing.T) {
	path, _ := written(t, "select unnest([0.1, null, 0.9, 'inf'::double]) as x")
	whole := &constant.Column{Feature: 0}
	for _, tc := range []struct {
		signature model.Signature
		model     constant.Model
		want      string
	}{
		{model.Signature{Task: schema.Binary, Classes: []string{"no", "yes"}}, constant.Model{Scores: []float64{0.7}, Column: whole},
			`rows 4, predicted [0 1 NaN 1], score [0.1 0.9 NaN 0.7], scores 0, threshold 0.6; 1 of 4 rows have no prediction: in row 3 the feature "x" is +Inf, which is infinite or too large for 32 bits`},
		{model.Signature{Task: schema.Regression}, constant.Model{Scores: []float64{5}, Column: whole},
			`rows 4, predicted [0.1 0.9 NaN 5], score [], scores 0, threshold NaN; 1 of 4 rows have no prediction: in row 3 the feature "x" is +Inf, which is infinite or too large for 32 bits`},
		{model.Signature{Task: schema.Multiclass, Classes: []string{"a", "b", "c"}}, constant.Model{Scores: []float64{0.2, 0.5, 0.3}},
			`rows 4, predicted [1 1 NaN 1], score [], scores 3, threshold NaN; 1 of 4 rows have no prediction: in row 3 the feature "x" is +Inf, which is infinite or too large for 32 bits`},
		{model.Signature{Task: schema.Regression, Features: []model.Feature{}}, constant.Model{Scores: []float64{5}},
			"rows 4, predicted [5 5 5 5], score [], scores 0, threshold NaN; "},
	} {
		s := tc.signature
		if s.Target = "y"; s.Features == nil {
			s.Features = []model.Feature{{Name: "x", Type: "double"}}
		}
		dir := bundle(t, s, tc.model)
		got, err := Score(t.Context(), dir, path, 1)
		if err != nil {
			t.Errorf("%s: %v", s.Task, err)
			continue
		}
		text := fmt.Sprintf("rows %d, predicted %v, score %v, scores %d, threshold %v; %s", got.Rows, got.Predicted, got.Score, len(got.Scores), got.Threshold, got.Told())
		if text != tc.want {
			t.Errorf("%s: got\n%s, want\n%s", s.Task, text, tc.want)
		}
	}
	texts, _ := written(t, "select 'a' as x")
	others, _ := written(t, "select 1 as z")
	dir := bundle(t, model.Signature{Task: schema.Regression, Target: "y", Features: []model.Feature{{Name: "x", Type: "double"}}}, constant.Model{Scores: []float64{5}})
	for data, want := range map[string]string{texts: "the model cannot score this table", others: "the model cannot score this table"} {
		if _, err := Score(t.Context(), dir, data, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := Score(t.Context(), t.TempDir(), path, 1); err == nil || !strings.Contains(err.Error(), "reading the model") {
		t.Errorf("no model: got %v", err)
	}
}

// bundle writes a constant model to a folder.
func bundle(t *testing.T, s model.Signature, m constant.Model) string {
	t.Helper()
	b, err := model.New(s, model.Constant, &m, 0.6, model.Provenance{Component: "train.test", Version: 1, Rows: 9})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := b.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestClassesOfColumns: which class a value is, and what is told of one that is none.
func TestClassesOfColumns(t *testing.T) {
	nan := math.NaN()
	for _, tc := range []struct {
		column  frame.Column
		classes []string
		want    string
	}{
		{frame.Column{Type: "boolean", Num: []float64{0, nan, 1}}, []string{"false", "true"}, "[0 NaN 1]"},
		{frame.Column{Type: "boolean", Num: []float64{0, 1}}, []string{"0", "T"}, "[0 1]"},
		{frame.Column{Type: "boolean", Num: []float64{0, 1}}, []string{"no", "true"}, `row 1 of column "y" is "false", which is none of the model's classes (no, true)`},
		{frame.Column{Type: "bigint", Num: []float64{3, 7, nan}}, []string{"7", "3"}, "[1 0 NaN]"},
		{frame.Column{Type: "bigint", Num: []float64{1, 2}}, []string{"1", "true"}, `row 2 of column "y" is "2", which is none of the model's classes (1, true)`},
		{frame.Column{Type: "varchar", Levels: []string{"a", "b"}, Codes: []int32{1, -1, 0}}, []string{"a", "b"}, "[1 NaN 0]"},
		{frame.Column{Type: "varchar", Levels: []string{"a", "b"}, Codes: []int32{0, 1}}, []string{"a"}, `row 2 of column "y" is "b", which is none of the model's classes (a)`},
	} {
		tc.column.Name = "y"
		got, err := ClassIndex(&tc.column, tc.classes)
		text := fmt.Sprint(got)
		if err != nil {
			text = err.Error()
		}
		if text != tc.want {
			t.Errorf("%+v: got %s, want %s", tc.column, text, tc.want)
		}
	}
	truth := &frame.Column{Name: "y", Type: "boolean", Num: []float64{1, 0, nan}}
	if values, n := Unseen(truth, []string{"1"}, []int{0, 1, 2}); n != 1 || !slices.Equal(values, []string{"false"}) {
		t.Errorf("got %v, %d", values, n)
	}
	words := &frame.Column{Name: "y", Type: "varchar", Levels: []string{"z", "a", "m"}, Codes: []int32{0, 1, 2, 1, -1}}
	if values, n := Unseen(words, []string{"m"}, []int{0, 1, 2, 3, 4}); n != 3 || !slices.Equal(values, []string{"a", "z"}) {
		t.Errorf("got %v, %d", values, n)
	}
}

// TestBinaryClassesOfTwoColumns: where the data has one class alone, the predictions say what the other is.
func TestBinaryClassesOfTwoColumns(t *testing.T) {
	text := func(levels ...string) *frame.Column {
		return &frame.Column{Name: "y", Type: "varchar", Levels: levels, Codes: make([]int32, len(levels))}
	}
	whole := func(values ...float64) *frame.Column { return &frame.Column{Name: "y", Type: "bigint", Num: values} }
	for _, tc := range []struct {
		column, other *frame.Column
		positive      string
		want          string
	}{
		{text("no"), text("yes"), "", "[no yes]"}, {text("yes"), text("no", "yes"), "", "[no yes]"}, {text("no"), text("yes"), "no", "[yes no]"},
		{text("no", "yes"), text("maybe"), "", "[no yes]"}, {text("no"), nil, "", `column "y" has 1 distinct values, expected the two classes`},
		{text("no"), text("yes"), "maybe", `column "y" has no value "maybe", which is named as the positive class`},
		{text("a"), text("b", "c"), "", `column "y" has 3 distinct values, expected the two classes`},
		{whole(5), whole(7, math.NaN()), "", "[5 7]"}, {whole(1), whole(0), "0", "[1 0]"}, {whole(1, 0), nil, "0", "[1 0]"}, {text("1", "0"), nil, "", "[0 1]"},
	} {
		got, err := binaryClasses(tc.column, tc.other, tc.positive)
		text := fmt.Sprint(got)
		if err != nil {
			text = err.Error()
		}
		if text != tc.want {
			t.Errorf("%+v, %+v, %q: got %s, want %s", tc.column, tc.other, tc.positive, text, tc.want)
		}
	}
}

// TestReadScores: of several classes the scores are columns, or objects of JSON; each is a probability of each class.
func TestReadScores(t *testing.T) {
	multi, number := schema.Model{Task: schema.Multiclass, Target: "y", Classes: []string{"a", "b"}}, schema.Model{Task: schema.Regression, Target: "y"}
	binary := schema.Model{Task: schema.Binary, Target: "y"}
	for _, tc := range []struct {
		sql  string
		m    schema.Model
		want string
	}{
		{`select unnest(['{"a": 0.25, "b": 0.75}', '{"b": 0.5, "a": 0.5}', null]) as scores`, multi, "[1 0 NaN] [a b] [[0.25 0.5 NaN] [0.75 0.5 NaN]] 1"},
		{`select unnest(['{"a": 0.25, "b": 0.75}', '{"a": 1}']) as scores`, multi, "row 2 has scores of 1 classes, expected 2"},
		{`select unnest(['{"a": 0.25, "b": 0.75}', '{"a": 1, "c": 0}']) as scores`, multi, `row 2 has no score of class "b"`},
		{`select unnest(['{"a": 0.25, "b": null}']) as scores`, multi, `row 1 has no score of class "b"`},
		{`select unnest(['{"a": 0.25, "b": 1.5}']) as scores`, multi, `row 1 has the score 1.5 of class "b", which is no probability`},
		{`select unnest(['{"a": -0.25, "b": 1}']) as scores`, multi, `row 1 has the score -0.25 of class "a", which is no probability`},
		{`select unnest(['{"a": 0, "b": 1}', '}']) as scores`, multi, `row 2: scores "}"`},
		{`select unnest([1, 2]) as scores`, multi, `column "scores" is no text, expected JSON objects of probabilities by class`},
		{`select null::varchar as scores, 'a' as predicted`, multi, "[0] [a b] [] 0"},
		{`select unnest(['a', 'b', null]) as predicted`, schema.Model{Task: schema.Multiclass, Target: "y"}, "[0 1 NaN] [a b] [] 1"},
		{`select 'b' as predicted, 0.9 as score_a, 0.1 as score_b`, multi, "[1] [a b] [[0.9] [0.1]] 0"},
		{`select 'b' as predicted, 0.9 as score_a, null::double as score_b`, multi, "[NaN] [a b] [[0.9] [NaN]] 1"},
		{`select unnest([1.5, null]) as score`, number, "[1.5 NaN] [] [] 1"},
		{`select 1.5 as score, 2.5 as predicted`, number, "[2.5] [] [] 0"},
		{`select unnest(['no', 'yes']) as predicted, unnest([0.1, null]) as score`, binary, "[0 NaN] [no yes] [] 1"},
		{`select 'maybe' as predicted`, binary, `column "predicted" has 1 distinct values, expected the two classes`},
		{`select unnest([0, 1]) as score`, binary, "[0 1] [0 1] [] 0"},
	} {
		path, _ := written(t, tc.sql)
		rows, err := table.Rows(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(t.Context(), path, int(rows), tc.m, nil)
		text := ""
		if err != nil {
			text = strings.TrimPrefix(err.Error(), "reading predictions: ")
		} else {
			text = fmt.Sprint(got.Predicted, " ", got.Classes, " ", got.Scores, " ", len(got.Unscored))
		}
		if text != tc.want && (err == nil || !strings.HasPrefix(text, tc.want)) {
			t.Errorf("%s: got %s, want %s", tc.sql, text, tc.want)
		}
	}
	if _, err := Read(t.Context(), t.TempDir()+"/none", 1, multi, nil); err == nil || !strings.HasPrefix(err.Error(), "reading predictions: ") {
		t.Errorf("no file: got %v", err)
	}
}

// TestScoreThatIsStopped: an end that was asked for is no mistake of the table.
func TestScoreThatIsStopped(t *testing.T) {
	path, _ := written(t, "select unnest([0.1, 0.9]) as x")
	dir := bundle(t, model.Signature{Task: schema.Regression, Target: "y", Features: []model.Feature{}}, constant.Model{Scores: []float64{5}})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var input *component.InputError
	if _, err := Score(ctx, dir, path, 1); !errors.Is(err, context.Canceled) || errors.As(err, &input) {
		t.Errorf("got %v, want that it was canceled", err)
	}
}
