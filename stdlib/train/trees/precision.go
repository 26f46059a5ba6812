package trees

import (
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/radix"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// loss is a feature, or a target, whose values fall together as 32-bit floats, in which XGBoost's models compute: they hold seven digits. Such are
// numbers near each other and far from 0, as times in seconds.
type loss struct {
	name          string
	before, after int // how many values there are
	least         float64
}

// findLosses looks at features that were binned.
func (b *Binning) findLosses(t *train.Training, before int, columns [][]float64) {
	for i, values := range columns {
		if f := &t.Inputs()[before+i]; !f.Text() {
			b.losses = append(b.losses, losses(f.Name, values, b.Data.Distinct(before+i))...)
		}
	}
}

// losses is the loss of a column of which there are so many values as float32, if it has one.
func losses(name string, values []float64, after int) []loss {
	if after >= many || exact(values) {
		return nil
	}
	if before := distinct(values); lost(before, after) {
		return []loss{{name, before, after, least(values)}}
	}
	return nil
}

// TellLosses warns of the losses of features and of the target.
func (b *Binning) TellLosses(s *component.Stage, t *train.Training) {
	tell := func(what, use string, losses []loss) {
		for _, l := range losses {
			s.Warnf("%s %q has %d distinct values, and %d as 32-bit floats, in which trees %s: subtract what its values have in common, as in %s - %s",
				what, l.name, l.before, l.after, use, l.name, strconv.FormatFloat(l.least, 'f', -1, 64))
		}
	}
	tell("feature", "compare", b.losses)
	if t.Signature.Task == schema.Regression {
		tell("target", "add up", losses(t.Signature.Target, t.Data.Target, distinct32(t.Data.Target)))
	}
}

// exact reports whether no value changes as a 32-bit float, so that none fall together.
func exact(values []float64) bool {
	for _, x := range values {
		if float64(float32(x)) != x && x == x {
			return false
		}
	}
	return true
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
