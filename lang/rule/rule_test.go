package rule

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/cel-go/common/ast"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// figures is an environment like that of a gate.
func figures() *schema.FigureType {
	interval := schema.Object(map[string]*schema.FigureType{"low": schema.Double, "high": schema.Double})
	delta := schema.Object(map[string]*schema.FigureType{"value": schema.Double, "low": schema.Double, "high": schema.Double})
	slice := schema.Object(map[string]*schema.FigureType{"count": schema.Double, "auc": schema.Double, "recall": schema.Double})
	return schema.Object(map[string]*schema.FigureType{
		"evaluate": schema.Object(map[string]*schema.FigureType{"holdout": schema.Object(map[string]*schema.FigureType{
			"rows":      schema.Double,
			"metrics":   schema.Object(map[string]*schema.FigureType{"auc": schema.Double, "recall": schema.Double, "fpr": schema.Double}),
			"intervals": schema.Object(map[string]*schema.FigureType{"auc": interval}),
			"delta":     schema.Object(map[string]*schema.FigureType{"auc": delta}),
			"slices":    schema.KeyedMap(slice, "large", "small"),
			"folds":     schema.ListOf(schema.Double),
			"runs":      schema.ListOf(slice),
			"more":      schema.KeyedMap(slice, "eu", "us"),
		})}),
		"monitor":  schema.Object(map[string]*schema.FigureType{"live": schema.Object(map[string]*schema.FigureType{"columns": schema.MapOf(schema.Double), "huge": schema.ListOf(schema.Double)})}),
		"champion": schema.Object(map[string]*schema.FigureType{"exists": schema.Flag, "comparable": schema.Flag}),
		"variable": schema.Object(map[string]*schema.FigureType{"min_recall": schema.Double, "region": schema.Word, "broken": schema.Word, "regions": schema.ListOf(schema.Word),
			"none": schema.MapOf(schema.Double), "holed": schema.MapOf(schema.Double)}),
	})
}

func env(t testing.TB) *Env {
	t.Helper()
	e, err := NewEnv(figures())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// text places a rule at line 7, column 15 of a file, as `assert = "…"` would.
func text(value string) source.Text {
	start := source.Pos{Line: 7, Column: 15, Byte: 100}
	r := source.Range{File: "a.mlp", Start: source.Pos{Line: 7, Column: 14, Byte: 99}, End: source.Pos{Line: 7, Column: 16 + len(value), Byte: 101 + len(value)}}
	return source.NewText(value, r, []source.Piece{{Offset: 0, Start: start}})
}

func compile(t testing.TB, e *Env, rule string) *Rule {
	t.Helper()
	r, ds := e.Compile(text(rule))
	for _, d := range ds {
		if d.Code != source.CodeRuleNever && d.Code != source.CodeRuleAlways {
			t.Fatalf("%s: %+v", rule, ds)
		}
		if r == nil { // generated rules compare sizes with anything
			r = &Rule{root: e.root, text: rule, expr: readAs(rule)}
		}
	}
	return r
}

func TestCompileErrors(t *testing.T) {
	e := env(t)
	// «» surrounds what the caret must point at.
	tests := []struct{ rule, code, summary, hint string }{
		{`evaluate.holdout.metrics.«aucc» > 0.5`, source.CodeRuleFigure, `evaluate.holdout.metrics has no "aucc"`, `did you mean "auc"?`},
		{`evaluate . holdout . // where
		  metrics . «aucc» > 0.5`, source.CodeRuleFigure, `has no "aucc"`, `did you mean "auc"?`},
		{`evaluate.«holdaut».metrics.auc > 0.5`, source.CodeRuleFigure, `evaluate has no "holdaut"`, `did you mean "holdout"?`},
		{`«evalute».holdout.rows > 5`, source.CodeRuleName, `there is no "evalute" here`, `did you mean "evaluate"?`},
		{`evaluate.holdout.«fpr» < 0.1`, source.CodeRuleFigure, `evaluate.holdout has no "fpr"`, `did you mean evaluate.holdout.metrics.fpr?`},
		{`«metrics».auc > 0.5`, source.CodeRuleName, `there is no "metrics" here`, `did you mean evaluate.holdout.metrics?`},
		{`has(evaluate.holdout.metrics.«aucc»)`, source.CodeRuleFigure, `evaluate.holdout.metrics has no "aucc"`, `did you mean "auc"?`},
		{`evaluate.holdout.slices.all(s, s.«auc» > 0.8)`, source.CodeRuleFigure, `s is a string and has no "auc"`, `write evaluate.holdout.slices[s].auc`},
		{`evaluate.holdout.metrics.auc.«low» > 0.8`, source.CodeRuleFigure, `evaluate.holdout.metrics.auc is a number and has no "low"`, ``},
		{`evaluate.holdout.rows in [1, «"a"»]`, source.CodeRuleType, `this must be a number, not a string`, ``},
		{`«evaluate.holdout.folds["a"]» > 1`, source.CodeRuleType, `a list is indexed by a number, not a string`, ``},
		{`«evaluate.holdout.slices[1]».auc > 1`, source.CodeRuleType, `the keys of a map are strings, not numbers`, ``},
		{`«evaluate["holdout"]».rows > 1`, source.CodeRuleType, `named with a dot`, `write evaluate.holdout`},
		{`(«champion.exists ? 1 : "a"») == 1`, source.CodeRuleType, `?: needs a condition and two values of one type`, ``},
		{`evaluate.holdout.rows «%» 2 == 0`, source.CodeRuleFunction, `there is no operator % in rules`, ``},
		{`«evaluate.holdout.rows > 1 > 2»`, source.CodeRuleType, `cannot compare true or false with a number`, `join two comparisons by &&`},
		{`quantile(evaluate.holdout.folds, «95») > 1`, source.CodeRuleFunction, `quantile takes a share between 0 and 1`, `write 0.95`},
		{`«quantile(evaluate.holdout.folds)» > 1`, source.CodeRuleFunction, `quantile takes a list or map of numbers and a share between 0 and 1`, `the median is quantile(…, 0.5)`},
		{`«max(evaluate.holdout.folds, 1)» > 1`, source.CodeRuleFunction, `max takes one list or map of numbers`, ``},
		{`«max(evaluate.holdout.slices)» > 1`, source.CodeRuleFunction, `max takes a list or map of numbers, not a map of groups of figures`, ``},
		{`variable.region.matches(«"(a{1000}){1000}"»)`, source.CodeRuleFunction, `regular expression`, ``},
		{`variable.region.matches(«"[z-a]"»)`, source.CodeRuleFunction, `invalid character class range in the regular expression: z-a`, ``},
		{`«min(1, 2)» > 1`, source.CodeRuleFunction, `min takes a list or map of numbers, not a number`, `min([…])`},
		{`!«evaluate.holdout.rows»`, source.CodeRuleType, `! negates a condition, not a number`, ``},
		{`«size(evaluate.holdout.rows)» > 1`, source.CodeRuleType, `size does not work on a number`, ``},
		{`(champion.exist«s»`, source.CodeRuleSyntax, `a ) is missing`, ``},
		{`evaluate.«.»holdout`, source.CodeRuleSyntax, `unexpected "."`, ``},
		{`«zebra» > 5`, source.CodeRuleName, `there is no "zebra" here`, ``},
		{`evaluate.holdout.slices[«"larg"»].auc > 0.5`, source.CodeRuleFigure, `evaluate.holdout.slices has no "larg"`, `did you mean "large"?`},
		{`evaluate.holdout.slices.«larg».auc > 0.5`, source.CodeRuleFigure, `evaluate.holdout.slices has no "larg"`, `did you mean "large"?`},
		{`evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].«auk» > 0.5)`, source.CodeRuleFigure, `has no "auk"`, `did you mean "auc"?`},
		{`«evaluate.holdout.metrics.auc > "0.5"»`, source.CodeRuleType, `cannot compare a number with a string`, ``},
		{`«evaluate.holdout.metrics > 0.5»`, source.CodeRuleType, `cannot compare a group of figures with a number`, `such as evaluate.holdout.metrics.auc`},
		{`«variable.region < "x"»`, source.CodeRuleType, `< does not compare a string`, ``},
		{`champion.exists && «evaluate.holdout.rows»`, source.CodeRuleType, `this must be true or false, not a number`, `evaluate.holdout.rows >= 0.8`},
		{`«evaluate.holdout.rows»`, source.CodeRuleBool, `a rule must be true or false; this is a number`, `compare it`},
		{`  «evaluate.holdout»  // all`, source.CodeRuleBool, `this is a group of figures`, ``},
		{`evaluate.holdout.slices.all(s, «evaluate.holdout.rows»)`, source.CodeRuleType, `this must be true or false, not a number`, ``},
		{`evaluate.holdout.slices.exists(s, «"x"»)`, source.CodeRuleType, `this must be true or false, not a string`, ``},
		{`size(evaluate.holdout.slices.filter(s, «1»)) > 0`, source.CodeRuleType, `filter needs a condition, not a number`, ``},
		{`«evaluate.holdout.metrics».all(s, true)`, source.CodeRuleType, `all goes over a list or a map, not a group of figures`, ``},
		{`«evaluate.holdout.rows».exists(s, true)`, source.CodeRuleType, `exists goes over a list or a map, not a number`, ``},
		{`evaluate.holdout.rows.«x» > 1`, source.CodeRuleFigure, `evaluate.holdout.rows is a number and has no "x"`, ``},
		{`«mim»(evaluate.holdout.folds) > 1`, source.CodeRuleFunction, `there is no function "mim"`, `did you mean "min"?`},
		{`«int»(evaluate.holdout.rows) > 1`, source.CodeRuleFunction, `there is no function "int"`, `every number is a double already`},
		{`evaluate.holdout.folds.«alll»(x, x > 1)`, source.CodeRuleFunction, `there is no function "alll"`, `did you mean "all"?`},
		{`«min(evaluate.holdout.rows)» > 1`, source.CodeRuleFunction, `min takes a list or map of numbers, not a number`, ``},
		{`evaluate.holdout.rows + «variable.region» > 1`, source.CodeRuleType, `+ works on numbers, not on a string`, ``},
		{`«evaluate.holdout.folds.all(x)»`, source.CodeRuleMacro, `all takes a name and what to do with it`, ``},
		{`«has(evaluate)»`, source.CodeRuleMacro, `has() takes one figure`, ``},
		{`evaluate.holdout.folds.all(«evaluate», true)`, source.CodeRuleMacro, `"evaluate" has a meaning here already`, ``},
		{`evaluate.holdout.folds.all(x, evaluate.holdout.folds.all(«x», true))`, source.CodeRuleMacro, `"x" has a meaning`, `such as y`},
		{`evaluate.holdout.rows == «null»`, source.CodeRuleDialect, `rules do without null`, `has(`},
		{`«.evaluate».holdout.rows > 1`, source.CodeRuleDialect, `starts with a dot`, `write evaluate`},
		{`size(«{"a": 1}») > 0`, source.CodeRuleDialect, `cannot make maps`, ``},
		{`evaluate.holdout.rows > «$»{var.x}`, source.CodeRuleSyntax, `unexpected "$"`, `rules take no ${}`},
		{`evaluate.holdout.rows «=» 5`, source.CodeRuleSyntax, `unexpected "="`, `equality is ==`},
		{`champion.exists «and» champion.comparable`, source.CodeRuleSyntax, `unexpected "and"`, `&&`},
		{`evaluate.holdout.rows >«=»`, source.CodeRuleSyntax, `the rule ends where a value is expected`, ``},
		{`variable.region == «"x»`, source.CodeRuleSyntax, `this string has no end`, ``},
		{`«var».x > 1`, source.CodeRuleSyntax, `"var" is a reserved word`, `variable.name`},
		{`evaluate.holdout.slices.exists(s, s == «"larg"»)`, source.CodeRuleFigure, `s is never "larg"`, `did you mean "large"?`},
		{`!(«'larg'» in evaluate.holdout.slices)`, source.CodeRuleFigure, `evaluate.holdout.slices has no "larg"`, `did you mean "large"?`},
		{`["large", «"smal"»].all(s, s in evaluate.holdout.slices)`, source.CodeRuleFigure, `evaluate.holdout.slices has no "smal"`, `did you mean "small"?`},
		{`["large", «"smal"»].all(s, evaluate.holdout.slices[s].auc > 0.5)`, source.CodeRuleFigure, `evaluate.holdout.slices has no "smal"`, `did you mean "small"?`},
		{`«evaluate.holdout.slices.size()» > 1`, source.CodeRuleFunction, `size is a function, not a method`, `write size(evaluate.holdout.slices)`},
		{`«variable.region.size()» > 1`, source.CodeRuleFunction, `size is a function, not a method`, `write size(variable.region)`},
		{`«evaluate.holdout.folds.sum()» > 1`, source.CodeRuleFunction, `sum is a function, not a method`, `write sum(evaluate.holdout.folds)`},
		{`«evaluate.holdout.folds.quantile(0.5)» > 1`, source.CodeRuleFunction, `quantile is a function, not a method`, `write quantile(evaluate.holdout.folds, 0.5)`},
		{`«matches(variable.region, 'b')»`, source.CodeRuleFunction, `matches is a method, not a function`, `write variable.region.matches('b')`},
		{`«contains('abc', 'b')»`, source.CodeRuleFunction, `contains is a method, not a function`, `write 'abc'.contains('b')`},
		{`«len»(evaluate.holdout.folds) > 1`, source.CodeRuleFunction, `there is no function "len"`, `write size`},
		{`«avg»(evaluate.holdout.folds) > 1`, source.CodeRuleFunction, `there is no function "avg"`, `write mean`},
		{`«median»(evaluate.holdout.folds) > 1`, source.CodeRuleFunction, `there is no function "median"`, `quantile(…, 0.5)`},
		{`evaluate.holdout.folds.«any»(x, x > 1)`, source.CodeRuleFunction, `there is no function "any"`, `write exists`},
		{`evaluate.holdout.rows == «9007199254740993»`, source.CodeRuleInexact, `is not a number that rules can tell from its neighbours`, `write the one`},
		{`evaluate.holdout.rows > «1e400»`, source.CodeRuleInexact, `is more than a number`, ``},
		{`evaluate.holdout.metrics.auc > «0.1234567890123456789»`, source.CodeRuleInexact, `is not a number that rules can tell`, ``},
		{`evaluate.holdout.rows > «-9007199254740993.0»`, source.CodeRuleInexact, `is not a number that rules can tell`, ``},
		{`variable.region == "Zürich–Süd" && evaluate.holdout.metrics.«aucc» > 0.5`, source.CodeRuleFigure, `has no "aucc"`, ``},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			before, rest, _ := strings.Cut(tt.rule, "«")
			marked, after, _ := strings.Cut(rest, "»")
			_, ds := e.Compile(text(before + marked + after))
			if len(ds) != 1 {
				t.Fatalf("got %d diagnostics, want 1: %+v", len(ds), ds)
			}
			d := ds[0]
			if d.Code != tt.code || !strings.Contains(d.Summary, tt.summary) || !strings.Contains(d.Hint, tt.hint) {
				t.Errorf("got %s %q hint %q, want %s %q hint %q", d.Code, d.Summary, d.Hint, tt.code, tt.summary, tt.hint)
			}
			if got, want := d.Subject.Start.Byte, 100+len(before); got != want {
				t.Errorf("got start at byte %d, want %d", got, want)
			}
			if got, want := d.Subject.End.Byte, 100+len(before)+len(marked); got != want {
				t.Errorf("got end at byte %d, want %d", got, want)
			}
			if strings.Contains(d.Summary+d.Detail+d.Hint, "overload") || strings.Contains(d.Summary+d.Detail, typePrefix) {
				t.Errorf("got jargon: %+v", d)
			}
		})
	}
}

func TestAllErrorsAreTold(t *testing.T) {
	_, ds := env(t).Compile(text(`evaluate.holdout.metrics.aucc > 0.5 && evaluate.holdout.slices["l"].auc > "x" && nobody > 1`))
	var got []string
	for _, d := range ds {
		got = append(got, d.Code)
	}
	if want := []string{source.CodeRuleFigure, source.CodeRuleFigure, source.CodeRuleName}; !slices.Equal(got, want) {
		// The comparison with "x" overlaps the key told of within it.
		t.Errorf("got %v, want %v: %+v", got, want, ds)
	}
}

func TestSizeLimits(t *testing.T) {
	e := env(t)
	for name, rule := range map[string]string{
		"long": "champion.exists" + strings.Repeat(" && champion.exists", 1000),
		"deep": strings.Repeat("(", 500) + "champion.exists" + strings.Repeat(")", 500),
	} {
		_, ds := e.Compile(text(rule))
		if len(ds) != 1 || ds[0].Code != source.CodeRuleSize {
			t.Errorf("%s: got %+v, want %s", name, ds, source.CodeRuleSize)
		}
	}
}

func TestColumnInHeredoc(t *testing.T) {
	// assert = <<-CEL
	//     champion.exists
	//     && evaluate.holdout.metrics.aucc > 0.5
	// CEL
	value := "champion.exists\n&& evaluate.holdout.metrics.aucc > 0.5\n"
	second := strings.Index(value, "&&")
	txt := source.NewText(value, source.Range{File: "b.mlp", Start: source.Pos{Line: 3, Column: 12, Byte: 50}}, []source.Piece{
		{Offset: 0, Start: source.Pos{Line: 4, Column: 5, Byte: 62}},
		{Offset: second, Start: source.Pos{Line: 5, Column: 5, Byte: 82}},
	})
	_, ds := env(t).Compile(txt)
	if len(ds) != 1 {
		t.Fatalf("got %+v", ds)
	}
	got := ds[0].Subject
	want := source.Range{File: "b.mlp", Start: source.Pos{Line: 5, Column: 33, Byte: 110}, End: source.Pos{Line: 5, Column: 37, Byte: 114}}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRefs(t *testing.T) {
	e := env(t)
	tests := []struct {
		rule string
		want []string // path @ text
	}{
		{`evaluate.holdout.metrics.auc >= variable.min_recall`, []string{"evaluate.holdout.metrics.auc", "variable.min_recall"}},
		{`evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > 0.8)`, []string{"evaluate.holdout.slices", "evaluate.holdout.slices"}},
		{`evaluate.holdout.slices["large"].auc > 0.8`, []string{`evaluate.holdout.slices["large"].auc`}},
		{`evaluate.holdout.folds[0] > 0.8 && evaluate.holdout.runs.all(r, r.auc > 0)`, []string{"evaluate.holdout.folds[0]", "evaluate.holdout.runs"}},
		{`has(evaluate.holdout.delta.auc.low) ? champion.exists : !champion.comparable`, []string{"evaluate.holdout.delta.auc.low", "champion.exists", "champion.comparable"}},
		{`variable.region in variable.regions`, []string{"variable.region", "variable.regions"}},
	}
	for _, tt := range tests {
		r := compile(t, e, tt.rule)
		var got []string
		for _, ref := range r.Refs() {
			got = append(got, tt.rule[ref.Range.Start.Byte-100:ref.Range.End.Byte-100])
			if p, q := PathString(ref.Path), got[len(got)-1]; p != strings.ReplaceAll(q, `["large"]`, ".large") {
				t.Errorf("%s: got path %s at %s", tt.rule, p, q)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.rule, got, tt.want)
		}
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	e := env(t)
	shared := compile(t, e, `evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > 0.6) && champion.exists`)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 20 {
				own := compile(t, e, `evaluate.holdout.metrics.auc >= variable.min_recall`)
				for _, r := range []*Rule{own, shared} {
					if got := r.Decide(Values{Known: knownValues()}).Verdict; got != Pass {
						t.Errorf("got %s, want pass", got)
					}
				}
			}
		})
	}
	wait.Wait()
}

func BenchmarkCompile(b *testing.B) {
	e := env(b)
	for b.Loop() {
		compile(b, e, `!champion.comparable || evaluate.holdout.delta.auc.low > -0.005`)
	}
}

func BenchmarkNewEnv(b *testing.B) {
	for b.Loop() {
		e := env(b)
		compile(b, e, `champion.exists`)
	}
}

func readAs(rule string) func() (ast.Expr, error) {
	return func() (ast.Expr, error) { return parsed(rule) }
}
