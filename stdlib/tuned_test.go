package stdlib

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// tuning runs a block with tune and its trials as the engine would, each when what it takes is there.
type tuning struct {
	t       *testing.T
	c       *component.Component
	tables  map[string]string // folder by port
	shapes  map[string]schema.Shape
	threads int
}

func newTuning(t *testing.T, c *component.Component, threads int) *tuning {
	x := &tuning{t: t, c: c, tables: map[string]string{}, shapes: map[string]schema.Shape{}, threads: threads}
	binder := table.NewBinder(nil)
	defer binder.Close()
	for port, rows := range map[string]string{"data": "0, 600", "selection": "600, 900", "validation": "900, 1100"} {
		sql := `select i as id, (i * 7) % 41 as contract2, timestamp '2026-01-01' + to_hours(i * 3) as at, (i * 37) % 60 as tenure, ['a', 'b', 'c'][1 + (i * 13) % 3] as contract, (hash(i) % 1000) / 1000.0 as noise,
			(hash(i + 7) % 1000) / 1000.0 < 1 / (1 + exp(((i * 37) % 60) / 10.0 - 2 - (case when (i * 13) % 3 = 0 then 2 else 0 end))) as churned,
			(i * 37) % 60 * 2.0 + (hash(i) % 1000) / 50.0 as spend,
			case when i % 31 = 0 then null else ['The parcel', 'A box', 'Some letter'][1 + i % 3] || [' is late', ' was lost', ' came, thanks', ''][1 + (i * 37) % 60 // 15] || ' no ' || i % 211 end as note, 'p' || (i * 37) % 290 as place,
			['few', 'some', 'many'][1 + ((i * 37) % 60 // 20 + (hash(i + 3) % 7 = 0)::int) % 3] as visits from range(` + rows + `) r(i)`
		columns, problems := binder.Query(t.Context(), sql, nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		x.shapes[port] = schema.Shape{Type: schema.TablePort, Table: &schema.Table{Columns: columns, Key: []string{"id"}}}
		x.tables[port] = t.TempDir()
		if _, err := table.Run(t.Context(), table.Query{SQL: sql, Out: filepath.Join(x.tables[port], component.TableFile)}); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

func (x *tuning) problems(config string) []schema.Problem {
	var out []schema.Problem
	binder := table.NewBinder(nil)
	defer binder.Close()
	for _, p := range x.c.Shape(x.t.Context(), binder, schema.ShapeRequest{Address: "train.m", Config: json.RawMessage(config), In: x.shapes}).Problems {
		if !p.Warning {
			out = append(out, p)
		}
	}
	return out
}

// run runs one stage with the folders of its inputs, and returns that of what it wrote.
func (x *tuning) run(address string, config json.RawMessage, in map[string]string) string {
	x.t.Helper()
	out, err := x.try(address, config, in)
	if err != nil {
		x.t.Fatalf("%s: %v", address, err)
	}
	return out
}

// try is run for a stage that may fail.
func (x *tuning) try(address string, config json.RawMessage, in map[string]string) (string, error) {
	x.t.Helper()
	root := x.t.TempDir()
	spec := component.Spec{Protocol: component.Protocol, Address: address, Component: x.c.Name(), Version: x.c.Type.Version, Config: config, In: map[string]schema.Shape{}}
	for port, dir := range in {
		spec.In[port] = schema.Shape{Type: schema.FiguresPort}
		if s, ok := x.shapes[port]; ok {
			spec.In[port] = s
		}
		if err := os.MkdirAll(filepath.Join(root, "in"), 0o755); err != nil {
			x.t.Fatal(err)
		}
		if err := os.Symlink(dir, filepath.Join(root, "in", port)); err != nil {
			x.t.Fatal(err)
		}
	}
	text, err := json.Marshal(spec)
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "stage.json"), text, 0o644)
	}
	if err == nil {
		err = os.MkdirAll(filepath.Join(root, "out"), 0o755)
	}
	if err != nil {
		x.t.Fatal(err)
	}
	s, err := component.Open(root, x.threads, io.Discard)
	if err == nil {
		err = x.c.Run(x.t.Context(), s)
	}
	return filepath.Join(root, "out"), err
}

// fit runs all trials, the last first as far as what they take is there, then the block. It returns the folder of the block's outputs.
func (x *tuning) fit(config string) (out string, trials []schema.Derivation) {
	x.t.Helper()
	if p := x.problems(config); len(p) > 0 {
		x.t.Fatal(p)
	}
	trials, err := x.c.Derive(schema.DeriveRequest{Config: json.RawMessage(config), In: x.shapes})
	if err != nil {
		x.t.Fatal(err)
	}
	done := map[int]string{}
	for len(done) < len(trials) {
		before := len(done)
		for _, d := range slices.Backward(trials) {
			in := map[string]string{}
			for _, w := range d.In {
				if w.Trial > 0 && done[w.Trial] != "" {
					in[w.Port] = done[w.Trial]
				} else if w.Trial == 0 {
					in[w.Port] = x.tables[w.Input]
				}
			}
			if done[d.Number] == "" && len(in) == len(d.In) {
				done[d.Number] = x.run(fmt.Sprintf("train.m@trial%03d", d.Number), d.Config, in)
			}
		}
		if len(done) == before {
			x.t.Fatal("trials wait for each other")
		}
	}
	in := maps.Clone(x.tables)
	for _, d := range trials {
		in[d.Into] = done[d.Number]
	}
	return x.run("train.m", json.RawMessage(config), in), trials
}

// figures of a tuned model.
type tunedFigures struct {
	Tuning struct {
		Trials, Trial, Rounds int
		Value, First          float64
		Params                map[string]*float64
	}
}

func read[T any](t *testing.T, path string) (out T) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// tunedOf are configurations of each trainer that tunes: by what is tried, and by which metric. Those with more behind the trainer's name are of other columns, and tried by one method.
var tunedOf = map[string]struct{ base, space, list string }{
	"gradient_boosting": {`"target": "churned", "features": ["tenure", "contract", "noise"], "params": {"trees": 30},
		"tune": {"metric": {"name": "auc", "type": "roc_auc"}`,
		`{"learning_rate": {"min": 0.02, "max": 0.5, "scale": "log"}, "max_depth": [0, 2, 4], "max_leaves": {"values": [4, 8], "when": {"max_depth": [0]}}, "min_child_weight": {"min": 1, "max": 20}}`,
		`{"max_depth": [0, 2], "max_leaves": {"values": [4, 8], "when": {"max_depth": [0]}}}`},
	"random_forest": {`"target": "churned", "features": ["tenure", "contract", "noise"], "params": {"trees": 30},
		"tune": {"metric": {"name": "auc", "type": "roc_auc"}`, `{"max_depth": [0, 2, 4], "min_samples_leaf": {"min": 1, "max": 20}, "max_features": {"min": 0.4, "max": 1}}`, `{"max_depth": [0, 2, 4]}`},
	"logistic_regression": {`"target": "churned", "features": ["tenure", "contract", "noise"],
		"tune": {"metric": {"name": "loss", "type": "log_loss"}`, `{"l2": {"min": 0.001, "max": 1000, "scale": "log"}}`, `{"l2": [0.1, 1, 1000]}`},
	"k_nearest_neighbors": {`"target": "churned", "features": ["tenure", "contract", "noise"],
		"tune": {"metric": {"name": "loss", "type": "log_loss"}`, `{"k": {"min": 2, "max": 120, "scale": "log"}}`, `{"k": [5, 20, 60]}`},
	"linear_regression": {`"target": "spend", "features": ["tenure", "contract", "noise"],
		"tune": {"metric": {"name": "rmse", "type": "root_mean_squared_error"}`, `{"l2": {"min": 0, "max": 100}}`, `{"l2": [0, 10, 1000]}`},
	"gradient_boosting of many categories": {`"target": "churned", "features": ["place", "noise"], "params": {"trees": 30},
		"tune": {"metric": {"name": "auc", "type": "roc_auc"}`, `{"max_depth": {"min": 2, "max": 6}, "min_child_weight": {"min": 1, "max": 20}}`, ""},
	"linear_regression of text": {`"target": "spend", "features": ["note", "contract", "noise"], "preprocess": [{"name": "note", "encode": "ngrams", "ngram_range": [1, 2], "tf_idf": true}], "params": {"l2": 1},
		"tune": {"metric": {"name": "rmse", "type": "root_mean_squared_error"}`, `{"l2": {"min": 0.01, "max": 100, "scale": "log"}}`, ""},
	"logistic_regression of text": {`"target": "churned", "features": ["note", "contract", "noise"], "preprocess": [{"name": "note", "encode": "ngrams", "buckets": 512}],
		"tune": {"metric": {"name": "loss", "type": "log_loss"}`, `{"l2": {"min": 0.01, "max": 100, "scale": "log"}, "l1": [0, 0.1]}`, ""},
	"logistic_regression of text, several classes": {`"target": "visits", "features": ["note", "contract", "noise"], "preprocess": [{"name": "note", "encode": "ngrams", "buckets": 512}], "isolation_forest": [{"name": "apart", "trees": 10, "samples": 64}],
		"tune": {"metric": {"name": "loss", "type": "log_loss"}`, `{"l2": {"min": 0.01, "max": 100, "scale": "log"}}`, ""},
}

// trainerOf is the trainer of a configuration.
func trainerOf(name string) *component.Component {
	trainer, _, _ := strings.Cut(name, " ")
	return Component("train." + trainer)
}

// ofOthers reports whether a configuration is of other columns.
func ofOthers(name string) bool { return strings.Contains(name, " of ") }

// TestTuned: of every trainer that tunes, by every method: the model is the one of the best trial, with its parameters; the first trial has those of
// params; all is the same on one thread and on eight, whichever trial comes to an end first; and the model is the same as one with these parameters
// written out.
func TestTuned(t *testing.T) {
	for _, c := range Components() {
		if _, ok := tunedOf[c.Type.Name]; !ok && c.Type.Body.Block("tune") != nil {
			t.Errorf("%s is not tested", c.Name())
		}
	}
	for name, of := range tunedOf {
		c := trainerOf(name)
		one, eight := newTuning(t, c, 1), newTuning(t, c, 8)
		methods := c.Type.Body.Block("tune").Body.Attr("method").OneOf
		if ofOthers(name) {
			methods = []string{"tpe"}
		}
		for _, method := range methods {
			t.Run(name+"/"+method, func(t *testing.T) {
				one.t, eight.t = t, t
				config := fmt.Sprintf(`{%s, "method": %q, "batch": 3, "reduction": 3, "seed": 5, "trials": 14, "space": %s}}`, of.base, method, of.space)
				want := 14
				switch method {
				case "grid":
					config = fmt.Sprintf(`{%s, "method": "grid", "batch": 1, "reduction": 3, "seed": 0, "space": %s}}`, of.base, of.list)
					want = 3
				case "halving":
					want = 14 + 4 // with 10 and 30 rounds
				}
				out, trials := one.fit(config)
				if len(trials) != want {
					t.Errorf("%d trials, want %d", len(trials), want)
				}
				other, _ := eight.fit(config)
				for _, file := range []string{"metrics.json", "report.json", "model/model.json", "model/bundle.json"} {
					a, err := os.ReadFile(filepath.Join(out, file))
					b, other := os.ReadFile(filepath.Join(other, file))
					if err != nil || other != nil || !bytes.Equal(a, b) {
						t.Errorf("%s differs between one thread and eight: %v, %v", file, err, other)
					}
				}
				f := read[tunedFigures](t, filepath.Join(out, "metrics.json"))
				better := f.Tuning.Value >= f.Tuning.First
				grown := c.Type.Name == "gradient_boosting" || c.Type.Name == "random_forest" // by rounds of 30 trees, and measured by the area under the curve
				if !grown {
					better = f.Tuning.Value <= f.Tuning.First
				}
				if !better && method != "halving" || f.Tuning.Trials != want || f.Tuning.Trial < 1 || f.Tuning.Trial > want {
					t.Errorf("%+v", f.Tuning)
				}
				var text strings.Builder
				for name, x := range f.Tuning.Params {
					if x != nil {
						fmt.Fprintf(&text, `%q: %v, `, name, *x)
					}
				}
				written := fmt.Sprintf(`{%s, "params": {%s}}`, strings.Split(of.base, `, "params"`)[0], strings.TrimSuffix(text.String(), ", "))
				if i := strings.Index(written, `"tune"`); i >= 0 { // of trainers without params
					written = fmt.Sprintf(`{%s "params": {%s}}`, strings.TrimSpace(strings.Split(of.base, `"tune"`)[0]), strings.TrimSuffix(text.String(), ", "))
				}
				if grown {
					written = strings.Replace(written, `"params": {`, `"params": {"trees": 30, `, 1)
				}
				plain := one.run("train.m", json.RawMessage(written), map[string]string{"data": one.tables["data"], "validation": one.tables["validation"]})
				a, err := os.ReadFile(filepath.Join(out, "model", "model.json"))
				b, other2 := os.ReadFile(filepath.Join(plain, "model", "model.json"))
				if err != nil || other2 != nil || !bytes.Equal(a, b) {
					t.Errorf("the model is another than with %s: %v, %v", written, err, other2)
				}
			})
		}
	}
}

// TestFolds: of every trainer that tunes, trials on folds of the data have the mean over the folds, the same on one thread and on eight; groups,
// and time with a gap, are taken.
func TestFolds(t *testing.T) {
	for label, of := range tunedOf {
		c := trainerOf(label)
		for name, folds := range map[string]string{"chance": `{"count": 3, "seed": 1}`, "group": `{"count": 4, "group": "contract2"}`, "time": `{"count": 3, "time": "at", "gap": "2d"}`} {
			t.Run(label+"/"+name, func(t *testing.T) {
				one, eight := newTuning(t, c, 1), newTuning(t, c, 8)
				for _, x := range []*tuning{one, eight} {
					delete(x.shapes, "selection")
					delete(x.tables, "selection")
				}
				config := fmt.Sprintf(`{%s, "method": "random", "batch": 3, "seed": 5, "trials": 3, "folds": %s, "space": %s}}`, of.base, folds, of.space)
				out, trials := one.fit(config)
				other, _ := eight.fit(config)
				for _, file := range []string{"metrics.json", "model/model.json"} {
					a, err := os.ReadFile(filepath.Join(out, file))
					b, other := os.ReadFile(filepath.Join(other, file))
					if err != nil || other != nil || !bytes.Equal(a, b) {
						t.Errorf("%s differs between one thread and eight: %v, %v", file, err, other)
					}
				}
				in := map[string]string{"data": one.tables["data"], "validation": one.tables["validation"]}
				got := read[struct {
					Value *float64
					Folds []float64
					Rows  int
				}](t, filepath.Join(one.run("train.m@trial001", trials[0].Config, in), "metrics.json"))
				sum := 0.0
				for _, x := range got.Folds {
					sum += x
				}
				want, rows := 3, 600
				if name == "group" {
					want = 4
				} else if name == "time" {
					rows = 450 // the first of four stretches is measured by none
				}
				if got.Value == nil || len(got.Folds) != want || *got.Value != sum/float64(want) || got.Rows != rows {
					t.Errorf("got %+v", got)
				}
			})
		}
	}
}

// TestTrialsStay: with more trials, and another space of which the same points are tried, earlier trials are the stages that they were.
func TestTrialsStay(t *testing.T) {
	c := Component("train.gradient_boosting")
	x := newTuning(t, c, 1)
	derive := func(tune string) []string {
		t.Helper()
		config := `{"target": "churned", "features": ["tenure"], "tune": {"metric": {"name": "auc", "type": "roc_auc"}, ` + tune + `}}`
		if p := x.problems(config); len(p) > 0 {
			t.Fatal(p)
		}
		all, err := c.Derive(schema.DeriveRequest{Config: json.RawMessage(config), In: x.shapes})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, d := range all {
			in, _ := json.Marshal(d.In)
			out = append(out, string(d.Config)+string(in))
		}
		return out
	}
	const space = `"batch": 4, "space": {"max_depth": [2, 3, 4], "learning_rate": {"min": 0.01, "max": 0.3}}`
	for _, method := range []string{"random", "tpe"} {
		few, many := derive(`"method": "`+method+`", "trials": 13, `+space), derive(`"method": "`+method+`", "trials": 40, `+space)
		if !slices.Equal(few, many[:13]) {
			t.Errorf("%s: trials change with their number", method)
		}
	}
	narrow, wide := derive(`"method": "grid", "batch": 1, "space": {"max_depth": [2, 3]}`), derive(`"method": "grid", "batch": 1, "space": {"max_depth": [2, 3, 4]}`)
	for _, one := range narrow {
		if !slices.Contains(wide, one) {
			t.Errorf("a wider grid has no %s", one)
		}
	}
}

// TestUndefinedTrials: where the metric is undefined in every trial, the fit fails with the reason.
func TestUndefinedTrials(t *testing.T) {
	c := Component("train.logistic_regression")
	x := newTuning(t, c, 1)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "metrics.json"), []byte(`{"value": null, "point": {"l2": 1}, "rounds": 0, "rows": 5, "undefined": {"value": "one class only"}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	spec, err := json.Marshal(component.Spec{Protocol: component.Protocol, Address: "train.m", Component: c.Name(),
		Config: json.RawMessage(`{"target": "churned", "features": ["tenure"], "tune": {"metric": {"name": "auc", "type": "roc_auc"}, "method": "random", "trials": 1, "batch": 1, "space": {"l2": [1]}}}`),
		In:     map[string]schema.Shape{"data": x.shapes["data"], "trial.001": {Type: schema.FiguresPort}}})
	if err == nil {
		err = os.MkdirAll(filepath.Join(root, "in"), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "stage.json"), spec, 0o644)
	}
	if err == nil {
		err = os.Symlink(dir, filepath.Join(root, "in", "trial.001"))
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := component.Open(root, 1, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context(), s); err == nil || !strings.Contains(err.Error(), "auc is undefined in every trial: one class only") {
		t.Errorf("got %v", err)
	}
}

// TestTuneProblems: what is wrong with a space, each at its place.
func TestTuneProblems(t *testing.T) {
	x := newTuning(t, Component("train.gradient_boosting"), 1)
	for _, tc := range []struct{ tune, path, want string }{
		{`"method": "tpe", "batch": 5, "space": {}`, "tune.space", "empty"},
		{`"method": "tpe", "batch": 5, "space": {"max_depth": []}`, "tune.space.max_depth", "no values"},
		{`"method": "tpe", "batch": 5, "space": {"max_depth": [2.5]}`, "tune.space.max_depth", "whole"},
		{`"method": "tpe", "batch": 5, "space": {"max_depth": 5}`, "tune.space.max_depth", "neither"},
		{`"method": "tpe", "batch": 5, "space": {"max_depth": {"min": 6, "max": 2}}`, "tune.space.max_depth", "max the greater"},
		{`"method": "tpe", "batch": 5, "space": {"lambda": {"min": 0, "max": 2, "scale": "log"}}`, "tune.space.lambda", "above 0"},
		{`"method": "tpe", "batch": 5, "space": {"lambda": {"min": 0, "max": 2, "scale": "cubic"}}`, "tune.space.lambda", "cubic"},
		{`"method": "tpe", "batch": 5, "space": {"subsample": {"min": 0.5, "max": 2}}`, "tune.space.subsample", "subsample is 2"},
		{`"method": "grid", "batch": 5, "space": {"subsample": {"min": 0.5, "max": 1}}`, "tune.space.subsample", "list of values"},
		{`"method": "grid", "batch": 5, "trials": 4, "space": {"subsample": [0.5, 1]}`, "tune.trials", "combinations"},
		{`"method": "halving", "batch": 5, "reduction": 1, "space": {"subsample": [0.5, 1]}`, "tune.reduction", "reduction is 1"},
		{`"method": "halving", "batch": 5, "reduction": 3, "space": {"trees": [50, 100]}`, "tune.space.trees", "spends"},
		{`"method": "tpe", "batch": 5, "trials": 1000, "space": {"subsample": [0.5, 1]}`, "tune.trials", "1000"},
		{`"method": "tpe", "batch": 0, "space": {"subsample": [0.5, 1]}`, "tune.batch", "batch is 0"},
		{`"method": "tpe", "batch": 5, "space": {"subsample": {"values": [1], "when": {"gamma": [1]}}}`, "tune.space.subsample", `"gamma"`},
		{`"method": "tpe", "batch": 5, "space": {"subsample": {"values": [1], "when": {"gamma": [1]}}, "gamma": {"values": [1], "when": {"subsample": [1]}}}`, "tune.space", "wait for each other"},
		{`"method": "tpe", "batch": 5, "folds": {"count": 1}, "space": {"subsample": [0.5, 1]}`, "selection", "not on both"},
		{`"method": "tpe", "batch": 5, "metric": {"name": "rmse", "type": "root_mean_squared_error"}, "space": {"subsample": [0.5, 1]}`, "tune.metric", "does not fit"},
	} {
		metric := `"metric": {"name": "auc", "type": "roc_auc"}, `
		if strings.Contains(tc.tune, `"metric"`) {
			metric = ""
		}
		got := x.problems(`{"target": "churned", "features": ["tenure"], "tune": {` + metric + tc.tune + `}}`)
		if len(got) == 0 || got[0].Path != tc.path || !strings.Contains(got[0].Summary+got[0].Detail, tc.want) {
			t.Errorf("%s: got %+v, want %q at %s", tc.tune, got, tc.want, tc.path)
		}
	}
}
