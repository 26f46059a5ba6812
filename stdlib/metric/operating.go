package metric

// Operating is what a threshold comes to: the weight of the rows with at least that score, of the class and of the rest. With the scores
// 0.9 and 0.5 of rows of the class, and 0.5 of another, the threshold 0.5 has 2 and 1.
type Operating struct {
	Threshold      float64
	True, False    float64
	Missed, Passed float64 // the weight of the rows below: of the class, and of the rest
}

// Thresholds are those that the distinct scores of a class make, a point each. They are computed as they are gone through: of millions of rows
// a list of them takes more memory than the rows. Rows of weight 0 make none.
type Thresholds struct {
	sample *Sample
	curve  curve
	score  []float64
	total  [2]float64 // weight of the rest, and of the class
}

// Thresholds of a class; nil where the sample has no scores.
func (s *Sample) Thresholds(class int) *Thresholds {
	t := &Thresholds{sample: s}
	switch {
	case s.Scores != nil:
		t.curve, t.score = s.curves[class](), s.Scores[class]
	case s.Score == nil:
		return nil
	default:
		t.curve, t.score = s.curve(), s.Score
	}
	for _, p := range t.curve {
		t.total[p&isOfClass] += s.weights[p.row()]
	}
	return t
}

// Of are the weights of all rows of the class, and of the rest.
func (t *Thresholds) Of() (class, rest float64) { return t.total[1], t.total[0] }

// walk is a place on a curve: the weight of the rows before it, and whether any of the last score has one.
type walk struct {
	above [2]float64
	moved bool
}

// along goes on from a place over the points from to to, and calls f with each threshold.
func (t *Thresholds) along(w walk, from, to int, f func(Operating)) walk {
	for _, p := range t.curve[from:to] {
		weight := t.sample.weights[p.row()]
		w.above[p&isOfClass] += weight
		w.moved = w.moved || weight > 0
		if p&isLast != 0 && w.moved {
			f(Operating{t.score[p.row()], w.above[1], w.above[0], max(t.total[1]-w.above[1], 0), max(t.total[0]-w.above[0], 0)})
			w.moved = false
		}
	}
	return w
}

// Descending calls f with each threshold, from the highest score to the lowest.
func (t *Thresholds) Descending(f func(Operating)) { t.along(walk{}, 0, len(t.curve), f) }

// stretch is how many points Ascending has at a time.
const stretch = 1 << 14

// Ascending calls f with the same from the lowest score to the highest. Weights are summed up from the highest on all the same, a stretch of the
// curve at a time, since a sum that is taken back is not the one that was.
func (t *Thresholds) Ascending(f func(Operating)) {
	var starts []walk
	at := walk{}
	for from := 0; from < len(t.curve); from += stretch {
		starts = append(starts, at)
		at = t.along(at, from, min(from+stretch, len(t.curve)), func(Operating) {})
	}
	var some []Operating
	for i := len(starts) - 1; i >= 0; i-- {
		some = some[:0]
		t.along(starts[i], i*stretch, min((i+1)*stretch, len(t.curve)), func(o Operating) { some = append(some, o) })
		for k := len(some) - 1; k >= 0; k-- {
			f(some[k])
		}
	}
}
