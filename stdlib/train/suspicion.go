package train

import (
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
)

// suspicious is the area under the curve above which a feature alone is warned of; with numbers as the target, the R² and
// the rank correlation above which it is. Measurements of the same thing at another time come as high as 0.98 there.
const (
	suspicious       = 0.98
	suspiciousNumber = 0.99
)

// suspicion says how well a feature by itself predicts the target, if that is too good to be true; else nothing.
func (t *Training) suspicion(feature int, column []float64) string {
	if t.Signature.Task != schema.Regression {
		if auc := t.alone(feature, column); auc > suspicious {
			return fmt.Sprintf("predicts the target with AUC %.4f", auc)
		}
		return ""
	}
	x, y := column, t.Data.Target
	if t.Signature.Features[feature].Categorical() {
		x, y = means(x, y, len(t.Signature.Features[feature].Levels))
	}
	if r2 := determination(x, y); r2 > suspiciousNumber {
		return fmt.Sprintf("predicts the target with R² %.4f", r2)
	}
	if t.samples.correlationIsBelow(suspiciousNumber, x, y) {
		return ""
	}
	if rank := rankCorrelation(x, y, new(ranker), new(ranker)); rank > suspiciousNumber {
		return fmt.Sprintf("orders the rows as the target does, with rank correlation %.4f", rank)
	}
	return ""
}

// means gives each category the mean of the target in one half of the rows, and returns it for the others beside their own
// target, lest a category of one row knows its own answer. Which rows are in which half has nothing to do with their order:
// a table may be sorted by its target.
func means(codes, target []float64, levels int) (score, judged []float64) {
	// The last place is that of missing categories.
	rows, total := make([]float64, levels+1), make([]float64, levels+1)
	for r, code := range codes {
		if learnt(r) {
			k := level(code, levels)
			rows[k]++
			total[k] += target[r]
		}
	}
	half := len(codes)/2 + len(codes)/32 + 8 // and somewhat more
	score, judged = make([]float64, 0, half), make([]float64, 0, half)
	for r, code := range codes {
		if learnt(r) {
			continue
		}
		mean := math.NaN()
		if k := level(code, levels); rows[k] > 0 {
			mean = total[k] / rows[k]
		}
		score, judged = append(score, mean), append(judged, target[r])
	}
	return score, judged
}

// learnt tells which half a row is in, by the highest bit of a product (Fibonacci hashing).
func learnt(row int) bool { return uint64(row)*0x9e3779b97f4a7c15>>63 == 0 }

// level is the index of a category; that of missing ones comes after all.
func level(code float64, levels int) int {
	if code != code {
		return levels
	}
	return int(code)
}

// determination is the share of the target's variance that the straight line through the feature's values explains, and
// their mean where the feature is missing.
func determination(x, y []float64) float64 {
	var known, missing moments
	for r := range x {
		if x[r] == x[r] {
			known.add(x[r], y[r])
		} else {
			missing.add(0, y[r])
		}
	}
	all := known.merged(&missing)
	left := known.yy + missing.yy
	if known.xx > 0 {
		left -= known.xy / known.xx * known.xy
	}
	if !(all.yy > 0) || known.n < 3 {
		return 0
	}
	return 1 - left/all.yy
}

// moments are sums of squares about the means, kept up row by row (B. Welford, 1962).
type moments struct{ n, x, y, xx, yy, xy float64 }

// add is Welford's update: one pass, and no loss where values are large and near each other.
func (m *moments) add(x, y float64) {
	m.n++
	dx, dy := x-m.x, y-m.y
	m.x += dx / m.n
	m.y += dy / m.n
	m.xx += dx * (x - m.x)
	m.yy += dy * (y - m.y)
	m.xy += dx * (y - m.y)
}

// merged has the rows of both; of the feature's sums it knows nothing.
func (m *moments) merged(o *moments) moments {
	n := m.n + o.n
	d := o.y - m.y
	return moments{n: n, yy: m.yy + o.yy + d*d*m.n*o.n/max(n, 1)}
}

// rankCorrelation is Spearman's, rising or falling, with missing values as the smallest or as the largest, whatever is best.
func rankCorrelation(x, y []float64, ofX, ofY *ranker) float64 {
	best := 0.0
	by := ofX.rank(x)
	ofY.ranks = ofY.rank(y).ranks(false, ofY.ranks)
	for _, missingLast := range []bool{false, true} {
		if missingLast && len(by.missing) == 0 {
			continue
		}
		var m moments
		ofX.ranks = by.ranks(missingLast, ofX.ranks)
		for r, rank := range ofX.ranks {
			m.add(rank, ofY.ranks[r])
		}
		if m.xx > 0 && m.yy > 0 {
			best = max(best, math.Abs(m.xy)/math.Sqrt(m.xx*m.yy))
		}
	}
	return best
}
