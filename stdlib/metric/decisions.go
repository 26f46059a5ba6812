package metric

import "math"

// matrix is a confusion matrix of weights: cells[actual*k+predicted].
type matrix struct {
	k     int
	names []string // of the classes; may be nil
	cells []float64
}

func (c matrix) at(actual, predicted int) float64 { return c.cells[actual*c.k+predicted] }

// support is the weight of a class among the actual ones.
func (c matrix) support(class int) float64 { return sum(c.cells[class*c.k : (class+1)*c.k]) }

// predicted is the weight of a class among the predicted ones.
func (c matrix) predicted(class int) float64 {
	var s float64
	for a := range c.k {
		s += c.at(a, class)
	}
	return s
}

func (c matrix) total() float64 { return sum(c.cells) }

// right is the weight of the rows that are predicted as they are.
func (c matrix) right() float64 {
	var s float64
	for i := range c.k {
		s += c.at(i, i)
	}
	return s
}

// accuracy is the share of rows that are predicted as they are.
func accuracy(_ *Metric, c matrix) (float64, string) { return c.right() / c.total(), "" }

// balancedAccuracy averages over the classes that occur, as scikit-learn does.
func balancedAccuracy(_ *Metric, c matrix) (float64, string) {
	var s, n float64
	for i := range c.k {
		if p := c.support(i); p > 0 {
			s, n = s+c.at(i, i)/p, n+1
		}
	}
	return s / n, ""
}

// precision is TP / (TP + FP), as scikit-learn's precision_score; of a class that is never predicted undefined, or
// zero_division.
func precision(m *Metric, c matrix) (float64, string) {
	return m.averaged(c, func(tp, _, predicted float64, class string) (float64, string) {
		return m.ratio(tp, predicted, "no row is predicted "+class)
	})
}

// recall is TP / (TP + FN), as scikit-learn's recall_score; of a class that no row has undefined, or zero_division.
func recall(m *Metric, c matrix) (float64, string) {
	return m.averaged(c, func(tp, support, _ float64, class string) (float64, string) {
		return m.ratio(tp, support, "no row is "+class)
	})
}

// f1 is 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall.
func f1(m *Metric, c matrix) (float64, string) {
	return m.averaged(c, func(tp, support, predicted float64, class string) (float64, string) {
		return m.ratio(2*tp, support+predicted, "no row is or is predicted "+class)
	})
}

// averaged applies a score of one class to the positive class, to all together (micro), or to each and averages.
func (m *Metric) averaged(c matrix, score func(tp, support, predicted float64, class string) (float64, string)) (float64, string) {
	switch m.Average {
	case "", "binary":
		return score(c.at(1, 1), c.support(1), c.predicted(1), "positive")
	case "micro":
		return score(c.right(), c.total(), c.total(), "of any class")
	}
	// Classes without rows have no weight in a weighted average; in macro each counts as 1. One that is undefined makes the
	// average undefined.
	var s, weights float64
	for i := range c.k {
		weight := 1.0
		if m.Average == "weighted" {
			weight = c.support(i)
		}
		if weight == 0 {
			continue
		}
		x, undefined := score(c.at(i, i), c.support(i), c.predicted(i), "of "+name(c.names, i))
		if undefined != "" {
			return 0, undefined
		}
		s, weights = s+float64(x*weight), weights+weight
	}
	return s / weights, ""
}

// truePositiveRate is TP / (TP + FN), sensitivity; with falseNegativeRate it makes 1.
func truePositiveRate(m *Metric, c matrix) (float64, string) {
	return m.ratio(c.at(1, 1), c.support(1), "no row is positive")
}

// falseNegativeRate is FN / (TP + FN): the positives that are missed.
func falseNegativeRate(m *Metric, c matrix) (float64, string) {
	return m.ratio(c.at(1, 0), c.support(1), "no row is positive")
}

// falsePositiveRate is FP / (FP + TN): the negatives that are alarmed of.
func falsePositiveRate(m *Metric, c matrix) (float64, string) {
	return m.ratio(c.at(0, 1), c.support(0), "no row is negative")
}

// trueNegativeRate is TN / (FP + TN), specificity.
func trueNegativeRate(m *Metric, c matrix) (float64, string) {
	return m.ratio(c.at(0, 0), c.support(0), "no row is negative")
}

// negativePredictiveValue is TN / (TN + FN): precision of the negative class.
func negativePredictiveValue(m *Metric, c matrix) (float64, string) {
	return m.ratio(c.at(0, 0), c.predicted(0), "no row is predicted negative")
}

// selectionRate is the share of rows that are predicted positive.
func selectionRate(_ *Metric, c matrix) (float64, string) { return c.predicted(1) / c.total(), "" }

// matthews is the R_K statistic (Gorodkin 2004), which for two classes is Matthews' correlation coefficient.
func matthews(m *Metric, c matrix) (float64, string) {
	n := c.total()
	var cross, actual, predicted float64
	for i := range c.k {
		t, p := c.support(i)/n, c.predicted(i)/n
		cross += float64(t * p)
		actual += float64(t * t)
		predicted += float64(p * p)
	}
	// A single class leaves no spread, though rounding may leave something of it.
	if one(c.k, c.support) >= 0 || one(c.k, c.predicted) >= 0 {
		return m.ratio(0, 0, "actual or predicted values are all of one class")
	}
	return m.ratio(c.right()/n-cross, math.Sqrt(float64((1-actual)*(1-predicted))), "actual or predicted values are all of one class")
}

// one is the only class that has weight; negative: there are several, or none.
func one(k int, weight func(class int) float64) int {
	out := -1
	for i := range k {
		switch {
		case weight(i) == 0:
		case out >= 0:
			return -1
		default:
			out = i
		}
	}
	return out
}

// cohenKappa is (agreement - chance) / (1 - chance), where chance is the agreement of independent draws with the same shares
// (Cohen 1960). That both sides have one class alone is asked directly: 1 - chance would be rounding.
func cohenKappa(m *Metric, c matrix) (float64, string) {
	n := c.total()
	var chance float64
	for i := range c.k {
		chance += float64(c.support(i) / n * (c.predicted(i) / n))
	}
	den := 1 - chance
	if i := one(c.k, c.support); i >= 0 && i == one(c.k, c.predicted) {
		den = 0
	}
	return m.ratio(c.right()/n-chance, den, "actual and predicted values are all of one class")
}
