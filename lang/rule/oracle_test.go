package rule

import (
	"math"
	"regexp"
	"sort"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// numbersIn reads a list, or the values of a map.
func numbersIn(v ref.Val) []float64 {
	var out []float64
	m, isMap := v.(traits.Mapper)
	for it := v.(traits.Iterable).Iterator(); it.HasNext() == types.True; {
		x := it.Next()
		if isMap {
			x = m.Get(x)
		}
		out = append(out, float64(x.(types.Double)))
	}
	return out
}

// textbook are the functions that cel-go does not have, written as textbooks define them.
var textbook = map[string]func(xs []float64) float64{
	"min": func(xs []float64) float64 { sort.Float64s(xs); return xs[0] },
	"max": func(xs []float64) float64 { sort.Float64s(xs); return xs[len(xs)-1] },
	"sum": func(xs []float64) (s float64) {
		for _, x := range xs {
			s += x
		}
		return s
	},
	"mean": func(xs []float64) (s float64) {
		for _, x := range xs {
			s += x
		}
		return s / float64(len(xs))
	},
	"quantile0":    func(xs []float64) float64 { sort.Float64s(xs); return xs[0] },
	"quantile0.25": func(xs []float64) float64 { return type7(xs, 0.25) },
	"quantile0.5":  func(xs []float64) float64 { return type7(xs, 0.5) },
	"quantile1":    func(xs []float64) float64 { sort.Float64s(xs); return xs[len(xs)-1] },
}

// type7 is Hyndman and Fan's formula, with ranks from 1: h = (n-1)q + 1.
func type7(xs []float64, q float64) float64 {
	sort.Float64s(xs)
	h := float64(len(xs)-1)*q + 1
	low := int(math.Floor(h))
	high := min(low+1, len(xs))
	return (1-(h-float64(low)))*xs[low-1] + (h-float64(low))*xs[high-1]
}

// standard is cel-go's own environment and evaluator.
func standard(t *testing.T) *cel.Env {
	t.Helper()
	options := []cel.EnvOption{cel.Variable("evaluate", cel.DynType), cel.Variable("monitor", cel.DynType),
		cel.Variable("champion", cel.DynType), cel.Variable("variable", cel.DynType),
		cel.Function("abs", cel.Overload("abs_dyn", []*cel.Type{cel.DynType}, cel.DoubleType,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Double(math.Abs(float64(v.(types.Double)))) }))),
		cel.Function("count", cel.Overload("count_dyn", []*cel.Type{cel.DynType}, cel.DoubleType,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Double(v.(traits.Sizer).Size().(types.Int)) }))),
		cel.Function("quantile", cel.Overload("quantile_dyn", []*cel.Type{cel.DynType, cel.DynType}, cel.DoubleType,
			cel.BinaryBinding(func(v, q ref.Val) ref.Val {
				share, ok := q.ConvertToType(types.DoubleType).(types.Double)
				xs := numbersIn(v)
				if !ok || share < 0 || share > 1 || len(xs) == 0 {
					return types.NewErr("no quantile")
				}
				return types.Double(type7(xs, float64(share)))
			}))),
	}
	for _, name := range []string{"min", "max", "sum", "mean"} {
		options = append(options, cel.Function(name, cel.Overload(name+"_dyn", []*cel.Type{cel.DynType}, cel.DoubleType,
			cel.UnaryBinding(func(v ref.Val) ref.Val {
				xs := numbersIn(v)
				if len(xs) == 0 {
					return types.NewErr("nothing to take the %s of", name)
				}
				return types.Double(textbook[name](xs))
			}))))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// sizes are integers in cel-go.
var sizes = regexp.MustCompile(`\bsize\(`)

// lazy are the shapes whose parts are looked at here only if they decide, while standard CEL wants them all; and has(),
// for which standard CEL wants the group to be there.
var lazy = regexp.MustCompile(`^(list|map) |^list$| in |^has`)

// infinite is what a rule is an error for that standard CEL computes with.
var infinite = regexp.MustCompile(`is ([+-]Inf|NaN)$`)

// TestAgreesWithCEL: where everything is known, cel-go decides the same, and what is missing is an error to it as well.
func TestAgreesWithCEL(t *testing.T) {
	t.Parallel()
	ours, theirs := wideEnv(t), standard(t)
	m := newMaker(3)
	m.plain = true
	shapes, errors := map[string]int{}, 0
	for i := range 4000 {
		m.holes = []int{0, 8}[i%2]
		rule, values := m.rule(), m.values()
		got := compile(t, ours, rule).Decide(Values{Known: values})
		checked, issues := theirs.Compile(sizes.ReplaceAllString(rule, "count("))
		if issues.Err() != nil {
			continue // without types, cel-go guesses them and sometimes wrongly
		}
		program, err := theirs.Program(checked)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := program.Eval(values)
		want := Error
		switch {
		case err == nil && out.Value() == true:
			want = Pass
		case err == nil:
			want = Fail
		case anyShape(m.shapes, lazy):
			continue
		}
		if infinite.MatchString(got.Reason) {
			continue
		}
		if got.Verdict != want {
			t.Fatalf("case %d: %s of %v: got %+v, want %s (%v)", i, rule, values, got, want, err)
		}
		if want == Error {
			errors++
		}
		for shape := range m.shapes {
			shapes[shape]++
		}
	}
	if t.Logf("%d errors", errors); errors < 300 {
		t.Errorf("only %d of the rules are errors: the test shows little", errors)
	}
	for _, shape := range sortedKeys(shapes) {
		if t.Logf("%5d rules with %s", shapes[shape], shape); shapes[shape] < 5 {
			t.Errorf("only %d rules have the shape %q: the test shows little", shapes[shape], shape)
		}
	}
}

func anyShape(shapes map[string]bool, is *regexp.Regexp) bool {
	for shape := range shapes {
		if is.MatchString(shape) {
			return true
		}
	}
	return false
}
