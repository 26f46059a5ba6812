package prediction

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// written makes a table of a query in a file of its own, and returns its path and schema.
func written(t *testing.T, sql string) (string, *schema.Table) {
	t.Helper()
	b := table.NewBinder(nil)
	defer b.Close()
	columns, problems := b.Query(t.Context(), sql, nil)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", sql, problems)
	}
	path := filepath.Join(t.TempDir(), "t.parquet")
	if _, err := table.Run(t.Context(), table.Query{SQL: sql, Out: path}); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return path, &schema.Table{Columns: columns}
}

// TestWriteAndRead: what a layout writes it reads back, of every task, with and without a key, rows without a prediction among them.
func TestWriteAndRead(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const rows = 40
	for _, tc := range []struct {
		task    schema.Task
		classes []string
		target  string
	}{
		{schema.Regression, nil, "(i * 0.5)::double"}, {schema.Binary, []string{"false", "true"}, "i % 2 = 0"}, {schema.Binary, []string{"no", "yes"}, "case when i % 2 = 0 then 'no' else 'yes' end"},
		{schema.Binary, []string{"0", "1"}, "(i % 2)::bigint"}, {schema.Multiclass, []string{"5", "9007199254740992", "9007199254740993"}, "case i % 3 when 0 then 5 when 1 then 9007199254740992 else 9007199254740993 end::bigint"},
		{schema.Multiclass, []string{"a", `b "quoted"`, "é"}, `case i % 3 when 0 then 'a' when 1 then 'b "quoted"' else 'é' end`},
	} {
		for _, keyed := range []bool{true, false} {
			name := fmt.Sprintf("%v %v, key %v", tc.task, tc.classes, keyed)
			path, data := written(t, fmt.Sprintf("select i as id, %s as y, timestamp '2024-01-01' + to_hours(i::int) as ts from range(%d) r(i)", tc.target, rows))
			data.Time = "ts"
			if keyed {
				data.Key = []string{"id"}
			}
			set := made(r, tc.task, tc.classes, rows)
			l := Layout{Task: tc.task, Target: "y", Data: data, Actual: true, Score: true}
			out := filepath.Join(t.TempDir(), "p.parquet")
			if err := l.Write(t.Context(), set, path, out); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := l.Read(t.Context(), out, tc.classes)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !alike(got.Predicted, set.Predicted) || tc.task == schema.Binary && !alike(got.Score, set.Score) {
				t.Errorf("%s: wrote %v %v, read %v %v", name, set.Predicted, set.Score, got.Predicted, got.Score)
			}
			for c := range set.Scores {
				if !alike(got.Scores[c], set.Scores[c]) {
					t.Errorf("%s: wrote %v of class %d, read %v", name, set.Scores[c], c, got.Scores[c])
				}
			}
			if again, err := Read(t.Context(), out, rows, schema.Model{Task: tc.task, Target: "y", Classes: tc.classes}, nil); err != nil || !alike(again.Predicted, set.Predicted) {
				t.Errorf("%s: as predictions of elsewhere they are %+v, %v", name, again, err)
			}
		}
	}
}

// made draws predictions; every seventh row has none.
func made(r *rand.Rand, task schema.Task, classes []string, rows int) *Set {
	s := &Set{Rows: rows, Task: task, Target: "y", Classes: classes, Threshold: math.NaN(), Predicted: make([]float64, rows)}
	for range classes {
		s.Scores = append(s.Scores, make([]float64, rows))
	}
	for i := range rows {
		total := 0.0
		for c := range classes {
			s.Scores[c][i] = r.Float64()
			total += s.Scores[c][i]
		}
		s.Predicted[i] = r.NormFloat64()
		if len(classes) > 0 {
			s.Predicted[i] = float64(r.IntN(len(classes)))
		}
		for c := range classes {
			if s.Scores[c][i] /= total; i%7 == 0 {
				s.Scores[c][i] = math.NaN()
			}
		}
		if i%7 == 0 {
			s.Predicted[i] = math.NaN()
		}
	}
	if task == schema.Binary {
		s.Score, s.Scores = s.Scores[1], nil
	}
	return s
}

func alike(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return x == y || x != x && y != y })
}

// TestReadRefuses: predictions that are none of the model's are refused with the row and the value.
func TestReadRefuses(t *testing.T) {
	binary, multi, number := schema.Model{Task: schema.Binary, Target: "y"}, schema.Model{Task: schema.Multiclass, Target: "y", Classes: []string{"a", "b"}}, schema.Model{Task: schema.Regression, Target: "y"}
	target := &frame.Column{Name: "y", Type: "boolean", Num: []float64{0, 1}}
	for _, tc := range []struct {
		sql  string
		m    schema.Model
		want string
	}{
		{"select 1.0::double as predicted", number, "the predictions have 1 rows, the data has 2"},
		{"select unnest([1.0, 2.0]) as y_hat", number, "neither a column predicted nor score (it has y_hat)"},
		{"select unnest(['1', 'x']) as predicted", number, `column "predicted" is text`},
		{"select unnest([1.0, 'inf'::double]) as predicted", number, `row 2 of column "predicted" is infinite`},
		{"select unnest([0.5, 1.5]) as score", binary, `row 2 of column "score" is 1.5, which is no probability`},
		{"select unnest([0.5, -0.1]) as score", binary, "which is no probability"},
		{"select unnest(['true', 'maybe']) as predicted", binary, `"maybe", which is none of the model's classes (false, true)`},
		{"select unnest(['a', 'c']) as predicted", multi, `row 2 of column "predicted" is "c"`},
		{"select 1 as x from range(2)", multi, "nor one score_<class> for each class"},
		{"select unnest([0.5, 2]) as score_a, unnest([0.5, 0.1]) as score_b", multi, `row 2 of column "score_a" is 2`},
		{`select unnest(['{"a": 1}', 'no']) as scores`, multi, "scores"},
	} {
		path, _ := written(t, tc.sql)
		_, err := Read(t.Context(), path, 2, tc.m, map[bool]*frame.Column{true: target}[tc.m.Task == schema.Binary])
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.sql, err, tc.want)
		}
	}
}

// TestReadPredicts: without a class the score decides, at the usual threshold and among all classes; what is null is no prediction.
func TestReadPredicts(t *testing.T) {
	nan := math.NaN()
	target := &frame.Column{Name: "y", Type: "boolean", Num: []float64{0, 1, 1, 0}}
	path, _ := written(t, "select unnest([0.49, 0.5, null, 1.0]::double[]) as score")
	got, err := Read(t.Context(), path, 4, schema.Model{Task: schema.Binary, Target: "y"}, target)
	if err != nil {
		t.Fatal(err)
	}
	// Stored in order: 0.49, 0.5, 1, null.
	if !alike(got.Predicted, []float64{0, 1, 1, nan}) || got.Threshold != 0.5 || len(got.Unscored) != 1 || got.Unscored[0].Row != 3 ||
		got.Told() != "1 of 4 rows have no prediction: in row 4 it is null" {
		t.Errorf("got %+v, %s", got, got.Told())
	}
	path, _ = written(t, "select * from (values (0.2, 0.8), (0.6, 0.4), (0.5, 0.5)) v(score_a, score_b)")
	if got, err = Read(t.Context(), path, 3, schema.Model{Task: schema.Multiclass, Target: "y"}, nil); err != nil || !alike(got.Predicted, []float64{1, 0, 0}) || !slices.Equal(got.Classes, []string{"a", "b"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestBinaryClasses: which of two classes is the positive one, by name or by custom.
func TestBinaryClasses(t *testing.T) {
	text := func(levels ...string) *frame.Column {
		c := &frame.Column{Name: "y", Type: "varchar", Levels: levels, Codes: []int32{}}
		for i := range levels {
			c.Codes = append(c.Codes, int32(i))
		}
		return c
	}
	numbers := func(kind string, values ...float64) *frame.Column {
		return &frame.Column{Name: "y", Type: kind, Num: values}
	}
	for _, tc := range []struct {
		column   *frame.Column
		positive string
		want     string
	}{
		{nil, "", "0 1"}, {nil, "true", "false true"}, {nil, "false", "true false"}, {nil, "0", "1 0"}, {nil, "bad", "not bad bad"},
		{numbers("boolean", 0, 1), "", "false true"}, {numbers("boolean", 1, 1), "", "false true"}, {numbers("boolean", 0, 1), "false", "true false"},
		{numbers("bigint", 0, 1), "", "0 1"}, {numbers("bigint", 1, 1), "", "0 1"}, {numbers("bigint", 3, 7), "", "3 7"}, {numbers("bigint", 3, 7), "3", "7 3"}, {numbers("double", 1, 2), "2.0", "1 2"},
		{text("no", "yes"), "", "no yes"}, {text("no", "yes"), "no", "yes no"}, {text("yes"), "yes", "not yes yes"}, {text("no"), "yes", "no yes"},
		{text("no", "yes"), "maybe", "error"}, {text("a", "b", "c"), "", "error"}, {numbers("bigint", 1, 2, 3), "", "error"},
	} {
		got, err := binaryClasses(tc.column, nil, tc.positive)
		text := strings.Join(got, " ")
		if err != nil {
			text = "error"
		}
		if text != tc.want {
			t.Errorf("%+v, positive %q: got %q (%v), want %q", tc.column, tc.positive, text, err, tc.want)
		}
	}
}

// TestUnseen counts values that are none of the classes, in the rows asked for.
func TestUnseen(t *testing.T) {
	c := &frame.Column{Name: "y", Type: "varchar", Levels: []string{"a", "b", "z"}, Codes: []int32{0, 2, 1, -1, 2}}
	if values, n := Unseen(c, []string{"a", "b"}, []int{0, 1, 3, 4}); n != 2 || !slices.Equal(values, []string{"z"}) {
		t.Errorf("got %v, %d", values, n)
	}
	if values, n := Unseen(c, []string{"a", "b"}, []int{0, 2, 3}); n != 0 || values != nil {
		t.Errorf("got %v, %d", values, n)
	}
	whole := &frame.Column{Name: "y", Type: "bigint", Num: []float64{1, 2, math.NaN()}}
	if values, n := Unseen(whole, []string{"1"}, []int{0, 1, 2}); n != 1 || !slices.Equal(values, []string{"2"}) {
		t.Errorf("got %v, %d", values, n)
	}
}

// TestClash: a column of the data that is carried along must not have the name of one that is made.
func TestClash(t *testing.T) {
	data := &schema.Table{Columns: []schema.Column{{Name: "id", Type: "bigint"}, {Name: "Score", Type: "double"}, {Name: "row", Type: "bigint"}}}
	for _, tc := range []struct {
		key, entity []string
		want        string
	}{{[]string{"id"}, nil, ""}, {[]string{"Score"}, nil, "Score"}, {[]string{"id"}, []string{"Score"}, "Score"}, {[]string{"row"}, nil, ""}, {nil, []string{"row"}, "row"}} {
		data.Key, data.Entity = tc.key, tc.entity
		if got := (Layout{Task: schema.Binary, Target: "y", Data: data}).Clash(); got != tc.want {
			t.Errorf("key %v, entity %v: got %q, want %q", tc.key, tc.entity, got, tc.want)
		}
	}
}

// TestClassesWithoutData: where nothing but scores is known, the positive class is the one named, and the other is called by it.
func TestClassesWithoutData(t *testing.T) {
	path, _ := written(t, "select 0.9 as score")
	for positive, want := range map[string]string{
		"": "[0 1]", "1": "[0 1]", "0": "[1 0]", "true": "[false true]", "false": "[true false]", "yes": "[not yes yes]",
	} {
		got, err := Read(t.Context(), path, 1, schema.Model{Task: schema.Binary, Positive: positive}, nil)
		if err != nil || fmt.Sprint(got.Classes) != want {
			t.Errorf("positive = %q: got %+v, %v; want the classes %s", positive, got, err, want)
		}
	}
}

// TestReadsByParts: of a table that is longer than a part, what is in its columns of JSON is the same as in columns of numbers, a row without any keeps its
// place, and a row that is wrong has its number in the table.
func TestReadsByParts(t *testing.T) {
	const rows = 200_000
	const score = "case when i < 100000 or i % 7 = 3 then null else (i % 11) / 10.0 end::double"
	m := schema.Model{Task: schema.Multiclass, Target: "y"}
	read := func(sql string) (*Set, error) {
		path := filepath.Join(t.TempDir(), "p.parquet")
		if _, err := table.Run(t.Context(), table.Query{SQL: sql + " from range(200000) t(i)", OrderBy: []string{"i"}, Out: path}); err != nil {
			t.Fatal(err)
		}
		return Read(t.Context(), path, rows, m, nil)
	}
	want, err := read("select i, repeat('other', 10) as text, " + score + " as score_a, 1 - " + score + " as score_b")
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(`select i, to_json({a: ` + score + `, b: 1 - ` + score + `})::varchar as x, case when x not like '%null%' then x end as scores`)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Classes, want.Classes) || !alike(got.Scores[0], want.Scores[0]) || !alike(got.Scores[1], want.Scores[1]) || !alike(got.Predicted, want.Predicted) || !reflect.DeepEqual(got.Unscored, want.Unscored) {
		t.Error("the probabilities are others than in columns of numbers")
	}
	for from, row := range map[int]string{150_000: "row 150001: ", 0: "row 1: "} {
		_, err := read(fmt.Sprintf(`select i, case when i < %d then '{"a":0.5,"b":0.5}' else 'no' end as scores`, from))
		var input *component.InputError
		if !errors.As(err, &input) || !strings.Contains(input.Summary, row) {
			t.Errorf("got %v, want a word of %s", err, row)
		}
	}
	l := Layout{Task: schema.Multiclass, Target: "y", Data: &schema.Table{Key: []string{"i"}, Columns: []schema.Column{{Name: "i", Type: "bigint"}}}, Score: true}
	data, out := filepath.Join(t.TempDir(), "d.parquet"), filepath.Join(t.TempDir(), "out.parquet")
	if _, err := table.Run(t.Context(), table.Query{SQL: "select i from range(200000) t(i)", OrderBy: []string{"i"}, Out: data}); err != nil {
		t.Fatal(err)
	}
	if err := l.Write(t.Context(), want, data, out); err != nil {
		t.Fatal(err)
	}
	back, err := l.Read(t.Context(), out, want.Classes)
	if err != nil || !alike(back.Scores[0], want.Scores[0]) || !alike(back.Predicted, want.Predicted) {
		t.Errorf("what was written is read otherwise: %v", err)
	}
}
