package rule

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// nest writes a rule in which each level gives the next one a variable twice as large.
func nest(levels int, start, body string) string {
	rule, last := "", start
	for i := range levels {
		rule += fmt.Sprintf("[%s].all(v%d, ", last, i)
		last = fmt.Sprintf("v%d", i)
		last = fmt.Sprintf(body, last, last)
	}
	return rule + "size(" + last + ") > 0" + strings.Repeat(")", levels)
}

// hostile are rules that would take hours or fill the memory, with what they are told.
func hostile() []struct{ name, rule, want string } {
	const f, text = "evaluate.holdout.folds", "variable.region"
	thousand := "[" + strings.Repeat("1,", 2000) + "1]"
	return []struct{ name, rule, want string }{
		{"three loops", fmt.Sprintf("%s.all(a, %s.all(b, %s.all(c, a + b + c >= 0)))", f, f, f), "steps"},
		{"three maps", fmt.Sprintf("size(%s.map(a, %s.map(b, %s.map(c, a)))) > 0", f, f, f), "steps"},
		{"decided otherwise", fmt.Sprintf("%s.all(a, %s.all(b, %s.all(c, a + b + c >= 0))) || true", f, f, f), "steps"},
		{"doubled lists", nest(30, f, "%s + %s"), "steps"},
		{"doubled parts", nest(25, "[1]", "[%s, %s][0]"), ""},
		{"doubled parts in a reason", strings.Replace(strings.Replace(nest(40, "[1]", "[%s, %s]"), "size(", "size([", 1), ") > 0", "][3]) > 0", 1), "a part of the rule"},
		{"search in loops", fmt.Sprintf("%s.all(a, %s.all(b, !(a + b + 0.5 in %s)))", f, f, f), "steps"},
		{"sums in loops", fmt.Sprintf("[%s].all(l, %s.all(a, %s.all(b, sum(l) > a + b)))", f, f, f), "steps"},
		{"quantiles in loops", fmt.Sprintf("%s.all(a, %s.all(b, quantile(%s, 0.5) > 0))", f, f, f), "steps"},
		{"reasons in loops", fmt.Sprintf("%s.exists(a, %s.exists(b, %s[9999] > a + b))", f, f, thousand), "steps"},
		{"a huge list", "monitor.live.huge.exists(x, x < 0)", "steps"},
		{"the sum of a huge list", "sum(monitor.live.huge) > 0", "steps"},
		{"a huge text", text + `.matches("(a+)+$")`, "steps"},
		{"a huge text in a loop", fmt.Sprintf(`%s.all(a, %s.contains("b") || size(%s) > a)`, f, text, text), "steps"},
		{"texts compared in a loop", fmt.Sprintf(`%s.all(a, %s.endsWith("b") || %s == variable.broken || a >= 0)`, f, text, text), "steps"},
		{"a pattern that repeats", `variable.region.matches("((a{100}){100}){100}")`, "regular expression"},
		{"a pattern from a variable", `"a".matches(variable.region)`, "steps"},
		{"many patterns", fmt.Sprintf(`%s.all(a, "x".matches("(x{90}){90}") || a >= 0)`, f), ""},
		{"deep", strings.Repeat("(", 4000) + "1" + strings.Repeat(")", 4000) + " > 0", "nested too deeply"},
		{"deep lists", strings.Repeat("[", 200) + strings.Repeat("]", 200) + " == 1", "nested too deeply"},
		{"long", strings.Repeat("1 + ", 5000) + "1 > 0", "longer than"},
		{"many conditions", strings.TrimSuffix(strings.Repeat("1 > 0 && ", 1100), " && "), ""},
		{"many terms", strings.Repeat("1+", 4900) + "1 > 0", ""},
		{"many macros", strings.Repeat("[1].all(x, x > 0) && ", 450) + "true", ""},
		{"nested macros", strings.Repeat("[1].all(x, ", 400), ""},
	}
}

// TestNoRuleRunsAway: a rule ends in a clear error, or in a verdict, in bounded time and memory. Time is bounded by the
// steps and the test's own limit, memory by what is allocated.
func TestNoRuleRunsAway(t *testing.T) {
	const most = 512 << 20
	many, huge := make([]any, 2000), make([]any, 3_000_000)
	for i := range many {
		many[i] = float64(i)
	}
	for i := range huge {
		huge[i] = 1.0
	}
	long := strings.Repeat("a", 5<<20) + "!"
	values := Values{Known: map[string]any{
		"evaluate": map[string]any{"holdout": map[string]any{"folds": many}},
		"monitor":  map[string]any{"live": map[string]any{"huge": huge}},
		"variable": map[string]any{"region": long, "broken": long},
	}}
	e := env(t)
	for _, tt := range hostile() {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			said := ""
			r, ds := e.Compile(text(tt.rule))
			if r == nil {
				said = ds[0].Summary
			} else {
				got := r.Decide(values)
				said = got.Reason
				if open := r.Decide(Values{Unknown: []string{"evaluate", "monitor", "variable"}}); len(open.Residual) > maxLength {
					t.Errorf("got a residual of %d characters", len(open.Residual))
				}
			}
			runtime.ReadMemStats(&after)
			if !strings.Contains(said, tt.want) || len(said) > 1000 {
				t.Errorf("got %q, want %q in it", said[:min(len(said), 1000)], tt.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > most {
				t.Errorf("it took %d MB, want at most %d", used>>20, most>>20)
			}
		})
	}
}
