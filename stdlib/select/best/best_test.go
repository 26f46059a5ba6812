package best

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// rows have y = 2x + a little of z, which is text for some.
const rows = `select i as id, (i * 7 % 101)::double as x, ((i * 13) % 17)::double as z, 2.0 * (i * 7 % 101) + (i * 13) % 17 as y, case when i % 50 = 0 then 'inf'::double else 1 end as odd from range(400) t(i)`

// line is a model y = slope · feature.
func line(t *testing.T, slope float64, features ...string) *model.Bundle {
	t.Helper()
	sig := model.Signature{Task: schema.Regression, Target: "y"}
	m := &linear.Model{Link: linear.Identity, Intercepts: []float64{0}, Coefficients: [][]float64{{}}}
	for i, f := range features {
		sig.Features = append(sig.Features, model.Feature{Name: f, Type: "double"})
		m.Inputs = append(m.Inputs, linear.Input{Feature: i, Kind: linear.Value, Scale: 1})
		m.Coefficients[0] = append(m.Coefficients[0], slope)
	}
	b, err := model.New(sig, model.Linear, m, 0.5, model.Provenance{Component: "train.linear_regression"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// choice is a run of the stage: its folder, figures, log and error.
type choice struct {
	root    string
	figures map[string]any
	log     string
	err     error
}

func choose(t *testing.T, config string, threads int, candidates map[string]*model.Bundle) choice {
	t.Helper()
	out := choice{root: t.TempDir()}
	binder := table.NewBinder(nil)
	defer binder.Close()
	columns, problems := binder.Query(t.Context(), rows, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	in := map[string]schema.Shape{"selection": {Type: schema.TablePort, Table: &schema.Table{Columns: columns, Key: []string{"id"}}}}
	folder := func(parts ...string) string {
		dir := filepath.Join(append([]string{out.root}, parts...)...)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	if _, err := table.Run(t.Context(), table.Query{SQL: rows + " order by id", Out: filepath.Join(folder("in", "selection"), component.TableFile), OrderBy: []string{"id"}}); err != nil {
		t.Fatal(err)
	}
	for name, b := range candidates {
		m := &schema.Model{Task: b.Signature().Task, Target: b.Signature().Target}
		for _, f := range b.Signature().Features {
			m.Features = append(m.Features, schema.Column{Name: f.Name, Type: f.Type})
		}
		in["candidates."+name] = schema.Shape{Type: schema.ModelPort, Model: m}
		if err := b.Write(folder("in", "candidates."+name)); err != nil {
			t.Fatal(err)
		}
	}
	shape := Component.Shape(t.Context(), binder, schema.ShapeRequest{Address: "select.x", Config: json.RawMessage(config), In: in})
	if len(shape.Problems) > 0 {
		t.Fatal(shape.Problems)
	}
	folder("out")
	var log bytes.Buffer
	spec, err := json.Marshal(component.Spec{Protocol: component.Protocol, Address: "select.x", Component: "select.best", Version: 1, Config: json.RawMessage(config), In: in, Out: shape.Out})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out.root, "stage.json"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := component.Open(out.root, threads, &log)
	if err != nil {
		t.Fatal(err)
	}
	out.err, out.log = Component.Run(t.Context(), s), log.String()
	if raw, err := os.ReadFile(filepath.Join(out.root, "out", "metrics.json")); err == nil {
		if err := json.Unmarshal(raw, &out.figures); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

const byError = `{"metric": {"name": "mae", "type": "mean_absolute_error"}}`

// at is a figure by its path.
func (c choice) at(path string) any {
	var x any = c.figures
	for _, part := range strings.Split(path, ".") {
		x = x.(map[string]any)[part]
	}
	return x
}

func (c choice) files(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range []string{"metrics.json", "report.json", "model/bundle.json", "model/model.json"} {
		data, err := os.ReadFile(filepath.Join(c.root, "out", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err, c.err)
		}
		out[name] = string(data)
	}
	return out
}

// TestChosen: the best by the metric is chosen, of equal ones the first by name; its bytes are those of the candidate, on any number of threads.
func TestChosen(t *testing.T) {
	candidates := map[string]*model.Bundle{"far": line(t, 1, "x"), "near": line(t, 2, "x"), "same": line(t, 2, "x"), "wild": line(t, 90, "x")}
	c := choose(t, byError, 1, candidates)
	if c.err != nil {
		t.Fatal(c.err)
	}
	if c.at("chosen") != "near" || c.at("value") != c.at("candidates.same.value") || c.at("candidates.same.delta.value") != 0.0 || c.at("rows") != 400.0 {
		t.Errorf("got %v", c.figures)
	}
	if far := c.at("candidates.far.delta.low").(float64); far <= 0 {
		t.Errorf("the difference of far begins at %v, want more than 0", far)
	}
	files := c.files(t)
	for _, name := range []string{"bundle.json", "model.json"} {
		want, err := os.ReadFile(filepath.Join(c.root, "in", "candidates.near", name))
		if err != nil {
			t.Fatal(err)
		}
		if files["model/"+name] != string(want) {
			t.Errorf("%s is not the candidate's", name)
		}
	}
	if _, err := report.Read([]byte(files["report.json"])); err != nil || !strings.Contains(files["report.json"], "differ from it by no more than chance") {
		t.Errorf("the report: %v %s", err, files["report.json"])
	}
	for _, threads := range []int{2, 8} {
		for name, want := range files {
			if got := choose(t, byError, threads, candidates).files(t)[name]; got != want {
				t.Errorf("%s differs on %d threads", name, threads)
			}
		}
	}
}

// TestDifferentFeatures: the chosen model takes the features of all, reads its own, and says of every row what the candidate says.
func TestDifferentFeatures(t *testing.T) {
	own := line(t, 2, "x")
	c := choose(t, byError, 2, map[string]*model.Bundle{"a": line(t, 1, "z"), "b": own, "c": line(t, 3, "z", "x")})
	if c.err != nil || c.at("chosen") != "b" {
		t.Fatal(c.err, c.figures)
	}
	b, err := model.Read(filepath.Join(c.root, "out", "model"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range b.Signature().Features {
		names = append(names, f.Name)
	}
	if got := fmt.Sprint(names); got != "[z x]" {
		t.Errorf("it takes %s, want z and x, as the shape says", got)
	}
	data := filepath.Join(c.root, "in", "selection", component.TableFile)
	wide, err := prediction.Score(t.Context(), filepath.Join(c.root, "out", "model"), data, 1)
	if err != nil {
		t.Fatal(err)
	}
	narrow, err := prediction.Score(t.Context(), filepath.Join(c.root, "in", "candidates.b"), data, 1)
	if err != nil {
		t.Fatal(err)
	}
	for r := range wide.Predicted {
		if wide.Predicted[r] != narrow.Predicted[r] {
			t.Fatalf("row %d: %v, and %v of the candidate", r, wide.Predicted[r], narrow.Predicted[r])
		}
	}
}

// TestRowsWithoutPrediction count for no candidate, so that all are measured on the same.
func TestRowsWithoutPrediction(t *testing.T) {
	c := choose(t, byError, 1, map[string]*model.Bundle{"a": line(t, 2, "x"), "b": line(t, 2, "odd")})
	if c.err != nil || c.at("rows") != 392.0 || !strings.Contains(c.log, "8 of 400 rows have no prediction of one candidate or more") {
		t.Errorf("got %v, %v, %s", c.err, c.figures, c.log)
	}
}

// TestNothingChosen: a metric that is undefined everywhere is an error in the input, with the reason.
func TestNothingChosen(t *testing.T) {
	c := choose(t, `{"metric": {"name": "r2", "type": "r2"}, "weight": "z"}`, 1, map[string]*model.Bundle{"a": line(t, 1, "x"), "b": line(t, 2, "x")})
	if c.err != nil || c.at("chosen") != "b" {
		t.Fatalf("weighted: got %v, %v", c.err, c.figures)
	}
	x := []*candidate{{name: "a", value: math.NaN(), why: "no rows"}, {name: "b", value: 1}, {name: "c", value: 3}, {name: "d", value: 3}}
	if got := ranked(x, true); got[0].name != "c" || got[3].name != "a" {
		t.Errorf("got %s first and %s last", got[0].name, got[3].name)
	}
	c = choose(t, `{"metric": {"name": "m", "sql": "null::double", "goal": "minimize"}}`, 1, map[string]*model.Bundle{"a": line(t, 1, "x"), "b": line(t, 2, "x")})
	var input *component.InputError
	if !errors.As(c.err, &input) || !strings.Contains(input.Summary, "undefined for every candidate: its SQL gives null") {
		t.Errorf("got %v", c.err)
	}
}
