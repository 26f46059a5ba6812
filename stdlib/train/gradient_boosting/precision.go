package gradient_boosting

import (
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// tellLosses warns of features, and of a target, whose values fall together as 32-bit floats, in which XGBoost's models
// compute: they hold seven digits.
func tellLosses(s *component.Stage, t *train.Training) {
	for i := range t.Signature.Features {
		if f := &t.Signature.Features[i]; !f.Text() {
			tellLoss(s, "feature", f.Name, "compare", t.Data.Columns[i])
		}
	}
	if t.Signature.Task == schema.Regression {
		tellLoss(s, "target", t.Signature.Target, "add up", t.Data.Target)
	}
}

// tellLoss warns where values that differ are the same as float32: numbers near each other and far from 0, as times in
// seconds.
func tellLoss(s *component.Stage, what, name, use string, values []float64) {
	if before, after := distinct(values); lost(before, after) {
		s.Warnf("%s %q has %d distinct values, and %d as 32-bit floats, in which trees %s: subtract what its values have in common, as in %s - %s",
			what, name, before, after, use, name, strconv.FormatFloat(least(values), 'f', -1, 64))
	}
}

// lost reports whether so many values fell together that trees can miss them: any where each value has a bin of its own, a
// tenth where there are more, none where as many are left as no table of bins can tell apart.
func lost(before, after int) bool {
	const bins, many = 255, 100_000
	return after < before && (before <= bins || after < many && after*10 < before*9)
}

// distinct counts the values there are, as they are and as 32-bit floats.
func distinct(values []float64) (before, after int) {
	sorted := make([]float64, 0, len(values))
	for _, x := range values {
		if x == x {
			sorted = append(sorted, x)
		}
	}
	slices.Sort(sorted)
	for i, x := range sorted {
		if i == 0 || x != sorted[i-1] {
			before++
		}
		if i == 0 || float32(x) != float32(sorted[i-1]) {
			after++
		}
	}
	return before, after
}

// least is the smallest value there is.
func least(values []float64) float64 {
	out := values[0]
	for _, x := range values {
		if out != out || x < out {
			out = x
		}
	}
	return out
}
