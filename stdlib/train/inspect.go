package train

import (
	"math"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// inspect warns of features that are missing, constant, or too good to be true.
func (l *loader) inspect(t *Training) error {
	var gaps, empty, constant []string
	for i, f := range t.Signature.Features {
		column := t.Data.Columns[i]
		switch missing, same := survey(column); {
		case missing == len(column):
			empty = append(empty, f.Name)
		case same:
			constant = append(constant, f.Name)
		case missing > 0:
			gaps = append(gaps, f.Name)
		}
		if how := t.suspicion(i); how != "" {
			l.stage.Warnf("feature %q alone %s: does it know the answer?", f.Name, how)
		}
	}
	l.warnOf(empty, "missing in every row")
	l.warnOf(constant, "the same in every row")
	l.warnOf(gaps, "missing in some rows")
	return nil
}

func (l *loader) warnOf(names []string, what string) {
	if len(names) > 0 {
		l.stage.Warnf("features that are %s: %s", what, strings.Join(names, ", "))
	}
}

// survey counts missing values, and tells whether all are the same.
func survey(column []float64) (missing int, same bool) {
	first := math.NaN()
	same = true
	for _, x := range column {
		switch {
		case x != x:
			missing++
		case first != first:
			first = x
		case x != first:
			same = false
		}
	}
	return missing, same && missing == 0
}

// alone is how well a feature by itself predicts the target: the area under the curve, missing values taken as
// smallest or as largest, rising or falling, whatever is best. With several classes it is the worst class's.
func (t *Training) alone(feature int) float64 {
	worst := 1.0
	for class := range t.Signature.Classes {
		if t.Signature.Task == schema.Binary && class == 0 {
			continue
		}
		x, positive := t.Data.Columns[feature], make([]float64, len(t.Data.Target))
		for r, y := range t.Data.Target {
			if int(y) == class {
				positive[r] = 1
			}
		}
		if t.Signature.Features[feature].Text() {
			x, positive = means(x, positive, len(t.Signature.Features[feature].Levels))
		}
		worst = min(worst, bestArea(x, positive))
	}
	return worst
}

func bestArea(score, positive []float64) float64 {
	best := 0.0
	for _, missing := range []float64{math.Inf(-1), math.Inf(1)} {
		a := area(score, positive, missing)
		best = max(best, a, 1-a)
	}
	return best
}

// area under the receiver operating characteristic: the share of pairs in the right order, ties counted half. 0.5
// without positives or negatives.
func area(score, positive []float64, missing float64) float64 {
	var total, positives float64
	for r, rank := range ranks(score, missing) {
		total += float64(rank * positive[r])
		positives += positive[r]
	}
	negatives := float64(len(score)) - positives
	if positives == 0 || negatives == 0 {
		return 0.5
	}
	return (total - float64(positives*(positives+1)/2)) / (positives * negatives)
}
