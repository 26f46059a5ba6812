package rule

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mlp-lang/mlp/lang/source"
)

// hide removes what is unknown, as it is when a rule is decided early, and groups of which then nothing is left.
func hide(values any, path string, unknown []string) any {
	group, ok := values.(map[string]any)
	if !ok || len(group) == 0 {
		return values
	}
	out, hidden := map[string]any{}, false
	for k, v := range group {
		at := strings.TrimPrefix(path+"."+k, ".")
		rest := hide(v, at, unknown)
		if slices.Contains(unknown, at) || rest == nil && v != nil {
			hidden = true
			continue
		}
		out[k] = rest
	}
	if hidden && len(out) == 0 {
		return nil
	}
	return out
}

// graft puts what is unknown in values to what it is in others.
func graft(values, others any, path string, unknown []string) any {
	group, ok := values.(map[string]any)
	if !ok {
		return values
	}
	other, _ := others.(map[string]any)
	out := map[string]any{}
	for k, v := range group {
		at := strings.TrimPrefix(path+"."+k, ".")
		if slices.Contains(unknown, at) {
			continue
		}
		out[k] = graft(v, other[k], at, unknown)
	}
	for k, v := range other {
		if slices.Contains(unknown, strings.TrimPrefix(path+"."+k, ".")) {
			out[k] = v
		}
	}
	return out
}

// coverage counts the cases of a property test.
type coverage struct {
	mu     sync.Mutex
	early  map[Verdict]int
	rules  map[string]int // by shape
	folded map[string]int // of them open, with something folded in
}

func (c *coverage) note(m *maker, early Decision, rule string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.early[early.Verdict]++
	for shape := range m.shapes {
		c.rules[shape]++
		if early.Verdict == Open && early.Residual != rule {
			c.folded[shape]++
		}
	}
}

// check fails where the cases show little, and logs what they show.
func (c *coverage) check(t *testing.T) {
	for _, v := range []Verdict{Pass, Fail, Open, Error} {
		if t.Logf("%5d rules %s early", c.early[v], v); c.early[v] < 1000 {
			t.Errorf("only %d of the rules are %s early: the test shows little", c.early[v], v)
		}
	}
	for _, shape := range sortedKeys(c.rules) {
		if t.Logf("%5d rules with %s, %d of them left with a residual", c.rules[shape], shape, c.folded[shape]); c.rules[shape] < 30 || c.folded[shape] < 10 {
			t.Errorf("only %d rules have the shape %q, and only %d of them a residual: the test shows little", c.rules[shape], shape, c.folded[shape])
		}
	}
	t.Logf("%d shapes", len(c.rules))
}

// TestResidualDecidesLikeTheRule: deciding early and then the residual gives what deciding at once gives, whatever becomes
// of what was not known; and a rule that is decided early is decided so for good.
func TestResidualDecidesLikeTheRule(t *testing.T) {
	const shards, perShard = 8, 1250
	e := wideEnv(t)
	seen := &coverage{early: map[Verdict]int{}, rules: map[string]int{}, folded: map[string]int{}}
	t.Run("rules", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				m := newMaker(uint64(shard))
				for i := range perShard {
					if !residualHolds(t, e, m, i, seen) {
						return
					}
				}
			})
		}
	})
	if !t.Failed() {
		seen.check(t)
	}
}

func residualHolds(t *testing.T, e *Env, m *maker, i int, seen *coverage) bool {
	m.holes = []int{0, 6, 25}[i%3]
	rule, unknown := m.rule(), m.unknown()
	full, others := m.values(), m.values()
	r := compile(t, e, rule)
	known, _ := hide(full, "", unknown).(map[string]any)
	early := r.Decide(Values{Known: known, Unknown: unknown})
	seen.note(m, early, r.String())
	left := r
	if early.Verdict == Open {
		left = compile(t, e, early.Residual)
		if again := left.Decide(Values{Known: known, Unknown: unknown}); again.Verdict != Open {
			t.Errorf("%s\nis open with the residual %s\nwhich is decided with the same values: %+v", rule, early.Residual, again)
			return false
		}
	}
	for _, values := range []map[string]any{full, graft(full, others, "", unknown).(map[string]any)} {
		want, got := r.Decide(Values{Known: values}), left.Decide(Values{Known: values})
		if early.Verdict != Open {
			got = early
		}
		if want.Verdict == Open || got.Verdict != want.Verdict {
			t.Errorf("%s\nunknown %v\nof %v\nearly %+v\ngot %+v\nwant %+v", rule, unknown, values, early, got, want)
			return false
		}
	}
	return true
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
		if residual == nil && ds[0].Code != source.CodeRuleSize { // putting values in can make it longer
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
