package gradient_boosting

import (
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/radix"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/gradient_boosting/histogram"
)

// tellLosses warns of features, and of a target, whose values fall together as 32-bit floats, in which XGBoost's models
// compute: they hold seven digits.
func tellLosses(s *component.Stage, t *train.Training, b *histogram.Binned) {
	for i := range t.Signature.Features {
		if f := &t.Signature.Features[i]; !f.Text() {
			tellLoss(s, "feature", f.Name, "compare", t.Data.Columns[i], b.Distinct(i))
		}
	}
	if t.Signature.Task == schema.Regression {
		tellLoss(s, "target", t.Signature.Target, "add up", t.Data.Target, distinct32(t.Data.Target))
	}
}

// tellLoss warns where values that differ are the same as float32, of which there are so many: numbers near each other and far
// from 0, as times in seconds.
func tellLoss(s *component.Stage, what, name, use string, values []float64, after int) {
	if after >= many {
		return
	}
	if before := distinct(values); lost(before, after) {
		s.Warnf("%s %q has %d distinct values, and %d as 32-bit floats, in which trees %s: subtract what its values have in common, as in %s - %s",
			what, name, before, after, use, name, strconv.FormatFloat(least(values), 'f', -1, 64))
	}
}

// many values are more than any table of bins can tell apart.
const many = 100_000

// lost reports whether so many values fell together that trees can miss them: any where each value has a bin of its own, a
// tenth where there are more, none where as many are left as no table of bins can tell apart.
func lost(before, after int) bool {
	const bins = 255
	return after < before && (before <= bins || after < many && after*10 < before*9)
}

// distinct counts the values there are.
func distinct(values []float64) int {
	keys := make([]uint64, 0, len(values))
	for _, x := range values {
		if x == x {
			keys = append(keys, radix.Key(x))
		}
	}
	keys, _ = radix.Sort(keys, nil)
	return len(slices.Compact(keys))
}

// distinct32 counts the values there are as 32-bit floats.
func distinct32(values []float64) int { return len(slices.Compact(new(radix.Buffer).Keys32(values))) }

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
