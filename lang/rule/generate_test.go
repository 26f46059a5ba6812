package rule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// wide is an environment with figures of every shape that rules know.
func wide() *schema.FigureType {
	slice := schema.Object(map[string]*schema.FigureType{"count": schema.Double, "auc": schema.Double, "recall": schema.Double})
	column := schema.Object(map[string]*schema.FigureType{"score": schema.Double, "drifted": schema.Flag, "method": schema.Word})
	return schema.Object(map[string]*schema.FigureType{
		"evaluate": schema.Object(map[string]*schema.FigureType{"holdout": schema.Object(map[string]*schema.FigureType{
			"rows":    schema.Double,
			"metrics": schema.Object(map[string]*schema.FigureType{"auc": schema.Double, "recall": schema.Double}),
			"delta": schema.Object(map[string]*schema.FigureType{
				"auc": schema.Object(map[string]*schema.FigureType{"value": schema.Double, "low": schema.Double}),
			}),
			"slices": openMap(slice, "large", "small"),
			"folds":  schema.ListOf(schema.Double),
			"matrix": schema.ListOf(schema.ListOf(schema.Double)),
			"runs":   schema.ListOf(slice),
			"note":   schema.Word,
		})}),
		"monitor": schema.Object(map[string]*schema.FigureType{"live": schema.Object(map[string]*schema.FigureType{
			"columns": schema.MapOf(schema.Double), "drift": openMap(column, "a", "b"),
		})}),
		"champion": schema.Object(map[string]*schema.FigureType{"exists": schema.Flag, "comparable": schema.Flag}),
		"variable": schema.Object(map[string]*schema.FigureType{"min_recall": schema.Double, "region": schema.Word,
			"regions": schema.ListOf(schema.Word), "limits": schema.MapOf(schema.Double)}),
	})
}

func wideEnv(t *testing.T) *Env {
	t.Helper()
	e, err := NewEnv(wide())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// maker writes random rules over wide(), and random values for them.
type maker struct {
	r      *rand.Rand
	vars   int
	shapes map[string]bool // of the rule being made
	holes  int             // one figure in so many is missing or of no use; 0: none
	// plain: for standard CEL. Numbers are written as it wants doubles, and holes are fields that are not there.
	plain bool
}

func newMaker(seed uint64) *maker {
	return &maker{r: rand.New(rand.NewPCG(seed, 7)), shapes: map[string]bool{}}
}

// way is one way to write an expression; its shape is counted.
type way struct {
	shape string
	write func() string
}

func (m *maker) pick(ways ...way) string {
	w := ways[m.r.IntN(len(ways))]
	if w.shape != "" {
		m.shapes[w.shape] = true
	}
	return w.write()
}

func (m *maker) of(words ...string) string { return words[m.r.IntN(len(words))] }

// locals are the variables of macros around an expression, by the type of what they stand for.
type locals struct {
	numbers, texts, groups, lists, slices, columns, drifts []string
}

// with adds to a copy, for names that siblings take must not be seen.
func with(names []string, name string) []string { return append(names[:len(names):len(names)], name) }

func (m *maker) fresh() string { m.vars++; return fmt.Sprintf("v%d", m.vars) }

func (m *maker) local(names []string) (way, bool) {
	if len(names) == 0 || m.r.IntN(2) == 0 {
		return way{}, false
	}
	return way{"macro variable", func() string { return m.of(names...) }}, true
}

func (m *maker) number(depth int, in locals) string {
	if w, ok := m.local(in.numbers); ok {
		return m.pick(w)
	}
	leaves := []way{
		{"figure", func() string {
			return m.of("evaluate.holdout.metrics.auc", "evaluate.holdout.metrics.recall", "evaluate.holdout.rows", "variable.min_recall")
		}},
		{"missing group", func() string { return "evaluate.holdout.delta.auc." + m.of("value", "low") }},
		{"number", func() string {
			if m.plain {
				return m.of("0.5", "1.0", "0.25", "-1.0")
			}
			return m.of("0.5", "1", "0.25", "-1.0", "2u", "0x1")
		}},
		{"key of a map, [] or dot", func() string {
			return m.of(`monitor.live.columns["a"]`, "monitor.live.columns.b", `monitor.live.columns["c d"]`, `variable.limits["a"]`)
		}},
		{"index of a list", func() string { return "evaluate.holdout.folds[" + m.of("0", "1", "2", "-1") + "]" }},
		{"index of an index", func() string { return "evaluate.holdout.matrix[" + m.of("0", "1") + "][" + m.of("0", "1") + "]" }},
		{"field of a group", func() string { return m.group(depth-1, in) + "." + m.of("auc", "recall", "count") }},
	}
	if len(in.columns) > 0 {
		leaves = append(leaves, way{"map[variable]", func() string { return "monitor.live.columns[" + m.of(in.columns...) + "]" }})
	}
	if len(in.drifts) > 0 {
		leaves = append(leaves, way{"map[variable].field", func() string { return "monitor.live.drift[" + m.of(in.drifts...) + "].score" }})
	}
	if depth <= 0 || m.r.IntN(3) == 0 {
		return m.pick(leaves...)
	}
	sub := func() string { return m.number(depth-1, in) }
	statistic := m.of("min", "max", "sum", "mean", "quantile")
	arguments := func(of string) string {
		if statistic == "quantile" {
			of += ", " + m.of("0", "0.25", "0.5", "1", m.notALiteral(depth, in))
		}
		return statistic + "(" + of + ")"
	}
	operator := m.of("+", "-", "*", "/")
	return m.pick(
		way{operator, func() string { return "(" + sub() + " " + operator + " " + sub() + ")" }},
		way{operator, func() string { return "(" + sub() + " " + operator + " " + sub() + ")" }},
		way{"negative", func() string { return "-(" + sub() + ")" }},
		way{"?: of numbers", func() string { return "(" + m.flag(depth-1, in) + " ? " + sub() + " : " + sub() + ")" }},
		way{statistic + " of a list", func() string { return arguments(m.list(depth-1, in)) }},
		way{statistic + " of a map", func() string { return arguments(m.dict(depth-1, in)) }},
		way{"size of a list", func() string { return "size(" + m.list(depth-1, in) + ")" }},
		way{"size of strings", func() string { return "size(" + m.words(depth-1, in) + ")" }},
		way{"size of a map", func() string { return "size(" + m.of("evaluate.holdout.slices", m.dict(depth-1, in)) + ")" }},
		way{"size of a string", func() string { return "size(" + m.text(depth-1, in) + ")" }},
		way{"abs", func() string { return "abs(" + sub() + ")" }},
		way{"index computed", func() string { return m.list(depth-1, in) + "[" + sub() + "]" }},
		way{"key computed", func() string { return m.dict(depth-1, in) + "[" + m.text(depth-1, in) + "]" }},
	)
}

// notALiteral is a number that is not written out, for what would be refused there.
func (m *maker) notALiteral(depth int, in locals) string {
	return "(" + m.number(depth-1, in) + " + 0.0)"
}

// group gives figures like those of a slice.
func (m *maker) group(depth int, in locals) string {
	if w, ok := m.local(in.groups); ok {
		return m.pick(w)
	}
	ways := []way{
		{"", func() string { return m.of("evaluate.holdout.slices.large", `evaluate.holdout.slices["small"]`) }},
		{"element of a list of groups", func() string { return "evaluate.holdout.runs[" + m.of("0", "1", "3") + "]" }},
	}
	if len(in.slices) > 0 {
		s := way{"map[variable].field", func() string { return "evaluate.holdout.slices[" + m.of(in.slices...) + "]" }}
		ways = append(ways, s, s, s)
	}
	if depth > 0 {
		ways = append(ways,
			way{"?: of groups", func() string {
				return "(" + m.flag(depth-1, in) + " ? " + m.group(depth-1, in) + " : " + m.group(depth-1, in) + ")"
			}},
			way{"element of a filtered list of groups", func() string { return m.runs(depth-1, in) + "[0]" }},
		)
	}
	return m.pick(ways...)
}

func (m *maker) runs(depth int, in locals) string {
	if depth <= 0 || m.r.IntN(2) == 0 {
		return "evaluate.holdout.runs"
	}
	return m.over("evaluate.holdout.runs", "filter", in, func(in *locals, v string) { in.groups = with(in.groups, v) }, func(in locals) string { return m.flag(depth-1, in) })
}

// over writes a macro.
func (m *maker) over(target, macro string, in locals, bind func(*locals, string), body func(locals) string) string {
	v := m.fresh()
	bind(&in, v)
	return target + "." + macro + "(" + v + ", " + body(in) + ")"
}

// domain is what a macro can go over.
type domain struct {
	name  string
	write func() string
	bind  func(*locals, string)
}

func (m *maker) domain(depth int, in locals) domain {
	all := []domain{
		{"a list", func() string { return m.list(depth-1, in) }, func(in *locals, v string) { in.numbers = with(in.numbers, v) }},
		{"strings", func() string { return m.words(depth-1, in) }, func(in *locals, v string) { in.texts = with(in.texts, v) }},
		{"a list of groups", func() string { return m.runs(depth-1, in) }, func(in *locals, v string) { in.groups = with(in.groups, v) }},
		{"a list of lists", func() string { return "evaluate.holdout.matrix" }, func(in *locals, v string) { in.lists = with(in.lists, v) }},
		{"a map of groups", func() string { return "evaluate.holdout.slices" }, func(in *locals, v string) { in.slices = with(in.slices, v) }},
		{"a map of numbers", func() string { return "monitor.live.columns" }, func(in *locals, v string) { in.columns = with(in.columns, v) }},
		{"a map of mixed groups", func() string { return "monitor.live.drift" }, func(in *locals, v string) { in.drifts = with(in.drifts, v) }},
	}
	return all[m.r.IntN(len(all))]
}

func (m *maker) list(depth int, in locals) string {
	if w, ok := m.local(in.lists); ok {
		return m.pick(w)
	}
	figures := way{"", func() string { return m.of("evaluate.holdout.folds", "evaluate.holdout.matrix[0]") }}
	if depth <= 0 {
		return m.pick(figures)
	}
	sub := func() string { return m.number(depth-1, in) }
	d := m.domain(depth, in)
	return m.pick(figures,
		way{"list", func() string { return "[" + sub() + ", " + sub() + "]" }},
		way{"filter", func() string {
			return m.over(m.list(depth-1, in), "filter", in, func(in *locals, v string) { in.numbers = with(in.numbers, v) }, func(in locals) string { return m.flag(depth-1, in) })
		}},
		way{"map over " + d.name, func() string {
			return m.over(d.write(), "map", in, d.bind, func(in locals) string { return m.number(depth-1, in) })
		}},
		way{"?: of lists", func() string {
			return "(" + m.flag(depth-1, in) + " ? " + m.list(depth-1, in) + " : " + m.list(depth-1, in) + ")"
		}},
	)
}

func (m *maker) dict(depth int, in locals) string {
	figures := way{"", func() string { return m.of("monitor.live.columns", "variable.limits") }}
	if depth <= 0 {
		return m.pick(figures)
	}
	return m.pick(figures, figures, way{"?: of maps", func() string {
		return "(" + m.flag(depth-1, in) + " ? " + m.dict(depth-1, in) + " : " + m.dict(depth-1, in) + ")"
	}})
}

func (m *maker) text(depth int, in locals) string {
	if w, ok := m.local(append(append(append(in.texts[:len(in.texts):len(in.texts)], in.slices...), in.columns...), in.drifts...)); ok {
		return m.pick(w)
	}
	ways := []way{
		{"string figure", func() string {
			return m.of("variable.region", "evaluate.holdout.note", `monitor.live.drift["a"].method`)
		}},
		{"string", func() string { return m.of(`"eu"`, `"a"`, `'small'`, `"""u"""`, `"é"`) }},
	}
	if depth > 0 {
		ways = append(ways, way{"?: of strings", func() string {
			return "(" + m.flag(depth-1, in) + " ? " + m.text(depth-1, in) + " : " + m.text(depth-1, in) + ")"
		}})
	}
	return m.pick(ways...)
}

func (m *maker) words(depth int, in locals) string {
	figures := way{"", func() string { return "variable.regions" }}
	if depth <= 0 {
		return m.pick(figures)
	}
	return m.pick(figures,
		way{"list of strings", func() string { return "[" + m.text(depth-1, in) + ", " + m.text(depth-1, in) + "]" }},
		way{"filter of keys", func() string {
			return m.over("evaluate.holdout.slices", "filter", in, func(in *locals, v string) { in.slices = with(in.slices, v) }, func(in locals) string { return m.flag(depth-1, in) })
		}},
		way{"map to strings", func() string {
			return m.over("monitor.live.columns", "map", in, func(in *locals, v string) { in.columns = with(in.columns, v) }, func(in locals) string { return m.text(depth-1, in) })
		}},
	)
}

func (m *maker) flag(depth int, in locals) string {
	sub := func() string { return m.flag(depth-1, in) }
	op, same := m.of("<", "<=", ">", ">=", "==", "!="), m.of("==", "!=")
	leaves := []way{
		{op, func() string { return m.number(depth-1, in) + " " + op + " " + m.number(depth-1, in) }},
		{"flag", func() string {
			return m.of("champion.exists", "champion.comparable", "true", "false", `monitor.live.drift["b"].drifted`)
		}},
		{"has", func() string {
			return "has(" + m.of("evaluate.holdout.metrics.auc", "evaluate.holdout.delta", "evaluate.holdout.delta.auc", "evaluate.holdout.delta.auc.low",
				"evaluate.holdout.slices.small.recall", "evaluate.holdout.folds", "monitor.live.columns.b", "variable.limits.zzz", "evaluate.holdout.note") + ")"
		}},
		{"has of a part", func() string { return "has(" + m.group(depth-1, in) + "." + m.of("auc", "recall") + ")" }},
		{"key in a map", func() string {
			return m.text(depth-1, in) + " in " + m.of("evaluate.holdout.slices", "monitor.live.drift", m.dict(depth-1, in))
		}},
	}
	if len(in.drifts) > 0 {
		leaves = append(leaves, way{"map[variable].field", func() string { return "monitor.live.drift[" + m.of(in.drifts...) + "].drifted" }})
	}
	if depth <= 0 {
		return m.pick(leaves...)
	}
	d, macro := m.domain(depth, in), m.of("all", "exists", "exists_one")
	unroll := way{macro + " over " + d.name, func() string {
		return m.over(d.write(), macro, in, d.bind, func(in locals) string { return m.flag(depth-1, in) })
	}}
	search := m.of("contains", "startsWith", "endsWith")
	return m.pick(append(leaves, leaves[0], leaves[0], leaves[0], leaves[0], unroll, unroll, unroll,
		way{"&&", func() string { return "(" + sub() + " && " + sub() + ")" }},
		way{"||", func() string { return "(" + sub() + " || " + sub() + ")" }},
		way{"!", func() string { return "!(" + sub() + ")" }},
		way{"?: of flags", func() string { return "(" + sub() + " ? " + sub() + " : " + sub() + ")" }},
		way{same + " of strings", func() string { return m.text(depth-1, in) + " " + same + " " + m.text(depth-1, in) }},
		way{same + " of flags", func() string { return "(" + sub() + ") " + same + " (" + sub() + ")" }},
		way{"number in a list", func() string { return m.number(depth-1, in) + " in " + m.list(depth-1, in) }},
		way{"string in strings", func() string { return m.text(depth-1, in) + " in " + m.words(depth-1, in) }},
		way{search, func() string { return m.text(depth-1, in) + "." + search + "(" + m.text(depth-1, in) + ")" }},
		way{"matches", func() string {
			return m.text(depth-1, in) + ".matches(" + m.of(`"^e"`, `r"\w+$"`, m.text(depth-1, in)) + ")"
		}},
	)...)
}

// rule is a new one; its shapes are in m.shapes.
func (m *maker) rule() string {
	m.vars = 0
	clear(m.shapes)
	return m.flag(1+m.r.IntN(4), locals{})
}

func (m *maker) hole() bool { return m.holes > 0 && m.r.IntN(m.holes) == 0 }

func (m *maker) double() any {
	if !m.plain && m.hole() {
		return []any{nil, math.NaN(), math.Inf(1), math.Inf(-1), "high"}[m.r.IntN(5)]
	}
	return float64(m.r.IntN(9)-2) / 4
}

func (m *maker) word() any {
	if !m.plain && m.hole() {
		return []any{nil, "(", 7.0}[m.r.IntN(3)]
	}
	return m.of("eu", "us", "a", "small", "")
}

func (m *maker) bool() any {
	if !m.plain && m.hole() {
		return nil
	}
	return m.r.IntN(2) == 0
}

// fields makes a group of which some fields may be left out.
func (m *maker) fields(of func() any, names ...string) map[string]any {
	g := map[string]any{}
	for _, n := range names {
		if !m.hole() {
			g[n] = of()
		}
	}
	return g
}

// keyed makes a map with keys that its type has. What goes over one meets those that are not there, which standard CEL
// knows nothing of.
func (m *maker) keyed(of func() any, names ...string) map[string]any {
	if !m.plain {
		return m.fields(of, names...)
	}
	g := map[string]any{}
	for _, n := range names {
		g[n] = of()
	}
	return g
}

func (m *maker) elements(of func() any, most int) []any {
	out := make([]any, 0, most)
	for range m.r.IntN(most + 1) {
		out = append(out, of())
	}
	return out
}

func (m *maker) slice() any { return m.fields(m.double, "count", "auc", "recall") }

// values are random. Lists and maps may be empty, and as many figures are of no use as m.holes says.
func (m *maker) values() map[string]any {
	holdout := m.fields(m.double, "rows")
	groups := map[string]func() any{
		"metrics": func() any { return m.fields(m.double, "auc", "recall") },
		"delta":   func() any { return m.fields(func() any { return m.fields(m.double, "value", "low") }, "auc") },
		"slices":  func() any { return m.keyed(m.slice, "large", "small") },
		"folds":   func() any { return m.elements(m.double, 3) },
		"matrix":  func() any { return []any{m.elements(m.double, 3), []any{m.double(), m.double()}} },
		"runs":    func() any { return m.elements(m.slice, 3) },
		"note":    m.word,
	}
	for _, name := range sortedKeys(groups) {
		if !m.hole() {
			holdout[name] = groups[name]()
		}
	}
	live := m.fields(func() any {
		return m.keyed(func() any {
			return map[string]any{"score": m.double(), "drifted": m.bool(), "method": m.word()}
		}, "a", "b")
	}, "drift")
	live["columns"] = m.fields(m.double, []string{"a", "b", "c d", "eu"}[:m.r.IntN(5)]...)
	return map[string]any{
		"evaluate": map[string]any{"holdout": holdout},
		"monitor":  map[string]any{"live": live},
		"champion": map[string]any{"exists": m.r.IntN(2) == 0, "comparable": m.bool()},
		"variable": map[string]any{"min_recall": m.double(), "region": m.word(), "regions": m.elements(m.word, 3), "limits": m.fields(m.double, "a", "eu")},
	}
}

// unknown picks paths of what is not known yet.
func (m *maker) unknown() []string {
	var out []string
	for _, p := range []string{"evaluate.holdout", "evaluate.holdout.metrics", "evaluate.holdout.metrics.auc", "evaluate.holdout.delta",
		"evaluate.holdout.delta.auc", "evaluate.holdout.delta.auc.low", "evaluate.holdout.delta.auc.value", "evaluate.holdout.slices", "evaluate.holdout.slices.large.auc", "evaluate.holdout.slices.small",
		"evaluate.holdout.folds", "evaluate.holdout.matrix", "evaluate.holdout.runs", "evaluate.holdout.note", "monitor", "monitor.live.columns",
		"monitor.live.columns.b", "monitor.live.drift.a", "monitor.live.drift.b.drifted", "champion.comparable", "variable.min_recall", "variable.region",
		"variable.regions", "variable.limits.eu"} {
		if m.r.IntN(6) == 0 {
			out = append(out, p)
		}
	}
	return out
}

// openMap has these keys, and others perhaps: a rule may ask for any.
func openMap(elem *schema.FigureType, keys ...string) *schema.FigureType {
	return &schema.FigureType{Kind: schema.MapFigure, Elem: elem, Keys: keys}
}
