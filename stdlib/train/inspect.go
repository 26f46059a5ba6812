package train

import (
	"fmt"
	"math"
	"math/bits"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// inspect looks for features that are missing, constant, or too good to be true.
// Nothing of that stops training: an empty feature does no harm, and a perfect one may be honest.
func (l *loader) inspect(t *Training, before int, columns [][]float64) {
	// Each feature is in one list at most, the worst; all are told in three lines, however many there are.
	for i, column := range columns {
		name := t.Signature.Features[before+i].Name
		switch missing, same := survey(column); {
		case missing == len(column):
			l.empty = append(l.empty, name)
		case same:
			l.constant = append(l.constant, name)
		case missing > 0:
			l.gaps = append(l.gaps, name)
		}
		if t.texts[before+i] != nil { // places of texts say nothing of the target
			continue
		}
		if how := t.suspicion(before+i, column); how != "" {
			l.suspicious = append(l.suspicious, fmt.Sprintf("feature %q alone %s: does it know the answer?", name, how))
		}
	}
}

// tell warns of what inspect found.
func (l *loader) tell() {
	for _, warning := range l.suspicious {
		l.config.warnf(l.stage, "%s", warning)
	}
	l.warnOf(l.empty, "missing in every row")
	l.warnOf(l.constant, "the same in every row")
	l.warnOf(l.gaps, "missing in some rows")
}

// warnOf warns of features, in the order of the block, unless there are none.
func (l *loader) warnOf(names []string, what string) {
	if len(names) > 0 {
		l.config.warnf(l.stage, "features that are %s: %s", what, strings.Join(names, ", "))
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

// alone is how well a feature by itself predicts the target, if that is better than suspicious: the area under the curve, missing values
// taken as smallest or as largest, rising or falling, whatever is best. With several classes it is the worst class's. 0: no better.
func (t *Training) alone(feature int, column []float64) float64 {
	worst := 1.0
	f, score := t.Signature.Features[feature], column
	var by *ranking // of the score, once it is needed
	for class := range t.Signature.Classes {
		if t.Signature.Task == schema.Binary && class == 0 {
			continue
		}
		positive := t.rowsOf(class)
		if f.Categorical() { // a category's score is its share of this class
			score, positive = means(column, positive, len(f.Levels))
			by = nil
		}
		if t.samples.areaIsBelow(suspicious, score, positive) {
			return 0
		}
		if by == nil {
			by = rank(score)
		}
		if worst = min(worst, by.bestArea(positive)); worst <= suspicious {
			return 0
		}
	}
	return worst
}

// rowsOf has 1 for each row of a class, else 0. That of the class asked for last is kept: features are looked at one after the other, and
// most of them against one class.
func (t *Training) rowsOf(class int) []float64 {
	if t.of.rows == nil || t.of.class != class {
		t.of.class, t.of.rows = class, make([]float64, len(t.Data.Target))
		for r, y := range t.Data.Target {
			if int(y) == class {
				t.of.rows[r] = 1
			}
		}
	}
	return t.of.rows
}

// sampled is from how many rows on a sample is looked at first: the rows of a large table are ordered only for features that are near
// the limit in it.
const sampled = 1 << 16

// sampler is memory for samples and their rankings, one after the other. The zero value is ready.
type sampler struct {
	x, y     []float64
	ofX, ofY ranker
}

// sample returns some 32,000 to 64,000 rows of two columns, which last until the next ones. Which ones has nothing to do with their order, as in
// means.
func (s *sampler) sample(x, y []float64) (sx, sy []float64) {
	shift := 64 - (bits.Len(uint(len(x))) - 16)
	s.x, s.y = s.x[:0], s.y[:0]
	for r := range x {
		if uint64(r)*0x9e3779b97f4a7c15>>shift == 0 {
			s.x, s.y = append(s.x, x[r]), append(s.y, y[r])
		}
	}
	return s.x, s.y
}

// areaIsBelow reports whether a sample shows that the best area of all rows is surely not above a limit: it is lower there by six times
// the standard error, which is at most sqrt(A(1-A)/m) of an area A where the rarer class has m rows (Z. Birnbaum and O. Klose, 1957).
func (s *sampler) areaIsBelow(limit float64, score, positive []float64) bool {
	if len(score) < sampled {
		return false
	}
	some, is := s.sample(score, positive)
	positives := 0.0
	for _, p := range is {
		positives += p
	}
	rarer := min(positives, float64(len(is))-positives)
	return rarer > 0 && s.ofX.rank(some).bestArea(is) < limit-6*math.Sqrt(limit*(1-limit)/rarer)
}

// correlationIsBelow reports whether a sample shows that the rank correlation of all rows is not above a limit near 1. Its standard error there
// is (1-0.99²)/sqrt(32,000), or 0.0001.
func (s *sampler) correlationIsBelow(limit float64, x, y []float64) bool {
	if len(x) < sampled {
		return false
	}
	some, target := s.sample(x, y)
	return rankCorrelation(some, target, &s.ofX, &s.ofY) < limit-0.005
}
