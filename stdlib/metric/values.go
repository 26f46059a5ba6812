package metric

import "math"

func meanAbsoluteError(_ *Metric, s *Sample, w []float64) (float64, string) {
	return s.mean(w, s.err), ""
}

func meanSquaredError(_ *Metric, s *Sample, w []float64) (float64, string) {
	return s.mean(w, func(i int) float64 { e := s.err(i); return e * e }), ""
}

func rootMeanSquaredError(m *Metric, s *Sample, w []float64) (float64, string) {
	x, undefined := meanSquaredError(m, s, w)
	return math.Sqrt(x), undefined
}

// meanAbsolutePercentageError divides by the actual value, but not by less than epsilon, as scikit-learn does: an
// actual 0 gives a huge number.
func meanAbsolutePercentageError(_ *Metric, s *Sample, w []float64) (float64, string) {
	return s.mean(w, func(i int) float64 { return s.err(i) / max(math.Abs(s.Actual[i]), epsilon) }), ""
}

// medianAbsoluteError takes no weights of rows, only how often a resample has drawn each.
func medianAbsoluteError(_ *Metric, s *Sample, w []float64) (float64, string) {
	if s.Weight != nil {
		return 0, "median_absolute_error takes no weights"
	}
	half, below := sum(w)/2, 0.0
	for k, i := range s.errors {
		below += w[i]
		if below > half {
			return s.err(i), ""
		}
		if below == half && w[i] > 0 {
			return (s.err(i) + s.nextError(k+1, w)) / 2, ""
		}
	}
	return 0, "no rows"
}

// nextError is the smallest error from position k on that counts.
func (s *Sample) nextError(k int, w []float64) float64 {
	for ; k < len(s.errors); k++ {
		if w[s.errors[k]] > 0 {
			break
		}
	}
	return s.err(s.errors[k])
}

func maxError(_ *Metric, s *Sample, w []float64) (float64, string) {
	for k := len(s.errors) - 1; k >= 0; k-- {
		if w[s.errors[k]] > 0 {
			return s.err(s.errors[k]), ""
		}
	}
	return 0, "no rows"
}

func r2(m *Metric, s *Sample, w []float64) (float64, string) {
	mean := s.mean(w, func(i int) float64 { return s.Actual[i] })
	var residual, total float64
	rows := 0
	for i, wi := range w {
		if wi == 0 {
			continue
		}
		e, d := s.err(i), s.Actual[i]-mean
		residual += float64(wi * e * e)
		total += float64(wi * d * d)
		rows++
	}
	if rows < 2 {
		return 0, "fewer than two rows"
	}
	if total == 0 {
		return m.ratio(0, 0, "the actual values are all the same")
	}
	return 1 - residual/total, ""
}

func meanPrediction(_ *Metric, s *Sample, w []float64) (float64, string) {
	return s.mean(w, func(i int) float64 { return s.Predicted[i] }), ""
}
