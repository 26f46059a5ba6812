package histogram

import (
	"math"
	"math/bits"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// objective is the loss that is brought down.
type objective struct {
	kind     xgboost.Objective
	groups   int     // margins of a row
	quantile float64 // of AbsoluteError 0.5
	slope    float64 // of Huber's loss
	power    float64 // of Tweedie's variance
	step     float64 // of Poisson: the second derivative is taken so far above the prediction
}

// smallest is the least second derivative, XGBoost's kRtEps.
const smallest = 1e-16

// base is the prediction before the first tree: the weighted mean of the target; its quantile where that is what is predicted, or the median for Huber's
// loss; 0.5 with several classes, where it has no effect.
func (o objective) base(target, weights []float64) float32 {
	switch o.kind {
	case xgboost.Softmax:
		return 0.5
	case xgboost.AbsoluteError, xgboost.QuantileError:
		return float32(quantileOf(ranked(target, weights), o.quantile))
	case xgboost.PseudoHuber:
		return float32(quantileOf(ranked(target, weights), 0.5))
	}
	var total, weight float64
	for r, y := range target {
		w := weightOf(weights, r)
		total += float64(w * y)
		weight += w
	}
	mean := total / weight
	if weight == 0 {
		mean = 0
	}
	switch {
	case o.kind == xgboost.Logistic:
		mean = min(max(mean, 1e-6), 1-1e-6)
	case o.logLink():
		mean = max(mean, math.SmallestNonzeroFloat32)
	}
	return float32(mean)
}

// leastGain is XGBoost's bound of 1e-6 below which a gain counts as rounding. A squared error is as small as the unit of the
// target makes it, so there the bound goes by the largest error before the first tree, if that is below 1.
func (o objective) leastGain(base float32, target []float64) float64 {
	const bound = 1e-6
	top := 0.0
	switch o.kind {
	case xgboost.SquaredError:
	case xgboost.PseudoHuber:
		return bound * min(float64(o.slope*o.slope), 1)
	default:
		return bound
	}
	for _, y := range target {
		top = max(top, math.Abs(y-float64(base)))
	}
	return bound * min(top*top, 1)
}

// weightOf is a row's weight; nil: all rows count once.
func weightOf(weight []float64, r int) float64 {
	if weight == nil {
		return 1
	}
	return weight[r]
}

// margin of a base score, computed as scoring does.
func (o objective) margin(base float32) float32 {
	switch {
	case o.kind == xgboost.Logistic:
		return float32(-math.Log(float64(1/base - 1)))
	case o.logLink():
		return float32(math.Log(float64(base)))
	}
	return base
}

// sum of first and second derivatives, in units of a scale.
type sum struct{ g, h int64 }

func (s sum) plus(t sum) sum  { return sum{s.g + t.g, s.h + t.h} }
func (s sum) minus(t sum) sum { return sum{s.g - t.g, s.h - t.h} }

// scale holds the units; powers of two. It is not finite where derivatives are not.
type scale struct{ g, h float64 }

func (s scale) finite() bool { return s.g > 0 && s.h > 0 && !math.IsInf(s.g, 0) && !math.IsInf(s.h, 0) }

// blockRows is how many rows a task takes at a time.
const blockRows = 4096

// predict computes what the margins say of each row, once for all classes: derivatives of every class need it. It is the
// value, the probability, or that of each class.
func (s *scored) predict(threads int) {
	n := len(s.target)
	if s.predicted == nil {
		s.predicted = make([][]float64, s.objective.groups)
		for g := range s.predicted {
			s.predicted[g] = make([]float64, n)
		}
	}
	parallel(threads, (n+blockRows-1)/blockRows, func(b int) {
		s.predictBlock(b*blockRows, min((b+1)*blockRows, n))
	})
}

// predictBlock turns the margins of rows start to end into predictions: probabilities for classes, the margin itself for
// numbers.
func (s *scored) predictBlock(start, end int) {
	switch s.objective.kind {
	case xgboost.Logistic:
		for r := start; r < end; r++ {
			s.predicted[0][r] = sigmoid(s.margins[0][r])
		}
	case xgboost.Softmax:
		row, p := make([]float32, s.objective.groups), make([]float64, s.objective.groups)
		for r := start; r < end; r++ {
			s.probabilities(r, row, p)
			for g := range p {
				s.predicted[g][r] = p[g]
			}
		}
	default:
		for r := start; r < end; r++ {
			s.predicted[0][r] = float64(s.margins[0][r])
		}
	}
}

// derivatives computes those of one class for each row into out, from what was predicted, and their sum.
func (s *scored) derivatives(group int, out []sum, threads int) (scale, sum) {
	n := len(s.target)
	blocks := (n + blockRows - 1) / blockRows
	tops := make([]scale, blocks)
	parallel(threads, blocks, func(b int) {
		tops[b] = s.derivativesOf(group, out, b*blockRows, min((b+1)*blockRows, n))
	})
	var top scale
	for _, t := range tops {
		top.g, top.h = max(top.g, t.g), max(top.h, t.h)
	}
	if !(top.g < math.MaxFloat64 && top.h < math.MaxFloat64) {
		clear(out)
		return scale{math.Inf(1), math.Inf(1)}, sum{}
	}
	// The sum of n numbers up to 2^e, in units of 2^(e-k), stays below n·2^k, which is below 2^62. With n = 4 and
	// derivatives of at most 5, e is 3, k is 59, and the unit 2^-56.
	k := 62 - bits.Len(uint(n))
	_, eg := math.Frexp(top.g)
	_, eh := math.Frexp(top.h)
	const most = 1000 // keeps units of vanishing derivatives from overflowing
	up := scale{math.Ldexp(1, min(k-eg, most)), math.Ldexp(1, min(k-eh, most))}
	parts := make([]sum, blocks)
	parallel(threads, blocks, func(b int) {
		var part sum
		block := out[b*blockRows : min((b+1)*blockRows, n)]
		for i := range block {
			g, h := math.Float64frombits(uint64(block[i].g)), math.Float64frombits(uint64(block[i].h))
			block[i] = sum{int64(g * up.g), int64(h * up.h)}
			part = part.plus(block[i])
		}
		parts[b] = part
	})
	return scale{1 / up.g, 1 / up.h}, totalOf(parts)
}

// totalOf adds up.
func totalOf(parts []sum) (total sum) {
	for _, part := range parts {
		total = total.plus(part)
	}
	return total
}

// derivativesOf computes those of rows start to end, as the bits of floats until their unit is known, and returns the greatest.
func (s *scored) derivativesOf(group int, out []sum, start, end int) (top scale) {
	predicted, target, out := s.predicted[group][start:end], s.target[start:end], out[start:end]
	softmax := s.objective.kind == xgboost.Softmax && s.weight == nil
	for i, q := range predicted {
		var g, h float64
		if softmax {
			g, h = softmaxDerivative(q, int(target[i]) == group)
		} else {
			g, h = s.derivative(group, start+i)
		}
		out[i] = sum{int64(math.Float64bits(g)), int64(math.Float64bits(h))}
		top.g, top.h = max(top.g, math.Abs(g)), max(top.h, h)
	}
	return top
}

// softmaxDerivative is that of a class whose probability is q.
func softmaxDerivative(q float64, isIt bool) (g, h float64) {
	return q - is(isIt), max(2*q*(1-q), smallest)
}

// derivative is the first and second one of the loss of a row.
func (s *scored) derivative(group, r int) (g, h float64) {
	q, y := s.predicted[group][r], s.target[r]
	switch s.objective.kind {
	case xgboost.Logistic:
		g, h = q-y, max(q*(1-q), smallest)
	case xgboost.Softmax:
		g, h = softmaxDerivative(q, int(y) == group)
	case xgboost.SquaredError:
		g, h = q-y, 1
	default:
		g, h = s.objective.derivative(q, y)
	}
	if s.weight != nil {
		g *= s.weight[r]
		h *= s.weight[r]
	}
	return g, h
}

// sigmoid is the probability of a margin.
func sigmoid(margin float32) float64 { return 1 / (1 + math.Exp(-float64(margin))) }

func is(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// probabilities of all classes in a row into p; row is scratch, both of one element a class.
func (s *scored) probabilities(r int, row []float32, p []float64) {
	for c := range row {
		row[c] = s.margins[c][r]
	}
	xgboost.Softmax64(row, p)
}

// loss is the weighted mean of the rows' losses, of a squared error its root. Blocks are added up in their order.
func (s *scored) loss(threads int) float64 {
	n := len(s.target)
	blocks := (n + blockRows - 1) / blockRows
	losses, weights := make([]float64, blocks), make([]float64, blocks)
	parallel(threads, blocks, func(b int) {
		row, p := make([]float32, s.objective.groups), make([]float64, s.objective.groups)
		for r := b * blockRows; r < min((b+1)*blockRows, n); r++ {
			w := weightOf(s.weight, r)
			losses[b] += float64(w * s.rowLoss(r, row, p))
			weights[b] += w
		}
	})
	var loss, weight float64
	for b := range losses {
		loss += losses[b]
		weight += weights[b]
	}
	if s.objective.kind == xgboost.SquaredError {
		return math.Sqrt(loss / weight)
	}
	return loss / weight
}

// rowLoss is the loss of a row. row and p are space for Softmax.
func (s *scored) rowLoss(r int, row []float32, p []float64) float64 {
	y := s.target[r]
	switch s.objective.kind {
	case xgboost.Logistic:
		// log(1 + exp(-m)) for positives, log(1 + exp(m)) for negatives, without overflow.
		m := float64(s.margins[0][r])
		if y > 0.5 {
			m = -m
		}
		return max(m, 0) + math.Log1p(math.Exp(-math.Abs(m)))
	case xgboost.Softmax:
		s.probabilities(r, row, p)
		return -math.Log(max(p[int(y)], smallest))
	}
	return s.objective.loss(float64(s.margins[0][r]), y)
}
