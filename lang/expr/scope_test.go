package expr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

func scope() *Scope {
	s := NewScope("", []string{"split", "dataset", "train"}, []Target{
		{Kind: "split", Name: "s", Ports: []string{"train", "test"}}, {Kind: "dataset", Name: "d", Ports: []string{"table"}}, {Kind: "dataset", Name: "e", Ports: []string{"table"}},
	}, map[string]bool{"train.broken": true})
	s.Variables["n"] = cty.NumberIntVal(3)
	s.Variables["unset"] = cty.DynamicVal
	s.Locals["o"] = cty.ObjectVal(map[string]cty.Value{"x": cty.StringVal("y")})
	return s
}

func TestEvalValues(t *testing.T) {
	for text, want := range map[string]cty.Value{
		`variable.n + 1`:                     cty.NumberIntVal(4),
		`local.o.x`:                          cty.StringVal("y"),
		`local["o"]["x"]`:                    cty.StringVal("y"),
		`[for i in [1, 2] : i * variable.n]`: cty.TupleVal([]cty.Value{cty.NumberIntVal(3), cty.NumberIntVal(6)}),
		`upper("${local.o.x}é")`:             cty.StringVal("YÉ"),
		`{ a = 1 }.a`:                        cty.NumberIntVal(1),
		`<<-E` + "\n    a\n  E":              cty.StringVal("a\n"),
		`tonumber("7")`:                      cty.NumberIntVal(7),
		`variable.n > 2 ? "big" : "small"`:   cty.StringVal("big"),
	} {
		got, ds := scope().Eval(attr(t, "x \"a\" {\n  v = "+text+"\n}"))
		if len(ds) > 0 || !got.RawEquals(want) {
			t.Errorf("%s = %#v, %v; want %#v", text, got, ds, want)
		}
	}
}

func TestEvalReferences(t *testing.T) {
	for text, want := range map[string]string{
		`dataset.d`:                                   "dataset.d",
		`dataset["d"]`:                                "dataset.d",
		`split.s.test`:                                "split.s.test",
		`split.s["test"]`:                             "split.s.test",
		`(dataset.d)`:                                 "dataset.d",
		`variable.n > 2 ? dataset.d : dataset.e`:      "dataset.d",
		`[dataset.d, dataset.e][1]`:                   "dataset.e",
		`{ a = split.s.train }.a`:                     "split.s.train",
		`concat([dataset.d], [dataset.e.table])[1]`:   "dataset.e.table",
		`[for d in [dataset.d, dataset.e] : d][0]`:    "dataset.d",
		`merge({ a = dataset.d }, { a = split.s }).a`: "split.s",
	} {
		v, ds := scope().Eval(attr(t, `x "a" { v = `+text+` }`))
		got, ok := RefOf(v)
		if len(ds) > 0 || !ok || got.String() != want {
			t.Errorf("%s is %s %t, %v; want %s", text, got, ok, ds, want)
		}
		if !HasRefs(v) {
			t.Errorf("%s does not have references", text)
		}
	}
}

// TestEvalComputed holds that nothing can be learnt from a reference without a trace.
func TestEvalComputed(t *testing.T) {
	for _, text := range []string{
		`keys(dataset.d)`, `dataset.d == dataset.e`, `dataset.d == dataset.e ? 1 : 2`, `[for k, v in dataset.d : k]`, `jsonencode(keys(dataset.d))`,
		`length(keys(split.s))`, `contains([dataset.d], dataset.d)`, `dataset.d.table != null`,
	} {
		v, ds := scope().Eval(attr(t, `x "a" { v = `+text+` }`))
		if !ds.HasErrors() && !HasRefs(v) {
			t.Errorf("%s = %#v", text, v)
		}
	}
}

func TestEvalUnknown(t *testing.T) {
	for _, text := range []string{`variable.unset`, `train.broken`, `train.broken.model`, `[variable.unset, 1]`, `"a${variable.unset}"`} {
		v, ds := scope().Eval(attr(t, `x "a" { v = `+text+` }`))
		if len(ds) > 0 || v.IsWhollyKnown() {
			t.Errorf("%s = %#v, %v; want it unknown and nothing told", text, v, ds)
		}
	}
	s := scope()
	s.Lenient = true
	if v, ds := s.Eval(attr(t, `x "a" { v = [dataset.missing, local.missing, variable.missing] }`)); len(ds) > 0 || v.IsWhollyKnown() {
		t.Errorf("lenient: %#v, %v", v, ds)
	}
}

func TestEvalTellsAll(t *testing.T) {
	_, ds := scope().Eval(attr(t, `x "a" { v = [dataset.x, split.s.tets, variable.m, local.p, nothing.a, dataset.d.table.x, [for x in dataset : x]] }`))
	var got []string
	for _, d := range ds {
		got = append(got, d.Code)
	}
	if want := "MLP1201 MLP1202 MLP1203 MLP1204 MLP1205 MLP1202 MLP1205"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestFunctions holds that each function can be called by its name.
func TestFunctions(t *testing.T) {
	for name, f := range functions("") {
		if f.Description() == "" && !strings.HasPrefix(name, "to") {
			t.Errorf("%s has no description", name)
		}
	}
}

// TestSuggestionsFollowTheScope: what is added after a mistake is suggested for the next, below each root.
func TestSuggestionsFollowTheScope(t *testing.T) {
	s := scope()
	hint := func(text string) string {
		_, ds := s.Eval(attr(t, `x "a" { v = `+text+` }`))
		if len(ds) != 1 {
			t.Fatalf("%s: %v", text, ds)
		}
		return ds[0].Hint
	}
	for _, text := range []string{"dataset.paymnts", "variable.paymnts", "local.paymnts", "module.paymnts"} {
		if got := hint(text); got != "" {
			t.Errorf("%s: %s", text, got)
		}
	}
	s.Add(Target{Kind: "dataset", Name: "payments", Ports: []string{"table"}})
	s.Modules["payments"] = Called{}
	for _, root := range []string{"dataset", "module"} {
		if got, want := hint(root+".paymnts"), "did you mean "+root+".payments?"; got != want {
			t.Errorf("%s: got %q, want %q", root, got, want)
		}
	}
	s.Variables["payments"] = cty.DynamicVal
	if got, want := hint("variable.paymnts"), "did you mean variable.payments?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Locals["payments"] = cty.DynamicVal
	if got, want := hint("local.paymnts"), "did you mean local.payments?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestManyNames: a dozen names are listed, more are not, whatever the mistake.
func TestManyNames(t *testing.T) {
	for i, want := range map[int]string{10: "dataset.n09", 11: ""} {
		s := scope()
		for j := range i {
			s.Add(Target{Kind: "dataset", Name: fmt.Sprintf("n%02d", j)})
		}
		for _, text := range []string{"dataset", "dataset.zzzzzz"} {
			_, ds := s.Eval(attr(t, `x "a" { v = `+text+` }`))
			if len(ds) != 1 || strings.Contains(ds[0].Detail, "dataset.n") != (want != "") || !strings.Contains(ds[0].Detail, want) {
				t.Errorf("%s of %d: %v", text, i+2, ds)
			}
		}
	}
}
