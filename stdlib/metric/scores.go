package metric

import (
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
)

// epsilon is the spacing of float64 at 1, which scikit-learn clips by.
const epsilon = 2.220446049250313e-16

func rocAUC(_ *Metric, s *Sample, w []float64) (float64, string) {
	return s.auc(s.order, s.Score, 1, w)
}

// auc is the area under the ROC curve of one class against the rest: the weighted share of pairs that are in order,
// ties counting half (Mann and Whitney's U).
func (s *Sample) auc(order []int, score []float64, class float64, w []float64) (float64, string) {
	var pos, neg, area, groupPos, groupNeg float64
	flush := func() {
		area += float64(groupNeg * (pos + float64(groupPos/2)))
		pos, neg = pos+groupPos, neg+groupNeg
		groupPos, groupNeg = 0, 0
	}
	for k, i := range order {
		if k > 0 && score[i] != score[order[k-1]] {
			flush()
		}
		if s.Actual[i] == class {
			groupPos += w[i]
		} else {
			groupNeg += w[i]
		}
	}
	flush()
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
	for c := range s.Scores {
		x, undefined := s.auc(s.orders[c], s.Scores[c], float64(c), w)
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

func (s *Sample) weightOf(class int, w []float64) float64 {
	var t float64
	for i, a := range s.Actual {
		if int(a) == class {
			t += w[i]
		}
	}
	return t
}

// averagePrecision is the sum of precision times the step in recall, over the distinct scores from the top.
func averagePrecision(_ *Metric, s *Sample, w []float64) (float64, string) {
	positives := s.weightOf(1, w)
	if positives == 0 {
		return 0, "no row is positive"
	}
	var tp, all, before, total float64
	for k, i := range s.order {
		if all += w[i]; s.Actual[i] == 1 {
			tp += w[i]
		}
		last := k == len(s.order)-1 || s.Score[i] != s.Score[s.order[k+1]]
		if last && all > 0 {
			total += float64((tp - before) / positives * (tp / all))
			before = tp
		}
	}
	return total, ""
}

// logLoss clips probabilities to [epsilon, 1-epsilon] and then makes them sum to 1, as scikit-learn 1.2 does.
func logLoss(_ *Metric, s *Sample, w []float64) (float64, string) {
	var total, weights float64
	for i, wi := range w {
		if wi == 0 {
			continue
		}
		total -= float64(wi * s.logLikelihood(i))
		weights += wi
	}
	return total / weights, ""
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

func clip(p float64) float64 { return min(max(p, epsilon), 1-epsilon) }

func logLossRatio(s *Sample) ratio {
	return ratio{num: func(i int) float64 { return -s.logLikelihood(i) }}
}

func brierScore(_ *Metric, s *Sample, w []float64) (float64, string) {
	return s.mean(w, brierRatio(s).num), ""
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
