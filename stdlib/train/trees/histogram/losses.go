package histogram

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// Losses of amounts, beside the squared error. q is a row's margin and y its target; where the link is the logarithm exp(q) is what is predicted, else q.
//
//	AbsoluteError   |y - q|
//	QuantileError   a (y - q) above the prediction, (1 - a) (q - y) below: the pinball loss
//	PseudoHuber     (y - q)²/2 up to an error of d, and d (|y - q| - d/2) beyond: Huber's own loss
//	Poisson         exp(q) - y q
//	Gamma           q + y exp(-q)
//	Tweedie         exp((2-p) q)/(2-p) - y exp((1-p) q)/(1-p), p the power of the variance
//
// Of the last three a row's figure is its deviance, which is twice the loss less its least value, as in scikit-learn's mean_tweedie_deviance.

// logLink reports whether exp(margin) is what is predicted.
func (o objective) logLink() bool {
	return o.kind == xgboost.Poisson || o.kind == xgboost.Gamma || o.kind == xgboost.Tweedie
}

// refits reports whether the leaves are weighed anew once a tree is grown (grower.refit).
func (o objective) refits() bool {
	return o.kind == xgboost.AbsoluteError || o.kind == xgboost.QuantileError || o.kind == xgboost.PseudoHuber
}

// derivative is the first and second one of a loss. Losses whose leaves are weighed anew count rows by 1; Poisson's second derivative is taken max_delta_step above the
// prediction, which keeps steps short, as in XGBoost.
func (o objective) derivative(q, y float64) (g, h float64) {
	switch o.kind {
	case xgboost.AbsoluteError:
		return is(q > y) - is(q < y), 1
	case xgboost.QuantileError:
		return float64((1-o.quantile)*is(q > y)) - float64(o.quantile*is(q < y)), 1
	case xgboost.PseudoHuber:
		return min(max(q-y, -o.slope), o.slope), 1
	case xgboost.Poisson:
		return math.Exp(q) - y, max(math.Exp(q+o.step), smallest)
	case xgboost.Gamma:
		x := float64(y * math.Exp(-q))
		return 1 - x, max(x, smallest)
	}
	less, more := float64(y*math.Exp((1-o.power)*q)), math.Exp((2-o.power)*q)
	return more - less, max(float64((o.power-1)*less)+float64((2-o.power)*more), smallest)
}

// loss of a row; see above.
func (o objective) loss(q, y float64) float64 {
	d := q - y
	switch o.kind {
	case xgboost.AbsoluteError:
		return math.Abs(d)
	case xgboost.QuantileError:
		return max(-o.quantile*d, (1-o.quantile)*d)
	case xgboost.PseudoHuber:
		if e := math.Abs(d); e > o.slope {
			return o.slope * (e - float64(o.slope/2))
		}
		return d * d / 2
	case xgboost.Poisson:
		if y == 0 {
			return 2 * math.Exp(q)
		}
		return 2 * (float64(y*(math.Log(y)-q)) - y + math.Exp(q))
	case xgboost.Gamma:
		return 2 * (q - math.Log(y) + float64(y*math.Exp(-q)) - 1)
	case xgboost.Tweedie:
		a, b := 1-o.power, 2-o.power
		return 2 * (math.Pow(y, b)/(a*b) - float64(y*math.Exp(a*q))/a + math.Exp(b*q)/b)
	}
	return float64(d * d)
}

// write puts the objective into the model, under a name that XGBoost 1.7 has. It has none for quantiles; that of the absolute error makes the same predictions of the same
// margins, and which quantile it is stands among the attributes.
func (o objective) write(m *xgboost.Model) {
	text := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	m.Objective = o.kind
	switch o.kind {
	case xgboost.QuantileError:
		m.Objective = xgboost.AbsoluteError
		m.Attributes["quantile_alpha"] = text(o.quantile)
	case xgboost.PseudoHuber:
		m.ObjectiveParam = map[string]string{"huber_slope": text(o.slope)}
	case xgboost.Poisson:
		m.ObjectiveParam = map[string]string{"max_delta_step": text(o.step)}
	case xgboost.Tweedie:
		m.ObjectiveParam = map[string]string{"tweedie_variance_power": text(o.power)}
	}
}

// weighed is a value with the weight of its row.
type weighed struct{ value, weight float64 }

// ranked are values in their order, with their weights; nil: all 1.
func ranked(values, weights []float64) []weighed {
	out := make([]weighed, len(values))
	for r, x := range values {
		out[r] = weighed{x, weightOf(weights, r)}
	}
	slices.SortStableFunc(out, byValue)
	return out
}

func byValue(a, b weighed) int { return cmp.Compare(a.value, b.value) }

// quantileOf is where the pinball loss of the values, which ascend, is least: the first one that a share q of the weight lies at or below, and where it is just that share, the
// middle between it and the next that has weight. Of 1, 2, 3, 10 the median is 2.5 and the 0.9 quantile 10. A row of weight 2 counts like two rows. 0 of nothing.
func quantileOf(values []weighed, q float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v.weight
	}
	below, want := 0.0, q*total
	for i, v := range values {
		if below += v.weight; v.weight == 0 || below < want {
			continue
		}
		if below > want {
			return v.value
		}
		for _, next := range values[i+1:] {
			if next.weight > 0 {
				return (v.value + next.value) / 2
			}
		}
		return v.value
	}
	if len(values) == 0 {
		return 0
	}
	return values[len(values)-1].value
}

// huberStep is Friedman's for a leaf: the median of the residuals, and the mean of what they are off it, each by at most slope.
func huberStep(residuals []weighed, slope float64) float64 {
	median := quantileOf(residuals, 0.5)
	var total, weight float64
	for _, v := range residuals {
		total += float64(v.weight * min(max(v.value-median, -slope), slope))
		weight += v.weight
	}
	if weight == 0 {
		return median
	}
	return median + total/weight
}

// refit weighs the leaves of the tree just grown by the residuals of their rows, within their bounds.
func (g *grower) refit(t *tree, s *scored) {
	o := s.objective
	parallel(g.params.Threads, len(t.nodes), func(i int) {
		n := &t.nodes[i]
		if !n.leaf() {
			return
		}
		residuals := make([]weighed, 0, n.rows.end-n.rows.start)
		for _, r := range g.rows[n.rows.start:n.rows.end] {
			residuals = append(residuals, weighed{s.target[r] - float64(s.margins[0][r]), weightOf(s.weight, int(r))})
		}
		slices.SortStableFunc(residuals, byValue)
		w := 0.0
		if o.kind == xgboost.PseudoHuber {
			w = huberStep(residuals, o.slope)
		} else {
			w = quantileOf(residuals, o.quantile)
		}
		if g.params.MaxDeltaStep > 0 {
			w = min(max(w, -g.params.MaxDeltaStep), g.params.MaxDeltaStep)
		}
		n.value = float32(n.bounds.clip(w) * g.params.LearningRate)
	})
}
