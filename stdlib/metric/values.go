package metric

import "math"

// Metrics of a regression's errors. What has a Ratio beside it is a mean over rows, or a function of one, and gets its interval
// from the rows that the mean is of.
//
// meanAbsoluteError is Σ w|actual - predicted| / Σ w, in the target's unit.
func meanAbsoluteError(_ *Metric, s *Sample, w []float64) (float64, string) {
	return s.mean(w, absoluteRatio(s).num), ""
}

func absoluteRatio(s *Sample) ratio { return ratio{num: s.err} }

// meanSquaredError is in the square of the target's unit.
func meanSquaredError(_ *Metric, s *Sample, w []float64) (float64, string) {
	return s.mean(w, squaredRatio(s).num), ""
}

func squaredRatio(s *Sample) ratio {
	return ratio{num: func(i int) float64 { e := s.err(i); return e * e }}
}

// rootMeanSquaredError is in the target's unit.
func rootMeanSquaredError(m *Metric, s *Sample, w []float64) (float64, string) {
	x, undefined := meanSquaredError(m, s, w)
	return math.Sqrt(x), undefined
}

// rootRatio is the mean of squares under a root: its interval is that of the mean, with the root taken of both ends.
func rootRatio(s *Sample) ratio { return ratio{num: squaredRatio(s).num, link: root} }

// meanAbsolutePercentageError divides by the actual value, but not by less than epsilon, as scikit-learn does: an
// actual 0 gives a huge number.
func meanAbsolutePercentageError(_ *Metric, s *Sample, w []float64) (float64, string) {
	return s.mean(w, percentageRatio(s).num), ""
}

func percentageRatio(s *Sample) ratio {
	return ratio{num: func(i int) float64 { return s.err(i) / max(math.Abs(s.Actual[i]), epsilon) }}
}

// weightedAbsolutePercentageError is Σ w|actual - predicted| / Σ w|actual|: the percentage errors weighted by the actual values (Kolassa and Schütz 2007), so
// that rows of 0 have no huge ones.
func weightedAbsolutePercentageError(m *Metric, s *Sample, w []float64) (float64, string) {
	var errors, actual float64
	for i, wi := range w {
		if wi != 0 {
			errors += float64(wi * s.err(i))
			actual += float64(wi * math.Abs(s.Actual[i]))
		}
	}
	return m.ratio(errors, actual, "the actual values are all 0")
}

func weightedPercentageRatio(s *Sample) ratio {
	return ratio{num: s.err, den: func(i int) float64 { return math.Abs(s.Actual[i]) }}
}

// medianAbsoluteError takes no weights of rows, only how often a resample has drawn each.
func medianAbsoluteError(_ *Metric, s *Sample, w []float64) (float64, string) {
	if s.Weight != nil {
		return 0, "median_absolute_error takes no weights"
	}
	half, below := sum(w)/2, 0.0
	for k, i := range s.errors() {
		below += w[i]
		if below > half {
			return s.err(int(i)), ""
		}
		if below == half && w[i] > 0 {
			return (s.err(int(i)) + s.nextError(k+1, w)) / 2, ""
		}
	}
	return 0, "no rows"
}

// nextError is the smallest error from position k on that counts.
func (s *Sample) nextError(k int, w []float64) float64 {
	errors := s.errors()
	for ; k < len(errors); k++ {
		if w[errors[k]] > 0 {
			break
		}
	}
	return s.err(int(errors[k]))
}

// maxError is the greatest error of a row that counts. errors are rows sorted by error, so that of a resample the last with
// a weight is it.
func maxError(_ *Metric, s *Sample, w []float64) (float64, string) {
	errors := s.errors()
	for k := len(errors) - 1; k >= 0; k-- {
		if w[errors[k]] > 0 {
			return s.err(int(errors[k])), ""
		}
	}
	return 0, "no rows"
}

// r2 of actual values that are all the same is undefined: a deviation that is only rounding is none.
func r2(m *Metric, s *Sample, w []float64) (float64, string) {
	mean := s.meanActual(w)
	// squares is the scale that total is compared with: values that differ only by rounding have no spread.
	var residual, total, squares float64
	rows := 0
	for i, wi := range w {
		if wi == 0 {
			continue
		}
		e, d := s.err(i), s.Actual[i]-mean
		residual += float64(wi * e * e)
		total += float64(wi * d * d)
		squares += float64(wi * s.Actual[i] * s.Actual[i])
		rows++
	}
	if rows < 2 {
		return 0, "fewer than two rows"
	}
	if total <= float64(rounding*rounding*squares) {
		return m.ratio(0, 0, "the actual values are all the same")
	}
	return 1 - residual/total, ""
}

// rounding is how far, relative to their size, numbers may lie apart that were meant to be the same: a few units in
// the last place, as of 0.1 + 0.2 and 0.3.
const rounding = 4 * epsilon

// meanActual is the mean of the actual values, found from one of them: of values that are all the same it is that value
// to the last digit, which a sum divided by a number is not.
func (s *Sample) meanActual(w []float64) float64 {
	var first float64
	for i, wi := range w {
		if wi != 0 {
			first = s.Actual[i]
			break
		}
	}
	return first + s.mean(w, func(i int) float64 { return s.Actual[i] - first })
}

// r2Ratio is 1 - SSR/SST as a ratio. The mean is that of the whole sample, also on resamples.
func r2Ratio(s *Sample) ratio {
	mean := s.meanActual(s.weights)
	return ratio{num: squaredRatio(s).num, den: func(i int) float64 { d := s.Actual[i] - mean; return d * d }, link: complement}
}

// meanPrediction looks at no actual value: between groups it shows how far the predictions themselves lie apart.
func meanPrediction(_ *Metric, s *Sample, w []float64) (float64, string) {
	return s.mean(w, predictionRatio(s).num), ""
}

func predictionRatio(s *Sample) ratio {
	return ratio{num: func(i int) float64 { return s.Predicted[i] }}
}
