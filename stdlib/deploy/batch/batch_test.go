package batch

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	trained "github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// deployment is one run of the component.
type deployment struct {
	config string
	data   stagetest.Table
	model  *schema.Model
	bundle *trained.Bundle // nil: opaque is what its image made
	opaque string
	log    io.Writer // nil: nowhere
}

func (d deployment) inputs(t testing.TB) map[string]schema.Shape {
	t.Helper()
	b := table.NewBinder(nil)
	defer b.Close()
	columns := func(sql string) []schema.Column {
		out, problems := b.Query(t.Context(), sql, nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return out
	}
	data := d.data.Schema
	data.Columns = columns(d.data.SQL)
	in := map[string]schema.Shape{"data": {Type: schema.TablePort, Table: &data}, "model": {Type: schema.ModelPort, Model: d.model}}
	if d.opaque != "" {
		in["predictions"] = schema.Shape{Type: schema.TablePort, Table: &schema.Table{Columns: columns(d.opaque)}}
	}
	return in
}

// run returns the root folder of the stage, the shape, and Run's error.
func (d deployment) run(t *testing.T) (string, schema.ShapeResult, error) {
	t.Helper()
	root, res := d.prepare(t)
	if len(res.Problems) > 0 {
		return "", res, nil
	}
	s, err := component.Open(root, 2, cmp.Or(d.log, io.Writer(&bytes.Buffer{})))
	if err != nil {
		t.Fatal(err)
	}
	return root, res, Component.Run(t.Context(), s)
}

// prepare lays out the stage's folder; without problems.
func (d deployment) prepare(t testing.TB) (string, schema.ShapeResult) {
	t.Helper()
	in := d.inputs(t)
	res := shape(t.Context(), nil, schema.ShapeRequest{Config: json.RawMessage(d.config), In: in})
	if len(res.Problems) > 0 {
		return "", res
	}
	root := t.TempDir()
	spec, err := json.Marshal(component.Spec{Protocol: component.Protocol, Address: "deploy.x", Component: Component.Name(), Version: 1,
		Config: json.RawMessage(d.config), In: in, Out: res.Out})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"in/data", "in/model", "in/predictions", "out"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "stage.json"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	for port, q := range map[string]table.Query{"data": {SQL: d.data.SQL, OrderBy: d.data.Schema.Key}, "predictions": {SQL: d.opaque}} {
		if q.Out = filepath.Join(root, "in", port, component.TableFile); q.SQL != "" {
			if _, err := table.Run(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
	}
	if d.bundle != nil {
		if err := d.bundle.Write(filepath.Join(root, "in", "model")); err != nil {
			t.Fatal(err)
		}
	}
	return root, res
}

// lines reads the predictions as text, and checks that they have the columns they were said to have.
func (d deployment) lines(t *testing.T) []string {
	t.Helper()
	root, res, err := d.run(t)
	if err != nil || len(res.Problems) > 0 {
		t.Fatalf("%v %+v", err, res.Problems)
	}
	f, err := table.ReadFrame(t.Context(), filepath.Join(root, "out", "predictions", component.TableFile), nil)
	if err != nil {
		t.Fatal(err)
	}
	var header []string
	for i, c := range f.Columns {
		header = append(header, c.Name+" "+c.Type)
		if want := res.Out["predictions"].Table.Columns[i]; want.Name != c.Name || want.Type != c.Type {
			t.Errorf("column %d is %s %s, was to be %s %s", i, c.Name, c.Type, want.Name, want.Type)
		}
	}
	out := []string{strings.Join(header, ", ")}
	for r := range f.Rows {
		var line []string
		for i := range f.Columns {
			line = append(line, stagetest.Value(&f.Columns[i], r))
		}
		out = append(out, strings.Join(line, " | "))
	}
	return out
}

func bundle(t *testing.T, task schema.Task, link linear.Link, classes []string, coefficients [][]float64) (*trained.Bundle, *schema.Model) {
	t.Helper()
	m := &linear.Model{Link: link, Inputs: []linear.Input{{Kind: linear.Value, Scale: 1}}, Intercepts: make([]float64, len(coefficients)), Coefficients: coefficients}
	b, err := trained.New(trained.Signature{Task: task, Target: "y", Classes: classes, Features: []trained.Feature{{Name: "x", Type: "double"}}},
		trained.Linear, m, 0.5, trained.Provenance{})
	if err != nil {
		t.Fatal(err)
	}
	return b, &schema.Model{Task: task, Target: "y", Features: []schema.Column{{Name: "x", Type: "double"}}}
}

func TestBatch(t *testing.T) {
	binary, binaryModel := bundle(t, schema.Binary, linear.Logit, []string{"false", "true"}, [][]float64{{1}})
	line, lineModel := bundle(t, schema.Regression, linear.Identity, nil, [][]float64{{2}})
	softmax, softmaxModel := bundle(t, schema.Multiclass, linear.Softmax, []string{"a", "b", "c"}, [][]float64{{1}, {0}, {-1}})
	big := stagetest.Table{SQL: "select 9007199254740993 + i as id, 'c' || i as card, (1 - i)::double as x from range(3) t(i)",
		Schema: schema.Table{Key: []string{"id"}, Entity: []string{"card"}}}
	labelled := stagetest.Table{SQL: "select i as id, (i - 1)::double as x, true as y from range(2) t(i)", Schema: schema.Table{Key: []string{"id"}}}
	for _, tc := range []struct {
		name string
		d    deployment
		want []string
	}{
		{"binary without a target", deployment{config: "{}", data: big, model: binaryModel, bundle: binary}, []string{
			"id bigint, card varchar, predicted varchar, score double",
			"9.007199254740992e+15 | c0 | true | 0.7310585786300049", "9.007199254740994e+15 | c1 | true | 0.5", "9.007199254740996e+15 | c2 | false | 0.2689414213699951"}},
		{"binary with a target", deployment{config: "{}", data: labelled, model: binaryModel, bundle: binary}, []string{
			"id bigint, predicted boolean, score double", "0 | false | 0.2689414213699951", "1 | true | 0.5"}},
		{"regression", deployment{config: "{}", data: labelled, model: lineModel, bundle: line}, []string{
			"id bigint, predicted double", "0 | -2", "1 | 0"}},
		{"several classes", deployment{config: "{}", data: stagetest.Table{SQL: "select 0.0::double as x"}, model: softmaxModel, bundle: softmax}, []string{
			"row bigint, predicted varchar, score double, scores varchar",
			`0 | a | 0.3333333333333333 | {"a":0.3333333333333333,"b":0.3333333333333333,"c":0.3333333333333333}`}},
		{"a key of its own", deployment{config: `{"key": ["card"]}`, data: big, model: lineModel, bundle: line}, []string{
			"card varchar, predicted double", "c0 | 2", "c1 | 0", "c2 | -2"}},
		{"foreign scores", deployment{config: "{}", data: labelled, opaque: "select 0.25 * (i + 1) as score from range(2) t(i)",
			model: &schema.Model{Task: schema.Binary, Target: "y", Opaque: true, Positive: "true"}}, []string{
			"id bigint, predicted boolean, score double", "0 | false | 0.25", "1 | true | 0.5"}},
		{"foreign values", deployment{config: "{}", data: labelled, opaque: "select i * 1.5 as predicted from range(2) t(i)",
			model: &schema.Model{Task: schema.Regression, Target: "y", Opaque: true}}, []string{"id bigint, predicted double", "0 | 0", "1 | 1.5"}},
		{"foreign classes", deployment{config: "{}", data: big, opaque: "select i as o, 0.1 * i as score_p, 1 - 0.1 * i as score_q from range(3) t(i)",
			model: &schema.Model{Task: schema.Multiclass, Target: "y", Opaque: true, Classes: []string{"p", "q"}}}, nil},
	} {
		got := tc.d.lines(t)
		if tc.want != nil && !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.name, strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
		}
		if tc.want == nil && !strings.Contains(got[1], `q | 1 | {"p":0,"q":1}`) {
			t.Errorf("%s: got %s", tc.name, got[1])
		}
	}
}

// TestKeysAreExact reads back keys that a float64 cannot tell apart.
func TestKeysAreExact(t *testing.T) {
	b, m := bundle(t, schema.Regression, linear.Identity, nil, [][]float64{{2}})
	root, _, err := deployment{config: "{}", model: m, bundle: b, data: stagetest.Table{
		SQL: "select 9007199254740992 + i as id, i::double as x from range(2) t(i)", Schema: schema.Table{Key: []string{"id"}}}}.run(t)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(root, "text.parquet")
	if _, err := table.Run(t.Context(), table.Query{SQL: "select id::varchar as id from p", Out: out,
		Tables: map[string]string{"p": filepath.Join(root, "out", "predictions", component.TableFile)}}); err != nil {
		t.Fatal(err)
	}
	f, err := table.ReadFrame(t.Context(), out, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Columns[0].Levels, []string{"9007199254740992", "9007199254740993"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got keys %v, want %v", got, want)
	}
}

// TestUnscored has rows that a model computes nothing from: they have no prediction, are told of, and lose no other row.
func TestUnscored(t *testing.T) {
	binary, binaryModel := bundle(t, schema.Binary, linear.Logit, []string{"false", "true"}, [][]float64{{1}})
	line, lineModel := bundle(t, schema.Regression, linear.Identity, nil, [][]float64{{1e300}})
	softmax, softmaxModel := bundle(t, schema.Multiclass, linear.Softmax, []string{"a", "b"}, [][]float64{{1}, {0}})
	data := stagetest.Table{SQL: "select i as id, ['0', 'inf', '1e39', '-3e38', 'nan'][i + 1]::double as x from range(5) t(i)",
		Schema: schema.Table{Key: []string{"id"}}}
	for _, tc := range []struct {
		name string
		d    deployment
		want []string
		log  string
	}{
		{"binary", deployment{data: data, model: binaryModel, bundle: binary},
			[]string{"id bigint, predicted varchar, score double", "0 | true | 0.5", "1 | null | null", "2 | null | null", "3 | false | 0", "4 | true | 0.5"},
			`2 of 5 rows have no prediction: in row 2 the feature \"x\" is +Inf, which is infinite or too large for 32 bits`},
		{"a result that is no number", deployment{data: data, model: lineModel, bundle: line},
			[]string{"id bigint, predicted double", "0 | 0", "1 | null", "2 | null", "3 | null", "4 | 0"}, "3 of 5 rows have no prediction: in row 2"},
		{"several classes", deployment{data: data, model: softmaxModel, bundle: softmax},
			[]string{"id bigint, predicted varchar, score double, scores varchar", `0 | a | 0.5 | {"a":0.5,"b":0.5}`, "1 | null | null | null",
				"2 | null | null | null", `3 | b | 1 | {"a":0,"b":1}`, `4 | a | 0.5 | {"a":0.5,"b":0.5}`}, "2 of 5 rows"},
		{"a foreign model", deployment{data: data, opaque: "select case when i <> 1 then i / 4 end as score from range(5) t(i)",
			model: &schema.Model{Task: schema.Binary, Target: "y", Opaque: true}},
			[]string{"id bigint, predicted varchar, score double", "0 | 0 | 0", "1 | 1 | 0.5", "2 | 1 | 0.75", "3 | 1 | 1", "4 | null | null"},
			"1 of 5 rows have no prediction: in row 5 it is null"},
	} {
		tc.d.config = "{}"
		var log bytes.Buffer
		tc.d.log = &log
		if got := tc.d.lines(t); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.name, strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
		}
		if !strings.Contains(log.String(), tc.log) {
			t.Errorf("%s: the log has no %q: %s", tc.name, tc.log, log.String())
		}
	}
}

func TestForeignPredictionsThatAreWrong(t *testing.T) {
	data := stagetest.Table{SQL: "select i as id, i % 2 as y, ['a', 'b', 'c'][i + 1] as class from range(3) t(i)", Schema: schema.Table{Key: []string{"id"}}}
	binary := &schema.Model{Task: schema.Binary, Target: "y", Opaque: true}
	classes := &schema.Model{Task: schema.Multiclass, Target: "class", Opaque: true, Classes: []string{"a", "b", "c"}}
	for _, tc := range []struct {
		opaque string
		model  *schema.Model
		want   string
	}{
		{"select 0.5 as score", binary, "1 rows, the data has 3"},
		{"select 1.5 as score from range(3)", binary, `row 1 of column "score" is 1.5, which is no probability`},
		{"select 'inf'::double as score from range(3)", binary, `row 1 of column "score" is infinite`},
		{"select 'x' as score from range(3)", binary, `column "score" is text`},
		{"select 0.5 as p from range(3)", binary, "neither a column predicted nor score (it has p)"},
		{"select 7 as predicted from range(3)", binary, `"7", which is none of the model's classes (0, 1)`},
		{"select 'd' as predicted from range(3)", classes, `"d", which is none of the model's classes (a, b, c)`},
		{"select 'x' as predicted from range(3)", &schema.Model{Task: schema.Regression, Target: "y", Opaque: true}, "is text"},
		{"select 0.5 as p from range(3)", classes, "one score_<class> for each class"},
	} {
		_, res, err := deployment{config: "{}", data: data, model: tc.model, opaque: tc.opaque}.run(t)
		var input *component.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q (%v)", tc.opaque, err, tc.want, res.Problems)
		}
	}
}

func TestKey(t *testing.T) {
	b, m := bundle(t, schema.Regression, linear.Identity, nil, [][]float64{{2}})
	for sql, want := range map[string]string{
		"select unnest([1, 1, 2]) as id, 1.0::double as x":     "the key (id) is not unique: 1 of its values are shared by 2 rows, such as id = 1",
		"select unnest([1, null]) as id, 1.0::double as x":     "the key (id) is null in 1 rows",
		"select unnest(['a', 'a']) as id, unnest([1, 2]) as x": "the key (id) is not unique",
	} {
		_, res, err := deployment{config: `{"key": ["id"]}`, data: stagetest.Table{SQL: sql}, model: m, bundle: b}.run(t)
		var input *component.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q (%v)", sql, err, want, res.Problems)
		}
	}
}

func TestProblems(t *testing.T) {
	_, m := bundle(t, schema.Binary, linear.Logit, []string{"0", "1"}, [][]float64{{1}})
	for _, tc := range []struct{ config, data, want string }{
		{`{}`, "select 1 as id, 1.0 as y", `no column "x", a feature`},
		{`{}`, "select 1 as id, 'a' as x", "is varchar"},
		{`{}`, "select 1 as id, timestamp '2024-01-01' as x", "is timestamp; the model was trained on double"},
		{`{}`, "select 1 as id, true as x", "is boolean; the model was trained on double"},
		{`{"key": ["idd"]}`, "select 1 as id, 1.0 as x", `no column "idd"`},
		{`{"key": ["score"]}`, "select 1 as score, 1.0 as x", `column "score" has the name`},
	} {
		_, res, _ := deployment{config: tc.config, data: stagetest.Table{SQL: tc.data}, model: m}.run(t)
		if len(res.Problems) == 0 || !strings.Contains(res.Problems[0].Summary, tc.want) {
			t.Errorf("%s over %s: got %+v, want %q", tc.config, tc.data, res.Problems, tc.want)
		}
	}
}

// TestModelThatCannotBeRead has a folder without a model in it.
func TestModelThatCannotBeRead(t *testing.T) {
	_, m := bundle(t, schema.Binary, linear.Logit, []string{"0", "1"}, [][]float64{{1}})
	_, _, err := deployment{config: "{}", data: stagetest.Table{SQL: "select 1.0 as x"}, model: m}.run(t)
	if err == nil || !strings.Contains(err.Error(), "reading the model") {
		t.Errorf("got %v", err)
	}
}
