package resolve

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/format"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// written is what stands at a range of the whole module.
func written(r source.Range) string { return whole[r.Start.Byte:r.End.Byte] }

func TestReferences(t *testing.T) {
	m, _ := load(t, whole, nil)
	want := map[string][]string{
		"dataset.other":  {`from[clean] from.clean → dataset.clean table "" dataset.clean`, `from[x] from.x → source.raw table "" source.raw`},
		"split.s":        {`from from → dataset.clean table "" local.choice`},
		"train.m":        {`data data → split.s train "" split.s.train`, `extra[0] extra.s → split.s test "" split.s.test`, `extra[1] extra.clean → dataset.clean table "" dataset.clean`, `metrics[0]  → metric.auc metric "definition" metric.auc`, `requires[0]  → check.c verdict "order" check.c`, `decision.maximize  → metric.auc metric "definition" metric.auc`, `decision.where  → metric.fpr metric "definition" fpr`},
		"gate.g":         {`after[0]  → check.c verdict "order" check.c`, `champion  → deploy.d release "state" deploy.d`},
		"deploy.d":       {`model model → train.m model "" train.m`, `gate  → gate.g verdict "order" gate.g`},
		"problem.pr":     {`requirement[R1].verified_by[0]  → check.c verdict "state" check.c`, `requirement[R1].verified_by[1]  → gate.g verdict "state" gate.g`},
		"pipeline.p":     nil,
		"metric.auc":     nil,
		"evaluate.e":     {`model model → train.m model "" train.m`, `data data → split.s test "" split.s.test`},
		"check.c":        {`on on → split.s train "" split.s.train`},
		"dataset.clean":  {`from[0] from.raw → source.raw table "" source.raw`},
		"source.raw":     nil,
		"metric.fpr":     nil,
		"absent.address": nil,
	}
	for address, w := range want {
		var got []string
		if b := m.ByAddress[address]; b != nil {
			for _, r := range b.Refs {
				got = append(got, fmt.Sprintf("%s %s → %s %s %q %s", r.Path, r.Port, r.Target, r.TargetPort, r.Edge, written(r.Range)))
			}
		}
		if diff := cmp.Diff(w, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", address, diff)
		}
	}
}

func TestRangesAndTexts(t *testing.T) {
	m, _ := load(t, whole, nil)
	for path, want := range map[string]string{
		"": `train "trees" "m"`, "data": "split.s.train", "extra[1]": "dataset.clean", "target": `"y"`, "params": "params", "params.trees": "variable.rows * 30",
		"tune": "tune", "tune.space.depth": "[4, 6]", "tune.space.depth[1]": "6", "stop[1]": "stop", "stop[1].after": "5", "decision.where": `"fpr <= 0.01"`, "timeout": `"5m"`,
	} {
		r, ok := m.ByAddress["train.m"].Ranges[path]
		if !ok || written(r) != want {
			t.Errorf("train.m %q: %t, %q, want %q", path, ok, written(r), want)
		}
	}
	for path, want := range map[string]string{`column[b]`: `column "b"`, "column[b].pii": "true"} {
		if got := written(m.ByAddress["source.raw"].Ranges[path]); got != want {
			t.Errorf("source.raw %q: %q, want %q", path, got, want)
		}
	}
	want := map[string]string{
		"dataset.clean/sql": "select *\n  from raw\n", "dataset.other/sql": "select 1", "check.c/rule[enough data].assert": "table.rows > 10.0",
		"train.m/decision.where": "fpr <= 0.01", "gate.g/rule[good].assert": "evaluate.e.metrics.auc > 0.5",
	}
	got := map[string]string{}
	for _, b := range m.Blocks {
		for _, text := range b.Texts {
			got[b.Address+"/"+text.Path] = text.Text.Value
			if text.Spec == nil || written(b.Ranges[text.Path]) != written(text.Text.Range) {
				t.Errorf("%s %s stands at %q, its text at %q", b.Address, text.Path, written(b.Ranges[text.Path]), written(text.Text.Range))
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	sql := m.ByAddress["dataset.clean"].Texts[0].Text
	if got := written(sql.Sub(11, 19)); got != "from raw" {
		t.Errorf("a part of the query stands at %q", got)
	}
}

func TestValuesAndOutputs(t *testing.T) {
	m, ds := load(t, whole, map[string]string{"rows": "12"})
	if len(ds) > 0 {
		t.Fatal(brief(ds))
	}
	if got, want := fmt.Sprintf("%s", m.VariablesJSON()), "map[rows:12]"; got != want {
		t.Errorf("variables %s, want %s", got, want)
	}
	if got, want := fmt.Sprintf("%s", m.LocalsJSON()), "map[half:6]"; got != want {
		t.Errorf("locals %s, want %s", got, want)
	}
	var got []string
	for _, o := range m.Outputs {
		s := o.Name + " " + string(o.Value)
		if o.Ref != nil {
			s += o.Ref.Target + ":" + o.Ref.TargetPort
		}
		got = append(got, s)
	}
	if want := []string{"model train.m:model", "rows 6"}; !cmp.Equal(got, want) {
		t.Errorf("outputs %v, want %v", got, want)
	}
	if got, want := m.ByAddress["dataset.clean"].Description, "Clean."; got != want {
		t.Errorf("description %q, want %q", got, want)
	}
}

// configs is what is fingerprinted of a module, and how it is wired.
func configs(m *Module) map[string]string {
	out := map[string]string{}
	for _, b := range m.Blocks {
		s := string(b.Config) + string(b.Policy) + string(b.Meta)
		for _, r := range b.Refs {
			s += " " + r.Path + r.Target + r.TargetPort
		}
		out[b.Address] = s
	}
	return out
}

// TestWritingDoesNotMatter holds that order, files, layout and line ends change no value.
func TestWritingDoesNotMatter(t *testing.T) {
	m, _ := load(t, whole, nil)
	want := configs(m)
	formatted, _ := format.Format([]byte(whole), "main.mlp")
	if string(formatted) == whole {
		t.Error("the layout did not change")
	}
	cut := strings.Index(whole, "\nmetric") + 1
	variants := map[string]map[string][]byte{
		"formatted":        {"main.mlp": formatted},
		"windows":          {"main.mlp": []byte(strings.ReplaceAll(whole, "\n", "\r\n"))},
		"two files":        {"a.mlp": []byte(whole[cut:]), "b.mlp": []byte(whole[:cut])},
		"other order":      {"a.mlp": []byte(whole[cut:] + whole[:cut])},
		"byte order mark":  {"main.mlp": []byte("\xef\xbb\xbf" + whole)},
		"with a comment":   {"main.mlp": []byte("# new\n" + whole)},
		"reordered object": {"main.mlp": []byte(strings.Replace(whole, "x = source.raw, clean = dataset.clean", "clean = dataset.clean, x = source.raw", 1))},
	}
	for name, files := range variants {
		parsed, ds := syntax.Parse(files, catalog())
		got, more := Resolve(parsed, Options{})
		if ds = append(ds, more...); len(ds) > 0 {
			t.Errorf("%s: %v", name, brief(ds))
		}
		if diff := cmp.Diff(want, configs(got)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

func TestNumbersHaveOneForm(t *testing.T) {
	for in, want := range map[string]string{
		"1": "1", "1.0": "1", "1e3": "1000", "0.1": "0.1", "0.10": "0.1", "1 / 3": "0.3333333333333333", "-0": "0", "1e20": "100000000000000000000",
		"12345678901234567890": "12345678901234567890", "1e22": "1e+22", "0.1 + 0.2": "0.3", "1e-9": "1e-9", "2.5e-7": "2.5e-7",
	} {
		m, ds := load(t, base+train("  params {\n    a = "+in+"\n  }"), nil)
		if len(ds) > 0 {
			t.Errorf("%s: %v", in, brief(ds))
			continue
		}
		if got := string(m.ByAddress["train.m"].Config); !strings.Contains(got, `"params":{"a":`+want+`}`) {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// FuzzResolve holds that any module that can be parsed is resolved or told to be wrong, the same twice.
func FuzzResolve(f *testing.F) {
	f.Add(whole)
	f.Add(base + train("  params { a = [for k, v in source.raw : k] }"))
	f.Add("locals {\n  a = local.b\n  b = local[\"a\"]\n}\noutput \"x\" { value = { a = split.s } }\n")
	f.Fuzz(func(t *testing.T, text string) {
		files := map[string][]byte{"main.mlp": []byte(text)}
		run := func() (*Module, source.Diagnostics) {
			m, _ := syntax.Parse(files, catalog())
			return Resolve(m, Options{Variables: map[string]Given{"n": {Text: "[1]"}}})
		}
		m, ds := run()
		again, same := run()
		if diff := cmp.Diff(brief(ds), brief(same)); diff != "" {
			t.Fatalf("not the same twice:\n%s", diff)
		}
		if diff := cmp.Diff(configs(m), configs(again)); diff != "" {
			t.Fatalf("not the same twice:\n%s", diff)
		}
	})
}
