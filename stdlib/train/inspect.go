package train

import (
	"math"
	"sort"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// suspicious is the area under the curve above which a feature alone is warned of.
const suspicious = 0.98

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
		if auc := t.alone(i); auc > suspicious {
			l.stage.Warnf("feature %q alone predicts the target with AUC %.4f: does it know the answer?", f.Name, auc)
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
// smallest or as largest, rising or falling, whatever is best. With several classes it is the worst class's; 0 in
// regression.
func (t *Training) alone(feature int) float64 {
	if t.Signature.Task == schema.Regression {
		return 0
	}
	score, from := t.Data.Columns[feature], 0
	worst := 1.0
	for class := range t.Signature.Classes {
		if t.Signature.Task == schema.Binary && class == 0 {
			continue
		}
		positive := make([]bool, len(t.Data.Target))
		for r, y := range t.Data.Target {
			positive[r] = int(y) == class
		}
		x := score
		if t.Signature.Features[feature].Text() {
			x, from = shares(score, positive, len(t.Signature.Features[feature].Levels))
		}
		worst = min(worst, bestArea(x[from:], positive[from:]))
	}
	return worst
}

// shares gives each category the share of positives in the first half of the rows that have it. What is returned is
// to be judged on the rows from the second half on, lest a category of one row knows its own answer.
func shares(codes []float64, positive []bool, levels int) (score []float64, from int) {
	from = len(codes) / 2
	rows, hits := make([]float64, levels+1), make([]float64, levels+1)
	level := func(r int) int {
		if codes[r] != codes[r] {
			return levels
		}
		return int(codes[r])
	}
	for r := range from {
		rows[level(r)]++
		if positive[r] {
			hits[level(r)]++
		}
	}
	score = make([]float64, len(codes))
	for r := from; r < len(codes); r++ {
		score[r] = math.NaN()
		if k := level(r); rows[k] > 0 {
			score[r] = hits[k] / rows[k]
		}
	}
	return score, from
}

func bestArea(score []float64, positive []bool) float64 {
	best := 0.0
	for _, missing := range []float64{math.Inf(-1), math.Inf(1)} {
		a := area(score, positive, missing)
		best = max(best, a, 1-a)
	}
	return best
}

// area under the receiver operating characteristic: the share of pairs in the right order, ties counted half. 0.5
// without positives or negatives.
func area(score []float64, positive []bool, missing float64) float64 {
	type row struct {
		score    float64
		positive bool
	}
	rows := make([]row, len(score))
	for r, x := range score {
		if x != x {
			x = missing
		}
		rows[r] = row{x, positive[r]}
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].score < rows[j].score })
	var ranks, positives float64
	for start := 0; start < len(rows); {
		end := start
		for end < len(rows) && rows[end].score == rows[start].score {
			end++
		}
		for _, r := range rows[start:end] {
			if r.positive {
				ranks += float64(float64(start+end+1) / 2)
				positives++
			}
		}
		start = end
	}
	negatives := float64(len(rows)) - positives
	if positives == 0 || negatives == 0 {
		return 0.5
	}
	return (ranks - float64(positives*(positives+1)/2)) / (positives * negatives)
}
