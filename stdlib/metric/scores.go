package metric

import (
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
)

// epsilon is the spacing of float64 at 1, which scikit-learn clips by.
const epsilon = 2.220446049250313e-16

// rocAUC is the area under the ROC curve of the positive class, undefined where all rows are of one class.
func rocAUC(_ *Metric, s *Sample, w []float64) (float64, string) {
	return s.curve().auc(w)
}

// auc is the area under the ROC curve of one class against the rest: the weighted share of pairs that are in order,
// ties counting half (Mann and Whitney's U). The scores 0.9 of a positive, 0.5 of a negative and 0.5 of a positive row make two
// pairs of a positive and a negative one, of which one is in order and one is tied: the area is 0.75.
func (c curve) auc(w []float64) (float64, string) {
	var pos, neg, area float64
	var tied [2]float64 // weight of the rows with one score: of the rest, and of the class
	for _, p := range c {
		tied[p&isOfClass] += w[p>>rowShift]
		if p&isLast != 0 {
			area += float64(tied[0] * (pos + float64(tied[1]/2)))
			pos, neg = pos+tied[1], neg+tied[0]
			tied = [2]float64{}
		}
	}
	if pos == 0 || neg == 0 {
		return 0, "the actual values are all of one class"
	}
	return area / (pos * neg), ""
}

// rocAUCOvR averages the AUC of each class against the rest; macro is the default.
func rocAUCOvR(m *Metric, s *Sample, w []float64) (float64, string) {
	if s.Task == schema.Binary {
		return rocAUC(m, s, w)
	}
	var total, weights float64
	for c, curve := range s.curves {
		x, undefined := curve().auc(w)
		if undefined != "" {
			return 0, "no row is of " + name(s.Names, c) + ", or all are"
		}
		weight := 1.0
		if m.Average == "weighted" {
			weight = s.weightOf(c, w)
		}
		total, weights = total+float64(x*weight), weights+weight
	}
	return total / weights, ""
}

// weightOf is the weight of all rows of a class.
func (s *Sample) weightOf(class int, w []float64) float64 {
	var of [2]float64 // weight of other classes, and of this one
	for i, a := range s.Actual {
		k := 0
		if int(a) == class {
			k = 1
		}
		of[k] += w[i]
	}
	return of[1]
}

// averagePrecision is the sum of precision times the step in recall, over the distinct scores from the top.
func averagePrecision(_ *Metric, s *Sample, w []float64) (float64, string) {
	positives := s.weightOf(1, w)
	if positives == 0 {
		return 0, "no row is positive"
	}
	var all, before, total float64
	var counted [2]float64 // weight so far: of negatives, and of positives
	for _, p := range s.curve() {
		all += w[p>>rowShift]
		counted[p&isOfClass] += w[p>>rowShift]
		if tp := counted[isOfClass]; p&isLast != 0 && all > 0 {
			total += float64((tp - before) / positives * (tp / all))
			before = tp
		}
	}
	return total, ""
}

// logLoss clips probabilities to [epsilon, 1-epsilon] and then makes them sum to 1, as scikit-learn 1.2 does.
func logLoss(_ *Metric, s *Sample, w []float64) (float64, string) {
	var total, weights float64
	for i, loss := range s.losses() {
		total += float64(w[i] * loss)
		weights += w[i]
	}
	return total / weights, ""
}

// rowLosses are the log losses of all rows; 0 where there are no scores of the actual class, which no row with a weight is of.
func (s *Sample) rowLosses() []float64 {
	out := make([]float64, s.rows)
	for i, a := range s.Actual {
		if s.Task == schema.Binary || int(a) < len(s.Scores) {
			out[i] = -s.logLikelihood(i)
		}
	}
	return out
}

// logLikelihood is of the actual class of a row, with probabilities clipped away from 0 and 1 and, of several classes, made
// to sum up to 1 again; as scikit-learn's log_loss.
func (s *Sample) logLikelihood(i int) float64 {
	if s.Task == schema.Binary {
		p := clip(s.Score[i])
		if s.Actual[i] == 0 {
			p = 1 - p
		}
		return math.Log(p)
	}
	var all float64
	for c := range s.Scores {
		all += clip(s.Scores[c][i])
	}
	return math.Log(clip(s.score(int(s.Actual[i]), i)) / all)
}

// clip keeps a probability from 0 and 1, whose logarithm or that of its complement is infinite.
func clip(p float64) float64 { return min(max(p, epsilon), 1-epsilon) }

// logLossRatio is the log loss as a mean over rows, for its interval.
func logLossRatio(s *Sample) ratio {
	losses := s.losses()
	return ratio{num: func(i int) float64 { return losses[i] }}
}

// brierScore is the mean squared difference of the score from 0 or 1 (Brier 1950).
func brierScore(_ *Metric, s *Sample, w []float64) (float64, string) {
	var total, weights float64
	for i, wi := range w {
		d := s.Score[i] - s.Actual[i]
		total += float64(wi * float64(d*d))
		weights += wi
	}
	return total / weights, ""
}

// brierRatio is the mean of (score - actual)².
func brierRatio(s *Sample) ratio {
	return ratio{num: func(i int) float64 {
		d := s.Score[i] - s.Actual[i]
		return d * d
	}}
}

// mean is the weighted mean of a function of the row.
func (s *Sample) mean(w []float64, f func(i int) float64) float64 {
	var total, weights float64
	for i, wi := range w {
		if wi != 0 {
			total += float64(wi * f(i))
			weights += wi
		}
	}
	return total / weights
}
