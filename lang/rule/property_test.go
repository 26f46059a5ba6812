package rule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
)

// maker writes random rules over figures(), and random values for them.
type maker struct {
	r    *rand.Rand
	vars int
}

func (m *maker) pick(options ...func() string) string { return options[m.r.IntN(len(options))]() }

func (m *maker) of(words ...string) string { return words[m.r.IntN(len(words))] }

func (m *maker) number(depth int, locals []string) string {
	leaf := func() string {
		return m.of("evaluate.holdout.metrics.auc", "evaluate.holdout.metrics.recall", "evaluate.holdout.rows",
			"evaluate.holdout.delta.auc.low", "variable.min_recall", "evaluate.holdout.slices.large.auc",
			`evaluate.holdout.slices["small"].recall`, `monitor.live.columns["a"]`, "evaluate.holdout.folds[1]")
	}
	literal := func() string { return m.of("0.5", "1.0", "0.25", "-1.0", "2.0") }
	if len(locals) > 0 && m.r.IntN(2) == 0 {
		return m.of(locals...)
	}
	if depth <= 0 {
		return m.pick(leaf, leaf, literal)
	}
	sub := func() string { return m.number(depth-1, locals) }
	return m.pick(leaf, leaf, literal,
		func() string { return "(" + sub() + " " + m.of("+", "-", "*", "/") + " " + sub() + ")" },
		func() string { return "-(" + sub() + ")" },
		func() string { return "(" + m.flag(depth-1, locals) + " ? " + sub() + " : " + sub() + ")" },
		func() string { return m.of("min", "max", "sum", "mean") + "(" + m.list(depth-1, locals) + ")" },
		func() string { return "size(" + m.list(depth-1, locals) + ")" },
	)
}

func (m *maker) list(depth int, locals []string) string {
	figures := func() string { return "evaluate.holdout.folds" }
	if depth <= 0 {
		return figures()
	}
	return m.pick(figures,
		func() string { return "[" + m.number(depth-1, locals) + ", " + m.number(depth-1, locals) + "]" },
		func() string {
			v := m.fresh()
			return m.list(depth-1, locals) + ".filter(" + v + ", " + m.flag(depth-1, append(locals, v)) + ")"
		},
		func() string {
			v := m.fresh()
			return "evaluate.holdout.slices.map(" + v + ", " + m.number(depth-1, append(locals, m.ofSlice(v))) + ")"
		},
	)
}

func (m *maker) fresh() string { m.vars++; return fmt.Sprintf("v%d", m.vars) }

func (m *maker) ofSlice(v string) string {
	return "evaluate.holdout.slices[" + v + "]." + m.of("auc", "recall", "count")
}

func (m *maker) flag(depth int, locals []string) string {
	compare := func() string {
		return m.number(depth-1, locals) + " " + m.of("<", "<=", ">", ">=", "==", "!=") + " " + m.number(depth-1, locals)
	}
	if depth <= 0 {
		return m.pick(compare, func() string { return m.of("champion.exists", "champion.comparable") })
	}
	sub := func() string { return m.flag(depth-1, locals) }
	overMap := func() string {
		v := m.fresh()
		return "evaluate.holdout.slices." + m.of("all", "exists", "exists_one") + "(" + v + ", " + m.flag(depth-1, append(locals, m.ofSlice(v))) + ")"
	}
	overList := func() string {
		v := m.fresh()
		return m.list(depth-1, locals) + "." + m.of("all", "exists", "exists_one") + "(" + v + ", " + m.flag(depth-1, append(locals, v)) + ")"
	}
	return m.pick(compare, compare, overMap, overList,
		func() string { return "(" + sub() + " && " + sub() + ")" },
		func() string { return "(" + sub() + " || " + sub() + ")" },
		func() string { return "!(" + sub() + ")" },
		func() string { return "(" + sub() + " ? " + sub() + " : " + sub() + ")" },
		func() string {
			return "has(" + m.of("evaluate.holdout.metrics.auc", "evaluate.holdout.delta.auc", "evaluate.holdout.slices.small.recall") + ")"
		},
		func() string { return m.of(`"small"`, `"none"`) + " in evaluate.holdout.slices" },
		func() string { return m.number(depth-1, locals) + " in " + m.list(depth-1, locals) },
	)
}

// values are random; holes says whether figures may be missing, null, NaN or infinite.
func (m *maker) values(holes bool) map[string]any {
	number := func() any {
		if holes && m.r.IntN(6) == 0 {
			return []any{nil, math.NaN(), math.Inf(1)}[m.r.IntN(3)]
		}
		return float64(m.r.IntN(9)-2) / 4
	}
	group := func(names ...string) map[string]any {
		g := map[string]any{}
		for _, n := range names {
			if !holes || m.r.IntN(8) > 0 {
				g[n] = number()
			}
		}
		return g
	}
	holdout := group("rows")
	holdout["metrics"] = group("auc", "recall", "fpr")
	holdout["slices"] = map[string]any{"large": group("count", "auc", "recall"), "small": group("count", "auc", "recall")}
	holdout["folds"] = []any{number(), number(), number()}
	if !holes || m.r.IntN(3) > 0 {
		holdout["delta"] = map[string]any{"auc": group("value", "low", "high")}
	}
	if holes && m.r.IntN(5) == 0 {
		delete(holdout, m.of("slices", "folds", "metrics"))
	}
	return map[string]any{
		"evaluate": map[string]any{"holdout": holdout},
		"monitor":  map[string]any{"live": map[string]any{"columns": group("a")}},
		"champion": map[string]any{"exists": m.r.IntN(2) == 0, "comparable": m.r.IntN(2) == 0},
		"variable": map[string]any{"min_recall": number(), "region": "eu", "regions": []any{"eu"}},
	}
}

func (m *maker) unknown() []string {
	var out []string
	for _, p := range []string{"evaluate.holdout", "evaluate.holdout.metrics", "evaluate.holdout.metrics.auc", "evaluate.holdout.delta",
		"evaluate.holdout.slices", "evaluate.holdout.slices.large.auc", "evaluate.holdout.slices.small", "evaluate.holdout.folds",
		"monitor", "champion.comparable", "variable.min_recall"} {
		if m.r.IntN(4) == 0 {
			out = append(out, p)
		}
	}
	return out
}

// hide removes what is unknown, as it is when a rule is decided early.
func hide(values any, path string, unknown []string) any {
	for _, u := range unknown {
		if path == u {
			return nil
		}
	}
	group, ok := values.(map[string]any)
	if !ok {
		return values
	}
	out := map[string]any{}
	for k, v := range group {
		if v = hide(v, strings.TrimPrefix(path+"."+k, "."), unknown); v != nil {
			out[k] = v
		}
	}
	return out
}

// TestResidualDecidesLikeTheRule: deciding early and then the residual gives what deciding at once gives.
func TestResidualDecidesLikeTheRule(t *testing.T) {
	e := env(t)
	m := &maker{r: rand.New(rand.NewPCG(1, 2))}
	counts := map[Verdict]int{}
	for i := range 2500 {
		rule := m.flag(4, nil)
		full, unknown := m.values(true), m.unknown()
		r := compile(t, e, rule)
		want := r.Decide(Values{Known: full})
		if want.Verdict == Open {
			t.Fatalf("case %d: %s is open though all is known", i, rule)
		}
		early := r.Decide(Values{Known: hide(full, "", unknown).(map[string]any), Unknown: unknown})
		counts[early.Verdict]++
		got := early.Verdict
		if got == Open {
			got = compile(t, e, early.Residual).Decide(Values{Known: full}).Verdict
		}
		if got != want.Verdict {
			t.Fatalf("case %d: %s\nunknown %v\nof %v\nearly %+v\ngot %s, want %+v", i, rule, unknown, full, early, got, want)
		}
	}
	for _, v := range []Verdict{Pass, Fail, Open, Error} {
		if counts[v] < 100 {
			t.Errorf("only %d of the cases are %s early: the test shows little", counts[v], v)
		}
	}
}

// ours are the functions that cel-go does not have, or (size) types otherwise.
var ours = regexp.MustCompile(`\b(min|max|sum|mean|size)\(`)

// TestAgreesWithCEL: where everything is known and finite, cel-go decides the same.
func TestAgreesWithCEL(t *testing.T) {
	e := env(t)
	standard, err := cel.NewEnv(cel.Variable("evaluate", cel.DynType), cel.Variable("monitor", cel.DynType),
		cel.Variable("champion", cel.DynType), cel.Variable("variable", cel.DynType))
	if err != nil {
		t.Fatal(err)
	}
	m := &maker{r: rand.New(rand.NewPCG(3, 4))}
	decided := 0
	for i := 0; decided < 800; i++ {
		rule := m.flag(4, nil)
		if ours.MatchString(rule) {
			continue
		}
		values := m.values(false)
		got := compile(t, e, rule).Decide(Values{Known: values})
		checked, issues := standard.Compile(rule)
		if issues.Err() != nil {
			continue // without types, cel-go guesses them and sometimes wrongly
		}
		program, err := standard.Program(checked)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := program.Eval(values)
		if got.Verdict == Error || err != nil {
			continue // a division by zero is infinite there
		}
		decided++
		if want := out.Value() == true; want != (got.Verdict == Pass) {
			t.Fatalf("case %d: %s of %v: got %s, want %v", i, rule, values, got.Verdict, want)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`evaluate.holdout.metrics.auc >= 0.9`, `!champion.comparable || evaluate.holdout.delta.auc.low > -0.005`,
		`evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > 0.8)`, `"Zürich" in ['a', r"\b", """x"y"""]`,
		`has(evaluate.holdout.rows) ? 1 < 2 : [1,2][0] == 3u`, `evaluate . // c
		holdout`, `b"x" == null`, `a{b: 1}`, `.x`, `((`, `"`, `${x}`, "\xff", `evaluate.holdout.folds.map(x, x, x)`, `-9223372036854775808 < 1`, `x.all(x.y, z)`,
	} {
		f.Add(seed)
	}
	e := env(f)
	f.Fuzz(func(t *testing.T, rule string) {
		r, ds := e.Compile(text(rule))
		if (r == nil) != ds.HasErrors() {
			t.Fatalf("got rule %v with diagnostics %v", r, ds)
		}
		for _, d := range ds {
			if d.Subject.Start.Byte < 99 || d.Subject.End.Byte > 101+len(rule) || d.Subject.Start.Byte > d.Subject.End.Byte {
				t.Fatalf("%q: the range %+v of %q is outside of the rule", rule, d.Subject, d.Summary)
			}
		}
		ParseLimits(text(rule))
		if r == nil {
			return
		}
		full := r.Decide(Values{Known: knownValues()})
		early := r.Decide(Values{Known: knownValues(), Unknown: []string{"evaluate.holdout.metrics", "champion"}})
		if early.Verdict != Open {
			if early.Verdict != full.Verdict {
				t.Fatalf("%q: early %+v, full %+v", rule, early, full)
			}
			return
		}
		residual, ds := e.Compile(text(early.Residual))
		if residual == nil && ds[0].Code != sizeCode { // putting values in can make it longer
			t.Fatalf("%q: residual %q: %+v", rule, early.Residual, ds)
		}
		if residual == nil {
			return
		}
		if got := residual.Decide(Values{Known: knownValues()}); got.Verdict != full.Verdict {
			t.Fatalf("%q: residual %q gives %+v, full %+v", rule, early.Residual, got, full)
		}
	})
}
