package runs

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// spread of one value and more. The deviation is that of a sample, since instances stand for others that might have been:
// sqrt(sum((x - mean)^2) / (n - 1)). Over all values again rather than in one pass, whose sums of squares lose what is small.
func spread(values []float64) Spread {
	s := Spread{Count: len(values), Least: values[0], Most: values[0]}
	for _, x := range values {
		s.Mean += x / float64(len(values))
		s.Least, s.Most = min(s.Least, x), max(s.Most, x)
	}
	for _, x := range values {
		s.Deviation += (x - s.Mean) * (x - s.Mean)
	}
	if len(values) > 1 {
		s.Deviation = math.Sqrt(s.Deviation / float64(len(values)-1))
	}
	return s
}

// Left is a run that a condition could not be decided of, and why, in the words of package rule.
type Left struct {
	Run *Run
	Why string
}

// Where keeps the runs for which a condition holds, in their order. Names in it are figures and numeric parameters; one that no run has
// is a mistake, told with what is near. With mistakes nothing is kept.
//
// A condition is decided by what is known (rule.Decide), so a run without auc is kept by `rows > 100.0 || auc > 0.9` where it has
// more than 100 rows, and left where it has fewer.
func Where(all []*Run, condition string) (kept []*Run, left []Left, mistakes source.Diagnostics) {
	// What any run has may be named; a run that lacks it is undecided, and not a mistake of whoever wrote the condition.
	known := map[string]any{}
	for _, r := range all {
		merge(known, values(r))
	}
	env, err := rule.NewEnv(typeOf(known))
	if err != nil {
		return nil, nil, source.Diagnostics{{Summary: "The condition cannot be read: " + err.Error()}}
	}
	of, mistakes := env.Compile(textOf(condition))
	if mistakes.HasErrors() {
		return nil, nil, mistakes
	}
	for _, r := range all {
		switch d := of.Decide(rule.Values{Known: values(r), Undefined: undefined(r)}); d.Verdict {
		case rule.Pass:
			kept = append(kept, r)
		case rule.Error, rule.Open:
			left = append(left, Left{r, d.Reason})
		}
	}
	return kept, left, nil
}

// textOf is a condition as a text of its own, a file called --where, so that a mistake is told at its place in it.
func textOf(condition string) source.Text {
	lines := []source.Piece{{Start: source.Pos{Line: 1, Column: 1}}}
	for i, c := range condition {
		if c == '\n' {
			lines = append(lines, source.Piece{Offset: i + 1, Start: source.Pos{Line: len(lines) + 1, Column: 1, Byte: i + 1}})
		}
	}
	whole := source.NewText(condition, source.Range{File: "--where"}, lines)
	return source.NewText(condition, whole.Sub(0, len(condition)), lines)
}

// values are the figures and numeric parameters of a run as an object: {"auc": 0.91, "model": {"params": {"trees": 50}}}. A figure comes
// before a parameter of its name. Texts are left out: conditions are over numbers.
func values(r *Run) map[string]any {
	out := map[string]any{}
	for path, v := range r.Parameters {
		var x float64
		if json.Unmarshal(v, &x) == nil && string(v) != "null" {
			put(out, strings.Split(path, "."), x)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) { // "mean" before "mean.mae"
		path := strings.Split(name, ".")
		if _, grouped := out[path[0]].(map[string]any); !grouped || len(path) == 1 {
			delete(out, path[0]) // a parameter of that name: figures are what people ask for
		}
		if f := r.Figures[name]; f.Value != nil {
			put(out, path, *f.Value)
		}
	}
	return out
}

// undefined is why figures have no value.
func undefined(r *Run) map[string]string {
	out := map[string]string{}
	for name, f := range r.Figures {
		if f.Value == nil {
			out[name] = f.Why
		}
	}
	return out
}

// put sets a value below objects, which it makes; what stands in the way already stays. Of the parameters "rate" and "rate.decay"
// so one is named and the other is not, whichever comes first.
func put(into map[string]any, path []string, x float64) {
	for _, p := range path[:len(path)-1] {
		next, ok := into[p].(map[string]any)
		if !ok {
			if into[p] != nil {
				return
			}
			next = map[string]any{}
			into[p] = next
		}
		into = next
	}
	if last := path[len(path)-1]; into[last] == nil {
		into[last] = x
	}
}

// merge adds what one object has to another. What is there already stays, and objects are copied, so that no run's own values are
// changed by those of the next.
func merge(into, from map[string]any) {
	for name, v := range from {
		inner, isObject := v.(map[string]any)
		there, both := into[name].(map[string]any)
		switch {
		case isObject && both:
			merge(there, inner)
		case into[name] != nil:
		case isObject:
			copied := map[string]any{}
			merge(copied, inner)
			into[name] = copied
		default:
			into[name] = v
		}
	}
}

// typeOf is the type of an object of numbers and objects, as conditions see it.
func typeOf(v map[string]any) *schema.FigureType {
	fields := map[string]*schema.FigureType{}
	for name, x := range v {
		if inner, ok := x.(map[string]any); ok {
			fields[name] = typeOf(inner)
		} else {
			fields[name] = schema.Double
		}
	}
	return schema.Object(fields)
}
